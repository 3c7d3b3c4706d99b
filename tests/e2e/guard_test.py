# SPDX-License-Identifier: Apache-2.0
"""The guard in front of git and the network tools, met in real sandboxes with the real git: every way to spell a force push,
what goes on working, effects that no spelling hides, a damaged policy, and the gate that refuses an image without the guard.
"""
import hashlib
import json
import os
import re
import tempfile

import support

# Each is a shell line; force.sh holds the command where no line shows it.
BLOCKED = {
    "plain": "git push --force origin main",
    "absolute path": "/usr/bin/git push -f origin main",
    "env -i": "env -i git push --force origin main",
    "command -p": "command -p git push --force origin main",
    "login shell": "bash -lc 'git push --force origin main'",
    "login shell without a PATH": "env -i bash -lc 'git push --force origin main'",
    "alias": "git fp",
    "alias through the shell": "git sp",
    "git-core": "/usr/lib/git-core/git push --force origin main",
    "dashed": '"$(git --exec-path)/git-push" --force origin main',
    "git-core first in PATH": "PATH=/usr/lib/git-core:$PATH git push --force origin main",
    "refspec": "git push origin +main",
    "mirror": "git push --mirror origin",
    "delete": "git push origin :main",
    "prefix of the option": "git push --forc origin main",
    "global option": "git --no-pager push --force origin main",
    "an apostrophe": "git push origin main -o \"it's\" --force",
    "script": "sh ./force.sh",
    "rebase --exec": "git rebase --exec 'sh ./force.sh' HEAD~1; git rebase --abort 2>/dev/null",
    "rebase --exec, written out": "git rebase --exec 'git push --force origin main' HEAD~1",
    "submodule foreach": "git submodule foreach 'sh ../force.sh'",
    "bisect run": "git bisect start HEAD HEAD~1 >/dev/null 2>&1; git bisect run sh ./force.sh; git bisect reset 2>/dev/null",
    "hook of the repository": "FORCE=1 git commit -q --allow-empty -m hooked; git reset -q --soft HEAD~1",
    "symbolic link": "ln -sf /usr/bin/git /tmp/vcs; /tmp/vcs push --force origin main",
    "perl": "perl -e 'exec \"git\", \"push\", \"--force\", \"origin\", \"main\"'",
    "xargs": "echo --force origin main | xargs git push",
    "LD_PRELOAD": "LD_PRELOAD=/tmp/none.so git push --force origin main",
    "settings in the environment": "GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=remote.origin.push GIT_CONFIG_VALUE_0=+main:main "
                                   "git push origin",
    "hooks switched off": "git -c core.hooksPath=/dev/null push origin main",
    "hooks switched off by the environment": "GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=core.hooksPath GIT_CONFIG_VALUE_0=/dev/null "
                                             "git push origin +main",
    "hooks skipped": "git push --no-verify origin main",
    "exec path": "GIT_EXEC_PATH=/tmp git push --force origin main",
    # Nothing of the command is judged here; what it would do is.
    "copy of the binary": "cp /usr/libexec/scc/real/git /tmp/copy; /tmp/copy push --force origin main",
    "second name of the tool": "/usr/libexec/scc/real/git push --force origin main",
}

ALLOWED = """
set -eu
git status --short >/dev/null
git push -q origin HEAD:refs/heads/feature && echo pushed
echo more >>a.txt && git stash -q && git stash pop -q && echo stashed
git commit -qam more && git commit -q --amend -m again && echo amended
git branch side && git branch -q -d side && echo branches
git worktree add -q /tmp/tree -b tree && echo worktree
git -c user.name=Other commit -q --allow-empty -m other && echo settings
echo s >>a.txt && git stash -q && git rebase -q HEAD~1 && git gc -q && echo upkeep
git push -q --force-with-lease origin HEAD:refs/heads/feature && echo leased
curl --version | head -1 | cut -d' ' -f1
"""


