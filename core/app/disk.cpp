// SPDX-License-Identifier: Apache-2.0
#include "app/disk.h"

#include <sys/stat.h>

#include "image/ensure.h"
#include "session/prune.h"
#include "session/store.h"

namespace scc::app {

namespace {

constexpr int kDeepest = 64;

std::int64_t walk(const os::stdfs::path& path, dev_t device, int depth) {
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0 || info.st_dev != device) return 0;
  std::int64_t bytes = static_cast<std::int64_t>(info.st_blocks) * 512;
  if (!S_ISDIR(info.st_mode) || depth >= kDeepest) return bytes;
  std::error_code code;
  os::stdfs::directory_iterator it(path, code);
  for (const os::stdfs::directory_iterator end; !code && it != end; it.increment(code)) {
    bytes += walk(it->path(), device, depth + 1);
  }
  return bytes;
}

std::optional<std::int64_t> size_of(const json::Value& item) {
  const json::Value* size = item.at("/size_bytes");
  return size != nullptr && size->is_int() ? std::optional(size->as_int()) : std::nullopt;
}

Status add_engine(Host& host, const Engine& engine, DiskReport& out) {
  plugin::Runtime& runtime = *engine.runtime;
  const std::string id = runtime.ref().id;
  json::Value filter = session::own_filter(host.env);
  filter["size"] = true;
  SCC_TRY(const json::Value sandboxes, runtime.sandbox_list(filter));
  for (const json::Value& item : sandboxes.at("/sandboxes")->items()) {
    const auto labels = item.map_at("/labels");
    if (!session::is_ours(labels, host.paths, host.env)) continue;
    const auto workspace = labels.find("scc.workspace");
    out.items.push_back({"sandbox", item.str("/name"), id,
                         workspace != labels.end() ? workspace->second : std::string(), size_of(item)});
  }
  SCC_TRY(const json::Value volumes, runtime.volume_list(filter));
  for (const json::Value& item : volumes.at("/volumes")->items()) {
    out.items.push_back({"volume", item.str("/name"), id, item.map_at("/labels")["scc.role"], size_of(item)});
  }
  SCC_TRY(const auto images, image::list(runtime));
  for (const image::ListedImage& image : images) {
    out.items.push_back({"image", image.tags.empty() ? image.image_id : image.tags.front(), id, image.role,
                         image.size > 0 ? std::optional(image.size) : std::nullopt});
  }
  return {};
}

}  // namespace

std::int64_t tree_bytes(const os::stdfs::path& root) {
  struct stat info {};
  return ::lstat(root.c_str(), &info) == 0 ? walk(root, info.st_dev, 0) : 0;
}

Result<DiskReport> disk_usage(Host& host, const std::string& runtime) {
  DiskReport out;
  const auto engines = reach_engines(host, runtime, Reach::records);
  if (!engines) {
    out.problems.push_back(engines.error().message);
  } else {
    for (const Error& error : engines->down) out.problems.push_back(error.message);
    for (const Engine& engine : engines->engines) {
      const Status added = add_engine(host, engine, out);
      if (!added) out.problems.push_back(engine.runtime->ref().id + ": " + added.error().message);
    }
  }
  SCC_TRY(const auto instances, session::list_instances(host.paths));
  for (const session::InstanceInfo& info : instances) {
    out.items.push_back({"instance", info.name, "", info.record ? info.record->workspace : std::string(),
                         tree_bytes(info.directory)});
  }
  const session::SessionStore store(host.paths);
  out.items.push_back({"records", store.directory().native(), "", "", tree_bytes(store.directory())});
  return out;
}

}  // namespace scc::app
