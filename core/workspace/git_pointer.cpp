// SPDX-License-Identifier: Apache-2.0
// A .git file is content of the workspace: a hostile repository would like to choose what is mounted. So both
// ends must agree (the admin directory names this very workspace), everything is owned by the owner, nothing
// is a link or protected, and the user has consented. Otherwise only the workspace goes in, with the pointer
// bound read-only, and a warning says why.
#include <algorithm>
#include <cerrno>

#include "base/str.h"
#include "workspace/git_config.h"
#include "workspace/git_files.h"
#include "workspace/path_map.h"
#include "workspace/resolve.h"

namespace scc::workspace::detail {

namespace {

constexpr std::size_t kPointerLimit = 4096;

tl::unexpected<Error> unverified(const std::string& why) {
  return fail(Kind::policy, "git.unverified", why);
}

// A path written in a file: absolute, or relative to `base`; without links, control characters or surprises.
Result<stdfs::path> written_path(std::string_view text, const stdfs::path& base) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r')) text.remove_suffix(1);
  if (text.empty()) return unverified("it is empty");
  stdfs::path path{std::string{text}};
  SCC_CHECK(check_path_text(path));
  if (path.is_relative()) path = base / path;
  path = path.lexically_normal();
  if (!path.has_filename()) path = path.parent_path();
  return path;
}

Status no_links(const stdfs::path& path) {
  std::error_code ec;
  const stdfs::path real = stdfs::canonical(path, ec);
  const std::string shown = str::printable(path.native());
  if (ec) return unverified(shown + " does not exist");
  if (real != path) return unverified(shown + " lies behind a symbolic link");
  return {};
}

Status owned_by(const Beneath& dir, uid_t owner) {
  SCC_TRY(const struct stat info, dir.info("."));
  if (info.st_uid == owner) return {};
  return unverified(str::printable(dir.base().native()) + " belongs to uid " + std::to_string(info.st_uid));
}

Status looks_like_repository(const Beneath& dir) {
  const std::string shown = str::printable(dir.base().native());
  SCC_TRY(const EntryType head, dir.type("HEAD"));
  SCC_TRY(const EntryType config, dir.type("config"));
  SCC_TRY(const EntryType objects, dir.type("objects"));
  SCC_TRY(const EntryType refs, dir.type("refs"));
  if (head == EntryType::file && config == EntryType::file && objects == EntryType::directory &&
      refs == EntryType::directory) {
    return {};
  }
  return unverified(shown + " is no git repository");
}

struct Target {
  GitKind kind = GitKind::unverified;
  stdfs::path git_dir;
  stdfs::path common_dir;
  std::string own_worktree;
};

// <common>/worktrees/<name>, whose gitdir file names this workspace and whose commondir names <common>.
Result<Target> verify_worktree(const Beneath& admin, const stdfs::path& root) {
  const stdfs::path worktrees = admin.base().parent_path();
  const stdfs::path common = worktrees.parent_path();
  if (worktrees.filename() != "worktrees") return unverified("it does not lie in a worktrees directory");
  SCC_TRY(const std::string common_text, admin.text("commondir", kPointerLimit));
  SCC_TRY(const stdfs::path named, written_path(common_text, admin.base()));
  if (named != common) return unverified("its commondir names " + str::printable(named.native()));
  SCC_TRY(const std::string back_text, admin.text("gitdir", kPointerLimit));
  SCC_TRY(const stdfs::path back, written_path(back_text, admin.base()));
  if (back != root / ".git")
    return unverified("it belongs to " + str::printable(back.native()) + ", not to this workspace");
  return Target{GitKind::worktree, admin.base(), common, admin.base().filename().native()};
}

// A submodule's admin directory names its working tree in core.worktree.
Result<Target> verify_submodule(const Beneath& admin, const stdfs::path& root) {
  SCC_TRY(const std::string text, admin.text("config", std::size_t{1} << 20U));
  const auto worktree = config_value(parse_git_config(text), "core", "worktree");
  if (!worktree) return unverified("it does not name a working tree");
  SCC_TRY(const stdfs::path back, written_path(*worktree, admin.base()));
  if (back != root)
    return unverified("it belongs to " + str::printable(back.native()) + ", not to this workspace");
  return Target{GitKind::submodule, admin.base(), admin.base(), {}};
}

Status check_external(const Target& target, const Beneath& admin, const stdfs::path& root,
                      const GitOptions& options) {
  if (is_within(root, target.common_dir)) {
    return unverified("it contains the workspace, and with it other checkouts");
  }
  SCC_TRY(const Beneath common, Beneath::open(target.common_dir));
  SCC_CHECK(owned_by(admin, options.owner_uid));
  SCC_CHECK(owned_by(common, options.owner_uid));
  return check_protected(target.common_dir, options.protected_entries, "git directory");
}

Result<Target> verify(const stdfs::path& root, const std::string& pointer, const GitOptions& options) {
  constexpr std::string_view prefix = "gitdir: ";
  if (!str::starts_with(pointer, prefix)) return unverified("it is no pointer to a git directory");
  SCC_TRY(const stdfs::path git_dir, written_path(std::string_view{pointer}.substr(prefix.size()), root));
  if (git_dir == root || is_within(root, git_dir)) return unverified("it points to the workspace itself");
  SCC_CHECK(no_links(git_dir));
  SCC_TRY(const Beneath admin, Beneath::open(git_dir));
  SCC_TRY(const EntryType linked, admin.type("commondir"));
  Result<Target> found = Target{GitKind::directory, git_dir, git_dir, {}};
  if (linked != EntryType::none) {
    found = verify_worktree(admin, root);
  } else if (!is_within(git_dir, root)) {
    found = verify_submodule(admin, root);
  }
  SCC_TRY(Target target, std::move(found));
  SCC_TRY(const Beneath common, Beneath::open(target.common_dir));
  SCC_CHECK(looks_like_repository(common));
  if (!is_within(target.common_dir, root)) SCC_CHECK(check_external(target, admin, root, options));
  return target;
}

Status protect_target(BindList& binds, const Target& target) {
  if (target.kind != GitKind::submodule) return protect_admin(binds, target.common_dir, target.own_worktree);
  SCC_TRY(const Beneath admin, Beneath::open(target.git_dir));
  binds.add(target.git_dir, false, true);
  return protect_module(binds, admin, "");
}

}  // namespace

