// SPDX-License-Identifier: Apache-2.0
#include "app/federated.h"

#include "base/str.h"
#include "model/parse.h"
#include "os/tty.h"
#include "remote/team_source.h"
#include "remote/trust.h"

namespace scc::app {

namespace {

remote::TeamSource::Type type_of(const std::string& source) {
  if (source == "git") return remote::TeamSource::Type::git;
  if (source == "url") return remote::TeamSource::Type::url;
  return remote::TeamSource::Type::github;
}

remote::Marketplace trust_item(const std::string& alias, const model::Marketplace& market) {
  remote::Marketplace out;
  out.alias = alias;
  if (market.source == "directory") {
    out.type = remote::Marketplace::Type::directory;
    out.url = market.path;
  } else if (market.source == "github") {
    out.url = "github.com/" + market.owner + "/" + market.repo;
  } else {
    out.type = market.source == "git" ? remote::Marketplace::Type::git : remote::Marketplace::Type::url;
    out.url = market.url;
  }
  return out;
}

Status check_trust(const model::Org& org, const model::Team& team, const model::TeamFile& file) {
  remote::TrustInput input;
  if (team.trust) {
    input.grant = {team.trust->inherit_org_marketplaces, team.trust->allow_additional_marketplaces,
                   team.trust->marketplace_source_patterns};
  }
  for (const auto& [alias, market] : file.marketplaces)
    input.marketplaces.push_back(trust_item(alias, market));
  for (const auto& [alias, market] : org.marketplaces) input.org_aliases.push_back(alias);
  input.implicit_aliases = {std::string(model::implicit_marketplace())};
  for (const std::string& text : org.defaults.enabled_plugins) {
    if (auto ref = model::normalise_plugin_ref(text, input.org_aliases)) {
      input.org_default_plugins.push_back(*std::move(ref));
    }
  }
  const auto violations = remote::check_trust(input);
  if (violations.empty()) return {};
  Error error{
      Kind::policy,
      "team.trust",
      "the file of team " + team.name + " asks for what the organisation does not trust it with",
      "mend the team's file, or ask for profiles." + team.name + ".trust in the organisation's document",
      {}};
  for (const remote::TrustViolation& violation : violations) {
    error.context.push_back(std::string(remote::trust_code_name(violation.code)) + ": " + violation.message);
  }
  return fail(std::move(error));
}

}  // namespace

Result<FetchedTeam> fetch_team_file(Host& host, const model::Org& org, const model::Team& team,
                                    const GovernOptions& options) {
  SCC_TRY(const config::UserConfig* config, host.config());
  const model::Marketplace& source = *team.config_source;
  remote::TeamRequest request;
  request.team = team.name;
  request.source = {type_of(source.source), source.owner, source.repo,   source.url,
                    source.branch,          source.path,  source.headers};
  request.env = host.env;
  request.paths = host.paths;
  request.now = Host::now();
  request.validator = [](std::string_view bytes) -> Result<remote::ValidDoc> {
    SCC_TRY(const model::TeamFile file, model::parse_team_file(bytes));
    static_cast<void>(file);
    return remote::ValidDoc{};
  };
  request.trusted_env = config->trusted_env;
  request.force = options.freshness == Freshness::forced;
  request.offline = options.offline || options.freshness == Freshness::cache_only;
  request.transport = transport(host, *config);
  SCC_TRY(remote::TeamDocument document, remote::load_team(request));
  FetchedTeam out;
  SCC_TRY(out.file, model::parse_team_file(document.bytes, &out.warnings));
  SCC_CHECK(check_trust(org, team, out.file));
  out.origin = document.source_url;
  out.commit = document.commit_sha;
  out.sha256 = os::sha256_hex(document.bytes);
  out.fetched_at = document.fetched_at == 0 ? "" : model::format_time(document.fetched_at);
  out.stale = document.stale;
  out.warnings.insert(out.warnings.end(), document.warnings.begin(), document.warnings.end());
  return out;
}

}  // namespace scc::app
