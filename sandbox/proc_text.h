// SPDX-License-Identifier: Apache-2.0
// Parsers of the kernel's text: mountinfo, status, stat (proc(5)). They work on text in memory, so that tests
// feed them what no test machine has.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/// One line of /proc/self/mountinfo. The strings point into the parsed text, octal escapes resolved.
typedef struct MountEntry {
  char* root;
  char* target;
  char* fstype;
  char* source;
  bool read_only;  // this mount or its filesystem
  bool nosuid;
  bool nodev;
  bool noexec;
  bool shared;
  bool slave;
  bool unbindable;
  bool identified;  // by who walks the table: what lstat(2) says of the target
  uint64_t device;
  uint64_t inode;
} MountEntry;

/// Parses one line (no LF) in place. False when it is not a mountinfo line.
bool parse_mount_line(char* line, MountEntry* entry);

/// Splits `text` into `*entries` (to be freed), in the kernel's order. False when memory or any line is bad.
bool parse_mounts(char* text, MountEntry** entries, size_t* count);

/// The mount that holds `path` (absolute, no links): the longest target above or at it, of equal ones the
/// last. NULL: the table has no root.
const MountEntry* mount_of(const MountEntry* entries, size_t count, const char* path);

/// Whether `path` keeps its place: a mount point cannot be renamed, but a plain directory above it can, and
/// then another file may take the path. False when such a directory lies on a writable mount and
/// `can_rename` says that this entry of its parent directory can be renamed.
bool is_pinned(const MountEntry* entries, size_t count, const char* path,
               bool (*can_rename)(const char* directory, const char* entry));

/// The value of "Name:\t..." in /proc/PID/status, not terminated; NULL when absent.
const char* status_value(const char* text, const char* name);
/// Value in hexadecimal (the capability sets). False when absent or malformed.
bool status_hex(const char* text, const char* name, uint64_t* value);
/// Decimal value; -1 when absent or malformed.
int64_t status_number(const char* text, const char* name);

/// Field 22 of /proc/PID/stat. The command name (field 2) may itself hold spaces and parentheses.
bool stat_start_time(const char* text, uint64_t* start_time);

/// "PID STARTTIME\n", what the checker records for `scc-init signal`.
bool parse_exec_record(const char* text, int* pid, uint64_t* start_time);

#ifdef __cplusplus
}
#endif
