# SPDX-License-Identifier: Apache-2.0
"""Whose code scc loads: a provider in the user's plugin directory, before and after the user vouches for it, and broken ones."""
import json
import os
import shutil

import support

PLATFORM = f"linux-{os.uname().machine}"


class Trust(support.Case):
    def install(self, world, name="command"):
        """Copies the tests' provider into the user plugin directory, as a vendor's instructions would say."""
        target = os.path.join(world.home, ".local", "share", "scc", "plugins", name)
        world.make_dir(os.path.dirname(target))
        shutil.copytree(os.path.join(support.PLUGINS, "command"), target)
        for folder, _, files in os.walk(target):
            for item in (folder, *(os.path.join(folder, file) for file in files)):
                world.own(item)
        return target

    def entry(self, world, name="command"):
        found = [item for item in world.scc("plugin", "list", "--json").data["plugins"] if item["id"] == name]
        self.assertEqual(len(found), 1)
        return found[0]

    def test_untrusted_trusted_changed(self):
        world = self.world(plugins=False)
        repo = world.repo()
        target = self.install(world)
        library = os.path.join(target, PLATFORM, "libcommand.so")
        self.assertEqual(self.entry(world)["state"], "untrusted")
        self.assertEqual(self.entry(world)["trust"], "user")
        done = world.start(repo, "/bin/echo", "ran", options=("--provider", "command"))
        self.assertNotEqual(done.code, 0)
        self.assertNotIn("ran", done.out)
        self.assertIn("scc plugin trust command", done.err, repr(done))
        self.refused(world.scc("start", repo, "--dry-run", "--json", "--", "true"), done.code, "plugin.untrusted")

        # Not without an answer: nobody is there to give one.
        self.refused(world.scc("plugin", "trust", "command"), 2)
        self.ok(world.scc("plugin", "trust", "command", "--yes"))
        self.assertEqual(self.entry(world)["state"], "ready")
        done = world.start(repo, "/bin/echo", "ran", options=("--provider", "command"))
        self.assertEqual((done.code, done.out), (0, "ran\n"), repr(done))

        with open(library, "r+b") as file:  # one byte, at a place that does not matter to the loader
            file.seek(-1, os.SEEK_END)
            byte = file.read(1)
            file.seek(-1, os.SEEK_END)
            file.write(bytes([byte[0] ^ 1]))
        done = world.start(repo, "/bin/echo", "ran", options=("--provider", "command"))
        self.assertNotEqual(done.code, 0)
        self.assertNotIn("ran", done.out)
        envelope = world.scc("start", repo, "--dry-run", "--json", "--", "true").envelope()
        self.assertIn(envelope["data"]["error_code"], ("plugin.hash", "plugin.untrusted", "plugin.changed"))
        self.assertEqual(len(world.containers()), 1, "only the sandbox of the good run")

        # Also when the manifest is made to fit the changed library: the trust was in the old bytes.
        manifest = os.path.join(target, "plugin.json")
        with open(manifest, encoding="utf-8") as file:
            text = json.load(file)
        with open(library, "rb") as file:
            text["libraries"][PLATFORM]["sha256"] = support.hashlib.sha256(file.read()).hexdigest()
        world.write(manifest, json.dumps(text))
        done = world.start(repo, "/bin/echo", "ran", options=("--provider", "command"))
        self.assertNotEqual(done.code, 0)
        self.assertNotIn("ran", done.out)
        self.assertIn(self.entry(world)["state"], ("changed", "untrusted"))

    def test_info_says_who_vouches(self):
        world = self.world(plugins=False)
        self.install(world)
        known = self.ok(world.scc("plugin", "info", "command", "--json")).data["provenance"]
        self.assertEqual(known, {"vouched_by": "", "probed": False, "suspect": False})
        self.assertIn("nobody", self.ok(world.scc("plugin", "info", "command")).out)
        self.ok(world.scc("plugin", "trust", "command", "--yes"))
        known = self.ok(world.scc("plugin", "info", "command", "--json")).data["provenance"]
        self.assertIn("you", known["vouched_by"])
        self.assertRegex(known["since"], r"^20\d\d-\d\d-\d\dT")
        self.assertTrue(known["probed"])
        shown = self.ok(world.scc("plugin", "info", "command")).out
        self.assertRegex(shown, r"vouched by +you .*, since 20")
        self.assertRegex(shown, r"probe +passed")
        known = self.ok(world.scc("plugin", "info", "builtin-network", "--json")).data["provenance"]
        self.assertEqual(known["vouched_by"], "scc itself")

    def test_untrust(self):
        world = self.world()
        repo = world.repo()
        self.ok(world.start(repo, "/bin/true"))
        self.ok(world.scc("plugin", "untrust", "command", "--yes"))
        done = world.start(repo, "/bin/true")
        self.assertNotEqual(done.code, 0)
        self.assertIn("trust", done.err)

    def test_writable_by_others_is_refused(self):
        world = self.world(plugins=False)
        target = self.install(world)
        support.as_root("chmod", "777", target)
        done = world.scc("plugin", "trust", "command", "--yes", "--json")
        self.assertNotEqual(done.code, 0, repr(done))
        self.assertRegex(done.out, "chmod")

    def test_bundled_plugins_need_no_trust(self):
        world = self.world(plugins=False)
        listed = {item["id"]: item for item in world.scc("plugin", "list", "--json").data["plugins"]}
        for name in ("provider-claude", "runtime-docker"):
            self.assertEqual((listed[name]["trust"], listed[name]["state"]), ("bundled", "ready"))

    def test_user_plugin_does_not_replace_a_bundled_one(self):
        """A plugin of the user with the id of a bundled component is shadowed, unless the user says so by name."""
        world = self.world(plugins=False)
        target = self.install(world, "provider-claude")
        manifest = os.path.join(target, "plugin.json")
        with open(manifest, encoding="utf-8") as file:
            text = json.load(file)
        text["id"] = "provider-claude"
        text["components"][0]["id"] = "claude"
        world.write(manifest, json.dumps(text))
        listed = [item for item in world.scc("plugin", "list", "--all", "--json").data["plugins"]
                  if item["id"] == "provider-claude" and item["trust"] != "system"]  # an scc that this machine has besides
        self.assertEqual({item["trust"]: item["state"] for item in listed}, {"bundled": "ready", "user": "shadowed"})


