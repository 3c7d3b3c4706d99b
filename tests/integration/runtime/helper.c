/* SPDX-License-Identifier: Apache-2.0
   The only program of the test image, static: PID 1, and everything that the tests run by exec. The first
   argument says what to do. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static volatile sig_atomic_t winch;
static void on_term(int sig) {
  (void)sig;
  _exit(0);
}
static void on_winch(int sig) {
  (void)sig;
  winch = 1;
}
static void handle(int sig, void (*handler)(int)) {
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  sigaction(sig, &action, NULL);
}
static int put(int fd, const char* bytes, size_t size) {
  while (size > 0) {
    ssize_t n = write(fd, bytes, size);
    if (n <= 0) return 1;
    bytes += n;
    size -= (size_t)n;
  }
  return 0;
}

_Noreturn static void run_init(int stubborn) {
  handle(SIGTERM, stubborn ? SIG_IGN : on_term);
  for (;;) {
    pause();
    while (waitpid(-1, NULL, WNOHANG) > 0) {
    }
  }
}

/* stdin to stdout; at its end "eof" to stderr. */
static int run_echo(void) {
  static char buffer[65536];
  ssize_t n;
  while ((n = read(0, buffer, sizeof buffer)) > 0) {
    if (put(1, buffer, (size_t)n)) return 1;
  }
  return put(2, "eof", 3);
}

/* `size` bytes of a known sequence (Knuth's multiplicative one, as the test computes it). */
static int run_flood(size_t size) {
  static char buffer[65536];
  size_t at = 0;
  while (at < size) {
    size_t n = size - at < sizeof buffer ? size - at : sizeof buffer;
    for (size_t i = 0; i < n; ++i) buffer[i] = (char)(((uint32_t)(at + i) * 2654435761U) >> 13U);
    if (put(1, buffer, n)) return 1;
    at += n;
  }
  return 0;
}

static int run_both(void) {
  for (int i = 0; i < 256; ++i) {
    char byte = (char)i;
    if (put(i % 2 == 0 ? 1 : 2, &byte, 1)) return 1;
  }
  return 0;
}

/* The window's size, now and after each change, until stdin ends or says q. The signal is let in only while
   it waits, so that none is lost between a line and the next wait. */
static int run_size(void) {
  struct termios raw;
  sigset_t change;
  sigset_t usual;
  sigemptyset(&change);
  sigaddset(&change, SIGWINCH);
  sigprocmask(SIG_BLOCK, &change, &usual);
  handle(SIGWINCH, on_winch);
  if (tcgetattr(0, &raw) == 0) {
    raw.c_lflag &= (tcflag_t) ~(ICANON | ECHO);
    tcsetattr(0, TCSANOW, &raw);
  }
  for (;;) {
    struct winsize size;
    memset(&size, 0, sizeof size);
    winch = 0;
    int tty = ioctl(0, TIOCGWINSZ, &size) == 0;
    dprintf(1, "tty=%d rows=%d cols=%d\n", tty, size.ws_row, size.ws_col);
    while (!winch) {
      struct pollfd input = {.fd = 0, .events = POLLIN};
      char key = 0;
      int ready = ppoll(&input, 1, NULL, &usual);
      if (ready < 0 && errno != EINTR) return 1;
      if (ready <= 0) continue;
      ssize_t n = read(0, &key, 1);
      if (n == 0 || (n == 1 && key == 'q')) return 0;
      if (n < 0 && errno != EINTR) return 1;
    }
  }
}

_Noreturn static void run_eat(void) {
  for (;;) {
    char* block = malloc(1 << 20);
    if (block != NULL) memset(block, 1, 1 << 20);
  }
}

static int can(const char* what, int result) {
  dprintf(1, "%s=%s\n", what, result >= 0 ? "yes" : strerror(errno));
  return 0;
}

