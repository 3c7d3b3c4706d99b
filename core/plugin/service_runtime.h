// SPDX-License-Identifier: Apache-2.0
// SCC_HOST_RUNTIME: the selected runtime as a network policy sees it. It may make, look at and remove what
// belongs to the one sandbox that it is bound to, and nothing else on the engine. [main]
#pragma once

#include <filesystem>
#include <map>
#include <string>

#include "plugin/runtime.h"
#include "scc/abi.h"

namespace scc::plugin {

/// What a network policy may act on.
struct RuntimeScope {
  std::string sandbox;                        ///< names of what it makes begin with this and a hyphen
  std::map<std::string, std::string> labels;  ///< put on everything that it makes, over its own
  std::filesystem::path directory;  ///< of the session: what it may bind lies in files/ (read-only) and net/
  std::string tools;                ///< directory that it may bind read-only
  std::string image;                ///< the only one that its containers may have; empty: none
};

class RuntimeService {
 public:
  RuntimeService(Runtime& runtime, RuntimeScope scope);
  RuntimeService(const RuntimeService&) = delete;
  const scc_host_runtime_v1* table() const noexcept { return &service_; }

  Runtime& runtime() noexcept { return runtime_; }
  const RuntimeScope& scope() const noexcept { return scope_; }
  /// The document with the scope's labels. Kind::policy netpolicy.scope for what does not belong here.
  Result<json::Value> checked_network(json::Value request) const;
  Result<json::Value> checked_sandbox(json::Value spec) const;
  /// The sandbox's info. Kind::policy netpolicy.scope when it belongs to something else.
  Result<json::Value> own_sandbox(std::string_view id);
  /// False when there is none of that name or id.
  Result<bool> own_network(std::string_view name);

 private:
  Status check_name(const std::string& name) const;
  Status check_mount(const json::Value& mount) const;
  json::Value labels_over(const json::Value& document) const;

  Runtime& runtime_;
  RuntimeScope scope_;
  scc_host_runtime_v1 service_{};
};

}  // namespace scc::plugin
