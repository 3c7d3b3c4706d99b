// SPDX-License-Identifier: Apache-2.0
// scc-relay: the only way between a sandbox without a network and the proxy beside it.
//
//   scc-relay agent PORT SOCKET                  in the sandbox: 127.0.0.1:PORT to the unix socket
//   scc-relay serve SOCKET [ADDRESS:]PORT -- CHECK... -- RUN...
//                                                process 1 beside the proxy: runs CHECK to its end, then RUN,
//                                                and once that listens there (no address: 127.0.0.1) carries
//                                                SOCKET to it
//   scc-relay ask SOCKET MILLISECONDS HOST:PORT...
//                                                asks the proxy behind the socket; a line "STATUS HOST:PORT"
//                                                for each
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "ask_proxy.h"
#include "protocol.h"
#include "relay.h"
#include "text.h"

enum { kReadyMs = 15000, kPollMs = 10, kEndMs = 3000, kSaidMax = 8192, kRefused = 3 };

static const char kProgram[] = "scc-relay";
static Relay relay;  // large: not on the stack

static int usage(void) {
  report_error(kProgram,
               "usage: scc-relay agent PORT SOCKET | serve SOCKET [ADDRESS:]PORT -- CHECK... -- RUN... | "
               "ask SOCKET MILLISECONDS HOST:PORT...",
               NULL, 0);
  return SCC_EXIT_USAGE;
}

static bool parse_port(const char* text, uint16_t* port) {
  uint64_t number = 0;
  if (!parse_decimal(text, 65535, &number) || number == 0) return false;
  *port = (uint16_t)number;
  return true;
}

static int run_agent_side(const char* port_text, const char* path) {
  RelayTarget target = {.path = path};
  uint16_t port = 0;
  if (!parse_port(port_text, &port)) return usage();
  const int listener = relay_listen_tcp(port);
  if (listener < 0) {
    report_error(kProgram, "cannot listen on 127.0.0.1 port", port_text, errno);
    return SCC_EXIT_REFUSED;
  }
  relay_start(&relay, listener, target);
  for (;;) relay_step(&relay, -1, -1);
}

// ---- beside the proxy ----

// What the proxy's programs say goes to a file of the private temporary file system, where `ask` finds it.
static pid_t spawn(char** argv) {
  const pid_t child = fork();
  if (child != 0) return child;
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  const int out = open(SCC_PROXY_SAID, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW, 0600);
  const int in = open("/dev/null", O_RDONLY);
  if (out >= 0) {
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
  }
  if (in >= 0) dup2(in, STDIN_FILENO);
  execv(argv[0], argv);
  report_error(kProgram, "cannot run", argv[0], errno);
  _exit(errno == ENOENT ? SCC_EXIT_NOT_FOUND : SCC_EXIT_NOT_EXECUTABLE);
}

