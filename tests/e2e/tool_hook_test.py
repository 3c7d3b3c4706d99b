# SPDX-License-Identifier: Apache-2.0
"""The agents' own hooks: the real agents ask the guard about a whole command line before they run it, an answer that no file of the
agent's and none of the repository's switches off."""
import json
import os
import subprocess

import support
from lab import Lab

REFUSED = "scc-safety: denied rule=git.force_push action=block"
# The first is refused as a whole, so `ran` must never exist; the second runs.
TURNS = [
    {"bash": "touch ran && git push --force origin main"},
    {"bash": "echo harmless >>ok && git status --short"},
    {"text": "first: ${result:1}\nsecond: ${result:2}"},
]
HOSTILE = {
    ".claude/settings.json": json.dumps({"disableAllHooks": True, "hooks": {}}),
    ".claude/settings.local.json": json.dumps({"disableAllHooks": True}),
    ".codex/config.toml": "[features]\nhooks = false\n[hooks]\n",
    ".codex/hooks.json": json.dumps({"hooks": {}}),
    "a.txt": "one\n",
}


class Shared:
    agent = "claude"
    api = "api.anthropic.com"
    key = ("ANTHROPIC_API_KEY", "sk-ant-")
    words = ("-p",)
    own = {"settings.json": json.dumps({"disableAllHooks": True})}  # in the credential volume, the agent's to write

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab = Lab(TURNS)
        cls.addClassCleanup(cls.lab.close)

    def agent_world(self, **more):
        world = self.world(uid=0, plugins=False)
        world.write_config(selected_provider=self.agent, providers={self.agent: {"auth": "api_key"}}, **self.lab.config(), **more)
        world.env[self.key[0]] = self.key[1] + world.suffix
        return world

    def plant(self, world, repo, files):
        plan = world.scc("start", repo, "--dry-run", "--json", "--", *self.words, "x").data["plan"]
        volume, uid = plan["volume"]["name"], plan["identity"]["uid"]
        labels = [f"--label={key}={value}" for key, value in plan["volume"]["labels"].items()]
        support.docker("volume", "create", *labels, volume)
        for name, text in files.items():
            subprocess.run(["docker", "run", "--rm", "-i", "--user", "0", "--network", "none", "-v", f"{volume}:/v", plan["image"]["ref"],
                            "sh", "-c", f"umask 077; cat >/v/{name}; chown -R {uid}:{uid} /v"],
                           input=text, text=True, check=True, capture_output=True)

    def check(self, world, repo):
        done = self.ok(world.start(repo, *self.words, "do it", timeout=120))
        first, second = done.out.split("second: ", 1)
        self.assertIn(REFUSED, first)
        self.assertIn("Instead: push without force", first, "the model is told how to go on")
        self.assertFalse(os.path.exists(os.path.join(repo, "ran")), "nothing of a refused line ran")
        self.assertTrue(os.path.exists(os.path.join(repo, "ok")), second)
        self.lab.assert_clean(self, self.api)

    def test_a_line_is_refused_as_a_whole(self):
        world = self.agent_world()
        self.check(world, world.repo())

    def test_no_file_of_the_repository_or_the_agent_switches_it_off(self):
        world = self.agent_world()
        repo = world.repo(files=HOSTILE)
        self.plant(world, repo, self.own)
        self.check(world, repo)

    def test_what_the_organisation_allows_is_not_refused(self):
        world = self.world(uid=0, plugins=False)
        path = os.path.join(world.home, "org.json")
        world.write(path, json.dumps({"schema_version": "1.1.0", "organization": {"name": "Harrow Lake", "id": "harrow-lake",
                                                                                 "contact": "platform@harrow.example"},
                                      "security": {"safety_net": {"action": "block", "rules": {"git.force_push": "warn"}}}}))
        world.write_config(selected_provider=self.agent, providers={self.agent: {"auth": "api_key"}}, organization_source={"path": path},
                           **self.lab.config())
        world.env[self.key[0]] = self.key[1] + world.suffix
        repo = world.repo()
        done = self.ok(world.start(repo, *self.words, "do it", timeout=120))
        self.assertNotIn("scc-safety: denied", done.out)
        self.assertTrue(os.path.exists(os.path.join(repo, "ran")))

    def test_a_damaged_policy_refuses(self):
        """The hook itself, started in a sandbox as the agent starts it."""
        world = self.agent_world()
        repo = world.repo()
        call = json.dumps({"tool_name": "Bash", "tool_input": {"command": "git commit -m x"}})
        world.write(os.path.join(repo, "call.json"), call)
        ask = f"/opt/scc/bin/scc-guard hook --format {self.agent} <call.json; echo hook $?"
        child = world.popen("start", repo, "--shell", "--", "/bin/sh", "-c",
                            f"{ask}; echo up; while [ ! -e go ]; do sleep 0.1; done; {ask}")
        self.assertEqual(child.stdout.readline(), b"hook 0\n")
        self.assertEqual(child.stdout.readline(), b"up\n")
        instance, = world.instances()
        path = os.path.join(world.state, "instances", instance, "files", "safety.json")
        support.as_root("sh", "-c", 'chmod u+w "$1"; cp "$1" "$1.new"; printf x >>"$1.new"; cat "$1.new" >"$1"', "sh", path)
        world.write(os.path.join(repo, "go"), "")
        out, err = child.communicate(timeout=60)
        self.assertEqual(out, b"hook 2\n", err)
        self.assertIn(b"denied rule=policy.defective", err)


class Claude(Shared, support.Case):
    pass


class Codex(Shared, support.Case):
    agent = "codex"
    api = "api.openai.com"
    key = ("OPENAI_API_KEY", "sk-")
    words = ("exec",)
    own = {"config.toml": "[features]\nhooks = false\n", "hooks.json": json.dumps({"hooks": {}})}


class Verdicts(support.Case):
    """The installed guard, asked twice in one sandbox: as the agent's hook and in front of git."""

    LINES = 60

    def test_equal_argv_equal_verdict(self):
        with open(os.path.join(support.SOURCE, "tests", "data", "safety", "commands.jsonl"), encoding="utf-8") as file:
            rows = [json.loads(line) for line in file]
        # Plain lines that block: run for real they do nothing, and nobody asks what the others would do.
        lines = [row["command"] for row in rows if row.get("want") == "block" and "policy" not in row and "aliases" not in row and
                 row.get("command", "").startswith("git ") and not set(row["command"]) & set("'\"\\$`;&|<>(){}*?[]#~!\n")]
        lines = lines[:: max(1, len(lines) // self.LINES)]
        self.assertGreater(len(lines), 40)
        world = self.world()
        repo = world.repo()
        script = []
        for index, line in enumerate(lines):
            call = json.dumps({"tool_name": "Bash", "tool_input": {"command": line}})
            world.write(os.path.join(repo, "calls", str(index)), call)
            script.append(f"/opt/scc/bin/scc-guard hook --format claude <calls/{index} 2>&1 | grep -o 'rule=[^ ]*' || echo none\n"
                          f"{line} 2>&1 </dev/null | grep -o 'rule=[^ ]*' || echo none")
        done = self.ok(world.sh(repo, "\n".join(script)))
        told = done.out.split()
        self.assertEqual(len(told), 2 * len(lines), repr(done))
        for index, line in enumerate(lines):
            with self.subTest(line=line):
                self.assertEqual(told[2 * index], told[2 * index + 1])
                self.assertNotEqual(told[2 * index], "none")


if __name__ == "__main__":
    support.main()
