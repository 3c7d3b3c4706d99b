// SPDX-License-Identifier: Apache-2.0
#include <scc/oci/parse.hpp>
#include <scc/oci/text.hpp>

namespace scc::oci {
namespace {

std::string state_of(const std::string& status) {
  if (status == "created" || status == "running" || status == "paused") return status;
  if (status == "restarting") return "running";
  if (status == "exited" || status == "dead" || status == "stopped") return "stopped";
  return "unknown";
}

std::string without_slash(std::string name) {
  if (!name.empty() && name.front() == '/') name.erase(0, 1);
  return name;
}

/// The strings of an array without the engine's placeholders.
std::vector<std::string> names_at(const sdk::Json& json, std::string_view pointer) {
  std::vector<std::string> names;
  for (std::string& name : json.strings(pointer)) {
    if (name.find("<none>") == std::string::npos) names.push_back(std::move(name));
  }
  return names;
}

/// Inspect gives RFC 3339, lists give seconds.
std::string created_of(const sdk::Json& json, std::string_view pointer) {
  if (json.type(pointer) == SCC_JSON_NUMBER) return rfc3339(json.integer(pointer));
  return engine_time(json.str(pointer));
}

}  // namespace

sdk::SandboxInfo sandbox_info(const sdk::Json& inspect) {
  sdk::SandboxInfo info;
  info.id = inspect.require_str("/Id");
  info.name = without_slash(inspect.str("/Name"));
  info.image = inspect.str("/Config/Image");
  info.image_id = inspect.str("/Image");
  info.state = state_of(inspect.str("/State/Status"));
  info.created = engine_time(inspect.str("/Created"));
  info.started = engine_time(inspect.str("/State/StartedAt"));
  info.finished = engine_time(inspect.str("/State/FinishedAt"));
  if (info.state == "stopped") info.exit_code = static_cast<int>(inspect.integer("/State/ExitCode"));
  info.oom_killed = inspect.flag("/State/OOMKilled");
  info.pid = inspect.integer("/State/Pid");
  info.labels = inspect.map("/Config/Labels");
  for (const sdk::Json& mount : inspect.items("/Mounts")) {
    const std::string type = mount.str("/Type");
    const std::string source = type == "volume" ? mount.str("/Name") : mount.str("/Source");
    info.mounts.push_back({type, source, mount.str("/Destination"), !mount.flag("/RW")});
  }
  for (const auto& [target, options] : inspect.map("/HostConfig/Tmpfs")) {
    info.mounts.push_back({"tmpfs", "", target, options.substr(0, 3) == "ro,"});
  }
  for (const auto& [name, network] : inspect.members("/NetworkSettings/Networks"))
    info.networks.push_back(name);
  return info;
}

sdk::SandboxList sandbox_list(const sdk::Json& list) {
  sdk::SandboxList result;
  for (const sdk::Json& item : list.items()) {
    sdk::SandboxSummary summary;
    summary.id = item.require_str("/Id");
    summary.name = without_slash(item.str("/Names/0"));
    summary.state = state_of(item.str("/State"));
    summary.labels = item.map("/Labels");
    summary.created = created_of(item, "/Created");
    summary.image = item.str("/Image");
    summary.size_bytes = item.has("/SizeRw") ? item.integer("/SizeRw") : -1;
    result.sandboxes.push_back(std::move(summary));
  }
  return result;
}

sdk::ImageInfo image_info(const sdk::Json& inspect) {
  sdk::ImageInfo info;
  info.id = inspect.require_str("/Id");
  info.tags = names_at(inspect, "/RepoTags");
  info.digests = names_at(inspect, "/RepoDigests");
  info.labels = inspect.has("/Config") ? inspect.map("/Config/Labels") : inspect.map("/Labels");
  info.created = created_of(inspect, "/Created");
  info.size = inspect.integer("/Size");
  info.user = inspect.str("/Config/User");
  info.env = inspect.strings("/Config/Env");
  return info;
}

sdk::ImageList image_list(const sdk::Json& list) {
  sdk::ImageList result;
  for (const sdk::Json& item : list.items()) result.images.push_back(image_info(item));
  return result;
}

sdk::VolumeInfo volume_info(const sdk::Json& inspect) {
  sdk::VolumeInfo info;
  info.name = inspect.require_str("/Name");
  info.labels = inspect.map("/Labels");
  info.size_bytes = inspect.has("/UsageData/Size") ? inspect.integer("/UsageData/Size") : -1;
  return info;
}

sdk::VolumeList volume_list(const sdk::Json& list) {
  sdk::VolumeList result;
  for (const sdk::Json& item : list.items("/Volumes")) result.volumes.push_back(volume_info(item));
  return result;
}

sdk::NetworkInfo network_info(const sdk::Json& inspect) {
  sdk::NetworkInfo info;
  info.name = inspect.require_str("/Name");
  info.id = inspect.require_str("/Id");
  info.labels = inspect.map("/Labels");
  info.subnet = inspect.str("/IPAM/Config/0/Subnet");
  info.gateway = inspect.str("/IPAM/Config/0/Gateway");
  if (info.gateway == "<nil>") info.gateway.clear();  // an engine's word for none
  return info;
}

sdk::NetworkList network_list(const sdk::Json& list) {
  sdk::NetworkList result;
  for (const sdk::Json& item : list.items()) result.networks.push_back(network_info(item));
  return result;
}

std::string label_filters(const sdk::Json& filter, char first) {
  const sdk::StringMap labels = filter.map("/labels");
  if (labels.empty()) return {};
  sdk::JsonWriter w;
  w.begin_object().key("label").begin_array();
  for (const auto& [name, value] : labels) {
    std::string label = name;
    if (!value.empty()) label.append("=").append(value);
    w.value(label);
  }
  w.end_array().end_object();
  return std::string(1, first) + "filters=" + escape_query(w.str());
}

}  // namespace scc::oci
