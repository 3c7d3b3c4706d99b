// SPDX-License-Identifier: Apache-2.0
// `scc undo`: lists the snapshots that the guard takes before git can lose work, and brings one back.
#include <ctime>

#include "app/undo.h"
#include "cli/command.h"

namespace scc::cli {

namespace {

std::string age(std::int64_t seconds) {
  constexpr std::int64_t kMinute = 60;
  constexpr std::int64_t kHour = 60 * kMinute;
  constexpr std::int64_t kDay = 24 * kHour;
  if (seconds < kMinute) return std::to_string(std::max<std::int64_t>(0, seconds)) + "s";
  if (seconds < kHour) return std::to_string(seconds / kMinute) + "m";
  return seconds < kDay ? std::to_string(seconds / kHour) + "h" : std::to_string(seconds / kDay) + "d";
}

std::string branch_of(const git::Snapshot& one) {
  constexpr std::string_view kHeads = "refs/heads/";
  return one.branch.empty() ? "(detached)" : one.branch.substr(kHeads.size());
}

Result<int> list(Env& env, const Args& args) {
  SCC_TRY(const app::SnapshotList found, app::snapshots_here(env.host, args.get("workspace")));
  const std::int64_t now = std::time(nullptr);
  std::vector<std::vector<std::string>> rows;
  for (const git::Snapshot& one : found.snapshots)
    rows.push_back({one.id, age(now - one.time), branch_of(one), one.command});
  if (rows.empty())
    env.console.note("there is no snapshot of " + found.workspace);
  else
    env.console.table({"ID", "AGE", "BRANCH", "BEFORE"}, rows);
  env.console.envelope("UndoList", app::snapshots_json(found, now));
  return 0;
}

void print(ui::Console& console, const git::Undo& done, const git::Snapshot& chosen, bool dry_run) {
  const std::string would = dry_run ? "would " : "";
  const auto lines = [&](const std::string& what, const std::vector<std::string>& paths) {
    for (const std::string& path : paths) console.line(would + what + " " + path);
  };
  lines("write", done.written);
  lines("remove", done.removed);
  for (const git::NamedCommit& one : done.refs)
    console.line(would + "set " + one.name + " to " + one.commit.substr(0, 12));
  for (const std::string& one : done.left) console.add_warning("left alone: " + one);
  if (!chosen.left_out.empty()) console.add_warning("the snapshot is without " + chosen.left_out);
  for (const std::string& stash : chosen.stashes)
    console.note("a stash of then: git stash apply " + stash.substr(0, 12));
  if (!dry_run) console.note("back to " + chosen.id + "; `scc undo " + done.saved + "` takes this back");
}

Result<int> run(Env& env, const Args& args) {
  if (args.positional.empty()) {
    if (!args.has("dry-run")) return list(env, args);
    return fail(Kind::usage, "cli.usage", "--dry-run of which snapshot?", "run `scc undo` for the list");
  }
  app::UndoRequest request;
  request.workspace = args.get("workspace");
  request.id = args.positional[0];
  request.dry_run = args.has("dry-run");
  git::Snapshot chosen;
  SCC_TRY(const git::Undo done, app::undo(env.host, request, &chosen));
  print(env.console, done, chosen, request.dry_run);
  env.console.envelope("Undo", app::undo_json(done, chosen, request.dry_run));
  return 0;
}

}  // namespace

std::vector<Command> undo_commands() {
  return {{"undo",
           "list the snapshots from before git could lose work, or bring one back",
           "[ID]",
           {{"workspace", 0, "PATH", "the repository; the one here without it"},
            {"dry-run", 0, "", "only say what would change"}},
           1,
           false,
           run}};
}

}  // namespace scc::cli
