// SPDX-License-Identifier: Apache-2.0
// See options.h. One table of options; values are always the next argument.
#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "protocol.h"
#include "text.h"

static const char* set_token(const char** slot, const char* value, size_t min, size_t max) {
  if (*slot != NULL) return "option given twice";
  if (!is_token(value, min, max)) return "not a token";
  *slot = value;
  return NULL;
}

static const char* set_id(int64_t* slot, const char* value) {
  uint64_t number = 0;
  if (*slot != -1) return "option given twice";
  // The largest value is the kernel's "no id".
  if (!parse_decimal(value, UINT32_MAX - 1U, &number)) return "not a numeric id";
  *slot = (int64_t)number;
  return NULL;
}

static const char* add_path(const char** list, size_t* count, const char* value) {
  if (value[0] != '/') return "not an absolute path";
  list[(*count)++] = value;
  return NULL;
}

static const char* set_deadline(unsigned* slot, const char* value) {
  uint64_t number = 0;
  if (!parse_decimal(value, SCC_GO_DEADLINE_MS, &number) || number == 0)
    return "not a deadline of 1..10000 ms";
  *slot = (unsigned)number;
  return NULL;
}

static const char* set_port(uint16_t* slot, const char* value) {
  uint64_t number = 0;
  if (*slot != 0) return "option given twice";
  if (!parse_decimal(value, UINT16_MAX, &number) || number == 0) return "not a port";
  *slot = (uint16_t)number;
  return NULL;
}

static const char* set_path(const char** slot, const char* value) {
  if (*slot != NULL) return "option given twice";
  if (value[0] != '/') return "not an absolute path";
  *slot = value;
  return NULL;
}

// What they say is checked where it is used: text that is no address fails the check that needs it.
static const char* set_once(const char** slot, const char* value) {
  if (*slot != NULL) return "option given twice";
  if (value[0] == '\0') return "an empty value";
  *slot = value;
  return NULL;
}

static const char* set_valued(const char* name, const char* value, CheckOptions* options) {
  if (strcmp(name, "--token") == 0) return set_token(&options->token, value, 1, SCC_TOKEN_MAX);
  if (strcmp(name, "--nonce") == 0) return set_token(&options->nonce, value, SCC_NONCE_MIN, SCC_NONCE_MAX);
  if (strcmp(name, "--expect-uid") == 0) return set_id(&options->expect_uid, value);
  if (strcmp(name, "--expect-gid") == 0) return set_id(&options->expect_gid, value);
  if (strcmp(name, "--deadline-ms") == 0) return set_deadline(&options->deadline_ms, value);
  if (strcmp(name, "--socket") == 0) return add_path(options->sockets, &options->socket_count, value);
  if (strcmp(name, "--readonly") == 0) return add_path(options->readonly, &options->readonly_count, value);
  if (strcmp(name, "--guard") == 0) return set_path(&options->guard, value);
  if (strcmp(name, "--proxy-port") == 0) return set_port(&options->proxy_port, value);
  if (strcmp(name, "--address") == 0) return set_once(&options->address, value);
  if (strcmp(name, "--proxy") == 0) return set_once(&options->proxy, value);
  if (strcmp(name, "--unreachable") == 0) {
    options->unreachable[options->unreachable_count++] = value;
    return NULL;
  }
  return "unknown option";
}

static const char* check_complete(const CheckOptions* options) {
  if (options->address == NULL && (options->proxy != NULL || options->unreachable_count > 0))
    return "--address is missing";
  if (options->address != NULL && options->isolated) return "--address and --isolated exclude each other";
  if (options->evidence_only) return options->command == NULL ? NULL : "`evidence` takes no command";
  if (options->command == NULL || options->command[0] == NULL) return "no command after --";
  if (options->command[0][0] == '\0') return "the command's name is empty";
  if (options->token == NULL) return "--token is missing";
  if (options->handshake && options->nonce == NULL) return "--nonce is missing";
  return NULL;
}

const char* parse_check_options(int argc, char** argv, CheckOptions* options, const char** subject) {
  memset(options, 0, sizeof *options);
  *subject = NULL;
  options->handshake = true;
  options->expect_uid = -1;
  options->expect_gid = -1;
  options->deadline_ms = SCC_GO_DEADLINE_MS;
  if (argc < 2) return "no verb; use run or evidence";
  options->evidence_only = strcmp(argv[1], "evidence") == 0;
  if (!options->evidence_only && strcmp(argv[1], "run") != 0) {
    *subject = argv[1];
    return "unknown verb";
  }
  options->sockets = calloc((size_t)argc, sizeof *options->sockets);
  options->readonly = calloc((size_t)argc, sizeof *options->readonly);
  options->unreachable = calloc((size_t)argc, sizeof *options->unreachable);
  if (options->sockets == NULL || options->readonly == NULL || options->unreachable == NULL)
    return "out of memory";
  for (int i = 2; i < argc; ++i) {
    *subject = argv[i];
    if (strcmp(argv[i], "--") == 0) {
      options->command = argv + i + 1;
      break;
    }
    if (strcmp(argv[i], "--allow-root") == 0) {
      options->allow_root = true;
    } else if (strcmp(argv[i], "--isolated") == 0) {
      options->isolated = true;
    } else if (strcmp(argv[i], "--no-handshake") == 0) {
      options->handshake = false;
    } else {
      if (i + 1 == argc) return "unknown option, or its value is missing";
      const char* problem = set_valued(argv[i], argv[i + 1], options);
      if (problem != NULL) return problem;
      ++i;
    }
  }
  *subject = NULL;
  return check_complete(options);
}
