// SPDX-License-Identifier: Apache-2.0
#include "session/prune.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <set>

#include "base/str.h"
#include "os/tty.h"
#include "session/instance.h"

namespace scc::session {

namespace {

using Labels = std::map<std::string, std::string>;
using What = PruneItem::What;

constexpr std::string_view kLockStart = "launch-";
constexpr std::string_view kLockEnd = ".lock";

std::string label(const Labels& labels, const std::string& name) {
  const auto found = labels.find(name);
  return found != labels.end() ? found->second : std::string();
}

/// What is live, asked once for each instance.
class Liveness {
 public:
  explicit Liveness(const os::Paths& paths) : paths_(paths) {}
  bool live(const std::string& instance) {
    const auto [it, fresh] = known_.emplace(instance, false);
    if (fresh) it->second = is_live(paths_, instance);
    return it->second;
  }
  std::vector<std::string> live_instances() const {
    std::vector<std::string> out;
    for (const auto& [name, live] : known_) {
      if (live) out.push_back(name);
    }
    return out;
  }

 private:
  const os::Paths& paths_;
  std::map<std::string, bool> known_;
};

struct Search {
  const os::Paths& paths;
  const os::Environment& env;
  Liveness live;
  PruneReport report;
  std::set<std::string> kept = {};  ///< instances that were left running on purpose
  std::string only = {};  ///< an instance that the caller holds the lock of; empty: all that are not live

