# SPDX-License-Identifier: Apache-2.0
"""Every row of the safety corpora (tests/data/safety) run for real: in a sandbox with the guard, and in a container of the same
image without one, against the image's real git, in a copy of a repository that has something of everything to lose. Nothing that
must be blocked may lose anything, nothing harmless may be refused, and without the guard the same rows must do their harm.

SCC_EFFECTS_ALL=1: every row on either engine; else each takes a fifth of them, and not the same one.
SCC_EFFECTS_RECORD=1: `lost` of the rows is written anew from the run without a guard (Docker), instead of compared with it.
"""
import json
import os
import subprocess
import sys
import threading

import effects
import support

RECORD = os.environ.get("SCC_EFFECTS_RECORD", "") not in ("", "0")
SHARES = 1 if effects.ALL or RECORD else 5
# Lines that are refused as such, although what comes of them in this repository is harmless.
HARMLESS_HERE = {
    "git nosuchcommand": "no alias here, which only the repository tells",
    'git push origin ":$BRANCH"': "without a value, a push of the branches that both have",
}
# How many of all rows that must be blocked have to do which harm without a guard.
LEAST = {"remote": 350, "worktree": 200, "stash": 25, "refs": 30, "reflog": 10, "objects": 12, "config": 15}


def harmful(row):
    """Whether the row's run must be without an effect: a line that must be refused, or one that does not show what it does."""
    return row["want"] == "block" or row.get("layer") == "run"


