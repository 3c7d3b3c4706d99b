// SPDX-License-Identifier: Apache-2.0
// scc-probe: what `scc prove` runs in sandboxes. One attempt a line in, one finding a line out. Every packet
// of the raw attempts has a hop limit of 1 and goes to an address that scc prove holds; what nobody of ours
// holds is only looked up in the routing table (`route`), which sends nothing.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { kProbeWordsMax = 8, kProbeLineMax = 16384, kProbeTextMax = 400, kProbeDnsMax = 512 };

/// A line: words between tabs. `words` point into the line, which is cut up.
typedef struct ProbeLine {
  char* words[kProbeWordsMax];
  int count;
} ProbeLine;

/// False for an empty line, one with too many words, or an id or operation that is no token.
bool probe_split(char* line, ProbeLine* out);
/// %XX to bytes in place. The new size; -1 for a broken escape.
int probe_unescape(char* text);

/// What was found. `kind`: "reached", "none", "status", "broken" (the attempt itself could not be made).
typedef struct ProbeFinding {
  const char* kind;
  char value[64];            // of status: "403", "200+" (the stand-in answered), "200-", joined by blanks
  char text[kProbeTextMax];  // for people: an errno's text, an address, what was answered
} ProbeFinding;

void probe_set(ProbeFinding* out, const char* kind, const char* value, const char* text);
void probe_errno(ProbeFinding* out, const char* kind, int error);
/// Adds to the text, separated by "; ".
void probe_add(ProbeFinding* out, const char* text);

int64_t probe_now_ms(void);
/// 0, or a negative errno (-ETIMEDOUT).
int probe_wait(int fd, short events, int64_t deadline);
/// IPv4, IPv6, or IPv6 with %index. False for anything else.
bool probe_address(const char* text, uint16_t port, struct sockaddr_storage* out, socklen_t* size);
/// A connected TCP socket, or a negative errno. `hops` 0: the system's default.
int probe_connect(const struct sockaddr_storage* to, socklen_t size, int hops, int timeout_ms);
/// What comes within `timeout_ms`, printable, NUL-terminated; the number of bytes.
int probe_read_text(int fd, char* out, size_t capacity, int timeout_ms);

/// A query for the A record of `name`; the number of bytes, 0 when the name cannot be asked for.
size_t probe_dns_query(const char* name, uint16_t id, uint8_t* out, size_t capacity);
/// Name (lower case, dotted) and type of the first question; false for what is no query.
bool probe_dns_question(const uint8_t* packet, size_t size, char* name, size_t capacity, uint16_t* type);
/// An answer to `query` with these addresses of the asked type; `ptr` instead for PTR. The size; 0: none.
size_t probe_dns_answer(const uint8_t* query, size_t size, const char* const* addresses, size_t count,
                        const char* ptr, uint8_t* out, size_t capacity);

/// The operations that tcp, dns, http ... name; see probe_run.c and probe_http.c.
void probe_run(const ProbeLine* line, ProbeFinding* out);
void probe_http(const ProbeLine* line, ProbeFinding* out);
/// Many requests that must all be refused; the worst finding.
void probe_http_list(const ProbeLine* line, ProbeFinding* out);

/// serve RECORD TOKEN PORTS [NAME=ADDRESS[,ADDRESS]... | NAME~FIRST,LATER | ptr=NAME]: the stand-in. Ends
/// with SIGTERM.
int probe_serve(int argc, char** argv);

#ifdef __cplusplus
}
#endif
