// SPDX-License-Identifier: Apache-2.0
// `scc egress` on a machine with an organisation, without an engine: the same rules as a launch.
#include "app/egress.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "unit/plugin/plugin_fixture.h"

namespace scc::app {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr const char* kOrg = R"({"schema_version":"1.1.0",
  "organization":{"name":"Acme","id":"acme","contact":"platform@acme.example"},
  "security":{"egress_deny":["paste.example.com"]},
  "defaults":{"network_policy":"web-egress-enforced","egress":{"allow":[".docs.example.com"]}},
  "delegation":{"teams":{"allow_egress":["web"]}},
  "profiles":{"web":{"description":"Web","egress":{"allow":["api.example.com:8443"]}},"ops":{"description":"Ops"}}})";

class EgressTest : public test::PluginFixture {
 protected:
  void SetUp() override {
    test::PluginFixture::SetUp();
    write_org(kOrg);
  }
  void write_private(const std::filesystem::path& file, const std::string& text) {
    test::write(file, text);
    std::filesystem::permissions(file.parent_path(), std::filesystem::perms(0700));
    std::filesystem::permissions(file, std::filesystem::perms(0600));
  }
  void write_org(const std::string& text) {
    const auto org = paths_.config / "org.json";
    write_private(org, text);
    write_private(paths_.config / "config.json",
                  R"({"organization_source":{"path":")" + org.native() + "\"}}");
  }
  Result<EgressAnswer> ask(const std::string& text, const std::string& team = "web") {
    Host host(env_, options_);
    ExplainRequest request;
    request.team = team;
    return explain_egress(host, request, text);
  }
  EgressAnswer answer(const std::string& text, const std::string& team = "web") {
    auto out = ask(text, team);
    EXPECT_TRUE(out) << (out ? "" : out.error().id + ": " + out.error().message);
    return out.value_or(EgressAnswer{});
  }
  static std::vector<std::string> pointers(const std::vector<policy::Change>& changes) {
    std::vector<std::string> out;
    for (const policy::Change& change : changes)
      out.push_back(change.layer + " " + change.pointer + " " + change.value);
    return out;
  }
};

TEST_F(EgressTest, ExplainsByTheRulesOfALaunch) {
  EXPECT_EQ(answer("x.docs.example.com").decision.rule, "org/allow/.docs.example.com");
  EXPECT_EQ(answer("https://DOCS.example.com/path?q").decision.rule, "org/allow/docs.example.com");
  EXPECT_EQ(answer("api.example.com:8443").decision.layer, "team");
  EXPECT_EQ(answer("api.example.com").decision.reason, "host-port");
  EXPECT_EQ(answer("docs.example.com:80").decision.reason, "port");
  EXPECT_EQ(answer("127.0.0.1").decision.reason, "literal");
  EXPECT_EQ(answer("[::1]:443").decision.reason, "literal");
  EXPECT_EQ(answer("b\xc3\xbc"
                   "cher.example")
                .host,
            "xn--bcher-kva.example");
  EXPECT_EQ(answer("paste.example.com").decision.owner, "org.security /security/egress_deny/0");
  for (const char* text : {"", ":443", "a.example.com:0", "a.example.com:x", "ftp://a.example.com/"}) {
    const auto out = ask(text);
    EXPECT_EQ(out ? "" : out.error().id, "egress.question") << text;
  }
}

TEST_F(EgressTest, SuggestsWhatTheTeamMayDoAndSaysWhatItMayNot) {
  EgressAnswer out = answer("new.example.com");
  EXPECT_THAT(pointers(out.changes), ElementsAre("org /profiles/web/egress/allow/- new.example.com"));
  EXPECT_THAT(pointers(out.organisation), ElementsAre("org /defaults/egress/allow/- new.example.com"));
  // A team that the organisation does not trust with egress can do nothing by itself.
  out = answer("new.example.com", "ops");
  EXPECT_THAT(pointers(out.changes), ElementsAre());
  EXPECT_THAT(pointers(out.organisation), ElementsAre("org /defaults/egress/allow/- new.example.com"));
  // What the organisation denies stays denied whatever a team adds.
  out = answer("paste.example.com");
  EXPECT_THAT(out.changes, ElementsAre());
  for (const char* text : {"127.0.0.1", "localhost", "a_b.example.com", "com"}) {
    out = answer(text);
    EXPECT_FALSE(out.decision.allow) << text;
    EXPECT_THAT(pointers(out.changes), ElementsAre()) << text;
    EXPECT_THAT(pointers(out.organisation), ElementsAre()) << text;
  }
}

