// SPDX-License-Identifier: Apache-2.0
// Reads contexts into memory, so that the digest and the archive sent to the engine come from the same bytes
// whatever happens to the files meanwhile.
#include "image/context.h"

#include <algorithm>
#include <fcntl.h>
#include <set>
#include <unistd.h>

#include <sys/stat.h>

#include "base/str.h"
#include "json/value.h"
#include "os/fs.h"

namespace scc::image {
namespace {

constexpr std::size_t kMaxBytes = std::size_t{32} << 20U;
constexpr std::size_t kMaxFiles = 4096;
constexpr std::size_t kMaxPath = 512;
constexpr std::size_t kMaxCertificate = std::size_t{1} << 20U;
constexpr std::size_t kMaxCertificates = 1024;
constexpr std::size_t kMaxLevels = 8;
constexpr std::size_t kTagDigits = 12;

tl::unexpected<Error> unsafe(const stdfs::path& path, std::string_view reason, std::string_view fix) {
  const std::string name = str::printable(path.string());
  return fail(Kind::policy, "image.unsafe-context", "image context: " + name + " " + std::string(reason),
              fix.empty() ? std::string() : std::string(fix) + " '" + name + "'");
}

/// Reads the files of one context with bounds; refuses what a context has no use for.
class Loader {
 public:
  explicit Loader(stdfs::path root) : root_(std::move(root)) {}

