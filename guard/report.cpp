// SPDX-License-Identifier: Apache-2.0
#include "guard/report.h"

#include <array>
#include <cerrno>
#include <unistd.h>

#include <sys/random.h>

namespace scc::guard {

namespace {

void put(const std::string& text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t done = write(STDERR_FILENO, text.data() + at, text.size() - at);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return;
    at += static_cast<std::size_t>(done);
  }
}

/// Control characters of an argument must not reach the terminal.
std::string printable(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool plain = static_cast<unsigned char>(c) >= 0x20 && c != 0x7f;
    out += plain ? c : '?';
  }
  return out;
}

std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : printable(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

}  // namespace

std::string new_event_id() {
  std::array<unsigned char, 8> bytes{};
  if (getrandom(bytes.data(), bytes.size(), GRND_NONBLOCK) != static_cast<ssize_t>(bytes.size()))
    bytes.fill(0);
  std::string out;
  for (const unsigned char byte : bytes) {
    out += "0123456789abcdef"[byte >> 4U];
    out += "0123456789abcdef"[byte & 15U];
  }
  return out;
}

void report_denied(const safety::Verdict& verdict, const std::string& id, bool json) {
  if (json) {
    return put("{\"decision\":\"block\",\"rule\":" + quoted(verdict.rule) +
               ",\"reason\":" + quoted(verdict.reason) + ",\"hint\":" + quoted(verdict.hint) +
               ",\"at\":" + quoted(verdict.at) + ",\"id\":\"" + id + "\"}\n");
  }
  std::string out = "scc-safety: denied rule=" + verdict.rule + " action=block id=" + id + "\n";
  out += "BLOCKED: " + printable(verdict.reason) +
         (verdict.at.empty() ? "" : " (at " + printable(verdict.at) + ")") + "\n";
  if (!verdict.hint.empty()) out += "Instead: " + printable(verdict.hint) + "\n";
  put(out);
}

void report_warning(const safety::Verdict& verdict) {
  put("scc-safety: warning rule=" + verdict.rule + ": " + printable(verdict.reason) +
      (verdict.hint.empty() ? "" : "; instead: " + printable(verdict.hint)) + "\n");
}

void report_text(const std::string& text) {
  put("scc-safety: " + printable(text) + "\n");
}

}  // namespace scc::guard
