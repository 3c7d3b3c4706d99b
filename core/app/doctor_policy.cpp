// SPDX-License-Identifier: Apache-2.0
// Configuration, the organisation's document, and scc's own plugins.
#include <algorithm>

#include "app/choices.h"
#include "app/doctor_checks.h"
#include "app/organisation.h"
#include "app/resolve.h"
#include "base/shell.h"
#include "base/str.h"
#include "model/parse.h"

namespace scc::app::doctor {

namespace {

constexpr std::int64_t kDay = 24 * 3600;
constexpr std::int64_t kSignatureWarning = 14 * kDay;

constexpr const char* kConfiguration = "configuration";
constexpr const char* kGovernance = "governance";
constexpr const char* kPlugins = "plugins";

Check document(const OrgState& state, const config::UserConfig& config) {
  const std::string id = "organisation.document";
  const remote::OrgDocument& document = state.document;
  const std::string what = state.org->organization.name + " (" + document.origin + ")";
  if (document.stale) {
    return warned(id, kGovernance, what + " was last confirmed at " + model::format_time(document.checked_at),
                  "scc org update");
  }
  if (document.policy_version) {
    const std::string until = model::format_time(document.signature_expires);
    const std::string text =
        what + ", version " + std::to_string(*document.policy_version) + ", signed until " + until;
    if (document.signature_expires - Host::now() < kSignatureWarning) {
      return warned(id, kGovernance, text, "ask the publisher to sign it again: scc org sign");
    }
    return passed(id, kGovernance, text);
  }
  Check out = passed(id, kGovernance, what);
  if (config.organization_source->public_key.empty())
    out.details = {"no key is pinned, so nothing proves who wrote it"};
  return out;
}

Check reachable(Host& host) {
  const std::string id = "organisation.server";
  GovernOptions asked;
  const auto request = org_request(host, asked);
  if (!request) return failed(id, kGovernance, request.error());
  if (request->source.is_file()) return skipped(id, kGovernance, "the document is a local file");
  const auto got = remote::read_org(*request);
  if (!got) return failed(id, kGovernance, got.error());
  return passed(id, kGovernance, got->origin + " answers");
}

/// The layers as a launch here would see them.
Checks layers(Host& host, const DoctorOptions& options, std::optional<Governance>& out) {
  LaunchOptions here;
  here.workspace = options.workspace;
  here.allow_suspicious = true;
  auto resolved = resolve_workspace(host, here);
  GovernOptions asked;
  asked.freshness = Freshness::cache_only;
  if (resolved) {
    asked.workspace = resolved->workspace.root;
    asked.git = &resolved->git;
  }
  auto governed = govern(host, asked);
  if (!governed) return {failed("governance", kGovernance, governed.error())};
  const model::Effective& effective = governed->effective;
  const std::string network(model::to_string(governed->network()));
  std::string message = effective.standalone ? "no organisation's policy applies"
                                             : effective.organization_name + ", team " +
                                                   (effective.team.empty() ? "(none)" : effective.team);
  message += ", network policy " + network;
  Check check = passed("governance", kGovernance, message);
  check.details = governed->warnings;
  if (!governed->warnings.empty()) {
    check.state = Check::State::warn;
    check.remedy = "scc config explain";
  }
  Checks checks{std::move(check)};
  if (auto registry = host.registry()) {
    const auto known = (*registry)->components("netpolicy");
    const bool there = std::find(known.begin(), known.end(), network) != known.end();
    checks.push_back(there ? passed("network-policy", kGovernance, "a plugin enforces " + network)
                           : failed("network-policy", kGovernance,
                                    {Kind::prereq,
                                     {},
                                     "no usable plugin enforces " + network,
                                     "scc plugin list --kind netpolicy",
                                     {}}));
  }
  out = std::move(*governed);
  return checks;
}

Check plugin_check(const plugin::Entry& entry) {
  const std::string id = "plugin." + entry.manifest.id;
  Check out =
      warned(id, kPlugins,
             entry.manifest.id + " is not used (" + std::string(plugin::to_string(entry.state)) +
                 "): " + entry.reason,
             entry.hint.empty() ? "scc plugin info " + str::shell_word(entry.manifest.id) : entry.hint);
  const bool ours = entry.trust == plugin::TrustClass::bundled;
  if (ours && entry.state != plugin::State::denied) out.state = Check::State::fail;
  if (entry.state == plugin::State::denied || entry.state == plugin::State::shadowed) {
    out.state = Check::State::skipped;
  }
  return out;
}

}  // namespace

Checks configuration(Host& host) {
  const auto config = host.config();
  if (!config) {
    const bool system = str::starts_with(config.error().id, "system-config");
    return {failed(system ? "system-config" : "user-config", kConfiguration, config.error())};
  }
  const config::UserConfig& user = **config;
  Checks out{passed("user-config", kConfiguration,
                    user.present ? user.file.native() + " is valid" : "there is no " + user.file.native())};
  if (user.system.present) {
    out.push_back(passed("system-config", kConfiguration,
                         user.system.file.native() + " pins " + str::join(user.system.pinned, ", ")));
  }
  if (!user.warnings.empty()) {
    out.front() = warned("user-config", kConfiguration, user.file.native() + " is overruled in parts",
                         "scc config show");
    out.front().details = user.warnings;
  }
  return out;
}

Checks governance(Host& host, const DoctorOptions& options, std::optional<Governance>& out) {
  const auto config = host.config();
  if (!config) return {skipped("governance", kGovernance, "the configuration cannot be read")};
  Checks checks;
  if (!has_organisation(**config)) {
    checks.push_back(passed("organisation.document", kGovernance, "no organisation is configured"));
  } else {
    const auto state = org_state(host);
    checks.push_back(state ? document(*state, **config)
                           : failed("organisation.document", kGovernance, state.error()));
    if (options.online) checks.push_back(reachable(host));
    if (!state) {
      checks.push_back(skipped("governance", kGovernance, "the organisation's document cannot be read"));
      return checks;
    }
  }
  for (Check& check : layers(host, options, out)) checks.push_back(std::move(check));
  return checks;
}

Checks plugins(Host& host) {
  auto registry = host.registry();
  if (!registry) return {failed("plugins", kPlugins, registry.error())};
  if (const Status rules = apply_machine_plugin_policy(host); !rules)
    return {failed("plugins", kPlugins, rules.error())};
  Checks out;
  std::size_t ready = 0;
  for (const plugin::Entry& entry : (*registry)->entries()) {
    if (entry.state == plugin::State::ready) {
      ++ready;
    } else {
      out.push_back(plugin_check(entry));
    }
  }
  for (const std::string& warning : (*registry)->warnings()) {
    out.push_back(warned("plugins.scan", kPlugins, warning, "scc plugin paths"));
  }
  if (const Status required = (*registry)->check_required(); !required) {
    out.push_back(failed("plugins.required", kPlugins, required.error()));
  }
  out.insert(out.begin(), passed("plugins", kPlugins, std::to_string(ready) + " plugins are usable"));
  return out;
}

}  // namespace scc::app::doctor
