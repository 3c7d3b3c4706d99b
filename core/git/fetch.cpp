// SPDX-License-Identifier: Apache-2.0
#include "git/fetch.h"

#include <algorithm>

#include "base/str.h"
#include "git/transport.h"

namespace scc::git {

namespace {

namespace stdfs = os::stdfs;

/// Removed with everything in it.
struct TempRepository {
  explicit TempRepository(stdfs::path p) : path(std::move(p)) {}
  TempRepository(const TempRepository&) = delete;
  TempRepository& operator=(const TempRepository&) = delete;
  ~TempRepository() { (void)os::remove_tree(path); }
  stdfs::path path;
};

tl::unexpected<Error> no_branch(const std::string& branch) {
  return fail(Kind::config, "git.branch",
              "the repository has no branch " + str::printable(branch.empty() ? "HEAD" : branch),
              "correct the branch of the source");
}

bool valid_path(std::string_view path) {
  if (path.empty() || path.find('\0') != std::string_view::npos) return false;
  const auto parts = str::split(path, '/');
  return std::none_of(parts.begin(), parts.end(),
                      [](const std::string& part) { return part.empty() || part == "." || part == ".."; });
}

Status check(const FileRequest& file) {
  const bool hex =
      file.commit.empty() ||
      (file.commit.size() == 40 && file.commit.find_first_not_of("0123456789abcdef") == std::string::npos);
  if (hex && valid_path(file.path) && (file.branch.empty() || valid_branch(file.branch))) return {};
  return fail(Kind::usage, "git.request", "branch, commit or path cannot be used",
              "a path is relative and without \"..\"; a commit is 40 hex digits");
}

std::string hex(const git_oid& id) {
  std::string text(GIT_OID_HEXSZ, '\0');
  git_oid_fmt(text.data(), &id);
  return text;
}

/// The bytes of a regular file in the tree of a commit.
Result<std::string> read_blob(git_repository& repository, const git_oid& id, const FileRequest& file) {
  const std::string shown = str::printable(file.path) + " at " + hex(id).substr(0, 12);
  git_commit* raw_commit = nullptr;
  if (git_commit_lookup(&raw_commit, &repository, &id) != 0) {
    return fail(Kind::config, "git.commit", "not a commit of the repository: " + hex(id),
                "correct the source");
  }
  const Commit commit{raw_commit};
  git_tree* raw_tree = nullptr;
  if (git_commit_tree(&raw_tree, commit.get()) != 0) return fail(Kind::tool, "git.failed", last_message());
  const Tree tree{raw_tree};
  git_tree_entry* raw_entry = nullptr;
  if (git_tree_entry_bypath(&raw_entry, tree.get(), file.path.c_str()) != 0) {
    return fail(Kind::config, "git.path", "the repository has no " + shown, "correct the path of the source");
  }
  const TreeEntry entry{raw_entry};
  const git_filemode_t mode = git_tree_entry_filemode(entry.get());
  if (mode != GIT_FILEMODE_BLOB && mode != GIT_FILEMODE_BLOB_EXECUTABLE) {
    return fail(Kind::config, "git.path", shown + " is not a regular file", "links are not followed");
  }
  git_odb* raw_odb = nullptr;
  if (git_repository_odb(&raw_odb, &repository) != 0) return fail(Kind::tool, "git.failed", last_message());
  const Odb odb{raw_odb};
  std::size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  if (git_odb_read_header(&size, &type, odb.get(), git_tree_entry_id(entry.get())) != 0) {
    return fail(Kind::tool, "git.failed", last_message());
  }
  if (type != GIT_OBJECT_BLOB || size > file.file_limit) {
    return fail(Kind::config, "git.file-limit",
                shown + " is larger than " + std::to_string(file.file_limit) + " bytes");
  }
  git_blob* raw_blob = nullptr;
  if (git_blob_lookup(&raw_blob, &repository, git_tree_entry_id(entry.get())) != 0) {
    return fail(Kind::tool, "git.failed", last_message());
  }
  const Blob blob{raw_blob};
  return std::string(static_cast<const char*>(git_blob_rawcontent(blob.get())),
                     static_cast<std::size_t>(git_blob_rawsize(blob.get())));
}

/// The commit to read: the tip, or the wanted one if the tip descends from it.
Result<git_oid> choose(git_repository& repository, const git_oid& tip, const FileRequest& file) {
  if (file.commit.empty() || file.commit == hex(tip)) return tip;
  git_oid wanted{};
  git_oid_fromstr(&wanted, file.commit.c_str());
  if (git_graph_descendant_of(&repository, &tip, &wanted) == 1) return wanted;
  return fail(Kind::config, "git.commit", "commit " + file.commit + " is not in the history of the branch",
              "correct the source");
}

class Fetch {
 public:
  explicit Fetch(const RemoteRequest& request)
      : request_(request), wire_{request.http, request.transfer_limit, request.url, std::nullopt} {
    while (str::ends_with(wire_.base, "/")) wire_.base.pop_back();
  }
  Result<FileAtCommit> run();

