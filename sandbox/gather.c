// SPDX-License-Identifier: Apache-2.0
// Gathers the evidence. Nothing here changes the sandbox; the one attempt to write, a new file in /, is
// expected to be refused by the kernel and is undone otherwise.
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "evidence.h"
#include "guarded.h"
#include "network.h"
#include "setid_filter.h"
#include "state_files.h"

enum { kStatusMax = 65536, kMountsMax = 1048576, kUnixMax = 4194304 };

void add_find(FindList* list, const char* text) {
  char* copy = list->count < kFindsMax ? strdup(text) : NULL;
  if (copy == NULL) {
    list->overflow = true;
  } else {
    list->items[list->count++] = copy;
  }
}

static const char* base_name(const char* path) {
  const char* slash = strrchr(path, '/');
  return slash == NULL ? path : slash + 1;
}

// "Uid:\t1000\t1000\t1000\t1000"
static void read_ids(const char* status, const char* name, int64_t ids[4]) {
  const char* at = status_value(status, name);
  for (int i = 0; i < 4; ++i) {
    ids[i] = -1;
    if (at == NULL || *at < '0' || *at > '9') continue;
    ids[i] = 0;
    for (; *at >= '0' && *at <= '9' && ids[i] <= UINT32_MAX; ++at) ids[i] = ids[i] * 10 + (*at - '0');
    if (*at == '\t') ++at;
  }
}

static void gather_status_before(Evidence* evidence) {
  static const char* const kSets[kCapabilitySets] = {"CapEff", "CapPrm", "CapInh", "CapBnd", "CapAmb"};
  evidence->no_new_privs = prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0);
  evidence->seccomp_mode_before = -1;
  evidence->seccomp_filters_before = -1;
  char* status = read_file("/proc/self/status", kStatusMax, NULL);
  read_ids(status != NULL ? status : "", "Uid", evidence->uids);
  read_ids(status != NULL ? status : "", "Gid", evidence->gids);
  if (status == NULL) return;
  evidence->capabilities_known = true;
  for (int i = 0; i < kCapabilitySets; ++i) {
    if (!status_hex(status, kSets[i], &evidence->capabilities[i])) evidence->capabilities_known = false;
  }
  evidence->seccomp_mode_before = status_number(status, "Seccomp");
  evidence->seccomp_filters_before = status_number(status, "Seccomp_filters");
  free(status);
}

static void install_filter(Evidence* evidence) {
  evidence->filter_error = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? setid_filter_install() : errno;
  evidence->seccomp_mode = -1;
  evidence->seccomp_filters = -1;
  char* status = read_file("/proc/self/status", kStatusMax, NULL);
  if (status == NULL) return;
  evidence->seccomp_mode = status_number(status, "Seccomp");
  evidence->seccomp_filters = status_number(status, "Seccomp_filters");
  free(status);
}

