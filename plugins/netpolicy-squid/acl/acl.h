// SPDX-License-Identifier: Apache-2.0
// From the rules of a scc.netpolicy-request/1 to a complete squid.conf (Squid 5.7) and the pages that a
// refused request gets. Pure text: nothing is read, written or resolved here, equal inputs give equal bytes.
// Whatever ends up in the text is checked against a narrow grammar first, so no rule can write a directive of
// its own.
//
// The order of decisions, which core/egress/decide.h repeats and a differential test compares:
//   cache manager, client, method, scheme, port, literal, malformed name, denied name, name not listed, port
//   not listed for that name, address (looked up only now, for listed names only), allowed, the end.
//
// A decision is one line of JSON in Settings::access_log, its members all strings but t and status:
//   {"t":1795778623.598,"method":"CONNECT","host":"api.example.com","port":"443","status":200,
//    "verdict":"allow","rule":"org/allow/api.example.com"}
// Never a path, a query or a header. What Squid could not parse has "-" as its verdict and rule: it was
// refused.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <scc/sdk/plugin.hpp>

namespace scc_squid {

struct Rule {
  std::string id;  ///< unique; [a-z0-9][a-z0-9._:/-]{0,127}, not below "builtin/"
  bool allow = false;
  std::string
      host;  ///< "api.example.com"; "*.example.com": all below it, not itself; denials also an address block
  std::vector<int> ports;  ///< a denial without ports holds for every port; an allowance names at least one
  std::string layer;       ///< provider, org, team, profile, project, mcp
  std::string owner;       ///< short text for people and models
};

/// An upstream proxy that the sidecar itself must go through.
struct Peer {
  std::string host;  ///< name or address
  int port = 0;
  bool tls = false;
  std::string ca_file;  ///< in the sidecar; empty: the system's authorities
  std::string login;    ///< "user:password", percent-encoded; empty: none
};

struct Settings {
  std::string listen_address = "127.0.0.1";  ///< an address, never a wildcard
  int listen_port = 3128;
  std::vector<std::string> clients = {"127.0.0.1"};  ///< addresses or blocks that may ask at all
  std::vector<std::string> dns_servers;              ///< addresses; at least one
  Peer peer;                                         ///< host empty: none
  std::string access_log = "/run/scc-squid/access.log";
  std::string cache_log = "/run/scc-squid/cache.log";
  std::string error_dir = "/run/scc-squid/errors";  ///< where pages() lie
  std::string user;                                 ///< cache_effective_user when started by root; else empty
  std::vector<std::string>
      denied_blocks;  ///< besides the built-in ones: the host's addresses, engine subnets
  std::vector<std::string>
      internal_blocks;  ///< private or documentation blocks that listed names may resolve to
};

/// The elements of `rules`. Failure SCC_E_CONFIG egress.rule for one that is not as the schema says.
std::vector<Rule> read_rules(const scc::sdk::Json& request);

/// The whole squid.conf. An empty list of rules reaches nothing. Failure SCC_E_CONFIG egress.rule or
/// egress.settings: nothing is left out silently.
std::string compile(const std::vector<Rule>& rules, const Settings& settings);

/// File name in Settings::error_dir -> text. compile() refers to each of them.
std::map<std::string, std::string> pages(const std::vector<Rule>& rules);

/// A .curlrc (curl 7.75 and newer) with which a refused CONNECT is explained as the pages do; a caller's own
/// --write-out takes its place.
std::string curl_settings(const std::vector<Rule>& rules);

}  // namespace scc_squid
