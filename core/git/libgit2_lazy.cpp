// SPDX-License-Identifier: Apache-2.0
// Forwarders to libgit2, mapped on first use (os/lazy_library.h says why).
#include <git2.h>
#include <git2/sys/transport.h>

#include "git/library.h"
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
SCC_FORWARD(libgit2, int, git_error_set_str, (int category, const char* text), (category, text))
SCC_FORWARD(libgit2, int, git_repository_init, (git_repository * *out, const char* path, unsigned bare),
            (out, path, bare))
SCC_FORWARD(libgit2, int, git_repository_open_ext,
            (git_repository * *out, const char* path, unsigned flags, const char* ceiling),
            (out, path, flags, ceiling))
SCC_FORWARD(libgit2, void, git_repository_free, (git_repository * repository), (repository))
SCC_FORWARD(libgit2, int, git_repository_odb, (git_odb * *out, git_repository* repository), (out, repository))
SCC_FORWARD(libgit2, void, git_odb_free, (git_odb * odb), (odb))
SCC_FORWARD(libgit2, int, git_odb_read_header,
            (size_t * size, git_object_t* type, git_odb* odb, const git_oid* id), (size, type, odb, id))
SCC_FORWARD(libgit2, int, git_remote_create_anonymous,
            (git_remote * *out, git_repository* repository, const char* url), (out, repository, url))
SCC_FORWARD(libgit2, int, git_remote_connect,
            (git_remote * remote, git_direction direction, const git_remote_callbacks* callbacks,
             const git_proxy_options* proxy, const git_strarray* headers),
            (remote, direction, callbacks, proxy, headers))
SCC_FORWARD(libgit2, int, git_remote_ls, (const git_remote_head*** out, size_t* size, git_remote* remote),
            (out, size, remote))
SCC_FORWARD(libgit2, int, git_remote_download,
            (git_remote * remote, const git_strarray* specs, const git_fetch_options* options),
            (remote, specs, options))
SCC_FORWARD(libgit2, void, git_remote_free, (git_remote * remote), (remote))
SCC_FORWARD(libgit2, int, git_transport_smart, (git_transport * *out, git_remote* owner, void* payload),
            (out, owner, payload))
SCC_FORWARD(libgit2, int, git_reference_name_to_id,
            (git_oid * out, git_repository* repository, const char* name), (out, repository, name))
SCC_FORWARD(libgit2, int, git_graph_descendant_of,
            (git_repository * repository, const git_oid* commit, const git_oid* ancestor),
            (repository, commit, ancestor))
SCC_FORWARD(libgit2, int, git_oid_fromstr, (git_oid * out, const char* text), (out, text))
SCC_FORWARD(libgit2, int, git_oid_fmt, (char* out, const git_oid* id), (out, id))
SCC_FORWARD(libgit2, int, git_commit_lookup,
            (git_commit * *out, git_repository* repository, const git_oid* id), (out, repository, id))
SCC_FORWARD(libgit2, int, git_commit_tree, (git_tree * *out, const git_commit* commit), (out, commit))
SCC_FORWARD(libgit2, void, git_commit_free, (git_commit * commit), (commit))
SCC_FORWARD(libgit2, void, git_tree_free, (git_tree * tree), (tree))
SCC_FORWARD(libgit2, int, git_tree_entry_bypath,
            (git_tree_entry * *out, const git_tree* root, const char* path), (out, root, path))
SCC_FORWARD(libgit2, git_filemode_t, git_tree_entry_filemode, (const git_tree_entry* entry), (entry))
SCC_FORWARD(libgit2, const git_oid*, git_tree_entry_id, (const git_tree_entry* entry), (entry))
SCC_FORWARD(libgit2, void, git_tree_entry_free, (git_tree_entry * entry), (entry))
SCC_FORWARD(libgit2, int, git_blob_lookup, (git_blob * *out, git_repository* repository, const git_oid* id),
            (out, repository, id))
SCC_FORWARD(libgit2, const void*, git_blob_rawcontent, (const git_blob* blob), (blob))
SCC_FORWARD(libgit2, git_object_size_t, git_blob_rawsize, (const git_blob* blob), (blob))
SCC_FORWARD(libgit2, void, git_blob_free, (git_blob * blob), (blob))

}  // extern "C"

namespace scc::git {

namespace {
/// git_libgit2_opts: the types after the option are the option's affair.
template <class... Arguments>
int option(int name, Arguments... arguments) {
  static const auto function = reinterpret_cast<int (*)(int, ...)>(libgit2.symbol("git_libgit2_opts"));
  return function(name, arguments...);
}
}  // namespace

int get_search_path(int level, git_buf* out) {
  return option(GIT_OPT_GET_SEARCH_PATH, level, out);
}
int set_search_path(int level, const char* path) {
  return option(GIT_OPT_SET_SEARCH_PATH, level, path);
}
int set_pack_limits(std::size_t objects, std::size_t object_bytes) {
  const int first = option(GIT_OPT_SET_PACK_MAX_OBJECTS, objects);
  const int second = option(GIT_OPT_SET_PACK_MAX_OBJECT_SIZE, object_bytes);
  return first != 0 ? first : second;
}

}  // namespace scc::git
