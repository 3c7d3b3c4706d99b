// SPDX-License-Identifier: Apache-2.0
// Engines, what killed sessions left in them, images, sign-in, and whether a launch could be planned here.
#include <algorithm>
#include <set>

#include "app/auth.h"
#include "app/choices.h"
#include "app/doctor_checks.h"
#include "app/images.h"
#include "app/launch.h"
#include "app/resolve.h"
#include "base/str.h"

namespace scc::app::doctor {

namespace {

constexpr const char* kEngine = "engine";
constexpr const char* kAgent = "agent";
constexpr const char* kWorkspace = "workspace";

Error problem_of(const json::Value& info) {
  Error out{Kind::prereq, "runtime.unreachable", "it does not answer", "scc plugin list --kind runtime", {}};
  const json::Value* problems = info.at("/problems");
  if (problems == nullptr || problems->items().empty()) return out;
  const json::Value& first = problems->items().front();
  out.id = first.str("/code", out.id);
  out.message = first.str("/message", out.message);
  out.hint = first.str("/remedy", out.hint);
  return out;
}

std::string place_of(const json::Value& info) {
  std::string out = info.str("/version") + " at " + info.str("/endpoint");
  if (info.flag("/rootless")) out += ", rootless";
  return out;
}

/// An engine by its plugin, or the check that says why it could not be asked.
struct Asked {
  std::string id;
  json::Value info;
  std::optional<Check> refused;
};

Asked ask(Host& host, const std::string& id) {
  Asked out;
  out.id = id;
  auto engine = probe_engine(host, id);
  if (engine) {
    out.info = std::move(engine->info);
  } else {
    out.refused = failed("engine." + id, kEngine, engine.error());
  }
  return out;
}

Check leftover_check(Host& host, const Engine& engine) {
  const std::string id = "engine.leftovers";
  const auto all = session::plan_prune({engine.runtime.get()}, host.paths, host.env);
  if (!all) return failed(id, kEngine, all.error());
  const session::PruneReport left = leftovers(*all);
  const std::size_t kept = all->items.size() - left.items.size();
  if (left.items.empty()) {
    return passed(
        id, kEngine,
        kept == 0 ? "no session left anything behind"
                  : std::to_string(kept) + " objects of stopped sandboxes are kept; scc prune removes them");
  }
  Check out = warned(id, kEngine, std::to_string(left.items.size()) + " objects were left by killed sessions",
                     "scc prune");
  for (const session::PruneItem& item : left.items) {
    out.details.push_back(std::string(session::to_string(item.what)) + " " + str::printable(item.name) +
                          ": " + item.reason);
  }
  out.fixable = true;
  return out;
}

Check image_check(Host& host, const Engine& engine, const plugin::ManifestComponent& component,
                  const std::string& provider) {
  const std::string id = "image." + provider;
  const auto images = image_host(host);
  const auto locator = image_locator(host, provider);
  if (!images || !locator) return skipped(id, kAgent, "the configuration cannot be read");
  const auto found = image::status(*engine.runtime, *images, *locator, component.image_context);
  if (!found) return failed(id, kAgent, found.error());
  if (found->state == image::State::present) return passed(id, kAgent, found->ref + " is there");
  Check out = warned(id, kAgent,
                     "the image of " + provider + " is " + std::string(image::to_string(found->state)) +
                         "; the first start builds it",
                     "scc image build " + component.image_context);
  out.fixable = true;
  out.target = provider;
  return out;
}

std::vector<std::string> wanted_providers(Host& host, plugin::Registry& registry,
                                          const DoctorOptions& options) {
  if (!options.provider.empty()) return {options.provider};
  const auto config = host.config();
  std::vector<std::string> out;
  for (const std::string& id : registry.components("provider")) {
    const plugin::ManifestComponent* component = registry.component("provider", id);
    const bool chosen = config && (*config)->selected_provider == id;
    if (component != nullptr && (component->auto_priority > 0 || chosen)) out.push_back(id);
  }
  return out;
}

/// Sign-in is judged by the provider from the files in the credential volume; the sandbox that serves them is
/// made and never started.
Check sign_in(Host& host, Prepared& prepared) {
  const std::string id = "sign-in." + prepared.provider->ref().id;
  if (prepared.plan.strings_at("/auth_files").empty()) {
    return passed(id, kAgent, prepared.provider->ref().id + " needs no sign-in that scc knows of");
  }
  if (prepared.plan.str("/image/state") != "present") {
    return skipped(id, kAgent, "needs the image");
  }
  const Status signed_in = check_sign_in(host, prepared, false);
  if (signed_in) return passed(id, kAgent, prepared.provider->ref().id + " can sign in");
  Check out = failed(id, kAgent, signed_in.error());
  out.state = Check::State::warn;  // a start at a terminal asks
  if (out.remedy.empty()) out.remedy = "scc start --provider " + prepared.provider->ref().id;
  return out;
}

}  // namespace

Checks engine_checks(const std::string& id, const json::Value& info, bool needed) {
  if (!info.flag("/reachable")) {
    Check out = failed("engine." + id, kEngine, problem_of(info));
    out.message = id + ": " + out.message;
    if (!needed) out.state = Check::State::skipped;
    return {std::move(out)};
  }
  Checks out{passed("engine." + id, kEngine, id + " " + place_of(info))};
  const json::Value* problems = info.at("/problems");
  for (const json::Value& problem : problems != nullptr ? problems->items() : json::Array{}) {
    out.push_back(warned("engine." + id + "." + problem.str("/code"), kEngine,
                         id + ": " + problem.str("/message"), problem.str("/remedy")));
  }
  const auto lacks = [&](std::string_view pointer) {
    const json::Value* value = info.at(pointer);
    return value != nullptr && value->is_bool() && !value->as_bool();
  };
  for (const char* limit : {"memory", "pids"}) {
    if (!lacks(std::string("/cgroup/") + limit)) continue;
    out.push_back(
        warned("engine." + id + ".cgroup-" + limit, kEngine,
               id + " cannot limit " + limit + " of a sandbox: its cgroup controller is not delegated",
               "see `scc plugin info` of the engine's plugin, and the engine's manual on cgroups"));
  }
  if (info.str("/security/seccomp") == "unconfined") {
    out.push_back(warned("engine." + id + ".seccomp", kEngine,
                         id + " runs containers without a system call filter",
                         "start the engine with its default seccomp profile"));
  }
  return out;
}

session::PruneReport leftovers(const session::PruneReport& all) {
  // A sandbox that stopped by itself is kept to be looked at, and its directory and networks with it.
  std::set<std::string> kept;
  for (const session::PruneItem& item : all.items) {
    if (item.what == session::PruneItem::What::sandbox && !item.running && item.reason == "stopped") {
      kept.insert(item.instance);
    }
  }
  session::PruneReport out;
  for (const session::PruneItem& item : all.items) {
    if (kept.count(item.instance) == 0) out.items.push_back(item);
  }
  return out;
}

Checks engines(Host& host, const DoctorOptions& options, Engines& out) {
  auto registry = host.registry();
  if (!registry) return {skipped("engine", kEngine, "the plugins cannot be read")};
  std::vector<Asked> asked;
  for (const std::string& id : (*registry)->components("runtime")) asked.push_back(ask(host, id));
  auto chosen = choose_engine(host, options.runtime);
  Checks checks;
  for (Asked& one : asked) {
    const bool needed = !chosen;
    if (one.refused) {
      if (!needed) one.refused->state = Check::State::skipped;
      checks.push_back(std::move(*one.refused));
      continue;
    }
    for (Check& check : engine_checks(one.id, one.info, needed)) checks.push_back(std::move(check));
  }
  if (!chosen) {
    checks.insert(checks.begin(), failed("engine", kEngine, chosen.error()));
    return checks;
  }
  checks.insert(checks.begin(), passed("engine", kEngine, "sandboxes run in " + chosen->runtime->ref().id));
  checks.push_back(leftover_check(host, *chosen));
  out.chosen = std::move(*chosen);
  return checks;
}

Checks agents(Host& host, const DoctorOptions& options, const Engines& engines,
              const std::optional<Governance>& governance) {
  auto registry = host.registry();
  if (!registry) return {};
  Checks out;
  for (const std::string& id : wanted_providers(host, **registry, options)) {
    if (governance && !policy::check_provider(governance->effective, id)) {
      out.push_back(skipped("image." + id, kAgent, "the organisation does not allow " + id));
      continue;
    }
    const plugin::ManifestComponent* component = (*registry)->component("provider", id);
    if (component == nullptr || component->image_context.empty()) continue;
    out.push_back(engines.chosen ? image_check(host, *engines.chosen, *component, id)
                                 : skipped("image." + id, kAgent, "no engine answers"));
  }
  if (out.empty()) {
    out.push_back(warned("agent", kAgent, "no agent is installed that starts by itself",
                         "scc plugin list --kind provider"));
  }
  return out;
}

Checks launch(Host& host, const DoctorOptions& options, const Engines& engines) {
  LaunchOptions asked;
  asked.workspace = options.workspace;
  asked.provider = options.provider;
  asked.runtime = options.runtime;
  asked.dry_run = true;
  const auto resolved = resolve_workspace(host, asked);
  if (!resolved && options.workspace.empty()) {
    Check out = skipped("launch", kWorkspace, "nothing can be started here: " + resolved.error().message);
    out.remedy = resolved.error().hint;
    return {std::move(out)};
  }
  if (!resolved) return {failed("launch", kWorkspace, resolved.error())};
  if (!engines.chosen) return {skipped("launch", kWorkspace, "no engine answers")};
  auto prepared = prepare(host, asked);
  if (!prepared) return {failed("launch", kWorkspace, prepared.error())};
  Check check =
      passed("launch", kWorkspace, prepared->provider->ref().id + " can be started in " + resolved->root());
  for (const std::string& missing : prepared->not_ready) {
    if (!str::starts_with(missing, "image:")) check.details.push_back(missing);
  }
  if (!check.details.empty()) {
    check.state = Check::State::warn;
    check.remedy = "scc start --dry-run";
  }
  return {std::move(check), sign_in(host, *prepared)};
}

}  // namespace scc::app::doctor