Status follow_pointer(GitView& view, const stdfs::path& root, const GitOptions& options) {
  view.kind = GitKind::unverified;
  BindList binds{view, root};
  const stdfs::path file = root / ".git";
  const std::string shown = str::printable(file.native());
  binds.add(file, true, false);
  const std::string without = "; only the workspace is mounted, and git does not work in the sandbox";
  const auto pointer = os::read_beneath(root, ".git", kPointerLimit);
  if (!pointer) {
    binds.warn(pointer.error().message + without);
    return {};
  }
  auto target = verify(root, *pointer, options);
  if (!target) {
    binds.warn("the git directory that " + shown + " points to is not used: " + target.error().message +
               without);
    return {};
  }
  const bool external = !is_within(target->common_dir, root);
  GitView inner;
  BindList inner_binds{inner, root};
  if (!external || options.allow_external_git_dir) {
    if (auto status = protect_target(inner_binds, *target); !status) {
      if (!external) return status;
      binds.warn("the git directory that " + shown + " points to is not used: " + status.error().message +
                 without);
      return {};
    }
  }
  view.kind = target->kind;
  view.git_dir = target->git_dir;
  view.common_dir = target->common_dir;
  read_head(view);
  binds.merge(inner);
  if (external && options.allow_external_git_dir) view.external_root = target->common_dir;
  if (external && !options.allow_external_git_dir) {
    binds.warn("the repository of this checkout lies in " + str::printable(target->common_dir.native()) +
               without + "; to mount it too: --allow-external-git-dir");
  }
  return {};
}

}  // namespace scc::workspace::detail
