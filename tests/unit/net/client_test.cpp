// SPDX-License-Identifier: Apache-2.0
// net::Client against a real scripted server: what comes back, what is refused, and which error says so.
#include <chrono>
#include <fstream>

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "net/endpoint.h"
#include "unit/net/raw_server.h"

namespace scc::net {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;
using test::Peer;
using test::RawServer;
using test::TempDir;
using Over = RawServer::Over;

constexpr std::string_view kEmptyOk = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";

std::string with_length(std::string_view body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

TEST(Client, SendsAndReceivesOverBothTransports) {
  for (const auto over : {Over::unix_socket, Over::loopback}) {
    std::string seen;
    RawServer server(
        [&](Peer& peer) {
          seen = peer.request();
          peer.send("HTTP/1.1 201 Created\r\nX-One: a\r\nx-one: b\r\nContent-Length: 5\r\n\r\nhello");
        },
        over);
    Client client({server.url(), {}});
    Request request;
    request.method = "POST";
    request.path = "/a%20b?c=d/../e";
    request.headers = {{"Content-Type", "application/json"}};
    request.body = "{}";
    const auto response = client.send(request);
    ASSERT_TRUE(response) << response.error().message;
    EXPECT_EQ(response->status, 201);
    EXPECT_EQ(response->body, "hello");
    EXPECT_EQ(response->headers.at("x-one"), "a, b");
    EXPECT_EQ(seen.substr(0, seen.find("\r\n")), "POST /a%20b?c=d/../e HTTP/1.1");
    EXPECT_NE(seen.find("Content-Type: application/json\r\n"), std::string::npos) << seen;
    EXPECT_EQ(seen.find("Expect:"), std::string::npos) << seen;
    EXPECT_EQ(seen.substr(seen.size() - 2), "{}");
  }
}

TEST(Client, ReusesItsConnection) {
  RawServer server([](Peer& peer) {
    while (!peer.request().empty()) peer.send(kEmptyOk);
  });
  Client client({server.url(), {}});
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(client.send({}));
  EXPECT_EQ(server.connections(), 1);
}

TEST(Client, SurvivesAKeptConnectionThatThePeerClosed) {
  RawServer server([](Peer& peer) {
    peer.request();
    peer.send(kEmptyOk);
  });
  Client client({server.url(), {}});
  for (int i = 0; i < 3; ++i) {
    const auto response = client.send({});
    ASSERT_TRUE(response) << response.error().message;
  }
  EXPECT_EQ(server.connections(), 3);
}

TEST(Client, EmptyPostHasALengthAndNoForm) {
  std::string seen;
  RawServer server([&](Peer& peer) {
    seen = peer.request();
    peer.send("HTTP/1.1 204 No Content\r\n\r\n");
  });
  Request request;
  request.method = "POST";
  const auto response = Client({server.url(), {}}).send(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 204);
  EXPECT_NE(seen.find("Content-Length: 0\r\n"), std::string::npos) << seen;
  EXPECT_EQ(seen.find("Content-Type"), std::string::npos) << seen;
}

TEST(Client, StreamsAChunkedBodyInBothDirections) {
  std::string seen;
  RawServer server([&](Peer& peer) {
    seen = peer.request();
    peer.send(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab\0\r\n4;x=y\r\n\xff\x00\r\n\r\n0\r\n\r\n"sv);
  });
  Request request;
  request.method = "POST";
  int turn = 0;
  request.body_source = [&](char* buffer, std::size_t) -> std::optional<std::size_t> {
    if (turn++ == 3) return 0;
    buffer[0] = 'x';
    return 1;
  };
  std::string body;
  request.on_body = [&](std::string_view bytes) {
    body += bytes;
    return true;
  };
  const auto response = Client({server.url(), {}}).send(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(body, std::string("ab\0\xff\0\r\n", 7));
  EXPECT_TRUE(response->body.empty());
  EXPECT_NE(seen.find("1\r\nx\r\n1\r\nx\r\n1\r\nx\r\n0\r\n\r\n"), std::string::npos) << seen;
}

TEST(Client, PassesHundredMegabytesThroughTheSink) {
  const std::string block(1 << 20, 'z');
  RawServer server([&](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n");
    for (int i = 0; i < 100 && peer.send(block); ++i) {
    }
  });
  Request request;
  std::size_t total = 0;
  request.on_body = [&](std::string_view bytes) {
    total += bytes.size();
    return true;
  };
  const auto response = Client({server.url(), {}}).send(request);
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(total, std::size_t{100} << 20U);
}

TEST(Client, RefusesToCollectMoreThanSixteenMegabytes) {
  const std::string block(1 << 20, 'z');
  RawServer server([&](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\n\r\n");
    while (peer.send(block)) {
    }
  });
  const auto response = Client({server.url(), {}}).send({});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().id, "endpoint.limit");
}

TEST(Client, RefusesOversizedHeaders) {
  RawServer server([](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\n");
    const std::string line = "X: " + std::string(8000, 'h') + "\r\n";
    while (peer.send(line)) {
    }
  });
  const auto response = Client({server.url(), {}}).send({});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().id, "endpoint.limit");
}

TEST(Client, CallsGarbageAndEarlyCloseAProtocolError) {
  for (const auto& answer :
       {"garbage\r\n\r\n"s, "HTTP/1.1 999999 x\r\n\r\n"s, ""s, "HTTP/1.1 200 OK\r\nContent-Le"s,
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort"s,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"s, "\0\1\2\3\4\5\6\7\n\n"s}) {
    RawServer server([&](Peer& peer) {
      peer.request();
      peer.send(answer);
    });
    const auto response = Client({server.url(), {}}).send({});
    ASSERT_FALSE(response) << answer;
    EXPECT_EQ(response.error().id, "endpoint.protocol") << answer;
    EXPECT_EQ(response.error().kind, Kind::tool);
  }
}

TEST(Client, AcceptsTrailers) {
  RawServer server([](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Last: 1\r\n\r\n");
  });
  const auto response = Client({server.url(), {}}).send({});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "ok");
}

TEST(Client, FollowsNoRedirect) {
  RawServer server([](Peer& peer) {
    peer.request();
    peer.send("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n");
  });
  const auto response = Client({server.url(), {}}).send({});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->status, 302);
}

