// SPDX-License-Identifier: Apache-2.0
#include "session/lister.h"

#include <algorithm>

#include "base/str.h"
#include "session/prune.h"

namespace scc::session {

namespace {

std::string state_of(const std::string& engine_state, bool live) {
  if (engine_state == "stopped" || engine_state == "created") return "stopped";
  return live ? "running" : "stale";
}

SandboxEntry make_entry(const json::Value& item, const std::string& runtime, const os::Paths& paths) {
  SandboxEntry out;
  out.id = item.str("/id");
  out.name = item.str("/name");
  out.runtime = runtime;
  out.engine_state = item.str("/state", "unknown");
  out.image = item.str("/image");
  out.labels = item.map_at("/labels");
  const auto label = [&](const char* name) {
    const auto found = out.labels.find(name);
    return found != out.labels.end() ? found->second : std::string();
  };
  out.provider = label("scc.provider");
  out.workspace = label("scc.workspace");
  out.network_policy = label("scc.network-policy");
  out.created = label("scc.created");
  if (out.created.empty()) out.created = item.str("/created");
  if (valid_name(out.name)) {
    auto record = read_record(instance_dir(paths, out.name));
    // A directory of an earlier sandbox of this name says nothing about this one.
    if (record && (record->container_id.empty() || record->container_id == out.id)) {
      out.session = std::move(*record);
    } else if (!record && record.error().kind != Kind::not_found) {
      out.problem = record.error().message;
    }
  }
  out.state = state_of(out.engine_state, is_live(paths, out.name));
  return out;
}

Status close_record(const SandboxEntry& entry, const os::Paths& paths) {
  if (!entry.session || !valid_name(entry.name)) return {};
  SessionRecord record = *entry.session;
  record.status = SessionStatus::failed;
  record.ended = utc_now();
  return write_record(instance_dir(paths, entry.name), record);
}

}  // namespace

Result<std::vector<SandboxEntry>> list_sandboxes(const std::vector<plugin::Runtime*>& runtimes,
                                                 const os::Paths& paths, const os::Environment& env) {
  std::vector<SandboxEntry> out;
  for (plugin::Runtime* runtime : runtimes) {
    auto list = runtime->sandbox_list(own_filter(env));
    if (!list)
      return fail(std::move(list).error().with("while listing the sandboxes of " + runtime->ref().id));
    const json::Value* items = list->at("/sandboxes");
    if (items == nullptr) continue;
    for (const json::Value& item : items->items()) {
      const auto labels = item.map_at("/labels");
      const auto role = labels.find("scc.role");
      if (!is_ours(labels, paths, env) || (role != labels.end() && role->second != "agent")) continue;
      out.push_back(make_entry(item, runtime->ref().id, paths));
    }
  }
  std::sort(out.begin(), out.end(), [](const SandboxEntry& a, const SandboxEntry& b) {
    return a.created != b.created ? a.created > b.created : a.name < b.name;
  });
  return out;
}

Result<SandboxEntry> resolve_sandbox(const std::vector<SandboxEntry>& entries, std::string_view text) {
  std::vector<const SandboxEntry*> found;
  for (const SandboxEntry& entry : entries) {
    if (entry.name == text) return entry;
    if (!text.empty() && str::starts_with(entry.id, text)) found.push_back(&entry);
  }
  if (found.size() == 1) return *found.front();
  if (found.empty()) {
    return fail(Kind::not_found, "sandbox.unknown", "no sandbox has the name or the id " + std::string(text),
                "see them: scc list");
  }
  std::vector<std::string> candidates;
  for (const SandboxEntry* entry : found)
    candidates.push_back(entry->name + " (" + entry->id.substr(0, 12) + ")");
  return fail(Kind::usage, "sandbox.ambiguous",
              std::string(text) + " is the beginning of several ids: " + str::join(candidates, ", "),
              "give the name or more of the id");
}

StopOutcome stop_sandboxes(const std::vector<SandboxEntry>& entries,
                           const std::vector<plugin::Runtime*>& runtimes, const os::Paths& paths) {
  StopOutcome out;
  for (const SandboxEntry& entry : entries) {
    if (entry.state == "stopped") continue;
    const auto runtime =
        std::find_if(runtimes.begin(), runtimes.end(),
                     [&](const plugin::Runtime* candidate) { return candidate->ref().id == entry.runtime; });
    Status status;
    if (runtime == runtimes.end()) {
      status =
          fail(Kind::internal, "sandbox.runtime", "the runtime " + entry.runtime + " is not there any more");
    } else {
      const unsigned grace = entry.session ? entry.session->stop_grace_ms : SessionRecord{}.stop_grace_ms;
      status = (*runtime)->sandbox_stop(entry.id, grace);
    }
    if (status && entry.state == "stale") status = close_record(entry, paths);
    if (status) {
      out.stopped.push_back(entry);
    } else {
      out.errors.push_back(Error(status.error()).with("while stopping " + entry.name));
    }
  }
  return out;
}

Status stop_status(const StopOutcome& outcome) {
  if (outcome.errors.empty()) return {};
  Error error{Kind::tool,
              "sandbox.stop",
              std::to_string(outcome.errors.size()) + " of " +
                  std::to_string(outcome.errors.size() + outcome.stopped.size()) +
                  " sandboxes could not be stopped",
              "look at the engine: scc status",
              {}};
  for (const Error& one : outcome.errors) {
    error.context.push_back((one.context.empty() ? "" : one.context.back() + ": ") + one.message);
  }
  return fail(std::move(error));
}

}  // namespace scc::session
