// SPDX-License-Identifier: Apache-2.0
// The host as one instance of a plugin sees it: the C table, and behind it the services that the manifest's
// grants allow. Contexts live as long as the process, because a plugin may keep the pointer. Services are
// [any].
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "net/endpoint.h"
#include "os/env.h"
#include "plugin/manifest.h"
#include "plugin/service_pool.h"
#include "scc/abi.h"

namespace scc::plugin {

/// What the services need to know and may tell. One per registry, shared by its instances.
struct HostServices {
  os::Environment env;
  os::stdfs::path state;    ///< the host's state directory; a plugin's store is <state>/plugins/<id>
  os::stdfs::path runtime;  ///< for the sockets of services that plugins have started
  std::shared_ptr<ServicePool> pool = std::make_shared<ServicePool>();
  std::function<void(std::string_view plugin, std::string_view title)> on_step;
  std::function<bool()> cancelled;
};

class HostContext {
 public:
  /// `kind`: of the component; "" for init, which gets a host that only logs and parses.
  HostContext(std::string plugin, std::string kind, Grants grants,
              std::shared_ptr<const HostServices> services);
  HostContext(const HostContext&) = delete;

  const scc_host_v1* table() const noexcept { return &table_; }
  static HostContext& from(const scc_host_v1* host) noexcept { return *static_cast<HostContext*>(host->ctx); }

  const std::string& plugin() const noexcept { return plugin_; }
  const Grants& grants() const noexcept { return grants_; }
  const HostServices& services() const noexcept { return *services_; }
  const void* service(std::string_view id) const noexcept;
  bool cancelled() const;
  /// For SCC_HOST_RUNTIME; lives as long as the instance.
  void set_runtime(const scc_host_runtime_v1* service) noexcept { runtime_ = service; }

  /// While one exists, cancelled() is false: verbs that clean up must run to their end after Ctrl-C.
  class Shield {
   public:
    Shield(HostContext& context, bool active) : context_(active ? &context : nullptr) {
      if (context_ != nullptr) ++context_->shields_;
    }
    ~Shield() {
      if (context_ != nullptr) --context_->shields_;
    }
    Shield(const Shield&) = delete;

   private:
    HostContext* context_;
  };

  /// HTTP clients that are idle, by endpoint, so that requests share connections.
  std::unique_ptr<net::Client> take_client(const std::string& key, const net::Endpoint& endpoint);
  void give_back(const std::string& key, std::unique_ptr<net::Client> client);
  /// Keeps a service until end_service(), and lets the plugin reach it.
  SharedService* keep_service(std::shared_ptr<SharedService> service);
  void end_service(const SharedService* service);
  /// Whether the URL is that of a service kept here.
  bool serves(std::string_view url);
  /// Closes the idle connections and gives the services up, once the instance is gone.
  void close();

 private:
  std::string plugin_;
  std::string kind_;
  Grants grants_;
  std::shared_ptr<const HostServices> services_;
  scc_host_v1 table_{};
  std::atomic<const scc_host_runtime_v1*> runtime_{nullptr};
  std::atomic<int> shields_{0};
  std::mutex mutex_;
  std::vector<std::pair<std::string, std::unique_ptr<net::Client>>> idle_;
  std::vector<std::shared_ptr<SharedService>> kept_services_;
};

/// The host of the probe child: logs nowhere, parses JSON, offers nothing else.
const scc_host_v1* probe_host();

// The tables of the services, each in its own file.
const scc_host_json_v1* json_service() noexcept;
const scc_host_process_v1* process_service() noexcept;
const scc_host_endpoint_v1* endpoint_service() noexcept;
const scc_host_files_v1* files_service() noexcept;
const scc_host_state_v1* state_service() noexcept;
const scc_host_ui_v1* ui_service() noexcept;

// ---- helpers for services ----

inline std::string_view text(scc_str s) noexcept {
  return s.data == nullptr ? std::string_view{} : std::string_view{s.data, s.size};
}
inline scc_str view(std::string_view s) noexcept {
  return scc_str{s.data(), s.size()};
}

/// Reports through the caller's sink and returns the status that fits the error's kind.
scc_status report(const scc_error_sink* sink, const Error& error) noexcept;
scc_status report(const scc_error_sink* sink, scc_status status, std::string_view code,
                  std::string_view message, std::string_view hint = {}) noexcept;
/// Writes to a plugin's sink; SCC_E_USAGE when it has none.
scc_status write_to(const scc_sink* sink, std::string_view bytes) noexcept;

/// Runs the body of a service; what it throws becomes SCC_E_INTERNAL and never crosses into the plugin.
template <class F>
scc_status serve(const scc_error_sink* sink, F&& body) noexcept {
  try {
    return body();
  } catch (const std::exception& e) {
    return report(sink, SCC_E_INTERNAL, "host.internal", e.what());
  } catch (...) {
    return report(sink, SCC_E_INTERNAL, "host.internal", "unknown failure of the host");
  }
}

}  // namespace scc::plugin
