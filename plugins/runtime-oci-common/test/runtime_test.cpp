// SPDX-License-Identifier: Apache-2.0
// The verbs against scripted engine answers: what real engines rarely do on demand (old versions, errors,
// broken progress, weak kernels).
#include <gtest/gtest.h>

#include <scc/oci/runtime.hpp>
#include <scc/sdk/testing.hpp>

namespace scc::oci {
namespace {

using sdk::testing::Answer;
using sdk::testing::FakeHost;

class Places final : public Dialect {
 public:
  std::string id() const override { return "fake"; }
  std::vector<Endpoint> endpoints() const override {
    return {{"unix:///first", std::nullopt, ""}, {"unix:///second", std::nullopt, ""}};
  }
  std::string remedy(std::string_view code, const Endpoint&) const override {
    return "mend " + std::string(code);
  }
};

struct RuntimeTest : testing::Test {
  RuntimeTest() { host_.answers["GET /_ping"] = {ping("1.41")}; }
  static Answer ping(const std::string& version) {
    Answer answer;
    answer.headers_json = R"({"api-version":")" + version + R"("})";
    return answer;
  }
  static Answer status(int code, const std::string& body = "{}") {
    Answer answer;
    answer.status = code;
    answer.body = body;
    return answer;
  }
  static Answer down(const std::string& code) {
    Answer answer;
    answer.failure = SCC_E_PREREQ;
    answer.code = code;
    answer.message = "no";
    return answer;
  }
  void on(const std::string& key, const Answer& answer) { host_.answers[key] = {answer}; }
  sdk::Json json(const std::string& text) { return host_.host().parse(text); }
  /// What a verb failed with.
  template <class F>
  sdk::Failure failure(F&& call) {
    try {
      call();
    } catch (const sdk::Failure& caught) {
      return caught;
    }
    ADD_FAILURE() << "no failure";
    return {SCC_E_INTERNAL, "none", ""};
  }

