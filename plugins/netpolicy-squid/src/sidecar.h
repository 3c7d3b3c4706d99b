// SPDX-License-Identifier: Apache-2.0
// The proxy's container and its network: made, looked at, removed. Everything through the host's runtime.
#pragma once

#include <scc/sdk/plugin.hpp>

namespace scc_squid {

class Policy {
 public:
  explicit Policy(scc::sdk::Host host, const scc::sdk::Json& /*config*/) : host_(host) {}

  scc::sdk::NetPlan plan(const scc::sdk::Json& request) const;
  scc::sdk::NetAttachment apply(const scc::sdk::Json& plan) const;
  scc::sdk::NetEvidence verify(const scc::sdk::Json& attachment) const;
  void release(const scc::sdk::Json& attachment) const;

 private:
  void remove(const std::string& sandbox, const std::vector<std::string>& networks) const;
  scc::sdk::Host host_;
};

}  // namespace scc_squid
