# SPDX-License-Identifier: Apache-2.0
"""Snapshots before git can lose work, taken by the guard in a real sandbox, and `scc undo` on the host."""
import hashlib
import json
import os
import stat

import support

ALLOW = {"git.reset_hard": "allow", "git.clean_force": "warn", "git.branch_force_delete": "allow", "git.push_mirror": "allow",
         "git.force_push": "allow"}
# Work of every kind: changed, staged, removed, new, executable, a link, below a directory, with odd names.
WORK = """
set -eu
echo two >>a.txt; git commit -qam second; git branch side; git checkout -q side; git commit -q --allow-empty -m aside; git checkout -q main
echo dirty >>a.txt; rm README.md; echo staged >staged; git add staged; echo more >>staged
printf 'it\\n' >"un tracked"; ln -s /etc/passwd link; mkdir deep; echo x >deep/run; chmod +x deep/run; printf ignored >>.gitignore
"""


def look(repo):
    """Everything of a working tree that counts: types, modes, contents."""
    found = {}
    for folder, names, files in os.walk(repo):
        if ".git" in names:
            names.remove(".git")
        for name in files + [name for name in names if os.path.islink(os.path.join(folder, name))]:
            path = os.path.join(folder, name)
            info = os.lstat(path)
            if stat.S_ISLNK(info.st_mode):
                found[os.path.relpath(path, repo)] = ("link", os.readlink(path))
            else:
                with open(path, "rb") as file:
                    found[os.path.relpath(path, repo)] = (bool(info.st_mode & 0o100), hashlib.sha256(file.read()).hexdigest())
    return found


