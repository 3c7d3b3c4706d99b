// SPDX-License-Identifier: Apache-2.0
#include "config/local_prefs.h"

#include "base/str.h"
#include "json/value.h"

namespace scc::config {

namespace {

constexpr const char* kFile = ".scc/config.local.json";
constexpr std::size_t kMaxBytes = std::size_t{16} << 10U;
constexpr std::size_t kMaxExclude = std::size_t{256} << 10U;
constexpr unsigned kLockWaitMs = 2'000;

bool provider_id(std::string_view text) {
  return !text.empty() && text.size() <= 64 && text.front() != '-' &&
         text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

/// Kind::not_found when absent.
Result<json::Value> read(const stdfs::path& root) {
  SCC_TRY(const std::string text, os::read_beneath(root, kFile, kMaxBytes));
  SCC_TRY(json::Value document, json::parse(text, {kMaxBytes, 8}));
  if (!document.is_object()) return fail(Kind::config, "local-prefs.invalid", "must be a JSON object");
  return document;
}

Status exclude(const stdfs::path& git_common_dir) {
  const stdfs::path relative = "info/exclude";
  std::string text;
  if (auto found = os::read_beneath(git_common_dir, relative, kMaxExclude)) {
    text = std::move(*found);
  } else if (found.error().kind != Kind::not_found) {
    return fail(found.error());
  }
  for (const std::string& line : str::split(text, '\n')) {
    const std::string_view pattern = str::trim(line);
    if (pattern == kFile || pattern == "/" + std::string(kFile)) return {};
  }
  if (!text.empty() && text.back() != '\n') text += '\n';
  return os::write_beneath(git_common_dir, relative, text + kFile + "\n", 0644);
}

}  // namespace

LocalPrefs load_local_prefs(const stdfs::path& root) {
  LocalPrefs out;
  const auto warn = [&](const std::string& why) {
    out.warnings.push_back(str::printable((root / kFile).native()) + " is ignored: " + why);
  };
  const auto document = read(root);
  if (!document) {
    if (document.error().kind != Kind::not_found) warn(document.error().message);
    return out;
  }
  const json::Value* provider = document->at("/last_used_provider");
  if (provider == nullptr || provider->is_null()) return out;
  if (provider_id(provider->as_string())) {
    out.last_used_provider = provider->as_string();
  } else {
    warn("/last_used_provider is no provider's id");
  }
  return out;
}

Status save_local_prefs(const os::Paths& paths, const stdfs::path& root, const std::string& provider,
                        const std::optional<stdfs::path>& git_common_dir,
                        std::vector<std::string>* warnings) {
  const std::string id = os::sha256_hex(root.native()).substr(0, 16);
  SCC_TRY(const os::FileLock lock,
          os::FileLock::acquire(paths.state / "locks" / ("local-prefs-" + id + ".lock"), kLockWaitMs));
  json::Value document{json::Object{}};
  const auto found = read(root);
  if (found) {
    if (found->str("/last_used_provider") == provider) return {};
    document = *found;
  } else if (found.error().kind == Kind::policy || found.error().id == "os.not-regular") {
    return fail(found.error());  // a link or a FIFO is not ours to replace
  }
  document["last_used_provider"] = provider;
  SCC_CHECK(os::write_beneath(root, kFile, json::pretty(document) + "\n", 0600));
  if (!git_common_dir) return {};
  if (const Status done = exclude(*git_common_dir); !done && warnings != nullptr) {
    warnings->push_back(std::string(kFile) + " is not kept out of git: " + done.error().message);
  }
  return {};
}

}  // namespace scc::config
