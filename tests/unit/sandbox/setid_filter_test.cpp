// SPDX-License-Identifier: Apache-2.0
// The filter twice: its program run by a small interpreter (both architectures, foreign ones, odd arguments),
// and installed in a child where the running kernel judges real calls.
#include "sandbox/setid_filter.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <functional>
#include <sched.h>
#include <string>
#include <thread>
#include <unistd.h>
#include <vector>

#include <gtest/gtest.h>
#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace {

constexpr int kAllowed = 0;

uint32_t load(const seccomp_data& data, uint32_t offset) {
  uint32_t value = 0;
  std::memcpy(&value, reinterpret_cast<const char*>(&data) + offset, sizeof value);
  return value;
}

// Classic BPF, the subset that seccomp allows and the builder uses. Returns an errno, 0 for allow, -1 for
// anything else.
int interpret(const std::vector<sock_filter>& program, const seccomp_data& data) {
  uint32_t accumulator = 0;
  for (size_t at = 0; at < program.size();) {
    const sock_filter& step = program[at++];
    bool jump = false;
    switch (step.code) {
      case BPF_LD | BPF_W | BPF_ABS:
        accumulator = load(data, step.k);
        continue;
      case BPF_RET | BPF_K:
        if (step.k == SECCOMP_RET_ALLOW) return kAllowed;
        return (step.k & SECCOMP_RET_ACTION_FULL) == SECCOMP_RET_ERRNO
                   ? static_cast<int>(step.k & SECCOMP_RET_DATA)
                   : -1;
      case BPF_JMP | BPF_JEQ | BPF_K:
        jump = accumulator == step.k;
        break;
      case BPF_JMP | BPF_JGT | BPF_K:
        jump = accumulator > step.k;
        break;
      case BPF_JMP | BPF_JSET | BPF_K:
        jump = (accumulator & step.k) != 0;
        break;
      default:
        return -1;
    }
    at += jump ? step.jt : step.jf;
  }
  return -1;
}

std::vector<sock_filter> build(uint32_t arch) {
  std::vector<sock_filter> program(kSetidFilterMax);
  program.resize(setid_filter_build(arch, program.data()));
  return program;
}

int judge(uint32_t arch, int number, std::array<uint64_t, 6> args, uint32_t seen_arch = 0) {
  static const std::vector<sock_filter> x86_64 = build(AUDIT_ARCH_X86_64);
  static const std::vector<sock_filter> aarch64 = build(AUDIT_ARCH_AARCH64);
  seccomp_data data = {};
  data.nr = number;
  data.arch = seen_arch != 0 ? seen_arch : arch;
  std::memcpy(data.args, args.data(), sizeof data.args);
  return interpret(arch == AUDIT_ARCH_X86_64 ? x86_64 : aarch64, data);
}

int x86(int number, std::array<uint64_t, 6> args) {
  return judge(AUDIT_ARCH_X86_64, number, args);
}
int arm(int number, std::array<uint64_t, 6> args) {
  return judge(AUDIT_ARCH_AARCH64, number, args);
}

TEST(FilterProgram, HasNoTableForOtherArchitectures) {
  EXPECT_TRUE(build(AUDIT_ARCH_I386).empty());
}

TEST(FilterProgram, JudgesModesOnX86_64) {
  for (const uint64_t bits : {04000UL, 02000UL, 06000UL}) {
    EXPECT_EQ(x86(90, {0, bits | 0755}), EPERM) << "chmod";
    EXPECT_EQ(x86(91, {3, bits | 0755}), EPERM) << "fchmod";
    EXPECT_EQ(x86(268, {3, 0, bits | 0755}), EPERM) << "fchmodat";
    EXPECT_EQ(x86(452, {3, 0, bits | 0755, 0}), EPERM) << "fchmodat2";
    EXPECT_EQ(x86(85, {0, bits | 0755}), EPERM) << "creat";
    EXPECT_EQ(x86(133, {0, S_IFREG | bits | 0755}), EPERM) << "mknod";
    EXPECT_EQ(x86(259, {3, 0, S_IFREG | bits | 0755}), EPERM) << "mknodat";
    EXPECT_EQ(x86(2, {0, O_CREAT | O_WRONLY, bits | 0755}), EPERM) << "open";
    EXPECT_EQ(x86(257, {3, 0, O_CREAT, bits}), EPERM) << "openat";
    EXPECT_EQ(x86(257, {3, 0, O_TMPFILE | O_WRONLY, bits}), EPERM) << "O_TMPFILE";
  }
}

