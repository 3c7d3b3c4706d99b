// SPDX-License-Identifier: Apache-2.0
// The document of `config explain`. Literal values of env and headers, and query strings of URLs, may be
// secrets and are masked.
#include "policy/explain.h"

#include <algorithm>

#include "base/str.h"
#include "model/parse.h"
#include "policy/advice.h"

namespace scc::policy {

namespace {

/// Advice asks compute again; with very long lists of refusals the last ones go without, so that the time
/// stays bounded. Counted in items, not in seconds, because equal inputs must give equal bytes.
constexpr std::size_t kAdviceBudget = 400000;

template <class T, class F>
json::Value list_of(const std::vector<T>& items, F&& one) {
  json::Array out;
  for (const T& item : items) out.push_back(one(item));
  return json::Value(std::move(out));
}

json::Value masked_map(const model::StringMap& map) {
  json::Object out;
  for (const auto& [name, value] : map) out.emplace(name, masked(value));
  return json::Value(std::move(out));
}

std::string shown_url(const std::string& url) {
  const std::size_t query = url.find_first_of("?#");
  return query == std::string::npos ? url : url.substr(0, query) + "?***";
}

json::Value server(const model::EffectiveMcp& item) {
  json::Value out;
  out["name"] = item.server.name;
  out["type"] = item.server.type;
  out["source"] = item.source;
  if (!item.server.url.empty()) out["url"] = shown_url(item.server.url);
  if (!item.server.command.empty()) out["command"] = item.server.command;
  if (!item.server.args.empty()) out["args"] = json::Value::strings(item.server.args);
  if (!item.server.env.empty()) out["env"] = masked_map(item.server.env);
  if (!item.server.headers.empty()) out["headers"] = masked_map(item.server.headers);
  return out;
}

json::Value actions(const std::vector<model::EffectiveDevAction>& items) {
  return list_of(items, [](const model::EffectiveDevAction& item) {
    json::Value out = model::to_json(item.action);
    out["source"] = item.source;
    return out;
  });
}

json::Value effective_part(const model::Effective& effective) {
  json::Value out;
  model::Strings plugins = effective.plugins;
  std::sort(plugins.begin(), plugins.end());
  out["plugins"] = json::Value::strings(plugins);
  out["mcp_servers"] = list_of(effective.mcp_servers, server);
  out["dev_environment_commands"] = actions(effective.dev_commands);
  out["dev_environment_logs"] = actions(effective.dev_logs);
  out["dev_environment_health_checks"] = actions(effective.dev_health_checks);
  out["network_policy"] = nullptr;
  if (effective.network_policy) out["network_policy"] = model::to_string(*effective.network_policy);
  out["session"] = json::Object{};
  if (effective.session.timeout_hours) out["session"]["timeout_hours"] = *effective.session.timeout_hours;
  if (effective.session.auto_resume) out["session"]["auto_resume"] = *effective.session.auto_resume;
  if (effective.session.enforce_live) out["session"]["enforce_live"] = *effective.session.enforce_live;
  out["allowed_providers"] = nullptr;
  if (effective.allowed_providers)
    out["allowed_providers"] = json::Value::strings(*effective.allowed_providers);
  out["egress"] = to_json(effective.egress);
  json::Object images;
  for (const auto& [provider, ref] : effective.images) images.emplace(provider, ref);
  out["images"] = json::Value(std::move(images));
  out["bundles"] = list_of(effective.bundles, [](const auto& one) { return to_json(one); });
  out["safety_net"]["action"] = effective.safety_net.action;
  json::Object rules;
  for (const auto& [rule, on] : effective.safety_net.rules) rules.emplace(rule, on);
  out["safety_net"]["rules"] = json::Value(std::move(rules));
  return out;
}

/// A change as `explain` shows it: the exception itself carries the time of day and is left to the command.
json::Value shown_change(const Change& change) {
  json::Value out = to_json(change);
  if (change.pointer == "/exceptions/-") out.object().erase("value");
  return out;
}

/// Adds to each record the smallest change that would undo it, while the budget lasts.
class Advice {
 public:
  explicit Advice(const ExplainInput& input)
      : advisor_(input.layers),
        effective_(input.effective),
        layers_(input.layers),
        cost_(1 + input.effective.decisions.size() + input.effective.blocked.size() +
              input.effective.denied.size()) {}

