// SPDX-License-Identifier: Apache-2.0
// The raw attempts, past any proxy. See probe.h.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/un.h>

#include "inside.h"
#include "probe.h"
#include "text.h"

enum { kOneHop = 1, kConnectMs = 1500, kAnswerMs = 900, kResolverMs = 5000, kFileMax = 1048576 };

static uint16_t port_of(const char* text) {
  uint64_t number = 0;
  return parse_decimal(text, UINT16_MAX, &number) ? (uint16_t)number : 0;
}

static void try_tcp(const char* address, uint16_t port, ProbeFinding* out) {
  struct sockaddr_storage to;
  socklen_t size = 0;
  if (!probe_address(address, port, &to, &size)) {
    probe_set(out, "broken", "", "not an address");
    return;
  }
  const int fd = probe_connect(&to, size, kOneHop, kConnectMs);
  if (fd < 0) {
    probe_errno(out, fd == -EMFILE || fd == -ENFILE ? "broken" : "none", -fd);
    return;
  }
  char text[kProbeTextMax];
  probe_read_text(fd, text, sizeof text, kAnswerMs);
  close(fd);
  probe_set(out, "reached", "", text);
  probe_add(out, address);
}

// A datagram and the wait for what comes back. Without an answer nobody can tell whether it arrived.
static void try_udp(const char* address, uint16_t port, const uint8_t* data, size_t count,
                    ProbeFinding* out) {
  struct sockaddr_storage to;
  socklen_t size = 0;
  if (!probe_address(address, port, &to, &size)) {
    probe_set(out, "broken", "", "not an address");
    return;
  }
  const int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    probe_errno(out, errno == EMFILE ? "broken" : "none", errno);
    return;
  }
  const int hops = kOneHop;
  setsockopt(fd, IPPROTO_IP, IP_TTL, &hops, sizeof hops);
  if (to.ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops);
  const bool sent = connect(fd, (const struct sockaddr*)&to, size) == 0 && send(fd, data, count, 0) >= 0;
  int error = sent ? -probe_wait(fd, POLLIN, probe_now_ms() + kAnswerMs) : errno;
  char byte;
  if (error == 0 && recv(fd, &byte, 1, MSG_DONTWAIT) < 0) error = errno;
  close(fd);
  if (error != 0) {
    probe_errno(out, "none", error);
    return;
  }
  probe_set(out, "reached", "", "an answer came from");
  probe_add(out, address);
}

static void try_dns(const char* protocol, const char* address, const char* name, ProbeFinding* out) {
  uint8_t query[kProbeDnsMax];
  const size_t count = probe_dns_query(name, (uint16_t)getpid(), query + 2, sizeof query - 2);
  if (count == 0) {
    probe_set(out, "broken", "", "not a name");
    return;
  }
  if (strcmp(protocol, "tcp") != 0) {
    try_udp(address, 53, query + 2, count, out);
    return;
  }
  query[0] = (uint8_t)(count >> 8);
  query[1] = (uint8_t)count;
  struct sockaddr_storage to;
  socklen_t size = 0;
  if (!probe_address(address, 53, &to, &size)) {
    probe_set(out, "broken", "", "not an address");
    return;
  }
  const int fd = probe_connect(&to, size, kOneHop, kConnectMs);
  if (fd < 0) {
    probe_errno(out, "none", -fd);
    return;
  }
  const bool sent = send(fd, query, count + 2, MSG_NOSIGNAL) == (ssize_t)count + 2;
  char text[kProbeTextMax];
  const int got = sent ? probe_read_text(fd, text, sizeof text, kAnswerMs) : 0;
  close(fd);
  probe_set(out, "reached", "", got > 0 ? "an answer over TCP" : "a connection without an answer");
}

// A datagram socket's connect(2) asks the routing table and sends nothing.
static void try_route(const char* address, ProbeFinding* out) {
  struct sockaddr_storage to;
  socklen_t size = 0;
  if (!probe_address(address, 9, &to, &size)) {
    probe_set(out, "broken", "", "not an address");
    return;
  }
  const int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const int error = fd >= 0 && connect(fd, (const struct sockaddr*)&to, size) == 0 ? 0 : errno;
  if (fd >= 0) close(fd);
  if (error != 0) {
    probe_errno(out, "none", error);
    return;
  }
  probe_set(out, "reached", "", "a route leads there (no packet was sent)");
}

