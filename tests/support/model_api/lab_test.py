# SPDX-License-Identifier: Apache-2.0
# Tests of the lab on a real Docker: the model API answers, and whatever else a
# container on its network tries is refused, recorded and reported. Needs an image
# scc-base; without Docker or the image the tests are skipped, or fail where
# SCC_REQUIRE_ENGINES=1.
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
LAB = os.path.join(HERE, "lab.py")
BASE = os.environ.get("SCC_TEST_BASE_IMAGE", "")


def run(*argv, check=True):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    if check and done.returncode:
        raise AssertionError(f"{argv} failed:\n{done.stdout}{done.stderr}")
    return done


def lab(verb, suffix, *more, check=True):
    return run(sys.executable, LAB, verb, "--suffix", suffix, *more, check=check)


def up(suffix, *more):
    base = ("--base", BASE) if BASE else ()
    return json.loads(lab("up", suffix, "--json", *base, *more).stdout)


def missing():
    """Why the tests cannot run, or nothing."""
    try:
        run("docker", "version")
    except (AssertionError, FileNotFoundError):
        return "no Docker engine"
    if not BASE and not run("docker", "images", "-q", "scc-base").stdout.strip():
        return "no image scc-base; run: scc image build base"
    return ""


def setUpModule():
    reason = missing()
    if reason and os.environ.get("SCC_REQUIRE_ENGINES") == "1":
        raise AssertionError(reason)
    if reason:
        raise unittest.SkipTest(reason)


class Client:
    """Runs commands in a container of the lab's network, without capabilities."""

    def __init__(self, info):
        self.info = info

    def run(self, *argv, check=False):
        return run(
            "docker", "run", "--rm", "--pull", "never", "--network", self.info["network"], "--dns", self.info["dns"][0],
            "--label", f"scc-lab={self.info['suffix']}", "--user", "1000:1000", "--cap-drop", "ALL", "--read-only",
            "-v", f"{self.info['ca_file']}:/ca.crt:ro", self.info["image"], *argv, check=check)

    def curl(self, *argv):
        return self.run("curl", "-sS", "-m", "5", "--cacert", "/ca.crt", "-o", "/dev/stdout", *argv)


class HostListener:
    """Counts the connections that reach this machine itself."""

    def __init__(self):
        self.accepted = 0
        self.socket = socket.create_server(("0.0.0.0", 0))
        self.port = self.socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                self.socket.accept()[0].close()
            except OSError:
                return
            self.accepted += 1

    def close(self):
        self.socket.close()


def host_addresses():
    """This machine's own IPv4 addresses, the engine's bridge among them."""
    listing = json.loads(run("ip", "-j", "-4", "address").stdout)
    return [entry["local"] for link in listing for entry in link["addr_info"] if not entry["local"].startswith("127.")]


class LabTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.suffix = "t" + secrets.token_hex(4)
        cls.info = up(cls.suffix)
        cls.client = Client(cls.info)

    @classmethod
    def tearDownClass(cls):
        lab("down", cls.suffix)

    def lines(self):
        done = lab("assert", self.suffix, check=False)
        self.assertIn(done.returncode, (0, 1), done.stderr)
        self.assertEqual(done.returncode == 0, done.stderr == "")
        return done.stderr.splitlines()

    def test_1_the_model_api_answers_and_the_recorder_is_content(self):
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "go"}], "tools": [{"name": "Bash"}]})
        done = self.client.curl("https://api.anthropic.com/v1/messages?beta=true", "-H", "x-api-key: secret-canary",
                                "-d", body)
        self.assertEqual(json.loads(done.stdout)["content"][0]["name"], "Bash", done.stderr)
        self.assertEqual(self.lines(), [])
        record = json.loads(lab("report", self.suffix).stdout)["requests"][-1]
        self.assertEqual((record["path"], record["played"], record["tls"]), ("/v1/messages?beta=true", "Bash", True))
        self.assertEqual(len(record["auth"]["x-api-key"]), 64)
        with tempfile.TemporaryDirectory() as folder:
            lab("logs", self.suffix, "--to", folder)
            with open(os.path.join(folder, "requests.jsonl"), encoding="utf-8") as file:
                self.assertNotIn("secret-canary", file.read())

    def test_2_unknown_paths_end_quickly(self):
        done = self.client.curl("-w", "%{http_code}", "https://api.anthropic.com/api/claude_code/settings")
        self.assertTrue(done.stdout.endswith("404"), done.stdout)

    def test_3_certificates_are_checked(self):
        done = self.client.run("curl", "-sS", "-m", "5", "https://api.anthropic.com/")
        self.assertEqual(done.returncode, 60, done.stderr)

    def test_4_an_address_outside_is_refused_and_reported(self):
        for url, expected in (
            ("http://192.0.2.7/", "packet to 192.0.2.7 tcp port 80"),
            ("https://192.0.2.7/", "packet to 192.0.2.7 tcp port 443"),
            (f"http://{self.info['gateway']}/", f"packet to {self.info['gateway']} tcp port 80"),
            (f"http://{self.info['address']}:8080/", f"packet to {self.info['address']} tcp port 8080"),
        ):
            self.assertEqual(self.client.curl(url).returncode, 7, url)
            self.assertTrue(any(line.startswith(expected) for line in self.lines()), expected)

    def test_5_a_datagram_outside_is_reported(self):
        self.client.run("bash", "-c", "echo x > /dev/udp/192.0.2.9/53")
        self.assertTrue(any(line.startswith("packet to 192.0.2.9 udp port 53") for line in self.lines()))

    def test_6_a_foreign_name_does_not_exist_and_is_reported(self):
        self.assertEqual(self.client.curl("http://example.invalid/").returncode, 6)
        self.assertTrue(any(line.startswith("name asked: example.invalid") for line in self.lines()))

    def test_7_a_foreign_server_name_at_our_address_is_reported(self):
        self.client.curl("-k", "--resolve", f"evil.example:443:{self.info['address']}", "https://evil.example/")
        self.assertIn("TLS server name: evil.example", self.lines())
        self.assertIn("HTTP host: evil.example", self.lines())

    def test_8_this_machine_cannot_be_reached(self):
        listener = HostListener()
        self.addCleanup(listener.close)
        with socket.create_connection(("127.0.0.1", listener.port), 5):
            pass  # the listener works
        addresses = host_addresses()
        self.assertTrue(addresses)
        for address in addresses:
            self.assertNotEqual(self.client.curl(f"http://{address}:{listener.port}/").returncode, 0)
            self.assertTrue(any(f"packet to {address} tcp port {listener.port}" in line for line in self.lines()))
        self.assertLessEqual(listener.accepted, 1)

    def test_9_the_model_api_itself_has_no_way_out(self):
        routes = run("docker", "exec", self.info["container"], "ip", "-4", "route").stdout.splitlines()
        self.assertTrue(any(line.startswith("unreachable default") for line in routes), routes)
        self.assertFalse(any(line.startswith("default") for line in routes), routes)
        done = run("docker", "exec", self.info["container"], "curl", "-sS", "-m", "5", "http://192.0.2.7/", check=False)
        self.assertEqual(done.returncode, 7, done.stderr)


class LifeTest(unittest.TestCase):
    def objects(self, suffix):
        flt = f"label=scc-lab={suffix}"
        return run("docker", "ps", "-aq", "--filter", flt).stdout + run("docker", "network", "ls", "-q", "--filter", flt).stdout

    def test_labs_are_separate_and_leave_nothing(self):
        one, two = "t" + secrets.token_hex(4), "t" + secrets.token_hex(4)
        self.addCleanup(lab, "down", one)
        self.addCleanup(lab, "down", two)
        first, second = up(one), up(two)
        self.assertNotEqual(first["subnet"], second["subnet"])
        Client(first).curl("http://192.0.2.7/")
        self.assertEqual(lab("assert", one, check=False).returncode, 1)
        self.assertEqual(lab("assert", two, check=False).returncode, 0)
        again = lab("up", one, check=False)
        self.assertEqual(again.returncode, 2)
        self.assertIn("down --suffix", again.stderr)
        lab("down", one)
        self.assertEqual(self.objects(one), "")
        self.assertFalse(os.path.exists(first["directory"]))
        self.assertEqual(lab("assert", two, check=False).returncode, 0)

    def test_a_script_of_ones_own(self):
        suffix = "t" + secrets.token_hex(4)
        self.addCleanup(lab, "down", suffix)
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"schema": "scc.model-script/1", "turns": [{"text": "my own: ${prompt}"}]}, file)
            file.flush()
            client = Client(up(suffix, "--script", file.name))
        body = json.dumps({"model": "m", "messages": [{"role": "user", "content": "go"}], "tools": [{"name": "Bash"}]})
        done = client.curl("https://api.anthropic.com/v1/messages", "-d", body)
        self.assertEqual(json.loads(done.stdout)["content"][0]["text"], "my own: go")

    def test_a_bad_script_is_told_and_leaves_nothing(self):
        suffix = "t" + secrets.token_hex(4)
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            file.write('{"schema":"scc.model-script/1","turns":[]}')
            file.flush()
            base = ("--base", BASE) if BASE else ()
            done = lab("up", suffix, "--script", file.name, *base, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("'turns' must be a list", done.stderr)
        self.assertEqual(self.objects(suffix), "")


if __name__ == "__main__":
    unittest.main()
