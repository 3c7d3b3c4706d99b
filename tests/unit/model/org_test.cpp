// SPDX-License-Identifier: Apache-2.0
// The organisation's document: every field arrives, every problem is named where it is, each guard refuses.
#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/parse.h"
#include "unit/model/example.h"

namespace scc::model {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing_data::kExample;

json::Value example() {
  auto value = json::parse(kExample);
  EXPECT_TRUE(value) << (value ? "" : value.error().message);
  return *value;
}

json::Value minimal() {
  return *json::parse(R"({"schema_version":"1.1.0","organization":{"name":"N","id":"n"}})");
}

std::string all(const OrgReport& report) {
  std::string out = report.version.blocking_error + "\n";
  for (const Problem& problem : report.schema) out += to_string(problem) + "\n";
  for (const Problem& problem : report.semantic) out += problem.rule + " " + to_string(problem) + "\n";
  return out;
}

/// The document with `text` put at a pointer must be refused, and the report must say `expected`.
void refused(json::Value document, const std::function<void(json::Value&)>& edit, std::string_view expected) {
  edit(document);
  const OrgReport report = read_org(json::dump(document), "1.0.0");
  EXPECT_FALSE(report.valid()) << json::dump(document);
  EXPECT_THAT(all(report), HasSubstr(std::string(expected)));
}

json::Value parsed(std::string_view text) {
  auto value = json::parse(text);
  EXPECT_TRUE(value) << text;
  return *value;
}

TEST(Org, ReadsEverySectionOfTheExample) {
  const OrgReport report = read_org(kExample, "1.0.0");
  ASSERT_TRUE(report.valid()) << all(report);
  EXPECT_THAT(report.warnings(), ElementsAre()) << all(report);
  const Org& org = *report.org;
  EXPECT_EQ(org.schema_version, "1.1.0");
  EXPECT_EQ(org.min_cli_version, "0.1.0");
  EXPECT_EQ(org.organization.name, "Harrow Lake Observatory");
  EXPECT_EQ(org.organization.id, "harrow-lake");
  EXPECT_EQ(org.organization.contact, "platform@harrowlake.example");
  EXPECT_EQ(org.organization.default_profile, "optics");
  ASSERT_EQ(org.marketplaces.size(), 4U);
  const Marketplace& core = org.marketplaces.at("hlo-core");
  EXPECT_EQ(core.source + " " + core.owner + " " + core.repo + " " + core.branch + " " + core.path,
            "github harrow-lake agent-plugins v3 /");
  EXPECT_EQ(core.headers.at("Authorization"), "Bearer ${TOKEN}");
  EXPECT_EQ(org.marketplaces.at("hlo-mirror").url, "https://git.harrowlake.example/ai/mirror.git");
  EXPECT_EQ(org.marketplaces.at("hlo-mirror").path, "sub");
  EXPECT_EQ(org.marketplaces.at("hlo-pack").materialization_mode, "best_effort");
  EXPECT_EQ(org.marketplaces.at("hlo-disk").path, "/srv/plugins");
  EXPECT_TRUE(org.at_least_1_1());
}

TEST(Org, ReadsSecurityAndDefaults) {
  const auto org = parse_org(kExample, "1.0.0");
  ASSERT_TRUE(org);
  const Security& security = org->security;
  EXPECT_THAT(security.blocked_plugins, ElementsAre("*-nightly", "shell-anything"));
  EXPECT_THAT(security.blocked_mcp_servers, ElementsAre("*.paste.example", "rogue-*"));
  EXPECT_TRUE(security.allow_stdio_mcp);
  EXPECT_THAT(security.allowed_stdio_prefixes, ElementsAre("/opt/hlo/mcp"));
  EXPECT_THAT(security.blocked_base_images, ElementsAre("*:latest"));
  EXPECT_THAT(security.egress_deny, ElementsAre(".social.example", "10.0.0.0/8"));
  EXPECT_EQ(security.safety_net.action, "warn");
  EXPECT_FALSE(security.safety_net.fell_back);
  EXPECT_EQ(security.safety_net.rules.size(), 6U);
  EXPECT_FALSE(security.safety_net.rules.at("block_stash_destructive"));
  EXPECT_TRUE(security.safety_net.rules.at("block_force_push"));
  const Defaults& defaults = org->defaults;
  EXPECT_THAT(defaults.enabled_plugins, ElementsAre("safety-hooks@hlo-core", "style-guide@hlo-core"));
  EXPECT_THAT(defaults.disabled_plugins, ElementsAre("style-*"));
  EXPECT_THAT(*defaults.allowed_plugins, ElementsAre("*@hlo-core"));
  EXPECT_THAT(*defaults.allowed_mcp_servers, ElementsAre("*.harrowlake.example", "/opt/hlo/mcp/*"));
  EXPECT_THAT(defaults.extra_marketplaces, ElementsAre("hlo-mirror"));
  EXPECT_EQ(defaults.cache_ttl_hours, 12);
  EXPECT_EQ(defaults.network_policy, NetworkPolicy::web_egress_enforced);
  EXPECT_THAT(defaults.egress.destination_sets, ElementsAre("packages"));
  EXPECT_THAT(defaults.egress.allow, ElementsAre("docs.harrowlake.example"));
  EXPECT_THAT(*defaults.allowed_providers, ElementsAre("acme", "globex"));
  EXPECT_THAT(*defaults.allowed_base_images, ElementsAre("registry.harrowlake.example/*"));
  EXPECT_THAT(defaults.optional_plugins, ElementsAre("style-*"));
  EXPECT_EQ(defaults.images.at("acme"), "registry.harrowlake.example/acme:1");
  EXPECT_EQ(defaults.session.timeout_hours, 10);
  EXPECT_EQ(defaults.session.auto_resume, false);
  ASSERT_EQ(defaults.dev_environment.commands.size(), 1U);
  const DevAction& lint = defaults.dev_environment.commands.front();
  EXPECT_EQ(lint.name + " " + lint.working_directory + " " + lint.description, "lint tools Lints.");
  EXPECT_THAT(lint.argv, ElementsAre("make", "lint"));
  EXPECT_EQ(lint.timeout_seconds, 120);
  EXPECT_EQ(defaults.dev_environment.logs.front().name, "app");
  EXPECT_EQ(defaults.dev_environment.health_checks.front().timeout_seconds, 20);
}

TEST(Org, ReadsDelegationAndProfiles) {
  const auto org = parse_org(kExample, "1.0.0");
  ASSERT_TRUE(org);
  const Delegation& delegation = org->delegation;
  EXPECT_THAT(delegation.team_plugins, ElementsAre("*"));
  EXPECT_THAT(delegation.team_mcp_servers, ElementsAre("optics", "data-*"));
  EXPECT_THAT(delegation.team_dev_commands, ElementsAre("optics"));
  EXPECT_THAT(delegation.team_egress, ElementsAre("data-*"));
  EXPECT_THAT(delegation.team_base_images, ElementsAre("optics"));
  EXPECT_TRUE(delegation.projects_inherit);
  EXPECT_TRUE(delegation.local_overrides);
  EXPECT_EQ(delegation.max_override_hours, 12);
  EXPECT_FALSE(delegation.personal_profiles);
  EXPECT_TRUE(delegation.allow_standalone);
  EXPECT_TRUE(delegation.allow_network_settings);
  const Team& optics = org->profiles.at("optics");
  EXPECT_EQ(optics.name + ": " + optics.description, "optics: Instrument control");
  EXPECT_THAT(optics.additional_plugins, ElementsAre("fits-tools@hlo-core"));
  ASSERT_EQ(optics.additional_mcp_servers.size(), 3U);
  const McpServer& mount = optics.additional_mcp_servers[0];
  EXPECT_EQ(mount.name + " " + mount.type + " " + mount.command, "mount-ctl stdio /opt/hlo/mcp/mount-ctl");
  EXPECT_THAT(mount.args, ElementsAre("--ro"));
  EXPECT_EQ(mount.env.at("LEVEL"), "${LEVEL}");
  EXPECT_EQ(optics.additional_mcp_servers[1].headers.at("Authorization"), "Bearer ${STARCAT_TOKEN}");
  EXPECT_EQ(optics.additional_mcp_servers[2].url, "https://sky.harrowlake.example/");
  EXPECT_EQ(optics.network_policy, NetworkPolicy::locked_down_web);
  EXPECT_EQ(optics.session.timeout_hours, 6);
  EXPECT_EQ(optics.session.auto_resume, std::nullopt);
  EXPECT_EQ(optics.dev_environment.commands.front().name, "flat:field");
  EXPECT_TRUE(optics.allow_project_overrides);
  EXPECT_THAT(optics.enabled_bundles, ElementsAre("obs-pack"));
  EXPECT_FALSE(optics.trust);
  const Team& data = org->profiles.at("data-reduction");
  EXPECT_THAT(data.egress.destination_sets, ElementsAre("skydata"));
  EXPECT_THAT(data.egress.allow, ElementsAre("a.example"));
  EXPECT_THAT(data.egress.deny, ElementsAre("b.example"));
  EXPECT_THAT(*data.allowed_providers, ElementsAre("globex"));
  EXPECT_EQ(data.images.at("globex"), "registry.harrowlake.example/g:2");
  EXPECT_FALSE(data.allow_project_overrides);
  const Team& outreach = org->profiles.at("outreach");
  ASSERT_TRUE(outreach.config_source && outreach.trust);
  EXPECT_EQ(outreach.config_source->path, "team-config.json");
  EXPECT_FALSE(outreach.trust->inherit_org_marketplaces);
  EXPECT_TRUE(outreach.trust->allow_additional_marketplaces);
  EXPECT_THAT(outreach.trust->marketplace_source_patterns, ElementsAre("github.com/harrow-lake/**"));
  EXPECT_EQ(org->profiles.at("visitors").config_source->path, "");
}

TEST(Org, ReadsTheRest) {
  const auto org = parse_org(kExample, "1.0.0");
  ASSERT_TRUE(org);
  const Artifact& review = org->governed.artifacts.at("obs-review");
  EXPECT_EQ(review.kind + review.version + review.publisher + review.source_type + review.source_path +
                review.source_ref + review.install_intent,
            "skill2.1.0hlogitskills/obs-reviewv2.1.0required");
  EXPECT_TRUE(review.pinned);
  EXPECT_EQ(review.source_url, "https://git.harrowlake.example/ai/skills.git");
  ASSERT_EQ(org->governed.bindings.at("obs-rules").size(), 2U);
  const Binding& binding = org->governed.bindings.at("obs-rules").front();
  EXPECT_EQ(binding.provider + binding.native_ref + binding.native_config.at("rules"),
            "globexrglobex/obs.rules");
  EXPECT_EQ(org->governed.bindings.at("obs-rules").back().transport_type, "http");
  EXPECT_THAT(org->governed.bundles.at("obs-pack").artifacts, ElementsAre("obs-review", "obs-rules"));
  EXPECT_EQ(org->enforcer.id, "netpolicy-hlo");
  EXPECT_EQ(org->enforcer.sha256.size(), 64U);
  EXPECT_EQ(org->enforced_network.transport + " " + org->enforced_network.network, "socket corp");
  EXPECT_EQ(org->enforced_network.upstream_proxy, "http://proxy.harrowlake.example:8080");
  EXPECT_THAT(org->enforced_network.dns, ElementsAre("10.20.0.53"));
  EXPECT_THAT(org->enforced_network.internal_blocks, ElementsAre("10.20.0.0/16"));
  EXPECT_THAT(org->destination_sets.at("packages").destinations, ElementsAre(".pkgs.harrowlake.example"));
  EXPECT_EQ(org->destination_sets.at("packages").description, "package mirrors");
  EXPECT_TRUE(org->plugins.present);
  EXPECT_EQ(org->plugins.mode, "listed");
  ASSERT_EQ(org->plugins.allow.size(), 1U);
  EXPECT_EQ(org->plugins.allow[0].id + org->plugins.allow[0].version, "acme>=1.2 <2");
  EXPECT_EQ(org->plugins.allow[0].sha256.size(), 1U);
  EXPECT_THAT(*org->plugins.allow[0].grants, ElementsAre("process:acme"));
  EXPECT_THAT(org->plugins.deny, ElementsAre("evil"));
  EXPECT_THAT(org->plugins.required, ElementsAre("acme"));
  EXPECT_TRUE(org->plugins.allow_user);
  EXPECT_FALSE(org->plugins.locked);
  ASSERT_EQ(org->exceptions.size(), 1U);
  const Exception& exception = org->exceptions[0];
  EXPECT_EQ(exception.id + exception.scope + exception.reason + exception.expires_at,
            "EXC-2291policyone-off migration2027-01-31T00:00:00Z");
  EXPECT_THAT(exception.plugins, ElementsAre("migrator-nightly@hlo-core"));
  EXPECT_THAT(exception.mcp_servers, ElementsAre("x"));
  EXPECT_THAT(*exception.teams, ElementsAre("optics"));
  EXPECT_TRUE(org->stats.enabled);
  EXPECT_EQ(org->stats.user_identity_mode, "clear");
  EXPECT_EQ(org->stats.retention_days, 60);
}

TEST(Org, AbsentIsNotEmptyAndDefaultsAreTheStrictOnes) {
  const auto org = parse_org(json::dump(minimal()), "1.0.0");
  ASSERT_TRUE(org) << org.error().message;
  EXPECT_FALSE(org->defaults.allowed_plugins);
  EXPECT_FALSE(org->defaults.allowed_mcp_servers);
  EXPECT_FALSE(org->defaults.allowed_providers);
  EXPECT_FALSE(org->defaults.network_policy);
  EXPECT_FALSE(org->security.allow_stdio_mcp);
  EXPECT_EQ(org->security.safety_net.action, "block");
  EXPECT_TRUE(org->security.safety_net.fell_back);
  EXPECT_FALSE(org->delegation.allow_standalone);
  EXPECT_FALSE(org->delegation.allow_network_settings);
  EXPECT_FALSE(org->delegation.projects_inherit);
  EXPECT_FALSE(org->plugins.present);
  EXPECT_EQ(org->plugins.mode, "open");
  json::Value document = minimal();
  document["defaults"]["allowed_plugins"] = json::Array{};
  document["plugins"] = json::Object{};
  const auto strict = parse_org(json::dump(document), "1.0.0");
  ASSERT_TRUE(strict);
  EXPECT_TRUE(strict->defaults.allowed_plugins && strict->defaults.allowed_plugins->empty());
  EXPECT_EQ(strict->plugins.mode, "pinned");
  EXPECT_FALSE(strict->plugins.allow_user);
  EXPECT_TRUE(strict->plugins.locked);
}

TEST(OrgVersion, GateComesFirstAndAlone) {
  struct Row {
    const char* edit;
    const char* cli;
    const char* says;
  };
  for (const Row& row : std::initializer_list<Row>{
           {R"({"schema_version":"2.0.0","novel":1,"security":{"blockd":[]}})", "1.0.0", "please upgrade"},
           {R"({"schema_version":"1.2.0","novel":1})", "1.0.0", "please upgrade"},
           {R"({"schema_version":"1.1.0","min_cli_version":"1.6.0","novel":1})", "1.5.9", "please upgrade"},
           {R"({"schema_version":"1.1.0","min_cli_version":"1.6","novel":1})", "1.5.9", "min_cli_version"},
           {R"({"schema_version":"1.1.0","min_cli_version":16,"novel":1})", "1.5.9", "min_cli_version"},
           {R"({"novel":1})", "1.5.9", "schema_version required"},
           {R"({"schema_version":"1.1","novel":1})", "1.5.9", "invalid format"},
           {R"({"schema_version":1.1,"novel":1})", "1.5.9", "invalid format"},
           {R"({"schema_version":"0.9.0","novel":1})", "1.5.9", "unsupported, expected"},
           {R"({"schema_version":"1.1.0","min_cli_version":"1.0.0"})", "unknown", "cannot be compared"}}) {
    const OrgReport report = read_org(row.edit, row.cli);
    EXPECT_FALSE(report.valid());
    EXPECT_FALSE(report.version.compatible);
    EXPECT_THAT(report.version.blocking_error, HasSubstr(row.says));
    EXPECT_TRUE(report.schema.empty() && report.semantic.empty()) << all(report);
    const auto result = parse_org(row.edit, row.cli);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().id, "org.version");
    EXPECT_EQ(result.error().kind, Kind::config);
  }
}

