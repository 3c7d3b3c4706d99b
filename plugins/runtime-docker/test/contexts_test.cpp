// SPDX-License-Identifier: Apache-2.0
// Which engine is meant, and what to do when it cannot be reached.
#include "../src/contexts.hpp"

#include <gtest/gtest.h>

#include <scc/sdk/sha256.hpp>
#include <scc/sdk/testing.hpp>

namespace scc::docker {
namespace {

struct ContextsTest : testing::Test {
  Contexts make(const sdk::StringMap& env) {
    sdk::JsonWriter w;
    w.begin_object().member("schema", "scc.component-config/1").member("env", env).end_object();
    return {host_.host(), host_.host().parse(w.str())};
  }
  std::string first(const sdk::StringMap& env) { return make(env).endpoints().front().url; }
  std::string refusal(const sdk::StringMap& env) {
    try {
      (void)make(env).endpoints();
    } catch (const sdk::Failure& failure) {
      EXPECT_FALSE(failure.hint.empty());
      return failure.code;
    }
    ADD_FAILURE() << "accepted";
    return {};
  }
  void context(const std::string& dir, const std::string& name, const std::string& host) {
    host_.files[dir + "/contexts/meta/" + sdk::sha256_hex(name) + "/meta.json"] =
        R"({"Name":")" + name + R"(","Endpoints":{"docker":{"Host":")" + host +
        R"(","SkipTLSVerify":true}}})";
  }
  sdk::testing::FakeHost host_;
};

