// SPDX-License-Identifier: Apache-2.0
// Holds the published JSON Schema and the reader together, in both directions: the file says exactly what the
// reader's tables say, and both give the same verdict on thousands of mutations of a document that uses every
// key. SCC_WRITE_ORG_SCHEMA=core/model/org_schema.json writes the file anew after the tables changed.
#include "json/schema.h"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "model/parse.h"
#include "model/shapes.h"
#include "unit/model/example.h"
#include "unit/model/shape_schema.h"

namespace scc::model {
namespace {

json::Value example() {
  return *json::parse(testing_data::kExample);
}

json::Value expected_schema() {
  return testing_data::SchemaOf().document(kOrgShape,
                                           "The organisation's document of scc, schema 1.0.0 and 1.1.0");
}

TEST(OrgSchema, SaysWhatTheReaderKnows) {
  const json::Value expected = expected_schema();
  if (const char* path = std::getenv("SCC_WRITE_ORG_SCHEMA"))
    std::ofstream(path) << json::pretty(expected) << "\n";
  const auto published = json::parse(org_schema());
  ASSERT_TRUE(published) << published.error().message;
  EXPECT_EQ(*published, expected) << "the reader's tables changed: see the head of this file";
}

/// The example in pieces, each a document of its own: what is checked is small, so that much can be checked.
json::Array seeds() {
  const json::Value whole = example();
  json::Array out;
  const auto seed = [&](const std::string& key, const json::Value& value) {
    json::Value document;
    for (const char* name : {"schema_version", "organization"})
      document[name] = *whole.at("/" + std::string(name));
    document[key] = value;
    out.push_back(std::move(document));
  };
  for (const auto& [key, value] : whole.members()) {
    if (key != "profiles" && key != "marketplaces" && key != "governed_artifacts") {
      seed(key, value);
      continue;
    }
    for (const auto& [name, entry] : value.members()) seed(key, json::Object{{name, entry}});
  }
  return out;
}

/// All pointers of a document, parents before children.
void pointers(const json::Value& value, const std::string& at, Strings& out) {
  out.push_back(at);
  for (const auto& [key, member] : value.members()) pointers(member, at + "/" + pointer_token(key), out);
  for (std::size_t i = 0; i < value.items().size(); ++i)
    pointers(value.items()[i], at + "/" + std::to_string(i), out);
}

json::Value* at(json::Value& document, const std::string& pointer) {
  return const_cast<json::Value*>(document.at(pointer));
}

/// Agreement of the shape check and the published schema on one document.
class Agreement {
 public:
  Agreement() : schema_(*json::Schema::compile(*json::parse(org_schema()))) {}

  void judge(const json::Value& document, const std::string& what) {
    bool valid = true;
    std::string first;
    for (const Finding& finding : check(kOrgShape, document)) {
      if (finding.cause != Cause::shape) continue;
      valid = false;
      first = to_string(finding.problem);
    }
    const Status other = schema_.check(document);
    EXPECT_EQ(valid, other.has_value()) << what << "\nreader: " << (valid ? "valid" : first)
                                        << "\nschema: " << (other ? "valid" : other.error().message);
    ++(valid ? valid_ : invalid_);
  }
  std::size_t valid_ = 0;
  std::size_t invalid_ = 0;

