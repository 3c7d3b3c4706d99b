// SPDX-License-Identifier: Apache-2.0
// scc.sandbox-spec/1 and scc.exec-request/1 as the engine's create documents. Every hardening option is
// written out, whatever the engine's default is. What the engine cannot enforce is left out and told. Pure.
#pragma once

#include <string>
#include <vector>

#include <scc/oci/api.hpp>

namespace scc::oci {

struct CreateBody {
  std::string json;
  std::vector<std::string> warnings;
};

/// The body of POST /containers/create. Failure SCC_E_CONFIG or SCC_E_USAGE for a spec that cannot be meant:
/// a relative mount target, a host or container network, a capability kept, privileges not fenced.
CreateBody create_body(const sdk::Json& spec, const Abilities& abilities);

/// The body of POST /containers/{id}/exec; `tty` says how its stream is to be read.
struct ExecBody {
  std::string json;
  bool tty = false;
  std::uint16_t rows = 0;
  std::uint16_t cols = 0;
};
ExecBody exec_body(const sdk::Json& request, ApiVersion version);

// ---- what a dialect with a create document of its own needs; each throws as create_body() does ----

/// An absolute path without "..", NUL and line ends.
std::string checked_path(const std::string& path, std::string_view what);
/// argv and env of a spec or a request; env as NAME=value.
std::vector<std::string> argv_of(const sdk::Json& json);
std::vector<std::string> env_of(const sdk::Json& json);
/// "uid:gid"
std::string user_of(const sdk::Json& json);
/// "none", "bridge" or a network's name, never a word that an engine takes for something else.
std::string network_mode(const sdk::Json& spec);
/// Failure SCC_E_USAGE, runtime.spec for further networks or an address that no engine could give: they need
/// a named network.
void check_networks(const sdk::Json& spec);
/// Of the sandbox's network namespace: no IPv6 where the spec says so and the engine does not do it by
/// itself (`ipv6`), and no forwarding in a sandbox on several networks.
sdk::StringMap network_sysctls(const sdk::Json& spec, bool ipv6);
/// All capabilities dropped, no new privileges.
void check_security(const sdk::Json& spec);
/// Adds "this engine cannot limit ..." for each limit that is asked for and cannot be had.
void warn_of_limits(const sdk::Json& spec, const Abilities& able, std::vector<std::string>& warnings);
/// The spec's stop_grace_ms in whole seconds, rounded up.
std::int64_t grace_seconds(const sdk::Json& spec);

/// The options of a HostConfig.Tmpfs entry: "rw,nosuid,nodev,exec,size=...,mode=0700,uid=...,gid=...".
std::string tmpfs_options(const sdk::Json& mount);

}  // namespace scc::oci
