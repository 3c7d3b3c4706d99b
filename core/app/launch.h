// SPDX-License-Identifier: Apache-2.0
// The use cases of `scc start` and `scc status`: resolve (reads only), plan (pure), then run.
// [main]
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "app/engine.h"
#include "app/governance.h"
#include "app/host.h"
#include "image/ensure.h"
#include "plugin/netpolicy.h"
#include "plugin/provider.h"
#include "session/executor.h"
#include "session/store.h"
#include "workspace/git_view.h"
#include "workspace/resolve.h"

namespace scc::app {

struct LaunchOptions {
  std::string workspace;  ///< as typed; empty: from the current directory
  std::string provider;
  std::string runtime;
  std::string team;  ///< --team
  std::vector<std::string> agent_args;
  bool allow_root = false;
  bool allow_suspicious = false;
  bool allow_external_git_dir = false;
  bool fresh = false;
  bool resume = false;
  std::string resume_ref;    ///< --resume=ID|NAME; empty: the last session here
  std::string session_name;  ///< --session NAME: a sandbox of its own beside the workspace's other ones
  std::optional<session::StoredSession> resumed;  ///< once it is known (sessions.h, apply_resume)
  bool shell = false;  ///< --shell: agent_args, or a shell, in the agent's place; no sign-in, no secret
  bool tty = false;
  bool dry_run = false;
  bool standalone = false;
  bool offline = false;
  std::string role = "agent";  ///< label scc.role; any other is no session that anybody goes on with
  std::function<void(Governance&)> adjust;  ///< `scc prove`: the rules of the run in place of the layers' own
};

/// Where a provider's image comes from: its own context, or a reference that somebody names.
struct ImageChoice {
  std::string context;
  image::ImageStatus status;
};

/// A plan with what is needed to run it.
struct Prepared {
  json::Value plan;
  Engine engine;
  std::unique_ptr<plugin::Provider> provider;
  std::unique_ptr<plugin::NetPolicy> netpolicy;
  workspace::Workspace workspace;
  workspace::GitView git;
  Governance governance;
  uid_t owner_uid = 0;
  gid_t owner_gid = 0;
  ImageChoice network_image;           ///< of the network policy's proxy; without a context: it has none
  std::string network_seed;            ///< where the search for a free block of addresses begins
  std::vector<std::string> not_ready;  ///< "image: ...", "secret: ..."; empty: ready to start
};

/// Reads and plans; no engine object is made and nothing written but the plugin probe cache.
Result<Prepared> prepare(Host& host, const LaunchOptions& options);

/// Builds or pulls what the plan's image needs; returns the image that is there then.
Result<std::string> ensure_image(Host& host, const Prepared& prepared);

/// The same for the image of the network policy's proxy; true when something was built.
Result<bool> ensure_network_image(Host& host, const Prepared& prepared);

/// prepare, image, proof of a distant engine, session. The result is the agent's exit code; `sandbox` (may be
/// null) is set to the sandbox's name as soon as it is known. Kind::policy session.timeout when the session
/// was ended because its time was over, session.revoked when what applies got narrower.
Result<int> start(Host& host, const LaunchOptions& options, std::string* sandbox = nullptr);

/// What a session that session.enforce_live ended is told as.
Error revoked(const std::string& reason);

/// What a session needs from here.
session::Deps session_deps(Host& host, Prepared& prepared);

struct StatusReport {
  std::string workspace;
  std::string workspace_problem;
  std::string provider;
  std::string runtime;
  std::string runtime_version;
  std::string endpoint;
  std::string organization;  ///< id; empty: standalone
  std::string team;
  std::string network_policy;
  std::string safety_action;  ///< block, warn, allow
  std::string safety_digest;  ///< of the safety policy that a start here would mount
  std::string image_ref;
  std::string image_state;
  std::string sandbox;  ///< name of the running sandbox of this workspace
  std::string session;  ///< id of the session in it
  std::int64_t running = 0;
  std::vector<std::string> notes;
};
Result<StatusReport> status(Host& host, const LaunchOptions& options);

}  // namespace scc::app
