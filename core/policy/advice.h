// SPDX-License-Identifier: Apache-2.0
// The smallest changes that would let an item through: thought of from the code of its refusal, kept only
// when compute agrees. Private to core/policy. No I/O.
#pragma once

#include "policy/judge.h"
#include "policy/why.h"

namespace scc::policy {

class Advisor {
 public:
  explicit Advisor(const Layers& layers);
  /// Verified changes, smallest first, at most `most`.
  std::vector<Change> changes(const std::string& item, std::string_view kind, const Verdict& verdict,
                              std::size_t most = 8);
  /// What would be said if this person asked for the plugin.
  Verdict hypothetical(const std::string& plugin);
  /// How often compute was asked.
  std::size_t asked() const noexcept { return asked_; }

 private:
  using Candidates = std::vector<Change>;

  Change change(std::string layer, std::string pointer, std::string action, std::string value) const;
  std::string who(const Change& change) const;
  std::string sentence(const Change& change) const;
  Change policy_exception(const model::Strings& plugins, const model::Strings& servers) const;
  Change local_override(const model::Strings& plugins, const model::Strings& servers) const;
  Change removal(const Verdict& verdict) const;

  Candidates for_item(const std::string& item, bool plugin, const Verdict& verdict) const;
  Candidates for_unrequested(const std::string& plugin) const;
  Candidates for_delegation(const std::string& item, bool plugin, const Verdict& verdict) const;
  Candidates for_network() const;
  Candidates for_host(const std::string& host, const Verdict& verdict) const;
  Candidates for_list(const std::string& item, const Verdict& verdict) const;
  const model::McpServer* server_at(const Verdict& verdict) const;
  bool works(const Change& change, const std::string& item, std::string_view kind);

  model::Org base_;  ///< the organisation without the teams that play no part, so that copies are cheap
  Layers layers_;
  std::size_t asked_ = 0;
};

}  // namespace scc::policy