TEST(OrgVersion, ComparesReleasesAndTakesADevelopmentBuildAsItsRelease) {
  json::Value document = minimal();
  document["min_cli_version"] = "1.5.0";
  for (const char* cli : {"1.5.0", "1.5.0-dev", "1.5.0-dev (no package metadata)", "1.10.0", "1.5.0+g1"}) {
    EXPECT_TRUE(read_org(json::dump(document), cli).valid()) << cli;
  }
  for (const char* cli : {"1.4.99", "0.99.0", "1.4.9-rc1"}) {
    EXPECT_FALSE(read_org(json::dump(document), cli).valid()) << cli;
  }
}

TEST(OrgVersion, ExtensionInAnOldDocumentIsAWarning) {
  json::Value document = minimal();
  document["schema_version"] = "1.0.0";
  document["security"]["egress_deny"] = json::Value::strings({"a.example"});
  const OrgReport report = read_org(json::dump(document), "1.0.0");
  ASSERT_TRUE(report.valid()) << all(report);
  EXPECT_THAT(report.warnings(),
              ElementsAre(AllOf(HasSubstr("/security/egress_deny: "), HasSubstr("1.1.0"))));
  EXPECT_THAT(report.org->security.egress_deny, ElementsAre("a.example"));
  EXPECT_FALSE(report.org->at_least_1_1());
}

