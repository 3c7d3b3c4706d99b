#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Rows of the guard: in one real sandbox, git through the guard beside the same git without it, in turn; what the guard holds
in memory when it has judged an argv of 10, 1,000 and 100,000 words; its size. Part of bench.py; alone:

  guard.py --scc /usr/local/bin/scc --provider-dir build/ci/plugins [--engine docker] [--pairs 60]
"""
import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

FILES = 20_000
WORDS = (10, 1_000, 100_000)

# The floor is the same binary by its second name, with a folder of its own that its children are started from, so that no guard
# is met at all. Both go to the same repository, but for a push: each has a remote of its own, and they get the same commits.
DRIVER = r"""
set -eu
LC_ALL=C
here=$PWD
mkdir -p /tmp/native
for name in git git-receive-pack git-upload-pack; do ln -sf /usr/libexec/scc/real/git /tmp/native/$name; done
printf '[safe]\n\tdirectory = *\n' >/tmp/native/config
guarded() { /usr/bin/git "$@"; }
native() { GIT_CONFIG_GLOBAL=/tmp/native/config GIT_EXEC_PATH=/tmp/native PATH=/tmp/native:$PATH /usr/libexec/scc/real/git "$@"; }
once() { # WHAT NUMBER WHO ARGUMENTS
  local what=$1 number=$2 who=$3 begin end
  shift 3
  begin=${EPOCHREALTIME/./}
  "$who" "$@" >/dev/null 2>"$here/stderr" || { echo "$who $*: exit $?" >&2; cat "$here/stderr" >&2; exit 1; }
  end=${EPOCHREALTIME/./}
  echo "$what $number $who $((end - begin))"
}
pair() { # WHAT NUMBER ARGUMENTS; REMOTE stands for the remote of each
  local what=$1 number=$2 first=guarded second=native
  shift 2
  [ $((number % 2)) = 0 ] || { first=native second=guarded; }
  once "$what" "$number" $first "${@/REMOTE/$here/$first.git}"
  once "$what" "$number" $second "${@/REMOTE/$here/$second.git}"
}
for ((number = 0; number <= PAIRS; ++number)); do pair version $number --version; done
cd "$here/large"
for ((number = 0; number <= PAIRS; ++number)); do pair status $number status --porcelain; done
cd "$here/small"
mapfile -t commits <"$here/commits"
for ((number = 0; number <= PAIRS; ++number)); do pair push $number push REMOTE "${commits[number]}:refs/heads/main"; done
"""

# Runs while the collector is stopped: the guard has judged, holds everything, and waits for the answer.
MEMORY = r"""
echo up
while [ ! -e go ]; do sleep 0.1; done
for count in WORDS; do
  mapfile -t words < <(seq -f file-%g "$count")
  /usr/bin/git add -- "${words[@]}" 2>/dev/null &
  sleep 2
  grep VmHWM: /proc/$!/status >held
  code=0; wait $! || code=$?
  [ $code = 126 ] || { echo "git add was not held back: $code" >&2; exit 1; }
  echo "$count $(cut -d: -f2 held)" >>memory
