// SPDX-License-Identifier: Apache-2.0
// A live target on this machine for the time of a run: TCP and UDP on one port of every address, IPv4 and
// IPv6, and a unix socket. It answers with the run's token and nothing else.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "os/fs.h"

namespace scc::prove {

struct MachineAddresses {
  std::vector<std::string> v4;
  std::vector<std::string> v6;  ///< neither link-local nor the loopback's
  std::string link;             ///< a link-local one, without scope
};
/// Of the interfaces that are up, without the loopback's.
Result<MachineAddresses> machine_addresses();

class Listener {
 public:
  /// `socket`: where the unix socket is made; it must not exist.
  static Result<Listener> open(const std::string& token, const std::filesystem::path& socket);
  Listener(Listener&&) noexcept;
  ~Listener();
  int port() const noexcept { return port_; }

 private:
  struct Loop;
  Listener(std::unique_ptr<Loop> loop, int port);
  std::unique_ptr<Loop> loop_;
  int port_ = 0;
};

}  // namespace scc::prove
