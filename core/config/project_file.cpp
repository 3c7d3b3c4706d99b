// SPDX-License-Identifier: Apache-2.0
#include "config/project_file.h"

#include <algorithm>
#include <array>

#include "base/str.h"
#include "config/yaml.h"
#include "model/parse.h"

namespace scc::config {

namespace {

constexpr std::size_t kMaxBytes = std::size_t{64} << 10U;
constexpr std::size_t kMaxDepth = 16;
constexpr std::array<const char*, 3> kNames{".scc.yaml", ".scc.yml", ".scc.json"};

constexpr std::string_view kTemplate =
    R"(# What this repository asks of scc. The organisation and the team decide what of it they allow;
# `scc config validate` tells, `scc config explain` says why. Every key is optional.

# Plugins of the agent, name@marketplace:
# additional_plugins:
#   - formatter@core

# Servers that the agent may call. ${VAR} is filled in inside the sandbox:
# additional_mcp_servers:
#   - name: docs
#     type: http
#     url: https://mcp.example.com/docs
#     headers:
#       Authorization: Bearer ${DOCS_TOKEN}

# What the agent can reach: open, web-egress-enforced or locked-down-web. Only narrower than the team's:
# network_policy: locked-down-web

# Narrow what may be reached under web-egress-enforced:
# egress:
#   deny:
#     - .social.example

# End a session after this many hours, 1 to 24:
# session:
#   timeout_hours: 8

# Commands that `scc dev run` starts on the host, without a shell:
# dev_environment:
#   commands:
#     test:
#       argv: ["make", "test"]
#       timeout_seconds: 600
#       description: Run the tests

# Agents that may work here:
# allowed_providers: []

# Switch off what a team adds:
# disabled_plugins: []
# disabled_mcp_servers: []
)";

tl::unexpected<Error> invalid(const stdfs::path& file, std::string what, std::string hint) {
  return fail(Kind::config, "project.invalid", str::printable(file.native()) + ": " + std::move(what),
              std::move(hint));
}

bool blank(std::string_view text) {
  return str::trim(text).empty();
}

Result<json::Value> parse(const stdfs::path& file, std::string_view text) {
  const bool is_json = file.extension() == ".json";
  if (is_json && blank(text)) return json::Value();
  auto value = is_json ? json::parse(text, {kMaxBytes, kMaxDepth}) : parse_yaml(text, {kMaxBytes, kMaxDepth});
  if (!value) return invalid(file, value.error().message, "mend the file; `scc init` shows its keys");
  if (!value->is_null() && !value->is_object()) {
    return invalid(file, "must be a map of keys", "mend the file; `scc init` shows its keys");
  }
  return value;
}

}  // namespace

Result<ProjectFile> load_project_file(const stdfs::path& root) {
  ProjectFile out;
  std::string text;
  for (const char* name : kNames) {
    auto read = os::read_beneath(root, name, kMaxBytes);
    if (!read && read.error().kind == Kind::not_found) continue;
    if (out.present()) {
      return invalid(out.file, std::string("there is a ") + name + " as well",
                     "keep one of the two and remove the other");
    }
    out.file = root / name;
    if (!read) {
      return invalid(out.file, read.error().message,
                     "it must be a regular file of at most 64 KiB in the workspace itself");
    }
    text = std::move(*read);
  }
  if (!out.present()) return out;
  out.sha256 = os::sha256_hex(text);
  SCC_TRY(out.document, parse(out.file, text));
  SCC_TRY(out.project,
          model::parse_project(out.document, str::printable(out.file.native()), &out.unknown_keys));
  return out;
}

std::string_view project_template() noexcept {
  return kTemplate;
}

}  // namespace scc::config
