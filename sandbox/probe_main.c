// SPDX-License-Identifier: Apache-2.0
// scc-probe run                 lines on stdin; an empty one waits for all before it and answers "done"
// scc-probe serve ...           the stand-in (probe_serve.c)
// scc-probe address             this namespace's IPv4 addresses, one a line
// scc-probe show FILE           a file of its own (the stand-in's record)
// An attempt is a process of its own: what hangs or dies takes nothing else with it.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/resource.h>
#include <sys/wait.h>

#include "probe.h"
#include "text.h"

enum { kAtOnce = 12, kAttemptSeconds = 40, kShowMax = 4194304 };

typedef struct Child {
  pid_t pid;
  char id[65];
} Child;

static Child children[kAtOnce];

static void print_finding(const char* id, const ProbeFinding* finding) {
  char line[1024];
  const int size =
      snprintf(line, sizeof line, "%s\t%s\t%s\t%s\n", id, finding->kind, finding->value, finding->text);
  if (size > 0 && (size_t)size < sizeof line) write_all(STDOUT_FILENO, line, (size_t)size);
}

// Waits for one of them; a process that did not say anything is a broken attempt.
static void reap(void) {
  int status = 0;
  const pid_t pid = waitpid(-1, &status, 0);
  for (size_t i = 0; pid > 0 && i < kAtOnce; ++i) {
    if (children[i].pid != pid) continue;
    children[i].pid = 0;
    if (status == 0) return;
    ProbeFinding finding;
    probe_set(&finding, "broken", "", "the attempt ended without a finding");
    print_finding(children[i].id, &finding);
  }
}

static Child* free_child(void) {
  for (;;) {
    for (size_t i = 0; i < kAtOnce; ++i) {
      if (children[i].pid == 0) return &children[i];
    }
    reap();
  }
}

static void wait_for_all(void) {
  for (size_t i = 0; i < kAtOnce; ++i) {
    while (children[i].pid != 0) reap();
  }
}

static void start(char* text) {
  ProbeLine line;
  ProbeFinding finding;
  if (!probe_split(text, &line)) {
    probe_set(&finding, "broken", "", "the line cannot be read");
    print_finding("unreadable", &finding);
    return;
  }
  Child* child = free_child();
  const pid_t pid = fork();
  if (pid == 0) {
    alarm(kAttemptSeconds);
    probe_run(&line, &finding);
    print_finding(line.words[0], &finding);
    _exit(0);
  }
  if (pid < 0) {
    probe_errno(&finding, "broken", errno);
    print_finding(line.words[0], &finding);
    return;
  }
  child->pid = pid;
  snprintf(child->id, sizeof child->id, "%s", line.words[0]);
}

static int run(void) {
  static char line[kProbeLineMax];
  setvbuf(stdin, NULL, _IOLBF, 0);
  while (fgets(line, sizeof line, stdin) != NULL) {
    line[strcspn(line, "\n")] = '\0';
    if (line[0] != '\0') {
      start(line);
      continue;
    }
    wait_for_all();
    if (!write_all(STDOUT_FILENO, "done\n", 5)) return 1;
  }
  wait_for_all();
  return 0;
}

static int show(const char* path) {
  size_t size = 0;
  char* text = read_file(path, kShowMax, &size);
  if (text == NULL) return 1;
  return write_all(STDOUT_FILENO, text, size) ? 0 : 1;
}

static int show_addresses(void) {
  char* text = read_file("/proc/net/fib_trie", kShowMax, NULL);
  char* rest = NULL;
  char last[16] = "";
  char shown[16] = "";
  for (char* line = text == NULL ? NULL : strtok_r(text, "\n", &rest); line != NULL;
       line = strtok_r(NULL, "\n", &rest)) {
    const char* dash = strstr(line, "|-- ");
    if (dash != NULL) snprintf(last, sizeof last, "%.15s", dash + 4);
    if (strstr(line, "/32 host LOCAL") == NULL || strncmp(last, "127.", 4) == 0) continue;
    if (strcmp(last, shown) == 0) break;  // the second table repeats the first
    if (shown[0] == '\0') strcpy(shown, last);
    dprintf(STDOUT_FILENO, "%s\n", last);
  }
  return text == NULL ? 1 : 0;
}

int main(int argc, char** argv) {
  const char* verb = argc > 1 ? argv[1] : "";
  if (strcmp(verb, "run") == 0) return run();
  if (strcmp(verb, "serve") == 0) return probe_serve(argc - 2, argv + 2);
  if (strcmp(verb, "address") == 0) return show_addresses();
  if (strcmp(verb, "show") == 0 && argc == 3) return show(argv[2]);
  report_error("scc-probe", "usage: scc-probe run | serve | address | show", NULL, 0);
  return 64;
}