class EffectsOf:
    """What the classes below share; they name the engine. The runs are made once for all of their tests."""

    compare = False  # whether the rows run without a guard as well
    share = 0

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        more = {"uid": 0} if cls.engine == "podman" else {}
        cls.shared = support.World(engine=cls.engine, **more)
        cls.addClassCleanup(cls.shared.close)
        cls.prepare(cls.shared)
        cls.run_all()

    @classmethod
    def prepare(cls, world):
        path = os.path.join(world.home, "org.json")
        world.write(path, json.dumps({"schema_version": "1.1.0",
                                      "organization": {"name": "Harrow Lake", "id": "harrow-lake", "contact": "platform@harrow.example"},
                                      "defaults": {"network_policy": "locked-down-web"}}))
        world.write_config(organization_source={"path": path})
        cls.folder = world.make_dir(os.path.join(world.src, "lab"))
        cls.all = effects.rows()
        # A row with a policy of its own is about the policy, not about git.
        chosen = [number for number, row in cls.all.items() if "policy" not in row][cls.share % SHARES::SHARES]
        cls.run_rows = {number: cls.all[number] for number in chosen}
        # What may run does the same with and without a guard.
        cls.free_rows = [number for number, row in cls.run_rows.items() if harmful(row) or row["want"] == "warn"]
        effects.write_rows(world, cls.folder, cls.run_rows, {"free": cls.free_rows, "guarded": list(cls.run_rows)})
        done = world.scc("start", cls.folder, "--shell", "--dry-run", "--json", "--", "true")
        assert done.code == 0, repr(done)
        cls.plan = done.data["plan"]
        cls.template = effects.make_template(world, cls.folder)

    @classmethod
    def plain(cls):
        """A container of the sandbox's image without a guard, without a network and without rights. It is the owner of the files by
        the host's numbers, as which the sandbox sees its agent."""
        owner = os.stat(cls.folder)
        return ("run", "--rm", "--init", "--network", "none", "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--pids-limit", "512",
                "--user", f"{owner.st_uid}:{owner.st_gid}", "--tmpfs", "/tmp:mode=1777", "--tmpfs", "/home/plain:mode=1777",
                "-e", "HOME=/home/plain", "-v", f"{cls.folder}:{cls.folder}", "-w", cls.folder, cls.plan["image"]["ref"])

    @classmethod
    def run_all(cls):
        world = cls.shared
        prepared = {number for number, row in cls.run_rows.items() if "before" in row or "aliases" in row}
        cls.guarded = effects.Run(cls.template, cls.folder, "guarded", prepared)
        sandbox = effects.start(world, cls.folder, "guarded")
        runs = [(cls.guarded, sandbox)]
        if cls.compare:
            cls.free = effects.Run(cls.template, cls.folder, "free", prepared)
            plain = subprocess.Popen(("docker", *cls.plain(), "perl", "./effects_driver.pl", "free"), stdin=subprocess.DEVNULL,
                                     stdout=subprocess.PIPE, stderr=subprocess.PIPE)
            world.children.append(plain)
            runs.append((cls.free, plain))
        threads = [threading.Thread(target=run.take, args=(child,)) for run, child in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def audited(self):
        """{row: rules} of what the guard refused in front of a tool or in git's hooks, by the directory that it was in."""
        out = {}
        for name in sorted(os.listdir(os.path.join(self.shared.state, "audit"))):
            if not name.endswith(".jsonl"):
                continue
            with open(os.path.join(self.shared.state, "audit", name), encoding="utf-8") as file:
                for line in file:
                    told = json.loads(line)["metadata"]
                    at = told.get("cwd", "").removeprefix(self.folder + "/guarded/").split("/")[0]
                    if told.get("decision") == "block" and told.get("layer") != "line":
                        out.setdefault(at, set()).add(told["matched_rule"])
        return out

    def told(self, number, outcome, why):
        row = self.run_rows[number]
        return f"{number} {row.get('command') or row['argv']!r}: {why}\n  exit {outcome['exit']}: {outcome['said'][:300]!r}"

    def test_every_row_was_run(self):
        self.assertEqual(set(self.guarded.rows), set(self.run_rows), self.guarded.error)
        self.assertGreater(len(self.run_rows), 1500 // SHARES)

    def test_nothing_that_must_be_blocked_has_an_effect(self):
        bad = []
        for number, row in self.run_rows.items():
            outcome = self.guarded.rows[number]
            if row.get("command") in HARMLESS_HERE and not outcome["lost"]:
                continue
            if harmful(row) and row.get("layer") != "line" and (outcome["lost"] or outcome["remote"]):
                bad.append(self.told(number, outcome, f"lost {outcome['lost']}, remote changed: {outcome['remote']}"))
        self.assertFalse(bad, "\n".join(bad))

    def test_the_agents_hook_gives_every_line_its_verdict(self):
        bad = []
        for number, row in self.run_rows.items():
            outcome = self.guarded.rows[number]
            wanted = "-" if "argv" in row else "2" if row["want"] == "block" else "0"
            if outcome["hook"] != wanted and row.get("command") not in HARMLESS_HERE:
                bad.append(self.told(number, outcome, f"wants {row['want']}, the hook said {outcome['hook']} {outcome['refused'][:300]}"))
        self.assertFalse(bad, "\n".join(bad))

    def test_nothing_harmless_is_refused(self):
        audited = self.audited()
        bad = []
        for number, row in self.run_rows.items():
            outcome = self.guarded.rows[number]
            rules = audited.get(number, set())
            if not harmful(row) and (rules or effects.DENIED in outcome["said"]):
                bad.append(self.told(number, outcome, f"refused by {sorted(rules)}"))
        self.assertFalse(bad, "\n".join(bad))
        self.assertGreater(len(audited), 700 // SHARES, "the audit log says what was refused")


class Effects(EffectsOf, support.Case):
    compare = True

    def test_without_the_guard_the_same_rows_do_harm(self):
        """Else nothing of the other tests would say anything."""
        self.assertEqual(set(self.free.rows), set(self.free_rows), self.free.error)
        harm = {kind: 0 for kind in effects.KINDS}
        bad = []
        for number, outcome in self.free.rows.items():
            row = self.run_rows[number]
            for kind in outcome["lost"] if harmful(row) else ():
                harm[kind] += 1
            if not outcome["late"] and not set(row.get("lost", [])) <= set(outcome["lost"]):
                bad.append(self.told(number, outcome, f"lost {outcome['lost']}, the corpus says {row['lost']}"))
        print(f"without the guard: {harm}", file=sys.stderr)
        if RECORD:
            effects.record(self.all, {number: outcome["lost"] for number, outcome in self.free.rows.items() if not outcome["late"]})
        else:
            # Two programs of one line may get in each other's way.
            self.assertLessEqual(len(bad), 5, "\n".join(bad))
        for kind, least in LEAST.items():
            # Rows of one kind stand together, so a share has about its part of them.
            self.assertGreaterEqual(harm[kind], least if SHARES == 1 else least // (SHARES + 1), kind)


class EffectsOnPodman(EffectsOf, support.Case):
    engine = "podman"
    share = 1


if __name__ == "__main__":
    support.main()