TEST(OrgShape, NamesSyntaxErrorsAndWrongRoots) {
  const auto broken = parse_org("{\"a\": }", "1.0.0");
  ASSERT_FALSE(broken);
  EXPECT_EQ(broken.error().id, "org.syntax");
  EXPECT_THAT(broken.error().message, HasSubstr("line 1"));
  EXPECT_EQ(parse_org(R"({"a":1,"a":2})", "1.0.0").error().id, "org.syntax");
  EXPECT_EQ(parse_org("[]", "1.0.0").error().id, "org.schema");
  EXPECT_EQ(parse_org("", "1.0.0").error().id, "org.syntax");
  EXPECT_EQ(parse_org(std::string(100, '['), "1.0.0").error().id, "org.syntax");
}

TEST(OrgShape, UnknownKeysAreErrorsWithTheNearestKnownOne) {
  const auto put = [](std::string_view pointer) {
    return [pointer](json::Value& document) {
      json::Value* here = &document;
      std::string_view rest = pointer.substr(1);
      while (true) {
        const std::size_t slash = rest.find('/');
        if (slash == std::string_view::npos) break;
        here = here->is_array()
                   ? &here->array()[static_cast<std::size_t>(std::stoi(std::string(rest.substr(0, slash))))]
                   : &(*here)[rest.substr(0, slash)];
        rest.remove_prefix(slash + 1);
      }
      (*here)[rest] = json::Array{};
    };
  };
  refused(example(), put("/securty"), "/securty: unknown key, did you mean \"security\"?");
  refused(example(), put("/security/blocked_plugin"), "did you mean \"blocked_plugins\"?");
  refused(example(), put("/security/safety_net/rulse"), "/security/safety_net/rulse: unknown key");
  refused(example(), put("/defaults/allowed_plugin"), "did you mean \"allowed_plugins\"?");
  refused(example(), put("/delegation/teams/all"), "/delegation/teams/all: unknown key");
  refused(example(), put("/delegation/users/x"), "unknown key");
  refused(example(), put("/profiles/optics/plugins"), "/profiles/optics/plugins: unknown key");
  refused(example(), put("/profiles/optics/additional_mcp_servers/1/command"),
          "is not a key of type \"http\"");
  refused(example(), put("/profiles/optics/additional_mcp_servers/0/url"), "is not a key of type \"stdio\"");
  refused(example(), put("/profiles/outreach/config_source/materialization_mode"), "unknown key");
  refused(example(), put("/profiles/outreach/trust/x"), "unknown key");
  refused(example(), put("/marketplaces/hlo-mirror/owner"), "is not a key of source \"git\"");
  refused(example(), put("/marketplaces/hlo-mirror/x~1y"), "/marketplaces/hlo-mirror/x~01y: unknown key");
  refused(example(), put("/stats/endpoint"), "/stats/endpoint: unknown key");
  refused(example(), put("/network/enforcer/path"), "unknown key");
  refused(example(), put("/plugins/trust"), "unknown key");
  refused(example(), put("/exceptions/0/scope"), "unknown key");
}

