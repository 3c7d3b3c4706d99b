// SPDX-License-Identifier: Apache-2.0
// scc.sandbox-spec/1 and scc.exec-request/1 as the engine's create documents. Every hardening option is
// written out, whatever the engine's default is. What the engine cannot enforce is left out and told. Pure.
#pragma once

#include <string>
#include <vector>

#include <scc/oci/api.hpp>

namespace scc::oci {

/// What the engine at hand can enforce (GET /info).
struct Abilities {
  bool memory = true;
  bool swap = true;
  bool pids = true;
  bool cpus = true;
  bool bind_nonrecursive = true;  ///< API 1.40
};

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

/// The options of a HostConfig.Tmpfs entry: "rw,nosuid,nodev,exec,size=...,mode=0700,uid=...,gid=...".
std::string tmpfs_options(const sdk::Json& mount);

}  // namespace scc::oci
