// SPDX-License-Identifier: Apache-2.0
// Every template is valid, without a warning, whatever names are put in.
#include "model/templates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "model/parse.h"

namespace scc::model {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

TEST(Templates, AreTheNamedOnes) {
  EXPECT_THAT(org_template_names(), ElementsAre("minimal", "reference", "strict", "teams"));
  for (const std::string& name : org_template_names())
    EXPECT_FALSE(org_template_summary(name).empty()) << name;
  const auto none = org_template("huge", {"N", "", "", {}});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().kind, Kind::usage);
  EXPECT_THAT(none.error().hint, HasSubstr("minimal, reference"));
}

TEST(Templates, ValidateWithAnyName) {
  const std::initializer_list<TemplateValues> rows{
      {"Harrow Lake Observatory", "", "", {"acme", "globex"}},
      {"A \"quoted\" \\ name\n{{ORG_ID}} \xC3\xA9", "x", "corp.example.org", {}},
      {"\xE6\x97\xA5\xE6\x9C\xAC", "", "", {"acme"}},
      {std::string(300, 'n'), "", "", {}},
  };
  for (const std::string& name : org_template_names()) {
    for (const TemplateValues& values : rows) {
      const auto text = org_template(name, values);
      ASSERT_TRUE(text) << name << ": " << text.error().message;
      Strings warnings;
      const auto org = parse_org(*text, "0.1.0", &warnings);
      ASSERT_TRUE(org) << name << ": " << org.error().message << "\n" << *text;
      EXPECT_THAT(warnings, IsEmpty()) << name;
      EXPECT_EQ(org->organization.name, values.name);
      const bool enforced = name == "strict" || name == "reference";
      EXPECT_EQ(org->defaults.network_policy,
                enforced ? NetworkPolicy::web_egress_enforced : NetworkPolicy::open)
          << name;
      EXPECT_FALSE(org->delegation.allow_standalone) << name;
      EXPECT_EQ(org->defaults.allowed_providers.value_or(Strings{}), values.providers) << name;
      EXPECT_EQ(org->defaults.allowed_providers.has_value(), !values.providers.empty()) << name;
      if (values.name.find("{{") != std::string::npos) continue;
      EXPECT_THAT(*text, Not(HasSubstr("{{"))) << name;
    }
  }
}

TEST(Templates, StrictAllowsNothingMore) {
  const auto org = parse_org(*org_template("strict", {"N", "", "", {"acme"}}), "0.1.0");
  ASSERT_TRUE(org);
  EXPECT_TRUE(org->defaults.allowed_plugins && org->defaults.allowed_plugins->empty());
  EXPECT_TRUE(org->defaults.allowed_mcp_servers && org->defaults.allowed_mcp_servers->empty());
  EXPECT_FALSE(org->delegation.local_overrides || org->delegation.personal_profiles);
  EXPECT_FALSE(org->plugins.allow_user);
}

TEST(Templates, RefuseValuesThatCannotBeUsed) {
  for (const TemplateValues& values : std::initializer_list<TemplateValues>{{"", "x", "", {}},
                                                                            {" ", "x", "", {}},
                                                                            {"N", "Not OK", "", {}},
                                                                            {"N", "n", "no domain", {}},
                                                                            {"N", "n", "a\"b", {}},
                                                                            {"N\xFF", "n", "", {}},
                                                                            {"N", "n", "", {"a\"b"}}}) {
    const auto text = org_template("minimal", values);
    ASSERT_FALSE(text);
    EXPECT_EQ(text.error().id, "org.template-values");
  }
  EXPECT_EQ(org_id("  Harrow  Lake, Inc. "), "harrow-lake-inc");
  EXPECT_EQ(org_id("\xE6\x97\xA5"), "organisation");
}

}  // namespace
}  // namespace scc::model
