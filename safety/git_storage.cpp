// SPDX-License-Identifier: Apache-2.0
// What deletes objects or rewrites history, and how soon an expiry time comes.
#include <array>
#include <cctype>
#include <ctime>

#include "safety/git.h"

namespace scc::safety {

namespace {

constexpr auto npos = std::string_view::npos;
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
    if (has_argument(git, "--force") || git.call.input.text.find("feature force") != npos)
      git.report(Rule::history_rewrite, git.at);
    return;
  }
  if (git.verb == "svn" && has_argument(git, "reset"))
    git.report(Rule::history_rewrite, Decision::warn, git.at);
}

/// "weeks.ago", "days", "month ago" of that number: at least a day. Before 1970 git counts from the other
/// end.
bool old_enough(long number, std::string_view unit) {
  struct Unit {
    std::string_view name;
    long hours;
  };
  constexpr std::array<Unit, 5> kUnits{
      {{"hour", 1}, {"day", 24}, {"week", 7 * 24}, {"month", 30 * 24}, {"year", 365 * 24}}};
  constexpr long kMostHours = 30L * 365 * 24;
  for (const Unit& one : kUnits) {
    if (!unit.starts_with(one.name)) continue;
    unit.remove_prefix(one.name.size());
    if (unit.starts_with('s')) unit.remove_prefix(1);
    const bool whole = unit.empty() || unit == ".ago" || unit == " ago" || unit == "_ago";
    return whole && number * one.hours >= 24 && number * one.hours <= kMostHours;
  }
  return false;
}

}  // namespace

bool expires_soon(std::string_view value) {
  if (value == "never" || value == "false" || value == "no") return false;
  std::size_t digits = 0;
  long number = 0;
  while (digits < value.size() && std::isdigit(static_cast<unsigned char>(value[digits])) != 0 &&
         digits < 6) {
    number = number * 10 + (value[digits++] - '0');
  }
  if (digits == 0 || digits == value.size()) return true;
  const std::string_view rest = value.substr(digits + 1);
  // Git reads on after what it knows, and the last word wins: only a whole value counts.
  if (std::string_view(". _").find(value[digits]) != npos) return !old_enough(number, rest);
  // "2024-05-01": a past day. One that lies ahead makes everything old enough.
  if (value[digits] != '-' || digits != 4 || rest.size() != 5 || rest[2] != '-') return true;
  constexpr std::string_view kDigits = "0123456789";
  if (rest.find_first_not_of(kDigits) != 2 || rest.find_first_not_of(kDigits, 3) != npos) return true;
  const long month = (rest[0] - '0') * 10 + (rest[1] - '0');
  const long day = (rest[3] - '0') * 10 + (rest[4] - '0');
  // Of an earlier year git makes another one.
  if (number < 1971 || month < 1 || month > 12 || day < 1 || day > 31) return true;
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