TEST(FilterProgram, IgnoresTheHighHalfOfArguments) {
  const uint64_t high = 0xffffffff00000000UL;
  EXPECT_EQ(x86(90, {0, high | 04755}), EPERM);
  EXPECT_EQ(x86(90, {0, high | 0755}), kAllowed);
  EXPECT_EQ(x86(257, {3, 0, high | O_CREAT, high | 04000}), EPERM);
  EXPECT_EQ(x86(16, {0, high | TIOCSTI}), EPERM);
}

TEST(FilterProgram, AllowsOrdinaryWork) {
  EXPECT_EQ(x86(90, {0, 01777}), kAllowed) << "sticky is harmless";
  EXPECT_EQ(x86(2, {0, O_CREAT, 0644}), kAllowed);
  EXPECT_EQ(x86(2, {0, O_RDONLY, 06777}), kAllowed) << "no mode is used: the register holds anything";
  EXPECT_EQ(x86(257, {3, 0, O_RDONLY | O_DIRECTORY, 06777}), kAllowed) << "O_DIRECTORY alone creates nothing";
  EXPECT_EQ(x86(56, {SIGCHLD | CLONE_VM}), kAllowed);
  EXPECT_EQ(x86(16, {0, TIOCGWINSZ}), kAllowed);
  EXPECT_EQ(x86(0, {}), kAllowed);
  EXPECT_EQ(x86(470, {}), kAllowed) << "the newest known";
}

TEST(FilterProgram, ClosesTheWaysAround) {
  for (const int number : {437, 425, 426, 427, 435}) EXPECT_EQ(x86(number, {}), ENOSYS) << number;
  for (const int number : {437, 425, 426, 427, 435}) EXPECT_EQ(arm(number, {}), ENOSYS) << number;
  EXPECT_EQ(x86(471, {}), ENOSYS) << "newer than the table";
  EXPECT_EQ(x86(-1, {}), ENOSYS);
  EXPECT_EQ(x86(0x40000000 + 90, {0, 0755}), ENOSYS) << "x32";
  EXPECT_EQ(judge(AUDIT_ARCH_X86_64, 15, {0, 0755}, AUDIT_ARCH_I386), ENOSYS) << "32-bit calls";
  EXPECT_EQ(judge(AUDIT_ARCH_AARCH64, 15, {0, 0755}, AUDIT_ARCH_ARM), ENOSYS);
  for (const int number : {308, 165, 166, 155, 428, 429, 430, 431, 432, 433, 442,
                           467, 248, 249, 250, 321, 298, 323, 246, 320, 304}) {
    EXPECT_EQ(x86(number, {}), EPERM) << number;
  }
  EXPECT_EQ(x86(56, {SIGCHLD | CLONE_NEWUSER}), EPERM);
  EXPECT_EQ(x86(272, {CLONE_NEWUSER}), EPERM);
  EXPECT_EQ(x86(16, {0, 0x5412}), EPERM);
  EXPECT_EQ(x86(16, {0, 0x541c}), EPERM);
}

TEST(FilterProgram, JudgesModesOnAArch64) {
  EXPECT_EQ(arm(52, {3, 04755}), EPERM) << "fchmod";
  EXPECT_EQ(arm(53, {3, 0, 02755}), EPERM) << "fchmodat";
  EXPECT_EQ(arm(452, {3, 0, 04755}), EPERM) << "fchmodat2";
  EXPECT_EQ(arm(33, {3, 0, S_IFREG | 04755}), EPERM) << "mknodat";
  EXPECT_EQ(arm(56, {3, 0, O_CREAT, 04755}), EPERM) << "openat";
  EXPECT_EQ(arm(56, {3, 0, O_CREAT, 0755}), kAllowed);
  EXPECT_EQ(arm(220, {CLONE_NEWUSER}), EPERM) << "clone";
  EXPECT_EQ(arm(97, {CLONE_NEWUSER}), EPERM) << "unshare";
  EXPECT_EQ(arm(90, {0, 04755}), kAllowed) << "90 is capget there";
  EXPECT_EQ(arm(29, {0, 0x5412}), EPERM) << "ioctl";
  for (const int number : {268, 40, 39, 41, 428, 217, 218, 219, 280, 241, 282, 104, 294, 265}) {
    EXPECT_EQ(arm(number, {}), EPERM) << number;
  }
}

