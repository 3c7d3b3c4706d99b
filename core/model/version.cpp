// SPDX-License-Identifier: Apache-2.0
// The version gate: a document for a newer scc yields one error that says so, not a heap of unknown keys.
#include "base/str.h"
#include "model/build.h"
#include "model/grammar.h"
#include "model/parse.h"

namespace scc::model {

namespace {

std::string shown(const std::string& text) {
  return "\"" + str::printable(text.substr(0, 64)) + "\"";
}

std::string gate(const json::Value& document, std::string_view cli_version) {
  const json::Value* schema = build::find(document, "schema_version");
  if (schema == nullptr) return "schema_version required: add \"schema_version\": \"1.1.0\"";
  if (!schema->is_string() || !grammar::version(schema->as_string())) {
    return "schema_version has an invalid format, expected \"1.0.0\" or \"1.1.0\"";
  }
  const std::string& version = schema->as_string();
  if (version != "1.0.0" && version != "1.1.0") {
    const auto wanted = grammar::triple(version);
    const bool newer = !wanted || *wanted > grammar::Triple{1, 1, 0};
    return "schema_version " + shown(version) + " is unsupported, expected \"1.0.0\" or \"1.1.0\"" +
           (newer ? "; please upgrade scc" : "");
  }
  const json::Value* least = build::find(document, "min_cli_version");
  if (least == nullptr) return {};
  const auto needed = least->is_string() && grammar::version(least->as_string())
                          ? grammar::triple(least->as_string())
                          : std::nullopt;
  if (!needed) return "min_cli_version has an invalid format, expected a version X.Y.Z";
  const auto have = grammar::triple(cli_version);
  if (!have) return "the version of this scc, " + shown(std::string(cli_version)) + ", cannot be compared";
  if (*have >= *needed) return {};
  return "the document needs scc " + least->as_string() + " or newer, this is " +
         str::printable(cli_version) + "; please upgrade scc";
}

}  // namespace

Version check_version(const json::Value& document, std::string_view cli_version) {
  Version out;
  out.blocking_error = gate(document, cli_version);
  out.compatible = out.blocking_error.empty();
  out.schema_version = build::text(document, "schema_version");
  out.min_cli_version = build::text(document, "min_cli_version");
  out.cli_version = cli_version;
  return out;
}

}  // namespace scc::model
