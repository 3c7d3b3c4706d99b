/* SPDX-License-Identifier: Apache-2.0
   scc/runtime.h: a container engine. Verbs with effects, all of them through host services. The host owns
   order, rollback, the terminal and every policy decision; a runtime does what one call says and reports what
   it saw. Removing or stopping what is gone already is SCC_OK. SCC_E_NOT_FOUND for an unknown object,
   SCC_E_PREREQ when the engine does not answer. Every function is [serial] on one instance unless tagged; the
   exec functions are [serial] per exec and may run beside calls on the instance. */
#ifndef SCC_RUNTIME_H
#define SCC_RUNTIME_H

#include "host.h"

SCC_BEGIN_DECLS

#define SCC_IFACE_RUNTIME "scc.runtime/1"
typedef struct scc_runtime scc_runtime;
typedef struct scc_exec scc_exec;

typedef int32_t scc_channel;
enum { SCC_CHANNEL_END = 0, SCC_CHANNEL_OUT = 1, SCC_CHANNEL_ERR = 2 };

typedef struct scc_runtime_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  scc_status (*create)(const scc_host_v1* host, scc_str config_json, scc_runtime** out,
                       const scc_error_sink* err);
  void (*destroy)(scc_runtime* self);

  /* -> scc.runtime-info/1. Never fails for an engine that is down: reachable=false and a remedy say so. */
  scc_status (*probe)(scc_runtime* self, const scc_sink* info_json, const scc_error_sink* err);

  /* -> scc.image-info/1 */
  scc_status (*image_inspect)(scc_runtime* self, scc_str ref, const scc_sink* info_json,
                              const scc_error_sink* err);
  /* scc.list-filter/1 -> scc.image-list/1 */
  scc_status (*image_list)(scc_runtime* self, scc_str filter_json, const scc_sink* list_json,
                           const scc_error_sink* err);
  /* request: scc.image-build/1 {tags, labels, build_args, network?}; context: an uncompressed tar whose top
     holds Containerfile. Progress is plain text lines. */
  scc_status (*image_build)(scc_runtime* self, scc_str request_json, const scc_source* context,
                            const scc_sink* progress, const scc_error_sink* err);
  /* request: scc.image-import/1 {tag, labels}; rootfs: a tar of a root filesystem. */
  scc_status (*image_import)(scc_runtime* self, scc_str request_json, const scc_source* rootfs,
                             const scc_sink* progress, const scc_error_sink* err);
  /* ref must name a digest; -> scc.image-info/1 */
  scc_status (*image_pull)(scc_runtime* self, scc_str ref, const scc_sink* progress,
                           const scc_sink* info_json, const scc_error_sink* err);
  scc_status (*image_remove)(scc_runtime* self, scc_str ref, const scc_error_sink* err);

  /* request: scc.volume-request/1 {name, labels} -> scc.volume-info/1 with "created". */
  scc_status (*volume_ensure)(scc_runtime* self, scc_str request_json, const scc_sink* info_json,
                              const scc_error_sink* err);
  scc_status (*volume_list)(scc_runtime* self, scc_str filter_json, const scc_sink* list_json,
                            const scc_error_sink* err);
  scc_status (*volume_remove)(scc_runtime* self, scc_str name, const scc_error_sink* err);

  /* request: scc.network-request/1 {name, labels, internal, options} -> scc.network-info/1 */
  scc_status (*network_create)(scc_runtime* self, scc_str request_json, const scc_sink* info_json,
                               const scc_error_sink* err);
  scc_status (*network_list)(scc_runtime* self, scc_str filter_json, const scc_sink* list_json,
                             const scc_error_sink* err);
  scc_status (*network_remove)(scc_runtime* self, scc_str name, const scc_error_sink* err);

  /* scc.sandbox-spec/1 -> scc.sandbox-handle/1. A name in use: SCC_E_TOOL with code "runtime.conflict". */
  scc_status (*sandbox_create)(scc_runtime* self, scc_str spec_json, const scc_sink* handle_json,
                               const scc_error_sink* err);
  /* Unpacks a tar below `path` of a sandbox that may not be running. */
  scc_status (*sandbox_put)(scc_runtime* self, scc_str id, scc_str path, const scc_source* tar,
                            const scc_error_sink* err);
  /* The tar of `path`, also of a sandbox that is not running. */
  scc_status (*sandbox_get)(scc_runtime* self, scc_str id, scc_str path, const scc_sink* tar,
                            const scc_error_sink* err);
  scc_status (*sandbox_start)(scc_runtime* self, scc_str id, const scc_error_sink* err);
  /* -> scc.sandbox-info/1; `id` is an id or a name */
  scc_status (*sandbox_inspect)(scc_runtime* self, scc_str id, const scc_sink* info_json,
                                const scc_error_sink* err);
  /* scc.list-filter/1 {labels, all} -> scc.sandbox-list/1, one engine call */
  scc_status (*sandbox_list)(scc_runtime* self, scc_str filter_json, const scc_sink* list_json,
                             const scc_error_sink* err);
  scc_status (*sandbox_stop)(scc_runtime* self, scc_str id, uint32_t grace_ms, const scc_error_sink* err);
  scc_status (*sandbox_remove)(scc_runtime* self, scc_str id, const scc_error_sink* err);

  /* A process in a running sandbox with its streams. request: scc.exec-request/1 {argv, env, workdir, user,
     tty, rows, cols}. */
  scc_status (*exec_open)(scc_runtime* self, scc_str id, scc_str request_json, scc_exec** out,
                          const scc_error_sink* err);
  /* Writes what has arrived on one channel to `out` and names it in *channel; SCC_CHANNEL_END when all output
     ended. SCC_E_TIMEOUT when nothing came within timeout_ms (0: do not wait). With a tty everything is
     SCC_CHANNEL_OUT. */
  scc_status (*exec_read)(scc_exec* e, uint32_t timeout_ms, scc_channel* channel, const scc_sink* out,
                          const scc_error_sink* err);
  scc_status (*exec_write)(scc_exec* e, scc_str bytes, size_t* written, const scc_error_sink* err);
  scc_status (*exec_close_input)(scc_exec* e, const scc_error_sink* err);
  scc_status (*exec_resize)(scc_exec* e, uint16_t rows, uint16_t cols, const scc_error_sink* err);
  /* Valid after SCC_CHANNEL_END; waits at most timeout_ms for the engine to know. */
  scc_status (*exec_wait)(scc_exec* e, uint32_t timeout_ms, int32_t* exit_code, const scc_error_sink* err);
  int32_t (*exec_fd)(
      const scc_exec* e); /* becomes readable when exec_read would not wait; for poll(2) only */
  void (*exec_close)(scc_exec* e);

  /* optional below */
  const void* (*extension)(scc_runtime* self, scc_str extension_id);
} scc_runtime_v1;

/* What a network policy plugin gets for SCC_HOST_RUNTIME: the selected runtime behind the host's checks. */
typedef struct scc_host_runtime_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  scc_runtime* instance;
  const scc_runtime_v1* table;
} scc_host_runtime_v1;

SCC_END_DECLS
#endif
