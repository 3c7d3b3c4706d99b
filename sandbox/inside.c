// SPDX-License-Identifier: Apache-2.0
// See inside.h. Engines whose internal networks have no host address may still write a default route to the
// address that the host would have had (Docker 20.10). Whether that leads to anybody is not for the table to
// say: the kernel's own question who has that address, which the attempts before have caused, stays
// unanswered, or it is a way out.
#include "inside.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/socket.h>

#include "network.h"
#include "text.h"

// A listener of this machine answers in well under a millisecond.
enum { kTableMax = 1048576, kReachMs = 400, kMostTargets = 256, kWordMax = 64 };

enum { kRouteInterface, kRouteTarget, kRouteGateway, kRouteFlags, kRouteMask = 7, kRouteFields };
enum { kNeighbourAddress, kNeighbourFlags = 2, kNeighbourFields = 6, kNeighbourComplete = 2 };

bool parse_inside(const char* text, InsideAddress* inside) {
  char host[INET_ADDRSTRLEN];
  const char* slash = strchr(text, '/');
  uint64_t bits = 0;
  if (slash == NULL || !parse_decimal(slash + 1, 31, &bits) || bits == 0) return false;
  const size_t length = (size_t)(slash - text);
  if (length >= sizeof host) return false;
  memcpy(host, text, length);
  host[length] = '\0';
  struct in_addr address;
  if (inet_pton(AF_INET, host, &address) != 1) return false;
  inside->address = ntohl(address.s_addr);
  inside->mask = (uint32_t)(0xFFFFFFFFU << (32U - (unsigned)bits));
  return true;
}

// Splits a line at blanks in place, at most `most` words; how many there are.
static size_t split_words(char* line, char** words, size_t most) {
  size_t count = 0;
  for (char* at = line; count < most;) {
    at += strspn(at, " \t");
    if (*at == '\0') break;
    words[count++] = at;
    at += strcspn(at, " \t");
    if (*at == '\0') break;
    *at++ = '\0';
  }
  return count;
}

// Eight hex digits in the byte order of the machine, as the kernel prints a __be32.
static bool parse_kernel_address(const char* text, uint32_t* address) {
  char* end = NULL;
  errno = 0;
  const unsigned long value = strtoul(text, &end, 16);
  if (end != text + 8 || *end != '\0' || errno != 0) return false;
  *address = ntohl((uint32_t)value);
  return true;
}

static void add_address(FindList* found, uint32_t address) {
  char text[INET_ADDRSTRLEN] = "";
  const struct in_addr wire = {.s_addr = htonl(address)};
  inet_ntop(AF_INET, &wire, text, sizeof text);
  add_find(found, text);
}

static bool judge_route(char* line, const InsideAddress* inside, FindList* routes, FindList* gateways) {
  char* words[kRouteFields];
  uint32_t target = 0;
  uint32_t gateway = 0;
  uint32_t mask = 0;
  if (split_words(line, words, kRouteFields) != kRouteFields) return false;
  if (!parse_kernel_address(words[kRouteTarget], &target) ||
      !parse_kernel_address(words[kRouteGateway], &gateway) ||
      !parse_kernel_address(words[kRouteMask], &mask)) {
    return false;
  }
  if (strcmp(words[kRouteInterface], "lo") == 0) return true;
  const bool own = target == (inside->address & inside->mask) && mask == inside->mask && gateway == 0;
  if (own) return true;
  const bool near =
      gateway != inside->address && (gateway & inside->mask) == (inside->address & inside->mask);
  if (target == 0 && mask == 0 && gateway != 0 && near) {
    add_address(gateways, gateway);
  } else {
    add_find(routes, words[kRouteInterface]);
  }
  return true;
}

// Calls `judge` with a copy of each line but the first, which must begin with `title`.
static bool each_line(const char* text, const char* title, bool (*judge)(char* line, void* to), void* to) {
  if (strncmp(text, title, strlen(title)) != 0) return false;
  for (const char* line = strchr(text, '\n'); line != NULL && line[1] != '\0'; line = strchr(line, '\n')) {
    ++line;
    char* copy = strndup(line, strcspn(line, "\n"));
    const bool good = copy != NULL && judge(copy, to);
    free(copy);
    if (!good) return false;
  }
  return true;
}

typedef struct RouteSearch {
  const InsideAddress* inside;
  FindList* routes;
  FindList* gateways;
} RouteSearch;

static bool judge_route_line(char* line, void* to) {
  const RouteSearch* search = to;
  return judge_route(line, search->inside, search->routes, search->gateways);
}

bool routes_of_inside(const char* text, const InsideAddress* inside, FindList* routes, FindList* gateways) {
  RouteSearch search = {inside, routes, gateways};
  return each_line(text, "Iface", judge_route_line, &search);
}

typedef struct NeighbourSearch {
  const FindList* gateways;
  FindList* answered;
} NeighbourSearch;

static bool judge_neighbour_line(char* line, void* to) {
  const NeighbourSearch* search = to;
  char* words[kNeighbourFields];
  if (split_words(line, words, kNeighbourFields) != kNeighbourFields) return false;
  for (size_t i = 0; i < search->gateways->count; ++i) {
    if (strcmp(words[kNeighbourAddress], search->gateways->items[i]) != 0) continue;
    const unsigned long flags = strtoul(words[kNeighbourFlags], NULL, 16);
    if ((flags & (unsigned long)kNeighbourComplete) != 0)
      add_find(search->answered, words[kNeighbourAddress]);
  }
  return true;
}

bool answered_gateways(const char* text, const FindList* gateways, FindList* answered) {
  NeighbourSearch search = {gateways, answered};
  return each_line(text, "IP address", judge_neighbour_line, &search);
}

// ---- what must not answer ----

