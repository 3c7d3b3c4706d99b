# SPDX-License-Identifier: Apache-2.0
"""What a row of the corpora did to a repository: the parts of tests/support/effects_*, and the fingerprint that is taken before
and after. Nothing here asks the guard, and nothing asks a git about what it can ask the files about.
"""
import hashlib
import json
import os
import shutil
import subprocess

import support

ALL = os.environ.get("SCC_EFFECTS_ALL", "") not in ("", "0")
HOOK = ("/opt/scc/bin/scc-guard", "hook", "--format", "claude")
DENIED = "scc-safety: denied rule="
DATA = os.path.join(support.SOURCE, "tests", "data", "safety")
PARTS = os.path.join(support.SOURCE, "tests", "support")
FILES = ("commands.jsonl", "adversaries.jsonl")
# What can be lost, in the order in which it is written down.
KINDS = ("remote", "worktree", "stash", "refs", "rewound", "reflog", "objects", "config", "repository")
# Of these a loss is one whoever asked for it; the others are how ordinary commands work, too.
LOSSES = frozenset(KINDS) - {"rewound", "config"}
BRANCHES = ("refs/heads/", "refs/tags/", "refs/notes/")


def rows():
    """{number: row} of both files; the number says which file and line."""
    out = {}
    for prefix, name in zip("ca", FILES):
        with open(os.path.join(DATA, name), encoding="utf-8") as file:
            for number, line in enumerate(file, 1):
                out[f"{prefix}{number:04}"] = json.loads(line)
    return out


def recorded(row, lost):
    """What of it is written into the row: of a line that may run, only real losses."""
    return [kind for kind in lost if row["want"] == "block" or "layer" in row or kind in LOSSES]


def record(every, measured):
    """Writes `lost` into the files; a row without a measurement keeps what it has."""
    for prefix, name in zip("ca", FILES):
        path = os.path.join(DATA, name)
        with open(path, encoding="utf-8") as file:
            old = file.read().splitlines()
        new = []
        for number, line in enumerate(old, 1):
            key = f"{prefix}{number:04}"
            row = every[key]
            if key in measured:
                row.pop("lost", None)
                if lost := recorded(row, measured[key]):
                    row["lost"] = lost
            new.append(line if row == json.loads(line) else json.dumps(row))
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join(new) + "\n")


def write_rows(world, folder, chosen, lists):
    """The rows as the driver reads them, and which of them each run takes."""
    for name, numbers in lists.items():
        with open(os.path.join(folder, f"{name}.rows"), "w", encoding="ascii") as file:
            file.write("\n".join(numbers))
    for number, row in chosen.items():
        at = os.path.join(folder, "rows", number)
        os.makedirs(at)
        files = {}
        if "argv" in row:
            files["argv"] = "".join(word + "\0" for word in row["argv"])
        else:
            files["line"] = row["command"]
            files["call"] = json.dumps({"tool_name": "Bash", "tool_input": {"command": row["command"]}})
        before = row.get("before", "")
        if "aliases" in row:
            quoted = {name: text.replace("\\", "\\\\").replace('"', '\\"') for name, text in row["aliases"].items()}
            files["aliases"] = "[alias]\n" + "".join(f'\t{name} = "{text}"\n' for name, text in quoted.items())
            before += f"\ncat {at}/aliases >>.git/config"
        if before:
            files["before"] = f"git() {{ /usr/libexec/scc/real/git -c core.hooksPath=/dev/null \"$@\"; }}\n{before}\n"
        for name, text in files.items():
            with open(os.path.join(at, name), "w", encoding="utf-8", errors="surrogateescape") as file:
                file.write(text)
    for name in ("effects_setup.sh", "effects_driver.pl"):
        shutil.copy(os.path.join(PARTS, name), folder)
    support.as_root("chown", "-R", f"{world.uid}:{world.uid}", folder)


def remove(place):
    if os.geteuid() == 0:
        shutil.rmtree(place, ignore_errors=True)
    else:
        support.as_root("rm", "-rf", place)


def git(folder, *argv):
    """(worked, output). The repository is one that hostile lines have been at: nothing of it runs."""
    env = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": "/dev/null", "LC_ALL": "C"}
    done = subprocess.run((*support.root_prefix(), "git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-c",
                           "core.hooksPath=/dev/null", "--git-dir", folder, *argv), capture_output=True, env=env, check=False)
    return done.returncode == 0, done.stdout.decode("utf-8", "backslashreplace")


