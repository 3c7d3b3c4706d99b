// SPDX-License-Identifier: Apache-2.0
// One deviation from a good sandbox at a time: each is seen by its own rule, and the agent never runs,
// whatever the host answers.
#include <cstring>
#include <fstream>
#include <string>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>

#include "engine_test.h"

namespace scc::test {
namespace {

namespace fs = std::filesystem;

// A listening socket on the host that stands for an engine's.
class HostSocket {
 public:
  explicit HostSocket(fs::path path)
      : path_(std::move(path)), fd_(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    path_.string().copy(address.sun_path, sizeof address.sun_path - 1);
    if (bind(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(fd_, 1) != 0) {
      throw std::runtime_error("cannot bind " + path_.string());
    }
  }
  HostSocket(const HostSocket&) = delete;
  HostSocket& operator=(const HostSocket&) = delete;
  ~HostSocket() {
    close(fd_);
    std::error_code ignored;
    fs::remove(path_, ignored);
  }

 private:
  fs::path path_;
  int fd_;
};

class Refusal : public EngineTest {
 protected:
  // `failed` is what the evidence lists, joined by spaces.
  static void refused(const Deviation& deviation, const std::string& failed, Arguments checks = {}) {
    Box box(deviation);
    ASSERT_TRUE(box.started) << box.error;
    const std::string uid = std::to_string(Stage::get().uid);
    checks.insert(checks.end(), {"--socket", "/var/run/engine.sock"});
    Child child(box.checked({"/opt/scc/bin/probe", "mark", "/ws/ran"}, {"-i"}, checks));
    const json::Value evidence = read_evidence(child);
    ASSERT_TRUE(evidence.is_object()) << child.err;
    EXPECT_FALSE(evidence.at("/passed")->as_bool());
    std::string names;
    for (const json::Value& name : evidence.at("/failed")->items()) {
      names += (names.empty() ? "" : " ") + name.as_string();
    }
    EXPECT_EQ(names, failed);
    child.send(go_frame());
    EXPECT_EQ(child.wait(), 125);
    EXPECT_EQ(child.err.rfind("scc-check: this sandbox fails: ", 0), 0U) << child.err;
    EXPECT_EQ(child.out, "") << "nothing after the evidence";
    EXPECT_FALSE(fs::exists(box.workspace / "ran"));
    // Without the dialogue the same rules hold.
    Arguments silent = checks;
    silent.emplace_back("--no-handshake");
    EXPECT_EQ(run(box.checked({"/opt/scc/bin/probe", "mark", "/ws/ran"}, {"-i"}, silent)).code, 125);
    EXPECT_FALSE(fs::exists(box.workspace / "ran"));
  }

  static Deviation with(Arguments add, Arguments drop = {}, std::string user = {}) {
    Deviation deviation;
    deviation.add = std::move(add);
    deviation.drop = std::move(drop);
    deviation.user = std::move(user);
    return deviation;
  }
};

TEST_F(Refusal, AddedCapability) {
  refused(with({"--cap-add", "NET_ADMIN"}), "cap-bounding");
}

TEST_F(Refusal, EffectiveCapability) {
  refused(with({"--cap-add", "NET_ADMIN"}, {"--tmpfs"}, "0:0"), "cap-effective cap-permitted cap-bounding",
          {"--allow-root"});
}

TEST_F(Refusal, NewPrivilegesPossible) {
  refused(with({}, {"--security-opt"}), "no-new-privileges");
}

TEST_F(Refusal, NoSeccompProfile) {
  refused(with({"--security-opt", "seccomp=unconfined"}), "seccomp");
}

TEST_F(Refusal, WritableRootFilesystem) {
  refused(with({}, {"--read-only"}), "rootfs-read-only");
}

TEST_F(Refusal, Root) {
  refused(with({}, {"--tmpfs"}, "0:0"), "not-root");
}

TEST_F(Refusal, AnotherUser) {
  refused({}, "uid gid", {"--expect-uid", "4242", "--expect-gid", "4242"});
}

TEST_F(Refusal, EngineSocketAtItsPlace) {
  const HostSocket socket(Stage::get().root / "engine.sock");
  refused(with({"-v", (Stage::get().root / "engine.sock").string() + ":/var/run/engine.sock"}),
          "engine-sockets");
}

TEST_F(Refusal, EngineSocketUnderAnotherName) {
  const HostSocket socket(Stage::get().root / "engine.sock");
  refused(with({"-v", (Stage::get().root / "engine.sock").string() + ":/extra/harmless"}), "engine-sockets");
}

TEST_F(Refusal, EngineSocketInABoundDirectory) {
  fs::create_directories(Stage::get().root / "engine-dir");
  const HostSocket socket(Stage::get().root / "engine-dir" / "engine.sock");
  refused(with({"-v", (Stage::get().root / "engine-dir").string() + ":/extra:ro"}), "engine-sockets");
}

TEST_F(Refusal, EngineSocketInASharedNetworkNamespace) {
  const HostSocket socket(Stage::get().root / "engine.sock");
  refused(with({"--network", "host"}, {"--network", "--hostname"}), "engine-sockets");
}

TEST_F(Refusal, WritableOrMissingPolicyFiles) {
  refused({}, "readonly", {"--readonly", "/opt/scc/bin", "--readonly", "/ws"});
  refused({}, "readonly", {"--readonly", "/etc/no-such-file"});
}

// `mv dir away && mkdir dir` would give the agent the path back, although the file itself cannot be written.
TEST_F(Refusal, PolicyFileInADirectoryThatCanBeRenamed) {
  const fs::path host = Stage::get().root / "policy";
  std::ofstream(host) << "x";
  const std::string file = host.string() + ":/extra/dir/policy:ro";
  // The engine makes the directories in the tmpfs; /extra belongs to the agent.
  const std::string id = std::to_string(Stage::get().uid);
  const Arguments loose = {"--tmpfs", "/extra:mode=0700,uid=" + id + ",gid=" + id, "-v", file};
  refused(with(loose), "readonly", {"--readonly", "/extra/dir/policy"});
}

// The deviations above are refused for what they are: without one, the same command line runs.
TEST_F(Refusal, ControlWithoutDeviation) {
  const HostSocket socket(Stage::get().root / "engine.sock");
  Box box;
  ASSERT_TRUE(box.started) << box.error;
  Child child(
      box.checked({"/opt/scc/bin/probe", "mark", "/ws/ran"}, {"-i"}, {"--socket", "/var/run/engine.sock"}));
  const json::Value evidence = read_evidence(child);
  ASSERT_TRUE(evidence.is_object()) << child.err;
  EXPECT_TRUE(evidence.at("/passed")->as_bool());
  child.send(go_frame());
  EXPECT_EQ(child.wait(), 0) << child.err;
  EXPECT_TRUE(fs::exists(box.workspace / "ran"));
}

TEST_F(Refusal, RootIsPossibleOnlyWhenAllowed) {
  Box box(with({}, {"--tmpfs"}, "0:0"));
  ASSERT_TRUE(box.started) << box.error;
  Child child(
      box.checked({"/opt/scc/bin/probe", "exit", "0"}, {"-i"}, {"--allow-root", "--expect-uid", "0"}));
  const json::Value evidence = read_evidence(child);
  ASSERT_TRUE(evidence.is_object()) << child.err;
  EXPECT_TRUE(evidence.at("/passed")->as_bool());
}

}  // namespace
}  // namespace scc::test
