// SPDX-License-Identifier: Apache-2.0
// Bundles of the organisation's catalog that a team enabled: which members are in effect for the chosen
// provider, and the MCP servers that their bindings describe. Those pass the same gates as a team's own
// servers; the catalog is the delegation.
#include <algorithm>

#include "base/str.h"
#include "json/value.h"
#include "policy/state.h"

namespace scc::policy {

namespace {

/// "args" of a binding: a JSON array of strings, or words between blanks.
model::Strings read_args(const std::string& text) {
  model::Strings out;
  if (str::starts_with(str::trim(text), "[")) {
    if (const auto value = json::parse(text)) return value->strings_at("");
  }
  for (std::string& word : str::split(text, ' ')) {
    if (!word.empty()) out.push_back(std::move(word));
  }
  return out;
}

model::McpServer server_of(const model::Binding& binding, const std::string& artifact) {
  model::McpServer server;
  server.name = binding.native_ref.empty() ? artifact : binding.native_ref;
  for (const auto& [key, value] : binding.native_config) {
    if (key == "url") server.url = value;
    if (key == "command") server.command = value;
    if (key == "args") server.args = read_args(value);
    if (str::starts_with(key, "header_")) server.headers[key.substr(7)] = value;
    if (str::starts_with(key, "env_")) server.env[key.substr(4)] = value;
  }
  server.type = binding.transport_type;
  if (server.type.empty()) server.type = server.command.empty() ? "sse" : "stdio";
  return server;
}

bool describes_server(const model::Binding& binding) {
  return !binding.transport_type.empty() || binding.native_config.count("url") > 0 ||
         binding.native_config.count("command") > 0;
}

}  // namespace

Status State::bundles(const model::Strings& names, const Asker& asker, const std::string& base) {
  for (std::size_t i = 0; i < names.size(); ++i) {
    const std::string& name = names[i];
    const auto found = org_.governed.bundles.find(name);
    if (found == org_.governed.bundles.end()) {
      model::Strings known;
      for (const auto& [other, bundle] : org_.governed.bundles) known.push_back(other);
      const std::string near = str::nearest(name, known);
      return fail(Kind::policy, "bundle.unknown",
                  asker.source + ": " + pointer(base, i) + " names the bundle \"" + str::printable(name) +
                      "\", which the organisation does not define" +
                      (near.empty() ? "" : "; did you mean " + near + "?"),
                  known.empty() ? "define it in governed_artifacts.bundles, or take it out"
                                : "bundles: " + str::join(known, ", "));
    }
    const auto& seen = out_.bundles;
    const bool again =
        std::any_of(seen.begin(), seen.end(), [&](const auto& one) { return one.name == name; });
    if (again) continue;
    model::EffectiveBundle bundle{name, asker.source, found->second.install_intent, {}, {}, {}};
    const std::string& intent = found->second.install_intent;
    if (intent == "disabled" || intent == "request-only") {
      bundle.skipped.emplace_back("*", "the bundle is " + intent);
    } else {
      for (const std::string& member : found->second.artifacts) {
        SCC_CHECK(bundle_member(name, member, asker, bundle));
      }
    }
    decide({"bundles", name, layer_reason(asker), asker.source, pointer(base, i), {}, {}, {}});
    out_.bundles.push_back(std::move(bundle));
  }
  return {};
}

Status State::bundle_member(const std::string& bundle, const std::string& member, const Asker& asker,
                            model::EffectiveBundle& out) {
  const auto found = org_.governed.artifacts.find(member);
  if (found == org_.governed.artifacts.end()) {
    return fail(Kind::policy, "bundle.unknown",
                "bundle " + bundle + " holds the artifact \"" + str::printable(member) +
                    "\", which the organisation does not define",
                "define it in governed_artifacts.artifacts, or take it out");
  }
  const model::Artifact& artifact = found->second;
  if (artifact.install_intent == "disabled" || artifact.install_intent == "request-only") {
    out.skipped.emplace_back(member, "the artifact is " + artifact.install_intent);
    return {};
  }
  const bool required = out.install_intent == "required" || artifact.install_intent == "required";
  const std::string base = pointer({"governed_artifacts", "bindings", member});
  bool bound = false;
  if (const auto list = org_.governed.bindings.find(member); list != org_.governed.bindings.end()) {
    for (std::size_t i = 0; i < list->second.size(); ++i) {
      const model::Binding& binding = list->second[i];
      if (!layers_.provider.empty() && binding.provider != layers_.provider) continue;
      bound = true;
      if (artifact.kind != "mcp_server" && !describes_server(binding)) continue;
      model::McpServer server = server_of(binding, member);
      // Bindings of several providers may describe the same server: one of them is enough.
      const bool again = std::any_of(servers_.begin(), servers_.end(), [&](const McpItem& item) {
        return item.alive && fold(item.server.name) == fold(server.name) &&
               str::starts_with(item.entry, base + "/");
      });
      if (!again) request_mcp(asker, std::move(server), pointer(base, i), true, required);
    }
  }
  if (!bound && artifact.kind == "native_integration") {
    out.skipped.emplace_back(member, "no binding for provider " + layers_.provider);
    return {};
  }
  if (!bound && artifact.kind == "mcp_server" && !artifact.source_url.empty()) {
    model::McpServer server;
    server.name = member;
    server.type = "http";
    server.url = artifact.source_url;
    request_mcp(asker, std::move(server), pointer({"governed_artifacts", "artifacts", member}), true,
                required);
  }
  if (!bound) out.portable.push_back(member);
  out.artifacts.push_back(member);
  return {};
}

}  // namespace scc::policy
