// SPDX-License-Identifier: Apache-2.0
#include "app/guard.h"

#include <algorithm>
#include <array>

#include "base/str.h"
#include "os/fs.h"
#include "policy/safety_policy.h"

namespace scc::app {

namespace {

constexpr std::array<std::string_view, 7> kTools{"git", "curl", "wget", "ssh", "scp", "sftp", "rsync"};
constexpr std::array<std::string_view, 3> kTrees{"/usr/", "/bin/", "/opt/"};
constexpr std::size_t kMostPaths = 32;

}  // namespace

std::string guard_policy_text(const model::Effective& effective, const std::vector<CheckInput>& checks) {
  std::map<std::string, std::string> libraries;
  for (const CheckInput& check : checks) libraries.emplace(check.ref.id, check.sha256);
  json::Value document = policy::safety_policy(effective, libraries);
  document["sha256"] = std::string(64, '0');
  const std::string zeros = json::dump(document);
  document["sha256"] = os::sha256_hex(zeros);
  return json::dump(document);
}

std::vector<std::string> guarded_paths(std::string_view label) {
  std::vector<std::string> out;
  for (const std::string& word : str::split(label, ' ')) {
    const os::stdfs::path path(word);
    const std::string name = path.filename().native();
    const bool tool = std::find(kTools.begin(), kTools.end(), name) != kTools.end();
    const bool place = std::any_of(kTrees.begin(), kTrees.end(),
                                   [&](std::string_view tree) { return str::starts_with(word, tree); });
    const bool plain = path.lexically_normal().native() == word && !str::starts_with(word, kToolDir);
    if (tool && place && plain && out.size() < kMostPaths &&
        std::find(out.begin(), out.end(), word) == out.end()) {
      out.push_back(word);
    }
  }
  return out;
}

Status fill_guard(plugin::Runtime& runtime, const Governance& governance, PlanInputs& in) {
  in.guard.policy = guard_policy_text(governance.effective, in.guard.checks);
  in.guard.paths.clear();
  in.guard.required = true;
  const auto& permitted = governance.effective.safety_net.unguarded_images;
  if (std::find(permitted.begin(), permitted.end(), in.image_ref) != permitted.end()) {
    in.guard.required = false;
    in.warnings.push_back("the organisation lets " + in.image_ref +
                          " run without the guard in front of git and the network tools");
  }
  const auto info = runtime.image_inspect(in.image_ref);
  if (!info && info.error().kind != Kind::not_found) return fail(Error(info.error()));
  if (!info) return {};
  const auto labels = info->map_at("/labels");
  const auto label = labels.find(std::string(kGuardedLabel));
  if (label != labels.end()) in.guard.paths = guarded_paths(label->second);
  return {};
}

}  // namespace scc::app
