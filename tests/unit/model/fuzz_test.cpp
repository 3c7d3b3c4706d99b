// SPDX-License-Identifier: Apache-2.0
// Random mutations of documents through every parser: never a crash, never a valid organisation with a policy
// that the text did not hold. Deterministic; SCC_FUZZ_SEED repeats or varies a run, SCC_FUZZ_CASES its
// length.
#include <cstdlib>
#include <iostream>
#include <random>

#include <gtest/gtest.h>

#include "base/str.h"
#include "model/grammar.h"
#include "model/parse.h"
#include "model/shape.h"
#include "unit/model/example.h"

namespace scc::model {
namespace {

std::uint64_t number(const char* name, std::uint64_t fallback) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : fallback;
}

class Mutator {
 public:
  explicit Mutator(std::uint64_t seed) : random_(seed) {}

  std::size_t below(std::size_t limit) { return static_cast<std::size_t>(random_() % limit); }

  /// Changes of the text: bytes flipped, runs cut, doubled, swapped for tokens.
  std::string text(std::string out) {
    static const Strings kTokens{"\"",
                                 "{",
                                 "}",
                                 "[",
                                 "]",
                                 ",",
                                 ":",
                                 "null",
                                 "1e999",
                                 "\\u0000",
                                 "\\ud800",
                                 "\xFF",
                                 "\"schema_version\":\"9.9.9\"",
                                 "-",
                                 "\"..\"",
                                 "99999999999999999999",
                                 "/*"};
    for (std::size_t n = 1 + below(4); n > 0 && !out.empty(); --n) {
      const std::size_t at = below(out.size());
      switch (below(5)) {
        case 0:
          out[at] = static_cast<char>(below(256));
          break;
        case 1:
          out.erase(at, 1 + below(20));
          break;
        case 2:
          out.insert(at, kTokens[below(kTokens.size())]);
          break;
        case 3:
          out.insert(at, out.substr(below(out.size()), below(40)));
          break;
        default:
          out.resize(at);
          break;
      }
    }
    return out;
  }

  /// Changes of the tree: it stays JSON, so that the later stages are reached.
  void tree(json::Value& root) {
    for (std::size_t n = 1 + below(3); n > 0; --n) {
      json::Value* here = &root;
      for (std::size_t depth = below(8); depth > 0; --depth) {
        if (json::Value* next = child(*here)) here = next;
      }
      change(*here, root);
    }
  }

 private:
  json::Value* child(json::Value& value) {
    if (value.is_array() && !value.items().empty()) return &value.array()[below(value.items().size())];
    if (!value.is_object() || value.members().empty()) return nullptr;
    auto member = value.object().begin();
    std::advance(member, static_cast<std::ptrdiff_t>(below(value.members().size())));
    return &member->second;
  }

  std::string word() {
    static const Strings kWords{"",
                                "x",
                                "..",
                                "a@b",
                                "@a/b",
                                "a@@b",
                                "https://u:p@h/",
                                "http://127.0.0.1/",
                                "*.example",
                                "10.0.0.0/8",
                                "[::1]:1",
                                "open",
                                "stdio",
                                "github",
                                "git@h:p",
                                "\xC3\xA9",
                                "a b",
                                "\n",
                                "2027-01-31T00:00:00Z",
                                "locked-down-web",
                                "1.1.0",
                                "-x",
                                "[a-",
                                "***",
                                "~/a~1"};
    if (below(8) == 0) return std::string(1 + below(300), static_cast<char>('!' + below(90)));
    return kWords[below(kWords.size())] + (below(4) == 0 ? kWords[below(kWords.size())] : std::string());
  }

  void change(json::Value& value, const json::Value& root) {
    switch (below(9)) {
      case 0:
        value = json::Value();
        break;
      case 1:
        value = below(2) == 0;
        break;
      case 2:
        value = static_cast<std::int64_t>(random_());
        break;
      case 3:
        value = 0.5;
        break;
      case 4:
        value = word();
        break;
      case 5:
        value = json::Array{json::Value(word())};
        break;
      case 6:
        if (value.is_array()) {
          value.array().emplace_back(word());
        } else {
          value[word()] = word();
        }
        break;
      case 7: {  // something from elsewhere in the document
        json::Value copy = root;
        json::Value* from = &copy;
        for (std::size_t depth = 1 + below(6); depth > 0; --depth) {
          if (json::Value* next = child(*from)) from = next;
        }
        json::Value part = *from;
        value = std::move(part);
        break;
      }
      default:
        if (value.is_object() && !value.members().empty()) value.object().erase(value.object().begin());
        break;
    }
  }

