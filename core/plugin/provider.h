// SPDX-License-Identifier: Apache-2.0
// A provider behind guarded calls: documents are checked against their schemas both ways, failures become
// Errors with the plugin's id, one fault ends the use of the instance.
#pragma once

#include <memory>

#include "json/value.h"
#include "plugin/registry.h"

namespace scc::plugin {

class Provider {
 public:
  virtual ~Provider() = default;
  virtual const ComponentRef& ref() const noexcept = 0;
  virtual Result<json::Value> plan_launch(const json::Value& request) = 0;
  virtual Result<json::Value> auth_status(const json::Value& request) = 0;
  /// Kind::prereq provider.no-login when the plugin cannot plan a sign-in.
  virtual Result<json::Value> plan_login(const json::Value& request) = 0;
};

}  // namespace scc::plugin
