# SPDX-License-Identifier: Apache-2.0
"""Sessions that last: what is recorded, going on with one, reuse of sandboxes, conflicts, time bounds, and the truth after crashes."""
import fcntl
import json
import os
import struct
import subprocess

import support
from terminal import Terminal

READY = ("/bin/sh", "-c", "echo ready; cat")
WHO = ("/bin/sh", "-c", "echo session=$SCC_SESSION resumed=$TEST_RESUMED")


def sessions(world, *args, **more):
    done = world.scc("sessions", "--all", "--limit", "0", "--json", *args, **more)
    if done.code:
        raise AssertionError(repr(done))
    return done.data["sessions"]


class Base:
    def run_one(self, world, repo, *options, argv=READY, **more):
        child = world.popen("start", repo, *options, "--", *argv, stdin=subprocess.PIPE, **more)
        self.assertEqual(child.stdout.readline(), b"ready\n", child.poll())
        return child

    def end(self, child, code=0):
        _, err = child.communicate(timeout=60)
        self.assertEqual(child.returncode, code, err)
        return err.decode()


class Records(Base, support.Case):
    def test_a_session_is_recorded(self):
        world = self.world()
        repo = world.repo()
        child = self.run_one(world, repo)
        # The command speaks a moment before the record says that it runs.
        support.wait_for(lambda: sessions(world)[0]["status"] != "starting", what="a session that runs")
        [seen] = sessions(world)
        self.assertEqual((seen["status"], seen["sandbox_state"], seen["workspace"]), ("running", "running", repo))
        self.assertEqual(self.ok(world.scc("status", "--json", cwd=repo)).data["session"], seen["id"])
        self.end(child)
        [seen] = sessions(world)
        self.assertEqual((seen["status"], seen["exit_code"], seen["ended_by"]), ("exited", 0, "agent"))
        self.assertEqual((seen["sandbox_state"], seen["branch"], seen["runs"]), ("stopped", "main", 1))
        self.ok(world.scc("prune"))
        [seen] = sessions(world)
        self.assertEqual(seen["sandbox_state"], "gone", "the record outlives the sandbox")

    def test_exit_codes_and_failures(self):
        world = self.world()
        repo = world.repo()
        self.ok(world.sh(repo, "exit 3"), 3)
        self.ok(world.start(repo, "/no/such/program"), 5)
        codes = [(seen["status"], seen["exit_code"], seen["runs"]) for seen in sessions(world)]
        self.assertEqual(codes, [("failed", None, 0), ("exited", 3, 1)])

    def test_names_pins_and_removal(self):
        world = self.world()
        repo = world.repo()
        self.ok(world.start(repo, "true", options=("--session", "first one")))
        self.refused(world.start(repo, "true", options=("--session", "a/b", "--dry-run", "--json")), 2, "session.name")
        [seen] = sessions(world)
        self.assertEqual(seen["name"], "first one")
        self.ok(world.scc("session", "rename", "first one", "second"))
        self.ok(world.scc("session", "pin", "second"))
        shown = self.ok(world.scc("session", "show", seen["id"][:13], "--json")).data
        self.assertEqual((shown["name"], shown["pinned"], shown["id"]), ("second", True, seen["id"]))
        kept = self.ok(world.scc("session", "prune", "--older-than", "0h", "--keep", "0", "--json")).data
        self.assertEqual(kept["removed"], [], "pinned")
        self.ok(world.scc("session", "unpin", "second"))
        self.refused(world.scc("session", "prune", "--older-than", "0h", "--keep", "0"), 2)
        gone = self.ok(world.scc("session", "prune", "--older-than", "0h", "--keep", "0", "--yes", "--json")).data
        self.assertEqual([item["id"] for item in gone["removed"]], [seen["id"]])
        self.assertEqual(sessions(world), [])
        self.refused(world.scc("session", "show", "second", "--json"), 1, "session.unknown")

    def test_a_running_session_is_not_removed(self):
        world = self.world()
        child = self.run_one(world, world.repo())
        [seen] = sessions(world)
        self.refused(world.scc("session", "rm", seen["id"], "--yes", "--json"), 4, "session.running")
        self.end(child)
        self.ok(world.scc("session", "rm", seen["id"], "--yes"))

    def test_a_damaged_record_is_set_aside(self):
        world = self.world()
        repo = world.repo()
        self.ok(world.start(repo, "true"))
        world.write(os.path.join(world.state, "sessions", "01900000-0000-7000-8000-000000000000.json"), "{", 0o600)
        done = self.ok(world.scc("sessions", "--json"))
        self.assertEqual(len(done.data["sessions"]), 1)
        self.assertIn("set aside", json.dumps(done.envelope()["status"]["warnings"]))
        self.ok(world.start(repo, "true"))