TEST(OrgShape, CollectsEveryProblem) {
  json::Value document = minimal();
  document["organization"]["id"] = "Not OK";
  document["defaults"]["cache_ttl_hours"] = 0;
  document["defaults"]["session"]["timeout_hours"] = true;
  document["defaults"]["network_policy"] = "lockdown";
  document["marketplaces"]["m"]["source"] = "svn";
  const auto result = parse_org(json::dump(document), "1.0.0");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().id, "org.schema");
  EXPECT_EQ(result.error().context.size(), 5U) << testing::PrintToString(result.error().context);
  EXPECT_THAT(result.error().message, HasSubstr("(+2 more)"));
  EXPECT_THAT(result.error().context, Contains(HasSubstr("/defaults/network_policy: must be one of")));
  EXPECT_THAT(result.error().context, Contains("/defaults/session/timeout_hours: must be a whole number"));
  EXPECT_THAT(result.error().context, Contains("/defaults/cache_ttl_hours: must be from 1 to 168"));
}

TEST(OrgShape, ManyProblemsAreCountedAndStillRefuse) {
  json::Value document = minimal();
  json::Value& profiles = document["profiles"];
  for (int i = 0; i < 2000; ++i) profiles["t" + std::to_string(i)]["nonsense"] = 1;
  const OrgReport report = read_org(json::dump(document), "1.0.0");
  EXPECT_FALSE(report.valid());
  ASSERT_EQ(report.schema.size(), 501U);
  EXPECT_EQ(report.schema.back().message, "and 1500 more problems");
  // Warnings have a limit of their own: they can neither hide an error nor become one.
  json::Value old = minimal();
  old["schema_version"] = "1.0.0";
  for (int i = 0; i < 2000; ++i) old["profiles"]["t" + std::to_string(i)]["images"] = json::Object{};
  EXPECT_TRUE(read_org(json::dump(old), "1.0.0").valid());
  old["stats"]["retention_days"] = 0;
  EXPECT_FALSE(read_org(json::dump(old), "1.0.0").valid());
}

