# SPDX-License-Identifier: Apache-2.0
"""web-egress-enforced with the real proxy: the agents reach their model and nothing else, or they do not start."""
import json
import os
import re
import subprocess
import time

import support
from lab import Lab
from proxy import Proxy

HOSTS = {"claude": "api.anthropic.com", "codex": "api.openai.com"}
# The agent's own tool tries another host, which the model API's network would answer, and the way around the proxy.
CURL = ("curl -sS -m 10 https://other.example.com/ 2>&1; curl -sS -m 10 -o /dev/null -w 'other=%{http_connect}\\n' https://other.example.com/ 2>/dev/null; "
        "sh ./past; true")
# The agents' own hooks look at the line of a tool call, not into a file.
PAST = "/usr/libexec/scc/real/curl -sS -m 5 --noproxy '*' https://api.anthropic.com/ 2>&1 | head -1\n"


def org(**defaults):
    return {"schema_version": "1.1.0",
            "organization": {"name": "Harrow Lake", "id": "harrow-lake", "contact": "platform@harrow.example"},
            "delegation": {"users": {"allow_network_settings": True}},
            "defaults": {"network_policy": "web-egress-enforced", **defaults}}


class EnforcedWorld:
    """What tests of the policy share; their classes name the engine and the way to the proxy."""

    engine = "docker"
    transport = "auto"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.need_engine(cls.engine)

    def enforced_world(self, lab=None, provider="command", defaults=None, engine=None, network=None, **config):
        world = self.world(uid=0, engine=engine or self.engine, plugins=provider == "command")
        path = os.path.join(world.home, "org.json")
        world.write(path, json.dumps(org(**(defaults or {}))))
        settings = {"selected_provider": provider, "organization_source": {"path": path}, **config}
        enforced = {"transport": self.transport, **(network or {})}
        if lab is not None:
            enforced = {"network": lab.info["network"], "dns": lab.info["dns"], "internal_blocks": [lab.info["subnet"]], **enforced}
            settings["tls"] = {"ca_file": lab.info["ca_file"]}
        settings["network"] = {"enforced": enforced}
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


