// SPDX-License-Identifier: Apache-2.0
// The services that plugins have started in this process. To start one takes an engine a good part of a
// launch, so instances of one plugin that ask for the same one (equal in argv, environment and directory)
// share it; it ends with its last user. [any]
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "os/service.h"

namespace scc::plugin {

/// os::Service for several threads.
class SharedService {
 public:
  explicit SharedService(std::unique_ptr<os::Service> service) : service_(std::move(service)) {}
  const os::stdfs::path& socket() const noexcept { return service_->socket(); }
  bool running();
  std::string output();

 private:
  std::mutex mutex_;
  std::unique_ptr<os::Service> service_;
};

class ServicePool {
 public:
  /// The one that runs for this plugin and request, or a new one. Errors are those of os::Service::start().
  Result<std::shared_ptr<SharedService>> get(const std::string& plugin, const os::ServiceRequest& request);

 private:
  std::mutex mutex_;
  std::map<std::string, std::weak_ptr<SharedService>> shared_;
  // The kernel ends a service with the thread that started it: only those of the pool's own thread are
  // shared.
  std::thread::id owner_ = std::this_thread::get_id();
};

}  // namespace scc::plugin
