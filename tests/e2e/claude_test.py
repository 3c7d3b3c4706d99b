# SPDX-License-Identifier: Apache-2.0
"""The real Claude Code in a sandbox, talking to the model API of the tests on a network without a way out."""
import json
import os
import subprocess

import support
from lab import Lab, digest
from terminal import Terminal

PROMPT = "list the files and add NOTES.md"
TURNS = [
    {"bash": "id -u; ls -la; env | cut -d= -f1 | sort | tr '\\n' ' '; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n' | grep -c sk-; "
             "cat /etc/claude-code/managed-settings.json | head -c 20; (echo x >>/etc/claude-code/managed-settings.json) 2>&1; true"},
    {"write": {"file": "NOTES.md", "content": "# Notes\n"}},
    {"bash": "git status --short; git log --oneline"},
    {"text": "I listed the files and added NOTES.md.\n${result:1}\n${result:3}"},
]


class Claude(support.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab = Lab(TURNS)
        cls.addClassCleanup(cls.lab.close)

    def claude_world(self, uid=None, auth="api_key"):
        world = self.world(uid=uid, plugins=False)
        world.write_config(selected_provider="claude", providers={"claude": {"auth": auth}}, **self.lab.config())
        self.key = "sk-ant-" + world.suffix
        world.env["CANARY_OF_THE_HOST"] = "canary-env"
        world.env["ANTHROPIC_API_KEY"] = self.key
        return world

    def requests(self):
        return [item for item in self.lab.report()["requests"] if digest(self.key) in item["auth"].values()]

    def check_session(self, world, repo, owner):
        done = world.start(repo, "-p", PROMPT, timeout=120)
        self.ok(done)
        self.assertIn("I listed the files and added NOTES.md.", done.out)
        self.assertIn("README.md", done.out, "the first tool call listed the files")
        self.assertIn("?? NOTES.md", done.out, "the second one ran git")
        self.assertIn('{"env":{', done.out, "managed settings can be read ...")
        self.assertRegex(done.out, "managed-settings.json: (Permission denied|Read-only file system)", "... and not written")
        self.assertNotIn("canary", done.out + done.err)
        self.assertNotIn("CANARY", done.out + done.err)
        path = os.path.join(repo, "NOTES.md")
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "# Notes\n")
        info = os.lstat(path)
        self.assertEqual((info.st_uid, info.st_gid), (owner, owner))
        found = self.requests()
        self.assertGreaterEqual(len(found), 4, "one request a turn, with the key")
        self.assertEqual({item["host"] for item in found}, {"api.anthropic.com"})
        self.assertTrue(any(item.get("prompt") == PROMPT for item in found))
        self.lab.assert_clean(self)
        world.assert_quiet(self)
        return done

    def test_users_repository(self):
        world = self.claude_world(uid=1000 if os.geteuid() == 0 else None)
        done = self.check_session(world, world.repo(), world.uid)
        self.assertIn(f"{world.uid}\n", done.out)
        self.assertEqual(len(world.volumes()), 1)
        # A continued conversation: what was said is in the volume.
        self.ok(world.start(f"{world.src}/repo", "-p", "again", options=("--resume",), timeout=120))
        self.ok(world.scc("prune"))
        self.assertEqual(len(world.volumes()), 1, "prune never touches a sign-in")

    def test_another_users_repository(self):
        world = self.claude_world(uid=0)
        self.check_session(world, world.repo(owner=1001), 1001)

    def test_root_owned_repository(self):
        world = self.claude_world(uid=0)
        repo = world.repo()
        done = self.check_session(world, repo, 0)
        self.assertIn("1000\n", done.out)

    def test_with_a_terminal(self):
        world = self.claude_world()
        repo = world.repo()
        with Terminal(world, "start", repo, "--", "-p", PROMPT) as terminal:
            terminal.expect("I listed the files and added NOTES.md", seconds=60)
            self.assertEqual(terminal.wait(), 0)
            terminal.assert_sane(self)
        self.assertTrue(os.path.exists(os.path.join(repo, "NOTES.md")))
        world.assert_quiet(self)
        self.lab.assert_clean(self)

    def test_first_screen(self):
        """The full-screen agent draws its first screen on a new credential volume; Ctrl-C ends it."""
        world = self.claude_world()
        with Terminal(world, "start", world.repo(), rows=40, columns=120) as terminal:
            terminal.expect("(?i)theme", seconds=60)
            for _ in range(20):
                terminal.send("\x03")
                if terminal.child.poll() is not None:
                    break
                terminal.read(0.5)
            terminal.wait()
            terminal.assert_sane(self)
        world.assert_quiet(self)
        self.lab.assert_clean(self)

    def test_interactive(self):
        """The full-screen agent: a prompt is typed, tools run without being asked about, two Ctrl-C end it."""
        world = self.claude_world()
        repo = world.repo()
        with Terminal(world, "start", repo, rows=40, columns=120) as terminal:
            # The agent's own first-run screens, answered with their defaults; afterwards nothing more may be asked.
            for screen in ("(?i)choose the text style", "Press Enter to continue"):
                terminal.expect_on_screen(screen, seconds=60)
                terminal.send("\r")
            found = terminal.expect_on_screen("No, exit|shift\\+tab|shortcuts", seconds=30)
            self.assertNotEqual(found.group(0), "No, exit", "the agent asks what scc has answered")
            terminal.send(PROMPT)
            terminal.expect_on_screen("add NOTES.md")
            terminal.send("\r")
            # What stands there already is not drawn again, so a sentence may lack letters.
            terminal.expect_on_screen("added NOTES|· done ", seconds=60)
            terminal.send("\x03")
            terminal.expect_on_screen("(?i)again to exit")
            terminal.send("\x03")
            self.assertEqual(terminal.wait(), 0)
            with open(os.path.join(repo, "NOTES.md"), encoding="utf-8") as file:
                self.assertEqual(file.read(), "# Notes\n")
            terminal.assert_sane(self)
        world.assert_quiet(self)
        self.lab.assert_clean(self)

    def test_key_is_nowhere(self):
        """Looked at from the host while the agent runs: not in inspect, arguments, environments, nor in any file of scc."""
        world = self.claude_world()
        world.env["SCC_LOG"] = "1"
        world.repo()
        child = world.popen("start", f"{world.src}/repo", "--debug", "--", "-p", PROMPT)
        seen = []
        while child.poll() is None:
            for container in world.containers(running=True):
                seen.append(support.docker("inspect", container, check=False))
                for line in support.docker("top", container, "-eo", "pid,args", check=False).splitlines()[1:]:
                    pid = line.split()[0]
                    texts = support.as_root("cat", f"/proc/{pid}/environ", f"/proc/{pid}/cmdline", check=False).stdout
                    if texts:
                        seen.append(texts)
                        if "claude" in texts and "setting-sources" in texts:
                            self.saw_agent = True
        out, err = child.communicate()
        self.assertEqual(child.returncode, 0, err)
        self.assertTrue(getattr(self, "saw_agent", False), "the agent's process was never looked at")
        for text in (*seen, out.decode(), err.decode()):
            self.assertNotIn(self.key, text)
        self.assertEqual(support.as_root("grep", "-rlF", self.key, world.dir, check=False).stdout, "")
        self.assertNotIn(self.key, json.dumps(world.container()))
        self.assertGreater(len(self.requests()), 0, "the key was used")

    def test_no_sign_in_and_no_terminal(self):
        world = self.claude_world(auth="login")
        repo = world.repo()
        done = world.start(repo, "-p", PROMPT)
        self.assertEqual(done.code, 5, repr(done))
        self.assertRegex(done.err, "(?i)sign.?in")
        self.assertIn("hint:", done.err)
        self.assertEqual(done.out, "")
        self.assertEqual(world.containers(), [], "nothing was started")
        self.assertEqual(self.requests(), [], "the key of the environment was not used: api_key was not chosen")

    def test_key_mode_without_a_key(self):
        world = self.claude_world()
        del world.env["ANTHROPIC_API_KEY"]
        done = world.start(world.repo(), "-p", PROMPT)
        self.assertEqual(done.code, 5, repr(done))
        self.assertIn("ANTHROPIC_API_KEY", done.err)
        self.assertEqual(world.containers(), [])

    def test_sign_in_with_a_credential_file(self):
        """What a sign-in leaves in the volume is enough; the file is the agent's own."""
        world = self.claude_world(auth="login")
        repo = world.repo()
        plan = world.scc("start", repo, "--dry-run", "--json", "--", "-p", "x").data["plan"]
        volume, uid = plan["volume"]["name"], plan["identity"]["uid"]
        self.assertIn(world.suffix, volume)
        token = {"claudeAiOauth": {"accessToken": "sk-ant-oat-" + world.suffix, "refreshToken": "r", "expiresAt": 4102444800000,
                                   "scopes": ["user:inference"], "subscriptionType": "pro"}}
        labels = [f"--label={key}={value}" for key, value in plan["volume"]["labels"].items()]
        support.docker("volume", "create", *labels, volume)
        subprocess.run(["docker", "run", "--rm", "-i", "--user", "0", "--network", "none", "-v", f"{volume}:/v",
                        plan["image"]["ref"], "sh", "-c", f"umask 077; cat >/v/.credentials.json; chown -R {uid}:{uid} /v"],
                       input=json.dumps(token), text=True, check=True, capture_output=True)
        self.ok(world.start(repo, "-p", PROMPT, timeout=120))
        used = digest("sk-ant-oat-" + world.suffix)
        self.assertTrue(any(used in item["auth"].values() for item in self.lab.report()["requests"]))
        self.lab.assert_clean(self)

    def test_wrong_argument_of_the_agent(self):
        world = self.claude_world()
        done = world.start(world.repo(), "--no-such-option-of-claude")
        self.assertEqual(done.code, 1, repr(done))
        self.assertIn("no-such-option-of-claude", done.err + done.out)


if __name__ == "__main__":
    support.main()
