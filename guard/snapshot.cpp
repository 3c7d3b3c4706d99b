// SPDX-License-Identifier: Apache-2.0
#include "guard/snapshot.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <ctime>
#include <fcntl.h>
#include <unistd.h>

#include <sys/random.h>
#include <sys/stat.h>

#include "safety/engine.h"

namespace scc::guard {

namespace {

constexpr long kPatienceMs = 60'000;
constexpr std::size_t kMostFiles = 10'000;
constexpr off_t kMostFileBytes = off_t{16} << 20;
constexpr off_t kMostBytes = off_t{64} << 20;
constexpr std::size_t kMostRefs = 16;
constexpr std::size_t kMostStashes = 20;
constexpr std::size_t kMostCommand = 4096;
constexpr long kDay = 86'400;

/// A directory of its own in /tmp, which goes with it.
class Scratch {
 public:
  Scratch() {
    std::string name = "/tmp/scc-snapshot-XXXXXX";
    if (mkdtemp(name.data()) != nullptr) path_ = name;
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    for (const char* name : {"index", "index.lock", "tree", "tree.lock", "paths", "message"})
      unlink(file(name).c_str());
    if (!path_.empty()) rmdir(path_.c_str());
  }
  bool good() const { return !path_.empty(); }
  std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

bool put_file(const std::string& path, std::string_view text) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  std::size_t at = 0;
  while (fd >= 0 && at < text.size()) {
    const ssize_t done = write(fd, text.data() + at, text.size() - at);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) break;
    at += static_cast<std::size_t>(done);
  }
  return fd >= 0 && close(fd) == 0 && at == text.size();
}

/// True as well when there is no index yet.
bool copy_file(const std::string& from, const std::string& to) {
  const int fd = open(from.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (fd < 0) return errno == ENOENT;
  std::string text;
  std::array<char, 65536> buffer{};
  ssize_t got = 0;
  while ((got = read(fd, buffer.data(), buffer.size())) > 0 || (got < 0 && errno == EINTR)) {
    if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  close(fd);
  return got == 0 && put_file(to, text);
}

std::vector<std::string> split(std::string_view text, char end) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t to = std::min(text.find(end, at), text.size());
    if (to > at) out.emplace_back(text.substr(at, to - at));
    at = to + 1;
  }
  return out;
}

/// One line of a message: nothing in it may look like another line.
std::string one_line(std::string_view text) {
  std::string out(text.substr(0, kMostCommand));
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return out;
}

std::string joined(const Words& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : " ") + word;
  return out;
}

std::string padded(long number, std::size_t width) {
  const std::string digits = std::to_string(number);
  return std::string(width - std::min(width, digits.size()), '0') + digits;
}

/// "20261127T181500Z". By hand: the C library's own brings its time zones along.
std::string stamp(std::time_t at) {
  const auto leap = [](long year) { return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0); };
  long day = at / kDay;
  const long second = at % kDay;
  long year = 1970;
  for (; day >= (leap(year) ? 366 : 365); ++year) day -= leap(year) ? 366 : 365;
  const std::array<long, 12> months{31, leap(year) ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  std::size_t month = 0;
  while (day >= months[month]) day -= months[month++];
  return padded(year, 4) + padded(static_cast<long>(month) + 1, 2) + padded(day + 1, 2) + "T" +
         padded(second / 3600, 2) + padded(second / 60 % 60, 2) + padded(second % 60, 2) + "Z";
}

std::string random_digits() {
  std::array<unsigned char, 4> bytes{};
  if (getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) return "00000000";
  std::string out;
  for (const unsigned char byte : bytes) {
    out += "0123456789abcdef"[byte >> 4U];
    out += "0123456789abcdef"[byte & 15U];
  }
  return out;
}

class Maker {
 public:
  Maker(const Words& words, const GitEnvironment& environment, const safety::Policy& policy)
      : words_(words), policy_(policy), plain_(environment.bare()) {
    const std::size_t verb = safety::git_dashed(words[0]).empty() ? safety::git_verb(words) : 0;
    prefix_ = {"git"};
    if (verb > 1) prefix_.insert(prefix_.end(), words.begin() + 1, words.begin() + static_cast<long>(verb));
    prefix_.insert(prefix_.end(), {"--literal-pathspecs", "-c", "core.hooksPath=/dev/null", "-c",
                                   "core.fsmonitor=false", "-c", "core.safecrlf=false", "-c", "gc.auto=0"});
    const std::string who = "scc";
    for (const char* name : {"GIT_AUTHOR_NAME", "GIT_COMMITTER_NAME"}) set(plain_, name, who);
    for (const char* name : {"GIT_AUTHOR_EMAIL", "GIT_COMMITTER_EMAIL"}) set(plain_, name, "scc@localhost");
    std::erase_if(plain_, [](const auto& one) {
      return one.first == "GIT_AUTHOR_DATE" || one.first == "GIT_COMMITTER_DATE" ||
             one.first == "GIT_LITERAL_PATHSPECS" || one.first == "GIT_GLOB_PATHSPECS" ||
             one.first == "GIT_NOGLOB_PATHSPECS" || one.first == "GIT_ICASE_PATHSPECS";
    });
  }

