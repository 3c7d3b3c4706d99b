# SPDX-License-Identifier: Apache-2.0
"""With a terminal, without one, and what happens when either side goes away."""
import signal
import time

import support
from terminal import Terminal

# Cares for no hint that its user is gone, and goes on writing.
DEAF = "trap '' HUP PIPE TERM INT; echo ready; while :; do echo noise; sleep 0.1; done"
TRAP = "trap 'echo got-int; exit 7' INT; echo ready; while :; do sleep 0.1; done"


class WithTerminal(support.Case):
    def test_terminal_is_a_terminal(self):
        world = self.world()
        repo = world.repo()
        with Terminal(world, "start", repo, "--", "/bin/sh", "-c", "tty; stty size; echo TERM=$TERM; exit 3", rows=31,
                      columns=97) as terminal:
            terminal.expect(r"/dev/(pts/\d+|console)")
            terminal.expect("31 97")
            terminal.expect("TERM=xterm")
            self.assertEqual(terminal.wait(), 3)
            terminal.assert_sane(self)
        world.assert_quiet(self)

    def test_typing(self):
        world = self.world()
        script = "echo ready; while read -r line; do echo \"<$line>\"; done; echo bye"
        with Terminal(world, "start", world.repo(), "--", "/bin/bash", "-c", script) as terminal:
            terminal.expect("ready")
            terminal.send("hello\n")
            terminal.expect("<hello>")
            terminal.send("\x04")  # end of input
            terminal.expect("bye")
            self.assertEqual(terminal.wait(), 0)
            terminal.assert_sane(self)

    def test_resize_reaches_the_agent(self):
        world = self.world()
        script = "trap 'echo told' WINCH; trap 'exit 130' INT; echo ready; while sleep 0.1; do stty size; done"
        with Terminal(world, "start", world.repo(), "--", "/bin/bash", "-c", script) as terminal:
            terminal.expect("ready")
            terminal.resize(50, 132)
            terminal.expect("told")
            for rows, columns in ((10, 20), (40, 100)):
                terminal.resize(rows, columns)
                terminal.expect(f"{rows} {columns}")
            terminal.send("\x03")
            self.assertEqual(terminal.wait(), 130)

    def test_raw_keys_reach_the_agent(self):
        """No key is taken on the way: neither the engine's detach keys nor anything that scc could use itself."""
        world = self.world()
        keys = "\x10\x11\x1d\x1a\x1c\x1e\x1f\x13"  # ^P ^Q ^] ^Z ^\ ^^ ^_ ^S
        script = "stty raw -echo; echo ready; head -c 8 | od -An -tx1; stty sane"
        with Terminal(world, "start", world.repo(), "--", "/bin/sh", "-c", script) as terminal:
            terminal.expect("ready")
            terminal.send(keys)
            terminal.expect("10 11 1d 1a 1c 1e 1f 13")
            self.assertEqual(terminal.wait(), 0)
            terminal.assert_sane(self)

    def test_control_c_goes_to_the_agent(self):
        world = self.world()
        with Terminal(world, "start", world.repo(), "--", "/bin/sh", "-c", TRAP) as terminal:
            terminal.expect("ready")
            terminal.send("\x03")
            terminal.expect("got-int")
            self.assertEqual(terminal.wait(), 7)
            terminal.assert_sane(self)
        world.assert_quiet(self)

    def test_control_c_before_the_agent_runs(self):
        world = self.world()
        with Terminal(world, "start", world.repo(), "--", "/bin/sh", "-c", "sleep 60") as terminal:
            support.wait_for(world.instances, what="the beginning of the launch")
            terminal.send("\x03")
            self.assertEqual(terminal.wait(), 130)
            terminal.assert_sane(self)
        world.assert_quiet(self)

    def test_closed_terminal(self):
        world = self.world()
        with Terminal(world, "start", world.repo(), "--", "/bin/sh", "-c", "echo ready; sleep 300") as terminal:
            terminal.expect("ready")
            self.assertEqual(len(world.containers(running=True)), 1)
            terminal.close_window()
            self.assertNotEqual(terminal.wait(), 0)
        world.assert_quiet(self)
        self.assertEqual(len(world.containers()), 1, "the stopped sandbox stays")
        self.ok(world.scc("prune"))
        self.assertEqual(world.containers(), [])
        self.assertEqual(world.instances(), [])

    def check_ended(self, world, terminal):
        """Within the grace of a stop (10 s) and what the engine takes for it."""
        self.assertEqual(terminal.wait(seconds=35), 129)
        world.assert_quiet(self)
        self.assertEqual(len(world.containers()), 1, "the stopped sandbox stays")
        self.ok(world.scc("prune"))
        self.assertEqual((world.containers(), world.instances()), ([], []))

    def test_closed_terminal_of_an_agent_that_does_not_care(self):
        world = self.world()
        with Terminal(world, "start", world.repo(), "--", "/bin/sh", "-c", DEAF) as terminal:
            terminal.expect("ready")
            terminal.close_window()
            self.check_ended(world, terminal)

    def test_closed_terminal_that_sends_no_signal(self):
        """Not the controlling terminal of scc: only its descriptors tell that it is gone."""
        for script in (DEAF, "trap '' HUP PIPE TERM; echo ready; while :; do sleep 1; done"):
            with self.subTest(script=script):
                world = self.world()
                with Terminal(world, "start", world.repo(), "--", "/bin/sh", "-c", script, controls=False) as terminal:
                    terminal.expect("ready")
                    terminal.close_window()
                    self.check_ended(world, terminal)

    def test_closed_terminal_after_more_typing_than_the_agent_reads(self):
        """What was typed waits for an agent that never reads; the end of the terminal must be seen all the same."""
        world = self.world()
        script = "trap '' HUP PIPE TERM; stty raw -echo; echo ready; while :; do sleep 1; done"
        with Terminal(world, "start", world.repo(), "--", "/bin/sh", "-c", script, controls=False) as terminal:
            terminal.expect("ready")
            terminal.type_until_stuck()
            terminal.close_window()
            self.check_ended(world, terminal)

    def test_reader_of_everything_goes_away(self):
        """Nobody reads stdout and stderr any more (`2>&1 | head`): scc must live on to stop the sandbox."""
        world = self.world()
        child = world.popen("start", world.repo(), "--", "/bin/sh", "-c", "echo ready; while echo noise; do sleep 0.1; done",
                            stderr=support.subprocess.STDOUT)
        while child.stdout.readline() != b"ready\n":
            self.assertIsNone(child.poll())
        child.stdout.close()
        self.assertEqual(child.wait(timeout=35), 141)
        world.assert_quiet(self)
        self.assertEqual(len(world.containers()), 1, "the stopped sandbox stays")

    def test_terminal_is_restored_after_the_agent_broke_it(self):
        world = self.world()
        script = "stty raw -echo -isig; echo ready; kill -9 $$"
        with Terminal(world, "start", world.repo(), "--", "/bin/sh", "-c", script) as terminal:
            self.assertEqual(terminal.wait(), 137)
            terminal.assert_sane(self)

    def test_terminal_after_a_signal_to_scc(self):
        world = self.world()
        with Terminal(world, "start", world.repo(), "--", "/bin/sh", "-c", "echo ready; sleep 300") as terminal:
            terminal.expect("ready")
            terminal.child.send_signal(signal.SIGTERM)
            self.assertEqual(terminal.wait(), 143)
            terminal.assert_sane(self)
        world.assert_quiet(self)

    def test_half_a_terminal_is_no_terminal(self):
        """stdout into a file: the agent gets no terminal, as with every other program."""
        world = self.world()
        with Terminal(world, "list") as terminal:
            terminal.wait()
        child = world.popen("start", world.repo(), "--", "/bin/sh", "-c", "test -t 1 || echo plain")
        out, err = child.communicate(timeout=60)
        self.assertEqual(out, b"plain\n", err)


