// SPDX-License-Identifier: Apache-2.0
// See text.h. A buffer that failed once stays failed, so that callers check a single time at the end.
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { kFirstCapacity = 4096 };

static bool text_reserve(TextBuffer* buffer, size_t extra) {
  if (buffer->failed || extra > SIZE_MAX / 4 - buffer->size) return false;
  const size_t wanted = buffer->size + extra + 1;
  if (buffer->limit != 0 && wanted > buffer->limit + 1) return false;
  if (wanted <= buffer->capacity) return true;
  size_t capacity = buffer->capacity == 0 ? kFirstCapacity : buffer->capacity * 2;
  if (capacity < wanted) capacity = wanted;
  char* data = realloc(buffer->data, capacity);
  if (data == NULL) return false;
  buffer->data = data;
  buffer->capacity = capacity;
  return true;
}

void text_bytes(TextBuffer* buffer, const char* bytes, size_t count) {
  if (!text_reserve(buffer, count)) {
    buffer->failed = true;
    return;
  }
  memcpy(buffer->data + buffer->size, bytes, count);
  buffer->size += count;
  buffer->data[buffer->size] = '\0';
}

void text_string(TextBuffer* buffer, const char* string) {
  text_bytes(buffer, string, strlen(string));
}

void text_number(TextBuffer* buffer, int64_t value) {
  char digits[24];
  size_t at = sizeof digits;
  uint64_t rest = value < 0 ? (uint64_t)0 - (uint64_t)value : (uint64_t)value;
  do {
    digits[--at] = (char)('0' + (int)(rest % 10));
    rest /= 10;
  } while (rest != 0);
  if (value < 0) digits[--at] = '-';
  text_bytes(buffer, digits + at, sizeof digits - at);
}

void text_free(TextBuffer* buffer) {
  free(buffer->data);
  memset(buffer, 0, sizeof *buffer);
}

// Length of the valid UTF-8 sequence at `at`, 0 when there is none (RFC 3629: no overlong forms, no
// surrogates).
static size_t utf8_length(const unsigned char* at) {
  const unsigned char lead = at[0];
  if (lead < 0x80) return 1;
  size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xbf;
  if (lead >= 0xc2 && lead <= 0xdf) {
    length = 2;
  } else if (lead >= 0xe0 && lead <= 0xef) {
    length = 3;
    if (lead == 0xe0) low = 0xa0;
    if (lead == 0xed) high = 0x9f;
  } else if (lead >= 0xf0 && lead <= 0xf4) {
    length = 4;
    if (lead == 0xf0) low = 0x90;
    if (lead == 0xf4) high = 0x8f;
  } else {
    return 0;
  }
  if (at[1] < low || at[1] > high) return 0;
  for (size_t i = 2; i < length; ++i) {
    if (at[i] < 0x80 || at[i] > 0xbf) return 0;
  }
  return length;
}

static void json_escape(TextBuffer* out, const char* value) {
  static const char kHex[] = "0123456789abcdef";
  const unsigned char* at = (const unsigned char*)value;
  text_bytes(out, "\"", 1);
  while (*at != '\0') {
    const size_t length = utf8_length(at);
    if (length == 0) {
      text_string(out, "\\ufffd");
      ++at;
      continue;
    }
    if (*at == '"' || *at == '\\') {
      text_bytes(out, "\\", 1);
      text_bytes(out, (const char*)at, 1);
    } else if (*at < 0x20 || *at == 0x7f) {
      char escape[7] = "\\u0000";
      escape[4] = kHex[*at >> 4];
      escape[5] = kHex[*at & 15];
      text_bytes(out, escape, 6);
    } else {
      text_bytes(out, (const char*)at, length);
    }
    at += length;
  }
  text_bytes(out, "\"", 1);
}

static void json_prefix(JsonWriter* writer, const char* key) {
  if (writer->need_comma) text_bytes(writer->out, ",", 1);
  writer->need_comma = true;
  if (key == NULL) return;
  json_escape(writer->out, key);
  text_bytes(writer->out, ":", 1);
}

void json_open(JsonWriter* writer, const char* key, char bracket) {
  json_prefix(writer, key);
  text_bytes(writer->out, &bracket, 1);
  writer->need_comma = false;
}

void json_close(JsonWriter* writer, char bracket) {
  text_bytes(writer->out, &bracket, 1);
  writer->need_comma = true;
}

void json_text(JsonWriter* writer, const char* key, const char* value) {
  json_prefix(writer, key);
  if (value == NULL) {
    text_string(writer->out, "null");
  } else {
    json_escape(writer->out, value);
  }
}

void json_number(JsonWriter* writer, const char* key, int64_t value) {
  json_prefix(writer, key);
  text_number(writer->out, value);
}

void json_bool(JsonWriter* writer, const char* key, bool value) {
  json_prefix(writer, key);
  text_string(writer->out, value ? "true" : "false");
}

char* read_file(const char* path, size_t max, size_t* size) {
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (fd < 0) return NULL;
  TextBuffer content = {.limit = max};
  char chunk[16384];
  int error = 0;
  for (;;) {
    const ssize_t got = read(fd, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) error = errno;
    if (got <= 0) break;
    text_bytes(&content, chunk, (size_t)got);
    if (content.failed) {
      error = EFBIG;
      break;
    }
  }
  close(fd);
  if (error == 0 && content.data == NULL) text_bytes(&content, "", 0);
  if (error != 0 || content.failed) {
    text_free(&content);
    errno = error != 0 ? error : ENOMEM;
    return NULL;
  }
  if (size != NULL) *size = content.size;
  return content.data;
}

bool write_all(int fd, const char* bytes, size_t count) {
  while (count > 0) {
    const ssize_t put = write(fd, bytes, count);
    if (put >= 0) {
      bytes += put;
      count -= (size_t)put;
    } else if (errno == EAGAIN) {
      struct pollfd ready = {.fd = fd, .events = POLLOUT};
      poll(&ready, 1, -1);
    } else if (errno != EINTR) {
      return false;
    }
  }
  return true;
}

void report_error(const char* program, const char* what, const char* subject, int error) {
  TextBuffer line = {0};
  text_string(&line, program);
  text_string(&line, ": ");
  text_string(&line, what);
  if (subject != NULL) {
    // The subject may come from outside: the JSON form has no control characters that could reach a terminal.
    text_bytes(&line, " ", 1);
    json_escape(&line, subject);
  }
  if (error != 0) {
    text_string(&line, ": ");
    text_string(&line, strerror(error));
  }
  text_bytes(&line, "\n", 1);
  if (!line.failed) write_all(STDERR_FILENO, line.data, line.size);
  text_free(&line);
}

bool is_token(const char* string, size_t min, size_t max) {
  const size_t length = strnlen(string, max + 1);
  if (length < min || length > max) return false;
  for (size_t i = 0; i < length; ++i) {
    const char c = string[i];
    const bool good =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
    if (!good) return false;
  }
  return true;
}

bool parse_decimal(const char* string, uint64_t max, uint64_t* value) {
  if (*string == '\0') return false;
  uint64_t result = 0;
  for (; *string != '\0'; ++string) {
    if (*string < '0' || *string > '9') return false;
    const uint64_t digit = (uint64_t)(*string - '0');
    if (result > (max - digit) / 10) return false;
    result = result * 10 + digit;
  }
  *value = result;
  return true;
}
