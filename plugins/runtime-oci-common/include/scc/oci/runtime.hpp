// SPDX-License-Identifier: Apache-2.0
// All verbs of scc.runtime/1 for an engine that speaks the Engine API; a plugin derives from it, hands it a
// Dialect and has nothing left to write. Connects on first use, so that creating an instance has no effects.
// [serial] on one instance; an Exec may run beside it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include <scc/oci/api.hpp>
#include <scc/oci/exec.hpp>
#include <scc/oci/spec.hpp>

namespace scc::oci {

class Runtime {
 public:
  Runtime(sdk::Host host, std::shared_ptr<const Dialect> dialect)
      : host_(host), dialect_(std::move(dialect)) {}

  sdk::RuntimeInfo probe();

  sdk::ImageInfo image_inspect(std::string_view ref);
  sdk::ImageList image_list(const sdk::Json& filter);
  void image_build(const sdk::Json& request, const sdk::Source& context, const sdk::Sink& progress);
  void image_import(const sdk::Json& request, const sdk::Source& rootfs, const sdk::Sink& progress);
  sdk::ImageInfo image_pull(std::string_view ref, const sdk::Sink& progress);
  void image_remove(std::string_view ref);

  sdk::VolumeInfo volume_ensure(const sdk::Json& request);
  sdk::VolumeList volume_list(const sdk::Json& filter);
  void volume_remove(std::string_view name);

  sdk::NetworkInfo network_create(const sdk::Json& request);
  sdk::NetworkList network_list(const sdk::Json& filter);
  void network_remove(std::string_view name);

  sdk::SandboxHandle sandbox_create(const sdk::Json& spec);
  void sandbox_put(std::string_view id, std::string_view path, const sdk::Source& tar);
  void sandbox_get(std::string_view id, std::string_view path, const sdk::Sink& tar);
  void sandbox_start(std::string_view id);
  sdk::SandboxInfo sandbox_inspect(std::string_view id);
  sdk::SandboxList sandbox_list(const sdk::Json& filter);
  void sandbox_stop(std::string_view id, std::uint32_t grace_ms);
  void sandbox_remove(std::string_view id);

  std::unique_ptr<Exec> exec_open(std::string_view id, const sdk::Json& request);

 private:
  const std::shared_ptr<const Api>& api();
  /// What the engine can enforce, asked once.
  const Abilities& abilities();
  /// A call whose answer says how it went in its lines.
  void run_with_progress(Call call, const sdk::Sink& progress, std::string_view what);
  /// A removal: gone already is done.
  void remove(const std::string& path, std::string_view what, std::uint32_t timeout_ms = 60'000);
  /// How many of these execs run; -1 when the engine does not say.
  std::int64_t active_execs(const std::vector<std::string>& ids);
  /// A checked reference in the engine's words, and an answer's names in ours.
  std::string engine_image(std::string_view ref) const;
  void rename(sdk::ImageInfo& info) const;
  void join_networks(const std::string& id, const sdk::Json& spec);

  sdk::Host host_;
  std::shared_ptr<const Dialect> dialect_;
  std::shared_ptr<const Api> api_;
  std::unique_ptr<Abilities> abilities_;
  KilledFlag killed_ = std::make_shared<std::atomic<bool>>(false);
};

}  // namespace scc::oci
