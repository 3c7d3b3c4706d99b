// SPDX-License-Identifier: Apache-2.0
// Plugin references: `name@marketplace`, `@marketplace/name` and bare `name` become one spelling, so that no
// list can be dodged by writing a reference differently.
#include <algorithm>

#include "base/str.h"
#include "model/grammar.h"
#include "model/parse.h"

namespace scc::model {

namespace {

auto invalid(std::string_view text, std::string_view why) {
  // A reference may come from a hostile file: printable and short.
  return fail(
      Kind::config, "plugin-ref.invalid",
      "\"" + str::printable(text.substr(0, 128)) + "\" is not a plugin reference: " + std::string(why),
      "write it as name@marketplace, with letters, digits, '.', '_' and '-'");
}

/// A part of a reference also names directories later.
bool valid_part(std::string_view part) noexcept {
  return !part.empty() && part != "." && part != ".." && part.size() <= 128 &&
         std::all_of(part.begin(), part.end(), grammar::name_char);
}

}  // namespace

std::string_view implicit_marketplace() noexcept {
  return SCC_IMPLICIT_MARKETPLACE;
}

Result<std::string> normalise_plugin_ref(std::string_view text, const Strings& aliases) {
  const std::string_view ref = str::trim(text);
  if (ref.empty()) return invalid(ref, "it is empty");
  if (ref.find("@@") != std::string_view::npos) return invalid(ref, "it holds @@");
  std::string_view name = ref;
  std::string_view market;
  if (ref.front() == '@') {
    const std::size_t slash = ref.find('/');
    if (slash == std::string_view::npos) return invalid(ref, "after @marketplace there is no /name");
    market = ref.substr(1, slash - 1);
    name = ref.substr(slash + 1);
  } else if (const std::size_t at = ref.find('@'); at != std::string_view::npos) {
    name = ref.substr(0, at);
    market = ref.substr(at + 1);
  } else if (aliases.size() > 1) {
    return fail(Kind::config, "plugin-ref.ambiguous",
                "the plugin reference \"" + str::printable(ref.substr(0, 128)) +
                    "\" names no marketplace and there are " + std::to_string(aliases.size()),
                "write it as name@marketplace, one of: " + str::join(aliases, ", "));
  } else {
    market = aliases.empty() ? implicit_marketplace() : std::string_view(aliases.front());
  }
  if (!valid_part(name)) return invalid(ref, "the name is not made of letters, digits, '.', '_' and '-'");
  if (!valid_part(market)) {
    return invalid(ref, "the marketplace is not made of letters, digits, '.', '_' and '-'");
  }
  std::string out;
  out.reserve(name.size() + 1 + market.size());
  out.append(name).append("@").append(market);
  return out;
}

}  // namespace scc::model