  Result<std::vector<File>> load() {
    root_fd_ = os::Fd(::open(root_.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    if (!root_fd_) {
      return fail(os::errno_error("open", root_, errno));
    }
    SCC_CHECK(walk(stdfs::path()));
    std::sort(files_.begin(), files_.end(), [](const File& a, const File& b) { return a.path < b.path; });
    return std::move(files_);
  }
  bool has_directory(const std::string& name) const { return directories_.count(name) != 0; }

 private:
  Status walk(const stdfs::path& relative) {
    std::error_code code;
    stdfs::directory_iterator entries(root_ / relative, code);
    if (code) {
      return fail(os::errno_error("read", root_ / relative, code.value()));
    }
    for (; entries != stdfs::directory_iterator(); entries.increment(code)) {
      if (code) {
        return fail(os::errno_error("read", root_ / relative, code.value()));
      }
      SCC_CHECK(entry(relative / entries->path().filename()));
    }
    return {};
  }

  Status entry(const stdfs::path& relative) {
    const stdfs::path full = root_ / relative;
    struct stat info {};
    if (::lstat(full.c_str(), &info) != 0) {
      return fail(os::errno_error("stat", full, errno));
    }
    SCC_CHECK(check(full, info));
    const std::string name = relative.generic_string();
    if (name.size() > kMaxPath || !str::valid_utf8(name) || str::printable(name) != name) {
      return unsafe(full, "has a name that is too long or not printable", "rename");
    }
    if (S_ISDIR(info.st_mode)) {
      directories_.insert(name);
      return walk(relative);
    }
    return read(relative, name);
  }

  Status check(const stdfs::path& full, const struct stat& info) const {
    if (!S_ISDIR(info.st_mode) && !S_ISREG(info.st_mode)) {
      return unsafe(full, "is a link or a special file, which a context may not hold", "rm");
    }
    if ((info.st_mode & S_IWOTH) != 0) {
      return unsafe(full, "may be written by every user", "chmod o-w");
    }
    if (info.st_uid != 0 && info.st_uid != ::geteuid()) {
      return unsafe(full, "belongs to another user", "chown " + std::to_string(::geteuid()));
    }
    return {};
  }

  Status read(const stdfs::path& relative, const std::string& name) {
    SCC_TRY(const os::Fd fd, os::open_beneath(root_fd_.get(), relative, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    struct stat info {};
    if (::fstat(fd.get(), &info) != 0) {
      return fail(os::errno_error("stat", root_ / relative, errno));
    }
    SCC_CHECK(check(root_ / relative, info));
    File file{name, (info.st_mode & 0111U) != 0, {}};
    char buffer[65536];
    for (;;) {
      const ssize_t count = ::read(fd.get(), buffer, sizeof buffer);
      if (count < 0 && errno == EINTR) {
        continue;
      }
      if (count < 0) {
        return fail(os::errno_error("read", root_ / relative, errno));
      }
      if (count == 0) {
        break;
      }
      total_ += static_cast<std::size_t>(count);
      if (total_ > kMaxBytes) {
        return fail(Kind::config, "image.limit",
                    "image context " + str::printable(root_.string()) + " is larger than 32 MiB");
      }
      file.bytes.append(buffer, static_cast<std::size_t>(count));
    }
    files_.push_back(std::move(file));
    if (files_.size() > kMaxFiles) {
      return fail(Kind::config, "image.limit",
                  "image context " + str::printable(root_.string()) + " has more than 4096 files");
    }
    return {};
  }

  stdfs::path root_;
  os::Fd root_fd_;
  std::vector<File> files_;
  std::set<std::string> directories_;
  std::size_t total_ = 0;
};

/// A file name for a certificate: what the host called it, reduced to characters that need no thought.
std::string certificate_name(const stdfs::path& path, const std::string& bytes) {
  std::string stem = path.stem().string().substr(0, 64);
  for (char& c : stem) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
    c = plain ? c : '_';
  }
  // The digest keeps two files apart that reduce to one name.
  return "ca/host-" + stem + "-" + os::sha256_hex(bytes).substr(0, 8) + ".crt";
}

Status add_certificate(const stdfs::path& path, std::vector<File>& files) {
  std::error_code code;
  // Administrators link certificates into this directory; what counts is the file they point to.
  const stdfs::path target = stdfs::canonical(path, code);
  if (code || !stdfs::is_regular_file(target, code)) {
    return {};
  }
  auto bytes = os::read_file(target, kMaxCertificate);
  if (!bytes) {
    return fail(std::move(bytes.error()).with("while collecting the host's CA certificates"));
  }
  if (bytes->find("-----BEGIN CERTIFICATE-----") == std::string::npos ||
      bytes->find("PRIVATE KEY") != std::string::npos) {
    return {};
  }
  if (files.size() >= kMaxCertificates) {
    return fail(Kind::config, "image.limit", "more than 1024 extra CA certificates on this host");
  }
  std::string name = certificate_name(path, *bytes);
  files.push_back(File{std::move(name), false, std::move(*bytes)});
  return {};
}

}  // namespace

std::vector<stdfs::path> default_ca_directories() {
  return {"/usr/local/share/ca-certificates", "/etc/pki/ca-trust/source/anchors"};
}

Result<std::vector<File>> host_certificates(const std::vector<stdfs::path>& directories) {
  std::vector<File> files;
  for (const stdfs::path& directory : directories) {
    std::error_code code;
    const bool anchors = directory.filename() == "anchors";  // Fedora's: every file is a certificate
    for (stdfs::recursive_directory_iterator it(directory, code), end; !code && it != end;
         it.increment(code)) {
      if (anchors || it->path().extension() == ".crt") {
        SCC_CHECK(add_certificate(it->path(), files));
      }
    }
    if (code && code != std::errc::no_such_file_or_directory) {
      return fail(os::errno_error("read", directory, code.value()));
    }
  }
  std::sort(files.begin(), files.end(), [](const File& a, const File& b) { return a.path < b.path; });
  files.erase(
      std::unique(files.begin(), files.end(), [](const File& a, const File& b) { return a.path == b.path; }),
      files.end());
  return files;
}

Result<stdfs::path> find_context(const Locator& locator, std::string_view id) {
  const bool plain = !id.empty() && id.size() <= 128 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
  std::vector<stdfs::path> tried;
  if (plain && !locator.plugin_dir.empty()) {
    tried.push_back(locator.plugin_dir / "share" / "images" / id);
  }
  if (plain && !locator.share.empty()) {
    tried.push_back(locator.share / "images" / id);
  }
  std::string where;
  for (const stdfs::path& directory : tried) {
    std::error_code code;
    if (stdfs::exists(stdfs::symlink_status(directory / "image.json", code))) {
      return directory;
    }
    where += (where.empty() ? " (looked in " : ", ") + str::printable(directory.string());
  }
  return fail(Kind::not_found, "image.unknown",
              "no image context '" + str::printable(id) + "'" + (where.empty() ? "" : where + ")"),
              "see what there is: scc image list");
}

Result<Context> load_context(const Locator& locator, std::string_view id,
                             const std::vector<File>& certificates) {
  Context context;
  SCC_TRY(context.directory, find_context(locator, id));
  SCC_CHECK(os::check_safe_path(context.directory, "image.unsafe-context"));
  Loader loader(context.directory);
  SCC_TRY(context.files, loader.load());
  const auto find = [&context](std::string_view path) {
    return std::find_if(context.files.begin(), context.files.end(),
                        [path](const File& file) { return file.path == path; });
  };
  const std::string place = "in " + str::printable(context.directory.string());
  auto definition = parse_definition(find("image.json")->bytes, id);
  if (!definition) {
    return fail(std::move(definition.error()).with(place));
  }
  context.definition = std::move(*definition);
  if (find("Containerfile") == context.files.end()) {
    return fail(Kind::config, "image.definition", "no Containerfile " + place);
  }
  if (loader.has_directory("ca")) {
    context.files.insert(context.files.end(), certificates.begin(), certificates.end());
    std::sort(context.files.begin(), context.files.end(),
              [](const File& a, const File& b) { return a.path < b.path; });
  }
  return context;
}

Result<std::vector<Context>> load_chain(const Locator& locator, std::string_view id,
                                        const std::vector<File>& certificates) {
  std::vector<Context> chain;
  std::string next(id);
  while (!next.empty()) {
    if (chain.size() == kMaxLevels) {
      return fail(Kind::config, "image.cycle",
                  "the parents of image '" + str::printable(id) + "' form a cycle or are more than 8 levels");
    }
    auto context = load_context(locator, next, certificates);
    if (!context) {
      auto error = std::move(context).error();
      return chain.empty()
                 ? fail(std::move(error))
                 : fail(std::move(error).with("the parent of image '" + chain.back().definition.id + "'"));
    }
    next = context->definition.parent;
    chain.push_back(std::move(*context));
  }
  std::reverse(chain.begin(), chain.end());
  return chain;
}

std::string context_digest(const Context& context, std::string_view parent_digest,
                           const std::map<std::string, std::string>& build_args) {
  json::Value document;
  json::Array files;
  for (const File& file : context.files) {
    json::Value entry;
    entry["path"] = file.path;
    entry["executable"] = file.executable;
    entry["sha256"] = os::sha256_hex(file.bytes);
    files.push_back(std::move(entry));
  }
  document["schema"] = "scc.image-context/1";
  document["files"] = std::move(files);
  document["parent"] = parent_digest;
  document["build_args"] = json::Object();
  for (const auto& [name, value] : build_args) {
    document["build_args"][name] = value;
  }
  return os::sha256_hex(json::dump(document));
}

std::string image_ref(const Definition& definition, std::string_view digest) {
  return definition.repository + ":" + std::string(scc_version()) + "-" +
         std::string(digest.substr(0, kTagDigits));
}

std::string moving_ref(const Definition& definition) {
  return definition.repository + ":latest";
}

std::map<std::string, std::string> image_labels(const Definition& definition, std::string_view digest) {
  std::map<std::string, std::string> labels{
      {"scc.managed", "true"},
      {"scc.backend", "oci"},
      {"scc.role", "image"},
      {"scc.schema", "1"},
      {"scc.image", definition.id},
      {"scc.repository", definition.repository},
      {"scc.image-digest", std::string(digest)},
      {"scc.version", std::string(scc_version())},
      {"org.opencontainers.image.title", definition.repository},
      {"org.opencontainers.image.version", definition.version},
  };
  if (!definition.agent_name.empty()) {
    labels["scc.agent"] = definition.agent_name;
    labels["scc.agent-version"] = definition.agent_version;
  }
  return labels;
}

std::string_view scc_version() noexcept {
  return SCC_VERSION;
}

}  // namespace scc::image
