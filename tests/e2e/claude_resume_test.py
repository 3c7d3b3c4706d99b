# SPDX-License-Identifier: Apache-2.0
"""A conversation of the real Claude Code that goes on in a later session: seen at the model API, in the history of the request."""
import os
import tempfile

import support
from lab import Lab, lab

FIRST = "remember the word plover"
SECOND = "which word was it"
THIRD = "which word is it now"


class ClaudeResume(support.Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.lab = Lab([{"text": "Noted."}])
        cls.addClassCleanup(cls.lab.close)

    def claude_world(self):
        world = self.world(plugins=False)
        world.write_config(selected_provider="claude", providers={"claude": {"auth": "api_key"}}, **self.lab.config())
        world.env["ANTHROPIC_API_KEY"] = "sk-ant-" + world.suffix
        return world

    def histories(self, prompt):
        """The bodies of the requests that carry this prompt."""
        with tempfile.TemporaryDirectory() as folder:
            lab("logs", "--suffix", self.lab.suffix, "--to", folder)
            found = []
            for top, _, files in os.walk(folder):
                for name in files:
                    if name.endswith(".body"):
                        with open(os.path.join(top, name), encoding="utf-8", errors="replace") as file:
                            found.append(file.read())
        return [text for text in found if prompt in text and '"messages"' in text]

    def test_resume_shows_the_first_turn_and_fresh_does_not(self):
        world = self.claude_world()
        repo = world.repo()
        self.ok(world.start(repo, "-p", FIRST, timeout=120))
        self.ok(world.start(repo, "-p", SECOND, options=("--resume",), timeout=120))
        self.ok(world.start(repo, "-p", THIRD, options=("--fresh",), timeout=120))
        resumed = self.histories(SECOND)
        self.assertGreater(len(resumed), 0, "the second prompt reached the API")
        self.assertTrue(any(FIRST in text for text in resumed), "the first turn is in the history of the second")
        fresh = self.histories(THIRD)
        self.assertGreater(len(fresh), 0)
        self.assertFalse(any(FIRST in text for text in fresh), "a new conversation begins without the old one")
        runs = [item["runs"] for item in world.scc("sessions", "--all", "--json").data["sessions"]]
        self.assertEqual(runs, [1, 2])
        world.assert_quiet(self)
        self.lab.assert_clean(self)


if __name__ == "__main__":
    support.main()
