# SPDX-License-Identifier: Apache-2.0
"""A pseudo-terminal with scc on it, driven as a person would: type, wait for text, resize, close the window."""
import contextlib
import errno
import fcntl
import os
import pathlib
import pty
import re
import select
import signal
import struct
import termios
import time

import support


class Terminal:
    def __init__(self, world, *args, rows=24, columns=80, env=None, cwd=None, controls=True):
        self.master, self.slave = pty.openpty()
        self.resize(rows, columns)
        self.before = termios.tcgetattr(self.slave)
        self.output = b""
        if world.uid != world.me:
            os.fchown(self.slave, world.uid, -1)

        def controlling():
            if controls:
                fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.child = world.popen(*args, env=env, cwd=cwd, stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                 start_new_session=True, preexec_fn=controlling)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.child.poll() is None:
            self.child.kill()
            self.child.wait()
        for fd in (self.master, self.slave):
            if fd >= 0:
                os.close(fd)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def send(self, text):
        os.write(self.master, text.encode() if isinstance(text, str) else text)

    def type_until_stuck(self, seconds=20):
        """Types until nobody has taken anything for a second."""
        end = time.monotonic() + seconds
        os.set_blocking(self.master, False)
        while select.select([], [self.master], [], 1)[1]:
            if time.monotonic() > end:
                raise AssertionError("somebody reads all that is typed")
            with contextlib.suppress(BlockingIOError):
                os.write(self.master, b"x" * 4096)
        os.set_blocking(self.master, True)

    def read(self, seconds):
        """Reads what is there, waiting for at most `seconds`; False at the end."""
        ready, _, _ = select.select([self.master], [], [], seconds)
        if not ready:
            return True
        try:
            data = os.read(self.master, 65536)
        except OSError as error:
            if error.errno != errno.EIO:
                raise
            data = b""
        self.output += data
        return bool(data)

    def expect(self, pattern, seconds=20):
        """Waits for text that matches; returns the match and forgets what came before its end."""
        end = time.monotonic() + seconds
        while True:
            match = re.search(pattern.encode() if isinstance(pattern, str) else pattern, self.output)
            if match:
                self.output = self.output[match.end():]
                return match
            if time.monotonic() > end or (self.child.poll() is not None and not self.drain()):
                raise AssertionError(f"{pattern!r} did not come; exit {self.child.poll()}, got {self.output!r}")
            self.read(0.1)

    def expect_on_screen(self, pattern, seconds=20):
        """Waits for words of a full-screen program, which moves the cursor between them; what came so far stays."""
        end = time.monotonic() + seconds
        while True:
            seen = re.sub(r"(\x1b\[[0-9;?<>=]*[ -/]*[@-~]|\x1b[@-Z\\-_78]|\s)+", " ", self.output.decode("utf-8", "replace"))
            match = re.search(pattern, seen)
            if match:
                return match
            if time.monotonic() > end or self.child.poll() is not None:
                raise AssertionError(f"{pattern!r} is not on the screen; exit {self.child.poll()}, seen {seen[-3000:]!r}")
            self.read(0.1)

    def drain(self):
        """Takes what is left in the buffer; True when there was something."""
        size = len(self.output)
        while select.select([self.master], [], [], 0)[0]:
            if not self.read(0):
                break
        return len(self.output) > size

    def who_runs(self):
        """For the report of a hang: what scc waits in, and the processes of the sandboxes."""
        tasks = sorted(pathlib.Path(f"/proc/{self.child.pid}/task").glob("*"))
        told = [f"scc thread {task.name}: {(task / 'wchan').read_text()} {(task / 'syscall').read_text().strip()}" for task in tasks]
        for line in support.docker("ps", "--format", "{{.ID}} {{.Names}}").splitlines():
            columns = "pid,ppid,pgid,tpgid,stat,wchan:20,args"
            told.append(line + "\n" + support.docker("top", line.split()[0], "-eo", columns, check=False))
        return "\n".join(told)

    def wait(self, seconds=25):
        """The exit code, reading meanwhile so that nobody blocks on a full buffer."""
        end = time.monotonic() + seconds
        while self.child.poll() is None:
            if time.monotonic() > end:
                raise AssertionError(f"scc does not end; got {self.output!r}\n{self.who_runs()}")
            if self.master >= 0:
                self.read(0.05)
            else:
                time.sleep(0.05)
        if self.master >= 0:
            self.drain()
        return self.child.returncode

    def close_window(self):
        """What happens when a terminal emulator goes: the master side is closed, the session gets SIGHUP."""
        os.close(self.slave)
        os.close(self.master)
        self.master = self.slave = -1

    def assert_sane(self, case):
        """The terminal's settings are what they were before scc ran."""
        case.assertEqual(self.before, termios.tcgetattr(self.slave), "the terminal was left in another state")


def send(child, number):
    os.kill(child.pid, number)


SIGNALS = {"SIGINT": signal.SIGINT, "SIGTERM": signal.SIGTERM, "SIGHUP": signal.SIGHUP}

__all__ = ["Terminal", "SIGNALS", "send", "support"]
