// SPDX-License-Identifier: Apache-2.0
// Makes the LaunchPlan (scc.launch-plan/1): one canonical JSON document that says exactly what the executor
// will do. Pure: same inputs, same bytes; everything that was read is in PlanInputs. Values known only at
// execution are the placeholders ${session.id}, ${session.dir}, ${session.created}, ${nonce}, ${token}.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <sys/types.h>

#include "base/result.h"
#include "json/value.h"
#include "plugin/registry.h"

namespace scc::app {

inline constexpr std::string_view kHome = "/home/agent";
inline constexpr std::string_view kToolDir = "/opt/scc/bin";
inline constexpr std::string_view kNetDir = "/run/scc-net";      ///< the socket to the proxy, in the sandbox
inline constexpr std::string_view kAuditDir = "/run/scc-audit";  ///< the collector's socket, in the sandbox
inline constexpr std::string_view kPolicyFile = "/etc/scc/safety.json";
inline constexpr std::string_view kGuardName = "scc-guard";  ///< below the libexec directory and kToolDir
inline constexpr std::string_view kChecksDir = "/opt/scc/checks";  ///< libraries of safety checks, by SHA-256
inline constexpr std::string_view kGuardHookVerb = "hook";         ///< its mode as an agent's own hook
inline constexpr std::string_view kCaFile = "/etc/scc/ca.pem";
/// The uid of the agent where the workspace belongs to root (idmapped mount).
inline constexpr std::int64_t kAgentUid = 1000;

/// Who owns the workspace and who the agent is (issue: "whose uid").
struct Identity {
  std::string mapping;  ///< direct, idmap, root
  std::int64_t owner_uid = 0;
  std::int64_t owner_gid = 0;
  std::int64_t uid = 0;  ///< in the sandbox
  std::int64_t gid = 0;
};

/// A bind of the plan that comes from the workspace or its repository.
struct PathMount {
  std::string source;
  std::string target;
  bool read_only = false;
};

/// A third party's safety check, as the sandbox gets it (safety_checks.h).
struct CheckInput {
  plugin::ComponentRef ref;
  std::string source;  ///< its library on the host
  std::string sha256;  ///< of that library
};

/// The guard in front of git and the network tools (guard.h).
struct GuardInputs {
  std::string policy;              ///< text of the policy file; empty: no guard at all
  std::vector<std::string> paths;  ///< that the guard is bound over
  bool required = true;            ///< the sandbox does not run when a tool in it has no guard
  std::vector<CheckInput> checks;
};

struct PlanInputs {
  std::string workspace;       ///< real path of the root
  std::string role = "agent";  ///< label scc.role: agent, auth for a sign-in, prove
  std::string source;          ///< what the engine binds for it; empty: the sandbox has no workspace
  std::string entry_dir;
  std::string git;                    ///< none, directory, worktree, submodule, unverified
  std::string branch;                 ///< foreign text, may be empty
  std::vector<PathMount> git_mounts;  ///< on top of the workspace, outer before inner
  Identity identity;
  std::int64_t invoking_uid = 0;
  std::string state_dir;    ///< of scc, for the label scc.state
  std::string libexec_dir;  ///< holds scc-init and scc-check
  plugin::ComponentRef provider;
  plugin::ComponentRef runtime;
  plugin::ComponentRef netpolicy;
  json::Value runtime_info;  ///< scc.runtime-info/1
  json::Value network;       ///< scc.netpolicy-plan/1
  /// {digest, standalone, organization, team, network_policy, network_source, session, policy_version}
  json::Value governance;
  json::Value spec;  ///< scc.launch-spec/1
  std::string image_context;
  std::string image_ref;
  std::string image_state;  ///< present, stale, missing
  std::string image_digest;
  std::string image_id;  ///< as the engine knows it; empty: not there yet
  std::int64_t memory_bytes = 0;
  std::int64_t pids = 4096;
  std::int64_t open_files = 65536;  ///< limit of one process
  GuardInputs guard;
  std::string ca_pem;                               ///< extra authorities; empty: none
  std::string gitconfig;                            ///< text of the global git configuration
  std::map<std::string, std::string> terminal_env;  ///< TERM, COLORTERM, LANG, TZ as allowed
  std::vector<std::string> engine_sockets;
  std::string volume_name;              ///< "default" or what the user named
  std::vector<std::string> auth_files;  ///< names in the credential volume
  bool tty = false;
  std::string session_name;      ///< for people; empty: after the workspace
  bool shell = false;            ///< another program in the agent's place: nothing to resume
  std::string session_slot;      ///< --session; part of the sandbox's name
  std::string resumes;           ///< id of the session that goes on; empty: a new one
  std::string conversation;      ///< the agent's id of it; may hold ${session.id}; may be empty
  std::string on_exit = "stop";  ///< stop, keep, remove
  std::vector<std::string> warnings;
};

/// "scc-oci-" and 16 hex digits over provider, workspace, engine, user and, when there is one, the session's
/// name: one sandbox for each of these.
std::string sandbox_name(const std::string& provider, const std::string& workspace,
                         const std::string& endpoint, std::int64_t uid, const std::string& slot = {});
/// "scc-cred-<provider>-<team>-<uid>"
std::string credential_volume(const std::string& provider, const std::string& team, std::int64_t uid);

/// "scc-auth-" and 16 hex digits over the credential volume and the engine: one sign-in at a time.
std::string sign_in_name(const std::string& volume, const std::string& endpoint);

/// Kind::config (launch.spec) when the provider's document asks for what no sandbox may have; Kind::internal
/// (launch.plan) when the plan would not fit the schema scc.launch-plan/1.
Result<json::Value> make_plan(const PlanInputs& in);

}  // namespace scc::app
