// SPDX-License-Identifier: Apache-2.0
// `scc why`: the verdict on one item and the changes that would flip it.
#include "policy/why.h"

#include "base/str.h"
#include "policy/advice.h"
#include "policy/mcp.h"
#include "policy/state.h"

namespace scc::policy {

Result<Why> why(const Layers& layers, std::string_view item, std::string_view kind) {
  if (str::trim(item).empty()) {
    return fail(Kind::usage, "why.item", "nothing was asked about",
                "scc why name@marketplace, a server, a host");
  }
  SCC_TRY(const model::Effective effective, compute(layers));
  Why out;
  out.kind = kind.empty() ? guess_kind(layers, effective, item) : std::string(kind);
  if (out.kind != "plugin" && out.kind != "mcp_server" && out.kind != "host" && out.kind != "provider" &&
      out.kind != "image") {
    return fail(Kind::usage, "why.kind", "\"" + str::printable(kind) + "\" is not a kind of item",
                "one of plugin, mcp_server, host, provider, image");
  }
  out.item = canonical_item(layers, effective, item, out.kind);
  const Verdict verdict = judge(layers, effective, out.item, out.kind);
  out.verdict = verdict.verdict;
  out.reason = verdict.reason;
  out.code = verdict.code;
  out.source = verdict.source;
  out.rule = verdict.rule;
  if (verdict.allowed()) return out;
  Advisor advisor(layers);
  out.changes = advisor.changes(out.item, out.kind, verdict);
  if (out.kind == "plugin" && out.verdict == "not requested") {
    const Verdict asked = advisor.hypothetical(out.item);
    if (!asked.allowed() && !asked.verdict.empty()) {
      out.reason += "; if you asked for it, it would be " + asked.verdict + ": " + asked.reason;
      out.code = asked.code;
      out.source = asked.source;
      out.rule = asked.rule;
    }
  }
  return out;
}

json::Value to_json(const Change& change) {
  json::Value out;
  out["layer"] = change.layer;
  out["pointer"] = change.pointer;
  out["action"] = change.action;
  out["value"] = change.value;
  out["who"] = change.who;
  out["text"] = change.text;
  return out;
}

json::Value to_json(const Why& why) {
  json::Value out;
  out["item"] = why.item;
  out["kind"] = why.kind;
  out["verdict"] = why.verdict;
  out["reason"] = why.reason;
  out["code"] = why.code;
  out["source"] = why.source;
  out["rule"] = why.rule;
  json::Array changes;
  for (const Change& change : why.changes) changes.push_back(to_json(change));
  out["changes"] = std::move(changes);
  return out;
}

const model::McpServer* requested_server(const Layers& layers, std::string_view by, std::string_view entry) {
  const auto in = [&](const std::vector<model::McpServer>& list,
                      const std::string& base) -> const model::McpServer* {
    for (std::size_t i = 0; i < list.size(); ++i) {
      if (entry == pointer(base, i)) return &list[i];
    }
    return nullptr;
  };
  if (by == "project" && layers.project) {
    return in(layers.project->additional_mcp_servers, "/additional_mcp_servers");
  }
  if (by == "personal" && layers.personal) return in(layers.personal->mcp_servers, "/mcp_servers");
  if (by != "team" || layers.org == nullptr) return nullptr;
  const auto team = layers.org->profiles.find(layers.team);
  if (team == layers.org->profiles.end()) return nullptr;
  const auto* found =
      in(team->second.additional_mcp_servers, pointer({"profiles", layers.team, "additional_mcp_servers"}));
  if (found == nullptr && layers.team_file) {
    found = in(layers.team_file->additional_mcp_servers, "/additional_mcp_servers");
  }
  return found;
}

std::string override_target(const Layers& layers, const std::string& item, std::string_view by,
                            std::string_view entry) {
  const model::McpServer* server = by == "project" ? requested_server(layers, by, entry) : nullptr;
  if (server == nullptr) return item;
  return is_network(*server) ? server->url : server->command;
}

}  // namespace scc::policy
