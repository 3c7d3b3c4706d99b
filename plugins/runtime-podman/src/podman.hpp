// SPDX-License-Identifier: Apache-2.0
// Podman as a dialect of the Engine API. Where it is: CONTAINER_HOST, then the machine's own service, then a
// service that the host starts for this instance and ends with it (podman-system-service(1)); containers are
// children of conmon and stay.
#pragma once

#include <string>
#include <vector>

#include <scc/oci/api.hpp>

#include "facts.hpp"
#include "machine.hpp"

namespace scc::podman {

class Podman final : public oci::Dialect {
 public:
  /// `config` is scc.component-config/1.
  Podman(sdk::Host host, const sdk::Json& config);

  std::string id() const override { return "podman"; }
  std::vector<oci::Endpoint> endpoints() const override;
  bool tries_next(std::string_view code) const override;
  std::optional<oci::Endpoint> start() const override;
  sdk::Failure start_failure(const sdk::Failure& failure) const override;
  bool ended() const override;
  std::string remedy(std::string_view code, const oci::Endpoint& endpoint) const override;
  std::optional<sdk::Failure> known_error(const std::string& text) const override;

  void describe(const oci::Api& api, sdk::RuntimeInfo& info, oci::Abilities& able) const override;
  std::string engine_image(const std::string& ref) const override;
  std::string our_image(const std::string& ref) const override;
  std::string label_change(const std::string& name, const std::string& value) const override;
  oci::Call create_call(const sdk::Json& spec, const oci::Abilities& able,
                        std::vector<std::string>& warnings) const override;
  bool creates_with_networks() const override { return true; }
  oci::Call network_call(const sdk::Json& request) const override;
  bool ran_out_of_memory(const oci::Api& api, const std::string& id, bool look_twice) const override;

 private:
  std::string env(const char* name) const;
  sdk::Service serve(bool with_runc) const;
  bool runc_works(const std::string& cgroups) const;
  sdk::StringMap service_env() const;
  /// What the engine's facts depend on, as one short text.
  std::string facts_key(const oci::Api& api) const;
  bool tun_usable() const;

  sdk::Host host_;
  sdk::StringMap env_;
  std::string share_;  ///< what is installed beside the library
  // Filled on first use; the runtime's verbs are serial.
  mutable bool runc_ = false;  ///< the service was told to use runc
  mutable std::optional<sdk::Service> service_;
  mutable std::optional<Facts> facts_;
  mutable std::optional<Limits> limits_;
};

}  // namespace scc::podman
