// SPDX-License-Identifier: Apache-2.0
// See relay.h.
#include "relay.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "text.h"

static int keep_errno_close(int fd) {
  const int error = errno;
  close(fd);
  errno = error;
  return -1;
}

static struct sockaddr_in inet_address(uint32_t host, uint16_t port) {
  struct sockaddr_in address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(host != 0 ? host : INADDR_LOOPBACK);
  return address;
}

bool relay_parse_inet(const char* text, RelayTarget* target) {
  *target = (RelayTarget){.path = NULL};
  char host[INET_ADDRSTRLEN];
  const char* colon = strchr(text, ':');
  uint64_t port = 0;
  if (!parse_decimal(colon != NULL ? colon + 1 : text, UINT16_MAX, &port) || port == 0) return false;
  target->port = (uint16_t)port;
  if (colon == NULL) return true;
  const size_t length = (size_t)(colon - text);
  if (length == 0 || length >= sizeof host) return false;
  memcpy(host, text, length);
  host[length] = '\0';
  struct in_addr address;
  if (inet_pton(AF_INET, host, &address) != 1 || address.s_addr == 0) return false;
  target->address = ntohl(address.s_addr);
  return true;
}

static bool unix_address(const char* path, struct sockaddr_un* address) {
  memset(address, 0, sizeof *address);
  address->sun_family = AF_UNIX;
  const size_t length = strlen(path);
  if (length == 0 || length >= sizeof address->sun_path) {
    errno = ENAMETOOLONG;
    return false;
  }
  memcpy(address->sun_path, path, length);
  return true;
}

int relay_listen_tcp(uint16_t port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const int on = 1;
  const struct sockaddr_in address = inet_address(INADDR_LOOPBACK, port);
  if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      bind(fd, (const struct sockaddr*)&address, sizeof address) != 0 || listen(fd, kRelayBacklog) != 0) {
    return keep_errno_close(fd);
  }
  return fd;
}

int relay_listen_unix(const char* path) {
  struct sockaddr_un address;
  if (!unix_address(path, &address)) return -1;
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  unlink(path);
  const mode_t mask = umask(0177);
  const bool bound = bind(fd, (const struct sockaddr*)&address, sizeof address) == 0;
  umask(mask);
  if (!bound || listen(fd, kRelayBacklog) != 0) return keep_errno_close(fd);
  return fd;
}

