// SPDX-License-Identifier: Apache-2.0
#include "app/organisation.h"

#include <algorithm>

#include "app/accepted.h"
#include "app/federated.h"
#include "base/str.h"
#include "config/user_config_edit.h"

namespace scc::app {

namespace {

json::Value optional_text(const std::string& text) {
  return text.empty() ? json::Value() : json::Value(text);
}

json::Value source_json(const config::OrgSource& source) {
  json::Value out;
  if (!source.url.empty()) out["url"] = source.url;
  if (!source.path.empty()) out["path"] = source.path;
  if (!source.auth.empty()) out["auth"] = source.auth;
  if (source.auth_header != "Authorization" && !source.auth_header.empty())
    out["auth_header"] = source.auth_header;
  if (!source.public_key.empty()) out["public_key"] = source.public_key;
  return out;
}

/// `scc setup --standalone` is no other way out than `scc start --standalone`.
Status may_leave(Host& host) {
  SCC_TRY(const config::UserConfig* config, host.config());
  if (!has_organisation(*config)) return {};
  auto state = org_state(host);
  if (!state)
    return fail(std::move(state).error().with("while asking the organisation whether it may be left"));
  if (state->org->delegation.allow_standalone) return {};
  return fail(Kind::policy, "standalone.forbidden",
              "the organisation " + state->org->organization.name + " does not allow to go without it",
              "ask for delegation.users.allow_standalone in its document");
}

Status check_team(const model::Org& org, const std::string& team) {
  if (team.empty() || org.profiles.count(team) != 0) return {};
  std::vector<std::string> names;
  for (const auto& [name, profile] : org.profiles) names.push_back(name);
  const std::string near = str::nearest(team, names);
  return fail(Kind::config, "team.unknown", org.organization.name + " has no team " + team,
              near.empty() ? "run `scc team list`" : "did you mean " + near + "?");
}

}  // namespace

Result<config::OrgSource> org_source(Host& host, const std::string& text, const std::string& auth,
                                     const std::string& auth_header, const std::string& public_key) {
  SCC_TRY(const remote::Source parsed, remote::parse_source(text, host.env.cwd, host.env.home()));
  config::OrgSource out;
  if (parsed.is_file()) {
    out.path = parsed.file.native();
  } else {
    out.url = parsed.resolved_url;
  }
  out.auth = auth;
  if (!auth_header.empty()) out.auth_header = auth_header;
  out.public_key = public_key;
  if (out.auth.empty() && !parsed.is_file()) {
    const remote::AutoAuth found = remote::detect_auth(parsed, host.env);
    if (found.spec.type == remote::AuthSpec::Type::env && !found.needs_confirmation)
      out.auth = "env:" + found.spec.name;
  }
  return out;
}

Result<Judged> judge_org(Host& host, const config::OrgSource& source) {
  SCC_TRY(const remote::OrgRequest request, org_request_for(host, source));
  Judged out;
  out.source = request.source;
  SCC_TRY(out.document, remote::read_org(request));
  out.report = model::read_org(out.document.bytes, kVersion);
  return out;
}

Status set_up(Host& host, const SetupChoice& choice) {
  std::vector<config::ConfigEdit> edits;
  edits.push_back({"config_version", json::Value("1.0.0")});
  if (choice.source) {
    SCC_TRY(remote::OrgRequest request, org_request_for(host, *choice.source));
    request.force = true;
    SCC_TRY(const remote::OrgDocument document, remote::load_org(request));
    SCC_TRY(const model::Org org, model::parse_org(document.bytes, kVersion));
    SCC_CHECK(check_team(org, choice.team));
    SCC_CHECK(accept_document(host, request, document));
    edits.push_back({"organization_source", source_json(*choice.source)});
    edits.push_back({"standalone", json::Value(false)});
    edits.push_back({"selected_profile", optional_text(choice.team)});
  } else {
    SCC_CHECK(may_leave(host));
    edits.push_back({"organization_source", json::Value()});
    edits.push_back({"selected_profile", json::Value()});
    edits.push_back({"standalone", json::Value(true)});
  }
  if (!choice.provider.empty()) edits.push_back({"selected_provider", json::Value(choice.provider)});
  return config::edit_user_config(host.paths, edits);
}

Result<OrgState> org_state(Host& host) {
  GovernOptions options;
  options.freshness = Freshness::cache_only;
  SCC_TRY(const remote::OrgRequest request, org_request(host, options));
  OrgState out;
  SCC_TRY(out.document, remote::load_org(request));
  SCC_TRY(model::Org org, model::parse_org(out.document.bytes, kVersion));
  out.org = std::make_shared<const model::Org>(std::move(org));
  return out;
}

Result<OrgUpdate> update_org(Host& host, const std::vector<std::string>& teams, bool all_teams) {
  GovernOptions options;
  options.freshness = Freshness::forced;
  SCC_TRY(const remote::OrgRequest request, org_request(host, options));
  OrgUpdate out;
  SCC_TRY(out.document, remote::load_org(request));
  SCC_TRY(model::Org org, model::parse_org(out.document.bytes, kVersion));
  SCC_CHECK(accept_document(host, request, out.document));
  out.org = std::make_shared<const model::Org>(std::move(org));
  std::vector<std::string> wanted = teams;
  if (all_teams) {
    wanted.clear();
    for (const auto& [name, profile] : out.org->profiles) wanted.push_back(name);
  }
  for (const std::string& name : wanted) {
    SCC_CHECK(check_team(*out.org, name));
    TeamRefresh done;
    done.team = name;
    const model::Team& team = out.org->profiles.at(name);
    done.inline_team = !team.config_source.has_value();
    if (!done.inline_team) {
      auto fetched = fetch_team_file(host, *out.org, team, options);
      if (fetched) {
        done.commit = fetched->commit;
      } else {
        done.error = fetched.error().message;
      }
    }
    out.teams.push_back(std::move(done));
  }
  return out;
}

}  // namespace scc::app
