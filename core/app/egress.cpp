// SPDX-License-Identifier: Apache-2.0
#include "app/egress.h"

#include <algorithm>

#include "base/str.h"
#include "egress/record.h"

namespace scc::app {

namespace {

bool enforced(const Governance& governance) {
  return governance.network() == model::NetworkPolicy::web_egress_enforced;
}

}  // namespace

Result<egress::Rules> egress_rules(Host& host, const Governance& governance, const std::string& provider) {
  if (!enforced(governance)) return egress::Rules{};
  SCC_TRY(plugin::Registry * registry, host.registry());
  std::vector<egress::ProviderSet> sets;
  for (const std::string& id : registry->components("provider")) {
    const plugin::ManifestComponent* component = registry->component("provider", id);
    if (component == nullptr || !component->capabilities.has("/destination_set")) continue;
    sets.push_back({component->capabilities.str("/destination_set/name"),
                    component->capabilities.strings_at("/destination_set/hosts"), id, id == provider});
  }
  return egress::make_rules(governance.effective, sets);
}

Result<std::function<Status(std::string_view)>> open_egress_record(Host& host, const std::string& session) {
  SCC_TRY(egress::Recorder opened, egress::Recorder::open(host.paths, session));
  auto recorder = std::make_shared<egress::Recorder>(std::move(opened));
  return std::function<Status(std::string_view)>([recorder](std::string_view line) -> Status {
    const auto done = recorder->append(line);
    return done ? Status{} : fail(Error(done.error()));
  });
}

Status check_destination_sets(Host& host, const Governance& governance, const std::string& provider,
                              const json::Value& spec) {
  if (!enforced(governance)) return {};
  SCC_TRY(plugin::Registry * registry, host.registry());
  const plugin::ManifestComponent* component = registry->component("provider", provider);
  const std::string own = component != nullptr ? component->capabilities.str("/destination_set/name") : "";
  const model::Strings& named = governance.effective.egress.destination_sets;
  for (const std::string& set : spec.strings_at("/destination_sets")) {
    if (set == own || std::find(named.begin(), named.end(), set) != named.end()) continue;
    return fail(Kind::policy, "egress.unknown-set",
                "the agent " + provider + " needs the destination set \"" + str::printable(set) +
                    "\", which neither its manifest nor a layer here defines",
                "see what applies: scc config explain --field network");
  }
  return {};
}

}  // namespace scc::app
