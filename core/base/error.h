// SPDX-License-Identifier: Apache-2.0
// The one error type of the host and its exit codes (docs/cli: 0 ok, 1 not found, 2 usage, 3 config, 4 tool,
// 5 prerequisite, 6 policy, 130 cancelled). No I/O. An error says what failed, where, and what to run next.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace scc {

enum class Kind : std::uint8_t {
  not_found = 1,
  usage = 2,
  config = 3,
  tool = 4,
  prereq = 5,
  policy = 6,
  internal = 19,
  cancelled = 130
};

struct Error {
  Kind kind = Kind::internal;
  std::string id;                    ///< stable slug, "plugin.hash"; listed in error_ids.def, docs/errors.md
  std::string message;               ///< what failed, lower case, no full stop
  std::string hint;                  ///< what to run next; may be empty
  std::vector<std::string> context;  ///< innermost first: "while loading plugin acme"

  /// Adds what the caller was doing.
  Error&& with(std::string what) && {
    context.push_back(std::move(what));
    return std::move(*this);
  }
};

/// The process exit code for a kind; internal errors exit 5.
constexpr int exit_code(Kind kind) noexcept {
  return kind == Kind::internal ? 5 : static_cast<int>(kind);
}

}  // namespace scc
