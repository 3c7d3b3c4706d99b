// SPDX-License-Identifier: Apache-2.0
#include "session/decisions.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <sys/eventfd.h>
#include <sys/stat.h>

#include "os/thread.h"

namespace scc::session::detail {

namespace {

constexpr std::size_t kMaxLine = 8'192;
constexpr int kPipeBytes = 1 << 20;

}  // namespace

Result<std::unique_ptr<Decisions>> Decisions::open(const std::filesystem::path& pipe, Take take, Tell tell) {
  if (::mkfifo(pipe.c_str(), 0600) != 0) return fail(os::errno_error("make the pipe", pipe, errno));
  os::Fd fd(::open(pipe.c_str(), O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return fail(os::errno_error("open", pipe, errno));
  // Room for thousands of decisions while this process is busy; what the system allows will do.
  static_cast<void>(::fcntl(fd.get(), F_SETPIPE_SZ, kPipeBytes));
  os::Fd wake(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  os::Fd ended(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC));
  if (!wake || !ended) return fail(os::errno_error("make an event", pipe, errno));
  return std::unique_ptr<Decisions>(new Decisions(std::move(fd), std::move(wake), std::move(ended),
                                                  std::move(take), std::move(tell)));  // NOLINT: private
}

Decisions::Decisions(os::Fd pipe, os::Fd wake, os::Fd ended, Take take, Tell tell)
    : pipe_(std::move(pipe)),
      wake_(std::move(wake)),
      ended_(std::move(ended)),
      take_(std::move(take)),
      tell_(std::move(tell)) {
  thread_ = os::thread_without_signals([this] { run(); });
}

Decisions::~Decisions() {
  finish();
}

void Decisions::finish() {
  ending_ = true;
  finishing_ = true;
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_.get(), &one, sizeof one));
  thread_.join();
}

bool Decisions::take_end() noexcept {
  std::uint64_t count = 0;
  return ::read(ended_.get(), &count, sizeof count) == static_cast<ssize_t>(sizeof count) && !ending_;
}

void Decisions::resume() noexcept {
  resumed_ = true;
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_.get(), &one, sizeof one));
}

bool Decisions::take_lines() {
  std::size_t begin = 0;
  bool fits = true;
  for (std::size_t end = pending_.find('\n'); end != std::string::npos; end = pending_.find('\n', begin)) {
    fits = end - begin <= kMaxLine;
    if (!fits) break;
    const Status taken = take_(std::string_view(pending_).substr(begin, end - begin));
    if (!taken) {
      tell_("the record of the sandbox's web requests cannot be kept, so its proxy is ended: " +
            taken.error().message);
      return false;
    }
    begin = end + 1;
  }
  pending_.erase(0, begin);
  if (fits && pending_.size() <= kMaxLine) return true;
  tell_("the proxy wrote something that is no decision, so it is ended");
  return false;
}

/// Everything that is there. `end`: no writer is left; bytes before that are taken first.
Decisions::Got Decisions::read_some() {
  std::array<char, 65'536> buffer{};
  bool some = false;
  for (;;) {
    const ssize_t got = ::read(pipe_.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno == EAGAIN ? Got::nothing : Got::failure;
    if (got == 0) return some ? Got::bytes : Got::end;
    some = true;
    pending_.append(buffer.data(), static_cast<std::size_t>(got));
    if (!take_lines()) return Got::failure;
  }
}

void Decisions::note_end() {
  pending_.clear();  // half a line of a proxy that was killed
  if (ending_) return;
  tell_(
      "the proxy of this sandbox has ended: nothing on the web can be reached from it until the proxy is "
      "started again");
  const std::uint64_t one = 1;
  static_cast<void>(!::write(ended_.get(), &one, sizeof one));
}

Decisions::Mode Decisions::next(Mode mode, Got got) {
  if (got != Got::end) return Mode::reading;
  if (mode == Mode::awaiting) return mode;
  note_end();
  return Mode::ended;
}

void Decisions::run() {
  constexpr int kRetryMs = 10;
  Mode mode = Mode::reading;
  for (;;) {
    // A pipe that nobody writes to any more is always readable: only asked in its turn.
    std::array<struct pollfd, 2> fds{
        {{mode == Mode::reading ? pipe_.get() : -1, POLLIN, 0}, {wake_.get(), POLLIN, 0}}};
    if (::poll(fds.data(), fds.size(), mode == Mode::awaiting ? kRetryMs : -1) < 0 && errno != EINTR) break;
    std::uint64_t count = 0;
    if (fds[1].revents != 0) static_cast<void>(!::read(wake_.get(), &count, sizeof count));
    if (finishing_) {
      if (mode != Mode::ended) read_some();
      break;
    }
    if (mode == Mode::ended && resumed_.exchange(false)) mode = Mode::awaiting;
    if (mode == Mode::ended || (mode == Mode::reading && fds[0].revents == 0)) continue;
    const Got got = read_some();
    if (got == Got::failure) break;
    mode = next(mode, got);
  }
  pipe_.reset();
}

}  // namespace scc::session::detail
