// SPDX-License-Identifier: Apache-2.0
// Candidates of MCP servers and the rules for their commands. A command runs inside the sandbox, so paths are
// compared as text here; the sandbox's entry point compares the real ones again.
#include "policy/mcp.h"

#include <algorithm>
#include <array>

#include "base/str.h"
#include "model/grammar.h"

namespace scc::policy {

namespace {

bool ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c < 0x7f; });
}

int default_port(std::string_view scheme) {
  return scheme == "http" ? 80 : 443;
}

std::string bracketed(const std::string& host) {
  return host.find(':') == std::string::npos ? host : "[" + host + "]";
}

/// "host:port" with the scheme's own port filled in.
std::string with_port(const model::grammar::Url& url) {
  return bracketed(url.host) + ":" + std::to_string(url.port < 0 ? default_port(url.scheme) : url.port);
}

/// What follows the authority, "/" when nothing does.
std::string path_of(std::string_view url) {
  const std::size_t begin = url.find("://");
  if (begin == std::string_view::npos) return "/";
  const std::size_t end = url.find_first_of("/?#", begin + 3);
  if (end == std::string_view::npos) return "/";
  return (url[end] == '/' ? "" : "/") + std::string(url.substr(end));
}

void add(model::Strings& out, std::string text) {
  if (!text.empty() && std::find(out.begin(), out.end(), text) == out.end()) out.push_back(std::move(text));
}

std::string_view base_name(std::string_view path) {
  return path.substr(path.rfind('/') + 1);
}

/// Programs that run whatever their arguments say: a directory of theirs as a prefix would approve anything.
bool interpreter(std::string_view path) {
  static const GlobList kNames({"sh",     "bash",   "dash",    "ash",     "zsh",     "ksh",   "csh",
                                "tcsh",   "fish",   "busybox", "env",     "node",    "npx",   "npm",
                                "nodejs", "deno",   "bun",     "bunx",    "uv",      "uvx",   "pipx",
                                "perl",   "perl5*", "ruby*",   "php*",    "python*", "lua*",  "xargs",
                                "awk",    "gawk",   "mawk",    "timeout", "nice",    "nohup", "setsid"});
  return kNames.matches(base_name(path));
}

bool at_or_below(std::string_view path, std::string_view directory) {
  if (directory == "/") return true;
  return path == directory || (path.size() > directory.size() && str::starts_with(path, directory) &&
                               path[directory.size()] == '/');
}

/// "https://*.corp.example/x*" against the scheme, the authority and the rest, each on its own: otherwise the
/// '*' of the host would run into the path, and https://evil.example/a.corp.example/x would pass.
bool url_matches(std::string_view pattern, const model::McpServer& server) {
  const auto url = model::grammar::split_url(server.url);
  if (!url) return false;
  const std::string folded = fold(pattern);
  const std::size_t begin = folded.find("://");
  const std::size_t end = folded.find('/', begin + 3);
  const std::string authority = folded.substr(begin + 3, end == std::string::npos ? end : end - begin - 3);
  const std::string path = end == std::string::npos ? "/" : folded.substr(end);
  if (!Glob(folded.substr(0, begin)).matches(url->scheme)) return false;
  const bool own_port = url->port < 0 || url->port == default_port(url->scheme);
  const Glob host(authority);
  if (!host.matches(with_port(*url)) && !(own_port && host.matches(bracketed(url->host)))) return false;
  return Glob(path).matches(path_of(server.url));
}

bool allow_matches(const std::string& pattern, const model::McpServer& server) {
  const std::string folded = fold(pattern);
  if (str::starts_with(folded, "name:")) return Glob(folded.substr(5)).matches(server.name);
  if (!is_network(server)) {
    const auto path = normal_path(server.command);
    return path && Glob(folded).matches(*path);
  }
  if (folded.find("://") != std::string::npos) return url_matches(folded, server);
  const auto url = model::grammar::split_url(server.url);
  if (!url) return false;
  const Glob glob(folded);
  return glob.matches(url->host) || glob.matches(with_port(*url));
}

}  // namespace

std::string mcp_type(const model::McpServer& server) {
  if (!server.type.empty()) return server.type;
  if (!server.command.empty()) return "stdio";
  return server.url.empty() ? "" : "http";
}

bool is_network(const model::McpServer& server) {
  return mcp_type(server) != "stdio";
}

std::string mcp_item(const model::McpServer& server) {
  return server.name.empty() ? server.url : server.name;
}