// A route of a sandbox on a network of its own is a way out only when somebody is there: an engine may write
// one to the address that the host would have had. The attempts make the kernel ask who has it.
static void try_way(const char* own, const char* address, uint16_t port, ProbeFinding* out) {
  try_route(address, out);
  if (strcmp(out->kind, "reached") != 0) return;
  InsideAddress inside;
  FindList routes = {0};
  FindList gateways = {0};
  FindList answered = {0};
  char* table = read_file("/proc/net/route", kFileMax, NULL);
  const bool known =
      table != NULL && parse_inside(own, &inside) && routes_of_inside(table, &inside, &routes, &gateways);
  free(table);
  if (!known || routes.count > 0 || gateways.count == 0) return;
  for (size_t i = 0; i < gateways.count; ++i) {
    try_tcp(gateways.items[i], port, out);
    if (strcmp(out->kind, "none") != 0) return;
  }
  char* neighbours = read_file("/proc/net/arp", kFileMax, NULL);
  if (neighbours == NULL || !answered_gateways(neighbours, &gateways, &answered)) {
    probe_set(out, "broken", "", "a file of the kernel's cannot be read");
  } else if (answered.count > 0) {
    probe_set(out, "reached", "", "a route leads to somebody at");
    probe_add(out, answered.items[0]);
  } else {
    probe_set(out, "none", "", "a route leads to nobody at");
    probe_add(out, gateways.items[0]);
  }
  free(neighbours);
}

// Whether a resolver knows a name, or that it does not exist: then it has asked somebody.
static void try_answer(const char* address, const char* name, ProbeFinding* out) {
  enum { kFailed = 2, kRefused = 5 };
  uint8_t packet[kProbeDnsMax];
  struct sockaddr_storage to;
  socklen_t size = 0;
  const size_t count = probe_dns_query(name, (uint16_t)getpid(), packet, sizeof packet);
  if (count == 0 || !probe_address(address, 53, &to, &size)) {
    probe_set(out, "broken", "", "not a name and an address");
    return;
  }
  const int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    probe_errno(out, "broken", errno);
    return;
  }
  const bool sent = connect(fd, (const struct sockaddr*)&to, size) == 0 && send(fd, packet, count, 0) >= 0;
  int error = sent ? -probe_wait(fd, POLLIN, probe_now_ms() + kResolverMs) : errno;
  ssize_t got = 0;
  if (error == 0 && (got = recv(fd, packet, sizeof packet, MSG_DONTWAIT)) < 0) error = errno;
  close(fd);
  const int code = got >= 4 ? packet[3] & 15 : kFailed;
  if (error != 0) {
    probe_errno(out, "none", error);
  } else if (code == kFailed || code == kRefused) {
    probe_set(out, "none", "", "it knows nobody to ask");
  } else {
    probe_set(out, "reached", "", "an answer came from");
    probe_add(out, address);
  }
}

static void try_icmp(const char* address, ProbeFinding* out) {
  struct sockaddr_storage to;
  socklen_t size = 0;
  if (!probe_address(address, 0, &to, &size) || to.ss_family != AF_INET) {
    {
      probe_set(out, "broken", "", "not an address");
      return;
    }
  }
  const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, IPPROTO_ICMP);
  if (fd < 0) {
    probe_errno(out, "none", errno);
    return;
  }
  const int hops = kOneHop;
  setsockopt(fd, IPPROTO_IP, IP_TTL, &hops, sizeof hops);
  const uint8_t echo[16] = {8, 0};
  const bool sent = sendto(fd, echo, sizeof echo, 0, (const struct sockaddr*)&to, size) > 0;
  const int error = sent ? -probe_wait(fd, POLLIN, probe_now_ms() + kAnswerMs) : errno;
  close(fd);
  if (error != 0) {
    probe_errno(out, "none", error);
    return;
  }
  probe_set(out, "reached", "", "an echo came back");
}

