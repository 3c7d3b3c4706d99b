// SPDX-License-Identifier: Apache-2.0
#include "session/network.h"

#include <cerrno>
#include <chrono>
#include <thread>
#include <unistd.h>

#include <sys/stat.h>

#include "base/str.h"
#include "plugin/netpolicy.h"
#include "session/prune.h"

namespace scc::session::detail {

namespace {

/// To the sandbox's user, who runs the proxy as well.
Status give(const stdfs::path& path, const Running::State& state) {
  const auto uid = static_cast<uid_t>(state.plan.integer("/sandbox/user/uid", -1));
  const auto gid = static_cast<gid_t>(state.plan.integer("/sandbox/user/gid", -1));
  if (::geteuid() != 0 || uid == 0) return {};
  if (::lchown(path.c_str(), uid, gid) != 0) return fail(os::errno_error("chown", path, errno));
  return {};
}

/// A directory of the sandbox's user alone. Its parents are this user's alone, so nobody else gets that far.
Status make_owned(const stdfs::path& path, const Running::State& state) {
  SCC_CHECK(os::make_dirs(path));
  if (::chmod(path.c_str(), 0700) != 0) return fail(os::errno_error("chmod", path, errno));
  return give(path, state);
}

/// The pipe is in place, and read, before the proxy starts: it finds a reader or does not start.
Status open_record(Running::State& state, const Deps& deps) {
  Decisions::Take take = [](std::string_view) { return Status{}; };
  if (deps.record) {
    SCC_TRY(take, deps.record(state.record.id));
  }
  const stdfs::path pipe = state.directory / "net" / "log" / "decisions";
  SCC_TRY(state.decisions,
          Decisions::open(pipe, std::move(take), [note = deps.note](const std::string& text) {
            if (note) note(text);
          }));
  return give(pipe, state);
}

Status make_directories(Running::State& state, const Deps& deps) {
  SCC_CHECK(os::make_dirs(state.directory / "net"));
  if (state.plan.has("/network/relay")) SCC_CHECK(make_owned(state.directory / "net" / "run", state));
  SCC_CHECK(make_owned(state.directory / "net" / "log", state));
  return open_record(state, deps);
}

plugin::RuntimeScope scope_of(const Running::State& state) {
  plugin::RuntimeScope out;
  out.sandbox = state.record.name;
  out.labels = state.plan.map_at("/sandbox/labels");
  out.labels.erase("scc.spec-digest");
  out.labels["scc.role"] = "network";
  out.directory = state.directory;
  out.tools = state.plan.str("/network/tools");
  out.image = state.plan.str("/network/image");
  return out;
}

}  // namespace

Result<json::Value> apply_network(Running::State& state, const Deps& deps) {
  const json::Value* network = state.plan.at("/network");
  const json::Value plan = network != nullptr ? *network : json::Value();
  if (plan.has("/relay") || plan.has("/inside")) SCC_CHECK(make_directories(state, deps));
  deps.netpolicy.bind(deps.runtime, scope_of(state));
  const std::string name = state.record.name;
  if (plan.flag("/enforced")) {
    say(deps, "starting the proxy");
    state.undo.push_back(
        {"network.apply", [name](const Deps& d) { return end_network(d.runtime, name, d.paths, d.env); }});
  }
  SCC_TRY(state.attachment, deps.netpolicy.apply(plan));
  const json::Value attachment = state.attachment;
  state.undo.push_back(
      {"network.apply", [attachment](const Deps& d) { return d.netpolicy.release(attachment); }});
  if (state.decisions) {  // undone first: from here on the proxy's end is no news
    Decisions* decisions = state.decisions.get();
    state.undo.push_back({"network.apply", [decisions](const Deps&) {
                            decisions->expect_end();
                            return Status{};
                          }});
  }
  return attachment;
}

bool has_own_network(const Running::State& state) {
  const std::string name = state.attachment.str("/network/name");
  return state.attachment.str("/network/mode") == "named" && str::starts_with(name, state.record.name + "-");
}

namespace {

Result<json::Value> verified(Running::State& state, const Deps& deps, const std::string& consequence) {
  SCC_TRY(json::Value evidence, deps.netpolicy.verify(state.attachment));
  const json::Value* checks = evidence.at("/checks");
  std::string failed;
  for (const json::Value& check : checks != nullptr ? checks->items() : json::Array{}) {
    if (check.flag("/passed")) continue;
    failed += (failed.empty() ? "" : "; ") + check.str("/name") + " (expected " + check.str("/expected") +
              ", found " + check.str("/observed") + ")";
  }
  const bool none = checks == nullptr || checks->items().empty();
  if (none || !failed.empty()) {
    return fail(Kind::prereq, "verify.network",
                "the network is not what was planned, so " + consequence + ": " +
                    (none ? std::string("its policy has no evidence") : failed),
                "see what was planned: scc start --dry-run --json");
  }
  state.network_evidence = evidence;
  return evidence;
}

}  // namespace

Result<json::Value> verify_network(Running::State& state, const Deps& deps) {
  return verified(state, deps, "the agent was not started");
}

namespace {

constexpr int kMostRevivals = 3;
constexpr std::string_view kRevive = "network.revive";  // in the journal

/// The containers that the policy made. Only those of this session's own network are touched, whatever it
/// says.
Result<std::vector<std::string>> proxy_containers(const Running::State& state, const Deps& deps) {
  std::vector<std::string> out = state.attachment.strings_at("/ids");
  for (const std::string& id : out) {
    SCC_TRY(const json::Value info, deps.runtime.sandbox_inspect(id));
    auto labels = info.map_at("/labels");
    const bool own = is_ours(labels, deps.paths, deps.env) && labels["scc.instance"] == state.record.name &&
                     labels["scc.role"] == "network";
    if (!own) return fail(Kind::policy, "netpolicy.scope", "the container " + id + " is not this session's");
  }
  if (out.empty()) return fail(Kind::prereq, "network.proxy", "its policy names no container of it");
  return out;
}

/// An engine learns of a process's end a moment later than its pipe does; until then it takes a start for
/// done, and while it clears up it refuses one.
Status start_again(plugin::Runtime& runtime, const std::string& id) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  for (;;) {
    SCC_TRY(const json::Value info, runtime.sandbox_inspect(id));
    Status started =
        fail(Kind::tool, "network.proxy", "the engine says that it runs, although nothing of it does");
    if (info.str("/state") != "running") started = runtime.sandbox_start(id);
    if (started || std::chrono::steady_clock::now() >= deadline) return started;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

Status revive(Running::State& state, const Deps& deps, const std::vector<std::string>& ids) {
  if (state.revivals >= kMostRevivals) {
    return fail(Kind::prereq, "network.proxy", "it has ended too often");
  }
  ++state.revivals;
  state.decisions->resume();
  for (const std::string& id : ids) SCC_CHECK(start_again(deps.runtime, id));
  SCC_TRY(const json::Value evidence, verified(state, deps, "it is ended again"));
  const stdfs::path file = state.directory / std::string(kNetworkEvidence);
  return os::write_file_atomic(file, json::dump(evidence), 0600);
}

}  // namespace

void revive_network(Running::State& state, const Deps& deps) {
  if (!state.decisions->take_end()) return;
  const auto ids = proxy_containers(state, deps);
  const Status done = ids ? revive(state, deps, *ids) : fail(Error(ids.error()));
  if (done) {
    static_cast<void>(
        state.journal.note(kRevive, "done", json::Value(json::Object{{"times", state.revivals}})));
    if (deps.note) {
      deps.note("the proxy was started again with the same rules and was verified (" +
                std::to_string(state.revivals) + " of at most " + std::to_string(kMostRevivals) + " times)");
    }
    return;
  }
  state.decisions->expect_end();
  for (const std::string& id : ids ? *ids : std::vector<std::string>())
    static_cast<void>(deps.runtime.sandbox_stop(id, 1'000));
  static_cast<void>(state.journal.note(kRevive, "failed", Journal::error_json(done.error())));
  if (deps.note) {
    deps.note(
        "the proxy stays ended: " + done.error().message +
        "; nothing on the web can be reached from this sandbox any more; start it anew: scc start --fresh");
  }
}

Status end_network(plugin::Runtime& runtime, const std::string& sandbox, const os::Paths& paths,
                   const os::Environment& env) {
  return end_helpers(runtime, sandbox, paths, env);
}

}  // namespace scc::session::detail
