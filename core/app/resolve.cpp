// SPDX-License-Identifier: Apache-2.0
#include "app/resolve.h"

#include "app/launch.h"
#include "base/str.h"
#include "git/identity.h"
#include "workspace/protected.h"

namespace scc::app {

namespace {

/// Issue of ownership: the invoking user's uid; for root, the workspace owner's; for root's own workspaces an
/// unprivileged uid through an idmapped mount, and uid 0 only when the user asked for that.
Result<Identity> identify(const os::Environment& env, const workspace::Workspace& ws, bool allow_root) {
  Identity out;
  out.owner_uid = env.uid == 0 ? ws.owner_uid : env.uid;
  out.owner_gid = env.uid == 0 ? ws.owner_gid : env.gid;
  out.uid = out.owner_uid;
  out.gid = out.owner_gid;
  out.mapping = "direct";
  if (out.owner_uid != 0) return out;
  if (allow_root) {
    out.mapping = "root";
    return out;
  }
  if (ws.mapped) {
    return fail(Kind::prereq, "idmap.unsupported",
                "the workspace belongs to root and is a path of another machine (SCC_WORKSPACE_PATH_MAP)",
                "run scc as the owner of the files, or add --allow-root");
  }
  out.mapping = "idmap";
  out.uid = kAgentUid;
  out.gid = kAgentUid;
  return out;
}

std::vector<workspace::ProtectedEntry> protected_list(const Host& host, const plugin::Registry& registry,
                                                      uid_t workspace_owner) {
  const plugin::Declarations declared = registry.declarations();
  workspace::ProtectedSources sources;
  sources.protected_paths = declared.protected_paths;
  sources.engine_sockets = declared.engine_sockets;
  for (const plugin::SearchDir& dir : registry.search_dirs()) sources.plugin_dirs.push_back(dir.path);
  sources.workspace_owner = workspace_owner;
  return workspace::protected_entries(host.env, host.paths, sources);
}

void add_git_mounts(Resolved& out) {
  bool dropped = false;
  for (const workspace::GitBind& bind : out.git.binds) {
    const std::string target = bind.path.native();
    if (bind.relative.empty() && out.identity.mapping == "idmap") {
      dropped = true;  // it belongs to root and is not behind the id-mapped view: the agent could not use it
      continue;
    }
    const std::string source =
        bind.relative.empty() ? target : (out.workspace.source / bind.relative).native();
    out.mounts.push_back({source, target, bind.read_only});
  }
  if (dropped) {
    out.warnings.push_back(
        "the git directory outside the workspace belongs to root and is not mounted: git will not work "
        "inside");
  }
}

}  // namespace

Result<Resolved> resolve_workspace(Host& host, const LaunchOptions& options) {
  SCC_TRY(plugin::Registry * registry, host.registry());
  Resolved out;
  const std::optional<std::string> given =
      options.workspace.empty() ? std::nullopt : std::optional<std::string>(options.workspace);
  SCC_TRY(out.workspace, workspace::resolve(host.env, given, registry->declarations().workspace_markers));
  const auto entries = protected_list(host, *registry, out.workspace.owner_uid);
  SCC_CHECK(workspace::check_protected(out.workspace.root, entries));
  if (out.workspace.suspicious && !options.allow_suspicious) {
    return fail(Kind::usage, "workspace.suspicious",
                out.root() + " does not look like a project: " + out.workspace.suspicious_why,
                "name a project directory, or add --allow-suspicious-workspace");
  }
  SCC_TRY(out.identity, identify(host.env, out.workspace, options.allow_root));
  workspace::GitOptions git_options;
  git_options.owner_uid = static_cast<uid_t>(out.identity.owner_uid);
  git_options.allow_external_git_dir = options.allow_external_git_dir;
  git_options.protected_entries = entries;
  SCC_TRY(out.git, workspace::inspect_git(out.workspace.root, git_options));
  out.warnings = out.git.warnings;
  add_git_mounts(out);
  SCC_TRY(const git::Identity who, git::identity(host.env));
  // The workspace may show git another owner than the agent's uid; the sandbox holds no other repository.
  out.gitconfig = git::render_global_config(who) + "[safe]\n\tdirectory = *\n";
  return out;
}

}  // namespace scc::app
