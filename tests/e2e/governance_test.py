# SPDX-License-Identifier: Apache-2.0
"""An organisation's policy decides what starts; where it cannot be read or trusted, nothing does."""
import json
import os
import subprocess

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

    def refuses_to_start(self, world, repo, code, error_id, *words, options=()):
        """The plan and the launch itself, which leaves nothing behind."""
        self.refused(world.scc("start", repo, "--dry-run", "--json", *options, "--", "true"), code, error_id, *words)
        self.launch_refused(world, repo, code, error_id, *words, options=options)

    def launch_refused(self, world, repo, code, error_id, *words, options=()):
        done = world.scc("start", repo, "--debug", *options, "--", "true")
        self.assertEqual(done.code, code, done)
        for word in ("error:", f"[{error_id}]", "hint:", *words):
            self.assertIn(word, done.err, done)
        self.assertEqual(done.out, "")
        self.assertEqual(world.containers(), [])
        self.assertEqual(world.instances(), [])


class Refusals(support.Case):
    governed, refused, plan = Governed.governed, Governed.refused, Governed.plan
    refuses_to_start, launch_refused = Governed.refuses_to_start, Governed.launch_refused

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
        self.refuses_to_start(world, world.repo(), 3, "team.unknown", "webb", "web", options=("--team", "webb"))

    def test_missing_document(self):
        world, path = self.governed()
        os.unlink(path)
        self.refuses_to_start(world, world.repo(), 3, "org.unreadable", path)
        os.mkdir(path)
        self.refuses_to_start(world, world.repo("other"), 3, "org.unreadable", path)

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

    def test_setup_is_no_way_out_either(self):
        world, _ = self.governed()
        self.refused(world.scc("setup", "--standalone", "--json"), 6, "standalone.forbidden")
        self.ok(self.plan(world, world.repo()))
        world, _ = self.governed(world, delegation={"users": {"allow_standalone": True}})
        self.ok(world.scc("setup", "--standalone", "--json"))

    def test_a_document_that_the_agent_may_write(self):
        """Below the workspace only the bytes count that a person accepted."""
        world = self.world()
        repo = world.repo()
        path = os.path.join(repo, "org.json")
        world.write(path, json.dumps(ORG))
        world.write_config(organization_source={"path": path})
        self.refused(self.plan(world, repo), 6, "org.not-accepted", "scc org update")
        self.ok(world.scc("org", "update", "--json"))
        self.ok(self.plan(world, repo))
        world.write(path, json.dumps(merged(ORG, {"delegation": {"users": {"allow_standalone": True}}})))
        self.refused(self.plan(world, repo, "--standalone"), 6, "org.not-accepted")
        self.refused(self.plan(world, world.repo("other")), 6, "org.not-accepted")
        self.ok(world.scc("setup", "--org", path, "--json"))
        self.ok(self.plan(world, repo))

    def test_images_of_the_users_own(self):
        """A reference in the user's configuration is no image of scc's own: the organisation's lists hold for it."""
        reference = "registry.example/base@sha256:" + "0" * 64
        world, _ = self.governed(defaults={"allowed_base_images": ["registry.corp.example/*"]})
        repo = world.repo()
        self.ok(self.plan(world, repo))
        world.write_config(images={"base": {"ref": reference}})
        self.refused(self.plan(world, repo), 6, "image.blocked", reference)
        world, _ = self.governed(world, defaults={"allowed_base_images": ["registry.example/*"]},
                                 security={"blocked_base_images": ["registry.example/base*"]})
        self.refused(self.plan(world, repo), 6, "image.blocked", "registry.example/base*")

    def test_a_denied_engine_plugin_is_never_loaded(self):
        world, path = self.governed(plugins={"mode": "open", "deny": ["runtime-*"], "allow_user": True, "locked": False})
        for argv in (("list",), ("prune", "--yes"), ("image", "list"), ("status",)):
            with self.subTest(argv):
                done = world.scc(*argv, "--json")
                self.assertNotEqual(done.code, 0, done)
                self.assertIn("plugin", done.envelope()["data"]["error_code"] + done.out, done)
        world.write(path, "{")
        self.ok(world.scc("list", "--json"))  # the bundled engine serves without the document

    def test_a_session_of_another_team(self):
        """Its conversation lies in that team's volume, and was begun under that team's policy."""
        world, _ = self.governed()
        repo = world.repo()
        self.ok(world.start(repo, "true"))
        [teamless] = world.scc("sessions", "--all", "--json").data["sessions"]
        self.ok(world.scc("team", "switch", "ops", "--json"))
        self.refused(self.plan(world, repo, "--resume=" + teamless["id"]), 6, "session.team", "ops")
        self.refused(self.plan(world, repo, "--resume"), 1, "session.none")
        self.ok(world.start(repo, "true"))
        [of_ops] = [one for one in world.scc("sessions", "--all", "--json").data["sessions"] if one["team"] == "ops"]
        self.refused(self.plan(world, repo, "--team", "web", "--resume=" + of_ops["id"]), 2, "session.mismatch", "ops")
        self.refused(self.plan(world, repo, "--team", "web", "--resume"), 1, "session.none")
        done = world.start(repo, "true", options=("--team", "web", "--resume=" + of_ops["id"]))
        self.assertEqual(done.code, 2, done)
        plan = self.ok(self.plan(world, repo, "--resume")).data["plan"]
        self.assertEqual((plan["session"]["resumes"], plan["governance"]["team"]), (of_ops["id"], "ops"))

    def test_a_dry_run_remembers_nothing(self):
        world, path = self.governed()
        key = os.path.join(world.home, "org.key")
        public = self.ok(world.scc("org", "keygen", key, "--json")).data["public_key"]
        self.ok(world.scc("org", "sign", path, "--key", key, "--policy-version", "3"))
        world.write_config(organization_source={"path": path, "public_key": public})
        self.ok(self.plan(world, world.repo()))
        self.assertFalse(os.path.exists(os.path.join(world.state, "policy-seen.json")))

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
        # Without the agent nothing needs the web: the sandbox starts, and has no network.
        done = self.ok(world.scc("start", repo, "--shell", "--", "ls", "/sys/class/net"))
        self.assertEqual(done.out, "lo\n", done)
        for provider in ("claude", "codex"):
            plan = self.ok(world.scc("start", repo, "--shell", "--provider", provider, "--dry-run", "--json")).data["plan"]
            self.assertEqual(plan["exec"]["argv"], ["/bin/bash", "-l"])
            self.assertEqual((plan["secrets"], plan["auth_files"]), ([], []))
            self.assertNotIn("volume", [mount["type"] for mount in plan["sandbox"]["mounts"]])
        self.refused(world.scc("start", repo, "--resume", "--dry-run", "--json"), 1, "session.none")
        self.refused(world.scc("start", repo, "--shell", "--resume", "--dry-run", "--json"), 2, "cli.usage")
        world, _ = self.governed(world, defaults={"network_policy": "web-egress-enforced"})
        self.assertTrue(self.ok(self.plan(world, repo)).data["plan"]["network"]["enforced"])
        # Without a plugin that enforces it nothing starts.
        world, _ = self.governed(world, defaults={"network_policy": "web-egress-enforced"},
                                 plugins={"mode": "open", "deny": ["netpolicy-*"], "allow_user": True, "locked": False})
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


