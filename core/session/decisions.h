// SPDX-License-Identifier: Apache-2.0
// Private to this folder: reads what the proxy of a session decides, a line a decision, from a named pipe
// that nobody but the proxy can write. The pipe bounds what waits; the proxy ends when nobody reads, so
// nothing goes out unrecorded.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "base/result.h"
#include "os/fs.h"

namespace scc::session::detail {

class Decisions {
 public:
  using Take = std::function<Status(std::string_view line)>;
  using Tell = std::function<void(const std::string& text)>;

  /// Makes the pipe (owned by the caller's effective user; it must not exist) and reads from it on a thread
  /// of its own. `take` gets each line; when it fails, or a line is too long, reading ends, and with it the
  /// proxy. `tell` gets what the user must know. Both are called on that thread.
  static Result<std::unique_ptr<Decisions>> open(const std::filesystem::path& pipe, Take take, Tell tell);
  Decisions(const Decisions&) = delete;
  ~Decisions();

  /// Readable once the proxy has ended by itself, until take_end().
  int ended_fd() const noexcept { return ended_.get(); }
  /// True once for each such end.
  bool take_end() noexcept;
  /// A proxy will be started again: its decisions are read as before.
  void resume() noexcept;

  /// The proxy will end now, as it should.
  void expect_end() noexcept { ending_ = true; }
  /// Takes what is still there and ends the thread. After the proxy has ended, or to have it end.
  void finish();

 private:
  /// `ended`: there is no proxy; `awaiting`: there will be one, which has not opened the pipe yet.
  enum class Mode { reading, ended, awaiting };
  enum class Got { bytes, nothing, end, failure };

  Decisions(os::Fd pipe, os::Fd wake, os::Fd ended, Take take, Tell tell);
  void run();
  Mode next(Mode mode, Got got);
  Got read_some();
  bool take_lines();
  void note_end();

  os::Fd pipe_;
  os::Fd wake_;
  os::Fd ended_;
  Take take_;
  Tell tell_;
  std::string pending_;
  std::atomic<bool> ending_{false};
  std::atomic<bool> finishing_{false};
  std::atomic<bool> resumed_{false};
  std::thread thread_;
};

}  // namespace scc::session::detail
