// SPDX-License-Identifier: Apache-2.0
// Growing text buffer, a compact JSON writer over it, and the bounded file and string readers that both
// binaries need. Plain C without stdio: these run before every agent and must start in microseconds.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct TextBuffer {
  char* data;
  size_t size;
  size_t capacity;
  size_t limit;  // 0: none
  bool failed;   // out of memory or over the limit; the content is then unusable
} TextBuffer;

void text_bytes(TextBuffer* buffer, const char* bytes, size_t count);
void text_string(TextBuffer* buffer, const char* string);
void text_number(TextBuffer* buffer, int64_t value);
void text_free(TextBuffer* buffer);

/// Members and elements are separated by themselves; `key` is NULL inside arrays.
typedef struct JsonWriter {
  TextBuffer* out;
  bool need_comma;
} JsonWriter;

void json_open(JsonWriter* writer, const char* key, char bracket);
void json_close(JsonWriter* writer, char bracket);
/// Control characters are escaped; every byte that is not part of valid UTF-8 becomes U+FFFD. NULL writes
/// null.
void json_text(JsonWriter* writer, const char* key, const char* value);
void json_number(JsonWriter* writer, const char* key, int64_t value);
void json_bool(JsonWriter* writer, const char* key, bool value);

/// The whole file, NUL-terminated, to be freed by the caller; NULL with errno when it cannot be read or is
/// larger than `max` bytes (EFBIG). Works on /proc files, whose size is 0.
char* read_file(const char* path, size_t max, size_t* size);

/// Writes everything, waiting where the descriptor does not block by itself. False with errno.
bool write_all(int fd, const char* bytes, size_t count);

/// One line on stderr: "<program>: <what>[ <subject>][: <errno text>]". error 0 leaves the text out.
void report_error(const char* program, const char* what, const char* subject, int error);

/// 1..max characters of [A-Za-z0-9_-].
bool is_token(const char* string, size_t min, size_t max);

/// Plain decimal without sign, at most `max`.
bool parse_decimal(const char* string, uint64_t max, uint64_t* value);

#ifdef __cplusplus
}
#endif
