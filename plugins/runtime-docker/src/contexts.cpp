// SPDX-License-Identifier: Apache-2.0
#include "contexts.hpp"

#include <scc/oci/text.hpp>
#include <scc/sdk/sha256.hpp>

namespace scc::docker {
namespace {

constexpr const char* kDefaultSocket = "/var/run/docker.sock";

/// A URL of a scheme that the host can reach; anything else is refused with the way out.
std::string checked_url(const std::string& url, const std::string& origin) {
  const auto is = [&](std::string_view scheme) { return url.compare(0, scheme.size(), scheme) == 0; };
  if (is("unix://") || is("tcp://") || is("https://")) return url;
  const std::string what = origin + " names " + oci::printable(url);
  if (is("ssh://")) {
    throw sdk::Failure(
        SCC_E_PREREQ, "runtime.ssh", what + ": an engine behind ssh is not supported",
        "forward its socket (ssh -nNT -L /tmp/docker.sock:/var/run/docker.sock HOST), then set "
        "DOCKER_HOST=unix:///tmp/docker.sock");
  }
  throw sdk::Failure(SCC_E_PREREQ, "runtime.endpoint", what + ": not a unix, tcp or https endpoint",
                     "set DOCKER_HOST to unix:///path or tcp://host:port");
}

sdk::TlsFiles tls_in(const std::string& dir) {
  return {dir + "/ca.pem", dir + "/cert.pem", dir + "/key.pem"};
}

}  // namespace

Contexts::Contexts(sdk::Host host, const sdk::Json& config) : host_(host), env_(config.map("/env")) {}

std::string Contexts::env(const char* name) const {
  const auto found = env_.find(name);
  return found == env_.end() ? std::string() : found->second;
}

std::string Contexts::config_dir() const {
  std::string chosen = env("DOCKER_CONFIG");
  if (!chosen.empty()) return chosen;
  const std::string home = env("HOME");
  return home.empty() ? std::string() : home + "/.docker";
}

std::string Contexts::current_context() const {
  std::string chosen = env("DOCKER_CONTEXT");
  if (!chosen.empty()) return chosen;
  const std::string dir = config_dir();
  if (dir.empty()) return {};
  const auto text = host_.read_file(dir + "/config.json");
  if (!text) return {};
  try {
    return host_.parse(*text).str("/currentContext");
  } catch (const sdk::Failure& failure) {
    // A context may be chosen in there; another engine than the user's is the wrong guess.
    throw sdk::Failure(SCC_E_CONFIG, "runtime.endpoint",
                       "cannot read " + oci::printable(dir) + "/config.json: " + failure.message,
                       "mend the file, or set DOCKER_HOST");
  }
}

oci::Endpoint Contexts::from_environment() const {
  oci::Endpoint endpoint;
  endpoint.url = checked_url(env("DOCKER_HOST"), "DOCKER_HOST");
  const bool tls = !env("DOCKER_TLS_VERIFY").empty() || !env("DOCKER_TLS").empty();
  if (tls && endpoint.url.compare(0, 7, "unix://") != 0) {
    const std::string certs = env("DOCKER_CERT_PATH");
    endpoint.tls =
        tls_in(certs.empty() ? config_dir() : certs);  // always verified, also with DOCKER_TLS alone
  }
  return endpoint;
}

oci::Endpoint Contexts::from_context(const std::string& name) const {
  const std::string hash = sdk::sha256_hex(name);
  const std::string shown = "the docker context " + oci::printable(name);
  const std::string dir = config_dir() + "/contexts/";
  const auto text = host_.read_file(dir + "meta/" + hash + "/meta.json");
  if (!text) {
    throw sdk::Failure(SCC_E_PREREQ, "runtime.endpoint", shown + " does not exist",
                       "choose one that does: docker context use default, or unset DOCKER_CONTEXT");
  }
  const sdk::Json meta = host_.parse(*text);
  oci::Endpoint endpoint;
  endpoint.context = name;
  endpoint.url = checked_url(meta.str("/Endpoints/docker/Host"), shown);
  const std::string certs = dir + "tls/" + hash + "/docker";
  if (endpoint.url.compare(0, 7, "unix://") == 0) return endpoint;
  const bool has_ca = host_.read_file(certs + "/ca.pem").has_value();
  const bool has_cert = host_.read_file(certs + "/cert.pem").has_value();
  if (has_ca || has_cert) {
    endpoint.tls.emplace();
    if (has_ca) endpoint.tls->ca_file = certs + "/ca.pem";
    if (has_cert) endpoint.tls->cert_file = certs + "/cert.pem";
    if (has_cert) endpoint.tls->key_file = certs + "/key.pem";
  }
  return endpoint;
}

std::vector<oci::Endpoint> Contexts::defaults() const {
  std::vector<oci::Endpoint> places = {{std::string("unix://") + kDefaultSocket, std::nullopt, ""}};
  const std::string runtime = env("XDG_RUNTIME_DIR");
  if (!runtime.empty()) places.push_back({"unix://" + runtime + "/docker.sock", std::nullopt, "rootless"});
  const std::string home = env("HOME");
  if (!home.empty())
    places.push_back({"unix://" + home + "/.docker/run/docker.sock", std::nullopt, "desktop"});
  return places;
}

std::vector<oci::Endpoint> Contexts::endpoints() const {
  if (!env("DOCKER_HOST").empty()) return {from_environment()};
  const std::string context = current_context();
  if (!context.empty() && context != "default") return {from_context(context)};
  return defaults();
}

bool Contexts::installed() const {
  for (const char* file : {"/usr/lib/systemd/system/docker.service", "/lib/systemd/system/docker.service",
                           "/etc/init.d/docker"}) {
    try {
      if (host_.read_file(file)) return true;
    } catch (const sdk::Failure&) {
      return true;  // there is something
    }
  }
  return false;
}

/// Without systemd a service's script may refuse what the machine does not allow it, such as higher limits.
std::string Contexts::start_line() const {
  if (host_.read_file("/proc/1/comm").value_or("") == "systemd\n") return "sudo systemctl start docker";
  return "sudo service docker start || "
         "sudo sh -c 'setsid dockerd >>/var/log/dockerd.log 2>&1 </dev/null &'";
}

/// Each is a line to paste as it is; what is not a command stands behind a "#".
std::string Contexts::remedy(std::string_view code, const oci::Endpoint& endpoint) const {
  const bool chosen = !env("DOCKER_HOST").empty() || !endpoint.context.empty();
  if (code == "runtime.permission") {
    return "sudo usermod -aG docker \"$USER\"  # then log in again; that group is as good as root";
  }
  if (code == "runtime.tls")
    return "check DOCKER_CERT_PATH (ca.pem, cert.pem, key.pem) and the engine's certificate";
  if (chosen) {
    const std::string other = "  # or start the engine behind " + oci::printable(endpoint.url);
    return (env("DOCKER_HOST").empty() ? "docker context use default" : "unset DOCKER_HOST") + other;
  }
  if (installed()) return start_line();
  return "sudo apt-get install docker.io && { " + start_line() + "; }  # Debian, Ubuntu";
}

}  // namespace scc::docker
