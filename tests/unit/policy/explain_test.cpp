// SPDX-License-Identifier: Apache-2.0
// The document of `config explain`: complete, stable, without secrets, and claiming no more than the backend
// does.
#include "policy/explain.h"

#include <gmock/gmock.h>

#include "unit/policy/fixture.h"

namespace scc::policy {
namespace {

using namespace testing;
using ::testing::HasSubstr;
using ::testing::Not;

struct Explained {
  model::Org org = base_org();
  Layers layers;
  Backend backend;

  json::Value data() {
    layers.org = &org;
    layers.team = "web";
    layers.now = kNow;
    const auto effective = computed(layers);
    return explain(
        {layers, effective, backend, {{"org", "https://x.example/o", "ab", "", false}}, {"read"}, {}, {}});
  }
};

const json::Value* surface(const json::Value& data, const std::string& name) {
  for (const json::Value& one : data.at("/enforcement")->items()) {
    if (one.str("/surface") == name) return &one;
  }
  return nullptr;
}

TEST(Explain, EqualInputsGiveEqualBytes) {
  Explained one;
  one.org.profiles["web"].additional_plugins = {"evil1@core", "lint@core"};
  one.layers.project.emplace().additional_plugins = {"x@core"};
  const std::string first = json::dump(one.data());
  EXPECT_EQ(first, json::dump(one.data()));
  EXPECT_THAT(first, HasSubstr("evil1@core"));
  // The time of day is not in it: a second later nothing differs.
  one.layers.now = kNow;
  const auto effective = computed(one.layers);
  Layers later = one.layers;
  later.now += 1;
  const auto after = computed(later);
  EXPECT_EQ(json::dump(explain({one.layers, effective, {}, {}, {}, {}, {}})),
            json::dump(explain({later, after, {}, {}, {}, {}, {}})));
}

TEST(Explain, SecretsAreMasked) {
  Explained one;
  auto server = http_server("docs", "https://docs.example/x?key=s3cret#s3cret");
  server.headers = {{"Authorization", "Bearer ${DOCS_TOKEN}"}, {"X-Key", "s3cret"}, {"X-Both", "s3cret${A}"}};
  server.env = {{"TOKEN", "s3cret"}};
  one.org.profiles["web"].additional_mcp_servers = {server};
  const std::string text = json::dump(one.data());
  EXPECT_THAT(text, Not(HasSubstr("s3cret")));
  EXPECT_THAT(text, HasSubstr("Bearer ${DOCS_TOKEN}"));
  EXPECT_THAT(text, HasSubstr("X-Key"));
  EXPECT_THAT(json::dump(to_json(computed(one.layers))), HasSubstr("X-Key"));
  EXPECT_EQ(masked("Bearer ${A}"), "Bearer ${A}");
  EXPECT_EQ(masked("${A}${B}"), "***");
  EXPECT_EQ(masked("${A-secret}"), "***");
  EXPECT_EQ(masked("${}"), "***");
  EXPECT_EQ(masked(""), "***");
}

TEST(Explain, NothingIsCalledEnforcedThatIsNot) {
  Explained one;
  const json::Value none = one.data();
  for (const json::Value& row : none.at("/enforcement")->items()) {
    const bool own = row.str("/surface") == "images";  // the host asks that itself
    EXPECT_EQ(row.str("/status") == "enforced", own) << row.str("/surface");
  }
  one.backend = {"p", true, true, true, true, true, true, true, true};
  const json::Value data = one.data();
  for (const char* name :
       {"plugins", "mcp_servers", "mcp_servers.repository", "network_policy", "safety_net"}) {
    EXPECT_EQ(surface(data, name)->str("/status"), "enforced") << name;
  }
  EXPECT_EQ(surface(data, "session.auto_resume")->str("/status"), "advisory");
  one.org.defaults.network_policy = model::NetworkPolicy::open;
  EXPECT_EQ(surface(one.data(), "network_policy")->str("/status"), "not applicable");
}

TEST(Explain, EachRefusalHasItsSmallestChange) {
  Explained one;
  one.org.profiles["web"].additional_plugins = {"evil1@core"};
  one.org.profiles["web"].allow_project_overrides = false;
  one.layers.project.emplace().additional_plugins = {"fmt@core"};
  const json::Value data = one.data();
  EXPECT_EQ(data.str("/blocked_items/0/changes/0/pointer"), "/exceptions/-");
  EXPECT_EQ(data.str("/blocked_items/0/changes/0/who"), "organisation owners (platform@acme.example)");
  EXPECT_FALSE(data.has("/blocked_items/0/changes/0/value"));
  EXPECT_THAT(data.str("/denied_additions/0/changes/0/text"), HasSubstr("scc unblock fmt@core"));
  EXPECT_EQ(data.str("/denied_additions/0/changes/0/who"), "you");
}

TEST(Explain, SaysWhereNothingWasSet) {
  Explained one;
  one.org.defaults.network_policy.reset();
  one.org.defaults.session = {};
  const json::Value data = one.data();
  EXPECT_TRUE(data.at("/effective/network_policy")->is_null());
  EXPECT_THAT(json::dump(*data.at("/warnings")), HasSubstr("sets no network policy"));
  bool found = false;
  for (const ExplainRow& row : explain_rows(data)) {
    found = found || (row.item == "network policy" && row.value == "open (no policy set)");
  }
  EXPECT_TRUE(found);
}

TEST(Explain, FieldsFilterAndUnknownOnesAreNamed) {
  Explained one;
  one.org.profiles["web"].additional_plugins = {"evil1@core", "lint@core"};
  const json::Value data = one.data();
  for (const std::string& field : explain_fields()) {
    const auto part = explain_field(data, field);
    ASSERT_TRUE(part) << field;
    EXPECT_EQ(part->str("/field"), field);
    EXPECT_LE(json::dump(*part).size(), json::dump(data).size());
  }
  const auto plugins = explain_field(data, "plugins");
  EXPECT_EQ(plugins->at("/decisions")->items().size(), 2U);
  EXPECT_EQ(plugins->at("/blocked_items")->items().size(), 1U);
  EXPECT_FALSE(plugins->has("/effective/network_policy"));
  EXPECT_EQ(explain_field(data, "blocked_items")->str("/field"), "blocked");
  EXPECT_EQ(explain_field(data, "network_policy")->at("/decisions")->items().size(), 1U);
  const auto unknown = explain_field(data, "plugin");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().kind, Kind::usage);
  EXPECT_THAT(unknown.error().message, HasSubstr("did you mean plugins"));
  EXPECT_THAT(unknown.error().hint, HasSubstr("enforcement"));
}

TEST(Explain, RowsCoverTheWholeDocument) {
  Explained one;
  one.org.profiles["web"].additional_plugins = {"evil1@core"};
  one.org.profiles["web"].session.timeout_hours = 12;
  one.org.profiles["ops"].network_policy = model::NetworkPolicy::open;
  one.layers.user_exceptions = {exception("local-1", {"lint@core"})};
  std::map<std::string, int> sections;
  std::string last;
  for (const ExplainRow& row : explain_rows(one.data())) {
    if (row.section != last) ++sections[row.section];
    last = row.section;
  }
  for (const char* name :
       {"Values", "Plugins", "Blocked", "Ignored", "Exceptions", "Enforcement", "Layers", "Warnings"}) {
    EXPECT_EQ(sections[name], 1) << name;
  }
}

TEST(Explain, TimesAreRelative) {
  const auto in = [](std::int64_t seconds) { return remaining(model::format_time(kNow + seconds), kNow); };
  EXPECT_EQ(in(26 * 3600), "1d2h");
  EXPECT_EQ(in(24 * 3600), "1d");
  EXPECT_EQ(in(7 * 3600 + 45 * 60), "7h45m");
  EXPECT_EQ(in(3 * 3600), "3h");
  EXPECT_EQ(in(30 * 60), "30m");
  EXPECT_EQ(in(1), "1m");
  EXPECT_EQ(in(0), "expired");
  EXPECT_EQ(remaining("soon", kNow), "expired");
}

TEST(Explain, StandaloneExplainsWhatThereIs) {
  Layers layers;
  layers.now = kNow;
  layers.project.emplace().additional_plugins = {"a@b"};
  const auto effective = computed(layers);
  const json::Value data = explain({layers, effective, {}, {}, {}, {}, {}});
  EXPECT_EQ(data.str("/organization/name"), "Unknown");
  EXPECT_TRUE(data.flag("/standalone"));
  EXPECT_EQ(data.strings_at("/effective/plugins"), model::Strings{"a@b"});
}

}  // namespace
}  // namespace scc::policy
