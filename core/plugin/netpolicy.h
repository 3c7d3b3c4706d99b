// SPDX-License-Identifier: Apache-2.0
// A network policy behind guarded calls. Built-in ones (open, locked-down-web) come through the same table.
#pragma once

#include <memory>

#include "json/value.h"
#include "plugin/registry.h"
#include "plugin/service_runtime.h"

namespace scc::plugin {

class NetPolicy {
 public:
  virtual ~NetPolicy() = default;
  virtual const ComponentRef& ref() const noexcept = 0;
  /// What apply(), verify() and release() may act on; without it they act on nothing.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): who implements it keeps it
  virtual void bind(Runtime& /*runtime*/, RuntimeScope /*scope*/) {}
  virtual Result<json::Value> plan(const json::Value& request) = 0;
  virtual Result<json::Value> apply(const json::Value& plan) = 0;
  virtual Result<json::Value> verify(const json::Value& attachment) = 0;
  virtual Status release(const json::Value& attachment) = 0;
};

}  // namespace scc::plugin
