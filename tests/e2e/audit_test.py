# SPDX-License-Identifier: Apache-2.0
"""The audit log as real sandboxes write it: what a guarded command leaves there, what a sandbox cannot do to it, and that nothing
which must be audited goes on when it cannot be.
"""
import json
import os
import signal

import schema
import support

# A program of the sandbox that speaks to the collector itself. The image has no Python, but every agent has a shell and perl.
SEND = """perl -MSocket -e '
socket(my $s, AF_UNIX, SOCK_SEQPACKET, 0) or die "socket $!";
connect($s, pack_sockaddr_un("/run/scc-audit/collector")) or die "connect $!";
send($s, $ARGV[0], 0) or die "send $!"; recv($s, my $a, 1024, 0); print "$a\\n";' """

LINE = '{"v":1,"tool":"git","layer":"argv","decision":"allow","rule":"","id":"","cwd":"/","argv":["git","forged"],' \
       '"source":"host","seq":1,"event_type":"launch.ended"}'


class Audited:
    """What the classes below share; they name the engine."""

    def lines(self, world):
        with open(os.path.join(world.state, "audit", "audit.jsonl"), encoding="utf-8") as file:
            return [json.loads(line) for line in file]

    def checked(self, done, name):
        data = self.ok(done).data
        with open(os.path.join(support.SCHEMAS, name), encoding="utf-8") as file:
            schema.check(data, json.load(file))
        return data

    def waiting(self, world, repo, script):
        """A sandbox that waits for the file `go` in the workspace before it runs the script."""
        child = world.popen("start", repo, "--", "/bin/sh", "-c",
                            f"echo up; while [ ! -e go ]; do sleep 0.1; done\n{script}")
        self.assertEqual(child.stdout.readline(), b"up\n", child.poll())
        return child

    def test_a_session_is_told_from_its_launch_to_its_end(self):
        world = self.world()
        repo = world.repo()
        self.ok(world.sh(repo, "git status >/dev/null; git --version >/dev/null; git add -A; curl --version >/dev/null; "
                               "git -c http.extraHeader='Authorization: Basic c2VjcmV0' fetch https://me:hunter2@127.0.0.1:1/x; "
                               "git push -f origin main; true"))
        told = self.lines(world)
        self.assertEqual([line["seq"] for line in told], list(range(1, len(told) + 1)))
        kinds = [line["event_type"] for line in told]
        self.assertEqual(kinds[:2] + kinds[-1:], ["launch.preflight.passed", "launch.started", "launch.ended"])
        started = told[1]
        self.assertEqual((started["source"], started["metadata"]["workspace_path"]), ("host", repo))
        checks = [line for line in told if line["event_type"] == "safety.check"]
        self.assertEqual([line["metadata"]["command"].split()[:2] for line in checks][:2], [["git", "add"], ["curl", "--version"]])
        self.assertEqual({line["source"] for line in checks}, {"sandbox"})
        self.assertEqual({line["session"] for line in checks}, {started["session"]})
        blocked = [line for line in checks if line["metadata"]["decision"] == "block"]
        self.assertEqual(blocked[-1]["metadata"]["matched_rule"], "git.force_push")
        text = json.dumps(told)
        for secret in ("hunter2", "c2VjcmV0"):
            self.assertNotIn(secret, text)
        self.assertNotIn("git status", text)
        self.looked_at(world, told, blocked)

    def looked_at(self, world, told, blocked):
        shown = self.checked(world.scc("audit", "show", "--limit", "1000", "--json"), "cli-audit-log-1.json")
        self.assertEqual(shown["events"], told[::-1])
        verified = self.checked(world.scc("audit", "verify", "--json"), "cli-audit-verification-1.json")
        self.assertEqual((verified["intact"], verified["lines"], verified["head"]["hash"]), (True, len(told), told[-1]["hash"]))
        out = os.path.join(world.home, "audit-export")
        exported = self.checked(world.scc("audit", "export", out, "--json"), "cli-audit-export-1.json")
        with open(out, encoding="utf-8") as file:
            self.assertEqual([json.loads(line) for line in file], told)
        self.assertEqual(exported["head"], verified["head"])
        self.assertNotEqual(world.scc("audit", "export", out).code, 0)
        launches = self.checked(world.scc("support", "launch-audit", "--json"), "cli-launch-audit-1.json")
        self.assertEqual([one["event_type"] for one in launches["recent_events"]],
                         ["launch.ended", "launch.started", "launch.preflight.passed"])
        safety = self.checked(world.scc("support", "safety-audit", "--blocked", "--json"), "cli-safety-audit-1.json")
        self.assertEqual(safety["blocked_count"], len(blocked))
        self.assertEqual(safety["last_blocked"]["matched_rule"], "git.force_push")

    def test_a_sandbox_adds_lines_and_nothing_else(self):
        world = self.world()
        repo = world.repo()
        done = self.ok(world.sh(repo, f"rm -f /run/scc-audit/collector && echo removed; touch /run/scc-audit/x && echo made; "
                                      f"mv /run/scc-audit /run/other && echo moved; {SEND} '{LINE}'; {SEND} garbage; "
                                      f"{SEND} \"$(head -c 9000 /dev/zero | tr '\\0' x)\""))
        answers = done.out.splitlines()
        self.assertEqual(answers[0], "ok", repr(done))
        self.assertEqual([one[:3] for one in answers[1:]], ["no ", "no "])
        forged, = [line for line in self.lines(world) if line["metadata"].get("command") == "git forged"]
        self.assertEqual((forged["source"], forged["event_type"]), ("sandbox", "safety.check"))
        self.assertGreater(forged["seq"], 2)
        self.ok(world.scc("audit", "verify"))

    def test_what_is_changed_on_disk_is_seen_and_stops_launches(self):
        world = self.world()
        repo = world.repo()
        self.ok(world.sh(repo, "git add -A"))
        path = os.path.join(world.state, "audit", "audit.jsonl")
        with open(path, encoding="utf-8") as file:
            whole = file.readlines()
        ways = {"edited": whole[:-1] + [whole[-1].replace("ended", "mended")], "cut": whole[:-1],
                "reordered": [whole[1], whole[0], *whole[2:]], "spliced": whole[:1] + whole[2:], "doubled": whole + whole[-1:]}
        for name, lines in ways.items():
            with self.subTest(way=name):
                with open(path, "w", encoding="utf-8") as file:
                    file.writelines(lines)
                done = world.scc("audit", "verify")
                self.refused(done, 6)
                self.assertIn("audit log is not what was written", done.err)
                told = world.scc("audit", "verify", "--json")
                self.assertEqual((told.code, told.data["intact"]), (6, False))
                if name in ("edited", "cut", "doubled"):
                    started = world.start(repo, "true")
                    self.refused(started, 6)
                    self.assertIn("audit log is not what was written", started.err)
                    world.assert_quiet(self)
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(whole)
        self.ok(world.scc("audit", "verify"))
        self.ok(world.start(repo, "true"))

    def test_without_a_collector_guarded_commands_are_blocked(self):
        world = self.world()
        repo = world.repo()
        child = self.waiting(world, repo, "git add -A; echo add $?; curl --version >/dev/null; echo curl $?; "
                                          "git status >/dev/null; echo status $?; git --version >/dev/null; echo version $?; "
                                          "git push -f origin main; echo push $?")
        instance, = world.instances()
        support.as_root("rm", os.path.join(world.state, "instances", instance, "audit", "collector"))
        world.write(os.path.join(repo, "go"), "")
        out, err = child.communicate(timeout=60)
        self.assertEqual(out.decode().split("\n")[:5], ["add 126", "curl 126", "status 0", "version 0", "push 126"], err.decode())
        self.assertIn(b"denied rule=guard.unaudited", err)
        self.assertIn(b"cannot be written to the audit log on the host", err)
        self.assertIn(b"denied rule=git.force_push", err)

    def test_a_collector_that_died_with_its_scc_blocks(self):
        world = self.world()
        repo = world.repo()
        child = self.waiting(world, repo, "git add -A; echo add $? >said; git status >/dev/null; echo status $? >>said; touch done; "
                                          "sleep 60")
        child.send_signal(signal.SIGKILL)
        child.wait()
        world.write(os.path.join(repo, "go"), "")
        support.wait_for(lambda: os.path.exists(os.path.join(repo, "done")), what="the script")
        with open(os.path.join(repo, "said"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "add 126\nstatus 0\n")
        self.ok(world.scc("audit", "verify"))
        self.ok(world.scc("prune", "--yes"))

    def test_a_collector_that_hangs_blocks_after_a_while(self):
        world = self.world()
        repo = world.repo()
        child = self.waiting(world, repo, "git add -A; echo add $? >said; touch done; sleep 1")
        child.send_signal(signal.SIGSTOP)
        world.write(os.path.join(repo, "go"), "")
        support.wait_for(lambda: os.path.exists(os.path.join(repo, "done")), what="the script")
        child.send_signal(signal.SIGCONT)
        child.communicate(timeout=60)
        with open(os.path.join(repo, "said"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "add 126\n")

    def full_disk(self, world):
        """The audit log's directory on a file system of its own, which is full."""
        place = os.path.join(world.state, "audit")
        os.makedirs(place, 0o700, exist_ok=True)
        support.as_root("mount", "-t", "tmpfs", "-o", f"size=64k,mode=0700,uid={world.uid}", "tmpfs", place)
        self.addCleanup(support.as_root, "umount", place)
        return os.path.join(place, "ballast")

    def fill(self, ballast):
        support.as_root("sh", "-c", f"cat /dev/zero >'{ballast}' 2>/dev/null", check=False)

    def test_a_full_disk_refuses_the_launch(self):
        self.need_root()
        world = self.world()
        repo = world.repo()
        ballast = self.full_disk(world)
        self.fill(ballast)
        done = world.start(repo, "/bin/echo", "ran")
        self.refused(done, 3)
        self.assertIn("the audit log cannot be written", done.err)
        self.assertIn("free some space", done.err)
        self.assertNotIn("ran", done.out)
        self.assertEqual((world.containers(), world.instances()), ([], []))
        support.as_root("rm", ballast)
        self.assertEqual(self.ok(world.start(repo, "/bin/echo", "ran")).out, "ran\n")
        self.ok(world.scc("audit", "verify"))

    def test_a_disk_that_fills_up_blocks_guarded_commands(self):
        self.need_root()
        world = self.world()
        repo = world.repo()
        ballast = self.full_disk(world)
        child = self.waiting(world, repo, "git add -A; echo add $?; curl --version >/dev/null; echo curl $?; git status >/dev/null; "
                                          "echo status $?; git push -f origin main; echo push $?; touch full; "
                                          "while [ ! -e room ]; do sleep 0.1; done; git add -A; echo add $?")
        self.fill(ballast)
        world.write(os.path.join(repo, "go"), "")
        support.wait_for(lambda: os.path.exists(os.path.join(repo, "full")), seconds=60, what="the commands on a full disk")
        # A reader needs no space.
        self.ok(world.scc("audit", "verify"))
        support.as_root("rm", ballast)
        world.write(os.path.join(repo, "room"), "")
        out, err = child.communicate(timeout=60)
        self.assertEqual(out, b"add 126\ncurl 126\nstatus 0\npush 126\nadd 0\n", err.decode())
        self.assertEqual(err.count(b"denied rule=guard.unaudited"), 2, err.decode())
        self.assertIn(b"denied rule=git.force_push", err)
        self.assertIn(b"commands that must be audited are blocked in the sandbox", err)
        # What ran is in the log, and what did not is not said to have run.
        allowed = [line["metadata"]["command"] for line in self.lines(world)
                   if line["event_type"] == "safety.check" and line["metadata"]["decision"] != "block"]
        self.assertEqual(allowed, ["git add -A"])
        self.assertEqual(self.lines(world)[-1]["event_type"], "launch.ended")
        verified = self.checked(world.scc("audit", "verify", "--json"), "cli-audit-verification-1.json")
        self.assertEqual((verified["intact"], verified["lines"]), (True, len(self.lines(world))))
        path = os.path.join(world.state, "audit", "audit.jsonl")
        with open(path, encoding="utf-8") as file:
            whole = file.readlines()
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(whole[:-1])
        self.refused(world.scc("audit", "verify"), 6)

    def test_shell_and_attach_are_told_and_served(self):
        world = self.world()
        repo = world.repo()
        child = self.waiting(world, repo, "true")
        instance, = world.instances()
        self.ok(world.scc("shell", instance, "--", "git", "add", "-A"))
        world.write(os.path.join(repo, "go"), "")
        child.communicate(timeout=60)
        told = self.lines(world)
        shell, = [line for line in told if line["event_type"] == "shell.started"]
        self.assertEqual(shell["metadata"]["command"], "git add -A")
        self.assertIn("git add -A", [line["metadata"].get("command") for line in told if line["event_type"] == "safety.check"])


class Audit(Audited, support.Case):
    pass


class AuditOnPodman(Audited, support.Case):
    engine = "podman"


if __name__ == "__main__":
    support.main()
