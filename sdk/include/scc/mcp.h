/* SPDX-License-Identifier: Apache-2.0
   scc/mcp.h: a transport to MCP servers. plan is pure: one governed server in, the connection and the
   destinations that it needs out. Every function is [serial]. */
#ifndef SCC_MCP_H
#define SCC_MCP_H

#include "host.h"

SCC_BEGIN_DECLS

#define SCC_IFACE_MCP "scc.mcp-transport/1"
typedef struct scc_mcp scc_mcp;
typedef struct scc_mcp_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  scc_status (*create)(const scc_host_v1* host, scc_str config_json, scc_mcp** out,
                       const scc_error_sink* err);
  void (*destroy)(scc_mcp* self);
  /* scc.mcp-server/1 -> scc.mcp-connection/1 */
  scc_status (*plan)(scc_mcp* self, scc_str server_json, const scc_sink* connection_json,
                     const scc_error_sink* err);
  /* optional below */
  scc_status (*probe)(scc_mcp* self, scc_str connection_json, uint32_t timeout_ms,
                      const scc_sink* report_json, const scc_error_sink* err);
  const void* (*extension)(scc_mcp* self, scc_str extension_id);
} scc_mcp_v1;

SCC_END_DECLS
#endif