class Resume(Base, support.Case):
    def test_a_session_goes_on(self):
        world = self.world()
        repo = world.repo()
        first = self.ok(world.start(repo, *WHO)).out.strip()
        self.assertTrue(first.endswith("resumed="), first)
        ident = first.split()[0].removeprefix("session=")
        again = self.ok(world.start(repo, *WHO, options=("--resume",))).out.strip()
        self.assertEqual(again, f"session={ident} resumed={ident}")
        elsewhere = self.ok(world.scc("start", f"--resume={ident[:13]}", "--", *WHO)).out.strip()
        self.assertEqual(elsewhere, again)
        new = self.ok(world.start(repo, *WHO, options=("--fresh",))).out.strip()
        self.assertNotIn(ident, new)
        self.assertEqual([seen["runs"] for seen in sessions(world)], [1, 3])
        named = self.ok(world.scc("session", "resume", ident, "--", *WHO)).out.strip()
        self.assertEqual(named, again)

    def test_what_contradicts_the_record_is_refused(self):
        world = self.world()
        repo, other = world.repo(), world.repo("other")
        self.refused(world.start(repo, "true", options=("--resume", "--dry-run", "--json")), 1, "session.none")
        self.ok(world.start(repo, "true"))
        [seen] = sessions(world)
        for option, value in (("--provider", "claude"), ("--team", "nobody")):
            done = world.scc("start", f"--resume={seen['id']}", option, value, "--dry-run", "--json")
            self.refused(done, 2, "session.mismatch")
        done = world.scc("start", other, f"--resume={seen['id']}", "--dry-run", "--json")
        self.refused(done, 2, "session.mismatch")
        self.refused(world.scc("start", "--select", "--dry-run", "--json"), 2, "cli.missing")

    def test_a_dry_run_changes_nothing(self):
        world = self.world()
        repo = world.repo()
        self.ok(world.start(repo, "true"))
        before = sessions(world)
        plan = self.ok(world.scc("start", repo, "--resume", "--dry-run", "--json", "--", "true")).data["plan"]
        self.assertEqual(plan["session"]["resumes"], before[0]["id"])
        self.assertEqual(sessions(world), before)

    def test_select(self):
        world = self.world()
        repo = world.repo()
        first = self.ok(world.start(repo, *WHO)).out.strip().split()[0]
        with Terminal(world, "start", "--select", "--", *WHO) as terminal:
            terminal.expect("go on with")
            terminal.send("1\n")
            terminal.expect(first)
            self.assertEqual(terminal.wait(), 0)
        with Terminal(world, "start", "--select", "--", *WHO) as terminal:
            terminal.expect("go on with")
            terminal.send("q\n")
            self.assertEqual(terminal.wait(), 130)


