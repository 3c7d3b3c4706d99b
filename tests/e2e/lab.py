# SPDX-License-Identifier: Apache-2.0
"""The model API for a test class: a network without a way out with the vendor's hosts on it, and what was seen there."""
import hashlib
import json
import os
import secrets
import subprocess
import sys
import tempfile

import support


def lab(*argv, engine="docker", check=True):
    done = subprocess.run([sys.executable, "-B", support.LAB, *argv, "--engine", engine], capture_output=True, text=True, check=False, timeout=200)
    if check and done.returncode:
        raise AssertionError(f"lab.py {argv}: {done.stderr}")
    return done


class Lab:
    def __init__(self, turns, engine="docker"):
        self.engine = engine
        self.suffix = "e2e-" + secrets.token_hex(4)
        script = f"/tmp/scc-{self.suffix}.json"
        with open(script, "w", encoding="utf-8") as file:
            json.dump({"schema": "scc.model-script/1", "turns": turns}, file)
        try:
            self.info = json.loads(lab("up", "--suffix", self.suffix, "--script", script, "--bodies", engine=engine).stdout)
        finally:
            os.unlink(script)
        os.chmod(self.info["directory"], 0o755)

    def config(self):
        """What a user writes into config.json to have scc use this network."""
        return {"network": {"open": {"network": self.info["network"], "dns": self.info["dns"]}},
                "tls": {"ca_file": self.info["ca_file"]}}

    def report(self):
        return json.loads(lab("report", "--suffix", self.suffix, engine=self.engine).stdout)

    def bodies(self, prompt):
        """The bodies of the requests that carry this prompt, in the order of their arrival."""
        with tempfile.TemporaryDirectory() as folder:
            lab("logs", "--suffix", self.suffix, "--to", folder, engine=self.engine)
            found = []
            for top, _, files in os.walk(folder):
                for name in sorted(files):
                    if top.endswith("bodies"):
                        with open(os.path.join(top, name), encoding="utf-8", errors="replace") as file:
                            found.append(file.read())
        return [text for text in found if prompt in text]

    def assert_clean(self, case, *allow):
        done = lab("assert", "--suffix", self.suffix, *(f"--allow={host}" for host in allow), engine=self.engine,
                   check=False)
        case.assertEqual(done.returncode, 0, done.stderr)

    def close(self):
        lab("down", "--suffix", self.suffix, engine=self.engine, check=False)


def digest(key):
    return hashlib.sha256(key.encode()).hexdigest()