class Enforced(EnforcedWorld):
    # ---- with the command provider, which is no agent ----

    def test_nothing_is_reachable_with_an_empty_list(self):
        world = self.enforced_world()
        repo = world.repo()
        done = self.ok(world.sh(repo, "echo $https_proxy; cat /etc/resolv.conf; ls /sys/class/net; "
                                      "curl -sS -m 10 -o /dev/null -w '%{http_connect}\\n' https://api.anthropic.com/ 2>/dev/null; "
                                      "curl -sS -m 10 -o /dev/null -w '%{http_code}\\n' http://192.0.2.9/; true"))
        lines = done.out.split()
        if self.transport == "internal":
            self.assertRegex(lines[0], r"^http://10\.213\.\d+\.\d+:3128$")
            self.assertEqual(sorted(lines[-4:-2]), ["eth0", "lo"], done)
            self.assertEqual(lines[-2:], ["403", "403"], done)
        else:
            self.assertEqual(lines[0], "http://127.0.0.1:3128")
            self.assertEqual(lines[-3:], ["lo", "403", "403"], done)
        self.assertIn(("api.anthropic.com", "deny"), self.decisions(world))
        self.assert_gone(world)
        world.assert_quiet(self)

    def test_the_record_is_sealed_in_the_audit_log(self):
        world = self.enforced_world()
        repo = world.repo()
        self.ok(world.sh(repo, "curl -sS -m 10 https://api.example.com/ 2>/dev/null; true"))
        session = self.record(world)[-1]["session"]
        path = os.path.join(world.state, "egress", session + ".jsonl")
        audit = self.ok(world.scc("audit", "show", "--event", "egress.", "--limit", "100", "--json")).data["events"]
        seal, = [line for line in audit if line["event_type"] == "egress.sealed"]
        self.assertEqual((seal["session"], seal["metadata"]["head"]), (session, self.record(world)[-1]["hash"]))
        self.assertIn("api.example.com:443", [line["subject"] for line in audit if line["event_type"] == "egress.denied"])
        self.assertEqual(self.ok(world.scc("audit", "verify", "--json")).data["sealed"], 1)
        with open(path, encoding="utf-8") as file:
            lines = file.readlines()
        with open(path, "w", encoding="utf-8") as file:
            file.writelines(lines[:-1])
        self.ok(world.scc("egress", "log", "--session", session))
        done = world.scc("audit", "verify")
        self.refused(done, 6)
        self.assertIn("were taken off the end", done.err)

    def test_what_the_engine_was_asked_for(self):
        world = self.enforced_world()
        repo = world.repo()
        child = self.start_sleeper(world, repo)
        roles = {self.inspect(world, one)["Config"]["Labels"]["scc.role"]: self.inspect(world, one) for one in world.containers()}
        self.assertEqual(set(roles), {"agent", "network"})
        proxy, agent = roles["network"], roles["agent"]
        if self.transport != "internal":
            self.assertEqual(agent["HostConfig"]["NetworkMode"], "none")
            self.assertEqual(proxy["Config"]["User"], "1000:1000")
        self.assertTrue(proxy["HostConfig"]["ReadonlyRootfs"])
        self.assertFalse(proxy["HostConfig"]["Privileged"])
        pid = proxy["State"]["Pid"]
        with open(f"/proc/{pid}/status", encoding="ascii") as file:
            status = dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
        self.assertEqual(status["CapBnd"], "0" * 16)
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(len(world.networks()), 2 if self.transport == "internal" else 1)
        told = self.ok(world.scc("status", "--json", cwd=repo)).data
        self.assertEqual(told["network_policy"], "web-egress-enforced")
        live = "internal" if self.transport == "internal" else "socket"
        told = self.ok(world.scc("status", cwd=repo))
        self.assertIn(f"over the transport {live}, ", told.out + told.err)
        self.end(world, child)

    def start_sleeper(self, world, repo, **more):
        child = world.popen("start", repo, "--", "/bin/sh", "-c", "echo up; sleep 60", **more)
        self.assertEqual(child.stdout.readline(), b"up\n", child.poll())
        return child

    def end(self, world, child):
        child.terminate()
        _, err = child.communicate(timeout=60)
        self.assert_gone(world)
        world.assert_quiet(self)
        return err.decode()

    def proxy_of(self, world):
        found = [self.inspect(world, one) for one in world.containers()]
        return next((one for one in found if one["Config"]["Labels"]["scc.role"] == "network"), None)

    def ask(self, world, name):
        """What a second process in the sandbox sees of the proxy; it starts only after the whole verification."""
        return world.scc("shell", name, "--", "/bin/sh", "-c",
                         "curl -sS -m 5 -o /dev/null -w '%{http_connect}\\n' https://api.anthropic.com/ 2>/dev/null; true")

    def test_a_killed_proxy_is_started_again_and_no_more_than_a_few_times(self):
        world = self.enforced_world()
        repo = world.repo()
        child = self.start_sleeper(world, repo)
        name = self.ok(world.scc("list", "--json")).data["sandboxes"][0]["name"]
        journal = os.path.join(world.state, "instances", name, "journal.jsonl")

        def revivals(phase):
            with open(journal, encoding="utf-8") as file:
                return sum(1 for line in file if json.loads(line)["op"] == "network.revive" and json.loads(line)["phase"] == phase)

        before = self.proxy_of(world)
        for count in (1, 2, 3):
            world.engine("kill", before["Id"])
            support.wait_for(lambda: revivals("done") == count, what=f"revival {count}")
            after = self.proxy_of(world)
            self.assertEqual(after["Id"], before["Id"], "it is another container")
            self.assertTrue(after["State"]["Running"])
            self.assertEqual(self.ok(self.ask(world, name)).out.split(), ["403"], "it does not deny what no rule lists")
        denied = len([line for line in self.record(world) if line["host"] == "api.anthropic.com"])
        self.assertEqual(denied, 3, "the decisions of a proxy that was started again are not recorded")
        # Once more: it stays ended, and without it nothing more starts in the sandbox.
        world.engine("kill", before["Id"])
        support.wait_for(lambda: revivals("failed") == 1, what="the end of it")
        self.assertFalse(self.proxy_of(world)["State"]["Running"])
        self.assertIn("proxy-denies", self.ok(self.ask(world, name), 5).err)
        err = self.end(world, child)
        self.assertEqual(err.count("proxy of this sandbox has ended"), 4, err)
        self.assertEqual(err.count("started again with the same rules"), 3, err)
        self.assertIn("the proxy stays ended: it has ended too often", err)

    def test_a_proxy_that_came_back_is_not_believed(self):
        """Its configuration is gone: what starts is not what was planned, so it is ended, and the sandbox has no way out."""
        world = self.enforced_world()
        repo = world.repo()
        child = self.start_sleeper(world, repo)
        name = self.ok(world.scc("list", "--json")).data["sandboxes"][0]["name"]
        conf = os.path.join(world.state, "instances", name, "files", "network", "squid.conf")
        with open(conf, encoding="ascii") as file:
            text = file.read()
        os.chmod(conf, 0o600)
        with open(conf, "w", encoding="ascii") as file:
            file.write(text.replace("deny_info 403:", "deny_info 404:"))
        os.chmod(conf, 0o444)
        proxy = self.proxy_of(world)
        world.engine("kill", proxy["Id"])
        support.wait_for(lambda: self.failed_revival(world, name), seconds=40, what="the refusal")
        self.assertFalse(self.proxy_of(world)["State"]["Running"])
        err = self.end(world, child)
        self.assertIn("the proxy stays ended", err)
        self.assertIn("proxy-denies", err)

    def failed_revival(self, world, name):
        with open(os.path.join(world.state, "instances", name, "journal.jsonl"), encoding="utf-8") as file:
            return any('"network.revive"' in line and '"failed"' in line for line in file)

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
        world = self.enforced_world(network={"dns": ["not an address"]})
        done = world.scc("start", world.repo(), "--dry-run", "--json", "--", "true")
        self.refused(done, 3, "egress.settings")
        self.assertEqual(self.everything(world), ([], []))

    def test_a_network_that_does_not_exist(self):
        world = self.enforced_world(network={"network": "no-such-network", "dns": ["192.0.2.53"]})
        done = world.scc("start", world.repo(), "--", "true")
        self.assertIn(done.code, (1, 4, 5), done)
        self.assertIn("error:", done.err)
        self.assertEqual(self.everything(world), ([], []))
        self.assertEqual(world.instances(), [])

    # ---- a proxy behind the proxy ----

    def run_words(self):
        """As the lab starts its containers: Podman with what works on every machine."""
        if self.engine == "docker":
            return ("run",)
        return ("--runtime", "runc", "--cgroup-manager", "cgroupfs", "run", "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024")

    def parent(self, lab, world):
        """Another Squid on the lab's network; returns (id, address)."""
        conf = world.write(os.path.join(world.dir, "parent.conf"),
                           "http_port 3128\nhttp_access allow all\ncache deny all\npid_filename none\ncoredump_dir none\n"
                           f"dns_nameservers {' '.join(lab.info['dns'])}\naccess_log stdio:/tmp/access.log\ncache_log /tmp/cache.log\n")
        made = world.engine(*self.run_words(), "-d", "--label", f"scc.state={world.state}", "--network", lab.info["network"], "--user", "1000:1000",
                            "--tmpfs", "/tmp:mode=1777", "-v", f"{conf}:/etc/parent.conf:ro", "--entrypoint", "/usr/sbin/squid",
                            "scc-egress-proxy:latest", "-N", "-f", "/etc/parent.conf").strip()
        networks = self.inspect(world, made)["NetworkSettings"]["Networks"]
        return made, networks[lab.info["network"]]["IPAddress"]

    def test_everything_goes_through_an_upstream_proxy(self):
        lab = Lab([{"text": "hello"}], engine=self.engine)
        self.addCleanup(lab.close)
        world = self.enforced_world(lab, defaults={"egress": {"allow": ["api.anthropic.com"]}})
        parent, address = self.parent(lab, world)
        enforced = {**world.settings["network"]["enforced"], "upstream_proxy": f"http://{address}:3128"}
        world.write_config(network={"enforced": enforced})
        repo = world.repo()
        script = ("for url in https://api.anthropic.com/ https://other.example.com/ https://" + address + "/; do "
                  "curl -sS -k -m 20 -o /dev/null -w '%{http_connect}\\n' $url 2>/dev/null; done; true")
        self.assertEqual(self.ok(world.sh(repo, script)).out.split(), ["200", "403", "403"])
        asked = [line.split()[6] for line in world.engine("exec", parent, "cat", "/tmp/access.log").splitlines()]
        asked = [what for what in asked if not what.startswith("error:")]  # connections that only look whether it is there
        self.assertEqual(asked, ["api.anthropic.com:443"], "what the rules refuse must not reach the upstream proxy")
        self.assertEqual({item["host"] for item in lab.report()["requests"]}, {"api.anthropic.com"})
        # Without it there is no other way.
        seen = len(lab.report()["requests"])
        world.engine("rm", "-f", parent)
        out = self.ok(world.sh(repo, script.replace("other.example.com", "api.anthropic.com"), timeout=120)).out.split()
        self.assertNotIn("200", out)
        self.assertEqual(len(lab.report()["requests"]), seen, "the proxy went past its upstream proxy")
        self.assert_gone(world)

    # ---- a policy that changes ----

    def test_a_policy_that_was_tightened_makes_the_sandbox_stale(self):
        world = self.enforced_world(defaults={"egress": {"allow": ["api.example.com", "docs.example.com"]}})
        repo = world.repo()
        child = self.start_sleeper(world, repo)

        def notes(**defaults):
            world.write(os.path.join(world.home, "org.json"), json.dumps(org(**defaults)))
            self.ok(world.scc("org", "update"))
            told = self.ok(world.scc("status", cwd=repo))
            return [line for line in (told.out + told.err).splitlines() if "is stale" in line]

        self.assertEqual(notes(egress={"allow": ["api.example.com", "docs.example.com", "more.example.com"]}), [], "wider is not stale")
        self.assertIn("not allowed any more: docs.example.com:443", notes(egress={"allow": ["api.example.com"]})[0])
        self.assertIn("locked-down-web now", notes(network_policy="locked-down-web")[0])
        self.end(world, child)

    def test_a_session_ends_when_the_policy_is_tightened_and_the_organisation_says_so(self):
        def defaults(**changes):
            return {"egress": {"allow": ["api.example.com", "docs.example.com"]}, "session": {"enforce_live": True}, **changes}

        def change(world, **changes):
            world.write(os.path.join(world.home, "org.json"), json.dumps(org(**defaults(**changes))))

        wide = ["api.example.com", "docs.example.com", "more.example.com"]
        for what, told in (({"egress": {"allow": ["api.example.com"]}}, "not allowed any more: docs.example.com:443"),
                           ({"network_policy": "locked-down-web"}, "locked-down-web"),
                           ({"allowed_providers": ["codex"]}, "a start would be refused now")):
            with self.subTest(told=told):
                world = self.enforced_world(defaults=defaults())
                repo = world.repo()
                world.env["SCC_TEST_LIVE_MS"] = "300"
                child = self.start_sleeper(world, repo)
                change(world, egress={"allow": wide})
                time.sleep(3)
                self.assertIsNone(child.poll(), "wider ends nothing")
                change(world, **what)
                _, err = child.communicate(timeout=60)
                self.assertEqual(child.returncode, 6, err)
                self.assertIn(told, err.decode())
                self.assertIn("session.enforce_live", err.decode())
                self.assert_gone(world)
                (record,) = self.ok(world.scc("session", "list", "--json")).data["sessions"]
                self.assertEqual(record["ended_by"], "policy")

    # ---- the agents ----

    def check_agent(self, provider, *argv):
        turns = [{"bash": CURL}, {"text": "The tool said: ${result:1}"}]
        lab = Lab(turns, engine=self.engine)
        self.addCleanup(lab.close)
        world = self.enforced_world(lab, provider, providers={provider: {"auth": "api_key"}})
        key = f"sk-ant-{world.suffix}" if provider == "claude" else f"sk-{world.suffix}"
        world.env["ANTHROPIC_API_KEY" if provider == "claude" else "OPENAI_API_KEY"] = key
        repo = world.repo(files={"past": PAST})
        done = self.ok(world.start(repo, *argv, timeout=180))
        self.assertIn("other=403", done.out, done)
        self.assertIn("scc refused this request", done.out, "the tool call was not told why")
        self.assertIn("Do not try other routes", done.out)
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