class BrokenPlugins(support.Case):
    """Each breaks in its own way, says so by its own id, and the next command works. The whole matrix is in tests/contract."""

    SOURCE = r"""
#include <scc/entry.h>
#include <scc/provider.h>
#include <stdlib.h>
#include <unistd.h>
#ifdef CRASH
__attribute__((constructor)) static void boom(void) { abort(); }
#endif
#ifdef HANG
__attribute__((constructor)) static void hang(void) { for (;;) pause(); }
#endif
__attribute__((visibility("default"))) extern const scc_plugin_v1 scc_plugin_entry_v1;
const scc_plugin_v1 scc_plugin_entry_v1 = {sizeof(scc_plugin_v1), SCC_ABI_MAJOR, SCC_ABI_MINOR, "broken", "1.0.0", 0, 0,
                                           sizeof(scc_component), 0};
"""

    def build(self, world, *defines, sha256=None):
        folder = os.path.join(world.home, ".local", "share", "scc", "plugins", "broken")
        world.make_dir(os.path.join(folder, PLATFORM))
        library = os.path.join(folder, PLATFORM, "libbroken.so")
        argv = ["cc", "-shared", "-fPIC", "-x", "c", "-I", os.path.join(support.PREFIX, "include"), *defines,
                "-Wl,--version-script=" + os.path.join(support.PREFIX, "share", "scc-sdk", "plugin.map"), "-", "-o", "-"]
        temporary = os.path.join(world.dir, "broken.so")
        argv[-1] = temporary
        done = support.subprocess.run(argv, input=self.SOURCE, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        with open(temporary, "rb") as file:
            content = file.read()
        world.write(library, content)
        digest = sha256 or support.hashlib.sha256(content).hexdigest()
        world.write(os.path.join(folder, "plugin.json"), json.dumps({
            "schema": "scc.plugin/1", "id": "broken", "version": "1.0.0", "title": "Broken", "license": "Apache-2.0",
            "vendor": {"name": "t"}, "sdk": {"major": 1, "min_minor": 0},
            "libraries": {PLATFORM: {"path": f"{PLATFORM}/libbroken.so", "sha256": digest}},
            "components": [{"kind": "provider", "interface": "scc.provider/1", "id": "broken", "title": "Broken",
                            "capabilities": {}}],
            "grants": {"process": [], "endpoints": [], "files": [], "env": []}}))

    def check(self, expected, *defines, **more):
        world = self.world()
        repo = world.repo()
        self.build(world, *defines, **more)
        done = world.scc("plugin", "trust", "broken", "--yes", "--json")
        if done.code == 0:
            done = world.scc("start", repo, "--provider", "broken", "--dry-run", "--json")
        self.assertNotEqual(done.code, 0, repr(done))
        self.assertEqual(done.envelope()["kind"], "Error", repr(done))
        self.assertIn(done.data["error_code"], expected, repr(done))
        self.assertTrue(done.data.get("suggested_action"), repr(done))
        self.assertEqual(world.sh(repo, "exit 3").code, 3, "the next command does not work")

    def test_hash_mismatch(self):
        self.check(("plugin.hash",), sha256="0" * 64)

    def test_crash_when_loaded(self):
        self.check(("plugin.probe-crash",), "-DCRASH")

    def test_hang_when_loaded(self):
        self.check(("plugin.probe-timeout",), "-DHANG")

    def test_library_that_disagrees_with_its_manifest(self):
        self.check(("plugin.manifest-mismatch", "plugin.table"))

    def test_rubbish(self):
        world = self.world()
        folder = os.path.join(world.home, ".local", "share", "scc", "plugins", "rubbish")
        world.write(os.path.join(folder, "plugin.json"), "{\"schema\": [[[[")
        listed = {item["id"]: item for item in world.scc("plugin", "list", "--json").data["plugins"]}
        self.assertEqual(listed["rubbish"]["state"], "unreadable")
        self.ok(world.start(world.repo(), "/bin/true"))


if __name__ == "__main__":
    support.main()
