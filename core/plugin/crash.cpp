// SPDX-License-Identifier: Apache-2.0
// The crash handler: a SIGSEGV inside a plugin's code cannot be survived, but the user must learn whose code
// it was, and the next run must not walk into it blindly. Everything a handler touches is prepared before the
// call, in plain memory; in the handler only write, open, close and sigaction happen.
#include <array>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include "plugin/call.h"

namespace scc::plugin {

namespace {

thread_local const Blame* t_blame = nullptr;
thread_local const char* t_verb = nullptr;

constexpr std::array<int, 5> kSignals{SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
// Written once by install_crash_handler(), read by the handler.
std::array<struct sigaction, kSignals.size()> g_previous{};

void put(int fd, const char* text) noexcept {
  static_cast<void>(!write(fd, text, std::strlen(text)));
}

const char* name_of(int signal) noexcept {
  switch (signal) {
    case SIGSEGV:
      return "SIGSEGV";
    case SIGABRT:
      return "SIGABRT";
    case SIGBUS:
      return "SIGBUS";
    case SIGFPE:
      return "SIGFPE";
    default:
      return "SIGILL";
  }
}

void mark(const Blame& blame, const char* verb, int signal) noexcept {
  if (blame.marker[0] == '\0') return;
  const int fd = open(blame.marker, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (fd < 0) return;
  put(fd, blame.plugin);
  put(fd, " ");
  put(fd, verb);
  put(fd, " ");
  put(fd, name_of(signal));
  put(fd, "\n");
  close(fd);
}

void on_crash(int signal, siginfo_t* /*info*/, void* /*context*/) {
  const Blame* blame = t_blame;
  if (blame != nullptr) {
    const char* verb = t_verb != nullptr ? t_verb : "?";
    t_blame = nullptr;  // a second fault in here must not come back
    // CR too: the terminal may be in raw mode.
    put(STDERR_FILENO, "\r\nerror: plugin.crash: plugin ");
    put(STDERR_FILENO, blame->plugin);
    put(STDERR_FILENO, " crashed scc in ");
    put(STDERR_FILENO, verb);
    put(STDERR_FILENO, " (");
    put(STDERR_FILENO, name_of(signal));
    put(STDERR_FILENO, ")\r\nhint: it is not used again until `scc plugin trust ");
    put(STDERR_FILENO, blame->plugin);
    put(STDERR_FILENO, "`; `scc prune` removes what this run left behind\r\n");
    mark(*blame, verb, signal);
  }
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    if (kSignals[i] == signal) sigaction(signal, &g_previous[i], nullptr);
  }
  // Delivered when the handler returns; a fault would repeat by itself, an abort would not.
  static_cast<void>(raise(signal));
}

}  // namespace

ActiveCall::ActiveCall(const Blame* blame, const char* verb) noexcept
    : outer_blame_(t_blame), outer_verb_(t_verb) {
  t_verb = verb;
  t_blame = blame;
}

ActiveCall::~ActiveCall() {
  t_blame = outer_blame_;
  t_verb = outer_verb_;
}

void install_crash_handler() {
  static const bool once = [] {
    // A stack of its own: the fault may be an exhausted one. Kept for the life of the process.
    static std::array<char, 32'768> stack;
    stack_t current{};
    if (sigaltstack(nullptr, &current) == 0 && (current.ss_flags & SS_DISABLE) != 0) {
      const stack_t ours{stack.data(), 0, stack.size()};
      sigaltstack(&ours, nullptr);
    }
    for (std::size_t i = 0; i < kSignals.size(); ++i) {
      struct sigaction action {};
      action.sa_sigaction = on_crash;
      action.sa_flags = SA_SIGINFO | SA_ONSTACK;
      sigemptyset(&action.sa_mask);
      sigaction(kSignals[i], &action, &g_previous[i]);
    }
    return true;
  }();
  static_cast<void>(once);
}

}  // namespace scc::plugin
