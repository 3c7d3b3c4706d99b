// SPDX-License-Identifier: Apache-2.0
// Order: the configured image by digest, an imported root filesystem that is there already, the cached
// archive, mmdebstrap. The archive is kept: another engine, or this one after a clean-up, gets it in seconds.
#include "image/bootstrap.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <unistd.h>
#include <utility>

#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/str.h"
#include "image/mirrors.h"
#include "image/pull.h"
#include "image/tar.h"
#include "image/work.h"
#include "json/value.h"
#include "os/process.h"

namespace scc::image {
namespace {

constexpr std::chrono::milliseconds kBootstrapTimeout{1'800'000};
constexpr std::size_t kKeyDigits = 12;
constexpr std::string_view kDigestMark = "@sha256:";
constexpr std::string_view kRepository = "scc-rootfs";

std::string architecture() {
  struct utsname name {};
  return ::uname(&name) == 0 ? name.machine : "unknown";
}

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// The directory in which mmdebstrap works; gone on every way out. Its name tells which cache directory it
/// belongs to, so that what a killed run left is found by the next one, which holds the lock.
class WorkDirectory {
 public:
  static Result<WorkDirectory> make(const Host& host) {
    const std::string prefix = "scc-rootfs-" + os::sha256_hex(host.paths.cache.string()).substr(0, 8) + "-";
    std::error_code code;
    for (const auto& entry : stdfs::directory_iterator(host.work_directory, code)) {
      struct stat info {};
      if (str::starts_with(entry.path().filename().string(), prefix) &&
          ::lstat(entry.path().c_str(), &info) == 0 && info.st_uid == ::geteuid()) {
        wipe(host, entry.path());
      }
    }
    SCC_TRY(stdfs::path path, os::make_temp_dir(host.work_directory, prefix));
    WorkDirectory result(host, path);
    // The unshared user of mmdebstrap has to pass through it and to read the sources file.
    if (::chmod(path.c_str(), 0755) != 0) {
      return fail(os::errno_error("chmod", path, errno));
    }
    return result;
  }
  WorkDirectory(WorkDirectory&& other) noexcept
      : host_(other.host_), path_(std::exchange(other.path_, stdfs::path())) {}
  WorkDirectory& operator=(WorkDirectory&&) = delete;
  ~WorkDirectory() {
    if (!path_.empty()) {
      wipe(*host_, path_);
    }
  }
  const stdfs::path& path() const noexcept { return path_; }

 private:
  WorkDirectory(const Host& host, stdfs::path path) : host_(&host), path_(std::move(path)) {}

