// SPDX-License-Identifier: Apache-2.0
#include "plugin/loader.h"

#include <cerrno>
#include <cstring>
#include <deque>
#include <fcntl.h>
#include <unistd.h>

#include "base/str.h"
#include "log/log.h"
#include "plugin/image.h"
#include "plugin/library.h"
#include "plugin/probe.h"

namespace scc::plugin {

namespace {

constexpr std::size_t kMaxLibrary = std::size_t{64} << 20U;

std::string short_hash(std::string_view hash) {
  return std::string(hash.substr(0, 12));
}

/// Step 4: the descriptor tells owner and mode of what will be read, whatever the path points to by now.
Status check_file(int fd, const os::stdfs::path& path) {
  struct stat info {};
  if (fstat(fd, &info) != 0) return fail(os::errno_error("stat", path, errno));
  const std::string shown = str::printable(path.string());
  if (!S_ISREG(info.st_mode)) {
    return fail(Kind::policy, "plugin.unsafe-file", shown + " is not a regular file",
                "install the plugin again");
  }
  if (info.st_uid != 0 && info.st_uid != geteuid()) {
    return fail(Kind::policy, "plugin.unsafe-file", shown + " belongs to uid " + std::to_string(info.st_uid),
                "run `chown root " + shown + "` if you trust it");
  }
  if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return fail(Kind::policy, "plugin.unsafe-file", shown + " is writable by others",
                "run `chmod go-w " + shown + "`");
  }
  return {};
}

/// Maps are a fact of the process, not of a registry: the same bytes are mapped once.
std::map<std::string, Loaded, std::less<>>& process_maps() {
  static auto* maps = new std::map<std::string, Loaded, std::less<>>;
  return *maps;
}

const Blame* make_blame(const std::string& plugin, const std::string& marker) {
  static auto* kept = new std::deque<Blame>;
  Blame& blame = kept->emplace_back();
  std::strncpy(blame.plugin, plugin.c_str(), sizeof(blame.plugin) - 1);
  if (marker.size() < sizeof(blame.marker)) std::memcpy(blame.marker, marker.c_str(), marker.size());
  return &blame;
}

std::vector<TableComponent> components_of(const json::Value& probed) {
  std::vector<TableComponent> out;
  if (const json::Value* list = probed.at("/components")) {
    for (const json::Value& item : list->items())
      out.push_back({item.str("/interface"), item.str("/id"), nullptr});
  }
  return out;
}

}  // namespace

HostContext& new_context(std::string plugin, std::string kind, Grants grants,
                         std::shared_ptr<const HostServices> services) {
  static auto* kept = new std::deque<HostContext>;
  return kept->emplace_back(std::move(plugin), std::move(kind), std::move(grants), std::move(services));
}

std::optional<json::Value> recorded_probe(const ProbeCache& cache, const Entry& entry) {
  return cache.passed(entry.sha256);
}

Status Trust::check(const Entry& entry, std::string_view library, std::string_view manifest) const {
  const std::string& id = entry.manifest.id;
  const std::string info = "run `scc plugin info " + id + "`, then `scc plugin trust " + id + "`";
  if (library != entry.sha256) {
    return fail(Kind::policy, "plugin.hash",
                "the library of plugin " + id + " is not what its manifest says: expected sha256 " +
                    short_hash(entry.sha256) + "…, got " + short_hash(library) + "…",
                "install the plugin again; if you built it, build its manifest with it");
  }
  if (entry.trust == TrustClass::bundled) {
    const auto found = lock.plugins.find(id);
    if (found == lock.plugins.end()) {
      return fail(Kind::policy, "plugin.untrusted", "plugin " + id + " is not in the list of bundled plugins",
                  "move it to a user or system plugin directory and trust it there, or install scc again");
    }
    if (found->second.library != library || found->second.manifest != manifest) {
      return fail(Kind::policy, "plugin.hash", "plugin " + id + " changed since scc was installed",
                  "install scc again");
    }
    return {};
  }
  if (entry.policy.vouched) return {};  // the policy pins exactly these bytes
  if (store.allows(id, library, manifest)) return {};
  if (store.knows(id)) {
    return fail(Kind::policy, "plugin.hash",
                "plugin " + id + " changed since it was trusted (now sha256 " + short_hash(library) + "…)",
                info);
  }
  return fail(Kind::policy, "plugin.untrusted", "plugin " + id + " is not trusted", info);
}

Loader::Loader(const Trust& trust, ProbeCache& cache, std::shared_ptr<const HostServices> services)
    : trust_(trust), cache_(cache), services_(std::move(services)) {}

