// SPDX-License-Identifier: Apache-2.0
// The decision table: each row of decision_table.json is a change to the base documents, read by the real
// parsers, and what must come out. Rows that are not about documents name the test elsewhere that holds them,
// and that test has to exist. SCC_ROW=72 runs one row.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "base/str.h"
#include "model/parse.h"
#include "policy/compute.h"
#include "policy/why.h"
#include "unit/policy/fixture.h"

namespace scc::policy {
namespace {

using model::Strings;

std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

const json::Value& table() {
  static const json::Value kTable = [] {
    auto parsed = json::parse(slurp(SCC_DECISION_TABLE));
    return parsed ? *parsed : json::Value();
  }();
  return kTable;
}

/// RFC 7396.
void merge_patch(json::Value& target, const json::Value& patch) {
  if (!patch.is_object()) {
    target = patch;
    return;
  }
  for (const auto& [key, value] : patch.members()) {
    if (value.is_null()) {
      target.object().erase(key);
    } else {
      merge_patch(target[key], value);
    }
  }
}

/// Does `actual` hold what `wanted` says? "key~" wants the text somewhere in the value of "key".
bool holds(const json::Value& actual, const json::Value& wanted) {
  for (const auto& [key, value] : wanted.members()) {
    const bool part = key.back() == '~';
    const json::Value* found = actual.at("/" + key.substr(0, key.size() - (part ? 1 : 0)));
    if (found == nullptr) return false;
    if (part ? found->as_string().find(value.as_string()) == std::string::npos : !(*found == value))
      return false;
  }
  return true;
}

/// Exactly the wanted records, in order.
void expect_records(const json::Value& actual, const json::Value& wanted, const std::string& list) {
  ASSERT_EQ(actual.items().size(), wanted.items().size()) << list << ": " << json::dump(actual);
  for (std::size_t i = 0; i < wanted.items().size(); ++i) {
    EXPECT_TRUE(holds(actual.items()[i], wanted.items()[i]))
        << list << ": " << json::dump(actual.items()[i]) << " lacks " << json::dump(wanted.items()[i]);
  }
}

/// Each of the wanted records is there.
void expect_some(const json::Value& actual, const json::Value& wanted, const std::string& list) {
  for (const json::Value& one : wanted.items()) {
    const auto& items = actual.items();
    EXPECT_TRUE(
        std::any_of(items.begin(), items.end(), [&](const json::Value& item) { return holds(item, one); }))
        << list << " has no " << json::dump(one) << ": " << json::dump(actual);
  }
}

void expect_parts(const Strings& actual, const Strings& wanted, const std::string& list) {
  for (const std::string& part : wanted) {
    EXPECT_TRUE(std::any_of(actual.begin(), actual.end(),
                            [&](const std::string& text) { return text.find(part) != std::string::npos; }))
        << list << " says nothing of " << part << ": " << str::join(actual, " | ");
  }
}

std::vector<model::Exception> exceptions(const json::Value* list) {
  std::vector<model::Exception> out;
  if (list == nullptr) return out;
  for (const json::Value& item : list->items()) {
    model::Exception one;
    one.id = item.str("/id");
    one.scope = item.str("/scope");
    one.reason = item.str("/reason");
    one.created_at = item.str("/created_at");
    one.expires_at = item.str("/expires_at");
    one.plugins = item.strings_at("/allow/plugins");
    one.mcp_servers = item.strings_at("/allow/mcp_servers");
    out.push_back(std::move(one));
  }
  return out;
}

/// One case on its way through the parsers to the result.
class Case {
 public:
  Case(const json::Value& row, const json::Value& test) : test_(test), expect_(*test.at("/expect")) {
    what_ = "row " + std::to_string(row.integer("/row")) + ": " + row.str("/what");
  }

  void run() {
    SCOPED_TRACE(what_);
    if (!read_org()) return;
    if (const Error* error = read_layers(); error != nullptr) {
      expect_error(*error);
      return;
    }
    auto effective = compute(layers_);
    if (!effective) {
      expect_error(effective.error());
      return;
    }
    ASSERT_FALSE(expect_.has("/error")) << "nothing was refused";
    check_values(*effective);
    check_records(*effective);
    check_questions(*effective);
  }

