// SPDX-License-Identifier: Apache-2.0
#include "session/network.h"

#include <cerrno>
#include <unistd.h>

#include <sys/stat.h>

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
  SCC_CHECK(make_owned(state.directory / "net" / "run", state));
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
  if (plan.has("/relay")) SCC_CHECK(make_directories(state, deps));
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

Result<json::Value> verify_network(Running::State& state, const Deps& deps) {
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
                "the network is not what was planned, so the agent was not started: " +
                    (none ? std::string("its policy has no evidence") : failed),
                "see what was planned: scc start --dry-run --json");
  }
  state.network_evidence = evidence;
  return evidence;
}

Status end_network(plugin::Runtime& runtime, const std::string& sandbox, const os::Paths& paths,
                   const os::Environment& env) {
  return end_helpers(runtime, sandbox, paths, env);
}

}  // namespace scc::session::detail
