// SPDX-License-Identifier: Apache-2.0
// The create documents byte for byte where it matters, and every spec that must not become one.
#include <gtest/gtest.h>

#include <scc/oci/spec.hpp>
#include <scc/sdk/testing.hpp>

namespace scc::oci {
namespace {

using sdk::testing::parsed;
using sdk::testing::Value;

const char* const kSpec = R"({"schema":"scc.sandbox-spec/1","name":"n","image":"img:1","hostname":"h",
  "labels":{"scc.managed":"true"},"argv":["/init","--x"],"env":{"A":"1","B":"x=y"},"workdir":"/w",
  "user":{"uid":1000,"gid":1001},
  "mounts":[{"type":"bind","source":"/s:,\"p","target":"/w","read_only":true},
            {"type":"volume","source":"v","target":"/v","read_only":false},
            {"type":"tmpfs","target":"/t","read_only":false,"options":{"size":1024,"mode":"0700","uid":1,"gid":2,"exec":true}}],
  "network":{"mode":"named","name":"net"},"dns":["10.0.0.2"],"extra_hosts":["h:1.2.3.4"],
  "resources":{"memory_bytes":1000,"pids":10,"nofile":20,"shm_bytes":30,"cpus":1.5},
  "security":{"cap_drop":["ALL"],"no_new_privileges":true,"read_only_root":true},"stop_grace_ms":1500})";

struct SpecTest : testing::Test {
  CreateBody body(const std::string& spec, const Abilities& abilities = {}) {
    return create_body(host_.host().parse(spec), abilities);
  }
  Value document(const Abilities& abilities = {}) { return parsed(body(kSpec, abilities).json); }
  /// kSpec with one replacement.
  static std::string with(const std::string& from, const std::string& to) {
    std::string spec = kSpec;
    const auto at = spec.find(from);
    EXPECT_NE(at, std::string::npos) << from;
    return spec.replace(at, from.size(), to);
  }
  std::string refusal(const std::string& from, const std::string& to) {
    try {
      body(with(from, to));
    } catch (const sdk::Failure& failure) {
      return failure.code;
    }
    ADD_FAILURE() << "accepted: " << to;
    return {};
  }
  sdk::testing::FakeHost host_;
};

TEST_F(SpecTest, ASandboxHasTheAddressThatItIsGiven) {
  const auto doc =
      parsed(body(with(R"("name":"net"})", R"("name":"net","address":"10.0.0.3","ipv6":false})")).json);
  EXPECT_EQ(doc.str("/NetworkingConfig/EndpointsConfig/net/IPAMConfig/IPv4Address"), "10.0.0.3");
  EXPECT_EQ(document().at("/NetworkingConfig"), nullptr);
  EXPECT_EQ(document().at("/HostConfig/Sysctls"), nullptr);
  const auto two = parsed(body(with(R"("dns":)", R"("networks":[{"name":"more"}],"dns":)")).json);
  EXPECT_EQ(two.str("/HostConfig/Sysctls/net.ipv4.ip_forward"), "0") << "it stands between two networks";
  EXPECT_EQ(refusal(R"("name":"net"})", R"("name":"net","address":"10.0.0.3;x"})"), "runtime.spec");
  EXPECT_EQ(refusal(R"({"mode":"named","name":"net"})", R"({"mode":"bridge","address":"10.0.0.3"})"),
            "runtime.spec");
  EXPECT_EQ(refusal(R"({"mode":"named","name":"net"})", R"({"mode":"none"},"networks":[{"name":"net"}])"),
            "runtime.spec");
  EXPECT_EQ(refusal(R"("dns":)", R"("networks":[{"name":"../x"}],"dns":)"), "runtime.name");
}

