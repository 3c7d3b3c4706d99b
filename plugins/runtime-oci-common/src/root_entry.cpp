// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <string_view>

#include <scc/oci/root_entry.hpp>

namespace scc::oci {
namespace {

constexpr std::size_t kNameSize = 100;
constexpr std::size_t kSumAt = 148;
constexpr std::size_t kSumSize = 8;
constexpr std::size_t kSumDigits = 6;

void write_checksum(std::array<char, 512>& header) {
  std::memset(header.data() + kSumAt, ' ', kSumSize);
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  for (std::size_t i = kSumDigits; i-- > 0; sum /= 8) header[kSumAt + i] = static_cast<char>('0' + sum % 8);
  header[kSumAt + kSumDigits] = '\0';
}

}  // namespace

scc_status RootEntry::fill() {
  looked_ = true;
  while (filled_ < kBlock) {
    std::size_t got = 0;
    const scc_status status = tar_->read(tar_->ctx, block_.data() + filled_, kBlock - filled_, &got);
    if (status != SCC_OK) return status;
    if (got == 0) break;
    filled_ += got;
  }
  const std::string_view name(block_.data(), ::strnlen(block_.data(), kNameSize));
  if (filled_ == kBlock && (name == "./" || name == ".")) {
    std::memset(block_.data(), 0, kNameSize);
    block_[0] = '/';
    write_checksum(block_);
  }
  return SCC_OK;
}

scc_status RootEntry::read(void* self, char* buffer, std::size_t capacity, std::size_t* size) {
  RootEntry& mine = *static_cast<RootEntry*>(self);
  if (!mine.looked_) {
    if (const scc_status status = mine.fill(); status != SCC_OK) return status;
  }
  if (mine.given_ == mine.filled_) return mine.tar_->read(mine.tar_->ctx, buffer, capacity, size);
  *size = std::min(capacity, mine.filled_ - mine.given_);
  std::memcpy(buffer, mine.block_.data() + mine.given_, *size);
  mine.given_ += *size;
  return SCC_OK;
}

}  // namespace scc::oci
