# SPDX-License-Identifier: Apache-2.0
"""`kill -9` at every step of a launch: the next `scc prune` leaves nothing behind, and nothing of the user's is harmed."""
import os

import support


class KillAtEveryStep(support.Case):
    """Each step of the real plan, before and after its effect."""

    def run_all(self, world, repo, writes="echo agent >>a.txt"):
        plan = world.scc("start", repo, "--dry-run", "--json", "--", "true").data["plan"]
        steps = [step["op"] for step in plan["steps"]]
        self.assertGreaterEqual(len(steps), 8)
        content = {path: value for path, value in support.tree(repo).items()}
        for step in steps:
            for side in ("before", "after"):
                with self.subTest(step=step, side=side):
                    self.kill_at(world, repo, f"{step}:{side}", writes)
        self.ok(world.scc("prune"))
        after = support.tree(repo)
        changed = {path for path in content.keys() | after.keys() if content.get(path) != after.get(path)}
        changed = {path for path in changed if os.path.basename(path) not in ("a.txt",)}
        self.assertEqual(changed, set(), "the workspace was changed by more than the agent")
        return steps

    def kill_at(self, world, repo, point, writes):
        child = world.popen("start", repo, "--", "/bin/sh", "-c", writes, env={"SCC_TEST_KILL_AT": point})
        out, err = child.communicate(timeout=60)
        self.assertEqual(child.returncode, -9, f"{point}: not killed: {out!r} {err!r}")
        # What is left may be seen, and dry-run names exactly what prune then removes.
        planned = world.scc("prune", "--dry-run", "--json").data["items"]
        pruned = self.ok(world.scc("prune", "--json")).data
        self.assertEqual([(item["what"], item["name"]) for item in planned],
                         [(item["what"], item["name"]) for item in pruned["items"]], point)
        self.assertEqual(world.containers(), [], point)
        self.assertEqual(world.networks(), [], point)
        self.assertEqual(world.instances(), [], point)
        self.assertEqual(world.mounts(), [], point)
        self.assertEqual(world.held_locks(), [], point)
        self.assertTrue(os.path.isdir(os.path.join(repo, ".git")), point)
        with open(os.path.join(repo, "README.md"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "# A repository\n", point)

    def test_users_repository(self):
        world = self.world(uid=1000) if os.geteuid() == 0 and self.engine == "docker" else self.world()
        world.write_config(providers={"command": {"data_volume": "/home/agent/.data", "secret_from": "env:SCC_TEST_KEY"}})
        world.env["SCC_TEST_KEY"] = "sk-kill"
        images = world.engine("images", "-q", "scc-base")
        steps = self.run_all(world, world.repo())
        self.assertIn("volume.prepare", steps)
        volumes = world.volumes()
        self.assertEqual(len(volumes), 1, "the credential volume stays")
        self.assertEqual(images, world.engine("images", "-q", "scc-base"))

    def test_root_owned_repository(self):
        world = self.world(uid=0)
        steps = self.run_all(world, world.repo())
        self.assertIn("workspace.idmap", steps)
        self.assertIn("workspace.detach", steps)

    def test_killed_while_the_agent_works(self):
        world = self.world()
        repo = world.repo()
        child = world.popen("start", repo, "--", "/bin/sh", "-c", "echo ready; while echo x >>a.txt; do sleep 0.05; done")
        self.assertEqual(child.stdout.readline(), b"ready\n")
        child.kill()
        child.wait()
        mine = [item for item in world.scc("list", "--json").data["sandboxes"] if item["workspace"] == repo]
        self.assertEqual([item["state"] for item in mine], ["stale"])
        self.ok(world.scc("prune"))
        self.assertEqual((world.containers(), world.instances(), world.mounts()), ([], [], []))

    def test_next_start_ends_what_the_killed_one_left_running(self):
        world = self.world()
        repo = world.repo()
        child = world.popen("start", repo, "--", "/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 1; done")
        self.assertEqual(child.stdout.readline(), b"ready\n")
        old = world.containers(running=True)
        self.assertEqual(len(old), 1)

        # While its scc lives nobody takes it away.
        done = world.start(repo, "/bin/echo", "again")
        self.assertEqual(done.code, 4, repr(done))
        self.assertIn("scc stop", done.err)
        self.assertEqual(world.containers(running=True), old)

        child.kill()
        child.wait()
        self.assertEqual(world.containers(running=True), old, "it outlives its scc")
        done = world.start(repo, "/bin/echo", "again")
        self.assertEqual((done.code, done.out), (0, "again\n"), repr(done))
        self.assertRegex(done.err, rf"ending the sandbox \S+: the scc that ran it \(process {child.pid}\) is gone")
        left = world.containers()
        self.assertEqual(len(left), 1)
        self.assertNotEqual(left, old)
        world.assert_quiet(self)
        self.ok(world.scc("prune"))
        self.assertEqual((world.containers(), world.instances(), world.mounts()), ([], [], []))

    def test_next_start_after_a_kill(self):
        """Not only prune: the next start works, or says what to do."""
        world = self.world()
        repo = world.repo()
        for point in ("sandbox.create:after", "sandbox.start:before", "files.write:after"):
            with self.subTest(point=point):
                world.scc("start", repo, "--", "/bin/true", env={"SCC_TEST_KILL_AT": point})
                done = world.start(repo, "/bin/echo", "again")
                self.assertEqual((done.code, done.out), (0, "again\n"), repr(done))


class KillAtEveryStepOnPodman(KillAtEveryStep, support.Case):
    engine = "podman"


class Prune(support.Case):
    def test_prune_is_idempotent_and_dry(self):
        world = self.world()
        repo = world.repo()
        self.ok(world.start(repo, "/bin/true"))
        self.assertEqual(len(world.containers()), 1, "the stopped sandbox stays")
        self.ok(world.scc("prune", "--dry-run"))
        self.assertEqual(len(world.containers()), 1, "a dry run removes nothing")
        self.ok(world.scc("prune"))
        self.assertEqual((world.containers(), world.instances()), ([], []))
        done = self.ok(world.scc("prune", "--json"))
        self.assertEqual(done.data["items"], [])

    def test_prune_spares_what_runs(self):
        world = self.world()
        child = world.popen("start", world.repo(), "--", "/bin/sh", "-c", "echo ready; cat",
                            stdin=support.subprocess.PIPE)
        self.assertEqual(child.stdout.readline(), b"ready\n")
        self.ok(world.scc("prune"))
        self.assertEqual(len(world.containers(running=True)), 1)
        child.communicate(timeout=30)
        self.assertEqual(child.returncode, 0)

    def test_prune_spares_what_is_not_ours(self):
        """Foreign containers with a similar name or label, and another home's sandboxes, stay."""
        world, other = self.world(), self.world()
        self.ok(other.start(other.repo(), "/bin/true"))
        image = world.engine("images", "-q", "scc-base").split()[0]
        name = "scc-oci-" + world.suffix
        world.engine("create", "--name", name, "--label", "scc.managed=true", image, "true")
        self.addCleanup(world.engine, "rm", "-f", name, check=False)
        self.ok(world.scc("prune"))
        self.assertEqual(len(other.containers()), 1)
        self.assertIn(name, world.engine("ps", "-a", "--format", "{{.Names}}"))


class PruneOnPodman(Prune, support.Case):
    engine = "podman"


if __name__ == "__main__":
    support.main()
