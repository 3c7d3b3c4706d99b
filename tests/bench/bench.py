#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Times scc beside its floor, in turn, in one run, and prints medians and ratios.

Rows (DESIGN bars): `scc --version` beside `docker --version`; `scc plugin list` with 200 plugins; `scc status --json`
beside the engine's own answer; the effective configuration of 10, 100 and 1,000 teams and how it grows; for each engine that
is here: `scc start` of a trivial command, start to first byte, beside the engine's own `run` of the same image and argv, what
stopping takes, what a running scc holds in memory, what one more session takes on disk, git through the guard beside
git itself (guard.py), and the same for sandboxes with an enforcing proxy. Prints a table; never fails because
something is slow. Needs an installed scc, its base image, the engines' clients, and the provider plugin of the tests.

  bench.py --scc /usr/local/bin/scc --provider-dir build/ci/plugins [--compute build/bench/tests/bench/bench_compute] [--runs 15]
  bench.py --compute build/bench/tests/bench/bench_compute --only-compute
"""
import argparse
import hashlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

from enforced import bench_enforced
from guard import bench_guard

HEADER = "| what | scc ms | floor ms | ratio | bar | note |\n|---|---|---|---|---|---|"
PLUGINS = 200
# Podman's words are those with which scc starts its service where both versions of cgroups are mounted.
ENGINES = {"docker": ("docker",), "podman": ("podman", "--runtime", "runc", "--cgroup-manager", "cgroupfs")}
# Podman's own limits may be more than a machine lets anybody have.
LIMITS = {"docker": (), "podman": ("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")}


def first_byte(argv, env):
    """Seconds from the start of a process to its first byte on stdout, and to its end."""
    begin = time.perf_counter()
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as child:
        byte = child.stdout.read(1)
        first = time.perf_counter() - begin
        child.stdout.read()
        error = child.stderr.read()
        child.wait()
    if not byte or child.returncode:
        raise SystemExit(f"{' '.join(argv)}: exit {child.returncode}\n{error.decode(errors='replace')}")
    return first, time.perf_counter() - begin


def pairs(runs, ours, floor):
    """Runs both in turn and returns two lists of (first byte, end); the first pair warms up and is dropped."""
    a, b = [], []
    for _ in range(runs + 1):
        a.append(ours())
        b.append(floor())
    return a[1:], b[1:]


def row(name, ours, floor, bar, note=""):
    """One line of the table: medians in milliseconds, the median of the pairwise ratios, the bar."""
    mine = statistics.median(ours) * 1000
    theirs = statistics.median(floor) * 1000 if floor else None
    ratio = statistics.median(x / y for x, y in zip(ours, floor)) if floor else None
    cells = [name, f"{mine:.1f}", f"{theirs:.1f}" if floor else "-", f"{ratio:.2f}" if floor else "-", bar, note]
    print("| " + " | ".join(cells) + " |")


def make_plugins(directory, library):
    """Copies one library under 200 ids, each with a manifest of its own."""
    data = open(library, "rb").read()
    digest = hashlib.sha256(data).hexdigest()
    machine = os.uname().machine
    for index in range(PLUGINS):
        name = f"bench-{index:03d}"
        folder = os.path.join(directory, name, f"linux-{machine}")
        os.makedirs(folder, mode=0o755)
        with open(os.path.join(folder, f"lib{name}.so"), "wb") as out:
            out.write(data)
        manifest = {
            "schema": "scc.plugin/1", "id": name, "version": "1.0.0", "title": name,
            "vendor": {"name": "bench"}, "license": "Apache-2.0", "sdk": {"major": 1, "min_minor": 0},
            "libraries": {f"linux-{machine}": {"path": f"linux-{machine}/lib{name}.so", "sha256": digest}},
            "components": [{"kind": "provider", "interface": "scc.provider/1", "id": name, "title": name,
                            "capabilities": {}}],
            "grants": {},
        }
        with open(os.path.join(directory, name, "plugin.json"), "w", encoding="utf-8") as out:
            json.dump(manifest, out)


def environment(home):
    """A home of its own, so that nothing of the user's is read or written."""
    env = {"PATH": os.environ["PATH"], "HOME": home, "LANG": "C.UTF-8"}
    for name in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        if name in os.environ:
            env[name] = os.environ[name]
    return env


def provider_library(provider_dir):
    machine = os.uname().machine
    for folder, _, files in os.walk(provider_dir):
        for name in files:
            if name.endswith(".so") and os.path.basename(folder) == f"linux-{machine}":
                return os.path.join(folder, name)
    raise SystemExit(f"no plugin library below {provider_dir}; build the tests first (cmake --build --preset ci)")


