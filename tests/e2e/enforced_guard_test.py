# SPDX-License-Identifier: Apache-2.0
"""web-egress-enforced with one of its parts broken on purpose: nothing starts in the sandbox, and nothing is left."""
import json
import os
import shutil
import tempfile

import support
from enforced_test import EnforcedWorld, org
from lab import Lab

# What the image's /usr/sbin/squid is replaced by; the real one is beside it.
LOOSE = """#!/bin/sh
for last; do :; done
sed 's/^http_access .*/http_access allow all/' "$last" > /run/scc-proxy/loose.conf
case "$1" in
  -k) exec /usr/sbin/squid.real -k parse -f /run/scc-proxy/loose.conf ;;
  *) exec /usr/sbin/squid.real -N -f /run/scc-proxy/loose.conf ;;
esac
"""
PARSE_FAILS = """#!/bin/sh
[ "$1" = -k ] && { echo 'FATAL: Bungled squid.conf line 7' >&2; exit 1; }
exec /usr/sbin/squid.real "$@"
"""
DIES = """#!/bin/sh
[ "$1" = -k ] && exit 0
echo 'FATAL: I was told to die' >&2
exit 1
"""


class BrokenProxy(EnforcedWorld):
    """The image of the proxy is replaced for a moment by one with another Squid; so these run alone."""

    def broken(self, world, repo, script):
        plan = self.ok(world.scc("start", repo, "--dry-run", "--json", "--", "true")).data["plan"]
        ref = plan["network"]["image"]
        real = world.engine("image", "inspect", "--format", "{{.Id}}", ref).strip()
        name = f"scc-broken-{world.suffix}"
        folder = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, folder)
        world.engine("create", "--name", name, ref)
        try:
            world.engine("cp", f"{name}:/usr/sbin/squid", f"{folder}/squid.real")
            world.write(f"{folder}/squid", script, 0o755)
            os.chmod(f"{folder}/squid.real", 0o755)
            for file in ("squid.real", "squid"):
                world.engine("cp", f"{folder}/{file}", f"{name}:/usr/sbin/{file}")
            world.engine("commit", name, ref)
        finally:
            world.engine("rm", "-f", name)
        made = world.engine("image", "inspect", "--format", "{{.Id}}", ref).strip()
        self.assertNotEqual(made, real)
        self.addCleanup(world.engine, "rmi", "-f", made, check=False)
        self.addCleanup(world.engine, "tag", real, ref)

    def check(self, script, code, *words):
        world = self.enforced_world()
        repo = world.repo()
        self.broken(world, repo, script)
        done = world.sh(repo, "echo the sandbox ran")
        self.assertEqual(done.code, code, done)
        self.assertNotIn("the sandbox ran", done.out, done)
        for word in words:
            self.assertIn(word, done.err, done)
        self.assertEqual(self.everything(world), ([], []))
        self.assertEqual(world.instances(), [])

    def test_it_lets_everything_out(self):
        self.check(LOOSE, 5, "proxy-denies")

    def test_it_refuses_its_configuration(self):
        self.check(PARSE_FAILS, 5, "refuses its configuration", "Bungled squid.conf line 7")

    def test_it_dies(self):
        self.check(DIES, 5, "proxy")


class Walls(EnforcedWorld):
    def test_a_record_that_cannot_be_written(self):
        world = self.enforced_world()
        repo = world.repo()
        world.make_dir(world.state, 0o700)
        world.write(os.path.join(world.state, "egress"), "in the way")
        done = world.sh(repo, "echo the sandbox ran")
        self.assertNotEqual(done.code, 0, done)
        self.assertNotIn("the sandbox ran", done.out, done)
        self.assertIn("egress", done.err)
        self.assertEqual(self.everything(world), ([], []))
        self.assertEqual(world.instances(), [])

    def test_a_person_does_not_change_the_organisations_proxy(self):
        """The way out is the organisation's matter; with its delegation, or in its own document, the same settings count."""
        world = self.enforced_world(network={"internal_blocks": ["10.0.0.0/8"]})
        repo = world.repo()
        path = os.path.join(world.home, "org.json")
        dry = ("start", repo, "--dry-run", "--json", "--", "true")
        self.ok(world.scc(*dry))
        closed = org()
        del closed["delegation"]
        world.write(path, json.dumps(closed))
        self.refused(world.scc(*dry), 6, "network.own-settings")
        del world.settings["network"]
        world.write_config(images={"egress-proxy": {"ref": "proxy.example/squid@sha256:" + "0" * 64}})
        self.refused(world.scc(*dry), 6, "network.own-image")
        del world.settings["images"]
        world.write_config()
        closed["network"] = {"enforced": {"internal_blocks": ["10.0.0.0/8"], "dns": ["192.0.2.53"]}}
        world.write(path, json.dumps(closed))
        plan = self.ok(world.scc(*dry)).data["plan"]
        conf = next(file["text"] for file in plan["files"] if file["path"] == "network/squid.conf")
        self.assertIn("dns_nameservers 192.0.2.53\n", conf)
        self.assertNotIn("10.0.0.0/8", conf, "the block is taken out of the addresses that are refused")

    def test_servers_of_the_configuration_are_reachable_and_others_are_not(self):
        lab = Lab([{"text": "unused"}], engine=self.engine)
        self.addCleanup(lab.close)
        listed, other = "api.github.com", "raw.githubusercontent.com"  # the lab answers for both
        world = self.enforced_world(lab, selected_profile="web")
        document = org(allowed_mcp_servers=["*"])
        document["profiles"] = {"web": {"description": "Web", "additional_mcp_servers": [
            {"name": "board", "type": "http", "url": f"https://{listed}/mcp"}]}}
        document["delegation"]["teams"] = {"allow_additional_mcp_servers": ["web"]}
        world.write(os.path.join(world.home, "org.json"), json.dumps(document))
        ask = "curl -sS -m 10 -o /dev/null -w '%{http_connect} ' https://HOST/mcp 2>/dev/null; "
        done = world.sh(world.repo(), ask.replace("HOST", listed) + ask.replace("HOST", other) + "true")
        self.assertEqual(done.out.split(), ["200", "403"], done)
        self.assert_gone(world)


class BrokenOnDocker(BrokenProxy, support.Case):
    engine = "docker"


class BrokenOnPodman(BrokenProxy, support.Case):
    engine = "podman"


class WallsOnDocker(Walls, support.Case):
    engine = "docker"


class WallsOnPodman(Walls, support.Case):
    engine = "podman"


if __name__ == "__main__":
    support.main()
