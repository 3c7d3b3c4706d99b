# SPDX-License-Identifier: Apache-2.0
"""Which directories may become a workspace: odd names work, dangerous places are refused before anything is made."""
import json
import os
import shutil

import support
from proxy import Proxy

NAMES = ("with space", "with:colon", "with,comma", "with'single\"double", "ünïcödé-日本語", "-leading", "--provider", "a=b;c&d|e$f",
         "back\\slash", "star*[x]?", "%41%2f", "trailing ", "${HOME}")


class OddNames(support.Case):
    def test_odd_names_work(self):
        world = self.world()
        for name in NAMES:
            with self.subTest(name=name):
                path = world.repo(name)
                done = world.sh(path, "pwd; echo new >file.txt; git status --short")
                self.assertEqual((done.code, done.out), (0, f"{path}\n?? file.txt\n"), repr(done))
                with open(os.path.join(path, "file.txt"), encoding="utf-8") as file:
                    self.assertEqual(file.read(), "new\n")
                # Relative to the current directory, also where the name looks like an option.
                done = world.start("./" + name, "/bin/pwd", cwd=world.src)
                self.assertEqual((done.code, done.out), (0, path + "\n"), repr(done))
        world.assert_quiet(self)

    def test_from_the_current_directory(self):
        world = self.world()
        repo = world.repo("-odd")
        deep = world.make_dir(os.path.join(repo, "a", "b c"))
        done = world.scc("start", "--", "/bin/pwd", cwd=deep)
        self.assertEqual((done.code, done.out), (0, deep + "\n"), repr(done))
        # Without a command word as well: `scc` starts the provider.
        self.assertIn("README.md", os.listdir(repo))

    def test_newline_and_control_characters(self):
        """A newline is refused; what is refused or shown is shown escaped."""
        world = self.world()
        done = world.sh(world.repo("new\nline"), "true")
        self.assertNotEqual(done.code, 0)
        self.assertIn("error:", done.err)
        self.assertNotIn("new\nline", done.err)
        path = world.repo("esc\x1b]0;pwned\x07")
        done = world.sh(path, "true")
        self.assertNotIn("\x1b]0;", done.err + done.out)
        for args in (("list",), ("status",), ("start", path, "--dry-run")):
            done = world.scc(*args, cwd=path)
            self.assertNotIn("\x1b", done.err + done.out, repr(done))
            self.assertNotIn("\x07", done.err + done.out, repr(done))

    def test_branch_name_is_shown_escaped(self):
        world = self.world()
        repo = world.repo()
        evil = "evil\u202e\u200b\u009b31m"
        world.write(os.path.join(repo, ".git", "HEAD"), f"ref: refs/heads/{evil}\x1b[31m\n")
        for args in (("start", repo, "--dry-run"), ("status",), ("start", repo, "--", "/bin/true"), ("list",)):
            done = world.scc(*args, cwd=repo)
            for bad in ("\x1b", "\u202e", "\u009b", "\u200b"):
                self.assertNotIn(bad, done.out + done.err, repr(done))

    def test_name_with_a_placeholder_of_the_plan(self):
        world = self.world()
        done = world.sh(world.repo("${session.dir}"), "true")
        self.assertEqual(done.code, 2, repr(done))
        self.assertIn("error:", done.err)
        self.assertEqual(world.containers(), [])

    def test_path_through_a_link(self):
        world = self.world()
        repo = world.repo()
        link = os.path.join(world.src, "link")
        os.symlink(repo, link)
        done = world.sh(link, "pwd")
        self.assertEqual((done.code, done.out), (0, repo + "\n"), repr(done))

    def test_missing(self):
        world = self.world()
        done = world.sh(os.path.join(world.src, "nothing-here"), "true")
        self.assertEqual(done.code, 1, repr(done))
        self.assertRegex(done.err, "nothing-here")

    def test_file_is_no_workspace(self):
        world = self.world()
        done = world.sh(world.write(os.path.join(world.src, "file"), "x"), "true")
        self.assertIn(done.code, (1, 2), repr(done))
        self.assertEqual(world.containers(), [])


