// SPDX-License-Identifier: Apache-2.0
// The machine: libraries, scc's own directories and files, disk space, id mapping, authorities.
#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <pwd.h>
#include <unistd.h>

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "app/doctor_checks.h"
#include "app/images.h"
#include "audit/log.h"
#include "base/shell.h"
#include "base/str.h"
#include "git/identity.h"
#include "net/fetch.h"
#include "os/idmap.h"

namespace scc::app::doctor {

namespace {

namespace stdfs = os::stdfs;

constexpr const char* kMachine = "machine";
constexpr std::uint64_t kMegabyte = std::uint64_t{1} << 20U;
constexpr std::uint64_t kScarce = 2048 * kMegabyte;
constexpr std::uint64_t kTooLittle = 256 * kMegabyte;
constexpr std::uint64_t kIds = 65536;

std::string user_name(uid_t uid) {
  std::array<char, 4096> buffer{};
  struct passwd entry {};
  struct passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) {
    return std::to_string(uid);
  }
  return entry.pw_name;
}

/// The libraries that are mapped when first used; a broken installation throws.
Check libraries() {
  try {
    static_cast<void>(net::parse_url("https://example.invalid/"));
    os::Environment nobody;
    static_cast<void>(git::identity(nobody));
  } catch (const std::exception& cause) {
    return failed("libraries", kMachine,
                  {Kind::prereq,
                   {},
                   std::string("a library is missing: ") + cause.what(),
                   "install scc again, with the packages that it needs",
                   {}});
  }
  return passed("libraries", kMachine, "the libraries for HTTP and git are there");
}

stdfs::path existing_ancestor(stdfs::path path) {
  std::error_code code;
  while (!stdfs::exists(path, code) && path != path.parent_path()) path = path.parent_path();
  return path;
}

Checks disks(const Host& host) {
  Checks out;
  std::vector<dev_t> seen;
  for (const stdfs::path& path : {host.paths.state, host.paths.cache}) {
    const stdfs::path at = existing_ancestor(path);
    struct statvfs space {};
    struct stat info {};
    if (::statvfs(at.c_str(), &space) != 0 || ::stat(at.c_str(), &info) != 0) continue;
    if (std::find(seen.begin(), seen.end(), info.st_dev) != seen.end()) continue;
    seen.push_back(info.st_dev);
    out.push_back(disk_check(at, static_cast<std::uint64_t>(space.f_bavail) * space.f_frsize));
  }
  return out;
}

/// A mount of an empty directory over another one, taken away at once.
Status try_idmap(const stdfs::path& parent) {
  SCC_TRY(const stdfs::path where, os::make_temp_dir(parent, "scc-doctor-"));
  const stdfs::path source = where / "source";
  const stdfs::path target = where / "target";
  std::error_code code;
  stdfs::create_directory(source, code);
  stdfs::create_directory(target, code);
  Status done = os::mount_idmapped(source, target, {0, 1000, 0, 1000});
  if (done) done = os::unmount(target);
  const Status removed = os::remove_tree(where);
  return done ? removed : done;
}

Check idmap(const Host& host) {
  if (host.env.uid != 0) return skipped("idmap", kMachine, "needed by root only");
  std::error_code code;
  const Status done = try_idmap(stdfs::temp_directory_path(code));
  if (done) return passed("idmap", kMachine, "the kernel maps the owners of root's workspaces");
  Check out = failed("idmap", kMachine, done.error());
  out.state = Check::State::warn;
  out.message = "workspaces that belong to root cannot be used: " + done.error().message;
  if (out.remedy.empty()) out.remedy = "run scc as the owner of the files, or add --allow-root";
  return out;
}

Check subordinate_ids(const Host& host) {
  const std::string id = "subordinate-ids";
  if (host.env.uid == 0) return skipped(id, kMachine, "needed by rootless engines only");
  const std::string user = user_name(host.env.uid);
  for (const char* file : {"/etc/subuid", "/etc/subgid"}) {
    const auto text = os::read_file(file);
    if (text && has_subordinate_ids(*text, user, host.env.uid)) continue;
    return warned(
        id, kMachine, std::string(file) + " has no 65536 ids for " + user + ": rootless engines need them",
        "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 " + str::shell_word(user));
  }
  return passed(id, kMachine, user + " has subordinate ids");
}

Check bootstrap(Host& host) {
  const std::string id = "image-bootstrap";
  const auto images = image_host(host);
  if (!images) return skipped(id, kMachine, "the configuration cannot be read");
  const Status can = image::can_bootstrap(*images);
  if (can) return passed(id, kMachine, "base images can be made here");
  Check out = failed(id, kMachine, can.error());
  out.state = Check::State::warn;
  return out;
}

Check authorities(Host& host) {
  const std::string id = "ca-file";
  const auto config = host.config();
  if (!config) return skipped(id, kMachine, "the configuration cannot be read");
  std::string file = (*config)->tls_ca_file;
  if (file.empty()) file = host.env.get("SCC_CA_FILE").value_or("");
  if (file.empty()) return passed(id, kMachine, "the system's certificate authorities are used");
  const auto text = os::read_file(file);
  const std::string mend = "scc config set tls.ca_file /path/to/ca.pem";
  if (!text) return failed(id, kMachine, {Kind::config, {}, text.error().message, mend, {}});
  if (text->find("-----BEGIN CERTIFICATE-----") == std::string::npos ||
      text->find("PRIVATE KEY-----") != std::string::npos) {
    return failed(id, kMachine,
                  {Kind::config, {}, file + " is not a PEM file of certificates only", mend, {}});
  }
  return passed(id, kMachine, "extra certificate authorities come from " + file);
}

}  // namespace

