// SPDX-License-Identifier: Apache-2.0
// Exceptions: which of them count now, and which one lifts a refusal. Those of the organisation's document
// lift blocks and denials; local ones lift denials only, name exact targets, and never live longer than the
// organisation lets them, whatever their file says.
#include "model/parse.h"
#include "policy/state.h"

namespace scc::policy {

namespace {

constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kYear = 365 * 24 * kHour;

bool has_wildcard(const std::string& target) {
  return target.find_first_of("*?[") != std::string::npos;
}

}  // namespace

bool State::usable(const model::Exception& exception, bool local, std::string_view source) {
  const auto expires = model::parse_time(exception.expires_at);
  // A time that cannot be read is in the past.
  if (!expires || *expires <= layers_.now) {
    ++out_.expired_exceptions;
    return false;
  }
  const std::string name = std::string(source) + " exception " + exception.id;
  if (!local) {
    if (exception.teams && (layers_.team.empty() || !GlobList(*exception.teams).matches(layers_.team))) {
      return false;
    }
    if (*expires - layers_.now <= kYear) return true;
    warn(name + " is ignored: it lasts longer than 365 days");
    return false;
  }
  const auto created = model::parse_time(exception.created_at);
  std::string problem;
  if (!org_.delegation.local_overrides) {
    problem = "local overrides are switched off (delegation.users.allow_local_overrides: false)";
  } else if (!created || *created > layers_.now) {
    problem = "it was not created in the past";
  } else if (*expires - *created > org_.delegation.max_override_hours * kHour) {
    problem = "it lasts longer than " + std::to_string(org_.delegation.max_override_hours) + " hours";
  }
  if (problem.empty()) return true;
  warn(name + " is ignored: " + problem);
  return false;
}

void State::read_exceptions() {
  if (out_.standalone) return;
  for (std::size_t i = 0; i < org_.exceptions.size(); ++i) {
    if (usable(org_.exceptions[i], false, "policy")) {
      policy_.push_back({&org_.exceptions[i], "policy", pointer("/exceptions", i)});
    }
  }
  const auto local = [&](const std::vector<model::Exception>& list, const char* source) {
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (!usable(list[i], true, source)) continue;
      local_.push_back({&list[i], source, pointer("/exceptions", i)});
      for (const model::Strings* targets : {&list[i].plugins, &list[i].mcp_servers}) {
        for (const std::string& target : *targets) {
          if (has_wildcard(target)) {
            warn(std::string(source) + " exception " + list[i].id + ": " + target +
                 " is ignored, a local override names exact items");
          }
        }
      }
    }
  };
  local(layers_.repo_exceptions, "repo");
  local(layers_.user_exceptions, "user");
  for (const auto* list : {&policy_, &local_}) {
    for (const Lift& one : *list) {
      const model::Exception& from = *one.exception;
      out_.active_exceptions.push_back(
          {from.id, one.source, from.reason, from.expires_at, from.plugins, from.mcp_servers});
    }
  }
}

bool State::local_target(const std::string& target, const std::string& ref) const {
  if (has_wildcard(target)) return false;
  const auto wanted = model::normalise_plugin_ref(target, aliases_);
  return wanted && fold(*wanted) == fold(ref);
}

std::optional<Lift> State::lift(const Refusal& refusal, const std::string& ref) const {
  if (!refusal.liftable) return std::nullopt;
  for (const Lift& candidate : policy_) {
    for (const std::string& target : candidate.exception->plugins) {
      if (local_target(target, ref) || GlobList({target}).matches_plugin(ref)) return candidate;
    }
  }
  if (refusal.blocked) return std::nullopt;
  for (const Lift& candidate : local_) {
    for (const std::string& target : candidate.exception->plugins) {
      if (local_target(target, ref)) return candidate;
    }
  }
  return std::nullopt;
}

std::optional<Lift> State::lift(const Refusal& refusal, const Asker& asker,
                                const model::McpServer& server) const {
  if (!refusal.liftable) return std::nullopt;
  // A name is what a server calls itself. The organisation's own document may be believed; a project that
  // takes the name of an excepted server must not get past the block list with it.
  const bool names = !refusal.blocked || asker.layer == Asker::Layer::team;
  for (const Lift& candidate : policy_) {
    for (const std::string& target : candidate.exception->mcp_servers) {
      if (exception_matches(target, server, names, true)) return candidate;
    }
  }
  if (refusal.blocked) return std::nullopt;
  // Nor may another repository take the name of a server that its user unblocked once.
  const bool local_names = asker.layer != Asker::Layer::project;
  for (const Lift& candidate : local_) {
    for (const std::string& target : candidate.exception->mcp_servers) {
      if (!has_wildcard(target) && exception_matches(target, server, local_names, false)) return candidate;
    }
  }
  return std::nullopt;
}

void State::applied(const Lift& lift) {
  for (const std::string& id : out_.applied_exceptions) {
    if (id == lift.exception->id) return;
  }
  out_.applied_exceptions.push_back(lift.exception->id);
}

}  // namespace scc::policy
