// SPDX-License-Identifier: Apache-2.0
// The last step: becoming the agent with a clean process state.
#pragma once

#include <stdbool.h>
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Closes every descriptor above stderr: an engine may leak some into an exec (CVE-2024-21626).
void close_inherited_files(void);

/// Finds a program as execvp does, except that an empty element of PATH is not the working directory. Returns
/// an allocated path, or NULL with errno ENOENT (not found) or EACCES (found, not executable).
char* resolve_program(const char* name, const char* search_path);

/// Default signal dispositions, empty signal mask, umask 022.
void reset_process_state(void);

#ifdef __cplusplus
}
#endif
