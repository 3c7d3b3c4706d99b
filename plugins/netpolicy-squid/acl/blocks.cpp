// SPDX-License-Identifier: Apache-2.0
#include "blocks.h"

#include <algorithm>
#include <arpa/inet.h>

namespace scc_squid {

namespace {

unsigned width(const Block& block) {
  return block.v4 ? 32 : 128;
}

void mask(Block& block) {
  for (unsigned bit = block.bits; bit < width(block); ++bit) {
    block.bytes[bit / 8] = static_cast<std::uint8_t>(block.bytes[bit / 8] & ~(0x80U >> (bit % 8)));
  }
}

std::vector<Block> list(std::initializer_list<std::string_view> texts) {
  std::vector<Block> out;
  for (const std::string_view text : texts) {
    if (const auto block = parse_block(text)) out.push_back(*block);
  }
  return out;
}

/// What is left of a block without another: nothing, itself, or the halves that are left at each step down.
void cut_one(const Block& block, const Block& cut, std::vector<Block>& out) {
  if (covers(cut, block)) return;
  if (!covers(block, cut)) {
    out.push_back(block);
    return;
  }
  Block low = block;
  low.bits += 1;
  Block high = low;
  high.bytes[block.bits / 8] =
      static_cast<std::uint8_t>(high.bytes[block.bits / 8] | (0x80U >> (block.bits % 8)));
  cut_one(low, cut, out);
  cut_one(high, cut, out);
}

}  // namespace

std::optional<Block> parse_block(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string address(text.substr(0, slash));
  Block out;
  out.v4 = inet_pton(AF_INET, address.c_str(), out.bytes.data()) == 1;
  if (!out.v4 && inet_pton(AF_INET6, address.c_str(), out.bytes.data()) != 1) return std::nullopt;
  out.bits = width(out);
  if (slash != std::string_view::npos) {
    const std::string_view digits = text.substr(slash + 1);
    const bool plain = !digits.empty() && digits.size() <= 3 &&
                       std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (!plain) return std::nullopt;
    unsigned bits = 0;
    for (const char c : digits) bits = bits * 10 + static_cast<unsigned>(c - '0');
    if (bits > out.bits) return std::nullopt;
    out.bits = bits;
  }
  mask(out);
  return out;
}

std::string to_string(const Block& block) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(block.v4 ? AF_INET : AF_INET6, block.bytes.data(), text.data(), text.size());
  std::string out = text.data();
  if (block.bits != width(block)) out += "/" + std::to_string(block.bits);
  return out;
}

bool covers(const Block& outer, const Block& inner) {
  if (outer.v4 != inner.v4 || outer.bits > inner.bits) return false;
  Block part = inner;
  part.bits = outer.bits;
  mask(part);
  return part.bytes == outer.bytes;
}

std::vector<Block> subtract(const std::vector<Block>& from, const std::vector<Block>& cut) {
  std::vector<Block> left = from;
  for (const Block& one : cut) {
    std::vector<Block> next;
    for (const Block& block : left) cut_one(block, one, next);
    left = std::move(next);
  }
  std::sort(left.begin(), left.end(), [](const Block& a, const Block& b) {
    if (a.v4 != b.v4) return a.v4;
    if (a.bytes != b.bytes) return a.bytes < b.bytes;
    return a.bits < b.bits;
  });
  std::vector<Block> out;
  for (const Block& block : left) {
    if (out.empty() || !covers(out.back(), block)) out.push_back(block);
  }
  return out;
}

const std::vector<Block>& hard_blocks() {
  static const std::vector<Block> kBlocks = list(
      {"0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4", "100.100.100.200",
       "::", "::1", "64:ff9b::/96", "64:ff9b:1::/48", "fd00:ec2::254", "fe80::/10", "fec0::/10", "ff00::/8"});
  return kBlocks;
}

const std::vector<Block>& soft_blocks() {
  static const std::vector<Block> kBlocks =
      list({"10.0.0.0/8", "100.64.0.0/10", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.168.0.0/16",
            "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "100::/64", "2001::/32", "2001:db8::/32",
            "2002::/16", "fc00::/7"});
  return kBlocks;
}

}  // namespace scc_squid
