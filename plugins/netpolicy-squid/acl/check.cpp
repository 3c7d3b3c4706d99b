// SPDX-License-Identifier: Apache-2.0
#include "check.h"

#include <algorithm>
#include <set>

namespace scc_squid {

namespace {

using scc::sdk::Failure;

constexpr std::size_t kMaxRules = 4096;
constexpr std::size_t kMaxId = 128;
constexpr std::size_t kMaxName = 253;
constexpr std::size_t kMaxLabel = 63;

bool digit(char c) {
  return c >= '0' && c <= '9';
}
bool lower(char c) {
  return c >= 'a' && c <= 'z';
}

[[noreturn]] void bad_rule(const Rule& rule, const std::string& what) {
  throw Failure(SCC_E_CONFIG, "egress.rule", "the egress rule \"" + plain_text(rule.id) + "\" " + what,
                "see what the layers say: scc config explain --field network");
}

[[noreturn]] void bad_setting(const std::string& what) {
  throw Failure(SCC_E_CONFIG, "egress.settings", "the egress proxy cannot be configured: " + what);
}

bool good_id(std::string_view id) {
  const auto plain = [](char c) {
    return lower(c) || digit(c) || c == '.' || c == '_' || c == ':' || c == '/' || c == '-';
  };
  if (id.empty() || id.size() > kMaxId || !(lower(id.front()) || digit(id.front()))) return false;
  return std::all_of(id.begin(), id.end(), plain) && id.rfind("builtin/", 0) != 0;
}

bool numeric_end(std::string_view name) {
  const std::string_view last = name.substr(name.rfind('.') + 1);
  return std::all_of(last.begin(), last.end(), digit) || last.rfind("0x", 0) == 0;
}

bool good_path(std::string_view path) {
  const auto plain = [](char c) {
    return lower(c) || digit(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '/' || c == '-';
  };
  return path.size() > 1 && path.size() <= 255 && path.front() == '/' &&
         std::all_of(path.begin(), path.end(), plain) && path.find("/../") == std::string_view::npos;
}

bool good_login(std::string_view login) {
  // Percent-encoded, so that neither white space nor a quote nor a '#' can occur.
  const auto plain = [](char c) {
    return lower(c) || digit(c) || (c >= 'A' && c <= 'Z') || c == '.' || c == '_' || c == '-' || c == '%' ||
           c == ':' || c == '~';
  };
  return login.size() <= 512 && login.find(':') != std::string_view::npos && login.front() != ':' &&
         std::all_of(login.begin(), login.end(), plain);
}

bool port(int number) {
  return number >= 1 && number <= 65535;
}

/// An address alone, and not one that stands for all of them.
bool single(std::string_view text) {
  const auto block = parse_block(text);
  if (!block || text.find('/') != std::string_view::npos) return false;
  return std::any_of(block->bytes.begin(), block->bytes.end(), [](std::uint8_t b) { return b != 0; });
}

void check_one(const Rule& rule) {
  if (!good_id(rule.id)) bad_rule(rule, "has no proper id");
  for (const int number : rule.ports) {
    if (!port(number)) bad_rule(rule, "names a port that does not exist");
  }
  if (is_block(rule)) {
    if (rule.allow) bad_rule(rule, "allows an address: only names can be allowed");
    return;
  }
  const bool below = rule.host.rfind("*.", 0) == 0;
  if (!plain_name(below ? std::string_view(rule.host).substr(2) : std::string_view(rule.host), !rule.allow)) {
    bad_rule(rule,
             "has the host \"" + plain_text(rule.host) + "\", which is no name that can be compared safely");
  }
  if (rule.allow && rule.ports.empty()) bad_rule(rule, "allows a name and names no port");
}

}  // namespace

bool plain_name(std::string_view name, bool one_label) {
  if (name.empty() || name.size() > kMaxName || numeric_end(name)) return false;
  if (!one_label && name.find('.') == std::string_view::npos) return false;
  std::size_t begin = 0;
  while (begin <= name.size()) {
    const std::size_t dot = std::min(name.find('.', begin), name.size());
    const std::string_view label = name.substr(begin, dot - begin);
    if (label.empty() || label.size() > kMaxLabel || label.front() == '-' || label.back() == '-')
      return false;
    if (!std::all_of(label.begin(), label.end(), [](char c) { return lower(c) || digit(c) || c == '-'; }))
      return false;
    begin = dot + 1;
  }
  return true;
}

bool is_block(const Rule& rule) {
  return parse_block(rule.host).has_value();
}

std::string plain_text(std::string_view text) {
  std::string out(text.substr(0, 128));
  const std::string_view others = " ._:/@()+-,*";
  for (char& c : out) {
    if (!lower(c) && !digit(c) && !(c >= 'A' && c <= 'Z') && others.find(c) == std::string_view::npos)
      c = '?';
  }
  return out;
}

void check_rules(const std::vector<Rule>& rules) {
  if (rules.size() > kMaxRules) {
    throw Failure(SCC_E_CONFIG, "egress.rule",
                  "there are " + std::to_string(rules.size()) + " egress rules; at most " +
                      std::to_string(kMaxRules) + " can be enforced",
                  "name domains (.example.com) instead of single hosts");
  }
  std::set<std::string> ids;
  for (const Rule& rule : rules) {
    check_one(rule);
    if (!ids.insert(rule.id).second) bad_rule(rule, "has the id of another");
  }
}

void check_settings(const Settings& settings) {
  if (!single(settings.listen_address)) bad_setting("listen_address must be one address");
  if (!port(settings.listen_port)) bad_setting("listen_port does not exist");
  if (settings.clients.empty()) bad_setting("no client may ask");
  if (settings.dns_servers.empty()) bad_setting("there is no DNS server");
  for (const std::string& server : settings.dns_servers) {
    if (!single(server)) bad_setting("a DNS server is not one address: " + plain_text(server));
  }
  for (const auto* blocks : {&settings.clients, &settings.denied_blocks, &settings.internal_blocks}) {
    for (const std::string& text : *blocks) {
      if (!parse_block(text)) bad_setting("not an address or a block of them: " + plain_text(text));
    }
  }
  for (const std::string& text : settings.internal_blocks) {
    const auto& soft = soft_blocks();
    const auto block = parse_block(text);
    if (std::none_of(soft.begin(), soft.end(), [&](const Block& one) { return covers(one, *block); })) {
      bad_setting("internal_blocks may name private ranges only, not " + plain_text(text));
    }
  }
  for (const std::string& path : {settings.access_log, settings.cache_log, settings.error_dir}) {
    if (!good_path(path)) bad_setting("not an absolute path of plain characters: " + plain_text(path));
  }
  if (!settings.user.empty() && !plain_name(settings.user, true))
    bad_setting("not a user: " + plain_text(settings.user));
  const Peer& peer = settings.peer;
  if (peer.host.empty()) return;
  if (!single(peer.host) && !plain_name(peer.host, true))
    bad_setting("the upstream proxy has no proper host");
  if (!port(peer.port)) bad_setting("the upstream proxy has no proper port");
  if (!peer.ca_file.empty() && !good_path(peer.ca_file))
    bad_setting("the upstream proxy's ca_file is no plain path");
  if (!peer.login.empty() && !good_login(peer.login))
    bad_setting("the upstream proxy's login is not percent-encoded");
}

}  // namespace scc_squid
