# SPDX-License-Identifier: Apache-2.0
"""What serves the engine's API is killed under a session: list, sessions and prune tell what is so, and nothing stays behind.
Docker's daemon is one of the test's own; Podman has none, so there it is the service that scc starts for itself."""
import os
import signal
import subprocess
import tempfile
import time

import support

SLEEP = ("/bin/sleep", "600")


class Daemon:
    """A dockerd with a data root, a socket and a network namespace (with its bridge) of its own; needs root."""

    def __init__(self):
        self.dir = tempfile.mkdtemp(prefix="scc-e2e-dockerd-")
        os.chmod(self.dir, 0o755)
        self.socket = f"unix://{self.dir}/sock"
        self.log = open(f"{self.dir}/log", "ab")
        self.start()

    def start(self):
        # The last one: containerd dies with its daemon, but where nobody collects it, it would be taken for one that still runs.
        for name in ("sock", "run/pid", "run/containerd/containerd.pid"):
            support.as_root("rm", "-f", f"{self.dir}/{name}")
        self.child = subprocess.Popen(
            (*support.root_prefix(), "unshare", "--net", "dockerd", "--data-root", f"{self.dir}/data", "--exec-root", f"{self.dir}/run", "--pidfile",
             f"{self.dir}/run/pid", "--host", self.socket, "--iptables=false", "--ip6tables=false",
             "--ip-forward=false", "--ip-masq=false", "--storage-driver=overlay2"),
            stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log, start_new_session=True)
        support.wait_for(lambda: support.engine(self.socket, "version", "--format", "{{.Server.Version}}", check=False).strip(),
                         seconds=60, what="the daemon of the test")

    def kill_hard(self):
        with open(f"{self.dir}/run/pid", encoding="ascii") as file:
            support.as_root("kill", "-KILL", file.read().strip())
        self.child.wait()

    def close(self):
        for container in support.engine(self.socket, "ps", "-aq", check=False).split():
            support.engine(self.socket, "rm", "-f", container, check=False)
        if self.child.poll() is None:
            if support.root_prefix():
                support.as_root("pkill", "-TERM", "-s", str(self.child.pid), check=False)
            else:
                self.child.send_signal(signal.SIGTERM)
            self.child.wait(60)
        self.log.close()
        with open("/proc/self/mountinfo", encoding="utf-8") as lines:
            mounts = [line.split()[4] for line in lines if f" {self.dir}/" in line]
        for mount in reversed(mounts):
            support.as_root("umount", "-l", mount, check=False)
        support.as_root("rm", "-rf", "--one-file-system", self.dir, check=False)


def services(root):
    """Pids of the Podman services below the process `root`."""
    parents, found = {}, []
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                parents[int(name)] = int(file.read().rsplit(")", 1)[1].split()[1])
            with open(f"/proc/{name}/cmdline", "rb") as file:
                if b"\0system\0service\0" in file.read():
                    found.append(int(name))
        except OSError:
            continue  # it ended meanwhile
    return [pid for pid in found if root in ancestors(parents, pid)]


def ancestors(parents, pid):
    while pid := parents.get(pid, 0):
        yield pid


