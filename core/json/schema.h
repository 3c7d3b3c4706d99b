// SPDX-License-Identifier: Apache-2.0
// JSON Schema (draft 4) checks for every document that crosses the plugin boundary. Compiled schemas may be
// used by several threads at once.
#pragma once

#include <memory>
#include <string_view>

#include "json/value.h"

namespace scc::json {

class Schema {
 public:
  /// Compiles a schema document. Remote references are not followed.
  static Result<Schema> compile(const Value& document);
  Schema(Schema&&) noexcept;
  Schema& operator=(Schema&&) noexcept;
  ~Schema();

  /// Kind::config, json.schema: names the pointer in the document and the keyword that failed.
  Status check(const Value& document) const;

 private:
  struct Impl;
  explicit Schema(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace scc::json
