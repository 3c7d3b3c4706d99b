// SPDX-License-Identifier: Apache-2.0
// The stand-in for everything outside: it answers every name and every port that it is given, and writes down
// what arrived. One loop, bounded connections, nothing is ever sent but answers. See probe.h.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "probe.h"
#include "text.h"

enum { kPortsMax = 16, kNamesMax = 32, kPeersMax = 64, kDns = 53, kPatienceMs = 200, kAddressesMax = 8 };

typedef struct Name {
  char* name;
  char* addresses[kAddressesMax];
  size_t count;
  bool flips;  // the first question gets the first address, later ones the others
  bool asked;
} Name;

typedef struct Peer {
  int fd;
  uint16_t port;
  int64_t deadline;
} Peer;

typedef struct Server {
  int record;
  char reply[160];
  const char* ptr;
  char own[INET_ADDRSTRLEN];
  Name names[kNamesMax];
  size_t name_count;
  uint16_t ports[kPortsMax];
  int tcp[kPortsMax];
  int udp[kPortsMax];
  size_t port_count;
  Peer peers[kPeersMax];
  size_t peer_count;
} Server;

static void put_record(const Server* server, const char* what, uint16_t port, const char* text,
                       const struct sockaddr_storage* from) {
  char address[INET6_ADDRSTRLEN] = "?";
  char line[512];
  if (from->ss_family == AF_INET6) {
    inet_ntop(AF_INET6, &((const struct sockaddr_in6*)from)->sin6_addr, address, sizeof address);
  } else {
    inet_ntop(AF_INET, &((const struct sockaddr_in*)from)->sin_addr, address, sizeof address);
  }
  const int size = snprintf(line, sizeof line, "%s %u %s from %s\n", what, (unsigned)port, text, address);
  if (size > 0 && (size_t)size < sizeof line) write_all(server->record, line, (size_t)size);
}