class Signals(support.Case):
    """Signals to an scc without a terminal end the agent, and leave nothing that runs."""

    def check(self, number, code):
        world = self.world()
        child = world.popen("start", world.repo(), "--", "/bin/sh", "-c", "echo ready; sleep 300")
        self.assertEqual(child.stdout.readline(), b"ready\n")
        child.send_signal(number)
        self.assertEqual(child.wait(timeout=30), code)
        world.assert_quiet(self)
        self.assertEqual(len(world.containers()), 1, "the stopped sandbox stays for prune")
        listed = world.scc("list", "--json").data["sandboxes"]
        mine = [item for item in listed if item["workspace"] == f"{world.src}/repo"]
        self.assertEqual([item["state"] for item in mine], ["stopped"])
        self.ok(world.scc("prune"))
        self.assertEqual((world.containers(), world.instances()), ([], []))

    def test_sigint(self):
        self.check(signal.SIGINT, 130)

    def test_sigterm(self):
        self.check(signal.SIGTERM, 143)

    def test_sighup(self):
        self.check(signal.SIGHUP, 129)

    def test_agent_that_catches_the_signal_decides(self):
        world = self.world()
        child = world.popen("start", world.repo(), "--", "/bin/sh", "-c", TRAP)
        self.assertEqual(child.stdout.readline(), b"ready\n")
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.stdout.readline(), b"got-int\n")
        self.assertEqual(child.wait(timeout=30), 7)
        world.assert_quiet(self)

    def test_agent_that_ignores_everything_is_ended(self):
        world = self.world()
        script = "trap '' INT TERM HUP; echo ready; while :; do sleep 1; done"
        child = world.popen("start", world.repo(), "--", "/bin/sh", "-c", script)
        self.assertEqual(child.stdout.readline(), b"ready\n")
        child.send_signal(signal.SIGTERM)
        self.assertNotEqual(child.wait(timeout=45), 0)
        world.assert_quiet(self)

    def test_signal_while_launching(self):
        """At any moment: the launch is undone."""
        for delay in (0.0, 0.05, 0.15, 0.3, 0.6):
            with self.subTest(delay=delay):
                world = self.world()
                child = world.popen("start", world.repo(), "--", "/bin/sleep", "300")
                time.sleep(delay)
                child.send_signal(signal.SIGTERM)
                self.assertNotEqual(child.wait(timeout=30), 0)
                world.assert_quiet(self)

    def test_child_processes_of_the_agent_end_with_it(self):
        world = self.world()
        done = world.sh(world.repo(), "setsid sleep 300 >/dev/null 2>&1 & echo started")
        self.assertEqual((done.code, done.out), (0, "started\n"), repr(done))
        world.assert_quiet(self)


if __name__ == "__main__":
    support.main()
