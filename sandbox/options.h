// SPDX-License-Identifier: Apache-2.0
// The command line of scc-check. It comes from the host, but a wrong one must never weaken a check: anything
// unknown or repeated is a usage error.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct CheckOptions {
  bool evidence_only;
  bool handshake;
  bool allow_root;
  bool isolated;        // there must be no way out of this network namespace
  const char* guard;    // file of the guard that must stand in front of git and the network tools; NULL: none
  uint16_t proxy_port;  // of the proxy on 127.0.0.1 that must deny; 0: not given
  // The sandbox has this one IPv4 address ("10.0.0.3/29") on one interface, and nothing else of a network;
  // NULL: not given. Then the proxy is at `proxy`, and none of `unreachable` answers.
  const char* address;
  const char* proxy;         // ADDRESS:PORT
  const char** unreachable;  // ADDRESS:PORT, [ADDRESS]:PORT: listeners that scc itself opened
  size_t unreachable_count;
  const char* token;  // NULL: not given
  const char* nonce;
  int64_t expect_uid;  // -1: not given
  int64_t expect_gid;
  unsigned deadline_ms;
  const char** sockets;
  size_t socket_count;
  const char** readonly;
  size_t readonly_count;
  char** command;  // NULL-terminated; NULL for `evidence`
} CheckOptions;

/// Parses argv. NULL when good, else what is wrong (static text) with `*subject` the argument or NULL. The
/// lists are allocated once and never freed: the process becomes the agent.
const char* parse_check_options(int argc, char** argv, CheckOptions* options, const char** subject);

#ifdef __cplusplus
}
#endif
