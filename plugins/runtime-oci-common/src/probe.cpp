// SPDX-License-Identifier: Apache-2.0
#include <scc/oci/probe.hpp>
#include <scc/oci/text.hpp>

namespace scc::oci {
namespace {

/// The value of one of info's SecurityOptions ("name=seccomp,profile=default"): its profile, "" when it has
/// none, nullopt when the option is absent.
std::optional<std::string> security_option(const sdk::Json& info, std::string_view name) {
  for (const std::string& option : info.strings("/SecurityOptions")) {
    const std::string_view text = option;
    const std::string_view head = text.substr(0, text.find(','));
    if (head != "name=" + std::string(name) && head != name) continue;
    const auto profile = text.find("profile=");
    return profile == std::string_view::npos ? std::string() : std::string(text.substr(profile + 8));
  }
  return std::nullopt;
}

void describe_security(const sdk::Json& info, sdk::RuntimeInfo& out) {
  const auto seccomp = security_option(info, "seccomp");
  out.rootless = security_option(info, "rootless").has_value();
  out.userns_remap = security_option(info, "userns").has_value();
  out.apparmor = security_option(info, "apparmor").has_value();
  out.selinux = security_option(info, "selinux").has_value();
  out.seccomp = seccomp && *seccomp != "unconfined" ? "default" : "unconfined";
  if (out.seccomp == "unconfined") {
    out.problems.push_back(
        {"runtime.seccomp-unconfined", "the engine runs sandboxes without a seccomp filter",
         "remove seccomp-profile=unconfined from the engine's configuration, or use a kernel "
         "with CONFIG_SECCOMP"});
  }
  if (out.userns_remap) {
    out.problems.push_back({"runtime.userns-remap",
                            "the engine remaps users: what the agent writes belongs to a subordinate uid",
                            "run the engine without userns-remap for files that belong to you"});
  }
  if (*out.rootless) {
    out.problems.push_back(
        {"runtime.rootless",
         "the engine is rootless: files that the agent writes may belong to a subordinate uid",
         "use an engine that runs as root where the files must belong to you"});
  }
}

std::string platform_of(const sdk::Json& info) {
  const std::string system = info.str("/OperatingSystem");
  if (system.find("Docker Desktop") != std::string::npos) return "docker-desktop";
  if (system.find("OrbStack") != std::string::npos) return "orbstack";
  return "engine";
}

}  // namespace

void describe_cgroup(const std::string& version, const Abilities& able, sdk::RuntimeInfo& out) {
  out.cgroup_version = version;
  out.cgroup_memory = able.memory;
  out.cgroup_pids = able.pids;
  const auto unable = [&](const char* code, const std::string& what, const std::string& controller) {
    out.problems.push_back(
        {code, "the engine cannot limit " + what + ": a sandbox may use up the machine",
         "enable the " + controller + " cgroup controller, or delegate it to the engine's user"});
  };
  if (!able.memory) unable("runtime.no-memory-limit", "memory", "memory");
  if (!able.pids) unable("runtime.no-pids-limit", "the number of processes", "pids");
}

Abilities abilities_of(const sdk::Json& info, ApiVersion api) {
  Abilities able;
  able.memory = info.flag("/MemoryLimit");
  able.swap = able.memory && info.flag("/SwapLimit");
  able.pids = info.flag("/PidsLimit");
  able.cpus = info.flag("/CpuCfsQuota") && info.flag("/CpuCfsPeriod");
  able.bind_nonrecursive = api >= ApiVersion{1, 40};
  return able;
}

void describe_engine(const sdk::Json& info, const Api& api, const Abilities& able, sdk::RuntimeInfo& out) {
  out.version = printable(info.str("/ServerVersion"));
  out.api_version = api.version().str();
  out.platform = api.is_podman() ? "podman" : platform_of(info);
  out.os = printable(info.str("/OperatingSystem"));
  out.arch = printable(info.str("/Architecture"));
  out.memory_bytes = info.integer("/MemTotal");
  describe_security(info, out);
  describe_cgroup(info.str("/CgroupVersion"), able, out);
  out.features = {{"tty_resize", true},      {"tty_initial_size", api.version() >= ApiVersion{1, 42}},
                  {"tmpfs_owner", true},     {"bind_nonrecursive", able.bind_nonrecursive},
                  {"swap_limit", able.swap}, {"cpu_limit", able.cpus}};
}

}  // namespace scc::oci
