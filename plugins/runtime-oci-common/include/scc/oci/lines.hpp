// SPDX-License-Identifier: Apache-2.0
// The progress of builds, imports and pulls: JSON objects, one a line, while the call runs. Turned into plain
// text for the user; an "errorDetail" among them is the failure of the whole call, whatever HTTP status came
// first. Not thread-safe.
#pragma once

#include <exception>
#include <string>
#include <string_view>

#include <scc/sdk/plugin.hpp>

namespace scc::oci {

class ProgressLines {
 public:
  ProgressLines(sdk::Host host, const sdk::Sink& progress);
  ProgressLines(const ProgressLines&) = delete;
  ProgressLines& operator=(const ProgressLines&) = delete;

  /// To give to an endpoint request as its body sink.
  const scc_sink* c() const noexcept { return &sink_; }
  /// Handles a last line without an end, and rethrows what stopped the transfer on our side.
  void finish();
  /// The failure that the engine reported; empty: none.
  const std::string& error() const noexcept { return error_; }
  /// The last line as it came, for a body that is no progress but an error document.
  const std::string& last_line() const noexcept { return last_; }

 private:
  static scc_status write(void* context, scc_str bytes) noexcept;
  void take(std::string_view bytes);
  void line(std::string_view text);

  sdk::Host host_;
  const sdk::Sink& progress_;
  scc_sink sink_;
  std::string partial_;
  std::string last_;
  std::string error_;
  std::string status_;  ///< the last status, so that a running counter does not repeat it
  std::exception_ptr failure_;
};

}  // namespace scc::oci
