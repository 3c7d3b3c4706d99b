// SPDX-License-Identifier: Apache-2.0
// Replays a Value as RapidJSON events: one walk serves the writers and the schema validator. Private to this
// folder. Recursion is bounded by the depth limit that parse() enforces and by the shallow documents that the
// host builds.
#pragma once

#include "json/rapid.h"
#include "json/value.h"

namespace scc::json {

template <class Handler>
bool emit(const Value& value, Handler& handler) {
  const auto size = [](std::size_t n) { return static_cast<rapidjson::SizeType>(n); };
  if (value.is_null()) return handler.Null();
  if (value.is_bool()) return handler.Bool(value.as_bool());
  if (value.is_int()) return handler.Int64(value.as_int());
  if (value.is_number()) return handler.Double(value.as_double());
  if (value.is_string())
    return handler.String(value.as_string().data(), size(value.as_string().size()), true);
  if (value.is_array()) {
    if (!handler.StartArray()) return false;
    for (const Value& item : value.items()) {
      if (!emit(item, handler)) return false;
    }
    return handler.EndArray(size(value.items().size()));
  }
  if (!handler.StartObject()) return false;
  for (const auto& [key, member] : value.members()) {
    if (!handler.Key(key.data(), size(key.size()), true) || !emit(member, handler)) return false;
  }
  return handler.EndObject(size(value.members().size()));
}

}  // namespace scc::json