TEST(Client, TimesOutOnASlowAnswer) {
  RawServer server([](Peer& peer) {
    peer.request();
    peer.wait_closed();
  });
  Request request;
  request.timeout_ms = 150;
  const auto response = Client({server.url(), {}}).send(request);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().id, "endpoint.timeout");
  EXPECT_EQ(response.error().kind, Kind::tool);
}

TEST(Client, AcceptsASlowAnswerWithinTheTime) {
  RawServer server([](Peer& peer) {
    peer.request();
    for (const char c : with_length("drip")) peer.send({&c, 1});
  });
  const auto response = Client({server.url(), {}}).send({});
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "drip");
}

TEST(Client, StopsWhenAskedWhileWaiting) {
  RawServer server([](Peer& peer) {
    peer.request();
    peer.wait_closed();
  });
  Request request;
  request.timeout_ms = 0;
  const auto start = std::chrono::steady_clock::now();
  request.cancelled = [&] {
    return std::chrono::steady_clock::now() - start > std::chrono::milliseconds(50);
  };
  const auto response = Client({server.url(), {}}).send(request);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().kind, Kind::cancelled);
}

TEST(Client, EndsWhenSinkOrSourceRefuse) {
  RawServer server([](Peer& peer) {
    peer.request();
    peer.send(with_length("body"));
  });
  Client client({server.url(), {}});
  Request sink;
  sink.on_body = [](std::string_view) { return false; };
  EXPECT_EQ(client.send(sink).error().kind, Kind::cancelled);
  Request source;
  source.method = "PUT";
  source.body_source = [](char*, std::size_t) { return std::optional<std::size_t>{}; };
  EXPECT_EQ(client.send(source).error().kind, Kind::cancelled);
  Request thrower;
  thrower.on_body = [](std::string_view) -> bool { throw 1; };
  EXPECT_EQ(client.send(thrower).error().kind, Kind::internal);
}

