// SPDX-License-Identifier: Apache-2.0
#include "guarded.h"

#include <errno.h>

static const char* const kFolders[] = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin",
                                       "/sbin",           "/bin",           "/opt/bin"};
static const char* const kTools[] = {"git", "curl", "wget", "ssh", "scp", "sftp", "rsync"};

// Git's own directory holds a second git, and on some systems each command as a hard link to it.
static const char* const kGitFolders[] = {"/usr/lib/git-core", "/usr/libexec/git-core",
                                          "/usr/local/lib/git-core", "/usr/local/libexec/git-core"};
static const char* const kGitTools[] = {
    "git",           "git-push",   "git-send-pack",   "git-reset",        "git-checkout", "git-switch",
    "git-restore",   "git-branch", "git-clean",       "git-stash",        "git-worktree", "git-update-ref",
    "git-read-tree", "git-reflog", "git-gc",          "git-prune",        "git-rm",       "git-fetch",
    "git-pull",      "git-repack", "git-fast-import", "git-symbolic-ref", "git-config",   "git-tag"};

#define LENGTH(list) (sizeof(list) / sizeof(list)[0])

void look_at_tool(const char* folder, const char* name, const struct stat* guard, GuardFinding* finding) {
  struct stat info;
  TextBuffer path = {0};
  text_string(&path, folder);
  text_bytes(&path, "/", 1);
  text_string(&path, name);
  if (path.failed) {
    finding->unguarded.overflow = true;
  } else if (stat(path.data, &info) == 0) {
    const bool same = info.st_dev == guard->st_dev && info.st_ino == guard->st_ino;
    add_find(same ? &finding->guarded : &finding->unguarded, path.data);
  } else if (errno != ENOENT && errno != ENOTDIR) {
    // What cannot be looked at could be run all the same.
    add_find(&finding->unguarded, path.data);
  }
  text_free(&path);
}

void gather_guard(const CheckOptions* options, GuardFinding* finding) {
  struct stat guard;
  if (options->guard == NULL) return;
  finding->error = stat(options->guard, &guard) == 0 ? 0 : errno;
  if (finding->error == 0 && !S_ISREG(guard.st_mode)) finding->error = EINVAL;
  if (finding->error != 0) return;
  for (size_t i = 0; i < LENGTH(kFolders); ++i) {
    for (size_t k = 0; k < LENGTH(kTools); ++k) look_at_tool(kFolders[i], kTools[k], &guard, finding);
  }
  for (size_t i = 0; i < LENGTH(kGitFolders); ++i) {
    for (size_t k = 0; k < LENGTH(kGitTools); ++k)
      look_at_tool(kGitFolders[i], kGitTools[k], &guard, finding);
  }
}
