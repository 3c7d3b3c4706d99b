// SPDX-License-Identifier: Apache-2.0
// The order of the questions: the class of the directory, the deny list, the rules for the id, the enforcer.
// What comes with scc is vouched for by the binary and by plugins.lock, so that `pinned` and `listed` need no
// rules for it; a rule that names it binds it all the same, and so does the deny list.
#include "plugin/policy.h"

#include <algorithm>

#include "base/str.h"
#include "plugin/registry.h"

namespace scc::plugin {

namespace {

constexpr std::size_t kHashDigits = 64;

bool hash_like(std::string_view text) {
  return text.size() == kHashDigits && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool contains(const std::vector<std::string>& list, std::string_view item) {
  return std::find(list.begin(), list.end(), item) != list.end();
}

std::vector<std::string> grants_of(const Entry& entry) {
  const Grants& grants = entry.manifest.grants;
  std::vector<std::string> out;
  const auto add = [&](std::string_view kind, const std::vector<std::string>& items) {
    for (const std::string& item : items) out.push_back(std::string(kind) + ":" + item);
  };
  add("process", grants.process);
  add("endpoints", grants.endpoints);
  add("files", grants.files);
  add("env", grants.env);
  return out;
}

bool came_with_scc(const Entry& entry) {
  return entry.trust == TrustClass::bundled || entry.trust == TrustClass::builtin;
}

tl::unexpected<Error> wrong(const Policy& policy, const std::string& pointer, const std::string& what) {
  return fail(Kind::config, "plugin.policy", policy.source + ": " + policy.pointer + pointer + " " + what,
              "correct the document; scc loads no plugin under rules that it cannot read");
}

/// One layer's answers about one entry.
class Judge {
 public:
  Judge(const Policy& policy, const Entry& entry) : policy_(policy), entry_(entry) {}

  /// What denies the entry, or nothing; `rule()` is then the rule that allows it.
  std::optional<Error> run() {
    if (auto error = by_class()) return error;
    if (auto error = by_deny_list()) return error;
    return by_rules();
  }

  std::optional<Error> by_enforcer(const std::set<std::string>& built_in_modes) const {
    for (const ManifestComponent& c : entry_.manifest.components) {
      if (c.kind != "netpolicy" || built_in_modes.count(c.id) != 0 || is_enforcer()) continue;
      std::string named = policy_.enforcer_id;
      if (named.empty()) named = "the plugin that came with scc";
      if (named == entry_.manifest.id) named += " with another sha256";
      return denied(policy_.enforcer_pointer, "the network policy " + c.id + " is the business of " + named);
    }
    return std::nullopt;
  }

  bool is_enforcer() const {
    if (policy_.enforcer_id.empty()) return came_with_scc(entry_);
    if (policy_.enforcer_id != entry_.manifest.id) return false;
    if (policy_.enforcer_sha256.empty()) return came_with_scc(entry_);
    return policy_.enforcer_sha256 == entry_.sha256;
  }

  const std::string& rule() const noexcept { return rule_; }
  bool pinned() const noexcept { return pinned_; }

 private:
  std::optional<Error> denied(const std::string& pointer, const std::string& why) const {
    return Error{Kind::policy,
                 "plugin.denied",
                 "plugin " + entry_.manifest.id + " is denied by " + policy_.source + ": " + why + " (" +
                     pointer + ")",
                 "use another plugin, or ask those who write the policy to change " + pointer,
                 {pointer}};
  }

  std::optional<Error> by_class() const {
    const bool dev = entry_.trust == TrustClass::dev;
    const std::string what =
        "plugins from " + std::string(dev ? "--plugin-dir and SCC_PLUGIN_PATH" : "a user's own directory");
    if (dev && policy_.locked) return denied(policy_.pointer + "/locked", what + " are switched off");
    if (!policy_.allow_user && (dev || entry_.trust == TrustClass::user)) {
      return denied(policy_.pointer + "/allow_user", what + " are not allowed");
    }
    return std::nullopt;
  }

  std::optional<Error> by_deny_list() const {
    for (std::size_t i = 0; i < policy_.deny.size(); ++i) {
      if (!str::glob_component(policy_.deny[i], entry_.manifest.id)) continue;
      return denied(policy_.pointer + "/deny/" + std::to_string(i),
                    "\"" + str::printable(policy_.deny[i]) + "\" is on its deny list");
    }
    return std::nullopt;
  }

  std::optional<Error> by_rules() {
    std::optional<Error> first;
    bool named = false;
    for (std::size_t i = 0; i < policy_.allow.size(); ++i) {
      if (policy_.allow[i].id != entry_.manifest.id) continue;
      named = true;
      const std::string pointer = policy_.pointer + "/allow/" + std::to_string(i);
      std::optional<Error> error = by_rule(policy_.allow[i], pointer);
      if (!error) {
        rule_ = pointer;
        return std::nullopt;
      }
      if (!first) first = std::move(error);
    }
    if (first) return first;
    if (named || policy_.mode == "open" || came_with_scc(entry_)) return std::nullopt;
    // The network policy plugin is named by its own pin.
    if (is_enforcer() && !policy_.enforcer_id.empty()) {
      rule_ = policy_.enforcer_pointer;
      pinned_ = true;
      return std::nullopt;
    }
    return denied(policy_.pointer + "/allow", "it is not on the list, and the mode is " + policy_.mode);
  }

  std::optional<Error> by_rule(const PolicyRule& rule, const std::string& pointer) {
    const Result<bool> inside = version_in_range(entry_.manifest.version, rule.version);
    if (!inside || !*inside) {
      return denied(pointer + "/version",
                    "its version is " + entry_.manifest.version + ", allowed is " + rule.version);
    }
    if (entry_.trust != TrustClass::builtin) {
      const bool listed = contains(rule.sha256, entry_.sha256);
      if (!listed && !rule.sha256.empty()) {
        return denied(pointer + "/sha256", "its sha256 " + entry_.sha256 + " is not on the list");
      }
      if (!listed && policy_.mode == "pinned" && !came_with_scc(entry_)) {
        return denied(pointer + "/sha256", "no sha256 is given for it, and the mode is pinned");
      }
      pinned_ = listed;
    }
    if (!rule.grants) return std::nullopt;
    for (const std::string& grant : grants_of(entry_)) {
      if (contains(*rule.grants, grant)) continue;
      pinned_ = false;
      return denied(pointer + "/grants", "it asks for " + str::printable(grant));
    }
    return std::nullopt;
  }

  const Policy& policy_;
  const Entry& entry_;
  std::string rule_;
  bool pinned_ = false;
};

}  // namespace

Status check_policy(const Policy& policy) {
  if (policy.mode != "pinned" && policy.mode != "listed" && policy.mode != "open") {
    return wrong(policy, "/mode",
                 "is \"" + str::printable(policy.mode) + "\"; pinned, listed, open are known");
  }
  for (std::size_t i = 0; i < policy.allow.size(); ++i) {
    const PolicyRule& rule = policy.allow[i];
    const std::string pointer = "/allow/" + std::to_string(i);
    if (rule.id.empty()) return wrong(policy, pointer, "names no plugin");
    for (const std::string& hash : rule.sha256) {
      if (!hash_like(hash))
        return wrong(policy, pointer + "/sha256", "must hold 64 lower-case hex digits each");
    }
    if (const Result<bool> range = version_in_range("0.0.0", rule.version); !range) {
      return wrong(policy, pointer + "/version", "is wrong: " + range.error().message);
    }
  }
  if (contains(policy.deny, "") || contains(policy.required, "")) {
    return wrong(policy, "", "has an empty id in deny or required");
  }
  if (!policy.enforcer_sha256.empty() && (!hash_like(policy.enforcer_sha256) || policy.enforcer_id.empty())) {
    return fail(Kind::config, "plugin.policy",
                policy.source + ": " + policy.enforcer_pointer + " needs an id and 64 lower-case hex digits",
                "correct the document; scc enforces nothing with a plugin that it cannot identify");
  }
  return {};
}

Result<PolicyVerdict> judge_by_policy(const std::vector<Policy>& layers, const Entry& entry,
                                      const std::set<std::string>& built_in_modes) {
  PolicyVerdict out;
  for (std::size_t i = 0; i < layers.size(); ++i) {
    Judge judge(layers[i], entry);
    if (std::optional<Error> error = judge.run()) return fail(std::move(*error));
    if (out.rule.empty() && !judge.rule().empty()) {
      out.rule = judge.rule();
      out.source = layers[i].source;
    }
    if (i != 0) continue;
    if (std::optional<Error> error = judge.by_enforcer(built_in_modes)) return fail(std::move(*error));
    const bool enforcer = !layers[i].enforcer_sha256.empty() && judge.is_enforcer();
    out.vouched = judge.pinned() || enforcer;
    if (out.rule.empty() && enforcer) {
      out.rule = layers[i].enforcer_pointer;
      out.source = layers[i].source;
    }
  }
  return out;
}

}  // namespace scc::plugin
