// SPDX-License-Identifier: Apache-2.0
#include "plugin/service_pool.h"

namespace scc::plugin {

namespace {

std::string key_of(const std::string& plugin, const os::ServiceRequest& request) {
  const std::string end(1, '\0');
  std::string out = plugin + end;
  for (const std::string& word : request.argv) out += word + end;
  out += end;
  for (const auto& [name, value] : request.env) out += name + "=" + value + end;
  return out + end + request.cwd.native() + end + request.base.native();
}

}  // namespace

bool SharedService::running() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return service_->running();
}

std::string SharedService::output() {
  const std::lock_guard<std::mutex> lock(mutex_);
  return service_->output();
}

Result<std::shared_ptr<SharedService>> ServicePool::get(const std::string& plugin,
                                                        const os::ServiceRequest& request) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const std::string key = key_of(plugin, request);
  if (const auto found = shared_.find(key); found != shared_.end()) {
    if (std::shared_ptr<SharedService> service = found->second.lock(); service && service->running()) {
      return service;
    }
    shared_.erase(found);
  }
  SCC_TRY(auto started, os::Service::start(request));
  auto out = std::make_shared<SharedService>(std::move(started));
  if (std::this_thread::get_id() == owner_) shared_.emplace(key, out);
  return out;
}

}  // namespace scc::plugin