  Snapshot make(const std::string& rule, safety::Risk risk) {
    const std::string top = text({"rev-parse", "--show-toplevel"});
    if (top.empty()) return {};  // no working tree: git says what it thinks of that
    const std::string index = text({"rev-parse", "--path-format=absolute", "--git-path", "index"});
    if (!scratch_.good()) return failed("there is no room in /tmp");
    prefix_.insert(prefix_.end(), {"-C", top});
    if (!quiet_filters()) return failed("git does not say which filters there are");
    if (index.empty() || !copy_file(index, scratch_.file("index")) ||
        !copy_file(index, scratch_.file("tree")))
      return failed("the index cannot be copied");
    head_ = text({"rev-parse", "--quiet", "--verify", "HEAD^{commit}"});
    const Variables with_index = indexed("index");
    const Variables with_tree = indexed("tree");
    const std::string index_tree = text({"write-tree"}, with_index);  // none while a merge has conflicts
    if (!done({"add", "-u", "--ignore-errors"}, with_tree) && !head_.empty())
      note("changes that cannot be read");
    if (!add_untracked(top, with_tree)) return failed("untracked files cannot be added");
    const std::string tree = text({"write-tree"}, with_tree);
    if (tree.empty()) return failed("git cannot write the tree");
    const std::string head_tree = head_.empty() ? "" : text({"rev-parse", "HEAD^{tree}"});
    if (risk == safety::Risk::dirty && tree == head_tree && index_tree == head_tree) return {};
    top_ = top;
    return store(tree, index_tree.empty() ? tree : index_tree, rule);
  }

 private:
  static void set(Variables& all, const std::string& name, const std::string& value) {
    std::erase_if(all, [&](const auto& one) { return one.first == name; });
    all.emplace_back(name, value);
  }
  Variables indexed(const char* name) const {
    Variables out = plain_;
    set(out, "GIT_INDEX_FILE", scratch_.file(name));
    return out;
  }
  std::optional<Answer> git(const Words& words, const Variables& environment) const {
    Words argv = prefix_;
    argv.insert(argv.end(), words.begin(), words.end());
    return ask(real_path("git"), argv, environment, kPatienceMs);
  }
  bool done(const Words& words, const Variables& environment) const {
    const auto answer = git(words, environment);
    return answer && answer->code == 0;
  }
  /// The answer without its last line's end; "" for none and for a failure.
  std::string text(const Words& words, const Variables& environment) const {
    const auto answer = git(words, environment);
    if (!answer || answer->code != 0) return "";
    return answer->out.substr(0, answer->out.find_last_not_of('\n') + 1);
  }
  std::string text(const Words& words) const { return text(words, plain_); }

  Snapshot failed(std::string why) const { return {"", "", std::move(why)}; }
  void note(const std::string& what) { left_out_ += (left_out_.empty() ? "" : "; ") + what; }

  /// A filter without a command does nothing.
  bool quiet_filters() {
    const auto answer = git({"config", "--null", "--name-only", "--get-regexp",
                             R"(^filter\..*\.(clean|smudge|process|required)$)"},
                            plain_);
    if (!answer || answer->code > 1) return false;
    for (const std::string& key : split(answer->out, '\0'))
      prefix_.insert(prefix_.end(), {"-c", key + (key.ends_with(".required") ? "=false" : "=")});
    return true;
  }

  bool add_untracked(const std::string& top, const Variables& with_tree) {
    const auto listed = git({"ls-files", "-z", "--others", "--exclude-standard"}, plain_);
    if (!listed || listed->code != 0) {
      note("untracked files, which are too many to list");
      return true;
    }
    std::string paths;
    off_t bytes = 0;
    std::size_t taken = 0;
    std::size_t skipped = 0;
    for (const std::string& path : split(listed->out, '\0')) {
      struct stat info {};
      const bool there = lstat((top + "/" + path).c_str(), &info) == 0;
      const bool plain = there && (S_ISREG(info.st_mode) || S_ISLNK(info.st_mode));
      if (!plain || info.st_size > kMostFileBytes || bytes + info.st_size > kMostBytes ||
          taken >= kMostFiles) {
        ++skipped;
        continue;
      }
      bytes += info.st_size;
      ++taken;
      paths += path + '\0';
    }
    if (skipped > 0) {
      note(std::to_string(skipped) + " untracked (each at most 16 MiB, together 64 MiB and " +
           std::to_string(kMostFiles) + " files)");
    }
    if (taken == 0) return true;
    return put_file(scratch_.file("paths"), paths) &&
           done({"add", "--ignore-errors", "--pathspec-from-file=" + scratch_.file("paths"),
                 "--pathspec-file-nul"},
                with_tree);
  }

