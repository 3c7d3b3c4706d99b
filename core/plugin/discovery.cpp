// SPDX-License-Identifier: Apache-2.0
#include "plugin/discovery.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <set>
#include <unistd.h>

#include <sys/auxv.h>
#include <sys/stat.h>

#include "base/str.h"
#include "plugin/interfaces.h"
#include "plugin/probe_cache.h"

namespace scc::plugin {

namespace {

constexpr std::size_t kMaxManifest = std::size_t{256} << 10U;
constexpr std::size_t kMaxShownName = 64;
constexpr std::size_t kMaxEntries = 4'096;

/// Owner root or us, not writable by others. The rest of the path was judged once for the whole directory.
std::string unsafe_reason(const struct stat& info) {
  if (info.st_uid != 0 && info.st_uid != geteuid()) return "belongs to uid " + std::to_string(info.st_uid);
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) return "is writable by others";
  return {};
}

Error unsafe(std::string_view id, const os::stdfs::path& path, const std::string& reason) {
  const std::string shown = str::printable(path.string());
  const bool owner = str::starts_with(reason, "belongs");
  return Error{Kind::policy,
               std::string(id),
               shown + " " + reason,
               owner ? "run `chown root " + shown + "` if you trust it" : "run `chmod go-w " + shown + "`",
               {}};
}

void add_path_list(std::vector<SearchDir>& out, std::string_view list) {
  for (const std::string& part : str::split(list, ':')) {
    if (part.empty()) continue;
    SearchDir dir{part, TrustClass::dev, true, {}};
    if (part.front() != '/') {
      dir.used = false;
      dir.reason = "ignored: SCC_PLUGIN_PATH takes absolute paths";
    }
    out.push_back(std::move(dir));
  }
}

/// A directory that occurs twice counts with its highest class: with the prefix /usr/local the bundled
/// directory is also a system one, and naming it with --plugin-dir must not take its trust away.
void drop_repeated(std::vector<SearchDir>& dirs) {
  std::set<os::stdfs::path> seen;
  for (auto dir = dirs.rbegin(); dir != dirs.rend(); ++dir) {
    if (!dir->used) continue;
    std::error_code code;
    const os::stdfs::path real = os::stdfs::weakly_canonical(dir->path, code);
    if (seen.insert(code ? dir->path : real).second) continue;
    dir->used = false;
    dir->reason = "ignored: the same directory is listed below";
  }
}

/// One component of the library's path below the plugin's directory: no link, safe owner and mode.
Status check_inside(int plugin_fd, const os::stdfs::path& directory, const std::string& relative) {
  os::stdfs::path walked;
  for (const std::string& part : str::split(relative, '/')) {
    walked /= part;
    struct stat info {};
    if (fstatat(plugin_fd, walked.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) {
      return fail(Kind::prereq, "plugin.unsafe-file",
                  str::printable((directory / walked).string()) + ": " + std::strerror(errno),
                  "install the plugin again");
    }
    if (S_ISLNK(info.st_mode)) {
      return fail(Kind::policy, "plugin.unsafe-file",
                  str::printable((directory / walked).string()) + " is a symbolic link",
                  "put the library itself into the plugin's directory");
    }
    if (const std::string reason = unsafe_reason(info); !reason.empty()) {
      const bool is_dir = S_ISDIR(info.st_mode);
      return fail(unsafe(is_dir ? "plugin.unsafe-path" : "plugin.unsafe-file", directory / walked, reason));
    }
  }
  return {};
}

/// What can be said about a parsed manifest without touching trust.
void judge_manifest(Entry& entry, int plugin_fd) {
  const Manifest& m = entry.manifest;
  if (m.sdk_major != SCC_ABI_MAJOR || m.sdk_min_minor > SCC_ABI_MINOR) {
    refuse(entry, State::refused,
           Error{Kind::prereq,
                 "plugin.sdk-version",
                 "plugin " + m.id + " needs the plugin interface " + std::to_string(m.sdk_major) + "." +
                     std::to_string(m.sdk_min_minor) + ", this scc has " + std::to_string(SCC_ABI_MAJOR) +
                     "." + std::to_string(SCC_ABI_MINOR),
                 "install a newer scc, or a build of the plugin for this one",
                 {}});
    return;
  }
  const auto library = m.libraries.find(std::string(platform()));
  if (library == m.libraries.end()) {
    refuse(entry, State::refused,
           Error{Kind::prereq,
                 "plugin.platform",
                 "plugin " + m.id + " has no library for " + std::string(platform()),
                 "install a build of the plugin for this platform",
                 {}});
    return;
  }
  entry.sha256 = library->second.sha256;
  if (const Status inside = check_inside(plugin_fd, entry.directory, library->second.path); !inside) {
    refuse(entry, State::refused, inside.error());
  }
}

Result<std::string> read_manifest(int plugin_fd, const os::stdfs::path& directory) {
  const os::stdfs::path path = directory / "plugin.json";
  const os::Fd fd(openat(plugin_fd, "plugin.json", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return fail(os::errno_error("open", path, errno));
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return fail(os::errno_error("stat", path, errno));
  if (const std::string reason = unsafe_reason(info); !reason.empty()) {
    return fail(unsafe("plugin.unsafe-file", path, reason));
  }
  return read_fd(fd.get(), kMaxManifest, path);
}

/// The entry of one sub-directory, or nullopt when it holds no plugin.
std::optional<Entry> read_entry(int dir_fd, const SearchDir& dir, const std::string& name) {
  Entry entry;
  entry.manifest.id = str::printable(name).substr(0, kMaxShownName);  // until a manifest proves a better one
  entry.directory = dir.path / name;
  entry.trust = dir.trust;
  const os::Fd fd(openat(dir_fd, name.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) {
    if (errno != ELOOP && errno != ENOTDIR) return std::nullopt;
    struct stat info {};
    if (fstatat(dir_fd, (name + "/plugin.json").c_str(), &info, 0) != 0) return std::nullopt;
    refuse(entry, State::refused,
           Error{Kind::policy,
                 "plugin.unsafe-path",
                 str::printable(entry.directory.string()) + " is a symbolic link",
                 "copy the plugin's directory there, or name its real parent with --plugin-dir",
                 {}});
    return entry;
  }
  struct stat info {};
  if (fstat(fd.get(), &info) != 0) return std::nullopt;
  const Result<std::string> text = read_manifest(fd.get(), entry.directory);
  if (!text && text.error().kind == Kind::not_found) return std::nullopt;
  if (!text) {
    Error error = text.error();
    if (!str::starts_with(error.id, "plugin.")) error.id = "plugin.manifest";
    refuse(entry, error.id == "plugin.manifest" ? State::unreadable : State::refused, std::move(error));
    return entry;
  }
  Result<Manifest> manifest = parse_manifest(*text, name);
  if (!manifest) {
    refuse(entry, State::unreadable, manifest.error());
    return entry;
  }
  // Also what is refused is known by its components, so that asking for one gives the reason.
  entry.manifest = std::move(*manifest);
  entry.manifest_sha256 = os::sha256_hex(*text);
  entry.state = State::ready;
  judge_manifest(entry, fd.get());
  if (const std::string reason = unsafe_reason(info); !reason.empty()) {
    refuse(entry, State::refused, unsafe("plugin.unsafe-path", entry.directory, reason));
  }
  return entry;
}

std::vector<std::string> names_in(int dir_fd) {
  std::vector<std::string> names;
  DIR* stream = fdopendir(dup(dir_fd));
  if (stream == nullptr) return names;
  while (const dirent* item = readdir(stream)) {
    const std::string_view name = item->d_name;
    const bool maybe_dir = item->d_type == DT_DIR || item->d_type == DT_LNK || item->d_type == DT_UNKNOWN;
    if (maybe_dir && name.front() != '.' && names.size() < kMaxEntries) names.emplace_back(name);
  }
  closedir(stream);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

void refuse(Entry& entry, State state, Error error) {
  entry.state = state;
  entry.error_kind = error.kind;
  entry.error_id = std::move(error.id);
  entry.reason = std::move(error.message);
  entry.hint = std::move(error.hint);
}

bool env_path_untrusted(const os::Environment& env) {
  if (getauxval(AT_SECURE) != 0) return true;
  if (env.uid != 0) return false;
  const std::optional<std::string> sudo = env.get("SUDO_UID");
  return sudo.has_value() && *sudo != "0" && !sudo->empty();
}

std::vector<SearchDir> search_list(const os::Environment& env, const os::Paths& paths,
                                   const Options& options) {
  std::vector<SearchDir> out;
  for (const os::stdfs::path& dir : options.plugin_dirs) {
    const os::stdfs::path absolute = dir.is_absolute() ? dir : env.cwd / dir;
    os::stdfs::path normal = absolute.lexically_normal();
    if (!normal.has_filename()) normal = normal.parent_path();
    out.push_back({std::move(normal), TrustClass::dev, true, {}});
  }
  const std::optional<std::string> list = env.get("SCC_PLUGIN_PATH");
  if (list && !list->empty()) {
    if (!options.use_env_path || env_path_untrusted(env)) {
      out.push_back({*list, TrustClass::dev, false,
                     options.use_env_path
                         ? "ignored: SCC_PLUGIN_PATH of a set-id program or of root for another user"
                         : "ignored: SCC_PLUGIN_PATH is switched off"});
    } else {
      add_path_list(out, *list);
    }
  }
  out.push_back({paths.data / "plugins", TrustClass::user, true, {}});
  for (const os::stdfs::path& dir : options.system_dirs) out.push_back({dir, TrustClass::system, true, {}});
  out.push_back({paths.plugins, TrustClass::bundled, true, {}});
  drop_repeated(out);
  return out;
}

void scan_directory(SearchDir& dir, std::vector<Entry>& entries) {
  if (!dir.used) return;
  dir.used = false;
  const os::Fd fd(open(dir.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) {
    dir.reason = errno == ENOENT ? "does not exist" : std::string("cannot be read: ") + std::strerror(errno);
    return;
  }
  const Status safe = os::check_safe_path(dir.path, "plugin.unsafe-path");
  std::size_t count = 0;
  for (const std::string& name : names_in(fd.get())) {
    std::optional<Entry> entry = read_entry(fd.get(), dir, name);
    if (!entry) continue;
    ++count;
    if (!safe) refuse(*entry, State::refused, safe.error());
    entries.push_back(std::move(*entry));
  }
  dir.used = safe.has_value();
  dir.reason = safe ? "found " + std::to_string(count) + (count == 1 ? " plugin" : " plugins")
                    : "refused: " + safe.error().message;
}

Entry builtin_entry(const scc_plugin_v1& plugin) {
  Entry entry;
  entry.manifest.id = plugin.id;
  entry.manifest.version = plugin.version;
  entry.manifest.sdk_major = plugin.abi_major;
  for (std::size_t i = 0; i < plugin.component_count; ++i) {
    ManifestComponent part;
    part.interface = plugin.components[i].interface_id;
    part.kind = std::string(kind_of(part.interface));
    part.id = plugin.components[i].id;
    part.capabilities = json::Value(json::Object{});
    entry.manifest.components.push_back(std::move(part));
  }
  entry.trust = TrustClass::builtin;
  entry.state = State::ready;
  entry.builtin = &plugin;
  return entry;
}

}  // namespace scc::plugin
