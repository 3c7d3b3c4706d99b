// SPDX-License-Identifier: Apache-2.0
// The agent of the sandbox tests: one static program whose verbs try what an agent may and may not do, and
// print what came of it. Needs nothing in the image.
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include <linux/keyctl.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static void outcome(const char* name, long result) {
  printf("%s %s\n", name, result >= 0 ? "DONE" : strerrorname_np(errno));
  fflush(stdout);
}

// Copies stdin to stdout until the end.
static int verb_copy(void) {
  char chunk[65536];
  for (;;) {
    const ssize_t got = read(0, chunk, sizeof chunk);
    if (got <= 0) return got == 0 ? 0 : 1;
    for (ssize_t put = 0; put < got;) {
      const ssize_t step = write(1, chunk + put, (size_t)(got - put));
      if (step < 0) return 1;
      put += step;
    }
  }
}

static int verb_cat(const char* path) {
  const int fd = open(path, O_RDONLY);
  if (fd < 0 || dup2(fd, 0) < 0) return 1;
  return verb_copy();
}

// Overwrites a file with stdin.
static int verb_store(const char* path) {
  const int fd = open(path, O_WRONLY | O_TRUNC);
  if (fd < 0 || dup2(fd, 1) < 0) return 1;
  return verb_copy();
}

static int verb_mark(const char* path) {
  const int fd = open(path, O_WRONLY | O_CREAT, 0644);
  return fd < 0 ? 1 : 0;
}

static int verb_mode(const char* path) {
  struct stat info;
  if (lstat(path, &info) != 0) return 1;
  printf("%o %u\n", info.st_mode & 07777U, info.st_uid);
  return 0;
}

static int verb_line(void) {
  char line[256];
  if (fgets(line, sizeof line, stdin) == NULL) return 1;
  line[strcspn(line, "\n")] = '\0';
  printf("line:%s\n", line);
  return 0;
}

static int verb_termios(void) {
  struct termios modes;
  if (tcgetattr(0, &modes) != 0) return 1;
  printf("termios %x %x %x %x", modes.c_iflag, modes.c_oflag, modes.c_cflag, modes.c_lflag);
  for (int i = 0; i < NCCS; ++i) printf(" %x", modes.c_cc[i]);
  struct winsize size = {0};
  ioctl(0, TIOCGWINSZ, &size);
  printf(" end\nsize %u %u end\n", size.ws_row, size.ws_col);
  return 0;
}

static int verb_state(void) {
  sigset_t mask;
  sigprocmask(SIG_SETMASK, NULL, &mask);
  int blocked = 0;
  int ignored = 0;
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action;
    blocked += sigismember(&mask, number) == 1 ? 1 : 0;
    if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL) ++ignored;
  }
  int files = 0;
  for (int fd = 3; fd < 1024; ++fd) files += fcntl(fd, F_GETFD) >= 0 ? 1 : 0;
  printf("blocked %d ignored %d files %d umask %o\n", blocked, ignored, files, umask(0));
  return 0;
}

static int verb_signals(void) {
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, NULL);
  printf("ready\n");
  fflush(stdout);
  int number = 0;
  sigwait(&all, &number);
  printf("got %d\n", number);
  return 0;
}

_Noreturn static void verb_stubborn(void) {
  signal(SIGTERM, SIG_IGN);
  signal(SIGINT, SIG_IGN);
  printf("ready\n");
  fflush(stdout);
  for (;;) pause();
}

// Leaves `count` orphans that end at once.
static int verb_orphans(int count) {
  for (int i = 0; i < count; ++i) {
    const pid_t child = fork();
    if (child == 0) {
      if (fork() == 0) _exit(0);
      _exit(0);
    }
    waitpid(child, NULL, 0);
  }
  return 0;
}

// Number of dead processes that nobody collected.
static int verb_zombies(void) {
  int count = 0;
  for (int pid = 2; pid < 4096; ++pid) {
    char text[512];
    snprintf(text, sizeof text, "/proc/%d/stat", pid);
    FILE* file = fopen(text, "r");
    if (file == NULL) continue;
    const size_t got = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[got] = '\0';
    const char* end = strrchr(text, ')');
    count += end != NULL && end[2] == 'Z' ? 1 : 0;
  }
  printf("zombies %d\n", count);
  return 0;
}

static void* run_thread(void* argument) {
  *(int*)argument += 1;
  return NULL;
}

static int verb_threads(void) {
  int ran = 0;
  pthread_t thread;
  if (pthread_create(&thread, NULL, run_thread, &ran) != 0 || pthread_join(thread, NULL) != 0) return 1;
  const pid_t child = fork();
  if (child == 0) {
    char* const argv[] = {"probe", "exit", "7", NULL};
    execv("/proc/self/exe", argv);
    _exit(1);
  }
  int status = 0;
  waitpid(child, &status, 0);
  printf("threads %d exec %d\n", ran, WEXITSTATUS(status));
  return 0;
}

static int verb_attach(int pid) {
  outcome("attach", ptrace(PTRACE_SEIZE, pid, NULL, NULL));
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/mem", pid);
  outcome("mem", open(path, O_RDWR));
  snprintf(path, sizeof path, "/proc/%d/environ", pid);
  outcome("environ", open(path, O_RDONLY));
  return 0;
}

static const char* fresh(const char* dir, const char* name) {
  static char path[4096];
  snprintf(path, sizeof path, "%s/%s", dir, name);
  return path;
}

