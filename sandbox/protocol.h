// SPDX-License-Identifier: Apache-2.0
// What the checker and the host say to each other over the stdio of an exec: magic strings and limits,
// nothing else. core/ repeats these constants (it includes no file of this folder) and a contract test
// compares the two.
//
//   checker -> host   RS "SCC-EVIDENCE " <compact JSON> LF
//   host -> checker   RS "SCC-GO " <8 hex digits: payload bytes> SP <payload JSON> LF
//   checker -> host   RS "SCC-EXEC" LF                           (only when the payload has "ack":true;
//   execve follows)
//
// The host sends nothing before it has read the evidence, and every byte after the frame's LF belongs to the
// agent.
#pragma once

#define SCC_EVIDENCE_SCHEMA "scc.evidence/1"

#define SCC_EVIDENCE_PREFIX "\x1eSCC-EVIDENCE "
#define SCC_GO_PREFIX "\x1eSCC-GO "
#define SCC_EXEC_LINE "\x1eSCC-EXEC\n"

#define SCC_GO_LENGTH_DIGITS 8
#define SCC_GO_HEADER_BYTES 17  // prefix, digits, one space

#define SCC_EVIDENCE_MAX_BYTES 1048576  // the whole line, prefix and LF included
#define SCC_GO_MAX_BYTES 1048576        // the payload
#define SCC_GO_DEADLINE_MS 10000        // default and maximum

#define SCC_TOKEN_MAX 64  // [A-Za-z0-9_-]
#define SCC_NONCE_MIN 16  // [A-Za-z0-9_-]
#define SCC_NONCE_MAX 128
#define SCC_SECRET_NAME_MAX 64  // [a-z0-9-]
#define SCC_SECRET_VALUE_MAX 65536
#define SCC_SECRETS_MAX 32

#define SCC_STATE_DIR "/run/scc"
#define SCC_EXEC_DIR_NAME "exec"        // SCC_STATE_DIR/exec/TOKEN.pid: "<pid> <start time>\n"
#define SCC_SECRETS_DIR_NAME "secrets"  // SCC_STATE_DIR/secrets/NAME

// No policy can allow it: RFC 2606 keeps the domain free of names.
#define SCC_DENIED_NAME "scc-denied.invalid:443"

// The proxy's side, in the private temporary file system of its container.
#define SCC_PROXY_DIR "/run/scc-proxy"
#define SCC_PROXY_SAID SCC_PROXY_DIR "/said"        // what the proxy's programs wrote
#define SCC_PROXY_REFUSED SCC_PROXY_DIR "/refused"  // there is no proxy, and there will be none

#define SCC_RELAY_PROGRAM "/opt/scc/bin/scc-relay"

#define SCC_EXIT_REFUSED 125
#define SCC_EXIT_NOT_EXECUTABLE 126
#define SCC_EXIT_NOT_FOUND 127
#define SCC_EXIT_USAGE 2
