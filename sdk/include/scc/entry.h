/* SPDX-License-Identifier: Apache-2.0
   scc/entry.h: the one symbol that a plugin exports. It is constant data, so the host reads what a plugin is
   before any of its functions run. */
#ifndef SCC_ENTRY_H
#define SCC_ENTRY_H

#include "host.h"

SCC_BEGIN_DECLS

typedef struct scc_component {
  const char* interface_id; /* one of SCC_IFACE_*, or a third party's */
  const char* id;           /* unique together with interface_id */
  const void* table;        /* the matching table, static for the life of the process */
} scc_component;

typedef struct scc_plugin_v1 {
  uint32_t struct_size;
  uint16_t abi_major, abi_minor; /* of the header it was built with */
  const char* id;
  const char* version;
  const scc_component* components;
  size_t component_count;
  size_t component_stride; /* sizeof(scc_component) as the plugin sees it */
  scc_status (*init)(const scc_host_v1* host,
                     const scc_error_sink* err); /* optional; [main], once, before create */
} scc_plugin_v1;

SCC_EXPORT const scc_plugin_v1 scc_plugin_entry_v1;

SCC_END_DECLS
#endif
