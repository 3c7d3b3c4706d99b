// SPDX-License-Identifier: Apache-2.0
#include "app/prove.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <fcntl.h>
#include <mutex>
#include <poll.h>
#include <thread>
#include <unistd.h>

#include "app/launch.h"
#include "app/planner.h"
#include "app/prove_leaks.h"
#include "app/prove_world.h"
#include "base/str.h"
#include "image/nonce.h"
#include "os/tty.h"
#include "prove/listener.h"
#include "session/finalise.h"
#include "session/host_io.h"

namespace scc::app {

namespace {

using prove::Finding;
using prove::Probe;
using prove::Stage;
using Clock = std::chrono::steady_clock;
using Findings = std::map<std::string, Finding>;

constexpr auto kStageTime = std::chrono::seconds(150);
constexpr std::size_t kReportsKept = 50;
constexpr const char* kNobody = "192.0.2.53";  // RFC 5737: stands in the first plan, which is never executed

/// The two ends of a conversation with scc-probe in the sandbox.
struct Pipes {
  os::Fd to_read, to_write, from_read, from_write;
  static Result<Pipes> make() {
    std::array<int, 2> to{};
    std::array<int, 2> from{};
    if (::pipe2(to.data(), O_CLOEXEC) != 0) return fail(os::errno_error("open", "a pipe", errno));
    Pipes out;
    out.to_read = os::Fd(to[0]);
    out.to_write = os::Fd(to[1]);
    if (::pipe2(from.data(), O_CLOEXEC) != 0) return fail(os::errno_error("open", "a pipe", errno));
    out.from_read = os::Fd(from[0]);
    out.from_write = os::Fd(from[1]);
    return out;
  }
};

/// Speaks to scc-probe while the main thread carries its bytes. Its runtime is an instance of its own.
class Driver {
 public:
  Driver(const ProveWorld& world, std::unique_ptr<plugin::Runtime> runtime, std::vector<Probe> probes,
         prove::Controls worked, bool has_proxy, Pipes& pipes)
      : controls(std::move(worked)),
        world_(world),
        runtime_(std::move(runtime)),
        probes_(std::move(probes)),
        has_proxy_(has_proxy),
        to_(std::move(pipes.to_write)),
        from_(std::move(pipes.from_read)) {}

  void run(const std::string& sandbox) {
    if (stage(Stage::near)) {
      take_proxy_control();
      if (has_proxy_) ask_third(sandbox);
      if (!near_walls_hold()) {
        skip(Stage::distant, "a wall is down: a packet might leave for an address that is not ours");
      } else {
        static_cast<void>(stage(Stage::distant));
      }
      if (has_proxy_) orphan(sandbox);
    }
    to_.reset();
    drain();
  }

  Findings findings;
  std::map<std::string, std::string> skipped;
  prove::Controls controls;
  std::vector<prove::Outcome> more;
  std::vector<std::string> notes;

 private:
  const ProveWorld& world_;
  std::unique_ptr<plugin::Runtime> runtime_;
  std::vector<Probe> probes_;
  bool has_proxy_;
  os::Fd to_;
  os::Fd from_;
  std::string pending_;

