# SPDX-License-Identifier: Apache-2.0
# cmake -D OUTPUT=schemas_embedded.cpp -D "SCHEMAS=a.json;b.json" -P SccEmbedSchemas.cmake
# Writes the definitions of core/json/embedded.h: one raw string a schema, found by binary search.
cmake_minimum_required(VERSION 3.19)
set(entries "")
set(names "")
foreach(path IN LISTS SCHEMAS)
  get_filename_component(name "${path}" NAME_WLE)
  list(APPEND names "${name}")
  set(path_${name} "${path}")
endforeach()
list(SORT names COMPARE STRING)
list(LENGTH names count)
foreach(name IN LISTS names)
  file(READ "${path_${name}}" text)
  string(JSON type ERROR_VARIABLE error TYPE "${text}")
  if(error OR NOT type STREQUAL "OBJECT")
    message(FATAL_ERROR "${path_${name}} is not a JSON object: ${error}")
  endif()
  string(FIND "${text}" ")scc_json\"" clash)
  if(NOT clash EQUAL -1)
    message(FATAL_ERROR "${path_${name}} holds the delimiter of the raw string")
  endif()
  string(APPEND entries "    {\"${name}\", R\"scc_json(${text})scc_json\"},\n")
endforeach()
set(source "// SPDX-License-Identifier: Apache-2.0
// Generated from sdk/share/schemas; do not edit.
#include \"json/embedded.h\"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

namespace scc::json {

namespace {

using Entry = std::pair<std::string_view, std::string_view>;

constexpr std::array<Entry, ${count}> kSchemas{{
${entries}}};

}  // namespace

std::string_view embedded_schema(std::string_view name) noexcept {
  // \"scc.launch-spec/1\" names \"launch-spec-1\": compare as if '/' were '-' and without the prefix.
  if (name.substr(0, 4) == \"scc.\") name.remove_prefix(4);
  const auto less = [](const Entry& entry, std::string_view wanted) {
    return std::lexicographical_compare(entry.first.begin(), entry.first.end(), wanted.begin(), wanted.end(),
                                        [](char a, char b) { return (a == '/' ? '-' : a) < (b == '/' ? '-' : b); });
  };
  const auto* found = std::lower_bound(kSchemas.begin(), kSchemas.end(), name, less);
  if (found == kSchemas.end() || found->first.size() != name.size()) return {};
  const bool same = std::equal(name.begin(), name.end(), found->first.begin(),
                               [](char a, char b) { return a == b || (a == '/' && b == '-'); });
  return same ? found->second : std::string_view();
}

std::vector<std::string_view> embedded_schema_names() {
  std::vector<std::string_view> names;
  for (const Entry& entry : kSchemas) names.push_back(entry.first);
  return names;
}

}  // namespace scc::json
")
file(WRITE "${OUTPUT}" "${source}")
