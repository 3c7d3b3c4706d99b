// SPDX-License-Identifier: Apache-2.0
// Where the user's Docker engine is, by the rules of the docker client
// (docs.docker.com/engine/manage-resources/contexts): DOCKER_HOST, then DOCKER_CONTEXT, then the current
// context of config.json, then the default sockets. Reads granted files only; no I/O before endpoints().
#pragma once

#include <scc/oci/api.hpp>

namespace scc::docker {

class Contexts final : public oci::Dialect {
 public:
  /// `config` is scc.component-config/1.
  Contexts(sdk::Host host, const sdk::Json& config);

  std::string id() const override { return "docker"; }
  std::vector<oci::Endpoint> endpoints() const override;
  std::string remedy(std::string_view code, const oci::Endpoint& endpoint) const override;

 private:
  std::string env(const char* name) const;
  std::string config_dir() const;
  std::string current_context() const;
  /// Whether this machine has an engine that could be started, as its service files tell.
  bool installed() const;
  /// What starts it.
  std::string start_line() const;
  oci::Endpoint from_environment() const;
  oci::Endpoint from_context(const std::string& name) const;
  std::vector<oci::Endpoint> defaults() const;

  sdk::Host host_;
  sdk::StringMap env_;
};

}  // namespace scc::docker
