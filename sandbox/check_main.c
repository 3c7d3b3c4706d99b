// SPDX-License-Identifier: Apache-2.0
// scc-check: what every program in a sandbox is started through. It proves its own confinement to the host,
// waits for the host's word, and becomes the agent; with a failed check it never does. The dialogue is in
// protocol.h.
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "evidence.h"
#include "go_frame.h"
#include "launch.h"
#include "options.h"
#include "protocol.h"
#include "state_files.h"
#include "terminal.h"
#include "text.h"

static const char kProgram[] = "scc-check";
static const char kDefaultPath[] = "/usr/local/bin:/usr/bin:/bin";

_Noreturn static void refuse(int code, const char* what, const char* subject, int error) {
  terminal_restore();
  report_error(kProgram, what, subject, error);
  _exit(code);
}

// The deadline covers writing as well as reading: a host that stopped listening must not leave a half-started
// agent.
static void on_deadline(int number) {
  static const char kText[] = "scc-check: no answer from the host before the deadline\n";
  (void)number;
  terminal_restore();
  const ssize_t ignored = write(STDERR_FILENO, kText, sizeof kText - 1);
  (void)ignored;
  _exit(SCC_EXIT_REFUSED);
}

static void arm_deadline(unsigned milliseconds) {
  const struct sigaction action = {.sa_handler = on_deadline};
  sigaction(SIGALRM, &action, NULL);
  sigset_t alarm_only;
  sigemptyset(&alarm_only);
  sigaddset(&alarm_only, SIGALRM);
  sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);
  const struct itimerval timer = {.it_value = {.tv_sec = (time_t)(milliseconds / 1000),
                                               .tv_usec = (suseconds_t)(milliseconds % 1000) * 1000}};
  setitimer(ITIMER_REAL, &timer, NULL);
}

static void disarm_deadline(void) {
  const struct itimerval none = {{0, 0}, {0, 0}};
  setitimer(ITIMER_REAL, &none, NULL);
}

