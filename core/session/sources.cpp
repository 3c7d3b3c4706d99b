// SPDX-License-Identifier: Apache-2.0
#include "session/sources.h"

#include <fcntl.h>
#include <optional>

#include <sys/stat.h>

#include "base/str.h"
#include "os/fs.h"

namespace scc::session {

namespace {

constexpr const char* kBootId = "/proc/sys/kernel/random/boot_id";

bool below(const std::string& path, const std::string& parent) {
  return path.size() > parent.size() && str::starts_with(path, parent) && path[parent.size()] == '/';
}

std::optional<struct stat> look(const BindSource& source) {
  struct stat info {};
  if (source.follow) return ::stat(source.path.c_str(), &info) == 0 ? std::optional(info) : std::nullopt;
#if defined(O_PATH)
  const os::Fd top(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!top) return std::nullopt;
  const auto fd = os::open_beneath(top.get(), source.path.relative_path(), O_PATH);
  if (!fd || ::fstat(fd->get(), &info) != 0) return std::nullopt;
  return info;
#else
  return std::nullopt;
#endif
}

const json::Value* mount_at(const json::Value& evidence, const std::string& target) {
  const json::Value* mounts = evidence.at("/mounts");
  const json::Value* found = nullptr;
  if (mounts == nullptr) return found;
  for (const json::Value& mount : mounts->items()) {
    if (mount.str("/target") == target) found = &mount;
  }
  return found;
}

bool same(const json::Value* mount, const struct stat& info) {
  const json::Value* device = mount != nullptr ? mount->at("/device") : nullptr;
  const json::Value* inode = mount != nullptr ? mount->at("/inode") : nullptr;
  return device != nullptr && device->is_int() && inode != nullptr && inode->is_int() &&
         device->as_int() == static_cast<std::int64_t>(info.st_dev) &&
         inode->as_int() == static_cast<std::int64_t>(info.st_ino);
}

}  // namespace

std::vector<BindSource> bind_sources(const json::Value& plan) {
  const json::Value* mounts = plan.at("/sandbox/mounts");
  const json::Array binds = mounts != nullptr ? mounts->items() : json::Array{};
  const std::string root = plan.str("/workspace/root");
  std::string workspace;  // the engine's name for it: an id-mapped view, or a path of SCC_WORKSPACE_PATH_MAP
  for (const json::Value& mount : binds) {
    if (mount.str("/type") == "bind" && mount.str("/target") == root) workspace = mount.str("/source");
  }
  std::vector<BindSource> out;
  for (const json::Value& mount : binds) {
    if (mount.str("/type") != "bind") continue;
    const std::string source = mount.str("/source");
    const std::string target = mount.str("/target");
    // The workspace and its git directories have the same path on both sides.
    const bool mirrored =
        source == target || (!workspace.empty() && (source == workspace || below(source, workspace)));
    out.push_back({target, mirrored ? target : source, !mirrored});
  }
  return out;
}

std::vector<CheckFailure> verify_sources(const json::Value& evidence,
                                         const std::vector<BindSource>& sources) {
  const auto boot_id = os::read_file(kBootId, 64);
  if (!boot_id || str::trim(*boot_id).empty() || evidence.str("/boot_id") != str::trim(*boot_id)) return {};
  std::vector<CheckFailure> out;
  for (const BindSource& source : sources) {
    const auto here = look(source);
    if (here && same(mount_at(evidence, source.target), *here)) continue;
    out.push_back({"source:" + source.target, "what is at " + source.path.native() + " on this machine",
                   here ? "something else" : "nothing there now, or a link on the way"});
  }
  return out;
}

}  // namespace scc::session
