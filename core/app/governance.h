// SPDX-License-Identifier: Apache-2.0
// The layers of configuration read, put together and computed: what every command that decides anything
// starts from. Reads files and, when a document is stale, the organisation's server; the deciding itself is
// policy::compute. [main]
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "app/host.h"
#include "policy/compute.h"
#include "policy/explain.h"
#include "remote/org.h"
#include "workspace/git_view.h"

namespace scc::app {

enum class Freshness : unsigned char {
  launch,      ///< refresh what has expired, use the cache within its bounds when the server is silent
  cache_only,  ///< explain, validate: whatever is cached, its age shown
  forced       ///< `scc org update`
};

struct GovernOptions {
  std::string team;      ///< --team
  std::string provider;  ///< when it is known: whose part of a bundle counts
  bool standalone = false;
  bool offline = false;
  Freshness freshness = Freshness::launch;
  os::stdfs::path workspace;                ///< real path of the root; empty: no workspace layers
  const workspace::GitView* git = nullptr;  ///< of the workspace, when it is known
};

struct Governance {
  std::shared_ptr<const model::Org> org;  ///< null: standalone
  policy::Layers layers;                  ///< layers.org points into `org`
  model::Effective effective;
  std::string digest;  ///< SHA-256 of policy::to_json(effective)
  std::vector<policy::Origin> origins;
  std::string repo_id;              ///< of the personal layer
  std::int64_t policy_version = 0;  ///< of a signed document
  bool without_org = false;         ///< standalone although there is an organisation, which allows it
  std::vector<std::string> skipped_personal;  ///< what the profile held and may not
  std::vector<std::string> warnings;

  /// The section "governance" of a LaunchPlan.
  json::Value plan_section() const;
  model::NetworkPolicy network() const {
    return effective.network_policy.value_or(model::NetworkPolicy::open);
  }
};

/// What a repository's personal profile and approvals are kept by.
std::string repo_id_of(const os::stdfs::path& root, const workspace::GitView& git);

/// Whether this machine's configuration names an organisation.
bool has_organisation(const config::UserConfig& config);
/// Authorities and cancellation for whatever is fetched.
remote::Transport transport(const Host& host, const config::UserConfig& config);
/// How the organisation's document is read here, and from a source that is not configured (yet). Kind::config
/// org.none, source.*.
Result<remote::OrgRequest> org_request(Host& host, const GovernOptions& options);
Result<remote::OrgRequest> org_request_for(Host& host, const config::OrgSource& source);

/// Kind::config: org.*, team.*, project.invalid ...; Kind::policy: standalone.forbidden, policy.*. Nothing is
/// half applied: a layer that cannot be read is a refusal.
Result<Governance> govern(Host& host, const GovernOptions& options);

/// Audited before the sandbox is made: that it will be, each exception in use, and a start without the
/// organisation's policy. An audit that cannot be written is a refusal.
Status audit_launch(Host& host, const Governance& governance, const std::string& workspace,
                    const std::string& provider);

}  // namespace scc::app