TEST(Client, NamesWhyThereIsNoConnection) {
  const TempDir dir;
  const auto missing = Client({"unix://" + (dir.path() / "none").string(), {}}).send({});
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().id, "endpoint.missing");
  EXPECT_EQ(missing.error().kind, Kind::prereq);
  EXPECT_NE(missing.error().hint.find("start"), std::string::npos) << missing.error().hint;

  const std::string stale = (dir.path() / "stale").string();
  {
    const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    stale.copy(address.sun_path, sizeof address.sun_path - 1);
    ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    close(fd);
  }
  const auto refused = Client({"unix://" + stale, {}}).send({});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().id, "endpoint.refused");
  EXPECT_NE(refused.error().hint.find("nothing listens"), std::string::npos) << refused.error().hint;

  EXPECT_EQ(Client({"tcp://127.0.0.1:1", {}}).send({}).error().id, "endpoint.refused");
}

TEST(Client, SaysPermissionDenied) {
  RawServer server([](Peer& peer) { peer.request(); });
  ASSERT_EQ(chmod(server.url().c_str() + 7, 0), 0);
  const bool root = geteuid() == 0;
  if (root) {
    ASSERT_EQ(seteuid(65534), 0);
  }
  const auto denied = Client({server.url(), {}}).send({});
  if (root) {
    ASSERT_EQ(seteuid(0), 0);
  }
  ASSERT_FALSE(denied);
  EXPECT_EQ(denied.error().id, "endpoint.denied");
  EXPECT_EQ(denied.error().kind, Kind::prereq);
  EXPECT_NE(denied.error().hint.find("group"), std::string::npos) << denied.error().hint;
}

TEST(Client, RefusesWhatItCannotSendAsItIs) {
  RawServer server([](Peer& peer) { peer.request(); });
  Client client({server.url(), {}});
  for (const std::string path : {"", "x", "/a b", "/a\r\nX: y", "/a#b", "/\xc3\xa4"}) {
    Request request;
    request.path = path;
    EXPECT_EQ(client.send(request).error().id, "endpoint.request") << path;
    EXPECT_EQ(client.upgrade(request).error().id, "endpoint.request") << path;
  }
  Request request;
  request.headers = {{"X", "a\r\nY: b"}};
  EXPECT_EQ(client.send(request).error().id, "endpoint.request");
  request.headers = {{"X Y", "a"}};
  EXPECT_EQ(client.send(request).error().id, "endpoint.request");
  request.headers = {};
  request.method = "GET /x";
  EXPECT_EQ(client.send(request).error().id, "endpoint.request");
  EXPECT_EQ(server.connections(), 0);
}

TEST(Client, RefusesOtherUrls) {
  for (const std::string url :
       {"", "ssh://host", "http://host", "unix://", "unix://relative", "tcp://host", "tcp://",
        "tcp://user@host:1", "tcp://host:1/path", "https://", "file:///etc/passwd"}) {
    EXPECT_EQ(Client({url, {}}).send({}).error().id, "endpoint.url") << url;
  }
  EXPECT_EQ(Client({"unix:///" + std::string(200, 'x'), {}}).send({}).error().id, "endpoint.url");
}

TEST(Client, IgnoresTheProxyOfTheEnvironment) {
  RawServer server(
      [](Peer& peer) {
        peer.request();
        peer.send(kEmptyOk);
      },
      Over::loopback);
  setenv("http_proxy", "http://127.0.0.1:1", 1);
  setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
  const auto response = Client({server.url(), {}}).send({});
  unsetenv("http_proxy");
  unsetenv("ALL_PROXY");
  ASSERT_TRUE(response) << response.error().message;
}

TEST(Client, SpeaksNoPlainTextToATlsEndpoint) {
  RawServer server([](Peer& peer) { peer.send(kEmptyOk); }, Over::loopback);
  const auto response = Client({server.url(), Tls{}}).send({});
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().id, "endpoint.tls");
  EXPECT_EQ(response.error().kind, Kind::prereq);
}

}  // namespace
}  // namespace scc::net
