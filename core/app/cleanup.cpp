// SPDX-License-Identifier: Apache-2.0
#include "app/cleanup.h"

#include <algorithm>
#include <set>

#include <sys/stat.h>

#include "session/executor.h"
#include "session/lister.h"
#include "workspace/git_view.h"

namespace scc::app {

std::vector<std::string> workspaces_of(const Host& host, const session::PruneReport& report) {
  std::set<std::string> out;
  for (const session::PruneItem& item : report.items) {
    if (item.what != session::PruneItem::What::instance) continue;
    const auto plan = session::read_executed_plan(host.paths, item.instance);
    if (!plan) continue;
    const std::string root = plan->str("/workspace/root");
    if (!root.empty() && root.front() == '/') out.insert(root);
  }
  return {out.begin(), out.end()};
}

bool has_kept_sandbox(const Host& host, const std::string& root) {
  const auto instances = session::list_instances(host.paths);
  if (!instances) return true;  // cannot tell: the files are harmless
  return std::any_of(instances->begin(), instances->end(), [&](const session::InstanceInfo& info) {
    return info.record && info.record->kept && info.record->workspace == root;
  });
}

void release_git_guards(Host& host, const std::vector<std::string>& workspaces) {
  for (const std::string& root : workspaces) {
    if (has_kept_sandbox(host, root)) continue;
    struct stat info {};
    if (lstat(root.c_str(), &info) != 0 || !S_ISDIR(info.st_mode)) continue;
    workspace::GitOptions options;
    options.owner_uid = info.st_uid;
    const auto view = workspace::inspect_git(root, options);
    if (!view) continue;  // no repository of the kind that guards were made for
    auto guards = workspace::GitGuards::hold(*view, info.st_uid, info.st_gid);
    const Status released = guards ? guards->release() : Status(fail(guards.error()));
    if (!released) host.warn(root + ": " + released.error().message);
  }
}

}  // namespace scc::app