  bool write_all(std::string_view text) {
    while (!text.empty()) {
      const ssize_t n = ::write(to_.get(), text.data(), text.size());
      if (n < 0 && errno == EINTR && !os::cancelled()) continue;
      if (n <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }

  /// One line, or nullopt at the end, after the deadline or a cancellation.
  std::optional<std::string> line(Clock::time_point deadline) {
    for (;;) {
      if (const std::size_t end = pending_.find('\n'); end != std::string::npos) {
        std::string out = pending_.substr(0, end);
        pending_.erase(0, end + 1);
        return out;
      }
      if (os::cancelled() || Clock::now() > deadline) return std::nullopt;
      struct pollfd ready {
        from_.get(), POLLIN, 0
      };
      if (::poll(&ready, 1, 200) <= 0) continue;
      std::array<char, 8192> buffer{};
      const ssize_t n = ::read(from_.get(), buffer.data(), buffer.size());
      if (n <= 0) return std::nullopt;
      pending_.append(buffer.data(), static_cast<std::size_t>(n));
    }
  }

  /// The probes of a stage; false when the conversation is over.
  bool stage(Stage which) {
    std::string text;
    for (std::size_t i = 0; i < probes_.size(); ++i) {
      if (probes_[i].stage == which) text += "p" + std::to_string(i) + "\t" + probes_[i].words + "\n";
    }
    if (!write_all(text + "\n")) return false;
    const auto deadline = Clock::now() + kStageTime;
    while (const auto one = line(deadline)) {
      if (*one == "done") return true;
      const auto found = prove::parse_finding(*one);
      const std::size_t index =
          found ? static_cast<std::size_t>(std::atoi(found->first.c_str() + 1)) : probes_.size();
      if (index < probes_.size()) findings[probes_[index].name] = found->second;
    }
    return false;
  }

  void take_proxy_control() {
    const auto found = findings.find("control/allowed");
    if (found != findings.end() && found->second.value == "200+")
      controls["proxy"] = "200, and the stand-in answered";
  }

  bool near_walls_hold() const {
    const prove::Controls none;
    return std::all_of(probes_.begin(), probes_.end(), [&](const Probe& probe) {
      if (probe.stage != Stage::near || (probe.klass != "proxy" && probe.klass != "route")) return true;
      const auto found = findings.find(probe.name);
      if (found == findings.end()) return false;
      return prove::judge(probe, found->second, none, true).verdict != prove::Verdict::escaped;
    });
  }

  void skip(Stage which, const std::string& why) {
    for (const Probe& probe : probes_) {
      if (probe.stage == which) skipped[probe.name] = why;
    }
  }

  std::vector<std::string> proxies(const std::string& sandbox) const {
    json::Value filter;
    filter["schema"] = "scc.list-filter/1";
    filter["labels"]["scc.instance"] = sandbox;
    filter["labels"]["scc.role"] = "network";
    filter["all"] = false;
    std::vector<std::string> out;
    const auto listed = runtime_->sandbox_list(filter);
    const json::Value* items = listed ? listed->at("/sandboxes") : nullptr;
    for (const json::Value& item : items != nullptr ? items->items() : json::Array{})
      out.push_back(item.str("/id"));
    return out;
  }

  /// May another container on the proxy's own network use it?
  void ask_third(const std::string& sandbox) {
    std::string lines;
    const auto found = proxies(sandbox);
    for (const std::string& id : found) {
      const auto addresses = world_.addresses(*runtime_, id);
      for (const std::string& at : addresses ? *addresses : std::vector<std::string>()) {
        for (const char* port : {"3128", "3130", "8080"}) {
          lines += std::string("a") + std::to_string(lines.size()) + "\ttcp\t" + at + "\t" + port + "\n";
        }
      }
    }
    prove::Outcome out{"proxy/third-container",
                       "the proxy, used by another container on its network",
                       prove::Verdict::inconclusive,
                       {},
                       {}};
    const auto reached =
        lines.empty() ? Result<std::map<std::string, std::string>>(std::map<std::string, std::string>())
                      : world_.ask_peer(*runtime_, lines);
    if (lines.empty()) {
      out.why = "the proxy's container was not found";
    } else if (!reached) {
      out.why = reached.error().message;
    } else if (!reached->empty()) {
      out.verdict = prove::Verdict::escaped;
      out.observed = reached->begin()->second;
    } else if (controls.count("tcp") != 0) {
      out.verdict = prove::Verdict::refused;
      out.observed = "no port of it answers";
    }
    more.push_back(std::move(out));
  }

  void orphan(const std::string& sandbox) {
    const auto found = proxies(sandbox);
    for (const std::string& id : found) {
      if (const Status done = runtime_->sandbox_stop(id, 0); !done) notes.push_back(done.error().message);
    }
    if (found.empty()) {
      skip(Stage::orphaned, "the proxy's container was not found");
    } else {
      static_cast<void>(stage(Stage::orphaned));
    }
  }

  void drain() {
    const auto deadline = Clock::now() + std::chrono::seconds(60);
    while (line(deadline)) {
    }
  }
};

/// Everything that layers allow is replaced by the run's own names: it is the enforcement that is tried, not
/// an organisation's list.
void use_rules(Governance& governance, model::NetworkPolicy policy, const std::vector<std::string>& names) {
  model::Effective& effective = governance.effective;
  effective.network_policy = policy;
  effective.network_source = "scc prove";
  effective.mcp_servers.clear();
  effective.egress = {};
  auto& all = effective.decisions;
  const auto egress = [](const model::Decision& one) { return str::starts_with(one.field, "egress"); };
  all.erase(std::remove_if(all.begin(), all.end(), egress), all.end());
  for (const std::string& name : names) {
    model::Decision one;
    one.field = "egress";
    one.value = name;
    one.source = "org";
    one.rule = "/prove";
    all.push_back(std::move(one));
  }
}

class Run {
 public:
  Run(Host& host, const ProveOptions& options) : host_(host), options_(options) {}

  Result<prove::Report> go() {
    SCC_TRY(const Engine engine, choose_engine(host_, options_.runtime));
    runtime_id_ = engine.runtime->ref().id;
    report_.runtime = runtime_id_;
    report_.runtime_version = engine.info.str("/version");
    rootless_ = engine.info.flag("/rootless");
    SCC_TRY(world_, ProveWorld::make(host_, *engine.runtime));
    const auto done = tried();
    const Status ended = world_->end();
    if (os::cancelled()) return fail(Kind::cancelled, "launch.cancelled", "cancelled");
    if (!done) return fail(Error(done.error()));
    if (!ended) return fail(Error(ended.error()).with("while taking away what the proof made"));
    return std::move(report_);
  }

 private:
  Host& host_;
  const ProveOptions& options_;
  std::string runtime_id_;
  bool rootless_ = false;
  prove::Report report_;
  std::unique_ptr<ProveWorld> world_;
  LaunchOptions launch_;
  std::optional<model::NetworkPolicy> policy_;

  bool enforced() const { return *policy_ == model::NetworkPolicy::web_egress_enforced; }
  bool claimed() const { return *policy_ != model::NetworkPolicy::open; }

  Status tried() {
    SCC_CHECK(read_options());
    host_.progress("preparing the images");
    SCC_TRY(const std::string image, images());
    host_.progress("starting a stand-in for the internet");
    SCC_CHECK(world_->start(image));
    host_.progress("trying the controls");
    SCC_TRY(prove::Controls controls, world_->controls());
    SCC_CHECK(configure(world_->network(), {world_->targets().stand_in}, {world_->subnet()}));
    SCC_TRY(Prepared prepared, prepare(host_, launch_));
    world_->targets().engine_sockets = prepared.plan.strings_at("/checks/sockets");
    world_->targets().inside = prepared.plan.str("/network/inside/address");
    world_->targets().proxy = prepared.plan.str("/network/inside/proxy");
    report_.plan_id = prepared.plan.str("/id");
    report_.transport = prepared.plan.str("/network/transport", claimed() ? "none" : "bridge");
    SCC_CHECK(sandbox(prepared, std::move(controls)));
    return {};
  }

  Status read_options() {
    if (!options_.policy.empty()) {
      for (const auto one : {model::NetworkPolicy::open, model::NetworkPolicy::web_egress_enforced,
                             model::NetworkPolicy::locked_down_web}) {
        if (model::to_string(one) == options_.policy) policy_ = one;
      }
      if (!policy_) {
        return fail(Kind::usage, "prove.policy",
                    "\"" + str::printable(options_.policy) + "\" is no network policy",
                    "name one: open, web-egress-enforced, locked-down-web");
      }
    }
    if (!options_.seed_leak.empty() && !has_leaks()) {
      return fail(Kind::usage, "prove.seed-leak", "this build of scc cannot take a wall down",
                  "run `scc prove` without --seed-leak");
    }
    launch_.workspace = world_->workspace().native();
    launch_.provider = options_.provider;
    launch_.runtime = runtime_id_;
    launch_.agent_args = {std::string(kToolDir) + std::string(kProbe), "run"};
    launch_.shell = true;
    launch_.allow_suspicious = true;
    launch_.allow_root = options_.allow_root;
    launch_.role = "prove";
    launch_.adjust = [this](Governance& governance) {
      if (!policy_) policy_ = governance.network();
      use_rules(governance, *policy_, prove::allowed_names(world_->targets()));
      // An organisation's networks and name servers lead to the real web: only its transport has a part in
      // this.
      model::Effective& effective = governance.effective;
      std::string transport = options_.transport.empty() ? effective.enforced_network.transport : "";
      effective.enforced_network = {};
      effective.enforced_network.transport = std::move(transport);
      effective.allow_network_settings = true;
    };
    return configure("", {kNobody}, {});
  }

  /// The network section of the run. A user's own networks and name servers have no part in it.
  Status configure(const std::string& network, const std::vector<std::string>& dns,
                   const std::vector<std::string>& blocks) {
    SCC_TRY(const config::UserConfig* loaded, host_.config());
    config::UserConfig config = *loaded;
    config.on_exit = "remove";
    config.open_network = json::Value(json::Object{});
    json::Value section{json::Object{}};
    if (!network.empty()) section["network"] = network;
    section["dns"] = json::Value::strings(dns);
    section["internal_blocks"] = json::Value::strings(blocks);
    const std::string own =
        config.enforced_network.is_object() ? config.enforced_network.str("/transport") : "";
    const std::string transport = options_.transport.empty() ? own : options_.transport;
    if (!transport.empty()) section["transport"] = transport;
    if (!options_.seed_leak.empty() && !is_own_leak(options_.seed_leak))
      section["seed_leak"] = options_.seed_leak;
    config.enforced_network = std::move(section);
    host_.set_config(std::move(config));
    return {};
  }

  /// As `scc start` does it: what is missing is built.
  Result<std::string> images() {
    SCC_TRY(Prepared prepared, prepare(host_, launch_));
    SCC_TRY(const std::string image, ensure_image(host_, prepared));
    SCC_TRY(const bool built, ensure_network_image(host_, prepared));
    static_cast<void>(built);
    launch_.provider = prepared.plan.str("/provider/id");
    report_.policy = model::to_string(*policy_);
    if (!prepared.engine.info.flag("/local")) {
      SCC_CHECK(image::engine_sees_this_machine(*prepared.engine.runtime, image, host_.paths));
    }
    return image;
  }

  Status sandbox(Prepared& prepared, prove::Controls controls) {
    json::Value plan = prepared.plan;
    if (is_own_leak(options_.seed_leak)) {
      leak_plan(options_.seed_leak, *world_, plan);
      prepared.netpolicy = leak_policy(options_.seed_leak, *world_, std::move(prepared.netpolicy));
    }
    std::vector<Probe> probes = prove::raw_probes(world_->targets());
    if (enforced()) {
      for (Probe& probe : prove::proxy_probes(world_->targets())) probes.push_back(std::move(probe));
    }
    SCC_TRY(Pipes pipes, Pipes::make());
    SCC_TRY(auto runtime, open_runtime(host_, runtime_id_));
    Driver driver(*world_, std::move(runtime), probes, std::move(controls), enforced(), pipes);
    SCC_CHECK(launched(prepared, plan, pipes, driver));
    return conclude(probes, driver);
  }

  Status launched(Prepared& prepared, const json::Value& plan, Pipes& pipes, Driver& driver) {
    host_.progress("attacking from inside a sandbox");
    std::mutex mutex;
    session::Deps deps = session_deps(host_, prepared);
    deps.record = {};  // the user's own record of egress is about real sessions
    deps.note = [&](const std::string& text) {
      const std::lock_guard<std::mutex> guard(mutex);
      report_.notes.push_back(text);
    };
    deps.tell = [](const std::string&) {};
    const os::Fd err(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    session::AttachOptions attach;
    attach.in = pipes.to_read.get();
    attach.out = pipes.from_write.get();
    attach.err = err.get();
    std::thread thread([&] { driver.run(plan.str("/sandbox/name")); });
    const auto outcome = session::run_session(plan, deps, attach);
    pipes.from_write.reset();
    pipes.to_read.reset();
    thread.join();
    if (os::cancelled()) return fail(Kind::cancelled, "launch.cancelled", "cancelled");
    if (outcome) return {};
    if (options_.seed_leak.empty()) return fail(Error(outcome.error()));
    // The launch itself refused the weakened sandbox.
    driver.more.push_back({"launch/gate",
                           "the launch's own checks",
                           prove::Verdict::escaped,
                           outcome.error().id + ": " + outcome.error().message,
                           {}});
    gate_ = true;
    return {};
  }
  bool gate_ = false;

  Status conclude(const std::vector<Probe>& probes, Driver& driver) {
    report_.controls = driver.controls;
    for (std::string& note : driver.notes) report_.notes.push_back(std::move(note));
    for (prove::Outcome& one : driver.more) report_.results.push_back(std::move(one));
    if (gate_) return {};
    for (const Probe& probe : probes) {
      if (const auto why = driver.skipped.find(probe.name); why != driver.skipped.end()) {
        report_.results.push_back({probe.name, probe.what, prove::Verdict::skipped, {}, why->second});
        continue;
      }
      const auto found = driver.findings.find(probe.name);
      prove::Outcome one =
          prove::judge(probe, found != driver.findings.end() ? std::optional(found->second) : std::nullopt,
                       driver.controls, claimed());
      const std::string why = untriable(probe.klass);
      if (one.verdict == prove::Verdict::inconclusive && !why.empty()) {
        one.verdict = prove::Verdict::skipped;
        one.why = why;
      }
      report_.results.push_back(std::move(one));
    }
    return arrivals();
  }

  /// Why a class of attempts has no control here; empty: it has one.
  std::string untriable(const std::string& klass) const {
    const bool six = klass == "ipv6" || klass == "route6";
    if (six && world_->targets().host_v6.empty() && world_->targets().host_link.empty())
      return "this machine has no IPv6";
    if (rootless_ && klass == "icmp") return "no container of this rootless engine may send an echo";
    if (rootless_ && klass == "gateway")
      return "the gateways of a rootless engine are in a namespace of its own, not on this machine";
    return {};
  }

  /// The last word has who would have been reached.
  Status arrivals() {
    SCC_TRY(report_.arrived, world_->record());
    if (!claimed()) return {};
    prove::Outcome out{"record/arrived", "what arrived at the stand-in", prove::Verdict::refused, {}, {}};
    for (const std::string& line : report_.arrived) {
      if (prove::record_line_allowed(line, world_->targets(), enforced())) continue;
      out.verdict = prove::Verdict::escaped;
      out.observed = line;
      break;
    }
    if (out.observed.empty())
      out.observed = std::to_string(report_.arrived.size()) + " lines, each of them allowed";
    if (report_.arrived.empty()) {
      out.verdict = prove::Verdict::inconclusive;
      out.why = "not even the controls are in it";
    }
    report_.results.push_back(std::move(out));
    return {};
  }
};

/// The newest reports are kept.
Result<std::string> keep(const Host& host, const prove::Report& report) {
  const os::stdfs::path directory = host.paths.state / "proofs";
  SCC_CHECK(os::make_dirs(directory));
  const os::stdfs::path file = directory / (report.id + ".json");
  SCC_CHECK(os::write_file_atomic(file, json::pretty(report.to_json()) + "\n"));
  std::vector<os::stdfs::path> all;
  std::error_code code;
  for (os::stdfs::directory_iterator it(directory, code), end; !code && it != end; it.increment(code)) {
    if (it->path().extension() == ".json") all.push_back(it->path());
  }
  std::sort(all.begin(), all.end());
  for (std::size_t i = 0; i + kReportsKept < all.size(); ++i) os::stdfs::remove(all[i], code);
  return file.native();
}

}  // namespace

Result<Proof> prove_isolation(Host& host, const ProveOptions& options) {
  const session::IgnoreSigpipe no_sigpipe;
  const std::string id = session::new_session_id();
  const std::string time = session::utc_now();
  Run run(host, options);
  SCC_TRY(prove::Report report, run.go());
  report.id = id;
  report.time = time;
  report.version = kVersion;
  report.seed_leak = options.seed_leak;
  Proof out{std::move(report), {}};
  SCC_TRY(out.file, keep(host, out.report));
  return out;
}

}  // namespace scc::app