Result<Loader::Bytes> Loader::read_library(const Entry& entry) const {
  const auto found = entry.manifest.libraries.find(std::string(platform()));
  if (found == entry.manifest.libraries.end()) {
    return fail(Kind::prereq, "plugin.platform", "no library for " + std::string(platform()),
                "install a build of the plugin for this platform");
  }
  const os::stdfs::path path = entry.directory / found->second.path;
  SCC_CHECK(os::check_safe_path(entry.directory, "plugin.unsafe-path"));
  SCC_CHECK(os::check_safe_path(path.parent_path(), "plugin.unsafe-path"));
  const os::Fd dir(open(entry.directory.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!dir) return fail(os::errno_error("open", entry.directory, errno));
  Result<os::Fd> file = os::open_beneath(dir.get(), found->second.path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (!file) {
    Error error = std::move(file).error();
    error.id = "plugin.unsafe-file";
    return fail(std::move(error));
  }
  SCC_CHECK(check_file(file->get(), path));
  SCC_TRY(std::string data, read_fd(file->get(), kMaxLibrary, path));
  std::string sha256 = os::sha256_hex(data);
  return Bytes{std::move(data), std::move(sha256)};
}

Status Loader::probe(const Entry& entry, const std::string& sha256, int memfd, bool use_cache) {
  std::optional<json::Value> result = use_cache ? cache_.passed(sha256) : std::nullopt;
  if (!result) {
    SCC_TRY(result, run_probe(memfd));
    cache_.record(sha256, *result);
  }
  return match_manifest(entry.manifest, result->str("/id"), result->str("/version"), components_of(*result));
}

Status Loader::initialise(const Entry& entry, Loaded& loaded) {
  if (loaded.tables.init == nullptr) return {};
  HostContext& context = new_context(entry.manifest.id, {}, {}, services_);
  ComponentRef ref{"plugin", entry.manifest.id, entry.manifest.id, entry.manifest.version, loaded.sha256};
  Caller caller(std::move(ref), loaded.blame, context);
  return caller.call("init", Caller::Use::normal,
                     [&](const scc_error_sink* err) { return loaded.tables.init(context.table(), err); });
}

Result<const Loaded*> Loader::map(const Entry& entry, const std::string& sha256, os::Fd memfd) {
  install_crash_handler();
  const Blame* blame = make_blame(entry.manifest.id, cache_.suspect_file(sha256).string());
  Result<const scc_plugin_v1*> plugin = [&] {
    const ActiveCall active(blame, "load");
    return map_library(memfd.get());
  }();
  if (!plugin) return fail(plugin.error());
  // The loader knows the library by this descriptor's number; it must never name anything else.
  static_cast<void>(memfd.release());
  Loaded loaded;
  SCC_TRY(loaded.tables, read_tables(*plugin));
  SCC_CHECK(
      match_manifest(entry.manifest, loaded.tables.id, loaded.tables.version, loaded.tables.components));
  loaded.sha256 = sha256;
  loaded.blame = blame;
  SCC_CHECK(initialise(entry, loaded));
  return &process_maps().emplace(sha256, std::move(loaded)).first->second;
}

Result<const Loaded*> Loader::load_checked(const Entry& entry) {
  if (entry.builtin != nullptr) {
    const std::string key = "builtin:" + entry.manifest.id;
    if (const auto found = process_maps().find(key); found != process_maps().end()) return &found->second;
    Loaded loaded;
    SCC_TRY(loaded.tables, read_tables(entry.builtin));
    loaded.blame = make_blame(entry.manifest.id, {});
    SCC_CHECK(initialise(entry, loaded));
    return &process_maps().emplace(key, std::move(loaded)).first->second;
  }
  SCC_TRY(const Bytes bytes, read_library(entry));
  SCC_CHECK(trust_.check(entry, bytes.sha256, entry.manifest_sha256));
  if (const auto found = process_maps().find(bytes.sha256); found != process_maps().end()) {
    SCC_CHECK(match_manifest(entry.manifest, found->second.tables.id, found->second.tables.version,
                             found->second.tables.components));
    return &found->second;
  }
  SCC_CHECK(check_image(bytes.data));
  // The crash handler cannot make directories. Without one there is no mark, and the next run probes again.
  static_cast<void>(cache_.ensure());
  SCC_TRY(os::Fd memfd, os::sealed_memfd("scc-plugin-" + entry.manifest.id, bytes.data));
  SCC_CHECK(probe(entry, bytes.sha256, memfd.get(), true));
  return map(entry, bytes.sha256, std::move(memfd));
}

Result<const Loaded*> Loader::load(const Entry& entry) {
  Result<const Loaded*> loaded = load_checked(entry);
  if (!loaded) return fail(std::move(loaded).error().with("while loading plugin " + entry.manifest.id));
  if (log::enabled()) log::debug("plugin " + entry.manifest.id + " " + (*loaded)->sha256 + " is ready");
  return loaded;
}

Status Loader::examine(const Entry& entry) {
  SCC_TRY(const Bytes bytes, read_library(entry));
  if (bytes.sha256 != entry.sha256) return trust_.check(entry, bytes.sha256, entry.manifest_sha256);
  SCC_CHECK(check_image(bytes.data));
  SCC_TRY(const os::Fd memfd, os::sealed_memfd("scc-plugin-" + entry.manifest.id, bytes.data));
  return probe(entry, bytes.sha256, memfd.get(), false);
}

}  // namespace scc::plugin
