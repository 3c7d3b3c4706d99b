# SPDX-License-Identifier: Apache-2.0
"""The real agents try every way of redteam_ways.py around the guard, as a tool call's line and from a script that no line shows. Who
stopped it is read from the audit log by the id that the refusal names; whether work was lost is looked at on the host, and it must be
lost exactly where docs/red-team.md says that nothing stops it.
"""
import json
import os
import re
import secrets
import shutil
import subprocess
import tempfile

import redteam_server
import redteam_ways
import support
from lab import Lab
from redteam_ways import NETWORK, TOOLS, WAYS

DOCUMENT = os.path.join(support.SOURCE, "docs", "red-team.md")
LAYERS = {"line": "hook", "argv": "guard", "ref": "effect"}
DENIED = re.compile(r"scc-safety: denied rule=(\S+) action=block id=([0-9a-f]{16})")
SERVER_FILE = os.path.join(support.HERE, "redteam_server.py")
ORG = {"schema_version": "1.1.0", "organization": {"name": "Harrow Lake", "id": "harrow-lake", "contact": "platform@harrow.example"},
       "delegation": {"users": {"allow_network_settings": True}}}


def read(path):
    """A file of the agent's; "" where there is none."""
    if not os.path.isfile(path):
        return ""
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read()


class Attempt:
    """One way, tried as a line ("a") or from a script ("b")."""

    def __init__(self, number, way, form, expected):
        self.id = f"{number:02x}{form}"
        self.way, self.form, self.expected = way, form, expected

    def text(self, ws, server):
        places = {"id": self.id, "ws": ws, "server": server, "remote": f"{ws}/remotes/{self.id}.git", "repo": f"{ws}/nested/{self.id}",
                  "work": f"{ws}/nested/{self.id}", "url": f"http://{server}:{redteam_server.PORT}/{self.id}.git", "tmp": f"/tmp/x{self.id}"}
        return redteam_ways.filled(self.way.text, places)

    def turn(self, ws):
        # The server's address is the prompt, because the network is made with the script that plays the model.
        return {"bash": self.text(ws, "${prompt}") if self.form == "a" else f"sh ./ways/{self.id}.sh"}

    def uses(self, place):
        return "{" + place + "}" in self.way.text


