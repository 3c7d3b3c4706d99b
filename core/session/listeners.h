// SPDX-License-Identifier: Apache-2.0
// Private to this folder: listeners of this machine that a sandbox must not reach. While the checker looks, a
// TCP port is open on every address of this machine, so that what it finds shut is shut to the sandbox and
// not merely unused. Nobody accepts: the kernel answers, which is all that is looked for. [main]
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "os/fs.h"

namespace scc::session {

class Listeners {
 public:
  /// `inside` is the sandbox's IPv4 address with its network, "192.0.2.3/29".
  /// Errors, all Kind::prereq: verify.host-address when this machine has an address in that network (said
  /// from here, because a kernel that has just asked for it in vain does not ask again for up to a second);
  /// verify.listeners when this machine itself reaches none of its listeners.
  static Result<Listeners> open(const std::string& inside);
  /// ADDRESS:PORT and [ADDRESS]:PORT, each reached from this machine a moment ago. Addresses of the loopback
  /// and the link are not among them: in another network namespace they mean something else.
  const std::vector<std::string>& addresses() const noexcept { return addresses_; }

 private:
  std::vector<os::Fd> sockets_;
  std::vector<std::string> addresses_;
};

}  // namespace scc::session
