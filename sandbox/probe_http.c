// SPDX-License-Identifier: Apache-2.0
// Requests to the proxy that the environment names. See probe.h.
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"
#include "text.h"

enum { kConnectMs = 2000, kStatusMs = 6000, kTunnelMs = 1200, kReplyMax = 4096 };

// "http://ADDRESS:PORT" of http_proxy; without one the port where scc's relay would be.
static int connect_proxy(void) {
  char host[64] = "127.0.0.1";
  unsigned port = 3128;
  const char* url = getenv("http_proxy");
  if (url != NULL) sscanf(url, "http://%63[^:/]:%5u", host, &port);
  struct sockaddr_storage to;
  socklen_t size = 0;
  if (!probe_address(host, (uint16_t)port, &to, &size)) return -EINVAL;
  return probe_connect(&to, size, 0, kConnectMs);
}

static int status_of(const char* reply, size_t size) {
  if (size < 12 || memcmp(reply, "HTTP/1.", 7) != 0 || reply[8] != ' ') return 0;
  int status = 0;
  for (int i = 9; i < 12; ++i) {
    if (reply[i] < '0' || reply[i] > '9') return 0;
    status = status * 10 + (reply[i] - '0');
  }
  return status;
}

// Reads until the end of the head, or the connection, or the time. The size of what came.
static size_t read_head(int fd, char* reply, size_t capacity, bool* in_time) {
  const int64_t deadline = probe_now_ms() + kStatusMs;
  size_t size = 0;
  reply[0] = '\0';
  *in_time = true;
  while (size + 1 < capacity && strstr(reply, "\r\n\r\n") == NULL) {
    *in_time = probe_wait(fd, POLLIN, deadline) == 0;
    if (!*in_time) break;
    const ssize_t got = recv(fd, reply + size, capacity - 1 - size, 0);
    if (got <= 0) break;
    for (ssize_t i = 0; i < got; ++i) {
      if (reply[size + (size_t)i] == '\0') reply[size + (size_t)i] = '?';
    }
    size += (size_t)got;
    reply[size] = '\0';
  }
  return size;
}

// Is it the stand-in that answers? Its mark is in the head, or comes through the tunnel.
static bool stand_in_answers(int fd, const char* reply) {
  char text[kProbeTextMax];
  if (strstr(reply, "scc-stand-in") != NULL) return true;
  if (send(fd, "scc-prove\r\n\r\n", 13, MSG_NOSIGNAL) < 0) return false;
  probe_read_text(fd, text, sizeof text, kTunnelMs);
  return strstr(text, "scc-stand-in") != NULL;
}

static void ask(const char* request, size_t size, ProbeFinding* out) {
  const int fd = connect_proxy();
  if (fd < 0) {
    probe_errno(out, "none", -fd);
    return;
  }
  char reply[kReplyMax];
  const bool sent = send(fd, request, size, MSG_NOSIGNAL) == (ssize_t)size;
  bool in_time = true;
  const size_t got = sent ? read_head(fd, reply, sizeof reply, &in_time) : 0;
  const int status = status_of(reply, got);
  char value[8] = "";
  if (status > 0) memcpy(value, reply + 9, 3);
  if (status >= 200 && status < 300) value[3] = stand_in_answers(fd, reply) ? '+' : '-';
  close(fd);
  if (status > 0) {
    reply[strcspn(reply, "\r\n")] = '\0';
    probe_set(out, "status", value, reply);
  } else if (!in_time) {
    probe_set(out, "broken", "", "no answer in time");
  } else {
    probe_set(out, "none", "",
              got > 0 ? "an answer that is no HTTP" : "the connection was closed without an answer");
  }
}

