// SPDX-License-Identifier: Apache-2.0
// The exec's terminal during the handshake: raw and silent, so that a frame passes byte for byte whatever its
// length (a terminal in line mode cuts lines at 4096 bytes and echoes them), then exactly as it was.
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// Does nothing when neither stdin nor stdout is a terminal.
void terminal_enter_raw(void);
/// Gives back the input modes; output stays untranslated for one more line.
void terminal_restore_input(void);
/// Gives back everything. Async-signal-safe.
void terminal_restore(void);
void terminal_set_size(uint16_t rows, uint16_t cols);

#ifdef __cplusplus
}
#endif
