// SPDX-License-Identifier: Apache-2.0
// The use cases of `scc org` and `scc setup`: judge a document, take it as this machine's organisation,
// refresh it, say how old it is. [main]
#pragma once

#include <string>
#include <vector>

#include "app/governance.h"
#include "model/parse.h"

namespace scc::app {

/// A document from a source string, judged; nothing is stored.
struct Judged {
  remote::Source source;
  remote::OrgDocument document;
  model::OrgReport report;
};
/// Kind::config when it cannot be loaded. `auth`, `auth_header` and `public_key` may be empty.
Result<Judged> judge_org(Host& host, const config::OrgSource& source);

/// A source string as typed, as configuration stores it.
Result<config::OrgSource> org_source(Host& host, const std::string& text, const std::string& auth,
                                     const std::string& auth_header, const std::string& public_key);

struct SetupChoice {
  std::optional<config::OrgSource> source;  ///< absent: standalone
  std::string team;
  std::string provider;
};
/// Loads the organisation's document into the cache and stores the choice, all of it or nothing. Kind::config
/// team.unknown for a team that it does not define.
Status set_up(Host& host, const SetupChoice& choice);

/// The document as it is in use, with its freshness, from the cache only.
struct OrgState {
  remote::OrgDocument document;
  std::shared_ptr<const model::Org> org;
};
Result<OrgState> org_state(Host& host);

struct TeamRefresh {
  std::string team;
  bool inline_team = false;  ///< nothing to fetch
  std::string commit;
  std::string error;
};
struct OrgUpdate {
  remote::OrgDocument document;
  std::shared_ptr<const model::Org> org;
  std::vector<TeamRefresh> teams;
};
/// Fetches now. `teams`: whose own files are fetched as well.
Result<OrgUpdate> update_org(Host& host, const std::vector<std::string>& teams, bool all_teams);

}  // namespace scc::app
