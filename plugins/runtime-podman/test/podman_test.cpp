// SPDX-License-Identifier: Apache-2.0
// Where Podman is looked for and how it is started, against a scripted host.
#include "../src/podman.hpp"

#include <algorithm>
#include <unistd.h>

#include <gtest/gtest.h>

#include <scc/oci/runtime.hpp>
#include <scc/sdk/testing.hpp>

namespace scc::podman {
namespace {

using sdk::testing::Answer;
using sdk::testing::FakeHost;
using sdk::testing::ServiceScript;

struct PodmanTest : testing::Test {
  PodmanTest() {
    host.files["/proc/self/cgroup"] = "0::/\n";
    host.files["/proc/self/status"] = "CapEff:\t000001ffffffffff\n";
    host.answers["GET /_ping"] = {ping("4.3.1")};
    Answer info;
    info.body =
        R"({"host":{"cgroupVersion":"v2","cgroupControllers":["memory","pids","cpu"],"networkBackend":"netavark",)"
        R"("security":{"seccompEnabled":true}},"store":{"graphDriverName":"overlay"},"version":{"Version":"4.3.1"}})";
    host.answers["GET /v4.0.0/libpod/info"] = {info};
    Answer engine;
    engine.body = R"({"SwapLimit":true})";
    host.answers["GET /v1.41/info"] = {engine};
    Answer none;
    none.body = "[]";
    host.answers["GET /v1.41/containers/json?all=0"] = {none};
    host.service = std::make_shared<ServiceScript>();
  }
  static Answer ping(const std::string& version) {
    Answer answer;
    answer.headers_json = R"({"api-version":"1.41","libpod-api-version":")" + version + R"("})";
    return answer;
  }
  static Answer down(const char* code) {
    Answer answer;
    answer.failure = SCC_E_PREREQ;
    answer.code = code;
    answer.message = "no";
    return answer;
  }
  std::unique_ptr<oci::Runtime> runtime(const std::string& env = "{}") {
    const sdk::Json config =
        host.host().parse(R"({"env":)" + env + R"(,"plugin_dir":"/plugins/runtime-podman","config":{}})");
    return std::make_unique<oci::Runtime>(host.host(), std::make_shared<const Podman>(host.host(), config));
  }
  sdk::Failure failure_of(oci::Runtime& engine) {
    try {
      engine.sandbox_list(host.host().parse("{}"));
    } catch (const sdk::Failure& failure) {
      return failure;
    }
    return {SCC_OK, "", ""};
  }
  std::string last_endpoint() const { return host.endpoint_requests.back().str("/endpoint"); }
  FakeHost host;
};

TEST_F(PodmanTest, UsesTheMachinesServiceWhereOneAnswers) {
  const auto engine = runtime(R"({"XDG_RUNTIME_DIR":"/run/user/7"})");
  engine->sandbox_list(host.host().parse("{}"));
  const bool root = geteuid() == 0;
  EXPECT_EQ(last_endpoint(),
            root ? "unix:///run/podman/podman.sock" : "unix:///run/user/7/podman/podman.sock");
  EXPECT_TRUE(host.process_requests.empty()) << "nothing was started";
}

TEST_F(PodmanTest, StartsAServiceWhereNoneAnswersAndEndsItWithTheInstance) {
  for (const char* why : {"endpoint.missing", "endpoint.refused"}) {
    host.service = std::make_shared<ServiceScript>();
    host.process_requests.clear();
    host.answers["GET /_ping"] = {down(why), ping("4.3.1")};
    auto engine = runtime(R"({"XDG_RUNTIME_DIR":"/run/user/7","http_proxy":"http://p"})");
    EXPECT_TRUE(host.process_requests.empty()) << "an instance that is not used has no effect";
    engine->sandbox_list(host.host().parse("{}"));
    EXPECT_EQ(last_endpoint(), "unix:///fake/service");
    ASSERT_EQ(host.process_requests.size(), 1U);
    EXPECT_EQ(host.process_requests[0].strings("/argv"),
              (std::vector<std::string>{"podman", "system", "service",
                                        geteuid() == 0 ? "--time=0" : "--time=120"}));
    EXPECT_EQ(host.process_requests[0].str("/env/CONTAINERS_CONF"),
              "/plugins/runtime-podman/share/containers.conf");
    EXPECT_EQ(host.process_requests[0].str("/env/http_proxy"), "http://p") << "pulls need it";
    EXPECT_FALSE(host.service->ended);
    engine.reset();
    EXPECT_TRUE(host.service->ended);
  }
}

TEST_F(PodmanTest, AUsersConfigurationStays) {
  host.answers["GET /_ping"] = {down("endpoint.missing"), ping("4.3.1")};
  host.files["/etc/containers/containers.conf"] = "[engine]\n";
  const auto engine = runtime();
  engine->sandbox_list(host.host().parse("{}"));
  EXPECT_EQ(host.process_requests[0].at("/env/CONTAINERS_CONF"), nullptr);
  EXPECT_EQ(host.process_requests[0].str("/env/CONTAINERS_CONF_OVERRIDE"),
            "/plugins/runtime-podman/share/containers.conf");
}

TEST_F(PodmanTest, AServiceOfOursIsKnownByItsStorage) {
  host.answers["GET /_ping"] = {down("endpoint.missing"), ping("4.3.1")};
  host.answers["GET /v4.0.0/libpod/info"] = {
      {200, R"({"version":{"Version":"4.3.1"},"store":{"graphRoot":"/var/lib/x"}})", "{}"}};
  host.answers["GET /v1.41/info"] = {{200, "{}", "{}"}};
  const sdk::RuntimeInfo info = runtime()->probe();
  EXPECT_TRUE(info.reachable);
  EXPECT_EQ(info.endpoint, "podman:///var/lib/x") << "the socket is another one each time";
}

TEST_F(PodmanTest, UsesRuncWhereBothVersionsOfCgroupsAre) {
  host.answers["GET /_ping"] = {down("endpoint.missing"), ping("4.3.1")};
  host.files["/proc/self/cgroup"] = "4:memory:/\n0::/\n";
  host.process_results = {{0, "runc version 1.1", ""}};
  const auto engine = runtime();
  engine->sandbox_list(host.host().parse("{}"));
  const std::string time = geteuid() == 0 ? "--time=0" : "--time=120";
  const std::vector<std::string> words{"podman",   "--runtime", "runc",    "--cgroup-manager",
                                       "cgroupfs", "system",    "service", time};
  ASSERT_EQ(host.process_requests.size(), 2U);
  EXPECT_EQ(host.process_requests[0].strings("/argv"), words) << "which begins while runc is looked at";
  EXPECT_EQ(host.process_requests[1].strings("/argv"), (std::vector<std::string>{"runc", "--version"}));
  host.answers["GET /_ping"] = {down("endpoint.missing"), ping("4.3.1")};
  const auto second = runtime();
  second->sandbox_list(host.host().parse("{}"));
  ASSERT_EQ(host.process_requests.size(), 3U) << "runc is looked at once";
  EXPECT_EQ(host.process_requests[2].strings("/argv"), words);
}

TEST_F(PodmanTest, WithoutARuncThatRunsTheMachinesOwnChoiceIsUsed) {
  host.answers["GET /_ping"] = {down("endpoint.missing"), ping("4.3.1")};
  host.files["/proc/self/cgroup"] = "5:memory:/\n0::/without-runc\n";
  host.process_results = {{1, "", ""}};
  const auto engine = runtime();
  engine->sandbox_list(host.host().parse("{}"));
  EXPECT_EQ(
      host.process_requests.back().strings("/argv"),
      (std::vector<std::string>{"podman", "system", "service", geteuid() == 0 ? "--time=0" : "--time=120"}));
}

TEST_F(PodmanTest, NeverGoesPastTheEngineThatTheUserChose) {
  host.answers["GET /_ping"] = {down("endpoint.missing")};
  const auto engine = runtime(R"({"CONTAINER_HOST":"unix:///mine.sock"})");
  const sdk::Failure failure = failure_of(*engine);
  EXPECT_EQ(failure.code, "runtime.missing");
  EXPECT_NE(failure.hint.find("CONTAINER_HOST"), std::string::npos);
  EXPECT_EQ(last_endpoint(), "unix:///mine.sock");
  EXPECT_TRUE(host.process_requests.empty());
  const auto ssh = runtime(R"({"CONTAINER_HOST":"ssh://u@h/run/podman.sock"})");
  EXPECT_EQ(failure_of(*ssh).code, "runtime.ssh");
  const auto odd = runtime(R"({"CONTAINER_HOST":"gopher://x"})");
  EXPECT_EQ(failure_of(*odd).code, "runtime.endpoint");
}

TEST_F(PodmanTest, SaysWhatEndedTheService) {
  host.answers["GET /_ping"] = {down("endpoint.missing"), down("endpoint.refused")};
  host.service->running = false;
  host.service->output = "warning\nError: stat /x: permission denied\n";
  const auto engine = runtime();
  const sdk::Failure failure = failure_of(*engine);
  EXPECT_EQ(failure.code, "runtime.unreachable");
  EXPECT_NE(failure.message.find("Error: stat /x: permission denied"), std::string::npos) << failure.message;
  host.answers["GET /_ping"] = {down("endpoint.missing"), down("endpoint.refused")};
  host.service->output = "Error: could not find \"netavark\" in one of []\n";
  EXPECT_EQ(failure_of(*runtime()).code, "runtime.no-netavark");
  host.answers["GET /_ping"] = {down("endpoint.missing")};
  host.service = nullptr;
  const sdk::Failure absent = failure_of(*runtime());
  EXPECT_EQ(absent.code, "runtime.missing");
  EXPECT_NE(absent.hint.find("install"), std::string::npos);
}

TEST_F(PodmanTest, StartsAnotherServiceWhenItsOwnWasKilled) {
  host.answers["GET /_ping"] = {down("endpoint.missing"), ping("4.3.1"), down("endpoint.missing"),
                                ping("4.3.1")};
  const auto engine = runtime();
  engine->sandbox_list(host.host().parse("{}"));
  host.service->running = false;
  const auto dead = host.service;
  host.service = std::make_shared<ServiceScript>();
  host.service->url = "unix:///fake/second";
  engine->sandbox_list(host.host().parse("{}"));
  EXPECT_EQ(last_endpoint(), "unix:///fake/second");
  EXPECT_TRUE(dead->ended);
}

TEST_F(PodmanTest, AsksForTheFactsOnceInAWhile) {
  const auto probes = [&] {
    return std::count_if(host.endpoint_requests.begin(), host.endpoint_requests.end(),
                         [](const auto& request) { return request.str("/path") == "/v4.0.0/libpod/info"; });
  };
  EXPECT_TRUE(runtime()->probe().reachable);
  EXPECT_TRUE(runtime()->probe().reachable);
  EXPECT_EQ(probes(), 1) << "kept in the store";
  host.files["/etc/subuid"] = "x:1:2\n";
  EXPECT_TRUE(runtime()->probe().reachable);
  EXPECT_EQ(probes(), 2) << "what the facts rest on has changed";
  host.states["facts"] = "{broken";
  EXPECT_TRUE(runtime()->probe().reachable);
  EXPECT_EQ(probes(), 3);
}

TEST_F(PodmanTest, RefusesWhatIsNotPodmanOrTooOld) {
  Answer other = ping("x");
  other.headers_json = R"({"api-version":"1.41"})";
  host.answers["GET /_ping"] = {other};
  EXPECT_EQ(runtime()->probe().problems.at(0).code, "runtime.api");
  host.answers["GET /_ping"] = {ping("3.0.1")};
  EXPECT_EQ(runtime()->probe().problems.at(0).code, "runtime.too-old");
}

TEST_F(PodmanTest, NamesOfImagesAreLocalUnlessTheyNameARegistry) {
  const Podman podman(host.host(), host.host().parse(R"({"env":{},"plugin_dir":"/"})"));
  EXPECT_EQ(podman.engine_image("scc-base:1"), "localhost/scc-base:1");
  EXPECT_EQ(podman.engine_image("team/x"), "localhost/team/x");
  EXPECT_EQ(podman.engine_image("quay.io/a/b:1"), "quay.io/a/b:1");
  EXPECT_EQ(podman.engine_image("host:5000/a@sha256:00"), "host:5000/a@sha256:00");
  EXPECT_EQ(podman.engine_image("localhost/a"), "localhost/a");
  EXPECT_EQ(podman.engine_image("sha256:0123"), "sha256:0123");
  EXPECT_EQ(podman.engine_image("8349cfa04f4f"), "8349cfa04f4f");
  EXPECT_EQ(podman.our_image("localhost/scc-base:1"), "scc-base:1");
  EXPECT_EQ(podman.our_image("quay.io/a/b:1"), "quay.io/a/b:1");
}

TEST_F(PodmanTest, AnInternalNetworkHasNoResolver) {
  const Podman podman(host.host(), host.host().parse(R"({"env":{},"plugin_dir":"/"})"));
  const auto body = [&](const char* internal) {
    return sdk::testing::parsed(
        podman
            .network_call(host.host().parse(
                std::string(R"({"name":"n","labels":{},"options":{},"internal":)") + internal + "}"))
            .body);
  };
  EXPECT_TRUE(body("true").flag("/internal"));
  EXPECT_FALSE(body("true").flag("/dns_enabled"));
  EXPECT_TRUE(body("false").flag("/dns_enabled"));
  const auto hostless =
      body(R"(true,"dns":false,"host_address":false,"ipv6":false,"subnet":"10.213.0.0/29")");
  EXPECT_EQ(hostless.str("/subnets/0/subnet"), "10.213.0.0/29");
  EXPECT_FALSE(hostless.flag("/ipv6_enabled"));
  EXPECT_THROW(body(R"(true,"dns":true,"host_address":false)"), sdk::Failure)
      << "with a resolver the host has an address there";
  EXPECT_THROW(body(R"(false,"host_address":false)"), sdk::Failure);
}

}  // namespace
}  // namespace scc::podman
