// SPDX-License-Identifier: Apache-2.0
// The workspace's file. Hostile input: whoever writes the repository, the agent too, writes it.
#include "base/str.h"
#include "model/build.h"
#include "model/parse.h"
#include "model/shapes.h"

namespace scc::model {

using namespace build;

namespace {

/// References must be well formed here; whether a bare name is ambiguous depends on the organisation.
void check_refs(const json::Value& document, std::vector<Problem>& problems) {
  const auto& refs = section(document, "additional_plugins").items();
  for (std::size_t i = 0; i < refs.size() && problems.size() < kMostFindings; ++i) {
    if (!refs[i].is_string()) continue;
    if (auto ref = normalise_plugin_ref(refs[i].as_string(), {}); !ref) {
      problems.push_back({"/additional_plugins/" + std::to_string(i), ref.error().message,
                          "invalid_plugin_reference", false});
    }
  }
}

}  // namespace

Result<std::optional<Project>> parse_project(const json::Value& value, std::string_view file,
                                             Strings* unknown_keys) {
  if (value.is_null()) return std::optional<Project>();
  CheckOptions options;
  options.tolerate_unknown = true;
  std::vector<Finding> findings = check(kProjectShape, value, options);
  if (unknown_keys != nullptr) {
    for (const Finding& finding : findings) {
      if (finding.cause == Cause::unknown) unknown_keys->push_back(to_string(finding.problem));
    }
  }
  std::vector<Problem> problems = problems_of(std::move(findings));
  check_refs(value, problems);
  if (auto error = refusal(problems, "project.invalid", str::printable(file) + " is not valid",
                           "mend the file, then run `scc config validate`")) {
    return fail(std::move(*error));
  }
  Project out;
  out.additional_plugins = strings(value, "additional_plugins");
  out.additional_mcp_servers = servers(value, "additional_mcp_servers");
  out.network_policy = policy(value);
  out.session = session(value);
  out.dev_environment = dev_environment(value);
  out.allowed_providers = maybe_strings(value, "allowed_providers");
  out.egress = egress(value);
  out.disabled_plugins = strings(value, "disabled_plugins");
  out.disabled_mcp_servers = strings(value, "disabled_mcp_servers");
  out.images = map(value, "images");
  return std::optional<Project>(std::move(out));
}

}  // namespace scc::model
