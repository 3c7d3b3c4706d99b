// SPDX-License-Identifier: Apache-2.0
// The search walks upward from the real current directory, stops at the file system's boundary and never
// looks at "/" itself. A .git or .scc.yaml that belongs to somebody else is passed over: in a shared /tmp
// anyone may plant one.
#include "workspace/resolve.h"

#include <algorithm>
#include <array>
#include <cerrno>

#include <sys/stat.h>

#include "base/str.h"
#include "workspace/path_map.h"

namespace scc::workspace {

namespace {

// An ancestor chain longer than this is no real project.
constexpr int kMaxLevels = 256;

bool lstat_of(const stdfs::path& path, struct stat& info) {
  return ::lstat(path.c_str(), &info) == 0;
}

bool ours(const struct stat& info, const os::Environment& env) {
  // Root works for whoever owns the workspace (sudo, CI).
  return env.uid == 0 || info.st_uid == env.uid || info.st_uid == 0;
}

bool plain_directory(const stdfs::path& path) {
  struct stat info {};
  return lstat_of(path, info) && S_ISDIR(info.st_mode);
}

// A link counts as a repository here, as it does for git, so that the refusal comes with its reason later.
bool looks_like_git(const stdfs::path& dir, const os::Environment& env) {
  const stdfs::path dot = dir / ".git";
  struct stat info {};
  if (!lstat_of(dot, info) || !ours(info, env)) return false;
  if (S_ISLNK(info.st_mode)) return true;
  if (S_ISREG(info.st_mode)) {
    const auto text = os::read_file(dot, 4096);
    return text && str::starts_with(*text, "gitdir: ");
  }
  struct stat head {};
  return S_ISDIR(info.st_mode) && lstat_of(dot / "HEAD", head) &&
         (S_ISREG(head.st_mode) || S_ISLNK(head.st_mode)) && plain_directory(dot / "objects") &&
         plain_directory(dot / "refs");
}

bool has_config(const stdfs::path& dir, const os::Environment& env) {
  struct stat info {};
  return lstat_of(dir / ".scc.yaml", info) && S_ISREG(info.st_mode) && ours(info, env);
}

template <class Predicate>
std::optional<stdfs::path> nearest(const stdfs::path& start, Predicate predicate) {
  struct stat first {};
  if (!lstat_of(start, first)) return std::nullopt;
  stdfs::path at = start;
  for (int level = 0; level < kMaxLevels && at.has_relative_path(); ++level) {
    struct stat info {};
    if (!lstat_of(at, info) || info.st_dev != first.st_dev) return std::nullopt;
    if (predicate(at)) return at;
    at = at.parent_path();
  }
  return std::nullopt;
}

std::vector<std::string> markers_in(const stdfs::path& dir, const std::vector<std::string>& markers) {
  std::vector<std::string> found;
  for (const std::string& marker : markers) {
    if (marker.empty() || marker.find('/') != std::string::npos) continue;
    if (marker.find('*') == std::string::npos) {
      struct stat info {};
      if (lstat_of(dir / marker, info)) found.push_back(marker);
      continue;
    }
    std::error_code ec;
    int seen = 0;  // a hostile directory may hold millions of entries
    for (stdfs::directory_iterator it(dir, ec), end; !ec && it != end && seen < 4096;
         it.increment(ec), ++seen) {
      if (!str::glob_component(marker, it->path().filename().native())) continue;
      found.push_back(marker);
      break;
    }
  }
  return found;
}

struct Suspect {
  stdfs::path path;
  const char* why;
};

std::vector<Suspect> suspects(const stdfs::path& home) {
  std::vector<Suspect> list;
  for (const char* dir : {"/tmp", "/var/tmp", "/private/tmp"})
    list.push_back({dir, "the directory for temporary files"});
  for (const char* dir :
       {"/",      "/var",     "/opt",     "/srv",          "/mnt",     "/media",  "/usr",    "/etc",
        "/proc",  "/dev",     "/sys",     "/run",          "/boot",    "/bin",    "/sbin",   "/lib",
        "/lib64", "/var/lib", "/var/log", "/Applications", "/Library", "/System", "/Volumes"}) {
    list.push_back({dir, "a directory of the system"});
  }
  for (const char* dir : {"/home", "/Users", "/root"}) list.push_back({dir, "where home directories are"});
  if (home.empty()) return list;
  list.push_back({home, "your home directory"});
  for (const char* dir :
       {"Downloads", "Desktop", "Documents", "Library", ".config", ".local", ".local/bin", ".cache", "bin"}) {
    list.push_back({home / dir, "a directory of your account, not of one project"});
  }
  return list;
}

void mark_suspicious(Workspace& workspace, const stdfs::path& home) {
  for (const Suspect& suspect : suspects(home)) {
    struct stat info {};
    const bool same =
        workspace.root == suspect.path || (::stat(suspect.path.c_str(), &info) == 0 &&
                                           info.st_dev == workspace.device && info.st_ino == workspace.inode);
    if (!same) continue;
    workspace.suspicious = true;
    workspace.suspicious_why = std::string{"it is "} + suspect.why;
    return;
  }
  for (stdfs::path at = home; at.has_relative_path();) {
    at = at.parent_path();
    if (at != workspace.root) continue;
    workspace.suspicious = true;
    workspace.suspicious_why = "it holds your home directory";
  }
}

Result<stdfs::path> real_path(const stdfs::path& given) {
  std::error_code ec;
  stdfs::path real = stdfs::canonical(given, ec);
  if (!ec) return real;
  const std::string shown = str::printable(given.native());
  if (ec.value() == ENOENT || ec.value() == ENOTDIR) {
    return fail(Kind::not_found, "workspace.not-found", "workspace " + shown + " does not exist",
                "check the path, or make it: mkdir -p " + shown);
  }
  return fail(os::errno_error("resolve", given, ec.value()));
}

Result<stdfs::path> explicit_root(const os::Environment& env, const std::string& given) {
  if (given.empty() || given.find('\0') != std::string::npos) {
    return fail(Kind::usage, "workspace.path", "the workspace path is empty or holds a NUL byte",
                "give a directory: scc start DIR");
  }
  stdfs::path path = given;
  if (given == "~") path = env.home();
  if (str::starts_with(given, "~/")) path = env.home() / given.substr(2);
  if (path.is_relative()) path = env.cwd / path;
  return real_path(path);
}

tl::unexpected<Error> nothing_found(const os::Environment& env, const std::vector<std::string>& markers) {
  const std::string here = str::printable(env.cwd.native());
  const auto found = markers_in(env.cwd, markers);
  std::string hint = "name one: scc start DIR";
  if (!found.empty()) hint = "this directory has " + found[0] + "; to use it: scc start .";
  return fail(Kind::usage, "workspace.none",
              "no workspace: " + here + " is in no git repository of yours and has no .scc.yaml above it",
              std::move(hint));
}

Status detect(const os::Environment& env, const std::vector<std::string>& markers, Workspace& workspace) {
  if (env.cwd.empty()) {
    return fail(Kind::not_found, "workspace.not-found", "the current directory no longer exists",
                "change into a directory, or name one: scc start DIR");
  }
  workspace.auto_detected = true;
  const stdfs::path home = env.home();
  const auto holds_home = [&](const stdfs::path& dir) {
    return !home.empty() && detail::is_within(home, dir);
  };
  // A repository of dotfiles in the home directory is not meant by whoever stands somewhere below.
  if (const auto top = nearest(env.cwd, [&](const stdfs::path& dir) {
        return (dir == env.cwd || !holds_home(dir)) && looks_like_git(dir, env);
      })) {
    workspace.root = *top;
    workspace.reason = "git repository around " + str::printable(env.cwd.native());
    return {};
  }
  const auto configured =
      nearest(env.cwd, [&](const stdfs::path& dir) { return !holds_home(dir) && has_config(dir, env); });
  if (!configured) return nothing_found(env, markers);
  workspace.root = *configured;
  workspace.reason = "nearest directory with .scc.yaml";
  return {};
}

Status identify(Workspace& workspace) {
  const std::string shown = str::printable(workspace.root.native());
  struct stat info {};
  if (::lstat(workspace.root.c_str(), &info) != 0)
    return fail(os::errno_error("stat", workspace.root, errno));
  if (S_ISREG(info.st_mode)) {
    return fail(Kind::usage, "workspace.not-directory", "workspace " + shown + " is a file",
                "give its directory: scc start " + str::printable(workspace.root.parent_path().native()));
  }
  if (!S_ISDIR(info.st_mode)) {
    return fail(Kind::policy, "workspace.protected",
                "workspace " + shown +
                    " is refused: it is a socket, pipe or device, and those are never given to an agent",
                "give a project directory: scc start DIR");
  }
  workspace.owner_uid = info.st_uid;
  workspace.owner_gid = info.st_gid;
  workspace.device = info.st_dev;
  workspace.inode = info.st_ino;
  return {};
}

}  // namespace

Status check_path_text(const stdfs::path& path) {
  const std::string& text = path.native();
  const bool control = std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
  if (!control && str::valid_utf8(text)) return {};
  return fail(Kind::usage, "workspace.path",
              "path " + str::printable(text) +
                  (control ? " holds a line break or another control character" : " is not valid UTF-8"),
              "rename the directory");
}

Result<Workspace> resolve(const os::Environment& env, const std::optional<std::string>& explicit_path,
                          const std::vector<std::string>& markers) {
  Workspace workspace;
  if (explicit_path) {
    SCC_TRY(workspace.root, explicit_root(env, *explicit_path));
    workspace.reason = "given on the command line";
  } else {
    SCC_CHECK(detect(env, markers, workspace));
  }
  SCC_CHECK(check_path_text(workspace.root));
  SCC_CHECK(identify(workspace));
  const bool below = !env.cwd.empty() && detail::is_within(env.cwd, workspace.root);
  workspace.entry_dir = below && check_path_text(env.cwd) ? env.cwd : workspace.root;
  workspace.target = workspace.root;
  workspace.source = workspace.root;
  if (const auto map = env.get("SCC_WORKSPACE_PATH_MAP"); map && !map->empty()) {
    SCC_TRY(workspace.source, detail::apply_path_map(*map, workspace.root));
    SCC_CHECK(check_path_text(workspace.source));
    workspace.mapped = workspace.source != workspace.root;
  }
  workspace.markers = markers_in(workspace.root, markers);
  mark_suspicious(workspace, env.home());
  return workspace;
}

Status unchanged(const Workspace& workspace) {
  struct stat info {};
  std::error_code ec;
  const bool same = ::lstat(workspace.root.c_str(), &info) == 0 && S_ISDIR(info.st_mode) &&
                    info.st_dev == workspace.device && info.st_ino == workspace.inode &&
                    stdfs::canonical(workspace.root, ec) == workspace.root && !ec;
  if (same) return {};
  return fail(
      Kind::policy, "workspace.changed",
      "workspace " + str::printable(workspace.root.native()) + " was replaced while the session was prepared",
      "run the command again");
}

}  // namespace scc::workspace