class Internal(Enforced):
    """The same over a network with nobody but the proxy, and what keeps it so."""

    transport = "internal"

    def network_of(self, world):
        names = [self.inspect(world, one) for one in world.networks()]
        return next(one for one in names if (one.get("Name") or one.get("name")).endswith("-egress"))

    def bridge_of(self, world):
        network = self.network_of(world)
        return network.get("network_interface") or "br-" + network["Id"][:12]

    def test_nobody_but_the_proxy_is_there(self):
        world = self.enforced_world()
        repo = world.repo()
        child = self.start_sleeper(world, repo)
        name = self.ok(world.scc("list", "--json")).data["sandboxes"][0]["name"]
        shown = subprocess.run(("ip", "-o", "-4", "addr", "show", "dev", self.bridge_of(world)), capture_output=True, text=True,
                               check=True).stdout
        self.assertEqual(shown, "", "the host has an address on the sandbox's network")
        with open(os.path.join(world.state, "instances", name, "evidence.json"), encoding="utf-8") as file:
            network = json.load(file)["network"]
        self.assertEqual(network["addresses"], [network["address"].split("/")[0]])
        self.assertGreater(len(network["unreachable"]), 1, "no listener of this machine was tried")
        self.assertEqual((network["reached"], network["answered"], network["routes"], network["resolvers"]), ([], [], [], []))
        own = network["address"].split("/")[0]
        script = (f"cat /proc/net/if_inet6 | grep -v ' lo$'; curl -sS -m 3 --noproxy '*' -o /dev/null http://{own.rsplit('.', 1)[0]}.1/ 2>&1; "
                  "getent hosts example.com; echo end")
        seen = self.ok(world.scc("shell", name, "--", "/bin/sh", "-c", script)).out
        self.assertTrue(seen.endswith("end\n"), seen)
        self.assertNotIn("eth0", seen, "there is IPv6")
        self.end(world, child)

    def test_a_host_that_comes_onto_the_network_is_noticed(self):
        """The wall is broken while the session runs: nothing more starts in it."""
        world = self.enforced_world()
        repo = world.repo()
        child = self.start_sleeper(world, repo)
        name = self.ok(world.scc("list", "--json")).data["sandboxes"][0]["name"]
        self.assertEqual(self.ok(self.ask(world, name)).out.split(), ["403"])
        with open(os.path.join(world.state, "instances", name, "evidence.json"), encoding="utf-8") as file:
            address = json.load(file)["network"]["address"]
        first = re.sub(r"(\d+)/29", lambda last: str(int(last[1]) - 2) + "/29", address)
        subprocess.run(("ip", "addr", "add", first, "dev", self.bridge_of(world)), check=True)
        refused = self.ok(self.ask(world, name), 5)
        # The checker sees it; where the kernel does not ask for the address again so soon, this machine's own list does.
        self.assertRegex(refused.err + refused.out, f"host-listeners|this machine has the address {re.escape(first.split('/')[0])} ")
        self.end(world, child)

    def test_another_container_cannot_ask_the_proxy(self):
        """Neither where the proxy reaches the web, nor as a stranger on the sandbox's own network."""
        world = self.enforced_world(defaults={"egress": {"allow": ["api.anthropic.com"]}})
        repo = world.repo()
        child = self.start_sleeper(world, repo)
        proxy = self.proxy_of(world)
        networks = proxy["NetworkSettings"]["Networks"]
        script = ("exec 3<>/dev/tcp/$0/3128 || { echo shut; exit; }; printf 'CONNECT api.anthropic.com:443 HTTP/1.1\\r\\n\\r\\n' >&3; "
                  "timeout 5 head -1 <&3 | cut -d' ' -f2")

        def ask(network):
            return world.engine(*self.run_words(), "--rm", "--label", f"scc.state={world.state}", "--network", network, "--entrypoint", "/bin/bash",
                                "scc-egress-proxy:latest", "-c", script, networks[network]["IPAddress"]).strip()

        self.assertEqual(ask(next(name for name in networks if name.endswith("-uplink"))), "shut")
        self.assertEqual(ask(next(name for name in networks if name.endswith("-egress"))), "403")
        self.assertIn(("api.anthropic.com", "deny"), self.decisions(world))
        self.end(world, child)


