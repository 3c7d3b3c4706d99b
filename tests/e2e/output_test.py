# SPDX-License-Identifier: Apache-2.0
"""What scc prints: one envelope with --json, data on stdout and the rest on stderr, errors that say what to do."""
import json
import os
import re

import schema
import support


def load(name):
    with open(os.path.join(support.SCHEMAS, name + ".json"), encoding="utf-8") as file:
        return json.load(file)


class Json(support.Case):
    ENVELOPE = {"apiVersion", "kind", "metadata", "status", "data"}

    def envelope(self, done, kind):
        self.assertTrue(done.out.endswith("}\n"), repr(done))
        envelope = done.envelope()
        self.assertEqual(set(envelope), self.ENVELOPE)
        self.assertEqual(envelope["kind"], kind, repr(done))
        schema.check(envelope, load("cli-envelope-1"))
        name = "cli-" + re.sub(r"(?<!^)([A-Z])", r"-\1", kind).lower() + "-1"
        schema.check(envelope["data"], load(name))
        self.assertEqual(done.err, "", "nothing but the envelope is printed")
        return envelope

    def test_every_command(self):
        world = self.world()
        repo = world.repo()
        self.ok(world.start(repo, "/bin/true"))
        for args, kind in ((("version",), "Version"), (("list",), "SandboxList"), (("status",), "Status"),
                           (("stop", "--all"), "SandboxStop"), (("prune", "--dry-run"), "Prune"), (("prune",), "Prune"),
                           (("image", "list"), "ImageList"), (("image", "build", "base"), "ImageBuild"),
                           (("plugin", "list"), "PluginList"), (("plugin", "info", "command"), "PluginInfo"),
                           (("plugin", "paths"), "PluginPaths"), (("plugin", "trust", "command", "--yes"), "PluginTrust"),
                           (("start", repo, "--dry-run"), "StartDryRun")):
            if args == ("stop", "--all"):
                continue  # stops other tests' sandboxes of this user; see concurrency_test
            with self.subTest(args=args):
                for flag in ("--json", "--pretty"):
                    done = self.ok(world.scc(*args, flag, cwd=repo))
                    envelope = self.envelope(done, kind)
                    self.assertTrue(envelope["status"]["ok"])
                    self.assertEqual(done.out.count("\n") == 1, flag == "--json", repr(done))

    def test_errors_are_envelopes_too(self):
        world = self.world()
        for args, code, error in ((("no-such-command",), 2, "cli.unknown-command"), (("list", "--no-such-option"), 2, "cli.usage"),
                                  (("list", "extra"), 2, "cli.usage"), (("plugin", "info", "nope"), 1, "plugin.unknown"),
                                  (("start", "/nowhere/at/all", "--dry-run"), 1, None), (("start", "/", "--dry-run"), 6, None),
                                  (("stop", "scc-oci-0000000000000000"), 1, "sandbox.unknown"),
                                  (("shell", "nothing"), 1, "sandbox.unknown"), (("image", "build", "nope"), None, None),
                                  (("image", "rm"), 2, "cli.usage"), (("start", ".", "--provider", "nope", "--dry-run"), 2, None)):
            with self.subTest(args=args):
                done = world.scc(*args, "--json", cwd=world.repo(f"r{abs(hash(args))}"))
                self.assertNotEqual(done.code, 0)
                envelope = self.envelope(done, "Error")
                self.assertFalse(envelope["status"]["ok"])
                self.assertEqual(envelope["status"]["errors"], [envelope["data"]["user_message"]])
                self.assertEqual(envelope["data"]["code"], done.code)
                if code is not None:
                    self.assertEqual(done.code, code, repr(done))
                if error is not None:
                    self.assertEqual(envelope["data"]["error_code"], error)
                self.assertTrue(envelope["data"].get("suggested_action"), "no remedy: " + repr(done))

    def test_flag_before_the_command_and_before_the_rest(self):
        world = self.world()
        self.assertEqual(world.scc("--json", "list").envelope()["kind"], "SandboxList")
        # After `--` it belongs to the agent.
        done = world.start(world.repo(), "/bin/echo", "--json")
        self.assertEqual((done.code, done.out), (0, "--json\n"))

    def test_json_needs_dry_run_for_start(self):
        world = self.world()
        done = world.scc("start", world.repo(), "--json", "--", "true")
        self.refused(done, 2, "cli.usage")
        self.assertIn("--dry-run", done.data["suggested_action"])

    def test_broken_configuration(self):
        world = self.world()
        world.write(os.path.join(world.config_dir, "config.json"), '{"sandbx": {}}')
        done = world.scc("list", "--json")
        self.assertEqual(done.code, 3, repr(done))
        self.assertIn("sandbox", done.out, "the nearest key is named")
        self.assertIn("config.json", done.out)
        for text in ('{"sandbox": 3}', "{", "[]", '{"sandbox":{"memory":"lots"}}', "\x00", '{"a":1,"a":2}'):
            world.write(os.path.join(world.config_dir, "config.json"), text)
            self.assertEqual(world.scc("list", "--json").code, 3, text)


