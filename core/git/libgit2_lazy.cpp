// SPDX-License-Identifier: Apache-2.0
// Forwarders to libgit2, mapped on first use (os/lazy_library.h says why).
#include <git2.h>
#include <git2/sys/odb_backend.h>
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
SCC_FORWARD(libgit2, int, git_oid_equal, (const git_oid* one, const git_oid* other), (one, other))
SCC_FORWARD(libgit2, int, git_odb_open, (git_odb * *out, const char* directory), (out, directory))
SCC_FORWARD(libgit2, int, git_odb_backend_loose,
            (git_odb_backend * *out, const char* directory, int level, int sync, unsigned directory_mode,
             unsigned file_mode),
            (out, directory, level, sync, directory_mode, file_mode))
SCC_FORWARD(libgit2, int, git_odb_add_backend, (git_odb * odb, git_odb_backend* backend, int priority),
            (odb, backend, priority))
SCC_FORWARD(libgit2, int, git_odb_exists, (git_odb * odb, const git_oid* id), (odb, id))
SCC_FORWARD(libgit2, int, git_odb_hash, (git_oid * out, const void* data, size_t size, git_object_t type),
            (out, data, size, type))
SCC_FORWARD(libgit2, int, git_odb_write,
            (git_oid * out, git_odb* odb, const void* data, size_t size, git_object_t type),
            (out, odb, data, size, type))
SCC_FORWARD(libgit2, int, git_repository_wrap_odb, (git_repository * *out, git_odb* odb), (out, odb))
SCC_FORWARD(libgit2, git_time_t, git_commit_time, (const git_commit* commit), (commit))
SCC_FORWARD(libgit2, const char*, git_commit_message, (const git_commit* commit), (commit))
SCC_FORWARD(libgit2, int, git_tree_lookup, (git_tree * *out, git_repository* repository, const git_oid* id),
            (out, repository, id))
SCC_FORWARD(libgit2, const git_oid*, git_tree_id, (const git_tree* tree), (tree))
SCC_FORWARD(libgit2, size_t, git_tree_entrycount, (const git_tree* tree), (tree))
SCC_FORWARD(libgit2, const git_tree_entry*, git_tree_entry_byindex, (const git_tree* tree, size_t index),
            (tree, index))
SCC_FORWARD(libgit2, const char*, git_tree_entry_name, (const git_tree_entry* entry), (entry))
SCC_FORWARD(libgit2, int, git_index_new, (git_index * *out), (out))
SCC_FORWARD(libgit2, int, git_index_open, (git_index * *out, const char* path), (out, path))
SCC_FORWARD(libgit2, void, git_index_free, (git_index * index), (index))
SCC_FORWARD(libgit2, int, git_index_add, (git_index * index, const git_index_entry* entry), (index, entry))
SCC_FORWARD(libgit2, size_t, git_index_entrycount, (const git_index* index), (index))
SCC_FORWARD(libgit2, const git_index_entry*, git_index_get_byindex, (git_index * index, size_t number),
            (index, number))
SCC_FORWARD(libgit2, int, git_index_read_tree, (git_index * index, const git_tree* tree), (index, tree))
SCC_FORWARD(libgit2, int, git_index_write, (git_index * index), (index))
SCC_FORWARD(libgit2, int, git_index_write_tree_to,
            (git_oid * out, git_index* index, git_repository* repository), (out, index, repository))

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
