// SPDX-License-Identifier: Apache-2.0
// From a loaded component's C table to the C++ interfaces of the core. Core code knows only the newest major
// of an interface; an older one would be adapted here.
#pragma once

#include <memory>
#include <string>

#include "plugin/call.h"
#include "plugin/netpolicy.h"
#include "plugin/provider.h"
#include "plugin/runtime.h"

namespace scc::plugin {

/// What an adapter is made from.
struct ComponentSource {
  ComponentRef ref;
  const Blame* blame = nullptr;
  HostContext* host = nullptr;
  const void* table = nullptr;
  std::string config;  ///< scc.component-config/1
};

Result<std::unique_ptr<Provider>> adapt_provider(ComponentSource source);
Result<std::unique_ptr<Runtime>> adapt_runtime(ComponentSource source);
Result<std::unique_ptr<NetPolicy>> adapt_netpolicy(ComponentSource source);

/// An instance of a component: created, called, destroyed. Execs share it, so that it outlives them.
template <class Table, class Handle>
class Instance {
 public:
  using Use = Caller::Use;

  static Result<std::shared_ptr<Instance>> create(ComponentSource source) {
    auto out = std::make_shared<Instance>(std::move(source));
    const Status created = out->caller.call("create", Use::normal, [&](const scc_error_sink* err) {
      return out->table->create(out->host.table(), view(out->config), &out->self, err);
    });
    if (!created) return fail(created.error());
    if (out->self == nullptr) {
      return fail(Kind::internal, "plugin.null-instance",
                  "the " + out->caller.ref().kind + " " + out->caller.ref().id + " created nothing",
                  "report this to the plugin's author");
    }
    return out;
  }

  explicit Instance(ComponentSource source)
      : caller(std::move(source.ref), source.blame, *source.host),
        host(*source.host),
        table(static_cast<const Table*>(source.table)),
        config(std::move(source.config)) {}
  Instance(const Instance&) = delete;
  ~Instance() {
    if (self != nullptr) {
      static_cast<void>(caller.call("destroy", Use::cleanup, [&](const scc_error_sink* /*err*/) {
        table->destroy(self);
        return scc_status{SCC_OK};
      }));
    }
    host.close();
  }

  Caller caller;
  HostContext& host;
  const Table* table;
  std::string config;
  Handle* self = nullptr;
};

}  // namespace scc::plugin
