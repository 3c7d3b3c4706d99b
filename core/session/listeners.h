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
  /// Kind::prereq verify.listeners when this machine itself reaches none of them.
  static Result<Listeners> open();
  /// ADDRESS:PORT and [ADDRESS]:PORT, each reached from this machine a moment ago. Addresses of the loopback
  /// and the link are not among them: in another network namespace they mean something else.
  const std::vector<std::string>& addresses() const noexcept { return addresses_; }

 private:
  std::vector<os::Fd> sockets_;
  std::vector<std::string> addresses_;
};

/// Whether this machine has no address in the network of `inside`, the sandbox's own IPv4 address with its
/// network
/// ("192.0.2.3/29"). Asked beside the checker, because a kernel that has just looked for an address in vain
/// does not look again for up to a second. Kind::prereq verify.host-address when it has one.
Status host_stays_out(const std::string& inside);

}  // namespace scc::session
