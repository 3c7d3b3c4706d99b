// SPDX-License-Identifier: Apache-2.0
// Values that layers may only narrow (network policy, session, providers), and those that need delegation
// (images, commands that run on the host).
#include <algorithm>

#include "base/str.h"
#include "policy/images.h"
#include "policy/state.h"

namespace scc::policy {

namespace {

std::string yes_no(bool value) {
  return value ? "true" : "false";
}

}  // namespace

void State::network(const std::optional<model::NetworkPolicy>& wanted, const Asker& asker,
                    const std::string& entry) {
  if (!wanted) return;
  const std::string value(model::to_string(*wanted));
  if (out_.network_policy && *wanted < *out_.network_policy) {
    const std::string effective(model::to_string(*out_.network_policy));
    const std::size_t decided = fields_.at("network_policy");
    out_.ignored.push_back({"network_policy", value, effective, asker.source,
                            asker.source + " may not widen what " + out_.network_source + " set",
                            "POLICY_WIDENS", out_.decisions[decided].rule, entry});
    return;
  }
  out_.network_policy = wanted;
  out_.network_source = asker.source;
  replace_decision({"network_policy", value, layer_reason(asker), asker.source, entry, {}, {}, {}});
}

void State::session(const model::Session& wanted, const Asker& asker, const std::string& base) {
  if (wanted.timeout_hours) timeout(*wanted.timeout_hours, asker, base + "/session/timeout_hours");
  if (wanted.auto_resume) auto_resume(*wanted.auto_resume, asker, base + "/session/auto_resume");
  if (wanted.enforce_live) enforce_live(*wanted.enforce_live, asker, base + "/session/enforce_live");
}

void State::timeout(std::int64_t wanted, const Asker& asker, const std::string& entry) {
  const auto& now = out_.session.timeout_hours;
  if (!now || wanted < *now) {
    out_.session.timeout_hours = wanted;
    replace_decision({"session.timeout_hours",
                      std::to_string(wanted),
                      layer_reason(asker),
                      asker.source,
                      entry,
                      {},
                      {},
                      {}});
    return;
  }
  if (wanted == *now) return;
  const bool project = asker.layer == Asker::Layer::project && !out_.standalone;
  const auto refusal = project ? project_rule() : std::nullopt;
  const std::string rule = out_.decisions[fields_.at("session.timeout_hours")].rule;
  out_.ignored.push_back(
      {"session.timeout_hours", std::to_string(wanted), std::to_string(*now), asker.source,
       refusal ? asker.source + ": " + refusal->reason : asker.source + " may only shorten the session",
       refusal ? "SESSION_NOT_DELEGATED" : "SESSION_WIDENS", refusal ? refusal->rule : rule, entry});
}

void State::auto_resume(bool wanted, const Asker& asker, const std::string& entry) {
  const auto& now = out_.session.auto_resume;
  if (now && *now == wanted) return;
  const bool narrows = !wanted;
  const bool project = asker.layer == Asker::Layer::project && !out_.standalone;
  const auto refusal = project && !narrows ? project_rule() : std::nullopt;
  if (!refusal && (narrows || !now)) {
    out_.session.auto_resume = wanted;
    replace_decision(
        {"session.auto_resume", yes_no(wanted), layer_reason(asker), asker.source, entry, {}, {}, {}});
    return;
  }
  const auto decided = fields_.find("session.auto_resume");
  out_.ignored.push_back({"session.auto_resume", yes_no(wanted), now ? yes_no(*now) : "unset", asker.source,
                          refusal ? asker.source + ": " + refusal->reason
                                  : asker.source + " may not switch on what an upper layer switched off",
                          refusal ? "SESSION_NOT_DELEGATED" : "SESSION_WIDENS",
                          refusal                    ? refusal->rule
                          : decided == fields_.end() ? std::string()
                                                     : out_.decisions[decided->second].rule,
                          entry});
}

void State::enforce_live(bool wanted, const Asker& asker, const std::string& entry) {
  const auto& now = out_.session.enforce_live;
  if (now && *now == wanted) return;
  if (wanted || !now) {
    out_.session.enforce_live = wanted;
    replace_decision(
        {"session.enforce_live", yes_no(wanted), layer_reason(asker), asker.source, entry, {}, {}, {}});
    return;
  }
  out_.ignored.push_back({"session.enforce_live", yes_no(wanted), yes_no(*now), asker.source,
                          asker.source + " may not switch off what an upper layer switched on",
                          "SESSION_WIDENS", out_.decisions[fields_.at("session.enforce_live")].rule, entry});
}

void State::providers(const std::optional<model::Strings>& wanted, const Asker& asker,
                      const std::string& entry) {
  if (!wanted) return;
  model::Strings left;
  for (const std::string& id : *wanted) {
    const bool in_upper = !out_.allowed_providers ||
                          std::find(out_.allowed_providers->begin(), out_.allowed_providers->end(), id) !=
                              out_.allowed_providers->end();
    if (in_upper && std::find(left.begin(), left.end(), id) == left.end()) left.push_back(id);
    if (!in_upper) {
      out_.denied.push_back({id, asker.by, "provider " + id + " is not allowed by the layers above",
                             "provider", "PROVIDER_NOT_ALLOWED",
                             out_.decisions[fields_.at("providers")].source,
                             out_.decisions[fields_.at("providers")].rule, entry});
    }
  }
  const bool same = out_.allowed_providers && out_.allowed_providers->size() == left.size();
  // The order of the layer that decided first stays: the first one is what a prompt offers first.
  if (same) return;
  out_.allowed_providers = std::move(left);
  const model::Strings& now = *out_.allowed_providers;
  replace_decision({"providers",
                    now.empty() ? "none" : str::join(now, ", "),
                    layer_reason(asker),
                    asker.source,
                    entry,
                    {},
                    {},
                    {}});
}

void State::images(const model::StringMap& wanted, const Asker& asker, const std::string& base) {
  const GlobList blocked(org_.security.blocked_base_images);
  for (const auto& [provider, ref] : wanted) {
    const std::string entry = base + pointer({"images", provider});
    std::optional<std::size_t> hit;
    for (const std::string& candidate : image_block_candidates(ref)) {
      if (!hit) hit = blocked.find(candidate);
    }
    const auto refusal = delegated(asker, Thing::image);
    if (hit) {
      refuse({true, false, "IMAGE_PATTERN", blocked.pattern(*hit), "org.security",
              pointer("/security/blocked_base_images", *hit)},
             asker, ref, "image", entry);
    } else if (refusal) {
      refuse(*refusal, asker, ref, "image", entry);
    }
    // A blocked image that its layer may choose stays chosen, and check_image refuses it at launch: taking
    // another one in its place would run something that nobody asked for.
    if (refusal) continue;
    out_.images[provider] = ref;
    out_.image_sources[provider] = asker.source;
    replace_decision({"images." + provider, ref, layer_reason(asker), asker.source, entry, {}, {}, {}});
  }
}

void State::dev_environment(const model::DevEnvironment& wanted, const Asker& asker,
                            const std::string& base) {
  dev_actions(wanted.commands, asker, base, "commands", out_.dev_commands);
  dev_actions(wanted.logs, asker, base, "logs", out_.dev_logs);
  dev_actions(wanted.health_checks, asker, base, "health_checks", out_.dev_health_checks);
}

void State::dev_actions(const std::vector<model::DevAction>& wanted, const Asker& asker,
                        const std::string& base, std::string_view plural,
                        std::vector<model::EffectiveDevAction>& into) {
  // "health_checks" -> "dev_environment_health_check"
  const std::string type = "dev_environment_" + std::string(plural.substr(0, plural.size() - 1));
  const std::string field = "dev_environment." + std::string(plural);
  for (const model::DevAction& action : wanted) {
    const std::string entry = base + pointer({"dev_environment", plural, action.name});
    if (const auto refusal = delegated(asker, Thing::dev)) {
      refuse(*refusal, asker, action.name, type, entry);
      continue;
    }
    const auto same = std::find_if(into.begin(), into.end(), [&](const model::EffectiveDevAction& other) {
      return other.action.name == action.name;
    });
    if (same != into.end()) {
      const std::string other = same->source;
      out_.ignored.push_back({field + "." + action.name, action.name, action.name, asker.source,
                              asker.source + ": the name is taken by " + other, "DUPLICATE_NAME", "", entry});
      continue;
    }
    into.push_back({action, asker.source});
    decide({field, action.name, layer_reason(asker), asker.source, entry, entry, {}, {}});
  }
}

}  // namespace scc::policy
