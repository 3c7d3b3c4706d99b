// SPDX-License-Identifier: Apache-2.0
#include "app/provider_choice.h"

#include <algorithm>

#include "app/signin.h"
#include "app/workspace_state.h"
#include "base/str.h"

namespace scc::app {

namespace {

/// What is remembered or preferred: used when it still can be, else a warning.
bool usable(Host& host, const plugin::Registry& registry, const Governance& governance, const std::string& id,
            std::string_view what) {
  if (id.empty()) return false;
  Status status = check_known_provider(registry, id);
  if (status) status = policy::check_provider(governance.effective, id);
  if (status) return true;
  host.warn(std::string(what) + " " + id + " is passed over: " + status.error().message);
  return false;
}

/// The agents that may be chosen without being named. Else why there is none.
Result<std::vector<std::string>> candidates(const plugin::Registry& registry, const Governance& governance) {
  std::vector<std::string> out;
  Status refusal;
  for (const std::string& id : registry.components("provider")) {
    const plugin::ManifestComponent* component = registry.component("provider", id);
    if (component == nullptr || component->auto_priority <= 0) continue;
    const Status allowed = policy::check_provider(governance.effective, id);
    if (allowed) {
      out.push_back(id);
    } else if (refusal) {
      refusal = allowed;
    }
  }
  if (!out.empty()) return out;
  if (!refusal) return fail(refusal.error());
  return fail(Kind::prereq, "provider.none", "no provider plugin is usable", "run `scc plugin list --all`");
}

/// The first row is what Enter means.
std::size_t default_row(const std::vector<std::string>& ids, const std::vector<std::string>& connected,
                        const std::vector<std::string>& wishes) {
  const auto row = [&](const std::string& id) {
    return static_cast<std::size_t>(std::find(ids.begin(), ids.end(), id) - ids.begin());
  };
  for (const std::string& wish : wishes) {
    if (std::find(connected.begin(), connected.end(), wish) != connected.end()) return row(wish);
  }
  return connected.empty() ? 0 : row(connected.front());
}

Result<ProviderChoice> ask(Host& host, const plugin::Registry& registry, const std::vector<std::string>& ids,
                           const std::vector<std::string>& connected,
                           const std::vector<std::string>& wishes) {
  std::vector<std::string> rows;
  for (const std::string& id : ids) {
    const plugin::ManifestComponent* component = registry.component("provider", id);
    const bool signed_in = std::find(connected.begin(), connected.end(), id) != connected.end();
    rows.push_back((component != nullptr && !component->title.empty() ? component->title : id) +
                   (signed_in ? "  (sign-in present)" : "  (sign-in needed)"));
  }
  SCC_TRY(const std::size_t row, host.choose("Which agent?", rows, default_row(ids, connected, wishes)));
  if (row >= ids.size()) return fail(Kind::cancelled, "cli.cancelled", "no agent was chosen");
  return ProviderChoice{ids[row], "asked"};
}

Result<ProviderChoice> choose_automatically(Host& host, const LaunchOptions& options,
                                            const Governance& governance, const ChoiceContext& context,
                                            const std::vector<std::string>& wishes) {
  SCC_TRY(plugin::Registry * registry, host.registry());
  SCC_TRY(const std::vector<std::string> ids, candidates(*registry, governance));
  // A proof needs the image of one, and starts none.
  if (ids.size() == 1 || options.role == "prove") return ProviderChoice{ids.front(), "auto_single"};
  std::vector<std::string> connected;
  if (context.may_look) connected = connected_providers(host, options, governance, ids);
  if (connected.size() == 1) return ProviderChoice{connected.front(), "auto_single"};
  if (context.may_ask && host.choose) return ask(host, *registry, ids, connected, wishes);
  return fail(
      Kind::prereq, "provider.ambiguous",
      "several agents could be started (" + str::join(ids, ", ") + ") and none is chosen",
      "name one: scc start --provider " + ids.front() + ", or for good: scc provider set " + ids.front());
}

}  // namespace

Status check_known_provider(const plugin::Registry& registry, const std::string& id) {
  if (registry.owner("provider", id) != nullptr) return {};
  const std::vector<std::string> known = registry.components("provider");
  const std::string near = str::nearest(id, known);
  return fail(Kind::usage, "provider.unknown", "there is no provider " + str::printable(id),
              (near.empty() ? "" : "did you mean " + near + "? ") + "known: " + str::join(known, ", "));
}

Result<ProviderChoice> choose_provider(Host& host, const LaunchOptions& options, const Governance& governance,
                                       const ChoiceContext& context) {
  SCC_TRY(const config::UserConfig* config, host.config());
  SCC_TRY(plugin::Registry * registry, host.registry());
  const bool named = !options.provider.empty();
  const std::string said = named ? options.provider : host.env.get("SCC_PROVIDER").value_or("");
  if (!said.empty()) {
    // One that does not exist, or may not be loaded, is told by the registry, which knows why.
    SCC_CHECK(policy::check_provider(governance.effective, said));
    return ProviderChoice{said, named ? "explicit" : "environment"};
  }
  WorkspaceState here;
  if (!context.root.empty()) here = load_workspace_state(host.paths, context.root);
  for (const std::string& warning : here.warnings) host.warn(warning);
  if (!config->ask_provider) {
    if (usable(host, *registry, governance, here.provider, "the agent of this workspace,")) {
      return ProviderChoice{here.provider, "workspace"};
    }
    if (usable(host, *registry, governance, here.last_used_provider, "the agent used here last,")) {
      return ProviderChoice{here.last_used_provider, "workspace_last_used"};
    }
    if (usable(host, *registry, governance, config->selected_provider, "selected_provider")) {
      return ProviderChoice{config->selected_provider, "preference"};
    }
  }
  return choose_automatically(host, options, governance, context,
                              {here.last_used_provider, config->selected_provider});
}

void remember_provider(Host& host, const std::string& root, const std::string& provider) {
  WorkspaceEdit edit;
  edit.last_used_provider = provider;
  const Status saved = save_workspace_state(host.paths, root, edit);
  if (!saved) host.warn("which agent was used here cannot be remembered: " + saved.error().message);
}

}  // namespace scc::app