static int64_t microseconds_now(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

// Exactly `count` bytes and not one more: what follows the frame is the agent's.
static void read_exactly(char* out, size_t count) {
  while (count > 0) {
    const ssize_t got = read(STDIN_FILENO, out, count);
    if (got > 0) {
      out += got;
      count -= (size_t)got;
    } else if (got == 0) {
      refuse(SCC_EXIT_REFUSED, "the host closed the connection before its answer was complete", NULL, 0);
    } else if (errno == EAGAIN) {
      struct pollfd ready = {.fd = STDIN_FILENO, .events = POLLIN};
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      refuse(SCC_EXIT_REFUSED, "cannot read the host's answer", NULL, errno);
    }
  }
}

static void print_evidence(const CheckOptions* options, const Evidence* evidence, const char* prefix) {
  TextBuffer line = {.limit = SCC_EVIDENCE_MAX_BYTES};
  text_string(&line, prefix);
  write_evidence(options, evidence, &line);
  text_bytes(&line, "\n", 1);
  if (line.failed) refuse(SCC_EXIT_REFUSED, "the evidence is larger than the protocol allows", NULL, 0);
  if (!write_all(STDOUT_FILENO, line.data, line.size)) {
    refuse(SCC_EXIT_REFUSED, "cannot write the evidence", NULL, errno);
  }
  text_free(&line);
}

static void refuse_if_failed(const Evidence* evidence) {
  if (evidence->passed) return;
  TextBuffer names = {0};
  text_string(&names, "this sandbox fails: ");
  failed_names(evidence, &names);
  refuse(SCC_EXIT_REFUSED, names.failed ? "this sandbox fails its checks" : names.data, NULL, 0);
}

static char* read_answer(const CheckOptions* options, size_t* size, GoAnswer* answer) {
  char header[SCC_GO_HEADER_BYTES];
  read_exactly(header, sizeof header);
  *size = go_header_length(header);
  if (*size == 0) refuse(SCC_EXIT_REFUSED, "the host's answer is malformed (header)", NULL, 0);
  char* payload = malloc(*size + 1);
  if (payload == NULL) refuse(SCC_EXIT_REFUSED, "out of memory", NULL, 0);
  read_exactly(payload, *size + 1);
  const bool good = payload[*size] == '\n' && parse_go_payload(payload, *size, answer);
  const char* problem = NULL;
  if (!good) {
    problem = "the host's answer is malformed (payload)";
  } else if (strcmp(answer->nonce, options->nonce) != 0) {
    problem = "the host's answer carries another nonce";
  } else if (!answer->go) {
    problem = "the host refused the launch";
  }
  if (problem != NULL) {
    explicit_bzero(payload, *size);
    refuse(SCC_EXIT_REFUSED, problem, NULL, 0);
  }
  return payload;
}

static void remove_secrets(int dir, const GoAnswer* answer, size_t count) {
  for (size_t i = 0; i < count; ++i) unlinkat(dir, answer->secrets[i].name, 0);
}

static void place_secrets(const GoAnswer* answer, char* payload, size_t size) {
  if (answer->secret_count == 0) return;
  StateError problem = {NULL, 0};
  const int dir = open_state_dir(SCC_STATE_DIR, SCC_SECRETS_DIR_NAME, &problem);
  if (dir >= 0 && !is_tmpfs(dir))
    problem = (StateError){SCC_STATE_DIR " is not a tmpfs; no secret is written", 0};
  for (size_t i = 0; problem.what == NULL && i < answer->secret_count; ++i) {
    const GoSecret* secret = &answer->secrets[i];
    problem.error = write_secret(dir, secret->name, secret->value, secret->size);
    if (problem.error != 0) problem.what = "cannot write a secret";
    if (problem.error != 0) remove_secrets(dir, answer, i);
  }
  if (problem.what != NULL) {
    explicit_bzero(payload, size);
    refuse(SCC_EXIT_REFUSED, problem.what, NULL, problem.error);
  }
}

static void place_record(const CheckOptions* options, const Evidence* evidence) {
  StateError problem = {NULL, 0};
  const int dir = open_state_dir(SCC_STATE_DIR, SCC_EXEC_DIR_NAME, &problem);
  if (dir < 0) refuse(SCC_EXIT_REFUSED, problem.what, NULL, problem.error);
  const int error = write_exec_record(dir, options->token, evidence->pid, evidence->start_time);
  if (error != 0) refuse(SCC_EXIT_REFUSED, "cannot record the process in " SCC_STATE_DIR, NULL, error);
}

_Noreturn static void become_agent(const CheckOptions* options, const char* program) {
  reset_process_state();
  execv(program, options->command);
  const int error = errno;
  report_error(kProgram, "cannot run", program, error);
  _exit(error == ENOENT ? SCC_EXIT_NOT_FOUND : SCC_EXIT_NOT_EXECUTABLE);
}

_Noreturn static void run(const CheckOptions* options, const Evidence* evidence) {
  GoAnswer answer = {0};
  char* payload = NULL;
  size_t size = 0;
  if (options->handshake) {
    arm_deadline(options->deadline_ms);
    print_evidence(options, evidence, SCC_EVIDENCE_PREFIX);
    refuse_if_failed(evidence);
    payload = read_answer(options, &size, &answer);
    disarm_deadline();
  }
  refuse_if_failed(evidence);
  const char* search_path = getenv("PATH");
  char* program = resolve_program(options->command[0], search_path != NULL ? search_path : kDefaultPath);
  if (program == NULL) {
    const int error = errno;
    if (payload != NULL) explicit_bzero(payload, size);
    const bool absent = error == ENOENT;
    refuse(absent ? SCC_EXIT_NOT_FOUND : SCC_EXIT_NOT_EXECUTABLE, absent ? "not found:" : "cannot run",
           options->command[0], absent ? 0 : error);
  }
  // Secrets last: after them only execve itself can fail.
  place_record(options, evidence);
  place_secrets(&answer, payload, size);
  if (payload != NULL) explicit_bzero(payload, size);
  terminal_set_size(answer.rows, answer.cols);
  terminal_restore_input();
  if (answer.ack && !write_all(STDOUT_FILENO, SCC_EXEC_LINE, sizeof SCC_EXEC_LINE - 1)) {
    refuse(SCC_EXIT_REFUSED, "cannot tell the host that the program starts", NULL, errno);
  }
  terminal_restore();
  become_agent(options, program);
}

int main(int argc, char** argv) {
  const int64_t started = microseconds_now();
  // No other process of this uid may look into this one or steer it before it is the agent; execve lifts it.
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  close_inherited_files();
  umask(022);
  CheckOptions options;
  const char* subject = NULL;
  const char* problem = parse_check_options(argc, argv, &options, &subject);
  if (problem != NULL) {
    report_error(kProgram, problem, subject, 0);
    return SCC_EXIT_USAGE;
  }
  if (!options.evidence_only && options.handshake) terminal_enter_raw();
  static Evidence evidence;
  gather_evidence(&options, &evidence);
  judge_evidence(&options, &evidence);
  evidence.duration_us = microseconds_now() - started;
  if (!options.evidence_only) run(&options, &evidence);
  print_evidence(&options, &evidence, "");
  refuse_if_failed(&evidence);
  return 0;
}