#if defined(__x86_64__)
static long int80_chmod(const char* name) {
  long result = 15;
  __asm__ volatile("int $0x80"
                   : "+a"(result)
                   : "b"((long)name), "c"(04755L)
                   : "memory", "r8", "r9", "r10", "r11");
  errno = (int)-result;
  return result;
}
#endif

static void try_foreign_calls(const char* file) {
#if defined(__x86_64__)
  // The pointer has to fit 32 bits for the kernel to find the name when the filter is absent.
  static char name[4096];
  snprintf(name, sizeof name, "%s", file);
  // In a child: a kernel without 32-bit calls answers with a signal.
  const pid_t child = fork();
  if (child == 0) {
    outcome("int80-chmod", int80_chmod(name));
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  if (WIFSIGNALED(status)) printf("int80-chmod signal-%d\n", WTERMSIG(status));
  outcome("x32-chmod", syscall(0x40000000 + SYS_chmod, name, 04755));
#else
  (void)file;
#endif
}

static int verb_setid(const char* dir) {
  static char file[4096];
  snprintf(file, sizeof file, "%s/victim", dir);
  const int fd = open(file, O_CREAT | O_RDWR, 0755);
  if (fd < 0) return 1;
  outcome("chmod", chmod(file, 04755));
  outcome("chmod-gid", chmod(file, 02755));
  outcome("fchmod", fchmod(fd, 04755));
  outcome("fchmodat", fchmodat(AT_FDCWD, file, 06755, 0));
  outcome("fchmodat2", syscall(452, AT_FDCWD, file, 04755, 0));
  outcome("open", open(fresh(dir, "open"), O_CREAT | O_WRONLY, 04755));
  outcome("openat", syscall(SYS_openat, AT_FDCWD, fresh(dir, "openat"), O_CREAT | O_WRONLY, 02755));
  outcome("creat", creat(fresh(dir, "creat"), 04755));
  outcome("tmpfile", open(dir, O_TMPFILE | O_WRONLY, 04755));
  outcome("mknod", mknod(fresh(dir, "mknod"), S_IFREG | 04755, 0));
  outcome("mknodat", mknodat(AT_FDCWD, fresh(dir, "mknodat"), S_IFREG | 02755, 0));
  const unsigned long how[3] = {O_CREAT | O_WRONLY, 04755, 0};
  outcome("openat2", syscall(437, AT_FDCWD, fresh(dir, "openat2"), how, sizeof how));
  char parameters[256] = {0};
  outcome("io_uring_setup", syscall(425, 4, parameters));
  try_foreign_calls(file);
  // Not the way to a bit on a file: the kernel masks it for directories. Here to show that ordinary work goes
  // on.
  outcome("mkdir", mkdir(fresh(dir, "dir"), 06755));
  outcome("plain-chmod", chmod(file, 0700));
  outcome("plain-open", open(fresh(dir, "plain"), O_CREAT | O_WRONLY, 0755));
  return 0;
}

static int verb_kernel(void) {
  char byte = 'x';
  outcome("unshare-user", unshare(CLONE_NEWUSER));
  const long child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (child == 0) _exit(0);
  outcome("clone-user", child);
  outcome("clone3", syscall(435, NULL, 0));
  outcome("setns", setns(-1, 0));
  outcome("mount", syscall(SYS_mount, "none", "/tmp", "tmpfs", 0, NULL));
  outcome("open_tree", syscall(428, AT_FDCWD, "/tmp", 1));
  outcome("fsopen", syscall(430, "tmpfs", 0));
  outcome("keyctl", syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1));
  outcome("tiocsti", ioctl(0, TIOCSTI, &byte));
  outcome("bpf", syscall(SYS_bpf, 0, NULL, 0));
  outcome("userfaultfd", syscall(SYS_userfaultfd, 1));
  outcome("perf_event_open", syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0));
  outcome("open_by_handle_at", syscall(SYS_open_by_handle_at, -1, NULL, 0));
  outcome("unknown", syscall(471));
  return 0;
}

int main(int argc, char** argv) {
  const char* verb = argc > 1 ? argv[1] : "";
  const char* value = argc > 2 ? argv[2] : "";
  if (strcmp(verb, "exit") == 0) return atoi(value);
  if (strcmp(verb, "die") == 0) return raise(atoi(value));
  if (strcmp(verb, "copy") == 0) return verb_copy();
  if (strcmp(verb, "cat") == 0) return verb_cat(value);
  if (strcmp(verb, "store") == 0) return verb_store(value);
  if (strcmp(verb, "mark") == 0) return verb_mark(value);
  if (strcmp(verb, "mode") == 0) return verb_mode(value);
  if (strcmp(verb, "line") == 0) return verb_line();
  if (strcmp(verb, "ready-line") == 0) {
    puts("ready");
    fflush(stdout);
    return verb_line();
  }
  if (strcmp(verb, "termios") == 0) return verb_termios();
  if (strcmp(verb, "state") == 0) return verb_state();
  if (strcmp(verb, "signals") == 0) return verb_signals();
  if (strcmp(verb, "stubborn") == 0) verb_stubborn();
  if (strcmp(verb, "orphans") == 0) return verb_orphans(atoi(value));
  if (strcmp(verb, "zombies") == 0) return verb_zombies();
  if (strcmp(verb, "threads") == 0) return verb_threads();
  if (strcmp(verb, "attach") == 0) return verb_attach(atoi(value));
  if (strcmp(verb, "setid") == 0) return verb_setid(value);
  if (strcmp(verb, "kernel") == 0) return verb_kernel();
  fprintf(stderr, "probe: unknown verb\n");
  return 2;
}
