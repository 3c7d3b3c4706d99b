# SPDX-License-Identifier: Apache-2.0
"""What the end-to-end tests share: a World is one user's machine as scc sees it (home, directories, configuration, sandboxes),
made for one test and removed with everything that scc made in it. The tests look at the engine with the `docker` command,
never with scc's own eyes (or `podman`, where a test says so).

Environment: SCC_E2E_ROOT (made by fixture.py), SCC_REQUIRE_ENGINES=1 (a test that would skip fails).
"""
import contextlib
import fcntl
import functools
import hashlib
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SOURCE = os.path.dirname(os.path.dirname(HERE))
ROOT = os.environ.get("SCC_E2E_ROOT", "/tmp/scc-e2e")
PREFIX = os.path.join(ROOT, "prefix")
SCC = os.path.join(PREFIX, "bin", "scc")
PLUGINS = os.path.join(ROOT, "plugins")
CHECKS = os.path.join(ROOT, "checks")  # plugins with safety checks, which nobody trusts yet
SCHEMAS = os.path.join(SOURCE, "sdk", "share", "schemas")
LAB = os.path.join(SOURCE, "tests", "support", "model_api", "lab.py")
SOCKET = "/var/run/docker.sock"


def engines_required():
    return os.environ.get("SCC_REQUIRE_ENGINES", "") not in ("", "0")


@functools.lru_cache(None)
def engine_answers():
    try:
        return subprocess.run(["docker", "version"], capture_output=True, timeout=30, check=False).returncode == 0
    except FileNotFoundError:
        return False


@functools.lru_cache(None)
def podman_answers():
    """Root's Podman, which needs no service to run: scc starts one when it needs it."""
    if not shutil.which("podman") or not have_root():
        return False
    return as_root("podman", "version", check=False).returncode == 0


@functools.lru_cache(None)
def root_prefix():
    """Words to put before a command that needs root; () as root, and where root cannot be had."""
    if os.geteuid() == 0:
        return ()
    can = subprocess.run(["sudo", "-n", "true"], capture_output=True, check=False).returncode == 0 \
        if shutil.which("sudo") else False
    return ("sudo", "-n", "--") if can else ()


def have_root():
    return os.geteuid() == 0 or bool(root_prefix())


def as_root(*argv, check=True):
    return subprocess.run((*root_prefix(), *argv), capture_output=True, text=True, check=check)


def engine(name, *argv, check=True):
    """The engine's own command: root's Podman, Docker, or the Docker behind a socket (unix://...)."""
    command = {"podman": (*root_prefix(), "podman"), "docker": ("docker",)}.get(name, ("docker", "--host", name))
    done = subprocess.run((*command, *argv), capture_output=True, text=True, check=False, timeout=120)
    if check and done.returncode:
        raise AssertionError(f"{name} {' '.join(argv)}: {done.stderr.strip()}")
    return done.stdout


def docker(*argv, check=True):
    return engine("docker", *argv, check=check)


