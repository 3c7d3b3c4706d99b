// SPDX-License-Identifier: Apache-2.0
// The transport is a unix socket: the sandbox has no network at all, and its own loopback port leads through
// scc's relay to a socket in a directory of this session, behind which the proxy listens on its own loopback.
#include "plan.h"

#include <algorithm>

#include "../acl/acl.h"
#include "leaks.h"

namespace scc_squid {

namespace sdk = scc::sdk;

namespace {

constexpr const char* kProgram = "/usr/sbin/squid";
constexpr const char* kConfigDir = "/etc/scc-proxy";
constexpr const char* kConfig = "/etc/scc-proxy/squid.conf";
constexpr const char* kPrivate = "/run/scc-proxy";  // scc-relay's own notes, and the proxy's log of itself
constexpr std::int64_t kMiB = std::int64_t{1} << 20U;

/// Names of the session that the host fills in when it acts.
constexpr const char* kProxyName = "${session.sandbox}-proxy";
constexpr const char* kUplinkName = "${session.sandbox}-uplink";

sdk::Failure bad(const std::string& key, const std::string& why) {
  return {SCC_E_CONFIG, "network.enforced", key + " " + why, "correct " + key + " in your configuration"};
}

bool plain_name(const std::string& s) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '.' || c == '-';
  };
  const bool mode = s == "host" || s == "none" || s == "private" || s == "default" || s == "bridge";
  return !s.empty() && s.size() <= 128 && s.front() != '.' && s.front() != '-' && !mode &&
         std::all_of(s.begin(), s.end(), plain);
}

std::vector<std::string> resolvers(const sdk::Json& request) {
  std::vector<std::string> out = request.strings("/config/dns");
  if (out.empty()) out = request.strings("/resolvers");
  if (!out.empty()) return out;
  throw sdk::Failure(SCC_E_PREREQ, "network.resolvers",
                     "the proxy needs a name server, and this machine names none that a container can reach",
                     "name one: scc config set network.enforced.dns ADDRESS");
}

Settings settings(const sdk::Json& request) {
  Settings out;
  out.listen_port = kPort;
  out.dns_servers = resolvers(request);
  out.access_log = "/run/scc-log/decisions";
  out.cache_log = std::string(kPrivate) + "/cache.log";
  out.error_dir = std::string(kConfigDir) + "/errors";
  out.internal_blocks = request.strings("/config/internal_blocks");
  return out;
}

void check_request(const sdk::Json& request) {
  const std::string transport = request.str("/config/transport", "auto");
  if (transport != "auto" && transport != "socket") {
    throw bad("network.enforced.transport", "\"" + transport + "\" is not one that is built: auto or socket");
  }
  if (request.integer("/user/uid") == 0 || request.integer("/user/gid") == 0) {
    throw sdk::Failure(SCC_E_POLICY, "network.root",
                       "a proxy does not run as root, and the sandbox's user is root",
                       "start without --allow-root");
  }
  if (!request.flag("/runtime/local")) {
    throw sdk::Failure(SCC_E_PREREQ, "network.remote",
                       "the engine is on another machine, where the proxy's socket cannot be shared",
                       "use the engine of this machine");
  }
}

void mount(sdk::JsonWriter& w, const std::string& source, const std::string& target, bool read_only) {
  w.begin_object().member("type", "bind").member("source", source).member("target", target);
  w.member("read_only", read_only).end_object();
}

void write_mounts(sdk::JsonWriter& w, const sdk::Json& request) {
  w.key("mounts").begin_array();
  w.begin_object().member("type", "tmpfs").member("target", kPrivate).member("read_only", false);
  w.key("options").begin_object().member("size", 16 * kMiB).member("mode", "0700").member("exec", false);
  w.member("uid", request.integer("/user/uid")).member("gid", request.integer("/user/gid")).end_object();
  w.end_object();
  mount(w, "${session.dir}/net/run", kSocketDir, false);
  mount(w, "${session.dir}/net/log", "/run/scc-log", false);
  mount(w, "${session.dir}/files/network", kConfigDir, true);
  mount(w, request.require_str("/tools/source"), request.require_str("/tools/target"), true);
  w.end_array();
}