TEST_F(EgressTest, OtherPoliciesHaveNoRules) {
  write_org(R"({"schema_version":"1.1.0","organization":{"name":"Acme","id":"acme"},
    "defaults":{"network_policy":"locked-down-web"},"profiles":{"web":{"description":"Web"}}})");
  EXPECT_EQ(answer("a.example.com").decision.reason, "locked-down");
  EXPECT_FALSE(answer("a.example.com").decision.allow);
  write_org(R"({"schema_version":"1.1.0","organization":{"name":"Acme","id":"acme"},
    "defaults":{"network_policy":"open"},"profiles":{"web":{"description":"Web"}}})");
  EXPECT_EQ(answer("a.example.com").decision.reason, "open");
}

TEST_F(EgressTest, SuggestsFromTheRecord) {
  Host host(env_, options_);
  const auto none = egress_session(host, "");
  EXPECT_EQ(none ? "" : none.error().id, "egress.none");
  {
    auto recorder = egress::Recorder::open(paths_, "s1");
    ASSERT_TRUE(recorder);
    const auto decide = [&](const std::string& name, const std::string& verdict) {
      ASSERT_TRUE(recorder->append(R"({"t":1,"method":"CONNECT","host":")" + name +
                                   R"(","port":"443","status":403,"verdict":")" + verdict +
                                   R"(","rule":"builtin/not-listed"})"));
    };
    decide("once.example.com", "deny");
    for (int i = 0; i < 3; ++i) decide("often.example.com", "deny");
    decide("x.docs.example.com", "deny");
    decide("fine.example.com", "allow");
    decide("%5B::1%5D", "deny");
  }
  ASSERT_EQ(egress_session(host, "").value_or(""), "s1");
  ExplainRequest request;
  request.team = "web";
  auto list = suggest_egress(host, request, "s1");
  ASSERT_TRUE(list) << list.error().message;
  ASSERT_EQ(list->size(), 3U);
  EXPECT_EQ((*list)[0].answer.host, "often.example.com");
  EXPECT_EQ((*list)[0].count, 3);
  EXPECT_THAT(pointers((*list)[0].answer.changes),
              ElementsAre("org /profiles/web/egress/allow/- often.example.com"));
  EXPECT_EQ((*list)[1].answer.host, "once.example.com");
  EXPECT_TRUE((*list)[2].answer.decision.allow) << "allowed by now";
  // From a record that was changed nothing is suggested.
  const auto file = egress::record_file(paths_, "s1");
  std::ifstream in(file);
  std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  text.replace(text.find("once"), 4, "evil");
  write_private(file, text);
  list = suggest_egress(host, request, "s1");
  ASSERT_FALSE(list);
  EXPECT_EQ(list.error().id, "egress.chain");
  EXPECT_THAT(list.error().message, HasSubstr("line 1"));
}

TEST_F(EgressTest, ALaunchRestsOnSetsThatSomebodyDefines) {
  json::Value manifest = test::sample_manifest("plugin-agent", std::string(64, '0'));
  json::Value& component = manifest["components"].array().front();
  component["id"] = "agent";
  component["capabilities"]["destination_set"]["name"] = "acme-core";
  install(plugins_, manifest, "");
  Host host(env_, options_);
  Governance governance;
  governance.effective.network_policy = model::NetworkPolicy::web_egress_enforced;
  governance.effective.egress.destination_sets = {"git"};
  const auto refusal = [&](const std::vector<std::string>& sets) {
    json::Value spec;
    spec["destination_sets"] = json::Value::strings(sets);
    const auto out = check_destination_sets(host, governance, "agent", spec);
    return out ? "" : out.error().id;
  };
  EXPECT_EQ(refusal({}), "");
  EXPECT_EQ(refusal({"acme-core", "git"}), "");
  EXPECT_EQ(refusal({"acme-core", "everything"}), "egress.unknown-set");
  governance.effective.network_policy = model::NetworkPolicy::open;
  EXPECT_EQ(refusal({"everything"}), "");
}

}  // namespace
}  // namespace scc::app
