// SPDX-License-Identifier: Apache-2.0
// The system file: trusted because root alone can write it, so ownership and modes of the file and of every
// directory above it are looked at before a byte is believed. An unsafe or broken one is an error: whoever
// could make it unreadable would otherwise lift its pins.
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

#include "base/str.h"
#include "config/keys.h"
#include "config/user_config.h"

namespace scc::config {

namespace {

constexpr std::size_t kMaxBytes = 64U << 10U;

tl::unexpected<Error> unsafe(const stdfs::path& path, std::string_view what, std::string hint) {
  return fail(
      Kind::policy, "config.system-unsafe",
      "the system configuration is not safe: " + str::printable(path.native()) + " " + std::string(what),
      std::move(hint));
}

Status check_owner(const stdfs::path& path, const struct stat& info, uid_t owner, bool directory) {
  const std::string shown = str::printable(path.native());
  if (info.st_uid != 0 && info.st_uid != owner) {
    return unsafe(path, "does not belong to root", "run as root: chown root " + shown);
  }
  const bool sticky = directory && (info.st_mode & S_ISVTX) != 0;
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0 && !sticky) {
    return unsafe(path, "can be written by others than root", "run as root: chmod go-w " + shown);
  }
  return {};
}

Status check_directories(const stdfs::path& directory, uid_t owner) {
  std::error_code code;
  const stdfs::path real = stdfs::canonical(directory, code);
  if (code) return fail(os::errno_error("resolve", directory, code.value()));
  stdfs::path whole;
  for (const stdfs::path& part : real) {
    whole /= part;
    struct stat info {};
    if (::lstat(whole.c_str(), &info) != 0) return fail(os::errno_error("stat", whole, errno));
    SCC_CHECK(check_owner(whole, info, owner, true));
  }
  return {};
}

/// Checked and read through one descriptor, so that nothing can be put in between.
Result<std::string> read_owned(const stdfs::path& file, uid_t owner) {
  const os::Fd fd{::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY)};
  if (!fd && errno == ELOOP) return unsafe(file, "is a symbolic link", "replace it by a file of root's own");
  if (!fd) {
    Error error = os::errno_error("open", file, errno);
    error.hint = "run as root: chmod a+r " + str::printable(file.native());
    return fail(std::move(error));
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail(os::errno_error("stat", file, errno));
  if (!S_ISREG(info.st_mode)) return unsafe(file, "is not a regular file", "replace it by a regular file");
  SCC_CHECK(check_owner(file, info, owner, false));
  std::string text(kMaxBytes + 1, '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t n = ::read(fd.get(), text.data() + size, text.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(os::errno_error("read", file, errno));
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  if (size > kMaxBytes)
    return fail(Kind::config, "os.too-large", str::printable(file.native()) + " is too large");
  text.resize(size);
  return text;
}

void collect_pins(SystemConfig& out, std::vector<std::string>& problems) {
  const auto given = [&out](std::string_view pointer) {
    const json::Value* value = out.document.at(pointer);
    return value != nullptr && !value->is_null();
  };
  const bool url = given("/organization_source/url");
  const bool path = given("/organization_source/path");
  if (url && path) problems.emplace_back("/organization_source: must not hold both \"url\" and \"path\"");
  if (url || path) out.pinned.emplace_back("organization_source.url");
  if (!url && !path && given("/organization_source/auth")) {
    problems.emplace_back("/organization_source/auth: a token needs the \"url\" that it is for");
  }
  for (const char* name : {"public_key", "auth", "auth_header"}) {
    if (given("/organization_source/" + std::string(name))) {
      out.pinned.push_back("organization_source." + std::string(name));
    }
  }
  if (given("/tls/ca_file")) out.pinned.emplace_back("tls.ca_file");
  if (given("/standalone")) {
    if (out.document.flag("/standalone")) problems.emplace_back("/standalone: only false can be pinned");
    out.pinned.emplace_back("standalone");
  }
}

}  // namespace

Result<SystemConfig> load_system_config(const os::Paths& paths) {
  SystemConfig out;
  if (paths.system.empty()) return out;
  const stdfs::path file = paths.system / "config.json";
  const uid_t owner = paths.system_owner;
  out.file = file;
  out.document = json::Value(json::Object{});
  struct stat info {};
  if (::lstat(file.c_str(), &info) != 0 && errno == ENOENT) return out;
  SCC_CHECK(check_directories(file.parent_path(), owner));
  SCC_TRY(const std::string text, read_owned(file, owner));
  const auto invalid = [&file](std::vector<std::string> problems) {
    return fail(Error{Kind::config, "config.system-invalid",
                      "the system configuration " + str::printable(file.native()) + " is not valid",
                      "ask whoever administers this machine to mend it", std::move(problems)});
  };
  auto parsed = json::parse(text, {kMaxBytes, 16});
  if (!parsed) return invalid({parsed.error().message});
  if (!parsed->is_object()) return invalid({"(root): must be a JSON object"});
  std::vector<std::string> problems = check_document(*parsed, KeyScope::system);
  out.document = std::move(*parsed);
  out.present = true;
  collect_pins(out, problems);
  if (!problems.empty()) return invalid(std::move(problems));
  return out;
}

}  // namespace scc::config
