# SPDX-License-Identifier: Apache-2.0
"""web-egress-enforced with the real proxy: the agents reach their model and nothing else, or they do not start."""
import json
import os

import support
from lab import Lab

HOSTS = {"claude": "api.anthropic.com", "codex": "api.openai.com"}
# The agent's own tool tries another host, which the model API's network would answer, and the way around the proxy.
CURL = ("curl -sS -m 10 -o /dev/null -w 'other=%{http_connect}\\n' https://other.example.com/ 2>/dev/null; "
        "/usr/libexec/scc/real/curl -sS -m 5 --noproxy '*' https://api.anthropic.com/ 2>&1 | head -1; true")


def org(**defaults):
    return {"schema_version": "1.1.0",
            "organization": {"name": "Harrow Lake", "id": "harrow-lake", "contact": "platform@harrow.example"},
            "defaults": {"network_policy": "web-egress-enforced", **defaults}}


class Enforced:
    """What the classes below share; they name the engine."""

    engine = "docker"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.need_engine(cls.engine)

    def enforced_world(self, lab=None, provider="command", defaults=None, **config):
        world = self.world(uid=0, engine=self.engine, plugins=provider == "command")
        path = os.path.join(world.home, "org.json")
        world.write(path, json.dumps(org(**(defaults or {}))))
        settings = {"selected_provider": provider, "organization_source": {"path": path}, **config}
        if lab is not None:
            settings["network"] = {"enforced": {"network": lab.info["network"], "dns": lab.info["dns"],
                                                "internal_blocks": [lab.info["subnet"]]}}
            settings["tls"] = {"ca_file": lab.info["ca_file"]}
        world.write_config(**settings)
        return world

    def everything(self, world):
        return world.containers(), world.networks()

    def assert_gone(self, world):
        self.assertEqual(world.networks(), [], "a network was left")
        names = [self.inspect(world, one)["Config"]["Labels"]["scc.role"] for one in world.containers()]
        self.assertNotIn("network", names, "a proxy was left")

    def inspect(self, world, one):
        return json.loads(world.engine("inspect", one))[0]

    def record(self, world):
        folder = os.path.join(world.state, "egress")
        lines = []
        for name in sorted(os.listdir(folder)) if os.path.isdir(folder) else ():
            if name.endswith(".jsonl"):
                with open(os.path.join(folder, name), encoding="utf-8") as file:
                    lines += [json.loads(line) for line in file]
        return lines

    def decisions(self, world):
        """What was asked, without the questions of the launch itself."""
        return {(line["host"], line["verdict"]) for line in self.record(world) if not line["host"].startswith("scc-")}

    # ---- with the command provider, which is no agent ----

    def test_nothing_is_reachable_with_an_empty_list(self):
        world = self.enforced_world()
        repo = world.repo()
        done = self.ok(world.sh(repo, "echo $https_proxy; cat /etc/resolv.conf; ls /sys/class/net; "
                                      "curl -sS -m 10 -o /dev/null -w '%{http_connect}\\n' https://api.anthropic.com/ 2>/dev/null; "
                                      "curl -sS -m 10 -o /dev/null -w '%{http_code}\\n' http://192.0.2.9/; true"))
        lines = done.out.split()
        self.assertEqual(lines[0], "http://127.0.0.1:3128")
        self.assertEqual(lines[-3:], ["lo", "403", "403"], done)
        self.assertIn(("api.anthropic.com", "deny"), self.decisions(world))
        self.assert_gone(world)
        world.assert_quiet(self)

    def test_what_the_engine_was_asked_for(self):
        world = self.enforced_world()
        repo = world.repo()
        child = world.popen("start", repo, "--", "/bin/sh", "-c", "echo up; sleep 20")
        self.assertEqual(child.stdout.readline(), b"up\n")
        roles = {self.inspect(world, one)["Config"]["Labels"]["scc.role"]: self.inspect(world, one) for one in world.containers()}
        self.assertEqual(set(roles), {"agent", "network"})
        proxy, agent = roles["network"], roles["agent"]
        self.assertEqual(agent["HostConfig"]["NetworkMode"], "none")
        self.assertTrue(proxy["HostConfig"]["ReadonlyRootfs"])
        self.assertFalse(proxy["HostConfig"]["Privileged"])
        self.assertEqual(proxy["Config"]["User"], "1000:1000")
        pid = proxy["State"]["Pid"]
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual(status["CapBnd"], "0" * 16)
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(len(world.networks()), 1)
        told = self.ok(world.scc("status", "--json", cwd=repo)).data
        self.assertEqual(told["network_policy"], "web-egress-enforced")
        # The proxy is killed: nothing is reachable, and the user is told.
        world.engine("kill", proxy["Id"])
        name = self.ok(world.scc("list", "--json")).data["sandboxes"][0]["name"]
        gone = self.ok(world.scc("shell", name, "--", "/bin/sh", "-c",
                                 "curl -sS -m 5 https://api.anthropic.com/ >/dev/null 2>&1; echo $?"), 5)
        self.assertIn("proxy-denies", gone.err, "without its proxy the sandbox proves nothing, and nothing more starts in it")
        child.terminate()
        _, err = child.communicate(timeout=60)
        self.assertIn(b"proxy of this sandbox has ended", err)
        self.assert_gone(world)
        world.assert_quiet(self)

    def test_a_killed_scc_leaves_nothing_after_prune(self):
        world = self.enforced_world()
        repo = world.repo()
        for point in ("network.apply:before", "network.apply:after", "sandbox.start:after", "network.verify:after", "agent.exec:before"):
            with self.subTest(point=point):
                child = world.popen("start", repo, "--", "/bin/sh", "-c", "sleep 30", env={"SCC_TEST_KILL_AT": point})
                child.communicate(timeout=90)
                self.assertEqual(child.returncode, -9, f"it was not killed at {point}")
                self.ok(world.scc("prune"))
                self.assertEqual(self.everything(world), ([], []))
                self.assertEqual(world.instances(), [])

    def test_a_configuration_that_the_proxy_refuses(self):
        """Name servers that Squid cannot read reach it through the user's own setting: refused before any file is written."""
        world = self.enforced_world(network={"enforced": {"dns": ["not an address"]}})
        done = world.scc("start", world.repo(), "--dry-run", "--json", "--", "true")
        self.refused(done, 3, "egress.settings")
        self.assertEqual(self.everything(world), ([], []))

    def test_a_network_that_does_not_exist(self):
        world = self.enforced_world(network={"enforced": {"network": "no-such-network", "dns": ["192.0.2.53"]}})
        done = world.scc("start", world.repo(), "--", "true")
        self.assertIn(done.code, (1, 4, 5), done)
        self.assertIn("error:", done.err)
        self.assertEqual(self.everything(world), ([], []))
        self.assertEqual(world.instances(), [])

    # ---- the agents ----

    def check_agent(self, provider, *argv):
        turns = [{"bash": CURL}, {"text": "The tool said: ${result:1}"}]
        lab = Lab(turns, engine=self.engine)
        self.addCleanup(lab.close)
        world = self.enforced_world(lab, provider, providers={provider: {"auth": "api_key"}})
        key = f"sk-ant-{world.suffix}" if provider == "claude" else f"sk-{world.suffix}"
        world.env["ANTHROPIC_API_KEY" if provider == "claude" else "OPENAI_API_KEY"] = key
        repo = world.repo()
        done = self.ok(world.start(repo, *argv, timeout=180))
        self.assertIn("other=403", done.out, done)
        asked = self.decisions(world)
        self.assertIn((HOSTS[provider], "allow"), asked)
        self.assertIn(("other.example.com", "deny"), asked)
        self.assertEqual({host for host, verdict in asked if verdict == "allow"} - {"chatgpt.com", "auth.openai.com"}, {HOSTS[provider]})
        hosts = {item["host"] for item in lab.report()["requests"]}
        self.assertIn(HOSTS[provider], hosts)
        self.assertNotIn("other.example.com", hosts)
        self.assert_gone(world)
        world.assert_quiet(self)

    def test_claude(self):
        self.check_agent("claude", "-p", "try another host")

    def test_codex(self):
        self.check_agent("codex", "exec", "try another host")


class OnDocker(Enforced, support.Case):
    engine = "docker"


class OnPodman(Enforced, support.Case):
    engine = "podman"


if __name__ == "__main__":
    support.main()
