/* SPDX-License-Identifier: Apache-2.0
   scc/host.h: what the host offers to plugins. One table for every plugin, and services found by id. A
   service is absent (NULL) when the host is older than it, or when the manifest's grants do not ask for it.
   Every function is [any]: callable from any thread. */
#ifndef SCC_HOST_H
#define SCC_HOST_H

#include "base.h"

SCC_BEGIN_DECLS

typedef int32_t scc_log_level;
enum { SCC_LOG_DEBUG = 0, SCC_LOG_INFO = 1, SCC_LOG_WARN = 2, SCC_LOG_ERROR = 3 };

typedef struct scc_host_v1 {
  uint32_t struct_size;
  uint16_t abi_major, abi_minor;
  void* ctx;
  scc_str name, version;
  void (*log)(const struct scc_host_v1* h, scc_log_level level, scc_str message);
  /* Non-zero once the user asked to stop; long loops return SCC_E_CANCELLED then. */
  int32_t (*cancelled)(const struct scc_host_v1* h);
  const void* (*service)(const struct scc_host_v1* h, scc_str service_id);
} scc_host_v1;

/* ---- processes: grants.process names the allowed argv[0] ---- */
#define SCC_HOST_PROCESS "scc.host.process/1"
typedef struct scc_service scc_service;
typedef struct scc_host_process_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* request: scc.process-request/1 {argv, env?, cwd?, stdin?, timeout_ms, max_output}. Never a shell, stdin
     is /dev/null unless given. exit_code is set when the process ran, whatever it returned; death by signal n
     is 128+n. */
  scc_status (*run)(const scc_host_v1* h, scc_str request_json, int32_t* exit_code, const scc_sink* out,
                    const scc_sink* err_out, const scc_error_sink* err);

  /* since minor 1 */
  /* Starts a granted program that serves one unix socket while this instance lives. request:
     scc.process-request/1, of which argv, env and cwd count. The host makes the socket, for this user alone,
     and hands it over listening as descriptor 3 (sd_listen_fds(3): LISTEN_FDS=1, LISTEN_PID). Its URL,
     "unix:///path", goes to url_out and may be used with SCC_HOST_ENDPOINT without a grant of its own. Who
     connects before it is ready waits; after its end the connection is refused. It ends at service_end, with
     the instance (the last of this plugin that asked for the same) or with the host; its children stay. */
  scc_status (*serve)(const scc_host_v1* h, scc_str request_json, scc_service** out, const scc_sink* url_out,
                      const scc_error_sink* err);
  /* *running is 0 once the program has ended; what it wrote so far (at most 64 KiB) goes to output, which may
     be NULL. Does not wait. */
  scc_status (*service_state)(scc_service* s, int32_t* running, const scc_sink* output,
                              const scc_error_sink* err);
  void (*service_end)(scc_service* s);
} scc_host_process_v1;

/* ---- endpoints: HTTP requests and upgraded byte streams over a unix socket or a TLS endpoint ----
   grants.endpoints names what may be reached: "unix:/path" (with ${VAR}), "https://host[:port]", "env:VAR"
   (the URL that the user put into VAR), or "file:/path/x.json#/json/pointer" (a URL recorded in such a file;
   an asterisk stands for any text within one path component). */
#define SCC_HOST_ENDPOINT "scc.host.endpoint/1"
typedef struct scc_stream scc_stream;
typedef struct scc_host_endpoint_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* request: scc.endpoint-request/1 {endpoint, method, path, headers?, body?, timeout_ms?, tls?}. `endpoint`
     is "unix:///path" or "tcp://host:port" or "https://host[:port]". `body` is a source for bulk input and
     may be NULL. *http_status is set when an answer came, whatever it says. Body bytes go to body_out as they
     arrive; a sink that refuses ends the transfer with that status. headers_json may be NULL. SCC_E_PREREQ:
     cannot connect. */
  scc_status (*request)(const scc_host_v1* h, scc_str request_json, const scc_source* body,
                        int32_t* http_status, const scc_sink* headers_json, const scc_sink* body_out,
                        const scc_error_sink* err);
  /* Sends the request with "Upgrade: tcp" and returns the raw byte stream after a 101 (or 200) answer. Any
     other answer: SCC_E_TOOL, *http_status set and its body in the error's message. The caller closes the
     stream. */
  scc_status (*upgrade)(const scc_host_v1* h, scc_str request_json, int32_t* http_status, scc_stream** out,
                        const scc_error_sink* err);
  /* Writes what has arrived (at most 64 KiB) to `out`; nothing written and SCC_OK means the peer closed.
     SCC_E_TIMEOUT when nothing came within timeout_ms (0: do not wait). */
  scc_status (*stream_read)(scc_stream* s, uint32_t timeout_ms, const scc_sink* out,
                            const scc_error_sink* err);
  /* Sends what fits without waiting; *written may be less than bytes.size, also 0. */
  scc_status (*stream_write)(scc_stream* s, scc_str bytes, size_t* written, const scc_error_sink* err);
  scc_status (*stream_close_write)(scc_stream* s, const scc_error_sink* err);
  int32_t (*stream_fd)(const scc_stream* s); /* for poll(2) only, never for read or write */
  void (*stream_close)(scc_stream* s);
} scc_host_endpoint_v1;