class Protected(support.Case):
    """Exit 6, nothing created, and the message says which entry of the list it is."""

    def refuse(self, world, path, cwd=None):
        # A refused start is told in the audit log, and nowhere else.
        skip = (os.path.join(world.home, ".cache"), os.path.join(world.state, "audit"))
        before = support.tree(world.dir, skip=skip)
        for options in ((), ("--dry-run",), ("--allow-suspicious-workspace",), ("--allow-root",)):
            with self.subTest(path=path, options=options):
                done = world.start(path, "/bin/true", options=options, cwd=cwd)
                self.assertEqual(done.code, 6, repr(done))
                self.assertIn("error:", done.err)
                self.assertIn("hint:", done.err)
        done = world.scc("start", path, "--json", "--dry-run", "--", "true", cwd=cwd)
        self.refused(done, 6, "workspace.protected")
        self.assertEqual(world.containers(), [])
        self.assertEqual(world.instances(), [])
        self.assertEqual(before, support.tree(world.dir, skip=skip))

    def test_root_and_home(self):
        world = self.world()
        for path in ("/", world.home, world.home + "/.", os.path.dirname(world.home), "/tmp/..", f"{world.src}/.."):
            self.refuse(world, path)
        self.refuse(world, ".", cwd=world.home)
        self.refuse(world, "~")

    def test_home_of_the_account(self):
        """HOME may be set to anything; the account's own home stays protected."""
        world = self.world()
        self.refuse(world, support.home_of(os.geteuid()))

    def test_credentials(self):
        world = self.world()
        for name in (".ssh", ".aws", ".gnupg", ".kube", ".config/gh", ".docker", ".claude"):
            path = world.make_dir(os.path.join(world.home, name), 0o700)
            self.refuse(world, path)
        self.refuse(world, world.make_dir(os.path.join(world.home, ".ssh", "inner")))
        # Above an entry: ~/.config holds gh's tokens and scc's own configuration.
        self.refuse(world, os.path.join(world.home, ".config"))

    def test_scc_itself(self):
        world = self.world()
        for path in (world.config_dir, world.state, os.path.join(world.home, ".cache", "scc"),
                     os.path.join(world.home, ".local", "share", "scc", "plugins"), support.PLUGINS, support.PREFIX + "/lib/scc/plugins"):
            self.refuse(world, world.make_dir(path) if path.startswith(world.dir) else path)

    def test_through_links(self):
        world = self.world()
        world.make_dir(os.path.join(world.home, ".ssh"), 0o700)
        for target, name in ((os.path.join(world.home, ".ssh"), "keys"), (world.home, "h"), ("/", "r"),
                             (support.SOCKET, "sock"), (os.path.dirname(os.path.realpath(support.SOCKET)), "sockdir")):
            link = os.path.join(world.src, name)
            os.symlink(target, link)
            self.refuse(world, link)

    def test_directory_of_a_custom_socket(self):
        """Wherever DOCKER_HOST points: its directory is not mounted."""
        world = self.world()
        folder = world.make_dir(os.path.join(world.src, "with-socket"))
        proxy = Proxy(os.path.join(folder, "engine.sock"))
        self.addCleanup(proxy.close)
        world.env["DOCKER_HOST"] = proxy.host
        self.refuse(world, folder)

    def test_system_directories(self):
        world = self.world()
        for path in ("/etc", "/usr", "/proc", "/sys", "/dev", "/run", "/var/run", "/etc/ssl", "/usr/local", "/boot"):
            self.refuse(world, path)

    def test_suspicious_needs_a_flag(self):
        world = self.world()
        path = world.make_dir(os.path.join(world.home, "Downloads"))
        done = world.sh(path, "true")
        self.refused(done, 2)
        self.assertIn("--allow-suspicious-workspace", done.err)
        self.ok(world.start(path, "/bin/true", options=("--allow-suspicious-workspace",)))

    def test_not_in_a_repository(self):
        world = self.world()
        done = world.scc("start", "--", "true", cwd=world.src)
        self.assertEqual(done.code, 2, repr(done))
        self.assertIn("hint:", done.err)


