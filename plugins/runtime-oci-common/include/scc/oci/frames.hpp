// SPDX-License-Identifier: Apache-2.0
// The multiplexed stream of an exec without a terminal (Engine API, "Attach to a container", stream format):
// frames of {channel, 0, 0, 0, length as 32 bits big-endian} and a payload. Payloads are handed on as they
// arrive, however large their frame. Not thread-safe.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace scc::oci {

class Demultiplexer {
 public:
  enum class Channel : std::uint8_t { none = 0, out = 1, err = 2 };

  /// Takes bytes as they came from the stream.
  void feed(std::string_view bytes) { buffer_.append(bytes); }
  /// Appends all that is there for the channel whose turn it is, and names it; none: more bytes are needed.
  /// Failure SCC_E_TOOL, runtime.stream, for bytes that are no frame.
  Channel take(std::string& payload);
  /// True between frames: the stream may end here.
  bool at_boundary() const noexcept { return left_ == 0 && buffer_.empty(); }

 private:
  bool next_header();

  std::string buffer_;
  Channel channel_ = Channel::none;
  std::size_t left_ = 0;  ///< of the current frame's payload
};

}  // namespace scc::oci
