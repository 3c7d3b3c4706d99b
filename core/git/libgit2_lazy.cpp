// SPDX-License-Identifier: Apache-2.0
// Forwarders to libgit2, mapped on first use (os/lazy_library.h says why).
#include <git2.h>

#include "os/lazy_library.h"

namespace {
scc::os::LazyLibrary libgit2("libgit2.so." LIBGIT2_SOVERSION);
}  // namespace

extern "C" {

SCC_FORWARD(libgit2, int, git_libgit2_init, (), ())
SCC_FORWARD(libgit2, int, git_libgit2_shutdown, (), ())
SCC_FORWARD(libgit2, void, git_buf_dispose, (git_buf * buffer), (buffer))
SCC_FORWARD(libgit2, int, git_config_new, (git_config * *out), (out))
SCC_FORWARD(libgit2, void, git_config_free, (git_config * config), (config))
SCC_FORWARD(libgit2, int, git_config_add_file_ondisk,
            (git_config * config, const char* path, git_config_level_t level,
             const git_repository* repository, int force),
            (config, path, level, repository, force))
SCC_FORWARD(libgit2, int, git_config_get_string_buf,
            (git_buf * out, const git_config* config, const char* name), (out, config, name))
SCC_FORWARD(libgit2, const git_error*, git_error_last, (), ())

}  // extern "C"