static void try_unix(const char* path, ProbeFinding* out) {
  struct sockaddr_un to = {.sun_family = AF_UNIX};
  if (strlen(path) >= sizeof to.sun_path) {
    probe_set(out, "none", "", "the path is too long");
    return;
  }
  strcpy(to.sun_path, path);
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) {
    probe_errno(out, "broken", errno);
    return;
  }
  const int error = connect(fd, (const struct sockaddr*)&to, sizeof to) == 0 ? 0 : errno;
  close(fd);
  if (error != 0) {
    probe_errno(out, "none", error);
    return;
  }
  probe_set(out, "reached", "", path);
}

// Calls `each` for every line; false ends it.
static bool for_lines(const char* path, bool (*each)(char* line, void* state), void* state) {
  char* text = read_file(path, kFileMax, NULL);
  if (text == NULL) return errno == ENOENT;
  char* rest = NULL;
  for (char* line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    if (!each(line, state)) break;
  }
  free(text);
  return true;
}

typedef struct Search {
  const char* wanted;  // addresses that may be asked, between commas
  const char* name;
  uint16_t port;
  uint16_t own;  // interfaces that the sandbox has by right
  bool stop;
  ProbeFinding* out;
} Search;

static bool listed(const char* list, const char* word) {
  const size_t length = strlen(word);
  for (const char* at = list; (at = strstr(at, word)) != NULL; ++at) {
    const bool begins = at == list || at[-1] == ',';
    if (begins && (at[length] == ',' || at[length] == '\0')) return true;
  }
  return false;
}

// The finding of one of several targets: the first that was reached stays.
static bool keep(Search* search, const ProbeFinding* one) {
  search->stop = strcmp(one->kind, "none") != 0;
  if (search->stop) {
    *search->out = *one;
  } else {
    probe_add(search->out, one->text);
  }
  return !search->stop;
}

static bool ask_resolver(char* line, void* state) {
  Search* search = state;
  if (strncmp(line, "nameserver", 10) != 0) return true;
  const char* address = line + 10 + strspn(line + 10, " \t");
  ProbeFinding one;
  // 127.0.0.1 is this namespace's own; 127.0.0.11 may be an engine's way to somebody else's server.
  if (strcmp(address, "127.0.0.1") == 0 || listed(search->wanted, address)) {
    try_dns("udp", address, search->name, &one);
  } else {
    try_route(address, &one);
  }
  probe_add(&one, address);
  return keep(search, &one);
}

static bool try_gateway(char* line, void* state) {
  Search* search = state;
  unsigned destination = 0;
  unsigned gateway = 0;
  char address[INET_ADDRSTRLEN];
  if (sscanf(line, "%*s %x %x", &destination, &gateway) != 2 || gateway == 0) return true;
  const struct in_addr raw = {.s_addr = gateway};
  inet_ntop(AF_INET, &raw, address, sizeof address);
  ProbeFinding one;
  try_tcp(address, search->port, &one);
  return keep(search, &one);
}

static bool try_host_entry(char* line, void* state) {
  Search* search = state;
  char* end = line + strcspn(line, " \t#");
  if (end == line) return true;
  *end = '\0';
  if (strncmp(line, "127.", 4) == 0 || strcmp(line, "::1") == 0 || strncmp(line, "fe00::", 6) == 0 ||
      strncmp(line, "ff0", 3) == 0) {
    return true;
  }
  ProbeFinding one;
  try_tcp(line, search->port, &one);
  return keep(search, &one);
}

// An interface with an IPv6 address that is not the loopback's: the link-local address of `name` behind it.
static bool try_link(char* line, void* state) {
  Search* search = state;
  unsigned index = 0;
  char interface[32] = "";
  char target[96];
  if (sscanf(line, "%*s %x %*s %*s %*s %31s", &index, interface) != 2 || strcmp(interface, "lo") == 0)
    return true;
  snprintf(target, sizeof target, "%s%%%u", search->name, index);
  ProbeFinding one;
  try_tcp(target, search->port, &one);
  return keep(search, &one);
}

