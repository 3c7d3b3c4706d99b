// SPDX-License-Identifier: Apache-2.0
// A child that serves one unix socket for as long as this process wants it, and never longer: it ends with
// its Service, and the kernel ends it when this process dies in any way. [main]: the kernel ties the child to
// the thread that started it.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "os/fs.h"

namespace scc::os {

struct ServiceRequest {
  std::vector<std::string> argv;           ///< argv[0] as in ProcessRequest
  std::map<std::string, std::string> env;  ///< the whole environment; LISTEN_FDS and LISTEN_PID are added
  stdfs::path cwd;                         ///< "/" when empty
  stdfs::path base;                        ///< where the socket's own directory, mode 0700, is made
};

class Service {
 public:
  /// Makes a listening socket and starts the program with it as descriptor 3, as sd_listen_fds(3) describes.
  /// Who connects before the program is ready waits; who connects after its end is refused. What services of
  /// dead processes left below `base` is removed. Kind::prereq process.not-found as run() has it.
  static Result<std::unique_ptr<Service>> start(const ServiceRequest& request);
  /// SIGTERM to the program (not to its group: what it started on purpose may stay), SIGKILL after two
  /// seconds.
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  const stdfs::path& socket() const noexcept { return socket_; }
  int pid() const noexcept { return pid_; }
  /// Does not wait.
  bool running() noexcept;
  /// The first 64 KiB that the program wrote to stdout and stderr.
  std::string output() const;

 private:
  Service() = default;
  Status make_socket(const stdfs::path& base);

  stdfs::path directory_;
  stdfs::path socket_;
  Fd lock_;      ///< on the directory: whoever finds it free may remove the directory
  Fd listener_;  ///< given to the child
  Fd output_;
  mutable std::string written_;
  int pid_ = -1;
};

}  // namespace scc::os