// "192.0.2.1:80" or "[2001:db8::1]:80"
static bool parse_target(const char* text, struct sockaddr_storage* out, socklen_t* size) {
  char host[kWordMax];
  memset(out, 0, sizeof *out);
  const bool v6 = text[0] == '[';
  const char* end = strrchr(text, ':');
  uint64_t port = 0;
  if (end == NULL || !parse_decimal(end + 1, UINT16_MAX, &port) || port == 0) return false;
  const char* begin = v6 ? text + 1 : text;
  if (v6 && (end == text || end[-1] != ']')) return false;
  const size_t length = (size_t)(end - begin) - (v6 ? 1U : 0U);
  if (length == 0 || length >= sizeof host) return false;
  memcpy(host, begin, length);
  host[length] = '\0';
  if (v6) {
    struct sockaddr_in6* address = (struct sockaddr_in6*)out;
    address->sin6_family = AF_INET6;
    address->sin6_port = htons((uint16_t)port);
    *size = sizeof *address;
    return inet_pton(AF_INET6, host, &address->sin6_addr) == 1;
  }
  struct sockaddr_in* address = (struct sockaddr_in*)out;
  address->sin_family = AF_INET;
  address->sin_port = htons((uint16_t)port);
  *size = sizeof *address;
  return inet_pton(AF_INET, host, &address->sin_addr) == 1;
}

// Descriptor of an attempt that is under way, -1 when the kernel knows no way, -2 when it could not be made.
static int begin_attempt(const char* target, bool* at_once) {
  struct sockaddr_storage address;
  socklen_t size = 0;
  *at_once = false;
  if (!parse_target(target, &address, &size)) return -2;
  const int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno == EAFNOSUPPORT ? -1 : -2;
  if (connect(fd, (const struct sockaddr*)&address, size) == 0) {
    *at_once = true;
    return fd;
  }
  if (errno == EINPROGRESS) return fd;
  *at_once = errno == ECONNREFUSED;
  const bool no_way = *at_once || errno == ENETUNREACH || errno == EHOSTUNREACH || errno == EADDRNOTAVAIL ||
                      errno == EACCES || errno == EPERM || errno == ENETDOWN;
  close(fd);
  return no_way ? -1 : -2;
}

// A refusal is an answer, too.
static bool is_answer(int fd) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return true;
  return error == 0 || error == ECONNREFUSED || error == ECONNRESET;
}

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static bool try_targets(const char** targets, size_t count, FindList* reached) {
  static struct pollfd fds[kMostTargets];
  if (count > kMostTargets) return false;
  bool good = true;
  size_t waiting = 0;
  for (size_t i = 0; i < count; ++i) {
    bool at_once = false;
    const int fd = begin_attempt(targets[i], &at_once);
    good = good && fd != -2;
    if (at_once) add_find(reached, targets[i]);
    fds[i] = (struct pollfd){.fd = at_once ? -1 : fd, .events = POLLOUT};
    if (at_once && fd >= 0) close(fd);
    if (!at_once && fd >= 0) ++waiting;
  }
  const int64_t deadline = now_ms() + kReachMs;
  while (waiting > 0) {
    const int64_t left = deadline - now_ms();
    if (left <= 0 || (poll(fds, (nfds_t)count, (int)left) < 0 && errno != EINTR)) break;
    for (size_t i = 0; i < count; ++i) {
      if (fds[i].fd < 0 || fds[i].revents == 0) continue;
      if (is_answer(fds[i].fd)) add_find(reached, targets[i]);
      close(fds[i].fd);
      fds[i].fd = -1;
      --waiting;
    }
  }
  for (size_t i = 0; i < count; ++i) {
    if (fds[i].fd >= 0) close(fds[i].fd);
  }
  return good;
}

// The listeners, and each gateway with their port: what makes the kernel ask who has that address. All at
// once, so that the wait is one.
static bool try_all(const CheckOptions* options, NetworkFinding* network) {
  const size_t gateways = network->gateways.count;
  const char* port = options->unreachable_count > 0 ? strrchr(options->unreachable[0], ':') : NULL;
  if (gateways > 0 && port == NULL) return false;
  const char** targets = calloc(options->unreachable_count + gateways + 1, sizeof *targets);
  TextBuffer texts[kFindsMax];
  bool good = targets != NULL;
  for (size_t i = 0; good && i < options->unreachable_count; ++i) targets[i] = options->unreachable[i];
  for (size_t i = 0; i < gateways; ++i) {
    texts[i] = (TextBuffer){0};
    text_string(&texts[i], network->gateways.items[i]);
    text_string(&texts[i], port);
    good = good && !texts[i].failed;
    if (good) targets[options->unreachable_count + i] = texts[i].data;
  }
  good = good && try_targets(targets, options->unreachable_count + gateways, &network->reached);
  for (size_t i = 0; i < gateways; ++i) text_free(&texts[i]);
  free(targets);
  return good;
}

bool gather_inside(const CheckOptions* options, NetworkFinding* network) {
  InsideAddress inside;
  if (!parse_inside(options->address, &inside)) return false;
  char* v4 = read_file("/proc/net/route", kTableMax, NULL);
  bool known = v4 != NULL && routes_of_inside(v4, &inside, &network->routes, &network->gateways);
  free(v4);
  known = try_all(options, network) && known;
  char* v6 = read_file("/proc/net/ipv6_route", kTableMax, NULL);
  // A kernel without IPv6 has no such table.
  known = (v6 != NULL ? routes_of_ipv6(v6, &network->routes) : errno == ENOENT) && known;
  free(v6);
  char* neighbours = read_file("/proc/net/arp", kTableMax, NULL);
  known =
      neighbours != NULL && answered_gateways(neighbours, &network->gateways, &network->answered) && known;
  free(neighbours);
  return known;
}
