// SPDX-License-Identifier: Apache-2.0
#include "sidecar.h"

#include <chrono>
#include <sstream>
#include <thread>

#include "plan.h"

namespace scc_squid {

namespace sdk = scc::sdk;

namespace {

constexpr std::uint32_t kGraceMs = 4'000;
constexpr std::uint32_t kReadyMs = 15'000;
constexpr int kRefused = 3;  // scc-relay ask: there is no proxy, and there will be none
constexpr std::size_t kShown = 1'500;

/// Engines let go of a container's place in a network a moment after the container is gone.
void remove_network(const sdk::RuntimeClient& runtime, const std::string& name) {
  constexpr int kTries = 5;
  for (int i = 1;; ++i) {
    try {
      return runtime.network_remove(name);
    } catch (const sdk::Failure& failure) {
      if (i == kTries || failure.status == SCC_E_CANCELLED || failure.status == SCC_E_POLICY) throw;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

std::string tail(const std::string& text) {
  std::string out = text.size() > kShown ? text.substr(text.size() - kShown) : text;
  for (char& c : out) {
    if (static_cast<unsigned char>(c) < 0x20 && c != '\n') c = ' ';
  }
  while (!out.empty() && out.back() == '\n') out.pop_back();
  return out;
}

std::string ask_request(const sdk::Json& details) {
  std::vector<std::string> argv = {details.str("/relay"), "ask", details.str("/socket"),
                                   std::to_string(kReadyMs)};
  argv.insert(argv.end(), std::begin(kDeniedTargets), std::end(kDeniedTargets));
  sdk::JsonWriter w;
  w.begin_object()
      .member("schema", "scc.exec-request/1")
      .member("argv", argv)
      .member("env", sdk::StringMap{});
  w.member("workdir", "/").key("user").begin_object().member("uid", details.integer("/uid"));
  w.member("gid", details.integer("/gid")).end_object().member("tty", false).end_object();
  return w.take();
}

/// The lines "403 host:port" of what scc-relay says.
std::vector<sdk::NetCheck> checks_of(const std::string& answers) {
  std::vector<sdk::NetCheck> out;
  for (const char* target : kDeniedTargets) {
    sdk::NetCheck check{std::string("proxy-denies ") + target, "403", "no answer", false};
    std::istringstream lines(answers);
    for (std::string line; std::getline(lines, line);) {
      const std::size_t space = line.find(' ');
      if (space == std::string::npos || line.substr(space + 1) != target) continue;
      check.observed = line.substr(0, space);
      check.passed = check.observed == "403";
    }
    out.push_back(std::move(check));
  }
  return out;
}

}  // namespace

sdk::NetPlan Policy::plan(const sdk::Json& request) const {
  return make_plan(request);
}

void Policy::remove(const std::string& sandbox, const std::vector<std::string>& networks) const {
  const sdk::RuntimeClient runtime(host_);
  runtime.sandbox_stop(sandbox, kGraceMs);
  runtime.sandbox_remove(sandbox);
  for (const std::string& network : networks) {
    if (!network.empty()) remove_network(runtime, network);
  }
}

sdk::NetAttachment Policy::apply(const sdk::Json& plan) const {
  const sdk::RuntimeClient runtime(host_);
  const std::string sandbox = plan.require_str("/details/sandbox/name");
  const std::vector<std::string> networks = {plan.str("/details/egress/name"),
                                             plan.str("/details/uplink/name")};
  remove(sandbox, networks);  // of an earlier session of this name that was not released
  sdk::NetAttachment out;
  try {
    for (const char* network : {"/details/egress", "/details/uplink"}) {
      if (plan.has(network)) runtime.network_create(plan.child(network).dump());
    }
    const sdk::Json handle = runtime.sandbox_create(plan.child("/details/sandbox").dump());
    out.ids = {handle.require_str("/id")};
    runtime.sandbox_start(out.ids.front());
  } catch (const sdk::Failure&) {
    try {
      remove(sandbox, networks);
    } catch (const sdk::Failure& failure) {
      host_.warn("undoing a proxy that did not start: " +
                 failure.message);  // the host looks for leftovers, too
    }
    throw;
  }
  out.network = {plan.str("/network/mode"), plan.str("/network/name"), plan.str("/network/address"),
                 !plan.flag("/network/ipv6", true)};
  out.dns = plan.strings("/dns");
  out.env = plan.map("/env");
  sdk::JsonWriter w;
  w.begin_object().member("sandbox", sandbox).member("networks", networks);
  w.member("socket", plan.require_str("/details/socket"));
  w.member("relay", plan.strings("/details/sandbox/argv").front());
  w.member("uid", plan.integer("/details/sandbox/user/uid"))
      .member("gid", plan.integer("/details/sandbox/user/gid"));
  w.end_object();
  out.details_json = w.take();
  return out;
}

sdk::NetEvidence Policy::verify(const sdk::Json& attachment) const {
  const sdk::RuntimeClient runtime(host_);
  const std::string sandbox = attachment.require_str("/details/sandbox");
  const std::string state = runtime.sandbox_inspect(sandbox).str("/state");
  if (state != "running") {
    throw sdk::Failure(SCC_E_PREREQ, "network.proxy", "the proxy ended at once (" + state + ")",
                       "build its image again: scc image build egress-proxy");
  }
  const auto ran = runtime.run(sandbox, ask_request(attachment.child("/details")), kReadyMs + 5'000);
  if (ran.exit_code != 0) {
    const std::string said = tail(ran.err);
    throw sdk::Failure(
        SCC_E_PREREQ, "network.proxy",
        std::string(ran.exit_code == kRefused ? "the proxy refuses its configuration or does not start"
                                              : "the proxy does not answer") +
            (said.empty() ? "" : ": " + said),
        "see what it was given: scc start --dry-run --json");
  }
  sdk::NetEvidence out;
  out.checks.push_back({"proxy-running", "running", state, true});
  for (sdk::NetCheck& check : checks_of(ran.out)) out.checks.push_back(std::move(check));
  return out;
}

void Policy::release(const sdk::Json& attachment) const {
  remove(attachment.require_str("/details/sandbox"), attachment.strings("/details/networks"));
}

}  // namespace scc_squid
