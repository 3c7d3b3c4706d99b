# SPDX-License-Identifier: Apache-2.0
"""scc prove on real engines: nothing gets out of a sandbox as it is, and each wall that is taken down on purpose is missed by a
named probe. All targets are scc prove's own containers and listeners; its network has no way out."""
import concurrent.futures
import glob
import json
import os
import signal
import stat
import subprocess
import time

import packets
import schema
import support

# The wall, and the probes of which each must see that it is down. launch/gate: the launch refuses it first.
LEAKS = {
    # of the sandbox
    "uplink": ("launch/gate",),
    "bridge": ("launch/gate",),
    "engine-socket": ("launch/gate",),
    "socket-unseen": ("launch/gate",),
    "uplink-unseen": ("raw/tcp", "raw/udp", "raw/udp-443", "raw/icmp", "env/unset", "dns/udp-53", "dns/tcp-53", "sandbox/other",
                      "namespace/interfaces", "record/arrived"),
    "resolver-unseen": ("dns/resolver", "record/arrived"),
    "bridge-unseen": ("host/gateway", "route/internet", "metadata/link-local", "namespace/interfaces"),
    # of the proxy's rules
    "allow-all": ("launch/gate",),
    "unlisted": ("launch/gate",),
    "addresses": ("name/loopback", "name/zero", "name/host", "name/mixed"),
    "loopback": ("name/loopback", "name/mixed"),
    "reverse-lookup": ("literal/plain", "record/arrived"),
    "plain-http": ("port/53", "port/853", "port/8443", "http/plain", "http/upgrade", "record/arrived"),
    "manager": ("proxy/manager",),
    "listen-everywhere": ("proxy/third-container",),
    "lookup-first": ("record/arrived",),
    "name-as-pattern": ("trick/suffix", "trick/prefix", "trick/below", "record/arrived"),
    "parent-domain": ("trick/below", "record/arrived"),
}
AT_ONCE = 3  # a proof mostly waits for what does not answer


def probes(report, verdict):
    return {one["name"] for one in report["probes"] if one["verdict"] == verdict}


