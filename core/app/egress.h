// SPDX-License-Identifier: Apache-2.0
// The egress rules of a launch: the effective configuration and what the manifests of the providers declare,
// put together by core/egress. Launch and `scc egress` use the same function. Reads only. [main]
#pragma once

#include "app/explain.h"
#include "egress/decide.h"
#include "egress/record.h"

namespace scc::app {

/// Empty unless web-egress-enforced applies. Kind::config egress.host, egress.address, egress.rule;
/// Kind::policy egress.unknown-set.
Result<egress::Rules> egress_rules(Host& host, const Governance& governance, const std::string& provider);

/// Each set that the agent's launch spec rests on is its manifest's own, or one of the organisation's that
/// applies here. Kind::policy egress.unknown-set.
Status check_destination_sets(Host& host, const Governance& governance, const std::string& provider,
                              const json::Value& spec);

/// Why a host may be reached from here or not, and who could change it.
struct EgressAnswer {
  std::string host;  ///< as the proxy would see it
  int port = 443;
  std::string policy;
  std::string provider;  ///< empty: none could be chosen, so no provider's set counts
  egress::Decision decision;
  std::vector<policy::Change> changes;  ///< each of which would do, within what the organisation delegates
  std::vector<policy::Change> organisation;  ///< what only the organisation may do
};
json::Value to_json(const EgressAnswer& answer);

/// `text`: HOST, HOST:PORT or an http(s) URL. The same rules and the same function as enforcement; nothing is
/// resolved or reached. Kind::usage egress.question; Kind::config egress.host for an international name that
/// is none.
Result<EgressAnswer> explain_egress(Host& host, const ExplainRequest& request, const std::string& text);

/// A host that was refused in a session, under the rules of now.
struct Suggestion {
  EgressAnswer answer;
  std::int64_t count = 0;
};
/// What was refused, most often first. `session`: an id; its record must be intact (Kind::policy
/// egress.chain).
Result<std::vector<Suggestion>> suggest_egress(Host& host, const ExplainRequest& request,
                                               const std::string& session);

/// The session whose record is meant: by id or name, else the last one that was written to. Kind::not_found
/// egress.none.
Result<std::string> egress_session(Host& host, const std::string& text);

}  // namespace scc::app
