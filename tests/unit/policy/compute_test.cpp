// SPDX-License-Identifier: Apache-2.0
// What the decision table does not spell out: exceptions in time, names that are taken, spellings that must
// not open a gate, bundles, and the refusals of compute itself.
#include "policy/compute.h"

#include "unit/policy/fixture.h"

namespace scc::policy {
namespace {

using namespace testing;
using model::Strings;

TEST(Compute, TheBaseFixtureAlone) {
  const model::Org org = base_org();
  const auto effective = computed(layers_of(org));
  EXPECT_EQ(effective.plugins, Strings{"safety@core"});
  EXPECT_EQ(effective.network_source, "org.defaults");
  EXPECT_EQ(effective.session.timeout_hours, 8);
  EXPECT_TRUE(effective.blocked.empty() && effective.denied.empty() && effective.ignored.empty());
  EXPECT_EQ(json::dump(to_json(effective)), json::dump(to_json(computed(layers_of(org)))));
}

TEST(Compute, RecordsSayWhoDecidedAndWhoAsked) {
  model::Org org = base_org();
  org.profiles["web"].additional_plugins = {"lint@core", "evil1@core"};
  const auto effective = computed(layers_of(org));
  ASSERT_EQ(effective.blocked.size(), 1U);
  EXPECT_EQ(effective.blocked[0].rule, "/security/blocked_plugins/1");
  EXPECT_EQ(effective.blocked[0].entry, "/profiles/web/additional_plugins/1");
  EXPECT_EQ(effective.blocked[0].requested_by, "team");
  EXPECT_EQ(effective.plugin_sources.at("lint@core"), "team.web");
}

TEST(Compute, AnUnknownTeamIsNamedWithItsNearest) {
  const model::Org org = base_org();
  const auto result = compute(layers_of(org, "webb"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id, "team.unknown");
  EXPECT_EQ(result.error().kind, Kind::config);
  EXPECT_NE(result.error().message.find("did you mean web"), std::string::npos);
}

TEST(Compute, AFederatedTeamWithoutItsFileIsRefused) {
  model::Org org = base_org();
  org.profiles["web"].config_source.emplace().source = "url";
  Layers layers = layers_of(org);
  EXPECT_EQ(compute(layers).error().id, "team.unresolved");
  layers.team_file.emplace().enabled_plugins = {"x@core"};
  EXPECT_EQ(computed(layers).plugins, (Strings{"safety@core", "x@core"}));
}

TEST(Compute, WithoutATeamTheOrganisationStillRules) {
  const model::Org org = base_org();
  Layers layers = layers_of(org, "");
  layers.project.emplace().network_policy = model::NetworkPolicy::open;
  layers.project->additional_plugins = {"evil2@core"};
  const auto effective = computed(layers);
  EXPECT_EQ(effective.network_policy, model::NetworkPolicy::web_egress_enforced);
  EXPECT_EQ(effective.ignored.at(0).code, "POLICY_WIDENS");
  EXPECT_EQ(effective.blocked.at(0).code, "SECURITY_PLUGIN_PATTERN");
}

TEST(Compute, StandaloneNeedsNoDelegation) {
  Layers layers;
  layers.now = kNow;
  layers.project.emplace().additional_plugins = {"a@b"};
  layers.project->additional_mcp_servers = {stdio_server("t", "/bin/t")};
  const auto effective = computed(layers);
  EXPECT_TRUE(effective.standalone);
  EXPECT_TRUE(effective.allow_network_settings) << "nobody is there to delegate them";
  EXPECT_EQ(effective.plugins, Strings{"a@b"});
  EXPECT_EQ(effective.mcp_servers.size(), 1U);
  EXPECT_EQ(effective.safety_net.action, "block");
  EXPECT_FALSE(effective.network_policy);
}

struct LocalCase {
  const char* what;
  std::int64_t created;
  std::int64_t expires;
  bool counts;
};

TEST(Exceptions, LocalOnesCountOnlyInTheirTime) {
  model::Org org = base_org();
  org.profiles["ops"].additional_plugins = {"lint@core"};
  org.delegation.max_override_hours = 8;
  for (const LocalCase& one :
       {LocalCase{"valid", -60, 3600, true}, LocalCase{"expires now", -60, 0, false},
        LocalCase{"expired a second ago", -60, -1, false}, LocalCase{"one second left", -60, 1, true},
        LocalCase{"as long as the cap", -60, 8 * 3600 - 60, true},
        LocalCase{"longer than the cap", -60, 8 * 3600, false},
        LocalCase{"created in the future", 1, 3600, false}}) {
    Layers layers = layers_of(org, "ops");
    auto override = exception("local-1", {"lint@core"});
    override.created_at = model::format_time(kNow + one.created);
    override.expires_at = model::format_time(kNow + one.expires);
    layers.user_exceptions = {override};
    const auto effective = computed(layers);
    EXPECT_EQ(effective.denied.empty(), one.counts) << one.what;
    EXPECT_EQ(effective.applied_exceptions.size(), one.counts ? 1U : 0U) << one.what;
  }
}

TEST(Exceptions, UnreadableTimesAreNoLicence) {
  model::Org org = base_org();
  org.profiles["ops"].additional_plugins = {"lint@core"};
  Layers layers = layers_of(org, "ops");
  auto override = exception("local-1", {"lint@core"});
  override.expires_at = "next year";
  layers.user_exceptions = {override};
  EXPECT_EQ(computed(layers).denied.size(), 1U);
  override = exception("local-1", {"lint@core"});
  override.created_at = "";
  layers.user_exceptions = {override};
  EXPECT_EQ(computed(layers).denied.size(), 1U);
}

TEST(Exceptions, TheOrganisationCanSwitchLocalOnesOff) {
  model::Org org = base_org();
  org.profiles["ops"].additional_plugins = {"lint@core"};
  org.delegation.local_overrides = false;
  Layers layers = layers_of(org, "ops");
  layers.repo_exceptions = {exception("local-1", {"lint@core"})};
  const auto effective = computed(layers);
  EXPECT_EQ(effective.denied.size(), 1U);
  EXPECT_EQ(effective.warnings.size(), 1U);
}

TEST(Exceptions, PolicyComesBeforeRepoBeforeUser) {
  model::Org org = base_org();
  org.profiles["ops"].additional_plugins = {"lint@core"};
  Layers layers = layers_of(org, "ops");
  layers.user_exceptions = {exception("u", {"lint@core"})};
  EXPECT_EQ(computed(layers).decisions.back().source, "user");
  layers.repo_exceptions = {exception("r", {"@core/LINT"})};
  EXPECT_EQ(computed(layers).applied_exceptions, Strings{"r"});
  org.exceptions = {exception("p", {"lint"})};
  EXPECT_EQ(computed(layers).applied_exceptions, Strings{"p"});
  org.exceptions[0].teams = Strings{"web"};
  EXPECT_EQ(computed(layers).applied_exceptions, Strings{"r"});
}

TEST(Exceptions, AProjectCannotTakeTheNameOfAnUnblockedServer) {
  model::Org org = base_org();
  org.delegation.projects_inherit = false;
  Layers layers = layers_of(org, "ops");
  layers.user_exceptions = {exception("local-1", {}, {"docs"})};
  org.profiles["ops"].additional_mcp_servers = {http_server("docs", "https://docs.example/")};
  EXPECT_EQ(computed(layers).mcp_servers.size(), 1U) << "unblocked by its name";
  org.profiles["ops"].additional_mcp_servers.clear();
  layers.project.emplace().additional_mcp_servers = {http_server("docs", "https://evil.other/")};
  const auto effective = computed(layers);
  EXPECT_TRUE(effective.mcp_servers.empty()) << "a repository's server under the same name";
  EXPECT_EQ(effective.denied.at(0).code, "PROJECT_ORG_DISABLED");
  layers.user_exceptions = {exception("local-1", {}, {"https://evil.other/"})};
  EXPECT_EQ(computed(layers).mcp_servers.size(), 1U) << "unblocked by what it is";
}

TEST(Exceptions, PolicyOnesLastAYearAtMost) {
  model::Org org = base_org();
  org.profiles["web"].additional_plugins = {"evil1@core"};
  org.exceptions = {exception("p", {"evil1@core"})};
  EXPECT_TRUE(computed(layers_of(org)).blocked.empty());
  org.exceptions[0].expires_at = model::format_time(kNow + 366 * 24 * 3600);
  const auto effective = computed(layers_of(org));
  EXPECT_EQ(effective.blocked.size(), 1U);
  EXPECT_EQ(effective.warnings.size(), 1U);
}

TEST(Exceptions, AProjectCannotTakeTheNameOfAnExceptedServer) {
  model::Org org = base_org();
  org.exceptions = {exception("p", {}, {"docs"})};
  Layers layers = layers_of(org);
  layers.project.emplace().additional_mcp_servers = {http_server("docs", "https://x.bad.example/")};
  EXPECT_EQ(computed(layers).blocked.size(), 1U);
  org.profiles["web"].additional_mcp_servers = {http_server("docs", "https://x.bad.example/")};
  layers.project.reset();
  EXPECT_TRUE(computed(layers).blocked.empty());
  org.exceptions[0].mcp_servers = {"*.bad.example"};
  layers.project.emplace().additional_mcp_servers = {http_server("other", "https://x.bad.example/")};
  EXPECT_EQ(computed(layers).mcp_servers.size(), 2U);
}

TEST(Exceptions, NothingButPluginsAndServersIsLifted) {
  model::Org org = base_org();
  org.security.allow_stdio_mcp = false;
  org.exceptions = {exception("p", {"*"}, {"*"})};
  org.profiles["web"].additional_mcp_servers = {stdio_server("tool", "/opt/tool")};
  const auto effective = computed(layers_of(org));
  ASSERT_EQ(effective.blocked.size(), 1U);
  EXPECT_EQ(effective.blocked[0].code, "STDIO_DISABLED");
  EXPECT_TRUE(effective.applied_exceptions.empty());
}

TEST(Servers, ABlockedServerKeepsItsName) {
  model::Org org = base_org();
  org.profiles["web"].additional_mcp_servers = {http_server("docs", "https://a.bad.example/")};
  Layers layers = layers_of(org);
  layers.project.emplace().additional_mcp_servers = {http_server("Docs", "https://ok.example/")};
  const auto effective = computed(layers);
  EXPECT_TRUE(effective.mcp_servers.empty());
  EXPECT_EQ(effective.ignored.at(0).code, "DUPLICATE_NAME");
}

TEST(Servers, SpellingsOfAHostDoNotEvadeTheBlockList) {
  for (const char* url :
       {"https://a.bad.example/m", "HTTPS://A.BAD.EXAMPLE/m", "https://a.bad.example:8443/m",
        "https://a.bad.example./m", "https://a.bad.example:443/m", "https://a.bad.example"}) {
    model::Org org = base_org();
    org.profiles["web"].additional_mcp_servers = {http_server("docs", url)};
    const auto effective = computed(layers_of(org));
    EXPECT_TRUE(effective.mcp_servers.empty()) << url;
    EXPECT_EQ(effective.blocked.size(), 1U) << url;
  }
  for (const char* url :
       {"https://x@a.bad.example/m", "https://ok.example\\@a.bad.example/", "https://a%2ebad.example/",
        "https://\xd0\xb0.bad.example/", "file:///etc/passwd", "https://", "//a/b"}) {
    model::Org org = base_org();
    org.profiles["web"].additional_mcp_servers = {http_server("docs", url)};
    const auto effective = computed(layers_of(org));
    EXPECT_TRUE(effective.mcp_servers.empty()) << url;
    EXPECT_EQ(effective.blocked.size() + effective.denied.size(), 1U) << url;
  }
}

TEST(Servers, AnAllowListIsNotFooledByNamesAndPaths) {
  model::Org org = base_org();
  org.defaults.allowed_mcp_servers = Strings{"*.ok.example", "https://*.api.example/v1/*", "name:corp-*"};
  const auto accepted = [&](const model::McpServer& server) {
    org.profiles["web"].additional_mcp_servers = {server};
    return !computed(layers_of(org)).mcp_servers.empty();
  };
  EXPECT_TRUE(accepted(http_server("a", "https://mcp.ok.example/x")));
  EXPECT_TRUE(accepted(http_server("a", "https://x.api.example/v1/y")));
  EXPECT_TRUE(accepted(http_server("a", "https://x.api.example:443/v1/y")));
  EXPECT_TRUE(accepted(http_server("corp-x", "https://anything.example/")));
  EXPECT_FALSE(accepted(http_server("mcp.ok.example", "https://evil.example/")));
  EXPECT_FALSE(accepted(http_server("a", "https://evil.example/a.ok.example")));
  EXPECT_FALSE(accepted(http_server("a", "https://evil.example/a.api.example/v1/y")));
  EXPECT_FALSE(accepted(http_server("a", "https://x.api.example/v2/y")));
  org.schema_version = "1.0.0";
  EXPECT_TRUE(accepted(http_server("mcp.ok.example", "https://evil.example/")));
  EXPECT_EQ(computed(layers_of(org)).warnings.size(), 1U);
}

TEST(Servers, CommandsCannotLeaveTheirPrefix) {
  model::Org org = base_org();
  org.security.allow_stdio_mcp = true;
  org.security.allowed_stdio_prefixes = {"/opt/tools", "/usr/bin/python3"};
  Layers layers = layers_of(org);
  layers.agent_writable = {"/opt/tools/work"};
  const auto code = [&](const char* command) -> std::string {
    org.profiles["web"].additional_mcp_servers = {stdio_server("t", command)};
    const auto effective = computed(layers);
    return effective.blocked.empty() ? "" : effective.blocked[0].code;
  };
  EXPECT_EQ(code("/opt/tools"), "");
  EXPECT_EQ(code("/opt//tools/./a"), "");
  EXPECT_EQ(code("/opt/tools/../tools/a"), "");
  EXPECT_EQ(code("/usr/bin/python3"), "");
  EXPECT_EQ(code("/usr/bin/python3.11"), "STDIO_PREFIX");
  EXPECT_EQ(code("/opt/tools/bash"), "STDIO_PREFIX");
  EXPECT_EQ(code("/opt/tools/work/x"), "STDIO_PREFIX");
  EXPECT_EQ(code("/../../opt/tools/a"), "STDIO_NOT_ABSOLUTE");
  EXPECT_EQ(code("opt/tools/a"), "STDIO_NOT_ABSOLUTE");
  org.security.allowed_stdio_prefixes = {};
  EXPECT_EQ(code("/bin/sh"), "STDIO_PREFIX");
  EXPECT_EQ(code("/srv/any"), "");
}

model::Org catalog() {
  model::Org org = base_org();
  org.governed.artifacts["search"].kind = "mcp_server";
  org.governed.artifacts["rules"].kind = "native_integration";
  org.governed.artifacts["review"].kind = "skill";
  model::Binding binding;
  binding.provider = "one";
  binding.native_config = {{"url", "https://search.ok.example/"}, {"header_Authorization", "Bearer ${T}"}};
  binding.transport_type = "http";
  org.governed.bindings["search"] = {binding};
  binding.provider = "two";
  org.governed.bindings["search"].push_back(binding);
  binding.transport_type.clear();
  binding.native_config = {{"rules", "a.rules"}};
  org.governed.bindings["rules"] = {binding};
  org.governed.bundles["pack"].artifacts = {"search", "rules", "review"};
  org.profiles["ops"].enabled_bundles = {"pack"};
  return org;
}

TEST(Bundles, MembersPassTheGatesAndNeedNoDelegation) {
  model::Org org = catalog();
  Layers layers = layers_of(org, "ops");  // not delegated for servers
  auto effective = computed(layers);
  ASSERT_EQ(effective.mcp_servers.size(), 1U);
  EXPECT_EQ(effective.mcp_servers[0].server.name, "search");
  EXPECT_EQ(effective.mcp_servers[0].server.headers.at("Authorization"), "Bearer ${T}");
  EXPECT_EQ(effective.egress.allow, Strings{"search.ok.example"});
  layers.provider = "one";
  effective = computed(layers);
  ASSERT_EQ(effective.bundles.size(), 1U);
  EXPECT_EQ(effective.bundles[0].artifacts, (Strings{"search", "review"}));
  EXPECT_EQ(effective.bundles[0].portable, Strings{"review"});
  ASSERT_EQ(effective.bundles[0].skipped.size(), 1U);
  EXPECT_EQ(effective.bundles[0].skipped[0].first, "rules");
  org.security.blocked_mcp_servers = {"*.ok.example"};
  EXPECT_EQ(computed(layers).blocked.at(0).code, "SECURITY_MCP_PATTERN");
}

TEST(Bundles, AnUnknownOneStopsTheLaunch) {
  model::Org org = catalog();
  org.profiles["ops"].enabled_bundles = {"pak"};
  const auto result = compute(layers_of(org, "ops"));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id, "bundle.unknown");
  EXPECT_EQ(result.error().kind, Kind::policy);
}

TEST(Bundles, ARequiredMemberIsNotSwitchedOff) {
  model::Org org = catalog();
  Layers layers = layers_of(org, "ops");
  layers.project.emplace().disabled_mcp_servers = {"search"};
  EXPECT_TRUE(computed(layers).mcp_servers.empty());
  org.governed.bundles["pack"].install_intent = "required";
  const auto effective = computed(layers);
  EXPECT_EQ(effective.mcp_servers.size(), 1U);
  EXPECT_EQ(effective.ignored.at(0).code, "REMOVAL_REFUSED");
}

TEST(Egress, LayersAddOnlyWhatTheyMay) {
  model::Org org = base_org();
  org.destination_sets["packages"].destinations = {".pkgs.example"};
  org.defaults.egress.destination_sets = {"packages"};
  org.defaults.egress.allow = {"api.example:443"};
  org.profiles["web"].egress.allow = {"web.example"};
  org.profiles["web"].egress.deny = {"x.pkgs.example"};
  org.profiles["web"].additional_mcp_servers = {http_server("docs", "https://docs.example:8443/")};
  Layers layers = layers_of(org);
  layers.personal.emplace().mcp_servers = {http_server("mine", "https://mine.example/")};
  auto effective = computed(layers);
  EXPECT_EQ(effective.egress.allow, (Strings{".pkgs.example", "api.example:443", "docs.example:8443"}));
  EXPECT_EQ(effective.denied.at(0).target_type, "egress");
  EXPECT_EQ(effective.egress.deny.back(), "x.pkgs.example");
  ASSERT_EQ(effective.warnings.size(), 1U);
  EXPECT_NE(effective.warnings[0].find("MCP_EGRESS_UNREACHABLE"), std::string::npos);
  org.delegation.team_egress = {"w*"};
  layers.project.emplace().egress.only = Strings{"a.pkgs.example", "*.example:443"};
  effective = computed(layers);
  EXPECT_EQ(effective.egress.allow,
            (Strings{"a.pkgs.example", ".pkgs.example:443", "api.example:443", "web.example:443"}));
}

TEST(Egress, UnknownSetsAndUnreadableTargetsStop) {
  model::Org org = base_org();
  org.defaults.egress.destination_sets = {"nope"};
  EXPECT_EQ(compute(layers_of(org)).error().id, "egress.unknown-set");
  org.defaults.egress.destination_sets = {"vendor-core"};
  EXPECT_EQ(computed(layers_of(org)).egress.destination_sets, Strings{"vendor-core"});
  org.security.egress_deny = {"not a host"};
  EXPECT_EQ(compute(layers_of(org)).error().id, "egress.invalid");
}

TEST(Providers, AreNarrowedLayerByLayer) {
  model::Org org = base_org();
  EXPECT_TRUE(check_provider(computed(layers_of(org)), "any"));
  org.defaults.allowed_providers = Strings{"a", "b"};
  org.profiles["web"].allowed_providers = Strings{"b", "c"};
  auto effective = computed(layers_of(org));
  EXPECT_EQ(effective.allowed_providers, Strings{"b"});
  EXPECT_TRUE(check_provider(effective, "b"));
  const auto refused = check_provider(effective, "a");
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, Kind::policy);
  EXPECT_NE(refused.error().message.find("PROVIDER_NOT_ALLOWED"), std::string::npos);
  org.profiles["web"].allowed_providers = Strings{};
  effective = computed(layers_of(org));
  EXPECT_FALSE(check_provider(effective, "b"));
}

TEST(Images, PatternsAreNotDodgedBySpelling) {
  model::Org org = base_org();
  org.security.blocked_base_images = {"*:latest", "evil/*", "bad:*"};
  const auto effective = computed(layers_of(org));
  const std::string digest = "@sha256:" + std::string(64, 'a');
  for (const std::string& ref :
       {std::string("repo/app"), std::string("repo/app:latest"), std::string("docker.io/evil/app:1"),
        std::string("index.docker.io/evil/app:1"), std::string("evil/app") + digest,
        std::string("EVIL/app:1"), std::string("docker.io/library/bad:1"), std::string("library/bad:2"),
        "bad" + digest, "x:latest" + digest, std::string(""), std::string("a b"),
        std::string("reg.example/:x")}) {
    const auto refused = check_image(effective, ref, true);
    ASSERT_FALSE(refused) << ref;
    EXPECT_EQ(refused.error().kind, Kind::policy);
  }
  for (const std::string& ref : {std::string("repo/app:1"), "repo/app" + digest,
                                 std::string("reg.example/evil/app:1"), "x:1" + digest}) {
    EXPECT_TRUE(check_image(effective, ref, false)) << ref;
  }
}

TEST(Images, OwnOnesPassTheAllowList) {
  model::Org org = base_org();
  org.defaults.allowed_base_images = Strings{"reg.example/*", "docker.io/library/debian:*"};
  const auto effective = computed(layers_of(org));
  EXPECT_TRUE(check_image(effective, "reg.example/a:1", false));
  EXPECT_TRUE(check_image(effective, "debian:12", false));
  EXPECT_FALSE(check_image(effective, "other.example/a:1", false));
  EXPECT_TRUE(check_image(effective, "other.example/a:1", true));
}

}  // namespace
}  // namespace scc::policy
