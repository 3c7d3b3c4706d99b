// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <tuple>

#include <scc/oci/spec.hpp>
#include <scc/oci/text.hpp>

namespace scc::oci {
namespace {

sdk::Failure bad(const std::string& message) {
  return {SCC_E_USAGE, "runtime.spec", message};
}

}  // namespace

std::string checked_path(const std::string& path, std::string_view what) {
  const bool dots = path.find("/../") != std::string::npos ||
                    (path.size() >= 3 && path.compare(path.size() - 3, 3, "/..") == 0);
  const bool control = std::any_of(path.begin(), path.end(),
                                   [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; });
  if (path.empty() || path.front() != '/' || dots || control) {
    throw bad("the " + std::string(what) + " is not a clean absolute path: " + printable(path));
  }
  return path;
}

namespace {

std::int64_t checked_id(const sdk::Json& json, std::string_view pointer) {
  const std::int64_t id = json.integer(pointer, -1);
  if (id < 0 || id > 0xFFFFFFFELL) throw bad("no usable number at " + std::string(pointer));
  return id;
}

}  // namespace

std::string user_of(const sdk::Json& json) {
  return std::to_string(checked_id(json, "/user/uid")) + ":" + std::to_string(checked_id(json, "/user/gid"));
}

std::vector<std::string> env_of(const sdk::Json& json) {
  std::vector<std::string> env;
  for (const auto& [name, value] : json.map("/env")) {
    const bool broken = name.empty() || name.find('=') != std::string::npos ||
                        name.find('\0') != std::string::npos || value.find('\0') != std::string::npos;
    if (broken) throw bad("not an environment variable: " + printable(name));
    env.emplace_back(name).append("=").append(value);
  }
  return env;
}

std::vector<std::string> argv_of(const sdk::Json& json) {
  std::vector<std::string> argv = json.strings("/argv");
  if (argv.empty() || argv.front().empty()) throw bad("argv is empty");
  return argv;
}

std::string network_mode(const sdk::Json& spec) {
  std::string mode = spec.str("/network/mode", "none");
  if (mode == "none" || mode == "bridge") return mode;
  if (mode != "named") throw bad("not a network mode: " + printable(mode));
  std::string name = checked_name(spec.str("/network/name"), "network");
  // An engine takes these words for something else than a network of that name.
  if (name == "host" || name == "default" || name == "none" || name == "bridge") {
    throw bad("not the name of a user's network: " + name);
  }
  return name;
}

void check_networks(const sdk::Json& spec) {
  const auto check_address = [](const std::string& address) {
    if (address.find_first_not_of("0123456789.") != std::string::npos)
      throw bad("not an IPv4 address: " + printable(address));
  };
  const bool more = !spec.items("/networks").empty() || spec.has("/network/address");
  if (more && spec.str("/network/mode") != "named") {
    throw bad("only a sandbox on a named network has an address or joins another one");
  }
  check_address(spec.str("/network/address"));
  for (const sdk::Json& item : spec.items("/networks")) {
    checked_name(item.str("/name"), "network");
    check_address(item.str("/address"));
  }
}

sdk::StringMap network_sysctls(const sdk::Json& spec, bool ipv6) {
  sdk::StringMap out;
  if (!spec.items("/networks").empty()) out["net.ipv4.ip_forward"] = "0";
  if (ipv6 && !spec.flag("/network/ipv6", true)) {
    out["net.ipv6.conf.all.disable_ipv6"] = "1";
    out["net.ipv6.conf.default.disable_ipv6"] = "1";
  }
  return out;
}

void check_security(const sdk::Json& spec) {
  if (spec.strings("/security/cap_drop") != std::vector<std::string>{"ALL"}) {
    throw bad("a sandbox drops all capabilities: /security/cap_drop must be [\"ALL\"]");
  }
  if (!spec.flag("/security/no_new_privileges")) throw bad("a sandbox has no_new_privileges");
}

std::int64_t grace_seconds(const sdk::Json& spec) {
  return (std::clamp<std::int64_t>(spec.integer("/stop_grace_ms", 10'000), 0, 3'600'000) + 999) / 1000;
}

void warn_of_limits(const sdk::Json& spec, const Abilities& able, std::vector<std::string>& warnings) {
  const std::tuple<const char*, bool, const char*> limits[] = {
      {"/resources/memory_bytes", able.memory, "memory"},
      {"/resources/pids", able.pids, "the number of processes"},
      {"/resources/cpus", able.cpus, "processor time"}};
  for (const auto& [pointer, possible, what] : limits) {
    if (possible || spec.number(pointer, 0) <= 0) continue;
    warnings.push_back("this engine cannot limit " + std::string(what) + ": the limit was left out");
  }
}

namespace {

void write_bind(sdk::JsonWriter& w, const sdk::Json& mount, const Abilities& abilities) {
  w.member("Type", "bind").member("Source", checked_path(mount.str("/source"), "source of a mount"));
  w.key("BindOptions").begin_object().member("Propagation", "rprivate");
  // What is mounted below the source does not come along. And Mounts, unlike Binds, never make a source.
  if (abilities.bind_nonrecursive) w.member("NonRecursive", true);
  w.end_object();
}

void write_mounts(sdk::JsonWriter& w, const sdk::Json& spec, const Abilities& abilities) {
  w.key("Mounts").begin_array();
  for (const sdk::Json& mount : spec.items("/mounts")) {
    const std::string type = mount.str("/type");
    if (type == "tmpfs") continue;
    w.begin_object().member("Target", checked_path(mount.str("/target"), "target of a mount"));
    w.member("ReadOnly", mount.flag("/read_only"));
    if (type == "bind") {
      write_bind(w, mount, abilities);
    } else if (type == "volume") {
      w.member("Type", "volume").member("Source", checked_name(mount.str("/source"), "volume"));
    } else {
      throw bad("not a mount type: " + printable(type));
    }
    w.end_object();
  }
  w.end_array().key("Tmpfs").begin_object();
  for (const sdk::Json& mount : spec.items("/mounts")) {
    if (mount.str("/type") != "tmpfs") continue;
    w.member(checked_path(mount.str("/target"), "target of a mount"), tmpfs_options(mount));
  }
  w.end_object();
}

void write_limits(sdk::JsonWriter& w, const sdk::Json& spec, const Abilities& abilities) {
  const auto limit = [&](std::string_view pointer, bool able, auto&& put) {
    if (able && spec.number(pointer, 0) > 0) put(spec.integer(pointer));
  };
  limit("/resources/memory_bytes", abilities.memory, [&](std::int64_t bytes) {
    w.member("Memory", bytes);
    if (abilities.swap) w.member("MemorySwap", bytes);  // no swap on top
  });
  limit("/resources/pids", abilities.pids, [&](std::int64_t count) { w.member("PidsLimit", count); });
  limit("/resources/cpus", abilities.cpus, [&](std::int64_t) {
    w.member("NanoCpus", static_cast<std::int64_t>(spec.number("/resources/cpus") * 1e9));
  });
  limit("/resources/shm_bytes", true, [&](std::int64_t bytes) { w.member("ShmSize", bytes); });
  // Written out because an engine's own configuration may hold limits that it cannot apply.
  w.key("Ulimits").begin_array();
  const auto ulimit = [&](const char* name, std::int64_t value) {
    w.begin_object().member("Name", name).member("Soft", value).member("Hard", value).end_object();
  };
  limit("/resources/nofile", true, [&](std::int64_t count) { ulimit("nofile", count); });
  ulimit("core", 0);
  w.end_array();
}

void write_host_config(sdk::JsonWriter& w, const sdk::Json& spec, const Abilities& abilities) {
  w.key("HostConfig").begin_object();
  check_networks(spec);
  w.member("NetworkMode", network_mode(spec));
  // IPv6 is off by itself where the network has none.
  if (const sdk::StringMap sysctls = network_sysctls(spec, false); !sysctls.empty())
    w.member("Sysctls", sysctls);
  w.member("Dns", spec.strings("/dns")).member("ExtraHosts", spec.strings("/extra_hosts"));
  write_mounts(w, spec, abilities);
  write_limits(w, spec, abilities);
  w.member("CapDrop", std::vector<std::string>{"ALL"}).member("CapAdd", std::vector<std::string>{});
  w.member("SecurityOpt", std::vector<std::string>{"no-new-privileges"});
  w.member("ReadonlyRootfs", spec.flag("/security/read_only_root", true));
  w.member("Privileged", false).member("Devices", std::vector<std::string>{});
  w.member("PublishAllPorts", false).member("IpcMode", "private").member("CgroupnsMode", "private");
  w.member("Init", false).member("AutoRemove", false).member("OomKillDisable", false);
  w.key("RestartPolicy").begin_object().member("Name", "no").end_object();
  w.key("LogConfig").begin_object().member("Type", "none").end_object();
  w.end_object();
}

bool is_tmpfs_size(std::string_view text) {
  const auto digits = text.substr(0, text.find_first_not_of("0123456789"));
  const auto unit = text.substr(digits.size());
  return !digits.empty() && digits.size() <= 18 &&
         (unit.empty() || unit == "k" || unit == "m" || unit == "g");
}

}  // namespace

std::string tmpfs_options(const sdk::Json& mount) {
  std::string options = mount.flag("/read_only") ? "ro" : "rw";
  options += ",nosuid,nodev";
  options += mount.flag("/options/exec") ? ",exec" : ",noexec";
  if (mount.has("/options/size")) {
    const bool number = mount.type("/options/size") == SCC_JSON_NUMBER;
    const std::string size =
        number ? std::to_string(mount.integer("/options/size")) : mount.str("/options/size");
    if (!is_tmpfs_size(size)) throw bad("not the size of a tmpfs: " + printable(size));
    options += ",size=" + size;
  }
  if (mount.has("/options/mode")) {
    const std::string mode = mount.str("/options/mode");
    if (mode.empty() || mode.size() > 5 || mode.find_first_not_of("01234567") != std::string::npos) {
      throw bad("not a file mode: " + printable(mode));
    }
    options += ",mode=" + mode;
  }
  for (const char* name : {"uid", "gid"}) {
    const std::string pointer = std::string("/options/") + name;
    if (mount.has(pointer))
      options += "," + std::string(name) + "=" + std::to_string(checked_id(mount, pointer));
  }
  return options;
}

CreateBody create_body(const sdk::Json& spec, const Abilities& abilities) {
  check_security(spec);
  CreateBody body;
  if (!abilities.bind_nonrecursive) {
    body.warnings.push_back("this engine cannot leave out what is mounted below a shared directory");
  }
  warn_of_limits(spec, abilities, body.warnings);
  sdk::JsonWriter w;
  w.begin_object().member("Image", checked_image(spec.str("/image"))).member("User", user_of(spec));
  w.member("Entrypoint", argv_of(spec)).member("Cmd", std::vector<std::string>{});
  w.member("Env", env_of(spec)).member("Labels", spec.map("/labels"));
  w.member_if("Hostname", spec.str("/hostname"));
  if (spec.has("/workdir")) w.member("WorkingDir", checked_path(spec.str("/workdir"), "working directory"));
  w.member("Tty", false).member("OpenStdin", false).member("AttachStdin", false);
  w.member("AttachStdout", false).member("AttachStderr", false).member("StopSignal", "SIGTERM");
  // An image's health check would run beside the agent, as the agent.
  w.key("Healthcheck").begin_object().member("Test", std::vector<std::string>{"NONE"}).end_object();
  w.member("StopTimeout", grace_seconds(spec));
  write_host_config(w, spec, abilities);
  if (spec.has("/network/address")) {
    w.key("NetworkingConfig").begin_object().key("EndpointsConfig").begin_object();
    w.key(network_mode(spec)).begin_object().key("IPAMConfig").begin_object();
    w.member("IPv4Address", spec.str("/network/address")).end_object().end_object().end_object().end_object();
  }
  w.end_object();
  body.json = w.take();
  return body;
}

ExecBody exec_body(const sdk::Json& request, ApiVersion version) {
  ExecBody body;
  body.tty = request.flag("/tty");
  const auto size = [&](std::string_view pointer) {
    return static_cast<std::uint16_t>(std::clamp<std::int64_t>(request.integer(pointer), 0, 0xFFFF));
  };
  body.rows = size("/rows");
  body.cols = size("/cols");
  sdk::JsonWriter w;
  w.begin_object().member("Cmd", argv_of(request)).member("Env", env_of(request));
  w.member("User", user_of(request)).member("Tty", body.tty).member("Privileged", false);
  w.member("AttachStdin", true).member("AttachStdout", true).member("AttachStderr", true);
  if (request.has("/workdir"))
    w.member("WorkingDir", checked_path(request.str("/workdir"), "working directory"));
  // The engine swallows its detach keys; its default, ctrl-p, is one that people type.
  if (body.tty) w.member("DetachKeys", "ctrl-^,ctrl-_,ctrl-^");
  if (body.tty && version >= ApiVersion{1, 42} && body.rows != 0 && body.cols != 0) {
    w.key("ConsoleSize").begin_array().value(body.rows).value(body.cols).end_array();
  }
  w.end_object();
  body.json = w.take();
  return body;
}

}  // namespace scc::oci
