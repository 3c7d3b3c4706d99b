// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value or an Error. tl::expected has the member names of C++23's std::expected.
#pragma once

#include <utility>

#include <tl/expected.hpp>

#include "base/error.h"

namespace scc {

template <class T>
using Result = tl::expected<T, Error>;
using Status = tl::expected<void, Error>;

/// An error result: `return fail(Kind::config, "json.syntax", "...", "hint")`.
inline tl::unexpected<Error> fail(Kind kind, std::string id, std::string message, std::string hint = {}) {
  return tl::unexpected<Error>(Error{kind, std::move(id), std::move(message), std::move(hint), {}});
}
inline tl::unexpected<Error> fail(Error error) {
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace scc

#define SCC_CONCAT_(a, b) a##b
#define SCC_CONCAT(a, b) SCC_CONCAT_(a, b)
/// `SCC_TRY(auto x, f());` binds x to the value of f() or returns its error.
#define SCC_TRY(decl, expr)                                                \
  auto SCC_CONCAT(scc_try_, __LINE__) = (expr);                            \
  if (!SCC_CONCAT(scc_try_, __LINE__)) {                                   \
    return ::scc::fail(std::move(SCC_CONCAT(scc_try_, __LINE__)).error()); \
  }                                                                        \
  decl = *std::move(SCC_CONCAT(scc_try_, __LINE__))  // NOLINT(bugprone-macro-parentheses)
/// `SCC_CHECK(f());` returns f()'s error, if any.
#define SCC_CHECK(expr)                                  \
  do {                                                   \
    if (auto scc_check_ = (expr); !scc_check_) {         \
      return ::scc::fail(std::move(scc_check_).error()); \
    }                                                    \
  } while (false)