int relay_connect(const RelayTarget* target) {
  struct sockaddr_un local;
  const struct sockaddr_in inet = inet_address(target->address, target->port);
  const bool is_unix = target->path != NULL;
  if (is_unix && !unix_address(target->path, &local)) return -1;
  const int fd = socket(is_unix ? AF_UNIX : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  const struct sockaddr* address = is_unix ? (const struct sockaddr*)&local : (const struct sockaddr*)&inet;
  const socklen_t size = is_unix ? (socklen_t)sizeof local : (socklen_t)sizeof inet;
  if (connect(fd, address, size) != 0 && errno != EINPROGRESS) return keep_errno_close(fd);
  return fd;
}

void relay_start(Relay* relay, int listener, RelayTarget target) {
  relay->listener = listener;
  relay->target = target;
  relay->count = 0;
  for (size_t i = 0; i < kRelayConnections; ++i) relay->connections[i].near = -1;
}

static void drop(Relay* relay, RelayConnection* connection) {
  close(connection->near);
  close(connection->far);
  connection->near = -1;
  --relay->count;
}

void relay_stop(Relay* relay) {
  for (size_t i = 0; i < kRelayConnections; ++i) {
    if (relay->connections[i].near >= 0) drop(relay, &relay->connections[i]);
  }
  if (relay->listener >= 0) close(relay->listener);
  relay->listener = -1;
}

static void reset_flow(RelayFlow* flow) {
  flow->begin = 0;
  flow->end = 0;
  flow->ended = false;
  flow->closed = false;
}

static RelayConnection* free_slot(Relay* relay) {
  for (size_t i = 0; i < kRelayConnections; ++i) {
    if (relay->connections[i].near < 0) return &relay->connections[i];
  }
  return NULL;
}

// What is small is sent at once. On a unix socket this fails, which does not matter.
static void no_delay(int fd) {
  const int on = 1;
  (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static void accept_all(Relay* relay) {
  while (relay->count < kRelayConnections) {
    const int near = accept4(relay->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (near < 0) return;
    const int far = relay_connect(&relay->target);
    RelayConnection* connection = far >= 0 ? free_slot(relay) : NULL;
    if (connection == NULL) {  // nobody there: the connection ends, as it would without a relay
      close(near);
      if (far >= 0) close(far);
      continue;
    }
    no_delay(near);
    no_delay(far);
    connection->near = near;
    connection->far = far;
    connection->connecting = true;
    reset_flow(&connection->to_far);
    reset_flow(&connection->to_near);
    ++relay->count;
  }
}

// Reads what there is. False: the connection broke.
static bool fill(RelayFlow* flow, int source) {
  if (flow->ended || flow->end == kRelayBuffer) return true;
  const ssize_t got = read(source, flow->bytes + flow->end, kRelayBuffer - flow->end);
  if (got > 0) flow->end += (size_t)got;
  if (got == 0) flow->ended = true;
  return got >= 0 || errno == EAGAIN || errno == EINTR;
}

// Writes what there is, and hands on the end. False: the connection broke.
static bool drain(RelayFlow* flow, int sink) {
  while (flow->begin < flow->end) {
    const ssize_t sent = send(sink, flow->bytes + flow->begin, flow->end - flow->begin, MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return errno == EAGAIN;
    flow->begin += (size_t)sent;
  }
  flow->begin = 0;
  flow->end = 0;
  if (flow->ended && !flow->closed) {
    flow->closed = true;
    return shutdown(sink, SHUT_WR) == 0 || errno == ENOTCONN;
  }
  return true;
}

static short events_of(const RelayFlow* incoming, const RelayFlow* outgoing) {
  short events = 0;
  if (!incoming->ended && incoming->end < kRelayBuffer) events |= POLLIN;
  if (outgoing->begin < outgoing->end) events |= POLLOUT;
  return events;
}

static bool connected(RelayConnection* connection, short ready) {
  if ((ready & (POLLOUT | POLLERR | POLLHUP)) == 0) return true;
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(connection->far, SOL_SOCKET, SO_ERROR, &error, &size) != 0 || error != 0) return false;
  connection->connecting = false;
  return true;
}

static bool carry(RelayConnection* connection, short near, short far) {
  if (connection->connecting) return connected(connection, far);
  const bool broken = ((near | far) & (POLLERR | POLLNVAL)) != 0;
  if (broken) return false;
  const short readable = POLLIN | POLLHUP;
  if ((near & readable) != 0 && !fill(&connection->to_far, connection->near)) return false;
  if ((far & readable) != 0 && !fill(&connection->to_near, connection->far)) return false;
  if (!drain(&connection->to_far, connection->far) || !drain(&connection->to_near, connection->near))
    return false;
  return !(connection->to_far.closed && connection->to_near.closed);
}

bool relay_step(Relay* relay, int wake, int timeout_ms) {
  // Two fixed places, then two for each slot; poll(2) passes over a negative descriptor.
  static struct pollfd fds[2 + 2 * kRelayConnections];
  fds[0] = (struct pollfd){.fd = wake, .events = POLLIN};
  fds[1] = (struct pollfd){.fd = relay->count < kRelayConnections ? relay->listener : -1, .events = POLLIN};
  for (size_t i = 0; i < kRelayConnections; ++i) {
    const RelayConnection* connection = &relay->connections[i];
    const bool used = connection->near >= 0;
    short near = used ? events_of(&connection->to_far, &connection->to_near) : 0;
    short far = used ? events_of(&connection->to_near, &connection->to_far) : 0;
    if (used && connection->connecting) {
      near = 0;
      far = POLLOUT;
    }
    // One of which nothing is wanted is left out: its hang-up would wake us for ever.
    fds[2 + 2 * i] = (struct pollfd){.fd = near != 0 ? connection->near : -1, .events = near};
    fds[3 + 2 * i] = (struct pollfd){.fd = far != 0 ? connection->far : -1, .events = far};
  }
  if (poll(fds, 2 + 2 * kRelayConnections, timeout_ms) <= 0) return false;
  for (size_t i = 0; i < kRelayConnections; ++i) {
    RelayConnection* connection = &relay->connections[i];
    const short near = fds[2 + 2 * i].revents;
    const short far = fds[3 + 2 * i].revents;
    if (connection->near < 0 || (near == 0 && far == 0)) continue;
    if (!carry(connection, near, far)) drop(relay, connection);
  }
  if ((fds[1].revents & POLLIN) != 0) accept_all(relay);
  return (fds[0].revents & POLLIN) != 0;
}
