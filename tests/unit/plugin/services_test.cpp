// SPDX-License-Identifier: Apache-2.0
// The host services as a plugin meets them, through the SDK's own Host: what is granted works, what is not
// granted is absent or refused by name.
#include <filesystem>
#include <thread>
#include <unistd.h>

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <scc/sdk/plugin.hpp>

#include "plugin/host.h"
#include "unit/net/raw_server.h"
#include "unit/plugin/plugin_fixture.h"

namespace scc::plugin {
namespace {

using net::test::Peer;
using net::test::RawServer;
using testing::HasSubstr;

class ServicesTest : public test::PluginFixture {
 protected:
  HostContext& context(Grants grants, std::string kind = "runtime") {
    auto services = std::make_shared<HostServices>();
    services->env = env_;
    services->state = paths_.state;
    services->runtime = root_ / "run";
    services->on_step = [this](std::string_view plugin, std::string_view title) {
      steps_.push_back(std::string(plugin) + ": " + std::string(title));
    };
    services->cancelled = [this] { return cancelled_; };
    kept_.push_back(std::make_unique<HostContext>("acme", std::move(kind), std::move(grants), services));
    return *kept_.back();
  }
  sdk::Host host(Grants grants, std::string kind = "runtime") {
    return sdk::Host(context(std::move(grants), std::move(kind)).table());
  }

  template <class F>
  static sdk::Failure failure_of(F&& body) {
    try {
      body();
    } catch (const sdk::Failure& f) {
      return f;
    }
    return {SCC_OK, "", "nothing failed"};
  }

  std::vector<std::string> steps_;
  std::vector<std::unique_ptr<HostContext>> kept_;
  bool cancelled_ = false;
};

TEST_F(ServicesTest, WhatIsNotGrantedIsAbsent) {
  const sdk::Host h = host({});
  EXPECT_EQ(h.service<void>(SCC_HOST_PROCESS), nullptr);
  EXPECT_EQ(h.service<void>(SCC_HOST_ENDPOINT), nullptr);
  EXPECT_EQ(h.service<void>(SCC_HOST_FILES), nullptr);
  EXPECT_EQ(h.service<void>("scc.host.process/2"), nullptr);
  EXPECT_EQ(h.service<void>("scc.host.json/1x"), nullptr);
  EXPECT_EQ(h.service<void>(""), nullptr);
  EXPECT_NE(h.service<void>(SCC_HOST_JSON), nullptr);
  EXPECT_NE(h.service<void>(SCC_HOST_STATE), nullptr);
  EXPECT_EQ(host({}, "provider").service<void>(SCC_HOST_STATE), nullptr) << "providers only plan";
  const sdk::Host init = host({{"true"}, {"env:X"}, {"/x"}, {}}, "");
  EXPECT_EQ(init.service<void>(SCC_HOST_PROCESS), nullptr);
  EXPECT_EQ(init.service<void>(SCC_HOST_UI), nullptr);
  EXPECT_NE(init.service<void>(SCC_HOST_JSON), nullptr);
}

TEST_F(ServicesTest, ProbeHostOffersNothingThatActs) {
  const sdk::Host h(probe_host());
  for (const char* id : {SCC_HOST_PROCESS, SCC_HOST_ENDPOINT, SCC_HOST_FILES, SCC_HOST_STATE, SCC_HOST_UI,
                         SCC_HOST_AUDIT, SCC_HOST_RUNTIME}) {
    EXPECT_EQ(h.service<void>(id), nullptr) << id;
  }
  h.info("into the void");
  EXPECT_FALSE(h.cancelled());
  EXPECT_EQ(h.parse(R"({"a":1})").integer("/a"), 1);
}

TEST_F(ServicesTest, JsonViews) {
  const sdk::Host h = host({});
  const sdk::Json doc = h.parse(R"({"s":"x","n":7,"b":true,"l":["p","q"],"z":null,"o":{"k":"v"}})");
  EXPECT_EQ(doc.str("/s"), "x");
  EXPECT_EQ(doc.integer("/n"), 7);
  EXPECT_TRUE(doc.flag("/b"));
  EXPECT_EQ(doc.strings("/l").size(), 2U);
  EXPECT_FALSE(doc.has("/z"));
  EXPECT_FALSE(doc.has("/absent"));
  const sdk::Failure bad = failure_of([&] { static_cast<void>(h.parse("{")); });
  EXPECT_EQ(bad.status, SCC_E_CONFIG);
  const auto* table = h.service<scc_host_json_v1>(SCC_HOST_JSON);
  scc_json* raw = nullptr;
  ASSERT_EQ(table->parse(h.c(), view(R"({"o":{"k":"v"}})"), &raw, nullptr), SCC_OK);
  // An older plugin's view ends after the type; nothing behind it may be written.
  scc_json_view shorter{};
  shorter.struct_size = offsetof(scc_json_view, integer);
  shorter.size = 99;
  table->child(raw, view("/o"), 0, &shorter);
  EXPECT_EQ(shorter.type, SCC_JSON_STRING);
  EXPECT_EQ(shorter.size, 99U);
  scc_json_view whole{};
  whole.struct_size = sizeof(whole);
  table->child(raw, view("/o"), 0, &whole);
  EXPECT_EQ(text(whole.key), "k");
  table->child(raw, view("/o"), 1, &whole);
  EXPECT_EQ(whole.type, SCC_JSON_ABSENT);
  table->release(raw);
}

TEST_F(ServicesTest, ProcessRunsWhatIsGrantedAndNothingElse) {
  Grants grants;
  grants.process = {"sh", "cat"};
  grants.env = {"ACME_TOKEN"};
  env_.vars["ACME_TOKEN"] = "t";
  env_.vars["CANARY"] = "secret";
  const sdk::Host h = host(grants);
  sdk::ProcessRequest request;
  request.argv = {"sh", "-c", "echo out; echo err >&2; echo \"$CANARY|$ACME_TOKEN\"; exit 3"};
  const sdk::ProcessResult result = h.run(request);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.out, "out\n|t\n");
  EXPECT_EQ(result.err, "err\n");