  void add(json::Value& record, const std::string& item, const std::string& type, const Verdict& verdict) {
    const std::string kind = type == "egress" ? "host" : type;
    if (kind != "plugin" && kind != "mcp_server" && kind != "host" && kind != "provider" && kind != "image")
      return;
    record["changes"] = json::Array{};
    if (advisor_.asked() * cost_ > kAdviceBudget) return;
    // In effect by way of another layer: there is nothing to undo.
    if (judge(layers_, effective_, item, kind).allowed()) return;
    for (const Change& change : advisor_.changes(item, kind, verdict, 3)) {
      record["changes"].array().push_back(shown_change(change));
    }
  }

 private:
  Advisor advisor_;
  const model::Effective& effective_;
  const Layers& layers_;
  std::size_t cost_;
};

void records(const ExplainInput& input, json::Value& out) {
  Advice advice(input);
  out["blocked_items"] = list_of(input.effective.blocked, [&](const model::Blocked& one) {
    json::Value record = to_json(one);
    advice.add(record, one.item, one.target_type,
               {"blocked", one.blocked_by, one.code, one.source, one.rule, one.requested_by, one.entry});
    return record;
  });
  out["denied_additions"] = list_of(input.effective.denied, [&](const model::Denied& one) {
    json::Value record = to_json(one);
    advice.add(record, one.item, one.target_type,
               {"denied", one.reason, one.code, one.source, one.rule, one.requested_by, one.entry});
    return record;
  });
  out["ignored_policy_changes"] =
      list_of(input.effective.ignored, [](const auto& one) { return to_json(one); });
  out["disabled_items"] = list_of(input.effective.disabled, [&](const model::Disabled& one) {
    json::Value record = to_json(one);
    advice.add(record, one.item, one.target_type,
               {"disabled", "", "", one.source, one.rule, one.requested_by, one.entry});
    return record;
  });
}

json::Value surface(std::string_view name, bool enforced, std::string_view how, std::string_view otherwise) {
  json::Value out;
  out["surface"] = name;
  out["status"] = enforced ? "enforced" : "not enforced";
  out["detail"] = enforced ? how : otherwise;
  return out;
}

json::Value network_surface(const ExplainInput& input) {
  const auto policy = input.effective.network_policy;
  if (policy && *policy != model::NetworkPolicy::open) {
    return surface("network_policy", input.backend.network, "verified from inside the sandbox at each launch",
                   "no network policy plugin here implements it: a launch is refused");
  }
  json::Value out = surface("network_policy", false, "", "open: nothing is restricted");
  out["status"] = "not applicable";
  return out;
}

json::Value enforcement(const ExplainInput& input) {
  const Backend& backend = input.backend;
  const std::string name =
      backend.provider.empty() ? "no provider is chosen" : "provider " + backend.provider;
  const std::string not_rendered = name + (backend.provider.empty() ? "" : " does not render it");
  const std::string read_only = name + " reads it from files that the agent cannot change";
  json::Array out;
  out.push_back(surface("plugins", backend.plugins, read_only, not_rendered));
  out.push_back(surface("marketplaces", backend.marketplaces, "mounted read-only", not_rendered));
  out.push_back(surface("mcp_servers", backend.servers, read_only, not_rendered));
  out.push_back(surface("mcp_servers.repository", backend.servers_exclusive, "only the servers above load",
                        "the repository's own files are the agent's business"));
  out.push_back(surface("mcp_servers.plugins", backend.servers_exclusive, "only the servers above load",
                        "what a plugin brings is not looked at"));
  out.push_back(network_surface(input));
  out.push_back(surface("images", backend.images, "asked before anything starts", "not asked"));
  const bool safety = input.effective.safety_net.action != "allow";
  out.push_back(surface("safety_net", backend.safety_net && safety, "the guard runs before git does",
                        safety ? "no guard runs here" : "the organisation allows everything"));
  out.push_back(
      surface("session.timeout_hours", backend.timeout, "the session ends in time", "nothing ends it"));
  json::Value resume = surface("session.auto_resume", false, "", "a hint for people");
  resume["status"] = "advisory";
  out.push_back(std::move(resume));
  return json::Value(std::move(out));
}

json::Value exceptions(const ExplainInput& input) {
  json::Value out;
  out["active"] = list_of(input.effective.active_exceptions, [&](const model::ActiveException& one) {
    json::Value item;
    item["id"] = one.id;
    item["scope"] = one.source == "policy" ? "policy" : "local";
    item["source"] = one.source;
    item["reason"] = one.reason;
    item["targets"]["plugins"] = json::Value::strings(one.plugins);
    item["targets"]["mcp_servers"] = json::Value::strings(one.mcp_servers);
    item["expires_at"] = one.expires_at;
    item["expires_in"] = remaining(one.expires_at, input.layers.now);
    return item;
  });
  out["expired_count"] = input.effective.expired_exceptions;
  out["applied"] = json::Value::strings(input.effective.applied_exceptions);
  return out;
}

json::Value personal(const ExplainInput& input) {
  json::Value out = json::Object{};
  if (!input.layers.personal) return out;
  const model::Personal& profile = *input.layers.personal;
  out["repo"] = profile.repo_id;
  model::Strings on;
  for (const auto& [ref, enabled] : profile.plugins) {
    if (enabled) on.push_back(ref);
  }
  std::sort(on.begin(), on.end());
  out["plugins"] = json::Value::strings(on);
  out["mcp"] = !profile.mcp_servers.empty();
  const bool allowed = input.layers.org == nullptr || input.layers.org->delegation.personal_profiles;
  out["applied"] = allowed;
  out["skipped"] = json::Value::strings(input.skipped_personal);
  return out;
}

model::Strings warnings(const ExplainInput& input) {
  model::Strings out = input.warnings;
  const auto add = [&](std::string text) {
    if (std::find(out.begin(), out.end(), text) == out.end()) out.push_back(std::move(text));
  };
  for (const std::string& text : input.effective.warnings) add(text);
  if (input.layers.org != nullptr && !input.layers.org->defaults.network_policy) {
    add("the organisation sets no network policy; " + (input.effective.network_policy
                                                           ? "it was set by " + input.effective.network_source
                                                           : std::string("open applies")));
  }
  for (const model::Decision& decision : input.effective.decisions) {
    if (decision.field == "session.auto_resume") {
      add("session.auto_resume (set by " + decision.source + ") is a hint, nothing enforces it");
    }
  }
  return out;
}

}  // namespace

std::string remaining(std::string_view expires_at, std::int64_t now) {
  const auto expires = model::parse_time(expires_at);
  if (!expires || *expires <= now) return "expired";
  // A minute that has begun counts: "0m" would look like the end.
  const std::int64_t minutes = (*expires - now + 59) / 60;
  const std::int64_t days = minutes / 1440;
  const std::int64_t hours = minutes / 60 % 24;
  std::string out;
  if (days > 0) out += std::to_string(days) + "d";
  if (hours > 0) out += std::to_string(hours) + "h";
  if (days == 0 && minutes % 60 > 0) out += std::to_string(minutes % 60) + "m";
  return out;
}

std::string masked(std::string_view value) {
  std::string_view rest = value;
  for (const std::string_view scheme : {"Bearer ", "Basic ", "token "}) {
    if (str::starts_with(rest, scheme)) rest.remove_prefix(scheme.size());
  }
  const bool reference =
      rest.size() > 3 && str::starts_with(rest, "${") && rest.back() == '}' &&
      rest.substr(2, rest.size() - 3)
              .find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_") ==
          std::string_view::npos;
  return reference ? std::string(value) : "***";
}

json::Value explain(const ExplainInput& input) {
  const model::Effective& effective = input.effective;
  json::Value out;
  out["organization"]["name"] = effective.organization_name.empty() ? "Unknown" : effective.organization_name;
  out["organization"]["id"] = effective.organization_id;
  out["standalone"] = effective.standalone;
  out["team"] = effective.team;
  out["enforcement"] = enforcement(input);
  out["warnings"] = json::Value::strings(warnings(input));
  out["effective"] = effective_part(effective);
  out["decisions"] = list_of(effective.decisions, [&](const model::Decision& decision) {
    json::Value one = to_json(decision);
    if (!decision.expires_at.empty()) one["expires_in"] = remaining(decision.expires_at, input.layers.now);
    return one;
  });
  records(input, out);
  out["personal_profile"] = personal(input);
  out["exceptions"] = exceptions(input);
  out["layers"] = list_of(input.origins, [](const Origin& origin) {
    json::Value one;
    one["name"] = origin.name;
    one["origin"] = origin.origin;
    one["sha256"] = origin.sha256;
    one["fetched_at"] = origin.fetched_at;
    one["stale"] = origin.stale;
    return one;
  });
  out["rendered"] = input.rendered.is_array() ? input.rendered : json::Value(json::Array{});
  return out;
}

}  // namespace scc::policy