/* What this process may and may not do. */
static int run_facts(void) {
  char line[512];
  FILE* status = fopen("/proc/self/status", "r");
  while (status != NULL && fgets(line, sizeof line, status) != NULL) {
    if (strncmp(line, "Cap", 3) == 0 || strncmp(line, "NoNew", 5) == 0 || strncmp(line, "Seccomp:", 8) == 0)
      put(1, line, strlen(line));
  }
  dprintf(1, "uid=%d gid=%d euid=%d\n", (int)getuid(), (int)getgid(), (int)geteuid());
  struct rlimit limit;
  getrlimit(RLIMIT_NOFILE, &limit);
  dprintf(1, "nofile=%ld\n", (long)limit.rlim_cur);
  getrlimit(RLIMIT_CORE, &limit);
  dprintf(1, "core=%ld\n", (long)limit.rlim_max);
  can("root-write", open("/new", O_CREAT | O_WRONLY, 0600));
  can("tmp-write", open("/tmp/new", O_CREAT | O_WRONLY, 0600));
  can("mount", mount("none", "/tmp", "tmpfs", 0, NULL));
  can("setuid", setuid(0));
  can("mknod", mknod("/tmp/null", S_IFCHR | 0666, 0x103));
  can("unshare", (int)syscall(SYS_unshare, 0x10000000));
  can("kmsg", open("/dev/kmsg", O_RDONLY));
  can("engine-socket", access("/var/run/docker.sock", F_OK));
  return 0;
}

/* How many processes there may be; all end with this one. */
static int run_forks(void) {
  int count = 0;
  pid_t pid;
  while (count < 4096 && (pid = fork()) >= 0) {
    if (pid == 0) _exit((int)sleep(600));
    ++count;
  }
  dprintf(1, "%d", count);
  signal(SIGTERM, SIG_IGN);
  kill(-1, SIGTERM); /* PID 1 handles it: the sandbox ends */
  return 0;
}

static int run_file(const char* how, const char* path, const char* text) {
  if (strcmp(how, "write") == 0) {
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0644);
    if (fd < 0) return errno;
    return put(fd, text, strlen(text));
  }
  if (strcmp(how, "stat") == 0) {
    struct stat info;
    if (stat(path, &info) != 0) return errno;
    return dprintf(1, "%o %d %d", (unsigned)(info.st_mode & 07777), (int)info.st_uid, (int)info.st_gid) < 0;
  }
  int fd = open(path, O_RDONLY);
  if (fd < 0) return errno;
  char buffer[4096];
  ssize_t n;
  while ((n = read(fd, buffer, sizeof buffer)) > 0) put(1, buffer, (size_t)n);
  return n == 0 ? 0 : errno;
}

int main(int argc, char** argv) {
  const char* mode = argc > 1 ? argv[1] : "init";
  const char* word = argc > 2 ? argv[2] : "";
  if (strcmp(mode, "init") == 0) run_init(0);
  if (strcmp(mode, "stubborn") == 0) run_init(1);
  if (strcmp(mode, "exit") == 0) return atoi(word);
  if (strcmp(mode, "die") == 0) return kill(getpid(), SIGKILL);
  if (strcmp(mode, "echo") == 0) return run_echo();
  if (strcmp(mode, "flood") == 0) return run_flood(strtoul(word, NULL, 10));
  if (strcmp(mode, "both") == 0) return run_both();
  if (strcmp(mode, "size") == 0) return run_size();
  if (strcmp(mode, "eat") == 0) run_eat();
  if (strcmp(mode, "facts") == 0) return run_facts();
  if (strcmp(mode, "forks") == 0) return run_forks();
  if (strcmp(mode, "sleep") == 0) return (int)sleep(600);
  if (strcmp(mode, "env") == 0) {
    for (char** item = environ; *item != NULL; ++item) dprintf(1, "%s\n", *item);
    return 0;
  }
  if (argc > 2) return run_file(mode, word, argc > 3 ? argv[3] : "");
  return 2;
}
