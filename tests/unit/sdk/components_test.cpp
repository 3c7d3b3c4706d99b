// SPDX-License-Identifier: Apache-2.0
// Every kind of component made from a plain class, called through its C table: what a method returns and
// throws, what an absent method becomes.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <scc/sdk/testing.hpp>

namespace {

using namespace scc::sdk;
int g_alive = 0;

struct Counted {
  Counted() { ++g_alive; }
  Counted(const Counted&) = delete;
  ~Counted() { --g_alive; }
};

class FullProvider {
 public:
  FullProvider(Host host, const Json& config) : host_(host), model_(config.str("/config/model", "default")) {
    if (model_ == "none") throw Failure(SCC_E_PREREQ, "demo.no-model", "no model", "choose one");
  }
  LaunchSpec plan_launch(const Json& request) {
    LaunchSpec spec;
    spec.image = "reg/x:1";
    spec.argv = {"demo", model_, request.require_str("/workspace/target")};
    host_.info("planned");
    return spec;
  }
  AuthStatus auth_status(const Json& request) { return {request.str("/mode"), "m"}; }
  std::string plan_login(const Json&) { return R"({"schema":"scc.login-plan/1"})"; }
  const void* extension(std::string_view id) { return id == "com.demo.x/1" ? this : nullptr; }

 private:
  Host host_;
  std::string model_;
  Counted counted_;
};

struct PlainProvider {
  LaunchSpec plan_launch(const Json&) { throw std::runtime_error("boom"); }
  AuthStatus auth_status() { throw 7; }
};

struct DemoExec {
  Counted counted;
  int reads = 0;
  std::string written;
  std::optional<Channel> read(std::uint32_t timeout_ms, const Sink& out) {
    if (timeout_ms == 0) return std::nullopt;
    if (++reads > 1) return Channel::end;
    out.write("hello");
    return Channel::err;
  }
  std::size_t write(std::string_view bytes) {
    written += bytes;
    return bytes.size();
  }
  void close_input() { throw Failure(SCC_E_TOOL, "demo.gone", "gone"); }
  void resize(std::uint16_t rows, std::uint16_t cols) {
    written += std::to_string(rows) + "x" + std::to_string(cols);
  }
  std::optional<int> wait(std::uint32_t timeout_ms) {
    return timeout_ms == 0 ? std::nullopt : std::optional<int>(3);
  }
  int fd() const { return 42; }
};

struct SmallRuntime {
  RuntimeInfo probe() {
    RuntimeInfo info;
    info.runtime_id = "small";
    info.problems = {{"down", "it is down", "start it"}};
    return info;
  }
  SandboxHandle sandbox_create(const Json& spec) { return {"id-" + spec.str("/name"), spec.str("/name")}; }
  void sandbox_start(std::string_view id) {
    if (id == "gone") throw Failure(SCC_E_NOT_FOUND, "runtime.unknown", "no such sandbox");
  }
  std::string sandbox_inspect(std::string_view) { return "{}"; }
  SandboxList sandbox_list(const Json&) { return {}; }
  void sandbox_stop(std::string_view, std::uint32_t grace_ms) { stopped = grace_ms; }
  void sandbox_remove(std::string_view) {}
  std::unique_ptr<DemoExec> exec_open(std::string_view, const Json&) { return std::make_unique<DemoExec>(); }
  void image_build(const Json& request, const Source& context, const Sink& progress) {
    char buffer[16];
    progress.write(request.str("/tags/0") + ":" + std::string(buffer, context.read(buffer, sizeof buffer)));
  }
  std::uint32_t stopped = 0;
};

struct DemoPolicy {
  explicit DemoPolicy(Host host) : host_(host) {}
  NetPlan plan(const Json& request) {
    NetPlan plan;
    plan.mode = request.str("/mode");
    plan.network = {"named", "n"};
    plan.details_json = R"({"x":1})";
    return plan;
  }
  NetAttachment apply(const Json&) {
    const Json network = RuntimeClient(host_).network_create(R"({"name":"n"})");
    NetAttachment attachment;
    attachment.network = {"named", network.str("/name")};
    attachment.ids = {network.str("/id")};
    return attachment;
  }
  NetEvidence verify(const Json&) { return {{{"direct", "refused", "open", false}}}; }
  void release(const Json& attachment) { RuntimeClient(host_).network_remove(attachment.str("/ids/0")); }
  Host host_;
};

struct DemoMcp {
  McpConnection plan(const Json& server) {
    if (server.str("/url").rfind("file:", 0) == 0) throw Failure(SCC_E_POLICY, "mcp.url", "no file URLs");
    McpConnection c;
    c.name = server.str("/name");
    c.type = "http";
    c.destinations = {"x:443"};
    return c;
  }
};

struct DemoSafety {
  SafetyRules rules() { return {{{"demo.rm", "rm", "block", "no rm", {"rm -rf /"}, {"ls"}}}}; }
  Verdict evaluate(const Command& command) const {
    if (command[0] == "throw") throw std::runtime_error("x");
    if (command[0] == "rm" && command.depth() == 1) return {SCC_BLOCK, "demo.rm", std::string(command[1])};
    return {};
  }
};

}  // namespace

