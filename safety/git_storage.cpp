// SPDX-License-Identifier: Apache-2.0
// What deletes objects or rewrites history, and how soon an expiry time comes.
#include <array>
#include <cctype>
#include <ctime>

#include "safety/git.h"

namespace scc::safety {

namespace {

constexpr long kDaySeconds = 86'400;

/// Of the Gregorian calendar. March comes first, so that the leap day is the last of its year.
constexpr long days_since_1970(long year, long month, long day) {
  const long from_march = month > 2 ? year : year - 1;
  return from_march * 365 + from_march / 4 - from_march / 100 + from_march / 400 +
         ((month + 9) % 12 * 306 + 5) / 10 + day - 719'469;
}
static_assert(days_since_1970(1970, 1, 1) == 0 && days_since_1970(2024, 2, 29) == 19'782 &&
              days_since_1970(2024, 3, 1) == 19'783);

void gc(const Git& git) {
  const Parsed parsed = git.parse("gc");
  if (parsed.help) return;
  judge_unknown_arguments(git, parsed);
  const Seen* prune = parsed.flag("prune");
  if (prune != nullptr && !prune->value.empty() && expires_soon(prune->value))
    return git.report(Rule::gc_prune, prune->at);
  const Seen* cruft = parsed.flag("cruft-expiration");
  if (cruft != nullptr && expires_soon(cruft->value)) return git.report(Rule::gc_prune, cruft->at);
  for (const auto& [key, value] : git.settings) {
    if (key.starts_with("gc.") && key.find("expire") != std::string::npos && expires_soon(value)) {
      git.judge.report(Rule::gc_prune, key, git.call.depth);
    }
  }
}

void prune(const Git& git) {
  const Parsed parsed = git.parse("prune");
  if (parsed.help || parsed.surely("dry-run")) return;
  const Seen* expire = parsed.flag("expire");
  // Without a time it deletes everything unreachable, whatever its age.
  if (expire == nullptr || expires_soon(expire->value))
    git.report(Rule::gc_prune, expire == nullptr ? git.at : expire->at);
}

void repack(const Git& git) {
  const Parsed parsed = git.parse("repack");
  if (parsed.help) return;
  for (const char* name : {"unpack-unreachable", "cruft-expiration"}) {
    const Seen* one = parsed.flag(name);
    if (one != nullptr && expires_soon(one->value)) return git.report(Rule::gc_prune, one->at);
  }
}

void maintenance(const Git& git) {
  for (const auto& [key, value] : git.settings) {
    if (key.starts_with("gc.") && key.find("expire") != std::string::npos && expires_soon(value)) {
      git.judge.report(Rule::gc_prune, key, git.call.depth);
    }
  }
}

/// Scripts and programs that show help only for their first argument.
bool first_is_help(const Git& git) {
  return git.at + 1 < git.args().size() &&
         (git.args()[git.at + 1] == "-h" || git.args()[git.at + 1] == "--help");
}

bool has_argument(const Git& git, std::string_view wanted) {
  for (std::size_t i = git.at + 1; i < git.args().size(); ++i) {
    if (git.args()[i] == "--") return false;
    if (git.args()[i] == wanted) return true;
  }
  return false;
}

void rewrite(const Git& git) {
  if (first_is_help(git)) return;
  if (git.verb == "filter-branch") return git.report(Rule::filter_branch, git.at);
  if (git.verb == "filter-repo") {
    if (!has_argument(git, "--analyze") && !has_argument(git, "--dry-run") &&
        !has_argument(git, "--version")) {
      git.report(Rule::history_rewrite, git.at);
    }
    return;
  }
  if (git.verb == "fast-import") {
    if (has_argument(git, "--force")) git.report(Rule::history_rewrite, git.at);
    return;
  }
  if (git.verb == "svn" && has_argument(git, "reset"))
    git.report(Rule::history_rewrite, Decision::warn, git.at);
}

}  // namespace

bool expires_soon(std::string_view value) {
  if (has_unknown(value)) return true;
  if (value == "never" || value == "false" || value == "no") return false;
  // "2.weeks.ago", "30 days": a number of at least one day.
  std::size_t digits = 0;
  long number = 0;
  while (digits < value.size() && std::isdigit(static_cast<unsigned char>(value[digits])) != 0 &&
         digits < 6) {
    number = number * 10 + (value[digits++] - '0');
  }
  if (digits == 0 || digits == value.size()) return true;
  const char separator = value[digits];
  const std::string_view rest = value.substr(digits + 1);
  if (separator == '.' || separator == ' ' || separator == '_') {
    constexpr std::array<std::string_view, 4> kUnits{"day", "week", "month", "year"};
    for (const std::string_view unit : kUnits) {
      if (rest.starts_with(unit)) return number < 1;
    }
    if (rest.starts_with("hour")) return number < 24;
    return true;
  }
  // "2024-05-01": a past day. One that lies ahead makes everything old enough.
  if (separator != '-' || digits != 4 || value.size() < 10 || value[7] != '-') return true;
  const long month = (value[5] - '0') * 10 + (value[6] - '0');
  const long day = (value[8] - '0') * 10 + (value[9] - '0');
  if (number < 1 || month < 1 || month > 12 || day < 1 || day > 31) return true;
  // Less than a day ago, in whatever time zone git reads it.
  return days_since_1970(number, month, day) * kDaySeconds > std::time(nullptr) - 36L * 3600;
}

bool judge_storage(const Git& git) {
  const std::string_view verb = git.verb;
  if (verb == "gc") return gc(git), true;
  if (verb == "prune") return prune(git), true;
  if (verb == "repack") return repack(git), true;
  if (verb == "maintenance") return maintenance(git), true;
  if (verb == "filter-branch" || verb == "filter-repo" || verb == "fast-import" || verb == "svn")
    return rewrite(git), true;
  if (verb == "notes" || verb == "lfs") {
    if (has_argument(git, "prune") && !has_argument(git, "--dry-run") && !has_argument(git, "-n") &&
        (verb == "notes" || has_argument(git, "--force"))) {
      git.report(Rule::gc_prune, Decision::warn, git.at);
    }
    return true;
  }
  return false;
}

}  // namespace scc::safety
