// SPDX-License-Identifier: Apache-2.0
// See network.h.
#include "network.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include <linux/if.h>

#include "ask_proxy.h"
#include "inside.h"
#include "protocol.h"

enum { kTableMax = 1048576, kResolvMax = 65536, kAskMs = 5000, kNameMax = 64 };

static const char* skip_blanks(const char* at) {
  while (*at == ' ' || *at == '\t') ++at;
  return at;
}

static bool is_loopback_name(const char* name, size_t length) {
  return length == 2 && memcmp(name, "lo", 2) == 0;
}

static void add_word(FindList* found, const char* word, size_t length) {
  char name[kNameMax];
  if (length >= sizeof name) length = sizeof name - 1;
  memcpy(name, word, length);
  name[length] = '\0';
  add_find(found, name);
}

bool routes_of_ipv4(const char* text, FindList* found) {
  // The first line names the columns: "Iface\tDestination\t..."
  if (strncmp(text, "Iface", 5) != 0) return false;
  for (const char* line = strchr(text, '\n'); line != NULL && line[1] != '\0'; line = strchr(line, '\n')) {
    ++line;
    const size_t length = strcspn(line, " \t\n");
    if (length > 0 && !is_loopback_name(line, length)) add_word(found, line, length);
  }
  return true;
}

bool routes_of_ipv6(const char* text, FindList* found) {
  for (const char* line = text; *line != '\0';) {
    const size_t size = strcspn(line, "\n");
    size_t end = size;
    while (end > 0 && (line[end - 1] == ' ' || line[end - 1] == '\t')) --end;
    size_t begin = end;
    while (begin > 0 && line[begin - 1] != ' ' && line[begin - 1] != '\t') --begin;
    if (begin == 0) return false;  // one column: not this table
    if (!is_loopback_name(line + begin, end - begin)) add_word(found, line + begin, end - begin);
    line += size;
    if (*line == '\n') ++line;
  }
  return true;
}

static bool is_loopback_text(const char* text, size_t length) {
  return (length > 4 && memcmp(text, "127.", 4) == 0) || (length == 3 && memcmp(text, "::1", 3) == 0);
}

void resolvers_of(const char* text, FindList* found) {
  static const char kWord[] = "nameserver";
  for (const char* line = text; line != NULL; line = strchr(line, '\n')) {
    if (*line == '\n') ++line;
    const char* at = skip_blanks(line);
    if (strncmp(at, kWord, sizeof kWord - 1) != 0) continue;
    at = skip_blanks(at + sizeof kWord - 1);
    const size_t length = strcspn(at, " \t\r\n");
    if (length > 0 && !is_loopback_text(at, length)) add_word(found, at, length);
  }
}

static void gather_address(const struct ifaddrs* entry, FindList* found) {
  char text[INET6_ADDRSTRLEN] = "";
  if (entry->ifa_addr->sa_family == AF_INET) {
    struct sockaddr_in address;
    memcpy(&address, entry->ifa_addr, sizeof address);
    if ((ntohl(address.sin_addr.s_addr) >> 24U) == 127U) return;
    inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
  } else if (entry->ifa_addr->sa_family == AF_INET6) {
    struct sockaddr_in6 address;
    memcpy(&address, entry->ifa_addr, sizeof address);
    if (IN6_IS_ADDR_LOOPBACK(&address.sin6_addr)) return;
    inet_ntop(AF_INET6, &address.sin6_addr, text, sizeof text);
  } else {
    return;
  }
  add_find(found, text);
}

// An interface that is down (a kernel with tunnel modules puts some into every namespace) carries nothing,
// and only who has CAP_NET_ADMIN could raise it.
static bool gather_interfaces(NetworkFinding* network) {
  struct ifaddrs* list = NULL;
  if (getifaddrs(&list) != 0) return false;
  for (const struct ifaddrs* entry = list; entry != NULL; entry = entry->ifa_next) {
    if (entry->ifa_addr == NULL || entry->ifa_addr->sa_family == AF_PACKET) {
      const bool up = (entry->ifa_flags & (unsigned)IFF_UP) != 0;
      const bool loopback =
          (entry->ifa_flags & (unsigned)IFF_LOOPBACK) != 0 && strcmp(entry->ifa_name, "lo") == 0;
      if (up && !loopback) add_find(&network->interfaces, entry->ifa_name);
      continue;
    }
    gather_address(entry, &network->addresses);
  }
  freeifaddrs(list);
  return true;
}

static bool gather_routes(NetworkFinding* network) {
  char* v4 = read_file("/proc/net/route", kTableMax, NULL);
  const bool known = v4 != NULL && routes_of_ipv4(v4, &network->routes);
  free(v4);
  char* v6 = read_file("/proc/net/ipv6_route", kTableMax, NULL);
  // A kernel without IPv6 has no such table.
  if (v6 == NULL) return known && errno == ENOENT;
  const bool parsed = routes_of_ipv6(v6, &network->routes);
  free(v6);
  return known && parsed;
}

void gather_network(const CheckOptions* options, NetworkFinding* network) {
  memset(network, 0, sizeof *network);
  if (!options->isolated && options->proxy_port == 0 && options->address == NULL) return;
  network->looked = true;
  const bool interfaces = gather_interfaces(network);
  const bool routes = options->address != NULL ? gather_inside(options, network) : gather_routes(network);
  char* resolv = read_file("/etc/resolv.conf", kResolvMax, NULL);
  const bool resolvers = resolv != NULL || errno == ENOENT;
  resolvers_of(resolv != NULL ? resolv : "", &network->resolvers);
  free(resolv);
  network->known = interfaces && routes && resolvers;
  if (options->proxy != NULL) {
    RelayTarget beside;
    network->proxy_status = relay_parse_inet(options->proxy, &beside) && beside.address != 0
                                ? ask_proxy_patiently(&beside, SCC_DENIED_NAME, kAskMs)
                                : -EINVAL;
    return;
  }
  if (options->proxy_port == 0) return;
  const RelayTarget proxy = {.path = NULL, .port = options->proxy_port};
  network->proxy_status = ask_proxy_patiently(&proxy, SCC_DENIED_NAME, kAskMs);
}
