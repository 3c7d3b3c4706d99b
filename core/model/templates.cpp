// SPDX-License-Identifier: Apache-2.0
#include "model/templates.h"

#include <algorithm>
#include <utility>

#include "base/str.h"
#include "model/embedded.h"
#include "model/grammar.h"

namespace scc::model {

namespace {

constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kSummaries{{
    {"minimal", "the safe defaults and one team"},
    {"reference", "every section and key, to cut down from"},
    {"strict", "nothing is added without the organisation: empty allow lists, no standalone, no overrides"},
    {"teams", "two teams that may add plugins and servers of their own within limits"},
}};

/// The text between the quotes of a JSON string.
std::string escaped(const std::string& text) {
  const std::string quoted = json::dump(json::Value(text));
  return quoted.substr(1, quoted.size() - 2);
}

std::string replaced(std::string line, std::string_view placeholder, const std::string& value) {
  for (std::size_t at = 0; (at = line.find(placeholder, at)) != std::string::npos; at += value.size()) {
    line.replace(at, placeholder.size(), value);
  }
  return line;
}

auto unusable(std::string message, std::string hint) {
  return fail(Kind::usage, "org.template-values", std::move(message), std::move(hint));
}

Status check_values(const TemplateValues& values) {
  if (str::trim(values.name).empty() || !str::valid_utf8(values.name)) {
    return unusable("the organisation needs a name", "give one with --name");
  }
  if (!grammar::slug(values.id)) {
    return unusable("\"" + str::printable(values.id) + "\" is not an organisation's id",
                    "use lower-case letters, digits and '-'");
  }
  if (!grammar::host(values.domain)) {
    return unusable("\"" + str::printable(values.domain) + "\" is not a domain", "write it like example.org");
  }
  for (const std::string& provider : values.providers) {
    if (!grammar::plugin_id(provider)) {
      return unusable("\"" + str::printable(provider) + "\" is not a provider's id", "run `scc plugin list`");
    }
  }
  return {};
}

}  // namespace

Strings org_template_names() {
  Strings out;
  for (const EmbeddedTemplate& entry : embedded_templates()) out.emplace_back(entry.name);
  std::sort(out.begin(), out.end());
  return out;
}

std::string_view org_template_summary(std::string_view name) noexcept {
  for (const auto& [known, summary] : kSummaries) {
    if (known == name) return summary;
  }
  return {};
}

std::string org_id(std::string_view name) {
  std::string out;
  for (const char c : name) {
    if (grammar::alnum(c)) {
      out += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    } else if (!out.empty() && out.back() != '-') {
      out += '-';
    }
  }
  while (!out.empty() && out.back() == '-') out.pop_back();
  return out.empty() ? "organisation" : out.substr(0, 64);
}

Result<std::string> org_template(std::string_view name, const TemplateValues& given) {
  TemplateValues values = given;
  if (values.id.empty()) values.id = org_id(values.name);
  if (values.domain.empty()) values.domain = values.id.substr(0, 48) + ".example";
  SCC_CHECK(check_values(values));
  for (const EmbeddedTemplate& entry : embedded_templates()) {
    if (entry.name != name) continue;
    std::string out;
    for (std::string line : str::split(entry.text, '\n')) {
      // A line about providers is a whole member or element: without providers it goes.
      if (values.providers.empty() && line.find("{{PROVIDER") != std::string::npos) continue;
      line = replaced(std::move(line), "{{ORG_ID}}", values.id);
      line = replaced(std::move(line), "{{ORG_DOMAIN}}", values.domain);
      if (!values.providers.empty()) {
        line = replaced(std::move(line), "{{PROVIDERS}}", str::join(values.providers, "\", \""));
        line = replaced(std::move(line), "{{PROVIDER}}", values.providers.front());
      }
      // Last: a name that looks like a placeholder stays what it is.
      line = replaced(std::move(line), "{{ORG_NAME}}", escaped(values.name));
      if (!line.empty()) out += line + "\n";
    }
    return out;
  }
  return fail(Kind::usage, "org.template", "there is no template \"" + str::printable(name) + "\"",
              "use one of: " + str::join(org_template_names(), ", "));
}

}  // namespace scc::model