  /// The instance of one of our objects that no session protects; nullopt: leave it alone. A container that
  /// anyone runs from one of our images inherits the image's labels, but those name no owner and no instance.
  std::optional<std::string> orphan(const Labels& labels) {
    if (!is_ours(labels, paths, env)) return std::nullopt;
    const std::string instance = label(labels, "scc.instance");
    if (!valid_name(instance)) return std::nullopt;
    const bool gone = only.empty() ? !live.live(instance) && kept.count(instance) == 0 : instance == only;
    return gone ? std::optional(instance) : std::nullopt;
  }
};

bool is_running(const json::Value& item) {
  const std::string state = item.str("/state");
  return state != "stopped" && state != "created";
}

/// A sandbox that runs because its user wanted it kept is nobody's leftover; once stopped it is.
void find_kept(Search& search, const json::Array& items) {
  for (const json::Value& item : items) {
    const std::string instance = label(item.map_at("/labels"), "scc.instance");
    if (!is_running(item) || !valid_name(instance)) continue;
    const auto record = read_record(instance_dir(search.paths, instance));
    if (record && record->kept && record->container_id == item.str("/id")) search.kept.insert(instance);
  }
}

Status find_sandboxes(Search& search, plugin::Runtime& runtime) {
  SCC_TRY(const json::Value list, runtime.sandbox_list(own_filter(search.env)));
  const json::Value* items = list.at("/sandboxes");
  if (items == nullptr) return {};
  find_kept(search, items->items());
  for (const json::Value& item : items->items()) {
    const auto instance = search.orphan(item.map_at("/labels"));
    if (!instance) continue;
    const std::string state = item.str("/state");
    const bool running = is_running(item);
    search.report.items.push_back({What::sandbox, item.str("/name"), item.str("/id"), *instance,
                                   runtime.ref().id, running ? state + ", but its session is gone" : state,
                                   running});
  }
  return {};
}

Status find_networks(Search& search, plugin::Runtime& runtime) {
  SCC_TRY(const json::Value list, runtime.network_list(own_filter(search.env)));
  const json::Value* items = list.at("/networks");
  if (items == nullptr) return {};
  for (const json::Value& item : items->items()) {
    const auto instance = search.orphan(item.map_at("/labels"));
    if (!instance) continue;
    const std::string name = item.str("/name");
    search.report.items.push_back(
        {What::network, name, item.str("/id", name), *instance, runtime.ref().id, "its session is gone"});
  }
  return {};
}

/// Credential volumes outlive every sandbox. They are told by role, by the missing instance and by name; any
/// of them is enough to keep the volume.
bool is_instance_volume(const Labels& labels, const std::string& name) {
  return label(labels, "scc.role") == "volume" && !label(labels, "scc.instance").empty() &&
         !str::starts_with(name, "scc-cred-");
}

Status find_volumes(Search& search, plugin::Runtime& runtime) {
  SCC_TRY(const json::Value list, runtime.volume_list(own_filter(search.env)));
  const json::Value* items = list.at("/volumes");
  if (items == nullptr) return {};
  for (const json::Value& item : items->items()) {
    const std::string name = item.str("/name");
    const Labels labels = item.map_at("/labels");
    if (!is_instance_volume(labels, name)) continue;
    const auto instance = search.orphan(labels);
    if (!instance) continue;
    search.report.items.push_back(
        {What::volume, name, name, *instance, runtime.ref().id, "its session is gone"});
  }
  return {};
}

/// A directory whose engine was not asked stays: its sandbox may still use the files.
Status find_instances(Search& search, const std::set<std::string>& runtimes) {
  SCC_TRY(const auto instances, list_instances(search.paths));
  for (const InstanceInfo& info : instances) {
    if (search.live.live(info.name)) continue;
    if (search.kept.count(info.name) != 0) {
      search.report.skipped.push_back(info.name);
      continue;
    }
    if (info.record && !info.record->runtime.empty() && runtimes.count(info.record->runtime) == 0) {
      search.report.skipped.push_back(info.name);
      continue;
    }
    search.report.items.push_back(
        {What::instance, info.name, info.directory.native(), info.name, "", "its session is gone"});
  }
  return {};
}

Status find_locks(Search& search) {
  const stdfs::path directory = search.paths.runtime / "locks";
  std::error_code code;
  stdfs::directory_iterator it(directory, code);
  if (code == std::errc::no_such_file_or_directory) return {};
  if (code) return fail(os::errno_error("read", directory, code.value()));
  for (const stdfs::directory_iterator end; it != end; it.increment(code)) {
    if (code) return fail(os::errno_error("read", directory, code.value()));
    const std::string file = it->path().filename().native();
    if (!str::starts_with(file, kLockStart) || !str::ends_with(file, kLockEnd)) continue;
    const std::string name =
        file.substr(kLockStart.size(), file.size() - kLockStart.size() - kLockEnd.size());
    if (!valid_name(name) || search.live.live(name)) continue;
    search.report.items.push_back({What::lock, file, it->path().native(), name, "", "nobody holds it"});
  }
  return {};
}

plugin::Runtime* runtime_of(const std::vector<plugin::Runtime*>& runtimes, const std::string& id) {
  const auto found = std::find_if(runtimes.begin(), runtimes.end(),
                                  [&](const plugin::Runtime* runtime) { return runtime->ref().id == id; });
  return found != runtimes.end() ? *found : nullptr;
}

constexpr unsigned kOrphanGraceMs = 5'000;

Status remove_item(const PruneItem& item, plugin::Runtime* runtime, unsigned grace_ms = kOrphanGraceMs) {
  if (item.what == What::instance) return remove_instance(item.id);
  if (item.what == What::lock) return {};  // taken and released by apply_prune(), which removes the file
  if (runtime == nullptr) {
    return fail(Kind::internal, "prune.runtime", "the runtime " + item.runtime + " is not there any more");
  }
  switch (item.what) {
    case What::sandbox:
      if (item.running) SCC_CHECK(runtime->sandbox_stop(item.id, grace_ms));
      return runtime->sandbox_remove(item.id);
    case What::network:
      return runtime->network_remove(item.id);
    default:
      return runtime->volume_remove(item.id);
  }
}

}  // namespace

std::string_view to_string(PruneItem::What value) noexcept {
  switch (value) {
    case What::sandbox:
      return "sandbox";
    case What::network:
      return "network";
    case What::volume:
      return "volume";
    case What::instance:
      return "instance";
    case What::lock:
      break;
  }
  return "lock";
}

bool is_ours(const Labels& labels, const os::Paths& paths, const os::Environment& env) {
  if (label(labels, "scc.managed") != "true") return false;
  if (label(labels, "scc.owner-uid") != std::to_string(env.uid)) return false;
  const std::string state = label(labels, "scc.state");
  return state.empty() || state == paths.state.native();
}

json::Value own_filter(const os::Environment& env) {
  json::Object labels;
  labels["scc.managed"] = "true";
  labels["scc.owner-uid"] = std::to_string(env.uid);
  json::Object filter;
  filter["schema"] = "scc.list-filter/1";
  filter["labels"] = std::move(labels);
  filter["all"] = true;
  return json::Value(std::move(filter));
}

Result<PruneReport> plan_prune(const std::vector<plugin::Runtime*>& runtimes, const os::Paths& paths,
                               const os::Environment& env) {
  Search search{paths, env, Liveness(paths), {}};
  std::set<std::string> ids;
  for (plugin::Runtime* runtime : runtimes) {
    ids.insert(runtime->ref().id);
    SCC_CHECK(find_sandboxes(search, *runtime));
  }
  for (plugin::Runtime* runtime : runtimes) SCC_CHECK(find_networks(search, *runtime));
  for (plugin::Runtime* runtime : runtimes) SCC_CHECK(find_volumes(search, *runtime));
  SCC_CHECK(find_instances(search, ids));
  SCC_CHECK(find_locks(search));
  for (std::string& name : search.live.live_instances()) search.report.skipped.push_back(std::move(name));
  return std::move(search.report);
}

Status end_orphan(plugin::Runtime& runtime, const std::string& instance, unsigned stop_grace_ms,
                  const os::Paths& paths, const os::Environment& env) {
  Search search{paths, env, Liveness(paths), {}};
  search.only = instance;
  SCC_CHECK(find_sandboxes(search, runtime));
  SCC_CHECK(find_networks(search, runtime));
  SCC_CHECK(find_volumes(search, runtime));
  for (const PruneItem& item : search.report.items) {
    if (auto removed = remove_item(item, &runtime, stop_grace_ms); !removed) {
      return fail(std::move(removed).error().with("while removing the " + std::string(to_string(item.what)) +
                                                  " " + item.name));
    }
  }
  return {};
}

Status end_helpers(plugin::Runtime& runtime, const std::string& instance, const os::Paths& paths,
                   const os::Environment& env) {
  Search search{paths, env, Liveness(paths), {}};
  search.only = instance;
  SCC_CHECK(find_sandboxes(search, runtime));
  SCC_CHECK(find_networks(search, runtime));
  for (const PruneItem& item : search.report.items) {
    if (item.what == What::sandbox && item.name == instance) continue;
    if (auto removed = remove_item(item, &runtime); !removed) {
      return fail(std::move(removed).error().with("while removing the " + std::string(to_string(item.what)) +
                                                  " " + item.name));
    }
  }
  return {};
}

PruneOutcome apply_prune(const PruneReport& report, const std::vector<plugin::Runtime*>& runtimes,
                         const os::Paths& paths) {
  PruneOutcome out;
  std::map<std::string, os::FileLock> locks;  // held to the end: no session begins while its leftovers go
  std::set<std::string> failed;               // instances of which something could not be removed
  for (const PruneItem& item : report.items) {
    if (os::cancelled()) {
      out.errors.push_back(
          {Kind::cancelled, "prune.cancelled", "cancelled before everything was removed", {}, {}});
      break;
    }
    if (locks.count(item.instance) == 0) {
      auto lock = os::FileLock::acquire(launch_lock_path(paths, item.instance), 0);
      if (!lock || resident_lives(paths, item.instance)) {
        if (!lock && lock.error().id != "lock.busy") out.errors.push_back(lock.error());
        out.kept.push_back(item);
        continue;
      }
      locks.emplace(item.instance, std::move(*lock));
    }
    // The directory tells how to find the rest again: it goes only when the rest is gone.
    if (item.what == What::instance && failed.count(item.instance) != 0) {
      out.kept.push_back(item);
      continue;
    }
    const Status status = remove_item(item, runtime_of(runtimes, item.runtime));
    if (status) {
      out.removed.push_back(item);
      continue;
    }
    failed.insert(item.instance);
    out.errors.push_back(
        Error(status.error())
            .with("while removing the " + std::string(to_string(item.what)) + " " + item.name));
  }
  return out;
}

}  // namespace scc::session
