// SPDX-License-Identifier: Apache-2.0
// See setid_filter.h. Only the low 32 bits of an argument are looked at: flags, modes and ioctl commands are
// 32 bits wide or less in the kernel's own prototypes, so the high half cannot change what the call does.
#include "setid_filter.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the argument offsets below are those of little-endian machines"
#endif

// Values that are the same on both architectures; numbers, because older kernel headers lack some.
enum {
  kSetidBits = 06000,
  kCreateFlags = 0100 | 020000000,  // O_CREAT, __O_TMPFILE: with either the kernel uses the mode argument
  kCloneNewUser = 0x10000000,
  kTiocsti = 0x5412,
  kTioclinux = 0x541c,
  kX32Bit = 0x40000000,
  // The newest system call that was read for this table (Linux 6.19, listns). A newer one could set a mode,
  // so it does not exist here: libraries fall back on ENOSYS.
  kNewestKnown = 470,
};

typedef enum RuleKind {
  kAlways,    // deny
  kMask,      // deny when argument `first` has a bit of `mask`
  kOpen,      // deny when flags (`first`) create and mode (`second`) has a set-id bit
  kTerminal,  // deny the two ioctls that type into a terminal
} RuleKind;

typedef struct Rule {
  int16_t x86_64;  // -1: the architecture has no such call
  int16_t aarch64;
  uint8_t kind;
  uint8_t first;
  uint8_t second;
  uint8_t error;
  uint32_t mask;
} Rule;

// clone3 and openat2 hide their flags behind a pointer that a filter cannot read; io_uring opens and changes
// modes without a system call. ENOSYS makes every library use the older call, which can be judged.
static const Rule kRules[] = {
    {90, -1, kMask, 1, 0, EPERM, kSetidBits},      // chmod
    {91, 52, kMask, 1, 0, EPERM, kSetidBits},      // fchmod
    {268, 53, kMask, 2, 0, EPERM, kSetidBits},     // fchmodat
    {452, 452, kMask, 2, 0, EPERM, kSetidBits},    // fchmodat2
    {85, -1, kMask, 1, 0, EPERM, kSetidBits},      // creat
    {133, -1, kMask, 1, 0, EPERM, kSetidBits},     // mknod
    {259, 33, kMask, 2, 0, EPERM, kSetidBits},     // mknodat
    {2, -1, kOpen, 1, 2, EPERM, 0},                // open
    {257, 56, kOpen, 2, 3, EPERM, 0},              // openat
    {437, 437, kAlways, 0, 0, ENOSYS, 0},          // openat2
    {425, 425, kAlways, 0, 0, ENOSYS, 0},          // io_uring_setup
    {426, 426, kAlways, 0, 0, ENOSYS, 0},          // io_uring_enter
    {427, 427, kAlways, 0, 0, ENOSYS, 0},          // io_uring_register
    {435, 435, kAlways, 0, 0, ENOSYS, 0},          // clone3
    {56, 220, kMask, 0, 0, EPERM, kCloneNewUser},  // clone
    {272, 97, kMask, 0, 0, EPERM, kCloneNewUser},  // unshare
    {308, 268, kAlways, 0, 0, EPERM, 0},           // setns
    {165, 40, kAlways, 0, 0, EPERM, 0},            // mount
    {166, 39, kAlways, 0, 0, EPERM, 0},            // umount2
    {155, 41, kAlways, 0, 0, EPERM, 0},            // pivot_root
    {428, 428, kAlways, 0, 0, EPERM, 0},           // open_tree
    {429, 429, kAlways, 0, 0, EPERM, 0},           // move_mount
    {430, 430, kAlways, 0, 0, EPERM, 0},           // fsopen
    {431, 431, kAlways, 0, 0, EPERM, 0},           // fsconfig
    {432, 432, kAlways, 0, 0, EPERM, 0},           // fsmount
    {433, 433, kAlways, 0, 0, EPERM, 0},           // fspick
    {442, 442, kAlways, 0, 0, EPERM, 0},           // mount_setattr
    {467, 467, kAlways, 0, 0, EPERM, 0},           // open_tree_attr
    {248, 217, kAlways, 0, 0, EPERM, 0},           // add_key
    {249, 218, kAlways, 0, 0, EPERM, 0},           // request_key
    {250, 219, kAlways, 0, 0, EPERM, 0},           // keyctl
    {16, 29, kTerminal, 1, 0, EPERM, 0},           // ioctl
    {321, 280, kAlways, 0, 0, EPERM, 0},           // bpf
    {298, 241, kAlways, 0, 0, EPERM, 0},           // perf_event_open
    {323, 282, kAlways, 0, 0, EPERM, 0},           // userfaultfd
    {246, 104, kAlways, 0, 0, EPERM, 0},           // kexec_load
    {320, 294, kAlways, 0, 0, EPERM, 0},           // kexec_file_load
    {304, 265, kAlways, 0, 0, EPERM, 0},           // open_by_handle_at
};

