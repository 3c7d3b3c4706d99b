# SPDX-License-Identifier: Apache-2.0
"""The rows of the safety corpora that have a policy of their own, run for real as those of effects_test.py: each policy is an
organisation's, and a session runs its rows. The internet is a lab's network."""
import json
import os

import effects
import lab
import support

ORG = {"schema_version": "1.1.0", "organization": {"name": "Harrow Lake", "id": "harrow-lake", "contact": "platform@harrow.example"},
       "delegation": {"users": {"allow_network_settings": True}}}
# Keys of the older form that an organisation's document has, too; the others are rules of this name.
GROUPS = ("block_force_push", "block_reset_hard", "block_branch_force_delete", "block_checkout_restore", "block_clean", "block_stash_destructive")


def document(policy):
    """The organisation's document that says what a row's policy says."""
    net = {"action": policy["action"]}
    if "org_rules" in policy:
        net["commands"] = policy["org_rules"]
    for key, value in policy.get("rules", {}).items():
        if key in GROUPS:
            net[key] = value
        else:
            assert value is False, key
            net.setdefault("rules", {})["git." + key.removeprefix("block_")] = "allow"
    network = policy.get("network", {}).get("policy", "locked-down-web")
    return {**ORG, "defaults": {"network_policy": network}, "security": {"safety_net": net}}


class PoliciesOf:
    """What the classes below share; they name the engine."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.shared = support.World(engine=cls.engine, uid=0)
        cls.addClassCleanup(cls.shared.close)
        cls.lab = lab.Lab([{"text": "never asked"}], engine=cls.engine)
        cls.addClassCleanup(cls.lab.close)
        world, info = cls.shared, cls.lab.info
        cls.org = os.path.join(world.home, "org.json")
        both = {"network": info["network"], "dns": info["dns"]}
        world.write_config(organization_source={"path": cls.org}, tls={"ca_file": info["ca_file"]},
                           network={"open": both, "enforced": {**both, "internal_blocks": [info["subnet"]]}})
        cls.folder = world.make_dir(os.path.join(world.src, "lab"))
        cls.policies = {}
        for number, row in effects.rows().items():
            if "policy" in row:
                cls.policies.setdefault(json.dumps(row["policy"], sort_keys=True), {})[number] = row
        every = {number: row for rows in cls.policies.values() for number, row in rows.items()}
        effects.write_rows(world, cls.folder, every, {f"p{number}": rows for number, rows in enumerate(cls.policies.values())})
        cls.template = effects.make_template(world, cls.folder)

    def run_of(self, number, policy, rows):
        self.shared.write(self.org, json.dumps(document(policy)))
        run = effects.Run(self.template, self.folder, f"p{number}", ())
        run.take(effects.start(self.shared, self.folder, f"p{number}"))
        self.assertEqual(set(run.rows), set(rows), run.error)
        return run

    def check(self, row, outcome):
        what = f"{row.get('command') or row['argv']!r}: {outcome}"
        must = row["want"] == "block"
        self.assertEqual(outcome["hook"], "2" if must else "0", what)
        if row.get("layer") == "line":
            return
        if not must:
            self.assertNotIn(effects.DENIED, outcome["said"], what)
        elif "git" in row["command"]:
            # What stands before the push that is refused may be allowed.
            self.assertFalse(outcome["remote"], what)
        elif outcome["exit"] != 127:  # the image need not have the program
            self.assertIn(effects.DENIED + "network.", outcome["said"], what)

    def test_every_row_under_its_own_policy(self):
        self.assertGreater(len(self.policies), 12)
        for number, (text, rows) in enumerate(self.policies.items()):
            policy = json.loads(text)
            if any(not isinstance(value, bool) for value in policy.get("rules", {}).values()):
                continue
            with self.subTest(policy=text):
                run = self.run_of(number, policy, rows)
                for key, row in rows.items():
                    self.check(row, run.rows[key])

    def test_a_policy_that_is_none_starts_nothing(self):
        broken = [json.loads(text) for text in self.policies if ": 0" in text]
        self.assertTrue(broken)
        for policy in broken:
            self.shared.write(self.org, json.dumps(document(policy)))
            self.refused(self.shared.scc("start", self.folder, "--shell", "--", "true"), 3)


# Some twenty sessions each.
if effects.ALL:
    class Policies(PoliciesOf, support.Case):
        pass

    class PoliciesOnPodman(PoliciesOf, support.Case):
        engine = "podman"


if __name__ == "__main__":
    support.main()