TEST(Sha256, KnowsItsVectors) {
  EXPECT_EQ(sdk::sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sdk::sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sdk::sha256_hex("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sdk::sha256_hex(std::string(1'000, 'a')),
            "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3");
}

TEST_F(ContextsTest, FallsBackToTheDefaultSocketsInOrder) {
  const auto places = make({{"HOME", "/h"}, {"XDG_RUNTIME_DIR", "/run/user/1"}}).endpoints();
  ASSERT_EQ(places.size(), 3U);
  EXPECT_EQ(places[0].url, "unix:///var/run/docker.sock");
  EXPECT_EQ(places[1].url, "unix:///run/user/1/docker.sock");
  EXPECT_EQ(places[2].url, "unix:///h/.docker/run/docker.sock");
  EXPECT_EQ(make({}).endpoints().size(), 1U);
}

TEST_F(ContextsTest, FollowsTheClientsPrecedence) {
  host_.files["/h/.docker/config.json"] = R"({"currentContext":"current","auths":{}})";
  context("/h/.docker", "current", "unix:///current.sock");
  context("/h/.docker", "chosen", "unix:///chosen.sock");
  sdk::StringMap env = {{"HOME", "/h"}};
  EXPECT_EQ(first(env), "unix:///current.sock");
  env["DOCKER_CONTEXT"] = "chosen";
  EXPECT_EQ(first(env), "unix:///chosen.sock");
  EXPECT_EQ(make(env).endpoints().front().context, "chosen");
  EXPECT_EQ(make(env).endpoints().size(), 1U) << "a choice has no fallback";
  env["DOCKER_HOST"] = "unix:///host.sock";
  EXPECT_EQ(first(env), "unix:///host.sock");
  EXPECT_EQ(make(env).endpoints().size(), 1U);
  EXPECT_EQ(first({{"HOME", "/h"}, {"DOCKER_CONTEXT", "default"}}), "unix:///var/run/docker.sock");
}

TEST_F(ContextsTest, HonoursDockerConfig) {
  host_.files["/cfg/config.json"] = R"({"currentContext":"c"})";
  context("/cfg", "c", "tcp://10.0.0.1:2376");
  EXPECT_EQ(first({{"HOME", "/h"}, {"DOCKER_CONFIG", "/cfg"}}), "tcp://10.0.0.1:2376");
}

TEST_F(ContextsTest, UsesTheContextsCertificates) {
  host_.files["/h/.docker/config.json"] = R"({"currentContext":"c"})";
  context("/h/.docker", "c", "tcp://10.0.0.1:2376");
  EXPECT_FALSE(make({{"HOME", "/h"}}).endpoints().front().tls);
  const std::string dir = "/h/.docker/contexts/tls/" + sdk::sha256_hex("c") + "/docker";
  host_.files[dir + "/ca.pem"] = "x";
  const auto with_ca = make({{"HOME", "/h"}}).endpoints().front();
  ASSERT_TRUE(with_ca.tls);
  EXPECT_EQ(with_ca.tls->ca_file, dir + "/ca.pem");
  EXPECT_EQ(with_ca.tls->cert_file, "");
  host_.files[dir + "/cert.pem"] = "x";
  EXPECT_EQ(make({{"HOME", "/h"}}).endpoints().front().tls->key_file, dir + "/key.pem");
}

TEST_F(ContextsTest, UsesTlsWhereTheEnvironmentAsksForIt) {
  sdk::StringMap env = {{"HOME", "/h"}, {"DOCKER_HOST", "tcp://10.0.0.1:2376"}};
  EXPECT_FALSE(make(env).endpoints().front().tls);
  env["DOCKER_TLS_VERIFY"] = "1";
  EXPECT_EQ(make(env).endpoints().front().tls->ca_file, "/h/.docker/ca.pem");
  env["DOCKER_CERT_PATH"] = "/certs";
  EXPECT_EQ(make(env).endpoints().front().tls->key_file, "/certs/key.pem");
  env.erase("DOCKER_TLS_VERIFY");
  EXPECT_FALSE(make(env).endpoints().front().tls);
  env["DOCKER_TLS"] = "1";
  EXPECT_TRUE(make(env).endpoints().front().tls) << "verified all the same";
  env["DOCKER_HOST"] = "unix:///x";
  EXPECT_FALSE(make(env).endpoints().front().tls);
}

TEST_F(ContextsTest, RefusesWhatItCannotReach) {
  EXPECT_EQ(refusal({{"DOCKER_HOST", "ssh://me@host"}}), "runtime.ssh");
  EXPECT_EQ(refusal({{"DOCKER_HOST", "npipe:////./pipe/x"}}), "runtime.endpoint");
  EXPECT_EQ(refusal({{"DOCKER_HOST", "/var/run/docker.sock"}}), "runtime.endpoint");
  EXPECT_EQ(refusal({{"HOME", "/h"}, {"DOCKER_CONTEXT", "gone"}}), "runtime.endpoint");
  context("/h/.docker", "far", "ssh://me@host");
  EXPECT_EQ(refusal({{"HOME", "/h"}, {"DOCKER_CONTEXT", "far"}}), "runtime.ssh");
  host_.files["/h/.docker/config.json"] = "{broken";
  EXPECT_EQ(refusal({{"HOME", "/h"}}), "runtime.endpoint") << "no guess at another engine";
}

TEST_F(ContextsTest, HasARemedyForEveryFailure) {
  const Contexts contexts = make({{"HOME", "/h"}});
  const oci::Endpoint place = contexts.endpoints().front();
  for (const char* code : {"runtime.missing", "runtime.unreachable", "runtime.permission", "runtime.tls"}) {
    EXPECT_FALSE(contexts.remedy(code, place).empty()) << code;
  }
  EXPECT_NE(contexts.remedy("runtime.permission", place), contexts.remedy("runtime.missing", place));
  EXPECT_NE(contexts.remedy("runtime.missing", place).find("apt-get install docker.io && "),
            std::string::npos);
  host_.files["/etc/init.d/docker"] = "#!/bin/sh\n";
  EXPECT_EQ(contexts.remedy("runtime.missing", place).find("sudo service docker start || "), 0U)
      << "it is installed";
  host_.files["/proc/1/comm"] = "systemd\n";
  EXPECT_EQ(contexts.remedy("runtime.missing", place), "sudo systemctl start docker");
  const Contexts chosen = make({{"DOCKER_HOST", "unix:///x.sock"}});
  EXPECT_EQ(chosen.remedy("runtime.missing", chosen.endpoints().front()),
            "unset DOCKER_HOST  # or start the engine behind unix:///x.sock");
}

}  // namespace
}  // namespace scc::docker