class HostileRepository(support.Case):
    """What a repository says about itself is not believed."""

    def test_git_link_to_elsewhere(self):
        """A .git file that points at another repository, a link, or rubbish mounts nothing more than the workspace."""
        world = self.world()
        other = world.repo("other")
        cases = {
            "pointer": lambda path: world.write(f"{path}/.git", f"gitdir: {other}/.git\n"),
            "rubbish": lambda path: world.write(f"{path}/.git", "\x00\xff" * 100),
            "huge": lambda path: world.write(f"{path}/.git", "gitdir: " + "x" * 5_000_000),
            "link": lambda path: os.symlink(f"{other}/.git", f"{path}/.git"),
            "loop": lambda path: os.symlink(".git", f"{path}/.git"),
            "relative": lambda path: world.write(f"{path}/.git", "gitdir: ../other/.git\n"),
        }
        for name, make in cases.items():
            with self.subTest(name=name):
                path = world.make_dir(os.path.join(world.src, name))
                world.write(os.path.join(path, "x"), "x")
                make(path)
                done = world.start(path, "/bin/sh", "-c", f"ls {other} 2>&1; ls", options=("--allow-suspicious-workspace",))
                if done.code == 0 or name in ("rubbish", "huge", "loop"):
                    self.assertNotIn("README.md", done.out, repr(done))
                else:
                    self.assertIn("error:", done.err, repr(done))
                shutil.rmtree(path, ignore_errors=True)

    def test_configuration_of_the_repository_is_not_obeyed_on_the_host(self):
        world = self.world()
        repo = world.repo()
        mark = os.path.join(world.dir, "mark")
        with open(os.path.join(repo, ".git", "config"), "a", encoding="utf-8") as file:
            file.write(f'[core]\n\tfsmonitor = touch {mark}\n\tsshCommand = touch {mark}\n\tpager = touch {mark}\n'
                       f'\thooksPath = {world.dir}/hooks\n[include]\n\tpath = {world.dir}/evil\n[alias]\n\tst = !touch {mark}\n')
        hook = os.path.join(repo, ".git", "hooks", "post-checkout")
        world.write(hook, f"#!/bin/sh\ntouch {mark}\n", 0o755)
        self.ok(world.sh(repo, "true"))
        self.ok(world.scc("status", cwd=repo))
        self.assertFalse(os.path.exists(mark), "code of the repository ran on the host")

    def test_links_inside_lead_nowhere(self):
        world = self.world()
        repo = world.repo()
        world.write(os.path.join(world.home, ".ssh", "id"), "canary\n")
        os.symlink(os.path.join(world.home, ".ssh"), os.path.join(repo, "keys"))
        os.symlink("/var/run/docker.sock", os.path.join(repo, "sock"))
        done = world.sh(repo, "cat keys/id; test -S sock && echo SOCKET; true")
        self.assertEqual(done.out, "", repr(done))

    def test_plan_names_only_the_workspace(self):
        """Every bind of a plan is the workspace, something in it, scc's tools, or the instance directory."""
        world = self.world()
        repo = world.repo()
        plan = world.scc("start", repo, "--dry-run", "--json", "--", "true").data["plan"]
        for mount in plan["sandbox"]["mounts"]:
            if mount["type"] != "bind":
                continue
            source = mount["source"]
            fine = source == repo or source.startswith((repo + "/", support.PREFIX + "/libexec/scc", "${session.dir}/"))
            self.assertTrue(fine, json.dumps(mount))


if __name__ == "__main__":
    support.main()
