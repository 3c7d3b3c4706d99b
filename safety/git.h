// SPDX-License-Identifier: Apache-2.0
// One git command after its global options, aliases and settings are known. Private to this folder.
#pragma once

#include "safety/judge.h"

namespace scc::safety {

/// Settings given with -c, --config-env or GIT_CONFIG_COUNT; keys in lower case but for the middle part.
using Settings = std::vector<std::pair<std::string, std::string>>;

struct Git {
  Judge& judge;
  const Call& call;
  Settings settings;
  std::string_view verb;
  std::size_t at;      ///< index of the verb in call.argv
  bool looks = false;  ///< changes nothing

  const Args& args() const { return call.argv; }
  Parsed parse(std::string_view table) const {
    const char* options = git_options(table);
    return parse_options(options == nullptr ? "" : options, call.argv, at + 1);
  }
  Parsed parse_from(std::string_view table, std::size_t first) const {
    const char* options = git_options(table);
    return parse_options(options == nullptr ? "" : options, call.argv, first);
  }
  void report(Rule rule, std::size_t index, std::string_view detail = {}) const {
    report(rule, info(rule).level, index, detail);
  }
  void report(Rule rule, Decision level, std::size_t index, std::string_view detail = {}) const {
    judge.report(rule, level, index < call.argv.size() ? call.argv[index] : std::string(verb), call.depth,
                 detail);
  }
  /// The last value of a setting, or null.
  const std::string* setting(std::string_view key) const;
  /// A command line that git hands to a shell.
  void shell(std::string_view text) const { judge.line(text, call.depth + 1); }
};

/// An option name, or more arguments to come, that could turn this command into a dangerous one.
void judge_unknown_arguments(const Git& git, const Parsed& parsed);

// Each file judges the subcommands of one kind and says whether the verb is its own.
bool judge_push_and_fetch(const Git& git);
bool judge_worktree(const Git& git);
bool judge_refs(const Git& git);
bool judge_storage(const Git& git);
bool judge_starters(const Git& git);

// git_config.cpp
/// A setting that comes with the command itself.
void judge_setting(const Git& git, const std::string& key, const std::string& value, std::string_view at);
/// `git config KEY VALUE`, clone -c.
void judge_written_setting(const Git& git, const std::string& key, const std::string& value,
                           std::string_view at);
bool judge_config(const Git& git);
void judge_git_environment(const Git& git);
std::string lowered(std::string_view text);
/// Lower case in the first and the last part.
std::string setting_key(std::string_view key);
/// As git reads a truth. A value that it would refuse, or that nobody knows yet, may be either.
bool setting_true(std::string_view value);
bool setting_false(std::string_view value);
/// A refspec of a push that overwrites or deletes; a value that nobody knows yet may be one.
bool risky_refspec(std::string_view value);

/// Whether an expiry time leaves less than a day: "now", "all", "0", "1.second.ago", a date to come.
bool expires_soon(std::string_view value);
/// The way git splits an alias: blanks, quotes, backslash. False: unbalanced.
bool split_alias(std::string_view text, Args* out);
bool git_builtin(std::string_view verb);

}  // namespace scc::safety