static bool look_for_interface(char* line, void* state) {
  Search* search = state;
  char* colon = strchr(line, ':');
  if (colon == NULL) return true;
  *colon = '\0';
  const char* name = line + strspn(line, " ");
  if (strcmp(name, "lo") == 0) return true;
  if (search->own > 0) {
    --search->own;
    return true;
  }
  if (strcmp(search->out->kind, "reached") != 0) probe_set(search->out, "reached", "", name);
  return true;
}

// Local addresses of bound sockets, as in /proc/net/udp: an engine's resolver is there before it is asked.
static bool look_for_socket(char* line, void* state) {
  Search* search = state;
  unsigned address = 0;
  if (sscanf(line, "%*d: %8x:", &address) != 1) return true;
  const struct in_addr raw = {.s_addr = address};
  char text[INET_ADDRSTRLEN];
  inet_ntop(AF_INET, &raw, text, sizeof text);
  if (strcmp(text, search->wanted) == 0) probe_set(search->out, "reached", "", "a socket is bound there");
  return true;
}

static void search_files(const ProbeLine* line, Search* search) {
  const char* op = line->words[1];
  bool known = true;
  if (strcmp(op, "resolv") == 0) {
    known = for_lines("/etc/resolv.conf", ask_resolver, search);
  } else if (strcmp(op, "gateway") == 0) {
    known = for_lines("/proc/net/route", try_gateway, search);
  } else if (strcmp(op, "hosts") == 0) {
    known = for_lines("/etc/hosts", try_host_entry, search);
  } else if (strcmp(op, "link6") == 0) {
    known = for_lines("/proc/net/if_inet6", try_link, search);
  } else if (strcmp(op, "interfaces") == 0) {
    known = for_lines("/proc/net/dev", look_for_interface, search);
  } else if (strcmp(op, "bound") == 0) {
    known = for_lines("/proc/net/udp", look_for_socket, search) &&
            for_lines("/proc/net/tcp", look_for_socket, search);
  } else {
    probe_set(search->out, "broken", "", "unknown operation");
  }
  if (!known) probe_set(search->out, "broken", "", "a file of the kernel's cannot be read");
}

static bool run_simple(const ProbeLine* line, ProbeFinding* out) {
  const char* op = line->words[1];
  const char* first = line->count > 2 ? line->words[2] : "";
  const char* second = line->count > 3 ? line->words[3] : "";
  const char* third = line->count > 4 ? line->words[4] : "";
  if (strcmp(op, "tcp") == 0) {
    try_tcp(first, port_of(second), out);
  } else if (strcmp(op, "udp") == 0) {
    try_udp(first, port_of(second), (const uint8_t*)"scc-prove", 9, out);
  } else if (strcmp(op, "icmp") == 0) {
    try_icmp(first, out);
  } else if (strcmp(op, "route") == 0) {
    try_route(first, out);
  } else if (strcmp(op, "way") == 0) {
    try_way(first, second, port_of(third), out);
  } else if (strcmp(op, "unix") == 0) {
    try_unix(first, out);
  } else if (strcmp(op, "dns") == 0) {
    try_dns(first, second, third, out);
  } else if (strcmp(op, "answer") == 0) {
    try_answer(first, second, out);
  } else if (strncmp(op, "http", 4) == 0) {
    probe_http(line, out);
  } else if (strcmp(op, "list") == 0) {
    probe_http_list(line, out);
  } else {
    return false;
  }
  return true;
}

void probe_run(const ProbeLine* line, ProbeFinding* out) {
  const char* op = line->words[1];
  const char* first = line->count > 2 ? line->words[2] : "";
  const char* second = line->count > 3 ? line->words[3] : "";
  probe_set(out, "none", "", "");
  if (run_simple(line, out)) return;
  // resolv ADDRESSES NAME, gateway PORT, hosts PORT, link6 PORT ADDRESS, interfaces [OWN], bound ADDRESS
  const bool with_port = strcmp(op, "gateway") == 0 || strcmp(op, "hosts") == 0 || strcmp(op, "link6") == 0;
  const uint16_t own = strcmp(op, "interfaces") == 0 ? port_of(first) : 0;
  Search search = {first, second, with_port ? port_of(first) : 0, own, false, out};
  search_files(line, &search);
}
