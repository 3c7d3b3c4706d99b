# SPDX-License-Identifier: Apache-2.0
"""What the agent is and what it can reach: asked from inside, as the agent would."""
import json
import os

import support


class Inside(support.Case):
    def fields(self, done):
        self.ok(done)
        return dict(line.split(":", 1) for line in done.out.splitlines() if ":" in line)

    def test_process_is_confined(self):
        world = self.world()
        found = self.fields(world.sh(world.repo(), "cat /proc/self/status"))
        for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(found[name], 16), 0, name)
        self.assertEqual(found["NoNewPrivs"].strip(), "1")
        self.assertEqual(found["Seccomp"].strip(), "2")
        host = world.container()["HostConfig"]
        self.assertEqual(host["CapDrop"], ["ALL"])
        self.assertFalse(host["CapAdd"])
        self.assertFalse(host["Privileged"])
        self.assertTrue(host["ReadonlyRootfs"])
        self.assertEqual((host["PidMode"], host["UTSMode"], host["UsernsMode"]), ("", "", ""))
        self.assertIn(host["IpcMode"], ("private", "none"))
        self.assertTrue(any(option.startswith("no-new-privileges") for option in host["SecurityOpt"]))
        self.assertFalse(any("unconfined" in option for option in host["SecurityOpt"]))
        self.assertFalse(host["Devices"])
        self.assertEqual(host["RestartPolicy"]["Name"] or "no", "no")
        self.assertEqual(host["PidsLimit"], 4096)
        self.assertGreater(host["Memory"], 0)

    def test_root_file_system_is_read_only(self):
        world = self.world()
        done = world.sh(world.repo(), "for d in / /usr/bin /etc /opt /opt/scc/bin /var /root /srv /usr/local/bin; do "
                                      "touch $d/x 2>/dev/null && echo WROTE $d; done; touch /tmp/x && touch ~/x && touch y && "
                                      "echo fine")
        self.assertEqual(done.out, "fine\n", repr(done))

    def test_programs_that_are_started_beside_an_agent_cannot_be_read(self):
        """What cannot be read cannot be traced: nobody gets into a program that does not carry the filter yet. Process 1 is there
        before anybody is, and a rootless engine could not enter what it cannot read."""
        folder = os.path.join(support.PREFIX, "libexec", "scc")
        modes = dict.fromkeys(("scc-init", "scc-relay", "scc-probe"), 0o555)
        names = [name for name in os.listdir(folder) if name.startswith("scc-") and os.path.isfile(os.path.join(folder, name))]
        self.assertIn("scc-signal", names)
        for name in names:
            self.assertEqual(oct(os.stat(os.path.join(folder, name)).st_mode & 0o7777), oct(modes.get(name, 0o111)), name)
        world = self.world()
        repo = world.repo()
        done = world.sh(repo, "for f in /opt/scc/bin/scc-*; do test -x $f && ! test -r $f && echo ${f#/opt/scc/bin/scc-}; done")
        self.assertEqual(done.out.split(), sorted(name[4:] for name in names if name not in modes), repr(done))
        done = world.sh(repo, "cat /proc/1/environ /proc/1/maps >/dev/null || ls /proc/1/fd || readlink /proc/1/exe; echo $?")
        self.assertEqual(done.out, "1\n", repr(done))

    def test_processes_cannot_be_multiplied_without_end(self):
        world = self.world()
        world.write_config(sandbox={"pids": 64, "memory": "256m"})
        done = world.sh(world.repo(), "i=0; while [ $i -lt 200 ]; do sleep 30 & i=$((i+1)); done 2>&1; echo done")
        self.assertRegex(done.out + done.err, "(?i)cannot fork|resource temporarily")
        world.assert_quiet(self)

    def test_nothing_of_the_host(self):
        world = self.world()
        for path in (".ssh/id_ed25519", ".aws/credentials", ".config/gh/hosts.yml", ".netrc", "src/sibling/secret.txt"):
            world.write(os.path.join(world.home, path), "canary-file\n")
        env = {"CANARY": "canary-env", "AWS_SECRET_ACCESS_KEY": "canary-env", "SSH_AUTH_SOCK": "/tmp/canary-env",
               "ANTHROPIC_API_KEY": "canary-env", "GITHUB_TOKEN": "canary-env", "LD_PRELOAD_CANARY": "canary-env"}
        script = ("env; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'; ls -laR ~ /run /root 2>/dev/null; "
                  f"ls -a {world.home} {world.src} {world.home}/.ssh; cat {world.src}/sibling/secret.txt; "
                  "cat ~/.ssh/* ~/.aws/* /root/.ssh/*; find / -xdev -name '*.sock'; "
                  "ls -la /var/run/docker.sock /run/docker.sock /run/containerd; cat /proc/self/mountinfo")
        done = world.sh(world.repo(), script, env=env)
        seen = done.out + done.err
        self.assertNotIn("canary", seen)
        self.assertNotIn("sibling/", done.out)
        self.assertNotIn("docker.sock", done.out)
        self.assertNotIn("canary", json.dumps(world.container()))
        names = {line.split("=")[0] for line in world.sh(f"{world.src}/repo", "env", env=env).out.splitlines()}
        allowed = {"HOME", "USER", "LOGNAME", "SHELL", "PATH", "LANG", "TERM", "COLORTERM", "TZ", "PWD", "SHLVL", "_", "OLDPWD",
                   "SCC_SANDBOX", "SCC_PROVIDER", "SCC_SESSION", "HOSTNAME",
                   "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"}  # the last three are the image's
        self.assertLessEqual(names, allowed)

    def test_siblings_are_not_visible(self):
        world = self.world()
        world.repo("neighbour")
        done = world.sh(world.repo(), f"ls -A {world.src}; ls -A {world.home}; ls {world.src}/neighbour 2>&1")
        self.assertEqual(done.out.split("\n")[0], "repo", repr(done))
        self.assertNotIn("README.md", done.out)
        self.assertNotIn(".config", done.out)

    def test_engine_is_out_of_reach(self):
        """Neither by a path nor by an abstract socket nor over the bridge's gateway on the engine's usual ports."""
        world = self.world()
        script = ("cat /proc/net/unix | grep -c docker; for port in 2375 2376; do "
                  "(timeout 2 bash -c \"exec 3<>/dev/tcp/$(ip route 2>/dev/null | awk '/default/{print $3}')/$port\") "
                  "2>/dev/null && echo OPEN $port; done; true")
        done = world.start(world.repo(), "/bin/bash", "-c", script)
        self.assertEqual(done.out, "0\n", repr(done))

    def test_settings_are_readable_and_not_writable(self):
        world = self.world()
        world.write_config(providers={"command": {"file": "/etc/scc-test/settings.json"}})
        script = ("cat /etc/scc-test/settings.json; f=/etc/scc-test/settings.json; "
                  "(echo x >>$f) 2>/dev/null && echo WROTE; rm -f $f 2>/dev/null && echo REMOVED; "
                  "mv $f /tmp/ 2>/dev/null && echo MOVED; chmod 666 $f 2>/dev/null && echo CHMOD; "
                  "mv /etc/scc-test /tmp/ 2>/dev/null && echo MOVED; (echo x >>~/.gitconfig) 2>/dev/null && echo WROTE; "
                  "(echo x >/etc/passwd) 2>/dev/null && echo WROTE; umount $f 2>/dev/null && echo UMOUNT; "
                  "mount -t tmpfs x /mnt 2>/dev/null && echo MOUNT; true")
        done = world.sh(world.repo(), script)
        self.assertEqual(done.out, "from the provider\n", repr(done))

    def test_git_configuration_is_protected(self):
        world = self.world()
        repo = world.repo()
        config = os.path.join(repo, ".git", "config")
        before = support.tree(os.path.join(repo, ".git", "hooks")), open(config, encoding="utf-8").read()
        script = ("(echo '[core]' >>.git/config) 2>/dev/null && echo WROTE config; git config a.b c 2>/dev/null && echo SET; "
                  "(echo x >.git/hooks/pre-commit) 2>/dev/null && echo WROTE hook; "
                  "mv .git/hooks .git/h 2>/dev/null && echo MOVED hooks; mv .git/config .git/c 2>/dev/null && echo MOVED config; "
                  "mv .git .g 2>/dev/null && echo MOVED git; rm -rf .git/hooks 2>/dev/null && echo REMOVED; "
                  "ln -sfn /tmp .git/hooks 2>/dev/null && test -L .git/hooks && echo LINKED; "
                  "git config user.name && git config user.email && git config push.autoSetupRemote; "
                  "echo new >b.txt && git add -A && git commit -q -m second && git log --oneline | wc -l")
        world.write(os.path.join(world.home, ".gitconfig"), "[user]\n\tname = Ada Lovelace\n\temail = ada@example.invalid\n"
                                                            "[core]\n\tpager = touch /tmp/pwned\n")
        done = world.sh(repo, script)
        self.assertEqual(done.out.split("\n"), ["Ada Lovelace", "ada@example.invalid", "true", "2", ""], repr(done))
        after = support.tree(os.path.join(repo, ".git", "hooks")), open(config, encoding="utf-8").read()
        self.assertEqual(before, after)
        self.assertIn("Ada Lovelace", world.git(repo, "log", "-1", "--format=%an"))

    def test_repository_without_hooks_or_config_gets_none(self):
        """A missing hooks directory must not be creatable either, and nothing of ours stays behind."""
        world = self.world()
        repo = world.repo()
        support.as_root("rm", "-rf", f"{repo}/.git/hooks")
        script = ("mkdir -p .git/hooks 2>/dev/null; (echo '#!/bin/sh' >.git/hooks/post-checkout) 2>/dev/null && echo WROTE; "
                  "git status --short")
        done = self.ok(world.sh(repo, script))
        self.assertEqual(done.out, "")
        self.assertFalse(os.path.exists(f"{repo}/.git/hooks/post-checkout"))

    def test_no_repository_inside_becomes_one_with_hooks(self):
        """A directory that is no repository: the agent may make one, but the host sees only what the agent owns."""
        world = self.world()
        path = world.make_dir(f"{world.src}/plain")
        done = world.start(path, "/bin/sh", "-c", "git init -q . && echo made", options=("--allow-suspicious-workspace",))
        self.assertEqual(done.out, "made\n", repr(done))

    def test_no_set_id_bit(self):
        world = self.world()
        repo = world.repo()
        script = ("cp /bin/sh plant; for m in 4755 2755 6755 u+s g+s; do chmod $m plant 2>/dev/null && echo SET $m; done; "
                  "mkdir d; chmod 2775 d 2>/dev/null && echo SET dir; install -m 4755 /bin/sh p2 2>/dev/null; "
                  "perl -e 'sysopen(F,\"p3\",0x41,04755)' 2>/dev/null; true")
        done = self.ok(world.sh(repo, script))
        self.assertEqual(done.out, "", repr(done))
        found = support.as_root("find", repo, "-perm", "/6000").stdout
        self.assertEqual(found, "", "a set-id bit was left on the host")

    def test_secret_is_a_file_and_nowhere_else(self):
        world = self.world()
        world.write_config(providers={"command": {"secret_from": "env:SCC_TEST_KEY"}})
        key = "sk-test-" + world.suffix
        script = "cat /run/scc/secrets/test-key; stat -c ' %a' /run/scc/secrets/test-key; env | grep -c sk-test-; echo ready; cat"
        child = world.popen("start", world.repo(), "--", "/bin/sh", "-c", script, env={"SCC_TEST_KEY": key},
                            stdin=support.subprocess.PIPE)
        lines = [child.stdout.readline() for _ in range(3)]
        self.assertEqual(lines, [f"{key} 400\n".encode(), b"0\n", b"ready\n"])
        container = world.container()
        self.assertNotIn(key, json.dumps(container))
        seen = support.docker("top", container["Id"], "-eo", "pid,args")
        self.assertNotIn(key, seen)
        pids = [line.split()[0] for line in seen.splitlines()[1:]]
        self.assertGreaterEqual(len(pids), 2)
        for pid in pids:
            text = support.as_root("cat", f"/proc/{pid}/environ", f"/proc/{pid}/cmdline").stdout
            self.assertNotIn(key, text, f"process {pid}")
        child.communicate(timeout=30)
        held = support.as_root("grep", "-rlF", key, world.dir, check=False).stdout
        self.assertEqual(held, "", "the key was written to disk")

    def test_secret_that_was_not_granted_is_refused(self):
        world = self.world()
        world.write_config(providers={"command": {"secret_from": "env:OTHER_KEY"}})
        done = world.start(world.repo(), "/bin/true", env={"OTHER_KEY": "sk-other"})
        self.refused(done, 6)
        self.assertNotIn("sk-other", done.err)
        self.assertEqual(world.containers(), [])


