// SPDX-License-Identifier: Apache-2.0
#include "log/log.h"

#include <fcntl.h>

#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>

namespace scc::log {

namespace {

constexpr std::size_t kMaxFile = std::size_t{5} << 20U;
constexpr std::size_t kOldFiles = 2;

/// One log a process; null while it is off. A function's static, so that its life does not depend on link
/// order.
std::shared_ptr<spdlog::logger>& logger() {
  static std::shared_ptr<spdlog::logger> instance;
  return instance;
}

void write(spdlog::level::level_enum level, std::string_view message) {
  if (const auto& out = logger(); out && out->should_log(level)) out->log(level, redact(message));
}

spdlog::level::level_enum level_of(std::string_view name) {
  if (name == "info") return spdlog::level::info;
  if (name == "warn") return spdlog::level::warn;
  if (name == "error") return spdlog::level::err;
  return spdlog::level::debug;
}

}  // namespace

Status open(const os::stdfs::path& file, std::string_view level) {
  SCC_CHECK(os::make_dirs(file.parent_path()));
  // spdlog opens by the umask; an existing file keeps its mode.
  const os::Fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return fail(os::errno_error("open", file, errno));
  try {
    auto sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(file.string(), kMaxFile, kOldFiles);
    auto out = std::make_shared<spdlog::logger>("scc", std::move(sink));
    out->set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %P %L %v");
    out->set_level(level_of(level));
    out->flush_on(spdlog::level::debug);
    logger() = std::move(out);
  } catch (const std::exception& e) {
    return fail(Kind::tool, "log.open", std::string("the log cannot be opened: ") + e.what(),
                "unset SCC_LOG, or make its directory writable");
  }
  return {};
}

bool enabled() noexcept {
  return logger() != nullptr;
}

void debug(std::string_view message) {
  write(spdlog::level::debug, message);
}
void info(std::string_view message) {
  write(spdlog::level::info, message);
}
void warn(std::string_view message) {
  write(spdlog::level::warn, message);
}
void error(std::string_view message) {
  write(spdlog::level::err, message);
}

}  // namespace scc::log
