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
        path = world.dead_socket()
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


class SwappedPaths(support.Case):
    """Somebody who may rename in the workspace or above it puts a link there after scc looked and before the engine binds."""

    def start(self, world, repo, mark, swap, script):
        """Starts a session; `swap` is called once, when the first request that holds `mark` is on its way to the engine."""
        waiting = [swap]

        def rewrite(data):
            if mark in data and waiting:
                waiting.pop()()
            return data

        proxy = Proxy(os.path.join(world.run_dir, "engine.sock"), rewrite=rewrite)
        self.addCleanup(proxy.close)
        done = world.sh(repo, script, env={"DOCKER_HOST": proxy.host})
        self.assertEqual(waiting, [], "nothing was swapped, so nothing is proved")
        return done

    def private(self, world):
        """A directory that the agent must not see, with a repository of the same name as the workspace in it."""
        private = world.make_dir(os.path.join(world.home, "private"))
        world.write(os.path.join(private, "canary.txt"), "canary\n")
        world.write(os.path.join(world.repo(parent=private), "canary.txt"), "canary\n")
        return private

    def put_link(self, path, target):
        os.rename(path, path + ".aside")
        os.symlink(target, path)

    def put_back(self, path):
        os.unlink(path)
        os.rename(path + ".aside", path)

    def check(self, world, done):
        self.assertNotIn("canary", done.out, repr(done))
        self.refused(done, 5)
        # The evidence tells of another source, or the engine misses a file of ours that lies in the real directory.
        self.assertRegex(done.err, "source:|bind source path does not exist", repr(done))
        self.assertEqual(world.containers(), [], "the sandbox was left")
        world.assert_quiet(self)

    def test_link_in_place_of_the_hooks(self):
        for uid in (None, 1000):
            with self.subTest(uid=uid):
                world = self.world(uid=uid)
                repo, private = world.repo(), self.private(world)
                hooks = os.path.join(repo, ".git", "hooks")
                self.check(world, self.start(world, repo, b"/containers/create", lambda: self.put_link(hooks, private),
                                             "cat .git/hooks/canary.txt"))

    def test_link_that_is_gone_again(self):
        world = self.world(uid=1000)
        repo, private = world.repo(), self.private(world)
        hooks = os.path.join(repo, ".git", "hooks")

        def rewrite(data):
            if b"/containers/create" in data:
                self.put_link(hooks, private)
            elif b"/exec " in data and os.path.islink(hooks):  # the binds were made when the container started
                self.put_back(hooks)
            return data

        proxy = Proxy(os.path.join(world.run_dir, "engine.sock"), rewrite=rewrite)
        self.addCleanup(proxy.close)
        done = world.sh(repo, "cat .git/hooks/canary.txt", env={"DOCKER_HOST": proxy.host})
        self.assertFalse(os.path.islink(hooks), "the link was not taken away")
        self.check(world, done)

    def test_link_above_the_workspace(self):
        world = self.world(uid=1000)
        repo, private = world.repo(), self.private(world)
        self.check(world, self.start(world, repo, b"/containers/create", lambda: self.put_link(world.src, private),
                                     "cat canary.txt"))

    def test_workspace_replaced_before_anything_is_made(self):
        world = self.world(uid=1000)
        repo, private = world.repo(), self.private(world)
        done = self.start(world, repo, b"/images/", lambda: self.put_link(repo, os.path.join(private, "repo")), "cat canary.txt")
        self.assertNotIn("canary", done.out, repr(done))
        self.refused(done, 6)
        self.assertIn("replaced", done.err, repr(done))
        self.assertEqual(world.containers(), [])


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