class Server(support.Case):
    """The organisation's document from a real HTTPS server with an authority of its own (tests/integration/remote)."""

    plan, refused, launch_refused = Governed.plan, Governed.refused, Governed.launch_refused

    def serve(self, world):
        directory = os.path.join(world.dir, "server")
        os.makedirs(os.path.join(directory, "git"))
        program = os.path.join(support.SOURCE, "tests", "integration", "remote", "server.py")
        child = subprocess.Popen(["python3", "-B", program, directory], stdin=subprocess.PIPE, stdout=subprocess.PIPE)

        def stop():
            child.stdin.close()
            child.wait()
            child.stdout.close()
        origins = json.loads(child.stdout.readline())
        self.addCleanup(lambda: child.poll() is None and stop())
        world.env["SCC_CA_FILE"] = os.path.join(directory, "ca.pem")
        return directory, origins["https"], stop

    def route(self, directory, org, **more):
        routes = {"/org.json": {"body": json.dumps(org), "etag": '"%d"' % (hash(json.dumps(org)) & 0xffff), **more}}
        with open(os.path.join(directory, "routes.json"), "w", encoding="utf-8") as out:
            json.dump(routes, out)

    def cache(self, world):
        return os.path.join(world.home, ".cache", "scc", "org", "org_config.json")

    def test_from_setup_to_silence(self):
        world = self.world()
        repo = world.repo()
        directory, origin, stop = self.serve(world)
        world.env["ORG_TOKEN"] = "t-" + world.suffix
        self.route(directory, ORG, auth="Bearer " + world.env["ORG_TOKEN"])
        url = origin + "/org.json"
        self.refused(world.scc("setup", "--org", url, "--json"), 3, "org.auth", "token")
        self.refused(world.scc("setup", "--org", url, "--auth", "env:ORG_TOKEN", "--json", env={"SCC_CA_FILE": ""}), 3, "fetch.tls")
        self.ok(world.scc("setup", "--org", url, "--auth", "env:ORG_TOKEN", "--team", "web", "--json"))
        digest = self.ok(self.plan(world, repo)).data["plan"]["governance"]["digest"]
        self.assertNotIn(world.env["ORG_TOKEN"], self.ok(world.scc("config", "show")).out)
        # A newer document, and a kill while it is written: the old one stays.
        newer = merged(ORG, {"defaults": {"session": {"timeout_hours": 3}}})
        self.route(directory, newer, auth="Bearer " + world.env["ORG_TOKEN"])
        for point in ("org-cache.store", "org-cache.store:before"):
            killed = world.scc("org", "update", env={"SCC_TEST_KILL_AT": point})
            self.assertEqual(killed.code, -9, killed)
            self.assertEqual(self.ok(self.plan(world, repo)).data["plan"]["governance"]["digest"], digest)
        # A document that is not valid never replaces a good one.
        self.route(directory, merged(ORG, {"security": {"blocked": []}}), auth="Bearer " + world.env["ORG_TOKEN"])
        self.refused(world.scc("org", "update", "--json"), 3, "org.schema")
        self.assertEqual(self.ok(self.plan(world, repo)).data["plan"]["governance"]["digest"], digest)
        self.route(directory, newer, auth="Bearer " + world.env["ORG_TOKEN"])
        self.ok(world.scc("org", "update", "--json"))
        self.assertNotEqual(self.ok(self.plan(world, repo)).data["plan"]["governance"]["digest"], digest)
        stop()
        done = world.scc("org", "update", "--json")
        self.assertEqual(done.code, 3, done)
        self.assertFalse(done.envelope()["status"]["ok"])
        self.ok(self.plan(world, repo, "--offline"))
        self.stale_and_damaged(world, repo)

    def stale_and_damaged(self, world, repo):
        """Without a server: a copy older than seven days, and one that does not fit its hash, start nothing."""
        with open(self.cache(world), encoding="utf-8") as file:
            cached = json.load(file)
        for name in ("fetched_at", "checked_at", "expires_at"):
            cached[name] = "2020-01-01T00:00:00Z"
        world.write(self.cache(world), json.dumps(cached), 0o600)
        for options in ((), ("--offline",)):
            self.launch_refused(world, repo, 3, "org.stale", "7 days", options=options)
        cached["document"] = cached["document"].replace("Harrow", "Other")
        world.write(self.cache(world), json.dumps(cached), 0o600)
        self.launch_refused(world, repo, 3, "org.unreadable", "fingerprint")

    def test_a_teams_own_file(self):
        world = self.world()
        repo = world.repo()
        directory, origin, _ = self.serve(world)
        own = world.repo("team", files={"team-config.json": json.dumps(
            {"schema_version": "1.1.0", "enabled_plugins": ["lint@core"], "session": {"timeout_hours": 2}})})
        support.shutil.copytree(os.path.join(own, ".git"), os.path.join(directory, "git", "team.git"))
        org = merged(ORG, {"marketplaces": {"core": {"source": "github", "owner": "acme", "repo": "core"}}, "profiles": {"web": {
            "config_source": {"source": "git", "url": origin + "/git/team.git"}}}})
        self.route(directory, org)
        self.ok(world.scc("setup", "--org", origin + "/org.json", "--json"))
        switched = self.ok(world.scc("team", "switch", "web", "--json")).data
        self.assertTrue(switched["is_federated"])
        self.assertRegex(switched["commit_sha"], "^[0-9a-f]{40}$")
        explained = self.ok(world.scc("config", "explain", "--workspace", repo, "--json")).data
        self.assertEqual(explained["effective"]["plugins"], ["lint@core"])
        self.assertEqual(self.ok(self.plan(world, repo)).data["plan"]["governance"]["timeout_hours"], 2)


