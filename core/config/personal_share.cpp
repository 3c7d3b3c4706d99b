// SPDX-License-Identifier: Apache-2.0
// Export to and import from a repository of profiles: <repo>/.scc/profiles/<hash>.json and index.json.
#include <algorithm>

#include "base/str.h"
#include "config/personal.h"
#include "model/parse.h"

namespace scc::config {

namespace {

constexpr std::size_t kMaxBytes = std::size_t{256} << 10U;
constexpr std::size_t kMaxIndex = std::size_t{1} << 20U;
constexpr std::size_t kMaxEntries = 1000;
constexpr unsigned kLockWaitMs = 5'000;
const char* const kFolder = ".scc/profiles";

bool plain_name(std::string_view name) {
  return name.size() == 17 && str::ends_with(name, ".json") &&
         name.substr(0, 12).find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

/// repo id -> file name; empty when there is no index. Kind::config profile.index.
Result<json::Value> read_index(const stdfs::path& repo) {
  const stdfs::path relative = stdfs::path(kFolder) / "index.json";
  const auto damaged = [&](const std::string& why) {
    return fail(
        Kind::config, "profile.index",
        "the index of profiles " + str::printable((repo / relative).native()) + " is not valid: " + why,
        "mend it, or remove it and export again");
  };
  const auto text = os::read_beneath(repo, relative, kMaxIndex);
  if (!text && text.error().kind == Kind::not_found) {
    json::Value fresh;
    fresh["version"] = "1";
    fresh["profiles"] = json::Object{};
    return fresh;
  }
  if (!text) return damaged(text.error().message);
  auto parsed = json::parse(*text, {kMaxIndex, 8});
  if (!parsed) return damaged(parsed.error().message);
  if (parsed->str("/version") != "1") return damaged("/version must be \"1\"");
  const json::Value* profiles = parsed->at("/profiles");
  if (profiles == nullptr || !profiles->is_object()) return damaged("/profiles must be an object");
  if (profiles->members().size() > kMaxEntries) return damaged("/profiles holds too many entries");
  return std::move(*parsed);
}

std::string bytes_of(const model::Personal& personal) {
  return json::pretty(model::to_json(personal)) + "\n";
}

Status check_secrets(const std::vector<model::Personal>& profiles) {
  std::vector<std::string> places;
  for (const model::Personal& personal : profiles) {
    for (const std::string& place : likely_secrets(personal))
      places.push_back(personal.repo_id + ": " + place);
  }
  if (places.empty()) return {};
  return fail(Error{Kind::usage, "profile.secret", "profiles that hold likely secrets are not exported",
                    "put ${VAR} in place of each value and give the variable to the sandbox",
                    std::move(places)});
}

Result<model::Personal> read_shared(const stdfs::path& repo, const std::string& repo_id,
                                    std::string_view name) {
  if (!plain_name(name)) {
    return fail(Kind::config, "profile.index",
                "\"" + str::printable(name) + "\" is no name of a profile's file");
  }
  const stdfs::path relative = stdfs::path(kFolder) / name;
  SCC_TRY(const std::string text, os::read_beneath(repo, relative, kMaxBytes));
  SCC_TRY(const json::Value document, json::parse(text, {kMaxBytes, 32}));
  SCC_TRY(model::Personal personal, model::parse_personal(document, (repo / relative).native()));
  if (personal.repo_id != repo_id) {
    return fail(Kind::config, "profile.invalid",
                str::printable(name) + " is of another repository than the index says");
  }
  return personal;
}

}  // namespace

Result<ExportReport> ProfileStore::export_to(const stdfs::path& repo,
                                             const std::vector<std::string>& repo_ids) const {
  std::vector<model::Personal> profiles;
  if (repo_ids.empty()) {
    profiles = list().profiles;
  } else {
    for (const std::string& id : repo_ids) {
      SCC_TRY(auto personal, load(id));
      if (personal) profiles.push_back(std::move(*personal));
    }
  }
  if (profiles.empty()) {
    return fail(Kind::not_found, "profile.none", "there is no profile to export", "run: scc profile save");
  }
  SCC_CHECK(check_secrets(profiles));
  const std::string id = os::sha256_hex(repo.native()).substr(0, 16);
  SCC_TRY(const os::FileLock held, os::FileLock::acquire(locks_ / ("profiles-" + id + ".lock"), kLockWaitMs));
  SCC_TRY(json::Value index, read_index(repo));
  const json::Value before = index;
  ExportReport report;
  for (const model::Personal& personal : profiles) {
    const std::string name = profile_hash(personal.repo_id) + ".json";
    const stdfs::path relative = stdfs::path(kFolder) / name;
    const std::string bytes = bytes_of(personal);
    const auto there = os::read_beneath(repo, relative, kMaxBytes);
    if (there && *there == bytes) {
      report.unchanged.push_back(personal.repo_id);
    } else {
      SCC_CHECK(os::write_beneath(repo, relative, bytes));
      report.exported.push_back(personal.repo_id);
    }
    index["profiles"][personal.repo_id] = name;
  }
  if (!(index == before)) {
    SCC_CHECK(os::write_beneath(repo, stdfs::path(kFolder) / "index.json", json::pretty(index) + "\n"));
  }
  return report;
}

Result<ImportReport> ProfileStore::import_from(const stdfs::path& repo, const ImportOptions& options) const {
  std::error_code code;
  if (!stdfs::exists(repo / kFolder / "index.json", code)) {
    return fail(Kind::not_found, "profile.none", str::printable(repo.native()) + " holds no profiles",
                "name the repository that `scc profile export` wrote to");
  }
  SCC_TRY(const json::Value index, read_index(repo));
  ImportReport report;
  for (const auto& [repo_id, name] : index.at("/profiles")->members()) {
    const auto shared = read_shared(repo, repo_id, name.as_string());
    if (!shared) {
      report.warnings.push_back(str::printable(repo_id) + " is left out: " + shared.error().message);
      continue;
    }
    const auto mine = load(repo_id);
    const bool readable = mine.has_value();
    if (readable && *mine && fingerprint(**mine) == fingerprint(*shared)) {
      report.identical.push_back(repo_id);
      continue;
    }
    if ((!readable || *mine) && !options.force) {
      report.differing.push_back(repo_id);
      continue;
    }
    if (!options.dry_run) SCC_CHECK(save(*shared));
    report.imported.push_back(repo_id);
  }
  return report;
}

}  // namespace scc::config