done
touch done
"""


def git(path, *argv, **more):
    return subprocess.run(["git", "-C", path, *argv], check=True, capture_output=True, text=True, **more).stdout


def make_repositories(home, pairs):
    """A repository of many files, and one whose history is pushed a commit at a time to two empty ones."""
    top = os.path.join(home, "guard")
    large, small = os.path.join(top, "large"), os.path.join(top, "small")
    for number in range(FILES):
        folder = os.path.join(large, f"d{number // 100}")
        if number % 100 == 0:
            os.makedirs(folder)
        with open(os.path.join(folder, f"f{number}.txt"), "w", encoding="ascii") as file:
            file.write(f"{number}\n")
    os.makedirs(small)
    who = ("-c", "user.name=bench", "-c", "user.email=bench@localhost")
    for path in (large, small):
        git(path, "init", "-q", "-b", "main")
    git(large, "add", "-A")
    git(large, *who, "commit", "-q", "-m", "files")
    stream = "".join(f"commit refs/heads/main\ncommitter bench <bench@localhost> {number} +0000\ndata 1\nx\n"
                     f"M 644 inline file\ndata {len(str(number))}\n{number}\n\n" for number in range(pairs + 1))
    git(small, "fast-import", "--quiet", input=stream)
    with open(os.path.join(top, "commits"), "w", encoding="ascii") as file:
        file.write(git(small, "rev-list", "--reverse", "main"))
    for name in ("guarded", "native"):
        git(top, "init", "-q", "--bare", "-b", "main", f"{name}.git")
    return top


def own_row(name, mine, floor, bar, note=""):
    """As bench.row, with microseconds: these are short."""
    ratio = statistics.median(x / y for x, y in zip(mine, floor))
    cells = [name, f"{statistics.median(mine) / 1000:.2f}", f"{statistics.median(floor) / 1000:.2f}", f"{ratio:.2f}", bar, note]
    print("| " + " | ".join(cells) + " |", flush=True)


def bench_pairs(args, env, top, common, engine):
    script = DRIVER.replace("PAIRS", str(args.pairs))
    done = subprocess.run([args.scc, "start", top, *common, "--", "/bin/bash", "-c", script], env=env, capture_output=True, text=True,
                          check=False)
    if done.returncode:
        raise SystemExit(f"the commands in the sandbox failed: exit {done.returncode}\n{done.stderr}")
    times = {}
    for what, number, who, spent in (line.split() for line in done.stdout.splitlines()):
        if int(number):  # the first pair warms up
            times.setdefault((what, who), []).append(int(spent))
    for what, title, bar in (("version", "git --version", "<= 1.5"), ("status", f"git status, {FILES:,} files", ""),
                             ("push", "git push of one commit, allowed", "")):
        own_row(f"{title}, guarded / native, {engine}", times[what, "guarded"], times[what, "native"], bar, f"{args.pairs} pairs")


def bench_memory(args, env, top, common, engine):
    script = MEMORY.replace("WORDS", " ".join(map(str, WORDS)))
    with subprocess.Popen([args.scc, "start", top, *common, "--", "/bin/bash", "-c", script], env=env, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        child.stdout.readline()
        os.kill(child.pid, signal.SIGSTOP)
        try:
            with open(os.path.join(top, "go"), "w", encoding="ascii"):
                pass
            until = time.monotonic() + 60
            while not os.path.exists(os.path.join(top, "done")) and time.monotonic() < until:
                time.sleep(0.1)
        finally:
            os.kill(child.pid, signal.SIGCONT)
        error = child.communicate()[1].decode(errors="replace")
    if child.returncode:
        raise SystemExit(f"the guard's memory cannot be read: exit {child.returncode}\n{error}")
    with open(os.path.join(top, "memory"), encoding="ascii") as file:
        for count, held, _ in (line.split() for line in file):
            print(f"| guard's peak memory, argv of {int(count):,} words, {engine} | {int(held) / 1024:.1f} MB | - | - | | "
                  "before it becomes git |")


def bench_guard(args, env, home, engine):
    """Needs a config.json and a trusted provider plugin, as bench_enforced does."""
    top = make_repositories(home, args.pairs)
    common = ["--provider", "command", "--plugin-dir", args.provider_dir]
    bench_pairs(args, env, top, common, engine)
    bench_memory(args, env, top, common, engine)
    guard = os.path.join(os.path.dirname(os.path.dirname(os.path.realpath(args.scc))), "libexec", "scc", "scc-guard")
    print(f"| size of scc-guard | {os.path.getsize(guard) / 2**20:.2f} MiB | - | - | < 1 MiB | static, for every image |")
    subprocess.run([args.scc, "prune", "--yes"], env=env, check=False, capture_output=True)
    shutil.rmtree(top)


def main():
    import bench  # pylint: disable=import-outside-toplevel  # it imports this module
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scc", default=shutil.which("scc"))
    parser.add_argument("--provider-dir", required=True)
    parser.add_argument("--engine", choices=list(bench.ENGINES), help="only this one (default: all that are here)")
    parser.add_argument("--pairs", type=int, default=60)
    args = parser.parse_args()
    args.provider_dir = os.path.abspath(args.provider_dir)
    with tempfile.TemporaryDirectory(prefix="scc-bench-") as home:
        env = bench.environment(home)
        print(bench.HEADER, flush=True)
        for engine in filter(bench.here, [args.engine] if args.engine else bench.ENGINES):
            env["SCC_RUNTIME"] = engine
            bench.configure(args, env, home, bench.base_image(args.scc, env))
            bench_guard(args, env, home, engine)
    return 0


if __name__ == "__main__":
    sys.exit(main())
