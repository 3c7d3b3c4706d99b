# SPDX-License-Identifier: Apache-2.0
"""An organisation's policy decides what starts; where it cannot be read or trusted, nothing does."""
import json
import os

import support

ORG = {
    "schema_version": "1.1.0",
    "organization": {"name": "Harrow Lake", "id": "harrow-lake", "contact": "platform@harrow.example"},
    "delegation": {"teams": {"allow_additional_plugins": ["web"]}, "projects": {"inherit_team_delegation": True}},
    "profiles": {"web": {"delegation": {"allow_project_overrides": True}}, "ops": {}},
}


def merged(base, change):
    """RFC 7396."""
    if not isinstance(change, dict):
        return change
    out = dict(base) if isinstance(base, dict) else {}
    for key, value in change.items():
        if value is None:
            out.pop(key, None)
        else:
            out[key] = merged(out.get(key), value)
    return out


class Governed:
    """What the classes below share."""

    def governed(self, world=None, source=None, **change):
        """A world whose organisation is ORG with a merge patch."""
        world = world or self.world()
        path = os.path.join(world.home, "org.json")
        world.write(path, json.dumps(merged(ORG, change)))
        world.write_config(organization_source={"path": path, **(source or {})})
        return world, path

    def refused(self, done, code, error_id, *words):
        self.assertEqual(done.code, code, done)
        envelope = done.envelope()
        self.assertEqual(envelope["data"]["error_code"], error_id, done)
        text = json.dumps(envelope)
        for word in words:
            self.assertIn(word, text, done)
        self.assertTrue(envelope["data"].get("suggested_action"), f"no remedy: {done}")

    def plan(self, world, repo, *options):
        return world.scc("start", repo, "--dry-run", "--json", *options, "--", "true")


class Refusals(support.Case):
    governed, refused, plan = Governed.governed, Governed.refused, Governed.plan

    def test_allowed_at_all(self):
        world, _ = self.governed()
        plan = self.ok(self.plan(world, world.repo(), "--team", "web")).data["plan"]
        self.assertEqual(plan["governance"]["team"], "web")
        self.assertEqual(plan["governance"]["organization"], "harrow-lake")
        self.assertFalse(plan["governance"]["standalone"])
        self.assertEqual(plan["sandbox"]["labels"]["scc.team"], "web")

    def test_it_governs_without_a_team(self):
        world, _ = self.governed(defaults={"allowed_providers": ["other"]})
        self.refused(self.plan(world, world.repo(), "--provider", "command"), 6, "provider.not-allowed", "other")

    def test_unknown_team(self):
        world, _ = self.governed()
        self.refused(self.plan(world, world.repo(), "--team", "webb"), 3, "team.unknown", "webb", "web")

    def test_missing_document(self):
        world, path = self.governed()
        os.unlink(path)
        self.refused(self.plan(world, world.repo()), 3, "org.unreadable", path)

    def test_broken_documents(self):
        world, path = self.governed()
        repo = world.repo()
        for text, error_id in (("{", "org.syntax"), ("{}", "org.version"), ('{"schema_version":"2.0.0"}', "org.version"),
                               (json.dumps(merged(ORG, {"securty": {}})), "org.schema"),
                               (json.dumps(merged(ORG, {"security": {"blocked_plugin": []}})), "org.schema"),
                               (json.dumps(merged(ORG, {"defaults": {"network_policy": "closed"}})), "org.schema")):
            with self.subTest(text[:60]):
                world.write(path, text)
                self.refused(self.plan(world, repo), 3, error_id)

    def test_standalone_is_no_way_out(self):
        world, _ = self.governed()
        repo = world.repo()
        self.refused(self.plan(world, repo, "--standalone"), 6, "standalone.forbidden")
        world.write_config(standalone=True)
        self.refused(self.plan(world, repo), 6, "standalone.forbidden")
        world.write_config(standalone=False)
        world, _ = self.governed(world, delegation={"users": {"allow_standalone": True}})
        plan = self.ok(self.plan(world, repo, "--standalone")).data["plan"]
        self.assertTrue(plan["governance"]["standalone"])

    def test_provider_and_image_rules(self):
        world, _ = self.governed(profiles={"web": {"allowed_providers": []}})
        repo = world.repo()
        self.refused(self.plan(world, repo, "--team", "web"), 6, "provider.not-allowed")
        self.ok(self.plan(world, repo, "--team", "ops"))
        world, _ = self.governed(world, defaults={"images": {"command": "example.invalid/agent"}},
                                 security={"blocked_base_images": ["*:latest"]})
        self.refused(self.plan(world, repo, "--team", "ops"), 6, "image.blocked", "*:latest")

    def test_network_policies(self):
        world, _ = self.governed(defaults={"network_policy": "locked-down-web"})
        repo = world.repo()
        self.refused(self.plan(world, repo), 6, "network.needs-web", "org.defaults")
        world, _ = self.governed(world, defaults={"network_policy": "web-egress-enforced"})
        self.refused(self.plan(world, repo), 5, "network.no-enforcer", "web-egress-enforced")
        world, _ = self.governed(world, profiles={"web": {"network_policy": "open"}})
        plan = self.ok(self.plan(world, repo, "--team", "web")).data["plan"]
        self.assertEqual(plan["governance"]["network_source"], "team.web")

    def test_project_files_are_hostile(self):
        world, _ = self.governed()
        repo = world.repo()
        path = os.path.join(repo, ".scc.yaml")
        for text in ("network_policy: lockdown\n", "session: {timeout_hours: true}\n", "a: &x [*x]\n", "- 1\n", "a: 1\na: 2\n"):
            with self.subTest(text):
                world.write(path, text)
                self.refused(self.plan(world, repo), 3, "project.invalid", ".scc.yaml")
        world.write(path, "network_policy: locked-down-web\n")
        self.refused(self.plan(world, repo), 6, "network.needs-web", "project")
        os.unlink(path)
        os.symlink("/etc/passwd", path)
        done = self.plan(world, repo)
        self.assertIn(done.code, (3, 6), done)
        os.unlink(path)
        world.write(path, "network_policy: open\n")
        world.write(os.path.join(repo, ".scc.json"), "{}")
        self.refused(self.plan(world, repo), 3, "project.invalid", ".scc.json")


