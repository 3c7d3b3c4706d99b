# SPDX-License-Identifier: Apache-2.0
"""The tour as a user runs it, and that its checks fail when what they check is broken."""
import os
import shutil
import subprocess

import support


class Tour(support.Case):
    def tour(self, world, path, **env):
        return subprocess.run([os.path.join(path, "scripts", "tour")], capture_output=True, text=True, check=False, timeout=200,
                              env={**world.env, "PATH": f"{support.PREFIX}/bin:{os.environ['PATH']}", **env}, cwd=world.dir,
                              stdin=subprocess.DEVNULL)

    def leftovers(self):
        return {kind: [line for line in support.docker(*argv).split() if "tour-" in line] for kind, argv in {
            "containers": ("ps", "-a", "--format", "{{.Names}}"), "networks": ("network", "ls", "--format", "{{.Name}}"),
            "volumes": ("volume", "ls", "-q")}.items()}

    def test_tour(self):
        world = self.world(plugins=False)
        done = self.tour(world, support.SOURCE)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for text in ("NOTES.md", "capabilities 0000000000000000", "scc list"):
            self.assertIn(text, done.stdout + done.stderr)
        self.assertEqual(world.volumes(), [])
        self.assertEqual(self.leftovers(), {"containers": [], "networks": [], "volumes": []})

    def broken(self, old, new, message):
        world = self.world(plugins=False)
        copy = os.path.join(world.dir, "copy")
        os.makedirs(os.path.join(copy, "tests", "support"))
        shutil.copytree(os.path.join(support.SOURCE, "scripts"), os.path.join(copy, "scripts"))
        shutil.copytree(os.path.join(support.SOURCE, "tests", "support", "model_api"),
                        os.path.join(copy, "tests", "support", "model_api"))
        path = os.path.join(copy, "scripts", "tour")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        self.assertIn(old, text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace(old, new))
        done = self.tour(world, copy)
        self.assertNotEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stderr, message)
        self.assertEqual(self.leftovers(), {"containers": [], "networks": [], "volumes": []})

    def test_agent_that_writes_elsewhere_is_noticed(self):
        self.broken('"file": "NOTES.md"', '"file": "OTHER.md"', r"NOTES\.md")

    def test_traffic_elsewhere_is_noticed(self):
        self.broken("git status --short && git log --oneline",
                    "git status --short && git log --oneline; getent hosts elsewhere.example; true", "elsewhere.example")


if __name__ == "__main__":
    support.main()
