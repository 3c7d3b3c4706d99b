# SPDX-License-Identifier: Apache-2.0
"""The model API for a test class: a network without a way out with the vendor's hosts on it, and what was seen there."""
import hashlib
import json
import os
import secrets
import subprocess
import sys

import support


def lab(*argv, check=True):
    done = subprocess.run([sys.executable, "-B", support.LAB, *argv], capture_output=True, text=True, check=False, timeout=200)
    if check and done.returncode:
        raise AssertionError(f"lab.py {argv}: {done.stderr}")
    return done


class Lab:
    def __init__(self, turns):
        self.suffix = "e2e-" + secrets.token_hex(4)
        script = f"/tmp/scc-{self.suffix}.json"
        with open(script, "w", encoding="utf-8") as file:
            json.dump({"schema": "scc.model-script/1", "turns": turns}, file)
        try:
            self.info = json.loads(lab("up", "--suffix", self.suffix, "--script", script, "--bodies").stdout)
        finally:
            os.unlink(script)
        os.chmod(self.info["directory"], 0o755)

    def config(self):
        """What a user writes into config.json to have scc use this network."""
        return {"network": {"open": {"network": self.info["network"], "dns": self.info["dns"]}},
                "tls": {"ca_file": self.info["ca_file"]}}

    def report(self):
        return json.loads(lab("report", "--suffix", self.suffix).stdout)

    def assert_clean(self, case, *allow):
        done = lab("assert", "--suffix", self.suffix, *(f"--allow={host}" for host in allow), check=False)
        case.assertEqual(done.returncode, 0, done.stderr)

    def close(self):
        lab("down", "--suffix", self.suffix, check=False)


def digest(key):
    return hashlib.sha256(key.encode()).hexdigest()
