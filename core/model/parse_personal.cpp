// SPDX-License-Identifier: Apache-2.0
// Personal profiles. Format 2 is ours and held to its shape; format 1 is another tool's record of raw
// settings files, from which plugins and MCP servers are lifted and everything else is left behind, by name.
#include <algorithm>

#include "base/str.h"
#include "model/build.h"
#include "model/parse.h"
#include "model/shapes.h"

namespace scc::model {

using namespace build;

namespace {

constexpr std::string_view kHint = "mend the file, or save the profile again with `scc profile save`";

void note(Strings* warnings, std::string text) {
  if (warnings != nullptr) warnings->push_back(std::move(text));
}

Personal format_two(const json::Value& value, Strings* warnings) {
  Personal out;
  out.repo_id = text(value, "repo_id");
  out.saved_at = text(value, "saved_at");
  for (const auto& [ref, on] : section(value, "plugins").members())
    out.plugins.emplace_back(ref, on.as_bool());
  out.mcp_servers = servers(value, "mcp_servers");
  for (const auto& [provider, native] : section(value, "native").members()) {
    note(warnings, "/native/" + pointer_token(provider) + ": native settings are not part of the layers");
  }
  return out;
}

/// A server of a raw settings file: named by its key, its type often left out.
json::Value named_server(const std::string& name, const json::Value& value) {
  json::Value out = value;
  out["name"] = name;
  if (find(value, "type") == nullptr) out["type"] = find(value, "command") != nullptr ? "stdio" : "http";
  return out;
}

void lift_servers(const json::Value& value, Personal& out, Strings* warnings) {
  for (const auto& [name, raw] : section(section(value, "mcp"), "mcpServers").members()) {
    const std::string pointer = "/mcp/mcpServers/" + pointer_token(name);
    if (!raw.is_object()) {
      note(warnings, pointer + ": left out: must be an object");
      continue;
    }
    const json::Value server_value = named_server(name, raw);
    const auto findings = check(shapes::kMcpServer, server_value);
    if (findings.empty()) {
      out.mcp_servers.push_back(server(server_value));
    } else {
      const Problem& first = findings.front().problem;
      note(warnings, pointer + first.pointer + ": left out: " + first.message);
    }
  }
}

void lift_plugins(const json::Value& plugins, Personal& out, Strings* warnings) {
  constexpr std::string_view kPointer = "/settings/enabledPlugins/";
  for (const auto& [ref, on] : plugins.members()) {
    if (on.is_bool() && !ref.empty()) {
      out.plugins.emplace_back(ref, on.as_bool());
    } else {
      note(warnings, std::string(kPointer) + pointer_token(ref) + ": left out: must be true or false");
    }
  }
  for (std::size_t i = 0; i < plugins.items().size(); ++i) {  // an older form: a list of those that are on
    const std::string& ref = plugins.items()[i].as_string();
    if (!ref.empty()) {
      out.plugins.emplace_back(ref, true);
    } else {
      note(warnings, std::string(kPointer) + std::to_string(i) + ": left out: must be a reference");
    }
  }
}

Personal format_one(const json::Value& value, Strings* warnings) {
  Personal out;
  out.repo_id = text(value, "repo_id");
  out.saved_at = text(value, "saved_at");
  if (!parse_time(out.saved_at)) out.saved_at.clear();
  const json::Value& settings = section(value, "settings");
  lift_plugins(section(settings, "enabledPlugins"), out, warnings);
  lift_servers(value, out, warnings);
  for (const auto& [key, ignored] : settings.members()) {
    if (key != "enabledPlugins") note(warnings, "/settings/" + pointer_token(key) + ": left out");
  }
  for (const auto& [key, ignored] : section(value, "mcp").members()) {
    if (key != "mcpServers") note(warnings, "/mcp/" + pointer_token(key) + ": left out");
  }
  return out;
}

/// Format 1: only what would make the lifting guess is refused.
std::vector<Problem> check_format_one(const json::Value& value) {
  std::vector<Problem> out;
  for (const std::string_view key : {"settings", "mcp"}) {
    const json::Value* found = find(value, key);
    if (found != nullptr && !found->is_object() && !found->is_null()) {
      out.push_back({"/" + std::string(key), "must be an object", {}, false});
    }
  }
  const json::Value* servers_value = find(section(value, "mcp"), "mcpServers");
  if (servers_value != nullptr && !servers_value->is_object()) {
    out.push_back({"/mcp/mcpServers", "must be an object", {}, false});
  }
  const json::Value* plugins = find(section(value, "settings"), "enabledPlugins");
  if (plugins != nullptr && !plugins->is_object() && !plugins->is_array()) {
    out.push_back({"/settings/enabledPlugins", "must be an object", {}, false});
  }
  return out;
}

}  // namespace

Result<Personal> parse_personal(const json::Value& value, std::string_view file, Strings* warnings) {
  const std::string what = "the personal profile " + str::printable(file) + " is not valid";
  std::vector<Problem> problems;
  const std::string version = text(value, "version");
  if (!value.is_object()) {
    problems.push_back({"", "must be an object", {}, false});
  } else if (version == "2") {
    problems = problems_of(check(kPersonalShape, value));
  } else if (version == "1") {
    problems = check_format_one(value);
  } else {
    problems.push_back({"/version", "must be one of \"1\", \"2\"", {}, false});
  }
  if (auto error = refusal(problems, "profile.invalid", what, kHint)) return fail(std::move(*error));
  Personal out = version == "2" ? format_two(value, warnings) : format_one(value, warnings);
  std::sort(out.plugins.begin(), out.plugins.end());
  // One entry for each reference; should they differ, the one that switches off stays.
  out.plugins.erase(std::unique(out.plugins.begin(), out.plugins.end(),
                                [](const auto& a, const auto& b) { return a.first == b.first; }),
                    out.plugins.end());
  return out;
}

}  // namespace scc::model
