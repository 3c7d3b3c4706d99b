// SPDX-License-Identifier: Apache-2.0
#include "config/approvals.h"

#include "base/str.h"
#include "config/own_file.h"

namespace scc::config {

namespace {

constexpr std::size_t kMaxBytes = std::size_t{1} << 20U;
constexpr unsigned kLockWaitMs = 5'000;

bool hash_text(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// Kind::not_found when absent.
Result<json::Value> read(const stdfs::path& file) {
  SCC_TRY(const std::string text, os::read_file(file, kMaxBytes));
  SCC_CHECK(check_own_file(file, "approvals.unsafe"));
  SCC_TRY(json::Value document, json::parse(text, {kMaxBytes, 8}));
  if (document.integer("/schema_version") != 1) {
    return fail(Kind::config, "approvals.version",
                str::printable(file.native()) + " is not of schema version 1",
                "update scc, or move the file away");
  }
  return document;
}

Status rewrite(const stdfs::path& file, std::string_view repo_id, const json::Value& value) {
  SCC_CHECK(os::make_dirs(file.parent_path()));
  stdfs::path lock_path = file;
  lock_path += ".lock";
  SCC_TRY(const os::FileLock lock, os::FileLock::acquire(lock_path, kLockWaitMs));
  json::Value document;
  document["schema_version"] = 1;
  auto found = read(file);
  if (found) {
    document = std::move(*found);
  } else if (found.error().id == "approvals.version") {
    return fail(found.error());
  } else if (found.error().kind != Kind::not_found) {  // damaged: kept beside, nothing in it counts
    stdfs::path aside = file;
    aside += ".corrupt-" + os::random_hex(4);
    std::error_code code;
    stdfs::rename(file, aside, code);
    if (code) return fail(os::errno_error("rename", file, code.value()));
  }
  json::Object& approvals = document["approvals"].object();
  if (value.is_null()) {
    const auto entry = approvals.find(repo_id);
    if (entry != approvals.end()) approvals.erase(entry);
  } else {
    approvals.insert_or_assign(std::string(repo_id), value);
  }
  return os::write_file_atomic(file, json::pretty(document) + "\n", 0600);
}

}  // namespace

bool Approvals::approved(std::string_view repo_id, std::string_view sha256,
                         std::vector<std::string>* warnings) const {
  if (!hash_text(sha256)) return false;
  const auto document = read(file_);
  if (!document) {
    if (document.error().kind != Kind::not_found && warnings != nullptr) {
      warnings->push_back("the approvals are ignored: " + document.error().message);
    }
    return false;
  }
  const json::Value* approvals = document->at("/approvals");
  if (approvals == nullptr) return false;
  const auto entry = approvals->members().find(repo_id);
  return entry != approvals->members().end() && entry->second.as_string() == sha256;
}

Status Approvals::approve(std::string_view repo_id, std::string_view sha256) const {
  if (repo_id.empty() || !hash_text(sha256)) {
    return fail(Kind::internal, "approvals.invalid", "an approval needs a repository and a SHA-256");
  }
  return rewrite(file_, repo_id, json::Value(sha256));
}

Status Approvals::revoke(std::string_view repo_id) const {
  return rewrite(file_, repo_id, json::Value());
}

Result<bool> Approvals::carry_over(std::string_view repo_id, const ExceptionChange& change) const {
  const bool ours = change.sha256_before.empty() || approved(repo_id, change.sha256_before, nullptr);
  if (!ours || change.sha256_after.empty()) return ours;
  SCC_CHECK(approve(repo_id, change.sha256_after));
  return true;
}

}  // namespace scc::config
