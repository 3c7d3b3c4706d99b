// SPDX-License-Identifier: Apache-2.0
#include "session/host_io.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/stat.h>

namespace scc::session {

namespace {

constexpr std::size_t kChunk = 4096;  // PIPE_BUF: a pipe that poll(2) calls writable takes this much

bool try_again(int code) noexcept {
  return code == EAGAIN || code == EINTR || code == EWOULDBLOCK;
}

}  // namespace

HostFd::HostFd(int fd, Mode mode) : fd_(fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) return;
  socket_ = S_ISSOCK(info.st_mode);
  // A regular file must not be reopened: its offset is shared with the caller on purpose.
  if (!S_ISFIFO(info.st_mode) && ::isatty(fd) != 1) return;
  const std::string path = "/proc/self/fd/" + std::to_string(fd);
  const int access = mode == Mode::read ? O_RDONLY : O_WRONLY;
  own_ = os::Fd(::open(path.c_str(), access | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
}

bool HostFd::ready(short events) const {
  struct pollfd entry {
    fd_, events, 0
  };
  return ::poll(&entry, 1, 0) == 1;
}

Io HostFd::read(std::string& bytes, std::size_t limit) {
  std::array<char, 16384> buffer{};
  if (!own_ && !ready(POLLIN)) return Io::would_block;
  const ssize_t n = ::read(fd(), buffer.data(), std::min(limit, buffer.size()));
  if (n < 0) return try_again(errno) ? Io::would_block : Io::closed;
  if (n == 0) return Io::closed;
  bytes.append(buffer.data(), static_cast<std::size_t>(n));
  return Io::ok;
}

Io HostFd::write(std::string& bytes) {
  if (bytes.empty()) return Io::ok;
  ssize_t n = -1;
  if (own_) {
    n = ::write(own_.get(), bytes.data(), bytes.size());
  } else if (socket_) {
    n = ::send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  } else {
    if (!ready(POLLOUT)) return Io::would_block;
    n = ::write(fd_, bytes.data(), std::min(bytes.size(), kChunk));
  }
  if (n < 0) return try_again(errno) ? Io::would_block : Io::closed;
  bytes.erase(0, static_cast<std::size_t>(n));
  return Io::ok;
}

IgnoreSigpipe::IgnoreSigpipe() {
  struct sigaction action {};
  action.sa_handler = SIG_IGN;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(SIGPIPE, &action, &old_);
}

IgnoreSigpipe::~IgnoreSigpipe() {
  ::sigaction(SIGPIPE, &old_, nullptr);
}

}  // namespace scc::session