class Guarded:
    """What the classes below share; they name the engine."""

    def guarded(self, org=None):
        world = self.world()
        if org is not None:
            path = os.path.join(world.home, "org.json")
            world.write(path, json.dumps({"schema_version": "1.1.0", "organization": {
                "name": "Harrow Lake", "id": "harrow-lake", "contact": "platform@harrow.example"}, **org}))
            world.write_config(organization_source={"path": path})
        return world

    def with_remote(self, world, submodule=False):
        """A repository whose remote lies in it, and whose history no longer fits the remote's."""
        repo = world.repo()
        remote = os.path.join(repo, "remote.git")
        world.write(os.path.join(repo, ".gitignore"), "remote.git\nforce.sh\nlog\n")
        world.write(os.path.join(repo, "force.sh"), f"cd {repo} && git push --force origin main\n")
        world.git(repo, "config", "user.name", "T")
        world.git(repo, "config", "user.email", "t@example.invalid")
        world.git(repo, "init", "-q", "--bare", "-b", "main", remote)
        world.git(repo, "remote", "add", "origin", remote)
        world.git(repo, "config", "alias.fp", "push --force origin main")
        world.git(repo, "config", "alias.sp", "!git push --force origin main")
        if submodule:
            library = world.repo("library")
            world.git(repo, "-c", "protocol.file.allow=always", "submodule", "--quiet", "add", library, "sub")
        world.git(repo, "add", "-A")
        world.git(repo, "commit", "-q", "-m", "second")
        world.git(repo, "push", "-q", "origin", "main")
        world.git(repo, "commit", "-q", "--amend", "-m", "second, otherwise")
        return repo

    def remote_main(self, world, repo):
        return world.git(os.path.join(repo, "remote.git"), "rev-parse", "main").strip()

    def test_no_spelling_forces_a_push(self):
        world = self.guarded()
        repo = self.with_remote(world, submodule=True)
        world.write(os.path.join(repo, ".git", "hooks", "post-commit"),
                    f"#!/bin/sh\n[ -z \"$FORCE\" ] || sh {repo}/force.sh\n", 0o755)
        before = self.remote_main(world, repo)
        lines = []
        for name, line in BLOCKED.items():
            lines.append(f"echo '=== {name}'; ( {line} ) 2>&1; echo \"code $?\"; "
                         "echo \"main $(git --git-dir=remote.git rev-parse main)\"")
        done = self.ok(world.sh(repo, "\n".join(lines)))
        told = dict(part.split("\n", 1) for part in done.out.split("=== ")[1:])
        self.assertEqual(set(told), set(BLOCKED))
        for name, text in told.items():
            with self.subTest(name=name):
                self.assertIn(f"main {before}", text)
                self.assertRegex(text, r"scc-safety: denied rule=\S+ action=block id=[0-9a-f]{16}")
                self.assertIn("BLOCKED: ", text)
        for name in ("plain", "absolute path", "env -i", "command -p", "login shell", "git-core", "dashed", "alias"):
            self.assertIn("code 126", told[name])
        self.assertEqual(self.remote_main(world, repo), before)
        world.assert_quiet(self)

    def test_what_is_harmless_works(self):
        world = self.guarded()
        repo = self.with_remote(world)
        done = self.ok(world.sh(repo, ALLOWED))
        self.assertEqual(done.out.split(), ["pushed", "stashed", "amended", "branches", "worktree", "settings", "upkeep", "leased",
                                            "curl"], repr(done))
        self.assertNotIn("scc-safety", done.err)

    def test_work_is_not_lost_by_a_git_that_nobody_guards(self):
        """The hooks of the guard meet a copy of git, too."""
        world = self.guarded()
        repo = self.with_remote(world)
        done = self.ok(world.sh(repo, "cp /usr/libexec/scc/real/git /tmp/g; g() { /tmp/g \"$@\"; }; g branch x && g checkout -q x && "
                                      "g commit -q --allow-empty -m x && g checkout -q main; echo y >>a.txt; git stash -q; "
                                      "g branch -D x; g update-ref -d refs/heads/x; git pack-refs --all; g branch -D x; "
                                      "g update-ref -d refs/stash; g stash clear; g push origin :main; "
                                      "g branch --list x; g stash list"))
        self.assertIn("  x\n", done.out)
        self.assertIn("stash@{0}", done.out)
        self.assertEqual(done.err.count("scc-safety: denied"), 6, repr(done))

    # A home of one's own with settings that force, which no argument shows (the repository's own cannot be written).
    FORCES = "mkdir /tmp/h; printf '[remote \"origin\"]\\n\\tpush = +%s:refs/heads/main\\n' >/tmp/h/.gitconfig; export HOME=/tmp/h; "

    def test_a_push_whose_source_holds_blanks_is_looked_at(self):
        """What is pushed may be any expression ("HEAD^{/a message}"), which git hands to its hook as it is."""
        world = self.guarded()
        repo = self.with_remote(world)
        before = self.remote_main(world, repo)
        done = self.ok(world.sh(repo, "cp /usr/libexec/scc/real/git /tmp/g; /tmp/g push -f origin 'HEAD^{/second, other}:main'; echo $?; "
                                      "git push -q origin 'HEAD^{/second, other}:refs/heads/feature'; echo $?; "
                                      + self.FORCES % "HEAD^{/second, other}" + "git push origin; echo $?"))
        self.assertEqual(done.out, "1\n0\n1\n", repr(done))
        self.assertEqual(done.err.count("denied rule=git.force_push"), 2, repr(done))
        self.assertEqual(self.remote_main(world, repo), before)

    def test_a_word_that_looks_like_a_lease_is_none(self):
        """A lease that is another option's value excuses nothing, nor does one that the "+" of the settings overrules."""
        world = self.guarded()
        repo = self.with_remote(world)
        before = self.remote_main(world, repo)
        done = self.ok(world.sh(repo, self.FORCES % "HEAD" + "git push origin; echo $?; "
                                "git -c user.name=--force-with-lease push origin; echo $?; git push --force-with-lease origin; echo $?; "
                                "git push --dry-run origin 2>/dev/null; echo $?"))
        self.assertEqual(done.out, "1\n1\n1\n0\n", repr(done))
        self.assertEqual(done.err.count("denied rule=git.force_push"), 3, repr(done))
        self.assertEqual(self.remote_main(world, repo), before)

    def test_the_repositorys_own_hooks_run_and_do_not_replace_the_guards(self):
        world = self.guarded()
        repo = self.with_remote(world)
        names = ("pre-commit", "commit-msg", "post-commit", "pre-push", "reference-transaction")
        for name in names:
            world.write(os.path.join(repo, ".husky", name), f"#!/bin/sh\necho {name} \"$@\" >>{repo}/log\ncat >>{repo}/log\n", 0o755)
        world.git(repo, "config", "core.hooksPath", ".husky")
        before = self.remote_main(world, repo)
        done = self.ok(world.sh(repo, "echo z >>a.txt; git commit -qam z; git push -q origin HEAD:refs/heads/feature; "
                                      "git push -f origin main; git push origin +HEAD:main; echo end"))
        self.assertEqual(self.remote_main(world, repo), before)
        with open(os.path.join(repo, "log"), encoding="utf-8") as file:
            log = file.read()
        for name in names:
            self.assertIn(name, log)
        # What the guard read of standard input reaches the hook whole.
        self.assertRegex(log, r"pre-push origin \S+\nHEAD [0-9a-f]{40} refs/heads/feature 0{40}\n")
        self.assertRegex(log, r"reference-transaction prepared\n[0-9a-f]{40} [0-9a-f]{40} (HEAD|refs/heads/main)\n")
        self.assertEqual(done.err.count("denied rule=git.force_push"), 2, repr(done))
        # A hook that says no is obeyed.
        world.write(os.path.join(repo, ".husky", "pre-commit"), "#!/bin/sh\nexit 1\n", 0o755)
        done = self.ok(world.sh(repo, "echo z >>a.txt; git commit -qam no && echo committed; echo end"))
        self.assertEqual(done.out, "end\n")

    def test_a_damaged_policy_blocks(self):
        world = self.guarded()
        repo = self.with_remote(world)
        for damage in ("printf x >>", "printf '' >", "sed -i s/block/allow/"):
            with self.subTest(damage=damage):
                child = world.popen("start", repo, "--", "/bin/sh", "-c",
                                    "echo up; while [ ! -e go ]; do sleep 0.1; done; sleep 1; rm go; git push origin HEAD:refs/heads/other; "
                                    "echo push $?; curl --version; echo curl $?; git log -1 --format=tformat:looks; echo log $?; "
                                    "git log -1 >/dev/null")
                self.assertEqual(child.stdout.readline(), b"up\n")
                instance, = world.instances()
                path = os.path.join(world.state, "instances", instance, "files", "safety.json")
                # In place: the sandbox has this very file.
                script = 'chmod u+w "$1"; cp "$1" "$1.new"; ' + damage + ' "$1.new"; cat "$1.new" >"$1"'
                support.as_root("sh", "-c", script, "sh", path)
                world.write(os.path.join(repo, "go"), "")
                out, err = child.communicate(timeout=60)
                self.assertIn("push 126\ncurl 126\nlooks\nlog 0\n", out.decode(), err.decode())
                self.assertIn(b"denied rule=policy.defective", err)
                self.assertIn(b"warning: the safety policy cannot be trusted", err)
        done = self.ok(world.sh(repo, "git push -q origin HEAD:refs/heads/other && echo pushed"))
        self.assertEqual(done.out, "pushed\n", "a new start writes it anew")

    def test_the_policy_of_the_organisation_counts(self):
        world = self.guarded({"security": {"safety_net": {"action": "block", "rules": {"git.force_push": "warn"},
                                                          "protected_branches": ["release"]}}})
        repo = self.with_remote(world)
        world.git(repo, "push", "-q", "origin", "main~1:refs/heads/release")
        done = self.ok(world.sh(repo, "git push -q -f origin main && echo forced; git reset --hard; echo $?"))
        self.assertEqual(done.out, "forced\n126\n", repr(done))
        self.assertIn("scc-safety: warning rule=git.force_push", done.err)
        status = self.ok(world.scc("status", "--json", cwd=repo)).data
        plan = self.ok(world.scc("start", repo, "--dry-run", "--json", "--", "true")).data["plan"]
        self.assertEqual(status["safety"], {"action": "block", "policy_digest": plan["safety"]["policy_digest"]})
        self.assertEqual(plan["safety"]["guarded"][:2], ["/usr/bin/git", "/usr/lib/git-core/git"])

    def test_the_gate_refuses_an_image_whose_git_has_no_guard(self):
        world = self.guarded()
        base = self.ok(world.scc("start", world.repo(), "--dry-run", "--json", "--", "true")).data["plan"]["image"]["ref"]
        recipes = {"a second git": "COPY --from=0 /usr/libexec/scc/real/git /usr/local/bin/git\n",
                   "no label": 'LABEL scc.guarded=""\n',
                   "a git command beside git": "COPY --from=0 /usr/libexec/scc/real/git /usr/libexec/git-core/git-push\n"}
        for name, recipe in recipes.items():
            with self.subTest(name=name), tempfile.TemporaryDirectory() as folder:
                with open(os.path.join(folder, "Dockerfile"), "w", encoding="utf-8") as file:
                    file.write(f"FROM {base}\nFROM {base}\n{recipe}")
                tag = f"localhost/{world.suffix}-{len(name)}:1"
                world.engine("build", "-q", "-t", tag, folder)
                self.addCleanup(world.engine, "rmi", "-f", tag, check=False)
                other = self.guarded({"defaults": {"images": {"command": tag}}})
                repo = other.repo("elsewhere")
                self.refused(other.start(repo, "true"), 5)
                done = other.start(repo, "true")
                self.assertRegex(done.err, r"guard:?\s*/usr/\S*git")
                self.assertEqual(other.containers(running=True), [])
                permitted = self.guarded({"defaults": {"images": {"command": tag}},
                                          "security": {"safety_net": {"unguarded_images": [tag]}}})
                done = self.ok(permitted.start(permitted.repo("elsewhere"), "echo", "runs"))
                self.assertEqual(done.out, "runs\n")
                self.assertIn("without the guard", done.err)

    def test_what_it_does_not_stop(self):
        """Documented (docs/safety.md): a git of its own with settings of its own. Nothing but missing credentials helps here."""
        world = self.guarded()
        repo = self.with_remote(world)
        before = self.remote_main(world, repo)
        self.ok(world.sh(repo, "cp /usr/libexec/scc/real/git /tmp/g; HOME=/tmp /tmp/g push -q -f origin main"))
        self.assertNotEqual(self.remote_main(world, repo), before)


