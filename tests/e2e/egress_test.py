# SPDX-License-Identifier: Apache-2.0
"""`scc egress` as installed: the answers of the rules that a launch would enforce, in words and as documents. No engine is
needed; what the proxy itself does is the matter of tests/integration/squid."""
import json
import os
import re

import schema
import support

ORG = {"schema_version": "1.1.0", "organization": {"name": "Acme", "id": "acme", "contact": "platform@acme.example"},
       "security": {"egress_deny": ["paste.example.com"]},
       "defaults": {"network_policy": "web-egress-enforced", "egress": {"allow": [".docs.example.com"]}},
       "delegation": {"teams": {"allow_egress": ["web"]}}, "profiles": {"web": {"description": "Web"}}}


class Egress(support.Case):
    def governed(self):
        world = self.world()
        path = os.path.join(world.home, "org.json")
        world.write(path, json.dumps(ORG))
        world.write_config(organization_source={"path": path}, selected_profile="web")
        return world, world.repo()

    def document(self, done, kind):
        envelope = done.envelope()
        self.assertEqual(envelope["kind"], kind, repr(done))
        name = "cli-" + re.sub(r"(?<!^)([A-Z])", r"-\1", kind).lower() + "-1.json"
        with open(os.path.join(support.SCHEMAS, name), encoding="utf-8") as file:
            schema.check(envelope["data"], json.load(file))
        return envelope["data"]

    def test_explain(self):
        world, repo = self.governed()
        done = self.ok(world.scc("egress", "explain", "paste.example.com", cwd=repo))
        self.assertIn("paste.example.com:443: denied", done.out)
        self.assertIn("/security/egress_deny/0", done.out)
        for host, reason in (("x.docs.example.com", "allowed"), ("127.0.0.1", "literal"), ("new.example.com", "not-listed"),
                             ("docs.example.com:80", "port")):
            data = self.document(self.ok(world.scc("egress", "explain", host, "--json", cwd=repo)), "EgressExplain")
            self.assertEqual(data["decision"]["reason"], reason, host)
        self.refused(world.scc("egress", "explain", "--json", cwd=repo), 2, "cli.usage")
        self.refused(world.scc("egress", "explain", ":1", "--json", cwd=repo), 2, "egress.question")

    def test_without_a_record(self):
        world, repo = self.governed()
        self.refused(world.scc("egress", "log", "--json", cwd=repo), 1, "egress.none")
        self.refused(world.scc("egress", "suggest", "--json", cwd=repo), 1, "egress.none")
        self.refused(world.scc("egress", "log", "--follow", "--json", cwd=repo), 2, "cli.usage")
        self.refused(world.scc("egress", "log", "--session", "nobody", "--json", cwd=repo), 1, "session.unknown")


if __name__ == "__main__":
    support.main()
