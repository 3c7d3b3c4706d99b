// SPDX-License-Identifier: Apache-2.0
// A sandbox of runtime-docker as the engine itself shows it, past the plugin, and an engine that is missing,
// down or forbidden.
#include <unistd.h>

#include <gmock/gmock.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "integration/runtime/engine_fixture.h"
#include "net/endpoint.h"

namespace scc::test {
namespace {

using testing::Contains;
using testing::HasSubstr;

class DockerTest : public RuntimeTest {
 protected:
  /// The engine's own inspect document.
  static sdk::testing::Value raw_inspect(const std::string& id) {
    const char* host = std::getenv("DOCKER_HOST");
    net::Client client({host == nullptr ? "unix:///var/run/docker.sock" : host, std::nullopt});
    net::Request request;
    request.path = "/containers/" + id + "/json";
    const auto response = client.send(request);
    EXPECT_TRUE(response);
    return response ? sdk::testing::parsed(response->body) : sdk::testing::Value();
  }
};

TEST_F(DockerTest, IsHardenedAsSeenFromOutside) {
  const std::string id = run();
  const auto seen = raw_inspect(id);
  const auto* host = seen.at("/HostConfig");
  ASSERT_NE(host, nullptr);
  EXPECT_EQ(host->strings("/CapDrop"), std::vector<std::string>{"ALL"});
  EXPECT_TRUE(host->strings("/CapAdd").empty());
  EXPECT_THAT(host->strings("/SecurityOpt"), Contains("no-new-privileges"));
  EXPECT_TRUE(host->flag("/ReadonlyRootfs"));
  EXPECT_FALSE(host->flag("/Privileged"));
  EXPECT_TRUE(host->strings("/Devices").empty());
  EXPECT_EQ(host->str("/IpcMode"), "private");
  EXPECT_EQ(host->str("/PidMode"), "");
  EXPECT_EQ(host->str("/UTSMode"), "");
  EXPECT_EQ(host->str("/CgroupnsMode"), "private");
  EXPECT_EQ(host->str("/NetworkMode"), "none");
  EXPECT_EQ(host->str("/RestartPolicy/Name"), "no");
  EXPECT_EQ(host->str("/LogConfig/Type"), "none");
  EXPECT_FALSE(host->flag("/AutoRemove"));
  EXPECT_EQ(host->at("/ShmSize")->integer, 1048576);
  EXPECT_GT(host->at("/MaskedPaths")->children.size(), 3U);
  EXPECT_EQ(seen.str("/Config/User"), "1234:1234");
  EXPECT_EQ(seen.str("/Config/Hostname"), "scc-test");
  EXPECT_EQ(seen.at("/Config/StopTimeout")->integer, 2);
  EXPECT_EQ(seen.strings("/Config/Entrypoint"), (std::vector<std::string>{"/helper", "init"}));
  EXPECT_TRUE(seen.strings("/Config/Cmd").empty());
  EXPECT_EQ(host->at("/Memory")->integer, 268435456);
  EXPECT_EQ(host->at("/PidsLimit")->integer, 64);
}

TEST_F(DockerTest, BindsAreHeldApartFromTheHost) {
  const std::string id = run("a", R"(,{"type":"bind","source":)" + json_text(scratch_.path().string()) +
                                      R"(,"target":"/repo","read_only":true})");
  EXPECT_EQ(raw_inspect(id).str("/HostConfig/Mounts/0/BindOptions/Propagation"), "rprivate");
}

// ---- no engine: these need none ----

struct NoEngine : testing::Test {
  Outcome probe(const sdk::StringMap& env) {
    Engine engine(env);
    const Outcome info = engine.ask(engine.table->probe);
    EXPECT_TRUE(info.ok()) << "a probe never fails: " << info.message;
    EXPECT_FALSE(info.document.flag("/reachable"));
    EXPECT_FALSE(info.document.str("/problems/0/message").empty());
    EXPECT_FALSE(info.document.str("/problems/0/remedy").empty());
    const Outcome list = engine.list("{}");
    EXPECT_FALSE(list.ok()) << "an engine that is down is an error, never an empty list";
    EXPECT_EQ(list.code, info.document.str("/problems/0/code"));
    return list;
  }
  /// A socket that nobody listens on.
  std::string stale_socket() {
    const std::string path = (scratch_.path() / "stale.sock").string();
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    close(fd);
    return path;
  }
  ScratchDir scratch_;
};

TEST_F(NoEngine, MissingDownAndForbiddenAreTold) {
  const std::string none = "unix://" + (scratch_.path() / "none.sock").string();
  const Outcome missing = probe({{"HOME", "/nonexistent"}, {"DOCKER_HOST", none}});
  EXPECT_EQ(missing.code, "runtime.missing");
  EXPECT_EQ(missing.status, SCC_E_PREREQ);

  const std::string stale = stale_socket();
  const Outcome down = probe({{"HOME", "/nonexistent"}, {"DOCKER_HOST", "unix://" + stale}});
  EXPECT_EQ(down.code, "runtime.unreachable");
  EXPECT_EQ(down.status, SCC_E_PREREQ);

  ASSERT_EQ(chmod(stale.c_str(), 0), 0);
  const bool root = geteuid() == 0;
  if (root) {
    ASSERT_EQ(seteuid(65534), 0);
  }
  const Outcome denied = probe({{"HOME", "/nonexistent"}, {"DOCKER_HOST", "unix://" + stale}});
  if (root) {
    ASSERT_EQ(seteuid(0), 0);
  }
  EXPECT_EQ(denied.code, "runtime.permission");
  EXPECT_EQ(denied.status, SCC_E_PREREQ);
  EXPECT_THAT(denied.hint, HasSubstr("group"));
}

TEST_F(NoEngine, RefusesSshWithTheWayOut) {
  const Outcome ssh = probe({{"HOME", "/nonexistent"}, {"DOCKER_HOST", "ssh://user@host"}});
  EXPECT_EQ(ssh.code, "runtime.ssh");
  EXPECT_THAT(ssh.hint, HasSubstr("ssh -nNT -L"));
}

}  // namespace
}  // namespace scc::test
