// SPDX-License-Identifier: Apache-2.0
// Judges what the checker saw inside the sandbox (scc.evidence/1) against the plan. The host does not take
// "passed" on trust: every fact is compared here again, and the mount table is compared with the plan's.
// Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"

namespace scc::session {

/// A difference between what was planned and what was seen.
struct CheckFailure {
  std::string name;      ///< "cap-effective", "mount:/etc/passwd"
  std::string expected;  ///< raw foreign strings
  std::string observed;
};

struct Expectation {
  std::string nonce;
  std::string token;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  bool tty = false;
  std::vector<std::string> sockets;    ///< plan.checks.sockets
  std::vector<std::string> readonly;   ///< plan.checks.readonly
  json::Value mounts;                  ///< plan.sandbox.mounts
  bool isolated = false;               ///< plan.checks.isolated: no way out of the network namespace
  bool guard = false;                  ///< plan.checks.guard: no tool without the guard
  std::vector<std::string> guarded{};  ///< plan.checks.guard.paths: where it must be
  std::int64_t proxy_port = 0;         ///< plan.checks.proxy_port: of the proxy that must deny; 0: none
  std::string address = {};  ///< plan.checks.inside.address: all that it has of a network; empty: not asked
  std::string proxy = {};    ///< plan.checks.inside.proxy
  std::vector<std::string> unreachable = {};  ///< the listeners that were live while the checker looked
};

/// Empty when the evidence proves the plan.
std::vector<CheckFailure> verify_evidence(const json::Value& evidence, const Expectation& expected);
/// The part of verify_evidence() that compares the mount table.
std::vector<CheckFailure> verify_mounts(const json::Value& observed, const json::Value& planned);

}  // namespace scc::session
