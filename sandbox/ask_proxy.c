// SPDX-License-Identifier: Apache-2.0
// See ask_proxy.h.
#include "ask_proxy.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/socket.h>

#include "text.h"

enum { kWhereMax = 300, kRetryMs = 10 };

static int64_t now_ms(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int wait_for(int fd, short events, int64_t deadline) {
  for (;;) {
    const int64_t left = deadline - now_ms();
    if (left <= 0) return -ETIMEDOUT;
    struct pollfd ready = {.fd = fd, .events = events};
    const int found = poll(&ready, 1, (int)left);
    if (found > 0) return 0;
    if (found < 0 && errno != EINTR) return -errno;
  }
}

// "HTTP/1.1 403 ..."
static int status_of(const char* line, size_t size) {
  static const char kStart[] = "HTTP/1.";
  if (size < 12 || memcmp(line, kStart, sizeof kStart - 1) != 0 || line[8] != ' ') return -EPROTO;
  int status = 0;
  for (int i = 9; i < 12; ++i) {
    if (line[i] < '0' || line[i] > '9') return -EPROTO;
    status = status * 10 + (line[i] - '0');
  }
  return status >= 100 ? status : -EPROTO;
}

static int read_status(int fd, int64_t deadline) {
  char line[64];
  size_t size = 0;
  while (size < 12) {
    const int waited = wait_for(fd, POLLIN, deadline);
    if (waited != 0) return waited;
    const ssize_t got = read(fd, line + size, sizeof line - size);
    if (got == 0) return -ECONNRESET;
    if (got < 0 && errno != EAGAIN && errno != EINTR) return -errno;
    if (got > 0) size += (size_t)got;
  }
  return status_of(line, size);
}

static bool is_where(const char* where) {
  const size_t length = strlen(where);
  if (length == 0 || length > kWhereMax) return false;
  for (size_t i = 0; i < length; ++i) {
    if (where[i] <= ' ' || where[i] > '~') return false;
  }
  return true;
}

static int ask_connected(int fd, const char* where, int64_t deadline) {
  const int waited = wait_for(fd, POLLOUT, deadline);
  if (waited != 0) return waited;
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) != 0) return -errno;
  if (error != 0) return -error;
  TextBuffer request = {.limit = 4 * kWhereMax};
  text_string(&request, "CONNECT ");
  text_string(&request, where);
  text_string(&request, " HTTP/1.1\r\nHost: ");
  text_string(&request, where);
  text_string(&request, "\r\n\r\n");
  if (request.failed) return -ENOMEM;
  // It fits any socket buffer; a short write is an error like any other.
  const ssize_t sent = send(fd, request.data, request.size, MSG_NOSIGNAL);
  const bool whole = sent == (ssize_t)request.size;
  const int sending = sent < 0 ? errno : EPIPE;
  text_free(&request);
  return whole ? read_status(fd, deadline) : -sending;
}

int ask_proxy(const RelayTarget* proxy, const char* where, int timeout_ms) {
  if (!is_where(where)) return -EINVAL;
  const int fd = relay_connect(proxy);
  if (fd < 0) return -errno;
  const int status = ask_connected(fd, where, now_ms() + timeout_ms);
  close(fd);
  return status;
}

int ask_proxy_patiently(const RelayTarget* proxy, const char* where, int timeout_ms) {
  const int64_t deadline = now_ms() + timeout_ms;
  for (;;) {
    const int64_t left = deadline - now_ms();
    const int status = ask_proxy(proxy, where, left > 0 ? (int)left : 1);
    const bool nobody =
        status == -ECONNREFUSED || status == -ENOENT || status == -EAGAIN || status == -ECONNRESET;
    if (!nobody || now_ms() >= deadline) return status;
    const struct timespec pause = {0, (long)kRetryMs * 1000000};
    nanosleep(&pause, NULL);
  }
}
