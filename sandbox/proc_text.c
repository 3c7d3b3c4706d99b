// SPDX-License-Identifier: Apache-2.0
// See proc_text.h; the formats are those of proc(5).
#include "proc_text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { kFieldsBeforeOptional = 6, kStatFieldsAfterName = 20 };

// Space, tab, newline and backslash are written as \ooo in mountinfo.
static void unescape_octal(char* string) {
  char* out = string;
  for (const char* in = string; *in != '\0';) {
    const bool octal = in[0] == '\\' && in[1] >= '0' && in[1] <= '3' && in[2] >= '0' && in[2] <= '7' &&
                       in[3] >= '0' && in[3] <= '7';
    if (octal) {
      *out++ = (char)(((in[1] - '0') << 6) | ((in[2] - '0') << 3) | (in[3] - '0'));
      in += 4;
    } else {
      *out++ = *in++;
    }
  }
  *out = '\0';
}

// Next field of a line split at single spaces; a field may be empty. NULL at the end.
static char* next_field(char** rest) {
  char* field = *rest;
  if (field == NULL) return NULL;
  char* space = strchr(field, ' ');
  if (space != NULL) *space++ = '\0';
  *rest = space;
  return field;
}

static bool has_option(const char* options, const char* name) {
  const size_t length = strlen(name);
  while (options != NULL) {
    if (strncmp(options, name, length) == 0 && (options[length] == ',' || options[length] == '\0'))
      return true;
    options = strchr(options, ',');
    if (options != NULL) ++options;
  }
  return false;
}

bool parse_mount_line(char* line, MountEntry* entry) {
  memset(entry, 0, sizeof *entry);
  char* fields[kFieldsBeforeOptional];
  for (int i = 0; i < kFieldsBeforeOptional; ++i) {
    fields[i] = next_field(&line);
    if (fields[i] == NULL) return false;
  }
  char* optional = next_field(&line);
  for (; optional != NULL && strcmp(optional, "-") != 0; optional = next_field(&line)) {
    if (strncmp(optional, "shared:", 7) == 0) entry->shared = true;
    if (strncmp(optional, "master:", 7) == 0) entry->slave = true;
    if (strcmp(optional, "unbindable") == 0) entry->unbindable = true;
  }
  if (optional == NULL) return false;
  entry->fstype = next_field(&line);
  entry->source = next_field(&line);
  const char* super_options = next_field(&line);
  if (super_options == NULL || line != NULL) return false;
  entry->root = fields[3];
  entry->target = fields[4];
  unescape_octal(entry->root);
  unescape_octal(entry->target);
  unescape_octal(entry->fstype);
  unescape_octal(entry->source);
  if (entry->target[0] != '/') return false;
  entry->read_only = has_option(fields[5], "ro") || has_option(super_options, "ro");
  entry->nosuid = has_option(fields[5], "nosuid");
  entry->nodev = has_option(fields[5], "nodev");
  entry->noexec = has_option(fields[5], "noexec");
  return true;
}

bool parse_mounts(char* text, MountEntry** entries, size_t* count) {
  size_t lines = 0;
  for (const char* at = text; *at != '\0'; ++at) lines += *at == '\n' ? 1 : 0;
  MountEntry* list = calloc(lines + 1, sizeof *list);
  if (list == NULL) return false;
  size_t used = 0;
  while (*text != '\0') {
    char* end = strchr(text, '\n');
    if (end != NULL) *end = '\0';
    if (!parse_mount_line(text, &list[used])) {
      free(list);
      return false;
    }
    ++used;
    if (end == NULL) break;
    text = end + 1;
  }
  *entries = list;
  *count = used;
  return true;
}

// Whether `directory` is `path` or above it, by whole components.
static bool is_above(const char* directory, const char* path) {
  const size_t length = strlen(directory);
  if (length == 1) return true;
  return strncmp(directory, path, length) == 0 && (path[length] == '/' || path[length] == '\0');
}

