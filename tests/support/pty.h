// SPDX-License-Identifier: Apache-2.0
// A pseudo-terminal for tests: the program under test gets slave(), the test plays the person at master().
#pragma once

#include <chrono>
#include <poll.h>
#include <pty.h>
#include <stdexcept>
#include <string>
#include <termios.h>
#include <unistd.h>

#include <sys/ioctl.h>

namespace scc::test {

class Pty {
 public:
  explicit Pty(unsigned short rows = 24, unsigned short cols = 80) {
    struct winsize size {
      rows, cols, 0, 0
    };
    if (::openpty(&master_, &slave_, nullptr, nullptr, &size) != 0)
      throw std::runtime_error("openpty failed");
  }
  ~Pty() {
    close_master();
    close_slave();
  }
  Pty(const Pty&) = delete;
  Pty& operator=(const Pty&) = delete;

  int master() const noexcept { return master_; }
  int slave() const noexcept { return slave_; }
  void close_master() {
    if (master_ >= 0) ::close(master_);
    master_ = -1;
  }
  void close_slave() {
    if (slave_ >= 0) ::close(slave_);
    slave_ = -1;
  }
  void resize(unsigned short rows, unsigned short cols) const {
    struct winsize size {
      rows, cols, 0, 0
    };
    ::ioctl(master_, TIOCSWINSZ, &size);
  }
  struct termios modes() const {
    struct termios out {};
    ::tcgetattr(slave_, &out);
    return out;
  }
  bool raw() const { return (modes().c_lflag & (ICANON | ECHO)) == 0U; }
  void type(const std::string& keys) const {
    if (::write(master_, keys.data(), keys.size()) != static_cast<ssize_t>(keys.size())) {
      throw std::runtime_error("pty write failed");
    }
  }
  /// What the screen shows until `text` was seen or the time is over.
  std::string read_until(const std::string& text,
                         std::chrono::milliseconds limit = std::chrono::seconds(10)) {
    const auto end = std::chrono::steady_clock::now() + limit;
    while (seen_.find(text) == std::string::npos && std::chrono::steady_clock::now() < end) {
      struct pollfd entry {
        master_, POLLIN, 0
      };
      if (::poll(&entry, 1, 50) <= 0) continue;
      char buffer[4096];
      const ssize_t n = ::read(master_, buffer, sizeof buffer);
      if (n <= 0) break;
      seen_.append(buffer, static_cast<std::size_t>(n));
    }
    return seen_;
  }

 private:
  int master_ = -1;
  int slave_ = -1;
  std::string seen_;
};

}  // namespace scc::test
