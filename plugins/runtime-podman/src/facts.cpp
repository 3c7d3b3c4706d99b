// SPDX-License-Identifier: Apache-2.0
#include "facts.hpp"

#include <algorithm>

#include <scc/oci/text.hpp>

namespace scc::podman {
namespace {

constexpr std::int64_t kKeepSeconds = 600;
constexpr const char* kStateKey = "facts";
constexpr std::uint32_t kInfoMs = 60'000;

std::string word_of(const sdk::Json& json, const char* pointer) {
  return oci::printable(json.str(pointer));
}

/// Without a store every look costs a second; that is no reason to fail.
std::optional<std::string> stored_text(sdk::Host host) {
  try {
    return host.state(kStateKey);
  } catch (const sdk::Failure&) {
    return std::nullopt;
  }
}

std::optional<Facts> stored(sdk::Host host, const std::string& key, std::int64_t now) {
  const auto text = stored_text(host);
  if (!text) return std::nullopt;
  try {
    const sdk::Json record = host.parse(*text);
    const std::int64_t age = now - record.integer("/at");
    if (record.str("/key") != key || age < 0 || age >= kKeepSeconds) return std::nullopt;
    return facts_from(record);
  } catch (const sdk::Failure&) {
    return std::nullopt;  // of another version, or not ours
  }
}

void store(sdk::Host host, const std::string& key, std::int64_t now, const Facts& facts) {
  sdk::JsonWriter w;
  w.begin_object().member("key", key).member("at", now).key("facts").raw(to_json(facts)).end_object();
  try {
    host.set_state(kStateKey, w.str());
  } catch (const sdk::Failure& failure) {
    host.debug("what podman says about itself was not kept: " + failure.message);
  }
}

}  // namespace

bool Facts::controls(std::string_view controller) const {
  return std::find(controllers.begin(), controllers.end(), controller) != controllers.end();
}

Facts facts_of(const sdk::Json& info) {
  Facts facts;
  facts.version = word_of(info, "/version/Version");
  facts.os = word_of(info, "/host/distribution/distribution");
  const std::string release = word_of(info, "/host/distribution/version");
  if (!release.empty()) facts.os += " " + release;
  facts.arch = word_of(info, "/host/arch");
  facts.memory_bytes = info.integer("/host/memTotal");
  facts.cgroup_version = word_of(info, "/host/cgroupVersion");
  if (!facts.cgroup_version.empty() && facts.cgroup_version.front() == 'v') facts.cgroup_version.erase(0, 1);
  facts.controllers = info.strings("/host/cgroupControllers");
  facts.rootless = info.flag("/host/security/rootless");
  facts.seccomp = info.flag("/host/security/seccompEnabled");
  facts.apparmor = info.flag("/host/security/apparmorEnabled");
  facts.selinux = info.flag("/host/security/selinuxEnabled");
  facts.network_backend = word_of(info, "/host/networkBackend");
  facts.storage_driver = word_of(info, "/store/graphDriverName");
  facts.storage_root = word_of(info, "/store/graphRoot");
  facts.oci_runtime = word_of(info, "/host/ociRuntime/name");
  facts.slirp4netns = !info.str("/host/slirp4netns/executable").empty();
  facts.pasta = !info.str("/host/pasta/executable").empty();
  for (const sdk::Json& range : info.items("/host/idMappings/uidmap")) {
    facts.mapped_ids += range.integer("/size");
  }
  return facts;
}

std::string to_json(const Facts& facts) {
  sdk::JsonWriter w;
  w.begin_object().member("version", facts.version).member("os", facts.os).member("arch", facts.arch);
  w.member("memory_bytes", facts.memory_bytes).member("cgroup_version", facts.cgroup_version);
  w.member("controllers", facts.controllers).member("swap_limit", facts.swap_limit);
  w.member("rootless", facts.rootless).member("seccomp", facts.seccomp).member("apparmor", facts.apparmor);
  w.member("selinux", facts.selinux).member("network_backend", facts.network_backend);
  w.member("storage_driver", facts.storage_driver).member("oci_runtime", facts.oci_runtime);
  w.member("storage_root", facts.storage_root);
  w.member("slirp4netns", facts.slirp4netns).member("pasta", facts.pasta);
  w.member("mapped_ids", facts.mapped_ids).end_object();
  return w.take();
}

Facts facts_from(const sdk::Json& record) {
  Facts facts;
  facts.version = record.require_str("/facts/version");
  facts.os = record.str("/facts/os");
  facts.arch = record.str("/facts/arch");
  facts.memory_bytes = record.integer("/facts/memory_bytes");
  facts.cgroup_version = record.str("/facts/cgroup_version");
  facts.controllers = record.strings("/facts/controllers");
  facts.swap_limit = record.flag("/facts/swap_limit");
  facts.rootless = record.flag("/facts/rootless");
  facts.seccomp = record.flag("/facts/seccomp");
  facts.apparmor = record.flag("/facts/apparmor");
  facts.selinux = record.flag("/facts/selinux");
  facts.network_backend = record.str("/facts/network_backend");
  facts.storage_driver = record.str("/facts/storage_driver");
  facts.oci_runtime = record.str("/facts/oci_runtime");
  facts.storage_root = record.require_str("/facts/storage_root");
  facts.slirp4netns = record.flag("/facts/slirp4netns");
  facts.pasta = record.flag("/facts/pasta");
  facts.mapped_ids = record.integer("/facts/mapped_ids");
  return facts;
}

Facts facts(const oci::Api& api, const std::string& key, std::int64_t now) {
  if (const auto kept = stored(api.host(), key, now)) return *kept;
  oci::Call call;
  call.path = "/v4.0.0/libpod/info";
  call.versioned = false;
  call.timeout_ms = kInfoMs;
  Facts found = facts_of(api.json(call, "the engine's state"));
  // Only the other API tells whether the kernel counts swap.
  oci::Call engine;
  engine.path = "/info";
  engine.timeout_ms = kInfoMs;
  found.swap_limit = api.json(engine, "the engine's state").flag("/SwapLimit");
  store(api.host(), key, now, found);
  return found;
}

oci::Abilities abilities_of(const Facts& facts) {
  oci::Abilities able;
  // A rootless Podman leaves the limits out without a word where there is only version 1.
  const bool cgroups = !facts.rootless || facts.cgroup_version == "2";
  able.memory = cgroups && facts.controls("memory");
  able.swap = able.memory && facts.swap_limit;
  able.pids = cgroups && facts.controls("pids");
  able.cpus = cgroups && facts.controls("cpu");
  return able;
}

}  // namespace scc::podman