class Signatures(support.Case):
    governed, refused, plan = Governed.governed, Governed.refused, Governed.plan

    def signed(self):
        world, path = self.governed()
        key = os.path.join(world.home, "org.key")
        public = self.ok(world.scc("org", "keygen", key, "--json")).data["public_key"]
        self.assertEqual(os.stat(key).st_mode & 0o777, 0o600)
        world.write_config(organization_source={"path": path, "public_key": public})
        return world, path, key

    def sign(self, world, path, key, version, *more):
        return world.scc("org", "sign", path, "--key", key, "--policy-version", str(version), "--json", *more)

    def test_each_refusal(self):
        world, path, key = self.signed()
        repo = world.repo()
        self.refused(self.plan(world, repo), 6, "policy.unsigned")
        self.ok(self.sign(world, path, key, 2))
        plan = self.ok(self.plan(world, repo)).data["plan"]
        self.assertEqual(plan["governance"]["policy_version"], 2)
        self.ok(world.scc("org", "update"))  # remembers the version
        world.write(path, json.dumps(merged(ORG, {"security": {"blocked_plugins": []}})))
        self.refused(self.plan(world, repo), 6, "policy.signature")
        self.ok(self.sign(world, path, key, 1))
        self.refused(self.plan(world, repo), 6, "policy.downgrade")
        self.ok(self.sign(world, path, key, 3, "--expires-at", "2001-01-01T00:00:00Z"))
        self.refused(self.plan(world, repo), 6, "policy.expired")
        other = os.path.join(world.home, "other.key")
        self.ok(world.scc("org", "keygen", other))
        self.ok(self.sign(world, path, other, 4))
        self.refused(self.plan(world, repo), 6, "policy.signature")
        self.ok(self.sign(world, path, key, 4))
        self.ok(self.plan(world, repo))


class Newcomer(support.Case):
    def test_from_nothing_to_a_plan(self):
        world = self.world()
        world.settings.pop("selected_provider")
        repo = world.repo()
        org = os.path.join(world.home, "org-config.json")
        self.ok(world.scc("org", "init", "--template", "teams", "--name", "Harrow Lake", "-o", org))
        self.ok(world.scc("org", "validate", org))
        self.ok(world.scc("setup", "--org", org, "--non-interactive"))
        teams = self.ok(world.scc("team", "list", "--json")).data["teams"]
        self.assertGreater(len(teams), 0)
        name = teams[0]["name"]
        self.ok(world.scc("team", "switch", name))
        explained = self.ok(world.scc("config", "explain", "--json", "--workspace", repo))
        again = self.ok(world.scc("config", "explain", "--json", "--workspace", repo))
        self.assertEqual(json.dumps(explained.data), json.dumps(again.data))
        self.assertEqual(explained.data["team"], name)
        self.refused(world.scc("start", repo, "--dry-run", "--json", "--", "true"), 5, "provider.ambiguous")
        self.ok(world.scc("provider", "set", "claude"))
        plan = self.ok(world.scc("start", repo, "--dry-run", "--json", "--", "true")).data["plan"]
        self.assertEqual(plan["governance"]["team"], name)


if __name__ == "__main__":
    support.main()