class Reuse(Base, support.Case):
    def test_the_same_sandbox_serves_again(self):
        world = self.world()
        repo = world.repo()
        self.ok(world.sh(repo, "touch /tmp/left /home/agent/left"))
        first = world.container()["Id"]
        done = self.ok(world.sh(repo, "ls -A /tmp /home/agent; id -u"))
        self.assertEqual(world.container()["Id"], first)
        self.assertNotIn("left", done.out, "nothing of the last session meets this one")
        self.ok(world.start(repo, "true", options=("--fresh",)))
        self.assertNotEqual(world.container()["Id"], first)

    def test_what_differs_is_named(self):
        world = self.world()
        repo = world.repo()
        self.ok(world.start(repo, "true"))
        first = world.container()["Id"]
        world.write_config(sandbox={"pids": 512})
        done = self.ok(world.start(repo, "true"))
        self.assertIn("made anew; what differs: resources pids", done.err)
        self.assertNotEqual(world.container()["Id"], first)
        world.write_config(providers={"command": {"file": "/etc/test-file"}})
        self.assertIn("what differs: mounts /etc/test-file", self.ok(world.start(repo, "true")).err)

    def test_settings_of_a_reused_sandbox_are_this_launchs(self):
        """The agent's view of a mounted file is what this launch rendered, not what the last one left."""
        world = self.world()
        world.write_config(providers={"command": {"file": "/etc/test-file"}})
        repo = world.repo()
        self.ok(world.start(repo, "true"))
        path = os.path.join(world.state, "instances", world.instances()[0], "files", "spec-0")
        support.as_root("chmod", "0644", path)
        support.as_root("sh", "-c", f"echo tampered >{path}")
        done = self.ok(world.start(repo, "cat", "/etc/test-file"))
        self.assertEqual(done.out, "from the provider\n")

    def test_kept_sandboxes(self):
        world = self.world()
        world.write_config(session={"on_exit": "keep"})
        repo = world.repo()
        self.ok(world.start(repo, "true"))
        first = world.containers(running=True)
        self.assertEqual(len(first), 1)
        [item] = [one for one in world.scc("list", "--json").data["sandboxes"] if one["workspace"] == repo]
        self.assertEqual(item["state"], "idle")
        self.ok(world.scc("prune"))
        self.assertEqual(world.containers(running=True), first, "kept on purpose")
        shell = world.popen("shell", item["name"], "--", *READY, stdin=subprocess.PIPE)
        self.assertEqual(shell.stdout.readline(), b"ready\n")
        done = world.start(repo, "true")
        self.assertEqual(done.code, 4, repr(done))
        for words in ("scc start --fresh", "scc attach " + item["name"], "scc stop " + item["name"]):
            self.assertIn(words, done.err)
        self.end(shell)
        done = self.ok(world.sh(repo, "ps -e 2>/dev/null; ls /proc | grep -c '^[0-9]*$'"))
        self.assertEqual(world.containers(running=True), first, "idle: used again")
        self.ok(world.scc("stop", repo))
        world.assert_quiet(self)
        self.ok(world.scc("prune"))
        self.assertEqual((world.containers(), world.instances()), ([], []))

    def test_removed_on_exit(self):
        world = self.world()
        world.write_config(session={"on_exit": "remove"})
        self.ok(world.start(world.repo(), "true"))
        self.assertEqual((world.containers(), world.instances()), ([], []))
        self.assertEqual([seen["status"] for seen in sessions(world)], ["exited"])


