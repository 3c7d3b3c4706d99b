// SPDX-License-Identifier: Apache-2.0
#include "workspace/git_files.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <dirent.h>
#include <fcntl.h>
#include <memory>
#include <unistd.h>

#include "base/str.h"
#include "workspace/path_map.h"

#if !defined(O_PATH)
// macOS: a plain open. Linux refuses O_PATH with flags such as these.
#define O_PATH (O_RDONLY | O_NONBLOCK | O_NOCTTY)
#endif

namespace scc::workspace::detail {

namespace {

tl::unexpected<Error> link_error(const stdfs::path& path) {
  return fail(Kind::policy, "git.link",
              str::printable(path.native()) +
                  " is, or lies behind, a symbolic link; scc cannot keep it out of the agent's reach",
              "replace the link by a real file or directory, or work on a fresh clone");
}

Result<os::Fd> open_quietly(const Beneath& dir, const stdfs::path& relative, int flags) {
  auto fd = os::open_beneath(dir.fd(), relative, flags);
  if (!fd && fd.error().id == "os.link") return link_error(dir.base() / relative);
  return fd;
}

struct CloseDir {
  void operator()(DIR* dir) const noexcept { ::closedir(dir); }
};

}  // namespace

Result<Beneath> Beneath::open(const stdfs::path& base) {
  os::Fd fd{::open(base.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (!fd) return fail(os::errno_error("open", base, errno));
  return Beneath{std::move(fd), base};
}

Result<struct stat> Beneath::info(const stdfs::path& relative) const {
  SCC_TRY(const os::Fd fd, open_quietly(*this, relative, O_PATH));
  struct stat seen {};
  if (::fstat(fd.get(), &seen) != 0) return fail(os::errno_error("stat", base_ / relative, errno));
  return seen;
}

Result<EntryType> Beneath::type(const stdfs::path& relative) const {
  auto seen = info(relative);
  if (!seen) {
    if (seen.error().kind == Kind::not_found) return EntryType::none;
    return fail(std::move(seen).error());
  }
  if (S_ISREG(seen->st_mode)) return EntryType::file;
  if (S_ISDIR(seen->st_mode)) return EntryType::directory;
  return fail(Kind::policy, "git.unsafe",
              str::printable((base_ / relative).native()) + " is neither a file nor a directory",
              "remove it, or work on a fresh clone");
}

Result<std::string> Beneath::text(const stdfs::path& relative, std::size_t limit) const {
  SCC_TRY(const EntryType found, type(relative));
  if (found == EntryType::none) return std::string{};
  return os::read_beneath(base_, relative, limit);
}

Result<std::vector<std::string>> Beneath::names(const stdfs::path& relative, std::size_t limit) const {
  SCC_TRY(os::Fd fd, open_quietly(*this, relative, O_RDONLY | O_DIRECTORY));
  const std::unique_ptr<DIR, CloseDir> dir{::fdopendir(fd.get())};
  if (!dir) return fail(os::errno_error("open", base_ / relative, errno));
  fd.release();
  std::vector<std::string> names;
  while (const dirent* entry = ::readdir(dir.get())) {
    if (std::strcmp(entry->d_name, ".") == 0 || std::strcmp(entry->d_name, "..") == 0) continue;
    names.emplace_back(entry->d_name);
    if (names.size() > limit) break;
  }
  std::sort(names.begin(), names.end());
  return names;
}

void BindList::add(const stdfs::path& path, bool read_only, bool directory) {
  GitBind bind{path, {}, read_only, directory};
  if (is_within(path, root_)) bind.relative = path.lexically_relative(root_);
  view_.binds.push_back(std::move(bind));
}

void BindList::create(const stdfs::path& path, bool directory, std::string text, bool temporary) {
  // A read-only file system, or a directory of somebody else: what we cannot make there, the agent, who has
  // the same uid or less, cannot make either.
  if (::faccessat(AT_FDCWD, path.parent_path().c_str(), W_OK, AT_EACCESS) != 0) return;
  view_.create.push_back({path, directory, std::move(text), temporary});
  add(path, true, directory);
}

void BindList::merge(const GitView& other) {
  view_.binds.insert(view_.binds.end(), other.binds.begin(), other.binds.end());
  view_.create.insert(view_.create.end(), other.create.begin(), other.create.end());
  view_.warnings.insert(view_.warnings.end(), other.warnings.begin(), other.warnings.end());
}

void read_head(GitView& view) {
  const auto dir = Beneath::open(view.git_dir);
  if (!dir) return;
  const auto text = dir->text("HEAD", 4096);
  if (!text) return;
  const std::string_view line = str::trim(*text);
  constexpr std::string_view prefix = "ref: refs/heads/";
  if (str::starts_with(line, prefix)) {
    view.branch = str::printable(line.substr(prefix.size(), 1024));
  } else if ((line.size() == 40 || line.size() == 64) &&
             line.find_first_not_of("0123456789abcdef") == std::string_view::npos) {
    view.commit = std::string{line};
  }
}

}  // namespace scc::workspace::detail
