// SPDX-License-Identifier: Apache-2.0
#include "podman.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <mutex>
#include <thread>
#include <unistd.h>

#include <scc/oci/probe.hpp>
#include <scc/oci/text.hpp>

#include "problems.hpp"
#include "spec.hpp"

namespace scc::podman {
namespace {

// The first start after a boot refreshes the state of every container.
constexpr std::uint32_t kFirstAnswerMs = 60'000;
constexpr const char* kLocal = "localhost/";

bool readable(sdk::Host host, const std::string& path) {
  try {
    return host.read_file(path).has_value();
  } catch (const sdk::Failure&) {
    return true;  // there is something
  }
}

/// The reason in what a service wrote: its last line that says Error, or its last line.
std::string last_words(const std::string& output) {
  std::string last;
  std::string error;
  std::size_t start = 0;
  while (start < output.size()) {
    const std::size_t end = std::min(output.find('\n', start), output.size());
    const std::string line = output.substr(start, end - start);
    if (!line.empty()) last = line;
    if (line.rfind("Error", 0) == 0) error = line;
    start = end + 1;
  }
  return oci::printable(error.empty() ? last : error);
}

bool too_old(const std::string& version) {
  const oci::ApiVersion number =
      oci::ApiVersion::parse(version.substr(0, version.find('.', version.find('.') + 1)));
  return number < oci::ApiVersion{4, 3};
}

std::int64_t seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

Podman::Podman(sdk::Host host, const sdk::Json& config)
    : host_(host), env_(config.map("/env")), share_(config.str("/plugin_dir") + "/share") {}

std::string Podman::env(const char* name) const {
  const auto found = env_.find(name);
  return found == env_.end() ? std::string() : found->second;
}

// ---- where it is ----

std::vector<oci::Endpoint> Podman::endpoints() const {
  const std::string chosen = env("CONTAINER_HOST");
  if (!chosen.empty()) {
    if (chosen.rfind("unix://", 0) == 0 || chosen.rfind("tcp://", 0) == 0)
      return {{chosen, std::nullopt, ""}};
    const std::string what = "CONTAINER_HOST names " + oci::printable(chosen);
    if (chosen.rfind("ssh://", 0) == 0) {
      throw sdk::Failure(
          SCC_E_PREREQ, "runtime.ssh", what + ": an engine behind ssh is not supported",
          "forward its socket (ssh -nNT -L /tmp/podman.sock:/run/podman/podman.sock HOST), then set "
          "CONTAINER_HOST=unix:///tmp/podman.sock");
    }
    throw sdk::Failure(SCC_E_PREREQ, "runtime.endpoint", what + ": not a unix or tcp endpoint",
                       "set CONTAINER_HOST to unix:///path, or unset it");
  }
  if (::geteuid() == 0) return {{"unix:///run/podman/podman.sock", std::nullopt, "machine"}};
  const std::string runtime = env("XDG_RUNTIME_DIR");
  if (runtime.empty()) return {};
  return {{"unix://" + runtime + "/podman/podman.sock", std::nullopt, "user"}};
}

bool Podman::tries_next(std::string_view code) const {
  // A socket on which nobody listens is what a service that was ended leaves behind.
  return env("CONTAINER_HOST").empty() && (code == "runtime.missing" || code == "runtime.unreachable");
}

bool Podman::runc_works(const std::string& cgroups) const {
  // Asked once a process, whatever the number of instances. On another machine, as tests have it, again.
  static std::mutex mutex;
  static std::string known;
  const std::lock_guard<std::mutex> lock(mutex);
  if (known == cgroups) return true;
  try {
    sdk::ProcessRequest version;
    version.argv = {"runc", "--version"};
    if (host_.run(version).exit_code != 0) return false;
  } catch (const sdk::Failure& failure) {
    if (failure.status == SCC_E_CANCELLED) throw;
    return false;  // a start will tell, see known_trouble()
  }
  known = cgroups;
  return true;
}

sdk::Service Podman::serve(bool with_runc) const {
  sdk::ProcessRequest request;
  request.argv = {"podman"};
  if (with_runc) {
    request.argv.insert(request.argv.end(), {"--runtime", "runc", "--cgroup-manager", "cgroupfs"});
  }
  // A rootless Podman changes its credentials on the way, and with that forgets that it is to die with its
  // parent: one whose scc was killed ends after two idle minutes. One that ended while scc had no use for it
  // is started again.
  request.argv.insert(request.argv.end(),
                      {"system", "service", ::geteuid() == 0 ? "--time=0" : "--time=120"});
  request.env = service_env();
  try {
    return host_.serve(request);
  } catch (const sdk::Failure& failure) {
    if (failure.code != "process.not-found") throw;
    throw sdk::Failure(
        SCC_E_PREREQ, "runtime.missing", "there is no podman on this machine",
        "sudo apt-get install podman netavark aardvark-dns uidmap slirp4netns  # Debian, Ubuntu");
  }
}

sdk::StringMap Podman::service_env() const {
  sdk::StringMap variables = env_;
  variables.erase("CONTAINER_HOST");
  variables.emplace("LANG", "C.UTF-8");
  const std::string conf = share_ + "/containers.conf";
  // Read since Podman 4.6, over all other files.
  if (env("CONTAINERS_CONF_OVERRIDE").empty()) variables["CONTAINERS_CONF_OVERRIDE"] = conf;
  // Older ones know only this, in place of all other files: not where somebody wrote some.
  const std::string home = env("HOME");
  const bool configured = !env("CONTAINERS_CONF").empty() ||
                          readable(host_, "/etc/containers/containers.conf") ||
                          (!home.empty() && readable(host_, home + "/.config/containers/containers.conf"));
  if (!configured) variables["CONTAINERS_CONF"] = conf;
  return variables;
}

std::optional<oci::Endpoint> Podman::start() const {
  if (service_ && !service_->state().running) service_.reset();
  if (!service_) {
    const std::string cgroups = host_.read_file("/proc/self/cgroup").value_or("");
    runc_ = hybrid_cgroups(cgroups);
    service_.emplace(serve(runc_));
    // It takes its time to begin; whether runc is there is seen meanwhile.
    if (runc_ && !runc_works(cgroups)) {
      service_.reset();
      runc_ = false;
      service_.emplace(serve(runc_));
    }
  }
  oci::Endpoint endpoint{service_->url(), std::nullopt, ""};
  endpoint.first_answer_ms = kFirstAnswerMs;
  return endpoint;
}

sdk::Failure Podman::start_failure(const sdk::Failure& failure) const {
  if (!service_ || failure.status == SCC_E_CANCELLED) return failure;
  sdk::Service::State state = service_->state();
  for (int i = 0; i < 50 && state.running; ++i) {  // it closes its socket a moment before it ends
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    state = service_->state();
  }
  service_.reset();
  if (state.running) return failure;
  if (auto known = known_trouble(state.output)) return std::move(*known);
  return {SCC_E_PREREQ, "runtime.unreachable", "podman system service ended: " + last_words(state.output),
          "run: podman info"};
}

bool Podman::ended() const {
  return service_ && !service_->state().running;
}

std::string Podman::remedy(std::string_view code, const oci::Endpoint& endpoint) const {
  if (!env("CONTAINER_HOST").empty()) {
    return "start the service behind " + oci::printable(endpoint.url) + ", or unset CONTAINER_HOST";
  }
  if (code == "runtime.permission") return "run scc as the user whose Podman it is";
  return "run: podman info";
}

std::optional<sdk::Failure> Podman::known_error(const std::string& text) const {
  return known_trouble(text);
}

// ---- what it is ----

std::string Podman::facts_key(const oci::Api& api) const {
  std::string text = api.libpod_version() + "\n" +
                     (service_ ? runc_ ? "own runc" : "own" : api.endpoint().url) + "\n" +
                     std::to_string(::geteuid());
  const std::string home = env("HOME");
  for (const std::string& path :
       {std::string("/proc/sys/kernel/random/boot_id"), std::string("/proc/self/cgroup"),
        std::string("/etc/subuid"), std::string("/etc/subgid"),
        std::string("/etc/containers/containers.conf"), std::string("/etc/containers/storage.conf"),
        home + "/.config/containers/containers.conf", home + "/.config/containers/storage.conf"}) {
    text += "\n";
    try {
      text += host_.read_file(path).value_or("");
    } catch (const sdk::Failure& failure) {
      text += failure.code;
    }
  }
  char hex[2 * sizeof(std::size_t) + 1];
  std::snprintf(hex, sizeof hex, "%zx", std::hash<std::string>{}(text));
  return hex;
}

bool Podman::tun_usable() const {
  try {
    sdk::ProcessRequest test;
    test.argv = {"test", "-w", "/dev/net/tun"};
    return host_.run(test).exit_code == 0;
  } catch (const sdk::Failure& failure) {
    if (failure.status == SCC_E_CANCELLED) throw;
    return true;  // cannot tell
  }
}

void Podman::describe(const oci::Api& api, sdk::RuntimeInfo& info, oci::Abilities& able) const {
  if (!api.is_podman()) {
    throw sdk::Failure(SCC_E_PREREQ, "runtime.api",
                       "what answers at " + oci::printable(api.endpoint().url) + " is not Podman",
                       "unset CONTAINER_HOST, or choose the runtime that it belongs to with --runtime");
  }
  if (too_old(api.libpod_version())) {
    throw sdk::Failure(SCC_E_PREREQ, "runtime.too-old",
                       "Podman " + oci::printable(api.libpod_version()) + " is too old: 4.3 is needed",
                       "upgrade it");
  }
  facts_ = facts(api, facts_key(api), seconds_now());
  able = abilities_of(*facts_);
  info.version = facts_->version;
  info.api_version = api.version().str();
  info.platform = "podman";
  info.os = facts_->os;
  info.arch = facts_->arch;
  info.memory_bytes = facts_->memory_bytes;
  info.rootless = facts_->rootless;
  info.seccomp = facts_->seccomp ? "default" : "unconfined";
  info.apparmor = facts_->apparmor;
  info.selinux = facts_->selinux;
  oci::describe_cgroup(facts_->cgroup_version, able, info);
  info.features = {{"tty_resize", true},      {"tty_initial_size", false}, {"bind_nonrecursive", true},
                   {"swap_limit", able.swap}, {"cpu_limit", able.cpus},    {"nested_user_namespaces", true},
                   {"tmpfs_owner", false}};
  Circumstances here;
  here.rootless = facts_->rootless;
  here.has_runtime_dir = !env("XDG_RUNTIME_DIR").empty();
  here.tun_usable = !facts_->rootless || tun_usable();
  here.hybrid_cgroups = hybrid_cgroups(host_.read_file("/proc/self/cgroup").value_or(""));
  here.own_service = service_ && api.endpoint().url == service_->url();
  // The socket of a service of ours is another one each time; the sandboxes behind it are the same.
  if (here.own_service) info.endpoint = "podman://" + facts_->storage_root;
  add_problems(*facts_, here, info);
}

// ---- its own words ----

std::string Podman::engine_image(const std::string& ref) const {
  if (ref.rfind("sha256:", 0) == 0) return ref;
  const bool hex =
      ref.size() >= 12 && ref.size() <= 64 && ref.find_first_not_of("0123456789abcdef") == std::string::npos;
  if (hex) return ref;  // an id
  const auto slash = ref.find('/');
  const std::string head = ref.substr(0, slash == std::string::npos ? 0 : slash);
  const bool host = head == "localhost" || head.find_first_of(".:") != std::string::npos;
  return host ? ref : kLocal + ref;
}

std::string Podman::our_image(const std::string& ref) const {
  const std::string local = kLocal;
  return ref.compare(0, local.size(), local) == 0 ? ref.substr(local.size()) : ref;
}

std::string Podman::label_change(const std::string& name, const std::string& value) const {
  // Podman takes everything behind the first '=' as it is, but for quotes around the whole.
  const auto bad = [](const std::string& text) {
    return std::any_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; });
  };
  if (bad(name) || bad(value) || name.find_first_of("= \"") != std::string::npos) {
    throw sdk::Failure(SCC_E_USAGE, "runtime.spec", "not a label of an image: " + oci::printable(name));
  }
  return "LABEL " + name + "=\"" + value + "\"";
}

