// SPDX-License-Identifier: Apache-2.0
// The first entry of an uploaded tar when it is the directory itself.
#pragma once

#include <array>
#include <string>

#include <scc/sdk/plugin.hpp>

namespace scc::oci {

/// A tar (ustar) whose first entry, where it is called "./", is called "/" instead. Docker passes over an
/// entry "." and leaves owner and mode of the directory as they are; "/" means the same to both engines, and
/// is obeyed. All other bytes stay as they are. Lives no longer than `tar`.
class RootEntry {
 public:
  explicit RootEntry(const sdk::Source& tar) noexcept
      : tar_(tar.c()), source_{sizeof(scc_source), 0, this, read} {}
  RootEntry(const RootEntry&) = delete;
  RootEntry& operator=(const RootEntry&) = delete;

  const scc_source* c() const noexcept { return &source_; }

 private:
  static constexpr std::size_t kBlock = 512;
  static scc_status read(void* self, char* buffer, std::size_t capacity, std::size_t* size);
  scc_status fill();

  const scc_source* tar_;
  scc_source source_;
  std::array<char, kBlock> block_{};
  std::size_t filled_ = 0;
  std::size_t given_ = 0;
  bool looked_ = false;
};

}  // namespace scc::oci
