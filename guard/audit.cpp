// SPDX-License-Identifier: Apache-2.0
#include "guard/audit.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <poll.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>

#include "guard/places.h"
#include "safety/rules.h"

namespace scc::guard {

namespace {

constexpr std::size_t kMostLine = 8192;  // as the collector takes it
constexpr std::size_t kMostWords = 1000;
constexpr std::size_t kMostText = 1024;  // of the working directory
constexpr int kAckMs = 5'000;

/// Bytes of the sequence that begins at `at`; 0: none that is well-formed (RFC 3629).
std::size_t sequence(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const unsigned first = byte(at);
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xF0 && first <= 0xF4  ? 4
                             : first >= 0xE0 && first < 0xF0 ? 3
                             : first >= 0xC2 && first < 0xE0 ? 2
                                                             : 0;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80U) return 0;
  }
  const unsigned second = byte(at + 1);
  const bool bad = (first == 0xE0 && second < 0xA0) || (first == 0xED && second > 0x9F) ||
                   (first == 0xF0 && second < 0x90) || (first == 0xF4 && second > 0x8F);
  return bad ? 0 : length;
}

std::string json_text(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "\"";
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = sequence(text, at);
    const char c = text[at];
    if (length == 0) {
      out += "\\ufffd";
    } else if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += "\\u00";
      out += kDigits[static_cast<unsigned char>(c) >> 4U];
      out += kDigits[static_cast<unsigned char>(c) & 15U];
    } else {
      out += text.substr(at, length);
    }
    at += std::max<std::size_t>(length, 1);
  }
  return out + "\"";
}

std::string working_directory() {
  std::array<char, 4096> buffer{};
  if (getcwd(buffer.data(), buffer.size()) == nullptr) return "";
  return std::string(buffer.data()).substr(0, kMostText);
}

struct Socket {
  explicit Socket(int number) : fd(number) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (fd >= 0) close(fd);
  }
  int fd;
};

std::string answer_of(int fd, int wait_ms) {
  using Clock = std::chrono::steady_clock;
  const auto until = Clock::now() + std::chrono::milliseconds(wait_ms);
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - Clock::now()).count();
    struct pollfd ready = {fd, POLLIN, 0};
    const int count = left > 0 ? poll(&ready, 1, static_cast<int>(left)) : 0;
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return "the audit collector does not answer";
    std::array<char, 1024> buffer{};
    const ssize_t got = recv(fd, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    if (got <= 0) return "the audit collector ended without an answer";
    return refusal_of({buffer.data(), static_cast<std::size_t>(got)});
  }
}

}  // namespace

std::string refusal_of(std::string_view answer) {
  if (answer == "ok") return "";
  // A refusal without a reason is one, too.
  if (!answer.starts_with("no ") || answer.size() == 3) return "the audit collector's answer is none";
  return std::string(answer.substr(3));
}

std::string audit_line(const AuditEntry& entry, const safety::Verdict& verdict) {
  std::string out = "{\"v\":1,\"tool\":" + json_text(entry.tool) + ",\"layer\":" + json_text(entry.layer) +
                    ",\"decision\":" + json_text(safety::to_string(verdict.decision)) +
                    ",\"rule\":" + json_text(verdict.rule) + ",\"id\":" + json_text(entry.id) +
                    ",\"cwd\":" + json_text(working_directory()) + ",\"argv\":[";
  constexpr std::string_view kEnd = "],\"cut\":true}";
  std::size_t words = 0;
  for (const std::string& word : entry.argv) {
    const std::string text = json_text(word);
    if (words == kMostWords || out.size() + text.size() + 1 + kEnd.size() > kMostLine)
      return out + std::string(kEnd);
    out += (words++ == 0 ? "" : ",") + text;
  }
  return out + "]}";
}

std::string send_line(const std::string& path, const std::string& line, int wait_ms) {
  struct sockaddr_un address {};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return "the path of the audit collector is too long";
  memcpy(address.sun_path, path.c_str(), path.size() + 1);
  const Socket to(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0));
  if (to.fd < 0) return std::string("no socket: ") + strerror(errno);
  const struct timeval limit = {wait_ms / 1000, static_cast<suseconds_t>(wait_ms % 1000) * 1000};
  // A full backlog makes connect(2) wait.
  setsockopt(to.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
  if (connect(to.fd, reinterpret_cast<const struct sockaddr*>(&address), sizeof address) != 0)
    return std::string("no audit collector: ") + strerror(errno);
  if (send(to.fd, line.data(), line.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(line.size()))
    return std::string("the audit collector takes nothing: ") + strerror(errno);
  return answer_of(to.fd, wait_ms);
}

std::string record(const AuditEntry& entry, const safety::Verdict& verdict) {
  return send_line(std::string(kCollector), audit_line(entry, verdict), kAckMs);
}

safety::Verdict unrecorded(const std::string& why) {
  safety::Verdict out;
  out.decision = safety::Decision::block;
  out.rule = std::string(safety::info(safety::Rule::unaudited).id);
  out.reason = "the command cannot be written to the audit log on the host, so it does not run: " + why;
  out.hint = std::string(safety::info(safety::Rule::unaudited).hint);
  return out;
}

}  // namespace scc::guard