def sealed(document, pad=""):
    """A policy as the host writes it, with its own digest."""
    text = json.dumps({**document, "source": "test" + pad, "sha256": "0" * 64}, separators=(",", ":"))
    return text.replace("0" * 64, hashlib.sha256(text.encode()).hexdigest())


SOUND = sealed({"schema": 1, "action": "block"})
# What is broken: the file's text, its mode, whether its mount is read-only, and the reason that the guard gives.
POLICIES = {
    "sound": (SOUND, 0o644, True, None),
    "cut off": (SOUND[:-10], 0o644, True, "its sha256 is cut off"),
    "empty": ("", 0o644, True, "it carries no sha256"),
    "changed": (SOUND.replace("block", "allow"), 0o644, True, "its sha256 is another one"),
    "another schema": (sealed({"schema": 2, "action": "allow"}), 0o644, True, "unknown schema"),
    "no schema": (sealed({"action": "allow"}), 0o644, True, "unknown schema"),
    "something unknown": (sealed({"schema": 1, "action": "allow", "more": 1}), 0o644, True, "unknown member more"),
    "too large": (sealed({"schema": 1, "action": "allow"}, "x" * (256 << 10)), 0o644, True, "it is larger than 256 KiB"),
    "others may write": (SOUND, 0o666, True, "others may write to it"),
    "on a writable mount": (SOUND, 0o644, False, "it is not on a read-only mount"),
    "a directory": (None, 0o755, True, "it is no regular file"),
}