class Prove:
    """What the classes below share; they name the engine."""

    engine = "docker"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.need_engine(cls.engine)

    def prove(self, world, *args, code=0, **more):
        return self.report(world.scc("prove", "--json", *args, timeout=240, **more), code)

    def report(self, done, code):
        self.ok(done, code)
        with open(os.path.join(support.SCHEMAS, "cli-proof-1.json"), encoding="utf-8") as file:
            schema.check(done.data, json.load(file))
        return done.data

    def assert_nothing_left(self, world):
        self.assertEqual(world.containers(), [], "a container was left")
        self.assertEqual(world.instances(), [], "an instance was left")
        self.assertEqual([path for path in glob.glob("/tmp/scc-prove-*") if os.stat(path).st_uid in (world.uid, 1000)], [])
        world.assert_quiet(self)

    def check_proved(self, policy, more_than, *args):
        world = self.world(engine=self.engine)
        data = self.prove(world, "--policy", policy, *args)
        self.assertEqual(data["verdict"], "proved", [one for one in data["probes"] if one["verdict"] != "refused"])
        self.assertEqual(data["counts"]["escaped"], 0)
        self.assertEqual(data["counts"]["inconclusive"], 0)
        self.assertEqual(data["counts"]["skipped"], 0, [one for one in data["probes"] if one["verdict"] == "skipped"])
        self.assertGreater(data["counts"]["refused"], more_than)
        self.assert_nothing_left(world)
        with open(data["file"], encoding="utf-8") as file:
            self.assertEqual(json.load(file), {key: value for key, value in data.items() if key != "file"})
        self.assertEqual(stat.S_IMODE(os.stat(data["file"]).st_mode), 0o600)
        self.assertEqual(self.ok(world.scc("session", "list", "--json")).data["sessions"], [], "a proof is no session")
        return data

    def test_enforced_lets_nothing_out(self):
        """Beside what the stand-in itself writes down, every packet to it on any interface of this machine is looked at."""
        self.need_root()
        with packets.Recorder(support.root_prefix()) as recorder:
            data = self.check_proved("web-egress-enforced", 110, "--transport", "socket")
        names = {line.split()[3] for line in data["arrived"] if line.startswith("dns-") and " 53 1 " in line}
        self.assertTrue(any(name.startswith("web.") for name in names), "the allowed name was asked for")
        self.assertEqual([name for name in names if not name.endswith(".scc-prove.example")], [], "no canary arrived")
        self.check_packets(recorder, data["arrived"])

    def check_packets(self, recorder, arrived):
        peer = next(line.rsplit(" ", 1)[1] for line in arrived if " control-" in line)
        proxies = {line.rsplit(" ", 1)[1] for line in arrived} - {peer}
        self.assertIn(len(proxies), (1, 2), "the one that was started again may have another address")
        stand_in = {one.target for one in recorder.packets if one.source in proxies and one.kind == "udp" and one.port == 53}
        self.assertEqual(len(stand_in), 1, "the proxy asks one name server")
        stand_in = stand_in.pop()
        there = [one for one in recorder.packets if one.target == stand_in]
        self.assertGreaterEqual({one.kind for one in there if one.source == peer}, {"tcp", "udp", "icmp"}, "the recorder sees packets")
        self.assertEqual({one.source for one in there} - proxies - {peer}, set(), "nobody else reaches the stand-in")
        self.assertEqual({(one.kind, one.port) for one in there if one.source in proxies} - {("udp", 53), ("tcp", 443)}, set())
        # What the proxy sends goes to its name server, which is the stand-in, and nowhere else.
        self.assertEqual({one.target for one in recorder.packets if one.source in proxies} - {stand_in, peer}, set())
        foreign = [one for one in recorder.packets if one.target in packets.FOREIGN]
        self.assertEqual(foreign, [], "a packet for an address that nobody here has")

    def test_a_network_with_the_proxy_lets_nothing_out_either(self):
        data = self.check_proved("web-egress-enforced", 110, "--transport", "internal")
        self.assertEqual(data["transport"], "internal")

    def test_locked_down_lets_nothing_out(self):
        data = self.check_proved("locked-down-web", 20)
        peers = {line.rsplit(" ", 1)[1] for line in data["arrived"]}
        self.assertEqual(len(peers), 1, "nobody but the peer, which is the control, reached the stand-in")

    def test_open_claims_nothing(self):
        world = self.world(engine=self.engine)
        data = self.prove(world, "--policy", "open")
        self.assertEqual(data["verdict"], "open")
        self.assertIn("route/internet", probes(data, "reachable"))
        self.assertEqual(data["counts"]["escaped"], 0)
        self.assert_nothing_left(world)

    def test_every_wall_that_is_taken_down_is_missed(self):
        world = self.world(engine=self.engine)

        def weakened(leak):
            return world.scc("prove", "--json", "--policy", "web-egress-enforced", "--seed-leak", leak, timeout=480)

        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            all_done = dict(zip(LEAKS, pool.map(weakened, LEAKS)))
        for leak, named in LEAKS.items():
            with self.subTest(leak=leak):
                data = self.report(all_done[leak], 7)
                self.assertEqual(data["verdict"], "escaped")
                self.assertEqual(data["seed_leak"], leak)
                escaped = probes(data, "escaped")
                self.assertEqual(set(named) - escaped, set(), f"escaped: {sorted(escaped)}")
        self.assert_nothing_left(world)

    def test_people_get_a_table(self):
        world = self.world(engine=self.engine)
        done = self.ok(world.scc("prove", "--policy", "locked-down-web", timeout=240))
        self.assertIn("raw/tcp", done.out)
        self.assertIn("proved", done.err)
        self.assertIn("report: " + world.state, done.err)

    def test_what_is_not_there_is_refused(self):
        world = self.world(engine=self.engine)
        self.refused(world.scc("prove", "--json", "--policy", "none"), 2, "prove.policy")
        self.refused(world.scc("prove", "--json", "--policy", "web-egress-enforced", "--seed-leak", "nothing"), 2, "network.leak")
        self.refused(world.scc("prove", "--json", "--policy", "web-egress-enforced", "--transport", "pigeon"), 3, "network.enforced")
        self.assert_nothing_left(world)

    def test_ctrl_c_takes_everything_away(self):
        world = self.world(engine=self.engine)
        for wait in ("stand-in", "attacking"):
            with self.subTest(wait=wait):
                child = world.popen("prove", "--policy", "web-egress-enforced")
                for line in child.stderr:
                    if wait.encode() in line:
                        break
                time.sleep(0.5)
                child.send_signal(signal.SIGINT)
                child.communicate(timeout=90)
                self.assertEqual(child.returncode, 130)
                self.assert_nothing_left(world)

    def test_a_killed_proof_is_found_by_prune(self):
        world = self.world(engine=self.engine)
        child = world.popen("prove", "--policy", "web-egress-enforced")
        for line in child.stderr:
            if b"attacking" in line:
                break
        time.sleep(1)
        child.kill()
        child.communicate(timeout=30)
        self.assertNotEqual(world.containers(), [])
        self.ok(world.scc("prune"))
        for path in glob.glob("/tmp/scc-prove-*"):
            if os.stat(path).st_uid in (world.uid, 1000):
                support.as_root("rm", "-rf", path)
        self.assert_nothing_left(world)


