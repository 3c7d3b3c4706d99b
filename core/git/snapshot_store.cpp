// SPDX-License-Identifier: Apache-2.0
#include "git/snapshot_store.h"

#include <algorithm>
#include <dirent.h>
#include <fcntl.h>

#include <git2/sys/odb_backend.h>
#include <sys/stat.h>

#include "base/str.h"
#include "os/links.h"

namespace scc::git {

namespace {

namespace stdfs = os::stdfs;

constexpr std::string_view kRefs = "refs/scc/snapshots";
constexpr std::size_t kMostPacked = std::size_t{64} << 20U;
constexpr std::size_t kMostEntries = 1'000'000;
constexpr std::size_t kMostPath = 4096;
constexpr unsigned kDeepest = 256;
constexpr int kOurs = 100;  // libgit2's own backends have 1 and 2

tl::unexpected<Error> damaged(const std::string& why) {
  return fail(Kind::tool, "undo.damaged", "the snapshot cannot be used: " + why,
              "run `scc undo` for the others");
}

/// Names that git itself would not check out.
bool plain_name(std::string_view name) {
  if (name.empty() || name == "." || name == ".." || name.find('/') != std::string_view::npos) return false;
  std::string lower(name.substr(0, 5));
  for (char& c : lower) c = static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  return lower != ".git" && !(lower.starts_with(".git") && name.size() == 4);
}

void packed_refs(const SnapshotPlace& place,
                 const std::function<void(std::string_view, std::string_view)>& found) {
  const auto text = os::read_beneath(place.common_dir, "packed-refs", kMostPacked);
  if (!text) return;
  for (const std::string& line : str::split(*text, '\n')) {
    if (line.size() > 41 && line[40] == ' ')
      found(std::string_view(line).substr(0, 40), std::string_view(line).substr(41));
  }
}

/// The first symbolic link in a directory and, as deep as `deeper`, the ones in it; empty: none.
std::string link_below(const os::Fd& directory, unsigned deeper) {
  const int copy = ::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* listed = copy < 0 ? nullptr : ::fdopendir(copy);
  if (listed == nullptr) return ".";
  std::string found;
  for (const dirent* one = ::readdir(listed); one != nullptr && found.empty(); one = ::readdir(listed)) {
    const std::string name = one->d_name;
    struct stat info {};
    if (name == "." || name == "..") continue;
    if (::fstatat(directory.get(), name.c_str(), &info, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (S_ISLNK(info.st_mode)) found = name;
    if (deeper == 0 || !S_ISDIR(info.st_mode)) continue;
    const os::Fd inner(
        ::openat(directory.get(), name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
    const std::string below = inner ? link_below(inner, deeper - 1) : std::string();
    if (!below.empty()) found = name + "/" + below;
  }
  ::closedir(listed);
  return found;
}

std::string loose_ref(const SnapshotPlace& place, const std::string& name) {
  const auto text = os::read_beneath(place.common_dir, name, 256);
  git_oid id{};
  return text && text->size() >= 40 && parse_hex(text->substr(0, 40), &id) ? text->substr(0, 40) : "";
}

}  // namespace

std::string hex(const git_oid& id) {
  std::string out(GIT_OID_HEXSZ, '0');
  git_oid_fmt(out.data(), &id);
  return out;
}

bool parse_hex(const std::string& text, git_oid* out) {
  return text.size() == GIT_OID_HEXSZ && text.find_first_not_of("0123456789abcdef") == std::string::npos &&
         git_oid_fromstr(out, text.c_str()) == 0;
}

bool snapshot_id(std::string_view name) {
  constexpr std::string_view kForm = "00000000T000000Z-xxxxxxxx";
  if (name.size() != kForm.size()) return false;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const bool digit = name[i] >= '0' && name[i] <= '9';
    const bool letter = name[i] >= 'a' && name[i] <= 'f';
    if (kForm[i] == '0' ? !digit : kForm[i] == 'x' ? !(digit || letter) : name[i] != kForm[i]) return false;
  }
  return true;
}

bool branch_name(std::string_view ref) {
  constexpr std::string_view kHeads = "refs/heads/";
  if (!ref.starts_with(kHeads) || ref.size() > 1024 || ref.size() == kHeads.size()) return false;
  if (ref.ends_with('/') || ref.ends_with(".lock") || ref.find("//") != std::string_view::npos) return false;
  const bool odd = std::any_of(ref.begin(), ref.end(), [](char c) {
    return static_cast<unsigned char>(c) <= 0x20 || c == 0x7f ||
           std::string_view("~^:?*[\\").find(c) != std::string_view::npos;
  });
  return !odd && ref.find("..") == std::string_view::npos && ref.find("/.") == std::string_view::npos &&
         ref.find("@{") == std::string_view::npos;
}

std::string read_ref(const SnapshotPlace& place, const std::string& name) {
  std::string out = loose_ref(place, name);
  if (!out.empty()) return out;
  packed_refs(place, [&](std::string_view id, std::string_view ref) {
    if (ref == name) out = id;
  });
  return out;
}

std::map<std::string, std::string> snapshot_refs(const SnapshotPlace& place) {
  std::map<std::string, std::string> out;
  packed_refs(place, [&](std::string_view id, std::string_view ref) {
    if (!ref.starts_with(kRefs) || ref.size() <= kRefs.size()) return;
    const std::string_view name = ref.substr(kRefs.size() + 1);
    if (snapshot_id(name)) out[std::string(name)] = id;
  });
  const os::Fd top{::open(place.common_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)};
  if (!top) return out;
  auto folder = os::open_beneath(top.get(), stdfs::path(kRefs), O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  DIR* listed = folder ? ::fdopendir(folder->get()) : nullptr;
  if (listed == nullptr) return out;
  static_cast<void>(folder->release());
  for (const dirent* one = ::readdir(listed); one != nullptr; one = ::readdir(listed)) {
    const std::string name = one->d_name;
    if (!snapshot_id(name)) continue;
    if (const std::string id = loose_ref(place, std::string(kRefs) + "/" + name); !id.empty()) out[name] = id;
  }
  ::closedir(listed);
  return out;
}

Result<std::unique_ptr<Store>> Store::open(const SnapshotPlace& place) {
  const auto broken = [](const std::string& why) {
    return fail(Kind::tool, "undo.repository", "the repository cannot be read: " + why,
                "look at it with git");
  };
  const os::Fd top{::open(place.common_dir.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW)};
  if (!top) return broken(str::printable(place.common_dir.native()));
  SCC_TRY(const os::Fd objects, os::open_beneath(top.get(), "objects", O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  // What lies elsewhere is nothing that a workspace may have written here.
  for (const char* elsewhere : {"objects/info/alternates", "objects/info/http-alternates"}) {
    if (os::look_beneath(place.common_dir, elsewhere)) {
      return broken(std::string(elsewhere) + " leads to objects of another repository");
    }
  }
  if (const std::string link = link_below(objects, 1); !link.empty())
    return broken("objects/" + str::printable(link) + " is a symbolic link");
  std::unique_ptr<Store> out(new Store);
  SCC_TRY(out->scratch_, os::make_temp_dir(stdfs::temp_directory_path(), "scc-undo-"));
  SCC_CHECK(os::make_dirs(out->scratch_ / "objects"));
  git_odb* odb = nullptr;
  if (git_odb_open(&odb, (place.common_dir / "objects").c_str()) != 0) return broken(last_message());
  out->odb_.reset(odb);
  git_odb_backend* ours = nullptr;
  if (git_odb_backend_loose(&ours, (out->scratch_ / "objects").c_str(), -1, 0, 0700, 0600) != 0 ||
      git_odb_add_backend(odb, ours, kOurs) != 0)
    return broken(last_message());
  git_repository* repository = nullptr;
  if (git_repository_wrap_odb(&repository, odb) != 0) return broken(last_message());
  out->repository_.reset(repository);
  return out;
}

Store::~Store() {
  repository_.reset();
  odb_.reset();
  if (!scratch_.empty()) static_cast<void>(os::remove_tree(scratch_));
}

std::string Store::message(const git_oid& id, std::int64_t* time) const {
  git_commit* raw = nullptr;
  if (git_commit_lookup(&raw, repository_.get(), &id) != 0) return "";
  const Commit commit(raw);
  *time = git_commit_time(raw);
  const char* text = git_commit_message(raw);
  return text != nullptr ? text : "";
}

Result<Tree> Store::tree_of(const std::string& commit) const {
  git_oid id{};
  git_commit* raw = nullptr;
  if (!parse_hex(commit, &id) || git_commit_lookup(&raw, repository_.get(), &id) != 0)
    return damaged("the commit " + str::printable(commit) + " is missing");
  const Commit owned(raw);
  git_tree* tree = nullptr;
  if (git_commit_tree(&tree, raw) != 0) return damaged(last_message());
  return Tree(tree);
}

Status Store::walk(const git_oid& id, const std::string& prefix, unsigned depth, Entries* out) const {
  git_tree* raw = nullptr;
  if (depth > kDeepest || git_tree_lookup(&raw, repository_.get(), &id) != 0)
    return damaged("a directory is missing or too deep");
  const Tree tree(raw);
  for (std::size_t i = 0; i < git_tree_entrycount(raw); ++i) {
    const git_tree_entry* entry = git_tree_entry_byindex(raw, i);
    const std::string name = git_tree_entry_name(entry);
    const std::string path = prefix + name;
    if (!plain_name(name) || path.size() > kMostPath || out->size() > kMostEntries)
      return damaged("it holds a path that no working tree may have: " + str::printable(path));
    const git_filemode_t mode = git_tree_entry_filemode(entry);
    if (mode == GIT_FILEMODE_TREE) {
      SCC_CHECK(walk(*git_tree_entry_id(entry), path + "/", depth + 1, out));
    } else {
      (*out)[path] = {*git_tree_entry_id(entry), static_cast<unsigned>(mode)};
    }
  }
  return {};
}

Result<Entries> Store::files(const std::string& commit) const {
  SCC_TRY(const Tree tree, tree_of(commit));
  Entries out;
  SCC_CHECK(walk(*git_tree_id(tree.get()), "", 0, &out));
  return out;
}

bool Store::has(const git_oid& id) const {
  return git_odb_exists(odb_.get(), &id) == 1;
}

Result<std::string> Store::blob(const git_oid& id) const {
  std::size_t size = 0;
  git_object_t type = GIT_OBJECT_INVALID;
  if (git_odb_read_header(&size, &type, odb_.get(), &id) != 0 || type != GIT_OBJECT_BLOB || size > kMostBlob)
    return damaged("a file's content is missing or larger than 64 MiB");
  git_blob* raw = nullptr;
  if (git_blob_lookup(&raw, repository_.get(), &id) != 0) return damaged(last_message());
  const Blob owned(raw);
  return std::string(static_cast<const char*>(git_blob_rawcontent(raw)),
                     static_cast<std::size_t>(git_blob_rawsize(raw)));
}

Result<git_oid> Store::put(std::string_view bytes, git_object_t type) const {
  git_oid id{};
  if (git_odb_write(&id, odb_.get(), bytes.data(), bytes.size(), type) != 0)
    return fail(Kind::tool, "undo.repository", "an object cannot be written: " + last_message());
  return id;
}

Status Store::keep(const SnapshotPlace& place) const {
  std::error_code ec;
  const stdfs::path from = scratch_ / "objects";
  for (const auto& item : stdfs::recursive_directory_iterator(from, ec)) {
    if (!item.is_regular_file()) continue;
    SCC_TRY(const std::string bytes, os::read_file(item.path(), kMostBlob * 2));
    SCC_CHECK(
        os::write_beneath(place.common_dir, "objects" / stdfs::relative(item.path(), from), bytes, 0444));
  }
  if (ec) return fail(Kind::tool, "undo.repository", "the objects cannot be kept: " + ec.message());
  return {};
}

}  // namespace scc::git
