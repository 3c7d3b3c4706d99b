// SPDX-License-Identifier: Apache-2.0
// Looking one item up in a result: what is in effect first, then the records.
#include "policy/judge.h"

#include <algorithm>

#include "base/str.h"
#include "model/grammar.h"
#include "model/parse.h"
#include "policy/images.h"
#include "policy/matcher.h"
#include "policy/mcp.h"
#include "policy/state.h"
#include "policy/targets.h"

namespace scc::policy {

namespace {

constexpr int kHttps = 443;

const model::Decision* decision_of(const model::Effective& effective, std::string_view field,
                                   std::string_view value) {
  for (const model::Decision& decision : effective.decisions) {
    if (decision.field == field && (value.empty() || decision.value == value)) return &decision;
  }
  return nullptr;
}

Verdict allowed(const model::Decision* decision, std::string reason) {
  Verdict out{"allowed", std::move(reason), {}, {}, {}, {}, {}};
  if (decision != nullptr) {
    if (!decision->reason.empty()) out.reason = decision->reason;
    out.source = decision->source;
    out.rule = decision->rule;
    out.entry = decision->entry;
  }
  return out;
}

/// The records of an item in the order of their weight.
Verdict recorded(const model::Effective& effective, const std::string& item, std::string_view type) {
  const std::string wanted = fold(item);
  for (const model::Blocked& one : effective.blocked) {
    if (one.target_type != type || fold(one.item) != wanted) continue;
    const bool pattern = one.code == "SECURITY_PLUGIN_PATTERN" || one.code == "SECURITY_MCP_PATTERN";
    return {"blocked", (pattern ? "matches the pattern " : "") + one.blocked_by,
            one.code,  one.source,
            one.rule,  one.requested_by,
            one.entry};
  }
  for (const model::Denied& one : effective.denied) {
    if (one.target_type != type || fold(one.item) != wanted) continue;
    return {"denied", one.reason, one.code, one.source, one.rule, one.requested_by, one.entry};
  }
  for (const model::Disabled& one : effective.disabled) {
    if (one.target_type != type || fold(one.item) != wanted) continue;
    return {"disabled", "switched off by " + one.source, "", one.source, one.rule, one.requested_by,
            one.entry};
  }
  const std::string field = fold((type == "plugin" ? "plugins." : "mcp_servers.") + item);
  for (const model::Ignored& one : effective.ignored) {
    if (fold(one.field) != field) continue;
    return {"ignored", one.reason, one.code, one.source, one.rule, one.source, one.entry};
  }
  return {"not requested", "no layer asks for it", "", "", "", "", ""};
}

Verdict judge_plugin(const model::Effective& effective, const std::string& item) {
  const std::string wanted = fold(item);
  for (const std::string& ref : effective.plugins) {
    if (fold(ref) == wanted) return allowed(decision_of(effective, "plugins", ref), "in effect");
  }
  return recorded(effective, item, "plugin");
}

Verdict judge_server(const model::Effective& effective, const std::string& item) {
  const std::string wanted = fold(item);
  for (const model::EffectiveMcp& one : effective.mcp_servers) {
    const std::string name = mcp_item(one.server);
    if (fold(name) != wanted) continue;
    Verdict out = allowed(decision_of(effective, "mcp_servers", name), "in effect");
    for (const std::string& warning : effective.warnings) {
      if (warning.find("MCP_EGRESS_UNREACHABLE: MCP server " + name + " ") == 0)
        out.reason += "; but " + warning;
    }
    return out;
  }
  return recorded(effective, item, "mcp_server");
}

/// The first allowance that opens the target. As core/egress reads them: without a written port 443 alone.
std::size_t find_open(const model::Strings& allow, const Target& target) {
  for (std::size_t i = 0; i < allow.size(); ++i) {
    auto outer = parse_target(allow[i]);
    if (outer && outer->port < 0) outer->port = kHttps;
    if (outer && covers(*outer, target)) return i;
  }
  return allow.size();
}

Verdict judge_host(const Layers& layers, const model::Effective& effective, const std::string& item) {
  const model::Decision* network = decision_of(effective, "network_policy", "");
  if (!effective.network_policy || *effective.network_policy == model::NetworkPolicy::open) {
    return allowed(network, "the network policy is open: nothing is filtered");
  }
  if (*effective.network_policy == model::NetworkPolicy::locked_down_web) {
    return {"blocked",
            "network_policy=locked-down-web",
            "NETWORK_LOCKED_DOWN",
            effective.network_source,
            network != nullptr ? network->rule : "",
            "",
            ""};
  }
  auto target = parse_target(item);
  if (!target) return {"denied", "not a destination", "INVALID_REF", "", "", "", ""};
  if (target->port < 0) target->port = kHttps;
  if (const std::size_t hit = find_cover(effective.egress.deny, *target);
      hit < effective.egress.deny.size()) {
    const std::string& entry = effective.egress.deny[hit];
    const model::Decision* decision = decision_of(effective, "egress.deny", entry);
    return {"blocked",
            "matches " + entry + " of the egress deny list, which wins over every allow",
            "EGRESS_DENY",
            decision != nullptr ? decision->source : "builtin",
            decision != nullptr ? decision->rule : "",
            "",
            ""};
  }
  if (const std::size_t hit = find_open(effective.egress.allow, *target);
      hit < effective.egress.allow.size()) {
    return allowed(decision_of(effective, "egress", effective.egress.allow[hit]), "narrowed by the project");
  }
  if (find_open(layers.provider_egress, *target) < layers.provider_egress.size()) {
    Verdict out = allowed(nullptr, "the provider needs it");
    out.source = "provider";
    return out;
  }
  for (const model::Denied& one : effective.denied) {
    const auto asked = one.target_type == "egress" ? parse_target(one.item) : std::nullopt;
    if (asked && covers(*asked, *target)) {
      return {"denied", one.reason, one.code, one.source, one.rule, one.requested_by, one.entry};
    }
  }
  return {"denied",
          "not in the egress allow list",
          "EGRESS_NOT_LISTED",
          "org.defaults",
          "/defaults/egress/allow",
          "",
          ""};
}

Verdict judge_provider(const Layers& layers, const model::Effective& effective, const std::string& item) {
  if (check_provider(effective, item)) {
    return allowed(decision_of(effective, "providers", ""), "no layer limits the providers");
  }
  const auto lacks = [&](const std::optional<model::Strings>& list) {
    return list && std::find(list->begin(), list->end(), item) == list->end();
  };
  const auto refused = [&](const std::string& source, std::string rule) {
    return Verdict{
        "denied", "not in the list of " + source, "PROVIDER_NOT_ALLOWED", source, std::move(rule), "", ""};
  };
  const model::Org* org = layers.org;
  if (org != nullptr && lacks(org->defaults.allowed_providers)) {
    return refused("org.defaults", "/defaults/allowed_providers");
  }
  const auto team = org != nullptr ? org->profiles.find(layers.team) : decltype(org->profiles.end()){};
  if (org != nullptr && team != org->profiles.end() && lacks(team->second.allowed_providers)) {
    return refused("team." + layers.team, pointer({"profiles", layers.team, "allowed_providers"}));
  }
  return refused("project", "/allowed_providers");
}

Verdict judge_image(const model::Effective& effective, const std::string& item) {
  const GlobList blocked(effective.blocked_base_images);
  for (const std::string& candidate : image_block_candidates(item)) {
    if (const auto hit = blocked.find(candidate)) {
      return {"blocked",
              "matches the pattern " + blocked.pattern(*hit),
              "IMAGE_PATTERN",
              "org.security",
              pointer("/security/blocked_base_images", *hit),
              "",
              ""};
    }
  }
  const Status status = check_image(effective, item, false);
  if (!status) {
    return {"denied",
            status.error().message,
            "NOT_ALLOWLISTED",
            "org.defaults",
            "/defaults/allowed_base_images",
            "",
            ""};
  }
  for (const model::Denied& one : effective.denied) {
    if (one.target_type == "image" && one.item == item) {
      return {"denied", one.reason, one.code, one.source, one.rule, one.requested_by, one.entry};
    }
  }
  for (const model::Decision& decision : effective.decisions) {
    if (str::starts_with(decision.field, "images.") && decision.value == item) {
      return allowed(&decision, "");
    }
  }
  return allowed(nullptr, "no pattern forbids it");
}

model::Strings aliases_of(const model::Effective& effective) {
  model::Strings out;
  for (const auto& [alias, market] : effective.marketplaces) out.push_back(alias);
  return out;
}

/// A bare name among several marketplaces: the one plugin of that name that is in effect.
std::string by_name(const model::Effective& effective, const std::string& name) {
  std::string found;
  for (const std::string& ref : effective.plugins) {
    if (fold(ref.substr(0, ref.find('@'))) != fold(name)) continue;
    if (!found.empty()) return name;
    found = ref;
  }
  return found.empty() ? name : found;
}

}  // namespace

std::string canonical_item(const Layers& layers, const model::Effective& effective, std::string_view item,
                           std::string_view kind) {
  (void)layers;
  const std::string text(str::trim(item));
  if (kind == "plugin") {
    const auto ref = model::normalise_plugin_ref(text, aliases_of(effective));
    return ref ? *ref : by_name(effective, text);
  }
  if (kind == "host") {
    if (text.find("://") != std::string::npos) {
      model::McpServer server;
      server.url = text;
      const std::string host = mcp_destination(server);
      return host.empty() ? text : host;
    }
    const auto target = parse_target(text);
    return target ? to_string(*target) : text;
  }
  return text;
}

Verdict judge(const Layers& layers, const model::Effective& effective, const std::string& item,
              std::string_view kind) {
  if (kind == "plugin") return judge_plugin(effective, item);
  if (kind == "mcp_server") return judge_server(effective, item);
  if (kind == "host") return judge_host(layers, effective, item);
  if (kind == "provider") return judge_provider(layers, effective, item);
  return judge_image(effective, item);
}

namespace {

bool known_provider(const Layers& layers, const std::string& item) {
  if (item == layers.provider) return true;
  if (layers.org == nullptr) return false;
  const auto in = [&](const std::optional<model::Strings>& list) {
    return list && std::find(list->begin(), list->end(), item) != list->end();
  };
  const auto team = layers.org->profiles.find(layers.team);
  return in(layers.org->defaults.allowed_providers) || layers.org->defaults.images.count(item) > 0 ||
         (team != layers.org->profiles.end() && in(team->second.allowed_providers));
}

std::string from_records(const model::Effective& effective, const std::string& text) {
  const std::string wanted = fold(text);
  const std::string ref = fold(by_name(effective, text));
  for (const std::string& plugin : effective.plugins) {
    if (fold(plugin) == wanted || fold(plugin) == ref) return "plugin";
  }
  for (const model::EffectiveMcp& one : effective.mcp_servers) {
    if (fold(mcp_item(one.server)) == wanted) return "mcp_server";
  }
  const auto kind = [](const std::string& type) -> std::string { return type == "egress" ? "host" : type; };
  const auto usable = [](const std::string& type) {
    return type == "plugin" || type == "mcp_server" || type == "image" || type == "egress" ||
           type == "provider";
  };
  for (const model::Blocked& one : effective.blocked) {
    if (fold(one.item) == wanted && usable(one.target_type)) return kind(one.target_type);
  }
  for (const model::Denied& one : effective.denied) {
    if (fold(one.item) == wanted && usable(one.target_type)) return kind(one.target_type);
  }
  for (const model::Disabled& one : effective.disabled) {
    if (fold(one.item) == wanted) return one.target_type;
  }
  for (const model::Ignored& one : effective.ignored) {
    if (fold(one.field) == "mcp_servers." + wanted) return "mcp_server";
  }
  return {};
}

}  // namespace

std::string guess_kind(const Layers& layers, const model::Effective& effective, std::string_view item) {
  const std::string text(str::trim(item));
  if (std::string known = from_records(effective, text); !known.empty()) return known;
  if (known_provider(layers, text)) return "provider";
  if (text.find("://") != std::string::npos) return "host";
  if (text.find("@sha256:") != std::string::npos) return "image";
  if (text.find('@') != std::string::npos) return "plugin";
  const auto target = parse_target(text);
  if (text.find('/') != std::string::npos) {
    return target && target->kind == Target::Kind::block ? "host" : "image";
  }
  if (target &&
      (text.find('.') != std::string::npos || target->kind == Target::Kind::block || target->port >= 0)) {
    return "host";
  }
  return text.find(':') != std::string::npos ? "image" : "plugin";
}

}  // namespace scc::policy