TEST(OrgShape, GuardsEachRefuse) {
  struct Row {
    const char* pointer;  // of the parent, in the example
    const char* key;
    const char* value;
    const char* says;
  };
  const std::initializer_list<Row> rows{
      {"/organization", "name", "\"\"", "must not be empty"},
      {"/organization", "id", "\"A b\"", "/organization/id"},
      {"/marketplaces/hlo-core", "owner", "\"-x\"", "/owner"},
      {"/marketplaces/hlo-core", "repo", "\"..\"", "/repo"},
      {"/marketplaces/hlo-core", "branch", "\"--upload-pack=x\"", "/branch"},
      {"/marketplaces/hlo-core", "branch", "\"a..b\"", "/branch"},
      {"/marketplaces/hlo-core", "path", "\"a/../../b\"", "/path"},
      {"/marketplaces/hlo-core", "headers", "{\"A b\": \"x\"}", "a name of a header"},
      {"/marketplaces/hlo-core", "headers", "{\"A\": \"x\\r\\nB: y\"}", "control characters"},
      {"/marketplaces/hlo-mirror", "url", "\"http://git.example/x\"", "/url"},
      {"/marketplaces/hlo-mirror", "url", "\"https://user:pw@git.example/x\"", "/url"},
      {"/marketplaces/hlo-mirror", "url", "\"ext::sh -c x\"", "/url"},
      {"/marketplaces/hlo-disk", "path", "\"../x\"", "/path"},
      {"/marketplaces/hlo-pack", "url", "\"https://a\\\\b/\"", "/url"},
      {"/marketplaces", "a/b", "{\"source\":\"directory\",\"path\":\"/x\"}",
       "/marketplaces/a~1b: the name must be"},
      {"/marketplaces", "..", "{\"source\":\"directory\",\"path\":\"/x\"}", "the name must be"},
      {"/marketplaces", "\xC3\xA9", "{\"source\":\"directory\",\"path\":\"/x\"}", "the name must be"},
      {"/profiles", "a b", "{}", "the name must be"},
      {"/profiles", "../x", "{}", "the name must be"},
      {"/security", "blocked_plugins", "[\"\"]", "/security/blocked_plugins/0"},
      {"/security", "blocked_plugins", "[\"\\u0435vil*\"]", "printable ASCII"},
      {"/security", "blocked_plugins", "\"evil*\"", "must be an array"},
      {"/security", "allow_stdio_mcp", "\"true\"", "must be true or false"},
      {"/security", "allowed_stdio_prefixes", "[\"opt/tools\"]", "absolute path"},
      {"/security", "allowed_stdio_prefixes", "[\"/opt/../etc\"]", "absolute path"},
      {"/security", "egress_deny", "[\"*\"]", "/security/egress_deny/0"},
      {"/security/safety_net", "action", "\"nope\"", "must be one of \"block\", \"warn\", \"allow\""},
      {"/security/safety_net", "block_clean", "\"yes\"", "must be true or false"},
      {"/network/enforcer", "sha256", "\"abc\"", "64 lower-case hex digits"},
      {"/network/enforced", "transport", "\"tls\"", "internal"},
      {"/network/enforced", "network", "\"host\"", "network of the engine"},
      {"/network/enforced", "dns", "[\"one.one.one.one\"]", "IPv4 or IPv6"},
      {"/network/enforced", "internal_blocks", "[\"10.0.0.0\"]", "CIDR"},
      {"/network/destination_sets", "Up", "{\"destinations\":[\"a.example\"]}", "the name must be"},
      {"/network/destination_sets/skydata", "destinations", "[]", "at least 1"},
      {"/defaults", "network_policy", "\"corp-proxy\"", "must be one of"},
      {"/defaults", "cache_ttl_hours", "169", "from 1 to 168"},
      {"/defaults", "cache_ttl_hours", "1.5", "a whole number"},
      {"/defaults", "allowed_plugins", "null", "must be an array"},
      {"/defaults/session", "timeout_hours", "25", "from 1 to 24"},
      {"/defaults/dev_environment/commands/lint", "argv", "[]", "at least 1"},
      {"/defaults/dev_environment/commands/lint", "argv", "[\"\"]", "must not be empty"},
      {"/defaults/dev_environment/commands/lint", "argv", "[\"a\\u0000b\"]", "NUL"},
      {"/defaults/dev_environment/commands/lint", "working_directory", "\"/etc\"", "relative path"},
      {"/defaults/dev_environment/commands/lint", "working_directory", "\"a/../..\"", "relative path"},
      {"/defaults/dev_environment/commands/lint", "timeout_seconds", "3601", "from 1 to 3600"},
      {"/profiles/optics", "network_policy", "\"lockdown\"", "must be one of"},
      {"/profiles/outreach", "config_source", "{\"source\":\"directory\",\"path\":\"/x\"}", "must be one of"},
      {"/profiles/outreach/config_source", "path", "\"../x\"", "/config_source/path"},
      {"/profiles/optics/additional_mcp_servers/1", "url", "\"http://mcp.example/\"", "https:// URL"},
      {"/profiles/optics/additional_mcp_servers/1", "url", "\"https://x@mcp.example/\"", "https:// URL"},
      {"/profiles/optics/additional_mcp_servers/1", "url", "\"javascript:x\"", "https:// URL"},
      {"/profiles/optics/additional_mcp_servers/1", "name", "\"a b\"", "/name"},
      {"/profiles/optics/additional_mcp_servers/1", "type", "\"websocket\"",
       "must be one of \"sse\", \"http\", \"stdio\""},
      {"/profiles/optics/additional_mcp_servers/0", "env", "{\"A=B\":\"x\"}", "the name of a variable"},
      {"/profiles/optics/additional_mcp_servers/0", "command", "\"/opt/m\\u00fcl\"", "printable ASCII"},
      {"/governed_artifacts/artifacts/obs-review", "source_url", "\"file:///etc\"", "/source_url"},
      {"/governed_artifacts/artifacts/obs-review", "source_path", "\"../x\"", "/source_path"},
      {"/governed_artifacts/artifacts/obs-review", "install_intent", "\"forced\"", "must be one of"},
      {"/governed_artifacts/bundles", "b", "{}", "lacks \"artifacts\""},
      {"/plugins", "mode", "\"lax\"", "must be one of"},
      {"/plugins/allow/0", "version", "\"^1\"", "version range"},
      {"/plugins/allow/0", "sha256", "[\"ABC\"]", "SHA-256"},
      {"/exceptions/0", "expires_at", "\"soon\"", "RFC 3339"},
      {"/exceptions/0", "reason", "\"\"", "must not be empty"},
      {"/stats", "retention_days", "366", "from 1 to 365"},
  };
  for (const Row& row : rows) {
    json::Value document = example();
    ASSERT_TRUE(read_org(json::dump(document), "1.0.0").valid());
    auto* parent = const_cast<json::Value*>(document.at(row.pointer));
    ASSERT_NE(parent, nullptr) << row.pointer;
    (*parent)[row.key] = parsed(row.value);
    const OrgReport report = read_org(json::dump(document), "1.0.0");
    EXPECT_FALSE(report.valid()) << row.pointer << " " << row.key << " " << row.value;
    EXPECT_THAT(all(report), HasSubstr(row.says)) << row.pointer << " " << row.key << " " << row.value;
  }
}