 private:
  /// False when the row ends with the report on the document.
  bool read_org() {
    json::Value document = *table().at("/base");
    if (const json::Value* patch = test_.at("/org")) merge_patch(document, *patch);
    if (document.has("/exceptions") || document.has("/governed_artifacts"))
      document["schema_version"] = "1.1.0";
    auto report = model::read_org(json::dump(document), "1.2.3");
    if (!test_.flag("/invariants", true)) {
      // A rule about the whole document stands in the way of the case; compute must be right without it.
      report.org = without_invariants(document);
    }
    check_report(report);
    if (!report.valid()) {
      EXPECT_FALSE(expect_.flag("/org_valid", true)) << model::to_result(report).error().context.size();
      for (const auto& problem : report.schema) {
        if (expect_.flag("/org_valid", true)) ADD_FAILURE() << model::to_string(problem);
      }
      for (const auto& problem : report.semantic) {
        if (expect_.flag("/org_valid", true)) ADD_FAILURE() << model::to_string(problem);
      }
      return false;
    }
    EXPECT_TRUE(expect_.flag("/org_valid", true));
    org_ = *std::move(report.org);
    return true;
  }

  /// The typed document of a report that only the invariants refused: what offends is set after the parse.
  static model::Org without_invariants(json::Value document) {
    const json::Value full = document;
    document["security"]["blocked_plugins"] = json::Array{};
    for (auto& [team, profile] : document["profiles"].object()) {
      profile.object().erase("enabled_bundles");
      profile.object().erase("additional_plugins");
    }
    auto report = model::read_org(json::dump(document), "1.2.3");
    if (!report.org) {
      ADD_FAILURE() << "the document is refused for more than an invariant";
      return {};
    }
    model::Org org = *std::move(report.org);
    org.security.blocked_plugins = full.strings_at("/security/blocked_plugins");
    for (auto& [team, profile] : org.profiles) {
      profile.enabled_bundles = full.strings_at("/profiles/" + team + "/enabled_bundles");
      profile.additional_plugins = full.strings_at("/profiles/" + team + "/additional_plugins");
    }
    return org;
  }

  void check_report(const model::OrgReport& report) {
    if (const json::Value* wanted = expect_.at("/org_problems")) {
      json::Array problems;
      for (const auto* list : {&report.schema, &report.semantic}) {
        for (const auto& problem : *list) {
          json::Value one;
          one["pointer"] = problem.pointer;
          one["message"] = problem.message;
          one["rule"] = problem.rule;
          one["warning"] = problem.warning;
          problems.push_back(std::move(one));
        }
      }
      expect_some(json::Value(std::move(problems)), *wanted, "problems");
    }
    if (expect_.has("/blocking_error~")) {
      EXPECT_FALSE(report.version.compatible);
      EXPECT_NE(report.version.blocking_error.find(expect_.str("/blocking_error~")), std::string::npos)
          << report.version.blocking_error;
    }
    if (const json::Value* section = test_.at("/safety_net")) {
      Strings warnings;
      EXPECT_EQ(model::read_safety_net(section, &warnings).action, expect_.str("/safety_action"));
      EXPECT_EQ(static_cast<std::int64_t>(warnings.size()), expect_.integer("/safety_warnings"));
    }
  }

  const Error* read_layers() {
    layers_.org = &org_;
    layers_.now = *model::parse_time(table().str("/now"));
    const json::Value* team = test_.at("/team");
    layers_.team = team == nullptr ? "web" : team->as_string();
    layers_.provider = test_.str("/provider");
    layers_.user_exceptions = exceptions(test_.at("/user_exceptions"));
    layers_.repo_exceptions = exceptions(test_.at("/repo_exceptions"));
    if (const json::Value* value = test_.at("/team_file")) {
      auto file = model::parse_team_file(json::dump(*value));
      if (!file) return keep(file.error());
      layers_.team_file = *std::move(file);
    }
    if (const json::Value* value = test_.at("/project")) {
      Strings unknown;
      auto project = model::parse_project(*value, ".scc.yaml", &unknown);
      if (!project) return keep(project.error());
      layers_.project = *std::move(project);
      expect_parts(unknown, expect_.strings_at("/unknown_keys"), "unknown keys");
    }
    if (const json::Value* value = test_.at("/personal")) {
      auto personal = model::parse_personal(*value, "profile.json");
      if (!personal) return keep(personal.error());
      layers_.personal = *std::move(personal);
    }
    return nullptr;
  }

