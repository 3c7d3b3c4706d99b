// SPDX-License-Identifier: Apache-2.0
// Forwarders to libarchive, mapped on first use (os/lazy_library.h says why).
#include <archive.h>
#include <archive_entry.h>

#include "os/lazy_library.h"

namespace {
scc::os::LazyLibrary libarchive("libarchive.so.13");
}  // namespace

using Archive = struct archive;
using Entry = struct archive_entry;

extern "C" {

// clang-format off
SCC_FORWARD(libarchive, const char*, archive_error_string, (Archive* a), (a))
SCC_FORWARD(libarchive, Archive*, archive_read_new, (), ())
SCC_FORWARD(libarchive, int, archive_read_free, (Archive* a), (a))
SCC_FORWARD(libarchive, int, archive_read_support_format_tar, (Archive* a), (a))
SCC_FORWARD(libarchive, int, archive_read_open_memory, (Archive* a, const void* data, size_t size), (a, data, size))
SCC_FORWARD(libarchive, int, archive_read_next_header, (Archive* a, Entry** entry), (a, entry))
SCC_FORWARD(libarchive, la_ssize_t, archive_read_data, (Archive* a, void* data, size_t size), (a, data, size))
SCC_FORWARD(libarchive, Archive*, archive_write_new, (), ())
SCC_FORWARD(libarchive, int, archive_write_free, (Archive* a), (a))
SCC_FORWARD(libarchive, int, archive_write_close, (Archive* a), (a))
SCC_FORWARD(libarchive, int, archive_write_header, (Archive* a, Entry* entry), (a, entry))
SCC_FORWARD(libarchive, la_ssize_t, archive_write_data, (Archive* a, const void* data, size_t size), (a, data, size))
SCC_FORWARD(libarchive, int, archive_write_set_bytes_per_block, (Archive* a, int bytes), (a, bytes))
SCC_FORWARD(libarchive, int, archive_write_set_format_pax_restricted, (Archive* a), (a))
SCC_FORWARD(libarchive, int, archive_write_open,
            (Archive* a, void* data, archive_open_callback* open, archive_write_callback* write, archive_close_callback* close),
            (a, data, open, write, close))
SCC_FORWARD(libarchive, Entry*, archive_entry_new, (), ())
SCC_FORWARD(libarchive, void, archive_entry_free, (Entry* e), (e))
SCC_FORWARD(libarchive, __LA_MODE_T, archive_entry_filetype, (Entry* e), (e))
SCC_FORWARD(libarchive, const char*, archive_entry_hardlink, (Entry* e), (e))
SCC_FORWARD(libarchive, la_int64_t, archive_entry_size, (Entry* e), (e))
SCC_FORWARD(libarchive, void, archive_entry_set_filetype, (Entry* e, unsigned type), (e, type))
SCC_FORWARD(libarchive, void, archive_entry_set_gid, (Entry* e, la_int64_t gid), (e, gid))
SCC_FORWARD(libarchive, void, archive_entry_set_uid, (Entry* e, la_int64_t uid), (e, uid))
SCC_FORWARD(libarchive, void, archive_entry_set_mtime, (Entry* e, time_t seconds, long nanoseconds), (e, seconds, nanoseconds))
SCC_FORWARD(libarchive, void, archive_entry_set_pathname_utf8, (Entry* e, const char* path), (e, path))
SCC_FORWARD(libarchive, void, archive_entry_set_perm, (Entry* e, __LA_MODE_T mode), (e, mode))
SCC_FORWARD(libarchive, void, archive_entry_set_size, (Entry* e, la_int64_t size), (e, size))
// clang-format on

}  // extern "C"
