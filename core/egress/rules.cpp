// SPDX-License-Identifier: Apache-2.0
#include "egress/rules.h"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/str.h"
#include "egress/name.h"
#include "model/grammar.h"
#include "policy/mcp.h"
#include "policy/targets.h"

namespace scc::egress {

namespace {

using policy::Target;

constexpr int kHttp = 80;
constexpr int kHttps = 443;
constexpr std::size_t kMaxRules = 4096;
constexpr std::size_t kMaxId = 128;
constexpr std::size_t kMaxOwner = 128;
constexpr std::array<std::string_view, 5> kLayers = {"provider", "org", "team", "project", "mcp"};

int rank(std::string_view layer) {
  return static_cast<int>(std::find(kLayers.begin(), kLayers.end(), layer) - kLayers.begin());
}

/// "org.security", "org.defaults", "team.web", "project" -> org, team, project
std::string layer_of(std::string_view source) {
  return std::string(source.substr(0, source.find('.')));
}

std::string owner_of(std::string_view source, std::string_view rule) {
  std::string out(source);
  if (!rule.empty()) out += " " + std::string(rule);
  for (char& c : out) {
    if (c < ' ' || c >= 0x7f || c == '"' || c == '\\') c = '?';
  }
  return out.substr(0, kMaxOwner);
}

class Maker {
 public:
  explicit Maker(const model::Effective& effective) : effective_(effective) {}

  /// Names that a layer allows. `kept`: the project's `only` does not cut it.
  Status allow(const std::string& text, int port, const std::string& layer, const std::string& owner,
               bool kept) {
    auto target = policy::parse_target(text);
    if (!target) return bad(text, owner, "it is no destination");
    if (target->kind == Target::Kind::block) {
      return fail(
          Kind::config, "egress.address",
          owner + " allows the address " + str::printable(text) +
              ": web-egress-enforced opens names only, because an address says nothing about who answers",
          "name the host instead");
    }
    if (target->port < 0) target->port = port;
    if (kept || !effective_.egress.only) return add(*target, layer, owner);
    for (const std::string& narrower : *effective_.egress.only) {
      const auto only = policy::parse_target(narrower);
      const auto both = only ? policy::intersection(*target, *only) : std::nullopt;
      if (both) SCC_CHECK(add(*both, layer, owner));
    }
    return {};
  }

  Status deny(const std::string& text, const std::string& layer, const std::string& owner) {
    const auto target = policy::parse_target(text);
    if (!target) return bad(text, owner, "it is no destination");
    Target block = *target;
    block.port = -1;
    const std::vector<int> ports = target->port < 0 ? std::vector<int>{} : std::vector<int>{target->port};
    if (target->kind == Target::Kind::block) {
      put({{}, false, policy::to_string(block), ports, layer, owner});
      return {};
    }
    return names(*target, false, ports, layer, owner);
  }

  Result<Rules> take() && {
    std::sort(rules_.begin(), rules_.end(), [](const Rule& a, const Rule& b) {
      const auto key = [](const Rule& rule) {
        return std::tuple(rule.allow, rule.host, rule.ports, rank(rule.layer), rule.owner);
      };
      return key(a) < key(b);
    });
    // The same from several layers is one rule, the first layer's.
    const auto same = [](const Rule& a, const Rule& b) {
      return a.allow == b.allow && a.host == b.host && a.ports == b.ports;
    };
    rules_.erase(std::unique(rules_.begin(), rules_.end(), same), rules_.end());
    if (rules_.size() > kMaxRules) {
      return fail(Kind::config, "egress.rule",
                  "there are " + std::to_string(rules_.size()) + " egress rules; at most " +
                      std::to_string(kMaxRules) + " can be enforced",
                  "name domains (.example.com) instead of single hosts");
    }
    for (std::size_t i = 0; i < rules_.size(); ++i) name_rule(rules_[i], i);
    return std::move(rules_);
  }

 private:
  static Status bad(const std::string& text, const std::string& owner, const std::string& why) {
    return fail(Kind::config, "egress.host",
                owner + ": \"" + str::printable(text.substr(0, 128)) + "\": " + why,
                "write host or .domain, with an optional :port");
  }

  Status add(const Target& target, const std::string& layer, const std::string& owner) {
    return names(target, true, {target.port}, layer, owner);
  }

  /// A domain is two rules: itself, and all below it.
  Status names(const Target& target, bool allow, const std::vector<int>& ports, const std::string& layer,
               const std::string& owner) {
    const Use use = allow ? Use::allow : Use::deny;
    const auto one = [&](const std::string& text) -> Status {
      auto host = rule_host(text, use);
      if (!host) return fail(std::move(host).error().with(owner));
      put({{}, allow, std::move(*host), ports, layer, owner});
      return {};
    };
    if (target.kind == Target::Kind::domain) SCC_CHECK(one("*." + target.name));
    return one(target.name);
  }

  void put(Rule rule) { rules_.push_back(std::move(rule)); }

