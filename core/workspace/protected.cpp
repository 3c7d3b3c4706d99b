// SPDX-License-Identifier: Apache-2.0
// The list and the comparison. Both sides are compared in two ways: the components of real paths, and the
// (device, inode) pairs along the ancestors. The second catches a protected directory that is reachable under
// another name: a bind mount, a case-insensitive file system, a firmlink.
#include "workspace/protected.h"

#include <algorithm>
#include <cstdlib>
#include <map>
#include <optional>
#include <pwd.h>
#include <set>
#include <utility>

#include <sys/stat.h>

#include "base/str.h"
#include "workspace/path_map.h"

namespace scc::workspace {

namespace {

using Identity = std::pair<dev_t, ino_t>;

struct Named {
  const char* path;
  const char* why;
};

// Below each home directory. What belongs to one engine or vendor comes from its manifest instead.
constexpr Named kHomeEntries[] = {
    {".ssh", "SSH keys"},
    {".gnupg", "GnuPG keys"},
    {".password-store", "passwords"},
    {".local/share/keyrings", "passwords"},
    {".local/share/kwalletd", "passwords"},
    {"Library/Keychains", "passwords"},
    {".config/op", "passwords"},
    {".config/sops", "keys"},
    {".config/age", "keys"},
    {".aws", "cloud credentials"},
    {".azure", "cloud credentials"},
    {".config/gcloud", "cloud credentials"},
    {".oci", "cloud credentials"},
    {".config/doctl", "cloud credentials"},
    {".config/rclone", "cloud credentials"},
    {".terraform.d", "cloud credentials"},
    {".kube", "cluster credentials"},
    {".config/gh", "forge credentials"},
    {".config/glab-cli", "forge credentials"},
    {".config/hub", "forge credentials"},
    {".config/git", "your git configuration, which can start programs"},
    {".gitconfig", "your git configuration, which can start programs"},
    {".git-credentials", "forge credentials"},
    {".netrc", "passwords"},
    {".npmrc", "registry credentials"},
    {".pypirc", "registry credentials"},
    {".pgpass", "passwords"},
    {".vault-token", "credentials"},
    {".config/systemd", "programs that start by themselves"},
    {".config/autostart", "programs that start by themselves"},
    {".mozilla", "browser data"},
    {".config/google-chrome", "browser data"},
    {".config/chromium", "browser data"},
    {".thunderbird", "mail"},
};

constexpr const char* kSystem[] = {"/etc",
                                   "/proc",
                                   "/sys",
                                   "/dev",
                                   "/run",
                                   "/var/run",
                                   "/boot",
                                   "/usr",
                                   "/bin",
                                   "/sbin",
                                   "/lib",
                                   "/lib32",
                                   "/lib64",
                                   "/libx32",
                                   "/System",
                                   "/Library",
                                   "/var/spool/cron",
                                   "/var/lib/systemd",
                                   "/private/etc"};

stdfs::path passwd_home(uid_t uid) {
  std::vector<char> buffer(16384);
  struct passwd entry {};
  struct passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return {};
  return found->pw_dir != nullptr ? stdfs::path{found->pw_dir} : stdfs::path{};
}

// $HOME, the account's home when HOME points elsewhere, and for root the homes of whoever called sudo and of
// the owner of the workspace, as whom the agent will run.
std::vector<stdfs::path> homes(const os::Environment& env, std::optional<uid_t> owner) {
  std::vector<stdfs::path> list{env.home(), passwd_home(env.uid)};
  if (env.uid == 0) {
    list.emplace_back("/root");
    if (owner) list.push_back(passwd_home(*owner));
    const std::string sudo = env.get("SUDO_UID").value_or("");
    if (!sudo.empty() && sudo.size() < 11 && sudo.find_first_not_of("0123456789") == std::string::npos) {
      list.push_back(passwd_home(static_cast<uid_t>(std::strtoul(sudo.c_str(), nullptr, 10))));
    }
  }
  std::vector<stdfs::path> unique;
  for (const stdfs::path& home : list) {
    if (!home.is_absolute()) continue;
    if (std::find(unique.begin(), unique.end(), home) == unique.end()) unique.push_back(home);
  }
  return unique;
}

void add_foreign(std::vector<ProtectedEntry>& entries, const os::Environment& env, std::string_view text,
                 const char* why) {
  for (const std::string_view scheme : {"unix://", "unix:"}) {
    if (!str::starts_with(text, scheme)) continue;
    text.remove_prefix(scheme.size());
    break;
  }
  const auto expanded = env.expand(text);
  if (!expanded || expanded->empty()) return;
  stdfs::path path = *expanded;
  if (path.is_relative()) path = env.cwd / path;
  entries.push_back({std::move(path), Scope::any_relation, why});
}

// The entry's own spelling and, when they differ, where it really is.
std::vector<stdfs::path> spellings(const stdfs::path& path) {
  const stdfs::path plain = path.lexically_normal();
  std::vector<stdfs::path> list{plain.has_filename() || plain == "/" ? plain : plain.parent_path()};
  std::error_code ec;
  stdfs::path real = stdfs::weakly_canonical(path, ec);
  if (!ec && !real.empty() && real != list[0]) list.push_back(std::move(real));
  return list;
}

// Answers of stat(2), each asked once: the entries have most of their ancestors in common.
class Identities {
 public:
  std::optional<Identity> of(const stdfs::path& path) {
    const auto [entry, fresh] = seen_.try_emplace(path.native());
    struct stat info {};
    if (fresh && ::stat(path.c_str(), &info) == 0) entry->second = Identity{info.st_dev, info.st_ino};
    return entry->second;
  }
  /// Of the path and of everything above it; what does not exist is left out.
  std::set<Identity> chain(const stdfs::path& path) {
    std::set<Identity> ids;
    for (stdfs::path at = path;; at = at.parent_path()) {
      if (const auto id = of(at)) ids.insert(*id);
      if (!at.has_relative_path()) return ids;
    }
  }

