# SPDX-License-Identifier: Apache-2.0
# Entry point of the container: takes the gateway's address, makes a test CA and
# a certificate for the vendors' names, starts recorder, name server and model
# API, then says that it is ready.
import json
import os
import subprocess
import sys
import threading

from . import http_api, log, names, recorder, script

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TLS_DIR = "/srv/tls"
INTERFACE = "eth0"


def run(*argv):
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def take_over_gateway(gateway, subnet):
    """Makes this container the way out of the network, a way that leads nowhere.

    The unreachable default route refuses at once instead of leaving the sender
    to its timeout.
    """
    prefix = subnet.split("/")[1]
    run("ip", "address", "add", f"{gateway}/{prefix}", "dev", INTERFACE)
    run("ip", "route", "replace", "unreachable", "default", "metric", "1")
    subprocess.run(("ip", "route", "del", "default", "dev", INTERFACE), check=False, stderr=subprocess.DEVNULL)
    routes = subprocess.run(("ip", "-4", "route"), check=True, capture_output=True, text=True).stdout
    if any(line.startswith("default") for line in routes.splitlines()):
        raise SystemExit("model-api: a default route is left:\n" + routes)


def make_certificates(hosts, address):
    """A CA that lives as long as the container, and one certificate of it."""
    os.makedirs(TLS_DIR, mode=0o700, exist_ok=True)
    ca, ca_key = os.path.join(log.LOG_DIR, "ca.crt"), os.path.join(TLS_DIR, "ca.key")
    cert, key = os.path.join(TLS_DIR, "server.crt"), os.path.join(TLS_DIR, "server.key")
    request, extensions = os.path.join(TLS_DIR, "server.csr"), os.path.join(TLS_DIR, "server.ext")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    run("openssl", "req", "-x509", *curve, "-keyout", ca_key, "-out", ca, "-days", "7",
        "-subj", "/CN=scc test CA", "-addext", "basicConstraints=critical,CA:TRUE",
        "-addext", "keyUsage=critical,keyCertSign")
    run("openssl", "req", *curve, "-keyout", key, "-out", request, "-subj", "/CN=scc model API")
    with open(extensions, "w", encoding="utf-8") as out:
        alternatives = [f"DNS:{host}" for host in hosts] + [f"IP:{address}"]
        out.write(f"subjectAltName={','.join(alternatives)}\nextendedKeyUsage=serverAuth\n")
    run("openssl", "x509", "-req", "-in", request, "-CA", ca, "-CAkey", ca_key, "-CAcreateserial",
        "-days", "7", "-out", cert, "-extfile", extensions)
    return cert, key


def main():
    address, gateway, subnet = (os.environ["MODEL_API_" + name] for name in ("ADDRESS", "GATEWAY", "SUBNET"))
    os.makedirs(log.LOG_DIR, exist_ok=True)
    with open(os.path.join(HERE, "hosts.json"), encoding="utf-8") as source:
        hosts = json.load(source)["answered"]
    try:
        http_api.Handler.turns = script.load(os.environ.get("MODEL_API_SCRIPT", os.path.join(HERE, "default-script.json")))
    except (OSError, ValueError, script.ScriptError) as error:
        sys.exit(f"model-api: {error}")
    if os.environ.get("MODEL_API_BODIES"):
        http_api.Handler.body_dir = os.path.join(log.LOG_DIR, "bodies")
        os.makedirs(http_api.Handler.body_dir, exist_ok=True)

    watcher = recorder.Recorder(INTERFACE, address, gateway, subnet)
    take_over_gateway(gateway, subnet)
    context = http_api.make_tls_context(*make_certificates(hosts, address))
    servers = names.NameServer(address, hosts).servers()
    servers += [http_api.Server((address, 80)), http_api.Server((address, 443), context)]
    for target in [watcher.run] + [server.serve_forever for server in servers]:
        threading.Thread(target=target, daemon=True).start()
    with open(os.path.join(log.LOG_DIR, "ready"), "w", encoding="utf-8"):
        pass
    print("ready", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    main()
