# SPDX-License-Identifier: Apache-2.0
"""The engine's daemon is killed under a session: list, sessions and prune tell what is so, and nothing stays behind. The daemon
is one of the test's own."""
import os
import signal
import subprocess
import tempfile

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


class DaemonKilled(support.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.daemon = Daemon()
        cls.addClassCleanup(cls.daemon.close)
        base = support.docker("images", "--filter", "reference=scc-base", "--format", "{{.Repository}}:{{.Tag}}").split()
        with tempfile.NamedTemporaryFile(prefix="scc-e2e-image-") as archive:
            support.docker("save", "-o", archive.name, *base)
            support.engine(cls.daemon.socket, "load", "-i", archive.name)

    def setUp(self):
        self.need_root()

    def sessions(self, world):
        return self.ok(world.scc("sessions", "--all", "--json")).data["sessions"]

    def begun(self, world, repo):
        child = world.popen("start", repo, "--", *SLEEP)
        support.wait_for(lambda: [item for item in self.sessions(world) if item["status"] == "running"], what="a session that runs")
        return child

    def test_killed_under_a_session(self):
        world = self.world(uid=0, engine=self.daemon.socket)
        repo = world.repo()
        child = self.begun(world, repo)
        self.daemon.kill_hard()
        out, err = child.communicate(timeout=60)
        self.assertNotEqual(child.returncode, 0, "a session whose engine is gone did not end well")
        self.assertTrue(err.strip(), f"and says so: {out!r}")
        self.assertEqual(world.scc("list", "--json").code, 5, "an engine that is down is an error, never an empty list")
        [seen] = self.sessions(world)
        self.assertEqual((seen["status"], seen["exit_code"], seen["runs"]), ("failed", None, 1))
        world.scc("prune")
        self.assertEqual(len(self.sessions(world)), 1, "nothing is forgotten while the engine is down")
        self.daemon.start()
        self.assertEqual([item["status"] for item in self.sessions(world)], ["failed"])
        self.ok(world.scc("prune"))
        self.assertEqual((world.containers(), world.instances(), world.mounts()), ([], [], []))
        [seen] = self.sessions(world)
        self.assertEqual((seen["status"], seen["sandbox_state"]), ("failed", "gone"))
        self.ok(world.start(repo, "true"))
        world.assert_quiet(self)

    def test_killed_together_with_scc(self):
        world = self.world(uid=0, engine=self.daemon.socket)
        child = self.begun(world, world.repo())
        child.kill()
        self.daemon.kill_hard()
        child.communicate(timeout=60)
        self.daemon.start()
        [seen] = self.sessions(world)
        self.assertEqual((seen["status"], seen["ended_by"]), ("failed", "crash"))
        self.assertIn(seen["sandbox_state"], ("stale", "stopped"), "a daemon ends what it finds running")
        self.ok(world.scc("prune"))
        self.assertEqual((world.containers(), world.instances(), world.mounts()), ([], [], []))
        self.assertEqual(len(self.sessions(world)), 1)


if __name__ == "__main__":
    support.main()
