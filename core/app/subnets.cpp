// SPDX-License-Identifier: Apache-2.0
#include "app/subnets.h"

#include <algorithm>
#include <arpa/inet.h>
#include <charconv>

#include "base/str.h"
#include "os/fs.h"

namespace scc::app {

namespace detail {

namespace {

constexpr std::uint32_t kPool = (10U << 24U) | (213U << 16U);  // away from the pools of the engines
constexpr std::uint32_t kPoolBlocks = 8'192;
constexpr std::uint32_t kBlockSize = 8;
constexpr std::uint32_t kBlockMask = ~(kBlockSize - 1);

bool hex(std::string_view text, std::uint32_t& out) {
  std::uint32_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value, 16);
  out = ntohl(value);  // the kernel prints the wire's bytes as a number of this machine
  return code == std::errc{} && end == text.data() + text.size();
}

bool overlap(const Block& one, const Block& other) {
  const std::uint32_t wider = one.mask & other.mask;
  return (one.address & wider) == (other.address & wider);
}

std::string text_of(std::uint32_t address) {
  std::string out;
  for (const unsigned shift : {24U, 16U, 8U, 0U})
    out += (out.empty() ? "" : ".") + std::to_string((address >> shift) & 0xFFU);
  return out;
}

}  // namespace

std::vector<Block> blocks_of_routes(const std::string& text) {
  std::vector<Block> out;
  for (const std::string& line : str::split(text, '\n')) {
    std::vector<std::string> words;
    for (const std::string& word : str::split(line, '\t')) words.emplace_back(str::trim(word));
    Block block;
    if (words.size() < 8 || !hex(words[1], block.address) || !hex(words[7], block.mask)) continue;
    if (block.mask != 0) out.push_back(block);
  }
  return out;
}

std::string pick_subnet(const std::vector<Block>& taken, const std::string& seed) {
  std::uint32_t start = 0;
  const std::string digest = os::sha256_hex(seed).substr(0, 8);
  static_cast<void>(std::from_chars(digest.data(), digest.data() + digest.size(), start, 16));
  for (std::uint32_t i = 0; i < kPoolBlocks; ++i) {
    const Block block{kPool + (start + i) % kPoolBlocks * kBlockSize, kBlockMask};
    if (std::none_of(taken.begin(), taken.end(), [&](const Block& one) { return overlap(one, block); }))
      return text_of(block.address) + "/29";
  }
  return {};
}

}  // namespace detail

namespace {

/// "10.0.0.0/8"; what is no IPv4 block is nothing that ours could touch.
bool parse_block(const std::string& text, detail::Block& out) {
  const std::size_t slash = text.find('/');
  struct in_addr address {};
  unsigned bits = 0;
  if (slash == std::string::npos || ::inet_pton(AF_INET, text.substr(0, slash).c_str(), &address) != 1)
    return false;
  const auto [end, code] = std::from_chars(text.data() + slash + 1, text.data() + text.size(), bits);
  if (code != std::errc{} || end != text.data() + text.size() || bits > 32) return false;
  out.address = ntohl(address.s_addr);
  out.mask = bits == 0 ? 0 : ~std::uint32_t{0} << (32 - bits);
  return true;
}

}  // namespace

Result<std::string> free_subnet(plugin::Runtime& runtime, const std::string& seed) {
  constexpr std::size_t kLimit = std::size_t{4} << 20U;
  const auto routes = os::read_file("/proc/net/route", kLimit);
  std::vector<detail::Block> taken = detail::blocks_of_routes(routes ? *routes : std::string());
  json::Value filter;
  filter["schema"] = "scc.list-filter/1";
  filter["labels"] = json::Object{};
  filter["all"] = true;
  SCC_TRY(const json::Value listed, runtime.network_list(filter));
  const json::Value* networks = listed.at("/networks");
  for (const json::Value& network : networks != nullptr ? networks->items() : json::Array{}) {
    detail::Block block;
    if (parse_block(network.str("/subnet"), block)) taken.push_back(block);
  }
  std::string found = detail::pick_subnet(taken, seed);
  if (!found.empty()) return found;
  return fail(Kind::prereq, "network.subnet",
              "no block of addresses is free for a network of the session's own",
              "remove what ended sessions left: scc prune");
}

}  // namespace scc::app
