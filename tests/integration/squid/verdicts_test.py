# SPDX-License-Identifier: Apache-2.0
"""For thousands of (rule set, host, port): the real Squid's verdict and rule are the evaluator's, no name is looked up that
is not listed, nothing is reached that is not allowed. And the test itself is tested: a configuration with one wall taken
out must be caught.   verdicts_test.py EGRESS_VERDICTS [unittest options]"""
import glob
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest

import world

TOOL = sys.argv.pop(1)
SQUID = shutil.which("squid") or "/usr/sbin/squid"
PROXY = ("127.0.0.1", 3128)
SETS = 48
REQUESTS = 125
SEED = int(os.environ.get("SCC_TEST_SEED", "20261127"))


def required():
    return os.environ.get("SCC_REQUIRE_ENGINES") == "1"


def enter_namespace():
    """Runs this file again in a network namespace of its own, as root of it."""
    flags = ["--net"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--net"]
    command = ["unshare", *flags, sys.executable, "-B", *sys.argv[:1], TOOL, *sys.argv[1:]]
    os.execvpe("unshare", command, dict(os.environ, SCC_TEST_NAMESPACE="1", SCC_TEST_ROOT="1" if os.geteuid() == 0 else ""))


def furnish():
    def ip(*words):
        subprocess.run(["ip", *words], check=True)
    ip("link", "set", "lo", "up")
    for address in world.PUBLIC4 + ["10.1.2.3"]:
        ip("addr", "add", address + "/32", "dev", "lo")
    for address in world.PUBLIC6:
        ip("addr", "add", address + "/128", "dev", "lo", "nodad")


class Squid:
    """The real program on a configuration, as a user without rights."""

    def __init__(self, directory):
        self.log_path = os.path.join(directory, "access.log")
        open(self.log_path, "w", encoding="utf-8").close()
        for name in (directory, self.log_path, os.path.join(directory, "errors")):
            os.chmod(name, 0o777)
        # A service name of its own: Squid's shared memory has the name of the service, and killing it leaves that behind.
        self.service = f"scc{os.getpid()}"
        command = [SQUID, "-N", "-n", self.service, "-f", os.path.join(directory, "squid.conf")]
        if os.environ.get("SCC_TEST_ROOT"):
            command = ["setpriv", "--reuid=13", "--regid=13", "--clear-groups", *command]
        else:
            command = ["unshare", "--user", "--map-user=13", "--map-group=13", *command]
        self.process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.log = open(self.log_path, encoding="utf-8")
        for _ in range(200):
            if self.process.poll() is not None:
                raise AssertionError("squid ended: " + self.process.stderr.read().decode())
            try:
                socket.create_connection(PROXY, 1).close()
                break
            except OSError:
                time.sleep(0.02)
        time.sleep(0.1)
        self.log.read()  # the connection above may have left a line

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        self.log.close()
        for name in glob.glob(f"/dev/shm/{self.service}-*"):
            os.remove(name)

    def line(self):
        """The next decision."""
        text = ""
        for _ in range(4000):
            text += self.log.readline()
            if text.endswith("\n"):
                return json.loads(text)
            time.sleep(0.0005)
        raise AssertionError("no line in the access log")

    def ask(self, request):
        """The status and the body of the answer, and the log's line."""
        host, port = request["host"], request["port"]
        target = f"{host}:{port}" if request["method"] == "CONNECT" else f"{request['scheme']}://{host}:{port}/secret?token=1"
        with socket.create_connection(PROXY, 10) as connection:
            connection.settimeout(10)
            connection.sendall(f"{request['method']} {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
            answer = b""
            try:
                while len(answer) < 65536:
                    part = connection.recv(65536)
                    answer += part
                    if not part or (request["method"] == "CONNECT" and b" 200 " in answer[:16]):
                        break
            except OSError:
                pass
        return int(answer[9:12] or 0), answer.decode("utf-8", "replace"), self.line()


def configured(case, directory):
    """Writes the configuration of a case into the directory; the evaluator's decisions."""
    document = dict(case, dir=directory, dns=world.DNS, port=PROXY[1])
    done = subprocess.run([TOOL], input=json.dumps(document), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return json.loads(done.stdout)


class Verdicts(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.dns = world.Dns()
        cls.origins = world.Origins()

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="scc-squid-")
        self.addCleanup(shutil.rmtree, self.directory)

    def compare(self, case, change=lambda text: text):
        """Every difference between the real proxy and the evaluator, as text."""
        expected = configured(case, self.directory)
        path = os.path.join(self.directory, "squid.conf")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(change(text))
        out, lookups = [], set()
        self.dns.asked.clear()
        self.origins.reached.clear()
        squid = Squid(self.directory)
        try:
            for request, wanted in zip(case["requests"], expected):
                status, _, line = squid.ask(request)
                refused = line["verdict"] != "allow"
                if wanted["reason"] in ("allowed", "address", "denied"):
                    lookups.add(world.canonical(request["host"]))
                got = line["rule"] if line["rule"] != "-" else "unreadable"
                # What Squid cannot even read it refuses by itself; the evaluator must say no as well.
                same = not wanted["verdict"] == "allow" and status in (400, 501) if got == "unreadable" else got == wanted["rule"]
                if not same or refused != (wanted["verdict"] == "deny") or ("secret" in str(line)):
                    out.append(f"{request} evaluator {wanted['rule']} squid {got} ({status})")
        finally:
            squid.stop()
        for name in self.dns.asked - lookups - {"1.0.0.127.in-addr.arpa"}:
            out.append(f"{name} was looked up")
        inside = {a for b in case.get("internal_blocks", []) for a in ("10.1.2.3",) if b == "10.0.0.0/8"}
        for address in self.origins.reached - set(world.PUBLIC4) - set(world.PUBLIC6) - inside:
            out.append(f"{address} was reached")
        return out

    def test_the_real_proxy_agrees_with_the_evaluator(self):
        print(f"seed {SEED} (SCC_TEST_SEED)", file=sys.stderr)
        source = random.Random(SEED)
        counts = {}
        total = 0
        for _ in range(SETS):
            case = world.rule_set(source)
            case["requests"] = [world.request(source, case) for _ in range(REQUESTS)]
            differences = self.compare(case)
            self.assertEqual(differences, [], f"seed {SEED}, rules {json.dumps({k: case[k] for k in case if k != 'requests'})}")
            for decision in configured(case, self.directory):
                counts[decision["reason"]] = counts.get(decision["reason"], 0) + 1
                total += 1
        print(f"{total} verdicts agree: {counts}", file=sys.stderr)
        self.assertGreaterEqual(total, 5000)
        for reason in ("allowed", "denied", "not-listed", "host-port", "address", "literal", "malformed", "port", "method", "scheme"):
            self.assertGreater(counts.get(reason, 0), 20, reason)

    def test_no_rule_reaches_nothing(self):
        source = random.Random(SEED + 1)
        rules = world.rule_set(source)
        requests = [world.request(source, rules) for _ in range(200)]
        case = {"allow": [], "deny": [], "requests": requests}
        self.assertEqual(self.compare(case), [])
        self.assertEqual({d["verdict"] for d in configured(case, self.directory)}, {"deny"})
        self.assertEqual(self.dns.asked - {"1.0.0.127.in-addr.arpa"}, set())

    def test_a_wall_taken_out_is_noticed(self):
        hosts = ["www.good.test", "evil.test", "priv.good.test", "93.184.216.34", "good.test", "bad.good.test"]
        requests = [{"method": "CONNECT", "scheme": "", "host": h, "port": 443, "addresses": world.addresses_of(h)} for h in hosts]
        requests.append({"method": "TRACE", "scheme": "http", "host": "www.good.test", "port": 80, "addresses": world.PUBLIC4[:1]})
        case = {"allow": ["www.good.test", "priv.good.test", "*.other.example", "www.good.test:80"], "deny": ["bad.good.test"],
                "requests": requests}
        self.assertEqual(self.compare(case), [])
        without = lambda *lines: lambda text: "\n".join(l for l in text.split("\n") if l not in lines)
        literal = "http_access deny literal n_literal"
        walls = {
            "names": without("http_access deny !listed n_not-listed", "http_access deny !open n_host-port"),
            "addresses": without("http_access deny denied_address n_address"),
            "methods": without("http_access deny !ok_method n_method"),
            "literals": without(literal),
            "reverse lookups": lambda text: without(literal)(text).replace("dstdomain -n", "dstdomain"),
            "denials": lambda text: text.replace("http_access deny r0 n0", ""),
        }
        for name, change in walls.items():
            with self.subTest(wall=name):
                self.assertNotEqual(self.compare(case, change), [], name)

    def test_what_the_proxy_serves_itself_is_shut(self):
        configured({"allow": ["www.good.test", "www.good.test:80"], "deny": []}, self.directory)
        squid = Squid(self.directory)
        self.addCleanup(squid.stop)
        for text, rule in (("GET cache_object://127.0.0.1/info", "builtin/manager"),
                           ("GET http://scc-egress:3128/squid-internal-mgr/info", "builtin/manager"),
                           ("GET /squid-internal-mgr/info", "builtin/manager"),
                           ("GET http://www.good.test/squid-internal-mgr/info", "builtin/manager"),
                           ("GET urn:isbn:1", "builtin/scheme"), ("GET gopher://www.good.test/", "-"), ("OPTIONS *", "-")):
            with socket.create_connection(PROXY, 10) as connection:
                connection.sendall(f"{text} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
                answer = connection.recv(65536)
            self.assertIn(answer[9:12], (b"403", b"400", b"501"), text)
            self.assertEqual(squid.line()["rule"], rule, text)

    def test_each_decision_can_be_recorded(self):
        source = random.Random(SEED + 2)
        case = world.rule_set(source)
        case["requests"] = [world.request(source, case) for _ in range(150)]
        self.assertEqual(self.compare(case), [])
        with open(os.path.join(self.directory, "access.log"), encoding="utf-8") as log:
            done = subprocess.run([TOOL, "--record", self.directory, "s"], stdin=log, capture_output=True, text=True, check=False)
        self.assertEqual((done.returncode, done.stdout), (0, "150\n"), done.stderr)
        with open(os.path.join(self.directory, "egress", "s.jsonl"), encoding="utf-8") as record:
            events = [json.loads(line) for line in record]
        wanted = [d["verdict"] for d in configured(case, self.directory)]
        self.assertEqual([e["verdict"] for e in events], wanted)
        self.assertNotIn("secret", json.dumps(events))
        self.assertEqual({e["layer"] for e in events} - {"builtin", "org"}, set())

    def test_a_refusal_tells_a_model_what_to_do(self):
        case = {"allow": ["www.good.test", "*.other.example:8443"], "deny": ["bad.good.test"]}
        configured(case, self.directory)
        squid = Squid(self.directory)
        self.addCleanup(squid.stop)
        ask = lambda host: squid.ask({"method": "GET", "scheme": "http", "host": host, "port": 80})[1]
        case = ask("evil.test")
        self.assertIn("Rule: builtin/port.", case)
        status, body, _ = squid.ask({"method": "CONNECT", "scheme": "", "host": "bad.good.test", "port": 443})
        self.assertEqual(status, 403)
        for text in ("bad.good.test may not be reached", "Owner of the rule: org.security /security/egress_deny/0.",
                     "Rule: org/deny/bad.good.test.", "Allowed instead: *.other.example:8443", "www.good.test",
                     "Do not try other routes", "scc egress explain bad.good.test"):
            self.assertIn(text, body)

    def test_what_arrives_has_no_trace_of_the_client(self):
        listener = socket.create_server((world.PUBLIC4[1], 8081))
        self.addCleanup(listener.close)
        configured({"allow": ["both.good.test:8081"], "deny": []}, self.directory)
        squid = Squid(self.directory)
        self.addCleanup(squid.stop)
        with socket.create_connection(PROXY, 10) as connection:
            connection.sendall(b"GET http://both.good.test:8081/p?q HTTP/1.1\r\nHost: other.example\r\nProxy-Authorization: Basic eA==\r\n"
                               b"Proxy-Connection: keep-alive\r\nX-Forwarded-For: 10.0.0.1\r\nVia: 1.1 me\r\n\r\n")
            arrived = listener.accept()[0]
            text = arrived.recv(65536).decode().lower()
            arrived.close()
        self.assertIn("host: both.good.test:8081", text)  # the URL's, not the header's
        for header in ("proxy-", "x-forwarded-for", "via:", "other.example"):
            self.assertNotIn(header, text)


if __name__ == "__main__":
    if not os.path.exists(SQUID):
        if required():
            sys.exit("squid is not installed (Debian: squid-openssl)")
        print("squid is not installed\nOK (skipped=1)")
        sys.exit(0)
    if not os.environ.get("SCC_TEST_NAMESPACE"):
        enter_namespace()
    furnish()
    unittest.main()
