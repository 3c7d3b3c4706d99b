// SPDX-License-Identifier: Apache-2.0
#include "audit/chain.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "base/str.h"

namespace scc::audit {

namespace {

constexpr std::size_t kDepth = 8;

std::string hash_of(json::Value line) {
  line.object().erase("hash");
  return os::sha256_hex(json::dump(line));
}

/// Why the line does not follow; empty when it does.
std::string break_of(const json::Value& line, const Head& head) {
  const std::int64_t seq = line.integer("/seq", -1);
  if (seq != head.seq + 1) {
    return "its number is " + std::to_string(seq) + " after " + std::to_string(head.seq);
  }
  if (line.str("/prev") != head.hash) return "it does not follow the line before";
  if (line.str("/hash") != hash_of(line)) return "it was changed";
  return {};
}

/// Hands out lines; what follows the last newline is counted and left.
Result<std::uintmax_t> each_line(const os::Fd& fd, const os::stdfs::path& file, std::uintmax_t offset,
                                 std::size_t max_line, const std::function<bool(std::string_view)>& each) {
  std::string held;
  std::uintmax_t whole = 0;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t n = ::pread(fd.get(), buffer.data(), buffer.size(), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(os::errno_error("read", file, errno));
    if (n == 0) return whole;
    offset += static_cast<std::uintmax_t>(n);
    held.append(buffer.data(), static_cast<std::size_t>(n));
    std::size_t begin = 0;
    for (std::size_t end = held.find('\n'); end != std::string::npos; end = held.find('\n', begin)) {
      if (!each(std::string_view(held).substr(begin, end - begin))) return whole;
      whole += end + 1 - begin;
      begin = end + 1;
    }
    held.erase(0, begin);
    if (held.size() > max_line) {
      each(held);
      return whole;
    }
  }
}

}  // namespace

Head chain_start(std::string_view seed) {
  return {0, os::sha256_hex(seed)};
}

std::string link_line(json::Value body, Head& head) {
  body["seq"] = head.seq + 1;
  body["prev"] = head.hash;
  const std::string hash = hash_of(body);
  body["hash"] = hash;
  head = {head.seq + 1, hash};
  return json::dump(body);
}

Result<Checked> check_chain(const os::Fd& fd, const os::stdfs::path& file, const Head& from,
                            const ChainReader& reader, std::uintmax_t offset) {
  Checked out;
  out.head = from;
  std::int64_t number = 0;
  const auto problem_of = [&](std::string_view text, const Result<json::Value>& line) -> std::string {
    if (!line || !line->is_object()) return "it is no JSON object";
    // Another spelling of the same value would not be bound by the hash.
    if (json::dump(*line) != text) return "it is not as scc writes it";
    std::string problem = reader.judge ? reader.judge(*line, text) : std::string();
    return problem.empty() ? break_of(*line, out.head) : problem;
  };
  SCC_TRY(out.bytes, each_line(fd, file, offset, reader.max_line, [&](std::string_view text) {
            ++number;
            const auto line = json::parse(text, {reader.max_line, kDepth});
            if (const std::string problem = problem_of(text, line); !problem.empty()) {
              out.intact = false;
              out.problem = "line " + std::to_string(number) + ": " + problem;
              return false;
            }
            out.head = {line->integer("/seq"), line->str("/hash")};
            if (reader.take) reader.take(*line, text);
            return true;
          }));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail(os::errno_error("stat", file, errno));
  out.torn = out.intact && static_cast<std::uintmax_t>(info.st_size) > offset + out.bytes;
  return out;
}

Result<os::Fd> open_chain(const os::stdfs::path& file, int flags, std::string_view unsafe_id) {
  os::Fd fd{::open(file.c_str(), flags | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY, 0600)};
  if (!fd) return fail(os::errno_error("open", file, errno));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail(os::errno_error("stat", file, errno));
  const bool owned = info.st_uid == ::geteuid() || info.st_uid == 0 || ::geteuid() == 0;
  if (!S_ISREG(info.st_mode) || info.st_nlink != 1 || !owned || (info.st_mode & 022U) != 0) {
    return fail(Kind::policy, std::string(unsafe_id),
                str::printable(file.native()) + " is not a file that only you can write",
                "chmod 600 it, or move it away");
  }
  return fd;
}

Status set_aside(const os::Fd& fd, const os::stdfs::path& file, std::uintmax_t whole, std::size_t max_line) {
  std::string rest(max_line, '\0');
  const ssize_t n = ::pread(fd.get(), rest.data(), rest.size(), static_cast<off_t>(whole));
  if (n < 0) return fail(os::errno_error("read", file, errno));
  rest.resize(static_cast<std::size_t>(n));
  SCC_CHECK(os::append_line(file.native() + ".torn", rest, 0600));
  if (::ftruncate(fd.get(), static_cast<off_t>(whole)) != 0)
    return fail(os::errno_error("truncate", file, errno));
  return {};
}

Status append_whole(const os::Fd& fd, const os::stdfs::path& file, std::string_view text) {
  struct stat before {};
  if (::fstat(fd.get(), &before) != 0) return fail(os::errno_error("stat", file, errno));
  while (!text.empty()) {
    const ssize_t n = ::write(fd.get(), text.data(), text.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int code = errno;
      static_cast<void>(!::ftruncate(fd.get(), before.st_size));
      return fail(os::errno_error("append to", file, code));
    }
    text.remove_prefix(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace scc::audit
