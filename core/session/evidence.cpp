// SPDX-License-Identifier: Apache-2.0
#include "session/evidence.h"

#include <algorithm>
#include <array>

#include "base/str.h"

namespace scc::session {

namespace {

constexpr std::string_view kNoCapabilities = "0000000000000000";

/// Collects failures; every comparison goes through here, so none can be forgotten silently.
class Judge {
 public:
  void equal(const std::string& name, const std::string& expected, const std::string& observed) {
    if (expected != observed) failures.push_back({name, expected, observed});
  }
  void equal(const std::string& name, std::int64_t expected, const json::Value* observed) {
    if (observed == nullptr || !observed->is_int() || observed->as_int() != expected) {
      failures.push_back(
          {name, std::to_string(expected), observed != nullptr ? json::dump(*observed) : "nothing"});
    }
  }
  void is_true(const std::string& name, const json::Value* observed) {
    if (observed == nullptr || !observed->is_bool() || !observed->as_bool()) {
      failures.push_back({name, "true", observed != nullptr ? json::dump(*observed) : "nothing"});
    }
  }
  void empty_list(const std::string& name, const json::Value* observed) {
    if (observed == nullptr || !observed->is_array() || !observed->items().empty()) {
      failures.push_back({name, "[]", observed != nullptr ? json::dump(*observed) : "nothing"});
    }
  }
  std::vector<CheckFailure> failures;
};

std::string trim_slashes(std::string path) {
  while (path.size() > 1 && path.back() == '/') path.pop_back();
  return path;
}

bool below(std::string_view path, std::string_view parent) {
  if (parent == "/") return path.size() > 1;
  return path.size() > parent.size() && str::starts_with(path, parent) && path[parent.size()] == '/';
}

/// What every engine mounts by itself.
bool well_known(std::string_view target) {
  static constexpr std::array<std::string_view, 6> kFiles{"/",          "/etc/resolv.conf",   "/etc/hostname",
                                                          "/etc/hosts", "/run/.containerenv", "/dev"};
  static constexpr std::array<std::string_view, 11> kDevices{
      "/dev/pts",  "/dev/mqueue", "/dev/shm",     "/dev/console", "/dev/null", "/dev/zero",
      "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty",     "/dev/ptmx"};
  const auto is = [&](std::string_view known) { return target == known; };
  return std::any_of(kFiles.begin(), kFiles.end(), is) || std::any_of(kDevices.begin(), kDevices.end(), is) ||
         target == "/proc" || below(target, "/proc") || target == "/sys" || below(target, "/sys");
}

void judge_process(Judge& judge, const json::Value& evidence, const Expectation& expected) {
  for (const char* set : {"effective", "permitted", "inheritable", "bounding", "ambient"}) {
    judge.equal(std::string("cap-") + set, std::string(kNoCapabilities),
                evidence.str("/capabilities/" + std::string(set), "nothing"));
  }
  judge.equal("no-new-privileges", 1, evidence.at("/no_new_privs"));
  judge.equal("seccomp", 2, evidence.at("/seccomp/mode_before"));
  judge.equal("seccomp-filter", 2, evidence.at("/seccomp/mode"));
  judge.equal("uid", expected.uid, evidence.at("/uid"));
  judge.equal("gid", expected.gid, evidence.at("/gid"));
  for (const char* list : {"uids", "gids"}) {
    const std::int64_t id = list[0] == 'u' ? expected.uid : expected.gid;
    const json::Value want(json::Array{json::Value(id), json::Value(id), json::Value(id), json::Value(id)});
    const json::Value* got = evidence.at("/" + std::string(list));
    judge.equal(list, json::dump(want), got != nullptr ? json::dump(*got) : "nothing");
  }
  judge.is_true("rootfs-read-only", evidence.at("/rootfs/read_only"));
  // Any error will do: which one comes first differs between kernels and file systems.
  const std::string create_error = evidence.str("/rootfs/create_error");
  judge.equal("rootfs-create", "refused", create_error.empty() ? "a file could be created in /" : "refused");
  const json::Value* tty = evidence.at("/tty");
  judge.equal("tty", expected.tty ? "true" : "false", tty != nullptr ? json::dump(*tty) : "nothing");
}

const json::Value* entry_for(const json::Value* list, const std::string& path) {
  if (list == nullptr) return nullptr;
  for (const json::Value& item : list->items()) {
    if (item.str("/path") == path) return &item;
  }
  return nullptr;
}

void judge_paths(Judge& judge, const json::Value& evidence, const Expectation& expected) {
  for (const std::string& path : expected.sockets) {
    const json::Value* entry = entry_for(evidence.at("/sockets"), path);
    const json::Value* visible = entry != nullptr ? entry->at("/visible") : nullptr;
    const bool hidden = visible != nullptr && visible->is_bool() && !visible->as_bool();
    judge.equal("socket:" + path, "not visible", hidden ? "not visible" : "visible or not checked");
  }
  judge.empty_list("socket-mounts", evidence.at("/socket_mounts"));
  judge.empty_list("socket-finds", evidence.at("/socket_finds"));
  judge.empty_list("unix-sockets", evidence.at("/unix_sockets"));
  for (const std::string& path : expected.readonly) {
    const json::Value* entry = entry_for(evidence.at("/readonly"), path);
    // Pinned: no directory on the way to it can be renamed away by who owns it.
    const bool fine =
        entry != nullptr && entry->flag("/present") && entry->flag("/protected") && entry->flag("/pinned");
    judge.equal("readonly:" + path, "present, read-only, pinned",
                entry == nullptr ? "not checked"
                : fine           ? "present, read-only, pinned"
                                 : json::dump(*entry));
  }
}

/// One address on one interface, no way out of its network, nobody at a gateway, and nothing of this machine
/// within reach although it listens.
void judge_inside(Judge& judge, const json::Value& evidence, const Expectation& expected) {
  constexpr std::int64_t kForbidden = 403;
  judge.is_true("network-known", evidence.at("/network/known"));
  judge.equal("network-address", expected.address, evidence.str("/network/address", "nothing"));
  const std::string own = expected.address.substr(0, expected.address.find('/'));
  const json::Value* addresses = evidence.at("/network/addresses");
  judge.equal("network-addresses", json::dump(json::Value::strings({own})),
              addresses != nullptr ? json::dump(*addresses) : "nothing");
  const json::Value* interfaces = evidence.at("/network/interfaces");
  const bool one = interfaces != nullptr && interfaces->is_array() && interfaces->items().size() == 1;
  judge.equal("network-interfaces", "one",
              one                     ? "one"
              : interfaces != nullptr ? json::dump(*interfaces)
                                      : "nothing");
  for (const char* list : {"routes", "answered", "resolvers", "reached"}) {
    judge.empty_list(std::string("network-") + list, evidence.at("/network/" + std::string(list)));
  }
  const json::Value* tried = evidence.at("/network/unreachable");
  judge.equal("network-unreachable", json::dump(json::Value::strings(expected.unreachable)),
              tried != nullptr ? json::dump(*tried) : "nothing");
  judge.equal("proxy", expected.proxy, evidence.str("/network/proxy", "nothing"));
  judge.equal("proxy-denies", kForbidden, evidence.at("/network/proxy_status"));
}

/// No way out but the proxy, seen from inside; and the proxy denies.
void judge_network(Judge& judge, const json::Value& evidence, const Expectation& expected) {
  constexpr std::int64_t kForbidden = 403;
  if (expected.isolated) {
    judge.is_true("network-known", evidence.at("/network/known"));
    for (const char* list : {"interfaces", "addresses", "routes", "resolvers"}) {
      judge.empty_list(std::string("network-") + list, evidence.at("/network/" + std::string(list)));
    }
  }
  if (!expected.address.empty()) judge_inside(judge, evidence, expected);
  if (expected.proxy_port > 0) {
    judge.equal("proxy-port", expected.proxy_port, evidence.at("/network/proxy_port"));
    judge.equal("proxy-denies", kForbidden, evidence.at("/network/proxy_status"));
  }
}

/// The guard stands at every planned path, and no tool was found that is not the guard.
void judge_guard(Judge& judge, const json::Value& evidence, const Expectation& expected) {
  if (!expected.guard) return;
  const json::Value* unguarded = evidence.at("/guard/unguarded");
  if (unguarded != nullptr && unguarded->is_array()) {
    for (const json::Value& path : unguarded->items()) {
      judge.failures.push_back({"guard:" + path.as_string(), "the guard", "another program"});
    }
  } else {
    judge.failures.push_back({"guard", "a list of tools", "nothing"});
  }
  const std::vector<std::string> found = evidence.strings_at("/guard/guarded");
  for (const std::string& path : expected.guarded) {
    const bool there = std::find(found.begin(), found.end(), path) != found.end();
    judge.equal("guard:" + path, "the guard", there ? "the guard" : "not seen there");
  }
}

void judge_own_verdict(Judge& judge, const json::Value& evidence) {
  const json::Value* checks = evidence.at("/checks");
  if (checks == nullptr || checks->items().empty()) {
    judge.failures.push_back({"checks", "a list of checks", "nothing"});
  } else {
    for (const json::Value& check : checks->items()) {
      if (check.flag("/passed")) continue;
      judge.failures.push_back({check.str("/name", "?"), check.str("/expected"), check.str("/observed")});
    }
  }
  if (judge.failures.empty()) {
    judge.is_true("passed", evidence.at("/passed"));
    judge.empty_list("failed", evidence.at("/failed"));
  }
}

struct Mount {
  std::string target;
  std::string fstype;
  bool read_only = false;
};

const char* mode(bool read_only) {
  return read_only ? "read-only" : "writable";
}

/// The mount that a process sees at `target`: the last one there, unless a later one covers its parents.
const Mount* visible_at(const std::vector<Mount>& mounts, const std::string& target) {
  const Mount* found = nullptr;
  for (const Mount& mount : mounts) {
    if (mount.target == target) {
      found = &mount;
    } else if (found != nullptr && below(target, mount.target)) {
      found = nullptr;
    }
  }
  return found;
}

}  // namespace

std::vector<CheckFailure> verify_mounts(const json::Value& observed, const json::Value& planned) {
  std::vector<CheckFailure> out;
  std::vector<Mount> mounts;
  for (const json::Value& item : observed.items()) {
    mounts.push_back({trim_slashes(item.str("/target")), item.str("/fstype"), item.flag("/read_only")});
  }
  std::vector<std::string> targets;
  for (const json::Value& plan : planned.items()) {
    const std::string target = trim_slashes(plan.str("/target"));
    targets.push_back(target);
    const std::string name = "mount:" + target;
    const Mount* seen = visible_at(mounts, target);
    const std::string want = plan.str("/type") + ", " + mode(plan.flag("/read_only"));
    if (seen == nullptr) {
      out.push_back({name, want, "nothing is mounted there"});
    } else if (seen->read_only != plan.flag("/read_only")) {
      out.push_back({name, want, mode(seen->read_only)});
    } else if (plan.str("/type") == "tmpfs" && seen->fstype != "tmpfs") {
      out.push_back({name, want, "file system " + seen->fstype});
    }
  }
  const Mount* root = visible_at(mounts, "/");
  if (root == nullptr || !root->read_only)
    out.push_back({"mount:/", "read-only", root ? mode(false) : "nothing"});
  for (const Mount& mount : mounts) {
    if (std::find(targets.begin(), targets.end(), mount.target) != targets.end()) continue;
    if (well_known(mount.target)) continue;
    out.push_back({"mount:" + mount.target, "no mount", "file system " + mount.fstype});
  }
  return out;
}

std::vector<CheckFailure> verify_evidence(const json::Value& evidence, const Expectation& expected) {
  Judge judge;
  judge.equal("schema", "scc.evidence/1", evidence.str("/schema", "nothing"));
  judge.equal("nonce", expected.nonce, evidence.str("/nonce", "nothing"));
  judge.equal("token", expected.token, evidence.str("/token", "nothing"));
  // Not this launch's checker: what else it says does not matter, and the nonce is not for printing.
  if (!judge.failures.empty()) return {{"identity", "the evidence of this launch", "another document"}};
  judge_process(judge, evidence, expected);
  judge_paths(judge, evidence, expected);
  judge_network(judge, evidence, expected);
  judge_guard(judge, evidence, expected);
  const json::Value* mounts = evidence.at("/mounts");
  for (CheckFailure& failure : verify_mounts(mounts != nullptr ? *mounts : json::Value(), expected.mounts)) {
    judge.failures.push_back(std::move(failure));
  }
  const std::size_t own = judge.failures.size();
  judge_own_verdict(judge, evidence);
  // The checker's own list repeats what was found here; keep only what it adds.
  for (std::size_t i = judge.failures.size(); i-- > own;) {
    const std::string& name = judge.failures[i].name;
    const auto first_end = judge.failures.begin() + static_cast<std::ptrdiff_t>(own);
    const bool repeated = std::any_of(judge.failures.begin(), first_end,
                                      [&](const CheckFailure& failure) { return failure.name == name; });
    if (repeated) judge.failures.erase(judge.failures.begin() + static_cast<std::ptrdiff_t>(i));
  }
  return std::move(judge.failures);
}

}  // namespace scc::session
