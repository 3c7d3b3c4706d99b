// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <set>

#include "base/str.h"
#include "git/snapshot_store.h"
#include "os/links.h"

namespace scc::git {

namespace {

namespace stdfs = os::stdfs;

constexpr std::string_view kFolder = "refs/scc/snapshots/";
constexpr std::size_t kMostIndex = std::size_t{512} << 20U;
constexpr std::size_t kMostListed = 1000;

tl::unexpected<Error> damaged(const std::string& why) {
  return fail(Kind::tool, "undo.damaged", "the snapshot cannot be used: " + why,
              "run `scc undo` for the others");
}

std::string rest_of(const std::string& line, std::string_view key) {
  return line.starts_with(key) ? line.substr(key.size()) : "";
}

/// False: not a snapshot, or of another working tree.
bool read_message(const std::string& message, const SnapshotPlace& place, Snapshot* out) {
  bool marked = false;
  bool here = true;
  git_oid id{};
  const std::vector<std::string> lines = str::split(message, '\n');
  if (!lines.empty()) out->command = str::printable(rest_of(lines[0], "before "));
  for (const std::string& line : lines) {
    marked = marked || line == "Scc-Snapshot: 1";
    if (const auto root = rest_of(line, "Scc-Root: "); !root.empty()) here = root == place.root.native();
    if (const auto head = rest_of(line, "Scc-Head: "); parse_hex(head, &id)) out->head = head;
    if (const auto index = rest_of(line, "Scc-Index: "); parse_hex(index, &id)) out->index = index;
    if (const auto branch = rest_of(line, "Scc-Branch: "); branch_name(branch)) out->branch = branch;
    if (const auto rule = rest_of(line, "Scc-Rule: "); !rule.empty()) out->rule = str::printable(rule);
    if (const auto left = rest_of(line, "Scc-Left-Out: "); !left.empty())
      out->left_out = str::printable(left);
    if (const auto stash = rest_of(line, "Scc-Stash: "); parse_hex(stash, &id)) out->stashes.push_back(stash);
    const std::string ref = rest_of(line, "Scc-Ref: ");
    if (ref.size() > 41 && parse_hex(ref.substr(0, 40), &id) && branch_name(ref.substr(41)))
      out->refs.push_back({ref.substr(41), ref.substr(0, 40)});
  }
  return marked && here;
}

std::string stamp(std::time_t now) {
  std::tm utc{};
  gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  return {text.data(), std::strftime(text.data(), text.size(), "%Y%m%dT%H%M%SZ", &utc)};
}

class Undoer {
 public:
  Undoer(const SnapshotPlace& place, const Snapshot& snapshot, Store& store)
      : place_(place), snapshot_(snapshot), store_(store) {}

  Result<Undo> run(bool dry_run) {
    if (os::look_beneath(place_.git_dir, "index.lock"))
      return fail(Kind::tool, "undo.busy", "git is at work in this repository (index.lock)",
                  "wait until it is done; stop the sandbox with `scc stop`");
    SCC_TRY(target_, store_.files(snapshot_.commit));
    SCC_CHECK(read_index());
    SCC_CHECK(read_head());
    SCC_CHECK(compare(dry_run));
    SCC_CHECK(choose_refs());
    if (dry_run) return std::move(out_);
    SCC_CHECK(save());
    if (const Status done = apply(); !done) {
      return fail(Kind::tool, "undo.incomplete", "the undo stopped half-way: " + done.error().message,
                  "run `scc undo " + out_.saved + "` for the state before it");
    }
    return std::move(out_);
  }

 private:
  struct Known {
    Entry entry;
    git_index_time time{};
    std::uint32_t size = 0;
  };

  Result<Index> index_at(const std::string& name) const {
    git_index* raw = nullptr;
    if (git_index_open(&raw, (store_.scratch() / name).c_str()) != 0)
      return damaged("the index: " + last_message());
    return Index(raw);
  }

  /// The index as it is now, through a copy: git's own file is not opened by libgit2.
  Status read_index() {
    const auto bytes = os::read_beneath(place_.git_dir, "index", kMostIndex);
    if (!bytes && bytes.error().kind != Kind::not_found) return fail(Error(bytes.error()));
    if (bytes) SCC_CHECK(os::write_file_atomic(store_.scratch() / "now", *bytes));
    SCC_TRY(index_, index_at("now"));
    for (std::size_t i = 0; i < git_index_entrycount(index_.get()); ++i) {
      const git_index_entry* one = git_index_get_byindex(index_.get(), i);
      if (GIT_INDEX_ENTRY_STAGE(one) == 0)
        known_[one->path] = {{one->id, one->mode}, one->mtime, one->file_size};
      else
        known_[one->path] = {};
    }
    return {};
  }

  Status read_head() {
    SCC_TRY(const std::string text, os::read_beneath(place_.git_dir, "HEAD", 4096));
    const std::string line = text.substr(0, text.find('\n'));
    branch_ = rest_of(line, "ref: ");
    if (!branch_.empty() && !branch_name(branch_)) branch_.clear();
    git_oid id{};
    head_ = branch_.empty() ? line : read_ref(place_, branch_);
    if (!parse_hex(head_, &id)) head_.clear();
    return {};
  }

