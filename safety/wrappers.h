// SPDX-License-Identifier: Apache-2.0
// Programs that start the command in their arguments, and how their options take values. Private to
// unwrap.cpp.
#pragma once

#include <array>

namespace scc::safety {

struct Wrapper {
  // Pointers: the table is half as large as with views.
  const char* name;
  const char* letters;     ///< short options with a value
  const char* longs;       ///< long options whose value is the next argument, blank-separated
  unsigned char operands;  ///< words before the command
  bool assigns;            ///< NAME=value may come before the command
  const char* shell;       ///< options whose value is a shell line
  bool joined;             ///< the command's words are joined and read by a shell
};

constexpr std::array kWrappers{
    Wrapper{"aws-vault", "", "", 2, false, "", false},
    Wrapper{"bwrap", "", "bind ro-bind dev-bind chdir setenv unsetenv tmpfs proc dev dir uid gid hostname", 0,
            false, "", false},
    Wrapper{"builtin", "", "", 0, false, "", false},
    Wrapper{"bundle", "", "", 1, false, "", false},
    Wrapper{"caffeinate", "tw", "", 0, false, "", false},
    Wrapper{"catchsegv", "", "", 0, false, "", false},
    Wrapper{"chpst", "ueblmdnfcr", "", 0, false, "", false},
    Wrapper{"chroot", "", "", 1, false, "", false},
    Wrapper{"chronic", "", "", 0, false, "", false},
    Wrapper{"chrt", "TPD", "sched-runtime sched-period sched-deadline", 1, false, "", false},
    Wrapper{"coproc", "", "", 0, false, "", false},
    Wrapper{"dbus-run-session", "", "config-file dbus-daemon", 0, false, "", false},
    Wrapper{"direnv", "", "", 2, false, "", false},
    Wrapper{"doas", "Cu", "", 0, false, "", false},
    Wrapper{"dotenv", "fe", "file", 0, true, "", false},
    Wrapper{"eatmydata", "", "", 0, false, "", false},
    Wrapper{"entr", "", "", 0, false, "", false},
    Wrapper{"exec", "a", "", 0, false, "", false},
    Wrapper{"fakeroot", "lsib", "lib faked", 0, false, "", false},
    Wrapper{"firejail", "", "", 0, false, "", false},
    Wrapper{"gosu", "", "", 1, false, "", false},
    Wrapper{"hyperfine", "wrmMpnsLDu",
            "warmup runs min-runs max-runs prepare setup cleanup shell export-json", 0, false, "", true},
    Wrapper{"ifne", "", "", 0, false, "", false},
    Wrapper{"ionice", "cnpPu", "class classdata pid pgid uid", 0, false, "", false},
    Wrapper{"linux32", "", "", 0, false, "", false},
    Wrapper{"linux64", "", "", 0, false, "", false},
    Wrapper{"ltrace", "aDeFlnoprsuxw", "output", 0, false, "", false},
    Wrapper{"nice", "n", "adjustment", 0, false, "", false},
    Wrapper{"nix-shell", "pAI", "packages run command", 99, false, "run command", false},
    Wrapper{"nocache", "n", "", 0, false, "", false},
    Wrapper{"nodemon", "wex", "watch exec", 99, false, "exec x", false},
    Wrapper{"nohup", "", "", 0, false, "", false},
    Wrapper{"noglob", "", "", 0, false, "", false},
    Wrapper{"nocorrect", "", "", 0, false, "", false},
    Wrapper{"nsenter", "tSGrw", "target setuid setgid root wd", 0, false, "", false},
    Wrapper{"numactl", "iNmpCH", "interleave membind cpunodebind physcpubind preferred", 0, false, "", false},
    Wrapper{"npx", "pc", "package call", 0, false, "c call", false},
    Wrapper{"op", "", "env-file", 1, false, "", false},
    Wrapper{"perf", "eoFgCpt", "output", 1, false, "", false},
    Wrapper{"pipenv", "", "", 1, false, "", false},
    Wrapper{"pkexec", "", "user", 0, false, "", false},
    Wrapper{"poetry", "", "", 1, false, "", false},
    Wrapper{"prlimit", "p", "pid", 0, false, "", false},
    Wrapper{"proxychains", "f", "", 0, false, "", false},
    Wrapper{"proxychains4", "f", "", 0, false, "", false},
    Wrapper{"rlwrap", "bcCDefHilmMOpPqrsStw", "", 0, false, "", false},
    Wrapper{"runuser", "ugGscw", "user group supp-group shell command session-command", 0, false,
            "c command session-command", false},
    Wrapper{"screen", "ceEhpstTSx", "", 0, false, "", false},
    Wrapper{"script", "cEIOBTomt", "command echo log-in log-out log-io log-timing output-limit timing", 99,
            false, "c command", false},
    Wrapper{"setarch", "", "", 1, false, "", false},
    Wrapper{"setpriv", "",
            "reuid regid groups inh-caps ambient-caps bounding-set securebits pdeathsig selinux-label "
            "apparmor-profile",
            0, false, "", false},
    Wrapper{"setsid", "", "", 0, false, "", false},
    Wrapper{"setuidgid", "", "", 1, false, "", false},
    Wrapper{"sg", "c", "", 1, false, "c", true},
    Wrapper{"softlimit", "adfmnopqrstlc", "", 0, false, "", false},
    Wrapper{"ssh-agent", "aEOPt", "", 0, false, "", false},
    Wrapper{"sshpass", "pfdP", "", 0, false, "", false},
    Wrapper{"stdbuf", "ioe", "input output error", 0, false, "", false},
    Wrapper{"strace", "abeEIoOpPsSuX", "output trace", 0, false, "", false},
    Wrapper{"su", "cgGsTw", "command group supp-group shell session-command", 99, false,
            "c command session-command", false},
    Wrapper{"su-exec", "", "", 1, false, "", false},
    Wrapper{"sudo", "CDghpRrtTUu",
            "user group host prompt role type chroot chdir close-from other-user command-timeout auth-type "
            "login-class",
            0, true, "", false},
    Wrapper{"systemd-run", "pHMEu",
            "unit property host machine description slice setenv uid gid nice working-directory on-active", 0,
            false, "", false},
    Wrapper{"taskset", "", "", 1, false, "", false},
    Wrapper{"time", "fo", "format output", 0, false, "", false},
    Wrapper{"timeout", "ks", "kill-after signal", 1, false, "", false},
    Wrapper{"torsocks", "aPp", "", 0, false, "", false},
    Wrapper{"torify", "", "", 0, false, "", false},
    Wrapper{"ts", "", "", 99, false, "", false},
    Wrapper{"unbuffer", "", "", 0, false, "", false},
    Wrapper{"unshare", "SGwRl", "setuid setgid wd root map-user map-group propagation", 0, false, "", false},
    Wrapper{"uv", "", "with python project directory", 1, false, "", false},
    Wrapper{"valgrind", "", "", 0, false, "", false},
    Wrapper{"watch", "nq", "interval equexit", 0, false, "", true},
    Wrapper{"winpty", "", "", 0, false, "", false},
    Wrapper{"with-contenv", "", "", 0, false, "", false},
    Wrapper{"xvfb-run", "efnpsw", "auth-file error-file server-num listen-tcp server-args wait", 0, false, "",
            false},
};

}  // namespace scc::safety