class Conflicts(Base, support.Case):
    def test_named_sessions_run_side_by_side(self):
        world = self.world()
        repo = world.repo()
        children = [self.run_one(world, repo), self.run_one(world, repo, "--session", "beside")]
        self.assertEqual(len(world.containers(running=True)), 2)
        self.ok(world.scc("stop", "beside"))
        self.assertEqual(len(world.containers(running=True)), 1)
        children[1].communicate(timeout=30)
        self.end(children[0])

    def test_fresh_replaces_what_runs(self):
        world = self.world()
        repo = world.repo()
        child = self.run_one(world, repo)
        done = self.ok(world.start(repo, "/bin/echo", "mine", options=("--fresh",)))
        self.assertEqual(done.out, "mine\n")
        child.communicate(timeout=30)
        self.assertNotEqual(child.returncode, 0)
        world.assert_quiet(self)
        self.assertEqual(len(world.containers()), 1)

    def test_the_users_choice(self):
        world = self.world()
        repo = world.repo()
        for answer, code in (("q", 130), ("4", 130), ("2", 0), ("1", 0), ("3", 0)):
            with self.subTest(answer=answer):
                child = self.run_one(world, repo)
                with Terminal(world, "start", repo, "--", "/bin/sh", "-c", "echo joined=$SCC_SESSION") as terminal:
                    terminal.expect("what now")
                    terminal.send(answer + "\n")
                    if answer in "13":
                        terminal.expect("joined=0")
                    self.assertEqual(terminal.wait(), code)
                if answer == "3":
                    child.communicate(timeout=30)
                    self.assertNotEqual(child.returncode, 0, "it was replaced")
                else:
                    self.assertIsNone(child.poll(), "it goes on")
                    self.end(child)

    def test_attach(self):
        world = self.world()
        repo = world.repo()
        child = self.run_one(world, repo)
        [main] = sessions(world)
        done = self.ok(world.scc("attach", main["sandbox"], "--", "/bin/sh", "-c", "echo $SCC_SESSION; exit 6"), 6)
        joined = [seen for seen in sessions(world) if seen["id"] != main["id"]][0]
        self.assertEqual(done.out.strip(), joined["id"])
        self.assertEqual((joined["attached_to"], joined["exit_code"], joined["runs"]), (main["id"], 6, 1))
        self.assertIsNone(child.poll())
        world.write_config(sandbox={"pids": 700})
        done = world.scc("attach", main["sandbox"], "--", "true")
        self.assertEqual(done.code, 4, repr(done))
        self.assertIn("resources pids", done.err, "nobody joins a sandbox that is made otherwise now")
        self.end(child)
        self.refused(world.scc("attach", main["sandbox"], "--", "true"), 1)


