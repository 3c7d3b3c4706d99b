# SPDX-License-Identifier: Apache-2.0
"""`scc doctor` names what is wrong with a remedy that works, starts nothing, and mends what is safe."""
import json
import os
import stat
import subprocess

import schema
import support


class Doctor(support.Case):
    def report(self, done):
        envelope = done.envelope()
        self.assertEqual(envelope["kind"], "DoctorReport", done)
        data = envelope["data"]
        with open(os.path.join(support.SCHEMAS, "cli-doctor-1.json"), encoding="utf-8") as file:
            schema.check(data, json.load(file))
        self.assertEqual(envelope["status"]["ok"], data["summary"]["all_ok"], done)
        self.assertEqual(done.code, 0 if data["summary"]["all_ok"] else 3, done)
        for check in data["checks"]:
            if check["status"] in ("warn", "fail"):
                self.assertTrue(check["remedy"], f"no remedy: {check}")
        return {check["id"]: check for check in data["checks"]}

    def doctor(self, world, *args, **more):
        return self.report(world.scc("doctor", "--json", *args, **more))

    def test_a_machine_that_works(self):
        world = self.world()
        repo = world.repo()
        before = (world.containers(), world.networks())
        checks = self.doctor(world, repo)
        for name in ("libraries", "user-config", "organisation.document", "governance", "network-policy", "plugins", "engine",
                     "engine.leftovers", "image.command", "launch"):
            self.assertEqual(checks[name]["status"], "ok", checks[name])
        self.assertEqual((world.containers(), world.networks()), before, "nothing was started")
        done = self.ok(world.scc("doctor", repo))
        self.assertIn("engine\n", done.out)
        self.assertRegex(done.err, r"0 failed")

    def test_no_engine(self):
        world = self.world()
        checks = self.doctor(world, env={"DOCKER_HOST": f"unix://{world.run_dir}/none.sock", "SCC_RUNTIME": "docker"})
        self.assertEqual(checks["engine"]["status"], "fail")
        self.assertEqual(checks["engine.docker"]["status"], "fail")
        self.assertRegex(checks["engine.docker"]["remedy"], "(?i)install|start|running")
        self.assertEqual(checks["image.command"]["status"], "skipped")
        done = world.scc("doctor", env={"DOCKER_HOST": f"unix://{world.run_dir}/none.sock", "SCC_RUNTIME": "docker"})
        self.assertEqual(done.code, 3, done)
        self.assertIn("FAIL", done.out)
        self.assertIn("-> ", done.out)

    def test_engine_down(self):
        world = self.world()
        path = world.dead_socket()
        checks = self.doctor(world, env={"DOCKER_HOST": f"unix://{path}", "SCC_RUNTIME": "docker"})
        self.assertEqual(checks["engine.docker"]["status"], "fail")
        self.assertRegex(checks["engine.docker"]["remedy"], "(?i)start|running")

    def test_no_permission(self):
        world = self.world(uid=1234)
        world.engine_group = None
        checks = self.doctor(world, env={"SCC_RUNTIME": "docker"})
        self.assertEqual(checks["engine.docker"]["status"], "fail")
        self.assertRegex(checks["engine.docker"]["remedy"], "usermod|group|rootless|sudo")

    def test_podman_with_crun_on_hybrid_cgroups(self):
        """As on a machine whose runc does not run: the problem is named, and what its line installs is what is missing."""
        self.need_engine("podman")
        world = self.world(uid=0, engine="podman")
        self.assertEqual(self.doctor(world)["engine.podman"]["status"], "ok")
        with open("/proc/self/cgroup", encoding="utf-8") as file:
            text = file.read()
        path = world.make_dir(os.path.join(world.dir, "bin"))
        os.symlink("/bin/false", os.path.join(path, "runc"))
        path = f"{path}:{world.env['PATH']}"
        checks = self.doctor(world, env={"PATH": path})
        self.assertEqual(checks["engine.podman"]["status"], "ok", "it answers")
        if "0::" in text and ":memory:" in text:
            check = checks["engine.podman.runtime.hybrid-cgroups"]
            self.assertEqual((check["status"], check["remedy"]), ("warn", "sudo apt-get install runc"))
        else:
            self.assertNotIn("engine.podman.runtime.hybrid-cgroups", checks)

    def test_missing_image(self):
        """The image of an agent is one that somebody names and the engine does not have."""
        world = self.world()
        world.write_config(images={"agent-claude": {"ref": "registry.invalid/agent@sha256:" + "0" * 64}})
        check = self.doctor(world, world.repo())["image.claude"]
        self.assertEqual(check["status"], "warn", check)
        self.assertTrue(check["fixable"])
        self.assertIn("scc image build agent-claude", check["remedy"])

    def test_a_broken_configuration(self):
        world = self.world()
        world.write(os.path.join(world.config_dir, "config.json"), '{"standalon": true}', 0o600)
        check = self.doctor(world)["user-config"]
        self.assertEqual(check["status"], "fail")
        self.assertIn("standalone", json.dumps(check["details"]), "the nearest key")

    def test_an_organisation_that_cannot_be_read(self):
        world = self.world()
        world.write_config(organization_source={"path": os.path.join(world.home, "none.json")})
        checks = self.doctor(world)
        self.assertEqual(checks["organisation.document"]["status"], "fail")
        self.assertEqual(checks["governance"]["status"], "skipped")

    def test_modes_are_mended(self):
        world = self.world()
        os.chmod(world.config_dir, 0o777)
        check = self.doctor(world, "--no-engine")["directory.config"]
        self.assertEqual(check["status"], "fail")
        subprocess.run(["sh", "-c", check["remedy"]], check=True)  # the remedy works when pasted
        self.assertEqual(self.doctor(world, "--no-engine")["directory.config"]["status"], "ok")
        os.chmod(world.config_dir, 0o777)
        done = world.scc("doctor", "--no-engine", "--fix", "--json")
        self.assertEqual(self.report(done)["directory.config"]["status"], "ok")
        self.assertEqual([fix["check"] for fix in done.data["fixes"] if fix["done"]], ["directory.config"])
        self.assertEqual(stat.S_IMODE(os.stat(world.config_dir).st_mode), 0o700)

    def test_what_a_killed_session_left(self):
        world = self.world()
        repo = world.repo()
        child = world.popen("start", repo, "--", "/bin/sleep", "600")
        support.wait_for(lambda: world.containers(running=True), what="a running sandbox")
        support.wait_for(world.held_locks, what="a session")
        checks = self.doctor(world, repo)
        self.assertEqual(checks["engine.leftovers"]["status"], "ok", "a living session leaves nothing")
        child.kill()
        child.wait()
        check = self.doctor(world, repo)["engine.leftovers"]
        self.assertEqual(check["status"], "warn", check)
        self.assertEqual(check["remedy"], "scc prune")
        done = world.scc("doctor", repo, "--fix", "--json")
        self.assertEqual(self.report(done)["engine.leftovers"]["status"], "ok", done)
        self.assertEqual(world.containers(), [])

    def test_bad_usage(self):
        world = self.world()
        self.refused(world.scc("doctor", "--provider", "nobody", "--json"), 2, "provider.unknown")
        self.assertEqual(world.scc("doctor", "--fixx").code, 2)
        checks = self.doctor(world, "--no-engine")
        self.assertNotIn("engine", checks)


if __name__ == "__main__":
    support.main()
