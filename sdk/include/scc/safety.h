/* SPDX-License-Identifier: Apache-2.0
   scc/safety.h: a check of one command before the agent may run it. evaluate is const, [any],
   allocation-light and uses no host service but log and JSON. The greatest decision of all checks wins; a
   status other than SCC_OK, a crash and more than 50 ms of processor time are a block. A check runs in a
   process of its own, in the sandbox and for `scc safety explain` on the host; it is created once for each
   line that is judged. */
#ifndef SCC_SAFETY_H
#define SCC_SAFETY_H

#include "host.h"

SCC_BEGIN_DECLS

#define SCC_IFACE_SAFETY "scc.safety-check/1"
typedef int32_t scc_decision;
enum { SCC_NO_OPINION = 0, SCC_ALLOW = 1, SCC_WARN = 2, SCC_BLOCK = 3 }; /* ordered */

typedef struct scc_command { /* one simple command, tokenised and unwrapped by the engine */
  uint32_t struct_size;
  uint32_t depth;      /* 0: typed by the agent; n: found n levels inside sh -c, eval, xargs, ... */
  const scc_str* argv; /* a byte NUL in a word stands for text that is known only when the command runs */
  size_t argc;
  scc_str raw; /* the whole line it came from */
  scc_str cwd;
} scc_command;

typedef struct scc_verdict {
  uint32_t struct_size;
  scc_decision decision;
  const scc_sink* rule; /* stable rule id, such as git.force_push */
  const scc_sink* reason;
} scc_verdict;

typedef struct scc_safety scc_safety;
typedef struct scc_safety_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* scc.component-config/1, whose `config` is what the organisation gives this check. */
  scc_status (*create)(const scc_host_v1* host, scc_str config_json, scc_safety** out,
                       const scc_error_sink* err);
  void (*destroy)(scc_safety* self);
  scc_status (*rules)(scc_safety* self, const scc_sink* rules_json, const scc_error_sink* err);
  scc_status (*evaluate)(const scc_safety* self, const scc_command* cmd, scc_verdict* out); /* [any] */
  /* optional below */
  const void* (*extension)(scc_safety* self, scc_str extension_id);
} scc_safety_v1;

SCC_END_DECLS
#endif