  FakeHost host_;
  Runtime runtime_{host_.host(), std::make_shared<Places>()};
};

TEST_F(RuntimeTest, DoesNothingBeforeItsFirstVerb) {
  EXPECT_TRUE(host_.endpoint_requests.empty());
}

TEST_F(RuntimeTest, TriesTheNextPlaceOnlyWhenThereIsNoSocket) {
  host_.answers["GET /_ping"] = {down("endpoint.missing"), ping("1.41")};
  on("GET /v1.41/containers/json?all=0", status(200, "[]"));
  EXPECT_TRUE(runtime_.sandbox_list(json("{}")).sandboxes.empty());
  EXPECT_EQ(host_.endpoint_requests[0].str("/endpoint"), "unix:///first");
  EXPECT_EQ(host_.endpoint_requests[1].str("/endpoint"), "unix:///second");
  EXPECT_EQ(host_.endpoint_requests[2].str("/endpoint"), "unix:///second");

  FakeHost other;
  other.answers["GET /_ping"] = {down("endpoint.denied"), ping("1.41")};
  Runtime denied(other.host(), std::make_shared<Places>());
  EXPECT_EQ(failure([&] { denied.sandbox_list(other.host().parse("{}")); }).code, "runtime.permission");
  EXPECT_EQ(other.endpoint_requests.size(), 1U);
}

TEST_F(RuntimeTest, SpeaksAVersionThatBothKnow) {
  for (const auto& [offered, used] : {std::pair{"1.40", "/v1.40"}, {"1.44", "/v1.44"}, {"1.99", "/v1.47"}}) {
    FakeHost host;
    host.answers["GET /_ping"] = {ping(offered)};
    host.answers[std::string("GET ") + used + "/volumes"] = {status(200, R"({"Volumes":null})")};
    Runtime runtime(host.host(), std::make_shared<Places>());
    EXPECT_TRUE(runtime.volume_list(host.host().parse("{}")).volumes.empty()) << offered;
  }
  for (const char* offered : {"1.39", "", "x", "1.x"}) {
    FakeHost host;
    host.answers["GET /_ping"] = {ping(offered)};
    Runtime runtime(host.host(), std::make_shared<Places>());
    EXPECT_EQ(failure([&] { runtime.volume_list(host.host().parse("{}")); }).code, "runtime.too-old")
        << offered;
  }
}

TEST_F(RuntimeTest, TellsWhyThereIsNoEngine) {
  for (const auto& [theirs, ours] : {std::pair{"endpoint.missing", "runtime.missing"},
                                     {"endpoint.denied", "runtime.permission"},
                                     {"endpoint.refused", "runtime.unreachable"},
                                     {"endpoint.unreachable", "runtime.unreachable"},
                                     {"endpoint.tls", "runtime.tls"}}) {
    FakeHost host;
    host.answers["GET /_ping"] = {down(theirs)};
    Runtime runtime(host.host(), std::make_shared<Places>());
    const sdk::RuntimeInfo info = runtime.probe();
    EXPECT_FALSE(info.reachable);
    ASSERT_EQ(info.problems.size(), 1U);
    EXPECT_EQ(info.problems[0].code, ours);
    EXPECT_EQ(info.problems[0].remedy, std::string("mend ") + ours);
    const sdk::Failure refused = failure([&] { runtime.sandbox_list(host.host().parse("{}")); });
    EXPECT_EQ(refused.code, ours);
    EXPECT_EQ(refused.status, SCC_E_PREREQ);
  }
}

TEST_F(RuntimeTest, ProbesWeaknessesWithRemedies) {
  on("GET /v1.41/info",
     status(200, R"({"ServerVersion":"1","SecurityOptions":["name=seccomp,profile=unconfined",
    "name=userns","name=rootless"],"MemoryLimit":false,"PidsLimit":false,"CgroupVersion":"2","MemTotal":5})"));
  const sdk::RuntimeInfo info = runtime_.probe();
  EXPECT_TRUE(info.reachable);
  EXPECT_EQ(info.seccomp, "unconfined");
  EXPECT_EQ(info.rootless, true);
  EXPECT_TRUE(info.userns_remap);
  EXPECT_FALSE(info.cgroup_memory);
  std::vector<std::string> codes;
  for (const auto& problem : info.problems) {
    codes.push_back(problem.code);
    EXPECT_FALSE(problem.remedy.empty()) << problem.code;
  }
  EXPECT_EQ(codes, (std::vector<std::string>{"runtime.seccomp-unconfined", "runtime.userns-remap",
                                             "runtime.rootless", "runtime.no-memory-limit",
                                             "runtime.no-pids-limit"}));
}

TEST_F(RuntimeTest, FindsNothingWrongWithAGoodEngine) {
  on("GET /v1.41/info", status(200, R"({"SecurityOptions":["name=apparmor","name=seccomp,profile=builtin"],
    "MemoryLimit":true,"PidsLimit":true})"));
  const sdk::RuntimeInfo info = runtime_.probe();
  EXPECT_TRUE(info.problems.empty());
  EXPECT_EQ(info.seccomp, "default");
  EXPECT_TRUE(info.apparmor);
  EXPECT_EQ(info.rootless, false);
}

TEST_F(RuntimeTest, ClassifiesErrors) {
  const auto error = [&](int code, const std::string& message) {
    on("POST /v1.41/containers/x/start", status(code, R"({"message":")" + message + R"("})"));
    return failure([&] { runtime_.sandbox_start("x"); });
  };
  EXPECT_EQ(error(404, "No such container: x").code, "runtime.not-found");
  EXPECT_EQ(error(404, "No such container: x").status, SCC_E_NOT_FOUND);
  EXPECT_EQ(error(409, "in use").code, "runtime.conflict");
  EXPECT_EQ(error(500, "write /x: no space left on device").code, "runtime.no-space");
  EXPECT_EQ(error(400, "invalid mount config for type \\\"bind\\\"").code, "runtime.mount");
  EXPECT_EQ(error(500, "OCI runtime create failed\\u001b[31m").message,
            "starting the sandbox: OCI runtime create failed [31m");
  EXPECT_EQ(error(500, "odd").status, SCC_E_TOOL);
  on("POST /v1.41/containers/x/start", status(502, "<html>proxy</html>"));
  EXPECT_NE(failure([&] { runtime_.sandbox_start("x"); }).message.find("<html>"), std::string::npos);
}

TEST_F(RuntimeTest, ToleratesWhatIsGoneOrDone) {
  on("POST /v1.41/containers/x/start", status(304));
  runtime_.sandbox_start("x");
  for (const int code : {204, 304, 404}) {
    on("POST /v1.41/containers/x/stop?t=2", status(code));
    runtime_.sandbox_stop("x", 1'001);
  }
  for (const int code : {204, 404}) {
    on("DELETE /v1.41/containers/x?force=1&v=1", status(code));
    runtime_.sandbox_remove("x");
    on("DELETE /v1.41/images/a/b:c", status(code));
    runtime_.image_remove("a/b:c");
  }
  on("DELETE /v1.41/volumes/x", status(409));
  EXPECT_EQ(failure([&] { runtime_.volume_remove("x"); }).code, "runtime.conflict");
}

TEST_F(RuntimeTest, AStopThatFailedCountsWhenTheSandboxHasEnded) {
  on("POST /v1.41/containers/x/stop?t=1", status(500, R"({"message":"container state improper"})"));
  const auto now = [&](const char* state) {
    on("GET /v1.41/containers/x/json",
       status(200, std::string(R"({"Id":"x","State":{"Status":")") + state + "\"}}"));
  };
  now("exited");
  runtime_.sandbox_stop("x", 1'000);
  on("GET /v1.41/containers/x/json", status(404));
  runtime_.sandbox_stop("x", 1'000);
  for (const char* state : {"running", "stopping", "created"}) {
    now(state);
    EXPECT_EQ(failure([&] { runtime_.sandbox_stop("x", 1'000); }).code, "runtime.conflict") << state;
  }
}

TEST_F(RuntimeTest, TakesAnErrorInTheProgressForTheFailureItIs) {
  const auto pull = [&](const std::string& body) {
    const std::string digest = "sha256:" + std::string(64, 'a');
    on("POST /v1.41/images/create?fromImage=img&tag=sha256%3A" + std::string(64, 'a'), status(200, body));
    on("GET /v1.41/images/img@" + digest + "/json", status(200, R"({"Id":"sha256:1","RepoTags":null})"));
    sdk::Collect out;
    const sdk::Sink progress(out.c());
    runtime_.image_pull("img@" + digest, progress);
    return out.str();
  };
  EXPECT_EQ(pull("{\"status\":\"Pulling\",\"id\":\"x\"}\r\n{\"status\":\"Pulling\",\"id\":\"x\","
                 "\"progressDetail\":{}}\r\n"
                 "{\"stream\":\"Step\\n\"}\n{\"status\":\"Done\"}"),
            "x: Pulling\nStep\nDone\n");
  const sdk::Failure broken = failure([&] {
    pull("{\"status\":\"Pulling\"}\n{\"errorDetail\":{\"message\":\"manifest unknown\"},\"error\":\"e\"}\n");
  });
  EXPECT_EQ(broken.code, "runtime.build");
  EXPECT_NE(broken.message.find("manifest unknown"), std::string::npos);
  EXPECT_EQ(failure([&] { pull("{\"error\":\"no space left on device\"}"); }).code, "runtime.no-space");
  EXPECT_EQ(failure([&] { pull("not json\n"); }).status, SCC_E_CONFIG);
  EXPECT_EQ(failure([&] { pull(std::string(2U << 20U, ' ')); }).code, "runtime.api");
}

TEST_F(RuntimeTest, ReadsAStreamThatBreaksOff) {
  on("POST /v1.41/containers/x/exec", status(201, R"({"Id":"e1"})"));
  const auto script = std::make_shared<sdk::testing::StreamScript>();
  script->chunks = {std::string("\1\0\0\0\0\0\0\5he", 10), "", "l"};
  host_.streams["POST /v1.41/exec/e1/start"] = script;
  auto exec = runtime_.exec_open("x", json(R"({"argv":["a"],"user":{"uid":1,"gid":1},"tty":false})"));
  sdk::Collect out;
  const sdk::Sink sink(out.c());
  EXPECT_EQ(exec->read(0, sink), sdk::Channel::out);
  EXPECT_EQ(exec->read(0, sink), std::nullopt);
  EXPECT_EQ(exec->read(0, sink), sdk::Channel::out);
  EXPECT_EQ(out.str(), "hel");
  EXPECT_EQ(failure([&] { exec->read(0, sink); }).code, "runtime.stream");
}

TEST_F(RuntimeTest, WaitsForTheExitCodeWithinTheTime) {
  on("POST /v1.41/containers/x/exec", status(201, R"({"Id":"e1"})"));
  host_.streams["POST /v1.41/exec/e1/start"] = std::make_shared<sdk::testing::StreamScript>();
  auto exec = runtime_.exec_open("x", json(R"({"argv":["a"],"user":{"uid":1,"gid":1}})"));
  on("GET /v1.41/exec/e1/json", status(200, R"({"Running":true,"ExitCode":null})"));
  EXPECT_EQ(exec->wait(5), std::nullopt);
  host_.answers["GET /v1.41/exec/e1/json"] = {status(200, R"({"Running":true,"ExitCode":null})"),
                                              status(200, R"({"Running":false,"ExitCode":7})")};
  EXPECT_EQ(exec->wait(5'000), 7);
}

TEST_F(RuntimeTest, RefusesAnExecIdThatIsNone) {
  on("POST /v1.41/containers/x/exec", status(201, R"({"Id":"../containers/y"})"));
  EXPECT_EQ(
      failure([&] { runtime_.exec_open("x", json(R"({"argv":["a"],"user":{"uid":1,"gid":1}})")); }).code,
      "runtime.name");
}

}  // namespace
}  // namespace scc::oci
