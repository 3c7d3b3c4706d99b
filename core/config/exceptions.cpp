// SPDX-License-Identifier: Apache-2.0
#include "config/exceptions.h"

#include <algorithm>
#include <pwd.h>
#include <unistd.h>

#include "base/str.h"
#include "config/own_file.h"

namespace scc::config {

namespace {

constexpr std::int64_t kSchemaVersion = 1;
constexpr std::size_t kMaxBytes = std::size_t{256} << 10U;
constexpr std::size_t kMaxDepth = 12;
constexpr std::size_t kMaxEntries = 1000;
constexpr std::size_t kMaxText = 1024;
constexpr unsigned kLockWaitMs = 5'000;
constexpr const char* kRepoFile = ".scc/exceptions.json";

std::string day(std::int64_t now) {
  std::string text = model::format_time(now).substr(0, 10);  // 2026-01-31
  text.erase(std::remove(text.begin(), text.end(), '-'), text.end());
  return text;
}

bool plain_text(std::string_view text) {
  return text.size() <= kMaxText && str::valid_utf8(text) && str::printable(text) == text;
}

}  // namespace

ExceptionStore::Document ExceptionStore::parse(std::string_view text) {
  Document out;
  auto parsed = json::parse(text, {kMaxBytes, kMaxDepth});
  const auto damaged = [&out](std::string why) {
    out.state = Document::State::damaged;
    out.why = std::move(why);
    return std::move(out);
  };
  if (!parsed) return damaged(parsed.error().message);
  if (!parsed->is_object()) return damaged("must be a JSON object");
  const json::Value* version = parsed->at("/schema_version");
  if (version == nullptr || !version->is_int() || version->as_int() < 1) {
    return damaged("/schema_version must be a whole number");
  }
  if (version->as_int() > kSchemaVersion) {
    out.state = Document::State::newer;
    out.why = "is of schema version " + std::to_string(version->as_int()) + ", this scc reads " +
              std::to_string(kSchemaVersion);
    return out;
  }
  const json::Value* list = parsed->at("/exceptions");
  if (list != nullptr && !list->is_array()) return damaged("/exceptions must be an array");
  if (list != nullptr && list->items().size() > kMaxEntries)
    return damaged("/exceptions holds too many entries");
  out.value = std::move(*parsed);
  return out;
}

namespace {

/// nullopt, with the reason, for what is no exception of a local store.
std::optional<model::Exception> read_entry(const json::Value& item, std::string& why) {
  model::Exception out;
  const auto text = [&](std::string_view pointer, bool required) {
    const json::Value* value = item.at(pointer);
    if (value == nullptr && !required) return std::string{};
    const bool good = value != nullptr && value->is_string() && plain_text(value->as_string()) &&
                      (!required || !str::trim(value->as_string()).empty());
    if (!good && why.empty())
      why = std::string(pointer) + (value == nullptr ? " is missing" : " is not valid");
    return good ? value->as_string() : std::string{};
  };
  const auto list = [&](std::string_view pointer) {
    std::vector<std::string> names;
    const json::Value* value = item.at(pointer);
    if (value == nullptr) return names;
    const bool good =
        value->is_array() && std::all_of(value->items().begin(), value->items().end(), [](const auto& name) {
          return name.is_string() && !name.as_string().empty() && plain_text(name.as_string());
        });
    if (!good && why.empty()) why = std::string(pointer) + " must be an array of strings";
    if (good) names = item.strings_at(pointer);
    return names;
  };
  if (!item.is_object()) {
    why = "is no object";
    return std::nullopt;
  }
  out.id = text("/id", true);
  out.created_at = text("/created_at", true);
  out.expires_at = text("/expires_at", true);
  out.reason = text("/reason", true);
  out.scope = text("/scope", true);
  out.created_by = text("/created_by", false);
  out.created_on = text("/created_on", false);
  out.ticket = text("/ticket", false);
  if (why.empty() && !item.has("/allow")) why = "/allow is missing";
  out.plugins = list("/allow/plugins");
  out.mcp_servers = list("/allow/mcp_servers");
  if (why.empty() && out.scope != "local") {
    why = "its scope is \"" + str::printable(out.scope) +
          "\"; only the organisation's document holds others than local";
  }
  if (!why.empty()) return std::nullopt;
  return out;
}

json::Value to_json(const model::Exception& exception) {
  json::Value out;
  out["id"] = exception.id;
  out["created_at"] = exception.created_at;
  out["expires_at"] = exception.expires_at;
  out["reason"] = exception.reason;
  out["scope"] = exception.scope;
  out["allow"]["plugins"] = json::Value::strings(exception.plugins);
  out["allow"]["mcp_servers"] = json::Value::strings(exception.mcp_servers);
  if (!exception.created_by.empty()) out["created_by"] = exception.created_by;
  if (!exception.created_on.empty()) out["created_on"] = exception.created_on;
  if (!exception.ticket.empty()) out["ticket"] = exception.ticket;
  return out;
}

bool older(const json::Value& a, const json::Value& b) {
  const auto key = [](const json::Value& value) {
    return std::pair(value.str("/created_at"), value.str("/id"));
  };
  return key(a) < key(b);
}

bool entry_expired(const json::Value& item, std::int64_t now) {
  const json::Value* end = item.at("/expires_at");
  if (end == nullptr || !end->is_string()) return false;  // not an entry that we understand: left alone
  const auto time = model::parse_time(end->as_string());
  return !time || *time <= now;
}

Status check_new(const NewException& wanted, std::int64_t now) {
  const auto invalid = [](std::string what, std::string hint) {
    return fail(Kind::usage, "exceptions.invalid", std::move(what), std::move(hint));
  };
  if (str::trim(wanted.reason).empty())
    return invalid("an exception needs a reason", "give one with --reason");
  if (!plain_text(wanted.reason) || !plain_text(wanted.ticket)) {
    return invalid("the reason or ticket is longer than 1024 bytes or holds control characters",
                   "shorten it");
  }
  if (wanted.plugins.empty() && wanted.mcp_servers.empty()) {
    return invalid("an exception needs a target", "give --allow-plugin or --allow-mcp");
  }
  for (const auto* targets : {&wanted.plugins, &wanted.mcp_servers}) {
    for (const std::string& target : *targets) {
      if (target.empty() || !plain_text(target))
        return invalid("a target is empty or not readable", "name it exactly");
      if (target.find_first_of("*?[") != std::string::npos) {
        return invalid("the target " + target + " holds a wildcard",
                       "name each target exactly; only the organisation's exceptions may hold patterns");
      }
    }
  }
  if (wanted.expires_at <= now)
    return invalid("the exception would end before it begins", "give a time that lies ahead");
  return {};
}

model::Exception make(const NewException& wanted, std::int64_t now, const json::Array& others) {
  model::Exception out;
  out.scope = "local";
  out.reason = std::string(str::trim(wanted.reason));
  out.ticket = wanted.ticket;
  out.created_at = model::format_time(now);
  out.expires_at = model::format_time(wanted.expires_at);
  out.created_by = str::printable(wanted.actor.user).substr(0, kMaxText);
  out.created_on = str::printable(wanted.actor.host).substr(0, kMaxText);
  out.plugins = wanted.plugins;
  out.mcp_servers = wanted.mcp_servers;
  do {
    out.id = "local-" + day(now) + "-" + os::random_hex(4);
  } while (std::any_of(others.begin(), others.end(),
                       [&](const json::Value& item) { return item.str("/id") == out.id; }));
  return out;
}

}  // namespace

Actor current_actor(const os::Environment& env) {
  Actor actor;
  std::vector<char> buffer(16384);
  struct passwd entry {};
  struct passwd* found = nullptr;
  if (::getpwuid_r(env.uid, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr) {
    actor.user = found->pw_name;
  } else {
    actor.user = "uid " + std::to_string(env.uid);
  }
  buffer.assign(256, '\0');
  if (::gethostname(buffer.data(), buffer.size() - 1) == 0) actor.host = buffer.data();
  return actor;
}

bool expired(const model::Exception& exception, std::int64_t now) {
  const auto end = model::parse_time(exception.expires_at);
  return !end || *end <= now;
}

ExceptionStore ExceptionStore::user(const os::Paths& paths) {
  return {paths.config / "exceptions.json", {}, paths.config / "exceptions.json.lock"};
}

ExceptionStore ExceptionStore::repo(const os::Paths& paths, const stdfs::path& root) {
  // The lock lies outside: a file in the workspace could be held by whoever works there.
  const std::string id = os::sha256_hex(root.native()).substr(0, 16);
  return {root / kRepoFile, root, paths.state / "locks" / ("repo-exceptions-" + id + ".lock")};
}

Result<std::string> ExceptionStore::read() const {
  if (!root_.empty()) return os::read_beneath(root_, kRepoFile, kMaxBytes);
  return os::read_file(file_, kMaxBytes);
}

/// The user's store also has to be the user's alone; the repository's has its approval instead.
ExceptionStore::Document ExceptionStore::judge(std::string_view text) const {
  if (root_.empty()) {
    if (const Status safe = check_own_file(file_, "exceptions.unsafe"); !safe) {
      return {Document::State::damaged, safe.error().message, {}};
    }
  }
  return parse(text);
}

Status ExceptionStore::write(std::string_view bytes) const {
  if (!root_.empty()) return os::write_beneath(root_, kRepoFile, bytes, 0644);
  SCC_CHECK(os::make_dirs(file_.parent_path()));
  return os::write_file_atomic(file_, bytes, 0600);
}

ExceptionList ExceptionStore::load() const {
  ExceptionList out;
  const std::string shown = str::printable(file_.native());
  const auto text = read();
  if (!text) {
    if (text.error().kind != Kind::not_found) {
      out.warnings.push_back("the exceptions of " + shown + " are ignored: " + text.error().message);
    }
    return out;
  }
  out.sha256 = os::sha256_hex(*text);
  const Document document = judge(*text);
  if (document.state != Document::State::good) {
    out.warnings.push_back("the exceptions of " + shown + " are ignored: " + document.why);
    return out;
  }
  const json::Value* list = document.value.at("/exceptions");
  for (std::size_t i = 0; list != nullptr && i < list->items().size(); ++i) {
    std::string why;
    if (auto entry = read_entry(list->items()[i], why)) {
      out.exceptions.push_back(std::move(*entry));
    } else {
      out.warnings.push_back(shown + ": exception " + std::to_string(i + 1) + " is left out: " + why);
    }
  }
  std::stable_sort(out.exceptions.begin(), out.exceptions.end(), [](const auto& a, const auto& b) {
    return std::pair(a.created_at, a.id) < std::pair(b.created_at, b.id);
  });
  return out;
}

Status ExceptionStore::set_aside(std::string_view bytes, std::int64_t now, ExceptionChange& change) const {
  const std::string suffix = ".bak-" + day(now);
  for (int attempt = 0; attempt < 8; ++attempt) {
    const std::string name = "exceptions.json" + suffix + (attempt == 0 ? "" : "-" + os::random_hex(3));
    const stdfs::path target = file_.parent_path() / name;
    struct stat info {};
    if (::lstat(target.c_str(), &info) == 0) continue;
    SCC_CHECK(root_.empty() ? os::write_file_atomic(target, bytes, 0600)
                            : os::write_beneath(root_, stdfs::path(".scc") / name, bytes, 0644));
    change.warnings.push_back(str::printable(file_.native()) + " was damaged; it was kept as " + name);
    return {};
  }
  return fail(Kind::tool, "exceptions.backup",
              "cannot keep a copy of the damaged " + str::printable(file_.native()),
              "move the file away, then run the command again");
}

template <class Edit>
Result<ExceptionChange> ExceptionStore::change(std::int64_t now, const Edit& edit) const {
  SCC_TRY(const os::FileLock lock, os::FileLock::acquire(lock_, kLockWaitMs));
  ExceptionChange out;
  json::Value document;
  document["schema_version"] = kSchemaVersion;
  const auto text = read();
  if (!text && text.error().kind != Kind::not_found) return fail(text.error());
  if (text) {
    out.sha256_before = os::sha256_hex(*text);
    Document found = judge(*text);
    if (found.state == Document::State::newer) {
      return fail(Kind::config, "exceptions.version", str::printable(file_.native()) + " " + found.why,
                  "update scc, or move the file away");
    }
    if (found.state == Document::State::good) {
      document = std::move(found.value);
    } else {
      SCC_CHECK(set_aside(*text, now, out));
    }
  }
  json::Array& list = document["exceptions"].array();
  SCC_CHECK(edit(list, out));
  const auto first = std::stable_partition(
      list.begin(), list.end(), [now](const json::Value& item) { return !entry_expired(item, now); });
  for (auto item = first; item != list.end(); ++item) out.pruned.push_back(item->str("/id"));
  list.erase(first, list.end());
  if (list.size() > kMaxEntries) {
    return fail(Kind::usage, "exceptions.invalid", "there are too many exceptions already",
                "run: scc exceptions cleanup");
  }
  std::stable_sort(list.begin(), list.end(), older);
  const std::string bytes = json::pretty(document) + "\n";
  const bool nothing = !text && list.empty();
  if (nothing) return out;
  if (bytes.size() > kMaxBytes) {
    return fail(Kind::usage, "exceptions.invalid", "the store would be larger than 256 KiB",
                "run: scc exceptions cleanup");
  }
  if (!text || bytes != *text) SCC_CHECK(write(bytes));
  out.sha256_after = os::sha256_hex(bytes);
  return out;
}

Result<ExceptionChange> ExceptionStore::create(const NewException& wanted, std::int64_t now) const {
  SCC_CHECK(check_new(wanted, now));
  return change(now, [&](json::Array& list, ExceptionChange& out) -> Status {
    out.created = make(wanted, now, list);
    list.push_back(to_json(*out.created));
    return {};
  });
}

Result<ExceptionChange> ExceptionStore::remove(std::string_view prefix, std::int64_t now) const {
  return change(now, [&](json::Array& list, ExceptionChange& out) -> Status {
    if (prefix.empty())
      return fail(Kind::usage, "exceptions.invalid", "which exception is missing", "give its id");
    std::vector<std::string> exact;
    std::vector<std::string> matching;
    for (const json::Value& item : list) {
      const std::string id = item.str("/id");
      if (id == prefix) exact.push_back(id);
      if (str::starts_with(id, prefix)) matching.push_back(id);
    }
    const std::string shown = str::printable(prefix);
    if (exact.empty() && matching.empty()) {
      return fail(Kind::not_found, "exceptions.not-found",
                  "no exception " + shown + " in " + str::printable(file_.native()),
                  "run: scc exceptions list");
    }
    if (exact.empty() && matching.size() > 1) {
      Error error{Kind::usage, "exceptions.ambiguous",
                  shown + " names " + std::to_string(matching.size()) + " exceptions", "give more of the id",
                  matching};
      return fail(std::move(error));
    }
    const std::string id = exact.empty() ? matching.front() : exact.front();
    list.erase(std::remove_if(list.begin(), list.end(),
                              [&](const json::Value& item) { return item.str("/id") == id; }),
               list.end());
    out.removed.push_back(id);
    return {};
  });
}

Result<ExceptionChange> ExceptionStore::cleanup(std::int64_t now) const {
  return change(now, [](json::Array&, ExceptionChange&) -> Status { return {}; });
}

Result<ExceptionChange> ExceptionStore::reset() const {
  SCC_TRY(const os::FileLock lock, os::FileLock::acquire(lock_, kLockWaitMs));
  ExceptionChange out;
  if (const auto text = read()) out.sha256_before = os::sha256_hex(*text);
  Status removed;
  if (!root_.empty()) {
    removed = os::remove_beneath(root_, kRepoFile);
  } else if (::unlink(file_.c_str()) != 0) {
    removed = fail(os::errno_error("remove", file_, errno));
  }
  if (!removed && removed.error().kind != Kind::not_found) return fail(removed.error());
  return out;
}

}  // namespace scc::config
