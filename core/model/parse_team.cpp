// SPDX-License-Identifier: Apache-2.0
// The file that a federated team keeps elsewhere. It was fetched: a directory of this machine is not for it
// to name.
#include "model/build.h"
#include "model/parse.h"
#include "model/shapes.h"

namespace scc::model {

using namespace build;

Result<TeamFile> parse_team_file(std::string_view text_, Strings* warnings) {
  constexpr std::string_view kHint =
      "tell the team that owns the file; `scc team validate` shows every problem";
  constexpr std::string_view kWhat = "the team's file is not valid";
  const auto parsed = json::parse(text_, {std::size_t{4} << 20U, 32});
  if (!parsed || !parsed->is_object()) {
    return fail(Kind::config, "team.invalid",
                std::string(kWhat) + ": " + (parsed ? "(root): must be an object" : parsed.error().message),
                std::string(kHint));
  }
  const json::Value& document = *parsed;
  // No minimum of scc in this file: the version of the caller does not matter.
  const Version version = check_version(document, "999999.0.0");
  if (!version.compatible) {
    return fail(Kind::config, "team.version", "the team's file cannot be used: " + version.blocking_error,
                std::string(kHint));
  }
  CheckOptions options;
  options.warn_extensions = version.schema_version == "1.0.0";
  std::vector<Problem> problems = problems_of(check(kTeamFileShape, document, options));
  for (const auto& [alias, source] : section(document, "marketplaces").members()) {
    if (text(source, "source") != "directory") continue;
    problems.push_back({"/marketplaces/" + pointer_token(alias), "a fetched file may not name a directory",
                        "directory_marketplace", false});
  }
  if (auto error = refusal(problems, "team.invalid", kWhat, kHint)) return fail(std::move(*error));
  warnings_of(problems, warnings);
  TeamFile out;
  out.schema_version = version.schema_version;
  out.enabled_plugins = strings(document, "enabled_plugins");
  out.disabled_plugins = strings(document, "disabled_plugins");
  out.marketplaces = marketplaces(document);
  out.additional_mcp_servers = servers(document, "additional_mcp_servers");
  out.session = session(document);
  out.network_policy = policy(document);
  out.enabled_bundles = strings(document, "enabled_bundles");
  out.egress = egress(document);
  return out;
}

}  // namespace scc::model