class Joining(Base, support.Case):
    """`attach` and `shell` go where the sandbox shows what lies in the workspace now, and nowhere else."""

    def replaced(self, world, repo):
        """Another directory with the same files takes the repository's place."""
        support.as_root("mv", repo, repo + ".aside")
        support.as_root("cp", "-a", repo + ".aside", repo)

    def back(self, repo):
        support.as_root("rm", "-rf", "--one-file-system", repo)
        support.as_root("mv", repo + ".aside", repo)

    def test_a_workspace_that_was_replaced(self):
        world = self.world()
        repo = world.repo()
        child = self.run_one(world, repo)
        [main] = sessions(world)
        for command in ("shell", "attach"):
            with self.subTest(command=command):
                argv = (command, main["sandbox"], "--", "/bin/echo", "inside")
                self.assertEqual(self.ok(world.scc(*argv)).out, "inside\n")
                self.replaced(world, repo)
                done = world.scc(*argv)
                self.refused(done, 5)
                self.assertIn("source:" + repo, done.err)
                self.assertEqual(done.out, "")
                self.back(repo)
                self.assertEqual(self.ok(world.scc(*argv)).out, "inside\n")
        self.end(child)

    def test_a_workspace_that_is_replaced_while_attach_prepares(self):
        world = self.world()
        path = world.write(os.path.join(world.home, "org.json"), json.dumps({
            "schema_version": "1.1.0", "organization": {"name": "O", "id": "o"},
            "delegation": {"users": {"allow_standalone": True}}}), 0o600)
        world.write_config(organization_source={"path": path})
        repo = world.repo()
        child = self.run_one(world, repo, "--standalone")
        [main] = sessions(world)
        # A launch without the organisation is written to the audit log, and that waits for its lock.
        lock = world.write(os.path.join(world.state, "audit", "audit.lock"), "1\n", 0o600)
        with open(lock, "r+b") as file:
            fcntl.fcntl(file, fcntl.F_OFD_SETLK, struct.pack("@hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
            joining = world.popen("attach", main["sandbox"], "--", "/bin/echo", "inside")
            support.wait_for(lambda: self.opens(joining, lock), what="the wait for the audit log")
            self.replaced(world, repo)
        out, err = joining.communicate(timeout=60)
        self.assertEqual((joining.returncode, out), (6, b""), err)
        self.assertIn(b"was replaced", err)
        self.back(repo)
        self.assertEqual(self.ok(world.scc("attach", main["sandbox"], "--", "/bin/echo", "inside")).out, "inside\n")
        self.end(child)

    @staticmethod
    def opens(child, path):
        listed = support.as_root("sh", "-c", f"ls -l /proc/{child.pid}/fd", check=False).stdout
        return child.poll() is not None or path in listed

    def test_names_and_pins_given_meanwhile_stay(self):
        world = self.world()
        repo = world.repo()
        child = self.run_one(world, repo)
        [main] = sessions(world)
        joined = world.popen("attach", main["sandbox"], "--", *READY, stdin=subprocess.PIPE)
        self.assertEqual(joined.stdout.readline(), b"ready\n")
        [other] = [seen for seen in sessions(world) if seen["id"] != main["id"]]
        for ident, name in ((main["id"], "main one"), (other["id"], "joined one")):
            self.ok(world.scc("session", "rename", ident, name))
            self.ok(world.scc("session", "pin", ident))
        self.end(joined)
        self.end(child)
        seen = {one["id"]: (one["name"], one["pinned"], one["status"]) for one in sessions(world)}
        self.assertEqual(seen, {main["id"]: ("main one", True, "exited"), other["id"]: ("joined one", True, "exited")})


class ManyAtOnce(Base, support.Case):
    def test_twenty_starts_at_once(self):
        world = self.world()
        repos = [world.repo(f"r{number}") for number in range(20)]
        children = [world.popen("start", repo, "--", "/bin/sh", "-c", "echo $PWD") for repo in repos]
        for repo, child in zip(repos, children):
            out, err = child.communicate(timeout=300)
            self.assertEqual((child.returncode, out.decode().strip()), (0, repo), err)
        seen = sessions(world)
        self.assertEqual(sorted(item["workspace"] for item in seen), sorted(repos))
        self.assertEqual({item["status"] for item in seen}, {"exited"})
        self.assertEqual(len({item["id"] for item in seen}), 20)
        world.assert_quiet(self)
        self.ok(world.scc("prune"))
        self.assertEqual((world.containers(), world.instances()), ([], []))


class ManyAtOnceOnPodman(ManyAtOnce, support.Case):
    engine = "podman"


class Time(Base, support.Case):
    def org(self, world, hours):
        path = world.write(os.path.join(world.home, "org.json"), json.dumps({
            "schema_version": "1.0.0", "organization": {"name": "O", "id": "o"},
            "defaults": {"session": {"timeout_hours": hours}}}), 0o600)
        world.write_config(organization_source={"path": path})

    def test_the_session_ends_in_time(self):
        world = self.world()
        self.org(world, 1)
        repo = world.repo()
        done = world.sh(repo, "echo ready; sleep 300", env={"SCC_TEST_HOUR_MS": "4000"})
        self.assertEqual(done.code, 6, repr(done))
        self.assertIn("this session ends in", done.err, "told before")
        self.assertIn("session.timeout_hours", done.err)
        self.assertIn("scc start --resume", done.err)
        [seen] = sessions(world)
        self.assertEqual((seen["status"], seen["ended_by"]), ("exited", "timeout"))
        world.assert_quiet(self)
        self.ok(world.start(repo, "true", options=("--resume",)))

    def test_a_longer_hour_is_still_an_hour(self):
        world = self.world()
        self.org(world, 1)
        self.ok(world.start(world.repo(), "true", env={"SCC_TEST_HOUR_MS": "999999999999999"}))


class Truth(Base, support.Case):
    """After kill -9 of scc, or of the container: list, sessions and prune tell what is so, and leave nothing."""

    def test_scc_is_killed(self):
        world = self.world()
        repo = world.repo()
        child = self.run_one(world, repo)
        child.kill()
        child.wait()
        [seen] = sessions(world)
        self.assertEqual((seen["status"], seen["ended_by"], seen["exit_code"], seen["sandbox_state"]),
                         ("failed", "crash", None, "stale"))
        self.assertEqual(seen["runs"], 1)
        self.ok(world.scc("prune"))
        [seen] = sessions(world)
        self.assertEqual((seen["status"], seen["sandbox_state"]), ("failed", "gone"))
        self.assertEqual((world.containers(), world.instances(), world.mounts()), ([], [], []))
        self.ok(world.start(repo, *WHO, options=("--resume",)))

    def test_the_container_is_killed(self):
        world = self.world()
        child = self.run_one(world, world.repo())
        world.engine("kill", world.containers()[0])
        child.communicate(timeout=60)
        [seen] = sessions(world)
        self.assertIn(seen["status"], ("exited", "failed"))
        self.assertNotEqual(seen["exit_code"], 0)
        self.assertEqual(seen["sandbox_state"], "stopped")
        self.ok(world.scc("prune"))
        self.assertEqual((world.containers(), world.instances(), world.mounts()), ([], [], []))

    def test_killed_around_the_end(self):
        """What was seen of the agent's end is told although nobody tidied up."""
        world = self.world()
        repo = world.repo()
        for point in ("agent.exec:after", "sandbox.stop:before", "sandbox.stop:after", "instance.create:after"):
            with self.subTest(point=point):
                world.start(repo, "/bin/sh", "-c", "exit 3", env={"SCC_TEST_KILL_AT": point})
                seen = sessions(world)[0]
                if point.startswith("sandbox.stop"):
                    self.assertEqual((seen["status"], seen["exit_code"]), ("exited", 3))
                else:
                    self.assertEqual((seen["status"], seen["exit_code"], seen["ended_by"]), ("failed", None, "crash"))
                self.ok(world.scc("prune"))
                self.assertEqual((world.containers(), world.instances()), ([], []))

    def test_an_engine_that_is_gone_is_told(self):
        world = self.world()
        repo = world.repo()
        self.ok(world.start(repo, "true"))
        record = os.path.join(world.state, "instances", world.instances()[0], "session.json")
        text = support.as_root("cat", record).stdout
        changed = json.loads(text)
        changed["runtime"] = "vanished"
        world.write(record, json.dumps(changed), 0o600)
        done = world.scc("list", "--json")
        self.assertEqual(done.code, 5, repr(done))
        self.assertIn("vanished", json.dumps(done.envelope()["status"]["errors"]))
        self.assertIn("vanished", self.ok(world.scc("prune")).err)
        self.assertEqual(len(world.instances()), 1, "what cannot be judged stays")


class TruthOnPodman(Truth, support.Case):
    engine = "podman"


class Disk(support.Case):
    def test_du(self):
        world = self.world()
        self.ok(world.start(world.repo(), "true"))
        data = self.ok(world.scc("du", "--json")).data
        mine = {item["what"] for item in data["items"]}
        self.assertLessEqual({"sandbox", "image", "instance", "records"}, mine)
        sandbox = [item for item in data["items"] if item["what"] == "sandbox" and item["detail"] == world.src + "/repo"]
        self.assertEqual([item["bytes"] for item in sandbox], [0], "the root file system is read-only")
        instance = [item for item in data["items"] if item["what"] == "instance"]
        self.assertEqual(len(instance), 1)
        self.assertLess(instance[0]["bytes"], 5_000_000)


if __name__ == "__main__":
    support.main()