  static void name_rule(Rule& rule, std::size_t index) {
    const std::string host = rule.host.front() == '*' ? rule.host.substr(1) : rule.host;
    rule.id = rule.layer + (rule.allow ? "/allow/" : "/deny/") + host;
    if (rule.ports.size() == 1 && !(rule.allow && rule.ports[0] == kHttps))
      rule.id += ":" + std::to_string(rule.ports[0]);
    if (rule.id.size() <= kMaxId) return;
    // The number makes what is left of a long name unique.
    const std::string number = ":n" + std::to_string(index);
    rule.id = rule.id.substr(0, kMaxId - number.size()) + number;
  }

  const model::Effective& effective_;
  Rules rules_;
};

/// Is the decision about the host of a server? Those are read from the servers themselves, for the port.
bool about_server(const model::Effective& effective, const model::Decision& decision) {
  return std::any_of(effective.mcp_servers.begin(), effective.mcp_servers.end(),
                     [&](const model::EffectiveMcp& one) {
                       return one.entry == decision.rule && one.source == decision.source;
                     });
}

Status add_servers(const model::Effective& effective, Maker& maker) {
  for (const model::EffectiveMcp& one : effective.mcp_servers) {
    const std::string layer = layer_of(one.source);
    // What a person or a repository brings opens nothing.
    if ((layer != "org" && layer != "team") || !policy::is_network(one.server)) continue;
    const auto url = model::grammar::split_url(one.server.url);
    const auto target = url ? policy::parse_target(url->host) : std::nullopt;
    if (!target || target->kind != Target::Kind::host)
      continue;  // an address: MCP_EGRESS_UNREACHABLE says so
    if (!rule_host(target->name, Use::allow)) continue;
    const int port = url->port >= 0 ? url->port : url->scheme == "http" ? kHttp : kHttps;
    SCC_CHECK(maker.allow(target->name, port, "mcp", owner_of(one.source, one.entry), false));
  }
  return {};
}

Status add_sets(const model::Effective& effective, const std::vector<ProviderSet>& sets, Maker& maker) {
  const model::Strings& asked = effective.egress.destination_sets;
  for (const ProviderSet& set : sets) {
    const bool named = std::find(asked.begin(), asked.end(), set.name) != asked.end();
    if (!set.required && !named) continue;
    for (const std::string& host : set.hosts) {
      const std::string owner = owner_of("provider " + set.provider, set.name);
      SCC_CHECK(maker.allow(host, kHttps, "provider", owner, set.required));
    }
  }
  return {};
}

}  // namespace

Result<Rules> make_rules(const model::Effective& effective, const std::vector<ProviderSet>& sets) {
  if (effective.network_policy != model::NetworkPolicy::web_egress_enforced) return Rules{};
  for (const ProviderSet& set : sets) {
    if (!set.required || !set.hosts.empty()) continue;
    return fail(Kind::policy, "egress.unknown-set",
                "the provider " + str::printable(set.provider) + " needs the destination set \"" +
                    str::printable(set.name) + "\", which nobody defines",
                "see what its plugin declares: scc plugin info");
  }
  Maker maker(effective);
  for (const model::Decision& decision : effective.decisions) {
    const std::string owner = owner_of(decision.source, decision.rule);
    if (decision.field == "egress.deny")
      SCC_CHECK(maker.deny(decision.value, layer_of(decision.source), owner));
    if (decision.field == "egress" && !about_server(effective, decision)) {
      SCC_CHECK(maker.allow(decision.value, kHttps, layer_of(decision.source), owner, false));
    }
  }
  SCC_CHECK(add_sets(effective, sets, maker));
  SCC_CHECK(add_servers(effective, maker));
  return std::move(maker).take();
}

json::Value to_json(const Rules& rules) {
  json::Array out;
  for (const Rule& rule : rules) {
    json::Value item;
    item["id"] = rule.id;
    item["verdict"] = rule.allow ? "allow" : "deny";
    item["host"] = rule.host;
    json::Array ports;
    for (const int port : rule.ports) ports.emplace_back(port);
    item["ports"] = std::move(ports);
    item["layer"] = rule.layer;
    item["owner"] = rule.owner;
    out.push_back(std::move(item));
  }
  return out;
}

Result<Rules> read_rules(const json::Value& rules) {
  Rules out;
  for (const json::Value& item : rules.items()) {
    Rule rule;
    rule.id = item.str("/id");
    rule.allow = item.str("/verdict") == "allow";
    rule.host = item.str("/host");
    rule.layer = item.str("/layer");
    rule.owner = item.str("/owner");
    const json::Value* ports = item.at("/ports");
    for (const json::Value& port : ports != nullptr ? ports->items() : json::Array{}) {
      rule.ports.push_back(static_cast<int>(port.as_int()));
    }
    if (rule.id.empty() || rule.host.empty() || (!rule.allow && item.str("/verdict") != "deny")) {
      return fail(Kind::config, "egress.rule", "an egress rule has no id, no host or no verdict");
    }
    out.push_back(std::move(rule));
  }
  return out;
}

}  // namespace scc::egress
