// SPDX-License-Identifier: Apache-2.0
#include "plugin/trust_store.h"

#include <algorithm>
#include <array>
#include <ctime>

#include "base/str.h"
#include "json/value.h"

namespace scc::plugin {

namespace {

constexpr std::string_view kSchema = "scc.plugin-trust/1";
constexpr std::string_view kLockSchema = "scc.plugins-lock/1";
constexpr std::size_t kMaxBytes = std::size_t{4} << 20U;
constexpr unsigned kLockWaitMs = 5'000;

bool hash_text(std::string_view s) {
  return s.size() == 64 && s.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

void sort_by_id(std::vector<TrustRecord>& records) {
  std::stable_sort(records.begin(), records.end(),
                   [](const TrustRecord& a, const TrustRecord& b) { return a.id < b.id; });
}

Result<std::vector<TrustRecord>> parse_records(std::string_view text) {
  SCC_TRY(const json::Value doc, json::parse(text));
  if (doc.str("/schema") != kSchema) return fail(Kind::config, "plugin.trust-store", "unknown schema");
  const json::Value* list = doc.at("/records");
  if (list == nullptr || !list->is_array()) {
    return fail(Kind::config, "plugin.trust-store", "/records must be an array");
  }
  std::vector<TrustRecord> out;
  for (const json::Value& item : list->items()) {
    TrustRecord r{item.str("/id"), item.str("/library"), item.str("/manifest"), item.str("/path"),
                  item.str("/time")};
    if (r.id.empty() || !hash_text(r.library) || !hash_text(r.manifest)) {
      return fail(Kind::config, "plugin.trust-store", "a record lacks its id or a hash");
    }
    out.push_back(std::move(r));
  }
  sort_by_id(out);
  return out;
}

std::string render(const std::vector<TrustRecord>& records) {
  json::Array list;
  for (const TrustRecord& r : records) {
    json::Value item;
    item["id"] = r.id;
    item["library"] = r.library;
    item["manifest"] = r.manifest;
    item["path"] = str::printable(r.path);
    item["time"] = r.time;
    list.push_back(std::move(item));
  }
  json::Value doc;
  doc["schema"] = kSchema;
  doc["records"] = std::move(list);
  return json::pretty(doc) + "\n";
}

}  // namespace

std::string utc_now() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  std::array<char, 32> text{};
  const std::size_t size = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text.data(), size};
}

TrustStore TrustStore::load(os::stdfs::path file, std::vector<std::string>& warnings) {
  TrustStore store;
  store.file_ = std::move(file);
  const Result<std::string> text = os::read_file(store.file_, kMaxBytes);
  if (!text) {
    if (text.error().kind != Kind::not_found) {
      warnings.push_back("the plugin trust store cannot be read, no plugin is trusted: " +
                         text.error().message);
    }
    return store;
  }
  if (const Status safe = os::check_safe_path(store.file_, "plugin.trust-store"); !safe) {
    warnings.push_back("the plugin trust store is ignored, no plugin is trusted: " + safe.error().message);
    return store;
  }
  Result<std::vector<TrustRecord>> records = parse_records(*text);
  if (!records) {
    warnings.push_back("the plugin trust store " + str::printable(store.file_.string()) +
                       " is damaged, no plugin is trusted (" + records.error().message +
                       "); the next `scc plugin trust` sets it aside");
    return store;
  }
  store.records_ = std::move(*records);
  return store;
}

std::vector<TrustRecord>::const_iterator TrustStore::first_of(std::string_view id) const noexcept {
  return std::lower_bound(records_.begin(), records_.end(), id,
                          [](const TrustRecord& r, std::string_view wanted) { return r.id < wanted; });
}

bool TrustStore::knows(std::string_view id) const noexcept {
  const auto first = first_of(id);
  return first != records_.end() && first->id == id;
}

const TrustRecord* TrustStore::find(std::string_view id, std::string_view library,
                                    std::string_view manifest) const noexcept {
  for (auto r = first_of(id); r != records_.end() && r->id == id; ++r) {
    if (r->library == library && r->manifest == manifest) return &*r;
  }
  return nullptr;
}

Status TrustStore::add(const TrustRecord& record) {
  return rewrite(&record, {});
}

Status TrustStore::remove(std::string_view id) {
  return rewrite(nullptr, id);
}

Status TrustStore::rewrite(const TrustRecord* added, std::string_view removed_id) {
  SCC_CHECK(os::make_dirs(file_.parent_path()));
  os::stdfs::path lock_path = file_;
  lock_path += ".lock";
  SCC_TRY(const os::FileLock lock, os::FileLock::acquire(lock_path, kLockWaitMs));
  std::vector<TrustRecord> records;
  const Result<std::string> text = os::read_file(file_, kMaxBytes);
  if (text) {
    const bool safe = os::check_safe_path(file_, "plugin.trust-store").has_value();
    Result<std::vector<TrustRecord>> parsed = parse_records(*text);
    if (parsed && safe) {
      records = std::move(*parsed);
    } else {
      os::stdfs::path aside = file_;
      aside += ".corrupt-" + os::random_hex(4);
      std::error_code code;
      os::stdfs::rename(file_, aside, code);
      if (code) return fail(os::errno_error("rename", file_, code.value()));
    }
  } else if (text.error().kind != Kind::not_found) {
    return fail(text.error());
  }
  const auto gone = [&](const TrustRecord& r) {
    if (added != nullptr)
      return r.id == added->id && r.library == added->library && r.manifest == added->manifest;
    return r.id == removed_id;
  };
  records.erase(std::remove_if(records.begin(), records.end(), gone), records.end());
  if (added != nullptr) records.push_back(*added);
  sort_by_id(records);
  SCC_CHECK(os::write_file_atomic(file_, render(records), 0600));
  records_ = std::move(records);
  return {};
}

PluginsLock PluginsLock::load(const os::stdfs::path& file, std::vector<std::string>& warnings) {
  PluginsLock lock;
  const Result<std::string> text = os::read_file(file, kMaxBytes);
  if (!text) {
    if (text.error().kind != Kind::not_found) warnings.push_back(text.error().message);
    return lock;
  }
  const Result<json::Value> doc = json::parse(*text);
  if (!doc || doc->str("/schema") != kLockSchema) {
    warnings.push_back("the list of bundled plugins " + str::printable(file.string()) +
                       " is damaged: bundled plugins are refused; install scc again");
    return lock;
  }
  if (const Status safe = os::check_safe_path(file, "plugin.unsafe-path"); !safe) {
    warnings.push_back("the list of bundled plugins is ignored: " + safe.error().message);
    return lock;
  }
  lock.present = true;
  if (const json::Value* plugins = doc->at("/plugins")) {
    for (const auto& [id, hashes] : plugins->members()) {
      lock.plugins.emplace(id, Hashes{hashes.str("/manifest"), hashes.str("/library")});
    }
  }
  return lock;
}

}  // namespace scc::plugin
