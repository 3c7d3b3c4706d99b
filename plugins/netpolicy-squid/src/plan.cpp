// SPDX-License-Identifier: Apache-2.0
// Two ways to the proxy. "socket": the sandbox has no network at all, and its own loopback port leads through
// scc's relay to a socket in a directory of this session, behind which the proxy listens on its own loopback.
// "internal": the sandbox is on a network of the session's own, on which the host has no address and nobody
// resolves names, and nothing else is there but the proxy.
//
// No packet filter is loaded into the sandbox's network namespace. It would take a helper with CAP_NET_ADMIN
// in there, and a runtime interface that hands such helpers to plugins: more of a way in than what it would
// close. Topology and the verification at each launch, against listeners that are really there, have to do;
// who wants less to rest on an engine takes the socket, where there is nothing to filter.
#include "plan.h"

#include <algorithm>

#include "../acl/acl.h"
#include "../acl/blocks.h"
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
constexpr const char* kEgressName = "${session.sandbox}-egress";

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

/// The places on the session's own network. The first address is left to nobody: it is where an engine thinks
/// that its host is.
struct Inside {
  std::string subnet;  ///< empty: the transport is the socket
  std::string proxy;
  std::string sandbox;
  bool used() const { return !subnet.empty(); }
};

constexpr unsigned kSubnetBits = 29;

std::string nth_address(const Block& block, unsigned n) {
  Block out = block;
  out.bytes[3] = static_cast<std::uint8_t>(out.bytes[3] + n);
  out.bits = 32;
  return to_string(out);
}

Inside inside_of(const sdk::Json& request) {
  if (request.str("/config/transport", "auto") != "internal") return {};
  const std::string subnet = request.str("/subnet");
  const auto block = parse_block(subnet);
  if (!block || !block->v4 || block->bits != kSubnetBits) {
    throw sdk::Failure(SCC_E_PREREQ, "network.subnet",
                       "there is no free block of addresses for a network of the session's own",
                       "end other sessions, or use network.enforced.transport socket");
  }
  return {to_string(*block), nth_address(*block, 2), nth_address(*block, 3)};
}

/// "http://HOST:PORT" of network.enforced.upstream_proxy. Without a user: what is here is in the plan, which
/// is shown and kept.
Peer peer_of(const sdk::Json& request) {
  constexpr const char* kKey = "network.enforced.upstream_proxy";
  const std::string url = request.str("/config/upstream_proxy");
  if (url.empty()) return {};
  constexpr std::string_view kScheme = "http://";
  if (url.rfind(kScheme, 0) != 0) throw bad(kKey, "is not of the form http://HOST:PORT");
  std::string rest = url.substr(kScheme.size());
  if (!rest.empty() && rest.back() == '/') rest.pop_back();
  if (rest.find('@') != std::string::npos) {
    throw bad(kKey, "carries a user or a password, which would be shown and kept with the plan");
  }
  const std::size_t colon = rest.rfind(':');
  const std::string digits = colon == std::string::npos ? "" : rest.substr(colon + 1);
  const bool number = !digits.empty() && digits.size() <= 5 &&
                      std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!number || colon == 0) throw bad(kKey, "is not of the form http://HOST:PORT");
  Peer out;
  out.host = rest.substr(0, colon);
  if (out.host.size() > 2 && out.host.front() == '[' && out.host.back() == ']')
    out.host = out.host.substr(1, out.host.size() - 2);
  out.port = std::stoi(digits);
  return out;  // the compiler of the configuration checks both
}

Settings settings(const sdk::Json& request, const Inside& inside) {
  Settings out;
  out.listen_port = kPort;
  if (inside.used()) {
    out.listen_address = inside.proxy;
    // The proxy's own, too: from there it is asked whether it denies.
    out.clients = {inside.sandbox, inside.proxy};
  }
  out.dns_servers = resolvers(request);
  out.access_log = "/run/scc-log/decisions";
  out.cache_log = std::string(kPrivate) + "/cache.log";
  out.error_dir = std::string(kConfigDir) + "/errors";
  out.internal_blocks = request.strings("/config/internal_blocks");
  out.peer = peer_of(request);
  return out;
}

