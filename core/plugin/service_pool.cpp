// SPDX-License-Identifier: Apache-2.0
#include "plugin/service_pool.h"

#include <string_view>

namespace scc::plugin {

namespace {

std::string key_of(const std::string& plugin, const os::ServiceRequest& request) {
  std::string out;
  const auto add = [&out](std::string_view part) { out.append(part).push_back('\0'); };
  add(plugin);
  for (const std::string& word : request.argv) add(word);
  add("");
  for (const auto& [name, value] : request.env) {
    add(name);
    add(value);
  }
  add("");
  add(request.cwd.native());
  add(request.base.native());
  return out;
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
