# SPDX-License-Identifier: Apache-2.0
"""An engine that is down, refuses the user, or runs on another machine: an error with a remedy, never a wrong answer."""
import os
import shutil
import socket

import support
from proxy import Proxy

COMMANDS = (("list",), ("status",), ("stop", "--all"), ("prune",), ("prune", "--dry-run"), ("image", "list"), ("image", "build"))


class EngineDown(support.Case):
    def check(self, world, env, remedy, code=5):
        repo = os.path.join(world.src, "repo")
        if not os.path.isdir(repo):
            world.repo()
        for args in (*COMMANDS, ("start", repo, "--", "true"), ("start", repo, "--dry-run", "--", "true"), ("shell",)):
            with self.subTest(args=args):
                done = world.scc(*args, env=env, cwd=repo)
                self.assertEqual(done.code, code, repr(done))
                self.assertEqual(done.out, "", "an engine that is down is an error, never an empty answer")
                self.assertRegex(done.err, remedy, repr(done))
                self.assertIn("hint:", done.err)
        done = world.scc("list", "--json", env=env)
        self.assertEqual(done.envelope()["kind"], "Error")
        self.assertFalse(done.envelope()["status"]["ok"])
        self.assertTrue(done.data["suggested_action"])
        return done.data

    def test_dead_socket(self):
        world = self.world()
        path = os.path.join(world.run_dir, "dead.sock")
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(path)
        listener.close()
        os.chmod(path, 0o777)
        self.check(world, {"DOCKER_HOST": f"unix://{path}"}, "(?i)start|running|answer")

    def test_no_socket(self):
        world = self.world()
        self.check(world, {"DOCKER_HOST": f"unix://{world.run_dir}/none.sock"}, "(?i)start|install|running")

    def test_not_an_engine(self):
        """Something else answers on the socket."""
        world = self.world()
        path = os.path.join(world.run_dir, "web.sock")
        server = support.subprocess.Popen(
            ["python3", "-c", "import socket,sys\ns=socket.socket(socket.AF_UNIX);s.bind(sys.argv[1]);s.listen()\n"
             "while 1:\n c,_=s.accept();c.recv(9999);c.sendall(b'SSH-2.0-x\\r\\n\\r\\n');c.close()", path])
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        support.wait_for(lambda: os.path.exists(path))
        os.chmod(path, 0o777)
        self.check(world, {"DOCKER_HOST": f"unix://{path}"}, ".")

    def test_engine_that_never_answers(self):
        world = self.world()
        path = os.path.join(world.run_dir, "mute.sock")
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(path)
        listener.listen(64)
        os.chmod(path, 0o777)
        done = world.scc("list", env={"DOCKER_HOST": f"unix://{path}"}, timeout=60)
        self.assertEqual(done.code, 5, repr(done))
        self.assertIn("hint:", done.err)

    def test_permission_denied(self):
        world = self.world(uid=1234)
        world.engine_group = None
        data = self.check(world, {}, "(?i)permission|group|denied")
        self.assertRegex(data["suggested_action"], "usermod|group|rootless|sudo")

    def test_unknown_runtime(self):
        world = self.world()
        done = world.scc("list", "--runtime", "dokcer", "--json")
        self.assertEqual(done.code, 2, repr(done))
        self.assertRegex(done.data["suggested_action"], "docker")


