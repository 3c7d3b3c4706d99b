// SPDX-License-Identifier: Apache-2.0
// What a refused request is told. The reader is as often a model as a person: short, which rule, whose it is,
// what to do instead, and that other routes are no use.
#include <algorithm>

#include "check.h"

namespace scc_squid {

namespace {

constexpr std::size_t kMaxListed = 40;

/// '%' is a macro of Squid's and '<' markup.
std::string escape(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '%') {
      out += "%%";
    } else if (c == '<' || c == '>' || c == '&') {
      out += ' ';
    } else {
      out += c;
    }
  }
  return out;
}

std::string listed(const std::vector<Rule>& rules) {
  std::string out;
  std::size_t count = 0;
  for (const Rule& rule : rules) {
    if (!rule.allow) continue;
    if (++count > kMaxListed) {
      out += ", ...";
      break;
    }
    out += (out.empty() ? "" : ", ") + rule.host;
    if (rule.ports != std::vector<int>{443}) {
      for (const int port : rule.ports) out += ":" + std::to_string(port);
    }
  }
  return out.empty() ? "nothing: no host is allowed in this sandbox" : out;
}

std::string page(const std::string& why, const std::string& allowed) {
  return "scc refused this request: %H may not be reached from this sandbox.\n"
         "Why: " +
         why +
         "\n"
         "Rule: @Squid{%note{rule}}. It is enforced outside the sandbox.\n"
         "Allowed instead: " +
         allowed +
         "\n"
         "Do not try other routes (another name, address, port, protocol or proxy): there are none, and "
         "attempts are "
         "recorded. Go on without this host, or ask the user, who can run: scc egress explain %H\n";
}

/// In a .curlrc: between quotes, where '"' and a backslash are escaped, and '%' begins a variable.
std::string curl_quoted(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '%') out += '%';
    out += c;
  }
  return out;
}

}  // namespace

std::string curl_settings(const std::vector<Rule>& rules) {
  return "# Written by scc, for this session. Clients hide the page of a refused CONNECT; this says what it "
         "says.\n"
         "write-out = \"%{onerror}%{stderr}scc: the proxy of this sandbox answered %{http_connect}. If that "
         "is 403, "
         "scc refused this request: the network policy does not let this host be reached from this sandbox. "
         "Rule: run by the user, `scc egress explain HOST` names it and its owner; it is enforced outside "
         "the "
         "sandbox. Allowed instead: " +
         curl_quoted(listed(rules)) +
         ". Do not try other routes (another name, address, port, protocol or proxy): there are none, and "
         "attempts "
         "are recorded. Go on without this host, or ask the user.\\n\"\n";
}

std::map<std::string, std::string> pages(const std::vector<Rule>& rules) {
  const std::string hosts = escape(listed(rules));
  const auto of = [&](const std::string& why) { return page(why, hosts); };
  return {
      {"ERR_SCC_RULE", of("a rule denies this host. Owner of the rule: @Squid{%'note{owner}}.")},
      {"ERR_SCC_MANAGER", of("this is the proxy's own interface, which is closed.")},
      {"ERR_SCC_CLIENT", of("only the sandbox of this session may use this proxy.")},
      {"ERR_SCC_METHOD", of("the method is none of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, CONNECT.")},
      {"ERR_SCC_SCHEME",
       of("only https through CONNECT, and plain http where a rule says so, pass this proxy.")},
      {"ERR_SCC_PORT", of("no rule opens this port; port 443 takes CONNECT (https) only. Use https.")},
      {"ERR_SCC_LITERAL", of("addresses are never allowed, in any spelling. Use the host's name.")},
      {"ERR_SCC_MALFORMED", of("this is not a plain host name.")},
      {"ERR_SCC_NOT_LISTED", of("no rule lists this host.")},
      {"ERR_SCC_HOST_PORT", of("a rule lists this host, but not with this port.")},
      {"ERR_SCC_ADDRESS",
       of("this name leads to an address that is never allowed (private, local or metadata).")},
      {"ERR_SCC_DEFAULT", of("nothing allows it.")},
      // Squid's own, for requests that were not refused or could not be read at all.
      {"ERR_ACCESS_DENIED", of("nothing allows it.")},
      {"ERR_DNS_FAIL", "scc: %H is allowed, but the name cannot be resolved.\n"},
      {"ERR_CONNECT_FAIL", "scc: %H is allowed, but no connection to it could be made.\n"},
      {"ERR_CANNOT_FORWARD", "scc: %H is allowed, but no way leads to it now.\n"},
      {"ERR_INVALID_URL", "scc: the address of this request cannot be read, so it was refused.\n"},
      {"ERR_INVALID_REQ", "scc: this request cannot be read, so it was refused.\n"},
  };
}

}  // namespace scc_squid
