// SPDX-License-Identifier: Apache-2.0
// Each fact of the evidence is spoiled once, and the judge must name it.
#include "session/evidence.h"

#include <functional>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/fake_exec.h"
#include "support/launch_plan.h"

namespace scc::session {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class EvidenceTest : public ::testing::Test {
 protected:
  Expectation expected{"nonce-0123456789",
                       "token",
                       1000,
                       1000,
                       false,
                       {"/s.sock"},
                       {"/etc/passwd"},
                       *test::make_plan().at("/sandbox/mounts")};

  json::Value good() const {
    const json::Value argv =
        json::Array{"check",        "run",         "--token",      "token", "--nonce",  "nonce-0123456789",
                    "--expect-uid", "1000",        "--expect-gid", "1000",  "--socket", "/s.sock",
                    "--readonly",   "/etc/passwd", "--",           "agent"};
    const test::ExecPeer peer(os::Fd(), json::Object{{"argv", argv}, {"tty", false}}, nullptr);
    return test::good_evidence(peer, expected.mounts);
  }
  std::vector<std::string> names(const std::function<void(json::Value&)>& spoil) const {
    json::Value evidence = good();
    spoil(evidence);
    std::vector<std::string> out;
    for (const CheckFailure& failure : verify_evidence(evidence, expected)) out.push_back(failure.name);
    return out;
  }
  static void add_mount(json::Value& evidence, const char* target, bool read_only = true,
                        const char* fstype = "ext4") {
    evidence["mounts"].array().push_back(
        json::Object{{"target", target}, {"fstype", fstype}, {"read_only", read_only}});
  }
};

TEST_F(EvidenceTest, AcceptsWhatWasPlanned) {
  EXPECT_THAT(names([](json::Value&) {}), IsEmpty());
}

TEST_F(EvidenceTest, RefusesAnotherDocument) {
  EXPECT_THAT(names([](json::Value& e) { e["nonce"] = "other"; }), ElementsAre("identity"));
  EXPECT_THAT(names([](json::Value& e) { e["token"] = "other"; }), ElementsAre("identity"));
  EXPECT_THAT(names([](json::Value& e) { e["schema"] = "scc.evidence/2"; }), ElementsAre("identity"));
  EXPECT_THAT(names([](json::Value& e) { e = json::Array{}; }), ElementsAre("identity"));
}

TEST_F(EvidenceTest, RefusesAnyCapability) {
  for (const char* set : {"effective", "permitted", "inheritable", "bounding", "ambient"}) {
    EXPECT_THAT(names([&](json::Value& e) { e["capabilities"][set] = "0000000000000001"; }),
                ElementsAre("cap-" + std::string(set)));
    EXPECT_THAT(names([&](json::Value& e) { e["capabilities"].object().erase(set); }),
                ElementsAre("cap-" + std::string(set)));
  }
}

TEST_F(EvidenceTest, RefusesAWeakProcess) {
  EXPECT_THAT(names([](json::Value& e) { e["no_new_privs"] = 0; }), ElementsAre("no-new-privileges"));
  EXPECT_THAT(names([](json::Value& e) { e["no_new_privs"] = true; }), ElementsAre("no-new-privileges"));
  EXPECT_THAT(names([](json::Value& e) { e["seccomp"]["mode_before"] = 0; }), ElementsAre("seccomp"));
  EXPECT_THAT(names([](json::Value& e) { e["seccomp"]["mode"] = 0; }), ElementsAre("seccomp-filter"));
  EXPECT_THAT(names([](json::Value& e) { e["uid"] = 0; }), ElementsAre("uid"));
  EXPECT_THAT(names([](json::Value& e) { e["uids"].array()[2] = 0; }), ElementsAre("uids"));
  EXPECT_THAT(names([](json::Value& e) { e["gids"] = json::Array{}; }), ElementsAre("gids"));
  EXPECT_THAT(names([](json::Value& e) { e["rootfs"]["read_only"] = false; }),
              ElementsAre("rootfs-read-only"));
  EXPECT_THAT(names([](json::Value& e) { e["rootfs"]["create_error"] = ""; }), ElementsAre("rootfs-create"));
  EXPECT_THAT(names([](json::Value& e) { e["tty"] = true; }), ElementsAre("tty"));
}

TEST_F(EvidenceTest, RefusesVisibleSocketsAndWritableFiles) {
  EXPECT_THAT(names([](json::Value& e) { e["sockets"].array()[0]["visible"] = true; }),
              ElementsAre("socket:/s.sock"));
  EXPECT_THAT(names([](json::Value& e) { e["sockets"] = json::Array{}; }), ElementsAre("socket:/s.sock"));
  EXPECT_THAT(names([](json::Value& e) { e["socket_mounts"].array().push_back("/x.sock"); }),
              ElementsAre("socket-mounts"));
  EXPECT_THAT(names([](json::Value& e) { e["unix_sockets"].array().push_back("/x.sock"); }),
              ElementsAre("unix-sockets"));
  EXPECT_THAT(names([](json::Value& e) { e.object().erase("socket_finds"); }), ElementsAre("socket-finds"));
  for (const char* fact : {"present", "protected", "pinned"}) {
    EXPECT_THAT(names([&](json::Value& e) { e["readonly"].array()[0][fact] = false; }),
                ElementsAre("readonly:/etc/passwd"));
  }
  EXPECT_THAT(names([](json::Value& e) { e["readonly"] = json::Array{}; }),
              ElementsAre("readonly:/etc/passwd"));
}

TEST_F(EvidenceTest, RefusesAToolWithoutTheGuard) {
  expected.guard = true;
  expected.guarded = {"/usr/bin/git"};
  const auto with = [](json::Array guarded, json::Array unguarded) {
    return [guarded, unguarded](json::Value& e) {
      e["guard"]["guarded"] = guarded;
      e["guard"]["unguarded"] = unguarded;
    };
  };
  EXPECT_THAT(names(with({"/usr/bin/git", "/bin/git"}, {})), IsEmpty());
  EXPECT_THAT(names(with({"/usr/bin/git"}, {"/usr/local/bin/git"})), ElementsAre("guard:/usr/local/bin/git"));
  EXPECT_THAT(names(with({}, {})), ElementsAre("guard:/usr/bin/git"));
  EXPECT_THAT(names([](json::Value&) {}), ElementsAre("guard", "guard:/usr/bin/git"));
}

TEST_F(EvidenceTest, RefusesTheCheckersOwnNo) {
  EXPECT_THAT(names([](json::Value& e) {
                e["passed"] = false;
                e["checks"].array().push_back(json::Object{{"name", "cwd"}, {"passed", false}});
              }),
              ElementsAre("cwd"));
  EXPECT_THAT(names([](json::Value& e) { e["passed"] = false; }), ElementsAre("passed"));
  EXPECT_THAT(names([](json::Value& e) { e["failed"].array().push_back("x"); }), ElementsAre("failed"));
  EXPECT_THAT(names([](json::Value& e) { e["checks"] = json::Array{}; }), ElementsAre("checks"));
}

TEST_F(EvidenceTest, RefusesMountsThatWereNotPlanned) {
  EXPECT_THAT(names([](json::Value& e) { add_mount(e, "/home/u/.ssh"); }), ElementsAre("mount:/home/u/.ssh"));
  EXPECT_THAT(names([](json::Value& e) { add_mount(e, "/home/u/repo/nested"); }),
              ElementsAre("mount:/home/u/repo/nested"));
  EXPECT_THAT(names([](json::Value& e) { add_mount(e, "/dev/sda1"); }), ElementsAre("mount:/dev/sda1"));
  EXPECT_THAT(names([](json::Value& e) { add_mount(e, "/processes"); }), ElementsAre("mount:/processes"));
  EXPECT_THAT(names([](json::Value& e) {
                add_mount(e, "/proc/kcore", false, "tmpfs");
                add_mount(e, "/sys/firmware", true, "tmpfs");
                add_mount(e, "/dev/shm", false, "tmpfs");
                add_mount(e, "/etc/hosts", false);
              }),
              IsEmpty());
}

TEST_F(EvidenceTest, RefusesMissingAndChangedMounts) {
  const auto entry = [](json::Value& e, const char* target) -> json::Value& {
    for (json::Value& mount : e["mounts"].array()) {
      if (mount.str("/target") == target) return mount;
    }
    throw std::logic_error(target);
  };
  EXPECT_THAT(names([&](json::Value& e) { entry(e, "/etc/passwd")["read_only"] = false; }),
              ElementsAre("mount:/etc/passwd"));
  EXPECT_THAT(names([&](json::Value& e) { entry(e, "/home/u/repo")["read_only"] = true; }),
              ElementsAre("mount:/home/u/repo"));
  EXPECT_THAT(names([&](json::Value& e) { entry(e, "/run/scc")["fstype"] = "ext4"; }),
              ElementsAre("mount:/run/scc"));
  EXPECT_THAT(names([&](json::Value& e) { entry(e, "/home/u/repo")["target"] = "/home/u/repp"; }),
              ElementsAre("mount:/home/u/repo", "mount:/home/u/repp"));
  EXPECT_THAT(names([&](json::Value& e) { entry(e, "/")["read_only"] = false; }), ElementsAre("mount:/"));
  EXPECT_THAT(names([](json::Value& e) { e.object().erase("mounts"); }), Contains("mount:/etc/passwd"));
}

TEST_F(EvidenceTest, RefusesANetworkWithMoreThanTheProxy) {
  expected.address = "10.213.0.3/29";
  expected.proxy = "10.213.0.2:3128";
  expected.unreachable = {"192.0.2.2:4000"};
  const auto with = [&](const std::function<void(json::Value&)>& spoil) {
    return names([&](json::Value& e) {
      e["network"] = json::Object{{"known", true},
                                  {"interfaces", json::Array{"eth0"}},
                                  {"addresses", json::Array{"10.213.0.3"}},
                                  {"routes", json::Array{}},
                                  {"resolvers", json::Array{}},
                                  {"address", "10.213.0.3/29"},
                                  {"gateways", json::Array{"10.213.0.1"}},
                                  {"answered", json::Array{}},
                                  {"reached", json::Array{}},
                                  {"unreachable", json::Array{"192.0.2.2:4000"}},
                                  {"proxy", "10.213.0.2:3128"},
                                  {"proxy_status", 403}};
      spoil(e["network"]);
    });
  };
  EXPECT_THAT(with([](json::Value&) {}), IsEmpty());
  for (const char* list : {"routes", "answered", "resolvers", "reached"}) {
    EXPECT_THAT(with([&](json::Value& n) { n[list] = json::Array{"x"}; }),
                ElementsAre("network-" + std::string(list)));
    EXPECT_THAT(with([&](json::Value& n) { n.object().erase(list); }),
                ElementsAre("network-" + std::string(list)));
  }
  EXPECT_THAT(with([](json::Value& n) { n["addresses"].array().push_back("fe80::1"); }),
              ElementsAre("network-addresses"));
  EXPECT_THAT(with([](json::Value& n) { n["address"] = "10.0.0.3/29"; }), ElementsAre("network-address"));
  EXPECT_THAT(with([](json::Value& n) { n["interfaces"].array().push_back("eth1"); }),
              ElementsAre("network-interfaces"));
  EXPECT_THAT(with([](json::Value& n) { n["unreachable"] = json::Array{}; }),
              ElementsAre("network-unreachable"))
      << "it did not look where something listened";
  EXPECT_THAT(with([](json::Value& n) { n["proxy"] = "10.213.0.9:3128"; }), ElementsAre("proxy"));
  EXPECT_THAT(with([](json::Value& n) { n["proxy_status"] = 200; }), ElementsAre("proxy-denies"));
  EXPECT_THAT(with([](json::Value& n) { n["known"] = false; }), ElementsAre("network-known"));
}

TEST_F(EvidenceTest, SeesWhatLiesOnTop) {
  EXPECT_THAT(names([](json::Value& e) { add_mount(e, "/etc/passwd", false); }),
              ElementsAre("mount:/etc/passwd"))
      << "a writable file mounted over the read-only one";
  EXPECT_THAT(names([](json::Value& e) { add_mount(e, "/run/scc", false, "tmpfs"); }), IsEmpty());
  EXPECT_THAT(names([](json::Value& e) { add_mount(e, "/etc", true); }),
              ElementsAre("mount:/etc/passwd", "mount:/etc"))
      << "a later mount on the parent hides the planned one";
}

}  // namespace
}  // namespace scc::session
