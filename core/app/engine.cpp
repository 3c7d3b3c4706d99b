// SPDX-License-Identifier: Apache-2.0
#include "app/engine.h"

#include "app/choices.h"
#include "base/str.h"

namespace scc::app {

namespace {

json::Value plugin_section(const config::UserConfig& config, const plugin::Registry& registry,
                           std::string_view kind, const std::string& id) {
  const plugin::Entry* owner = registry.owner(kind, id);
  if (owner == nullptr) return json::Value(json::Object{});
  const auto found = config.plugin_config.find(owner->manifest.id);
  return found != config.plugin_config.end() ? found->second : json::Value(json::Object{});
}

Error unreachable(const std::string& id, const json::Value& info) {
  Error out{Kind::prereq, "runtime.unreachable", "the container engine " + id + " does not answer", {}, {}};
  const json::Value* problems = info.at("/problems");
  for (const json::Value& problem : problems != nullptr ? problems->items() : json::Array{}) {
    if (out.hint.empty()) {
      out.id = problem.str("/code", out.id);
      out.message = problem.str("/message", out.message);
      out.hint = problem.str("/remedy");
    } else {
      out.context.push_back(problem.str("/message"));
    }
  }
  return out;
}

Result<Engine> open_engine(Host& host, const std::string& id) {
  SCC_TRY(Engine engine, probe_engine(host, id));
  if (!engine.info.flag("/reachable")) return fail(unreachable(id, engine.info));
  return engine;
}

}  // namespace

Result<std::unique_ptr<plugin::Runtime>> open_runtime(Host& host, const std::string& id) {
  SCC_CHECK(apply_machine_plugin_policy(host));
  SCC_TRY(plugin::Registry * registry, host.registry());
  SCC_TRY(const config::UserConfig* config, host.config());
  return registry->runtime(id, plugin_section(*config, *registry, "runtime", id));
}

Result<Engine> probe_engine(Host& host, const std::string& id) {
  SCC_TRY(auto runtime, open_runtime(host, id));
  SCC_TRY(json::Value info, runtime->probe());
  return Engine{std::move(runtime), std::move(info)};
}

Result<Engine> choose_engine(Host& host, const std::string& wanted) {
  SCC_CHECK(apply_machine_plugin_policy(host));
  SCC_TRY(plugin::Registry * registry, host.registry());
  SCC_TRY(const config::UserConfig* config, host.config());
  std::string id = wanted;
  if (id.empty()) id = host.env.get("SCC_RUNTIME").value_or("");
  if (id.empty()) id = config->runtime_preferred;
  if (!id.empty()) return open_engine(host, id);

  std::vector<Error> failures;
  for (const std::string& candidate : registry->components("runtime")) {
    const plugin::ManifestComponent* component = registry->component("runtime", candidate);
    if (component == nullptr || component->auto_priority <= 0) continue;
    auto engine = open_engine(host, candidate);
    if (engine) return engine;
    failures.push_back(std::move(engine).error());
  }
  if (failures.empty()) {
    return fail(Kind::prereq, "runtime.none", "no container runtime plugin is usable",
                "run `scc plugin list --all`");
  }
  Error first = std::move(failures.front());
  for (std::size_t i = 1; i < failures.size(); ++i) first.context.push_back(failures[i].message);
  return fail(std::move(first));
}

}  // namespace scc::app
