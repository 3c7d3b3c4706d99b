// SPDX-License-Identifier: Apache-2.0
// What the organisation decided about each rule: the document scc.safety-policy/1, which the host writes, the
// guard reads in the sandbox and `scc safety` reads for itself. One reader for all of them. A document that
// cannot be trusted gives a defective policy, which blocks everything guarded; there is no other failure.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "safety/rules.h"

namespace scc::safety {

enum class Network : std::uint8_t {
  unknown,   ///< no policy says: network tools are guarded as under locked
  open,      ///< allowed, recorded
  enforced,  ///< through the proxy, to the hosts of the policy
  locked,    ///< no network
};

/// A rule that an organisation declares without code.
struct OrgRule {
  std::string id;                  ///< "org.terraform"
  std::string program;             ///< last part of its path
  std::string subcommand;          ///< the leading operands, joined by blanks; empty: any
  std::vector<std::string> flags;  ///< all must be given; "-f", "--force"
  Decision verdict = Decision::block;
  std::string message;
};

/// A third party's check, by what it must be (check_wire.h says how it is asked).
struct CheckPin {
  std::string id;      ///< of the component
  std::string sha256;  ///< of the library that is loaded in the sandbox
  std::string config;  ///< what the organisation gives it, a JSON object
};

inline constexpr std::size_t kRuleCount = [] {
  std::size_t count = 0;
#define SCC_RULE(name, id, level, loss, hint) ++count;
#include "safety/rules.def"
#undef SCC_RULE
  return count;
}();

struct Policy {
  Decision action = Decision::block;
  std::array<std::optional<Decision>, kRuleCount> levels{};  ///< what the policy says of single rules
  Network network = Network::unknown;
  std::vector<std::string> allow_hosts;  ///< "example.org", "*.example.org"; empty: the proxy decides
  std::vector<OrgRule> org;
  std::vector<CheckPin> checks;
  std::vector<std::pair<std::string, Decision>> other_levels;  ///< of rules that are none of this engine's
  std::vector<std::string> protected_branches;
  bool snapshots = true;           ///< before what can lose work (risk.h)
  std::size_t snapshot_keep = 50;  ///< as many, the latest ones
  long snapshot_days = 30;         ///< and none that is older
  std::string source;
  std::vector<std::string>
      unknown;         ///< rule ids that this version does not know; ignored, worth an audit line
  std::string defect;  ///< not empty: why the document cannot be trusted

  bool defective() const { return !defect.empty(); }
  /// What becomes of a finding whose own level is `found`.
  Decision decide(Rule rule, Decision found) const;
  /// The same for a rule of a check.
  Decision decide(std::string_view rule, Decision found) const;
};

/// The strict form: "schema": 1 is required. Never fails; see defective().
Policy read_policy(std::string_view document);
/// The same for a policy given beside a command: "schema" may be left out.
Policy read_inline_policy(std::string_view document);

inline constexpr std::size_t kPolicyBytes = std::size_t{256} << 10U;

}  // namespace scc::safety
