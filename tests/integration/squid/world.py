# SPDX-License-Identifier: Apache-2.0
"""What stands around the proxy in the test's namespace: a DNS server that says what it was asked, origins that accept
and close, and the generator of rule sets and requests. Nothing here leaves the loopback interface of the namespace."""
import ipaddress
import selectors
import socket
import struct
import threading

DNS = "127.0.0.53"
PUBLIC4 = ["93.184.216.34", "151.101.1.69"]
PUBLIC6 = ["2a00:1450::5"]
ORIGIN_PORTS = (80, 443, 8443)

# The first label of a name says where it leads; any other label is public.
ADDRESSES = {
    "loop": ["127.0.0.1"], "priv": ["10.1.2.3"], "rfc": ["172.31.9.9"], "home": ["192.168.1.1"],
    "meta": ["169.254.169.254"], "metb": ["169.254.170.2"], "metc": ["100.100.100.200"], "cgnat": ["100.64.0.9"],
    "zero": ["0.0.0.0"], "multi": ["224.0.0.251"], "broad": ["255.255.255.255"], "doc": ["203.0.113.7"], "bench": ["198.18.0.1"],
    "mix": [PUBLIC4[0], "10.1.1.1"], "mixb": ["192.168.7.7", PUBLIC4[1]],
    "lsix": ["::1"], "any6": ["::"], "ula": ["fd00::1"], "metd": ["fd00:ec2::254"], "ll6": ["fe80::1"], "site": ["fec0::1"],
    "mult6": ["ff02::1"], "doc6": ["2001:db8::7"], "nat64": ["64:ff9b::a01:203"], "sixto4": ["2002:a01:203::1"],
    "teredo": ["2001::1"], "map": ["::ffff:10.0.0.9"], "maploop": ["::ffff:127.0.0.1"], "mappub": ["::ffff:93.184.216.34"],
    "mix46": [PUBLIC4[0], "fd00::2"], "six": [PUBLIC6[0]], "both": [PUBLIC4[1], PUBLIC6[0]],
    "tgt": ["8.8.8.8"], "edge": ["172.32.0.1"], "edge6": ["2001:200::1"], "nx": [],
}


def canonical(host):
    return host.rstrip(".").lower()


def addresses_of(name):
    return ADDRESSES.get(canonical(name).split(".")[0], [PUBLIC4[0]])


