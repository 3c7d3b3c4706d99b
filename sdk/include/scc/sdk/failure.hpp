// SPDX-License-Identifier: Apache-2.0
// How a plugin fails: throw Failure anywhere below an ABI function. `guard` stands at every one of them, so
// that no exception crosses the boundary (ABI-7), and hands code, message and hint to the host.
#pragma once

#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include <scc/sdk/support.hpp>

namespace scc::sdk {

class Failure : public std::exception {
 public:
  /// `failure_code` is a stable id such as "acme.no-key"; the hint says what to run next and may be empty.
  Failure(scc_status failure_status, std::string failure_code, std::string failure_message,
          std::string failure_hint = {})
      : status(failure_status == SCC_OK ? SCC_E_INTERNAL : failure_status),
        code(std::move(failure_code)),
        message(std::move(failure_message)),
        hint(std::move(failure_hint)) {}

  const char* what() const noexcept override { return message.c_str(); }

  scc_status status;
  std::string code;
  std::string message;
  std::string hint;
};

/// Throws what a call to the host reported; `what` names the call when the host said nothing.
[[noreturn]] inline void fail(scc_status status, ErrorCatch& error, std::string_view what) {
  if (error.code.empty()) error.code = "sdk.host-call";
  if (error.message.empty()) {
    error.message = std::string(what) + " failed with status " + std::to_string(status);
  }
  throw Failure(status, std::move(error.code), std::move(error.message), std::move(error.hint));
}

/// Runs the body of an ABI function: SCC_OK, or the status of what it threw.
template <class Body>
scc_status guard(const scc_error_sink* err, Body&& body) noexcept {
  const auto report = [err](std::string_view code, std::string_view message, std::string_view hint) {
    if (SCC_HAS(err, report)) err->report(err->ctx, view(code), view(message), view(hint));
  };
  try {
    return std::forward<Body>(body)();
  } catch (const Failure& f) {
    report(f.code, f.message, f.hint);
    return f.status;
  } catch (const std::exception& e) {
    report("sdk.exception", e.what(), "this is a bug in the plugin; tell its vendor");
  } catch (...) {
    report("sdk.exception", "an unknown exception", "this is a bug in the plugin; tell its vendor");
  }
  return SCC_E_INTERNAL;
}

/// Bytes out to the caller. A sink that refuses ends the call with its status (ABI-10).
class Sink {
 public:
  explicit Sink(const scc_sink* sink) noexcept : sink_(sink) {}

  void write(std::string_view bytes) const {
    const scc_status status = try_write(bytes);
    if (status != SCC_OK) throw Failure(status, "sdk.sink", "the host takes no more output");
  }

  scc_status try_write(std::string_view bytes) const {
    if (!SCC_HAS(sink_, write)) return SCC_E_USAGE;
    return sink_->write(sink_->ctx, view(bytes));
  }

  const scc_sink* c() const noexcept { return sink_; }

 private:
  const scc_sink* sink_;
};

/// Bulk input from the caller.
class Source {
 public:
  explicit Source(const scc_source* source) noexcept : source_(source) {}

  /// At most `capacity` bytes; 0 is the end.
  std::size_t read(char* buffer, std::size_t capacity) const {
    if (!SCC_HAS(source_, read)) throw Failure(SCC_E_USAGE, "sdk.source", "no input was given");
    std::size_t size = 0;
    const scc_status status = source_->read(source_->ctx, buffer, capacity, &size);
    if (status != SCC_OK) throw Failure(status, "sdk.source", "the input broke off");
    return size;
  }

  const scc_source* c() const noexcept { return source_; }

 private:
  const scc_source* source_;
};

}  // namespace scc::sdk
