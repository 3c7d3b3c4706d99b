// SPDX-License-Identifier: Apache-2.0
// Addresses and sockets with a deadline. See probe.h.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "probe.h"

int64_t probe_now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int probe_wait(int fd, short events, int64_t deadline) {
  for (;;) {
    const int64_t left = deadline - probe_now_ms();
    if (left <= 0) return -ETIMEDOUT;
    struct pollfd ready = {.fd = fd, .events = events};
    const int found = poll(&ready, 1, (int)left);
    if (found > 0) return 0;
    if (found < 0 && errno != EINTR) return -errno;
  }
}

bool probe_address(const char* text, uint16_t port, struct sockaddr_storage* out, socklen_t* size) {
  memset(out, 0, sizeof *out);
  struct sockaddr_in* v4 = (struct sockaddr_in*)out;
  if (inet_pton(AF_INET, text, &v4->sin_addr) == 1) {
    v4->sin_family = AF_INET;
    v4->sin_port = htons(port);
    *size = sizeof *v4;
    return true;
  }
  char copy[INET6_ADDRSTRLEN + 16];
  if (strlen(text) >= sizeof copy) return false;
  strcpy(copy, text);
  char* scope = strchr(copy, '%');
  if (scope != NULL) *scope++ = '\0';
  struct sockaddr_in6* v6 = (struct sockaddr_in6*)out;
  if (inet_pton(AF_INET6, copy, &v6->sin6_addr) != 1) return false;
  v6->sin6_family = AF_INET6;
  v6->sin6_port = htons(port);
  if (scope != NULL) v6->sin6_scope_id = (uint32_t)strtoul(scope, NULL, 10);
  *size = sizeof *v6;
  return true;
}

int probe_connect(const struct sockaddr_storage* to, socklen_t size, int hops, int timeout_ms) {
  const int fd = socket(to->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return -errno;
  if (hops > 0) {
    setsockopt(fd, IPPROTO_IP, IP_TTL, &hops, sizeof hops);
    if (to->ss_family == AF_INET6) setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof hops);
  }
  int error = connect(fd, (const struct sockaddr*)to, size) == 0 ? 0 : errno;
  if (error == EINPROGRESS) {
    const int waited = probe_wait(fd, POLLOUT, probe_now_ms() + timeout_ms);
    socklen_t length = sizeof error;
    if (waited != 0) {
      error = -waited;
    } else if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) != 0) {
      error = errno;
    }
  }
  if (error == 0) return fd;
  close(fd);
  return -error;
}

int probe_read_text(int fd, char* out, size_t capacity, int timeout_ms) {
  out[0] = '\0';
  if (probe_wait(fd, POLLIN, probe_now_ms() + timeout_ms) != 0) return 0;
  const ssize_t got = recv(fd, out, capacity - 1, MSG_DONTWAIT);
  if (got <= 0) return 0;
  for (ssize_t i = 0; i < got; ++i) {
    if ((unsigned char)out[i] < ' ' || (unsigned char)out[i] >= 0x7f) out[i] = ' ';
  }
  out[got] = '\0';
  return (int)got;
}
