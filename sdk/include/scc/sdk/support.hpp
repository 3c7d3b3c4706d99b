// SPDX-License-Identifier: Apache-2.0
// Small bridges between the C ABI and C++: borrowed strings, sinks and sources. Everything here borrows; no
// object may outlive the call that handed it out (ABI-5).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include <scc/abi.h>

namespace scc::sdk {

inline scc_str view(std::string_view s) noexcept {
  return {s.data(), s.size()};
}

inline std::string_view text(scc_str s) noexcept {
  return s.data != nullptr ? std::string_view(s.data, s.size) : std::string_view();
}

/// A C sink that collects into a string, at most `limit` bytes (16 MiB, ABI-10).
class Collect {
 public:
  explicit Collect(std::size_t limit = std::size_t{16} << 20U) noexcept
      : limit_(limit), sink_{sizeof(scc_sink), 0, this, &Collect::write} {}
  Collect(const Collect&) = delete;
  Collect& operator=(const Collect&) = delete;

  const scc_sink* c() const noexcept { return &sink_; }
  const std::string& str() const noexcept { return bytes_; }
  std::string take() { return std::move(bytes_); }

 private:
  static scc_status write(void* ctx, scc_str bytes) noexcept {
    auto* self = static_cast<Collect*>(ctx);
    if (bytes.size > self->limit_ - self->bytes_.size()) return SCC_E_LIMIT;
    try {
      self->bytes_.append(text(bytes));
    } catch (...) {
      return SCC_E_LIMIT;
    }
    return SCC_OK;
  }

  std::size_t limit_;
  std::string bytes_;
  scc_sink sink_;
};

/// A C error sink that keeps the failure of one call to the host.
class ErrorCatch {
 public:
  ErrorCatch() noexcept : sink_{sizeof(scc_error_sink), 0, this, &ErrorCatch::report} {}
  ErrorCatch(const ErrorCatch&) = delete;
  ErrorCatch& operator=(const ErrorCatch&) = delete;

  const scc_error_sink* c() const noexcept { return &sink_; }

  std::string code;
  std::string message;
  std::string hint;

 private:
  static void report(void* ctx, scc_str c, scc_str m, scc_str h) noexcept {
    auto* self = static_cast<ErrorCatch*>(ctx);
    try {
      self->code = text(c);
      self->message = text(m);
      self->hint = text(h);
    } catch (...) {
      self->code.clear();  // out of memory: the status alone has to do
    }
  }

  scc_error_sink sink_;
};

}  // namespace scc::sdk