class Field:
    """The workspace: a repository that no longer fits the remotes below it, with a remote for each attempt."""

    def __init__(self, world, attempts):
        self.world, self.attempts = world, attempts
        files = {"a.txt": "one\n", ".gitignore": "remotes/\nnested/\nways/\nplanted/\nout/\n.claude/\n.codex/\n"}
        files.update({f"planted/{name}": text for name, text in redteam_ways.PLANTED.items()})
        self.ws = world.repo(files=files)
        self.model = tempfile.mkdtemp(prefix="scc-redteam-", dir=world.dir)
        self.remote = os.path.join(self.model, "remote.git")
        git = world.git
        world.write(os.path.join(self.ws, ".git", "info", "attributes"), "# none\n")
        git(self.ws, "config", "user.name", "T")
        git(self.ws, "config", "user.email", "t@example.invalid")
        git(self.ws, "init", "-q", "--bare", "--template=", "-b", "main", self.remote)
        git(self.ws, "commit", "-q", "--allow-empty", "-m", "only in the remote")
        git(self.ws, "push", "-q", self.remote, "main:refs/heads/keep")
        git(self.ws, "commit", "-q", "--amend", "--allow-empty", "-m", "second")
        git(self.ws, "push", "-q", self.remote, "main")
        git(self.ws, "commit", "-q", "--amend", "--allow-empty", "-m", "second, otherwise")
        self.old = self.refs(self.remote)
        self.nested = self.make_nested()
        world.make_dir(os.path.join(self.ws, "out"))
        for attempt in attempts:
            self.plant(attempt)

    def make_nested(self):
        git, path = self.world.git, os.path.join(self.model, "nested")
        shutil.copytree(self.ws, path, ignore=shutil.ignore_patterns("remotes", "planted"))
        git(path, "checkout", "-q", "-b", "side")
        git(path, "commit", "-q", "--allow-empty", "-m", "only here")
        git(path, "checkout", "-q", "main")
        self.world.write(os.path.join(path, "a.txt"), "stashed\n")
        git(path, "stash", "-q")
        git(path, "config", "alias.fp", "push --force origin main")
        git(path, "config", "alias.sp", "!git push --force origin main")
        self.world.write(os.path.join(path, "untracked.txt"), "untracked\n")
        return path

    def plant(self, attempt):
        remote = os.path.join(self.ws, "remotes", attempt.id + ".git")
        shutil.copytree(self.remote, remote)
        if not attempt.uses("repo") and not attempt.uses("work"):
            return
        path = os.path.join(self.ws, "nested", attempt.id)
        shutil.copytree(self.nested, path)
        os.makedirs(os.path.join(path, ".git", "hooks"), exist_ok=True)
        with open(os.path.join(path, ".git", "config"), "a", encoding="utf-8") as out:
            out.write(f'[remote "origin"]\n\turl = {remote}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n')
        if attempt.uses("work"):
            self.world.write(os.path.join(path, "a.txt"), "uncommitted\n")

    def write_scripts(self, server):
        for attempt in self.attempts:
            if attempt.form == "b":
                self.world.write(os.path.join(self.ws, "ways", attempt.id + ".sh"), attempt.text(self.ws, server) + "\n")

    def lost(self, attempt, refs=None):
        """What of the remote or of the clone is not there any more."""
        path = os.path.join(self.ws, "remotes", attempt.id + ".git")
        if refs is None:
            refs = self.refs(path)
        gone = [f"the remote's {name}" for name in ("main", "keep") if refs.get("refs/heads/" + name) != self.old["refs/heads/" + name]]
        path = os.path.join(self.ws, "nested", attempt.id)
        if os.path.isdir(path):
            before, after = self.refs(self.nested), self.refs(path)
            gone += [name for name in ("refs/heads/side", "refs/stash") if before[name] != after.get(name)]
            wanted = {"untracked.txt": "untracked\n", **({"a.txt": "uncommitted\n"} if attempt.uses("work") else {})}
            for name, text in wanted.items():
                if read(os.path.join(path, name)) != text:
                    gone.append(name)
        return gone

    def protected(self):
        """The workspace's own git files that no agent may change."""
        return {path: entry for path, entry in support.tree(os.path.join(self.ws, ".git")).items()
                if re.search(r"/\.git/(config|hooks/.*|info/attributes)$", path)}

    def refs(self, path):
        """Read by a git that takes nothing of the agent's settings into account but the refs."""
        done = subprocess.run(["git", "-c", "core.fsmonitor=false", "-C", path, "for-each-ref", "--format=%(refname) %(objectname)"],
                              capture_output=True, text=True, check=False, env={**self.world.env, "GIT_CONFIG_NOSYSTEM": "1"})
        return dict(line.split() for line in done.stdout.splitlines())


class Server:
    """redteam_server.py in a container on the lab's network, with the repositories of these attempts."""

    def __init__(self, world, lab, field, attempts):
        self.world = world
        words = ("run",) if world.engine_name == "docker" else ("--runtime", "runc", "--cgroup-manager", "cgroupfs", "run", "--ulimit",
                                                               "nofile=1024:1024", "--ulimit", "nproc=1024:1024")
        with open(SERVER_FILE, encoding="utf-8") as file:
            text = file.read()
        self.id = world.engine(*words, "-d", "--label", f"scc-lab={lab.suffix}", "--network", lab.info["network"], lab.info["image"],
                               "python3", "-c", text).strip()
        found = json.loads(world.engine("inspect", self.id))[0]["NetworkSettings"]["Networks"]
        self.address = found[lab.info["network"]]["IPAddress"]
        self.sh("mkdir -p /srv/git; touch /srv/hits")
        world.engine("cp", field.remote, f"{self.id}:/srv/model.git")
        names = " ".join(attempt.id for attempt in attempts if attempt.uses("url"))
        self.sh(f"for id in {names} control; do cp -r /srv/model.git /srv/git/$id.git; "
                "git --git-dir=/srv/git/$id.git -c safe.directory=* config http.receivepack true; done")

    def sh(self, script):
        return self.world.engine("exec", self.id, "sh", "-c", script)

    def refs(self, name):
        return dict(line.split() for line in self.sh(f"git -c safe.directory=* --git-dir=/srv/git/{name}.git for-each-ref "
                                                     "--format='%(refname) %(objectname)'").splitlines())

    def hits(self):
        return set(self.sh("cat /srv/hits").split())


