// SPDX-License-Identifier: Apache-2.0
// The hard rules: evidence of a good sandbox passes, and each single deviation fails under its own name.
#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <string>

#include <gtest/gtest.h>

#include "sandbox/evidence.h"

namespace {

struct Fixture {
  Fixture() : evidence(std::make_unique<Evidence>()) {
    std::memset(evidence.get(), 0, sizeof(Evidence));
    evidence->capabilities_known = true;
    evidence->no_new_privs = 1;
    evidence->seccomp_mode_before = evidence->seccomp_mode = 2;
    evidence->seccomp_filters_before = 1;
    evidence->seccomp_filters = 2;
    for (int i = 0; i < 4; ++i) evidence->uids[i] = evidence->gids[i] = 1000;
    evidence->rootfs_read_only = true;
    evidence->create_error = EROFS;
    evidence->unix_scanned = true;
    evidence->mounts_known = true;
    std::strcpy(evidence->cwd, "/ws");
    socket = {"/var/run/docker.sock", false, false, false, nullptr, ENOENT};
    readonly = {"/etc/x", true, true, true, "file", EROFS};
    evidence->sockets = &socket;
    evidence->readonly = &readonly;
    options.expect_uid = options.expect_gid = 1000;
    options.socket_count = options.readonly_count = 1;
  }

  std::string failed() {
    judge_evidence(&options, evidence.get());
    TextBuffer names = {};
    text_string(&names, "");
    failed_names(evidence.get(), &names);
    const std::string result(names.data, names.size);
    text_free(&names);
    EXPECT_EQ(evidence->passed, result.empty());
    return result;
  }