  bool closed(const std::string& path) const {
    const std::string whole = (place_.root / path).native();
    return std::any_of(place_.closed.begin(), place_.closed.end(), [&](const stdfs::path& one) {
      return whole == one.native() || whole.starts_with(one.native() + "/");
    });
  }

  /// What is there now; mode 0: nothing. An error: something that no snapshot holds.
  Result<Entry> now(const std::string& path, bool keep) {
    const auto info = os::look_beneath(place_.root, path);
    if (!info && info.error().kind == Kind::not_found) return Entry{};
    if (!info) return fail(Error(info.error()));
    Entry out;
    std::string bytes;
    if (S_ISLNK(info->st_mode)) {
      out.mode = GIT_FILEMODE_LINK;
      SCC_TRY(bytes, os::read_link_beneath(place_.root, path));
    } else if (S_ISREG(info->st_mode)) {
      out.mode = (info->st_mode & S_IXUSR) != 0 ? GIT_FILEMODE_BLOB_EXECUTABLE : GIT_FILEMODE_BLOB;
      const auto found = known_.find(path);
      if (found != known_.end() && unchanged(found->second, *info) && found->second.entry.mode == out.mode)
        return found->second.entry;
      SCC_TRY(bytes, os::read_beneath(place_.root, path, kMostBlob));
    } else {
      return fail(Kind::tool, "undo.incomplete", "it is neither a file nor a symbolic link");
    }
    if (keep) {
      SCC_TRY(out.id, store_.put(bytes, GIT_OBJECT_BLOB));
    } else if (git_odb_hash(&out.id, bytes.data(), bytes.size(), GIT_OBJECT_BLOB) != 0) {
      return damaged(last_message());
    }
    return out;
  }

  /// As git does: the same size and time as when the index was made, and not so lately that both may be
  /// equal.
  static bool unchanged(const Known& known, const struct stat& info) {
    return known.size == static_cast<std::uint32_t>(info.st_size) &&
           known.time.seconds == info.st_mtim.tv_sec &&
           known.time.nanoseconds == static_cast<std::uint32_t>(info.st_mtim.tv_nsec) &&
           known.time.seconds != 0 && std::time(nullptr) - info.st_mtim.tv_sec > 2;
  }

  Status compare(bool dry_run) {
    std::set<std::string> paths;
    for (const auto& [path, entry] : target_) paths.insert(path);
    for (const auto& [path, entry] : known_) paths.insert(path);
    for (const std::string& path : paths) {
      const auto wanted = target_.find(path);
      // A submodule is a repository of its own.
      if (wanted != target_.end() && wanted->second.mode == GIT_FILEMODE_COMMIT) continue;
      if (const auto found = known_.find(path);
          found != known_.end() && found->second.entry.mode == GIT_FILEMODE_COMMIT)
        continue;
      if (closed(path)) {
        out_.left.push_back(str::printable(path) + ": it belongs to the repository itself");
        continue;
      }
      const auto there = now(path, !dry_run);
      if (!there) {
        out_.left.push_back(str::printable(path) + ": " + there.error().message);
        continue;
      }
      if (there->mode != 0) before_[path] = *there;
      if (wanted == target_.end()) {
        if (there->mode != 0) out_.removed.push_back(path);
      } else if (!(*there == wanted->second)) {
        if (!store_.has(wanted->second.id))
          return damaged("the content of " + str::printable(path) + " is missing");
        out_.written.push_back(path);
      }
    }
    return {};
  }

  Status choose_refs() {
    git_oid id{};
    std::vector<NamedCommit> wanted = snapshot_.refs;
    if (!snapshot_.head.empty() && !snapshot_.branch.empty())
      wanted.push_back({snapshot_.branch, snapshot_.head});
    for (const NamedCommit& one : wanted) {
      std::int64_t time = 0;
      if (!parse_hex(one.commit, &id) || store_.message(id, &time).empty())
        return damaged("a commit of " + str::printable(one.name) + " is missing");
      const std::string now = read_ref(place_, one.name);
      if (now == one.commit) continue;
      if (!now.empty()) replaced_.push_back({one.name, now});
      out_.refs.push_back(one);
    }
    return {};
  }

  Result<git_oid> tree_of(const Entries& entries) const {
    git_index* raw = nullptr;
    if (git_index_new(&raw) != 0) return damaged(last_message());
    const Index index(raw);
    for (const auto& [path, entry] : entries) {
      git_index_entry one{};
      one.id = entry.id;
      one.mode = entry.mode;
      one.path = path.c_str();
      if (git_index_add(raw, &one) != 0) return damaged(str::printable(path) + ": " + last_message());
    }
    git_oid out{};
    if (git_index_write_tree_to(&out, raw, store_.repository()) != 0) return damaged(last_message());
    return out;
  }

