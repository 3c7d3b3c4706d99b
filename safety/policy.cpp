// SPDX-License-Identifier: Apache-2.0
#include "safety/policy.h"

#include <algorithm>

#include "safety/json_reader.h"

namespace scc::safety {

namespace {

using json::Node;
using Type = Node::Type;

constexpr std::size_t kMostEntries = 1024;
constexpr std::size_t kMostChecks = 16;

bool decision_of(const Node& node, Decision* out) {
  if (node.type != Type::string) return false;
  for (const Decision one : {Decision::allow, Decision::warn, Decision::block}) {
    if (node.text == to_string(one)) return *out = one, true;
  }
  return false;
}

class Loader {
 public:
  Policy load(std::string_view text, bool strict) {
    std::string error;
    Node root;
    if (text.size() > kPolicyBytes) return broken("larger than 256 KiB");
    if (!json::parse(text, &root, &error)) return broken(error);
    text_ = text;
    if (root.type != Type::object) return broken("not an object");
    const Node* schema = root.find("schema");
    if (schema == nullptr ? strict : schema->type != Type::number || schema->number != 1)
      return broken("unknown schema");
    for (const auto& [key, node] : root.members) {
      const std::string problem = member(key, node);
      if (!problem.empty()) return broken(problem);
    }
    return std::move(policy_);
  }

 private:
  static Policy broken(const std::string& why) {
    Policy out;
    out.defect = why;
    return out;
  }

  std::string member(const std::string& key, const Node& node) {
    if (key == "action") return decision_of(node, &policy_.action) ? "" : "unknown action";
    if (key == "rules") return rules_of(node);
    if (key == "network") return network(node);
    if (key == "org_rules") return org(node);
    if (key == "checks") return checks(node);
    if (key == "protected_branches")
      return strings(node, &policy_.protected_branches) ? "" : "protected_branches is no list of texts";
    if (key == "snapshots") return snapshots(node);
    if (key == "source") {
      policy_.source = node.text;
      return node.type == Type::string ? "" : "source is no text";
    }
    if (key == "schema" || key == "generation") return node.type == Type::number ? "" : key + " is no number";
    if (key == "sha256") return node.type == Type::string ? "" : "sha256 is no text";
    if (key.starts_with("block_")) return rule(key, node);
    return "unknown member " + key;
  }

  static bool strings(const Node& node, std::vector<std::string>* out) {
    if (node.type != Type::array || node.items.size() > kMostEntries) return false;
    for (const Node& item : node.items) {
      if (item.type != Type::string) return false;
      out->push_back(item.text);
    }
    return true;
  }

  std::string rules_of(const Node& node) {
    if (node.type != Type::object || node.members.size() > kMostEntries) return "rules is no object";
    for (const auto& [key, value] : node.members) {
      std::string problem = rule(key, value);
      if (!problem.empty()) return problem;
    }
    return "";
  }

  std::string rule(const std::string& key, const Node& value) {
    if (key.starts_with("block_")) {
      if (value.type != Type::boolean) return key + " is neither true nor false";
      const bool known = for_legacy_key(key, [&](std::size_t index) {
        if (!value.flag) policy_.levels[index] = Decision::allow;
      });
      if (!known) policy_.unknown.push_back(key);
      return "";
    }
    Decision level{};
    if (!decision_of(value, &level)) return key + " is none of block, warn, allow";
    const int index = find_rule(key);
    if (index < 0) {
      policy_.unknown.push_back(key);
      policy_.other_levels.emplace_back(key, level);
    } else {
      policy_.levels[static_cast<std::size_t>(index)] = level;
    }
    return "";
  }

  static bool whole(const Node& node, double most, double* out) {
    *out = node.number;
    return node.type == Type::number && node.number >= 1 && node.number <= most &&
           node.number == static_cast<double>(static_cast<long>(node.number));
  }

  std::string snapshots(const Node& node) {
    if (node.type != Type::object) return "snapshots is no object";
    for (const auto& [key, value] : node.members) {
      double number = 0;
      if (key == "enabled" && value.type == Type::boolean) {
        policy_.snapshots = value.flag;
      } else if (key == "keep" && whole(value, 1000, &number)) {
        policy_.snapshot_keep = static_cast<std::size_t>(number);
      } else if (key == "days" && whole(value, 365, &number)) {
        policy_.snapshot_days = static_cast<long>(number);
      } else {
        return "snapshots." + key + " is not understood";
      }
    }
    return "";
  }

