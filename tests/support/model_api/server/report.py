# SPDX-License-Identifier: Apache-2.0
# Sums up the logs: `python3 -m server.report` prints the report as JSON on
# stdout. What is allowed is decided by the driver on the host.
import json

from . import log


def _distinct(records, *keys):
    found = {tuple(record.get(key) for key in keys) for record in records}
    return [dict(zip(keys, values)) for values in sorted(found, key=repr)]


def build():
    packets = log.read("packets")
    return {
        "schema": "scc.network-report/1",
        "names": _distinct(log.read("dns"), "name", "type", "client", "answered"),
        "tls_names": sorted({record["name"] for record in log.read("tls")}),
        "http_hosts": sorted({record["host"] for record in log.read("requests")}),
        "destinations": _distinct(
            [p for p in packets if p["kind"] == "ip"], "client", "protocol", "address", "port"
        ),
        "arp": _distinct([p for p in packets if p["kind"] == "arp"], "client", "address"),
        "malformed": sum(1 for p in packets if p["kind"] == "malformed"),
        "requests": log.read("requests"),
        "errors": log.read("errors"),
    }


if __name__ == "__main__":
    print(json.dumps(build(), sort_keys=True))