const MountEntry* mount_of(const MountEntry* entries, size_t count, const char* path) {
  const MountEntry* best = NULL;
  for (size_t i = 0; i < count; ++i) {
    if (!is_above(entries[i].target, path)) continue;
    if (best == NULL || strlen(entries[i].target) >= strlen(best->target)) best = &entries[i];
  }
  return best;
}

bool is_pinned(const MountEntry* entries, size_t count, const char* path,
               bool (*can_rename)(const char* directory, const char* entry)) {
  const MountEntry* mount = mount_of(entries, count, path);
  char* at = mount == NULL ? NULL : strdup(mount->target);
  if (at == NULL) return false;
  bool pinned = true;
  while (pinned) {
    // `at` is in place itself; next, the directory that holds it.
    char* slash = strrchr(at, '/');
    if (slash == at) break;
    *slash = '\0';
    const MountEntry* holder = mount_of(entries, count, at);
    if (holder == NULL || strcmp(holder->target, at) == 0 || holder->read_only) {
      pinned = holder != NULL;
      continue;
    }
    // The parent of a top-level directory is "/" itself.
    slash = strrchr(at, '/');
    char* const parent = strndup(at, slash == at ? 1 : (size_t)(slash - at));
    pinned = parent != NULL && !can_rename(parent, at);
    free(parent);
  }
  free(at);
  return pinned;
}

const char* status_value(const char* text, const char* name) {
  const size_t length = strlen(name);
  for (const char* line = text; line != NULL && *line != '\0';) {
    if (strncmp(line, name, length) == 0 && line[length] == ':') {
      line += length + 1;
      while (*line == '\t' || *line == ' ') ++line;
      return line;
    }
    line = strchr(line, '\n');
    if (line != NULL) ++line;
  }
  return NULL;
}

bool status_hex(const char* text, const char* name, uint64_t* value) {
  const char* at = status_value(text, name);
  if (at == NULL) return false;
  uint64_t result = 0;
  int digits = 0;
  for (; *at != '\n' && *at != '\0'; ++at, ++digits) {
    unsigned digit;
    if (*at >= '0' && *at <= '9') {
      digit = (unsigned)(*at - '0');
    } else if (*at >= 'a' && *at <= 'f') {
      digit = (unsigned)(*at - 'a') + 10;
    } else {
      return false;
    }
    result = result << 4 | digit;
  }
  if (digits == 0 || digits > 16) return false;
  *value = result;
  return true;
}

int64_t status_number(const char* text, const char* name) {
  const char* at = status_value(text, name);
  if (at == NULL || *at < '0' || *at > '9') return -1;
  int64_t result = 0;
  for (; *at >= '0' && *at <= '9'; ++at) {
    if (result > INT64_MAX / 10 - 1) return -1;
    result = result * 10 + (*at - '0');
  }
  return result;
}

static bool read_number(const char** at, uint64_t max, uint64_t* value) {
  const char* digit = *at;
  uint64_t result = 0;
  for (; *digit >= '0' && *digit <= '9'; ++digit) {
    const uint64_t next = (uint64_t)(*digit - '0');
    if (result > (max - next) / 10) return false;
    result = result * 10 + next;
  }
  if (digit == *at) return false;
  *at = digit;
  *value = result;
  return true;
}

bool stat_start_time(const char* text, uint64_t* start_time) {
  const char* at = strrchr(text, ')');
  if (at == NULL) return false;
  for (int field = 0; field < kStatFieldsAfterName; ++field) {
    at = strchr(at + 1, ' ');
    if (at == NULL) return false;
  }
  ++at;
  return read_number(&at, UINT64_MAX, start_time) && *at == ' ';
}

bool parse_exec_record(const char* text, int* pid, uint64_t* start_time) {
  uint64_t number = 0;
  if (!read_number(&text, INT_MAX, &number) || *text++ != ' ') return false;
  // 0 and 1 would mean the own group and the init.
  if (number < 2) return false;
  *pid = (int)number;
  return read_number(&text, UINT64_MAX, start_time) && text[0] == '\n' && text[1] == '\0';
}