static bool parse_ports(Server* server, char* text) {
  char* rest = NULL;
  for (char* word = strtok_r(text, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
    uint64_t port = 0;
    if (server->port_count == kPortsMax || !parse_decimal(word, UINT16_MAX, &port) || port == 0) return false;
    server->ports[server->port_count++] = (uint16_t)port;
  }
  return server->port_count > 0;
}

static bool parse_name(Server* server, char* text) {
  char* sign = strpbrk(text, "=~");
  if (sign == NULL) return false;
  const bool flips = *sign == '~';
  *sign = '\0';
  if (strcmp(text, "ptr") == 0) {
    server->ptr = sign + 1;
    return true;
  }
  if (server->name_count == kNamesMax) return false;
  Name* name = &server->names[server->name_count++];
  name->name = text;
  name->flips = flips;
  char* rest = NULL;
  for (char* word = strtok_r(sign + 1, ",", &rest); word != NULL; word = strtok_r(NULL, ",", &rest)) {
    if (name->count == kAddressesMax) return false;
    name->addresses[name->count++] = word;
  }
  return true;
}

static int listen_on(uint16_t port, int type) {
  const int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  const struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
  if (fd < 0) return -1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const bool bound = bind(fd, (const struct sockaddr*)&at, sizeof at) == 0;
  if (bound && (type != SOCK_STREAM || listen(fd, 64) == 0)) return fd;
  close(fd);
  return -1;
}

// The first address that is not this namespace's own loopback.
static void find_own(Server* server) {
  // A datagram socket's connect(2) sends nothing and tells which address would be used on the way to `peer`.
  char* text = read_file("/proc/net/fib_trie", 1048576, NULL);
  char* rest = NULL;
  char last[INET_ADDRSTRLEN] = "";
  strcpy(server->own, "127.0.0.1");
  for (char* line = text == NULL ? NULL : strtok_r(text, "\n", &rest); line != NULL;
       line = strtok_r(NULL, "\n", &rest)) {
    const char* dash = strstr(line, "|-- ");
    if (dash != NULL) snprintf(last, sizeof last, "%.15s", dash + 4);
    if (strstr(line, "/32 host LOCAL") != NULL && strncmp(last, "127.", 4) != 0) {
      strcpy(server->own, last);
      break;
    }
  }
  free(text);
}

static const Name* find_name(Server* server, const char* text, const char** addresses, size_t* count) {
  static const char* own;
  own = server->own;
  for (size_t i = 0; i < server->name_count; ++i) {
    Name* name = &server->names[i];
    if (strcmp(name->name, text) != 0) continue;
    const size_t begin = name->flips && name->asked && name->count > 1 ? 1 : 0;
    const size_t end = name->flips && !name->asked ? 1 : name->count;
    for (*count = 0; begin + *count < end; ++*count) {
      const char* address = name->addresses[begin + *count];
      addresses[*count] = strcmp(address, "own") == 0 ? own : address;
    }
    return name;
  }
  addresses[0] = own;  // any other name: whoever is led here is seen here
  *count = 1;
  return NULL;
}

static size_t answer(Server* server, const uint8_t* query, size_t size, uint8_t* out, size_t capacity,
                     const struct sockaddr_storage* from, const char* protocol) {
  char text[256];
  char line[300];
  uint16_t type = 0;
  if (!probe_dns_question(query, size, text, sizeof text, &type)) return 0;
  const char* addresses[kAddressesMax];
  size_t count = 0;
  const Name* name = find_name(server, text, addresses, &count);
  if (name != NULL && type == 1) ((Name*)name)->asked = true;
  snprintf(line, sizeof line, "%u %s", type, text);
  put_record(server, protocol, kDns, line, from);
  return probe_dns_answer(query, size, addresses, count, server->ptr, out, capacity);
}

static void take_datagram(Server* server, size_t index) {
  uint8_t data[kProbeDnsMax];
  uint8_t out[kProbeDnsMax];
  struct sockaddr_storage from;
  socklen_t length = sizeof from;
  const ssize_t got = recvfrom(server->udp[index], data, sizeof data, 0, (struct sockaddr*)&from, &length);
  if (got < 0) return;
  size_t size = 0;
  if (server->ports[index] == kDns) {
    size = answer(server, data, (size_t)got, out, sizeof out, &from, "dns-udp");
  } else {
    put_record(server, "udp", server->ports[index], "-", &from);
    size = (size_t)snprintf((char*)out, sizeof out, "scc-stand-in");
  }
  if (size > 0) sendto(server->udp[index], out, size, MSG_DONTWAIT, (const struct sockaddr*)&from, length);
}

static void take_connection(Server* server, size_t index) {
  struct sockaddr_storage from;
  socklen_t length = sizeof from;
  const int fd = accept4(server->tcp[index], (struct sockaddr*)&from, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  put_record(server, "tcp", server->ports[index], "-", &from);
  if (server->peer_count == kPeersMax) {
    close(fd);
    return;
  }
  server->peers[server->peer_count++] = (Peer){fd, server->ports[index], probe_now_ms() + kPatienceMs};
}

static void serve_peer(Server* server, const Peer* peer) {
  uint8_t data[kProbeDnsMax + 2];
  const ssize_t got = recv(peer->fd, data, sizeof data, MSG_DONTWAIT);
  if (peer->port != kDns) {
    send(peer->fd, server->reply, strlen(server->reply), MSG_NOSIGNAL | MSG_DONTWAIT);
  } else if (got > 2) {
    uint8_t out[kProbeDnsMax + 2];
    struct sockaddr_storage from;
    socklen_t length = sizeof from;
    if (getpeername(peer->fd, (struct sockaddr*)&from, &length) != 0) memset(&from, 0, sizeof from);
    const size_t size = answer(server, data + 2, (size_t)got - 2, out + 2, sizeof out - 2, &from, "dns-tcp");
    out[0] = (uint8_t)(size >> 8);
    out[1] = (uint8_t)size;
    if (size > 0) send(peer->fd, out, size + 2, MSG_NOSIGNAL | MSG_DONTWAIT);
  }
  shutdown(peer->fd, SHUT_WR);
  close(peer->fd);
}

static void serve_peers(Server* server, const struct pollfd* events) {
  size_t kept = 0;
  const int64_t now = probe_now_ms();
  for (size_t i = 0; i < server->peer_count; ++i) {
    const Peer peer = server->peers[i];
    if (events[i].revents != 0 || now >= peer.deadline) {
      serve_peer(server, &peer);
    } else {
      server->peers[kept++] = peer;
    }
  }
  server->peer_count = kept;
}

static volatile sig_atomic_t stopped;

static void on_stop(int number) {
  (void)number;
  stopped = 1;
}

static void serve_once(Server* server) {
  struct pollfd events[2 * kPortsMax + kPeersMax];
  size_t count = 0;
  for (size_t i = 0; i < server->port_count; ++i) {
    events[count++] = (struct pollfd){.fd = server->tcp[i], .events = POLLIN};
    events[count++] = (struct pollfd){.fd = server->udp[i], .events = POLLIN};
  }
  const size_t peers = server->peer_count;
  for (size_t i = 0; i < peers; ++i) {
    events[count++] = (struct pollfd){.fd = server->peers[i].fd, .events = POLLIN};
  }
  if (poll(events, count, peers > 0 ? 50 : 1000) < 0) return;
  serve_peers(server, events + 2 * server->port_count);
  for (size_t i = 0; i < server->port_count; ++i) {
    if (events[2 * i].revents != 0) take_connection(server, i);
    if (events[2 * i + 1].revents != 0) take_datagram(server, i);
  }
}

int probe_serve(int argc, char** argv) {
  static Server server;
  if (argc < 3 || !is_token(argv[1], 1, 64) || !parse_ports(&server, argv[2])) return 64;
  for (int i = 3; i < argc; ++i) {
    if (!parse_name(&server, argv[i])) return 64;
  }
  snprintf(server.reply, sizeof server.reply,
           "HTTP/1.1 200 OK\r\nscc-stand-in: %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", argv[1]);
  server.record = open(argv[0], O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (server.record < 0) return 1;
  const struct sigaction stop = {.sa_handler = on_stop};
  sigaction(SIGTERM, &stop, NULL);
  sigaction(SIGINT, &stop, NULL);
  find_own(&server);
  for (size_t i = 0; i < server.port_count; ++i) {
    server.tcp[i] = listen_on(server.ports[i], SOCK_STREAM);
    server.udp[i] = listen_on(server.ports[i], SOCK_DGRAM);
    if (server.tcp[i] < 0 || server.udp[i] < 0) {
      report_error("scc-probe", "cannot listen on", argv[2], errno);
      return 1;
    }
  }
  while (!stopped) serve_once(&server);
  return 0;
}
