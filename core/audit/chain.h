// SPDX-License-Identifier: Apache-2.0
// A chain of JSON lines: each holds its number ("seq", from 1), the hash of the line before ("prev") and the
// SHA-256 of its own canonical bytes without that member ("hash"). What it shows: a line changed, taken out,
// put in or moved, and lines of another chain. Lines taken off the end show only to who kept a Head. Used by
// the audit log and by the record of a session's web requests.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "json/value.h"
#include "os/fs.h"

namespace scc::audit {

/// Where a chain stands.
struct Head {
  std::int64_t seq = 0;
  std::string hash;
};

/// Before the first line; `seed` makes two chains different.
Head chain_start(std::string_view seed);

/// Gives `body` its seq, prev and hash and moves `head` on. The line that goes to the file, without its
/// newline.
std::string link_line(json::Value body, Head& head);

struct Checked {
  Head head;
  bool intact = true;
  std::string problem;       ///< "line 12: ..." where it is not
  std::uintmax_t bytes = 0;  ///< of whole lines, from where the check began
  bool torn = false;         ///< half a line follows
};

struct ChainReader {
  std::size_t max_line = 0;
  /// What else is wrong with a line; empty: nothing. Asked before the chain is.
  std::function<std::string(const json::Value& line, std::string_view text)> judge = {};
  /// The lines that are intact, in order.
  std::function<void(const json::Value& line, std::string_view text)> take = {};
};

/// Reads from `offset`, where the chain stands at `from`.
Result<Checked> check_chain(const os::Fd& fd, const os::stdfs::path& file, const Head& from,
                            const ChainReader& reader, std::uintmax_t offset = 0);

/// A regular file that nobody but this user (or root) can write; made with 0600 where O_CREAT says so.
/// Kind::policy with the id given otherwise; os.* as open(2) has it.
Result<os::Fd> open_chain(const os::stdfs::path& file, int flags, std::string_view unsafe_id);

/// Half a line that a power cut left goes to `<file>.torn`; the file then ends after `whole` bytes.
Status set_aside(const os::Fd& fd, const os::stdfs::path& file, std::uintmax_t whole, std::size_t max_line);

/// All of `text` at the end (O_APPEND), or nothing: what a full disk cut short is taken back.
Status append_whole(const os::Fd& fd, const os::stdfs::path& file, std::string_view text);

}  // namespace scc::audit
