// SPDX-License-Identifier: Apache-2.0
#include "egress/decide.h"

#include <algorithm>
#include <array>

#include "base/str.h"
#include "egress/name.h"

namespace scc::egress {

namespace {

constexpr int kHttp = 80;
constexpr int kHttps = 443;
constexpr std::array<std::string_view, 8> kMethods = {"GET",   "HEAD",   "POST",    "PUT",
                                                      "PATCH", "DELETE", "OPTIONS", "CONNECT"};

Decision builtin(std::string_view reason, std::string text) {
  return {false, "builtin/" + std::string(reason), "builtin", "scc", std::string(reason), std::move(text)};
}

Decision by_rule(const Rule& rule, std::string reason, std::string text) {
  return {rule.allow, rule.id, rule.layer, rule.owner, std::move(reason), std::move(text)};
}

bool name_matches(const Rule& rule, std::string_view name) {
  if (!str::starts_with(rule.host, "*.")) return rule.host == name;
  return name.size() > rule.host.size() - 1 && str::ends_with(name, std::string_view(rule.host).substr(1));
}

bool port_matches(const Rule& rule, int port) {
  return rule.ports.empty() || std::find(rule.ports.begin(), rule.ports.end(), port) != rule.ports.end();
}

bool is_block(const Rule& rule) {
  return rule.host.find_first_of(":/") != std::string::npos ||
         rule.host.find_first_not_of("0123456789.") == std::string::npos;
}

bool open_port(const Rules& rules, int port) {
  if (port == kHttps) return true;
  return std::any_of(rules.begin(), rules.end(),
                     [&](const Rule& rule) { return rule.allow && port_matches(rule, port); });
}

/// What needs no rule's name; nullopt to go on.
std::optional<Decision> hygiene(const Rules& rules, const Request& request, const Wire& wire) {
  const bool tunnel = request.method == "CONNECT";
  const std::string host = str::printable(request.host.substr(0, 128));
  if (std::find(kMethods.begin(), kMethods.end(), request.method) == kMethods.end()) {
    return builtin("method",
                   "the method " + str::printable(request.method.substr(0, 32)) + " does not pass the proxy");
  }
  if (!tunnel && !request.scheme.empty() && request.scheme != "http") {
    return builtin("scheme", "a URL of the scheme " + str::printable(request.scheme.substr(0, 32)) +
                                 " does not pass the proxy: https goes through CONNECT");
  }
  const bool mixed = tunnel ? request.port == kHttp : request.port == kHttps;
  if (mixed || !open_port(rules, request.port)) {
    return builtin("port",
                   mixed ? tunnel ? "port 80 is not for tunnels" : "port 443 takes CONNECT (https) only"
                         : "no rule opens port " + std::to_string(request.port) +
                               (request.port == kHttp ? ": plain http has no integrity; use https" : ""));
  }
  if (wire.form == Form::literal) {
    return builtin("literal",
                   host + " is an address, or some readers take it for one: only names are allowed");
  }
  if (wire.form == Form::malformed) return builtin("malformed", host + " is not a plain host name");
  return std::nullopt;
}

std::optional<Decision> by_address(const Rules& rules, const Request& request,
                                   const model::Strings& addresses, const Addressing& addressing) {
  for (const std::string& address : addresses) {
    if (denied_address(address, addressing)) {
      return builtin(
          "address",
          "the name leads to " + str::printable(address) +
              ", which is private, local or a metadata service: such a name is refused altogether");
    }
  }
  for (const Rule& rule : rules) {
    if (rule.allow || !is_block(rule) || !port_matches(rule, request.port)) continue;
    for (const std::string& address : addresses) {
      if (in_block(rule.host, address)) {
        return by_rule(
            rule, "denied",
            "the name leads to " + address + ", which " + rule.owner + " denies (" + rule.host + ")");
      }
    }
  }
  return std::nullopt;
}

}  // namespace

Decision decide(const Rules& rules, const Request& request, const model::Strings* addresses,
                const Addressing& addressing) {
  const Wire wire = wire_host(request.host);
  if (auto refused = hygiene(rules, request, wire)) return *refused;
  for (const Rule& rule : rules) {
    if (!rule.allow && !is_block(rule) && name_matches(rule, wire.name) && port_matches(rule, request.port)) {
      return by_rule(rule, "denied", rule.owner + " denies " + rule.host);
    }
  }
  const Rule* listed = nullptr;
  const Rule* open = nullptr;
  for (const Rule& rule : rules) {
    if (!rule.allow || !name_matches(rule, wire.name)) continue;
    if (listed == nullptr) listed = &rule;
    if (open == nullptr && port_matches(rule, request.port)) open = &rule;
  }
  if (listed == nullptr) return builtin("not-listed", "no rule lists " + wire.name);
  if (open == nullptr) {
    return builtin("host-port", listed->id + " lists " + wire.name + ", but not with port " +
                                    std::to_string(request.port));
  }
  if (addresses != nullptr) {
    if (auto refused = by_address(rules, request, *addresses, addressing)) return *refused;
  }
  return by_rule(*open, "allowed", open->owner + " allows " + open->host);
}

json::Value to_json(const Decision& decision) {
  json::Value out;
  out["verdict"] = decision.allow ? "allow" : "deny";
  out["rule"] = decision.rule;
  out["layer"] = decision.layer;
  out["owner"] = decision.owner;
  out["reason"] = decision.reason;
  out["text"] = decision.text;
  return out;
}

}  // namespace scc::egress