 private:
  std::map<std::string, std::optional<Identity>> seen_;
};

enum class Relation : unsigned char { none, is, contains, under };

struct Subject {
  const stdfs::path& path;
  std::optional<Identity> self;
  std::set<Identity> above;  // self included
};

Relation relation(const Subject& subject, const stdfs::path& entry, Identities& identities) {
  if (subject.path == entry) return Relation::is;
  if (detail::is_within(entry, subject.path)) return Relation::contains;
  const auto id = identities.of(entry);
  if (id && subject.self && *id == *subject.self) return Relation::is;
  if (subject.self && identities.chain(entry).count(*subject.self) != 0) return Relation::contains;
  if (detail::is_within(subject.path, entry)) return Relation::under;
  if (id && subject.above.count(*id) != 0) return Relation::under;
  return Relation::none;
}

tl::unexpected<Error> refused(const stdfs::path& path, Relation found, const ProtectedEntry& entry,
                              std::string_view what) {
  const std::string shown = str::printable(path.native());
  const std::string other = str::printable(entry.path.native());
  std::string reason;
  if (found == Relation::is) {
    reason = "it is " + (shown == other ? entry.why : other + " (" + entry.why + ")");
  } else {
    reason = (found == Relation::contains ? "it contains " : "it lies in ") + other + " (" + entry.why + ")";
  }
  return fail(Kind::policy, "workspace.protected", std::string{what} + " " + shown + " is refused: " + reason,
              "give a project directory of its own, for instance: scc start ~/src/project");
}

}  // namespace

std::vector<ProtectedEntry> protected_entries(const os::Environment& env, const os::Paths& paths,
                                              const ProtectedSources& sources) {
  std::vector<ProtectedEntry> entries;
  entries.push_back({"/", Scope::is_or_contains, "the root directory"});
  for (const stdfs::path& home : homes(env, sources.workspace_owner)) {
    entries.push_back({home, Scope::is_or_contains,
                       home == env.home() ? "your home directory" : "the home directory of an account"});
    for (const Named& item : kHomeEntries)
      entries.push_back({home / item.path, Scope::any_relation, item.why});
  }
  for (const char* dir : kSystem) entries.push_back({dir, Scope::any_relation, "a directory of the system"});
  for (const auto& [dir, why] :
       std::initializer_list<std::pair<stdfs::path, const char*>>{{paths.config, "scc's configuration"},
                                                                  {paths.cache, "scc's cache"},
                                                                  {paths.state, "scc's state"},
                                                                  {paths.data, "scc's data"},
                                                                  {paths.runtime, "scc's locks"},
                                                                  {paths.plugins, "scc's plugins"},
                                                                  {paths.libexec, "scc's programs"},
                                                                  {paths.share, "scc's installed files"},
                                                                  {env.executable, "the running scc"}}) {
    if (dir.is_absolute()) entries.push_back({dir, Scope::any_relation, why});
  }
  for (const stdfs::path& dir : sources.plugin_dirs) {
    const stdfs::path whole = dir.is_absolute() ? dir : env.cwd / dir;
    entries.push_back({whole, Scope::any_relation, "scc's plugins"});
  }
  for (const std::string& text : sources.engine_sockets)
    add_foreign(entries, env, text, "an engine's socket");
  for (const std::string& text : sources.protected_paths)
    add_foreign(entries, env, text, "protected by a plugin");
  return entries;
}

Status check_protected(const stdfs::path& path, const std::vector<ProtectedEntry>& entries,
                       std::string_view what) {
  Identities identities;
  const Subject subject{path, identities.of(path), identities.chain(path)};
  for (const ProtectedEntry& entry : entries) {
    for (const stdfs::path& spelling : spellings(entry.path)) {
      const Relation found = relation(subject, spelling, identities);
      if (found == Relation::none) continue;
      if (found == Relation::under && entry.scope == Scope::is_or_contains) continue;
      return refused(path, found, entry, what);
    }
  }
  return {};
}

}  // namespace scc::workspace