TEST_F(SpecTest, WritesEveryHardeningOption) {
  const Value doc = document();
  EXPECT_EQ(doc.strings("/HostConfig/CapDrop"), std::vector<std::string>{"ALL"});
  EXPECT_EQ(doc.strings("/HostConfig/SecurityOpt"), std::vector<std::string>{"no-new-privileges"});
  EXPECT_TRUE(doc.flag("/HostConfig/ReadonlyRootfs"));
  for (const char* off :
       {"/HostConfig/Privileged", "/HostConfig/Init", "/HostConfig/AutoRemove", "/HostConfig/OomKillDisable",
        "/HostConfig/PublishAllPorts", "/Tty", "/OpenStdin"}) {
    ASSERT_NE(doc.at(off), nullptr) << off;
    EXPECT_EQ(doc.at(off)->type, SCC_JSON_BOOL) << off;
    EXPECT_FALSE(doc.flag(off)) << off;
  }
  EXPECT_EQ(doc.str("/HostConfig/IpcMode"), "private");
  EXPECT_EQ(doc.str("/HostConfig/CgroupnsMode"), "private");
  EXPECT_EQ(doc.str("/HostConfig/RestartPolicy/Name"), "no");
  EXPECT_EQ(doc.str("/HostConfig/LogConfig/Type"), "none");
  EXPECT_EQ(doc.strings("/Healthcheck/Test"), std::vector<std::string>{"NONE"});
  for (const char* absent : {"/HostConfig/PidMode", "/HostConfig/Binds", "/HostConfig/UTSMode",
                             "/HostConfig/UsernsMode", "/ExposedPorts", "/HostConfig/PortBindings"}) {
    EXPECT_EQ(doc.at(absent), nullptr) << absent;
  }
}

