// SPDX-License-Identifier: Apache-2.0
// One file of a git repository at a branch or commit, out of the object database: nothing is checked out, no
// link is followed, no submodule, hook, filter or configuration of anybody is obeyed. The bytes of the smart
// HTTP protocol travel through a function of the caller's, so that the rules for TLS, redirects, time and
// size are the same as for every other fetch.
//
// libgit2 1.5 cannot make shallow clones: the history of the one branch is transferred, within the limit.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "os/fs.h"

namespace scc::git {

struct HttpRequest {
  std::string url;
  std::string body;          ///< empty: GET
  std::string content_type;  ///< of the body
  std::string accept;
  std::size_t limit = 0;  ///< of the answer's body, bytes
};
struct HttpReply {
  std::string body;
  std::string url;  ///< after redirects
};
using Http = std::function<Result<HttpReply>(const HttpRequest&)>;

struct FileRequest {
  std::string branch;  ///< empty: what the remote calls HEAD
  std::string commit;  ///< full hex id, must be in the history of the branch; empty: its tip
  std::string path;    ///< relative, no dot segments
  std::size_t file_limit = std::size_t{256} << 10U;
};

struct RemoteRequest {
  std::string url;  ///< https
  FileRequest file;
  std::string known_commit;  ///< if the commit to read is this one, nothing is transferred
  os::stdfs::path work;      ///< an existing directory for a temporary repository
  std::size_t transfer_limit = std::size_t{64} << 20U;
  Http http;
};

struct FileAtCommit {
  std::string bytes;
  std::string commit;      ///< hex
  bool unchanged = false;  ///< it is known_commit; `bytes` is empty
};

/// Errors of `http` come back as they are. Kind::config: git.branch, git.commit, git.path (no such file, a
/// link, a directory), git.file-limit, git.protocol; Kind::tool: git.limit, git.failed; Kind::usage:
/// git.request.
Result<FileAtCommit> read_remote_file(const RemoteRequest& request);

/// The same from a repository on this machine, whose owner must be the caller. Kind::config git.repository
/// when there is none at exactly this path.
Result<FileAtCommit> read_local_file(const os::stdfs::path& repository, const FileRequest& file);

/// git-check-ref-format(1), and no leading '-'.
bool valid_branch(std::string_view name);

}  // namespace scc::git