  std::string network(const Node& node) {
    if (node.type != Type::object) return "network is no object";
    for (const auto& [key, value] : node.members) {
      if (key == "allow_hosts") {
        if (!strings(value, &policy_.allow_hosts)) return "network.allow_hosts is no list of texts";
      } else if (key == "policy" && value.type == Type::string) {
        if (value.text == "open")
          policy_.network = Network::open;
        else if (value.text == "web-egress-enforced")
          policy_.network = Network::enforced;
        else if (value.text == "locked-down-web")
          policy_.network = Network::locked;
        else
          return "unknown network policy";
      } else {
        return "network." + key + " is not understood";
      }
    }
    return "";
  }

  std::string org(const Node& node) {
    if (node.type != Type::array || node.items.size() > kMostEntries) return "org_rules is no list";
    for (const Node& item : node.items) {
      OrgRule one;
      std::string problem = org_rule(item, &one);
      if (!problem.empty()) return problem;
      policy_.org.push_back(std::move(one));
    }
    return "";
  }

  std::string checks(const Node& node) {
    if (node.type != Type::array || node.items.size() > kMostChecks) return "checks is no list of at most 16";
    for (const Node& item : node.items) {
      CheckPin one;
      if (item.type != Type::object) return "an entry of checks is no object";
      for (const auto& [key, value] : item.members) {
        if (key == "id" && value.type == Type::string) {
          one.id = value.text;
        } else if (key == "sha256" && value.type == Type::string) {
          one.sha256 = value.text;
        } else if (key == "config" && value.type == Type::object) {
          one.config = std::string(text_.substr(value.begin, value.end - value.begin));
        } else {
          return "checks: " + key + " is not understood";
        }
      }
      const bool digest =
          one.sha256.size() == 64 && one.sha256.find_first_not_of("0123456789abcdef") == std::string::npos;
      if (one.id.empty() || !digest) return "checks: an entry needs an id and the sha256 of its library";
      if (one.config.empty()) one.config = "{}";
      policy_.checks.push_back(std::move(one));
    }
    return "";
  }

  static std::string org_rule(const Node& node, OrgRule* out) {
    if (node.type != Type::object) return "an entry of org_rules is no object";
    bool verdict = false;
    for (const auto& [key, value] : node.members) {
      if (key == "flags") {
        if (!strings(value, &out->flags)) return "org_rules: flags is no list of texts";
        continue;
      }
      if (value.type != Type::string) return "org_rules: " + key + " is no text";
      if (key == "id")
        out->id = value.text;
      else if (key == "program")
        out->program = value.text;
      else if (key == "subcommand")
        out->subcommand = value.text;
      else if (key == "message")
        out->message = value.text;
      else if (key == "verdict")
        verdict = decision_of(value, &out->verdict);
      else
        return "org_rules: unknown member " + key;
    }
    const bool flags = std::all_of(out->flags.begin(), out->flags.end(),
                                   [](const std::string& f) { return f.size() > 1 && f[0] == '-'; });
    if (out->program.empty() || out->program.find('/') != std::string::npos || !verdict || !flags) {
      return "org_rules: an entry needs a program without a path, a verdict, and flags that begin with '-'";
    }
    if (out->id.empty()) out->id = "org." + out->program;
    return "";
  }

  std::string_view text_;
  Policy policy_;
};

Policy load(std::string_view document, bool strict) {
  try {
    return Loader().load(document, strict);
  } catch (...) {
    Policy out;
    out.defect = "it could not be read";
    return out;
  }
}

}  // namespace

Decision Policy::decide(Rule rule, Decision found) const {
  if (defective()) return Decision::block;
  const std::optional<Decision>& level = levels[static_cast<std::size_t>(rule)];
  if (level) return *level;
  return action == Decision::block ? found : std::min(found, action);
}

Decision Policy::decide(std::string_view rule, Decision found) const {
  if (defective()) return Decision::block;
  for (const auto& [id, level] : other_levels) {
    if (id == rule) return level;
  }
  return action == Decision::block ? found : std::min(found, action);
}

Policy read_policy(std::string_view document) {
  return load(document, true);
}
Policy read_inline_policy(std::string_view document) {
  return load(document, false);
}

}  // namespace scc::safety
