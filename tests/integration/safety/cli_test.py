#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`scc safety` as people and tools call it: the corpora through --stdin, one command, rules, policies, bad questions.

  cli_test.py SCC SOURCE_DIR
"""
import json
import os
import subprocess
import sys
import tempfile
import unittest

SCC = os.path.abspath(sys.argv[1])
SOURCE = os.path.abspath(sys.argv[2])


def rows():
    for name in ("commands.jsonl", "adversaries.jsonl"):
        with open(os.path.join(SOURCE, "tests/data/safety", name), encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                yield f"{name}:{number}", json.loads(line)


class SafetyCommand(unittest.TestCase):
    def setUp(self):
        home = tempfile.TemporaryDirectory()
        self.addCleanup(home.cleanup)
        self.home = home.name
        self.env = {"HOME": home.name, "PATH": "/usr/bin:/bin", "NO_COLOR": "1"}

    def scc(self, *args, text=""):
        return subprocess.run([SCC, *args], input=text, capture_output=True, text=True, env=self.env, cwd=self.home,
                              timeout=120, check=False)

    def envelope(self, *args):
        done = self.scc(*args, "--json") if "--" not in args else self.scc(*args[:args.index("--")], "--json",
                                                                          *args[args.index("--"):])
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout)
        return json.loads(done.stdout)

    def test_every_row_of_the_corpora(self):
        wanted, questions = {}, []
        for where, row in rows():
            wanted[where] = row
            question = {key: row[key] for key in ("command", "argv", "policy", "aliases") if key in row}
            questions.append(json.dumps({"id": where, **question}))
        done = self.scc("safety", "check", "--json", "--stdin", text="\n".join(questions) + "\n")
        self.assertEqual(done.returncode, 0, done.stderr)
        answers = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([answer["id"] for answer in answers], list(wanted))
        for answer in answers:
            row = wanted[answer["id"]]
            good = answer["decision"] == row["want"] or (row["want"] == "pass" and answer["decision"] != "block")
            self.assertTrue(good, f"{answer} for {row}")
            if "rule" in row:
                self.assertEqual(answer["rule"], row["rule"], row)

    def test_one_command(self):
        data = self.envelope("safety", "check", "--", "git", "push", "--force")["data"]
        self.assertEqual((data["decision"], data["rule"], data["at"]), ("block", "git.force_push", "--force"))
        # Several words are an argv and never read again; one is a shell line.
        self.assertEqual(self.envelope("safety", "check", "--", "echo", "x; git push -f")["data"]["decision"], "allow")
        self.assertEqual(self.envelope("safety", "check", "--", "echo x; git push -f")["data"]["decision"], "block")

    def test_explain_says_what_applies_here(self):
        data = self.envelope("safety", "explain", "--", "git", "reset", "--hard")["data"]
        self.assertEqual(data["rule"], "git.reset_hard")
        self.assertEqual(data["policy"]["schema"], 1)
        self.assertIn("stash", data["hint"])
        human = self.scc("safety", "explain", "--", "git reset --hard")
        self.assertIn("git.reset_hard", human.stdout)

    def test_rules(self):
        data = self.envelope("safety", "rules")["data"]
        ids = [rule["id"] for rule in data["rules"]]
        self.assertIn("git.force_push", ids)
        self.assertEqual(len(ids), len(set(ids)))

    def test_a_policy_file(self):
        path = os.path.join(self.home, "policy.json")
        for text, decision in (('{"schema":1,"action":"warn"}', "warn"),
                               ('{"schema":1,"rules":{"git.force_push":"allow"}}', "allow")):
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
            data = self.envelope("safety", "check", "--policy", path, "--", "git", "push", "-f")["data"]
            self.assertEqual(data["decision"], decision)
        for text in ("", "{", '{"schema":2}', '{"schema":1,"action":"allow","novel":1}'):
            with open(path, "w", encoding="utf-8") as out:
                out.write(text)
            done = self.scc("safety", "check", "--policy", path, "--json", "--", "git", "push", "-f")
            self.assertEqual(done.returncode, 3, text)
            self.assertIn("safety.policy", done.stdout)

    def test_bad_questions_are_blocked_and_reported(self):
        bad = ["x", "[]", '{"id":1}', '{"id":1,"command":1}', '{"id":1,"command":"a","argv":["a"]}', '{"id":1,"argv":[1]}',
               '{"id":1,"command":"' + "x" * (2 << 20) + '"}']
        for line in bad:
            done = self.scc("safety", "check", "--stdin", text=line + "\n" + '{"id":"next","command":"ls"}\n')
            self.assertEqual(done.returncode, 2, line[:60])
            answers = [json.loads(one) for one in done.stdout.splitlines()]
            self.assertEqual([one["decision"] for one in answers], ["block", "allow"], line[:60])
            self.assertEqual(answers[0]["rule"], "input.invalid")

    def test_usage(self):
        for args in (["safety", "check"], ["safety", "check", "--stdin", "--", "ls"], ["safety", "explain"]):
            self.assertEqual(self.scc(*args).returncode, 2, args)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
