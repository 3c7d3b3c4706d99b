// SPDX-License-Identifier: Apache-2.0
#include "session/lister.h"

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>
#include <unistd.h>

#include "base/str.h"
#include "session/prune.h"

namespace scc::session {

namespace {

constexpr std::size_t kMostAtOnce = 16;

std::string state_of(const std::string& engine_state, bool live, bool kept) {
  if (engine_state == "stopped" || engine_state == "created") return "stopped";
  if (live) return "running";
  return kept ? "idle" : "stale";
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
  out.team = label("scc.team");
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
  out.state =
      state_of(out.engine_state, is_live(paths, out.name), out.session.has_value() && out.session->kept);
  return out;
}

Status close_record(const SandboxEntry& entry, const os::Paths& paths) {
  if (!entry.session || !valid_name(entry.name)) return {};
  SessionRecord record = *entry.session;
  if (entry.state == "stale") {
    record.status = SessionStatus::failed;
    record.ended = utc_now();
  }
  record.kept = false;
  return write_record(instance_dir(paths, entry.name), record);
}

Status add_entries(plugin::Runtime& runtime, const os::Paths& paths, const os::Environment& env,
                   std::vector<SandboxEntry>& out) {
  auto list = runtime.sandbox_list(own_filter(env));
  if (!list) return fail(std::move(list).error().with("while listing the sandboxes of " + runtime.ref().id));
  const json::Value* items = list->at("/sandboxes");
  if (items == nullptr) return {};
  for (const json::Value& item : items->items()) {
    const auto labels = item.map_at("/labels");
    const auto role = labels.find("scc.role");
    if (!is_ours(labels, paths, env) || (role != labels.end() && role->second != "agent")) continue;
    out.push_back(make_entry(item, runtime.ref().id, paths));
  }
  return {};
}

void sort_entries(std::vector<SandboxEntry>& entries) {
  std::sort(entries.begin(), entries.end(), [](const SandboxEntry& a, const SandboxEntry& b) {
    return a.created != b.created ? a.created > b.created : a.name < b.name;
  });
}

/// Its scc is gone: nobody else removes the proxy of its network policy.
Status stop_helpers(const SandboxEntry& entry, plugin::Runtime& runtime, const os::Paths& paths) {
  if (entry.state != "stale" || !valid_name(entry.name)) return {};
  os::Environment env;  // only entries of the invoking user are listed
  env.uid = ::getuid();
  return end_helpers(runtime, entry.name, paths, env);
}

Status stop_one(const SandboxEntry& entry, plugin::Runtime* runtime, const os::Paths& paths) {
  if (runtime == nullptr) {
    return fail(Kind::internal, "sandbox.runtime", "the runtime " + entry.runtime + " is not there any more");
  }
  const unsigned grace = entry.session ? entry.session->stop_grace_ms : SessionRecord{}.stop_grace_ms;
  SCC_CHECK(runtime->sandbox_stop(entry.id, grace));
  SCC_CHECK(stop_helpers(entry, *runtime, paths));
  if (entry.state == "stale" || entry.state == "idle") return close_record(entry, paths);
  return {};
}

/// Runs job(i) for i below `count` on several threads; job(i) is told which worker runs it.
void in_parallel(std::size_t count, std::size_t workers,
                 const std::function<void(std::size_t worker, std::size_t index)>& job) {
  std::atomic<std::size_t> next{0};
  const auto work = [&](std::size_t worker) {
    for (std::size_t i = next++; i < count; i = next++) job(worker, i);
  };
  std::vector<std::thread> threads;
  for (std::size_t worker = 1; worker < workers; ++worker) threads.emplace_back(work, worker);
  work(0);
  for (std::thread& thread : threads) thread.join();
}

using Instances = std::map<std::string, std::unique_ptr<plugin::Runtime>>;

}  // namespace

Result<std::vector<SandboxEntry>> list_sandboxes(const std::vector<plugin::Runtime*>& runtimes,
                                                 const os::Paths& paths, const os::Environment& env) {
  std::vector<SandboxEntry> out;
  for (plugin::Runtime* runtime : runtimes) SCC_CHECK(add_entries(*runtime, paths, env, out));
  sort_entries(out);
  return out;
}

SandboxListing list_what_answers(const std::vector<plugin::Runtime*>& runtimes, const os::Paths& paths,
                                 const os::Environment& env) {
  SandboxListing out;
  for (plugin::Runtime* runtime : runtimes) {
    const Status added = add_entries(*runtime, paths, env, out.entries);
    if (!added) out.errors.push_back(added.error());
  }
  sort_entries(out.entries);
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
                           const std::vector<plugin::Runtime*>& runtimes, const os::Paths& paths,
                           const MoreRuntimes& more) {
  std::vector<const SandboxEntry*> running;
  for (const SandboxEntry& entry : entries) {
    if (entry.state != "stopped") running.push_back(&entry);
  }
  // Instances are made here, one set for each worker: the loader is no thread's business.
  std::size_t workers = more ? std::min(running.size(), kMostAtOnce) : 1;
  std::vector<Instances> own(workers);
  for (std::size_t worker = 1; worker < workers; ++worker) {
    for (const plugin::Runtime* runtime : runtimes) {
      auto made = more(runtime->ref().id);
      if (made) own[worker][runtime->ref().id] = std::move(*made);
    }
    if (own[worker].size() != runtimes.size()) workers = worker;  // fewer at once, then
  }
  std::vector<Status> done(running.size());
  in_parallel(running.size(), std::max<std::size_t>(workers, 1), [&](std::size_t worker, std::size_t i) {
    const std::string& id = running[i]->runtime;
    plugin::Runtime* runtime = nullptr;
    if (worker == 0) {
      const auto found = std::find_if(runtimes.begin(), runtimes.end(),
                                      [&](const plugin::Runtime* one) { return one->ref().id == id; });
      runtime = found != runtimes.end() ? *found : nullptr;
    } else if (const auto found = own[worker].find(id); found != own[worker].end()) {
      runtime = found->second.get();
    }
    done[i] = stop_one(*running[i], runtime, paths);
  });
  StopOutcome out;
  for (std::size_t i = 0; i < running.size(); ++i) {
    if (done[i]) {
      out.stopped.push_back(*running[i]);
    } else {
      out.errors.push_back(Error(done[i].error()).with("while stopping " + running[i]->name));
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
