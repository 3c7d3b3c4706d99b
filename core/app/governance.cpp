// SPDX-License-Identifier: Apache-2.0
#include "app/governance.h"

#include "app/accepted.h"
#include "app/federated.h"
#include "audit/log.h"
#include "base/str.h"
#include "config/approvals.h"
#include "config/exceptions.h"
#include "config/personal.h"
#include "config/project_file.h"
#include "config/team.h"
#include "model/parse.h"
#include "os/fs.h"
#include "os/tty.h"
#include "remote/org.h"
#include "workspace/git_remote.h"

namespace scc::app {

namespace {

/// The organisation's layers apply unless nobody configured one, or it allows to go without.
bool wants_standalone(const config::UserConfig& config, const GovernOptions& options) {
  return options.standalone || config.standalone;
}

Status read_org_layer(Host& host, const GovernOptions& options, Governance& out) {
  SCC_TRY(const remote::OrgRequest request, org_request(host, options));
  SCC_TRY(remote::OrgDocument document, remote::load_org(request));
  SCC_CHECK(check_accepted(host, request, document, options.workspace));
  SCC_TRY(model::Org org, model::parse_org(document.bytes, kVersion, &out.warnings));
  out.org = std::make_shared<const model::Org>(std::move(org));
  out.layers.org = out.org.get();
  out.policy_version = document.policy_version.value_or(0);
  out.origins.push_back({"org", document.origin, document.fingerprint,
                         // A file is read each time: only a fetched document has an age.
                         document.status == remote::OrgStatus::file || document.fetched_at == 0
                             ? ""
                             : model::format_time(document.fetched_at),
                         document.stale});
  out.warnings.insert(out.warnings.end(), document.warnings.begin(), document.warnings.end());
  return {};
}

Status choose_team(const config::UserConfig& config, const GovernOptions& options, Governance& out) {
  config::TeamRequest request;
  if (!options.team.empty()) request.flag = options.team;
  const config::TeamChoice choice = config::resolve_team(request, config, options.workspace);
  out.layers.team = choice.team;
  if (!choice.notice.empty()) out.warnings.push_back(choice.notice);
  if (out.layers.team.empty()) out.layers.team = out.org->organization.default_profile;
  return {};
}

Status read_team_file(Host& host, const GovernOptions& options, Governance& out) {
  const auto found = out.org->profiles.find(out.layers.team);
  if (found == out.org->profiles.end() || !found->second.config_source) return {};
  SCC_TRY(FetchedTeam fetched, fetch_team_file(host, *out.org, found->second, options));
  out.layers.team_file = std::move(fetched.file);
  out.origins.push_back(
      {"team." + out.layers.team, fetched.origin, fetched.sha256, fetched.fetched_at, fetched.stale});
  out.warnings.insert(out.warnings.end(), fetched.warnings.begin(), fetched.warnings.end());
  return {};
}

Status read_personal(Host& host, const GovernOptions& options, Governance& out) {
  if (options.workspace.empty()) return {};
  const workspace::GitView none;
  out.repo_id = repo_id_of(options.workspace, options.git != nullptr ? *options.git : none);
  const config::ProfileStore store(host.paths);
  SCC_TRY(out.layers.personal, store.load(out.repo_id, &out.skipped_personal));
  if (!out.layers.personal) return {};
  out.origins.push_back(
      {"personal", store.file(out.repo_id).native(), config::fingerprint(*out.layers.personal), "", false});
  out.warnings.insert(out.warnings.end(), out.skipped_personal.begin(), out.skipped_personal.end());
  return {};
}

Status read_project(const GovernOptions& options, Governance& out) {
  if (options.workspace.empty()) return {};
  SCC_TRY(config::ProjectFile found, config::load_project_file(options.workspace));
  if (!found.present()) return {};
  for (const std::string& key : found.unknown_keys) {
    out.warnings.push_back(found.file.native() + ": unknown key " + key);
  }
  out.layers.project = std::move(found.project);
  out.origins.push_back({"project", found.file.native(), found.sha256, "", false});
  return {};
}

void add_exceptions(Governance& out, const config::ExceptionStore& store, config::ExceptionList list,
                    std::vector<model::Exception>& into) {
  out.warnings.insert(out.warnings.end(), list.warnings.begin(), list.warnings.end());
  if (list.sha256.empty()) return;
  out.origins.push_back(
      {"exceptions." + std::string(store.name()), store.file().native(), list.sha256, "", false});
  into = std::move(list.exceptions);
}

void read_exceptions(Host& host, const GovernOptions& options, Governance& out) {
  const auto user = config::ExceptionStore::user(host.paths);
  add_exceptions(out, user, user.load(), out.layers.user_exceptions);
  if (options.workspace.empty()) return;
  const auto repo = config::ExceptionStore::repo(host.paths, options.workspace);
  config::ExceptionList list = repo.load();
  if (list.sha256.empty()) return;
  const config::Approvals approvals(host.paths);
  if (!approvals.approved(out.repo_id, list.sha256, &out.warnings)) {
    out.warnings.push_back(
        repo.file().native() +
        " is not approved and has no effect; look at it, then run: scc exceptions approve");
    return;
  }
  add_exceptions(out, repo, std::move(list), out.layers.repo_exceptions);
}

Status forbid_standalone(const Governance& governed) {
  if (governed.org->delegation.allow_standalone) return {};
  return fail(Kind::policy, "standalone.forbidden",
              "the organisation " + governed.org->organization.name + " does not allow to go without it",
              "drop --standalone (and `standalone` from your configuration), or ask for "
              "delegation.users.allow_standalone");
}

}  // namespace

std::string repo_id_of(const os::stdfs::path& root, const workspace::GitView& git) {
  const std::string remote = config::repo_id_from_remote(workspace::origin_url(git));
  return remote.empty() ? config::repo_id_from_path(root) : remote;
}

bool has_organisation(const config::UserConfig& config) {
  return config.organization_source.has_value();
}

remote::Transport transport(const Host& host, const config::UserConfig& config) {
  remote::Transport out;
  out.ca_file = config.tls_ca_file;
  if (out.ca_file.empty()) out.ca_file = host.env.get("SCC_CA_FILE").value_or("");
  out.cancelled = [] { return os::cancelled(); };
  return out;
}

Result<remote::OrgRequest> org_request(Host& host, const GovernOptions& options) {
  SCC_TRY(const config::UserConfig* config, host.config());
  if (!config->organization_source) {
    return fail(Kind::config, "org.none", "no organisation is configured", "run `scc setup --org SOURCE`");
  }
  const config::OrgSource& source = *config->organization_source;
  SCC_TRY(remote::OrgRequest out, org_request_for(host, source));
  if (config->cache_ttl_hours) out.max_ttl_hours = *config->cache_ttl_hours;
  out.force = options.freshness == Freshness::forced || !config->cache_enabled;
  out.offline = options.offline || options.freshness == Freshness::cache_only;
  out.record = options.freshness != Freshness::cache_only;
  return out;
}

Result<remote::OrgRequest> org_request_for(Host& host, const config::OrgSource& source) {
  SCC_TRY(const config::UserConfig* config, host.config());
  remote::OrgRequest out;
  if (source.url.empty()) {
    out.source.original = source.path;
    out.source.provider = remote::Provider::file;
    out.source.file = source.path;
    out.source.is_pinned = true;
  } else {
    SCC_TRY(out.source, remote::parse_url_source(source.url));
  }
  out.auth = source.auth;
  out.auth_header = source.auth_header;
  out.public_key = source.public_key;
  out.env = host.env;
  out.paths = host.paths;
  out.now = Host::now();
  out.transport = transport(host, *config);
  const bool fetched = !out.source.is_file();
  out.validator = [fetched](std::string_view bytes) -> Result<remote::ValidDoc> {
    SCC_TRY(const model::Org org, model::parse_org(bytes, kVersion));
    if (fetched) {
      for (const model::Problem& problem : model::check_fetched(org)) {
        return fail(Kind::config, "org.schema", model::to_string(problem),
                    "mend the organisation's document");
      }
    }
    return remote::ValidDoc{org.defaults.cache_ttl_hours};
  };
  return out;
}

Result<Governance> govern(Host& host, const GovernOptions& options) {
  SCC_TRY(const config::UserConfig* config, host.config());
  Governance out;
  out.warnings = config->warnings;
  out.layers.now = Host::now();
  out.layers.provider = options.provider;
  out.layers.agent_writable = {options.workspace.native()};
  if (options.workspace.empty()) out.layers.agent_writable.clear();
  if (has_organisation(*config)) {
    SCC_CHECK(read_org_layer(host, options, out));
    if (wants_standalone(*config, options)) {
      SCC_CHECK(forbid_standalone(out));
      out.without_org = true;
      out.layers.org = nullptr;
    } else {
      SCC_CHECK(choose_team(*config, options, out));
      SCC_CHECK(read_team_file(host, options, out));
    }
  } else if (!options.team.empty()) {
    return fail(Kind::config, "team.no-organisation",
                "there is no team " + options.team + ": no organisation is configured",
                "run `scc setup --org SOURCE`");
  }
  SCC_CHECK(read_personal(host, options, out));
  SCC_CHECK(read_project(options, out));
  read_exceptions(host, options, out);
  SCC_TRY(out.effective, policy::compute(out.layers));
  out.warnings.insert(out.warnings.end(), out.effective.warnings.begin(), out.effective.warnings.end());
  out.digest = os::sha256_hex(json::dump(policy::to_json(out.effective)));
  return out;
}

json::Value Governance::plan_section() const {
  json::Value section;
  section["digest"] = digest;
  section["standalone"] = effective.standalone;
  section["organization"] = effective.organization_id;
  section["team"] = effective.team;
  section["network_policy"] = model::to_string(network());
  section["network_source"] = effective.network_source.empty() ? "default" : effective.network_source;
  if (policy_version > 0) section["policy_version"] = policy_version;
  if (effective.session.timeout_hours) section["timeout_hours"] = *effective.session.timeout_hours;
  if (effective.session.enforce_live.value_or(false)) section["enforce_live"] = true;
  return section;
}

Status audit_launch(Host& host, const Governance& governance, const std::string& workspace,
                    const std::string& provider) {
  std::vector<audit::Event> events;
  const auto add = [&](const std::string& type, const std::string& message, const std::string& subject,
                       const std::string& severity) {
    audit::Event out;
    out.event_type = type;
    out.message = message;
    out.subject = subject;
    out.severity = severity;
    out.metadata = {{"workspace_path", workspace},
                    {"provider_id", provider},
                    {"team", governance.effective.team},
                    {"network_policy", std::string(model::to_string(governance.network()))},
                    {"policy", governance.digest}};
    events.push_back(std::move(out));
  };
  add("launch.preflight.passed", "the policy allows the launch", provider, "info");
  if (governance.without_org) {
    add("governance.standalone", "started without the organisation's policy", governance.org->organization.id,
        "warning");
  }
  for (const model::Decision& decision : governance.effective.decisions) {
    if (decision.exception_id.empty()) continue;
    add("governance.override.applied",
        decision.field + " " + decision.value + " by " + decision.source + " until " + decision.expires_at,
        decision.exception_id, "warning");
  }
  return audit::Log(host.paths).append(events);
}

}  // namespace scc::app
