// SPDX-License-Identifier: Apache-2.0
#include "app/engines.h"

#include <algorithm>
#include <map>

namespace scc::app {

namespace {

/// How many instance directories name each engine.
Result<std::map<std::string, std::size_t>> recorded_engines(const Host& host) {
  std::map<std::string, std::size_t> out;
  SCC_TRY(const auto instances, session::list_instances(host.paths));
  for (const session::InstanceInfo& info : instances) {
    if (info.record && !info.record->runtime.empty()) ++out[info.record->runtime];
  }
  return out;
}

void add_down(EngineSet& set, Error error) {
  const bool told = std::any_of(set.down.begin(), set.down.end(), [&](const Error& one) {
    return one.id == error.id && one.message == error.message;
  });
  if (!told) set.down.push_back(std::move(error));
}

}  // namespace

std::vector<plugin::Runtime*> EngineSet::runtimes() const {
  std::vector<plugin::Runtime*> out;
  for (const Engine& engine : engines) out.push_back(engine.runtime.get());
  return out;
}

const Engine* EngineSet::find(const std::string& id) const {
  const auto found = std::find_if(engines.begin(), engines.end(),
                                  [&](const Engine& engine) { return engine.runtime->ref().id == id; });
  return found != engines.end() ? &*found : nullptr;
}

Status add_recorded_engines(Host& host, EngineSet& set) {
  SCC_TRY(const auto recorded, recorded_engines(host));
  for (const auto& [id, count] : recorded) {
    if (set.find(id) != nullptr) continue;
    auto engine = choose_engine(host, id);
    if (engine) {
      set.engines.push_back(std::move(*engine));
      continue;
    }
    Error error = std::move(engine).error();
    error.message += "; " + std::to_string(count) + " sandbox(es) were made with " + id;
    add_down(set, std::move(error));
  }
  return {};
}

Result<EngineSet> reach_engines(Host& host, const std::string& wanted, Reach reach) {
  EngineSet out;
  if (!wanted.empty()) {
    SCC_TRY(Engine engine, choose_engine(host, wanted));
    out.engines.push_back(std::move(engine));
    return out;
  }
  auto first = choose_engine(host, "");
  if (first) out.engines.push_back(std::move(*first));
  SCC_CHECK(add_recorded_engines(host, out));
  if (reach == Reach::everything) {
    SCC_TRY(plugin::Registry * registry, host.registry());
    for (const std::string& id : registry->components("runtime")) {
      if (out.find(id) != nullptr) continue;
      if (auto engine = choose_engine(host, id)) out.engines.push_back(std::move(*engine));
    }
  }
  // Whoever names an engine wants that one: what others have is no answer to "clean up" when it is down.
  if (!first && (out.engines.empty() || reach == Reach::everything)) return fail(std::move(first).error());
  if (out.engines.empty()) return fail(Error(out.down.front()));
  if (!first) add_down(out, std::move(first).error());
  return out;
}

session::MoreRuntimes more_runtimes(Host& host) {
  return [&host](const std::string& id) -> Result<std::unique_ptr<plugin::Runtime>> {
    return open_runtime(host, id);
  };
}

}  // namespace scc::app
