// SPDX-License-Identifier: Apache-2.0
// Private to this folder: the caller's stdin, stdout and stderr without blocking on them and without changing
// the flags of the open files, which the caller's shell and its other processes share.
#pragma once

#include <csignal>
#include <string>
#include <string_view>

#include "os/fs.h"

namespace scc::session {

enum class Io { ok, would_block, closed };

/// One of the host's descriptors, not owned. Terminals and pipes are reopened through /proc where that is
/// possible, so that O_NONBLOCK is set on an open file of our own; elsewhere poll(2) goes before every call
/// and the amount stays below what a pipe takes at once.
class HostFd {
 public:
  enum class Mode { read, write };
  HostFd(int fd, Mode mode);

  /// For poll(2).
  int fd() const noexcept { return own_ ? own_.get() : fd_; }
  /// Appends at most `limit` bytes.
  Io read(std::string& bytes, std::size_t limit);
  /// Writes from the front of `bytes` and removes what was taken.
  Io write(std::string& bytes);

 private:
  bool ready(short events) const;

  int fd_ = -1;
  os::Fd own_;
  bool socket_ = false;
};

/// SIGPIPE is ignored while one lives: a reader that went away is an ordinary event here.
class IgnoreSigpipe {
 public:
  IgnoreSigpipe();
  ~IgnoreSigpipe();
  IgnoreSigpipe(const IgnoreSigpipe&) = delete;
  IgnoreSigpipe& operator=(const IgnoreSigpipe&) = delete;

 private:
  struct sigaction old_ {};
};

}  // namespace scc::session
