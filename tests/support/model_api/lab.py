#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Starts and stops the model API with its recorder on a network without a way out.

  lab.py up --suffix S [--script FILE] [--base REF] [--bodies] [--engine E]   prints JSON: network, dns, ca_file, ...
  lab.py report --suffix S                                       prints what was asked and tried, as JSON
  lab.py assert --suffix S [--allow HOST ...]                    exit 1 and a list on stderr if there was anything else
  lab.py logs --suffix S --to DIR                                copies the logs out of the container
  lab.py down --suffix S                                         removes container, network and files

Attach a sandbox with `docker run --network NETWORK --dns ADDRESS`. Everything is labelled scc-lab=S. Python's standard library
and the `docker` command are all it needs. --engine podman (root's) puts container and network there; the image is made by
Docker and handed over. What a sandbox sends elsewhere has no route then, so the recorder does not see it.
"""
import argparse
import fcntl
import hashlib
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
IMAGE = "scc-test-model-api"
LABEL = "scc-lab"
CONTEXT = ("Containerfile", "hosts.json", "default-script.json", "server")
READY_SECONDS = 60


class LabError(Exception):
    """Something the user must know; printed without a traceback."""


COMMANDS = {
    "docker": ("docker",),
    # runc and cgroupfs: what works without systemd and where both versions of cgroups are mounted.
    "podman": (*(() if os.geteuid() == 0 else ("sudo", "-n", "--")), "podman", "--runtime", "runc", "--cgroup-manager", "cgroupfs"),
}
ENGINE = "docker"  # --engine
IPTABLES = (*COMMANDS["podman"][:-5], "iptables")


def call(command, *argv, data=None, check=True):
    try:
        done = subprocess.run(command + argv, input=data, capture_output=True, text=True, check=False)
    except FileNotFoundError as error:
        raise LabError(f"the command '{command[0]}' is missing; run scripts/test, which installs it") from error
    if check and done.returncode:
        raise LabError(f"{' '.join(command + argv)}\n{done.stderr.strip()}")
    return done


def engine(*argv, **more):
    """A command of the engine that has the container and the network."""
    return call(COMMANDS[ENGINE], *argv, **more)


def docker(*argv, **more):
    """A command of the engine that makes the image."""
    return call(COMMANDS["docker"], *argv, **more)


def name_of(suffix):
    return f"scc-lab-{suffix}"


def state_dir(suffix):
    return os.path.join(tempfile.gettempdir(), f"scc-lab-{os.getuid()}-{suffix}")


def context_files():
    for entry in CONTEXT:
        path = os.path.join(HERE, entry)
        if os.path.isdir(path):
            for name in sorted(os.listdir(path)):
                if name.endswith(".py"):
                    yield f"{entry}/{name}"
        else:
            yield entry


def find_base():
    """The newest scc-base image of this engine."""
    found = docker("images", "--filter", "reference=scc-base", "--format", "{{.Repository}}:{{.Tag}}").stdout.split()
    if not found:
        raise LabError("no image scc-base here; run: scc image build base   (or give --base REF)")
    return found[0]


def ensure_image(base):
    """Builds the image if this content on this base was not built yet; returns its reference."""
    base_id = docker("image", "inspect", "--format", "{{.Id}}", base).stdout.strip()
    digest = hashlib.sha256(base_id.encode())
    for name in context_files():
        with open(os.path.join(HERE, name), "rb") as source:
            digest.update(f"\0{name}\0".encode() + source.read())
    reference = f"{IMAGE}:{digest.hexdigest()[:12]}"
    lock_path = os.path.join(tempfile.gettempdir(), f"scc-lab-{os.getuid()}.lock")
    lock = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if docker("image", "inspect", reference, check=False).returncode:
            build_image(reference, base)
        if ENGINE != "docker" and engine("image", "inspect", reference, check=False).returncode:
            hand_over(reference)
    finally:
        os.close(lock)
    return reference


def hand_over(reference):
    """Gives the image that Docker made to the other engine."""
    with tempfile.NamedTemporaryFile(prefix="scc-lab-image-") as archive:
        docker("save", "-o", archive.name, reference)
        engine("load", "-i", archive.name)


def build_image(reference, base):
    print(f"building {reference} ...", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="scc-lab-build-") as context:
        for name in context_files():
            target = os.path.join(context, name)
            os.makedirs(os.path.dirname(target), exist_ok=True)
            shutil.copyfile(os.path.join(HERE, name), target)
        proxies = [f"--build-arg={name}" for name in ("http_proxy", "https_proxy", "no_proxy") if name in os.environ]
        done = docker("build", "-f", os.path.join(context, "Containerfile"), "--build-arg", f"BASE_REF={base}",
                      *proxies, "-t", reference, context, check=False)
        if done.returncode:
            raise LabError(f"building {reference} failed:\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")


def create_network(suffix):
    """Creates the network on a free subnet; returns (subnet, gateway, address).

    With inhibit_ipv4 the host has no address on the bridge, so the gateway's
    address is free for the recorder, and the host cannot be reached. The subnets
    come from the block for benchmarks (RFC 2544), which nobody routes.
    """
    options = ("--driver", "bridge", "-o", "com.docker.network.bridge.inhibit_ipv4=true")
    if ENGINE == "podman":
        options = ("--internal", "--disable-dns")
    chooser = random.SystemRandom()
    for _attempt in range(50):
        second, third, block = chooser.choice((18, 19)), chooser.randrange(256), chooser.randrange(16) * 16
        prefix = f"198.{second}.{third}."
        subnet, gateway, address = f"{prefix}{block}/28", f"{prefix}{block + 1}", f"{prefix}{block + 2}"
        done = engine("network", "create", *options, "--subnet", subnet, "--gateway", gateway,
                      "--label", f"{LABEL}={suffix}", name_of(suffix), check=False)
        if done.returncode == 0:
            if ENGINE == "podman":
                call(IPTABLES, "-I", "FORWARD", *within(suffix, subnet))
            return subnet, gateway, address
        if not re.search("overlap|already used", done.stderr.lower()):
            raise LabError(f"{ENGINE} network create: {done.stderr.strip()}")
    raise LabError(f"no free subnet found in 198.18.0.0/15; run: {ENGINE} network prune")


def within(suffix, subnet):
    """A rule for packets inside the network: where Docker lives, its policy for the bridges of others is to drop them."""
    return ("-s", subnet, "-d", subnet, "-m", "comment", "--comment", name_of(suffix), "-j", "ACCEPT")


def remove_rules(suffix):
    for line in call(IPTABLES, "-S", "FORWARD", check=False).stdout.splitlines():
        words = line.split()
        if name_of(suffix) in words:
            call(IPTABLES, "-D", *words[1:], check=False)


def create_container(suffix, image, script, bodies, net):
    subnet, gateway, address = net
    environment = {"ADDRESS": address, "GATEWAY": gateway, "SUBNET": subnet}
    if script:
        environment["SCRIPT"] = "/srv/script.json"
    if bodies:
        environment["BODIES"] = "1"
    name = name_of(suffix)
    engine("create", "--name", name, "--label", f"{LABEL}={suffix}", "--network", name, "--ip", address,
           "--cap-drop", "ALL", "--cap-add", "NET_ADMIN", "--cap-add", "NET_RAW", "--cap-add", "NET_BIND_SERVICE",
           "--security-opt", "no-new-privileges", "--pids-limit", "512", "--memory", "512m", "--init",
           # Its own default may be more than this machine lets anybody have.
           *(("--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024") if ENGINE == "podman" else ()),
           # Forwarding into the unreachable route makes the kernel refuse at once; no rate limit on that.
           "--sysctl", "net.ipv4.ip_forward=1", "--sysctl", "net.ipv4.icmp_ratelimit=0", "--pull", "never",
           *[f"--env=MODEL_API_{key}={value}" for key, value in environment.items()], image)
    if script:
        engine("cp", script, f"{name}:/srv/script.json")
    engine("start", name)


def wait_ready(suffix):
    deadline = time.monotonic() + READY_SECONDS
    said = ""
    while time.monotonic() < deadline:
        asked = engine("exec", name_of(suffix), "test", "-e", "/srv/log/ready", check=False)
        if asked.returncode == 0:
            return
        said = asked.stderr.strip()
        state = engine("inspect", "--format", "{{.State.Running}}", name_of(suffix), check=False).stdout.strip()
        if state != "true":
            break
        time.sleep(0.05)
    logs = engine("logs", name_of(suffix), check=False)
    raise LabError(f"the model API did not become ready:\n{logs.stdout[-2000:]}{logs.stderr[-2000:]}{said}")


def up(options):
    if options.script and not os.path.isfile(options.script):
        raise LabError(f"{options.script}: no such file")
    folder = state_dir(options.suffix)
    try:
        os.mkdir(folder, 0o700)
    except FileExistsError as error:
        raise LabError(f"{folder} exists; run: {sys.argv[0]} down --suffix {options.suffix}") from error
    try:
        image = ensure_image(options.base or find_base())
        net = create_network(options.suffix)
        create_container(options.suffix, image, options.script, options.bodies, net)
        wait_ready(options.suffix)
        ca_file = os.path.join(folder, "ca.crt")
        with open(ca_file, "w", encoding="ascii") as out:
            out.write(engine("exec", name_of(options.suffix), "cat", "/srv/log/ca.crt").stdout)
    except BaseException:
        remove(options.suffix)
        raise
    print(json.dumps({
        "schema": "scc.lab/1",
        "suffix": options.suffix,
        "network": name_of(options.suffix),
        "container": name_of(options.suffix),
        "image": image,
        "subnet": net[0],
        "gateway": net[1],
        "address": net[2],
        "dns": [net[2]],
        "ca_file": ca_file,
        "directory": folder,
        "expected_hosts": expected_hosts(),
    }, indent=2))


def expected_hosts():
    with open(os.path.join(HERE, "hosts.json"), encoding="utf-8") as source:
        return json.load(source)["expected"]


def read_report(suffix):
    return json.loads(engine("exec", name_of(suffix), "python3", "-m", "server.report").stdout)


def report(options):
    print(json.dumps(read_report(options.suffix), indent=2))


def violations(found, allowed):
    """Everything in a report that is not a request to an allowed host, one line each."""
    lines = []
    for question in found["names"]:
        if question["name"] not in allowed:
            lines.append(f"name asked: {question['name']} ({question['type']}) by {question['client']}")
    for name in found["tls_names"]:
        if name not in allowed:
            lines.append(f"TLS server name: {name or '(none)'}")
    for host in found["http_hosts"]:
        if re.sub(r":\d+$", "", host) not in allowed:
            lines.append(f"HTTP host: {host or '(none)'}")
    for packet in found["destinations"]:
        where = f"{packet['address']} {packet['protocol']} port {packet['port']}"
        lines.append(f"packet to {where} from {packet['client']}")
    for probe in found["arp"]:
        lines.append(f"ARP for {probe['address']} from {probe['client']}")
    if found["malformed"]:
        lines.append(f"{found['malformed']} malformed frames")
    return lines


def check(options):
    found = read_report(options.suffix)
    lines = violations(found, set(options.allow or expected_hosts()))
    for line in lines:
        print(line, file=sys.stderr)
    if lines:
        return 1
    print(f"only expected traffic: {len(found['requests'])} requests")
    return 0


def logs(options):
    engine("cp", f"{name_of(options.suffix)}:/srv/log/.", options.to)


def remove(suffix):
    """Removes what carries the label; says what could not be removed."""
    problems = []
    if ENGINE == "podman":
        remove_rules(suffix)
    for kind, listing, removal in (
        ("container", ("ps", "-aq"), ("rm", "-f", "-v")),
        ("network", ("network", "ls", "-q"), ("network", "rm")),
    ):
        for item in engine(*listing, "--filter", f"label={LABEL}={suffix}", check=False).stdout.split():
            done = engine(*removal, item, check=False)
            if done.returncode:
                problems.append(f"{kind} {item}: {done.stderr.strip()}")
    shutil.rmtree(state_dir(suffix), ignore_errors=True)
    return problems


def down(options):
    problems = remove(options.suffix)
    if problems:
        raise LabError("\n".join(problems))


def suffix_type(text):
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,39}", text):
        raise argparse.ArgumentTypeError("a suffix is 1-40 characters of a-z, 0-9 and -")
    return text


def parse(argv):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, function in (("up", up), ("report", report), ("assert", check), ("logs", logs), ("down", down)):
        command = commands.add_parser(name)
        command.set_defaults(function=function)
        command.add_argument("--suffix", required=True, type=suffix_type)
        command.add_argument("--json", action="store_true", help="output is JSON in any case")
        command.add_argument("--engine", choices=sorted(COMMANDS), default="docker", help="where container and network are")
        if name == "up":
            command.add_argument("--script", help="JSON file that plays the model")
            command.add_argument("--base", help="reference of the scc-base image")
            command.add_argument("--bodies", action="store_true", help="keep every request body in the logs")
        elif name == "assert":
            command.add_argument("--allow", action="append", help="allowed host (default: expected of hosts.json)")
        elif name == "logs":
            command.add_argument("--to", required=True)
    return parser.parse_args(argv)


def main():
    global ENGINE
    options = parse(sys.argv[1:])
    ENGINE = options.engine
    try:
        return options.function(options) or 0
    except LabError as error:
        print(f"lab.py: {error}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
