// SPDX-License-Identifier: Apache-2.0
// Organisation documents to start from (`scc org init`). They are files of templates/, compiled in; each is
// valid once its placeholders are filled.
#pragma once

#include "base/result.h"
#include "model/types.h"

namespace scc::model {

struct TemplateValues {
  std::string name;    ///< of the organisation, free text
  std::string id;      ///< empty: made from the name
  std::string domain;  ///< empty: <id>.example
  /// Ids of the providers that people may use. Empty: the lines about providers are left out, so all may run.
  Strings providers;
};

/// Sorted names: minimal, reference, strict, teams.
Strings org_template_names();
/// One line for people; empty for an unknown name.
std::string_view org_template_summary(std::string_view name) noexcept;
/// The text, indented for people. Kind::usage org.template for an unknown one, org.template-values when a
/// value cannot be used.
Result<std::string> org_template(std::string_view name, const TemplateValues& values);

/// An organisation's id made from its name: lower-case letters, digits and '-'; "organisation" when nothing
/// is left.
std::string org_id(std::string_view name);

}  // namespace scc::model