TEST(OrgShape, RequiredKeysAreMissed) {
  struct Row {
    const char* pointer;
    const char* key;
  };
  for (const Row& row : std::initializer_list<Row>{{"", "organization"},
                                                   {"/organization", "name"},
                                                   {"/organization", "id"},
                                                   {"/marketplaces/hlo-core", "source"},
                                                   {"/marketplaces/hlo-core", "owner"},
                                                   {"/marketplaces/hlo-mirror", "url"},
                                                   {"/profiles/optics/additional_mcp_servers/0", "command"},
                                                   {"/profiles/optics/additional_mcp_servers/0", "type"},
                                                   {"/profiles/optics/additional_mcp_servers/1", "url"},
                                                   {"/profiles/optics/additional_mcp_servers/1", "name"},
                                                   {"/network/enforcer", "sha256"},
                                                   {"/network/destination_sets/packages", "destinations"},
                                                   {"/exceptions/0", "expires_at"},
                                                   {"/exceptions/0", "allow"},
                                                   {"/plugins/allow/0", "id"},
                                                   {"/governed_artifacts/artifacts/obs-review", "kind"}}) {
    json::Value document = example();
    auto* parent = const_cast<json::Value*>(document.at(row.pointer));
    ASSERT_NE(parent, nullptr);
    ASSERT_EQ(parent->object().erase(row.key), 1U) << row.pointer << row.key;
    const OrgReport report = read_org(json::dump(document), "1.0.0");
    EXPECT_FALSE(report.valid());
    EXPECT_THAT(all(report), HasSubstr("lacks \"" + std::string(row.key) + "\"")) << row.pointer;
  }
}

