# SPDX-License-Identifier: Apache-2.0
"""One body for both real agents on both real engines: a session works on a repository, a resumed one goes on with its
conversation (seen at the model API, in the history of the request), a fresh one does not."""
import os

import support
from lab import Lab

FIRST = "list the files, add NOTES.md and remember the word plover"
SECOND = "which word was it"
THIRD = "which word is it now"
TURNS = [
    {"bash": "ls -la"},
    {"write": {"file": "NOTES.md", "content": "# Notes\n"}},
    {"text": "I listed the files and added NOTES.md.\n${result:1}"},
]


class Shared:
    engine = "docker"
    agent = "claude"
    api = "api.anthropic.com"
    key = ("ANTHROPIC_API_KEY", "sk-ant-")
    words = ("-p",)
    history = '"messages"'

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.need_engine(cls.engine)
        cls.lab = Lab(TURNS, engine=cls.engine)
        cls.addClassCleanup(cls.lab.close)

    def agent_world(self):
        """Root's world: its Podman is the one with a network of its own."""
        world = self.world(uid=0, plugins=False, engine=self.engine)
        world.write_config(selected_provider=self.agent, providers={self.agent: {"auth": "api_key"}}, **self.lab.config())
        world.env[self.key[0]] = self.key[1] + world.suffix
        return world

    def histories(self, prompt):
        found = [text for text in self.lab.bodies(prompt) if self.history in text]
        self.assertGreater(len(found), 0, f"{prompt!r} reached the model API")
        return found

    def test_start_resume_and_fresh(self):
        world = self.agent_world()
        repo = world.repo()
        done = self.ok(world.start(repo, *self.words, FIRST, timeout=180))
        self.assertIn("I listed the files and added NOTES.md.", done.out)
        self.assertIn("a.txt", done.out, "the first tool call listed the files")
        with open(os.path.join(repo, "NOTES.md"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "# Notes\n")
        info = os.lstat(os.path.join(repo, "NOTES.md"))
        self.assertEqual((info.st_uid, info.st_gid), (0, 0), "what the agent writes belongs to the owner of the repository")
        [sandbox] = world.containers()  # the stopped one stays
        self.ok(world.start(repo, *self.words, SECOND, options=("--resume",), timeout=180))
        self.assertEqual(world.containers(), [sandbox], "and serves again")
        self.ok(world.start(repo, *self.words, THIRD, options=("--fresh",), timeout=180))
        self.assertTrue(any(FIRST in text for text in self.histories(SECOND)), "the first turn is in the second's history")
        self.assertFalse(any(FIRST in text for text in self.histories(THIRD)), "a fresh conversation begins without it")
        listed = world.scc("sessions", "--all", "--json").data["sessions"]
        self.assertEqual(sorted(item["runs"] for item in listed), [1, 2])
        self.assertEqual({(item["provider"], item["runtime"], item["status"]) for item in listed},
                         {(self.agent, self.engine, "exited")})
        world.assert_quiet(self)
        self.ok(world.scc("prune"))
        self.assertEqual(world.containers(), [], "prune removes the sandbox")
        self.assertEqual(len(world.volumes()), 1, "and never a sign-in")
        self.lab.assert_clean(self, self.api)


class ClaudeOnDocker(Shared, support.Case):
    pass


class ClaudeOnPodman(Shared, support.Case):
    engine = "podman"


class CodexOnDocker(Shared, support.Case):
    agent = "codex"
    api = "api.openai.com"
    key = ("OPENAI_API_KEY", "sk-")
    words = ("exec",)
    history = '"input"'


class CodexOnPodman(Shared, support.Case):
    engine = "podman"
    agent = "codex"
    api = "api.openai.com"
    key = ("OPENAI_API_KEY", "sk-")
    words = ("exec",)
    history = '"input"'


if __name__ == "__main__":
    support.main()
