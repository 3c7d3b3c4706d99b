// SPDX-License-Identifier: Apache-2.0
// See go_frame.h. A fixed grammar, no recursion: the payload has one level of objects in one array.
#include "go_frame.h"

#include <string.h>

typedef struct Cursor {
  char* at;
  char* end;
} Cursor;

static int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

size_t go_header_length(const char header[SCC_GO_HEADER_BYTES]) {
  const size_t prefix = sizeof SCC_GO_PREFIX - 1;
  _Static_assert(sizeof SCC_GO_PREFIX - 1 + SCC_GO_LENGTH_DIGITS + 1 == SCC_GO_HEADER_BYTES, "header size");
  if (memcmp(header, SCC_GO_PREFIX, prefix) != 0 || header[SCC_GO_HEADER_BYTES - 1] != ' ') return 0;
  uint64_t length = 0;
  for (size_t i = 0; i < SCC_GO_LENGTH_DIGITS; ++i) {
    const int digit = hex_value(header[prefix + i]);
    if (digit < 0) return 0;
    length = length << 4 | (uint64_t)digit;
  }
  return length >= 2 && length <= SCC_GO_MAX_BYTES ? (size_t)length : 0;
}

static void skip_space(Cursor* cursor) {
  while (cursor->at < cursor->end &&
         (*cursor->at == ' ' || *cursor->at == '\t' || *cursor->at == '\n' || *cursor->at == '\r')) {
    ++cursor->at;
  }
}

static bool accept(Cursor* cursor, char wanted) {
  skip_space(cursor);
  if (cursor->at >= cursor->end || *cursor->at != wanted) return false;
  ++cursor->at;
  return true;
}

static bool accept_word(Cursor* cursor, const char* word) {
  const size_t length = strlen(word);
  skip_space(cursor);
  if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length) != 0) return false;
  cursor->at += length;
  return true;
}

// The character that an escape stands for, -1 when it is not printable ASCII: no field needs any other.
static int read_escape(Cursor* cursor) {
  if (cursor->at >= cursor->end) return -1;
  const char kind = *cursor->at++;
  if (kind == '"' || kind == '\\' || kind == '/') return kind;
  if (kind != 'u' || cursor->end - cursor->at < 4) return -1;
  int value = 0;
  for (int i = 0; i < 4; ++i) {
    const int digit = hex_value(*cursor->at++);
    if (digit < 0) return -1;
    value = value << 4 | digit;
  }
  return value >= 0x20 && value < 0x7f ? value : -1;
}

// Decodes in place and terminates; NULL when malformed.
static char* read_string(Cursor* cursor) {
  if (!accept(cursor, '"')) return NULL;
  char* const start = cursor->at;
  char* out = start;
  while (cursor->at < cursor->end) {
    const char c = *cursor->at++;
    if (c == '"') {
      *out = '\0';
      return start;
    }
    int value = (unsigned char)c;
    if (c == '\\') value = read_escape(cursor);
    if (value < 0x20 || value >= 0x7f) return NULL;
    *out++ = (char)value;
  }
  return NULL;
}

static bool read_bool(Cursor* cursor, bool* value) {
  if (accept_word(cursor, "true")) {
    *value = true;
    return true;
  }
  *value = false;
  return accept_word(cursor, "false");
}

static bool read_uint16(Cursor* cursor, uint16_t* value) {
  skip_space(cursor);
  const char* const start = cursor->at;
  unsigned result = 0;
  while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9' && cursor->at - start < 5) {
    result = result * 10 + (unsigned)(*cursor->at++ - '0');
  }
  if (cursor->at == start || result > UINT16_MAX || (*start == '0' && cursor->at - start > 1)) return false;
  *value = (uint16_t)result;
  return true;
}

static int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  if (c == '+') return 62;
  return c == '/' ? 63 : -1;
}

