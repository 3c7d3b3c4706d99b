// SPDX-License-Identifier: Apache-2.0
// The host's answer (protocol.h): the frame header, and a strict reader of its JSON payload. Everything is
// decoded in place, so that wiping the one buffer wipes every copy of a secret.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct GoSecret {
  char* name;
  char* value;  // decoded; not NUL-terminated
  size_t size;
} GoSecret;

typedef struct GoAnswer {
  char* nonce;
  bool go;
  bool ack;
  uint16_t rows;
  uint16_t cols;
  GoSecret secrets[SCC_SECRETS_MAX];
  size_t secret_count;
} GoAnswer;

/// The payload length from the fixed-size header, 0 when the header is malformed or the length out of bounds.
size_t go_header_length(const char header[SCC_GO_HEADER_BYTES]);

/// Parses `size` bytes of payload in place (`payload[size]` must be writable). False: malformed. Unknown and
/// repeated members are malformed, as are strings that are not plain ASCII.
bool parse_go_payload(char* payload, size_t size, GoAnswer* answer);

#ifdef __cplusplus
}
#endif