class DistantEngine(support.Case):
    """An endpoint that is not on this machine must first prove that it sees this machine's files."""

    def test_engine_that_sees_these_files_is_accepted(self):
        world = self.world()
        proxy = Proxy()
        self.addCleanup(proxy.close)
        done = world.start(world.repo(), "/bin/echo", "ran", env={"DOCKER_HOST": proxy.host})
        self.assertEqual((done.code, done.out), (0, "ran\n"), repr(done))
        world.assert_quiet(self)
        self.assertEqual(len(world.containers()), 1, "the proof's own container is gone")

    def test_engine_that_sees_other_files_is_refused(self):
        """What is bound from scc's state directory comes from a copy that was made before the proof was written."""
        world = self.world()
        # A path of the same length, so that Content-Length still fits; the directories are there, the proof is not.
        same = world.dir[:-4] + "othr"
        shutil.copytree(world.dir, same, symlinks=True)
        self.addCleanup(support.as_root, "rm", "-rf", same, check=False)
        proxy = Proxy(rewrite=lambda data: data.replace(world.state.encode(), world.state.replace(world.dir, same).encode()))
        self.addCleanup(proxy.close)
        repo = world.repo()
        done = world.start(repo, "/bin/echo", "ran", env={"DOCKER_HOST": proxy.host})
        self.assertNotEqual(done.code, 0, repr(done))
        self.assertNotIn("ran", done.out)
        self.assertRegex(done.err, "(?i)files|machine", repr(done))
        self.assertIn("hint:", done.err)
        self.assertEqual(world.containers(running=True), [])
        labelled = support.docker("ps", "-aq", "--filter", f"label=scc.state={world.state.replace(world.dir, same)}").split()
        if labelled:
            support.docker("rm", "-f", *labelled)
        self.assertEqual(labelled, [], "a container was left on the distant engine")

    def test_local_engine_needs_no_proof(self):
        """The same engine through a local socket: no container but the sandbox is made."""
        world = self.world()
        proxy = Proxy(os.path.join(world.run_dir, "engine.sock"))
        self.addCleanup(proxy.close)
        self.ok(world.start(world.repo(), "/bin/true", env={"DOCKER_HOST": proxy.host}))
        creates = [path for method, path in proxy.requests() if method == "POST" and "/containers/create" in path]
        self.assertEqual(len(creates), 1, creates)


class EngineConversation(support.Case):
    """What scc says to the engine for one launch."""

    def test_secrets_are_not_said(self):
        world = self.world()
        world.write_config(providers={"command": {"secret_from": "env:SCC_TEST_KEY"}})
        proxy = Proxy(os.path.join(world.run_dir, "engine.sock"))
        self.addCleanup(proxy.close)
        key = "sk-said-" + world.suffix
        env = {"DOCKER_HOST": proxy.host, "SCC_TEST_KEY": key, "AWS_SECRET_ACCESS_KEY": "canary-aws"}
        self.ok(world.sh(world.repo(), "test -s /run/scc/secrets/test-key", env=env))
        requests = proxy.sent
        self.assertNotIn(b"canary-aws", requests)
        # The key goes through an exec's stream to the checker, base64 in its frame; never in a request with a body.
        for piece in requests.split(b"POST ")[1:]:
            head = piece.split(b"\x1eSCC-GO", 1)[0]
            self.assertNotIn(key.encode(), head)

    def test_docker_command_is_not_needed(self):
        world = self.world()
        tools = os.path.join(world.dir, "bin")
        os.mkdir(tools)
        os.symlink(support.SCC, os.path.join(tools, "scc"))
        done = world.start(world.repo(), "/bin/echo", "ran", env={"PATH": tools})
        self.assertEqual((done.code, done.out), (0, "ran\n"), repr(done))

    def test_context_is_honoured(self):
        """`docker context use` without DOCKER_HOST."""
        world = self.world()
        proxy = Proxy(os.path.join(world.run_dir, "engine.sock"))
        self.addCleanup(proxy.close)
        name = "e2e"
        meta = os.path.join(world.home, ".docker", "contexts", "meta", support.hashlib.sha256(name.encode()).hexdigest())
        world.write(os.path.join(meta, "meta.json"), support.json.dumps(
            {"Name": name, "Metadata": {}, "Endpoints": {"docker": {"Host": proxy.host, "SkipTLSVerify": False}}}))
        world.write(os.path.join(world.home, ".docker", "config.json"), support.json.dumps({"currentContext": name}))
        self.ok(world.scc("list"))
        self.assertGreater(len(proxy.requests()), 0)
        done = world.scc("list", env={"DOCKER_CONTEXT": "no-such-context"})
        self.assertEqual(done.code, 5, repr(done))
        self.assertIn("no-such-context", done.err)


if __name__ == "__main__":
    support.main()
