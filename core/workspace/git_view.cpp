// SPDX-License-Identifier: Apache-2.0
// Which parts of an admin directory the agent may not write. Read-only binds only hold what exists, so a
// directory or file that git would obey if the agent made it (hooks/, commondir) is created first. Inside
// the sandbox a mount point cannot be renamed away, but a plain directory with one below it can: see
// pin_parents().
#include "workspace/git_view.h"

#include <algorithm>
#include <cerrno>
#include <utility>
#include <vector>

#include <sys/stat.h>

#include "base/str.h"
#include "workspace/git_config.h"
#include "workspace/git_files.h"
#include "workspace/path_map.h"

namespace scc::workspace {

namespace detail {

namespace {

constexpr std::size_t kConfigLimit = std::size_t{1} << 20U;
constexpr std::size_t kMaxWorktrees = 64;
constexpr std::size_t kMaxModules = 128;
constexpr int kMaxModuleDepth = 8;
constexpr const char* kGuard = ".\n";

Status read_only_if_present(BindList& binds, const Beneath& admin, const stdfs::path& relative) {
  SCC_TRY(const EntryType found, admin.type(relative));
  if (found != EntryType::none) binds.add(admin.base() / relative, true, found == EntryType::directory);
  return {};
}

Status hooks_read_only(BindList& binds, const Beneath& admin, const stdfs::path& hooks) {
  SCC_TRY(const EntryType found, admin.type(hooks));
  if (found == EntryType::none) {
    binds.create(admin.base() / hooks, true, {}, false);
    return {};
  }
  if (found == EntryType::file) {
    return fail(Kind::policy, "git.unsafe", str::printable((admin.base() / hooks).native()) + " is a file",
                "remove it, or work on a fresh clone");
  }
  binds.add(admin.base() / hooks, true, true);
  return {};
}

// git reads <dir>/commondir, when there is one, and then takes config and hooks from the directory it names:
// a new file would undo the read-only config. "." names the directory itself; only core.bare and
// core.worktree lose their meaning beside it.
Status guard_commondir(BindList& binds, const Beneath& admin, const std::vector<ConfigEntry>& config,
                       bool& odd) {
  SCC_TRY(const EntryType found, admin.type("commondir"));
  SCC_TRY(const std::string text, found == EntryType::file ? admin.text("commondir", 4096) : std::string{});
  const stdfs::path path = admin.base() / "commondir";
  // What an earlier session left counts as ours: the plan stays the same, and the file goes in the end.
  if (found == EntryType::none || text == kGuard) {
    if (config_true(config_value(config, "core", "bare")) || config_value(config, "core", "worktree")) {
      binds.warn("this repository sets core.bare or core.worktree: " + str::printable(path.native()) +
                 " cannot be kept from the agent, so do not run git on this machine while it works");
      return {};
    }
    binds.create(path, false, kGuard, true);
    return {};
  }
  odd = found != EntryType::file || str::trim(text) != ".";
  binds.add(path, true, found == EntryType::directory);
  return {};
}

Status config_worktree(BindList& binds, const Beneath& admin, const stdfs::path& relative, bool used) {
  SCC_TRY(const EntryType found, admin.type(relative));
  if (found == EntryType::none && used) {
    binds.create(admin.base() / relative, false, {}, false);
  } else if (found != EntryType::none) {
    binds.add(admin.base() / relative, true, found == EntryType::directory);
  }
  return {};
}

Status protect_worktrees(BindList& binds, const Beneath& admin, const std::string& own,
                         bool worktree_config) {
  SCC_TRY(const EntryType found, admin.type("worktrees"));
  if (found == EntryType::none) return {};
  SCC_TRY(const auto names, admin.names("worktrees", kMaxWorktrees));
  const stdfs::path base = admin.base() / "worktrees";
  if (names.size() > kMaxWorktrees) {
    binds.add(base, true, true);
    binds.warn("more than " + std::to_string(kMaxWorktrees) + " worktrees: the agent cannot add another");
    if (!own.empty()) binds.add(base / own, false, true);
  }
  for (const std::string& name : names) {
    const stdfs::path relative = stdfs::path{"worktrees"} / name;
    SCC_TRY(const EntryType type, admin.type(relative));
    if (names.size() <= kMaxWorktrees && name != own)
      binds.add(base / name, true, type == EntryType::directory);
  }
  if (own.empty()) return {};
  const stdfs::path mine = stdfs::path{"worktrees"} / own;
  SCC_CHECK(read_only_if_present(binds, admin, mine / "gitdir"));
  SCC_CHECK(read_only_if_present(binds, admin, mine / "commondir"));
  return config_worktree(binds, admin, mine / "config.worktree", worktree_config);
}

// Submodules' admin directories below modules/, whose names may hold slashes. False when there are too many.
Result<bool> protect_modules(BindList& binds, const Beneath& admin, const stdfs::path& relative, int depth,
                             std::size_t& budget) {
  if (depth > kMaxModuleDepth) return false;
  SCC_TRY(const auto names, admin.names(relative, kMaxModules));
  for (const std::string& name : names) {
    if (budget == 0) return false;
    --budget;
    const stdfs::path child = relative / name;
    SCC_TRY(const EntryType type, admin.type(child));
    if (type != EntryType::directory) continue;
    SCC_TRY(const EntryType head, admin.type(child / "HEAD"));
    if (head == EntryType::none) {
      SCC_TRY(const bool whole, protect_modules(binds, admin, child, depth + 1, budget));
      if (!whole) return false;
      continue;
    }
    SCC_CHECK(protect_module(binds, admin, child));
    SCC_TRY(const EntryType nested, admin.type(child / "modules"));
    if (nested == EntryType::directory) {
      SCC_TRY(const bool whole, protect_modules(binds, admin, child / "modules", depth + 1, budget));
      if (!whole) return false;
    }
  }
  return true;
}

// Configuration that leads git to files which the agent writes anyway.
void look_at_config(BindList& binds, const Beneath& admin, const std::vector<ConfigEntry>& config) {
  const auto inside = [&](const std::string& value, const stdfs::path& base) {
    const stdfs::path path =
        (stdfs::path{value}.is_absolute() ? stdfs::path{value} : base / value).lexically_normal();
    return is_within(path, binds.root()) || is_within(path, admin.base());
  };
  const std::string where = str::printable((admin.base() / "config").native());
  for (const ConfigEntry& entry : config) {
    const bool includes = (entry.section == "include" || entry.section == "includeif") && entry.key == "path";
    const bool hooks = entry.section == "core" && entry.subsection.empty() && entry.key == "hookspath";
    if (entry.value.empty() || entry.value[0] == '~') continue;
    if ((includes && inside(entry.value, admin.base())) || (hooks && inside(entry.value, binds.root()))) {
      binds.warn(where + " points to " + str::printable(entry.value) +
                 ", which the agent can write: what it puts there runs when you use git on this machine");
    }
  }
}

}  // namespace

Status protect_module(BindList& binds, const Beneath& admin, const stdfs::path& relative) {
  SCC_CHECK(read_only_if_present(binds, admin, relative / "config"));
  SCC_CHECK(read_only_if_present(binds, admin, relative / "config.worktree"));
  return hooks_read_only(binds, admin, relative / "hooks");
}

Status protect_admin(BindList& binds, const stdfs::path& base, const std::string& own_worktree) {
  SCC_TRY(const Beneath admin, Beneath::open(base));
  SCC_TRY(const EntryType config_type, admin.type("config"));
  if (config_type != EntryType::file) {
    // The agent could make one: nothing in here may be written then.
    binds.add(base, true, true);
    binds.warn(str::printable(base.native()) + " has no config file: the agent sees it read-only");
    return {};
  }
  SCC_TRY(const std::string config_text, admin.text("config", kConfigLimit));
  const auto config = parse_git_config(config_text);
  const bool worktree_config = config_true(config_value(config, "extensions", "worktreeconfig"));
  GitView inner_view;  // thrown away when the whole directory turns read-only
  BindList inner{inner_view, binds.root()};
  bool odd = false;
  inner.add(base / "config", true, false);
  SCC_CHECK(hooks_read_only(inner, admin, "hooks"));
  SCC_CHECK(guard_commondir(inner, admin, config, odd));
  SCC_CHECK(config_worktree(inner, admin, "config.worktree", worktree_config));
  SCC_CHECK(read_only_if_present(inner, admin, "info/attributes"));
  SCC_CHECK(read_only_if_present(inner, admin, "objects/info/alternates"));
  SCC_CHECK(protect_worktrees(inner, admin, own_worktree, worktree_config));
  look_at_config(inner, admin, config);
  SCC_TRY(const EntryType modules, admin.type("modules"));
  if (modules == EntryType::directory) {
    GitView module_view;
    BindList module_binds{module_view, binds.root()};
    std::size_t budget = kMaxModules;
    SCC_TRY(const bool whole, protect_modules(module_binds, admin, "modules", 0, budget));
    if (whole) {
      inner.merge(module_view);
    } else {
      inner.add(base / "modules", true, true);
      inner.warn("too many submodules: the agent sees " + str::printable((base / "modules").native()) +
                 " read-only");
    }
  }
  if (odd) {
    binds.add(base, true, true);
    binds.warn(str::printable((base / "commondir").native()) +
               " points elsewhere: the agent sees the git directory read-only");
    return {};
  }
  binds.add(base, false, true);
  binds.merge(inner_view);
  return {};
}

// A mount point cannot be renamed, a plain directory above it can: `mv .git/modules x` would leave the path
// of a protected file to the agent. So every directory between a writable bind (or the workspace) and a bind
// below it becomes a bind of its own.
static void pin_parents(GitView& view, const stdfs::path& root) {
  GitView pinned;
  BindList out{pinned, root};
  for (GitBind& bind : view.binds) {
    std::vector<stdfs::path> between;
    bool writable = false;  // outside of all binds nothing is mounted, and nothing can be renamed
    for (stdfs::path dir = bind.path.parent_path(); dir != dir.root_path(); dir = dir.parent_path()) {
      const auto above = std::find_if(pinned.binds.begin(), pinned.binds.end(),
                                      [&dir](const GitBind& other) { return other.path == dir; });
      if (above != pinned.binds.end() || dir == root) {
        writable = above == pinned.binds.end() || !above->read_only;
        break;
      }
      between.push_back(dir);
    }
    if (writable) {
      std::for_each(between.rbegin(), between.rend(), [&out](const auto& dir) { out.add(dir, false, true); });
    }
    pinned.binds.push_back(std::move(bind));
  }
  view.binds = std::move(pinned.binds);
}

}  // namespace detail

Result<GitView> inspect_git(const stdfs::path& root, const GitOptions& options) {
  using detail::EntryType;
  GitView view;
  SCC_TRY(const detail::Beneath top, detail::Beneath::open(root));
  SCC_TRY(const EntryType type, top.type(".git"));
  if (type == EntryType::none) return view;
  if (type == EntryType::file) {
    SCC_CHECK(detail::follow_pointer(view, root, options));
    detail::pin_parents(view, root);
    return view;
  }
  view.kind = GitKind::directory;
  view.git_dir = root / ".git";
  view.common_dir = view.git_dir;
  detail::BindList binds{view, root};
  SCC_CHECK(detail::protect_admin(binds, view.git_dir));
  detail::pin_parents(view, root);
  detail::read_head(view);
  return view;
}

}  // namespace scc::workspace
