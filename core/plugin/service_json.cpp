// SPDX-License-Identifier: Apache-2.0
// scc.host.json/1: the host's bounded parser for plugins. Strings of a view borrow from the document.
#include <cstring>
#include <iterator>
#include <memory>

#include "json/value.h"
#include "plugin/host.h"

struct scc_json {
  scc::json::Value root;
};

namespace scc::plugin {

namespace {

scc_json_type type_of(const json::Value& value) noexcept {
  if (value.is_null()) return SCC_JSON_NULL;
  if (value.is_bool()) return SCC_JSON_BOOL;
  if (value.is_number()) return SCC_JSON_NUMBER;
  if (value.is_string()) return SCC_JSON_STRING;
  return value.is_array() ? SCC_JSON_ARRAY : SCC_JSON_OBJECT;
}

/// Writes as much of the view as the caller's struct holds: an older plugin's is shorter.
void fill(scc_json_view* out, const json::Value* value, std::string_view key) noexcept {
  scc_json_view view_of{};
  view_of.struct_size = out->struct_size;
  if (value != nullptr) {
    view_of.type = type_of(*value);
    view_of.integer = value->is_bool() ? (value->as_bool() ? 1 : 0) : value->as_int();
    view_of.number = value->as_double();
    view_of.str = view(value->as_string());
    view_of.key = view(key);
    view_of.size = value->is_array() ? value->items().size() : value->members().size();
  }
  const std::size_t size = out->struct_size < sizeof(view_of) ? out->struct_size : sizeof(view_of);
  std::memcpy(out, &view_of, size);
}

scc_status parse(const scc_host_v1* /*host*/, scc_str source, scc_json** out,
                 const scc_error_sink* err) noexcept {
  return serve(err, [&]() -> scc_status {
    if (out == nullptr) return report(err, SCC_E_USAGE, "json.argument", "no place for the document");
    Result<json::Value> value = json::parse(text(source));
    if (!value) return report(err, value.error());
    auto document = std::make_unique<scc_json>();
    document->root = std::move(*value);
    *out = document.release();
    return SCC_OK;
  });
}

void release(scc_json* doc) noexcept {
  delete doc;
}

void at(const scc_json* doc, scc_str pointer, scc_json_view* out) noexcept {
  if (out == nullptr || out->struct_size < sizeof(std::uint32_t)) return;
  fill(out, doc == nullptr ? nullptr : doc->root.at(text(pointer)), {});
}

void child(const scc_json* doc, scc_str pointer, std::size_t index, scc_json_view* out) noexcept {
  if (out == nullptr || out->struct_size < sizeof(std::uint32_t)) return;
  const json::Value* parent = doc == nullptr ? nullptr : doc->root.at(text(pointer));
  if (parent != nullptr && parent->is_array() && index < parent->items().size()) {
    return fill(out, &parent->items()[index], {});
  }
  if (parent != nullptr && parent->is_object() && index < parent->members().size()) {
    const auto member = std::next(parent->members().begin(), static_cast<std::ptrdiff_t>(index));
    return fill(out, &member->second, member->first);
  }
  fill(out, nullptr, {});
}

}  // namespace

const scc_host_json_v1* json_service() noexcept {
  static constexpr scc_host_json_v1 kTable{sizeof(scc_host_json_v1), 0, parse, release, at, child};
  return &kTable;
}

}  // namespace scc::plugin
