// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <scc/oci/frames.hpp>
#include <scc/sdk/failure.hpp>

namespace scc::oci {
namespace {
constexpr std::size_t kHeader = 8;
}

bool Demultiplexer::next_header() {
  if (buffer_.size() < kHeader) return false;
  const auto at = [&](std::size_t i) { return static_cast<unsigned char>(buffer_[i]); };
  // 0 is stdin and 3 the engine's own errors; both are output for the user.
  const unsigned channel = at(0);
  if (channel > 3 || at(1) != 0 || at(2) != 0 || at(3) != 0) {
    throw sdk::Failure(SCC_E_TOOL, "runtime.stream", "the engine's stream is not made of frames");
  }
  channel_ = channel == 2 || channel == 3 ? Channel::err : Channel::out;
  left_ = (std::size_t{at(4)} << 24U) | (std::size_t{at(5)} << 16U) | (std::size_t{at(6)} << 8U) | at(7);
  buffer_.erase(0, kHeader);
  return true;
}

Demultiplexer::Channel Demultiplexer::take(std::string& payload) {
  Channel taken = Channel::none;
  while (true) {
    if (left_ == 0) {
      if (!next_header()) break;
      if (left_ == 0) continue;
    }
    if (taken != Channel::none && taken != channel_) break;
    const std::size_t size = std::min(left_, buffer_.size());
    if (size == 0) break;
    payload.append(buffer_, 0, size);
    buffer_.erase(0, size);
    left_ -= size;
    taken = channel_;
  }
  return taken;
}

}  // namespace scc::oci
