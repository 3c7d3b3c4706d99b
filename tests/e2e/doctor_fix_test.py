# SPDX-License-Identifier: Apache-2.0
"""The line that `scc doctor` prints for a broken machine, run as it stands, and then doctor finds nothing there.

The machines are scratch ones: this one's files below an overlay, with namespaces of its own (mounts, processes, network), real
packages and real daemons. What the lines install was downloaded beforehand, because those namespaces have no network. There is
no systemd in them: a line that only systemd could run would fail here, so none of them is such a line.
"""
import os
import subprocess
import tempfile

import support
from daemon_test import Daemon

SET_UP = r"""
set -eu
mount --make-rprivate /
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
mount --rbind /dev "$1/root/dev"
mount --rbind /sys "$1/root/sys"
mount --rbind /tmp "$1/root/tmp"
mount -t proc proc "$1/root/proc"
mount -t tmpfs -o mode=755 tmpfs "$1/root/run"
mount --bind "$1/docker" "$1/root/var/lib/docker"
mount --bind "$1/containers" "$1/root/var/lib/containers"
ip link set lo up
echo ready
exec sleep infinity
"""


class Scratch:
    """A machine of the test's own; needs root. Everything in it ends with close()."""

    def __init__(self):
        # Not in /tmp, which the scratch machine shares with this one.
        self.dir = tempfile.mkdtemp(prefix="scc-e2e-scratch-", dir="/var/tmp")
        for name in ("upper", "work", "root", "docker", "containers"):
            os.mkdir(os.path.join(self.dir, name), 0o755)
        self.holder = subprocess.Popen(
            (*support.root_prefix(), "unshare", "--mount", "--net", "--pid", "--fork", "--kill-child", "sh", "-c", SET_UP, "sh", self.dir),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True)
        if self.holder.stdout.readline() != b"ready\n":
            raise AssertionError(f"no scratch machine: {self.holder.stderr.read().decode()}")
        self.pid = self.descendant(self.holder.pid)

    @staticmethod
    def descendant(pid):
        """The first process of the new process namespace: the last in the chain of children."""
        while True:
            with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
                children = file.read().split()
            if not children:
                return pid
            pid = int(children[0])

    def prefix(self, network=False):
        """Words that run the command behind them there; `network`: with this machine's, to download packages."""
        nets = () if network else ("--net",)
        return (*support.root_prefix(), "/usr/bin/nsenter", f"--target={self.pid}", "--mount", "--pid", *nets, "/usr/sbin/chroot", f"{self.dir}/root")

    def run(self, *argv, network=False, check=True, **more):
        env = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LANG": "C.UTF-8", "HOME": "/root", "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run((*self.prefix(network), "env", *(f"{key}={value}" for key, value in env.items()), *argv),
                              capture_output=True, text=True, timeout=300, check=False, **more)
        if check and done.returncode:
            raise AssertionError(f"{argv}: exit {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done

    def prepare(self, *packages):
        """Takes the packages away and puts what installs them again into the package manager's cache."""
        self.run("rm", "-f", "/etc/apt/apt.conf.d/docker-clean")  # which images of Debian have, to keep nothing
        self.run("apt-get", "install", "-y", "sudo", network=True)
        self.run("dpkg", "--purge", "--force-depends", *packages)
        self.run("apt-get", "install", "-d", "-y", *packages, network=True)

    def close(self):
        self.holder.stdout.close()
        self.holder.stderr.close()
        support.as_root("kill", "-KILL", str(self.pid), check=False)
        self.holder.wait()
        support.as_root("rm", "-rf", "--one-file-system", self.dir, check=False)


class Pasted:
    def setUp(self):
        self.need_root()

    def scratch(self):
        made = Scratch()
        self.addCleanup(made.close)
        return made

    def moved(self, world, scratch, groups=("--clear-groups",)):
        """The world's commands run on the scratch machine, as its user with these groups."""
        who = ("setpriv", f"--reuid={world.uid}", f"--regid={world.uid}", *groups)
        world.become = lambda env: (*scratch.prefix(), *who, "env", "-i", *(f"{key}={value}" for key, value in env.items()))
        world.identity = lambda: {}
        return world

    def checks(self, world, *args):
        done = world.scc("doctor", "--json", *args, cwd="/tmp")
        self.assertIn(done.code, (0, 3), done)
        return {check["id"]: check for check in done.data["checks"]}

    def paste(self, world, line):
        """The line as a user gives it to a shell, with a yes to whoever asks; nothing of it is ours."""
        user = "root" if world.uid == 0 else "friend"
        env = {**world.env, "USER": user, "PATH": world.env["PATH"] + ":/usr/sbin:/sbin", "DEBIAN_FRONTEND": "noninteractive"}
        done = subprocess.run((*world.become(env), "bash", "-c", line), input="y\n", capture_output=True, text=True, timeout=1000,
                              check=False, cwd="/tmp", env=env if not world.become(env) else None)
        self.assertEqual(done.returncode, 0, f"{line}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")


class Fixes(Pasted, support.Case):
    def test_docker(self):
        """No engine, a daemon that is down, a user without permission: one machine, broken and mended in turn."""
        scratch = self.scratch()
        scratch.prepare("docker.io")
        root = self.moved(self.world(uid=0, plugins=False, engine="docker"), scratch)

        check = self.checks(root)["engine.docker"]
        self.assertEqual(check["status"], "fail", check)
        self.assertIn("apt-get install", check["remedy"])
        self.paste(root, check["remedy"])
        support.wait_for(lambda: scratch.run("docker", "version", check=False).returncode == 0, 60, "the daemon")
        self.assertEqual(self.checks(root)["engine.docker"]["status"], "ok")

        scratch.run("sh", "-c", "kill $(cat /run/docker.pid)")
        # The last thing that it does; until then another daemon does not start.
        support.wait_for(lambda: scratch.run("test", "-e", "/run/docker.pid", check=False).returncode != 0, 60, "the daemon's end")
        check = self.checks(root)["engine.docker"]
        self.assertEqual(check["status"], "fail")
        self.assertIn("sudo service docker start", check["remedy"])
        self.assertNotIn("apt-get", check["remedy"], "it is installed")
        self.paste(root, check["remedy"])
        support.wait_for(lambda: scratch.run("docker", "version", check=False).returncode == 0, 60, "the daemon")
        self.assertEqual(self.checks(root)["engine.docker"]["status"], "ok")

        scratch.run("useradd", "--uid", "4321", "friend")
        scratch.run("sh", "-c", "echo 'friend ALL=(ALL) NOPASSWD: ALL' >/etc/sudoers.d/friend")
        friend = self.moved(self.world(uid=4321, plugins=False, engine="docker"), scratch)
        check = self.checks(friend)["engine.docker"]
        self.assertEqual(check["status"], "fail", check)
        self.assertIn("usermod", check["remedy"])
        self.paste(friend, check["remedy"])
        self.moved(friend, scratch, groups=("--init-groups",))  # logged in again, as the line says
        self.assertEqual(self.checks(friend)["engine.docker"]["status"], "ok")

    def test_podman_on_hybrid_cgroups(self):
        self.need_engine("podman")
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            text = file.read()
        if "0::" not in text or ":memory:" not in text:
            self.skipTest("only one version of cgroups is mounted here")
        scratch = self.scratch()
        scratch.prepare("runc")
        world = self.moved(self.world(uid=0, plugins=False, engine="podman"), scratch)
        name = "engine.podman.runtime.hybrid-cgroups"
        checks = self.checks(world)
        self.assertEqual(checks["engine.podman"]["status"], "ok", checks["engine.podman"])
        self.assertEqual(checks[name]["status"], "warn")
        self.paste(world, checks[name]["remedy"])
        checks = self.checks(world)
        self.assertEqual(checks["engine.podman"]["status"], "ok", checks["engine.podman"])
        self.assertNotIn(name, checks)


class FixesOfImages(Pasted, support.Case):
    def test_missing_image(self):
        """On a daemon of the test's own, which has none. What the line builds, it builds here."""
        daemon = Daemon()
        self.addCleanup(daemon.close)
        world = self.world(uid=0, engine=daemon.socket)
        check = self.checks(world, world.repo())["image.command"]
        self.assertEqual((check["status"], check["remedy"]), ("warn", "scc image build base"))
        self.paste(world, check["remedy"])
        self.assertEqual(self.checks(world, world.src + "/repo")["image.command"]["status"], "ok")


if __name__ == "__main__":
    support.main()