class Signatures(support.Case):
    governed, refused, plan = Governed.governed, Governed.refused, Governed.plan
    refuses_to_start, launch_refused = Governed.refuses_to_start, Governed.launch_refused

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
        self.refuses_to_start(world, repo, 6, "policy.unsigned")
        self.ok(self.sign(world, path, key, 2))
        plan = self.ok(self.plan(world, repo)).data["plan"]
        self.assertEqual(plan["governance"]["policy_version"], 2)
        self.ok(world.scc("org", "update"))  # remembers the version
        world.write(path, json.dumps(merged(ORG, {"security": {"blocked_plugins": []}})))
        self.refuses_to_start(world, repo, 6, "policy.signature")
        self.ok(self.sign(world, path, key, 1))
        self.refuses_to_start(world, repo, 6, "policy.downgrade")
        self.ok(self.sign(world, path, key, 3, "--expires-at", "2001-01-01T00:00:00Z"))
        self.refuses_to_start(world, repo, 6, "policy.expired")
        other = os.path.join(world.home, "other.key")
        self.ok(world.scc("org", "keygen", other))
        self.ok(self.sign(world, path, other, 4))
        self.refuses_to_start(world, repo, 6, "policy.signature")
        self.ok(self.sign(world, path, key, 4))
        self.ok(self.plan(world, repo))


