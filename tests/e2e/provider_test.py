# SPDX-License-Identifier: Apache-2.0
"""Choosing an agent and signing in: the real agents' own sign-in in a sandbox, on a network without a way out."""
import json
import os
import subprocess

import support
from lab import Lab, digest
from terminal import Terminal

TURNS = [{"bash": "ls"}, {"text": "done: ${result:1}"}]


class Shared:
    """What the classes below share."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab = Lab(TURNS)
        cls.addClassCleanup(cls.lab.close)

    def plain_world(self, uid=None, **settings):
        world = self.world(uid=uid, plugins=False)
        del world.settings["selected_provider"]
        world.write_config(**self.lab.config(), **settings)
        return world

    def login_with_key(self, world, key, *options):
        return world.scc("provider", "login", "codex", "--with-api-key", *options, stdin=(key + "\n").encode(), timeout=120)

    def provider(self, world, name):
        found = self.ok(world.scc("provider", "list", "--json")).data
        return next(item for item in found["providers"] if item["id"] == name)

    def in_volume(self, world, command):
        """Runs a shell command on the world's only volume, with the image that the tests have anyway."""
        volume, = world.volumes()
        done = subprocess.run(["docker", "run", "--rm", "--user", "0", "--network", "none", "-v", f"{volume}:/v", self.lab.info["image"],
                               "sh", "-c", command], text=True, check=True, capture_output=True)
        return done.stdout


class SignIn(Shared, support.Case):
    def test_a_key_from_standard_input(self):
        """`codex login --with-api-key`, a session with what it stored, and the way back."""
        world = self.plain_world(uid=1000 if os.geteuid() == 0 else None)
        key = "sk-stdin-" + world.suffix
        world.env["SCC_LOG"] = "1"
        done = self.ok(self.login_with_key(world, key, "--json"))
        self.assertEqual(done.data["auth"], {"status": "present", "mechanism": "stored_api_key"})
        self.assertNotIn(key, done.out + done.err)
        self.assertEqual(world.containers(), [], "the sandbox of the sign-in is removed")
        self.assertEqual(world.instances(), [])
        listed = self.in_volume(world, "stat -c '%n %a %u' /v/auth.json; cat /v/auth.json")
        self.assertIn(f"/v/auth.json 600 {world.uid}", listed)
        self.assertIn(key, listed)
        self.assertEqual(support.as_root("grep", "-rlF", key, world.dir, check=False).stdout, "", "scc keeps no copy")
        self.assertEqual(self.provider(world, "codex")["auth"]["status"], "present")
        self.assertEqual(self.provider(world, "claude")["auth"]["status"], "missing")

        repo = world.repo()
        done = self.ok(world.start(repo, "exec", "go", timeout=120))
        self.assertIn("README.md", done.out)
        used = {item["host"] for item in self.lab.report()["requests"] if digest(key) in item["auth"].values()}
        self.assertEqual(used, {"api.openai.com", "chatgpt.com"}, "the vendor alone: the API, and the list of models")
        self.lab.assert_clean(self, "api.openai.com", "chatgpt.com")

        self.in_volume(world, "echo mine >/v/other")
        done = self.ok(world.scc("provider", "logout", "codex", "--yes", "--json"))
        self.assertTrue(done.data["changed"])
        self.assertEqual(done.data["auth"]["status"], "missing")
        names = self.in_volume(world, "ls -A /v; ls /v/sessions").split()
        self.assertNotIn("auth.json", names)
        self.assertIn("other", names, "nothing but the sign-in is removed")
        self.assertIn("sessions", names)
        self.assertEqual(self.provider(world, "codex")["auth"]["status"], "missing")
        world.assert_quiet(self)

    def test_no_key(self):
        world = self.plain_world()
        self.refused(self.login_with_key(world, "", "--json"), 5, "auth.login-failed")
        self.assertEqual(world.containers(), [])
        self.refused(world.scc("provider", "login", "claude", "--with-api-key", "--json", stdin=b"x"), 5, "claude.no-key-store")

    def test_nobody_to_ask(self):
        world = self.plain_world()
        for agent in ("claude", "codex"):
            done = self.refused(world.scc("provider", "login", agent, "--json"), 5, "auth.no-terminal")
            self.assertIn(f"scc provider login {agent}", done.out)
        self.refused(world.scc("provider", "login", "nobody", "--with-api-key", "--json", stdin=b"x"), 2, "provider.unknown")
        self.refused(world.scc("provider", "logout", "codex", "--json"), 2, "cli.confirm")
        done = self.ok(world.scc("provider", "logout", "codex", "--json", "--yes"))
        self.assertFalse(done.data["changed"])
        self.assertEqual(world.volumes(), [])

    def test_claude_s_code_paste(self):
        """Up to the question for the code; the sandbox is looked at meanwhile; a second sign-in waits for nobody."""
        world = self.plain_world()
        with Terminal(world, "provider", "login", "claude", rows=40, columns=200) as terminal:
            terminal.expect_on_screen("https://claude.ai/oauth/authorize", seconds=60)
            terminal.expect_on_screen("(?i)paste code here", seconds=20)
            container = world.container()
            self.assertEqual(container["Config"]["Labels"]["scc.role"], "auth")
            self.assertEqual(container["HostConfig"]["CapDrop"], ["ALL"])
            self.assertTrue(container["HostConfig"]["ReadonlyRootfs"])
            volumes = [mount for mount in container["Mounts"] if mount["Type"] == "volume"]
            self.assertEqual([mount["Name"] for mount in volumes], world.volumes())
            for mount in container["Mounts"]:
                if mount["Type"] == "bind":
                    self.assertFalse(mount["RW"], mount)
                    self.assertFalse(mount["Source"].startswith(world.src), mount)
            self.assertEqual(self.ok(world.scc("list", "--json")).data["count"], 0, "a sign-in is no session")
            with Terminal(world, "provider", "login", "claude") as second:
                second.expect("another sign-in of claude goes on", seconds=30)
                self.assertEqual(second.wait(), 4)
            for _ in range(20):
                terminal.send("\x03")
                if terminal.child.poll() is not None:
                    break
                terminal.read(0.5)
            self.assertIn(terminal.wait(), (5, 130))
            terminal.assert_sane(self)
        self.assertEqual(world.containers(), [], "the sandbox of the sign-in is removed")
        self.lab.assert_clean(self, "api.openai.com", "chatgpt.com", "auth.openai.com", "api.anthropic.com", "platform.claude.com",
                              "claude.ai", "console.anthropic.com")
        world.assert_quiet(self)

    def test_codex_device_flow(self):
        """The code is shown, the vendor says that it was typed, the tokens end in the volume."""
        world = self.plain_world()
        with Terminal(world, "provider", "login", "codex", "--device", rows=40, columns=200) as terminal:
            terminal.expect("https://auth.openai.com/codex/device", seconds=60)
            terminal.expect("TEST-12345")
            terminal.expect("signed in to codex", seconds=60)
            self.assertEqual(terminal.wait(), 0)
            terminal.assert_sane(self)
        self.assertEqual(self.provider(world, "codex")["auth"], {"status": "present", "mechanism": "auth_json_file"})
        self.assertEqual(world.containers(), [])
        self.lab.assert_clean(self, "api.openai.com", "chatgpt.com", "auth.openai.com", "api.anthropic.com", "platform.claude.com",
                              "claude.ai", "console.anthropic.com")