/* ---- files: grants.files names the readable paths, with ${VAR} and * within one path component ---- */
#define SCC_HOST_FILES "scc.host.files/1"
typedef struct scc_host_files_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  /* Bytes of a regular file of at most 1 MiB. SCC_E_NOT_FOUND when absent, SCC_E_POLICY when not granted. */
  scc_status (*read)(const scc_host_v1* h, scc_str path, const scc_sink* out, const scc_error_sink* err);
} scc_host_files_v1;

/* ---- JSON: the host's bounded parser, so that the SDK needs none ---- */
#define SCC_HOST_JSON "scc.host.json/1"
typedef struct scc_json scc_json;
typedef int32_t scc_json_type;
enum {
  SCC_JSON_ABSENT = 0,
  SCC_JSON_NULL,
  SCC_JSON_BOOL,
  SCC_JSON_NUMBER,
  SCC_JSON_STRING,
  SCC_JSON_ARRAY,
  SCC_JSON_OBJECT
};
typedef struct scc_json_view { /* filled by at() and child(); the strings borrow from the document */
  uint32_t struct_size;
  scc_json_type type;
  int64_t integer; /* BOOL: 0 or 1; NUMBER: truncated toward zero, saturating */
  double number;
  scc_str str; /* STRING: the value */
  scc_str key; /* set by child() for a member of an OBJECT */
  size_t size; /* ARRAY and OBJECT: number of children */
} scc_json_view;
typedef struct scc_host_json_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  scc_status (*parse)(const scc_host_v1* h, scc_str text, scc_json** out, const scc_error_sink* err);
  void (*release)(scc_json* doc);
  void (*at)(const scc_json* doc, scc_str pointer, scc_json_view* out); /* RFC 6901 */
  void (*child)(const scc_json* doc, scc_str pointer, size_t index, scc_json_view* out);
} scc_host_json_v1;

/* ---- state: a private key -> bytes store of this plugin; keys are [a-z0-9._-]{1,64}, values at most 1 MiB
 * ---- */
#define SCC_HOST_STATE "scc.host.state/1"
typedef struct scc_host_state_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  scc_status (*get)(const scc_host_v1* h, scc_str key, const scc_sink* out, const scc_error_sink* err);
  scc_status (*put)(const scc_host_v1* h, scc_str key, scc_str bytes, const scc_error_sink* err);
} scc_host_state_v1;

/* ---- user interface: steps always; confirm is SCC_E_UNSUPPORTED when nobody can answer ---- */
#define SCC_HOST_UI "scc.host.ui/1"
typedef struct scc_host_ui_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  void (*step)(const scc_host_v1* h, scc_str title);
  scc_status (*confirm)(const scc_host_v1* h, scc_str question, int32_t default_yes, int32_t* yes);
} scc_host_ui_v1;

/* ---- audit: absent when the host keeps no audit journal ---- */
#define SCC_HOST_AUDIT "scc.host.audit/1"
typedef struct scc_host_audit_v1 {
  uint32_t struct_size;
  uint32_t reserved;
  scc_status (*emit)(const scc_host_v1* h, scc_str event_json); /* scc.audit-event/1 */
} scc_host_audit_v1;

/* ---- the selected container runtime, for network policy plugins: an scc_host_runtime_v1, see runtime.h ----
 */
#define SCC_HOST_RUNTIME "scc.host.runtime/1"

SCC_END_DECLS
#endif
