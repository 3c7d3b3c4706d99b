// SPDX-License-Identifier: Apache-2.0
// The upgraded byte stream of net::Client: nothing lost, nothing invented, both directions, half close.
#include <chrono>

#include <gtest/gtest.h>

#include "net/endpoint.h"
#include "unit/net/raw_server.h"

namespace scc::net {
namespace {

using namespace std::string_literals;
using test::Peer;
using test::RawServer;
using Over = RawServer::Over;

const std::string kSwitch = "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n";

Request exec_request() {
  Request request;
  request.method = "POST";
  request.path = "/exec/x/start";
  request.headers = {{"Content-Type", "application/json"}};
  request.body = "{}";
  return request;
}

/// Everything until the peer closes.
std::string drain(Stream& stream) {
  std::string bytes;
  while (true) {
    const auto open = stream.read(10'000, bytes);
    EXPECT_TRUE(open) << open.error().message;
    if (!open || !*open) return bytes;
  }
}

TEST(Upgrade, SendsTheHandshakeAndKeepsTheBytesBehindTheHead) {
  for (const auto over : {Over::unix_socket, Over::loopback}) {
    std::string seen;
    RawServer server(
        [&](Peer& peer) {
          seen = peer.request();
          peer.send(kSwitch + "early\0bytes"s);
          peer.send(" and late ones");
        },
        over);
    auto upgraded = Client({server.url(), {}}).upgrade(exec_request());
    ASSERT_TRUE(upgraded) << upgraded.error().message;
    EXPECT_EQ(upgraded->response.status, 101);
    ASSERT_TRUE(upgraded->stream);
    EXPECT_EQ(drain(*upgraded->stream), "early\0bytes and late ones"s);
    EXPECT_EQ(seen.substr(0, seen.find("\r\n")), "POST /exec/x/start HTTP/1.1");
    for (const char* line :
         {"\r\nConnection: Upgrade\r\n", "\r\nUpgrade: tcp\r\n", "\r\nContent-Length: 2\r\n"}) {
      EXPECT_NE(seen.find(line), std::string::npos) << line << seen;
    }
  }
}

TEST(Upgrade, FindsTheHeadHoweverItIsCut) {
  RawServer server([&](Peer& peer) {
    peer.request();
    for (const char c : "HTTP/1.1 100 Continue\r\n\r\n" + kSwitch + "x") peer.send({&c, 1});
  });
  auto upgraded = Client({server.url(), {}}).upgrade(exec_request());
  ASSERT_TRUE(upgraded) << upgraded.error().message;
  EXPECT_EQ(drain(*upgraded->stream), "x");
}

TEST(Upgrade, TakesAnUnframedTwoHundredAsAStream) {
  RawServer server([](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Type: application/vnd.docker.raw-stream\r\n\r\nraw");
  });
  auto upgraded = Client({server.url(), {}}).upgrade(exec_request());
  ASSERT_TRUE(upgraded) << upgraded.error().message;
  ASSERT_TRUE(upgraded->stream);
  EXPECT_EQ(drain(*upgraded->stream), "raw");
}

TEST(Upgrade, ReturnsAnotherAnswerWithItsBody) {
  for (const auto& [answer, status, body] :
       {std::tuple{"HTTP/1.1 409 Conflict\r\nContent-Length: 4\r\n\r\nbusy"s, 409, "busy"s},
        std::tuple{"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n1;a\r\n!\r\n0\r\n\r\n"s,
                   500, "no!"s},
        std::tuple{"HTTP/1.1 404 X\r\n\r\nto the end"s, 404, "to the end"s},
        std::tuple{"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"s, 200, "ok"s}}) {
    RawServer server([&, text = answer](Peer& peer) {
      peer.request();
      peer.send(text);
    });
    const auto upgraded = Client({server.url(), {}}).upgrade(exec_request());
    ASSERT_TRUE(upgraded) << upgraded.error().message;
    EXPECT_FALSE(upgraded->stream);
    EXPECT_EQ(upgraded->response.status, status);
    EXPECT_EQ(upgraded->response.body, body);
  }
}

TEST(Upgrade, RefusesBrokenAnswers) {
  for (const auto& answer :
       {"garbage"s, ""s, "HTTP/1.1 101"s, "HTTP/1.1 1x1 no\r\n\r\n"s, "HTTP/2 101\r\n\r\n"s,
        "HTTP/1.1 101 X\r\nno colon\r\n\r\n"s, "HTTP/1.1 101 X\r\n Folded: x\r\n\r\n"s,
        "HTTP/1.1 500 X\r\nContent-Length: 9\r\n\r\nshort"s, "HTTP/1.1 500 X\r\nContent-Length: -1\r\n\r\n"s,
        "HTTP/1.1 500 X\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"s,
        "HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n"s,
        "HTTP/1.1 101 X\r\nA: " + std::string(70'000, 'a') + "\r\n\r\n"}) {
    RawServer server([&](Peer& peer) {
      peer.request();
      peer.send(answer);
    });
    const auto upgraded = Client({server.url(), {}}).upgrade(exec_request());
    ASSERT_FALSE(upgraded) << answer;
    EXPECT_EQ(upgraded.error().id, "endpoint.protocol") << answer;
  }
}

TEST(Upgrade, EndsInTimeAndOnRequest) {
  RawServer server([](Peer& peer) {
    peer.request();
    peer.wait_closed();
  });
  auto request = exec_request();
  request.timeout_ms = 150;
  EXPECT_EQ(Client({server.url(), {}}).upgrade(request).error().id, "endpoint.timeout");
  request.timeout_ms = 0;
  request.cancelled = [] { return true; };
  EXPECT_EQ(Client({server.url(), {}}).upgrade(request).error().kind, Kind::cancelled);
}

TEST(Upgrade, NamesWhyThereIsNoConnection) {
  const test::TempDir dir;
  const auto upgraded = Client({"unix://" + (dir.path() / "none").string(), {}}).upgrade(exec_request());
  ASSERT_FALSE(upgraded);
  EXPECT_EQ(upgraded.error().id, "endpoint.missing");
  EXPECT_EQ(upgraded.error().kind, Kind::prereq);
}

TEST(Stream, ClosesOneDirectionAndReadsTheOther) {
  for (const auto over : {Over::unix_socket, Over::loopback}) {
    RawServer server(
        [](Peer& peer) {
          peer.request();
          peer.send(kSwitch);
          peer.send("got: " + peer.rest());
        },
        over);
    auto upgraded = Client({server.url(), {}}).upgrade(exec_request());
    ASSERT_TRUE(upgraded) << upgraded.error().message;
    ASSERT_EQ(upgraded->stream->write("in\0put"s).value_or(0), 6U);
    ASSERT_TRUE(upgraded->stream->close_write());
    EXPECT_EQ(drain(*upgraded->stream), "got: in\0put"s);
    EXPECT_FALSE(upgraded->stream->write("more"));
  }
}

TEST(Stream, PassesBigBinaryDataBothWays) {
  constexpr std::size_t kSize = std::size_t{32} << 20U;
  std::string data(kSize, '\0');
  for (std::size_t i = 0; i < kSize; ++i) data[i] = static_cast<char>(i * 2654435761U >> 13U);
  RawServer server([&](Peer& peer) {
    peer.request();
    peer.send(kSwitch);
    peer.send(peer.take(kSize));
  });
  auto upgraded = Client({server.url(), {}}).upgrade(exec_request());
  ASSERT_TRUE(upgraded) << upgraded.error().message;
  std::string_view left = data;
  bool partial = false;
  while (!left.empty()) {
    const auto sent = upgraded->stream->write(left);
    ASSERT_TRUE(sent) << sent.error().message;
    partial |= *sent < left.size();
    left.remove_prefix(*sent);
    if (*sent != 0) continue;
    pollfd entry{upgraded->stream->fd(), POLLOUT, 0};
    ASSERT_GT(poll(&entry, 1, 10'000), 0);
  }
  EXPECT_TRUE(partial) << "the test did not see a write that had to be cut";
  EXPECT_EQ(drain(*upgraded->stream), data);
}

TEST(Stream, ReadsNothingWithinTheTimeout) {
  RawServer server([](Peer& peer) {
    peer.request();
    peer.send(kSwitch);
    peer.wait_closed();
  });
  auto upgraded = Client({server.url(), {}}).upgrade(exec_request());
  ASSERT_TRUE(upgraded) << upgraded.error().message;
  std::string bytes;
  for (const unsigned timeout : {0U, 30U}) {
    const auto open = upgraded->stream->read(timeout, bytes);
    ASSERT_TRUE(open);
    EXPECT_TRUE(*open);
    EXPECT_TRUE(bytes.empty());
  }
}

TEST(Stream, TakesAPeerThatLeavesUnreadInputAsAnEnd) {
  RawServer server([](Peer& peer) {
    peer.request();
    peer.send(kSwitch + "last words");
    peer.take(1);  // the rest of the input stays in the kernel, so closing resets the client
  });
  auto upgraded = Client({server.url(), {}}).upgrade(exec_request());
  ASSERT_TRUE(upgraded) << upgraded.error().message;
  const std::string input(100'000, 'i');
  (void)upgraded->stream->write(input);
  EXPECT_EQ(drain(*upgraded->stream), "last words");
}

TEST(Stream, OutlivesItsClient) {
  RawServer server([](Peer& peer) {
    peer.request();
    peer.send(kSwitch);
    peer.send(peer.take(4));
  });
  std::unique_ptr<Stream> stream;
  {
    Client client({server.url(), {}});
    auto upgraded = client.upgrade(exec_request());
    ASSERT_TRUE(upgraded) << upgraded.error().message;
    stream = std::move(upgraded->stream);
  }
  ASSERT_TRUE(stream->write("ping"));
  EXPECT_EQ(drain(*stream), "ping");
}

}  // namespace
}  // namespace scc::net