class Human(support.Case):
    def test_typos_are_understood(self):
        world = self.world()
        for args, near in ((("strat",), "start"), (("plugin", "lsit"), "plugin list"), (("list", "--jsn"), "--json"),
                           (("start", "--provder", "x"), "--provider"), (("plugin", "info", "comand"), "command"),
                           (("start", ".", "--provider", "comand"), "command")):
            with self.subTest(args=args):
                done = world.scc(*args, cwd=world.repo(f"r{abs(hash(args))}"))
                self.assertNotEqual(done.code, 0)
                self.assertEqual(done.out, "")
                self.assertRegex(done.err, f"did you mean .*{re.escape(near)}", repr(done))

    def test_help(self):
        world = self.world(plugins=False)
        done = self.ok(world.scc("--help"))
        for word in ("start", "shell", "list", "status", "stop", "prune", "image build", "plugin list", "--json"):
            self.assertIn(word, done.out)
        self.assertEqual(done.err, "")
        for command in ("start", "shell", "list", "status", "stop", "prune", "image build", "plugin trust", "version"):
            with self.subTest(command=command):
                done = self.ok(world.scc(*command.split(), "--help"))
                self.assertIn(command.split()[-1], done.out)
                self.assertLessEqual(max(map(len, done.out.splitlines())), 120)
        self.assertIn("plugin list", self.ok(world.scc("plugin", "--help")).out)
        self.assertEqual(world.scc("plugin").code, 2)

    def test_version(self):
        world = self.world(plugins=False)
        self.assertRegex(self.ok(world.scc("--version")).out, r"^scc \d+\.\d+\.\d+\n$")
        self.assertRegex(self.ok(world.scc("version")).out, r"^scc \d+\.\d+\.\d+ ")

    def test_version_and_help_need_nothing(self):
        """No home, no engine, a broken configuration: they still answer."""
        world = self.world()
        world.write(os.path.join(world.config_dir, "config.json"), "{")
        for args in (("--version",), ("--help",), ("version",), ("start", "--help"), ("completion", "bash")):
            done = world.scc(*args, env={"DOCKER_HOST": "unix:///nowhere", "HOME": "/nowhere"})
            self.assertEqual(done.code, 0, repr(done))

    def test_completion_is_a_script(self):
        world = self.world(plugins=False)
        script = self.ok(world.scc("completion", "bash")).out
        done = support.subprocess.run(["bash", "-c", script + "\nCOMP_WORDS=(scc plug); COMP_CWORD=1; _scc; echo ${COMPREPLY[@]}"],
                                      capture_output=True, text=True, check=False)
        self.assertIn("plugin", done.stdout, done.stderr)

    def test_streams(self):
        """Data on stdout, everything else on stderr, no colour without a terminal."""
        world = self.world()
        repo = world.repo()
        done = self.ok(world.start(repo, "/bin/echo", "data"))
        self.assertEqual(done.out, "data\n")
        done = self.ok(world.scc("list"))
        self.assertIn("NAME", done.out.splitlines()[0])
        self.assertIn(repo, done.out)
        self.assertNotIn("\x1b", done.out + done.err)
        done = world.scc("start", "/nowhere")
        self.assertEqual(done.out, "")
        self.assertRegex(done.err, r"^error: .*\n(  .*\n)*\nhint: ")

    def test_quiet(self):
        world = self.world()
        done = self.ok(world.scc("start", world.repo(), "--quiet", "--", "/bin/echo", "data"))
        self.assertEqual((done.out, done.err), ("data\n", ""), repr(done))


if __name__ == "__main__":
    support.main()
