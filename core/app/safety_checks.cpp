// SPDX-License-Identifier: Apache-2.0
#include "app/safety_checks.h"

#include "base/str.h"
#include "os/process.h"

namespace scc::app {

namespace {

constexpr std::string_view kKind = "safety-check";
constexpr std::string_view kProgram = "scc-guard-ext";
constexpr std::size_t kMostChecks = 16;

struct Found {
  const plugin::Entry* entry = nullptr;
  const model::SafetyCheck* check = nullptr;
};

tl::unexpected<Error> unusable(const model::SafetyCheck& check, const std::string& why,
                               const std::string& hint) {
  return fail(Kind::prereq, "safety.check",
              "the organisation asks for the safety check " + check.id + ", " + why, hint);
}

Result<Found> find(const plugin::Registry& registry, const model::SafetyCheck& check) {
  const plugin::Entry* entry = registry.owner(kKind, check.id);
  if (entry == nullptr)
    return unusable(check, "which no plugin has", "install its plugin, then run `scc plugin list`");
  if (entry->state != plugin::State::ready)
    return unusable(check, "whose plugin cannot be used: " + entry->reason, entry->hint);
  if (entry->builtin != nullptr)
    return unusable(check, "which is part of scc and always asked",
                    "have it removed from security.safety_net.checks");
  return Found{entry, &check};
}

const plugin::ManifestLibrary* library_of(const std::map<std::string, plugin::ManifestLibrary>& libraries) {
  // A sandbox is a Linux of this machine's architecture.
  const auto found = libraries.find(std::string(plugin::platform()));
  return found == libraries.end() ? nullptr : &found->second;
}

Result<CheckInput> for_sandbox(const Found& found) {
  const plugin::Manifest& manifest = found.entry->manifest;
  const plugin::ManifestLibrary* library = library_of(manifest.container);
  if (library == nullptr) library = library_of(manifest.libraries);
  if (library == nullptr)
    return unusable(*found.check, "whose plugin has no library for a sandbox of this machine",
                    "ask its vendor for one");
  // Who vouched for the plugin vouched for the library that the host would load; another build is only
  // vouched for by the organisation.
  const std::string pinned = found.check->sha256.empty() ? found.entry->sha256 : found.check->sha256;
  const os::stdfs::path path = found.entry->directory / library->path;
  SCC_TRY(const std::string hash, os::sha256_file(path));
  if (hash != pinned || hash != library->sha256) {
    return fail(Kind::policy, "safety.check-hash",
                str::printable(path.native()) + " is not the library of the safety check " + found.check->id +
                    " that the organisation means (sha256 " + pinned.substr(0, 12) + "...)",
                "install the version that the organisation pins, or have its sha256 set in "
                "security.safety_net.checks");
  }
  CheckInput out;
  out.ref = {std::string(kKind), found.check->id, manifest.id, manifest.version, found.entry->sha256};
  out.source = path.native();
  out.sha256 = hash;
  return out;
}

/// The list, or the first thing that is wrong with it.
template <class T, class Make>
Result<std::vector<T>> each(const plugin::Registry& registry, const model::Effective& effective, Make make) {
  std::vector<T> out;
  const auto& checks = effective.safety_net.checks;
  if (checks.size() > kMostChecks) {
    return fail(
        Kind::prereq, "safety.check",
        "the organisation asks for " + std::to_string(checks.size()) + " safety checks; 16 is the most",
        "have some of them joined in one plugin");
  }
  for (const model::SafetyCheck& check : checks) {
    SCC_TRY(const Found found, find(registry, check));
    SCC_TRY(T one, make(found));
    out.push_back(std::move(one));
  }
  return out;
}

}  // namespace

Result<std::vector<CheckInput>> find_checks(const plugin::Registry& registry,
                                            const model::Effective& effective) {
  return each<CheckInput>(registry, effective, for_sandbox);
}

Result<std::vector<safety::CheckLibrary>> host_checks(const plugin::Registry& registry,
                                                      const model::Effective& effective) {
  return each<safety::CheckLibrary>(
      registry, effective, [](const Found& found) -> Result<safety::CheckLibrary> {
        const plugin::ManifestLibrary* library = library_of(found.entry->manifest.libraries);
        if (library == nullptr)
          return unusable(*found.check, "whose plugin has no library for this machine",
                          "ask its vendor for one");
        const json::Value& config = found.check->config;
        return safety::CheckLibrary{found.check->id, (found.entry->directory / library->path).native(),
                                    found.entry->sha256,
                                    config.is_object() ? json::dump(config) : std::string("{}")};
      });
}

safety::Verdict ask_checks(const os::stdfs::path& libexec, const std::vector<safety::CheckLibrary>& checks,
                           safety::Verdict verdict, const std::vector<safety::Command>& commands,
                           const std::string& raw, const safety::Policy& policy) {
  const bool wanted = !checks.empty() && !commands.empty();
  if (!wanted || policy.defective() || verdict.decision == safety::Decision::block) return verdict;
  os::ProcessRequest request;
  request.argv = {(libexec / kProgram).native()};
  request.input = safety::pack({checks, "", raw, commands});
  request.timeout = std::chrono::milliseconds(safety::kChecksMs);
  const auto done = os::run(request);
  if (!done) {
    std::vector<std::string> ids;
    for (const safety::CheckLibrary& one : checks) ids.push_back(one.id);
    return safety::check_failed(str::join(ids, ", ") + ": " + done.error().message, policy);
  }
  return safety::worse(std::move(verdict),
                       safety::verdict_of_answer(done->out, done->exit_code == 0, policy));
}

}  // namespace scc::app