  static void wipe(const Host& host, const stdfs::path& path) {
    if (os::remove_tree(path)) {
      return;
    }
    // What an unprivileged bootstrap leaves belongs to the user's subordinate uids: only a user namespace
    // with the same mapping may remove it.
    os::ProcessRequest request;
    request.argv = {"unshare",
                    "--user",
                    "--map-users=auto",
                    "--map-groups=auto",
                    "--map-root-user",
                    "rm",
                    "-rf",
                    "--one-file-system",
                    "--",
                    path.string()};
    request.env = tool_environment(host);
    request.timeout = std::chrono::milliseconds{60'000};
    static_cast<void>(os::run(request));
  }

  const Host* host_;
  stdfs::path path_;
};

bool has_tool(const Host& host, std::string_view name) {
  for (const std::string& directory : str::split(host.tool_path, ':')) {
    if (::access((stdfs::path(directory) / name).c_str(), X_OK) == 0) {
      return true;
    }
  }
  return false;
}

tl::unexpected<Error> impossible(std::string message, const std::string& fix) {
  return fail(Kind::prereq, "image.bootstrap", "cannot make the base image here: " + std::move(message),
              fix + "; or name a base image by digest (images.base.ref in config.json)");
}

std::string install_line(const Host& host, const std::string& packages) {
  const std::string sudo = host.env.uid == 0 ? "" : "sudo ";
  return has_tool(host, "apt-get") ? sudo + "apt-get install -y " + packages
                                   : "install these with the system's package manager: " + packages;
}

/// CAP_SYS_ADMIN (21) in the effective set: root in a container may lack it.
bool may_mount() {
  const auto status = os::read_file("/proc/self/status");
  const std::size_t at = status ? status->find("CapEff:") : std::string::npos;
  if (at == std::string::npos) {
    return true;  // not Linux's /proc: let mmdebstrap say it
  }
  const std::string_view digits = str::trim(std::string_view(*status).substr(at + 7, 17));
  return (std::strtoull(std::string(digits).c_str(), nullptr, 16) >> 21U & 1U) != 0;
}

Status can_unshare(const Host& host) {
  const std::string user = host.env.get("USER").value_or("$USER");
  const std::string second = ", or once: sudo scc image build base";
  if (!has_tool(host, "newuidmap")) {
    return impossible("newuidmap is not installed", install_line(host, "uidmap") + second);
  }
  os::ProcessRequest request;
  request.argv = {"unshare", "--user", "--map-users=auto", "--map-groups=auto", "--map-root-user", "true"};
  request.env = tool_environment(host);
  auto result = os::run(request);
  if (result && result->exit_code == 0) {
    return {};
  }
  const std::string reason = result ? str::printable(str::trim(result->err)) : result.error().message;
  if (reason.find("/etc/sub") != std::string::npos) {
    return impossible("user " + str::printable(user) + " has no subordinate uids (" + reason + ")",
                      "sudo usermod --add-subuids 100000-165535 --add-subgids 100000-165535 " +
                          str::printable(user) + second);
  }
  return impossible("this system does not allow unprivileged user namespaces (" + reason + ")",
                    "sudo scc image build base, or allow them (sysctl kernel.unprivileged_userns_clone=1, "
                    "kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces)");
}

/// One bootstrap: paths, log and watcher of it.
class Bootstrap {
 public:
  Bootstrap(plugin::Runtime& runtime, const Host& host, const BootstrapSpec& spec, const Watch& watch,
            BuildLog& log)
      : runtime_(runtime),
        host_(host),
        spec_(spec),
        watch_(watch),
        log_(log),
        key_(rootfs_key(spec, architecture())),
        directory_(host.paths.cache / "rootfs"),
        tar_(directory_ / (key_ + ".tar")),
        sum_(directory_ / (key_ + ".tar.sha256")) {}

  Result<std::string> run(bool fresh) {
    const std::string ref = std::string(kRepository) + ":" + key_;
    SCC_TRY(const auto lock, wait_lock(host_.paths.runtime / "locks" / ("rootfs-" + key_ + ".lock"), watch_));
    if (!fresh) {
      auto info = runtime_.image_inspect(ref);
      if (info && info->str("/labels/scc.rootfs-key") == key_) {
        return ref;
      }
      if (!info && info.error().kind != Kind::not_found) {
        return fail(std::move(info).error());
      }
    }
    SCC_CHECK(os::make_dirs(directory_));
    if (fresh || !cached()) {
      SCC_CHECK(make());
    }
    SCC_CHECK(import(ref));
    return ref;
  }

 private:
  /// The archive of an earlier run, unchanged since.
  bool cached() {
    const auto wanted = os::read_file(sum_, 128);
    if (!wanted) {
      return false;
    }
    log_.line("scc: checking the cached root filesystem");
    const auto found = os::sha256_file(tar_);
    const bool same = found && *found == str::trim(*wanted);
    if (!same) {
      log_.line("scc: the cached root filesystem is damaged or gone; making it anew");
    }
    return same;
  }

  Status make() {
    SCC_CHECK(can_bootstrap(host_));
    drop_partial();
    SCC_TRY(const WorkDirectory work, WorkDirectory::make(host_));
    SCC_TRY(const Mirrors mirrors, find_mirrors(host_, work.path(), watch_, log_));
    const std::string text = sources_text(mirrors, spec_.suite);
    const stdfs::path sources = text.empty() ? stdfs::path() : work.path() / "scc.sources";
    if (!text.empty()) {
      SCC_CHECK(os::write_file_atomic(sources, text, 0644));
    }
    const stdfs::path temporary = directory_ / (key_ + "." + os::random_hex(6) + ".tmp");
    auto made = unpack(work.path(), sources, temporary);
    if (!made) {
      ::unlink(temporary.c_str());
      return made;
    }
    return keep(temporary);
  }

