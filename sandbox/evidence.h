// SPDX-License-Identifier: Apache-2.0
// What a process can prove about its own confinement (runtime specification 4.7 e-g), and the verdict over
// it. The evidence is gathered by the very process that becomes the agent, so there is nothing between proof
// and use.
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#include "options.h"
#include "proc_text.h"
#include "text.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { kCapabilitySets = 5, kGroupsMax = 256, kFindsMax = 64, kChecksMax = 24, kCheckTextMax = 192 };

typedef struct PathFinding {
  const char* path;
  bool present;
  bool protected_by_mount;  // --readonly only
  bool pinned;              // --readonly only: nothing above it can be renamed away
  const char* kind;         // --readonly only
  int error;                // errno of the attempt, 0: it succeeded
} PathFinding;

/// A bounded list of strings; `overflow` counts as one more finding.
typedef struct FindList {
  char* items[kFindsMax];
  size_t count;
  bool overflow;
} FindList;

/// What leads out of this network namespace (network.h), and what the proxy answered to a name that no policy
/// allows.
typedef struct NetworkFinding {
  bool looked;  // it was asked for
  bool known;   // everything could be read
  FindList interfaces;
  FindList addresses;
  FindList routes;
  FindList resolvers;
  // With --address (inside.h); the routes above are then those that lead out of the sandbox's own network.
  FindList gateways;  // of default routes, in the sandbox's own network
  FindList answered;  // of the gateways: somebody has that address
  FindList reached;   // of --unreachable
  int proxy_status;   // HTTP status, or -errno
} NetworkFinding;

/// What stands where git and the network tools are looked for (guarded.h).
typedef struct GuardFinding {
  int error;  // errno of looking at the guard itself
  FindList guarded;
  FindList unguarded;
} GuardFinding;

typedef struct Check {
  const char* name;
  char expected[kCheckTextMax];
  char observed[kCheckTextMax];
  bool passed;
} Check;

typedef struct Evidence {
  NetworkFinding network;
  GuardFinding guard;
  char boot_id[40];                        // of the running kernel, "" when it does not tell
  uint64_t capabilities[kCapabilitySets];  // effective, permitted, inheritable, bounding, ambient
  bool capabilities_known;
  int no_new_privs;  // before the checker set it
  int64_t seccomp_mode_before;
  int64_t seccomp_filters_before;
  int64_t seccomp_mode;
  int64_t seccomp_filters;
  int filter_error;  // errno of installing the filter
  int64_t uids[4];   // real, effective, saved, filesystem
  int64_t gids[4];
  gid_t groups[kGroupsMax];
  int group_count;
  bool rootfs_read_only;
  int create_error;
  PathFinding* sockets;
  PathFinding* readonly;
  FindList socket_mounts;
  FindList socket_finds;
  FindList unix_sockets;
  bool unix_scanned;
  MountEntry* mounts;
  size_t mount_count;
  bool mounts_known;
  char hostname[HOST_NAME_MAX + 1];
  char cwd[PATH_MAX];  // empty: not below the root
  bool tty;
  pid_t pid;
  uint64_t start_time;
  int64_t duration_us;
  Check checks[kChecksMax];
  size_t check_count;
  bool passed;
} Evidence;

/// Keeps a copy of the text, or says that there was no room for it.
void add_find(FindList* list, const char* text);

/// Fills everything but the checks. Sets no_new_privs and installs the set-id filter on the way: the evidence
/// is about the process as the agent will find it.
void gather_evidence(const CheckOptions* options, Evidence* evidence);

/// The verdict: fills `checks` and `passed`. Pure.
void judge_evidence(const CheckOptions* options, Evidence* evidence);

/// The document scc.evidence/1.
void write_evidence(const CheckOptions* options, const Evidence* evidence, TextBuffer* out);

/// The names of the failed checks, separated by ", ".
void failed_names(const Evidence* evidence, TextBuffer* out);

#ifdef __cplusplus
}
#endif