class Guard(Guarded, support.Case):
    def alone(self, world):
        """Words that run a shell script in the image with the guard, without scc: no policy, no audit log."""
        guard = os.path.join(support.PREFIX, "libexec", "scc")
        plan = self.ok(world.scc("start", world.repo(), "--dry-run", "--json", "--", "true")).data["plan"]
        run = ("run", "--rm", "--read-only", "--network", "none", "--cap-drop", "ALL", "-v", f"{guard}:/opt/scc/bin:ro")
        for path in plan["safety"]["guarded"]:
            run += ("-v", f"{guard}/scc-guard:{path}:ro")
        return lambda script, *more: world.engine(*run, *more, plan["image"]["ref"], "sh", "-c", script)

    def test_a_broken_policy_blocks_whatever_is_broken(self):
        world = self.guarded()
        shell = self.alone(world)
        for name, (text, mode, read_only, reason) in POLICIES.items():
            with self.subTest(policy=name):
                path = os.path.join(world.home, "policies", name.replace(" ", "-"))
                if text is None:
                    world.make_dir(path)
                else:
                    world.write(path, text)
                os.chmod(path, mode)
                told = shell("for tool in 'git init -q /tmp/x' 'curl --version' 'git status' 'git --version'; do $tool 2>&1; "
                             "echo \"code $?\"; done", "-v", f"{path}:/etc/scc/safety.json{':ro' if read_only else ''}")
                init, curl, status, version, _ = re.split(r"code ", told)
                self.assertRegex(told, r"(?s)code 126\n.*code 126\n.*code 128\n.*git version .*code 0\n$")
                # A sound one is no reason; that there is no audit log is.
                rule = "guard.unaudited" if reason is None else "policy.defective"
                for part in (init, curl):
                    self.assertIn(f"denied rule={rule} ", part)
                self.assertIn("not a git repository", status)
                if reason is not None:
                    self.assertIn(reason, init)
                    self.assertIn("warning: the safety policy cannot be trusted (/etc/scc/safety.json: " + reason, status)

    def test_a_missing_policy_blocks(self):
        told = self.alone(self.guarded())("git init -q /tmp/x; echo init $?; curl --version; echo curl $?; git --version; echo version $?")
        self.assertEqual([line for line in told.split("\n") if " version 2" not in line], ["init 126", "curl 126", "version 0", ""])


class GuardOnPodman(Guarded, support.Case):
    engine = "podman"


if __name__ == "__main__":
    support.main()