def base_image(scc, env):
    """The reference of the installed base image, and that it is there."""
    done = subprocess.run([scc, "image", "build", "base", "--json"], env=env, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit("the base image is missing: run `scc image build base`\n" + done.stdout + done.stderr)
    return json.loads(done.stdout)["data"]["images"][0]["ref"]


COMPUTE = {
    "compute/spread": ("effective config, {teams} teams, {refs} plugin refs", "<= 20 ms for 1,000 teams"),
    "compute/one_team": ("the same, one team asks for all {refs}", "<= 20 ms for 1,000 teams"),
    "whole/spread": ("document read, validated, computed, digested, {teams} teams, {refs} refs", ""),
    "whole/one_team": ("the same, one team asks for all {refs}", ""),
}


def bench_compute(program):
    """Rows of the effective configuration; the ratio is the growth from a tenth of the input (bar: 12)."""
    done = subprocess.run([program, "--benchmark_format=json", "--benchmark_min_time=0.2", "--benchmark_repetitions=5",
                           "--benchmark_report_aggregates_only=true"], capture_output=True, text=True, check=True)
    medians = {}
    for item in json.loads(done.stdout)["benchmarks"]:
        if "error_message" in item:
            raise SystemExit(f"{item['name']}: {item['error_message']}")
        if item.get("aggregate_name") == "median":
            name, teams = item["run_name"].rsplit("/", 1)
            medians[name, int(teams)] = item["cpu_time"]
    for (name, teams), mine in medians.items():
        title, bar = COMPUTE[name]
        before = medians.get((name, teams // 10))
        growth = f"{mine / before:.1f} x" if before else "-"
        title = title.format(teams=f"{teams:,}", refs=f"{10 * teams:,}")
        print(f"| {title} | {mine:.3f} | - | {growth} | {bar} | growth <= 12 x |")


def configure(args, env, home, image):
    """What a session needs: the settings, and a provider plugin that is trusted."""
    config = os.path.join(home, ".config", "scc")
    os.makedirs(config, mode=0o700, exist_ok=True)
    with open(os.path.join(config, "config.json"), "w", encoding="utf-8") as out:
        json.dump({"providers": {"command": {"image": "ref:" + image}}}, out)
    subprocess.run([args.scc, "plugin", "trust", "command", "--yes", "--plugin-dir", args.provider_dir], env=env, check=True,
                   capture_output=True)


def bench_start(args, env, home, image, engine):
    repo = os.path.join(home, "repo")
    os.makedirs(repo, exist_ok=True)
    configure(args, env, home, image)
    common = ["--plugin-dir", args.provider_dir]
    argv = ["/bin/echo", "x"]
    start = [args.scc, "start", repo, "--provider", "command", *common, "--", *argv]
    words = ENGINES[engine]
    floor = [*words, "run", *LIMITS[engine], "--rm", image, *argv]
    hard = [*words, "run", *LIMITS[engine], "--rm", "--read-only", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
            "--tmpfs", "/tmp", "--tmpfs", "/run", "--pids-limit", "4096", "-v", f"{repo}:{repo}", "-w", repo, image, *argv]

    def fresh():
        """A start without the stopped sandbox of the one before, as the floor's `--rm` has it; pruned outside the clock."""
        subprocess.run([args.scc, "prune", "--yes", "--quiet"], env=env, check=True, capture_output=True)
        return first_byte(start, env)

    mine, plain = pairs(args.runs, fresh, lambda: first_byte(floor, env))
    alike, hardened = pairs(args.runs, fresh, lambda: first_byte(hard, env))
    again, beside = pairs(args.runs, lambda: first_byte(start, env), lambda: first_byte(floor, env))
    row(f"scc start, first byte / {engine} run", [x[0] for x in mine], [x[0] for x in plain], "<= 1.25")
    row(f"scc start, first byte / {engine} run, hardened alike", [x[0] for x in alike], [x[0] for x in hardened], "")
    row(f"scc start where a stopped sandbox is / {engine} run", [x[0] for x in again], [x[0] for x in beside], "",
        "starts the stopped one again")
    row(f"scc start, whole / {engine} run --rm, whole", [x[1] for x in mine], [x[1] for x in plain], "",
        "ours stops and keeps the sandbox, the floor removes it")
    subprocess.run([args.scc, "prune", "--yes"], env=env, check=False, capture_output=True)


def bench_stop(args, env, home, image, engine, count=5):
    """`scc stop --all` with several sandboxes beside the engine's own time for as many containers."""
    words = ENGINES[engine]
    common = ["--provider", "command", "--plugin-dir", args.provider_dir]

    def ours():
        children = []
        for number in range(count):
            repo = os.path.join(home, f"stop{number}")
            os.makedirs(repo, exist_ok=True)
            child = subprocess.Popen([args.scc, "start", repo, *common, "--", "/bin/sh", "-c", "echo x; exec sleep 600"], env=env,
                                     stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
            child.stdout.read(1)
            children.append(child)
        begin = time.perf_counter()
        subprocess.run([args.scc, "stop", "--all"], env=env, check=True, capture_output=True)
        spent = time.perf_counter() - begin
        for child in children:
            child.communicate()
        return spent

    def theirs():
        ids = [subprocess.run([*words, "run", *LIMITS[engine], "-d", "--rm", "--init", image, "sleep", "600"], check=True, capture_output=True,
                              text=True).stdout.strip() for _ in range(count)]
        begin = time.perf_counter()
        subprocess.run([*words, "stop", *ids], check=True, capture_output=True)
        return time.perf_counter() - begin

    mine, floor = pairs(max(args.runs // 5, 2), ours, theirs)
    row(f"scc stop --all / {engine} stop, {count} sandboxes", mine, floor, "<= 1.5")
    subprocess.run([args.scc, "prune", "--yes"], env=env, check=False, capture_output=True)


def resident_mb(pid):
    """What a process has in memory, and how much of that is not pages of files, which processes share."""
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        kb = {words[0]: int(words[1]) for words in map(str.split, file) if words[0] in ("VmRSS:", "RssAnon:")}
    return kb["VmRSS:"] / 1024, kb["RssAnon:"] / 1024


def bench_held(args, env, home, engine):
    """What scc holds while a session runs, and what the session takes on disk."""
    repo = os.path.join(home, "held")
    os.makedirs(repo, exist_ok=True)
    common = ["--provider", "command", "--plugin-dir", args.provider_dir]
    child = subprocess.Popen([args.scc, "start", repo, *common, "--", "/bin/sh", "-c", "echo x; exec sleep 600"], env=env,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    child.stdout.read(1)
    time.sleep(1)
    held, own = resident_mb(child.pid)
    done = subprocess.run([args.scc, "du", "--json"], env=env, check=True, capture_output=True, text=True)
    disk = sum(max(item["bytes"], 0) for item in json.loads(done.stdout)["data"]["items"]
               if item["what"] in ("sandbox", "instance", "records")) / 1e6
    subprocess.run([args.scc, "stop", "--all"], env=env, check=True, capture_output=True)
    child.communicate()
    subprocess.run([args.scc, "prune", "--yes"], env=env, check=False, capture_output=True)
    print(f"| resident scc during a session, {engine} | {held:.1f} MB | - | - | <= 20 MB | {own:.1f} MB without pages of files |")
    print(f"| disk of one more session, {engine} | {disk:.2f} MB | - | - | <= 5 MB | sandbox, its directory, its record |")


def here(engine):
    """Whether the engine answers to this user (rootless Podman has images of its own, so it is root's only)."""
    if not shutil.which(engine) or (engine == "podman" and os.geteuid() != 0):
        return False
    return subprocess.run([*ENGINES[engine], "info"], capture_output=True, check=False).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scc", default=shutil.which("scc"))
    parser.add_argument("--provider-dir")
    parser.add_argument("--compute", help="the program bench_compute; without it those rows are left out")
    parser.add_argument("--only-compute", action="store_true", help="no engine and no installed scc are needed")
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--launches", type=int, default=20, help="of web-egress-enforced, for each engine; 0: leave those rows out")
    parser.add_argument("--pairs", type=int, default=60, help="of guarded and native git; 0: leave those rows out")
    parser.add_argument("--engine", choices=list(ENGINES), help="only this one (default: all that are here)")
    args = parser.parse_args()
    if args.only_compute:
        print(HEADER, flush=True)
        bench_compute(args.compute)
        return 0
    if not args.provider_dir:
        parser.error("--provider-dir is needed")
    if not args.scc:
        raise SystemExit("no scc on the PATH: run scripts/quickstart")
    args.provider_dir = os.path.abspath(args.provider_dir)
    with tempfile.TemporaryDirectory(prefix="scc-bench-") as home:
        env = environment(home)
        print(HEADER, flush=True)
        mine, floor = pairs(args.runs, lambda: first_byte([args.scc, "--version"], env),
                            lambda: first_byte(["docker", "--version"], env))
        row("scc --version / docker --version", [x[1] for x in mine], [x[1] for x in floor], "<= 5 ms")
        plugins = os.path.join(home, ".local", "share", "scc", "plugins")
        os.makedirs(plugins, mode=0o700)
        make_plugins(plugins, provider_library(args.provider_dir))
        mine, _ = pairs(args.runs, lambda: first_byte([args.scc, "plugin", "list"], env), lambda: (0, 0))
        row(f"scc plugin list, {PLUGINS} plugins", [x[1] for x in mine], None, "<= 20 ms")
        shutil.rmtree(plugins)
        mine, floor = pairs(args.runs, lambda: first_byte([args.scc, "status", "--json"], env),
                            lambda: first_byte(["docker", "version", "--format", "{{.Server.Version}}"], env))
        row("scc status --json / docker version", [x[1] for x in mine], [x[1] for x in floor], "<= 15 ms + engine")
        if args.compute:
            bench_compute(args.compute)
        for engine in filter(here, [args.engine] if args.engine else ENGINES):
            env["SCC_RUNTIME"] = engine
            image = base_image(args.scc, env)
            bench_start(args, env, home, image, engine)
            bench_stop(args, env, home, image, engine)
            bench_held(args, env, home, engine)
            if args.pairs:
                bench_guard(args, env, home, engine)
            if args.launches:
                bench_enforced(args, env, home, [*ENGINES[engine], "run", *LIMITS[engine], "--rm", image, "/bin/echo", "x"],
                               ENGINES[engine], engine, row)
    return 0


if __name__ == "__main__":
    sys.exit(main())