  std::mt19937_64 random_;
};

/// What must hold of a document that was accepted, however strange it is.
void check_accepted(const Org& org) {
  for (const auto& [name, team] : org.profiles) {
    EXPECT_TRUE(grammar::name(name));
    for (const McpServer& server : team.additional_mcp_servers) {
      EXPECT_TRUE(server.type == "stdio" ? !server.command.empty() : grammar::server_url(server.url));
    }
  }
  for (const std::string& prefix : org.security.allowed_stdio_prefixes) EXPECT_EQ(prefix.front(), '/');
  for (const std::string& target : org.security.egress_deny) EXPECT_TRUE(grammar::target(target));
  for (const Exception& exception : org.exceptions) EXPECT_TRUE(parse_time(exception.expires_at));
  EXPECT_TRUE(org.schema_version == "1.0.0" || org.schema_version == "1.1.0");
}

void check_report(const OrgReport& report) {
  if (report.valid()) return check_accepted(*report.org);
  std::size_t errors = report.version.blocking_error.empty() ? 0 : 1;
  for (const auto* list : {&report.schema, &report.semantic}) {
    for (const Problem& problem : *list) {
      errors += problem.warning ? 0U : 1U;
      EXPECT_FALSE(problem.message.empty());
      EXPECT_TRUE(problem.pointer.empty() || problem.pointer.front() == '/') << problem.pointer;
      EXPECT_EQ(str::printable(to_string(problem)), to_string(problem));
    }
  }
  EXPECT_GT(errors, 0U) << "refused without a reason";
}

void feed(const json::Value& value) {
  Strings notes;
  if (const auto project = parse_project(value, "f", &notes); !project) {
    EXPECT_FALSE(project.error().context.empty());
  }
  if (const auto personal = parse_personal(value, "f", &notes)) {
    EXPECT_TRUE(parse_personal(to_json(*personal), "f"));
  }
  static_cast<void>(read_safety_net(value.at("/security/safety_net"), &notes));
}

const Strings& seeds() {
  static const Strings kSeeds{
      std::string(testing_data::kExample),
      R"({"schema_version":"1.1.0","enabled_plugins":["a@m"],"marketplaces":{"m":{"source":"github","owner":"o","repo":"r"}},
          "additional_mcp_servers":[{"name":"s","type":"http","url":"https://s.example/"}],"session":{"timeout_hours":3}})",
      R"({"additional_plugins":["fmt@core"],"additional_mcp_servers":[{"name":"s","type":"stdio","command":"/x"}],
          "network_policy":"open","egress":{"only":["b.example"]},"dev_environment":{"logs":{"l":{"argv":["a"]}}}})",
      R"({"version":"2","repo_id":"r","plugins":{"b@m":false},"mcp_servers":[{"name":"s","type":"http","url":"https://s.example/"}]})",
      R"({"version":"1","settings":{"enabledPlugins":{"a@m":true}},"mcp":{"mcpServers":{"c":{"command":"/x"},"w":{"url":"https://w.example/"}}}})"};
  return kSeeds;
}

TEST(Fuzz, ParsersSurviveRandomMutations) {
  const std::uint64_t seed = number("SCC_FUZZ_SEED", 20261123);
  const std::uint64_t cases = number("SCC_FUZZ_CASES", 10000);
  RecordProperty("seed", std::to_string(seed));
  std::cout << "seed " << seed << ", " << cases << " cases\n";
  Mutator mutate(seed);
  std::vector<json::Value> trees;
  for (const std::string& text : seeds()) trees.push_back(*json::parse(text));
  std::size_t accepted = 0;
  for (std::uint64_t i = 0; i < cases; ++i) {
    const std::size_t pick = mutate.below(seeds().size());
    std::string text;
    if (mutate.below(3) == 0) {
      text = mutate.text(seeds()[pick]);
    } else {
      json::Value tree = trees[pick];
      mutate.tree(tree);
      text = json::dump(tree);
    }
    const OrgReport report = read_org(text, "1.0.0");
    check_report(report);
    accepted += report.valid() ? 1U : 0U;
    static_cast<void>(parse_team_file(text));
    if (const auto value = json::parse(text)) feed(*value);
    ASSERT_FALSE(HasFailure()) << "seed " << seed << ", case " << i << ": " << text;
  }
  // Neither everything nor nothing gets through, else the mutations test only one side.
  EXPECT_GT(accepted, cases / 200);
  EXPECT_LT(accepted, cases / 2);
}

TEST(Fuzz, GrammarsSurviveRandomText) {
  const std::uint64_t seed = number("SCC_FUZZ_SEED", 20261123);
  std::cout << "seed " << seed << "\n";
  std::mt19937_64 random(seed);
  constexpr std::string_view kAlphabet = "a0.:/[]@-*%\\ #?_~^{}+\n\x80gith:ps";
  for (int i = 0; i < 50000; ++i) {
    std::string text = random() % 2 == 0 ? "https://" : "";
    for (std::uint64_t n = random() % 16; n > 0; --n) text += kAlphabet[random() % kAlphabet.size()];
    if (const auto url = grammar::split_url(text)) {
      EXPECT_TRUE(grammar::host(url->host) || grammar::ipv4(url->host) || grammar::ipv6(url->host)) << text;
      EXPECT_EQ(url->host.find_first_of("@/\\ :%") == std::string::npos, !grammar::ipv6(url->host)) << text;
    }
    static_cast<void>(grammar::target(text));
    static_cast<void>(grammar::git_url(text));
    static_cast<void>(grammar::version_range(text));
    static_cast<void>(grammar::time(text));
    if (const auto ref = normalise_plugin_ref(text, {"m"})) {
      EXPECT_EQ(*normalise_plugin_ref(*ref, {"a", "b"}), *ref) << text;
    }
  }
}

}  // namespace
}  // namespace scc::model
