// SPDX-License-Identifier: Apache-2.0
#include "app/explain.h"

#include <algorithm>

#include "app/launch.h"
#include "app/provider_choice.h"
#include "config/project_file.h"

namespace scc::app {

Result<Situation> look(Host& host, const ExplainRequest& request) {
  Situation out;
  LaunchOptions options;
  options.workspace = request.workspace;
  options.allow_suspicious = true;
  auto resolved = resolve_workspace(host, options);
  if (resolved) {
    out.here = std::move(*resolved);
  } else if (!request.workspace.empty()) {
    return fail(std::move(resolved).error());
  }
  GovernOptions asked;
  asked.team = request.team;
  asked.provider = request.provider;
  asked.freshness = Freshness::cache_only;
  if (out.here) {
    asked.workspace = out.here->workspace.root;
    asked.git = &out.here->git;
  }
  SCC_TRY(out.governance, govern(host, asked));
  return out;
}

namespace {

/// What is really done with the result today. Claims follow the code: nothing renders plugins, and a network
/// policy counts only where a component for it is installed.
Result<policy::Backend> backend_of(Host& host, const Governance& governance, const std::string& provider) {
  SCC_TRY(plugin::Registry * registry, host.registry());
  policy::Backend out;
  LaunchOptions options;
  options.provider = provider;
  if (auto chosen = choose_provider(host, options, governance, {})) out.provider = std::move(chosen->id);
  const std::string mode(model::to_string(governance.network()));
  const auto known = registry->components("netpolicy");
  out.timeout = true;  // the resident scc ends the session (session/pump.h)
  out.network = std::find(known.begin(), known.end(), mode) != known.end();
  return out;
}

}  // namespace

Result<Explained> explain(Host& host, const ExplainRequest& request, const std::string& field) {
  SCC_TRY(const Situation situation, look(host, request));
  const Governance& governance = situation.governance;
  SCC_TRY(const policy::Backend backend, backend_of(host, governance, request.provider));
  Explained out;
  out.data = policy::explain({governance.layers, governance.effective, backend, governance.origins,
                              governance.warnings, governance.skipped_personal, json::Value()});
  if (!field.empty()) {
    SCC_TRY(out.data, policy::explain_field(out.data, field));
  }
  return out;
}

Result<Validated> validate_project(Host& host, const ExplainRequest& request) {
  SCC_TRY(const Situation situation, look(host, request));
  if (!situation.here) {
    return fail(Kind::usage, "workspace.none", "there is no repository here",
                "run it in one, or add --workspace PATH");
  }
  SCC_TRY(const config::ProjectFile file, config::load_project_file(situation.here->workspace.root));
  const model::Effective& effective = situation.governance.effective;
  Validated out;
  json::Array blocked;
  json::Array denied;
  for (const model::Blocked& item : effective.blocked) {
    if (item.requested_by == "project") blocked.push_back(policy::to_json(item));
  }
  for (const model::Denied& item : effective.denied) {
    if (item.requested_by == "project") denied.push_back(policy::to_json(item));
  }
  for (const model::Ignored& item : effective.ignored) {
    if (item.source == "project") out.warnings.push_back(item.field + ": " + item.reason);
  }
  out.clean = blocked.empty() && denied.empty();
  out.warnings.insert(out.warnings.end(), situation.governance.warnings.begin(),
                      situation.governance.warnings.end());
  out.data["workspace_path"] = situation.here->root();
  out.data["team"] = effective.team;
  out.data["project_config_found"] = file.present();
  out.data["project_config_path"] = file.present() ? json::Value(file.file.native()) : json::Value();
  out.data["blocked_items"] = std::move(blocked);
  out.data["denied_additions"] = std::move(denied);
  out.data["unknown_keys"] = json::Value::strings(file.unknown_keys);
  return out;
}

Result<policy::Why> why(Host& host, const ExplainRequest& request, const std::string& item,
                        const std::string& kind) {
  SCC_TRY(const Situation situation, look(host, request));
  return policy::why(situation.governance.layers, item, kind);
}

}  // namespace scc::app