class Choice(Shared, support.Case):
    def chosen(self, world, repo, *options, env=None):
        done = world.scc("start", repo, *options, "--dry-run", "--json", env=env)
        return done.data["plan"]["provider"]["id"] if done.code == 0 else done

    def test_preference_workspace_and_flag(self):
        world = self.plain_world()
        repo, other = world.repo(), world.repo("other")
        self.refused(self.chosen(world, repo), 5, "provider.ambiguous")
        self.assertIsNone(self.ok(world.scc("provider", "show", "--json", cwd=repo)).data["preference"])
        self.ok(world.scc("provider", "set", "claude"))
        self.assertEqual(self.chosen(world, repo), "claude")
        self.ok(world.scc("provider", "set", "codex", "--workspace", cwd=repo))
        self.assertEqual((self.chosen(world, repo), self.chosen(world, other)), ("codex", "claude"))
        self.assertEqual(self.chosen(world, repo, env={"SCC_PROVIDER": "claude"}), "claude")
        self.assertEqual(self.chosen(world, repo, "--provider", "claude", env={"SCC_PROVIDER": "codex"}), "claude")
        self.refused(self.chosen(world, repo, "--provider", "clod"), 2, "plugin.unknown-component")
        self.refused(world.scc("provider", "set", "clod", "--json"), 2, "provider.unknown")
        shown = self.ok(world.scc("provider", "show", "--json", cwd=repo)).data
        self.assertEqual((shown["preference"], shown["workspace"]["provider"]), ("claude", "codex"))
        self.ok(world.scc("provider", "unset", "--workspace", cwd=repo))
        self.ok(world.scc("provider", "set", "ask"))
        self.refused(self.chosen(world, repo), 5, "provider.ambiguous")
        self.assertFalse(os.path.exists(os.path.join(repo, ".scc")), "nothing is written into the workspace")

    def test_the_workspace_s_last_one_and_the_only_sign_in(self):
        world = self.plain_world()
        repo = world.repo()
        self.ok(self.login_with_key(world, "sk-" + world.suffix))
        done = self.ok(world.start(repo, "exec", "go", timeout=120))
        self.assertIn("done:", done.out, "the only one with a sign-in")
        self.assertEqual(self.chosen(world, repo), "codex", "the last one of this workspace")
        files = [os.path.join(world.state, "workspaces", name) for name in os.listdir(os.path.join(world.state, "workspaces"))]
        with open(files[0], encoding="utf-8") as file:
            self.assertEqual(json.load(file)["last_used_provider"], "codex")

    def test_a_question(self):
        world = self.plain_world()
        with Terminal(world, "start", world.repo()) as terminal:
            terminal.expect("Which agent", seconds=30)
            terminal.expect(r"\[1\] Claude Code  \(sign-in needed\)")
            terminal.expect(r"\[2\] Codex  \(sign-in needed\)")
            terminal.send("0\n")
            self.assertEqual(terminal.wait(), 130)
        self.assertEqual(world.containers(), [])


if __name__ == "__main__":
    support.main()