typedef struct Builder {
  struct sock_filter* program;
  size_t size;
} Builder;

static void emit(Builder* builder, unsigned code, uint32_t value, unsigned if_true, unsigned if_false) {
  const struct sock_filter instruction = {(uint16_t)code, (uint8_t)if_true, (uint8_t)if_false, value};
  if (builder->size < kSetidFilterMax) builder->program[builder->size] = instruction;
  ++builder->size;
}

static void emit_load(Builder* builder, size_t offset) {
  emit(builder, BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset, 0, 0);
}

static void emit_load_argument(Builder* builder, unsigned index) {
  emit_load(builder, offsetof(struct seccomp_data, args) + 8 * (size_t)index);
}

static void emit_deny(Builder* builder, int error) {
  emit(builder, BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ((uint32_t)error & SECCOMP_RET_DATA), 0, 0);
}

static void emit_allow(Builder* builder) {
  emit(builder, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
}

// A rule whose number matches always returns: the accumulator no longer holds the number afterwards.
static void emit_rule(Builder* builder, const Rule* rule, uint32_t number) {
  static const unsigned kLengths[] = {[kAlways] = 1, [kMask] = 4, [kOpen] = 6, [kTerminal] = 5};
  emit(builder, BPF_JMP | BPF_JEQ | BPF_K, number, 0, kLengths[rule->kind]);
  switch ((RuleKind)rule->kind) {
    case kAlways:
      emit_deny(builder, rule->error);
      return;
    case kMask:
      emit_load_argument(builder, rule->first);
      emit(builder, BPF_JMP | BPF_JSET | BPF_K, rule->mask, 0, 1);
      break;
    case kOpen:
      emit_load_argument(builder, rule->first);
      emit(builder, BPF_JMP | BPF_JSET | BPF_K, kCreateFlags, 0, 3);
      emit_load_argument(builder, rule->second);
      emit(builder, BPF_JMP | BPF_JSET | BPF_K, kSetidBits, 0, 1);
      break;
    case kTerminal:
      emit_load_argument(builder, rule->first);
      emit(builder, BPF_JMP | BPF_JEQ | BPF_K, kTiocsti, 1, 0);
      emit(builder, BPF_JMP | BPF_JEQ | BPF_K, kTioclinux, 0, 1);
      break;
  }
  emit_deny(builder, rule->error);
  emit_allow(builder);
}

size_t setid_filter_build(uint32_t arch, struct sock_filter program[kSetidFilterMax]) {
  if (arch != AUDIT_ARCH_X86_64 && arch != AUDIT_ARCH_AARCH64) return 0;
  Builder builder = {program, 0};
  emit_load(&builder, offsetof(struct seccomp_data, arch));
  emit(&builder, BPF_JMP | BPF_JEQ | BPF_K, arch, 1, 0);
  emit_deny(&builder, ENOSYS);
  emit_load(&builder, offsetof(struct seccomp_data, nr));
  // Also covers x32, whose numbers carry kX32Bit.
  _Static_assert((int)kX32Bit > (int)kNewestKnown, "x32 numbers must be above the table");
  emit(&builder, BPF_JMP | BPF_JGT | BPF_K, kNewestKnown, 0, 1);
  emit_deny(&builder, ENOSYS);
  for (size_t i = 0; i < sizeof kRules / sizeof kRules[0]; ++i) {
    const int number = arch == AUDIT_ARCH_X86_64 ? kRules[i].x86_64 : kRules[i].aarch64;
    if (number >= 0) emit_rule(&builder, &kRules[i], (uint32_t)number);
  }
  emit_allow(&builder);
  return builder.size <= kSetidFilterMax ? builder.size : 0;
}

int setid_filter_install(void) {
#if defined(__x86_64__) && !defined(__ILP32__)
  const uint32_t arch = AUDIT_ARCH_X86_64;
#elif defined(__aarch64__)
  const uint32_t arch = AUDIT_ARCH_AARCH64;
#else
#error "no system call table for this architecture"
#endif
  struct sock_filter instructions[kSetidFilterMax];
  const struct sock_fprog program = {(unsigned short)setid_filter_build(arch, instructions), instructions};
  if (program.len == 0) return EINVAL;
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0U, &program) != 0) return errno;
  return 0;
}