oci::Call Podman::create_call(const sdk::Json& spec, const oci::Abilities& able,
                              std::vector<std::string>& warnings) const {
  if (!limits_) limits_ = limits_of(host_);
  oci::Call call;
  call.method = "POST";
  call.path = "/v4.0.0/libpod/containers/create";
  call.versioned = false;
  call.body = create_body(spec, engine_image(oci::checked_image(spec.str("/image"))), able, *facts_, *limits_,
                          warnings);
  return call;
}

oci::Call Podman::network_call(const sdk::Json& request) const {
  sdk::JsonWriter w;
  const bool internal = request.flag("/internal");
  const bool dns = request.flag("/dns", !internal);
  if (!request.flag("/host_address", true) && (dns || !internal)) {
    throw sdk::Failure(
        SCC_E_USAGE, "runtime.spec",
        "Podman leaves the host without an address only on internal networks without a resolver");
  }
  w.begin_object().member("name", request.str("/name")).member("driver", "bridge");
  // A resolver on an internal network forwards to the host's: names would be a way out. Without it the
  // network has no gateway address either, and so no way to the host.
  w.member("internal", internal).member("dns_enabled", dns).member("ipv6_enabled", request.flag("/ipv6"));
  if (request.has("/subnet")) {
    w.key("subnets").begin_array().begin_object().member("subnet", request.str("/subnet")).end_object();
    w.end_array();
  }
  w.member("labels", request.map("/labels")).member("options", request.map("/options")).end_object();
  oci::Call call;
  call.method = "POST";
  call.path = "/v4.0.0/libpod/networks/create";
  call.versioned = false;
  call.body = w.take();
  return call;
}

bool Podman::ran_out_of_memory(const oci::Api& api, const std::string& id, bool look_twice) const {
  static_cast<void>(look_twice);  // the kernel counts before the process is gone
  oci::Call call;
  call.path = "/v4.0.0/libpod/containers/" + oci::escape_path(id) + "/json";
  call.versioned = false;
  const std::string group = api.json(call, "looking at the sandbox's cgroup").str("/State/CgroupPath");
  if (group.empty() || group.front() != '/') return false;
  for (const std::string& file : {"/sys/fs/cgroup/memory" + group + "/memory.oom_control",
                                  "/sys/fs/cgroup" + group + "/memory.events"}) {
    try {
      if (const auto text = host_.read_file(file)) return oom_kills(*text) > 0;
    } catch (const sdk::Failure& failure) {
      if (failure.status == SCC_E_CANCELLED) throw;  // elsewhere than a grant says: not told
    }
  }
  return false;
}

}  // namespace scc::podman
