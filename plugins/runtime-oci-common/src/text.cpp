// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstdio>
#include <ctime>

#include <scc/oci/text.hpp>
#include <scc/sdk/failure.hpp>

namespace scc::oci {
namespace {

constexpr std::size_t kMaxMessage = 2000;

bool is_alnum(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool matches(std::string_view text, std::size_t limit, std::string_view marks) noexcept {
  return !text.empty() && text.size() <= limit && is_alnum(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [&](char c) { return is_alnum(c) || marks.find(c) != std::string_view::npos; });
}

std::string escape(std::string_view text, std::string_view kept) {
  static constexpr char kHex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    if (is_alnum(c) || kept.find(c) != std::string_view::npos) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kHex[byte >> 4U];
    out += kHex[byte & 0xFU];
  }
  return out;
}

}  // namespace

std::string checked_name(std::string_view name, std::string_view what) {
  if (matches(name, 255, "_.-")) return std::string(name);
  throw sdk::Failure(SCC_E_USAGE, "runtime.name",
                     "not the name of a " + std::string(what) + ": " + printable(name),
                     "use letters, digits, '_', '.' and '-', a letter or digit first");
}

std::string checked_image(std::string_view ref) {
  const bool steps = ref.find("..") != std::string_view::npos || ref.find("//") != std::string_view::npos;
  if (matches(ref, 512, "_.-/:@+") && !steps) return std::string(ref);
  throw sdk::Failure(SCC_E_USAGE, "runtime.name", "not an image reference: " + printable(ref),
                     "use name:tag, name@sha256:digest or an image id");
}

std::string escape_path(std::string_view text) {
  return escape(text, "-._~/:@");
}
std::string escape_query(std::string_view text) {
  return escape(text, "-._~");
}

std::string printable(std::string_view text) {
  std::string out(text.substr(0, kMaxMessage));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  const auto end = out.find_last_not_of(' ');
  out.erase(end == std::string::npos ? 0 : end + 1);
  if (text.size() > kMaxMessage) out += " ...";
  return out;
}

std::string rfc3339(std::int64_t seconds) {
  if (seconds <= 0) return {};
  const auto time = static_cast<std::time_t>(seconds);
  std::tm parts{};
  if (gmtime_r(&time, &parts) == nullptr) return {};
  char buffer[40];
  const std::size_t size = std::strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {buffer, size};
}

std::string engine_time(std::string_view text) {
  return text.substr(0, 5) == "0001-" ? std::string() : std::string(text);
}

}  // namespace scc::oci