  request.argv = {"cat"};
  request.input = "stdin";
  EXPECT_EQ(h.run(request).out, "stdin");

  for (const char* program : {"/bin/sh", "ls", "./sh"}) {
    request.argv = {program};
    const sdk::Failure refused = failure_of([&] { h.run(request); });
    EXPECT_EQ(refused.status, SCC_E_POLICY) << program;
    EXPECT_EQ(refused.code, "grant.process");
  }
}

TEST_F(ServicesTest, ProcessPathIsTheHosts) {
  test::write(root_ / "evil/sh", "#!/bin/sh\necho evil\n");
  std::filesystem::permissions(root_ / "evil/sh", std::filesystem::perms(0755));
  Grants grants;
  grants.process = {"sh"};
  sdk::ProcessRequest request;
  request.argv = {"sh", "-c", "echo good"};
  request.env = sdk::StringMap{{"PATH", (root_ / "evil").string()}};
  EXPECT_EQ(host(grants).run(request).out, "good\n");
}

TEST_F(ServicesTest, ProcessOutputTimeAndCancelAreBounded) {
  Grants grants;
  grants.process = {"yes", "sleep"};
  const sdk::Host h = host(grants);
  sdk::ProcessRequest request;
  request.argv = {"yes"};
  request.max_output = 1000;
  EXPECT_EQ(failure_of([&] { h.run(request); }).status, SCC_E_LIMIT);
  request.argv = {"sleep", "100"};
  request.timeout_ms = 50;
  EXPECT_EQ(failure_of([&] { h.run(request); }).status, SCC_E_TIMEOUT);
  request.timeout_ms = 60'000;
  cancelled_ = true;
  EXPECT_EQ(failure_of([&] { h.run(request); }).status, SCC_E_CANCELLED);
  EXPECT_TRUE(h.cancelled());
}

TEST_F(ServicesTest, AServiceServesItsSocketAndEndsWithTheInstance) {
  // A real program that takes a listening descriptor: python answers one HTTP request on descriptor 3.
  Grants grants;
  grants.process = {"python3"};
  grants.endpoints = {"unix:/nowhere"};  // the service's own socket needs no grant
  HostContext& kept = context(grants);
  const sdk::Host h(kept.table());
  sdk::ProcessRequest request;
  request.argv = {
      "python3", "-c",
      "import os,socket,sys,time\n"
      "assert os.environ['LISTEN_FDS'] == '1' and os.environ['LISTEN_PID'] == str(os.getpid())\n"
      "print('ready', flush=True)\n"
      "s = socket.socket(fileno=3)\n"
      "while True:\n"
      "  c, _ = s.accept()\n"
      "  c.recv(65536)\n"
      "  c.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nhi')\n"
      "  c.close()\n"};
  std::string socket;
  {
    const sdk::Service service = h.serve(request);
    socket = service.url().substr(std::string("unix://").size());
    sdk::EndpointRequest get;
    get.endpoint = service.url();
    EXPECT_EQ(h.request(get).body, "hi") << "who is early waits";
    EXPECT_TRUE(service.state().running);
    EXPECT_EQ(service.state().output, "ready\n");
    struct stat info {};
    ASSERT_EQ(stat(socket.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0600U);
    ASSERT_EQ(stat(std::filesystem::path(socket).parent_path().c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777U, 0700U);
    // Another plugin cannot use it.
    get.endpoint = service.url();
    const sdk::Host stranger = host(grants);
    EXPECT_EQ(failure_of([&] { stranger.request(get); }).code, "grant.endpoints");
  }
  EXPECT_FALSE(std::filesystem::exists(std::filesystem::path(socket).parent_path()));
  sdk::EndpointRequest late;
  late.endpoint = "unix://" + socket;
  EXPECT_EQ(failure_of([&] { h.request(late); }).code, "grant.endpoints");

  // Forgotten by the plugin: it ends with the instance.
  const auto* table = h.service<scc_host_process_v1>(SCC_HOST_PROCESS);
  sdk::JsonWriter w;
  request.write(w);
  scc_service* forgotten = nullptr;
  sdk::Collect url;
  ASSERT_EQ(table->serve(h.c(), sdk::view(w.str()), &forgotten, url.c(), nullptr), SCC_OK);
  const std::filesystem::path left = url.str().substr(std::string("unix://").size());
  EXPECT_TRUE(std::filesystem::exists(left));
  kept.close();
  EXPECT_FALSE(std::filesystem::exists(left));
  table->service_end(forgotten);  // late, and harmless: it frees the handle
}

TEST_F(ServicesTest, AServiceIsRefusedWithoutAGrantAndToldWhenItEnds) {
  Grants grants;
  grants.process = {"sh", "no-such-program"};
  const sdk::Host h = host(grants);
  sdk::ProcessRequest request;
  request.argv = {"cat"};
  EXPECT_EQ(failure_of([&] { h.serve(request); }).code, "grant.process");
  request.argv = {"no-such-program"};
  EXPECT_EQ(failure_of([&] { h.serve(request); }).code, "process.not-found");
  request.argv = {"sh", "-c", "echo why >&2; exit 3"};
  const sdk::Service service = h.serve(request);
  while (service.state().running) usleep(1000);
  EXPECT_EQ(service.state().output, "why\n");
}

TEST_F(ServicesTest, InstancesOfAPluginShareAServiceUntilTheLastIsGone) {
  Grants grants;
  grants.process = {"sh"};
  auto services = std::make_shared<HostServices>();
  services->env = env_;
  services->runtime = root_ / "run";
  HostContext one("acme", "runtime", grants, services);
  HostContext two("acme", "runtime", grants, services);
  HostContext other("other", "runtime", grants, services);
  const auto serve = [](HostContext& context, const std::string& script) {
    sdk::ProcessRequest request;
    request.argv = {"sh", "-c", script};
    return std::make_unique<sdk::Service>(sdk::Host(context.table()).serve(request));
  };
  const std::string script = "exec sleep 600";
  auto first = serve(one, script);
  auto second = serve(two, script);
  EXPECT_EQ(first->url(), second->url());
  EXPECT_NE(serve(other, script)->url(), first->url()) << "another plugin's";
  EXPECT_NE(serve(two, "exec sleep 601")->url(), first->url()) << "another request";
  first.reset();
  EXPECT_TRUE(second->state().running);
  const std::string url = second->url();
  second.reset();
  EXPECT_FALSE(std::filesystem::exists(url.substr(std::string("unix://").size())));
  // One that has ended is not handed out again, and one that ends with its thread is nobody else's.
  first = serve(one, "exit 0");
  while (first->state().running) usleep(1000);
  EXPECT_NE(serve(two, "exit 0")->url(), first->url());
  std::string of_thread;
  std::unique_ptr<sdk::Service> kept;
  std::thread([&] {
    kept = serve(one, script);
    of_thread = kept->url();
  }).join();
  EXPECT_NE(serve(two, script)->url(), of_thread);
}

TEST_F(ServicesTest, CleanupIsShieldedFromCancel) {
  HostContext& c = context({});
  cancelled_ = true;
  EXPECT_TRUE(c.cancelled());
  {
    const HostContext::Shield shield(c, true);
    EXPECT_FALSE(c.cancelled());
  }
  const HostContext::Shield inactive(c, false);
  EXPECT_TRUE(c.cancelled());
}

TEST_F(ServicesTest, FilesAreReadWhenGranted) {
  Grants grants;
  grants.files = {"${HOME}/.acme/*.json", "${HOME}/.acme/dir", "${HOME}/.acme/big"};
  const sdk::Host h = host(grants);
  const std::string home = env_.vars.at("HOME");
  test::write(home + "/.acme/a.json", "content");
  test::write(home + "/.ssh/id_rsa", "key");
  test::write(home + "/.acme/big", std::string((1U << 20U) + 1, 'x'));
  std::filesystem::create_directories(home + "/.acme/dir");
  std::filesystem::create_symlink(home + "/.ssh/id_rsa", home + "/.acme/link.json");
  EXPECT_EQ(h.read_file(home + "/.acme/a.json"), "content");
  EXPECT_EQ(h.read_file(home + "/.acme/none.json"), std::nullopt);
  for (const std::string& path :
       {home + "/.ssh/id_rsa", home + "/.acme/../.ssh/id_rsa", std::string("/etc/passwd")}) {
    const sdk::Failure refused = failure_of([&] { h.read_file(path); });
    EXPECT_EQ(refused.status, SCC_E_POLICY) << path;
    EXPECT_EQ(refused.code, "grant.files");
  }
  for (const char* name : {"/.acme/link.json", "/.acme/dir", "/.acme/big"}) {
    EXPECT_NE(failure_of([&] { h.read_file(home + name); }).status, SCC_OK) << name;
  }
}

TEST_F(ServicesTest, StateIsAPrivateStore) {
  const sdk::Host h = host({});
  EXPECT_EQ(h.state("key"), std::nullopt);
  h.set_state("key", "value");
  EXPECT_EQ(h.state("key"), "value");
  EXPECT_EQ(test::slurp(paths_.state / "plugins/acme/key"), "value");
  for (const std::string& key : {std::string(), std::string(".."), std::string("a/b"), std::string("A"),
                                 std::string(65, 'a'), std::string(".hidden")}) {
    EXPECT_EQ(failure_of([&] { h.set_state(key, "x"); }).status, SCC_E_USAGE) << key;
    EXPECT_EQ(failure_of([&] { h.state(key); }).status, SCC_E_USAGE) << key;
  }
  EXPECT_EQ(failure_of([&] { h.set_state("big", std::string((1U << 20U) + 1, 'x')); }).status, SCC_E_LIMIT);
}

TEST_F(ServicesTest, StepsAreShownSafely) {
  const sdk::Host h = host({});
  h.step("pulling \033[31mthings");
  EXPECT_THAT(steps_, testing::ElementsAre("acme: pulling \\x1b[31mthings"));
  EXPECT_EQ(h.confirm("sure?"), std::nullopt);
}

TEST_F(ServicesTest, EndpointsAnswerWhenGranted) {
  RawServer server([](Peer& peer) {
    for (std::string request = peer.request(); !request.empty(); request = peer.request()) {
      const std::string body =
          request.substr(0, request.find('\r')) + "|" + request.substr(request.find("\r\n\r\n") + 4);
      peer.send("HTTP/1.1 404 Not Found\r\nX-Mixed: Yes\r\nContent-Length: " + std::to_string(body.size()) +
                "\r\n\r\n" + body);
    }
  });
  Grants grants;
  grants.endpoints = {"env:X_HOST"};
  env_.vars["X_HOST"] = server.url();
  {
    HostContext& c = context(grants);
    const sdk::Host h(c.table());
    sdk::EndpointRequest request;
    request.endpoint = server.url();
    request.method = "POST";
    request.path = "/v1/x?y=1";
    request.body = "hello";
    for (int i = 0; i < 3; ++i) {
      const sdk::EndpointResponse response = h.request(request);
      EXPECT_EQ(response.status, 404);
      EXPECT_EQ(response.body, "POST /v1/x?y=1 HTTP/1.1|hello");
      EXPECT_THAT(response.headers_json, HasSubstr(R"("x-mixed":"Yes")"));
    }
    EXPECT_EQ(server.connections(), 1) << "requests to one endpoint share a connection";
    request.endpoint = "unix:///run/other.sock";
    const sdk::Failure refused = failure_of([&] { h.request(request); });
    EXPECT_EQ(refused.status, SCC_E_POLICY);
    EXPECT_EQ(refused.code, "grant.endpoints");
    request.endpoint = server.url();
    request.tls = sdk::TlsFiles{"/etc/passwd", "", ""};
    EXPECT_EQ(failure_of([&] { h.request(request); }).code, "grant.files");
    c.close();
  }
}

TEST_F(ServicesTest, ARefusingSinkEndsTheTransfer) {
  RawServer server([](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n" + std::string(100'000, 'x'));
    peer.wait_closed();
  });
  Grants grants;
  grants.endpoints = {"env:X_HOST"};
  env_.vars["X_HOST"] = server.url();
  const sdk::Host h = host(grants);
  sdk::EndpointRequest request;
  request.endpoint = server.url();
  scc_sink sink{sizeof(scc_sink), 0, nullptr, [](void*, scc_str) -> scc_status { return SCC_E_LIMIT; }};
  EXPECT_EQ(failure_of([&] { h.request(request, &sink); }).status, SCC_E_LIMIT);
}

TEST_F(ServicesTest, AnAbsentEngineIsAPrerequisite) {
  Grants grants;
  grants.endpoints = {"unix:/nonexistent/x.sock"};
  sdk::EndpointRequest request;
  request.endpoint = "unix:///nonexistent/x.sock";
  EXPECT_EQ(failure_of([&] { host(grants).request(request); }).status, SCC_E_PREREQ);
}

TEST_F(ServicesTest, UpgradedStreams) {
  RawServer server([](Peer& peer) {
    const std::string request = peer.request();
    if (request.find("/refuse") != std::string::npos) {
      peer.send("HTTP/1.1 409 Conflict\r\nContent-Length: 4\r\n\r\nbusy");
      return;
    }
    peer.send("HTTP/1.1 101 Switching\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhi ");
    peer.send(peer.rest());
  });
  Grants grants;
  grants.endpoints = {"env:X_HOST"};
  env_.vars["X_HOST"] = server.url();
  const sdk::Host h = host(grants);
  sdk::EndpointRequest request;
  request.endpoint = server.url();
  request.method = "POST";
  {
    sdk::Stream stream = h.upgrade(request);
    EXPECT_GE(stream.fd(), 0);
    EXPECT_EQ(stream.write("echo"), 4U);
    stream.close_write();
    std::string got;
    while (stream.read(5'000, got) == sdk::Stream::Read::data) {
    }
    EXPECT_EQ(got, "hi echo");
  }
  request.path = "/refuse";
  const sdk::Failure refused = failure_of([&] { static_cast<void>(h.upgrade(request)); });
  EXPECT_EQ(refused.status, SCC_E_TOOL);
  EXPECT_THAT(refused.what(), HasSubstr("busy"));
}

}  // namespace
}  // namespace scc::plugin
