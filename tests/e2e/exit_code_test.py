# SPDX-License-Identifier: Apache-2.0
"""The code of the process in the sandbox is the code of `scc start`; what could not run says why."""
import support


class ExitCode(support.Case):
    def test_codes_pass_through(self):
        world = self.world()
        repo = world.repo()
        for code in (0, 3, 77, 125, 255):
            with self.subTest(code=code):
                done = world.sh(repo, f"echo out; echo err >&2; exit {code}")
                self.assertEqual(done.code, code, repr(done))
                self.assertEqual(done.out, "out\n", repr(done))
                self.assertIn("err\n", done.err)
        world.assert_quiet(self)

    def test_killed_by_a_signal(self):
        world = self.world()
        repo = world.repo()
        self.assertEqual(world.sh(repo, "kill -9 $$").code, 137)
        self.assertEqual(world.sh(repo, "kill -15 $$").code, 143)

    def test_no_such_program(self):
        """The agent never ran, so this is scc's own error, and nothing is left."""
        world = self.world()
        done = world.start(world.repo(files={"x.txt": "no program\n"}), "no-such-program")
        self.refused(done, 5)
        self.assertRegex(done.err, "no-such-program")
        self.assertRegex(done.err, "(?i)not found|no such|missing|not there")
        done = world.start(f"{world.src}/repo", "./x.txt")
        self.refused(done, 5)
        self.assertRegex(done.err, r"x\.txt")
        self.assertRegex(done.err, "(?i)cannot be executed|cannot execute|permission|not executable")
        world.assert_quiet(self)
        self.assertEqual(world.containers(), [], "the launch is undone")

    def test_126_and_127_of_the_agent_itself(self):
        world = self.world()
        repo = world.repo(files={"x.txt": "no program\n"})
        self.assertEqual(world.sh(repo, "no-such-program").code, 127)
        self.assertEqual(world.sh(repo, "./x.txt").code, 126)

    def test_out_of_memory_is_told(self):
        world = self.world()
        world.write_config(sandbox={"memory": "64m"})
        repo = world.repo()
        if support.docker("info", "--format", "{{.MemoryLimit}}").strip() == "false":
            # This machine's kernel cannot limit memory: scc must not claim that it does.
            plan = world.scc("start", repo, "--dry-run", "--json", "--", "true").data["plan"]
            self.assertNotIn("memory_bytes", plan["sandbox"]["resources"])
            return
        done = world.sh(repo, "tail /dev/zero")
        self.assertEqual(done.code, 137, repr(done))
        self.assertRegex(done.err, "(?i)out of memory|memory limit", repr(done))
        self.assertEqual(world.container()["HostConfig"]["Memory"], 64 << 20)
        world.assert_quiet(self)

    def test_stdin_reaches_the_agent(self):
        world = self.world()
        repo = world.repo()
        done = world.start(repo, "/bin/cat", stdin=b"first\nlast without newline")
        self.assertEqual((done.code, done.out), (0, "first\nlast without newline"), repr(done))
        # The end of the input reaches it as well, and nothing is added.
        self.assertEqual(world.start(repo, "/usr/bin/wc", "-c", stdin=b"").out.strip(), "0")

    def test_big_output_is_complete(self):
        world = self.world()
        done = world.sh(world.repo(), "head -c 20000000 /dev/zero | tr '\\0' x; head -c 3000000 /dev/zero | tr '\\0' e >&2")
        self.ok(done)
        self.assertEqual(len(done.raw_out), 20_000_000)
        self.assertEqual(done.raw_out.strip(b"x"), b"")
        self.assertEqual(done.raw_err.count(b"e" * 1000), 3000)

    def test_binary_output_is_unchanged(self):
        world = self.world()
        done = world.sh(world.repo(), "cat", stdin=bytes(range(256)) * 512)
        self.assertEqual(done.raw_out, bytes(range(256)) * 512)

    def test_reader_that_goes_away(self):
        """`scc start ... | head -1` ends."""
        world = self.world()
        child = world.popen("start", world.repo(), "--", "/usr/bin/yes")
        self.assertEqual(child.stdout.readline(), b"y\n")
        child.stdout.close()
        self.assertNotEqual(child.wait(timeout=30), 0)
        world.assert_quiet(self)


if __name__ == "__main__":
    support.main()
