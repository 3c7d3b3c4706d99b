// SPDX-License-Identifier: Apache-2.0
// The probe child's limits and its seccomp filter. A deny-list on purpose: the child runs libc, the loader, a
// sanitizer's runtime and foreign code, so an allow-list would break on each of their updates; what it must
// stop are the effects that ABI-9 forbids, so that the plugin is named for them. A denied call raises SIGSYS,
// and the handler writes which call it was. Not a sandbox against an attacker: trust was decided before
// (sdk.md §6).
#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "plugin/probe.h"

namespace scc::plugin {

namespace {

struct Denied {
  long number;
  const char* what;
};

#define SCC_DENY(name) \
  { SYS_##name, #name }
constexpr auto kDenied = std::to_array<Denied>({
  SCC_DENY(socket), SCC_DENY(socketpair), SCC_DENY(connect), SCC_DENY(bind), SCC_DENY(execve),
      SCC_DENY(execveat), SCC_DENY(ptrace), SCC_DENY(process_vm_readv), SCC_DENY(process_vm_writev),
      SCC_DENY(unlinkat), SCC_DENY(renameat), SCC_DENY(renameat2), SCC_DENY(mkdirat), SCC_DENY(linkat),
      SCC_DENY(symlinkat), SCC_DENY(fchmodat), SCC_DENY(fchownat), SCC_DENY(truncate), SCC_DENY(mount),
      SCC_DENY(umount2), SCC_DENY(pivot_root), SCC_DENY(setns), SCC_DENY(unshare), SCC_DENY(chroot),
      SCC_DENY(bpf), SCC_DENY(perf_event_open), SCC_DENY(keyctl), SCC_DENY(add_key), SCC_DENY(init_module),
      SCC_DENY(finit_module), SCC_DENY(reboot), SCC_DENY(userfaultfd), SCC_DENY(io_uring_setup),
#if defined(__x86_64__)
      SCC_DENY(fork), SCC_DENY(vfork), SCC_DENY(unlink), SCC_DENY(rename), SCC_DENY(mkdir), SCC_DENY(rmdir),
      SCC_DENY(link), SCC_DENY(symlink), SCC_DENY(chmod), SCC_DENY(chown), SCC_DENY(lchown),
#endif
});
#undef SCC_DENY

#if defined(__x86_64__)
constexpr std::uint32_t kArch = AUDIT_ARCH_X86_64;
#else
constexpr std::uint32_t kArch = AUDIT_ARCH_AARCH64;
#endif

int g_result_fd = -1;  // for the signal handler only

/// Async-signal-safe: names the call and ends the child.
void on_denied(int /*signal*/, siginfo_t* info, void* /*context*/) {
  const char* what = info->si_syscall == SYS_clone ? "clone (a new process)" : "a forbidden system call";
  for (const Denied& d : kDenied) {
    if (d.number == info->si_syscall) what = d.what;
  }
  constexpr char kHead[] = "{\"denied\":\"";
  constexpr char kTail[] = "\"}\n";
  std::array<char, 128> line{};
  std::size_t used = 0;
  const auto add = [&](const char* text) {
    for (; *text != '\0' && used < line.size(); ++text) line[used++] = *text;
  };
  add(kHead);
  add(what);
  add(kTail);
  static_cast<void>(!write(g_result_fd, line.data(), used));
  _exit(1);
}

sock_filter statement(std::uint16_t code, std::uint32_t k) {
  return sock_filter{code, 0, 0, k};
}
sock_filter jump(std::uint16_t code, std::uint32_t k, std::uint8_t yes, std::uint8_t no) {
  return sock_filter{code, yes, no, k};
}

constexpr std::uint16_t kLoad = BPF_LD | BPF_W | BPF_ABS;
constexpr std::uint16_t kReturn = BPF_RET | BPF_K;
constexpr std::uint16_t kEqual = BPF_JMP | BPF_JEQ | BPF_K;
constexpr std::uint16_t kAnySet = BPF_JMP | BPF_JSET | BPF_K;

class Program {
 public:
  void add(sock_filter f) {
    if (size_ < code_.size()) code_[size_++] = f;
  }
  bool install() {
    sock_fprog program{static_cast<unsigned short>(size_), code_.data()};
    return size_ < code_.size() && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
  }

 private:
  std::array<sock_filter, 160> code_{};
  std::size_t size_ = 0;
};

/// Low word of argument n (both architectures are little-endian).
constexpr std::uint32_t argument(unsigned n) {
  return static_cast<std::uint32_t>(offsetof(seccomp_data, args) + n * sizeof(std::uint64_t));
}

void forbid_creating_open(Program& p, long number, unsigned flags_argument) {
  p.add(jump(kEqual, static_cast<std::uint32_t>(number), 0, 4));
  p.add(statement(kLoad, argument(flags_argument)));
  p.add(jump(kAnySet, O_CREAT | O_TRUNC, 0, 1));
  p.add(statement(kReturn, SECCOMP_RET_ERRNO | EACCES));
  p.add(statement(kReturn, SECCOMP_RET_ALLOW));
}

bool install_filter() {
  Program p;
  p.add(statement(kLoad, offsetof(seccomp_data, arch)));
  p.add(jump(kEqual, kArch, 1, 0));
  p.add(statement(kReturn, SECCOMP_RET_KILL_PROCESS));
  p.add(statement(kLoad, offsetof(seccomp_data, nr)));
#if defined(__x86_64__)
  p.add(jump(BPF_JMP | BPF_JGE | BPF_K, 0x40000000U, 0, 1));  // x32 numbers would pass by the list
  p.add(statement(kReturn, SECCOMP_RET_KILL_PROCESS));
#endif
  // clone3 keeps its flags in memory, where a filter cannot look; libc falls back to clone.
  p.add(jump(kEqual, SYS_clone3, 0, 1));
  p.add(statement(kReturn, SECCOMP_RET_ERRNO | ENOSYS));
  // Threads are allowed (the probe counts what is left of them), processes are not.
  p.add(jump(kEqual, SYS_clone, 0, 4));
  p.add(statement(kLoad, argument(0)));
  p.add(jump(kAnySet, CLONE_THREAD, 1, 0));
  p.add(statement(kReturn, SECCOMP_RET_TRAP));
  p.add(statement(kReturn, SECCOMP_RET_ALLOW));
  forbid_creating_open(p, SYS_openat, 2);
#if defined(__x86_64__)
  forbid_creating_open(p, SYS_open, 1);
#endif
  for (const Denied& d : kDenied) {
    p.add(jump(kEqual, static_cast<std::uint32_t>(d.number), 0, 1));
    p.add(statement(kReturn, SECCOMP_RET_TRAP));
  }
  p.add(statement(kReturn, SECCOMP_RET_ALLOW));
  return p.install();
}

void limit(int resource, rlim_t soft, rlim_t hard) {
  const rlimit value{soft, hard};
  setrlimit(static_cast<__rlimit_resource>(resource), &value);
}

}  // namespace

bool enter_probe_sandbox(int result_fd) noexcept {
  g_result_fd = result_fd;
  limit(RLIMIT_CPU, 2, 3);
  limit(RLIMIT_CORE, 0, 0);
  limit(RLIMIT_FSIZE, 0, 0);
  limit(RLIMIT_NOFILE, 16, 16);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  constexpr rlim_t kAddressSpace = rlim_t{512} << 20U;
  limit(RLIMIT_AS, kAddressSpace, kAddressSpace);
#endif
  struct sigaction action {};
  action.sa_sigaction = on_denied;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  if (sigaction(SIGSYS, &action, nullptr) != 0) return false;
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return false;
  return install_filter();
}

}  // namespace scc::plugin