// 0 when nothing of interest came within the time; SIGTERM, SIGINT, or SIGCHLD.
static int next_signal(int signals, int timeout_ms) {
  struct signalfd_siginfo info;
  if (relay_step(&relay, signals, timeout_ms) && read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
    return (int)info.ssi_signo;
  }
  return 0;
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

// True when the child ended; reaps whatever else ended (what squid started and left).
static bool has_ended(pid_t child, int* status) {
  for (;;) {
    int code = 0;
    const pid_t ended = waitpid(-1, &code, WNOHANG);
    if (ended <= 0) return false;
    if (ended == child) {
      *status = code;
      return true;
    }
  }
}

static int end_proxy(pid_t proxy, int signals, const char* path) {
  int status = 0;
  unlink(path);
  relay_stop(&relay);
  kill(proxy, SIGTERM);
  const int64_t deadline = now_ms() + kEndMs;
  while (!has_ended(proxy, &status) && now_ms() < deadline) next_signal(signals, kPollMs);
  return 0;
}

// Waits to be ended, so that it can be asked why.
static int refuse(int signals) {
  const int fd = open(SCC_PROXY_REFUSED, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd >= 0) close(fd);
  for (;;) {
    const int number = next_signal(signals, -1);
    if (number == SIGTERM || number == SIGINT) return SCC_EXIT_REFUSED;
  }
}

static int wait_for_end(pid_t child, int signals, int* status) {
  for (;;) {
    if (has_ended(child, status)) return 0;
    const int number = next_signal(signals, -1);
    if (number == SIGTERM || number == SIGINT) return number;
  }
}

static bool listens(const RelayTarget* target) {
  // Any answer will do, also a refusal: who answers listens.
  return ask_proxy(target, "scc-ready.invalid:443", kReadyMs) > 0;
}

static int carry_until_it_ends(pid_t proxy, int signals, const char* path, RelayTarget target) {
  const int listener = relay_listen_unix(path);
  if (listener < 0) {
    report_error(kProgram, "cannot listen on", path, errno);
    return end_proxy(proxy, signals, path) + SCC_EXIT_REFUSED;
  }
  relay_start(&relay, listener, target);
  for (;;) {
    const int number = next_signal(signals, -1);
    int status = 0;
    if (number == SIGTERM || number == SIGINT) return end_proxy(proxy, signals, path);
    if (number == SIGCHLD && has_ended(proxy, &status)) {
      unlink(path);  // without the proxy there is no way out
      return 1;
    }
  }
}

static int serve(const char* path, const char* port_text, char** check, char** run) {
  RelayTarget target;
  if (!relay_parse_inet(port_text, &target)) return usage();
  sigset_t all;
  sigset_t wanted;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  sigemptyset(&wanted);
  sigaddset(&wanted, SIGCHLD);
  sigaddset(&wanted, SIGTERM);
  sigaddset(&wanted, SIGINT);
  const int signals = signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC);
  relay_start(&relay, -1, target);
  unlink(path);
  const pid_t checker = spawn(check);
  int status = 1;
  if (signals < 0 || checker < 0) return SCC_EXIT_REFUSED;
  if (wait_for_end(checker, signals, &status) != 0) return 0;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return refuse(signals);
  const pid_t proxy = spawn(run);
  if (proxy < 0) return SCC_EXIT_REFUSED;
  const int64_t deadline = now_ms() + kReadyMs;
  while (!listens(&target)) {
    const int number = next_signal(signals, kPollMs);
    if (number == SIGTERM || number == SIGINT) return end_proxy(proxy, signals, path);
    if (has_ended(proxy, &status) || now_ms() >= deadline) return refuse(signals);
  }
  return carry_until_it_ends(proxy, signals, path, target);
}

static int parse_serve(int argc, char** argv) {
  if (argc < 8 || strcmp(argv[4], "--") != 0) return usage();
  int second = 5;
  while (second < argc && strcmp(argv[second], "--") != 0) ++second;
  if (second == 5 || second + 1 >= argc) return usage();
  argv[second] = NULL;
  return serve(argv[2], argv[3], argv + 5, argv + second + 1);
}

// ---- questions ----

static int tell_refusal(void) {
  size_t size = 0;
  char* said = read_file(SCC_PROXY_SAID, (size_t)1 << 22U, &size);
  if (said == NULL) return kRefused;
  const size_t shown = size > kSaidMax ? kSaidMax : size;
  write_all(STDERR_FILENO, said + (size - shown), shown);
  return kRefused;
}

static bool refused(void) {
  return access(SCC_PROXY_REFUSED, F_OK) == 0;
}

static int ask(const char* path, const char* limit_text, char** targets, int count) {
  uint64_t limit = 0;
  if (!parse_decimal(limit_text, 600000, &limit)) return usage();
  const RelayTarget proxy = {.path = path};
  const int64_t deadline = now_ms() + (int64_t)limit;
  while (access(path, F_OK) != 0) {
    if (refused()) return tell_refusal();
    if (now_ms() >= deadline) {
      report_error(kProgram, "the proxy did not become ready in time", NULL, 0);
      tell_refusal();
      return 1;
    }
    const struct timespec pause = {0, (long)kPollMs * 1000000};
    nanosleep(&pause, NULL);
  }
  for (int i = 0; i < count; ++i) {
    const int64_t left = deadline - now_ms();
    const int status = ask_proxy_patiently(&proxy, targets[i], left > 1 ? (int)left : 1);
    TextBuffer line = {0};
    text_number(&line, status);
    text_bytes(&line, " ", 1);
    text_string(&line, targets[i]);
    text_bytes(&line, "\n", 1);
    if (line.failed || !write_all(STDOUT_FILENO, line.data, line.size)) return 1;
    text_free(&line);
  }
  return 0;
}

int main(int argc, char** argv) {
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  signal(SIGPIPE, SIG_IGN);
  if (argc == 4 && strcmp(argv[1], "agent") == 0) return run_agent_side(argv[2], argv[3]);
  if (argc >= 5 && strcmp(argv[1], "ask") == 0) return ask(argv[2], argv[3], argv + 4, argc - 4);
  if (argc >= 2 && strcmp(argv[1], "serve") == 0) return parse_serve(argc, argv);
  return usage();
}