  std::unique_ptr<Evidence> evidence;
  CheckOptions options = {};
  PathFinding socket = {};
  PathFinding readonly = {};
};

TEST(Judge, PassesAGoodSandbox) {
  Fixture fixture;
  EXPECT_EQ(fixture.failed(), "");
}

TEST(Judge, EachDeviationFailsItsOwnRule) {
  static char found[] = "/x/docker.sock";
  struct Case {
    const char* name;
    std::function<void(Fixture&)> spoil;
  };
  const Case cases[] = {
      {"cap-effective", [](Fixture& f) { f.evidence->capabilities[0] = 1; }},
      {"cap-permitted", [](Fixture& f) { f.evidence->capabilities[1] = 1; }},
      {"cap-inheritable", [](Fixture& f) { f.evidence->capabilities[2] = 1; }},
      {"cap-bounding", [](Fixture& f) { f.evidence->capabilities[3] = 1ULL << 40; }},
      {"cap-ambient", [](Fixture& f) { f.evidence->capabilities[4] = 1; }},
      {"no-new-privileges", [](Fixture& f) { f.evidence->no_new_privs = 0; }},
      {"no-new-privileges", [](Fixture& f) { f.evidence->no_new_privs = -1; }},
      {"seccomp", [](Fixture& f) { f.evidence->seccomp_mode_before = 0; }},
      {"seccomp", [](Fixture& f) { f.evidence->seccomp_mode_before = -1; }},
      {"seccomp-filter", [](Fixture& f) { f.evidence->filter_error = EINVAL; }},
      {"seccomp-filter", [](Fixture& f) { f.evidence->seccomp_mode = 0; }},
      {"seccomp-filter", [](Fixture& f) { f.evidence->seccomp_filters = 1; }},
      {"rootfs-read-only", [](Fixture& f) { f.evidence->rootfs_read_only = false; }},
      {"rootfs-read-only", [](Fixture& f) { f.evidence->create_error = 0; }},
      {"uid", [](Fixture& f) { f.evidence->uids[2] = 1001; }},
      {"uid", [](Fixture& f) { f.options.expect_uid = 1001; }},
      {"gid", [](Fixture& f) { f.evidence->gids[0] = 0; }},
      {"uid, not-root", [](Fixture& f) { f.evidence->uids[1] = 0; }},
      {"uid, not-root", [](Fixture& f) { f.evidence->uids[3] = -1; }},
      {"engine-sockets", [](Fixture& f) { f.socket.error = 0; }},
      {"engine-sockets", [](Fixture& f) { f.socket.error = EIO; }},
      {"engine-sockets", [](Fixture& f) { f.evidence->socket_mounts.overflow = true; }},
      {"engine-sockets",
       [](Fixture& f) { f.evidence->socket_mounts.items[f.evidence->socket_mounts.count++] = found; }},
      {"engine-sockets",
       [](Fixture& f) { f.evidence->socket_finds.items[f.evidence->socket_finds.count++] = found; }},
      {"engine-sockets",
       [](Fixture& f) { f.evidence->unix_sockets.items[f.evidence->unix_sockets.count++] = found; }},
      {"engine-sockets", [](Fixture& f) { f.evidence->mounts_known = false; }},
      {"engine-sockets", [](Fixture& f) { f.evidence->unix_scanned = false; }},
      {"cwd", [](Fixture& f) { f.evidence->cwd[0] = '\0'; }},
      {"readonly", [](Fixture& f) { f.readonly.protected_by_mount = false; }},
      {"readonly", [](Fixture& f) { f.readonly.pinned = false; }},
  };
  for (const Case& test : cases) {
    Fixture fixture;
    test.spoil(fixture);
    EXPECT_EQ(fixture.failed(), test.name);
  }
}

TEST(Judge, ANetworkOfItsOwnHasNobodyButTheProxy) {
  static char own[] = "10.213.0.3";
  static char other[] = "10.213.0.9";
  const auto add = [](FindList& list, char* text) { list.items[list.count++] = text; };
  const auto good = [&](Fixture& f) {
    f.options.address = "10.213.0.3/29";
    f.options.proxy = "10.213.0.2:3128";
    f.evidence->network.known = true;
    f.evidence->network.proxy_status = 403;
    add(f.evidence->network.addresses, own);
    add(f.evidence->network.interfaces, other);
    add(f.evidence->network.gateways, other);  // that nobody answers at
  };
  Fixture fine;
  good(fine);
  EXPECT_EQ(fine.failed(), "");
  struct Case {
    const char* name;
    std::function<void(NetworkFinding&)> spoil;
  };
  const Case cases[] = {
      {"network-address", [&](NetworkFinding& n) { add(n.addresses, other); }},
      {"network-address", [&](NetworkFinding& n) { n.addresses.items[0] = other; }},
      {"network-address", [&](NetworkFinding& n) { n.addresses.count = 0; }},
      {"network-address", [&](NetworkFinding& n) { n.addresses.overflow = true; }},
      {"network-interfaces", [&](NetworkFinding& n) { add(n.interfaces, own); }},
      {"network-interfaces", [&](NetworkFinding& n) { n.interfaces.count = 0; }},
      {"network-routes", [&](NetworkFinding& n) { add(n.routes, own); }},
      {"network-gateway", [&](NetworkFinding& n) { add(n.answered, other); }},
      {"network-resolvers", [&](NetworkFinding& n) { add(n.resolvers, other); }},
      {"host-listeners", [&](NetworkFinding& n) { add(n.reached, other); }},
      {"proxy-denies", [&](NetworkFinding& n) { n.proxy_status = 200; }},
      {"proxy-denies", [&](NetworkFinding& n) { n.proxy_status = -111; }},
      {"network-address, network-routes, network-gateway, network-resolvers, host-listeners",
       [&](NetworkFinding& n) { n.known = false; }},
  };
  for (const Case& test : cases) {
    Fixture fixture;
    good(fixture);
    test.spoil(fixture.evidence->network);
    EXPECT_EQ(fixture.failed(), test.name);
  }
}

TEST(Judge, AToolWithoutTheGuardFails) {
  Fixture fixture;
  std::string plain = "/usr/bin/git";
  fixture.evidence->guard.unguarded.items[0] = plain.data();
  fixture.evidence->guard.unguarded.count = 1;
  EXPECT_EQ(fixture.failed(), "");  // nobody asked
  fixture.options.guard = "/opt/scc/bin/scc-guard";
  EXPECT_EQ(fixture.failed(), "guard");
  fixture.evidence->guard.unguarded.count = 0;
  EXPECT_EQ(fixture.failed(), "");
  fixture.evidence->guard.guarded.overflow = true;
  EXPECT_EQ(fixture.failed(), "guard");
  fixture.evidence->guard.guarded.overflow = false;
  fixture.evidence->guard.error = ENOENT;
  EXPECT_EQ(fixture.failed(), "guard");
}

TEST(Judge, UnreadableCapabilitiesFailAll) {
  Fixture fixture;
  fixture.evidence->capabilities_known = false;
  EXPECT_EQ(fixture.failed(), "cap-effective, cap-permitted, cap-inheritable, cap-bounding, cap-ambient");
}

TEST(Judge, RootPassesOnlyWhenAllowed) {
  Fixture fixture;
  for (int i = 0; i < 4; ++i) fixture.evidence->uids[i] = 0;
  fixture.options.expect_uid = 0;
  EXPECT_EQ(fixture.failed(), "not-root");
  fixture.options.allow_root = true;
  EXPECT_EQ(fixture.failed(), "");
}

TEST(Judge, OldKernelsWithoutAFilterCountPass) {
  Fixture fixture;
  fixture.evidence->seccomp_filters_before = fixture.evidence->seccomp_filters = -1;
  EXPECT_EQ(fixture.failed(), "");
}

TEST(Judge, AnUnreadableDirectoryHidesASocketPath) {
  Fixture fixture;
  fixture.socket.error = EACCES;
  EXPECT_EQ(fixture.failed(), "");
}

TEST(Judge, WritesTheDocument) {
  Fixture fixture;
  static char target[] = "/ws \x1b";
  static char other[] = "x";
  MountEntry mount = {};
  mount.root = mount.fstype = mount.source = other;
  mount.target = target;
  mount.slave = true;
  fixture.evidence->mounts = &mount;
  fixture.evidence->mount_count = 1;
  fixture.evidence->no_new_privs = 0;
  fixture.options.nonce = "n";
  fixture.failed();
  TextBuffer out = {};
  write_evidence(&fixture.options, fixture.evidence.get(), &out);
  const std::string text(out.data, out.size);
  text_free(&out);
  EXPECT_NE(
      text.find(
          R"({"schema":"scc.evidence/1","nonce":"n","token":null,"passed":false,"failed":["no-new-privileges"])"),
      std::string::npos);
  EXPECT_NE(text.find(R"({"name":"no-new-privileges","expected":"1","observed":"0","passed":false})"),
            std::string::npos);
  EXPECT_NE(text.find(R"("mounts":[{"target":"/ws \u001b","root":"x")"), std::string::npos);
  EXPECT_NE(text.find(R"("propagation":"slave")"), std::string::npos);
  EXPECT_EQ(text.find('\n'), std::string::npos);
}

}  // namespace