class Owner(support.Case):
    """What the agent writes belongs to whom the design promises."""

    SCRIPT = "id -u; id -un; echo new >NEW.md; mkdir -p d && echo x >d/x; echo more >>a.txt; git status --short"

    def check(self, world, repo, inside_uid, owner):
        done = world.sh(repo, self.SCRIPT)
        self.ok(done)
        lines = done.out.split("\n")
        self.assertEqual(lines[:2], [str(inside_uid), "agent"], repr(done))
        self.assertIn("?? NEW.md", lines, repr(done))
        for name in ("NEW.md", "d", "d/x", "a.txt"):
            info = os.lstat(os.path.join(repo, name))
            self.assertEqual((info.st_uid, info.st_gid), (owner, owner), name)
        world.assert_quiet(self)

    def test_the_invoking_user(self):
        world = self.world()
        self.check(world, world.repo(), world.uid or 1000, world.uid)  # root's repositories: an unprivileged uid inside

    def test_another_user_invokes(self):
        for uid in (1000, 1001):
            with self.subTest(uid=uid):
                world = self.world(uid=uid)
                self.check(world, world.repo(), uid, uid)

    def test_root_invokes_in_a_users_repository(self):
        for uid in (1000, 1001):
            with self.subTest(uid=uid):
                world = self.world(uid=0)
                self.check(world, world.repo(owner=uid), uid, uid)

    def test_root_owned_repository(self):
        world = self.world(uid=0)
        repo = world.repo()
        self.check(world, repo, 1000, 0)
        # The agent cannot make a file that is another user's on the host, nor leave a set-id one.
        done = self.ok(world.sh(repo, "cp /bin/sh p && chmod u+s p 2>/dev/null; chown 5:5 p 2>/dev/null; stat -c %u:%g p"))
        self.assertEqual(done.out, "1000:1000\n")
        info = os.lstat(os.path.join(repo, "p"))
        self.assertEqual((info.st_uid, info.st_gid, info.st_mode & 0o6000), (0, 0, 0))


if __name__ == "__main__":
    support.main()
