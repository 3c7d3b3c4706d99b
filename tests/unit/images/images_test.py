# SPDX-License-Identifier: Apache-2.0
# The image contexts: what several files say about one version agrees, packages
# are pinned by their digest, and nothing in a context names a machine's registry.
import json
import os
import re
import unittest

IMAGES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..", "images")


def read(*parts):
    with open(os.path.join(IMAGES, *parts), encoding="utf-8") as source:
        return source.read()


def contexts():
    return sorted(name for name in os.listdir(IMAGES) if os.path.exists(os.path.join(IMAGES, name, "image.json")))


class ContextTest(unittest.TestCase):
    def test_every_context_has_a_parent_or_a_bootstrap(self):
        self.assertLessEqual({"base", "agent-claude", "agent-codex"}, set(contexts()))
        for name in contexts():
            document = json.loads(read(name, "image.json"))
            self.assertEqual((document["schema"], document["id"]), ("scc.image/1", name))
            self.assertNotEqual(bool(document["parent"]), "bootstrap" in document, name)
            if document["parent"]:
                self.assertIn(document["parent"], contexts())

    def test_containerfiles_fit_the_legacy_builder(self):
        for name in contexts():
            text = read(name, "Containerfile")
            self.assertNotRegex(text, r"RUN\s+--|<<\s*-?['\"]?[A-Z]|COPY\s+--(chmod|link)|^# syntax=", name)
            for base in re.findall(r"^FROM\s+(\S+)", text, re.MULTILINE):
                self.assertEqual(base, "${BASE_REF}", name)

    def test_the_host_certificates_have_a_place_and_none_is_committed(self):
        self.assertEqual(os.listdir(os.path.join(IMAGES, "base", "ca")), ["README"])


    def test_every_tool_that_the_guard_covers_has_its_second_name(self):
        label = re.search(r'LABEL scc\.guarded="([^"]+)"', read("base", "Containerfile")).group(1).split()
        linked = re.search(r"for tool in ([a-z ]+); do\n  ln ", read("base", "files", "setup")).group(1).split()
        self.assertEqual({os.path.basename(path) for path in label}, set(linked))
        self.assertLessEqual({f"/usr/bin/{tool}" for tool in linked} | {"/usr/lib/git-core/git"}, set(label))
        packages = json.loads(read("base", "image.json"))["bootstrap"]["include"]
        for tool, package in (("curl", "curl"), ("git", "git"), ("rsync", "rsync"), ("ssh", "openssh-client"), ("wget", "wget")):
            self.assertEqual(tool in linked, package in packages, tool)


def dependency(agent, version, cpu):
    """What the lock files of an agent pin: (package, version of it)."""
    if agent == "claude":
        return f"@anthropic-ai/claude-code-linux-{cpu}", version
    return "@openai/codex", f"{version}-linux-{cpu}"


class AgentTest(unittest.TestCase):
    def test_the_containerfile_has_the_same_version(self):
        for agent in ("claude", "codex"):
            version = json.loads(read(f"agent-{agent}", "image.json"))["agent"]["version"]
            self.assertIn(f"ARG AGENT_VERSION={version}\n", read(f"agent-{agent}", "Containerfile"))

    def test_both_architectures_are_pinned_by_sha512(self):
        for agent in ("claude", "codex"):
            image = f"agent-{agent}"
            version = json.loads(read(image, "image.json"))["agent"]["version"]
            for folder, cpu in (("amd64", "x64"), ("arm64", "arm64")):
                package, wanted = dependency(agent, version, cpu)
                self.assertEqual(json.loads(read(image, "fetch", folder, "package.json"))["dependencies"], {package: wanted})
                packages = json.loads(read(image, "fetch", folder, "package-lock.json"))["packages"]
                self.assertEqual(set(packages), {"", f"node_modules/{package}"})
                pinned = packages[f"node_modules/{package}"]
                self.assertEqual(pinned["version"], wanted)
                self.assertRegex(pinned["integrity"], r"^sha512-[A-Za-z0-9+/]{86}==$")
                self.assertNotIn("resolved", pinned)
                # npm skips an optional package whose digest is wrong instead of failing.
                self.assertNotIn("optional", pinned)


if __name__ == "__main__":
    unittest.main()