class Dns(threading.Thread):
    """Answers A and AAAA from ADDRESSES, PTR with a name that every rule set allows, and keeps what it was asked."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((DNS, 53))
        self.asked = set()
        self.start()

    def answer(self, query):
        labels, at = [], 12
        while query[at]:
            labels.append(query[at + 1:at + 1 + query[at]].decode("latin-1"))
            at += 1 + query[at]
        kind = struct.unpack(">H", query[at + 1:at + 3])[0]
        name = ".".join(labels).lower()
        self.asked.add(name)
        found, records = True, []
        if kind == 12:
            records = [b"\x03www\x04good\x04test\x00"]
        else:
            everything = [ipaddress.ip_address(a) for a in addresses_of(name)]
            found = bool(everything)
            records = [a.packed for a in everything if a.version == {1: 4, 28: 6}.get(kind)]
        body = b"".join(b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 60, len(r)) + r for r in records)
        flags = b"\x81\x80" if found else b"\x81\x83"
        return query[:2] + flags + b"\x00\x01" + struct.pack(">H", len(records)) + b"\0\0\0\0" + query[12:at + 5] + body

    def run(self):
        while True:
            query, who = self.socket.recvfrom(4096)
            try:
                self.socket.sendto(self.answer(query), who)
            except (IndexError, struct.error):
                pass


class Origins(threading.Thread):
    """Accepts on every public address and remembers where; closes at once."""

    def __init__(self):
        super().__init__(daemon=True)
        self.selector = selectors.DefaultSelector()
        for address in PUBLIC4 + PUBLIC6 + ["127.0.0.1", "10.1.2.3", "::1"]:
            for port in ORIGIN_PORTS:
                listener = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET)
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                listener.bind((address, port))
                listener.listen(64)
                self.selector.register(listener, selectors.EVENT_READ, address)
        self.reached = set()
        self.start()

    def run(self):
        while True:
            for key, _ in self.selector.select():
                connection, _ = key.fileobj.accept()
                self.reached.add(key.data)
                connection.close()


TAILS = ["good.test", "a.good.test", "b.a.good.test", "other.example", "x.other.example", "xn--bcher-kva.example"]
NASTY = [
    "127.0.0.1", "127.1", "127.0.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0177.0.0.1", "0.0.0.0", "0", "1",
    "[::1]", "[::]", "[::ffff:10.0.0.1]", "[::ffff:93.184.216.34]", "[2001:db8::1]", "[fe80::1]", "[2a00:1450::5]", "::1",
    "93.184.216.34", "93.184.216.34.", "8.8.8.8", "10.0.0.1", "169.254.169.254", "0xA9FEA9FE", "2852039166", "1.2.3.4.5",
    "a.1", "a.0x1f", "good.test.1", "localhost", "localhost.", "host.docker.internal", "gateway", "good", "test", ".", "..",
    ".www.good.test", "www..good.test", "www.good.test..", "a_b.good.test", "a%2egood.test", "www.good.test%00", "u@www.good.test",
    "www.good.test\\", "\"www.good.test", "www,good.test", "www;good.test", "(www).good.test", "*.good.test", "*",
    "b\u00fccher.example", "www\u3002good.test", "www.good.test\u200b", "WWW.GOOD.TEST", "wWw.GoOd.tEsT.", "-www.good.test",
    "www-.good.test", "www.good.test-", "xwww.good.test", "wwwgood.test", "good.test.evil.test", "evil-good.test",
    "www.good.test.evil.test", "evil.test", "x.evil.test", "XN--BCHER-KVA.example", "xn--bcher-kva.example.", "x" * 63 + ".good.test",
    "x" * 64 + ".good.test", ("y" * 50 + ".") * 4 + "good.test", ("y" * 60 + ".") * 4 + "good.test",
    ("y" * 48 + ".") * 5 + "good.test",
]


def rule_set(random):
    """Targets as an organisation writes them. www.good.test is always allowed: the trap of the reverse lookups."""
    def target(wide):
        host = random.choice(TAILS)
        if random.random() < 0.5:
            host = random.choice(list(ADDRESSES) + ["www", "api", "x", "y"]) + "." + host
        if random.random() < wide:
            host = random.choice(["*.", "."]) + host
        if random.random() < 0.1:
            host = host.upper()
        return host + random.choice(["", "", "", "", ":443", ":80", ":8443", ":22"])
    allow = ["www.good.test"] + [target(0.5) for _ in range(random.randint(1, 9))]
    deny = [target(0.4) for _ in range(random.randint(0, 3))]
    deny += random.sample(["8.8.8.0/24", "151.101.0.0/16", "2a00:1450::/32", "8.8.8.8", "93.184.216.34:8443"], random.randint(0, 2))
    denied = random.sample(["93.184.216.0/24", "151.101.1.69", "2a00:1450::5"], random.randint(0, 1))
    internal = random.sample(["10.0.0.0/8", "172.16.0.0/12", "100.64.0.0/10", "fc00::/7", "203.0.113.0/24"], random.randint(0, 2))
    return {"allow": allow, "deny": deny, "denied_blocks": denied, "internal_blocks": internal}


def request(random, rules):
    host = random.choice(NASTY)
    if random.random() < 0.72:
        host = random.choice(TAILS)
        if random.random() < 0.35:  # a name that a rule speaks of, or its neighbour
            host = random.choice(rules["allow"] + rules["deny"]).split(":")[0].lstrip("*.").rstrip(".")
            if "/" in host or not host:
                host = "www.good.test"
        if random.random() < 0.7:
            host = random.choice(list(ADDRESSES) + ["www", "api", "x", "y"]) + "." + host
        if random.random() < 0.15:
            host = "".join(c.upper() if random.random() < 0.5 else c for c in host)
        if random.random() < 0.1:
            host += "."
    port = random.choice([443] * 24 + [80, 80, 8443, 8443, 22, 8080, 1, 65535])
    method, scheme = "CONNECT", ""
    if random.random() < 0.25:
        method = random.choice(["GET", "POST", "HEAD", "PUT", "OPTIONS", "DELETE", "PATCH", "TRACE", "PURGE", "get", "MKCOL", "FOO"])
        scheme = random.choice(["http"] * 6 + ["https", "ftp"])
        port = random.choice([port, 80, 80])
        # In a URL an '@' ends the user's name, and without brackets the last group is the port.
        host = host.replace("@", "-").replace("::1", "[::1]") if host in ("u@www.good.test", "::1") else host
    return {"method": method, "scheme": scheme, "host": host, "port": port, "addresses": addresses_of(host)}
