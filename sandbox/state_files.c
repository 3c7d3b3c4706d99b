// SPDX-License-Identifier: Apache-2.0
// See state_files.h. Everything is opened relative to a directory descriptor that was checked, without
// following links: an earlier process of the same uid may have planted names here.
#include "state_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include "proc_text.h"
#include "protocol.h"
#include "text.h"

enum { kRecordMax = 64, kStatMax = 4096, kNameMax = 160 };

static int open_directory(int parent, const char* name) {
  return openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static int fail(StateError* error, const char* what, int number) {
  error->what = what;
  error->error = number;
  return -1;
}

int open_state_dir(const char* state_dir, const char* name, StateError* error) {
  if (mkdir(state_dir, 0700) != 0 && errno != EEXIST) return fail(error, "cannot make " SCC_STATE_DIR, errno);
  const int base = open_directory(AT_FDCWD, state_dir);
  if (base < 0) return fail(error, "cannot open " SCC_STATE_DIR, errno);
  struct stat info;
  // Root may own the parent (the engine made it for a mount below). Others may write there only as in /tmp,
  // where nobody can take away what is somebody else's: not every engine gives a tmpfs to the user of the
  // sandbox.
  const bool known = fstat(base, &info) == 0 && (info.st_uid == geteuid() || info.st_uid == 0);
  const bool sticky = known && info.st_uid == 0 && (info.st_mode & S_ISVTX) != 0;
  const bool base_good = known && (sticky || (info.st_mode & 022) == 0);
  if (!base_good) {
    close(base);
    return fail(error, SCC_STATE_DIR " belongs to another user or others may write to it", 0);
  }
  if (mkdirat(base, name, 0700) != 0 && errno != EEXIST) {
    const int number = errno;
    close(base);
    return fail(error,
                "cannot make a directory below " SCC_STATE_DIR " (mount a tmpfs of the agent's uid there)",
                number);
  }
  const int dir = open_directory(base, name);
  const int number = errno;
  close(base);
  if (dir < 0) return fail(error, "cannot open a directory below " SCC_STATE_DIR, number);
  if (fstat(dir, &info) != 0 || info.st_uid != geteuid() || (info.st_mode & 077) != 0) {
    close(dir);
    return fail(error, "a directory below " SCC_STATE_DIR " is not private to this user", 0);
  }
  return dir;
}

bool is_tmpfs(int dir) {
  struct statfs info;
  return fstatfs(dir, &info) == 0 && info.f_type == TMPFS_MAGIC;
}

static int write_new_file(int dir, const char* name, mode_t mode, const char* bytes, size_t size) {
  if (unlinkat(dir, name, 0) != 0 && errno != ENOENT) return errno;
  const int fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
  if (fd < 0) return errno;
  int error = write_all(fd, bytes, size) ? 0 : errno;
  if (close(fd) != 0 && error == 0) error = errno;
  if (error != 0) unlinkat(dir, name, 0);
  return error;
}

int write_secret(int dir, const char* name, const char* value, size_t size) {
  return write_new_file(dir, name, 0400, value, size);
}

static bool record_name(char out[kNameMax], const char* token, const char* suffix) {
  if (!is_token(token, 1, SCC_TOKEN_MAX)) return false;
  const size_t length = strlen(token);
  memcpy(out, token, length + 1);
  memcpy(out + length, suffix, strlen(suffix) + 1);
  return true;
}

int write_exec_record(int dir, const char* token, pid_t pid, uint64_t start_time) {
  char name[kNameMax];
  char temporary[kNameMax];
  if (!record_name(name, token, ".pid") || !record_name(temporary, token, ".new")) return EINVAL;
  TextBuffer text = {0};
  text_number(&text, pid);
  text_bytes(&text, " ", 1);
  text_number(&text, (int64_t)start_time);
  text_bytes(&text, "\n", 1);
  int error = text.failed ? ENOMEM : write_new_file(dir, temporary, 0600, text.data, text.size);
  text_free(&text);
  if (error == 0 && renameat(dir, temporary, dir, name) != 0) error = errno;
  return error;
}

void remove_exec_record(int dir, const char* token) {
  char name[kNameMax];
  if (record_name(name, token, ".pid")) unlinkat(dir, name, 0);
}

int read_exec_record(const char* state_dir, const char* token, pid_t* pid, uint64_t* start_time) {
  char name[kNameMax];
  if (!record_name(name, token, ".pid")) return EINVAL;
  const int base = open_directory(AT_FDCWD, state_dir);
  if (base < 0) return errno;
  const int dir = open_directory(base, SCC_EXEC_DIR_NAME);
  int error = errno;
  close(base);
  if (dir < 0) return error;
  const int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  error = errno;
  close(dir);
  if (fd < 0) return error;
  char text[kRecordMax + 1];
  const ssize_t got = read(fd, text, kRecordMax);
  error = errno;
  close(fd);
  if (got < 0) return error;
  text[got] = '\0';
  return parse_exec_record(text, pid, start_time) ? 0 : EBADMSG;
}

int process_start_time(pid_t pid, uint64_t* start_time) {
  TextBuffer path = {0};
  text_string(&path, "/proc/");
  text_number(&path, pid);
  text_string(&path, "/stat");
  char* text = path.failed ? NULL : read_file(path.data, kStatMax, NULL);
  const int error = errno;
  text_free(&path);
  if (text == NULL) return error;
  const bool good = stat_start_time(text, start_time);
  free(text);
  return good ? 0 : EBADMSG;
}
