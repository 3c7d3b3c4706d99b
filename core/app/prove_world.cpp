// SPDX-License-Identifier: Apache-2.0
#include "app/prove_world.h"

#include <algorithm>
#include <chrono>
#include <unistd.h>

#include <sys/stat.h>

#include "app/mounts.h"
#include "app/planner.h"
#include "base/str.h"
#include "os/process.h"
#include "os/tty.h"
#include "prove/verdict.h"
#include "session/instance.h"
#include "session/prune.h"

namespace scc::app {

namespace {

using Clock = std::chrono::steady_clock;
using Findings = std::map<std::string, std::string>;

constexpr std::int64_t kUser = 1000;
constexpr std::int64_t kMiB = std::int64_t{1} << 20U;
constexpr const char* kRecord = "/run/prove/record";
constexpr auto kExecTime = std::chrono::seconds(60);

/// Files of the run belong to the sandbox's user, so that nothing has to be mapped.
Status give(const os::stdfs::path& path) {
  if (::geteuid() != 0) return {};
  if (::lchown(path.c_str(), static_cast<uid_t>(kUser), static_cast<gid_t>(kUser)) == 0) return {};
  return fail(os::errno_error("chown", path, errno));
}

/// id -> "reached" lines only: what a control saw.
void take_reached(const std::string& text, Findings& out) {
  for (const std::string& line : str::split(text, '\n')) {
    const auto found = prove::parse_finding(line);
    if (found && found->second.kind == "reached") out[found->first] = found->second.text;
  }
}

}  // namespace

Result<std::unique_ptr<ProveWorld>> ProveWorld::make(Host& host, plugin::Runtime& runtime) {
  const std::string instance = "scc-prove-" + os::random_hex(8);
  SCC_TRY(os::FileLock lock, os::FileLock::acquire(session::launch_lock_path(host.paths, instance), 0));
  std::unique_ptr<ProveWorld> out(new ProveWorld(host, runtime, std::move(lock)));
  out->instance_ = instance;
  out->ended_ = false;
  out->token_ = os::random_hex(16);
  out->targets_.label = os::random_hex(6);
  SCC_TRY(out->directory_, os::make_temp_dir("/tmp", "scc-prove-"));
  SCC_CHECK(os::make_dirs(out->workspace()));
  SCC_CHECK(give(out->directory_));
  SCC_CHECK(give(out->workspace()));
  SCC_TRY(prove::Listener listener, prove::Listener::open(out->token_, out->socket()));
  out->listener_.emplace(std::move(listener));
  if (::chmod(out->socket().c_str(), 0777) != 0) return fail(os::errno_error("chmod", out->socket(), errno));
  out->targets_.port = out->listener_->port();
  return out;
}

ProveWorld::~ProveWorld() {
  static_cast<void>(end());
}

json::Value ProveWorld::labels(const std::string& role) const {
  json::Value out;
  out["scc.managed"] = "true";
  out["scc.backend"] = "oci";
  out["scc.role"] = role;
  out["scc.schema"] = "1";
  out["scc.instance"] = instance_;
  out["scc.owner-uid"] = std::to_string(host_->env.uid);
  out["scc.state"] = host_->paths.state.native();
  out["scc.version"] = kVersion;
  return out;
}

json::Value ProveWorld::spec(const std::string& name, const std::string& image, std::vector<std::string> argv,
                             bool beside) const {
  json::Value out;
  out["schema"] = "scc.sandbox-spec/1";
  out["name"] = instance_ + "-" + name;
  out["image"] = image;
  out["hostname"] = "scc-prove";
  out["labels"] = labels("network");
  argv.insert(argv.begin(), std::string(kToolDir) + std::string(kProbe));
  out["argv"] = json::Value::strings(argv);
  out["env"] = json::Value(json::Object{});
  out["workdir"] = "/";
  out["user"]["uid"] = kUser;
  out["user"]["gid"] = kUser;
  out["mounts"] = json::Array{bind_mount(host_->paths.libexec.native(), std::string(kToolDir), true),
                              tmpfs_mount("/run/prove", "0700", 4, false, MountOwner{kUser, kUser})};
  out["network"]["mode"] = beside ? "named" : "bridge";
  if (beside) out["network"]["name"] = network_;
  out["dns"] = json::Value::strings(targets_.stand_in.empty() ? std::vector<std::string>{"127.0.0.1"}
                                                              : std::vector{targets_.stand_in});
  out["extra_hosts"] = json::Array{};
  out["resources"]["pids"] = 64;
  out["resources"]["nofile"] = 1024;
  out["resources"]["shm_bytes"] = 16 * kMiB;
  out["security"]["cap_drop"] = json::Value::strings({"ALL"});
  out["security"]["no_new_privileges"] = true;
  out["security"]["read_only_root"] = true;
  out["stop_grace_ms"] = 1000;
  return out;
}

Result<std::string> ProveWorld::run_in(plugin::Runtime& runtime, const std::string& id,
                                       std::vector<std::string> argv, const std::string& input,
                                       std::int64_t gid) const {
  json::Value request;
  argv.insert(argv.begin(), std::string(kToolDir) + std::string(kProbe));
  request["schema"] = "scc.exec-request/1";
  request["argv"] = json::Value::strings(argv);
  request["env"] = json::Value(json::Object{});
  request["workdir"] = "/";
  request["user"]["uid"] = kUser;
  request["user"]["gid"] = gid;
  request["tty"] = false;
  SCC_TRY(const std::unique_ptr<plugin::Exec> exec, runtime.exec_open(id, request));
  const auto deadline = Clock::now() + kExecTime;
  std::string_view rest = input;
  while (!rest.empty()) {
    SCC_TRY(const std::size_t taken, exec->write(rest));
    rest.remove_prefix(taken);
    if (taken == 0) ::usleep(2'000);
    if (Clock::now() > deadline || os::cancelled()) break;
  }
  static_cast<void>(exec->close_input());
  std::string out;
  std::string err;
  for (;;) {
    if (os::cancelled()) return fail(Kind::cancelled, "launch.cancelled", "cancelled");
    if (Clock::now() > deadline) return fail(Kind::tool, "prove.slow", "a program of scc prove does not end");
    std::string bytes;
    SCC_TRY(const plugin::Exec::Channel channel, exec->read(200, bytes));
    if (channel == plugin::Exec::Channel::end) break;
    (channel == plugin::Exec::Channel::err ? err : out) += bytes;
  }
  SCC_TRY(const int code, exec->wait(5'000));
  if (code == 0) return out;
  return fail(
      Kind::tool, "prove.program",
      "a program of scc prove ended with code " + std::to_string(code) + (err.empty() ? "" : ": " + err));
}

Result<std::vector<std::string>> ProveWorld::addresses(plugin::Runtime& runtime,
                                                       const std::string& id) const {
  SCC_TRY(const std::string text, run_in(runtime, id, {"address"}, {}, kUser));
  std::vector<std::string> out;
  for (const std::string& line : str::split(text, '\n')) {
    if (!line.empty()) out.push_back(line);
  }
  return out;
}

Result<std::string> ProveWorld::start_one(const json::Value& spec, std::string& address) {
  // A request that is given up half-way may be carried out after end() looked.
  auto created = [&] {
    const os::CancelShield shield;
    return runtime_->sandbox_create(spec);
  }();
  SCC_TRY(const json::Value handle, std::move(created));
  std::string id = handle.str("/id");
  SCC_CHECK(runtime_->sandbox_start(id));
  SCC_TRY(const auto found, addresses(*runtime_, id));
  if (!found.empty()) address = found.front();
  return id;
}

Status ProveWorld::start(const std::string& image) {
  SCC_TRY(const prove::MachineAddresses machine, prove::machine_addresses());
  json::Value request;
  request["schema"] = "scc.network-request/1";
  request["name"] = instance_ + "-outside";
  request["labels"] = labels("network");
  request["internal"] = true;
  request["options"] = json::Value(json::Object{});
  SCC_TRY(const json::Value made, runtime_->network_create(request));
  network_ = made.str("/name", request.str("/name"));
  subnet_ = made.str("/subnet");
  const std::string port = std::to_string(targets_.port);
  // Where an engine has no network of its own for everybody (rootless without a helper), it has no policy
  // open.
  auto open = start_one(spec("open", image, {"serve", kRecord, token_, port}, false), targets_.open);
  if (open) open_ = *open;
  targets_.host_v4 = machine.v4;
  targets_.host_v6 = machine.v6;
  targets_.host_link = machine.link;
  std::vector<std::string> argv = {"serve", kRecord, token_, "53,80,443,853," + port};
  for (std::string& name : prove::zone(targets_)) argv.push_back(std::move(name));
  SCC_TRY(stand_in_, start_one(spec("standin", image, argv, true), targets_.stand_in));
  SCC_TRY(peer_, start_one(spec("peer", image, {"serve", kRecord, token_, port}, true), targets_.peer));
  if (targets_.stand_in.empty() || targets_.peer.empty()) {
    return fail(Kind::tool, "prove.world", "the stand-in internet has no address on its network");
  }
  // The network's own gateway is an address of this machine that was not there before.
  SCC_TRY(const prove::MachineAddresses now, prove::machine_addresses());
  targets_.host_v4 = now.v4;
  targets_.host_v6 = now.v6;
  return {};
}

Status ProveWorld::add_controls(Findings& out, const std::string& id, const std::string& lines,
                                std::int64_t gid) {
  if (id.empty()) return {};
  SCC_TRY(const std::string text, run_in(*runtime_, id, {"run"}, lines, gid));
  take_reached(text, out);
  return {};
}

/// On this machine itself: for what containers of this engine do not have at all.
Status ProveWorld::add_own_controls(Findings& out) {
  os::ProcessRequest request;
  request.argv = {host_->paths.libexec.native() + std::string(kProbe), "run"};
  request.input = "ipv6\ttcp\t::1\t" + std::to_string(targets_.port) +
                  "\nroute6\troute\t::1\nroute\troute\t127.0.0.1\nunix\tunix\t" + socket().native() + "\n";
  SCC_TRY(const os::ProcessResult done, os::run(request));
  take_reached(done.out, out);
  return {};
}

Result<Findings> ProveWorld::controls() {
  const std::string port = std::to_string(targets_.port);
  const std::string& at = targets_.stand_in;
  const std::string name = "control-" + targets_.label + ".scc-prove.example";
  Findings out;
  SCC_CHECK(add_own_controls(out));
  SCC_CHECK(add_controls(out, peer_,
                         "tcp\ttcp\t" + at + "\t" + port + "\nudp\tudp\t" + at + "\t" + port +
                             "\nicmp\ticmp\t" + at + "\ndns\tdns\tudp\t" + at + "\t" + name +
                             "\ndns-tcp\tdns\ttcp\t" + at + "\t" + name + "\nresolver\tresolv\t" + at + "\t" +
                             name + "\ngateway\tgateway\t" + port + "\nhosts\thosts\t" + port +
                             "\ninterfaces\tinterfaces\n",
                         kUser));
  // Some engines let only group 0 send an echo without a capability.
  if (out.count("icmp") == 0) SCC_CHECK(add_controls(out, peer_, "icmp\ticmp\t" + at + "\n", 0));
  SCC_CHECK(add_controls(out, stand_in_, "bound\tbound\t0.0.0.0\n", kUser));
  SCC_CHECK(add_controls(out, open_,
                         "gateway\tgateway\t" + port + "\nhosts\thosts\t" + port +
                             "\nroute\troute\t203.0.113.7\ninterfaces\tinterfaces\n",
                         kUser));
  return out;
}

Result<Findings> ProveWorld::ask_peer(plugin::Runtime& runtime, const std::string& lines) const {
  SCC_TRY(const std::string text, run_in(runtime, peer_, {"run"}, lines, kUser));
  Findings out;
  take_reached(text, out);
  return out;
}

Result<std::vector<std::string>> ProveWorld::record() {
  SCC_TRY(const std::string text, run_in(*runtime_, stand_in_, {"show", kRecord}, {}, kUser));
  std::vector<std::string> out;
  for (std::string& line : str::split(text, '\n')) {
    if (!line.empty()) out.push_back(std::move(line));
  }
  return out;
}

Status ProveWorld::end() {
  if (ended_) return {};
  ended_ = true;
  const os::CancelShield shield;
  constexpr int kTries = 10;  // engines let go of a container's place in a network a moment later
  Status removed;
  for (int i = 0; i < kTries; ++i) {
    removed = session::end_orphan(*runtime_, instance_, 1'000, host_->paths, host_->env);
    if (removed) break;
    ::usleep(200'000);
  }
  listener_.reset();
  const Status cleared = directory_.empty() ? Status() : os::remove_tree(directory_);
  lock_.release();
  return removed ? cleared : removed;
}

}  // namespace scc::app
