# SPDX-License-Identifier: Apache-2.0
"""`scc start --dry-run` says what would happen, the same each time, and does nothing."""
import hashlib
import json
import os

import schema
import support
from proxy import Proxy


def load(name):
    with open(os.path.join(support.SCHEMAS, name + ".json"), encoding="utf-8") as file:
        return json.load(file)


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class DryRun(support.Case):
    def plan(self, world, repo, *argv, env=None, options=()):
        done = world.scc("start", repo, "--dry-run", "--json", *options, "--", *(argv or ("true",)), env=env)
        self.ok(done)
        return done

    def test_same_bytes_each_time(self):
        world = self.world()
        world.write_config(providers={"command": {"data_volume": "/home/agent/.data", "file": "/etc/x.json"}})
        repo = world.repo()
        first, second = (self.plan(world, repo, "a b", "", "c") for _ in range(2))
        # The text itself, not what a parser makes of it: everything from "data" on.
        cut = [done.out[done.out.index('"data":'):] for done in (first, second)]
        start, end = (done.out.index('"data":') for done in (first, second))
        self.assertEqual(cut[0].split('"kind"')[0], cut[1].split('"kind"')[0], (start, end))
        self.assertEqual(canonical(first.data), canonical(second.data))
        other = self.plan(world, repo, "a b", "", "d").data["plan"]
        self.assertNotEqual(first.data["plan"]["id"], other["id"])

    def test_fits_its_schemas(self):
        world = self.world()
        world.write_config(providers={"command": {"data_volume": "/home/agent/.data"}})
        envelope = self.plan(world, world.repo()).envelope()
        schema.check(envelope, load("cli-envelope-1"))
        schema.check(envelope["data"], load("cli-start-dry-run-1"))
        schema.check(envelope["data"]["plan"], load("launch-plan-1"))
        schema.check(envelope["data"]["plan"]["sandbox"], load("sandbox-spec-1"))
        schema.check(envelope["data"]["plan"]["network"], load("netpolicy-plan-1"))
        with self.assertRaises(schema.Invalid):  # the validator can say no
            schema.check({**envelope["data"]["plan"], "id": "x"}, load("launch-plan-1"))

    def test_id_is_the_digest_of_the_plan(self):
        world = self.world()
        plan = dict(self.plan(world, world.repo("ünï")).data["plan"])
        given = plan.pop("id")
        self.assertEqual(given, hashlib.sha256(canonical(plan).encode()).hexdigest())

    def test_nothing_is_made(self):
        world = self.world()
        world.write_config(providers={"command": {"data_volume": "/home/agent/.data"}})
        repo = world.repo()
        proxy = Proxy(os.path.join(world.run_dir, "engine.sock"))
        self.addCleanup(proxy.close)
        before = support.tree(world.dir)
        self.plan(world, repo, env={"DOCKER_HOST": proxy.host})
        after = support.tree(world.dir)
        asked = proxy.requests()
        self.assertGreater(len(asked), 0)
        self.assertEqual([item for item in asked if item[0] not in ("GET", "HEAD")], [])
        cache = os.path.join(world.home, ".cache")
        changed = {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}
        probe = os.path.join(cache, "scc", "plugin-probe")
        outside = {path for path in changed
                   if not path.startswith(probe + "/") and path not in (cache, f"{cache}/scc", probe)}
        self.assertEqual(outside, set())

    def test_human_output_says_the_essentials(self):
        world = self.world()
        repo = world.repo()
        done = self.ok(world.scc("start", repo, "--dry-run", "--", "my-agent", "--flag"))
        for text in (repo, "command", "docker", "my-agent --flag", "read-only", "open"):
            self.assertIn(text, done.out, repr(done))

    def test_plan_is_what_runs(self):
        """The container has the mounts, the limits and the labels of the plan."""
        world = self.world()
        repo = world.repo()
        plan = self.plan(world, repo, "/bin/true").data["plan"]
        self.ok(world.start(repo, "/bin/true"))
        made = world.container()
        self.assertEqual(made["Name"], "/" + plan["sandbox"]["name"])
        self.assertEqual(made["Config"]["Hostname"], plan["sandbox"]["hostname"])
        self.assertEqual(made["HostConfig"]["PidsLimit"], plan["sandbox"]["resources"]["pids"])
        planned = {mount["target"]: mount["read_only"] for mount in plan["sandbox"]["mounts"] if mount["type"] == "bind"}
        real = {mount["Destination"]: not mount["RW"] for mount in made["Mounts"] if mount["Type"] == "bind"}
        self.assertEqual(planned, real)
        for key, value in plan["sandbox"]["labels"].items():
            if "${" not in value:
                self.assertEqual(made["Config"]["Labels"][key], value)
        self.assertNotIn("${", json.dumps(made["Config"]["Labels"]))
        digest = made["Config"]["Labels"]["scc.spec-digest"]
        self.assertEqual(digest, plan["sandbox"]["labels"]["scc.spec-digest"])

    def test_missing_image_is_reported_and_not_built(self):
        world = self.world()
        world.write_config(providers={"command": {"image": "ref:scc-no-such-image:1"}})
        repo = world.repo()
        data = self.plan(world, repo).data
        self.assertFalse(data["ready_to_start"])
        self.assertTrue(any("scc-no-such-image:1" in text for text in data["not_ready"]))
        done = world.start(repo, "/bin/true")
        self.assertEqual(done.code, 5, repr(done))
        self.assertIn("hint:", done.err)
        self.assertEqual(world.containers(), [])

    def test_secret_values_are_not_in_a_plan(self):
        world = self.world()
        world.write_config(providers={"command": {"secret_from": "env:SCC_TEST_KEY"}})
        done = self.plan(world, world.repo(), env={"SCC_TEST_KEY": "sk-value"})
        self.assertIn("SCC_TEST_KEY", done.out)
        self.assertNotIn("sk-value", done.out + done.err)
        self.assertTrue(done.data["ready_to_start"])
        self.assertFalse(self.plan(world, f"{world.src}/repo").data["ready_to_start"])


if __name__ == "__main__":
    support.main()
