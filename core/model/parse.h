// SPDX-License-Identifier: Apache-2.0
// From parsed JSON to the typed layers, and back to a JSON Schema. Every problem of a document is collected,
// each with its JSON pointer; an unknown key is an error with the nearest known one, except in project files,
// where it is a warning. No I/O.
#pragma once

#include "json/value.h"
#include "model/org.h"

namespace scc::model {

struct Problem {
  std::string pointer;  ///< "" is the document
  std::string message;
  std::string rule;  ///< semantic problems: invalid_plugin_reference, plugin_blocked, ...; else empty
  bool warning = false;
};
/// "/path: message", or "(root): message".
std::string to_string(const Problem& problem);

/// The version gate: decided before anything else is looked at.
struct Version {
  bool compatible = false;
  std::string blocking_error;
  std::string schema_version;
  std::string min_cli_version;
  std::string cli_version;
};

struct OrgReport {
  Version version;
  std::vector<Problem> schema;    ///< shape; any error here means no `org`
  std::vector<Problem> semantic;  ///< invariants; errors and warnings
  std::optional<Org> org;         ///< present when there is no error at all
  bool valid() const { return org.has_value(); }
  Strings warnings() const;
};

/// Reads the two version keys of a document and nothing else.
Version check_version(const json::Value& document, std::string_view cli_version);

/// Never fails: what is wrong is in the report, a syntax error too.
OrgReport read_org(std::string_view text, std::string_view cli_version);
OrgReport read_org_document(const json::Value& document, std::string_view cli_version);
/// The report as a result, see parse_org.
Result<Org> to_result(OrgReport report, Strings* warnings = nullptr);
/// read_org as a result: Kind::config org.syntax, org.version, org.schema or org.semantic, with every problem
/// in the context.
Result<Org> parse_org(std::string_view text, std::string_view cli_version, Strings* warnings = nullptr);

/// What a document that was fetched from elsewhere may not hold besides: marketplaces in relative
/// directories.
std::vector<Problem> check_fetched(const Org& org);

/// security.safety_net of a raw document (null: absent), fail closed: what cannot be read blocks, with every
/// rule, and says so.
SafetyNet read_safety_net(const json::Value* section, Strings* warnings = nullptr);

/// Kind::config team.invalid, or team.version.
Result<TeamFile> parse_team_file(std::string_view text, Strings* warnings = nullptr);
/// `value` is null for an empty document: no layer. Kind::config project.invalid; `file` is for messages.
Result<std::optional<Project>> parse_project(const json::Value& value, std::string_view file,
                                             Strings* unknown_keys = nullptr);
/// Formats 1 and 2. Kind::config profile.invalid. What a profile may not hold is left out and named in
/// `warnings`.
Result<Personal> parse_personal(const json::Value& value, std::string_view file, Strings* warnings = nullptr);
json::Value to_json(const Personal& personal);
json::Value to_json(const McpServer& server);
json::Value to_json(const DevAction& action);

/// The published JSON Schema (draft-07) of the organisation's document; what it says is tested against
/// read_org.
std::string_view org_schema();

/// The canonical spelling, name@marketplace, of a plugin reference. Kind::config plugin-ref.invalid or
/// plugin-ref.ambiguous. `aliases`: the organisation's marketplaces.
Result<std::string> normalise_plugin_ref(std::string_view text, const Strings& aliases);
/// The marketplace that every organisation has without defining it; a property of the build.
std::string_view implicit_marketplace() noexcept;

}  // namespace scc::model
