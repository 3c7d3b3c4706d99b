// SPDX-License-Identifier: Apache-2.0
// scc-init: process 1 of a sandbox. It sleeps, reaps, and ends the sandbox quickly and in order when told to:
// engines send SIGTERM, and a process 1 without a handler would ignore it until the engine's kill. Also
// `scc-init signal`, by which the host reaches a process that it started with an exec (engines have no call
// for that).
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "protocol.h"
#include "setid_filter.h"
#include "state_files.h"
#include "text.h"

enum {
  kDefaultGraceMs = 2000,
  kMaxGraceMs = 60000,
  kPollMs = 10,  // processes of an exec are no children: their end sends no signal here
  kKillWaitMs = 200,
  kRelayPauseMs = 100,  // between two starts of a relay that ends
};

static const char kProgram[] = "scc-init";

static int64_t milliseconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// The relay to the proxy, where the sandbox has one. It may end only with the sandbox.
typedef struct RelayChild {
  const char* port;  // NULL: none
  const char* socket;
  pid_t pid;
  int64_t started;
} RelayChild;

static RelayChild relay_child;

static void reap(void) {
  for (;;) {
    const pid_t ended = waitpid(-1, NULL, WNOHANG);
    if (ended <= 0) return;
    if (ended == relay_child.pid) relay_child.pid = 0;
  }
}

// The agent runs under the same uid and may kill it, which cuts itself off; so does a crash until the next
// start.
static void keep_relay(void) {
  const int64_t now = milliseconds_now();
  if (relay_child.port == NULL || relay_child.pid != 0 || now < relay_child.started + kRelayPauseMs) return;
  relay_child.started = now;
  const pid_t child = fork();
  if (child > 0) relay_child.pid = child;
  if (child != 0) return;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  char program[] = SCC_RELAY_PROGRAM;
  char role[] = "agent";
  char* const argv[] = {program, role, (char*)(uintptr_t)relay_child.port,
                        (char*)(uintptr_t)relay_child.socket, NULL};
  char* const env[] = {NULL};
  execve(program, argv, env);
  report_error(kProgram, "cannot run", program, errno);
  _exit(SCC_EXIT_NOT_EXECUTABLE);
}

// The next signal of the set; 0 when the relay is to be looked after first.
static int wait_for_signal(const sigset_t* wanted) {
  if (relay_child.port == NULL || relay_child.pid != 0) return sigwaitinfo(wanted, NULL);
  const struct timespec pause = {0, (long)kRelayPauseMs * 1000000};
  return sigtimedwait(wanted, NULL, &pause);
}

// kill(-1) reaches every process of this pid namespace but process 1.
static bool anyone_left(void) {
  return kill(-1, 0) == 0 || errno != ESRCH;
}

static void wait_until_alone(int64_t milliseconds) {
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  const int64_t deadline = milliseconds_now() + milliseconds;
  for (;;) {
    reap();
    if (!anyone_left() || milliseconds_now() >= deadline) return;
    const struct timespec pause = {0, (long)kPollMs * 1000000};
    sigtimedwait(&child, NULL, &pause);
  }
}

static int keep_alive(int64_t grace_ms) {
  sigset_t all;
  sigset_t wanted;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGCHLD);
  sigaddset(&wanted, SIGTERM);
  sigaddset(&wanted, SIGINT);
  for (;;) {
    // Without a handler for SIGCHLD a child that ended before this line is still waiting to be reaped.
    reap();
    keep_relay();
    const int number = wait_for_signal(&wanted);
    if (number == SIGTERM || number == SIGINT) break;
  }
  kill(-1, SIGTERM);
  // A stopped process would sleep through its notice.
  kill(-1, SIGCONT);
  wait_until_alone(grace_ms);
  if (anyone_left()) {
    kill(-1, SIGKILL);
    wait_until_alone(kKillWaitMs);
  }
  return 0;
}

static int send_signal(const char* token, const char* number_text) {
  uint64_t number = 0;
  if (!is_token(token, 1, SCC_TOKEN_MAX) || !parse_decimal(number_text, (uint64_t)SIGRTMAX, &number) ||
      number == 0) {
    report_error(kProgram, "usage: scc-init signal TOKEN SIGNUM", NULL, 0);
    return SCC_EXIT_USAGE;
  }
  pid_t pid = 0;
  uint64_t recorded = 0;
  const int error = read_exec_record(SCC_STATE_DIR, token, &pid, &recorded);
  if (error == ENOENT) {
    report_error(kProgram, "no process was started as", token, 0);
    return 1;
  }
  if (error != 0) {
    report_error(kProgram, "cannot read the record of", token, error);
    return SCC_EXIT_USAGE;
  }
  // The descriptor keeps the process id from being given to another process between the comparison and the
  // signal.
  const int pidfd = (int)syscall(SYS_pidfd_open, pid, 0U);
  uint64_t now = 0;
  if ((pidfd < 0 && errno == ESRCH) || process_start_time(pid, &now) != 0 || now != recorded) {
    report_error(kProgram, "the process is gone:", token, 0);
    return 1;
  }
  const bool leads_group = getpgid(pid) == pid;
  int sent = -1;
  if (leads_group) {
    sent = kill(-pid, (int)number);
  } else if (pidfd >= 0) {
    sent = (int)syscall(SYS_pidfd_send_signal, pidfd, (int)number, NULL, 0U);
  } else {
    sent = kill(pid, (int)number);
  }
  if (sent != 0) {
    report_error(kProgram, "cannot signal", token, errno);
    return 1;
  }
  return 0;
}

static int usage(void) {
  report_error(kProgram,
               "usage: scc-init [--grace-ms MS] [--relay PORT SOCKET] | scc-init signal TOKEN SIGNUM", NULL,
               0);
  return SCC_EXIT_USAGE;
}

int main(int argc, char** argv) {
  // Both forms carry the filter and stay untraceable, or the agent could make them do what it may not.
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  int error = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? 0 : errno;
  if (error == 0) error = setid_filter_install();
  if (error != 0) {
    report_error(kProgram, "cannot install the system call filter", NULL, error);
    return SCC_EXIT_REFUSED;
  }
  if (argc >= 2 && strcmp(argv[1], "signal") == 0) return argc == 4 ? send_signal(argv[2], argv[3]) : usage();
  uint64_t grace_ms = kDefaultGraceMs;
  int next = 1;
  if (next + 1 < argc && strcmp(argv[next], "--grace-ms") == 0) {
    if (!parse_decimal(argv[next + 1], kMaxGraceMs, &grace_ms)) return usage();
    next += 2;
  }
  if (next + 2 < argc && strcmp(argv[next], "--relay") == 0) {
    relay_child.port = argv[next + 1];
    relay_child.socket = argv[next + 2];
    next += 3;
  }
  if (next != argc) return usage();
  // kill(-1) anywhere else would end every process of the user.
  if (getpid() != 1) {
    report_error(kProgram, "must be process 1 of a container", NULL, 0);
    return SCC_EXIT_USAGE;
  }
  return keep_alive((int64_t)grace_ms);
}
