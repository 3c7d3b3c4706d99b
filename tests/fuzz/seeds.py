#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Turns the rows of tests/data/safety into inputs of the fuzz targets: seeds.py OUT writes OUT/safety/* and OUT/guard/*."""
import hashlib
import json
import os
import shlex
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROWS = ("commands.jsonl", "adversaries.jsonl")
LINE, ARGV, POLICY, ALIAS = (bytes([form]) for form in range(4))
CALL, AUDIT, ANSWER, ENVIRONMENT, ALIASES, HOOK, DIGEST = (bytes([form]) for form in range(7))
ONE, TWO, ZERO = "1" * 40, "a2" * 20, "0" * 40

POLICIES = (
    {}, {"action": "warn"}, {"action": "block", "rules": {"git.force_push": "allow", "no.such": "warn", "block_clean": False}},
    {"block_force_push": False, "block_checkout_restore": True}, {"network": {"policy": "open", "allow_hosts": ["*.example.org", "h"]}},
    {"network": {"policy": "web-egress-enforced"}, "protected_branches": ["main", "release/*"], "source": "org", "generation": 3},
    {"org_rules": [{"id": "org.tf", "program": "terraform", "subcommand": "apply", "flags": ["-auto-approve"], "verdict": "block",
                    "message": "ask"}]},
    {"snapshots": {"enabled": True, "keep": 5, "days": 7}}, {"action": "perhaps"}, {"rules": []}, {"new": 1},
)
ANSWERS = ("ok", "no ", "no the disk is full", "", "okay", "no")
ENVIRONMENTS = (
    ["GIT_CONFIG_COUNT=2", "GIT_CONFIG_KEY_0=user.name", "GIT_CONFIG_VALUE_0=A B", "GIT_CONFIG_KEY_1=core.hooksPath",
     "GIT_CONFIG_VALUE_1=/dev/null"],
    ["GIT_CONFIG_PARAMETERS='a.b=c d' 'user.name'='it'\\''s' 'x.y'=", "HOME=/h"], ["GIT_CONFIG_COUNT=1000"],
    ["GIT_CONFIG_PARAMETERS='credential.https://h/?a=b.helper'='!sh x'"], ["GIT_EXEC_PATH=/usr/lib/git-core"],
    ["GIT_CONFIG_COUNT=1", "GIT_CONFIG_KEY_0=core.hookspath", "GIT_CONFIG_VALUE_0=/opt/scc/bin/hooks"], ["GIT_CONFIG_PARAMETERS='a'x"],
)
LISTINGS = ("alias.fp\npush --force\0alias.sp\n!git push -f\0", "alias.X\nstatus\0alias.x\nreset --hard\0", "alias.none\0alias.\n\0", "user.a\nb\0")
HOOKS = (
    f"refs/heads/main {TWO} refs/heads/main {ONE}\n", f"(delete) {ZERO} refs/heads/x {ONE}\n",
    f"HEAD@{{1 day ago}} {TWO} refs/heads/main {ONE}\nrefs/heads/a {TWO} refs/heads/b {ZERO}\n", f"{ONE} {ZERO} refs/stash\n",
    f"{ONE} {TWO} refs/heads/a b\n{ZERO} {ONE} HEAD\n", "ref:refs/heads/a ref:refs/heads/b HEAD\n", "x\n", "\n", "",
)


def quoted_argv(command):
    """The words of a line, where it is one plain command."""
    try:
        return shlex.split(command)
    except ValueError:
        return [command]


def of_rows():
    for name in ROWS:
        with open(os.path.join(os.path.dirname(HERE), "data", "safety", name), encoding="utf-8") as file:
            for row in map(json.loads, file):
                argv = row.get("argv") or quoted_argv(row["command"])
                line = row.get("command") or shlex.join(argv)
                yield "safety", LINE + line.encode()
                yield "safety", ARGV + "\x01".join(argv).encode()
                yield "guard", AUDIT + "\x01".join(argv).encode()
                call = {"tool_name": "Bash", "cwd": "/w", "tool_input": {"command": line, "description": "é"}}
                yield "guard", CALL + json.dumps(call, ensure_ascii=len(line) % 2 == 0).encode()
                for alias in (row.get("aliases") or {}).values():
                    yield "safety", ALIAS + alias.encode()
                if "policy" in row:
                    yield "safety", POLICY + json.dumps(row["policy"]).encode()


def others():
    for policy in POLICIES:
        text = json.dumps({"schema": 1, **policy}, separators=(",", ":"))
        yield "safety", POLICY + text.encode()
        yield "guard", DIGEST + (text[:-1] + ',"sha256":"' + ZERO + ZERO[:24] + '"}').encode()
    yield "guard", DIGEST + b'{"sha256":"short"}'
    for form, texts in ((ANSWER, ANSWERS), (ALIASES, LISTINGS), (HOOK, HOOKS)):
        yield from (("guard", form + text.encode()) for text in texts)
    yield from (("guard", ENVIRONMENT + "\x01".join(one).encode()) for one in ENVIRONMENTS)
    for dialect in ('{"tool_name":"apply_patch","tool_input":{"command":"*** Begin Patch"}}', '{"tool_name":"Read","tool_input":{}}'):
        yield "guard", CALL + dialect.encode()


def main():
    out, = sys.argv[1:]
    for target, data in (*of_rows(), *others()):
        folder = os.path.join(out, target)
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, hashlib.sha1(data).hexdigest()), "wb") as file:
            file.write(data)


if __name__ == "__main__":
    main()