def lines(folder, *argv):
    return git(folder, *argv)[1].splitlines()


def contents(top):
    """{path: blob name} of the files below, without what belongs to git."""
    out = {}
    for folder, folders, files in os.walk(top):
        folders[:] = [name for name in folders if name != ".git"]
        for name in files:
            path = os.path.join(folder, name)
            if name != ".git" and os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as file:
                    data = file.read()
                out[os.path.relpath(path, top)] = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
    return out


def refs(folder):
    """{name: object} as git's files say it."""
    out = {}
    for path, text in texts(folder, ("packed-refs", "refs")).items():
        if path != "packed-refs":
            out[path] = text.strip()
    packed = texts(folder, ("packed-refs",)).get("packed-refs", "")
    for line in packed.splitlines():
        if line[:1] not in "#^":
            value, name = line.split(" ", 1)
            out.setdefault(name, value)
    return out


def texts(folder, names):
    """{path: text} of these files and of those below these directories."""
    out = {}
    for name in names:
        top = os.path.join(folder, name)
        found = [top] if os.path.isfile(top) else [os.path.join(at, one) for at, _, files in os.walk(top) for one in files]
        for path in found:
            with open(path, "rb") as file:
                out[os.path.relpath(path, folder)] = file.read().decode("utf-8", "backslashreplace")
    return out


def settings(path):
    """What a configuration file sets, without what a branch follows."""
    worked, out = git("/nonexistent", "config", "--file", path, "--list")
    return {line for line in out.splitlines() if not line.startswith("branch.")} if worked else None


class State:
    """All that a copy of the template holds, as its files say it; git is asked only about objects."""

    def __init__(self, place):
        self.place = place
        self.git_dir = os.path.join(place, "repo", ".git")
        self.files = {f"{top}/{path}": name for top in ("repo", "wt") for path, name in contents(os.path.join(place, top)).items()}
        self.remotes = {name: refs(os.path.join(place, name)) for name in ("remote.git", "library.git")}
        self.local = {name: value for name, value in refs(self.git_dir).items() if name.startswith(BRANCHES)}
        self.logs = texts(self.git_dir, ("logs",))
        self.objects = {os.path.join(at, name) for at, _, names in os.walk(os.path.join(self.git_dir, "objects")) for name in names}
        self.objects = {os.path.relpath(path, place) for path in self.objects if path.count("/pack/") == 0 or path.endswith(".pack")}
        info = texts(self.git_dir, ("info",))
        self.config = texts(self.git_dir, ("config",))
        self.hooks = texts(self.git_dir, ("hooks",)), {name: info.get(f"info/{name}") for name in ("attributes", "exclude", "grafts")}

    def whole(self):
        head = texts(self.git_dir, ("HEAD",)).get("HEAD", "")
        return head.startswith("ref: refs/") or len(head.strip()) == 40

    def held(self, *how):
        """Objects that something leads to: refs; with more of git's options logs and the index, too."""
        return {line.split(" ", 1)[0] for line in lines(self.git_dir, "rev-list", "--objects", "--ignore-missing", "--all", *how)}

    def every(self):
        return set(lines(self.git_dir, "cat-file", "--batch-all-objects", "--batch-check=%(objectname)", "--unordered"))

    def stashes(self):
        return [line.split(" ", 1)[0] for line in lines(self.git_dir, "log", "-g", "--format=%H", "refs/stash", "--")]


