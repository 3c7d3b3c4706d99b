// SPDX-License-Identifier: Apache-2.0
#include "spec.hpp"

#include <algorithm>

#include <scc/oci/text.hpp>

namespace scc::podman {
namespace {

constexpr int kSigTerm = 15;
constexpr std::int64_t kCpuPeriodUs = 100'000;

void write_namespace(sdk::JsonWriter& w, std::string_view key, std::string_view mode,
                     const std::string& value = {}) {
  w.key(key).begin_object().member("nsmode", mode).member_if("value", value).end_object();
}

/// The words between the commas of the Engine API's form.
std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> words;
  std::size_t start = 0;
  while (start <= text.size()) {
    const std::size_t end = std::min(text.find(',', start), text.size());
    words.push_back(text.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

bool begins(const std::string& text, std::string_view head) {
  return text.compare(0, head.size(), head) == 0;
}

/// Podman refuses an owner of a tmpfs. Who asks for one gets a directory that the sandbox's only user may
/// write, as /tmp is.
std::vector<std::string> tmpfs_options(const sdk::Json& mount) {
  std::vector<std::string> options = split(oci::tmpfs_options(mount));
  const bool owned = mount.integer("/options/uid") != 0;
  options.erase(std::remove_if(options.begin(), options.end(),
                               [&](const std::string& option) {
                                 return begins(option, "uid=") || begins(option, "gid=") ||
                                        (owned && begins(option, "mode="));
                               }),
                options.end());
  if (owned) options.emplace_back("mode=1777");
  options.emplace_back("notmpcopyup");  // empty, whatever the image has there
  return options;
}

void write_mounts(sdk::JsonWriter& w, const sdk::Json& spec) {
  w.key("mounts").begin_array();
  for (const sdk::Json& mount : spec.items("/mounts")) {
    const std::string type = mount.str("/type");
    if (type != "bind" && type != "tmpfs" && type != "volume") {
      throw sdk::Failure(SCC_E_USAGE, "runtime.spec", "not a mount type: " + oci::printable(type));
    }
    if (type == "volume") continue;
    const std::string target = oci::checked_path(mount.str("/target"), "target of a mount");
    w.begin_object().member("type", type).member("destination", target);
    if (type == "tmpfs") {
      w.member("source", "tmpfs").member("options", tmpfs_options(mount));
    } else {
      w.member("source", oci::checked_path(mount.str("/source"), "source of a mount"));
      // "bind", not "rbind": what is mounted below the source does not come along.
      w.member("options", std::vector<std::string>{"bind", mount.flag("/read_only") ? "ro" : "rw", "rprivate",
                                                   "nosuid", "nodev"});
    }
    w.end_object();
  }
  w.end_array().key("volumes").begin_array();
  for (const sdk::Json& mount : spec.items("/mounts")) {
    if (mount.str("/type") != "volume") continue;
    w.begin_object().member("Name", oci::checked_name(mount.str("/source"), "volume"));
    w.member("Dest", oci::checked_path(mount.str("/target"), "target of a mount"));
    w.member("Options", std::vector<std::string>{mount.flag("/read_only") ? "ro" : "rw", "nosuid", "nodev"});
    w.end_object();
  }
  w.end_array();
}

void write_place(sdk::JsonWriter& w, const std::string& network, const std::string& address) {
  w.key(network).begin_object();
  if (!address.empty()) w.member("static_ips", std::vector<std::string>{address});
  w.end_object();
}

void write_network(sdk::JsonWriter& w, const sdk::Json& spec, const Facts& facts) {
  const std::string mode = oci::network_mode(spec);
  oci::check_networks(spec);
  if (mode == "none") return write_namespace(w, "netns", "none");
  sdk::StringMap sysctls = oci::network_sysctls(spec, true);
  // As other engines have it: the low ports of a network of its own are nobody else's, and its users may
  // ping.
  if (mode != "bridge") {
    sysctls["net.ipv4.ip_unprivileged_port_start"] = "0";
    if (!facts.rootless) sysctls["net.ipv4.ping_group_range"] = "0 2147483647";
  }
  if (!sysctls.empty()) w.member("sysctl", sysctls);
  if (mode != "bridge") {
    write_namespace(w, "netns", "bridge");
    w.key("Networks").begin_object();
    write_place(w, mode, spec.str("/network/address"));
    for (const sdk::Json& more : spec.items("/networks")) {
      write_place(w, more.str("/name"), more.str("/address"));
    }
    w.end_object();
  } else if (!facts.rootless) {
    write_namespace(w, "netns", "bridge");
  } else {
    write_namespace(w, "netns", facts.pasta && !facts.slirp4netns ? "pasta" : "slirp4netns");
  }
  w.member("dns_server", spec.strings("/dns"));
}

void write_cgroup_limits(sdk::JsonWriter& w, const sdk::Json& spec, const oci::Abilities& able) {
  if (!able.memory && !able.pids && !able.cpus) return;  // Podman would warn once more
  w.key("resource_limits").begin_object();
  if (const std::int64_t bytes = spec.integer("/resources/memory_bytes"); able.memory && bytes > 0) {
    w.key("memory").begin_object().member("limit", bytes);
    if (able.swap) w.member("swap", bytes);  // no swap on top
    w.end_object();
  }
  if (const std::int64_t count = spec.integer("/resources/pids"); able.pids && count > 0) {
    w.key("pids").begin_object().member("limit", count).end_object();
  }
  if (const double cpus = spec.number("/resources/cpus", 0); able.cpus && cpus > 0) {
    w.key("cpu").begin_object().member("period", kCpuPeriodUs);
    w.member("quota", static_cast<std::int64_t>(cpus * static_cast<double>(kCpuPeriodUs))).end_object();
  }
  w.end_object();
}

void write_process_limits(sdk::JsonWriter& w, const sdk::Json& spec, const Limits& limits,
                          std::vector<std::string>& warnings) {
  const auto limit = [&](const char* name, std::int64_t value) {
    w.begin_object().member("type", name).member("soft", value).member("hard", value).end_object();
  };
  // All three always: the defaults of Podman's configuration may be more than this machine can give.
  w.key("r_limits").begin_array();
  std::int64_t files = spec.integer("/resources/nofile");
  if (limits.open_files && (files <= 0 || files > *limits.open_files)) {
    if (files > 0) {
      warnings.push_back("this machine gives a process at most " + std::to_string(*limits.open_files) +
                         " open files, not " + std::to_string(files));
    }
    files = *limits.open_files;
  }
  if (files > 0) limit("nofile", files);
  limit("nproc", limits.processes);
  limit("core", 0);
  w.end_array();
}

void write_security(sdk::JsonWriter& w, const sdk::Json& spec, const Facts& facts,
                    std::vector<std::string>& warnings) {
  w.member("cap_drop", std::vector<std::string>{"ALL"}).member("cap_add", std::vector<std::string>{});
  w.member("no_new_privileges", true).member("privileged", false);
  w.member("read_only_filesystem", spec.flag("/security/read_only_root", true));
  w.member("read_write_tmpfs", false);  // only what the spec names is writable
  write_namespace(w, "pidns", "private");
  write_namespace(w, "ipcns", "private");
  write_namespace(w, "utsns", "private");
  write_namespace(w, "cgroupns", "private");
  if (facts.rootless) {
    // The user's own id inside is the user's own id outside.
    write_namespace(w, "userns", "keep-id",
                    "uid=" + std::to_string(spec.integer("/user/uid")) +
                        ",gid=" + std::to_string(spec.integer("/user/gid")));
  }
  if (facts.selinux) {
    // Relabelling a user's tree is not ours to do, and without it nothing in it could be read.
    w.member("selinux_opts", std::vector<std::string>{"disable"});
    warnings.emplace_back(
        "SELinux does not confine this sandbox: its label would keep it out of the workspace");
  }
}

}  // namespace

std::string create_body(const sdk::Json& spec, const std::string& image, const oci::Abilities& able,
                        const Facts& facts, const Limits& limits, std::vector<std::string>& warnings) {
  oci::check_security(spec);
  oci::warn_of_limits(spec, able, warnings);
  static_cast<void>(oci::env_of(spec));  // for its check
  sdk::JsonWriter w;
  w.begin_object()
      .member("name", spec.str("/name"))
      .member("image", image)
      .member("user", oci::user_of(spec));
  w.member("entrypoint", oci::argv_of(spec)).member("command", std::vector<std::string>{});
  w.member("env", spec.map("/env")).member("labels", spec.map("/labels"));
  w.member_if("hostname", spec.str("/hostname"));
  if (spec.has("/workdir"))
    w.member("work_dir", oci::checked_path(spec.str("/workdir"), "working directory"));
  w.member("terminal", false).member("stdin", false).member("httpproxy", false).member("env_host", false);
  w.member("stop_signal", kSigTerm).member("stop_timeout", oci::grace_seconds(spec));
  // An image's health check would run beside the agent, as the agent.
  w.key("healthconfig").begin_object().member("Test", std::vector<std::string>{"NONE"}).end_object();
  w.member("systemd", "false").member("init", false).member("remove", false).member("restart_policy", "no");
  w.member("image_volume_mode", "ignore").member("manage_password", false).member("sdnotifyMode", "ignore");
  w.key("log_configuration").begin_object().member("driver", "none").end_object();
  w.member("hostadd", spec.strings("/extra_hosts"));
  if (const std::int64_t bytes = spec.integer("/resources/shm_bytes"); bytes > 0) w.member("shm_size", bytes);
  write_network(w, spec, facts);
  write_mounts(w, spec);
  write_cgroup_limits(w, spec, able);
  write_process_limits(w, spec, limits, warnings);
  write_security(w, spec, facts, warnings);
  w.end_object();
  return w.take();
}

}  // namespace scc::podman