SCC_PLUGIN("demo", "1.2.3", provider<FullProvider>("full"), provider<PlainProvider>("plain"),
           runtime<SmallRuntime>("small"), netpolicy<DemoPolicy>("demo"), mcp<DemoMcp>("demo"),
           safety<DemoSafety>("demo"))

namespace {

using scc::sdk::testing::call;
using scc::sdk::testing::FakeHost;
using scc::sdk::testing::find_table;
using scc::sdk::testing::Outcome;
using scc::sdk::testing::ProviderDriver;

template <class Table, class Handle>
class Instance {
 public:
  Instance(const FakeHost& host, const char* interface_id, const char* id)
      : table(find_table<Table>(interface_id, id)) {
    EXPECT_EQ(table->create(host.c(), view("{}"), &self, nullptr), SCC_OK);
  }
  ~Instance() { table->destroy(self); }
  const Table* table;
  Handle* self = nullptr;
};

TEST(Entry, IsAConstantTable) {
  EXPECT_EQ(scc_plugin_entry_v1.struct_size, sizeof(scc_plugin_v1));
  EXPECT_EQ(scc_plugin_entry_v1.abi_major, SCC_ABI_MAJOR);
  EXPECT_STREQ(scc_plugin_entry_v1.id, "demo");
  EXPECT_STREQ(scc_plugin_entry_v1.version, "1.2.3");
  EXPECT_EQ(scc_plugin_entry_v1.component_count, 6U);
  EXPECT_EQ(scc_plugin_entry_v1.component_stride, sizeof(scc_component));
}

TEST(Provider, PlansAndIsDestroyed) {
  FakeHost host;
  {
    ProviderDriver provider(host, "full", R"({"config":{"model":"large"}})");
    ASSERT_TRUE(provider.created.ok());
    const Outcome out = provider.plan_launch(R"({"workspace":{"target":"/w"}})");
    EXPECT_EQ(out.document.str("/image"), "ref:reg/x:1");
    EXPECT_EQ(out.document.str("/argv/1"), "large");
    EXPECT_EQ(provider.auth_status(R"({"mode":"missing"})").document.str("/status"), "missing");
    EXPECT_EQ(g_alive, 1);
  }
  EXPECT_EQ(g_alive, 0);
  EXPECT_EQ(host.open_documents, 0);
  EXPECT_EQ(host.logs, std::vector<std::string>{"planned"});
}

TEST(Provider, AFailureInTheConstructorLeavesNothing) {
  FakeHost host;
  const ProviderDriver provider(host, "full", R"({"config":{"model":"none"}})");
  EXPECT_EQ(provider.created.status, SCC_E_PREREQ);
  EXPECT_EQ(provider.created.code, "demo.no-model");
  EXPECT_EQ(provider.created.hint, "choose one");
  EXPECT_EQ(g_alive, 0);
  const ProviderDriver garbage(host, "full", "{{{");
  EXPECT_EQ(garbage.created.status, SCC_E_CONFIG);
  EXPECT_EQ(host.open_documents, 0);
}

TEST(Provider, NoExceptionCrosses) {
  FakeHost host;
  ProviderDriver provider(host, "plain", "{}");
  const Outcome boom = provider.plan_launch("{}");
  EXPECT_EQ(boom.status, SCC_E_INTERNAL);
  EXPECT_EQ(boom.message, "boom");
  EXPECT_EQ(provider.auth_status("{}").status, SCC_E_INTERNAL);
}

TEST(Provider, OptionalMembersFollowTheClass) {
  const auto* full = find_table<scc_provider_v1>(SCC_IFACE_PROVIDER, "full");
  const auto* plain = find_table<scc_provider_v1>(SCC_IFACE_PROVIDER, "plain");
  EXPECT_EQ(plain->plan_login, nullptr);
  EXPECT_EQ(plain->plan_artifacts, nullptr);
  EXPECT_EQ(plain->extension, nullptr);
  EXPECT_EQ(full->plan_artifacts, nullptr);
  FakeHost host;
  Instance<scc_provider_v1, scc_provider> instance(host, SCC_IFACE_PROVIDER, "full");
  EXPECT_EQ(call(full->plan_login, instance.self, view("{}")).document.str("/schema"), "scc.login-plan/1");
  EXPECT_NE(full->extension(instance.self, view("com.demo.x/1")), nullptr);
  EXPECT_EQ(full->extension(instance.self, view("com.demo.x/1x")), nullptr);
}

TEST(Provider, ANullHandleOrSinkIsRefused) {
  FakeHost host;
  const auto* table = find_table<scc_provider_v1>(SCC_IFACE_PROVIDER, "full");
  EXPECT_EQ(call(table->plan_launch, static_cast<scc_provider*>(nullptr), view("{}")).status, SCC_E_USAGE);
  EXPECT_EQ(table->create(host.c(), view("{}"), nullptr, nullptr), SCC_E_USAGE);
  Instance<scc_provider_v1, scc_provider> instance(host, SCC_IFACE_PROVIDER, "full");
  const scc_str request = view(R"({"workspace":{"target":"/w"}})");
  EXPECT_EQ(table->plan_launch(instance.self, request, nullptr, nullptr), SCC_E_USAGE);
  Collect small(8);
  EXPECT_EQ(table->plan_launch(instance.self, request, small.c(), nullptr), SCC_E_LIMIT);
}

TEST(Runtime, AnswersAndRefusesByVerb) {
  FakeHost host;
  Instance<scc_runtime_v1, scc_runtime> r(host, SCC_IFACE_RUNTIME, "small");
  Collect info;
  EXPECT_EQ(r.table->probe(r.self, info.c(), nullptr), SCC_OK);
  EXPECT_EQ(scc::sdk::testing::parsed(info.str()).str("/problems/0/remedy"), "start it");
  EXPECT_EQ(call(r.table->sandbox_create, r.self, view(R"({"name":"a"})")).document.str("/id"), "id-a");
  ErrorCatch error;
  EXPECT_EQ(r.table->sandbox_start(r.self, view("gone"), error.c()), SCC_E_NOT_FOUND);
  EXPECT_EQ(error.code, "runtime.unknown");
  EXPECT_EQ(r.table->sandbox_stop(r.self, view("a"), 5, nullptr), SCC_OK);
  const Outcome lacks = call(r.table->image_list, r.self, view("{}"));
  EXPECT_EQ(lacks.status, SCC_E_UNSUPPORTED);
  EXPECT_EQ(lacks.message, "this plugin does not implement image_list");
  EXPECT_EQ(r.table->volume_remove(r.self, view("v"), nullptr), SCC_E_UNSUPPORTED);
}

TEST(Runtime, BuildsFromASource) {
  FakeHost host;
  Instance<scc_runtime_v1, scc_runtime> r(host, SCC_IFACE_RUNTIME, "small");
  const scc_source source = {sizeof(scc_source), 0, nullptr,
                             [](void*, char* buffer, std::size_t, std::size_t* size) -> scc_status {
                               buffer[0] = 'x';
                               *size = 1;
                               return SCC_OK;
                             }};
  Collect progress;
  EXPECT_EQ(r.table->image_build(r.self, view(R"({"tags":["t"]})"), &source, progress.c(), nullptr), SCC_OK);
  EXPECT_EQ(progress.str(), "t:x");
  EXPECT_EQ(r.table->image_build(r.self, view("{}"), nullptr, progress.c(), nullptr), SCC_E_USAGE);
}

TEST(Runtime, AnExecIsAClassOfTheVendor) {
  FakeHost host;
  Instance<scc_runtime_v1, scc_runtime> r(host, SCC_IFACE_RUNTIME, "small");
  scc_exec* e = nullptr;
  ASSERT_EQ(r.table->exec_open(r.self, view("a"), view("{}"), &e, nullptr), SCC_OK);
  Collect out;
  scc_channel channel = -1;
  EXPECT_EQ(r.table->exec_read(e, 0, &channel, out.c(), nullptr), SCC_E_TIMEOUT);
  EXPECT_EQ(r.table->exec_read(e, 5, &channel, out.c(), nullptr), SCC_OK);
  EXPECT_EQ(channel, SCC_CHANNEL_ERR);
  EXPECT_EQ(out.str(), "hello");
  EXPECT_EQ(r.table->exec_read(e, 5, &channel, out.c(), nullptr), SCC_OK);
  EXPECT_EQ(channel, SCC_CHANNEL_END);
  std::size_t written = 0;
  EXPECT_EQ(r.table->exec_write(e, view("abc"), &written, nullptr), SCC_OK);
  EXPECT_EQ(written, 3U);
  EXPECT_EQ(r.table->exec_close_input(e, nullptr), SCC_E_TOOL);
  EXPECT_EQ(r.table->exec_resize(e, 24, 80, nullptr), SCC_OK);
  std::int32_t code = 0;
  EXPECT_EQ(r.table->exec_wait(e, 0, &code, nullptr), SCC_E_TIMEOUT);
  EXPECT_EQ(r.table->exec_wait(e, 1, &code, nullptr), SCC_OK);
  EXPECT_EQ(code, 3);
  EXPECT_EQ(r.table->exec_fd(e), 42);
  EXPECT_EQ(g_alive, 1);
  r.table->exec_close(e);
  EXPECT_EQ(g_alive, 0);
}

TEST(NetPolicy, ActsThroughTheRuntimeOfTheHost) {
  FakeHost host;
  static std::vector<std::string> calls;
  scc_runtime_v1 table{};
  table.struct_size = sizeof table;
  table.network_create = [](scc_runtime*, scc_str, const scc_sink* out, const scc_error_sink*) -> scc_status {
    return out->write(out->ctx, view(R"({"name":"n","id":"7"})"));
  };
  table.network_remove = [](scc_runtime*, scc_str name, const scc_error_sink*) -> scc_status {
    calls.emplace_back(text(name));
    return SCC_OK;
  };
  int instance = 0;
  const scc_host_runtime_v1 service = {sizeof(scc_host_runtime_v1), 0,
                                       reinterpret_cast<scc_runtime*>(&instance), &table};
  host.runtime = &service;
  Instance<scc_netpolicy_v1, scc_netpolicy> p(host, SCC_IFACE_NETPOLICY, "demo");
  const Outcome plan = call(p.table->plan, p.self, view(R"({"mode":"m"})"));
  EXPECT_EQ(plan.document.str("/network/mode"), "named");
  EXPECT_NE(plan.document.at("/details/x"), nullptr);
  EXPECT_FALSE(plan.document.flag("/enforced"));
  const Outcome attachment = call(p.table->apply, p.self, view(plan.text));
  EXPECT_EQ(attachment.document.str("/ids/0"), "7");
  EXPECT_FALSE(call(p.table->verify, p.self, view(attachment.text)).document.flag("/checks/0/passed"));
  EXPECT_EQ(p.table->release(p.self, view(attachment.text), nullptr), SCC_OK);
  EXPECT_EQ(calls, std::vector<std::string>{"7"});
}

TEST(Mcp, PlansAndRefuses) {
  FakeHost host;
  Instance<scc_mcp_v1, scc_mcp> m(host, SCC_IFACE_MCP, "demo");
  EXPECT_EQ(
      call(m.table->plan, m.self, view(R"({"name":"s","url":"https://x"})")).document.str("/destinations/0"),
      "x:443");
  EXPECT_EQ(call(m.table->plan, m.self, view(R"({"url":"file:///x"})")).status, SCC_E_POLICY);
  EXPECT_EQ(m.table->probe, nullptr);
}

TEST(Safety, AnExceptionIsNoVerdict) {
  FakeHost host;
  Instance<scc_safety_v1, scc_safety> s(host, SCC_IFACE_SAFETY, "demo");
  const auto evaluate = [&](std::vector<std::string_view> argv, scc_decision& decision, std::string& reason) {
    std::vector<scc_str> words;
    for (const std::string_view word : argv) words.push_back(view(word));
    const scc_command command = {sizeof(scc_command), 1, words.data(), words.size(), view(""), view("/")};
    Collect rule;
    Collect why;
    scc_verdict verdict = {sizeof(scc_verdict), SCC_NO_OPINION, rule.c(), why.c()};
    const scc_status status = s.table->evaluate(s.self, &command, &verdict);
    decision = verdict.decision;
    reason = why.str();
    return status;
  };
  scc_decision decision = SCC_ALLOW;
  std::string reason;
  EXPECT_EQ(evaluate({"rm", "-rf"}, decision, reason), SCC_OK);
  EXPECT_EQ(decision, SCC_BLOCK);
  EXPECT_EQ(reason, "-rf");
  EXPECT_EQ(evaluate({"ls"}, decision, reason), SCC_OK);
  EXPECT_EQ(decision, SCC_NO_OPINION);
  EXPECT_NE(evaluate({"throw"}, decision, reason), SCC_OK);
  Collect rules;
  EXPECT_EQ(s.table->rules(s.self, rules.c(), nullptr), SCC_OK);
  EXPECT_EQ(scc::sdk::testing::parsed(rules.str()).str("/rules/0/examples/blocks/0"), "rm -rf /");
}

}  // namespace
