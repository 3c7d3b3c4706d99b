// SPDX-License-Identifier: Apache-2.0
// The files below /run/scc of a sandbox: secrets, and the record by which the host can signal an exec. They
// live on the sandbox's tmpfs and belong to the agent's uid; nothing here is trusted by the host.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/// What went wrong: `what` is static text, `error` an errno or 0.
typedef struct StateError {
  const char* what;
  int error;
} StateError;

/// Opens (making what is absent, mode 0700) SCC_STATE_DIR/`name`. -1 with `error` filled. Links, other owners
/// and directories that others may enter are refused.
int open_state_dir(const char* state_dir, const char* name, StateError* error);

/// True when the directory's filesystem is in memory; secrets go nowhere else.
bool is_tmpfs(int dir);

/// Replaces `name` by a new file with mode 0400; never follows a link. 0 or an errno.
int write_secret(int dir, const char* name, const char* value, size_t size);

/// Writes "PID STARTTIME\n" as TOKEN.pid atomically. 0 or an errno.
int write_exec_record(int dir, const char* token, pid_t pid, uint64_t start_time);

/// Reads it back. 0, ENOENT when there is none, EBADMSG when it is not a record, or another errno.
int read_exec_record(const char* state_dir, const char* token, pid_t* pid, uint64_t* start_time);

/// Removes TOKEN.pid.
void remove_exec_record(int dir, const char* token);

/// The start time of a process, in ticks since boot. 0 or an errno.
int process_start_time(pid_t pid, uint64_t* start_time);

#ifdef __cplusplus
}
#endif
