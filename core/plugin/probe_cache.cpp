// SPDX-License-Identifier: Apache-2.0
#include "plugin/probe_cache.h"

#include <cerrno>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

#include "base/str.h"
#include "plugin/probe.h"

namespace scc::plugin {

namespace {

constexpr std::string_view kHashesFile = "hashes.json";
constexpr std::string_view kHashesSchema = "scc.plugin-hashes/1";
constexpr std::string_view kSuspectPrefix = "suspect-";
constexpr std::size_t kMaxHashes = 4'096;
constexpr std::size_t kMaxLibrary = std::size_t{64} << 20U;
// A file that changed this recently can change again without a new time stamp (kernel ticks are 1 to 10 ms).
constexpr std::int64_t kSettledNs = 1'000'000'000;

std::int64_t nanoseconds(const timespec& t) {
  return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + static_cast<std::int64_t>(t.tv_nsec);
}

std::string file_key(const struct stat& info) {
  return std::to_string(info.st_dev) + ":" + std::to_string(info.st_ino) + ":" +
         std::to_string(info.st_size) + ":" + std::to_string(nanoseconds(info.st_mtim)) + ":" +
         std::to_string(nanoseconds(info.st_ctim));
}

bool settled(const struct stat& info) {
  timespec now{};
  clock_gettime(CLOCK_REALTIME, &now);
  return nanoseconds(now) - nanoseconds(info.st_ctim) > kSettledNs;
}

}  // namespace

Result<std::string> read_fd(int fd, std::size_t limit, const os::stdfs::path& path) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return fail(os::errno_error("stat", path, errno));
  const auto size = static_cast<std::uint64_t>(info.st_size);
  if (!S_ISREG(info.st_mode) || size > limit) {
    return fail(Kind::config, "plugin.unsafe-file",
                str::printable(path.string()) + " is not a regular file of at most " + std::to_string(limit) +
                    " bytes");
  }
  std::string out(static_cast<std::size_t>(size) + 1, '\0');
  std::size_t used = 0;
  while (used < out.size()) {
    const ssize_t n = pread(fd, out.data() + used, out.size() - used, static_cast<off_t>(used));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(os::errno_error("read", path, errno));
    if (n == 0) break;
    used += static_cast<std::size_t>(n);
  }
  if (used > size) {
    return fail(Kind::config, "plugin.unsafe-file",
                str::printable(path.string()) + " grew while it was read");
  }
  out.resize(used);
  return out;
}

ProbeCache::ProbeCache(os::stdfs::path directory) : directory_(std::move(directory)) {}

Status ProbeCache::ensure() const {
  return os::make_dirs(directory_);
}

std::optional<json::Value> ProbeCache::passed(std::string_view sha256) const {
  const os::stdfs::path file = directory_ / (std::string(sha256) + "-" + probe_abi() + ".json");
  const Result<std::string> text = os::read_file(file, std::size_t{64} << 10U);
  if (!text) return std::nullopt;
  Result<json::Value> doc = json::parse(*text);
  if (!doc || doc->str("/sha256") != sha256 || doc->str("/schema") != "scc.plugin-probe/1")
    return std::nullopt;
  return std::move(*doc);
}

void ProbeCache::record(std::string_view sha256, const json::Value& result) const {
  if (!ensure()) return;
  json::Value doc = result;
  doc["schema"] = "scc.plugin-probe/1";
  doc["sha256"] = sha256;
  const os::stdfs::path file = directory_ / (std::string(sha256) + "-" + probe_abi() + ".json");
  static_cast<void>(os::write_file_atomic(file, json::dump(doc), 0600));
}

os::stdfs::path ProbeCache::suspect_file(std::string_view sha256) const {
  return directory_ / (std::string(kSuspectPrefix) + std::string(sha256));
}

bool ProbeCache::suspect(std::string_view sha256) const {
  struct stat info {};
  return !sha256.empty() && lstat(suspect_file(sha256).c_str(), &info) == 0;
}

void ProbeCache::clear_suspect(std::string_view sha256) {
  std::error_code ignored;
  os::stdfs::remove(suspect_file(sha256), ignored);
}

void ProbeCache::load_index() {
  if (index_loaded_) return;
  index_loaded_ = true;
  const Result<std::string> text = os::read_file(directory_ / kHashesFile, std::size_t{4} << 20U);
  if (!text) return;
  const Result<json::Value> doc = json::parse(*text);
  if (!doc || doc->str("/schema") != kHashesSchema) return;
  for (auto& [key, hash] : doc->map_at("/files")) hashes_.emplace(key, hash);
}

Result<std::string> ProbeCache::hash_of(const os::stdfs::path& path) {
  load_index();
  struct stat info {};
  if (lstat(path.c_str(), &info) != 0) return fail(os::errno_error("stat", path, errno));
  if (const auto found = hashes_.find(file_key(info)); found != hashes_.end()) return found->second;
  const os::Fd fd(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd || fstat(fd.get(), &info) != 0) return fail(os::errno_error("open", path, errno));
  SCC_TRY(const std::string bytes, read_fd(fd.get(), kMaxLibrary, path));
  std::string hash = os::sha256_hex(bytes);
  if (settled(info)) {
    if (hashes_.size() >= kMaxHashes) hashes_.clear();
    hashes_.emplace(file_key(info), hash);
    hashes_changed_ = true;
  }
  return hash;
}

void ProbeCache::save_hashes() {
  if (!hashes_changed_ || !ensure()) return;
  json::Value doc;
  doc["schema"] = kHashesSchema;
  json::Object files;
  for (const auto& [key, hash] : hashes_) files.emplace(key, hash);
  doc["files"] = std::move(files);
  if (os::write_file_atomic(directory_ / kHashesFile, json::dump(doc), 0600)) hashes_changed_ = false;
}

}  // namespace scc::plugin
