# SPDX-License-Identifier: Apache-2.0
"""Several sandboxes and several scc at once: who runs, who is refused, and what list, status, shell and stop say about it."""
import os
import subprocess

import support

READY = ("/bin/sh", "-c", "echo ready; cat")


class Concurrency(support.Case):
    def run_one(self, world, repo, *argv):
        child = world.popen("start", repo, "--", *(argv or READY), stdin=subprocess.PIPE)
        self.assertEqual(child.stdout.readline(), b"ready\n", child.poll())
        return child

    def end(self, child, code=0):
        _, err = child.communicate(timeout=30)
        self.assertEqual(child.returncode, code, err)

    def mine(self, world):
        return {item["workspace"]: item for item in world.scc("list", "--json").data["sandboxes"]
                if item["workspace"].startswith(world.dir)}

    def test_two_starts_at_once(self):
        """In any order of events: exactly one runs, the other one ends with 4 and says how to go on."""
        world = self.world()
        repo = world.repo()
        for _ in range(3):
            children = [world.popen("start", repo, "--", "/bin/sh", "-c", "echo ready; cat", stdin=subprocess.PIPE) for _ in range(2)]
            support.wait_for(lambda: any(child.poll() is not None for child in children), 40, "the end of one of them")
            loser = next(child for child in children if child.poll() is not None)
            winner = next(child for child in children if child is not loser)
            _, err = loser.communicate()
            self.assertEqual(loser.returncode, 4, err)
            self.assertRegex(err.decode(), r"scc (attach|stop|list)")
            self.assertEqual(winner.stdout.readline(), b"ready\n")
            self.assertEqual(len(world.containers(running=True)), 1)
            self.end(winner)
        world.assert_quiet(self)
        self.assertEqual(len(world.containers()), 1)

    def test_start_while_one_runs(self):
        world = self.world()
        repo = world.repo()
        child = self.run_one(world, repo)
        done = world.start(repo, "/bin/true")
        self.assertEqual(done.code, 4, repr(done))
        for words in ("scc start --fresh", "scc attach ", "scc stop "):
            self.assertIn(words, done.err)
        self.assertEqual(len(world.containers(running=True)), 1)
        self.end(child)

    def test_different_workspaces_run_side_by_side(self):
        world = self.world()
        repos = [world.repo(name) for name in ("a", "b")]
        children = [self.run_one(world, repo) for repo in repos]
        listed = self.mine(world)
        self.assertEqual({path: item["state"] for path, item in listed.items()}, {path: "running" for path in repos})
        for child in children:
            self.end(child)
        self.assertEqual({item["state"] for item in self.mine(world).values()}, {"stopped"})

    def test_shell(self):
        world = self.world()
        repo = world.repo()
        child = self.run_one(world, repo)
        name = self.mine(world)[repo]["name"]
        done = world.scc("shell", name, "--", "/bin/sh", "-c", "id -un; pwd; grep ^CapEff /proc/self/status; exit 5")
        self.assertEqual(done.code, 5, repr(done))
        self.assertEqual(done.out, f"agent\n{repo}\nCapEff:\t0000000000000000\n")
        done = world.scc("shell", "--", "/bin/sh", "-c", "grep Seccomp: /proc/self/status; echo from-shell >s.txt", cwd=repo)
        self.assertEqual((done.code, done.out), (0, "Seccomp:\t2\n"), repr(done))
        self.assertTrue(os.path.exists(os.path.join(repo, "s.txt")))
        self.assertIsNone(child.poll(), "the agent goes on after a shell has ended")
        self.end(child)
        done = world.scc("shell", name, "--", "true")
        self.assertEqual(done.code, 1, repr(done))
        self.assertIn("scc start", done.err)

    def test_status(self):
        world = self.world()
        repo = world.repo()
        data = self.ok(world.scc("status", "--json", cwd=repo)).data
        self.assertEqual((data["workspace"], data["sandbox"], data["provider"]), (repo, None, "command"))
        child = self.run_one(world, repo)
        data = self.ok(world.scc("status", "--json", cwd=repo)).data
        self.assertEqual(data["sandbox"], self.mine(world)[repo]["name"])
        self.assertGreaterEqual(data["running"], 1)
        done = self.ok(world.scc("status", cwd=repo))
        self.assertIn("no isolation is claimed", done.out)
        self.end(child)

    def test_stop_by_name_and_by_prefix(self):
        world = self.world()
        repo = world.repo()
        for pick in ("name", "id"):
            with self.subTest(pick=pick):
                child = self.run_one(world, repo)
                item = self.mine(world)[repo]
                target = item["name"] if pick == "name" else item["id"][:10]
                done = self.ok(world.scc("stop", target, "--json"))
                self.assertEqual(done.data["stopped"], [item["name"]])
                child.communicate(timeout=30)
                self.assertNotEqual(child.returncode, 0, "the agent was ended from outside")
                world.assert_quiet(self)

    def test_killed_by_the_engine(self):
        """`rm -f` behind scc's back: scc ends, says so, and leaves nothing."""
        world = self.world()
        child = self.run_one(world, world.repo())
        world.engine("rm", "-f", world.containers()[0])
        _, err = child.communicate(timeout=30)
        self.assertNotEqual(child.returncode, 0)
        self.assertTrue(err)
        world.assert_quiet(self)
        self.ok(world.scc("prune"))
        self.assertEqual(world.instances(), [])


class ConcurrencyOnPodman(Concurrency, support.Case):
    engine = "podman"


class StopAll(support.Case):
    """Runs alone: these are about every sandbox of this user."""

    def test_stop_all(self):
        world = self.world()
        repos = [world.repo(name) for name in ("a", "b")]
        children = []
        for repo in repos:
            child = world.popen("start", repo, "--", *READY, stdin=subprocess.PIPE)
            self.assertEqual(child.stdout.readline(), b"ready\n")
            children.append(child)
        done = world.scc("stop")
        self.refused(done, 2)
        for repo in repos:
            self.assertIn(repo, done.err, "the candidates are named")
        self.assertEqual(len(world.containers(running=True)), 2)
        done = self.ok(world.scc("stop", "--all", "--json"))
        self.assertGreaterEqual(len(done.data["stopped"]), 2)
        for child in children:
            child.communicate(timeout=30)
        world.assert_quiet(self)
        # Nothing runs: nothing to do, and that is fine.
        self.assertEqual(self.ok(world.scc("stop", "--all", "--json")).data["stopped"], [])

    def test_stop_of_the_only_one(self):
        world = self.world()
        child = world.popen("start", world.repo(), "--", *READY, stdin=subprocess.PIPE)
        self.assertEqual(child.stdout.readline(), b"ready\n")
        self.ok(world.scc("stop"))
        child.communicate(timeout=30)
        world.assert_quiet(self)


class StopAllOnPodman(StopAll, support.Case):
    engine = "podman"


if __name__ == "__main__":
    support.main()