  /// Branches and stashes that the command names: their commits are kept, too.
  std::string named_refs(Words* parents) const {
    std::string out;
    std::size_t found = 0;
    const auto keep = [&](const std::string& key, const std::string& commit, const std::string& what) {
      out += key + ": " + commit + (what.empty() ? "" : " " + what) + "\n";
      if (std::find(parents->begin(), parents->end(), commit) == parents->end())
        parents->insert(parents->end(), {"-p", commit});
    };
    for (std::size_t i = 1; i < words_.size() && found < kMostRefs; ++i) {
      const std::string& word = words_[i];
      if (word.empty() || word[0] == '-' || one_line(word) != word) continue;
      const std::string ref = word.starts_with("refs/heads/") ? word : "refs/heads/" + word;
      const std::string commit =
          text({"rev-parse", "--quiet", "--verify", "--end-of-options", ref + "^{commit}"});
      if (commit.empty()) continue;
      ++found;
      keep("Scc-Ref", commit, ref);
    }
    if (std::find(words_.begin(), words_.end(), "stash") == words_.end()) return out;
    const std::string most = "--max-count=" + std::to_string(kMostStashes);
    for (const std::string& commit : split(text({"log", "-g", "--format=%H", most, "refs/stash"}), '\n'))
      keep("Scc-Stash", commit, "");
    return out;
  }

  Snapshot store(const std::string& tree, const std::string& index_tree, const std::string& rule) {
    Words parents;
    if (!head_.empty()) parents = {"-p", head_};
    Words argv{"commit-tree", index_tree, "-m", "index"};
    argv.insert(argv.end(), parents.begin(), parents.end());
    const std::string index_commit = text(argv);
    if (index_commit.empty()) return failed("git cannot keep the index");
    parents.insert(parents.end(), {"-p", index_commit});
    const std::string refs = named_refs(&parents);
    const std::string branch = text({"symbolic-ref", "--quiet", "HEAD"});
    std::string message = "before " + one_line(joined(words_)) + "\n\nScc-Snapshot: 1\n";
    message += "Scc-Head: " + (head_.empty() ? "none" : head_) + "\n";
    message += "Scc-Root: " + one_line(top_) + "\n";
    message += "Scc-Index: " + index_commit + "\n";
    if (!branch.empty()) message += "Scc-Branch: " + one_line(branch) + "\n";
    if (!rule.empty()) message += "Scc-Rule: " + rule + "\n";
    if (!left_out_.empty()) message += "Scc-Left-Out: " + left_out_ + "\n";
    message += refs;
    if (!put_file(scratch_.file("message"), message)) return failed("there is no room in /tmp");
    argv = {"commit-tree", tree, "-F", scratch_.file("message")};
    argv.insert(argv.end(), parents.begin(), parents.end());
    const std::string commit = text(argv);
    const std::string id = stamp(std::time(nullptr)) + "-" + random_digits();
    if (commit.empty() || !done({"update-ref", std::string(kSnapshotRefs) + id, commit, ""}, plain_))
      return failed("git cannot write the commit");
    prune();
    return {id, left_out_, ""};
  }

  /// Old ones go; that it does not work is no reason to stop anything.
  void prune() const {
    const auto listed = git({"for-each-ref", "--format=%(refname)", std::string(kSnapshotRefs)}, plain_);
    if (!listed || listed->code != 0) return;
    const std::vector<std::string> all = split(listed->out, '\n');
    const std::string oldest =
        std::string(kSnapshotRefs) + stamp(std::time(nullptr) - policy_.snapshot_days * kDay);
    const std::size_t keep = policy_.snapshot_keep;
    for (std::size_t i = 0; i + 1 < all.size(); ++i) {
      if (all.size() - i > keep || all[i] < oldest)
        static_cast<void>(done({"update-ref", "-d", all[i]}, plain_));
    }
  }

  const Words& words_;
  const safety::Policy& policy_;
  Variables plain_;
  Words prefix_;
  Scratch scratch_;
  std::string head_;
  std::string left_out_;
  std::string top_;
};

}  // namespace

safety::Risk risk_of_command(const Words& words, const safety::Verdict& verdict,
                             const GitEnvironment& environment) {
  std::string verb = verb_of(words);
  Words arguments;
  const bool dashed = !safety::git_dashed(words[0]).empty();
  const std::size_t at = dashed ? 0 : safety::git_verb(words);
  if (dashed || at > 0) arguments.assign(words.begin() + static_cast<long>(at) + 1, words.end());
  for (int hops = 0; hops < 10 && !verb.empty() && !safety::git_has(verb); ++hops) {
    // "!command": the git that it starts is judged by itself.
    const std::vector<std::string> alias = split(alias_text(verb, environment), ' ');
    if (alias.empty() || alias[0].starts_with('!')) break;
    verb = alias[0];
    arguments.insert(arguments.begin(), alias.begin() + 1, alias.end());
  }
  return safety::risk_of(verdict.rule, verb, arguments);
}

Snapshot take_snapshot(const Words& words, const std::string& rule, safety::Risk risk,
                       const GitEnvironment& environment, const safety::Policy& policy) {
  return Maker(words, environment, policy).make(rule, risk);
}

}  // namespace scc::guard