// Standard alphabet with padding, canonical (unused bits zero); the output overwrites the input.
static bool decode_base64(char* text, size_t* size) {
  const size_t length = strlen(text);
  if (length == 0 || length % 4 != 0) return false;
  size_t padding = 0;
  if (text[length - 1] == '=') padding = text[length - 2] == '=' ? 2 : 1;
  size_t out = 0;
  uint32_t bits = 0;
  for (size_t i = 0; i < length; ++i) {
    const int value = i >= length - padding ? 0 : base64_value(text[i]);
    if (value < 0) return false;
    bits = bits << 6 | (uint32_t)value;
    if (i % 4 != 3) continue;
    text[out++] = (char)(bits >> 16 & 255);
    text[out++] = (char)(bits >> 8 & 255);
    text[out++] = (char)(bits & 255);
    // Bits below the padding must not hide anything.
    const uint32_t spare = padding == 2 ? 0xffff : 0xff;
    if (i == length - 1 && padding != 0 && (bits & spare) != 0) return false;
    bits = 0;
  }
  *size = out - padding;
  return true;
}

static bool is_secret_name(const char* name) {
  const size_t length = strnlen(name, SCC_SECRET_NAME_MAX + 1);
  if (length == 0 || length > SCC_SECRET_NAME_MAX) return false;
  return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == length;
}

static bool read_secret(Cursor* cursor, GoSecret* secret) {
  if (!accept(cursor, '{')) return false;
  do {
    const char* key = read_string(cursor);
    if (key == NULL || !accept(cursor, ':')) return false;
    char** field = NULL;
    if (strcmp(key, "name") == 0) field = &secret->name;
    if (strcmp(key, "value_base64") == 0) field = &secret->value;
    if (field == NULL || *field != NULL) return false;
    *field = read_string(cursor);
    if (*field == NULL) return false;
  } while (accept(cursor, ','));
  if (!accept(cursor, '}') || secret->name == NULL || secret->value == NULL) return false;
  return is_secret_name(secret->name) && decode_base64(secret->value, &secret->size) && secret->size >= 1 &&
         secret->size <= SCC_SECRET_VALUE_MAX;
}

static bool read_secrets(Cursor* cursor, GoAnswer* answer) {
  if (!accept(cursor, '[')) return false;
  if (accept(cursor, ']')) return true;
  do {
    if (answer->secret_count == SCC_SECRETS_MAX) return false;
    GoSecret* secret = &answer->secrets[answer->secret_count];
    if (!read_secret(cursor, secret)) return false;
    for (size_t i = 0; i < answer->secret_count; ++i) {
      if (strcmp(answer->secrets[i].name, secret->name) == 0) return false;
    }
    ++answer->secret_count;
  } while (accept(cursor, ','));
  return accept(cursor, ']');
}

enum { kNonce = 1, kGo = 2, kAck = 4, kSecrets = 8, kRows = 16, kCols = 32 };

static unsigned member_bit(const char* key) {
  static const struct {
    const char* name;
    unsigned bit;
  } kMembers[] = {{"nonce", kNonce},     {"go", kGo},     {"ack", kAck},
                  {"secrets", kSecrets}, {"rows", kRows}, {"cols", kCols}};
  for (size_t i = 0; i < sizeof kMembers / sizeof kMembers[0]; ++i) {
    if (strcmp(key, kMembers[i].name) == 0) return kMembers[i].bit;
  }
  return 0;
}

static bool read_member(Cursor* cursor, unsigned bit, GoAnswer* answer) {
  switch (bit) {
    case kNonce:
      answer->nonce = read_string(cursor);
      return answer->nonce != NULL;
    case kGo:
      return read_bool(cursor, &answer->go);
    case kAck:
      return read_bool(cursor, &answer->ack);
    case kSecrets:
      return read_secrets(cursor, answer);
    case kRows:
      return read_uint16(cursor, &answer->rows);
    case kCols:
      return read_uint16(cursor, &answer->cols);
    default:
      return false;
  }
}

bool parse_go_payload(char* payload, size_t size, GoAnswer* answer) {
  memset(answer, 0, sizeof *answer);
  Cursor cursor = {payload, payload + size};
  unsigned seen = 0;
  if (!accept(&cursor, '{')) return false;
  do {
    const char* key = read_string(&cursor);
    if (key == NULL || !accept(&cursor, ':')) return false;
    const unsigned bit = member_bit(key);
    if (bit == 0 || (seen & bit) != 0 || !read_member(&cursor, bit, answer)) return false;
    seen |= bit;
  } while (accept(&cursor, ','));
  if (!accept(&cursor, '}')) return false;
  skip_space(&cursor);
  return cursor.at == cursor.end && (seen & (kNonce | kGo)) == (kNonce | kGo);
}
