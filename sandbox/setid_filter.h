// SPDX-License-Identifier: Apache-2.0
// The seccomp filter that everything in a sandbox carries on top of the engine's own. Its purpose: no process
// in the sandbox can give a file a set-uid or set-gid bit (the workspace is a directory of the host), and the
// few kernel interfaces that would get around that, or that an agent never needs, are closed. Hand-written
// BPF, so that the static binaries need no library.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include <linux/filter.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { kSetidFilterMax = 256 };

/// Builds the program for an AUDIT_ARCH_* value (x86-64 and AArch64). Returns the number of instructions, 0
/// for an architecture without a table.
size_t setid_filter_build(uint32_t arch, struct sock_filter program[kSetidFilterMax]);

/// Installs the filter on the calling process for good. no_new_privs must be set. 0, or an errno.
int setid_filter_install(void);

#ifdef __cplusplus
}
#endif
