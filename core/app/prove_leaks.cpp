// SPDX-License-Identifier: Apache-2.0
#include "app/prove_leaks.h"

#include <algorithm>
#include <array>

#include "app/mounts.h"
#include "os/fs.h"

namespace scc::app {

#ifdef SCC_SEED_LEAKS

namespace {

// "unseen": the launch gate is told not to look, so that the battery itself has to find it.
constexpr std::array<std::string_view, 7> kOwn = {"uplink",        "uplink-unseen", "resolver-unseen",
                                                  "bridge-unseen", "engine-socket", "bridge",
                                                  "socket-unseen"};

bool unseen(const std::string& name) {
  return name.size() > 7 && name.compare(name.size() - 7, 7, "-unseen") == 0;
}

/// The policy, but the sandbox is put onto a network as well.
class Leaky : public plugin::NetPolicy {
 public:
  Leaky(std::unique_ptr<plugin::NetPolicy> inner, json::Value network)
      : inner_(std::move(inner)), network_(std::move(network)) {}
  const plugin::ComponentRef& ref() const noexcept override { return inner_->ref(); }
  void bind(plugin::Runtime& runtime, plugin::RuntimeScope scope) override {
    inner_->bind(runtime, std::move(scope));
  }
  Result<json::Value> plan(const json::Value& request) override { return inner_->plan(request); }
  Result<json::Value> apply(const json::Value& plan) override {
    SCC_TRY(json::Value out, inner_->apply(plan));
    out["network"] = network_;
    return out;
  }
  Result<json::Value> verify(const json::Value& attachment) override { return inner_->verify(attachment); }
  Status release(const json::Value& attachment) override { return inner_->release(attachment); }

 private:
  std::unique_ptr<plugin::NetPolicy> inner_;
  json::Value network_;
};

void set_resolver(json::Value& plan, const std::string& address) {
  const std::string text = "nameserver " + address + "\noptions timeout:1 attempts:1\n";
  for (json::Value& file : plan["files"].array()) {
    if (file.str("/path") != "resolv.conf") continue;
    file["text"] = text;
    file["sha256"] = os::sha256_hex(text);
  }
}

}  // namespace

bool has_leaks() noexcept {
  return true;
}

bool is_own_leak(const std::string& name) noexcept {
  return std::find(kOwn.begin(), kOwn.end(), name) != kOwn.end();
}

void leak_plan(const std::string& name, const ProveWorld& world, json::Value& plan) {
  if (unseen(name)) plan["checks"].object().erase("isolated");
  if (name == "resolver-unseen") set_resolver(plan, world.targets().stand_in);
  if (name != "engine-socket" && name != "socket-unseen") return;
  const json::Value* sockets = plan.at("/checks/sockets");
  const bool none = sockets == nullptr || sockets->items().empty();
  const std::string target = none ? "/run/engine.sock" : sockets->items().front().as_string();
  plan["sandbox"]["mounts"].array().push_back(bind_mount(world.socket().native(), target, false));
  if (unseen(name)) plan["checks"]["sockets"] = json::Array{};
}

std::unique_ptr<plugin::NetPolicy> leak_policy(const std::string& name, const ProveWorld& world,
                                               std::unique_ptr<plugin::NetPolicy> inner) {
  json::Value network;
  if (name == "uplink" || name == "uplink-unseen" || name == "resolver-unseen") {
    network["mode"] = "named";
    network["name"] = world.network();
  } else if (name == "bridge" || name == "bridge-unseen") {
    network["mode"] = "bridge";
  } else {
    return inner;
  }
  return std::make_unique<Leaky>(std::move(inner), std::move(network));
}

#else

bool has_leaks() noexcept {
  return false;
}
bool is_own_leak(const std::string& /*name*/) noexcept {
  return false;
}
void leak_plan(const std::string& /*name*/, const ProveWorld& /*world*/, json::Value& /*plan*/) {}
std::unique_ptr<plugin::NetPolicy> leak_policy(const std::string& /*name*/, const ProveWorld& /*world*/,
                                               std::unique_ptr<plugin::NetPolicy> inner) {
  return inner;
}

#endif

}  // namespace scc::app
