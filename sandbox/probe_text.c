// SPDX-License-Identifier: Apache-2.0
// Lines, escapes and findings. See probe.h.
#include <stdio.h>
#include <string.h>

#include "probe.h"
#include "text.h"

bool probe_split(char* line, ProbeLine* out) {
  memset(out, 0, sizeof *out);
  if (*line == '\0') return false;
  for (char* at = line; at != NULL;) {
    if (out->count == kProbeWordsMax) return false;
    out->words[out->count++] = at;
    at = strchr(at, '\t');
    if (at != NULL) *at++ = '\0';
  }
  return out->count >= 2 && is_token(out->words[0], 1, 64) && is_token(out->words[1], 1, 16);
}

static int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

int probe_unescape(char* text) {
  char* to = text;
  for (const char* from = text; *from != '\0'; ++from) {
    if (*from != '%') {
      *to++ = *from;
      continue;
    }
    const int high = hex_digit(from[1]);
    const int low = high < 0 ? -1 : hex_digit(from[2]);
    if (low < 0) return -1;
    *to++ = (char)(high * 16 + low);
    from += 2;
  }
  *to = '\0';
  return (int)(to - text);
}

static void put_printable(char* out, size_t capacity, const char* text) {
  size_t size = 0;
  for (; *text != '\0' && size + 1 < capacity; ++text) {
    out[size++] = (unsigned char)*text < ' ' || (unsigned char)*text >= 0x7f ? '?' : *text;
  }
  out[size] = '\0';
}

void probe_set(ProbeFinding* out, const char* kind, const char* value, const char* text) {
  out->kind = kind;
  put_printable(out->value, sizeof out->value, value);
  put_printable(out->text, sizeof out->text, text);
}

void probe_errno(ProbeFinding* out, const char* kind, int error) {
  probe_set(out, kind, "", strerror(error));
}

void probe_add(ProbeFinding* out, const char* text) {
  const size_t size = strlen(out->text);
  if (size + 4 >= sizeof out->text) return;
  if (size > 0) memcpy(out->text + size, "; ", 3);
  const size_t begin = strlen(out->text);
  put_printable(out->text + begin, sizeof out->text - begin, text);
}
