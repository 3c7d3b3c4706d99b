// SPDX-License-Identifier: Apache-2.0
// Looks at every place where a shell or git itself would find git or a network tool: each must be the guard.
#pragma once

#include <sys/stat.h>

#include "evidence.h"

#ifdef __cplusplus
extern "C" {
#endif

void gather_guard(const CheckOptions* options, GuardFinding* finding);

/// One place: adds it to a list of the finding when there is a file. `guard` is the guard's own file.
void look_at_tool(const char* folder, const char* name, const struct stat* guard, GuardFinding* finding);

#ifdef __cplusplus
}
#endif