// Runs `body` in a child with the filter; the child's exit code is 0 when it returns true.
void in_filtered_child(const std::function<bool()>& body) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || setid_filter_install() != 0) _exit(2);
    _exit(body() ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

bool denied(long result, int error) {
  if (result < 0 && errno == error) return true;
  dprintf(STDERR_FILENO, "result %ld, errno %d, wanted errno %d\n", result, result < 0 ? errno : 0, error);
  return false;
}

class FilterInKernel : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "scc-filter-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    root_ = pattern;
    file_ = root_ + "/file";
    fd_ = open(file_.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0755);
    ASSERT_GE(fd_, 0);
  }
  void TearDown() override {
    close(fd_);
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root_)) {
      struct stat info = {};
      ASSERT_EQ(lstat(entry.path().c_str(), &info), 0);
      EXPECT_EQ(info.st_mode & 06000U, 0U) << entry.path();
    }
    std::filesystem::remove_all(root_);
  }

  std::string root_;
  std::string file_;
  int fd_ = -1;
};

// Without the filter the same call succeeds, or the tests below would prove nothing.
TEST_F(FilterInKernel, ControlWithoutFilter) {
  EXPECT_EQ(chmod(file_.c_str(), 04755), 0);
  EXPECT_EQ(chmod(file_.c_str(), 0755), 0);
}

TEST_F(FilterInKernel, NoCallSetsASetIdBit) {
  in_filtered_child([this] {
    const std::string fresh = root_ + "/fresh";
    const char* name = fresh.c_str();
    bool good = denied(chmod(file_.c_str(), 04755), EPERM);
    good = denied(fchmod(fd_, 02755), EPERM) && good;
    good = denied(fchmodat(AT_FDCWD, file_.c_str(), 06755, 0), EPERM) && good;
    good = denied(syscall(452, AT_FDCWD, file_.c_str(), 04755, 0), EPERM) && good;
    good = denied(open(name, O_CREAT | O_WRONLY | O_CLOEXEC, 04755), EPERM) && good;
    good = denied(open(root_.c_str(), O_TMPFILE | O_WRONLY | O_CLOEXEC, 04755), EPERM) && good;
    good = denied(creat(name, 04755), EPERM) && good;
    good = denied(mknod(name, S_IFREG | 04755, 0), EPERM) && good;
    const std::array<uint64_t, 3> how = {O_CREAT | O_WRONLY, 04755, 0};
    good = denied(syscall(437, AT_FDCWD, name, how.data(), sizeof how), ENOSYS) && good;
    std::array<char, 256> parameters = {};
    good = denied(syscall(425, 8, parameters.data()), ENOSYS) && good;
    return good;
  });
}

TEST_F(FilterInKernel, OrdinaryCallsAndThreadsWork) {
  in_filtered_child([this] {
    const std::string fresh = root_ + "/fresh";
    const int fd = open(fresh.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    bool good = fd >= 0 && fchmod(fd, 0755) == 0 && chmod(root_.c_str(), 01700) == 0;
    int ran = 0;
    std::thread([&ran] { ran = 1; }).join();
    const pid_t child = fork();
    if (child == 0) _exit(7);
    int status = 0;
    good = good && ran == 1 && waitpid(child, &status, 0) == child && WEXITSTATUS(status) == 7;
    return good;
  });
}

TEST_F(FilterInKernel, NamespacesAndTerminalInjectionAreDenied) {
  in_filtered_child([] {
    char byte = 'x';
    return denied(unshare(CLONE_NEWUSER), EPERM) &&
           denied(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0), EPERM) &&
           denied(ioctl(STDIN_FILENO, TIOCSTI, &byte), EPERM) && denied(syscall(435, nullptr, 0), ENOSYS) &&
           denied(syscall(471, 0, 0), ENOSYS);
  });
}

#if defined(__x86_64__)
TEST_F(FilterInKernel, OtherCallConventionsAreDenied) {
  in_filtered_child([this] {
    // int 0x80 enters the kernel as a 32-bit program would; 15 is chmod there. The pointer is cut to 32 bits,
    // which does not matter: the filter answers before the kernel looks at it. A kernel without 32-bit calls
    // answers with a signal, which is a refusal too.
    const pid_t foreign = fork();
    if (foreign == 0) {
      signal(SIGSEGV, SIG_DFL);  // sanitizers turn it into an exit code
      long result = 15;
      __asm__ volatile("int $0x80"
                       : "+a"(result)
                       : "b"(file_.c_str()), "c"(0755L)
                       : "memory", "r8", "r9", "r10", "r11");
      _exit(result == -ENOSYS ? 0 : 1);
    }
    int status = 0;
    if (waitpid(foreign, &status, 0) != foreign) return false;
    const bool refused =
        WIFSIGNALED(status) ? WTERMSIG(status) == SIGSEGV : WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return refused && denied(syscall(0x40000000 + 90, file_.c_str(), 0755), ENOSYS);
  });
}
#endif

}  // namespace