void check_request(const sdk::Json& request) {
  const std::string transport = request.str("/config/transport", "auto");
  if (transport != "auto" && transport != "socket" && transport != "internal") {
    throw bad("network.enforced.transport", "is none of auto, socket and internal");
  }
  if (transport == "internal" && request.flag("/runtime/rootless")) {
    throw sdk::Failure(
        SCC_E_PREREQ, "network.rootless",
        "the transport internal needs networks that an engine makes as root: those of a rootless "
        "engine lie in a namespace of its own, where the host cannot be seen or kept out",
        "use the socket, which is the stronger one: scc config set network.enforced.transport "
        "socket");
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

void write_mounts(sdk::JsonWriter& w, const sdk::Json& request, bool shared_socket) {
  w.key("mounts").begin_array();
  w.begin_object().member("type", "tmpfs").member("target", kPrivate).member("read_only", false);
  w.key("options").begin_object().member("size", 16 * kMiB).member("mode", "0700").member("exec", false);
  w.member("uid", request.integer("/user/uid")).member("gid", request.integer("/user/gid")).end_object();
  w.end_object();
  if (shared_socket) mount(w, "${session.dir}/net/run", kSocketDir, false);
  mount(w, "${session.dir}/net/log", "/run/scc-log", false);
  mount(w, "${session.dir}/files/network", kConfigDir, true);
  mount(w, request.require_str("/tools/source"), request.require_str("/tools/target"), true);
  w.end_array();
}

/// Beside an internal network the socket is for questions from the proxy's own container alone.
std::string socket_of(const Inside& inside) {
  return std::string(inside.used() ? kPrivate : kSocketDir) + "/" + kSocket;
}

void write_sandbox(sdk::JsonWriter& w, const sdk::Json& request, const sdk::NetAttach& uplink,
                   const Inside& inside) {
  const std::string port = std::to_string(kPort);
  const std::string listens = inside.used() ? inside.proxy + ":" + port : port;
  w.begin_object().member("schema", "scc.sandbox-spec/1").member("name", kProxyName);
  w.member("image", request.require_str("/image/ref")).member("hostname", "scc-egress");
  w.member("labels", sdk::StringMap{});
  w.member("argv", std::vector<std::string>{request.require_str("/tools/target") + kRelay, "serve",
                                            socket_of(inside), listens, "--", kProgram, "-k", "parse", "-f",
                                            kConfig, "--", kProgram, "-N", "-f", kConfig});
  w.member("env", sdk::StringMap{{"PATH", "/usr/sbin:/usr/bin:/sbin:/bin"}}).member("workdir", "/");
  w.key("user").begin_object().member("uid", request.integer("/user/uid"));
  w.member("gid", request.integer("/user/gid")).end_object();
  write_mounts(w, request, !inside.used());
  if (inside.used()) {
    w.key("networks").begin_array().begin_object().member("name", kEgressName);
    w.member("address", inside.proxy).end_object().end_array();
  }
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

void write_egress(sdk::JsonWriter& w, const Inside& inside) {
  w.key("egress").begin_object().member("schema", "scc.network-request/1").member("name", kEgressName);
  w.member("labels", sdk::StringMap{}).member("internal", true).member("subnet", inside.subnet);
  w.member("host_address", false).member("dns", false).member("ipv6", false);
  w.member("options", sdk::StringMap{}).end_object();
}

std::string details(const sdk::Json& request, const Inside& inside) {
  bool made = false;
  const sdk::NetAttach uplink = uplink_of(request, made);
  sdk::JsonWriter w;
  w.begin_object().key("sandbox");
  write_sandbox(w, request, uplink, inside);
  w.member("socket", socket_of(inside));
  if (inside.used()) write_egress(w, inside);
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

sdk::StringMap environment(const Inside& inside) {
  const std::string url =
      "http://" + (inside.used() ? inside.proxy : "127.0.0.1") + ":" + std::to_string(kPort);
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
  const Inside inside = inside_of(request);
  sdk::NetPlan out;
  out.mode = request.str("/mode");
  out.env = environment(inside);
  out.enforced = true;
  if (inside.used()) {
    out.transport = "internal";
    out.network = {"named", kEgressName, inside.sandbox, true};
    out.dns = {"127.0.0.1"};  // an engine whose networks always have a resolver then asks nobody
    out.inside = {inside.sandbox + "/" + std::to_string(kSubnetBits),
                  inside.proxy + ":" + std::to_string(kPort)};
  } else {
    out.transport = "socket";
    out.network.mode = "none";
    out.relay = {kPort, kSocket};
  }
  std::string config = compile(rules, settings(request, inside));
  if (const std::string leak = request.str("/config/seed_leak"); !leak.empty()) config = weaken(leak, config);
  out.files.push_back({"squid.conf", std::move(config)});
  for (auto& [name, text] : pages(rules)) out.files.push_back({"errors/" + name, text});
  out.home_files.push_back({".curlrc", curl_settings(rules)});
  const auto allowed = std::count_if(rules.begin(), rules.end(), [](const Rule& rule) { return rule.allow; });
  out.notes = {std::string("web-egress-enforced: the sandbox has no network but ") +
               (inside.used() ? "one with nobody but its proxy" : "a socket to its proxy") + ", which lets " +
               std::to_string(allowed) + " listed destination" + (allowed == 1 ? "" : "s") + " out"};
  out.details_json = details(request, inside);
  return out;
}

}  // namespace scc_squid
