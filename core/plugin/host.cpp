// SPDX-License-Identifier: Apache-2.0
#include "plugin/host.h"

#include <algorithm>

#include "base/str.h"
#include "log/log.h"
#include "os/tty.h"

#ifndef SCC_VERSION
#define SCC_VERSION "0.0.0"
#endif

namespace scc::plugin {

namespace {

constexpr std::size_t kMaxIdle = 4;
constexpr std::size_t kMaxLogLine = 4'096;

void host_log(const scc_host_v1* host, scc_log_level level, scc_str message) noexcept {
  try {
    if (!log::enabled()) return;
    const std::string_view shown = text(message).substr(0, kMaxLogLine);
    const std::string line = "[" + HostContext::from(host).plugin() + "] " + str::printable(shown);
    if (level <= SCC_LOG_DEBUG) log::debug(line);
    if (level == SCC_LOG_INFO) log::info(line);
    if (level == SCC_LOG_WARN) log::warn(line);
    if (level >= SCC_LOG_ERROR) log::error(line);
  } catch (...) {  // NOLINT: a log line is not worth a failure
  }
}

int32_t host_cancelled(const scc_host_v1* host) noexcept {
  try {
    return HostContext::from(host).cancelled() ? 1 : 0;
  } catch (...) {
    return 0;
  }
}

const void* host_service(const scc_host_v1* host, scc_str id) noexcept {
  return HostContext::from(host).service(text(id));
}

void probe_log(const scc_host_v1* /*host*/, scc_log_level /*level*/, scc_str /*message*/) noexcept {}
int32_t probe_cancelled(const scc_host_v1* /*host*/) noexcept {
  return 0;
}
const void* probe_service(const scc_host_v1* /*host*/, scc_str id) noexcept {
  return text(id) == SCC_HOST_JSON ? json_service() : nullptr;
}

scc_host_v1 make_table(void* ctx) {
  scc_host_v1 table{};
  table.struct_size = sizeof(scc_host_v1);
  table.abi_major = SCC_ABI_MAJOR;
  table.abi_minor = SCC_ABI_MINOR;
  table.ctx = ctx;
  table.name = view("scc");
  table.version = view(SCC_VERSION);
  return table;
}

scc_status status_of(Kind kind) noexcept {
  return static_cast<scc_status>(kind);
}

}  // namespace

HostContext::HostContext(std::string plugin, std::string kind, Grants grants,
                         std::shared_ptr<const HostServices> services)
    : plugin_(std::move(plugin)),
      kind_(std::move(kind)),
      grants_(std::move(grants)),
      services_(std::move(services)),
      table_(make_table(this)) {
  table_.log = host_log;
  table_.cancelled = host_cancelled;
  table_.service = host_service;
}

const void* HostContext::service(std::string_view id) const noexcept {
  if (id == SCC_HOST_JSON) return json_service();
  if (kind_.empty()) return nullptr;
  if (id == SCC_HOST_UI) return ui_service();
  if (id == SCC_HOST_PROCESS) return grants_.process.empty() ? nullptr : process_service();
  if (id == SCC_HOST_ENDPOINT) return grants_.endpoints.empty() ? nullptr : endpoint_service();
  if (id == SCC_HOST_FILES) return grants_.files.empty() ? nullptr : files_service();
  // Providers, MCP transports and safety checks plan: a store of their own would make equal requests unequal.
  const bool acts = kind_ == "runtime" || kind_ == "netpolicy";
  if (id == SCC_HOST_STATE) return acts ? state_service() : nullptr;
  if (id == SCC_HOST_RUNTIME) return kind_ == "netpolicy" ? runtime_.load() : nullptr;
  return nullptr;
}

bool HostContext::cancelled() const {
  if (shields_ > 0) return false;
  return services_->cancelled ? services_->cancelled() : os::cancelled();
}

std::unique_ptr<net::Client> HostContext::take_client(const std::string& key, const net::Endpoint& endpoint) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (auto it = idle_.begin(); it != idle_.end(); ++it) {
      if (it->first != key) continue;
      std::unique_ptr<net::Client> client = std::move(it->second);
      idle_.erase(it);
      return client;
    }
  }
  return std::make_unique<net::Client>(endpoint);
}

void HostContext::give_back(const std::string& key, std::unique_ptr<net::Client> client) {
  const std::lock_guard<std::mutex> lock(mutex_);
  if (idle_.size() < kMaxIdle) idle_.emplace_back(key, std::move(client));
}

SharedService* HostContext::keep_service(std::shared_ptr<SharedService> service) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return kept_services_.emplace_back(std::move(service)).get();
}

void HostContext::end_service(const SharedService* service) {
  std::shared_ptr<SharedService> ended;  // which takes a moment: not under the lock
  const std::lock_guard<std::mutex> lock(mutex_);
  for (auto it = kept_services_.begin(); it != kept_services_.end(); ++it) {
    if (it->get() != service) continue;
    ended = std::move(*it);
    kept_services_.erase(it);
    return;
  }
}

bool HostContext::serves(std::string_view url) {
  const std::lock_guard<std::mutex> lock(mutex_);
  return std::any_of(kept_services_.begin(), kept_services_.end(),
                     [url](const auto& service) { return url == "unix://" + service->socket().native(); });
}

void HostContext::close() {
  decltype(kept_services_) services;
  const std::lock_guard<std::mutex> lock(mutex_);
  idle_.clear();
  services.swap(kept_services_);
}

const scc_host_v1* probe_host() {
  static const scc_host_v1 host = [] {
    scc_host_v1 table = make_table(nullptr);
    table.log = probe_log;
    table.cancelled = probe_cancelled;
    table.service = probe_service;
    return table;
  }();
  return &host;
}

scc_status report(const scc_error_sink* sink, scc_status status, std::string_view code,
                  std::string_view message, std::string_view hint) noexcept {
  if (SCC_HAS(sink, report)) sink->report(sink->ctx, view(code), view(message), view(hint));
  return status;
}

scc_status report(const scc_error_sink* sink, const Error& error) noexcept {
  // The ABI has its own statuses for what the host's kinds fold into "tool".
  const std::string_view id = error.id;
  scc_status status = status_of(error.kind);
  if (id == "endpoint.timeout" || id == "process.timeout") status = SCC_E_TIMEOUT;
  if (id == "endpoint.limit" || id == "process.output-limit") status = SCC_E_LIMIT;
  return report(sink, status, error.id, error.message, error.hint);
}

scc_status write_to(const scc_sink* sink, std::string_view bytes) noexcept {
  if (!SCC_HAS(sink, write)) return SCC_E_USAGE;
  return sink->write(sink->ctx, view(bytes));
}

}  // namespace scc::plugin