  const Error* keep(const Error& error) {
    error_ = error;
    return &error_;
  }

  void expect_error(const Error& error) {
    std::string text = error.message + " " + error.hint + " " + str::join(error.context, " ");
    ASSERT_EQ(error.id, expect_.str("/error")) << text;
    EXPECT_EQ(static_cast<int>(error.kind), expect_.integer("/kind", 3));
    EXPECT_NE(text.find(expect_.str("/message~")), std::string::npos) << text;
    EXPECT_FALSE(error.hint.empty()) << "an error says what to do next";
  }

  void check_values(const model::Effective& effective) {
    const json::Value actual = to_json(effective);
    for (const char* key :
         {"plugins", "network_policy", "network_source", "allowed_providers", "team", "applied_exceptions"}) {
      const json::Value* wanted = expect_.at(std::string("/") + key);
      if (wanted == nullptr) continue;
      const json::Value* found = actual.at(std::string("/") + key);
      EXPECT_TRUE(found != nullptr && *found == *wanted)
          << key << ": " << (found == nullptr ? "absent" : json::dump(*found)) << ", not "
          << json::dump(*wanted);
    }
    if (expect_.has("/timeout_hours")) {
      EXPECT_EQ(effective.session.timeout_hours.value_or(0), expect_.integer("/timeout_hours"));
    }
    const auto names = [&](const char* key, const auto& items, const auto& name) {
      if (!expect_.has(key)) return;
      Strings out;
      for (const auto& item : items) out.push_back(name(item));
      EXPECT_EQ(out, expect_.strings_at(key)) << key;
    };
    names("/mcp_servers", effective.mcp_servers, [](const auto& item) { return item.server.name; });
    names("/mcp_urls", effective.mcp_servers, [](const auto& item) { return item.server.url; });
    names("/dev_commands", effective.dev_commands, [](const auto& item) { return item.action.name; });
    names("/egress_allow", effective.egress.allow, [](const auto& item) { return item; });
    expect_parts(effective.egress.deny, expect_.strings_at("/egress_deny_has"), "egress deny");
    expect_parts(effective.warnings, expect_.strings_at("/warnings"), "warnings");
  }

  void check_records(const model::Effective& effective) {
    const json::Value actual = to_json(effective);
    for (const char* list : {"blocked", "denied", "ignored", "disabled"}) {
      const json::Value* wanted = expect_.at(std::string("/") + list);
      if (wanted != nullptr) expect_records(*actual.at(std::string("/") + list), *wanted, list);
    }
    for (const char* list : {"decisions", "bundles"}) {
      const json::Value* wanted = expect_.at(std::string("/") + list);
      if (wanted != nullptr) expect_some(*actual.at(std::string("/") + list), *wanted, list);
    }
  }

  void check_questions(const model::Effective& effective) {
    const auto id = [](const Status& status) { return status ? std::string() : status.error().id; };
    for (const auto& [provider, wanted] :
         expect_.has("/check_provider") ? expect_.at("/check_provider")->members() : json::Object()) {
      EXPECT_EQ(id(check_provider(effective, provider)), wanted.as_string()) << provider;
    }
    for (const auto& [ref, wanted] :
         expect_.has("/check_image") ? expect_.at("/check_image")->members() : json::Object()) {
      EXPECT_EQ(id(check_image(effective, ref, false)), wanted.as_string()) << ref;
    }
    if (const json::Value* wanted = expect_.at("/why")) {
      const auto answer = why(layers_, wanted->str("/item"), wanted->str("/kind"));
      ASSERT_TRUE(answer) << answer.error().message;
      EXPECT_TRUE(holds(to_json(*answer), *wanted)) << json::dump(to_json(*answer));
    }
  }