 private:
  json::Schema schema_;
};

json::Array palette() {
  json::Array out;
  for (const char* text : {"null",
                           "true",
                           "0",
                           "1",
                           "24",
                           "25",
                           "168",
                           "169",
                           "365",
                           "366",
                           "3600",
                           "3601",
                           "-1",
                           "1.5",
                           "1e30",
                           "\"\"",
                           "\"x\"",
                           "\"X y\"",
                           "\"a.b_c-d\"",
                           "\".a\"",
                           "\"1.2.3\"",
                           "\"/abs\"",
                           "\"https://h.example/\"",
                           "\"http://h.example/\"",
                           "\"git@h:p\"",
                           "\"open\"",
                           "\"block\"",
                           "\"stdio\"",
                           "\"github\"",
                           "\"\\u00e9\"",
                           "\"tab\\there\"",
                           "[]",
                           "{}",
                           "[\"x\"]",
                           "[\"\"]",
                           "[1]",
                           "[[]]",
                           "[{}]",
                           "{\"x\":1}",
                           "{\"x\":\"y\"}",
                           "{\"X Y\":\"y\"}",
                           "{\"x\":{}}"}) {
    out.push_back(*json::parse(std::string("[") + text + "]"));
    out.back() = json::Value(out.back().items().front());
  }
  out.emplace_back(std::string(64, 'a'));
  out.emplace_back(std::string(65, 'a'));
  return out;
}

TEST(OrgSchema, AgreesWithTheReaderOnEveryReplacedValue) {
  Agreement agreement;
  agreement.judge(example(), "the example");
  ASSERT_EQ(agreement.valid_, 1U);
  const json::Array values = palette();
  for (json::Value document : seeds()) {
    Strings all;
    pointers(document, "", all);
    for (const std::string& pointer : all) {
      json::Value* place = at(document, pointer);
      const json::Value before = *place;
      for (const json::Value& value : values) {
        *place = value;
        agreement.judge(document, pointer + " = " + json::dump(value));
        if (HasFailure()) return;
      }
      *place = before;
    }
  }
  EXPECT_GT(agreement.valid_, 500U);
  EXPECT_GT(agreement.invalid_, 5000U);
}

TEST(OrgSchema, AgreesWithTheReaderOnKeysRemovedAndAdded) {
  Agreement agreement;
  const Strings keys{"",
                     "x",
                     "A.b",
                     "X y",
                     "\xC3\xA9",
                     "url",
                     "command",
                     "source",
                     "members",
                     "only",
                     "materialization_mode",
                     "egress",
                     "rules",
                     "endpoint",
                     "teams",
                     "plugins",
                     "sha256"};
  for (json::Value document : seeds()) {
    Strings all;
    pointers(document, "", all);
    for (const std::string& pointer : all) {
      json::Value* place = at(document, pointer);
      if (!place->is_object()) continue;
      const json::Object before = place->members();
      for (const auto& [key, member] : before) {
        place->object().erase(key);
        agreement.judge(document, pointer + " without " + key);
        *place = before;
      }
      for (const std::string& key : keys) {
        if (before.count(key) != 0) continue;
        (*place)[key] = "x";
        agreement.judge(document, pointer + " with " + key);
        *place = before;
      }
      if (HasFailure()) return;
    }
  }
  EXPECT_GT(agreement.valid_, 100U);
  EXPECT_GT(agreement.invalid_, 1000U);
}

TEST(OrgSchema, PatternsAreTheLanguagesOfTheHandWrittenMatchers) {
  // Every text of up to three characters of an alphabet that all patterns tell apart, and lengths at the
  // edges.
  struct Row {
    const char* pointer;
    bool key;
  };
  const Strings alphabet{"a", "Z", "0", ".",  "_",    "-",        ":", "/",
                         "@", " ", "~", "\t", "\x7F", "\xC3\xA9", "*"};
  Strings texts{""};
  for (std::size_t begin = 0, length = 0; length < 2; ++length) {
    const std::size_t end = texts.size();
    for (; begin < end; ++begin) {
      for (const std::string& letter : alphabet) texts.push_back(texts[begin] + letter);
    }
  }
  for (const std::size_t size : {62U, 63U, 64U, 65U}) texts.push_back(std::string(size, 'a'));
  texts.insert(texts.end(), {"a-b", "a--b", "1.2.3", "1.2.3.4", "01.2.3", "1.2.3-x", "a_B", "__", "https://",
                             "git@", "http://a"});
  Agreement agreement;
  for (const Row& row :
       std::initializer_list<Row>{{"/organization/id", false},
                                  {"/min_cli_version", false},
                                  {"/marketplaces/hlo-core/owner", false},
                                  {"/marketplaces/hlo-core/repo", false},
                                  {"/marketplaces/hlo-mirror/url", false},
                                  {"/marketplaces", true},
                                  {"/security/blocked_plugins/0", false},
                                  {"/security/allowed_stdio_prefixes/0", false},
                                  {"/network/destination_sets", true},
                                  {"/network/enforcer/sha256", false},
                                  {"/defaults/allowed_providers/0", false},
                                  {"/defaults/images/acme", false},
                                  {"/defaults/dev_environment/logs", true},
                                  {"/profiles/optics/additional_mcp_servers/0/name", false},
                                  {"/profiles/optics/additional_mcp_servers/0/command", false},
                                  {"/profiles/optics/additional_mcp_servers/0/env", true},
                                  {"/plugins/deny/0", false},
                                  {"/plugins/required/0", false},
                                  {"/exceptions/0/id", false}}) {
    json::Value document;
    for (const json::Value& seed : seeds()) {
      if (seed.has(row.pointer)) document = seed;
    }
    json::Value* place = at(document, row.pointer);
    ASSERT_NE(place, nullptr) << row.pointer;
    const json::Value sample = row.key ? place->members().begin()->second : json::Value();
    for (const std::string& text : texts) {
      if (row.key) {
        *place = json::Object{{text, sample}};
      } else {
        *place = text;
      }
      agreement.judge(document, std::string(row.pointer) + " = \"" + text + "\"");
    }
    if (HasFailure()) return;
  }
}

}  // namespace
}  // namespace scc::model