static void gather_rootfs(Evidence* evidence) {
  struct statvfs info;
  evidence->rootfs_read_only = statvfs("/", &info) == 0 && (info.f_flag & ST_RDONLY) != 0;
  TextBuffer name = {0};
  text_string(&name, "/.scc-check-");
  text_number(&name, getpid());
  const int fd =
      name.failed ? -1 : open(name.data, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  evidence->create_error = fd < 0 ? errno : 0;
  if (fd >= 0) {
    unlink(name.data);
    close(fd);
  }
  text_free(&name);
}

static void gather_socket_paths(const CheckOptions* options, Evidence* evidence) {
  evidence->sockets = calloc(options->socket_count + 1, sizeof *evidence->sockets);
  if (evidence->sockets == NULL) return;
  for (size_t i = 0; i < options->socket_count; ++i) {
    struct stat info;
    PathFinding* finding = &evidence->sockets[i];
    finding->path = options->sockets[i];
    finding->error = stat(finding->path, &info) == 0 ? 0 : errno;
    finding->present = finding->error == 0;
  }
}

// Mounts that cannot hold a socket of the host, by the kernel's own filesystems. Skipped for speed only.
static bool is_kernel_filesystem(const char* fstype) {
  static const char* const kNames[] = {"proc",   "sysfs",  "cgroup",    "cgroup2",
                                       "devpts", "mqueue", "securityfs"};
  for (size_t i = 0; i < sizeof kNames / sizeof kNames[0]; ++i) {
    if (strcmp(fstype, kNames[i]) == 0) return true;
  }
  return false;
}

// A socket of an engine below a mount that was given another name: the parent directory was bound.
static void find_below(const CheckOptions* options, const char* target, Evidence* evidence) {
  const int dir = open(target, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (dir < 0) return;
  for (size_t i = 0; i < options->socket_count; ++i) {
    struct stat info;
    const char* name = base_name(options->sockets[i]);
    if (*name == '\0' || fstatat(dir, name, &info, 0) != 0 || !S_ISSOCK(info.st_mode)) continue;
    TextBuffer path = {0};
    text_string(&path, strcmp(target, "/") == 0 ? "" : target);
    text_bytes(&path, "/", 1);
    text_string(&path, name);
    if (path.failed) {
      evidence->socket_finds.overflow = true;
    } else {
      add_find(&evidence->socket_finds, path.data);
    }
    text_free(&path);
  }
  close(dir);
}

static void gather_mounts(const CheckOptions* options, Evidence* evidence) {
  // The entries point into this text; both live as long as the process.
  char* text = read_file("/proc/self/mountinfo", kMountsMax, NULL);
  if (text == NULL) return;
  evidence->mounts_known = parse_mounts(text, &evidence->mounts, &evidence->mount_count);
  if (!evidence->mounts_known) return;
  for (size_t i = 0; i < evidence->mount_count; ++i) {
    MountEntry* mount = &evidence->mounts[i];
    if (is_kernel_filesystem(mount->fstype)) continue;
    struct stat info;
    if (lstat(mount->target, &info) != 0) continue;
    mount->identified = true;
    mount->device = info.st_dev;
    mount->inode = info.st_ino;
    if (S_ISSOCK(info.st_mode)) add_find(&evidence->socket_mounts, mount->target);
    if (S_ISDIR(info.st_mode)) find_below(options, mount->target, evidence);
  }
}

// Bound sockets of this network namespace: an engine's name here means a shared namespace or an engine
// inside.
static void gather_unix_sockets(const CheckOptions* options, Evidence* evidence) {
  char* text = read_file("/proc/net/unix", kUnixMax, NULL);
  if (text == NULL) {
    // A kernel without the file has no such sockets; anything else leaves the question open.
    evidence->unix_scanned = errno == ENOENT;
    return;
  }
  evidence->unix_scanned = true;
  char* rest = NULL;
  for (char* line = strtok_r(text, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest)) {
    const char* path = strpbrk(line, "/@");
    if (path == NULL) continue;
    for (size_t i = 0; i < options->socket_count; ++i) {
      const char* wanted = base_name(options->sockets[i]);
      if (*wanted != '\0' && strcmp(base_name(path), wanted) == 0) {
        add_find(&evidence->unix_sockets, path);
        break;
      }
    }
  }
  free(text);
}

// With it the host knows whether device and inode numbers mean the same to both sides.
static void gather_boot_id(Evidence* evidence) {
  char* text = read_file("/proc/sys/kernel/random/boot_id", sizeof evidence->boot_id - 1, NULL);
  const size_t length = text != NULL ? strcspn(text, "\n") : 0;
  memcpy(evidence->boot_id, text != NULL ? text : "", length);
  evidence->boot_id[length] = '\0';
  free(text);
}

static const char* kind_of(mode_t mode) {
  if (S_ISREG(mode)) return "file";
  return S_ISDIR(mode) ? "directory" : "other";
}

// Another owner's directory that this process may not write to keeps its entries; what it owns it could open
// up. A sticky directory keeps the entries of others, also where it may be written to (/tmp).
static bool can_rename(const char* directory, const char* entry) {
  struct stat parent;
  struct stat child;
  if (stat(directory, &parent) != 0 || lstat(entry, &child) != 0) return true;
  if (parent.st_uid == geteuid()) return true;
  if ((parent.st_mode & S_ISVTX) != 0 && child.st_uid != geteuid()) return false;
  return faccessat(AT_FDCWD, directory, W_OK, AT_EACCESS) == 0;
}

static bool path_is_pinned(const Evidence* evidence, const char* path) {
  char* resolved = evidence->mounts_known ? realpath(path, NULL) : NULL;
  if (resolved == NULL) return false;
  const bool pinned = is_pinned(evidence->mounts, evidence->mount_count, resolved, can_rename);
  free(resolved);
  return pinned;
}

// Permission bits prove nothing (the owner can change them), a read-only mount does. The open is the same
// question asked of the kernel another way; without O_TRUNC it changes nothing.
static void gather_readonly_paths(const CheckOptions* options, Evidence* evidence) {
  evidence->readonly = calloc(options->readonly_count + 1, sizeof *evidence->readonly);
  if (evidence->readonly == NULL) return;
  for (size_t i = 0; i < options->readonly_count; ++i) {
    struct stat info;
    struct statvfs filesystem;
    PathFinding* finding = &evidence->readonly[i];
    finding->path = options->readonly[i];
    finding->kind = "missing";
    if (lstat(finding->path, &info) != 0) {
      finding->error = errno;
      continue;
    }
    finding->present = true;
    finding->kind = kind_of(info.st_mode);
    if (S_ISREG(info.st_mode)) {
      const int fd = open(finding->path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
      finding->error = fd < 0 ? errno : 0;
      if (fd >= 0) close(fd);
    } else {
      finding->error = faccessat(AT_FDCWD, finding->path, W_OK, AT_EACCESS) == 0 ? 0 : errno;
    }
    finding->protected_by_mount = !S_ISLNK(info.st_mode) && statvfs(finding->path, &filesystem) == 0 &&
                                  (filesystem.f_flag & ST_RDONLY) != 0 && finding->error != 0;
    finding->pinned = path_is_pinned(evidence, finding->path);
  }
}

void gather_evidence(const CheckOptions* options, Evidence* evidence) {
  memset(evidence, 0, sizeof *evidence);
  gather_status_before(evidence);
  install_filter(evidence);
  evidence->group_count = getgroups(kGroupsMax, evidence->groups);
  gather_rootfs(evidence);
  gather_socket_paths(options, evidence);
  gather_mounts(options, evidence);
  gather_boot_id(evidence);
  gather_unix_sockets(options, evidence);
  gather_readonly_paths(options, evidence);
  gather_guard(options, &evidence->guard);
  gather_network(options, &evidence->network);
  if (gethostname(evidence->hostname, sizeof evidence->hostname) != 0) evidence->hostname[0] = '\0';
  evidence->hostname[sizeof evidence->hostname - 1] = '\0';
  // A working directory outside the root is the mark of a leaked directory descriptor (CVE-2024-21626).
  if (getcwd(evidence->cwd, sizeof evidence->cwd) == NULL || evidence->cwd[0] != '/') evidence->cwd[0] = '\0';
  evidence->tty = isatty(STDIN_FILENO) != 0;
  evidence->pid = getpid();
  if (process_start_time(evidence->pid, &evidence->start_time) != 0) evidence->start_time = 0;
}