class Shared:
    """The tests of both engines. What differs: kill_engine(scc), its_end(world), revive()."""

    down_code = 0  # of `scc list` while the engine is down

    def setUp(self):
        self.need_root()

    def sessions(self, world):
        return self.ok(world.scc("sessions", "--all", "--json")).data["sessions"]

    def begun(self, world, repo):
        child = world.popen("start", repo, "--", *SLEEP)
        support.wait_for(lambda: [item for item in self.sessions(world) if item["status"] == "running"], what="a session that runs")
        return child

    def nothing_is_left(self, world):
        self.ok(world.scc("prune"))
        self.assertEqual((world.containers(), world.instances(), world.mounts(), world.held_locks()), ([], [], [], []))

    def test_killed_under_a_session(self):
        world = self.engine_world()
        repo = world.repo()
        child = self.begun(world, repo)
        self.kill_engine(child)
        out, err = child.communicate(timeout=60)
        self.assertNotEqual(child.returncode, 0, "a session whose engine is gone did not end well")
        self.assertTrue(err.strip(), f"and says so: {out!r}")
        self.assertEqual(world.scc("list", "--json").code, self.down_code, "an engine that is down is an error, never an empty list")
        [seen] = self.sessions(world)
        self.assertEqual((seen["status"], seen["exit_code"], seen["runs"]), ("failed", None, 1))
        if self.down_code:
            world.scc("prune")
            self.assertEqual(len(self.sessions(world)), 1, "nothing is forgotten while the engine is down")
        self.revive()
        self.assertEqual([item["status"] for item in self.sessions(world)], ["failed"])
        self.nothing_is_left(world)
        [seen] = self.sessions(world)
        self.assertEqual((seen["status"], seen["sandbox_state"]), ("failed", "gone"))
        self.ok(world.start(repo, "true"))
        world.assert_quiet(self)

    def test_killed_together_with_scc(self):
        world = self.engine_world()
        repo = world.repo()
        child = self.begun(world, repo)
        self.kill_engine(child, with_scc=True)
        child.communicate(timeout=60)
        self.revive()
        [seen] = self.sessions(world)
        self.assertEqual((seen["status"], seen["ended_by"]), ("failed", "crash"))
        self.assertIn(seen["sandbox_state"], self.orphan_states)
        [item] = [one for one in self.ok(world.scc("list", "--json")).data["sandboxes"] if one["workspace"] == repo]
        self.assertEqual(item["state"], seen["sandbox_state"], "list and sessions agree")
        self.assertEqual(item["state"] == "stale", bool(world.containers(running=True)), "and the engine says so, too")
        self.nothing_is_left(world)
        self.assertEqual(len(self.sessions(world)), 1)

    def test_killed_at_any_moment_of_a_launch(self):
        """Whatever came of it: scc ends, what it says about it is so, and prune leaves nothing."""
        world = self.engine_world()
        repo = world.repo()
        for count, delay in enumerate(self.delays, 1):
            with self.subTest(delay=delay):
                child = world.popen("start", repo, "--", "/bin/sh", "-c", "echo done")
                self.wait_for_engine(child)
                time.sleep(delay)
                self.kill_engine(child)
                out, err = child.communicate(timeout=120)
                self.revive()
                worked = child.returncode == 0
                if worked:
                    self.assertEqual(out, b"done\n", err)
                else:
                    self.assertTrue(err.strip(), "an end that is not well is told")
                seen = self.sessions(world)
                self.assertLessEqual(len(seen), count, "no record is invented")
                self.assertLessEqual({item["status"] for item in seen}, {"exited", "failed"}, "none is open")
                self.assertGreaterEqual(len([item for item in seen if item["status"] == "exited"]), worked)
                listed = [one for one in self.ok(world.scc("list", "--json")).data["sandboxes"] if one["workspace"] == repo]
                self.assertEqual(sorted(one["id"] for one in listed), sorted(world.containers()))
                self.nothing_is_left(world)
                self.assertEqual(len(self.sessions(world)), len(seen), "no record is lost")


class DaemonKilled(Shared, support.Case):
    down_code = 5
    orphan_states = ("stale", "stopped")  # a daemon ends what it finds running
    delays = (0.2, 0.5)  # each costs a start of the daemon

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.close)
        base = support.docker("images", "--filter", "reference=scc-base", "--format", "{{.Repository}}:{{.Tag}}").split()
        with tempfile.NamedTemporaryFile(prefix="scc-e2e-image-") as archive:
            support.docker("save", "-o", archive.name, *base)
            support.engine(cls.daemon.socket, "load", "-i", archive.name)

    def engine_world(self):
        return self.world(uid=0, engine=self.daemon.socket)

    def wait_for_engine(self, child):
        """It is there already."""

    def kill_engine(self, child, with_scc=False):
        if with_scc:
            child.kill()
        self.daemon.kill_hard()

    def revive(self):
        if self.daemon.child.poll() is not None:
            self.daemon.start()


class ServiceKilled(Shared, support.Case):
    engine = "podman"
    orphan_states = ("stale",)  # conmon looks after it, whoever asked for it
    delays = (0, 0.1, 0.2, 0.3, 0.5, 0.8, 1.2)

    def engine_world(self):
        return self.world()

    def wait_for_engine(self, child):
        support.wait_for(lambda: services(child.pid) or child.poll() is not None, what="the service of scc")

    def kill_engine(self, child, with_scc=False):
        found = services(child.pid)
        if with_scc:
            child.kill()
        for pid in found:
            support.as_root("kill", "-KILL", str(pid), check=False)  # it may have ended with its scc

    def revive(self):
        """The next command starts another one."""


if __name__ == "__main__":
    support.main()
