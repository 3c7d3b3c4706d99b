// SPDX-License-Identifier: Apache-2.0
// See world.h.
#include "unit/policy/world.h"

#include <algorithm>

#include "unit/policy/fixture.h"

namespace scc::policy::testing {

using model::Strings;

std::string WorldMaker::plugin() {
  static const Strings kNames = {"lint", "x", "evil1", "tool-beta", "safety", "fmt", "a.b"};
  static const Strings kMarkets = {"core", "aux", "my-beta"};
  static const Strings kBad = {
      "",   " ",         "bad@@x",        "a@b@c",   "@core",    "@/x",
      "x@", "../x@core", "\xc3\xa9@core", "x@co/re", "x y@core", std::string("x\0y@core", 8)};
  if (random_.chance(4)) return random_.pick(kBad);
  const std::string name = random_.pick(kNames);
  const std::string market = random_.pick(kMarkets);
  switch (random_.below(8)) {
    case 0:
      return name;
    case 1:
      return "@" + market + "/" + name;
    case 2:
      return " " + name + "@" + market + "\t";
    default:
      return name + "@" + market;
  }
}

std::string WorldMaker::pattern() {
  static const Strings kPatterns = {"evil*",          "*-beta",   "lint",  "x",        "*@aux",   "*@core",
                                    "?int",           "[a-f]*",   "[!s]*", "*",        "",        "[",
                                    "*a*a*a*a*a*a*b", "s*fety@*", "LINT",  " x@core ", "@core/x", "fmt",
                                    "a.b@*",          "safety"};
  return random_.pick(kPatterns);
}

std::string WorldMaker::server_pattern() {
  static const Strings kPatterns = {"*.bad.example",
                                    "rogue-*",
                                    "/opt/forbidden/*",
                                    "*.ok.example",
                                    "docs",
                                    "npx",
                                    "https://*.ok.example/*",
                                    "name:docs",
                                    "name:*",
                                    "/opt/*",
                                    "*:8443",
                                    "[",
                                    "*",
                                    "mcp.ok.example",
                                    "",
                                    "tool"};
  return random_.pick(kPatterns);
}

std::string WorldMaker::target() {
  static const Strings kTargets = {".ok.example",       "mcp.ok.example", "a.x.example",     "*.x.example",
                                   "x.example:443",     "10.0.0.0/8",     "192.0.2.7",       "2001:db8::/32",
                                   "[2001:db8::1]:443", ".example",       "api.example:8443"};
  return random_.pick(kTargets);
}

std::string WorldMaker::image() {
  static const Strings kImages = {"repo/app", "repo/app:1", "ghcr.example/a/b:latest",
                                  "debian",   "debian:12",  "evil/x:2"};
  return random_.pick(kImages);
}

std::string WorldMaker::provider() {
  static const Strings kProviders = {"one", "two", "three"};
  return random_.pick(kProviders);
}

std::string WorldMaker::team_pattern() {
  static const Strings kPatterns = {"web", "ops", "data-*", "*", "W?B", "none", "[", "lint@core"};
  return random_.pick(kPatterns);
}

model::NetworkPolicy WorldMaker::network() {
  return static_cast<model::NetworkPolicy>(random_.below(3));
}

model::McpServer WorldMaker::server() {
  static const Strings kNames = {"docs", "Docs", "rogue-1", "tool", "search", "feed"};
  static const Strings kUrls = {"https://mcp.ok.example/x",
                                "https://a.bad.example:8443/m",
                                "http://127.0.0.1:9/",
                                "HTTPS://MCP.OK.EXAMPLE./x",
                                "https://u@mcp.ok.example/",
                                "https://evil.example/a.ok.example",
                                "https://[2001:db8::1]:8443/sse",
                                "https://a.x.example",
                                "ftp://x",
                                "not a url"};
  static const Strings kCommands = {"/opt/tools/a",         "/opt/forbidden/t", "npx",   "/bin/sh",
                                    "/opt/tools/../evil/a", "/opt/tools2/a",    "/../x", "/usr/bin/python3"};
  model::McpServer out;
  if (!random_.chance(3)) out.name = random_.pick(kNames);
  if (random_.chance(60)) {
    out.type = random_.chance(10) ? "" : random_.chance(50) ? "http" : "sse";
    out.url = random_.pick(kUrls);
  } else {
    out.type = random_.chance(10) ? "" : "stdio";
    out.command = random_.pick(kCommands);
  }
  return out;
}

std::vector<model::McpServer> WorldMaker::servers(std::size_t most) {
  std::vector<model::McpServer> out(random_.below(most + 1));
  for (model::McpServer& one : out) one = server();
  return out;
}

model::Session WorldMaker::session() {
  model::Session out;
  if (random_.chance(50)) out.timeout_hours = 1 + static_cast<std::int64_t>(random_.below(24));
  if (random_.chance(30)) out.auto_resume = random_.chance(50);
  return out;
}

model::DevEnvironment WorldMaker::dev() {
  static const Strings kNames = {"db", "lint", "up"};
  model::DevEnvironment out;
  for (auto* actions : {&out.commands, &out.logs}) {
    for (const std::string& name : kNames) {
      if (!random_.chance(15)) continue;
      actions->emplace_back();
      actions->back().name = name;
      actions->back().argv = {"true"};
    }
  }
  return out;
}

model::Exception WorldMaker::exception(bool local) {
  auto out = testing::exception((local ? "local-" : "EXC-") + std::to_string(random_.below(100)), {});
  const auto hour = [&](std::int64_t from, std::size_t span) {
    return kNow + 3600 * (from + static_cast<std::int64_t>(random_.below(span)));
  };
  out.created_at = local ? model::format_time(hour(-8, 10)) : "";
  out.expires_at = random_.chance(5) ? "soon" : model::format_time(hour(-2, 30));
  out.plugins = list(2, [&] { return random_.chance(60) ? plugin() : pattern(); });
  out.mcp_servers = list(2, [&] { return server_pattern(); });
  if (!local && random_.chance(30)) out.teams = list(2, [&] { return team_pattern(); });
  return out;
}

void WorldMaker::security(model::Org& org) {
  model::Security& out = org.security;
  out.blocked_plugins = list(3, [&] { return random_.chance(70) ? plugin() : pattern(); });
  out.blocked_mcp_servers = list(2, [&] { return server_pattern(); });
  out.allow_stdio_mcp = random_.chance(60);
  if (random_.chance(50)) out.allowed_stdio_prefixes = {"/opt/tools"};
  out.blocked_base_images = list(1, [&] { return random_.chance(50) ? "*:latest" : "evil/*"; });
  out.egress_deny = list(1, [&] { return target(); });
}

void WorldMaker::defaults(model::Org& org) {
  model::Defaults& out = org.defaults;
  out.enabled_plugins = list(3, [&] { return plugin(); });
  if (random_.chance(30)) out.disabled_plugins = list(2, [&] { return pattern(); });
  if (random_.chance(30)) out.optional_plugins = list(2, [&] { return pattern(); });
  if (random_.chance(30)) out.allowed_plugins = list(3, [&] { return pattern(); });
  if (random_.chance(30)) out.allowed_mcp_servers = list(3, [&] { return server_pattern(); });
  if (random_.chance(70)) out.network_policy = network();
  out.session = session();
  out.dev_environment = dev();
  if (random_.chance(30)) out.allowed_providers = list(3, [&] { return provider(); });
  if (random_.chance(30)) out.allowed_base_images = list(2, [&] { return image(); });
  if (random_.chance(30)) out.images[provider()] = image();
  out.egress.allow = list(3, [&] { return target(); });
  if (random_.chance(30)) out.egress.destination_sets = {"packages"};
}

void WorldMaker::delegation(model::Org& org) {
  model::Delegation& out = org.delegation;
  for (Strings* one : {&out.team_plugins, &out.team_mcp_servers, &out.team_dev_commands, &out.team_egress,
                       &out.team_base_images}) {
    *one = list(2, [&] { return team_pattern(); });
  }
  out.projects_inherit = random_.chance(60);
  out.local_overrides = random_.chance(80);
  out.max_override_hours = random_.chance(50) ? 24 : 4;
  out.personal_profiles = random_.chance(80);
}

void WorldMaker::team(model::Team& out) {
  out.additional_plugins = list(4, [&] { return plugin(); });
  out.additional_mcp_servers = servers(3);
  if (random_.chance(30)) out.network_policy = network();
  out.session = session();
  out.dev_environment = dev();
  out.allow_project_overrides = random_.chance(60);
  if (random_.chance(20)) out.allowed_providers = list(2, [&] { return provider(); });
  if (random_.chance(20)) out.images[provider()] = image();
  out.egress.allow = list(2, [&] { return target(); });
  out.egress.deny = list(1, [&] { return target(); });
}

void WorldMaker::layers(World& world) {
  Layers& out = world.layers;
  static const Strings kTeams = {"web", "ops", "data-eng", ""};
  out.team = random_.pick(kTeams);
  out.now = kNow;
  if (random_.chance(20)) out.agent_writable = {"/opt/tools/work"};
  if (random_.chance(20) && !out.team.empty()) {
    model::TeamFile& file = out.team_file.emplace();
    file.enabled_plugins = list(2, [&] { return plugin(); });
    file.disabled_plugins = list(2, [&] { return pattern(); });
    file.additional_mcp_servers = servers(1);
    if (random_.chance(30)) file.network_policy = network();
    file.egress.allow = list(1, [&] { return target(); });
  }
  if (random_.chance(60)) {
    model::Personal& personal = out.personal.emplace();
    for (const std::string& ref : list(3, [&] { return plugin(); })) {
      personal.plugins.emplace_back(ref, random_.chance(70));
    }
    std::sort(personal.plugins.begin(), personal.plugins.end());
    personal.plugins.erase(std::unique(personal.plugins.begin(), personal.plugins.end(),
                                       [](const auto& a, const auto& b) { return a.first == b.first; }),
                           personal.plugins.end());
    personal.mcp_servers = servers(2);
  }
  if (random_.chance(70)) {
    model::Project& project = out.project.emplace();
    project.additional_plugins = list(3, [&] { return plugin(); });
    project.additional_mcp_servers = servers(2);
    if (random_.chance(30)) project.network_policy = network();
    project.session = session();
    project.dev_environment = dev();
    if (random_.chance(20)) project.allowed_providers = list(2, [&] { return provider(); });
    if (random_.chance(20)) project.images[provider()] = image();
    project.egress.allow = list(1, [&] { return target(); });
    project.egress.deny = list(1, [&] { return target(); });
    if (random_.chance(20)) project.egress.only = list(2, [&] { return target(); });
    project.disabled_plugins = list(1, [&] { return pattern(); });
    project.disabled_mcp_servers = list(1, [&] { return server_pattern(); });
  }
  for (std::size_t i = random_.below(3); i > 0; --i) out.user_exceptions.push_back(exception(true));
  if (random_.chance(30)) out.repo_exceptions.push_back(exception(true));
}

std::unique_ptr<World> WorldMaker::make() {
  auto out = std::make_unique<World>();
  model::Org& org = out->org;
  org.schema_version = random_.chance(50) ? "1.1.0" : "1.0.0";
  org.organization = {"Acme", "acme", random_.chance(50) ? "platform@acme.example" : "", ""};
  for (const char* alias : {"core", "aux"}) {
    if (random_.chance(60)) org.marketplaces[alias].source = "github";
  }
  org.destination_sets["packages"].destinations = {".pkgs.example", "10.0.0.7"};
  security(org);
  defaults(org);
  delegation(org);
  for (const char* name : {"web", "ops", "data-eng"}) {
    org.profiles[name].name = name;
    team(org.profiles[name]);
  }
  for (std::size_t i = random_.below(3); i > 0; --i) org.exceptions.push_back(exception(false));
  layers(*out);
  return out;
}

}  // namespace scc::policy::testing
