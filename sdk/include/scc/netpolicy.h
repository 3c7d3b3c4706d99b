/* SPDX-License-Identifier: Apache-2.0
   scc/netpolicy.h: how a sandbox reaches the network. plan is pure; apply, verify and release act through
   SCC_HOST_RUNTIME. Every function is [serial]. */
#ifndef SCC_NETPOLICY_H
#define SCC_NETPOLICY_H

#include "host.h"

SCC_BEGIN_DECLS

#define SCC_IFACE_NETPOLICY "scc.netpolicy/1"
typedef struct scc_netpolicy scc_netpolicy;
typedef struct scc_netpolicy_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  scc_status (*create)(const scc_host_v1* host, scc_str config_json, scc_netpolicy** out,
                       const scc_error_sink* err);
  void (*destroy)(scc_netpolicy* self);
  /* scc.netpolicy-request/1 -> scc.netpolicy-plan/1 */
  scc_status (*plan)(scc_netpolicy* self, scc_str request_json, const scc_sink* plan_json,
                     const scc_error_sink* err);
  /* scc.netpolicy-plan/1 -> scc.netpolicy-attachment/1 */
  scc_status (*apply)(scc_netpolicy* self, scc_str plan_json, const scc_sink* attachment_json,
                      const scc_error_sink* err);
  /* scc.netpolicy-attachment/1 -> scc.netpolicy-evidence/1 */
  scc_status (*verify)(scc_netpolicy* self, scc_str attachment_json, const scc_sink* evidence_json,
                       const scc_error_sink* err);
  /* Idempotent; takes the recorded attachment, so that it works after a crash. */
  scc_status (*release)(scc_netpolicy* self, scc_str attachment_json, const scc_error_sink* err);
  /* optional below */
  const void* (*extension)(scc_netpolicy* self, scc_str extension_id);
} scc_netpolicy_v1;

SCC_END_DECLS
#endif
