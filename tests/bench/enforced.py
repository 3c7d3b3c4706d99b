# SPDX-License-Identifier: Apache-2.0
"""Rows of web-egress-enforced: consecutive verified launches beside the same without a policy and beside the engine's own
`run`, in turn; what they leave; stopping; what the proxy and the helper processes hold in memory."""
import json
import os
import subprocess
import time

DNS = "192.0.2.53"  # nobody answers there, and nobody asks: the command reaches nothing


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def workspace(home, name, policy):
    repo = os.path.join(home, name)
    os.makedirs(repo, exist_ok=True)
    with open(os.path.join(repo, ".scc.yaml"), "w", encoding="utf-8") as out:
        out.write(f"network_policy: {policy}\n")
    return repo


def configure(home):
    path = os.path.join(home, ".config", "scc", "config.json")
    with open(path, encoding="utf-8") as file:
        settings = json.load(file)
    settings["network"] = {"enforced": {"dns": [DNS]}}
    with open(path, "w", encoding="utf-8") as out:
        json.dump(settings, out)


def timed(argv, env):
    """Seconds to the first byte, or None for a launch that failed."""
    begin = time.perf_counter()
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env) as child:
        byte = child.stdout.read(1)
        spent = time.perf_counter() - begin
        child.communicate()
    return spent if byte and child.returncode == 0 else None


def held_by(pid):
    """Proportional memory of a process and all below it, in MB; readable for root only."""
    total, todo = 0, [pid]
    while todo:
        one = todo.pop()
        try:
            with open(f"/proc/{one}/smaps_rollup", encoding="ascii") as file:
                total += next(int(line.split()[1]) for line in file if line.startswith("Pss:"))
            with open(f"/proc/{one}/task/{one}/children", encoding="ascii") as file:
                todo += [int(child) for child in file.read().split()]
        except (OSError, StopIteration):
            continue
    return total / 1024


def session(args, env, repo, common):
    child = subprocess.Popen([args.scc, "start", repo, *common, "--", "/bin/sh", "-c", "echo x; exec sleep 600"], env=env,
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    child.stdout.read(1)
    return child


def leftovers(words, state):
    mine = f"label=scc.state={state}"
    boxes = subprocess.run([*words, "ps", "-aq", "--filter", mine], capture_output=True, text=True, check=True).stdout.split()
    nets = subprocess.run([*words, "network", "ls", "-q", "--filter", mine], capture_output=True, text=True, check=True).stdout.split()
    return len(boxes) + len(nets)


def bench_memory(args, env, repo, common, words, state, engine):
    child = session(args, env, repo, common)
    ids = subprocess.run([*words, "ps", "-q", "--filter", f"label=scc.state={state}"], capture_output=True, text=True, check=True).stdout.split()
    for one in ids:
        found = json.loads(subprocess.run([*words, "inspect", one], capture_output=True, text=True, check=True).stdout)[0]
        role = found["Config"]["Labels"]["scc.role"]
        what = "proxy (Squid and its relay)" if role == "network" else "scc-init and its relay in the sandbox, with the command"
        print(f"| {what}, proportional memory, {engine} | {held_by(found['State']['Pid']):.1f} MB | - | - | | |")
    subprocess.run([args.scc, "stop", "--all"], env=env, check=True, capture_output=True)
    child.communicate()


def bench_enforced(args, env, home, floor, words, engine, row):
    """`floor` is the argv of the engine's own run. Needs a config.json and a trusted provider plugin."""
    configure(home)
    state = os.path.join(home, ".local", "state", "scc")
    common = ["--provider", "command", "--plugin-dir", args.provider_dir]
    repos = {policy: workspace(home, policy, policy) for policy in ("web-egress-enforced", "open")}
    starts = {policy: [args.scc, "start", repo, *common, "--", "/bin/echo", "x"] for policy, repo in repos.items()}
    times = {"web-egress-enforced": [], "open": [], "floor": []}
    failed = 0
    for number in range(args.launches + 1):
        for policy, argv in (*starts.items(), ("floor", floor)):
            subprocess.run([args.scc, "prune", "--yes", "--quiet"], env=env, check=True, capture_output=True)
            spent = timed(argv, env)
            failed += spent is None
            if number and spent is not None:  # the first round warms up
                times[policy].append(spent)
    mine = times["web-egress-enforced"]
    if not mine:
        print(f"| enforced launches that succeeded, {engine} | 0 of {args.launches} | - | - | all | try one: scc start |")
        return
    row(f"scc start, enforced and verified, first byte / {engine} run", mine, times["floor"], "<= 2.5",
        f"p99 {percentile(mine, 0.99) * 1000:.0f} ms, floor's p99 {percentile(times['floor'], 0.99) * 1000:.0f} ms")
    row(f"the same / scc start under open, {engine}", mine, times["open"], "", f"open's p99 {percentile(times['open'], 0.99) * 1000:.0f} ms")
    subprocess.run([args.scc, "prune", "--yes", "--quiet"], env=env, check=True, capture_output=True)
    print(f"| enforced launches that succeeded, {engine} | {len(mine)} of {args.launches} | - | - | all | "
          f"{failed} failures of all kinds, {leftovers(words, state)} objects left |")
    stops = {policy: [] for policy in repos}
    for _ in range(5):
        for policy, repo in repos.items():
            child = session(args, env, repo, common)
            begin = time.perf_counter()
            subprocess.run([args.scc, "stop", "--all"], env=env, check=True, capture_output=True)
            stops[policy].append(time.perf_counter() - begin)
            child.communicate()
    row(f"scc stop, enforced / open, {engine}", stops["web-egress-enforced"], stops["open"], "")
    if os.geteuid() == 0:
        bench_memory(args, env, repos["web-egress-enforced"], common, words, state, engine)
    subprocess.run([args.scc, "prune", "--yes"], env=env, check=False, capture_output=True)
