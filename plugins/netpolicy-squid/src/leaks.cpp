// SPDX-License-Identifier: Apache-2.0
#include "leaks.h"

#include <functional>
#include <map>
#include <sstream>

#include <scc/sdk/plugin.hpp>

namespace scc_squid {

namespace sdk = scc::sdk;

namespace {

sdk::Failure no_leak(const std::string& why) {
  return {SCC_E_USAGE, "network.leak", why, "run `scc prove` without --seed-leak"};
}

#ifdef SCC_SEED_LEAKS

/// Every line through `change`; an empty result takes the line away.
std::string lines(const std::string& text, const std::function<std::string(const std::string&)>& change) {
  std::istringstream in(text);
  std::string out;
  for (std::string line; std::getline(in, line);) {
    const std::string now = change(line);
    if (!now.empty() || line.empty()) out += now + "\n";
  }
  return out;
}

bool begins(const std::string& line, const std::string& head) {
  return line.compare(0, head.size(), head) == 0;
}

std::string without(const std::string& text, const std::string& head) {
  return lines(text, [&](const std::string& line) { return begins(line, head) ? std::string() : line; });
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
  return text;
}

std::string before(const std::string& text, const std::string& head, const std::string& line) {
  const std::size_t at = text.find(head);
  return at == std::string::npos ? text : text.substr(0, at) + line + "\n" + text.substr(at);
}

constexpr const char* kFirst = "http_access deny manager";
constexpr const char* kListed = "http_access deny !listed";
constexpr const char* kLiteral = "http_access deny literal";
constexpr const char* kAddress = "http_access deny denied_address";

std::string any_port(std::string text) {
  text = without(without(text, "http_access deny !ok_port"), "http_access deny !open");
  return lines(text, [](const std::string& line) {  // "acl r0 all-of a0 p0"
    const std::size_t port = begins(line, "acl r") ? line.find(" p") : std::string::npos;
    return port == std::string::npos ? line : line.substr(0, port);
  });
}

std::string plain_http(const std::string& text) {
  return without(without(any_port(text), "http_access deny !tunnel port_443"),
                 "http_access deny !tunnel !plain_http");
}

/// Addresses are judged before names: whatever is asked for is looked up.
std::string lookup_first(const std::string& text) {
  std::string acls;
  const std::string rest = lines(text, [&](const std::string& line) {
    if (!begins(line, "acl denied_address") && !begins(line, kAddress)) return line;
    acls += line + "\n";
    return std::string();
  });
  return before(rest, kListed, acls);
}

using Change = std::function<std::string(const std::string&)>;

const std::map<std::string, Change>& changes() {
  static const std::map<std::string, Change> kAll = {
      {"allow-all", [](const std::string& t) { return before(t, kFirst, "http_access allow all"); }},
      {"unlisted",
       [](const std::string& t) {
         return replaced(without(without(t, kListed), "http_access deny !open"),
                         "http_access deny all n_default", "http_access allow all");
       }},
      {"addresses", [](const std::string& t) { return without(t, kAddress); }},
      {"loopback", [](const std::string& t) { return without(t, "acl denied_address dst 127."); }},
      {"reverse-lookup",
       [](const std::string& t) { return replaced(without(t, kLiteral), "dstdomain -n ", "dstdomain "); }},
      {"ports", any_port},
      {"plain-http", plain_http},
      {"manager",
       [](const std::string& t) {
         return before(without(without(t, kFirst), "cachemgr_passwd"), "http_access deny !agent",
                       "http_access allow manager");
       }},
      {"listen-everywhere",
       [](const std::string& t) {
         return replaced(replaced(t, "http_port 127.0.0.1:", "http_port "), "acl agent src 127.0.0.1",
                         "acl agent src all");
       }},
      {"lookup-first", lookup_first},
      {"name-as-pattern",
       [](const std::string& t) { return replaced(t, "dstdomain -n ", "dstdom_regex -n -i "); }},
      {"parent-domain", [](const std::string& t) { return replaced(t, "dstdomain -n ", "dstdomain -n ."); }},
  };
  return kAll;
}

#endif

}  // namespace

// NOLINTNEXTLINE(performance-unnecessary-value-param): the build that can seed leaks changes it
std::string weaken(const std::string& name, std::string config) {
#ifdef SCC_SEED_LEAKS
  const auto found = changes().find(name);
  if (found == changes().end()) {
    std::string known;
    for (const auto& [one, change] : changes()) known += (known.empty() ? "" : ", ") + one;
    throw no_leak("there is no wall of that name to take down; there are " + known);
  }
  std::string out = found->second(config);
  if (out == config) throw no_leak("that wall is not in this configuration");
  return out;
#else
  static_cast<void>(config);
  throw no_leak("this build takes no wall down (" + name + ")");
#endif
}

}  // namespace scc_squid