// http REQUEST: one. https COUNT PAUSE_MS REQUEST: the same again; all statuses.
void probe_http(const ProbeLine* line, ProbeFinding* out) {
  const bool again = strcmp(line->words[1], "https") == 0;
  uint64_t count = 1;
  uint64_t pause = 0;
  if (again && (line->count != 5 || !parse_decimal(line->words[2], 16, &count) ||
                !parse_decimal(line->words[3], 3000, &pause) || count == 0)) {
    probe_set(out, "broken", "", "the line cannot be read");
    return;
  }
  char* request = line->words[line->count - 1];
  const int size = line->count < 3 ? -1 : probe_unescape(request);
  if (size < 0) {
    probe_set(out, "broken", "", "the request cannot be read");
    return;
  }
  char values[64] = "";
  for (uint64_t i = 0; i < count; ++i) {
    const struct timespec time = {(time_t)(pause / 1000), (long)(pause % 1000) * 1000000};
    if (i > 0) nanosleep(&time, NULL);
    ask(request, (size_t)size, out);
    if (strcmp(out->kind, "status") != 0) return;
    const size_t used = strlen(values);
    if (used + strlen(out->value) + 2 > sizeof values) break;
    if (i > 0) strcat(values, " ");
    strcat(values, out->value);
  }
  probe_set(out, "status", values, out->text);
}

// Names that engines and desktops give to the machine itself, and what they resolve to there.
static const char* const kDesktop[] = {"host.docker.internal",     "gateway.docker.internal",
                                       "host.containers.internal", "host.internal",
                                       "host.lima.internal",       "kubernetes.docker.internal",
                                       "docker.orb.local",         "vm.docker.internal",
                                       "host.orb.internal",        "localhost"};
// Public resolvers that answer over HTTPS or TLS.
static const char* const kResolvers[] = {
    "dns.google:443",      "cloudflare-dns.com:443", "mozilla.cloudflare-dns.com:443", "one.one.one.one:443",
    "dns.quad9.net:443",   "doh.opendns.com:443",    "dns.adguard-dns.com:443",        "dns.google:853",
    "one.one.one.one:853", "dns.quad9.net:853"};
// The proxy's own pages.
static const char* const kManager[] = {
    "GET cache_object://localhost/info HTTP/1.0\r\n\r\n",
    "GET cache_object://localhost/menu HTTP/1.0\r\n\r\n",
    "GET http://localhost/squid-internal-mgr/info HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET http://scc-egress:3128/squid-internal-mgr/menu HTTP/1.1\r\nHost: scc-egress:3128\r\n\r\n",
    "GET http://127.0.0.1:3128/squid-internal-mgr/config HTTP/1.1\r\nHost: 127.0.0.1:3128\r\n\r\n",
    "GET /squid-internal-mgr/info HTTP/1.1\r\nHost: scc-egress\r\n\r\n",
    "GET /squid-internal-static/icons/SN.png HTTP/1.1\r\nHost: scc-egress\r\n\r\n"};

static int badness(const ProbeFinding* finding) {
  if (strcmp(finding->kind, "broken") == 0) return 2;
  if (strcmp(finding->kind, "status") != 0) return 0;
  const int status = atoi(finding->value);
  return status == 403 || status == 400 || status == 501 ? 0 : 3;
}

static void worst_of(const char* request, const char* what, ProbeFinding* out, int* worst) {
  ProbeFinding one;
  ask(request, strlen(request), &one);
  const int bad = badness(&one);
  if (bad < *worst || (bad == *worst && strcmp(out->kind, "status") == 0)) return;
  *worst = bad;
  *out = one;
  probe_add(out, what);
}

// list desktop | resolvers | manager
void probe_http_list(const ProbeLine* line, ProbeFinding* out) {
  const char* name = line->count > 2 ? line->words[2] : "";
  const bool desktop = strcmp(name, "desktop") == 0;
  const bool resolvers = strcmp(name, "resolvers") == 0;
  int worst = 0;
  probe_set(out, "none", "", "");
  if (strcmp(name, "manager") == 0) {
    for (size_t i = 0; i < sizeof kManager / sizeof *kManager; ++i)
      worst_of(kManager[i], kManager[i], out, &worst);
    return;
  }
  if (!desktop && !resolvers) {
    probe_set(out, "broken", "", "unknown list");
    return;
  }
  const char* const* names = desktop ? kDesktop : kResolvers;
  const size_t count = desktop ? sizeof kDesktop / sizeof *kDesktop : sizeof kResolvers / sizeof *kResolvers;
  for (size_t i = 0; i < count; ++i) {
    char request[256];
    const char* port = desktop ? ":443" : "";
    snprintf(request, sizeof request, "CONNECT %s%s HTTP/1.1\r\nHost: %s%s\r\n\r\n", names[i], port, names[i],
             port);
    worst_of(request, names[i], out, &worst);
  }
}
