// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <scc/sdk/testing.hpp>

namespace scc::sdk {
namespace {

using testing::Answer;
using ::testing::ElementsAre;
using testing::FakeHost;
using testing::StreamScript;

template <class Body>
scc_status status_of(Body&& body) {
  try {
    body();
  } catch (const Failure& f) {
    EXPECT_FALSE(f.code.empty());
    EXPECT_FALSE(f.message.empty());
    return f.status;
  }
  return SCC_OK;
}

TEST(Host, RunsAProcess) {
  FakeHost fake;
  fake.process_results = {{3, "out", "err"}};
  ProcessRequest request;
  request.argv = {"git", "a b"};
  request.env = StringMap{{"A", "b"}};
  request.input = "in";
  const ProcessResult result = fake.host().run(request);
  EXPECT_EQ(result.exit_code, 3);
  EXPECT_EQ(result.out, "out");
  EXPECT_EQ(result.err, "err");
  ASSERT_EQ(fake.process_requests.size(), 1U);
  EXPECT_EQ(fake.process_requests[0].str("/schema"), "scc.process-request/1");
  EXPECT_THAT(fake.process_requests[0].strings("/argv"), ElementsAre("git", "a b"));
  EXPECT_EQ(fake.process_requests[0].str("/stdin"), "in");
  EXPECT_EQ(status_of([&] { static_cast<void>(fake.host().run(request)); }), SCC_E_PREREQ);  // none scripted
}

TEST(Host, SendsARequest) {
  FakeHost fake;
  fake.answers["GET /v1/info"] = {Answer{404, "no"}};
  EndpointRequest request;
  request.endpoint = "unix:///s";
  request.path = "/v1/info";
  const EndpointResponse response = fake.host().request(request);
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.body, "no");
  EXPECT_EQ(fake.endpoint_requests[0].str("/endpoint"), "unix:///s");
}

TEST(Host, AnEngineThatIsDownIsItsOwnFailure) {
  FakeHost fake;
  Answer down;
  down.failure = SCC_E_PREREQ;
  down.code = "endpoint.unreachable";
  down.message = "no such socket";
  fake.answers["GET /"] = {down};
  EndpointRequest request;
  request.endpoint = "unix:///s";
  try {
    static_cast<void>(fake.host().request(request));
    FAIL();
  } catch (const Failure& f) {
    EXPECT_EQ(f.status, SCC_E_PREREQ);
    EXPECT_EQ(f.code, "endpoint.unreachable");
    EXPECT_EQ(f.message, "no such socket");
  }
}

TEST(Host, ABodyMayStreamBothWays) {
  FakeHost fake;
  fake.answers["POST /build"] = {Answer{200, "done"}};
  std::string left = "tar bytes";
  const scc_source source = {
      sizeof(scc_source), 0, &left,
      [](void* ctx, char* buffer, std::size_t capacity, std::size_t* size) -> scc_status {
        auto& bytes = *static_cast<std::string*>(ctx);
        *size = bytes.copy(buffer, capacity < 4 ? capacity : 4);
        bytes.erase(0, *size);
        return SCC_OK;
      }};
  Collect out;
  EndpointRequest request;
  request.endpoint = "unix:///s";
  request.method = "POST";
  request.path = "/build";
  const EndpointResponse response = fake.host().request(request, out.c(), &source);
  EXPECT_EQ(response.body, "");
  EXPECT_EQ(out.str(), "done");
  EXPECT_THAT(fake.endpoint_bodies, ElementsAre("tar bytes"));
}

TEST(Host, AStreamReadsWritesAndCloses) {
  FakeHost fake;
  const auto script = std::make_shared<StreamScript>();
  script->chunks = {"ab", "", "c"};
  fake.streams["POST /attach"] = script;
  EndpointRequest request;
  request.endpoint = "unix:///s";
  request.method = "POST";
  request.path = "/attach";
  {
    Stream stream = fake.host().upgrade(request);
    std::string bytes;
    EXPECT_EQ(stream.read(10, bytes), Stream::Read::data);
    EXPECT_EQ(stream.read(10, bytes), Stream::Read::timeout);
    EXPECT_EQ(stream.read(10, bytes), Stream::Read::data);
    EXPECT_EQ(stream.read(10, bytes), Stream::Read::closed);
    EXPECT_EQ(bytes, "abc");
    EXPECT_EQ(stream.write("in"), 2U);
    stream.close_write();
    Stream moved = std::move(stream);
    EXPECT_FALSE(script->closed);
  }
  EXPECT_EQ(script->written, "in");
  EXPECT_TRUE(script->write_closed);
  EXPECT_TRUE(script->closed);
}

TEST(Host, FilesAndStateTellAbsentFromRefused) {
  FakeHost fake;
  fake.files["/a"] = "x";
  EXPECT_EQ(fake.host().read_file("/a"), "x");
  EXPECT_EQ(fake.host().read_file("/b"), std::nullopt);
  EXPECT_EQ(fake.host().state("k"), std::nullopt);
  fake.host().set_state("k", "v");
  EXPECT_EQ(fake.host().state("k"), "v");
}

TEST(Host, UserInterfaceAndAuditAreOptional) {
  FakeHost fake;
  fake.host().step("one");
  EXPECT_THAT(fake.steps, ElementsAre("one"));
  EXPECT_EQ(fake.host().confirm("sure?"), std::nullopt);
  fake.confirm_answer = true;
  EXPECT_EQ(fake.host().confirm("sure?"), true);
  EXPECT_TRUE(fake.host().audit("{}"));
  fake.absent = {SCC_HOST_UI, SCC_HOST_AUDIT};
  fake.host().step("two");
  EXPECT_EQ(fake.host().confirm("sure?"), std::nullopt);
  EXPECT_FALSE(fake.host().audit("{}"));
}

TEST(Host, AnAbsentServiceIsAFailureAndNoCrash) {
  FakeHost fake;
  fake.absent = {SCC_HOST_PROCESS, SCC_HOST_ENDPOINT, SCC_HOST_FILES, SCC_HOST_STATE, SCC_HOST_RUNTIME};
  const Host host = fake.host();
  EXPECT_EQ(status_of([&] { static_cast<void>(host.run({})); }), SCC_E_UNSUPPORTED);
  EXPECT_EQ(status_of([&] { static_cast<void>(host.request({})); }), SCC_E_UNSUPPORTED);
  EXPECT_EQ(status_of([&] { static_cast<void>(host.upgrade({})); }), SCC_E_UNSUPPORTED);
  EXPECT_EQ(status_of([&] { static_cast<void>(host.read_file("/a")); }), SCC_E_UNSUPPORTED);
  EXPECT_EQ(status_of([&] { static_cast<void>(host.state("k")); }), SCC_E_UNSUPPORTED);
  EXPECT_EQ(status_of([&] { host.set_state("k", "v"); }), SCC_E_UNSUPPORTED);
  EXPECT_EQ(status_of([&] { RuntimeClient client(host); }), SCC_E_UNSUPPORTED);
}

// ABI-4: a host older than this header has shorter tables. Every length must do.
TEST(Host, EveryShorterHostTableIsSafe) {
  FakeHost fake;
  for (std::uint32_t size = 0; size <= sizeof(scc_host_v1); ++size) {
    scc_host_v1 table = *fake.c();
    table.struct_size = size;
    const Host host(&table);
    host.info("hello");
    static_cast<void>(host.cancelled());
    static_cast<void>(host.confirm("?"));
    const scc_status expected = size == sizeof(scc_host_v1) ? SCC_OK : SCC_E_UNSUPPORTED;
    EXPECT_EQ(status_of([&] { static_cast<void>(host.parse("[1]")); }), expected) << size;
    EXPECT_EQ(status_of([&] { static_cast<void>(host.read_file("/x")); }), expected) << size;
  }
}

TEST(Host, CancellationReachesALoop) {
  FakeHost fake;
  EXPECT_EQ(status_of([&] { fake.host().stop_if_cancelled(); }), SCC_OK);
  fake.is_cancelled = true;
  EXPECT_EQ(status_of([&] { fake.host().stop_if_cancelled(); }), SCC_E_CANCELLED);
}

}  // namespace
}  // namespace scc::sdk