TEST(OrgShape, SecretsAreNeverRepeated) {
  json::Value document = example();
  auto* server = const_cast<json::Value*>(document.at("/profiles/optics/additional_mcp_servers/1"));
  (*server)["headers"]["Authorization"] = "Bearer s3cr3t\n";
  (*server)["url"] = "https://me:s3cr3t@mcp.example/";
  auto* market = const_cast<json::Value*>(document.at("/marketplaces/hlo-core"));
  (*market)["headers"] = "s3cr3t";
  (*market)["branch"] = "-s3cr3t";
  auto* stdio = const_cast<json::Value*>(document.at("/profiles/optics/additional_mcp_servers/0"));
  (*stdio)["env"]["KEY"] = json::Value::strings({"s3cr3t"});
  (*stdio)["type"] = "s3cr3t";
  const OrgReport report = read_org(json::dump(document), "1.0.0");
  EXPECT_FALSE(report.valid());
  EXPECT_GE(report.schema.size(), 5U);
  EXPECT_THAT(all(report), testing::Not(HasSubstr("s3cr3t")));
}

TEST(OrgShape, SafetyNetFallsBackToBlock) {
  Strings warnings;
  const json::Value broken = parsed(R"({"action":"nope","block_clean":false})");
  const SafetyNet net = read_safety_net(&broken, &warnings);
  EXPECT_TRUE(net.fell_back);
  EXPECT_EQ(net.action, "block");
  EXPECT_TRUE(net.rules.at("block_clean"));
  EXPECT_EQ(warnings.size(), 1U);
  const json::Value wrong("warn");
  EXPECT_EQ(read_safety_net(&wrong, &warnings).action, "block");
  EXPECT_EQ(warnings.size(), 2U);
  EXPECT_TRUE(read_safety_net(nullptr, &warnings).fell_back);
  EXPECT_EQ(warnings.size(), 2U);
}

}  // namespace
}  // namespace scc::model
