// SPDX-License-Identifier: Apache-2.0
// What the long steps of this folder share: a log file with the last lines at hand, a lock that can be waited
// for and cancelled, file names. Internal to core/image. [main]
#pragma once

#include <deque>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/bootstrap.h"
#include "os/fs.h"
#include "plugin/runtime.h"

namespace scc::image {

/// Kind::cancelled when the caller wants to stop.
Status check_cancelled(const Watch& watch);

/// Waits for the lock until it is free or the caller cancels; says once that it waits.
Result<os::FileLock> wait_lock(const stdfs::path& path, const Watch& watch);

/// The complete output of a step on disk, its last lines in memory, each new line to the watcher. Losing the
/// file (disk full) does not stop the step.
class BuildLog {
 public:
  static Result<BuildLog> open(const stdfs::path& path, bool append, const Watch& watch);
  void write(std::string_view bytes);
  void line(std::string_view text) { write(std::string(text) + "\n"); }
  /// Ends a line that has no line feed yet.
  void flush();
  /// Printable, oldest first.
  std::vector<std::string> tail(std::size_t count) const;
  /// The last lines that start with `prefix`.
  std::vector<std::string> tail_of(std::string_view prefix, std::size_t count) const;
  /// True when the output named this object: a run of 11 or more hex digits that its id begins with.
  bool mentions(std::string_view id) const;
  plugin::Progress progress();  ///< the log must outlive it

 private:
  BuildLog(os::Fd fd, const Watch& watch) : fd_(std::move(fd)), watch_(&watch) {}
  void finish_line();
  void note_ids(std::string_view text);

  os::Fd fd_;
  const Watch* watch_;
  std::size_t written_ = 0;
  std::string current_;
  std::deque<std::string> last_;
  std::set<std::string> ids_;
};

/// `error` of a long engine call or tool, made into one the user can act on: the log's last lines and its
/// place.
Error explain(Error error, const BuildLog& log, const stdfs::path& path);

}  // namespace scc::image