class OnDocker(Enforced, support.Case):
    engine = "docker"


class OnPodman(Enforced, support.Case):
    engine = "podman"


class InternalOnDocker(Internal, support.Case):
    engine = "docker"

    def weakened(self, find, replace):
        """A world whose engine gets another request than scc made, of the same length."""
        self.assertEqual(len(find), len(replace))
        path = f"/tmp/scc-e2e-{os.getpid()}-{len(find)}.sock"
        if os.path.exists(path):
            os.unlink(path)
        self.touched = 0

        def rewrite(data):
            self.touched += data.count(find)
            return data.replace(find, replace)

        proxy = Proxy(path, rewrite=rewrite)
        self.addCleanup(os.unlink, path)
        self.addCleanup(proxy.close)
        return self.enforced_world(engine=proxy.host)

    def check_refused(self, find, replace, *checks):
        world = self.weakened(find, replace)
        done = world.start(world.repo(), "true")
        self.assertGreater(self.touched, 0, "nothing was weakened")
        self.assertEqual(done.code, 5, done)
        for check in checks:
            self.assertIn(check, done.out + done.err)
        self.assertEqual(self.everything(world), ([], []))
        self.assertEqual(world.instances(), [])
        world.assert_quiet(self)

    def test_a_network_with_a_host_on_it_is_refused(self):
        """What an engine that ignores the option gives."""
        self.check_refused(b'"com.docker.network.bridge.inhibit_ipv4":"true"', b'"com.docker.network.bridge.inhibit_ipv4":"f"   ',
                           "network-gateway", "host-listeners")


class InternalOnPodman(Internal, support.Case):
    engine = "podman"
    # Known and open: a proxy with two networks does not answer again after this engine started it anew, so it stays ended.
    test_a_killed_proxy_is_started_again_and_no_more_than_a_few_times = None
    test_a_proxy_that_came_back_is_not_believed = None

    @classmethod
    def setUpClass(cls):
        """Where Docker lives its policy for the bridges of others is to drop what goes over them, so a proxy on one is out of reach
        and no sandbox starts. The tests let the pool through, as an administrator of both engines would."""
        super().setUpClass()
        pool = ("-s", "10.213.0.0/16", "-d", "10.213.0.0/16", "-m", "comment", "--comment", f"scc-e2e-{os.getpid()}", "-j", "ACCEPT")
        subprocess.run((*support.root_prefix(), "iptables", "-I", "FORWARD", *pool), check=True)
        cls.addClassCleanup(subprocess.run, (*support.root_prefix(), "iptables", "-D", "FORWARD", *pool), check=True)


if __name__ == "__main__":
    support.main()