  const json::Value& test_;
  const json::Value& expect_;
  std::string what_;
  model::Org org_;
  Layers layers_;
  Error error_;
};

TEST(DecisionTable, EveryRowIsThere) {
  std::set<std::int64_t> rows;
  for (const json::Value& row : table().at("/rows")->items()) {
    EXPECT_TRUE(rows.insert(row.integer("/row")).second) << "twice: " << row.integer("/row");
    EXPECT_TRUE(row.has("/cases") || row.has("/covered_by")) << row.integer("/row");
  }
  ASSERT_EQ(rows.size(), 120U);
  EXPECT_EQ(*rows.begin(), 1);
  EXPECT_EQ(*rows.rbegin(), 120);
}

TEST(DecisionTable, EveryCaseExpectsSomething) {
  for (const json::Value& row : table().at("/rows")->items()) {
    if (!row.has("/cases")) continue;
    EXPECT_FALSE(row.at("/cases")->items().empty()) << row.integer("/row");
    for (const json::Value& one : row.at("/cases")->items()) {
      EXPECT_TRUE(one.has("/expect") && !one.at("/expect")->members().empty()) << row.integer("/row");
    }
  }
}

TEST(DecisionTable, RowsHold) {
  const char* only = std::getenv("SCC_ROW");
  for (const json::Value& row : table().at("/rows")->items()) {
    if (only != nullptr && row.integer("/row") != std::atoi(only)) continue;
    if (!row.has("/cases")) continue;
    for (const json::Value& one : row.at("/cases")->items()) Case(row, one).run();
  }
}

/// A wrong expectation must be seen: the runner is broken on purpose.
TEST(DecisionTable, TheRunnerSeesADifference) {
  EXPECT_FALSE(holds(*json::parse(R"({"a":1})"), *json::parse(R"({"a":2})")));
  EXPECT_FALSE(holds(*json::parse(R"({"a":1})"), *json::parse(R"({"b":1})")));
  EXPECT_FALSE(holds(*json::parse(R"({"a":"xyz"})"), *json::parse(R"({"a~":"q"})")));
  EXPECT_TRUE(holds(*json::parse(R"({"a":"xyz"})"), *json::parse(R"({"a~":"y"})")));
}

/// "suite.case" of a GoogleTest below tests/, or "file.py:function"; each must be defined in the sources.
bool defined(const std::string& name) {
  const std::size_t colon = name.find(':');
  const std::string file = colon == std::string::npos ? "" : name.substr(0, colon);
  Strings wanted;
  if (colon != std::string::npos) {
    wanted = {"def " + name.substr(colon + 1) + "("};
  } else {
    const auto parts = str::split(name, '.');
    if (parts.size() != 2) return false;
    for (const char* macro : {"TEST(", "TEST_F(", "TEST_P("}) {
      wanted.push_back(macro + parts[0] + ", " + parts[1] + ")");
    }
  }
  for (const auto& entry : std::filesystem::recursive_directory_iterator(SCC_TESTS_DIR)) {
    if (!entry.is_regular_file()) continue;
    const std::string extension = entry.path().extension().string();
    if (extension != ".cpp" && extension != ".py") continue;
    if (!file.empty() && entry.path().filename() != file) continue;
    const std::string text = slurp(entry.path());
    for (const std::string& one : wanted) {
      if (text.find(one) != std::string::npos) return true;
    }
  }
  return false;
}

TEST(DecisionTable, TestsThatHoldTheOtherRowsExist) {
  EXPECT_FALSE(defined("DecisionTable.NoSuchTest"));
  EXPECT_TRUE(defined("DecisionTable.RowsHold"));
  for (const json::Value& row : table().at("/rows")->items()) {
    const json::Value* elsewhere = row.at("/covered_by");
    if (elsewhere == nullptr) continue;
    const Strings names =
        elsewhere->is_array() ? row.strings_at("/covered_by") : Strings{elsewhere->as_string()};
    EXPECT_FALSE(names.empty());
    for (const std::string& name : names)
      EXPECT_TRUE(defined(name)) << "row " << row.integer("/row") << ": " << name;
  }
}

}  // namespace
}  // namespace scc::policy