  Result<git_oid> commit(const git_oid& tree, const std::vector<std::string>& parents,
                         const std::string& message) const {
    const std::string who = "scc <scc@localhost> " + std::to_string(std::time(nullptr)) + " +0000\n";
    std::string text = "tree " + hex(tree) + "\n";
    for (const std::string& parent : parents) text += "parent " + parent + "\n";
    text += "author " + who + "committer " + who + "\n" + message;
    return store_.put(text, GIT_OBJECT_COMMIT);
  }

  /// Of the state that the undo replaces, so that it can be undone.
  Status save() {
    SCC_TRY(const git_oid tree, tree_of(before_));
    Entries staged;
    for (const auto& [path, one] : known_) {
      if (one.entry.mode != 0) staged[path] = one.entry;
    }
    SCC_TRY(const git_oid index_tree, tree_of(staged));
    std::vector<std::string> parents;
    if (!head_.empty()) parents.push_back(head_);
    SCC_TRY(const git_oid index, commit(index_tree, parents, "index\n"));
    parents.push_back(hex(index));
    std::string message = "before scc undo " + snapshot_.id + "\n\nScc-Snapshot: 1\nScc-Head: ";
    message += (head_.empty() ? "none" : head_) + "\nScc-Root: " + place_.root.native() +
               "\nScc-Index: " + hex(index) + "\n";
    if (!branch_.empty()) message += "Scc-Branch: " + branch_ + "\n";
    for (const NamedCommit& one : replaced_) {
      if (one.name == branch_) continue;
      message += "Scc-Ref: " + one.commit + " " + one.name + "\n";
      parents.push_back(one.commit);
    }
    SCC_TRY(const git_oid made, commit(tree, parents, message));
    SCC_CHECK(store_.keep(place_));
    out_.saved = stamp(std::time(nullptr)) + "-" + os::random_hex(4);
    return os::write_beneath(place_.common_dir, std::string(kFolder) + out_.saved, hex(made) + "\n", 0644);
  }

  Status write(const std::string& path, const Entry& entry) const {
    SCC_TRY(const std::string bytes, store_.blob(entry.id));
    const bool link = entry.mode == GIT_FILEMODE_LINK;
    if (const auto there = os::look_beneath(place_.root, path); there && (link || S_ISLNK(there->st_mode)))
      SCC_CHECK(os::clear_beneath(place_.root, path));
    if (link) return os::link_beneath(place_.root, path, bytes);
    return os::write_beneath(place_.root, path, bytes,
                             entry.mode == GIT_FILEMODE_BLOB_EXECUTABLE ? 0755 : 0644);
  }

  Status apply() {
    for (const std::string& path : out_.removed) SCC_CHECK(os::clear_beneath(place_.root, path));
    for (const std::string& path : out_.written) SCC_CHECK(write(path, target_.at(path)));
    SCC_CHECK(write_index());
    for (const NamedCommit& one : out_.refs)
      SCC_CHECK(os::write_beneath(place_.common_dir, one.name, one.commit + "\n", 0644));
    std::string head = snapshot_.branch.empty() ? snapshot_.head : "ref: " + snapshot_.branch;
    if (head.empty()) return {};
    return os::write_beneath(place_.git_dir, "HEAD", head + "\n", 0644);
  }

  Status write_index() {
    SCC_TRY(const Tree tree, store_.tree_of(snapshot_.index.empty() ? snapshot_.commit : snapshot_.index));
    SCC_TRY(const Index index, index_at("restored"));
    if (git_index_read_tree(index.get(), tree.get()) != 0 || git_index_write(index.get()) != 0)
      return damaged("the index: " + last_message());
    SCC_TRY(const std::string bytes, os::read_file(store_.scratch() / "restored", kMostIndex));
    return os::write_beneath(place_.git_dir, "index", bytes, 0644);
  }

  const SnapshotPlace& place_;
  const Snapshot& snapshot_;
  Store& store_;
  Index index_;
  Entries target_;
  std::map<std::string, Known> known_;
  Entries before_;
  std::string head_;
  std::string branch_;
  std::vector<NamedCommit> replaced_;
  Undo out_;
};

}  // namespace

Result<std::vector<Snapshot>> list_snapshots(const SnapshotPlace& place) {
  SCC_TRY(const auto store, Store::open(place));
  std::vector<Snapshot> out;
  const std::map<std::string, std::string> refs = snapshot_refs(place);
  for (auto one = refs.rbegin(); one != refs.rend() && out.size() < kMostListed; ++one) {
    Snapshot snapshot;
    snapshot.id = one->first;
    snapshot.commit = one->second;
    git_oid id{};
    if (!parse_hex(one->second, &id)) continue;
    const std::string message = store->message(id, &snapshot.time);
    if (read_message(message, place, &snapshot)) out.push_back(std::move(snapshot));
  }
  return out;
}

Result<Undo> undo(const SnapshotPlace& place, const Snapshot& snapshot, bool dry_run) {
  SCC_TRY(const auto store, Store::open(place));
  return Undoer(place, snapshot, *store).run(dry_run);
}

}  // namespace scc::git