def wait_for(condition, seconds=20, what="the condition"):
    """Polls until condition() is true and returns its value; a failure after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what} did not come true within {seconds} s")
        time.sleep(0.03)


class Done:
    """A finished command."""

    def __init__(self, argv, code, out, err):
        self.argv, self.code, self.raw_out, self.raw_err = argv, code, out, err
        self.out, self.err = out.decode("utf-8", "backslashreplace"), err.decode("utf-8", "backslashreplace")

    def envelope(self):
        """stdout as one JSON envelope and nothing else."""
        return json.loads(self.out)

    @property
    def data(self):
        return self.envelope()["data"]

    def __repr__(self):
        return f"{self.argv}\nexit {self.code}\n--- stdout\n{self.out}\n--- stderr\n{self.err}"


class World:
    """One user's machine. `uid` None: who runs the tests. The sandboxes are made by `engine`: docker, podman, or unix://PATH."""

    def __init__(self, uid=None, plugins=True, engine="docker"):
        self.engine_name = engine
        runtime = "docker" if engine.startswith("unix://") else engine
        self.me = os.geteuid()
        self.uid = self.me if uid is None else uid
        self.engine_group = os.stat(SOCKET).st_gid if os.path.exists(SOCKET) else None
        self.suffix = "e2e-" + secrets.token_hex(5)
        self.dir = os.path.realpath(tempfile.mkdtemp(prefix="scc-e2e-"))
        os.chmod(self.dir, 0o755)
        self.home = os.path.join(self.dir, "home")
        self.make_dir(self.home, 0o711)  # so that the tests can look at what lies in it
        self.run_dir = self.make_dir(os.path.join(self.dir, "run"), 0o700)
        if self.uid != self.me and self.me != 0:  # a stranger's directory above its own is refused by scc
            as_root("chown", "0:0", self.dir)
        self.src = self.make_dir(os.path.join(self.home, "src"), 0o755)
        self.state = os.path.join(self.home, ".local", "state", "scc")
        self.config_dir = os.path.join(self.home, ".config", "scc")
        self.children = []
        self.env = {"PATH": f"{PREFIX}/bin:/usr/local/bin:/usr/bin:/bin", "HOME": self.home, "LANG": "C.UTF-8",
                    "XDG_RUNTIME_DIR": self.run_dir, "TERM": "xterm", "SCC_NO_PROGRESS": "1"}
        self.env["SCC_RUNTIME"] = runtime  # whatever else is installed
        if runtime != engine:
            self.env["DOCKER_HOST"] = engine
        self.settings = {"selected_provider": "command", "credentials": {"volume": self.suffix}}
        self.write_config()
        if plugins:
            self.env["SCC_PLUGIN_PATH"] = PLUGINS
            done = self.scc("plugin", "trust", "command", "--yes")
            if done.code:
                raise AssertionError(f"the tests' provider cannot be trusted: {done}")

    # ---- files ----

    def own(self, path):
        """Gives a path to the user of this world."""
        if self.uid != self.me:
            as_root("chown", "-h", f"{self.uid}:{self.uid}", path)

    def make_dir(self, path, mode=0o755):
        """A directory of this world's user, with what is missing above it."""
        if self.uid != self.me and self.me != 0 and path.startswith(self.home + "/"):
            done = subprocess.run((*self.become({"PATH": "/usr/bin:/bin"}), "sh", "-c", 'mkdir -p "$1" && chmod "$2" "$1"', "sh",
                                   path, f"{mode:o}"), capture_output=True, text=True, check=False)
            if done.returncode:
                raise AssertionError(f"making {path}: {done.stderr}")
        elif not os.path.isdir(path):
            if not os.path.isdir(os.path.dirname(path)):
                self.make_dir(os.path.dirname(path))
            os.mkdir(path, mode)
            os.chmod(path, mode)
            self.own(path)
        return path

    def write(self, path, text, mode=0o644):
        """Writes a file as the world's user."""
        data = text.encode() if isinstance(text, str) else text
        self.make_dir(os.path.dirname(path))
        done = subprocess.run((*self.become(self.env), "sh", "-c", 'umask 077; cat >"$1" && chmod "$2" "$1"', "sh", path,
                               f"{mode:o}"), input=data, capture_output=True, check=False, **self.identity())
        if done.returncode:
            raise AssertionError(f"writing {path}: {done.stderr.decode()}")
        return path

    def write_config(self, **changes):
        self.settings.update(changes)
        self.make_dir(self.config_dir, 0o700)
        self.write(os.path.join(self.config_dir, "config.json"), json.dumps(self.settings), 0o600)

    def repo(self, name="repo", owner=None, parent=None, files=None):
        """A git repository with one commit, of the world's user or of `owner`."""
        path = os.path.join(parent or self.src, name)
        self.make_dir(path)
        files = {"README.md": "# A repository\n", "a.txt": "one\n"} if files is None else files
        for file, text in files.items():
            self.write(os.path.join(path, file), text)
        self.git(path, "init", "-q", "-b", "main")
        self.git(path, "add", "-A")
        self.git(path, "-c", "user.name=T", "-c", "user.email=t@example.invalid", "commit", "-q", "-m", "first")
        if owner is not None:
            as_root("chown", "-R", f"{owner}:{owner}", path)
        return path

    def git(self, path, *argv):
        env = {**self.env, "GIT_CONFIG_NOSYSTEM": "1"}
        done = subprocess.run((*self.become(env), "git", "-C", path, *argv), capture_output=True, text=True, env=env, check=False,
                              **self.identity())
        if done.returncode:
            raise AssertionError(f"git {argv}: {done.stderr}")
        return done.stdout

    def dead_socket(self):
        """A socket on which nobody listens any more; everybody may try."""
        path = os.path.join(self.run_dir, "dead.sock")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
        os.chmod(path, 0o777)
        return path

    # ---- processes ----

    def become(self, env):
        """Words before a command that make it this user's, where identity() cannot: tests that run through sudo."""
        if self.uid == self.me or self.me == 0:
            return ()
        groups = (f"--groups={self.engine_group}",) if self.engine_group is not None else ("--clear-groups",)
        words = tuple(f"{key}={value}" for key, value in env.items())
        return (*root_prefix(), "setpriv", f"--reuid={self.uid}", f"--regid={self.uid}", *groups, "env", "-i", *words)

    def identity(self):
        """Arguments of Popen that make the process this user's, with the engine socket's group."""
        if self.uid == self.me or self.me != 0:
            return {}
        groups = [self.engine_group] if self.engine_group is not None else []
        return {"user": self.uid, "group": self.uid, "extra_groups": groups}

    def popen(self, *args, env=None, cwd=None, **more):
        env = {**self.env, **(env or {})}
        options = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": env,
                   "cwd": cwd or self.src, **self.identity(), **more}
        child = subprocess.Popen((*self.become(env), SCC, *args), **options)
        self.children.append(child)
        return child

    def scc(self, *args, env=None, cwd=None, stdin=None, timeout=90):
        """Runs scc without a terminal to its end."""
        more = {} if stdin is None else {"stdin": subprocess.PIPE}
        child = self.popen(*args, env=env, cwd=cwd, **more)
        try:
            out, err = child.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired as error:
            child.kill()
            out, err = child.communicate()
            raise AssertionError(f"scc {args} hangs\n{out!r}\n{err!r}") from error
        return Done(("scc",) + args, child.returncode, out, err)

    def start(self, workspace, *argv, options=(), **more):
        return self.scc("start", workspace, *options, "--", *argv, **more)

    def sh(self, workspace, script, **more):
        """Runs a shell script as the agent."""
        return self.start(workspace, "/bin/sh", "-c", script, **more)

    # ---- what the engine has ----

    def engine(self, *argv, check=True):
        return engine(self.engine_name, *argv, check=check)

    def containers(self, running=False):
        """Ids of the containers that scc made from this world's state directory."""
        every = () if running else ("-a",)
        return self.engine("ps", *every, "-q", "--no-trunc", "--filter", f"label=scc.state={self.state}").split()

    def container(self):
        """The only container of this world, as the engine's inspect shows it."""
        found = self.containers()
        if len(found) != 1:
            raise AssertionError(f"{len(found)} containers, not one")
        return json.loads(self.engine("inspect", found[0]))[0]

    def volumes(self):
        return [name for name in self.engine("volume", "ls", "-q").split() if self.suffix in name]

    def networks(self):
        return self.engine("network", "ls", "-q", "--filter", f"label=scc.state={self.state}").split()

    def instances(self):
        listed = as_root("ls", "-A", os.path.join(self.state, "instances"), check=False)
        return listed.stdout.split()

    def mounts(self):
        """Mount points of this machine that lie in this world."""
        with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
            return [line.split()[4] for line in lines if f" {self.dir}/" in line]

    def held_locks(self):
        """Launch locks that somebody holds."""
        held = []
        for base in (os.path.join(self.run_dir, "scc", "locks"), os.path.join(self.state, "run", "locks")):
            for name in sorted(os.listdir(base)) if os.path.isdir(base) else ():
                with open(os.path.join(base, name), "rb") as file:
                    # scc locks open file descriptions, which flock() does not see. struct flock: type, whence, start, len, pid.
                    wanted = struct.pack("@hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
                    found = fcntl.fcntl(file, fcntl.F_OFD_GETLK, wanted)
                    if struct.unpack("@hhqqi4x", found)[0] != fcntl.F_UNLCK:
                        held.append(name)
        return held

    def assert_quiet(self, case):
        """Nothing of this world runs, is mounted or is locked."""
        case.assertEqual(self.containers(running=True), [], "a container still runs")
        case.assertEqual(self.networks(), [], "a network was left")
        case.assertEqual(self.mounts(), [], "a mount was left")
        case.assertEqual(self.held_locks(), [], "a lock is held")

    # ---- end ----

    def close(self):
        for child in self.children:
            if child.poll() is None:
                child.kill()
                child.wait()
            for stream in (child.stdin, child.stdout, child.stderr):
                if stream is not None:
                    stream.close()
        found = self.containers()
        if found:
            self.engine("rm", "-f", "-v", *found, check=False)
        for network in self.networks():
            self.engine("network", "rm", network, check=False)
        for volume in self.volumes():
            self.engine("volume", "rm", "-f", volume, check=False)
        for mount in self.mounts():
            as_root("umount", "-l", mount, check=False)
        as_root("rm", "-rf", "--one-file-system", self.dir, check=False)


class Case(unittest.TestCase):
    """Base of the test classes: needs an engine, and tidies up the worlds that it made. `engine` is that of its worlds where
    nothing else is said; a class for the other engine derives from the one with the tests."""

    needs_engine = True
    engine = "docker"
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        if cls.needs_engine:
            cls.need_engine(cls.engine)

    @classmethod
    def need_engine(cls, name):
        if podman_answers() if name == "podman" else engine_answers():
            return
        if engines_required():
            raise AssertionError(f"{name} does not answer, and SCC_REQUIRE_ENGINES is set")
        raise unittest.SkipTest(f"{name} does not answer")

    def need_root(self):
        if not have_root():
            if engines_required():
                self.fail("this test needs root (or sudo without a password), and SCC_REQUIRE_ENGINES is set")
            self.skipTest("needs root")

    def world(self, **more):
        more.setdefault("engine", self.engine)
        if more["engine"] == "podman":
            more.setdefault("uid", 0)  # whose images the fixture made
        if more.get("uid") is not None and more["uid"] != os.geteuid():
            self.need_root()
        made = World(**more)
        self.addCleanup(made.close)
        return made

    def ok(self, done, code=0):
        self.assertEqual(done.code, code, repr(done))
        return done

    def refused(self, done, code, error_code=None):
        """An error with this exit code, a message and (where asked) the stable id, in either output mode."""
        self.assertEqual(done.code, code, repr(done))
        if error_code is None:
            self.assertIn("error:", done.err, repr(done))
        else:
            envelope = done.envelope()
            self.assertEqual(envelope["kind"], "Error", repr(done))
            self.assertEqual(envelope["data"]["error_code"], error_code, repr(done))
            self.assertEqual(envelope["data"]["code"], code)
        return done


def tree(*roots, skip=()):
    """Everything below the roots as {path: (mode, uid, gid, content hash or link)}; what is read is read as root."""
    out = {}
    for top in roots:
        for folder, folders, files in os.walk(top):
            folders[:] = [name for name in folders if os.path.join(folder, name) not in skip]
            for name in folders + files:
                path = os.path.join(folder, name)
                info = os.lstat(path)
                content = ""
                if stat.S_ISLNK(info.st_mode):
                    content = os.readlink(path)
                elif stat.S_ISREG(info.st_mode):
                    with open(path, "rb") as file:
                        content = hashlib.sha256(file.read()).hexdigest()
                out[path] = (oct(info.st_mode), info.st_uid, info.st_gid, content)
    return out


def home_of(uid):
    with contextlib.suppress(KeyError):
        return pwd.getpwuid(uid).pw_dir
    return "/"


def sigterm_children(*children):
    for child in children:
        child.send_signal(signal.SIGTERM)


def main():
    unittest.main(verbosity=2, argv=[sys.argv[0], *sys.argv[1:]])