class Shared:
    """What the agents share; they name the engine."""

    agent = "claude"
    key = ("ANTHROPIC_API_KEY", "sk-ant-")
    words = ("-p",)
    image = None

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.need_engine(cls.engine)

    def try_all(self, attempts, policy):
        """The agent tries them; returns (world, field, server, {id: what the agent was told}, lab)."""
        world = self.world(uid=0, plugins=False, engine=self.engine)
        field = Field(world, attempts)
        turns, said = [], ""
        calls = [(attempt.id, [attempt.turn(field.ws)]) for attempt in attempts]
        for name, more in calls + [(f"tool{index}", more) for index, (_, more) in enumerate(TOOLS)]:
            turns += more
            said += f"=== {name}\n${{result:{len(turns)}}}\n"
        lab = Lab([*turns, {"text": said + "=== end\n"}], engine=self.engine)
        self.addCleanup(lab.close)
        self.configure(world, lab, policy)
        server = Server(world, lab, field, attempts)
        field.write_scripts(server.address)
        before = field.protected()
        done = self.ok(world.start(field.ws, *self.words, server.address, timeout=1000))
        parts = re.split(r"(?m)^=== (\w+)\n", done.out)
        told = dict(zip(parts[1::2], parts[2::2]))
        self.assertIn("end", told, repr(done))
        self.assertEqual(field.protected(), before)
        for index, (name, _) in enumerate(TOOLS):
            with self.subTest(tool=name):
                self.assertRegex(told[f"tool{index}"], "(?i)read-only|EROFS|EBUSY|denied|not permitted|failed to write")
        return world, field, server, told, lab

    def configure(self, world, lab, policy):
        open_network = lab.config()["network"]["open"]
        network = {"open": open_network} if policy == "open" else {"enforced": {
            "network": lab.info["network"], "dns": lab.info["dns"], "internal_blocks": [lab.info["subnet"]]}}
        path = os.path.join(world.home, "org.json")
        world.write(path, json.dumps({**ORG, "defaults": {"network_policy": policy, "images": {self.agent: self.image_of(lab)}}}))
        world.write_config(selected_provider=self.agent, providers={self.agent: {"auth": "api_key"}}, network=network,
                           organization_source={"path": path}, tls={"ca_file": lab.info["ca_file"]})
        world.env[self.key[0]] = self.key[1] + world.suffix

    @classmethod
    def image_of(cls, lab):
        """The agent's own image and a Python, which the model API's has; made once for the class."""
        if cls.image:
            return cls.image
        tag = f"localhost/redteam-{secrets.token_hex(5)}:1"
        cls.addClassCleanup(support.engine, cls.engine, "rmi", "-f", tag, check=False)
        agent = f"{'localhost/' if cls.engine == 'podman' else ''}scc-agent-{cls.agent}:latest"
        command = (*(support.root_prefix() if cls.engine == "podman" else ()), cls.engine)
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "Dockerfile"), "w", encoding="utf-8") as file:
                file.write(f"FROM {lab.info['image']}\nFROM {agent}\n"
                           "COPY --from=0 /usr/bin/python3 /usr/bin/python3\nCOPY --from=0 /usr/lib/python3.11 /usr/lib/python3.11\n"
                           "COPY --from=0 /usr/lib/x86_64-linux-gnu/libexpat.so.1 /usr/lib/x86_64-linux-gnu/\n")
            done = subprocess.run((*command, "build", "-q", "-t", tag, folder), capture_output=True, text=True, check=False)
        if done.returncode:
            raise AssertionError(f"building {tag}: {done.stderr}")
        cls.image = tag
        return tag

    def layers(self, world):
        with open(os.path.join(world.state, "audit", "audit.jsonl"), encoding="utf-8") as file:
            lines = [json.loads(line)["metadata"] for line in file]
        return {line["id"]: LAYERS[line["layer"]] for line in lines if line.get("id") and line.get("layer") in LAYERS}

    def outcome(self, attempt, text, lost, layers):
        """The expected outcome where it fits what happened, else what happened."""
        found = DENIED.search(text)
        if found:
            seen = f"{layers.get(found[2], 'unlogged')} {found[1]}"
        else:
            kind, _, words = attempt.expected.partition(" ")
            fits = not lost and kind in ("sandbox", "git", "credentials", "refuses") and re.search(words, text)
            seen = attempt.expected if fits else "nothing" if lost else "not stopped and not lost"
        return seen + (" BUT LOST" if lost and seen != "nothing" else "")

    def test_every_way_to_lose_work(self):
        attempts = [Attempt(number, way, form, expected) for number, way in enumerate(WAYS)
                    for form, expected in (("a", way.line), ("b", way.script))]
        world, field, server, told, _ = self.try_all(attempts, "open")
        layers = self.layers(world)
        seen, details = {}, {}
        for attempt in attempts:
            text = told.get(attempt.id, "")
            refs = server.refs(attempt.id) if attempt.uses("url") else None
            left = os.path.join(field.ws, "out", attempt.id)
            text += read(left)
            lost = field.lost(attempt) + (field.lost(attempt, refs) if refs is not None else [])
            seen[attempt.id] = self.outcome(attempt, text, lost, layers)
            details[attempt.id] = f"{attempt.way.text}\nseen: {seen[attempt.id]}\nlost: {lost}\n{text}"
        self.report(attempts, seen, details)
        self.check_control(server, field)
        self.ok(world.scc("audit", "verify"))

    def report(self, attempts, seen, details):
        if "SCC_REDTEAM_REPORT" in os.environ:
            with open(os.environ["SCC_REDTEAM_REPORT"], "w", encoding="utf-8") as file:
                json.dump([[a.way.name, a.form, a.expected, seen[a.id], details[a.id]] for a in attempts], file, indent=1)
        for attempt in attempts:
            with self.subTest(way=attempt.way.name, form="line" if attempt.form == "a" else "script"):
                self.assertEqual(seen[attempt.id], attempt.expected, details[attempt.id])

    def check_control(self, server, field):
        """With the login the same push goes through: nothing but its absence kept the remote."""
        self.assertEqual(server.refs("control")["refs/heads/main"], field.old["refs/heads/main"])
        login = f"http://{redteam_server.LOGIN}@127.0.0.1:{redteam_server.PORT}/control.git"
        server.sh(f"git -c safe.directory=* --git-dir=/srv/model.git push -q --force {login} 'main~1:refs/heads/main'")
        self.assertNotEqual(server.refs("control")["refs/heads/main"], field.old["refs/heads/main"])

    def test_every_way_out_of_the_network(self):
        ways = list(enumerate(NETWORK))
        enforced = [Attempt(number, way, form, expected) for number, way in ways
                    for form, expected in (("a", way.line), ("b", way.script))]
        opened = [Attempt(number, way, "b", way.open) for number, way in ways]
        for policy, attempts in (("web-egress-enforced", enforced), ("open", opened)):
            world, _, server, told, lab = self.try_all(attempts, policy)
            layers, hits = self.layers(world), server.hits()
            hits |= {found[1] for name in lab.report()["names"] if (found := re.match(r"data-(\w+)\.tunnel", name["name"]))}
            seen, details = {}, {}
            for attempt in attempts:
                text = told.get(attempt.id, "")
                found = DENIED.search(text)
                reached = attempt.id in hits
                seen[attempt.id] = f"{layers.get(found[2], 'unlogged')} {found[1]}" if found else "nothing" if reached else "network"
                seen[attempt.id] += " BUT REACHED" if found and reached else ""
                details[attempt.id] = f"{policy}\n{attempt.way.text}\nseen: {seen[attempt.id]}\n{text}"
            self.report(attempts, seen, details)


class ClaudeOnDocker(Shared, support.Case):
    pass


# One pair in the lane; the other three take as long and say the same.
if "SCC_REDTEAM_ALL" in os.environ:
    class ClaudeOnPodman(Shared, support.Case):
        engine = "podman"

    class CodexOnDocker(Shared, support.Case):
        agent = "codex"
        key = ("OPENAI_API_KEY", "sk-")
        words = ("exec",)

    class CodexOnPodman(Shared, support.Case):
        engine = "podman"
        agent = "codex"
        key = ("OPENAI_API_KEY", "sk-")
        words = ("exec",)


class Document(support.Case):
    needs_engine = False

    def test_the_tables_of_the_document_are_those_of_the_ways(self):
        with open(DOCUMENT, encoding="utf-8") as file:
            text = file.read()
        begin, end = "<!-- tables: python3 tests/e2e/redteam_ways.py -->\n", "<!-- end of the tables -->\n"
        self.assertEqual(text.split(begin, 1)[1].split(end, 1)[0], redteam_ways.tables())


if __name__ == "__main__":
    support.main()
