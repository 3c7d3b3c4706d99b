// SPDX-License-Identifier: Apache-2.0
#include "app/workspace_state.h"

#include "json/value.h"
#include "os/fs.h"

namespace scc::app {

namespace {

constexpr std::string_view kSchema = "scc.workspace-state/1";
constexpr std::size_t kLimit = 16384;
constexpr unsigned kLockWaitMs = 3000;

Result<json::Value> read_document(const os::stdfs::path& file) {
  SCC_TRY(const std::string text, os::read_file(file, kLimit));
  SCC_TRY(json::Value document, json::parse(text, {kLimit, 8}));
  if (document.str("/schema") != kSchema) {
    return fail(Kind::config, "workspace-state.invalid", file.native() + " is not a " + std::string(kSchema));
  }
  return document;
}

void set(json::Value& document, const char* key, const std::optional<std::string>& value) {
  if (!value) return;
  if (value->empty()) {
    document.object().erase(key);
  } else {
    document[key] = *value;
  }
}

}  // namespace

os::stdfs::path workspace_state_file(const os::Paths& paths, const std::string& root) {
  return paths.state / "workspaces" / (os::sha256_hex(root).substr(0, 32) + ".json");
}

WorkspaceState load_workspace_state(const os::Paths& paths, const std::string& root) {
  WorkspaceState out;
  const os::stdfs::path file = workspace_state_file(paths, root);
  const auto document = read_document(file);
  if (!document) {
    if (document.error().kind != Kind::not_found) {
      out.warnings.push_back("what scc remembers of this workspace is passed over: " +
                             document.error().message);
    }
    return out;
  }
  out.provider = document->str("/provider");
  out.last_used_provider = document->str("/last_used_provider");
  return out;
}

Status save_workspace_state(const os::Paths& paths, const std::string& root, const WorkspaceEdit& edit) {
  const os::stdfs::path file = workspace_state_file(paths, root);
  SCC_CHECK(os::make_dirs(file.parent_path()));
  SCC_TRY(const os::FileLock lock,
          os::FileLock::acquire(paths.state / "locks" / "workspaces.lock", kLockWaitMs));
  auto document = read_document(file);
  if (!document) {
    if (document.error().kind != Kind::not_found) {
      std::error_code ignored;
      os::stdfs::rename(file, file.native() + ".corrupt", ignored);
    }
    document = json::Value(json::Object{});
  }
  (*document)["schema"] = kSchema;
  (*document)["workspace"] = root;
  set(*document, "provider", edit.provider);
  set(*document, "last_used_provider", edit.last_used_provider);
  return os::write_file_atomic(file, json::dump(*document) + "\n", 0600);
}

}  // namespace scc::app
