// SPDX-License-Identifier: Apache-2.0
// See terminal.h. TCSANOW throughout: flushing would drop bytes that belong to the agent.
#include "terminal.h"

#include <stdbool.h>
#include <termios.h>
#include <unistd.h>

#include <sys/ioctl.h>

static struct termios saved_modes;
static int terminal_fd = -1;

void terminal_enter_raw(void) {
  int fd = -1;
  if (isatty(STDIN_FILENO)) {
    fd = STDIN_FILENO;
  } else if (isatty(STDOUT_FILENO)) {
    fd = STDOUT_FILENO;
  }
  if (fd < 0 || tcgetattr(fd, &saved_modes) != 0) return;
  struct termios raw = saved_modes;
  cfmakeraw(&raw);
  raw.c_cc[VMIN] = 1;
  raw.c_cc[VTIME] = 0;
  if (tcsetattr(fd, TCSANOW, &raw) == 0) terminal_fd = fd;
}

void terminal_restore_input(void) {
  if (terminal_fd < 0) return;
  struct termios modes = saved_modes;
  modes.c_oflag &= ~(tcflag_t)OPOST;
  tcsetattr(terminal_fd, TCSANOW, &modes);
}

void terminal_restore(void) {
  if (terminal_fd >= 0) tcsetattr(terminal_fd, TCSANOW, &saved_modes);
}

void terminal_set_size(uint16_t rows, uint16_t cols) {
  if (rows == 0 || cols == 0 || terminal_fd < 0) return;
  const struct winsize size = {.ws_row = rows, .ws_col = cols};
  ioctl(terminal_fd, TIOCSWINSZ, &size);
}
