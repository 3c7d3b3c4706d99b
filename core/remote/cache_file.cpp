// SPDX-License-Identifier: Apache-2.0
#include "remote/cache_file.h"

#include <csignal>

#include "base/str.h"
#include "json/value.h"
#include "remote/clock.h"

namespace scc::remote {

namespace {

namespace stdfs = os::stdfs;

constexpr std::string_view kSchema = "scc.document-cache/1";
// A document of 1 MiB whose every byte needs six in JSON, and room for the rest.
constexpr std::size_t kMaxFile = std::size_t{8} << 20U;
constexpr unsigned kLockMs = 5'000;

void remove_leftovers(const stdfs::path& directory) {
  std::error_code ec;
  for (const auto& entry : stdfs::directory_iterator(directory, ec)) {
    // The temporary names of os::write_file_atomic; the lock says that nobody is writing now.
    if (str::starts_with(entry.path().filename().native(), ".scc-tmp-")) stdfs::remove(entry.path(), ec);
  }
}

}  // namespace

CacheFile::CacheFile(stdfs::path file, stdfs::path lock, const os::Environment& env, std::string kill_point)
    : file_(std::move(file)),
      lock_(std::move(lock)),
      kill_at_(env.get("SCC_TEST_KILL_AT").value_or("")),
      kill_point_(std::move(kill_point)) {}

void CacheFile::maybe_kill(const char* when) const {
  if (!kill_at_.empty() && kill_at_ == kill_point_ + when) ::raise(SIGKILL);
}

CacheFile::Loaded CacheFile::load(const std::string& source) const {
  const std::string shown = str::printable(file_.native());
  const auto text = os::read_file(file_, kMaxFile);
  if (!text && text.error().kind == Kind::not_found) return {};
  if (!text) return {std::nullopt, text.error().message};
  const auto value = json::parse(*text, {.bytes = kMaxFile, .depth = 4});
  if (!value) return {std::nullopt, shown + ": " + value.error().message};
  if (value->str("/schema") != kSchema) return {std::nullopt, shown + " has unknown content"};
  if (value->str("/source_url") != source) return {std::nullopt, shown + " belongs to another source"};
  CacheEntry entry;
  entry.source = source;
  entry.document = value->str("/document");
  if (value->str("/fingerprint") != os::sha256_hex(entry.document)) {
    return {std::nullopt, shown + " does not match its fingerprint"};
  }
  const auto fetched = parse_time(value->str("/fetched_at"));
  const auto checked = parse_time(value->str("/checked_at"));
  const auto expires = parse_time(value->str("/expires_at"));
  if (!fetched || !checked || !expires) return {std::nullopt, shown + " holds no usable times"};
  entry.fetched_at = *fetched;
  entry.checked_at = *checked;
  entry.expires_at = *expires;
  entry.etag = value->str("/etag");
  entry.commit = value->str("/commit_sha");
  entry.signature = value->str("/signature");
  return {std::move(entry), {}};
}

Status CacheFile::store(const CacheEntry& entry) const {
  json::Value out;
  out["schema"] = kSchema;
  out["source_url"] = entry.source;
  out["fetched_at"] = format_time(entry.fetched_at);
  out["checked_at"] = format_time(entry.checked_at);
  out["expires_at"] = format_time(entry.expires_at);
  out["etag"] = entry.etag;
  out["commit_sha"] = entry.commit;
  out["signature"] = entry.signature;
  out["fingerprint"] = os::sha256_hex(entry.document);
  out["document"] = entry.document;
  const std::string text = json::dump(out) + "\n";
  SCC_CHECK(os::make_dirs(file_.parent_path()));
  SCC_TRY(const os::FileLock lock, os::FileLock::acquire(lock_, kLockMs));
  remove_leftovers(file_.parent_path());
  maybe_kill("");
  maybe_kill(":before");
  SCC_CHECK(os::write_file_atomic(file_, text, 0600));
  maybe_kill(":after");
  return {};
}

}  // namespace scc::remote