 private:
  Status connect(git_repository& repository);
  Result<git_oid> find_tip();
  Status download();
  /// Why a call failed: what the transport noted, else what libgit2 says.
  tl::unexpected<Error> failure(const char* id, Kind kind) {
    if (wire_.error) return fail(*std::move(wire_.error));
    return fail(kind, id, str::printable(request_.url) + ": " + last_message(),
                "check that this is the https address of a git repository");
  }
  git_remote_callbacks callbacks() {
    git_remote_callbacks out = GIT_REMOTE_CALLBACKS_INIT;
    out.transport = make_transport;
    out.payload = &wire_;
    return out;
  }

  const RemoteRequest& request_;
  Wire wire_;
  Remote remote_;
  std::string ref_;  ///< full name of what is fetched
};

Status Fetch::connect(git_repository& repository) {
  git_remote* raw = nullptr;
  if (git_remote_create_anonymous(&raw, &repository, wire_.base.c_str()) != 0) {
    return failure("git.failed", Kind::tool);
  }
  remote_.reset(raw);
  git_remote_callbacks calls = callbacks();
  git_proxy_options proxy = GIT_PROXY_OPTIONS_INIT;  // the caller's function has its own
  if (git_remote_connect(raw, GIT_DIRECTION_FETCH, &calls, &proxy, nullptr) != 0) {
    return failure("git.protocol", Kind::config);
  }
  return {};
}

Result<git_oid> Fetch::find_tip() {
  const git_remote_head** heads = nullptr;
  std::size_t count = 0;
  if (git_remote_ls(&heads, &count, remote_.get()) != 0) return failure("git.protocol", Kind::config);
  const std::string& branch = request_.file.branch;
  ref_ = branch.empty() ? "HEAD" : "refs/heads/" + branch;
  for (std::size_t i = 0; i < count; ++i) {
    if (heads[i]->name != ref_) continue;
    const git_oid tip = heads[i]->oid;
    if (branch.empty() && heads[i]->symref_target != nullptr) ref_ = heads[i]->symref_target;
    return tip;
  }
  return no_branch(branch);
}

Status Fetch::download() {
  git_fetch_options options = GIT_FETCH_OPTIONS_INIT;
  options.callbacks = callbacks();
  options.download_tags = GIT_REMOTE_DOWNLOAD_TAGS_NONE;
  options.follow_redirects = GIT_REMOTE_REDIRECT_NONE;
  options.update_fetchhead = 0;
  char* spec = ref_.data();
  const git_strarray specs{&spec, 1};
  if (git_remote_download(remote_.get(), &specs, &options) != 0) return failure("git.failed", Kind::tool);
  return {};
}

Result<FileAtCommit> Fetch::run() {
  SCC_CHECK(check(request_.file));
  SCC_TRY(const stdfs::path where, os::make_temp_dir(request_.work, "clone-"));
  const TempRepository temporary(where);
  const Isolated isolated;
  git_repository* raw = nullptr;
  if (git_repository_init(&raw, where.c_str(), 1) != 0) return failure("git.failed", Kind::tool);
  const Repository repository{raw};
  SCC_CHECK(connect(*raw));
  SCC_TRY(const git_oid tip, find_tip());
  const std::string wanted = request_.file.commit.empty() ? hex(tip) : request_.file.commit;
  FileAtCommit out;
  if (wanted == request_.known_commit) {
    out.commit = wanted;
    out.unchanged = true;
  } else {
    SCC_CHECK(download());
    SCC_TRY(const git_oid id, choose(*raw, tip, request_.file));
    SCC_TRY(out.bytes, read_blob(*raw, id, request_.file));
    out.commit = hex(id);
  }
  remote_.reset();
  return out;
}

}  // namespace

bool valid_branch(std::string_view name) {
  constexpr std::string_view bad = " ~^:?*[\\\x7f";
  if (name.empty() || name.size() > 255 || name.front() == '-' || name == "@" || name.back() == '.' ||
      name.find("..") != std::string_view::npos || name.find("@{") != std::string_view::npos) {
    return false;
  }
  const bool plain = std::all_of(name.begin(), name.end(), [&](char c) {
    return static_cast<unsigned char>(c) >= 0x20 && bad.find(c) == std::string_view::npos;
  });
  const auto parts = str::split(name, '/');
  return plain && std::none_of(parts.begin(), parts.end(), [](const std::string& part) {
           return part.empty() || part.front() == '.' || str::ends_with(part, ".lock");
         });
}

Result<FileAtCommit> read_remote_file(const RemoteRequest& request) {
  return Fetch(request).run();
}

Result<FileAtCommit> read_local_file(const stdfs::path& where, const FileRequest& file) {
  SCC_CHECK(check(file));
  const Isolated isolated;
  git_repository* raw = nullptr;
  if (git_repository_open_ext(&raw, where.c_str(), GIT_REPOSITORY_OPEN_NO_SEARCH, nullptr) != 0) {
    return fail(Kind::config, "git.repository", str::printable(where.native()) + ": " + last_message(),
                "name the directory of a git repository that belongs to you");
  }
  const Repository repository{raw};
  const std::string ref = file.branch.empty() ? "HEAD" : "refs/heads/" + file.branch;
  git_oid tip{};
  if (git_reference_name_to_id(&tip, raw, ref.c_str()) != 0) return no_branch(file.branch);
  SCC_TRY(const git_oid id, choose(*raw, tip, file));
  FileAtCommit out;
  SCC_TRY(out.bytes, read_blob(*raw, id, file));
  out.commit = hex(id);
  return out;
}

}  // namespace scc::git