class OnDocker(Prove, support.Case):
    engine = "docker"


class OnPodman(Prove, support.Case):
    engine = "podman"

    @classmethod
    def setUpClass(cls):
        """Where Docker lives its policy for the bridges of others is to drop what goes over them, and no control would work."""
        super().setUpClass()
        between = ("-m", "physdev", "--physdev-is-bridged", "-m", "comment", "--comment", f"scc-e2e-{os.getpid()}", "-j", "ACCEPT")
        subprocess.run((*support.root_prefix(), "iptables", "-I", "FORWARD", *between), check=True)
        cls.addClassCleanup(subprocess.run, (*support.root_prefix(), "iptables", "-D", "FORWARD", *between), check=True)


class OnRootlessPodman(support.Case):
    """An ordinary user with a Podman of their own; the images are those of root's. What such an engine cannot show is skipped, and
    the report says why."""

    engine = "podman"
    AS_USER = os.path.join(support.HERE, "..", "support", "as-user")
    SKIPPED = {"raw/icmp", "host/gateway", "orphan/gateway"}

    def user(self, script, timeout=420):
        environment = {key: os.environ[key] for key in ("PATH", "LANG") if key in os.environ}
        return subprocess.run((*support.root_prefix(), self.AS_USER, "/bin/sh", "-c", f"cd ~ && {script}"), capture_output=True,
                              text=True, timeout=timeout, env=environment, check=False)

    def give_images(self, world):
        listed = self.ok(world.scc("image", "list", "--json")).data["images"]
        tags = [tag for image in listed if image["id"] in ("agent-claude", "egress-proxy") and f"scc-{image['id']}:latest" in image["tags"]
                for tag in image["tags"] if not tag.endswith(":latest")]
        self.assertEqual(len(tags), 2, listed)
        archive = os.path.join(world.dir, "images.tar")
        support.engine("podman", "save", "--quiet", "--multi-image-archive", "--output", archive, *(f"localhost/{tag}" for tag in tags))
        support.as_root("chmod", "0644", archive)
        done = self.user(f"podman --runtime runc --cgroup-manager cgroupfs load --quiet --input {archive}")
        self.assertEqual(done.returncode, 0, done.stderr)
        support.as_root("rm", archive)

    def test_nothing_gets_out(self):
        self.need_root()
        self.give_images(self.world(engine="podman"))
        for policy, transport in (("web-egress-enforced", "socket"), ("locked-down-web", "none")):
            with self.subTest(policy=policy):
                done = self.user(f"{support.SCC} prove --json --runtime podman --policy {policy}")
                self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr)
                data = json.loads(done.stdout)["data"]
                self.assertEqual((data["verdict"], data["transport"]), ("proved", transport))
                self.assertEqual((data["counts"]["escaped"], data["counts"]["inconclusive"]), (0, 0))
                skipped = {one["name"]: one["why"] for one in data["probes"] if one["verdict"] == "skipped"}
                self.assertEqual({name for name in skipped if not name.startswith("host/icmp-")} - self.SKIPPED, set())
                self.assertTrue(all("rootless" in why for why in skipped.values()), skipped)
        done = self.user(f"{support.SCC} prove --json --runtime podman --policy web-egress-enforced --transport internal")
        self.assertEqual(json.loads(done.stdout)["data"]["error_code"], "network.rootless", done.stdout)

    def test_an_agent_starts(self):
        """What lies in a prefix of root's must not keep the engine of another user from entering its own container."""
        self.need_root()
        self.give_images(self.world(engine="podman"))
        done = self.user(f"mkdir -p work && {support.SCC} start ~/work --runtime podman --provider claude --shell -- "
                         "/bin/sh -c 'id -u; git init -q . && git add -A && echo made >made'; cat work/made; rm -rf work")
        self.assertEqual(done.stdout.split()[1:], ["made"], done.stderr)


if __name__ == "__main__":
    support.main()