void write_sandbox(sdk::JsonWriter& w, const sdk::Json& request, const sdk::NetAttach& uplink) {
  const std::string socket = std::string(kSocketDir) + "/" + kSocket;
  w.begin_object().member("schema", "scc.sandbox-spec/1").member("name", kProxyName);
  w.member("image", request.require_str("/image/ref")).member("hostname", "scc-egress");
  w.member("labels", sdk::StringMap{});
  w.member("argv", std::vector<std::string>{request.require_str("/tools/target") + kRelay, "serve", socket,
                                            std::to_string(kPort), "--", kProgram, "-k", "parse", "-f",
                                            kConfig, "--", kProgram, "-N", "-f", kConfig});
  w.member("env", sdk::StringMap{{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}}).member("workdir", "/");
  w.key("user").begin_object().member("uid", request.integer("/user/uid"));
  w.member("gid", request.integer("/user/gid")).end_object();
  write_mounts(w, request);
  w.member("network", uplink)
      .member("dns", resolvers(request))
      .member("extra_hosts", std::vector<std::string>{});
  w.key("resources").begin_object().member("memory_bytes", 256 * kMiB).member("pids", 64);
  w.member("nofile", 4096).member("shm_bytes", 16 * kMiB).end_object();
  w.key("security").begin_object().member("cap_drop", std::vector<std::string>{"ALL"});
  w.member("no_new_privileges", true).member("read_only_root", true).end_object();
  w.member("stop_grace_ms", 4000).end_object();
}

/// A rootless engine's own mode keeps containers apart; elsewhere each proxy gets a network to itself.
sdk::NetAttach uplink_of(const sdk::Json& request, bool& made) {
  const std::string named = request.str("/config/network");
  if (!named.empty() && !plain_name(named)) {
    throw bad("network.enforced.network", "\"" + named + "\" is not a network of the engine");
  }
  made = named.empty() && !request.flag("/runtime/rootless");
  if (!named.empty()) return {"named", named};
  return made ? sdk::NetAttach{"named", kUplinkName} : sdk::NetAttach{"bridge", ""};
}

std::string details(const sdk::Json& request) {
  bool made = false;
  const sdk::NetAttach uplink = uplink_of(request, made);
  sdk::JsonWriter w;
  w.begin_object().key("sandbox");
  write_sandbox(w, request, uplink);
  if (made) {
    w.key("uplink").begin_object().member("schema", "scc.network-request/1").member("name", kUplinkName);
    w.member("labels", sdk::StringMap{})
        .member("internal", false)
        .member("options", sdk::StringMap{})
        .end_object();
  }
  w.end_object();
  return w.take();
}

sdk::StringMap environment() {
  const std::string url = "http://127.0.0.1:" + std::to_string(kPort);
  sdk::StringMap out = {{"NODE_USE_ENV_PROXY", "1"}};
  for (const char* name :
       {"HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"}) {
    out[name] = url;
  }
  for (const char* name : {"NO_PROXY", "no_proxy"}) out[name] = "localhost,127.0.0.1,::1";
  return out;
}

}  // namespace

sdk::NetPlan make_plan(const sdk::Json& request) {
  check_request(request);
  const std::vector<Rule> rules = read_rules(request);
  sdk::NetPlan out;
  out.mode = request.str("/mode");
  out.network.mode = "none";
  out.env = environment();
  out.enforced = true;
  out.transport = "socket";
  out.relay = {kPort, kSocket};
  std::string config = compile(rules, settings(request));
  if (const std::string leak = request.str("/config/seed_leak"); !leak.empty()) config = weaken(leak, config);
  out.files.push_back({"squid.conf", std::move(config)});
  for (auto& [name, text] : pages(rules)) out.files.push_back({"errors/" + name, text});
  const auto allowed = std::count_if(rules.begin(), rules.end(), [](const Rule& rule) { return rule.allow; });
  out.notes = {"web-egress-enforced: the sandbox has no network but a socket to its proxy, which lets " +
               std::to_string(allowed) + " listed destination" + (allowed == 1 ? "" : "s") + " out"};
  out.details_json = details(request);
  return out;
}

}  // namespace scc_squid