  /// Archives that a killed run left half written.
  void drop_partial() {
    std::error_code code;
    for (const auto& entry : stdfs::directory_iterator(directory_, code)) {
      const std::string name = entry.path().filename().string();
      if (str::starts_with(name, key_ + ".") && str::ends_with(name, ".tmp")) {
        ::unlink(entry.path().c_str());
      }
    }
  }

  Status unpack(const stdfs::path& work, const stdfs::path& sources, const stdfs::path& target) {
    const os::Fd out(::open(target.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
    if (!out) {
      return fail(os::errno_error("create", target, errno));
    }
    os::ProcessRequest request;
    request.argv = mmdebstrap_argv(spec_, host_.env.uid == 0, sources);
    request.env = bootstrap_environment(host_, spec_, work);
    request.timeout = kBootstrapTimeout;
    request.cancelled = watch_.cancelled;
    request.stdout_fd = out.get();
    request.on_output = [this](bool, std::string_view bytes) {
      log_.write(bytes);
      return true;
    };
    log_.line("scc: " + str::join(request.argv, " "));
    auto result = os::run(request);
    log_.flush();
    if (!result) {
      return fail(std::move(result).error());
    }
    if (result->exit_code != 0) {
      return fail(Kind::tool, "image.bootstrap-failed",
                  "mmdebstrap ended with status " + std::to_string(result->exit_code),
                  "check that the Debian mirror of this host answers (apt-get update), then run the command "
                  "again");
    }
    return ::fsync(out.get()) == 0 ? Status{} : fail(os::errno_error("write", target, errno));
  }

  Status keep(const stdfs::path& temporary) {
    SCC_TRY(const std::string sum, os::sha256_file(temporary));
    ::unlink(sum_.c_str());  // never an old sum beside a new archive
    if (::rename(temporary.c_str(), tar_.c_str()) != 0) {
      return fail(os::errno_error("rename", temporary, errno));
    }
    return os::write_file_atomic(sum_, sum + "\n");
  }

  Status import(const std::string& ref) {
    SCC_CHECK(check_cancelled(watch_));
    log_.line("scc: importing the root filesystem as " + ref);
    json::Value request;
    request["schema"] = "scc.image-import/1";
    request["tag"] = ref;
    request["cmd"] = json::Value::strings({"bash"});
    request["labels"] = json::Object{{"scc.managed", "true"},  {"scc.backend", "oci"},
                                     {"scc.role", "rootfs"},   {"scc.schema", "1"},
                                     {"scc.image", "rootfs"},  {"scc.repository", std::string(kRepository)},
                                     {"scc.rootfs-key", key_}, {"scc.version", std::string(scc_version())}};
    SCC_TRY(const plugin::Source source, file_source(tar_, watch_.cancelled));
    auto imported = runtime_.image_import(request, source, log_.progress());
    if (!imported) {
      SCC_CHECK(check_cancelled(watch_));
      return fail(std::move(imported).error().with("while importing the root filesystem"));
    }
    return {};
  }

  plugin::Runtime& runtime_;
  const Host& host_;
  const BootstrapSpec& spec_;
  const Watch& watch_;
  BuildLog& log_;
  std::string key_;
  stdfs::path directory_;
  stdfs::path tar_;
  stdfs::path sum_;
};

}  // namespace

bool has_digest(std::string_view ref) noexcept {
  const std::size_t at = ref.rfind(kDigestMark);
  if (at == 0 || at == std::string_view::npos || ref.size() > 512) {
    return false;
  }
  const std::string_view digits = ref.substr(at + kDigestMark.size());
  const std::string_view name = ref.substr(0, at);
  return digits.size() == 64 && is_hex(digits) && name.find('@') == std::string_view::npos &&
         name.front() != '-' &&
         std::all_of(name.begin(), name.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::string rootfs_key(const BootstrapSpec& spec, std::string_view machine) {
  json::Value document;
  document["suite"] = spec.suite;
  document["variant"] = spec.variant;
  document["include"] = json::Value::strings(spec.include);
  document["dpkg_options"] = json::Value::strings(spec.dpkg_options);
  document["source_date_epoch"] = spec.source_date_epoch;
  document["architecture"] = machine;
  return os::sha256_hex(json::dump(document)).substr(0, kKeyDigits);
}

Result<std::string> rootfs_ref(const Host& host, const Definition& definition) {
  if (const auto configured = host.refs.find(definition.id); configured != host.refs.end()) {
    SCC_CHECK(check_ref(definition.id, configured->second));
    return configured->second;
  }
  if (!definition.bootstrap) {
    return fail(Kind::internal, "image.bootstrap", "image " + definition.id + " has no bootstrap");
  }
  return bootstrapped_ref(*definition.bootstrap);
}

std::string bootstrapped_ref(const BootstrapSpec& spec) {
  return std::string(kRepository) + ":" + rootfs_key(spec, architecture());
}

std::vector<std::string> mmdebstrap_argv(const BootstrapSpec& spec, bool as_root,
                                         const stdfs::path& sources) {
  // Not --mode=auto: it may fall back to a mode whose result differs.
  std::vector<std::string> argv{"mmdebstrap", as_root ? "--mode=root" : "--mode=unshare",
                                "--variant=" + spec.variant, "--format=tar"};
  if (!spec.include.empty()) {
    argv.push_back("--include=" + str::join(spec.include, ","));
  }
  for (const std::string& option : spec.dpkg_options) {
    argv.push_back("--dpkgopt=" + option);
  }
  // The build host's resolver and name would be baked in. mmdebstrap gives this constant to sh.
  argv.emplace_back("--customize-hook=rm -f \"$1/etc/resolv.conf\" \"$1/etc/hostname\"");
  argv.push_back(spec.suite);
  argv.emplace_back("-");
  if (!sources.empty()) {
    argv.push_back(sources.string());
  }
  return argv;
}

Status can_bootstrap(const Host& host) {
  std::error_code code;
  if (!has_tool(host, "mmdebstrap") || !stdfs::exists(host.keyring, code)) {
    const std::string missing = has_tool(host, "mmdebstrap") ? "Debian's archive keys are" : "mmdebstrap is";
    return impossible(missing + " not installed",
                      install_line(host, "mmdebstrap debian-archive-keyring uidmap"));
  }
  if (host.env.uid != 0) {
    return can_unshare(host);
  }
  if (!may_mount()) {
    return impossible("root has no CAP_SYS_ADMIN", "run scc on the host itself, or give this container it");
  }
  return {};
}

Result<Rootfs> ensure_rootfs(plugin::Runtime& runtime, const Host& host, const Definition& definition,
                             bool fresh, const Watch& watch, const stdfs::path& log_file) {
  SCC_TRY(const std::string wanted, rootfs_ref(host, definition));
  SCC_TRY(BuildLog log, BuildLog::open(log_file, true, watch));
  Rootfs result;
  if (host.refs.count(definition.id) != 0) {
    auto pulled = pull_by_digest(runtime, wanted, watch, log);
    if (pulled) {
      result.ref = wanted;
      return result;
    }
    if (pulled.error().id != kRegistryUnreachable) {
      return fail(explain(std::move(pulled).error(), log, log_file));
    }
    result.notes.push_back("the registry of " + str::printable(wanted) + " does not answer (" +
                           pulled.error().message + "); made the base from Debian packages instead");
    log.line("scc: " + result.notes.back());
  }
  Bootstrap bootstrap(runtime, host, *definition.bootstrap, watch, log);
  auto ref = bootstrap.run(fresh);
  if (!ref) {
    const bool short_story = ref.error().kind == Kind::cancelled || ref.error().kind == Kind::prereq;
    return short_story ? fail(std::move(ref).error()) : fail(explain(std::move(ref).error(), log, log_file));
  }
  result.ref = std::move(*ref);
  return result;
}

}  // namespace scc::image
