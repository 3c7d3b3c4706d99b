// SPDX-License-Identifier: Apache-2.0
// Carries byte streams between a listening socket and the peer that each accepted connection is connected to:
// TCP on loopback to a unix socket in a sandbox, the other way round beside the proxy. A fixed number of
// connections with fixed buffers: nothing is allocated while it runs, and who connects more often waits in
// the listener's backlog.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { kRelayConnections = 256, kRelayBuffer = 16384, kRelayBacklog = 512 };

// The backlog is longer than what another relay can bring: connecting to a full one fails at once (unix(7)).

/// Where accepted connections go: a unix socket, or when `path` is NULL a port of an IPv4 address.
typedef struct RelayTarget {
  const char* path;
  uint16_t port;
  uint32_t address;  // host byte order; 0: 127.0.0.1
} RelayTarget;

/// One direction of a connection. `ended`: the source has no more; `closed`: the sink was told so.
typedef struct RelayFlow {
  size_t begin;
  size_t end;
  bool ended;
  bool closed;
  char bytes[kRelayBuffer];
} RelayFlow;

typedef struct RelayConnection {
  int near;  // accepted; -1: this slot is free
  int far;
  bool connecting;
  RelayFlow to_far;
  RelayFlow to_near;
} RelayConnection;

typedef struct Relay {
  int listener;
  RelayTarget target;
  size_t count;
  RelayConnection connections[kRelayConnections];
} Relay;

/// Listening sockets, non-blocking and close-on-exec; -1 with errno. The unix socket is its owner's alone
/// (0600).
int relay_listen_tcp(uint16_t port);
int relay_listen_unix(const char* path);

/// "PORT" or "ADDRESS:PORT" (IPv4, no wildcard). False for anything else.
bool relay_parse_inet(const char* text, RelayTarget* target);

/// A connected or connecting socket; -1 with errno.
int relay_connect(const RelayTarget* target);

void relay_start(Relay* relay, int listener, RelayTarget target);
/// Waits for something to do, at most timeout_ms (-1: no limit), and does it. True when `wake` (-1: none) is
/// readable.
bool relay_step(Relay* relay, int wake, int timeout_ms);
/// Closes the listener and every connection.
void relay_stop(Relay* relay);

#ifdef __cplusplus
}
#endif