class Undo(support.Case):
    def undo_world(self, rules=ALLOW, **safety_net):
        world = self.world()
        path = os.path.join(world.home, "org.json")
        world.write(path, json.dumps({"schema_version": "1.1.0",
                                      "organization": {"name": "Harrow Lake", "id": "harrow-lake", "contact": "platform@harrow.example"},
                                      "security": {"safety_net": {"action": "block", "rules": rules, **safety_net}}}))
        world.write_config(organization_source={"path": path})
        repo = world.repo()
        world.git(repo, "config", "user.name", "T")
        world.git(repo, "config", "user.email", "t@example.invalid")
        return world, repo

    def state(self, world, repo):
        return (look(repo), world.git(repo, "status", "--porcelain"), world.git(repo, "rev-parse", "HEAD"),
                world.git(repo, "symbolic-ref", "HEAD"), world.git(repo, "diff", "--cached"))

    def listed(self, world, repo):
        return self.ok(world.scc("undo", "--json", cwd=repo)).data["snapshots"]

    def test_back_and_forth(self):
        world, repo = self.undo_world()
        self.ok(world.sh(repo, WORK))
        before = self.state(world, repo)
        done = self.ok(world.sh(repo, "git reset -q --hard HEAD~1; git clean -fdq; git branch -D side >/dev/null; ls"))
        self.assertEqual(done.out.split(), ["README.md", "a.txt"])
        self.assertRegex(done.err, "snapshot 2[0-9TZ]+-[0-9a-f]{8} taken; on the host `scc undo 2")
        after = self.state(world, repo)
        commands = {one["command"].split()[1]: one for one in self.listed(world, repo)}
        self.assertEqual(set(commands), {"reset", "clean", "branch"})
        newest, oldest = commands["branch"], commands["reset"]
        self.assertEqual(oldest["command"], "git reset -q --hard HEAD~1")
        self.assertEqual((oldest["rule"], oldest["branch"]), ("git.reset_hard", "refs/heads/main"))
        self.assertEqual([ref["name"] for ref in newest["refs"]], ["refs/heads/side"])
        tried = self.ok(world.scc("undo", oldest["id"], "--dry-run", "--json", cwd=repo)).data
        self.assertEqual(set(tried["written"]), {".gitignore", "a.txt", "deep/run", "link", "staged", "un tracked"})
        self.assertEqual((tried["removed"], tried["saved"]), (["README.md"], ""))
        self.assertEqual(self.state(world, repo), after, "a dry run changes nothing")
        data = self.ok(world.scc("undo", oldest["id"], "--json", cwd=repo)).data
        self.assertEqual((data["written"], data["removed"], data["left"]), (tried["written"], ["README.md"], []))
        self.assertEqual(self.state(world, repo), before)
        self.assertEqual(world.git(repo, "fsck", "--no-dangling"), "")
        # The branch that is gone comes back with the snapshot from before its deletion.
        self.assertEqual(world.git(repo, "branch", "--list", "side"), "")
        # What was new to git before the undo stays; what it replaced comes back.
        self.ok(world.scc("undo", data["saved"], cwd=repo))
        self.assertEqual(self.state(world, repo)[2:4], after[2:4])
        self.assertEqual({path for path in look(repo)} - {path for path in after[0]}, {".gitignore", "deep/run", "link", "un tracked"})
        self.ok(world.scc("undo", newest["id"], cwd=repo))
        self.assertIn("side", world.git(repo, "branch", "--list", "side"))

    def test_everyday_commands_are_quiet_and_can_be_taken_back(self):
        world, repo = self.undo_world(rules={})
        head = world.git(repo, "rev-parse", "HEAD")
        done = self.ok(world.sh(repo, "git status --short; git commit -q --amend -m other; git log -1 --format=%s"))
        self.assertEqual(done.out, "other\n")
        self.assertNotIn("scc-safety", done.err)
        one, = self.listed(world, repo)
        shown = self.ok(world.scc("undo", cwd=repo))
        self.assertIn("git commit -q --amend -m other", shown.out)
        self.ok(world.scc("undo", one["id"][:16], cwd=repo))
        self.assertEqual(world.git(repo, "rev-parse", "HEAD"), head)
        self.refused(world.scc("undo", "20200101", cwd=repo), 1)
        self.refused(world.scc("undo", "2", cwd=repo), 2)

    def test_nothing_of_the_repository_runs(self):
        world, repo = self.undo_world()
        mark = os.path.join(repo, "MARK")
        trap = os.path.join(repo, "trap")
        world.write(trap, f"#!/bin/sh\necho $0 >>{mark}\ncat\n", 0o755)
        world.write(os.path.join(repo, ".gitattributes"), "*.txt filter=trap\n")
        for key in ("filter.trap.clean", "filter.trap.smudge", "filter.trap.process", "core.fsmonitor"):
            world.git(repo, "config", key, trap)
        for name in ("post-index-change", "reference-transaction", "pre-auto-gc"):
            world.write(os.path.join(repo, ".git", "hooks", name), f"#!/bin/sh\necho {name} >>{mark}\n", 0o755)
        world.write(os.path.join(repo, "new.txt"), "new\n")
        world.write(os.path.join(repo, "a.txt"), "changed\n")
        # The command itself ends before it touches anything.
        self.ok(world.sh(repo, "git rebase nosuch 2>/dev/null; true"))
        one, = self.listed(world, repo)
        self.ok(world.scc("undo", one["id"], cwd=repo))
        self.assertFalse(os.path.exists(mark))

    def test_a_snapshot_that_fails_stops_the_command(self):
        for level, code in (("block", 126), ("warn", 0)):
            with self.subTest(level=level):
                world, repo = self.undo_world(rules={**ALLOW, "git.snapshot_failed": level})
                world.write(os.path.join(repo, ".git", "refs", "scc"), "in the way\n")
                done = self.ok(world.sh(repo, "echo x >>a.txt; git reset -q --hard; echo $?; cat a.txt"))
                self.assertEqual(done.out, f"{code}\none\n" + ("x\n" if code else ""), repr(done))
                self.assertIn("git.snapshot_failed", done.err)

    def test_the_policy_bounds_them(self):
        world, repo = self.undo_world()
        for index in range(60):
            world.git(repo, "update-ref", f"refs/scc/snapshots/20200101T0000{index:02}Z-00000000", "HEAD")
        done = self.ok(world.sh(repo, "head -c 20000000 /dev/zero >big; git reset -q --hard; git for-each-ref refs/scc | wc -l"))
        self.assertEqual(done.out, "1\n", "the ones that were too old or too many are gone")
        kept, = self.listed(world, repo)
        self.assertIn("1 untracked", kept["left_out"])
        self.assertIn("left out: 1 untracked", done.err)
        # The organisation's document says how many, how old, and whether at all.
        world, repo = self.undo_world(snapshots={"keep": 2, "days": 1})
        done = self.ok(world.sh(repo, "for i in 1 2 3 4; do echo $i >>a.txt; git reset -q --hard; done; git for-each-ref refs/scc | wc -l"))
        self.assertEqual(done.out, "2\n", repr(done))
        world, repo = self.undo_world(snapshots={"enabled": False})
        done = self.ok(world.sh(repo, "echo x >>a.txt; git reset -q --hard; git for-each-ref refs/scc | wc -l"))
        self.assertEqual(done.out, "0\n", repr(done))
        world, repo = self.undo_world(rules={**ALLOW, "git.snapshot_failed": "allow"})
        self.ok(world.sh(repo, "git reset -q --hard"))
        self.assertEqual(self.listed(world, repo), [])

    def test_they_are_never_pushed(self):
        world, repo = self.undo_world()
        remote = os.path.join(repo, "remote.git")
        world.git(repo, "init", "-q", "--bare", "-b", "main", remote)
        world.git(repo, "remote", "add", "origin", remote)
        done = self.ok(world.sh(repo, "git reset -q --hard; git push -q --mirror origin; echo $?; git push -q origin 'refs/scc/*:refs/x/*'; "
                                      "echo $?; git push -q --all origin; echo $?; git update-ref -d "
                                      "$(git for-each-ref --format='%(refname)' refs/scc); echo $?"))
        self.assertEqual(done.out, "1\n1\n0\n126\n", repr(done))
        self.assertEqual(done.err.count("denied rule=git.snapshot_push"), 2)
        self.assertNotIn("scc", world.git(remote, "for-each-ref"))
        self.ok(world.sh(repo, "/usr/libexec/scc/real/git update-ref -d $(git for-each-ref --format='%(refname)' refs/scc) 2>/dev/null; true"))
        self.assertEqual(len(self.listed(world, repo)), 1, "the guard's hook keeps them from a git that nobody guards")

    def plant(self, world, repo, tree):
        """A ref that says it is a snapshot, made by whoever can write into the repository."""
        commit = world.git(repo, "commit-tree", tree, "-p", "HEAD", "-m", f"before x\n\nScc-Snapshot: 1\nScc-Root: {repo}\n").strip()
        world.git(repo, "update-ref", "refs/scc/snapshots/20260101T000000Z-00000000", commit)

    def tree(self, world, repo, mode, name, content):
        """Git's own commands refuse such names."""
        world.write(os.path.join(repo, "..", "object"), content)
        blob = bytes.fromhex(world.git(repo, "hash-object", "-w", "../object").strip())
        with open(os.path.join(repo, "..", "object"), "wb") as file:
            file.write(mode + b" " + name + b"\0" + blob)
        return world.git(repo, "hash-object", "-w", "-t", "tree", "--literally", "../object").strip()

    def test_a_hostile_snapshot_leads_nowhere(self):
        world, repo = self.undo_world()
        outside = os.path.join(world.src, "outside")
        world.write(os.path.join(outside, "kept"), "kept\n")
        for name in (b".git", b".GIT", b"..", b"."):
            with self.subTest(name=name):
                inner = self.tree(world, repo, b"100755", b"pre-commit", "#!/bin/sh\n")
                with open(os.path.join(repo, "..", "object"), "wb") as file:
                    file.write(b"40000 " + name + b"\0" + bytes.fromhex(inner))
                self.plant(world, repo, world.git(repo, "hash-object", "-w", "-t", "tree", "--literally", "../object").strip())
                done = world.scc("undo", "20260101", "--json", cwd=repo)
                self.refused(done, 4, "undo.damaged")
                self.assertFalse(os.path.exists(os.path.join(repo, ".git", "pre-commit")))
        # A directory that became a link to somewhere else.
        inner = self.tree(world, repo, b"100644", b"kept", "overwritten\n")
        self.plant(world, repo, world.git(repo, "write-tree").strip())
        with open(os.path.join(repo, "..", "object"), "wb") as file:
            file.write(b"40000 sub\0" + bytes.fromhex(inner))
        self.plant(world, repo, world.git(repo, "hash-object", "-w", "-t", "tree", "../object").strip())
        os.symlink(outside, os.path.join(repo, "sub"))
        data = self.ok(world.scc("undo", "20260101", "--json", cwd=repo)).data
        self.assertEqual(len(data["left"]), 1, data)
        self.assertIn("sub/kept", data["left"][0])
        with open(os.path.join(outside, "kept"), encoding="utf-8") as file:
            self.assertEqual(file.read(), "kept\n")


if __name__ == "__main__":
    support.main()
