// SPDX-License-Identifier: Apache-2.0
// Every published schema compiles, accepts its good samples and refuses its bad ones. Beside the bad samples
// written by hand, each required member of a good one is taken away once, and its "schema" is changed once: a
// schema that stopped looking is found without anybody thinking of the case.
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "json/embedded.h"
#include "json/schema.h"

namespace scc {
namespace {

namespace stdfs = std::filesystem;

stdfs::path sample_dir() {
  return stdfs::path(SCC_SOURCE_DIR) / "tests/contract/schemas";
}

json::Value read_json(const stdfs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::stringstream text;
  text << in.rdbuf();
  Result<json::Value> value = json::parse(text.str());
  EXPECT_TRUE(value) << path << ": " << (value ? "" : value.error().message);
  return value ? *value : json::Value();
}

json::Value schema_document(std::string_view name) {
  Result<json::Value> value = json::parse(json::embedded_schema(name));
  EXPECT_TRUE(value) << name;
  return value ? *value : json::Value();
}

class SchemaTest : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    document_ = schema_document(GetParam() + "-1");
    Result<json::Schema> schema = json::Schema::compile(document_);
    ASSERT_TRUE(schema);
    schema_ = std::make_unique<json::Schema>(std::move(*schema));
    samples_ = read_json(sample_dir() / (GetParam() + ".json"));
  }

  json::Value document_;
  json::Value samples_;
  std::unique_ptr<json::Schema> schema_;
};

TEST_P(SchemaTest, AcceptsItsGoodSamples) {
  ASSERT_FALSE(samples_.at("/accept")->items().empty());
  for (const json::Value& sample : samples_.at("/accept")->items()) {
    const Status status = schema_->check(sample);
    EXPECT_TRUE(status) << json::pretty(sample) << (status ? "" : status.error().message);
  }
}

TEST_P(SchemaTest, RefusesItsBadSamples) {
  ASSERT_FALSE(samples_.at("/reject")->items().empty());
  for (const json::Value& sample : samples_.at("/reject")->items()) {
    EXPECT_FALSE(schema_->check(*sample.at("/document"))) << sample.str("/why");
  }
}

TEST_P(SchemaTest, RefusesAMissingMember) {
  const std::vector<std::string> required = document_.strings_at("/required");
  ASSERT_FALSE(required.empty());
  for (const std::string& name : required) {
    json::Value sample = samples_.at("/accept")->items().front();
    ASSERT_EQ(sample.object().erase(name), 1U) << name;
    EXPECT_FALSE(schema_->check(sample)) << "without " << name;
  }
}

TEST_P(SchemaTest, RefusesAnotherSchemasDocument) {
  json::Value sample = samples_.at("/accept")->items().front();
  if (!sample.has("/schema")) {
    GTEST_SUCCEED() << "data of the command line carries its kind in the envelope";
    return;
  }
  if (sample.at("/schema")->is_int()) {  // a file of the guard's, which knows its version by number
    sample["schema"] = sample.integer("/schema") + 1;
    EXPECT_FALSE(schema_->check(sample));
    return;
  }
  EXPECT_EQ(sample.str("/schema"), document_.str("/title"));
  sample["schema"] = "scc.other/1";
  EXPECT_FALSE(schema_->check(sample));
}

TEST_P(SchemaTest, IgnoresUnknownMembers) {
  json::Value sample = samples_.at("/accept")->items().front();
  sample["x-of-a-newer-version"] = 1;
  // The guard's policy is strict: what it does not understand blocks.
  EXPECT_EQ(schema_->check(sample).has_value(), document_.str("/title") != "scc.safety-policy/1");
}

std::vector<std::string> schema_names() {
  std::vector<std::string> names;
  for (const std::string_view name : json::embedded_schema_names()) {
    // "launch-spec-1" has its samples in launch-spec.json.
    names.emplace_back(name.substr(0, name.rfind('-')));
  }
  return names;
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, SchemaTest, testing::ValuesIn(schema_names()), test_name);

TEST(EmbeddedSchemas, FindsByFileAndByDocumentName) {
  EXPECT_FALSE(json::embedded_schema("launch-spec-1").empty());
  EXPECT_EQ(json::embedded_schema("scc.launch-spec/1"), json::embedded_schema("launch-spec-1"));
  EXPECT_TRUE(json::embedded_schema("scc.launch-spec/2").empty());
  EXPECT_TRUE(json::embedded_schema("").empty());
  EXPECT_TRUE(json::embedded_schema("launch-spec").empty());
}

TEST(EmbeddedSchemas, AreTheFilesOfTheSdk) {
  std::set<std::string> files;
  for (const auto& entry : stdfs::directory_iterator(stdfs::path(SCC_SOURCE_DIR) / "sdk/share/schemas")) {
    files.insert(entry.path().stem().string());
    EXPECT_EQ(read_json(entry.path()), schema_document(entry.path().stem().string()));
  }
  const auto names = json::embedded_schema_names();
  EXPECT_EQ(files, (std::set<std::string>(names.begin(), names.end())));
}

}  // namespace
}  // namespace scc