TEST_F(SpecTest, TranslatesTheRest) {
  const Value doc = document();
  EXPECT_EQ(doc.str("/User"), "1000:1001");
  EXPECT_EQ(doc.strings("/Entrypoint"), (std::vector<std::string>{"/init", "--x"}));
  ASSERT_NE(doc.at("/Cmd"), nullptr);
  EXPECT_TRUE(doc.strings("/Cmd").empty());
  EXPECT_EQ(doc.strings("/Env"), (std::vector<std::string>{"A=1", "B=x=y"}));
  EXPECT_EQ(doc.str("/HostConfig/NetworkMode"), "net");
  EXPECT_EQ(doc.strings("/HostConfig/Dns"), std::vector<std::string>{"10.0.0.2"});
  EXPECT_EQ(doc.at("/StopTimeout")->integer, 2) << "rounded up";
  EXPECT_EQ(doc.str("/HostConfig/Mounts/0/Source"), "/s:,\"p");
  EXPECT_TRUE(doc.flag("/HostConfig/Mounts/0/ReadOnly"));
  EXPECT_EQ(doc.str("/HostConfig/Mounts/0/BindOptions/Propagation"), "rprivate");
  EXPECT_TRUE(doc.flag("/HostConfig/Mounts/0/BindOptions/NonRecursive"));
  EXPECT_EQ(doc.str("/HostConfig/Mounts/1/Source"), "v");
  EXPECT_EQ(doc.at("/HostConfig/Mounts")->children.size(), 2U);
  EXPECT_EQ(doc.str("/HostConfig/Tmpfs/~1t"), "rw,nosuid,nodev,exec,size=1024,mode=0700,uid=1,gid=2");
  EXPECT_EQ(doc.at("/HostConfig/Memory")->integer, 1000);
  EXPECT_EQ(doc.at("/HostConfig/MemorySwap")->integer, 1000);
  EXPECT_EQ(doc.at("/HostConfig/PidsLimit")->integer, 10);
  EXPECT_EQ(doc.at("/HostConfig/NanoCpus")->integer, 1'500'000'000);
  EXPECT_EQ(doc.at("/HostConfig/ShmSize")->integer, 30);
  EXPECT_EQ(doc.str("/HostConfig/Ulimits/0/Name"), "nofile");
  EXPECT_EQ(doc.at("/HostConfig/Ulimits/0/Hard")->integer, 20);
  EXPECT_EQ(doc.str("/HostConfig/Ulimits/1/Name"), "core");
}

TEST_F(SpecTest, LeavesOutWhatTheEngineCannotEnforceAndSaysSo) {
  Abilities weak;
  weak.memory = weak.swap = weak.pids = weak.cpus = weak.bind_nonrecursive = false;
  const CreateBody made = body(kSpec, weak);
  EXPECT_EQ(made.warnings.size(), 4U);
  const Value doc = parsed(made.json);
  for (const char* absent : {"/HostConfig/Memory", "/HostConfig/MemorySwap", "/HostConfig/PidsLimit",
                             "/HostConfig/NanoCpus", "/HostConfig/Mounts/0/BindOptions/NonRecursive"}) {
    EXPECT_EQ(doc.at(absent), nullptr) << absent;
  }
  EXPECT_TRUE(body(kSpec).warnings.empty());
}

TEST_F(SpecTest, RefusesWhatWouldOpenTheSandbox) {
  EXPECT_EQ(refusal(R"(["ALL"])", R"(["ALL","NET_RAW"])"), "runtime.spec");
  EXPECT_EQ(refusal(R"(["ALL"])", "[]"), "runtime.spec");
  EXPECT_EQ(refusal(R"("no_new_privileges":true,)", ""), "runtime.spec");
  for (const char* mode : {"host", "container:x", "default", ""}) {
    EXPECT_EQ(refusal(R"("mode":"named")", std::string(R"("mode":")") + mode + '"'), "runtime.spec");
  }
  for (const char* name : {"host", "none", "bridge", "default"}) {
    EXPECT_EQ(refusal(R"("name":"net")", std::string(R"("name":")") + name + '"'), "runtime.spec");
  }
  EXPECT_EQ(refusal(R"("name":"net")", R"("name":"container:x")"), "runtime.name");
  EXPECT_EQ(refusal(R"("source":"v")", R"("source":"/etc")"), "runtime.name") << "a volume is no path";
  for (const char* target : {"w", "", "/w/..", "/../w", "/w\\n"}) {
    EXPECT_EQ(refusal(R"("target":"/w")", std::string(R"("target":")") + target + '"'), "runtime.spec");
  }
  EXPECT_EQ(refusal(R"("type":"bind")", R"("type":"npipe")"), "runtime.spec");
  EXPECT_EQ(refusal(R"("mode":"0700")", R"("mode":"0700,suid")"), "runtime.spec");
  EXPECT_EQ(refusal(R"("size":1024)", R"("size":"1m,exec")"), "runtime.spec");
  EXPECT_EQ(refusal(R"("uid":1000)", R"("uid":-1)"), "runtime.spec");
  EXPECT_EQ(refusal(R"("user":{"uid":1000,"gid":1001},)", ""), "runtime.spec");
  EXPECT_EQ(refusal(R"(["/init","--x"])", "[]"), "runtime.spec");
  EXPECT_EQ(refusal(R"("A":"1")", R"("A=B":"1")"), "runtime.spec");
  EXPECT_EQ(refusal(R"("image":"img:1")", R"("image":"../x")"), "runtime.name");
}

TEST_F(SpecTest, WritesExecs) {
  const sdk::Json request = host_.host().parse(
      R"({"argv":["a","-b"],"env":{"T":"x"},"workdir":"/w","user":{"uid":5,"gid":6},"tty":true,"rows":3,"cols":4})");
  const ExecBody old = exec_body(request, {1, 41});
  const Value doc = parsed(old.json);
  EXPECT_TRUE(old.tty);
  EXPECT_EQ(doc.strings("/Cmd"), (std::vector<std::string>{"a", "-b"}));
  EXPECT_EQ(doc.str("/User"), "5:6");
  EXPECT_FALSE(doc.flag("/Privileged"));
  EXPECT_NE(doc.str("/DetachKeys"), "") << "the engine's ctrl-p must not be swallowed";
  EXPECT_EQ(doc.at("/ConsoleSize"), nullptr);
  const Value fresh = parsed(exec_body(request, {1, 42}).json);
  EXPECT_EQ(fresh.at("/ConsoleSize/0")->integer, 3);
  EXPECT_EQ(fresh.at("/ConsoleSize/1")->integer, 4);
}

}  // namespace
}  // namespace scc::oci
