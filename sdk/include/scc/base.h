/* SPDX-License-Identifier: Apache-2.0
   scc/base.h: the types every other header of the plugin ABI uses. C11 and C++17, freestanding includes only,
   append-only within a major. Strings are UTF-8 unless a function says "bytes". The numbered rules (ABI-n)
   are in docs/abi.md. */
#ifndef SCC_BASE_H
#define SCC_BASE_H

#include <stddef.h>
#include <stdint.h>

#define SCC_ABI_MAJOR 1
#define SCC_ABI_MINOR 1

#if defined(__cplusplus)
#define SCC_EXTERN_C extern "C"
#define SCC_BEGIN_DECLS extern "C" {
#define SCC_END_DECLS }
#else
#define SCC_EXTERN_C extern
#define SCC_BEGIN_DECLS
#define SCC_END_DECLS
#endif
#define SCC_EXPORT SCC_EXTERN_C __attribute__((visibility("default")))

/* True when table `t` is new enough to hold member `m` and the member is set (ABI-4). */
#define SCC_HAS(t, m) ((t) && (t)->struct_size >= offsetof(__typeof__(*(t)), m) + sizeof((t)->m) && (t)->m)

SCC_BEGIN_DECLS

/* Borrowed bytes, valid until the call returns. Not NUL-terminated. data may be NULL iff size is 0. (ABI-5)
 */
typedef struct scc_str {
  const char* data;
  size_t size;
} scc_str;

/* Values 1 to 6 and 130 equal the exit codes of the command line. */
typedef int32_t scc_status;
enum {
  SCC_OK = 0,
  SCC_E_NOT_FOUND = 1,
  SCC_E_USAGE = 2,
  SCC_E_CONFIG = 3,
  SCC_E_TOOL = 4,
  SCC_E_PREREQ = 5,
  SCC_E_POLICY = 6,
  SCC_E_UNSUPPORTED = 16,
  SCC_E_TIMEOUT = 17,
  SCC_E_LIMIT = 18,    /* a sink or a quota refused more */
  SCC_E_INTERNAL = 19, /* a bug: a caught exception, a broken invariant */
  SCC_E_CANCELLED = 130
};

/* Where a callee puts output. Given by the caller, valid for the call. write() may be called many times; it
   returns SCC_OK, or SCC_E_LIMIT or SCC_E_CANCELLED, after which the callee stops writing. (ABI-10) */
typedef struct scc_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void* ctx;
  scc_status (*write)(void* ctx, scc_str bytes);
} scc_sink;

/* Where a callee takes bulk input from. read() fills at most `capacity` bytes (capacity >= 1) and sets *size;
   0 is the end. Not SCC_OK: the callee gives up with that status. */
typedef struct scc_source {
  uint32_t struct_size;
  uint32_t reserved;
  void* ctx;
  scc_status (*read)(void* ctx, char* buffer, size_t capacity, size_t* size);
} scc_source;

/* Where a callee explains a failure. Called at most once for a failing call; may be NULL. `code` is a stable
   id such as "acme.no-key"; `hint` says what to run next and may be empty. */
typedef struct scc_error_sink {
  uint32_t struct_size;
  uint32_t reserved;
  void* ctx;
  void (*report)(void* ctx, scc_str code, scc_str message, scc_str hint);
} scc_error_sink;

SCC_END_DECLS
#endif
