// SPDX-License-Identifier: Apache-2.0
// See launch.h.
#include "launch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "text.h"

enum { kFilesFallback = 65536 };

void close_inherited_files(void) {
#ifdef SYS_close_range
  if (syscall(SYS_close_range, STDERR_FILENO + 1U, ~0U, 0U) == 0) return;
#endif
  struct rlimit limit;
  rlim_t last = kFilesFallback;
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < last) last = limit.rlim_cur;
  for (int fd = STDERR_FILENO + 1; fd < (int)last; ++fd) close(fd);
}

// 0, or why this path is not it. Directories are skipped as execve would.
static int try_program(const char* path) {
  struct stat info;
  if (stat(path, &info) != 0) return errno;
  if (!S_ISREG(info.st_mode)) return EACCES;
  return access(path, X_OK) == 0 ? 0 : errno;
}

static char* checked_copy(const char* path) {
  const int error = try_program(path);
  if (error != 0) {
    errno = error == ENOTDIR ? ENOENT : error;
    return NULL;
  }
  return strdup(path);
}

char* resolve_program(const char* name, const char* search_path) {
  if (strchr(name, '/') != NULL) return checked_copy(name);
  int worst = ENOENT;
  for (const char* at = search_path; at != NULL;) {
    const char* end = strchrnul(at, ':');
    TextBuffer path = {.limit = PATH_MAX};
    text_bytes(&path, at, (size_t)(end - at));
    text_bytes(&path, "/", 1);
    text_string(&path, name);
    const int error = path.failed || end == at ? ENOENT : try_program(path.data);
    if (error == 0) return path.data;
    if (error == EACCES) worst = EACCES;
    text_free(&path);
    at = *end == ':' ? end + 1 : NULL;
  }
  errno = worst;
  return NULL;
}

void reset_process_state(void) {
  for (int number = 1; number < NSIG; ++number) (void)signal(number, SIG_DFL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  umask(022);
}