class Mistakes(support.Case):
    """What is typed wrong is said, with the right exit code, and changes nothing."""

    governed, refused = Governed.governed, Governed.refused

    def test_commands(self):
        world, path = self.governed()
        repo = world.repo()
        share = world.make_dir(os.path.join(world.home, "share"))
        for code, error_id, argv in (
                (2, "cli.usage", ("setup", "--org", path, "--standalone")),
                (2, "cli.missing", ("team", "switch")),
                (1, "team.unknown", ("team", "switch", "nope")),
                (1, "team.unknown", ("team", "info", "nope")),
                (3, "team.unknown", ("team", "validate", "nope")),
                (3, "team.unknown", ("config", "explain", "--team", "nope")),
                (2, "cli.usage", ("profile",)),
                (2, "profile.plugin", ("profile", "save", "--plugin", "b@@d", "--workspace", repo)),
                (1, "profile.none", ("profile", "import", "--repo", share)),
                (1, "profile.none", ("profile", "import", "--repo", share + "/none")),
                (1, "os.not-found", ("profile", "apply", "none.json", "--workspace", repo)),
                (2, "cli.usage", ("config", "get")),
                (2, "cli.usage", ("why",)),
                (2, "why.kind", ("why", "x", "--kind", "y")),
                (2, "cli.usage", ("unblock",)),
                (1, "unblock.not-denied", ("unblock", "x@y", "--reason", "r", "--workspace", repo)),
                (2, "exceptions.invalid", ("exceptions", "create", "--reason", "r", "--workspace", repo)),
                (1, "exceptions.not-found", ("exceptions", "delete", "none", "--yes", "--workspace", repo)),
                (2, "cli.confirm", ("exceptions", "reset", "--user")),
                (3, "org.exists", ("org", "init", "-o", path)),
                (2, "policy.key-exists", ("org", "keygen", path)),
                (3, "source.http", ("org", "validate", "http://example.invalid/x")),
                (3, "init.directory", ("init", share + "/none"))):
            with self.subTest(argv):
                done = world.scc(*argv, "--json")
                self.assertEqual(done.code, code, done)
                data = done.envelope()["data"]
                self.assertEqual(data["error_code"], error_id, done)

    def test_a_bare_group(self):
        world, _ = self.governed()
        self.assertEqual(self.ok(world.scc("team", "--json")).envelope()["kind"], "TeamList")
        self.assertIn("web", self.ok(world.scc("team")).out)
        self.assertIn("scc team switch", self.ok(world.scc("team", "--help")).out)
        self.assertEqual(world.scc("exceptions").code, 2)

    def test_an_override_that_helps_nothing_is_not_made(self):
        """Delegation is one gate; where another one stays shut the user is told, not given a useless exception."""
        server = {"name": "docs", "type": "stdio", "command": "/opt/docs"}
        world, _ = self.governed(profiles={"ops": {"additional_mcp_servers": [server]}})
        repo = world.repo()
        done = world.scc("unblock", "docs", "--team", "ops", "--reason", "r", "--workspace", repo, "--json")
        self.refused(done, 6, "unblock.kind", "docs", "scc why")
        self.assertEqual(self.ok(world.scc("exceptions", "list", "--json")).data["exceptions"], [])

    def test_a_projects_server_is_unblocked_by_its_url(self):
        world, _ = self.governed()
        world.write_config(selected_profile="ops")
        repo = world.repo(files={".scc.yaml": "additional_mcp_servers:\n- {name: docs, type: http, url: https://docs.example/x}\n"})
        made = self.ok(world.scc("unblock", "docs", "--reason", "r", "--workspace", repo, "--json")).data
        self.assertEqual(made["targets"]["mcp_servers"], ["https://docs.example/x"])
        why = self.ok(world.scc("why", "docs", "--kind", "mcp_server", "--workspace", repo, "--json")).data
        self.assertEqual(why["verdict"], "allowed")
        evil = world.repo("evil", files={".scc.yaml": "additional_mcp_servers:\n- {name: docs, type: http, url: https://evil.example/x}\n"})
        why = self.ok(world.scc("why", "docs", "--kind", "mcp_server", "--workspace", evil, "--json")).data
        self.assertEqual(why["verdict"], "denied")


class Newcomer(support.Case):
    def test_from_nothing_to_a_plan(self):
        world = self.world()
        world.settings.pop("selected_provider")
        world.write_config()
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
