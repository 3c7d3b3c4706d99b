# SPDX-License-Identifier: Apache-2.0
"""Safety checks of plugins: the organisation lists them, the guard of a real sandbox and the agents' hook ask them, and a check
that breaks in whatever way blocks.
"""
import hashlib
import json
import os
import shlex
import shutil

import support

ORG = {"schema_version": "1.1.0", "organization": {"name": "Harrow Lake", "id": "harrow-lake", "contact": "platform@harrow.example"}}
GUARDRAILS = {"id": "guardrails", "config": {"protected_contexts": ["prod"]}}
# Each breaks when it is asked about any command at all.
BROKEN = {
    "crashes": "crashes died",
    "spins": "spins died, worked for more than 50 ms",
    "sleeps": "sleeps died, worked for more than 50 ms",
    "throws": "throws: it failed",
    "exits": "exits died",
    "invents": "invents: its decision 77 does not exist",
    "refuses-config": "refuses-config: it does not accept its configuration: config refused on purpose",
}


class Shared:
    """What the classes below share; they name the engine."""

    def checked(self, *checks, trust=("guardrails", "hostile"), folder=support.CHECKS, **net):
        world = self.world()
        world.env["SCC_PLUGIN_PATH"] = f"{support.PLUGINS}:{folder}"
        for plugin in trust:
            self.ok(world.scc("plugin", "trust", plugin, "--yes"))
        path = os.path.join(world.home, "org.json")
        world.write(path, json.dumps({**ORG, "security": {"safety_net": {"checks": list(checks), **net}}}))
        world.write_config(organization_source={"path": path})
        return world

    def explain(self, world, *words):
        return self.ok(world.scc("safety", "explain", "--json", "--", *words)).data

    def hook(self, line):
        """A shell command that asks the agents' hook about a line."""
        call = json.dumps({"tool_name": "Bash", "tool_input": {"command": line}})
        return f"printf %s {shlex.quote(call)} | /opt/scc/bin/scc-guard hook --format claude; echo \"hook $?\"\n"

    def test_a_check_judges_whole_lines_and_what_git_is_given(self):
        world = self.checked(GUARDRAILS)
        repo = world.repo()
        done = self.ok(world.sh(repo, self.hook("cd infra && terraform destroy -auto-approve") + self.hook("terraform plan") +
                                self.hook("sh -c 'kubectl delete pod x --context=prod'") + self.hook("kubectl --context dev delete pod x") +
                                "git log -1 --format=tformat:fine; git -c alias.x='!terraform destroy' x; echo \"alias $?\""))
        self.assertEqual(done.out, "hook 2\nhook 0\nhook 2\nhook 0\nfine\nalias 126\n", repr(done))
        self.assertEqual(done.err.count("denied rule=guardrails.terraform_destroy action=block"), 2, repr(done))
        self.assertIn("terraform would destroy infrastructure", done.err)
        self.assertIn("denied rule=guardrails.kubectl_delete action=block", done.err)
        plan = self.ok(world.scc("start", repo, "--dry-run", "--json", "--", "true")).data["plan"]
        with open(os.path.join(support.CHECKS, "guardrails", "plugin.json"), encoding="utf-8") as file:
            library, = json.load(file)["libraries"].values()
        self.assertEqual([(one["id"], one["plugin"], one["sha256"]) for one in plan["safety"]["checks"]],
                         [("guardrails", "guardrails", library["sha256"])])
        self.assertIn(f"/opt/scc/checks/{library['sha256']}.so", plan["checks"]["readonly"])
        shown = self.ok(world.scc("audit", "show", "--json", "--limit", "50")).data
        self.assertIn("guardrails.terraform_destroy", json.dumps(shown))
        world.assert_quiet(self)

    def test_the_host_says_the_same(self):
        world = self.checked(GUARDRAILS, rules={"guardrails.kubectl_delete": "warn"})
        world.repo()
        for words, decision, rule in ((("terraform destroy",), "block", "guardrails.terraform_destroy"),
                                      (("terraform", "destroy"), "block", "guardrails.terraform_destroy"),
                                      (("sudo kubectl delete pod x",), "warn", "guardrails.kubectl_delete"),
                                      (("terraform plan; git push --force",), "block", "git.force_push"),
                                      (("terraform plan",), "allow", "")):
            with self.subTest(words=words):
                told = self.explain(world, *words)
                self.assertEqual((told["decision"], told["rule"]), (decision, rule), told)

    def test_a_check_that_breaks_blocks(self):
        for check, reason in BROKEN.items():
            with self.subTest(check=check):
                world = self.checked({"id": check})
                repo = world.repo()
                told = self.explain(world, "git commit -m x")
                self.assertEqual((told["decision"], told["rule"]), ("block", "guard.check_failed"), told)
                self.assertIn(reason.split()[0], told["reason"])
                done = self.ok(world.sh(repo, "git commit -q --allow-empty -m x; echo $?; git log -1 --format=tformat:looks; "
                                              + self.hook("echo harmless")))
                self.assertEqual(done.out, "126\nlooks\nhook 2\n", repr(done))
                self.assertIn("denied rule=guard.check_failed action=block", done.err)
                self.assertIn(reason, done.err)
                self.assertIn("warning rule=guard.check_failed", done.err, "git log runs, and says why it should not be trusted")

    def test_checks_add_and_never_take_away(self):
        world = self.checked({"id": "allows"}, {"id": "prints"}, {"id": "warns"})
        repo = world.repo()
        world.git(repo, "config", "user.name", "T")
        world.git(repo, "config", "user.email", "t@example.invalid")
        done = self.ok(world.sh(repo, "git push --force origin main; echo $?; git commit -q --allow-empty -m x; echo $?"))
        self.assertEqual(done.out, "126\n0\n", repr(done))
        self.assertIn("denied rule=git.force_push", done.err)
        self.assertIn("scc-safety: warning rule=hostile.warns: a warning of a plugin", done.err)

    def test_the_library_is_the_one_that_was_meant(self):
        """In the sandbox, too: what lies at its place there is looked at before it is loaded."""
        world = self.checked(GUARDRAILS)
        repo = world.repo()
        own = os.path.join(world.home, "own-checks")
        shutil.copytree(support.CHECKS, own)
        support.as_root("chown", "-R", "0:0", own)
        world.env["SCC_PLUGIN_PATH"] = f"{support.PLUGINS}:{own}"
        library, = [os.path.join(folder, name) for folder, _, names in os.walk(os.path.join(own, "guardrails")) for name in names
                    if name.endswith(".so")]
        child = world.popen("start", repo, "--", "/bin/sh", "-c",
                            "echo up; while [ ! -e go ]; do sleep 0.1; done; git commit -q --allow-empty -m x; echo $?")
        self.assertEqual(child.stdout.readline(), b"up\n")
        support.as_root("sh", "-c", 'printf x >>"$1"', "sh", library)  # in place: the sandbox has this very file
        world.write(os.path.join(repo, "go"), "")
        out, err = child.communicate(timeout=60)
        self.assertEqual(out, b"126\n", err.decode())
        self.assertIn(b"guardrails: its library is not the one that the policy names", err)
        # The next start does not come so far.
        self.refused(world.scc("start", repo, "--dry-run", "--json", "--", "true"), 5, "safety.check")
        done = self.refused(world.start(repo, "true"), 5)
        self.assertIn("guardrails", done.err)

    def test_no_start_without_what_the_organisation_asks_for(self):
        with open(os.path.join(support.CHECKS, "guardrails", "plugin.json"), encoding="utf-8") as file:
            library, = json.load(file)["libraries"].values()
        other = hashlib.sha256(b"another build").hexdigest()
        for checks, trust, code, error in (
            ([{"id": "nobody-has-it"}], (), 5, "safety.check"),
            ([GUARDRAILS], (), 5, "safety.check"),
            ([{**GUARDRAILS, "sha256": other}], ("guardrails",), 6, "safety.check-hash"),
            ([{"id": "git"}], (), 5, "safety.check"),
        ):
            with self.subTest(checks=checks):
                world = self.checked(*checks, trust=trust)
                repo = world.repo()
                self.refused(world.scc("start", repo, "--dry-run", "--json", "--", "true"), code, error)
                self.refused(world.start(repo, "true"), code)
                self.refused(world.scc("safety", "explain", "--json", "--", "ls"), code, error)
                self.assertEqual(world.containers(), [])
        world = self.checked({**GUARDRAILS, "sha256": library["sha256"]}, trust=("guardrails",))
        self.ok(world.sh(world.repo(), "true"))


class Checks(Shared, support.Case):
    pass


class ChecksOnPodman(Shared, support.Case):
    engine = "podman"


if __name__ == "__main__":
    support.main()