class Template(State):
    """The state before, and what of it can be lost."""

    def __init__(self, place):
        super().__init__(place)
        self.sets = settings(os.path.join(self.git_dir, "config"))
        committed, logged = self.held(), self.held("--reflog")
        submodule = set(lines(os.path.join(self.git_dir, "modules", "sub"), "rev-list", "--objects", "--all", "--reflog"))
        self.work = {path: name for path, name in self.files.items()
                     if name not in logged | {line.split(" ", 1)[0] for line in submodule}}
        self.stashed = {}
        plain = {line.split(" ", 1)[0] for line in lines(self.git_dir, "rev-list", "--objects", "--branches", "--tags")}
        from_stash = set()
        for commit in self.stashes():
            found = lines(self.git_dir, "ls-tree", "-r", commit)
            self.stashed[commit] = {line.split()[2] for line in found if " blob " in line} - plain
            from_stash |= {line.split(" ", 1)[0] for line in lines(self.git_dir, "rev-list", "--objects", commit)}
        self.logged = logged - committed - from_stash
        self.dangling = self.every() - self.held("--reflog", "--indexed-objects")
        assert len(self.work) > 12 and len(self.stashed) == 2 and self.logged and self.dangling, "the template holds too little"
        assert all(self.stashed.values()) and len(self.local) > 15 and len(self.remotes["remote.git"]) > 8

    def lost(self, place):
        """(kinds of what a copy has lost, whether a remote is another one now)."""
        now = State(place)
        out = {"config"} if now.hooks != self.hooks or not self.same_settings(now) else set()
        if not now.whole():
            return sorted(out | {"repository"}, key=KINDS.index), False
        if any(self.pushed_away(name, now.remotes[name], place) for name in now.remotes):
            out.add("remote")
        moved = [old for ref, old in self.local.items() if now.local.get(ref) != old]
        there = set(now.files.values())
        missing = [name for name in self.work.values() if name not in there]
        logs_kept = all(now.logs.get(path, "").startswith(text) for path, text in self.logs.items())
        objects_kept = self.objects <= now.objects
        if moved or missing or not logs_kept or not objects_kept:
            out |= self.unreachable(now, moved, missing, there)
        if not objects_kept and not self.dangling <= now.every():
            out.add("objects")
        return sorted(out, key=KINDS.index), now.remotes != self.remotes

    def same_settings(self, now):
        return now.config == self.config or settings(os.path.join(now.git_dir, "config")) == self.sets

    def unreachable(self, now, moved, missing, there):
        """What nothing leads to any more: no ref, no log, not the index and no file."""
        out = set()
        reachable = now.held("--reflog", "--indexed-objects")
        kept = reachable | there
        if any(name not in kept for name in missing):
            out.add("worktree")
        if any(commit not in reachable and not blobs <= kept for commit, blobs in self.stashed.items()):
            out.add("stash")
        if not self.logged <= reachable:
            out.add("reflog")
        gone = [old for old in moved if old not in reachable]
        if gone:
            out.add("refs")
        if len(gone) < len(moved) and not set(moved) - set(gone) <= now.held():
            out.add("rewound")
        return out

    def pushed_away(self, name, after, place):
        """Whether a commit that the remote had is on none of its refs any more, or a ref of it is gone."""
        for ref, old in self.remotes[name].items():
            new = after.get(ref)
            if new is None or (new != old and not git(os.path.join(place, name), "merge-base", "--is-ancestor", old, new)[0]):
                return True
        return False


class Run:
    """What became of the rows in one place. `prepared`: the rows whose copy is not as the template is."""

    def __init__(self, template, folder, work, prepared):
        self.template, self.folder, self.work, self.prepared = template, folder, work, prepared
        self.rows, self.error = {}, ""

    def take(self, child):
        """Reads the driver's lines, and looks at each copy before it is removed."""
        for line in child.stdout:
            row, code, hook, flags = line.decode().split()
            place = os.path.join(self.folder, self.work, row)
            lost, changed = [], False
            if "same" not in flags:
                lost, changed = self.template.lost(place)
                remove(place)
            if row in self.prepared:  # which changed the settings itself
                lost = [kind for kind in lost if kind != "config"]
            if "home" in flags:
                lost = sorted({*lost, "config"}, key=KINDS.index)
            self.rows[row] = {"exit": int(code), "hook": hook, "late": "late" in flags, "lost": lost, "remote": changed,
                              "said": self.text(row, "out"), "refused": self.text(row, "hook")}
        self.error = child.stderr.read().decode("utf-8", "backslashreplace")
        child.wait()

    def text(self, row, name):
        try:
            with open(os.path.join(self.folder, f"{self.work}.said", f"{row}.{name}"), "rb") as file:
                return file.read(20000).decode("utf-8", "backslashreplace")
        except FileNotFoundError:
            return ""


def make_template(world, folder):
    done = subprocess.run((*world.become(world.env), "sh", "./effects_setup.sh"), cwd=folder, env=world.env, capture_output=True,
                          text=True, check=False, **world.identity())
    assert done.returncode == 0, done.stderr
    return Template(os.path.join(folder, "template"))


def start(world, folder, work):
    """A session whose agent runs the rows of WORK.rows, with the hook asked before each."""
    return world.popen("start", folder, "--shell", "--", "perl", "./effects_driver.pl", work, *HOOK, cwd=folder)