std::string mcp_problem(const model::McpServer& server) {
  const std::string type = mcp_type(server);
  if (!ascii(server.name) || !ascii(server.url) || !ascii(server.command)) {
    return "its name, url or command holds characters that are not printable ASCII";
  }
  if (mcp_item(server).empty()) return "it has neither a name nor a url";
  if (type != "http" && type != "sse" && type != "stdio") return "its type is none of http, sse, stdio";
  if (type == "stdio") return server.command.empty() ? "it has no command" : "";
  const auto url = model::grammar::split_url(server.url);
  if (!url) return "its url is not an http or https URL with a plain host";
  return url->userinfo ? "its url holds user information" : "";
}

std::string mcp_destination(const model::McpServer& server) {
  const auto url = model::grammar::split_url(server.url);
  if (!url || url->host.empty()) return {};
  if (url->port < 0 || url->port == default_port(url->scheme)) return url->host;
  return with_port(*url);
}

std::string mcp_egress(const model::McpServer& server) {
  const auto url = model::grammar::split_url(server.url);
  if (!url || url->host.empty()) return {};
  return url->port == 443 || (url->port < 0 && url->scheme != "http") ? bracketed(url->host)
                                                                      : with_port(*url);
}

model::Strings block_candidates(const model::McpServer& server) {
  model::Strings out;
  add(out, server.name);
  add(out, server.url);
  if (const auto url = model::grammar::split_url(server.url)) {
    add(out, url->host);
    add(out, with_port(*url));
    add(out, url->scheme + "://" + bracketed(url->host) + path_of(server.url));
  }
  add(out, server.command);
  if (const auto path = normal_path(server.command)) add(out, *path);
  add(out, std::string(base_name(server.command)));
  return out;
}

std::optional<std::size_t> find_block(const GlobList& list, const model::McpServer& server) {
  if (list.empty()) return std::nullopt;
  for (const std::string& candidate : block_candidates(server)) {
    if (const auto hit = list.find(candidate)) return hit;
  }
  return std::nullopt;
}

std::optional<std::size_t> find_allow(const GlobList& list, const model::McpServer& server, bool names_too,
                                      bool* by_name) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (allow_matches(list.pattern(i), server)) return i;
  }
  if (!names_too || server.name.empty()) return std::nullopt;
  const auto hit = list.find(server.name);
  if (hit && by_name != nullptr) *by_name = true;
  return hit;
}

bool exception_matches(const std::string& target, const model::McpServer& server, bool names_too,
                       bool wildcards) {
  const std::string folded = fold(target);
  if (folded.empty()) return false;
  if (wildcards) {
    return allow_matches(target, server) || (names_too && Glob(folded).matches(server.name));
  }
  if (names_too && folded == fold(mcp_item(server))) return true;
  return folded == fold(server.url) || folded == "name:" + fold(server.name) ||
         folded == fold(mcp_destination(server)) || (!is_network(server) && folded == fold(server.command));
}

std::optional<std::string> normal_path(std::string_view path) {
  if (path.empty() || path.front() != '/' || !ascii(path)) return std::nullopt;
  model::Strings parts;
  for (const std::string& part : str::split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (parts.empty()) {
      return std::nullopt;
    } else {
      parts.pop_back();
    }
  }
  return "/" + str::join(parts, "/");
}

std::optional<StdioRefusal> check_stdio(const model::McpServer& server, const StdioRules& rules) {
  const std::string prefixes = "/security/allowed_stdio_prefixes";
  if (!rules.allowed) {
    return StdioRefusal{"STDIO_DISABLED", "commands are not allowed (security.allow_stdio_mcp is false)",
                        "/security/allow_stdio_mcp"};
  }
  const auto path = normal_path(server.command);
  if (!path) {
    return StdioRefusal{"STDIO_NOT_ABSOLUTE",
                        "the command " + str::printable(server.command) + " is not an absolute path",
                        prefixes};
  }
  for (const std::string& directory : rules.agent_writable) {
    const auto normal = normal_path(directory);
    if (normal && at_or_below(*path, *normal)) {
      return StdioRefusal{"STDIO_PREFIX", "the agent itself can write " + *path + ", below " + *normal,
                          prefixes};
    }
  }
  bool inside = rules.prefixes.empty();
  bool exact = false;
  for (const std::string& prefix : rules.prefixes) {
    const auto normal = normal_path(prefix);
    if (!normal) continue;
    inside = inside || at_or_below(*path, *normal);
    exact = exact || *path == *normal;
  }
  if (!inside) {
    return StdioRefusal{"STDIO_PREFIX", *path + " lies below none of security.allowed_stdio_prefixes",
                        prefixes};
  }
  if (!exact && interpreter(*path)) {
    return StdioRefusal{"STDIO_PREFIX",
                        *path +
                            " runs whatever its arguments say: it must itself be in "
                            "security.allowed_stdio_prefixes",
                        prefixes};
  }
  return std::nullopt;
}

}  // namespace scc::policy