Check directory_check(const std::string& name, const stdfs::path& path, uid_t me, bool secret) {
  const std::string id = "directory." + name;
  const std::string& shown = path.native();
  const auto wrong = [&](std::string what, std::string remedy) {
    return failed(id, kMachine, {Kind::config, {}, shown + " " + std::move(what), std::move(remedy), {}});
  };
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) {
    if (errno != ENOENT) return wrong("cannot be looked at", "check the directories above it");
    const stdfs::path above = existing_ancestor(path);
    if (::access(above.c_str(), W_OK | X_OK) == 0)
      return passed(id, kMachine, shown + " is made when it is needed");
    return wrong("cannot be made: you may not write to " + above.native(),
                 "sudo install -d -m 700 -o " + std::to_string(me) + " " + str::shell_word(shown));
  }
  if (S_ISLNK(info.st_mode)) return wrong("is a symbolic link", "replace it by a directory");
  if (!S_ISDIR(info.st_mode))
    return wrong("is not a directory",
                 "mv " + str::shell_word(shown) + " " + str::shell_word(shown + ".aside"));
  if (info.st_uid != me) {
    return wrong("belongs to another user",
                 "sudo chown -R " + std::to_string(me) + " " + str::shell_word(shown));
  }
  const bool writable = (info.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  const bool readable = secret && (info.st_mode & (S_IRWXG | S_IRWXO)) != 0;
  const bool unusable = (info.st_mode & S_IRWXU) != S_IRWXU;
  if (!writable && !readable && !unusable) return passed(id, kMachine, shown);
  Check out = wrong(writable   ? "can be written by others"
                    : unusable ? "cannot be used by you"
                               : "can be read by others",
                    "chmod 700 " + str::shell_word(shown));
  if (!writable && !unusable) out.state = Check::State::warn;
  out.fixable = true;
  out.target = shown;
  return out;
}

Check file_check(const std::string& name, const stdfs::path& path, uid_t me) {
  const std::string id = "file." + name;
  const std::string& shown = path.native();
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return passed(id, kMachine, shown + " is not there");
  const auto wrong = [&](std::string what, std::string remedy) {
    return failed(id, kMachine, {Kind::config, {}, shown + " " + std::move(what), std::move(remedy), {}});
  };
  if (!S_ISREG(info.st_mode))
    return wrong("is not a regular file",
                 "mv " + str::shell_word(shown) + " " + str::shell_word(shown + ".aside"));
  if (info.st_uid != me) {
    return wrong("belongs to another user",
                 "sudo chown " + std::to_string(me) + " " + str::shell_word(shown));
  }
  const bool writable = (info.st_mode & (S_IWGRP | S_IWOTH)) != 0;
  if (!writable && (info.st_mode & (S_IRGRP | S_IROTH)) == 0) return passed(id, kMachine, shown);
  Check out = wrong(writable ? "can be written by others" : "can be read by others",
                    "chmod 600 " + str::shell_word(shown));
  if (!writable) out.state = Check::State::warn;
  out.fixable = true;
  out.target = shown;
  return out;
}

Check disk_check(const stdfs::path& path, std::uint64_t free_bytes) {
  const std::string message = std::to_string(free_bytes / kMegabyte) + " MiB are free at " + path.native();
  if (free_bytes >= kScarce) return passed("disk-space", kMachine, message);
  Check out = warned("disk-space", kMachine, message, "scc prune && scc image list");
  if (free_bytes < kTooLittle) out.state = Check::State::fail;
  return out;
}

bool has_subordinate_ids(std::string_view text, std::string_view user, uid_t uid) {
  std::uint64_t ids = 0;
  for (const std::string& line : str::split(text, '\n')) {
    const auto parts = str::split(line, ':');
    if (parts.size() != 3 || (parts[0] != user && parts[0] != std::to_string(uid))) continue;
    std::uint64_t count = 0;
    const std::string number(str::trim(parts[2]));
    std::from_chars(number.data(), number.data() + number.size(), count);
    ids += count;
  }
  return ids >= kIds;
}

Checks machine(Host& host) {
  const os::Paths& paths = host.paths;
  const uid_t me = host.env.uid;
  Checks out{libraries()};
  out.push_back(directory_check("config", paths.config, me, true));
  out.push_back(directory_check("state", paths.state, me, true));
  out.push_back(directory_check("cache", paths.cache, me, false));
  out.push_back(directory_check("data", paths.data, me, false));
  out.push_back(directory_check("runtime", paths.runtime, me, true));
  out.push_back(file_check("exceptions", paths.config / "exceptions.json", me));
  out.push_back(file_check("approvals", paths.config / "approvals.json", me));
  out.push_back(file_check("plugin-trust", paths.state / "plugin-trust.json", me));
  out.push_back(file_check("audit", audit::Log(paths).file(), me));
  for (Check& check : disks(host)) out.push_back(std::move(check));
  out.push_back(idmap(host));
  out.push_back(subordinate_ids(host));
  out.push_back(bootstrap(host));
  out.push_back(authorities(host));
  return out;
}

}  // namespace scc::app::doctor
