// SPDX-License-Identifier: Apache-2.0
// net::fetch against a real HTTPS server that misbehaves in every way the specification names.
#include "net/fetch.h"

#include <chrono>

#include "integration/remote/https_server.h"

namespace scc::net {
namespace {

using test::answer;
using test::redirect;
using testing::HasSubstr;
using testing::Not;

class FetchTest : public test::ServerTest {
 protected:
  Fetch request(const std::string& path, const std::string& on = "https") const {
    Fetch out;
    out.url = server->url(path, on);
    out.ca_file = server->ca();
    out.headers = {{"Authorization", "Bearer hush"}, {"PRIVATE-TOKEN", "hush"}};
    return out;
  }
  static void expect_error(const Result<Fetched>& got, const char* id, Kind kind) {
    ASSERT_FALSE(got) << got->status;
    EXPECT_EQ(got.error().id, id) << got.error().message;
    EXPECT_EQ(got.error().kind, kind);
    EXPECT_THAT(got.error().message + got.error().hint, Not(HasSubstr("hush")));
  }
};

TEST_F(FetchTest, BodyTagAndHeaders) {
  server->route("/a?b=c", answer("hello", "\"1\""));
  const auto got = fetch(request("/a?b=c"));
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->status, 200);
  EXPECT_EQ(got->body, "hello");
  EXPECT_EQ(got->etag, "\"1\"");
  const auto seen = server->requests("/a?b=c");
  ASSERT_EQ(seen.size(), 1U);
  EXPECT_EQ(seen[0].str("/headers/authorization"), "Bearer hush");
  EXPECT_FALSE(seen[0].has("/headers/if-none-match"));
  EXPECT_FALSE(seen[0].has("/headers/accept-encoding"));  // nothing that unpacks beyond the limit

  Fetch again = request("/a?b=c");
  again.etag = got->etag;
  const auto same = fetch(again);
  ASSERT_TRUE(same);
  EXPECT_EQ(same->status, 304);
  EXPECT_EQ(same->body, "");
}

TEST_F(FetchTest, OtherStatusesAreAnswersWithoutABody) {
  json::Value guarded = answer("secret");
  guarded["auth"] = "Bearer other";
  server->route("/guarded", guarded);
  EXPECT_EQ(fetch(request("/guarded"))->status, 401);
  const auto missing = fetch(request("/missing"));
  EXPECT_EQ(missing->status, 404);
  EXPECT_EQ(missing->body, "");
  json::Value huge = answer(std::string(100'000, 'x'));
  huge["status"] = 500;
  server->route("/huge", huge);
  Fetch small = request("/huge");
  small.limit = 10;
  EXPECT_EQ(fetch(small)->status, 500);
}

TEST_F(FetchTest, TheLimitIsExactAndStreams) {
  server->route("/ten", answer("0123456789"));
  Fetch ten = request("/ten");
  ten.limit = 10;
  EXPECT_EQ(fetch(ten)->body, "0123456789");
  ten.limit = 9;
  expect_error(fetch(ten), "fetch.limit", Kind::tool);
  json::Value endless;
  endless["endless"] = true;
  server->route("/endless", endless);
  expect_error(fetch(request("/endless")), "fetch.limit", Kind::tool);
  // The server noticed that nobody listens long before its 256 MiB were sent.
  for (int i = 0; i < 500; ++i) {
    for (const auto& entry : server->requests("/endless")) {
      if (entry.str("/method") != "SENT") continue;
      EXPECT_LT(entry.integer("/sent"), std::int64_t{32} << 20U);
      return;
    }
    ::usleep(20'000);
  }
  ADD_FAILURE() << "the server still sends";
}

TEST_F(FetchTest, RedirectsKeepHeadersOnlyOnTheOrigin) {
  server->route("/here", redirect("/there"));
  server->route("/there", redirect("{other}/away", 307));
  server->route("/away", redirect("{https}/back", 301));
  server->route("/back", answer("found"));
  const auto got = fetch(request("/here"));
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->body, "found");
  EXPECT_EQ(got->url, server->url("/back"));
  EXPECT_EQ(server->requests("/there").at(0).str("/headers/private-token"), "hush");
  const auto away = server->requests("/away").at(0);
  EXPECT_EQ(away.str("/server"), "other");
  for (const char* path : {"/away", "/back"}) {
    const auto seen = server->requests(path).at(0);
    EXPECT_FALSE(seen.has("/headers/authorization")) << path;
    EXPECT_FALSE(seen.has("/headers/private-token")) << path;
  }
}

TEST_F(FetchTest, AnotherPortIsAnotherOrigin) {
  server->route("/x", redirect("{twin}/y"));
  server->route("/y", answer("y"));
  EXPECT_EQ(fetch(request("/x"))->body, "y");
  EXPECT_EQ(server->requests("/y").at(0).str("/server"), "twin");
  EXPECT_FALSE(server->requests("/y").at(0).has("/headers/authorization"));
}

TEST_F(FetchTest, NeverToPlainHttp) {
  server->route("/down", redirect("{plain}/token"));
  server->route("/token", answer("stolen"));
  expect_error(fetch(request("/down")), "fetch.redirect", Kind::policy);
  EXPECT_TRUE(server->requests("/token").empty());
  server->route("/file", redirect("file:///etc/passwd"));
  expect_error(fetch(request("/file")), "fetch.redirect", Kind::policy);
  server->route("/user", redirect("https://u:p@127.0.0.1/"));
  expect_error(fetch(request("/user")), "fetch.redirect", Kind::policy);
}

TEST_F(FetchTest, LoopsEnd) {
  server->route("/loop", redirect("/loop"));
  expect_error(fetch(request("/loop")), "fetch.redirect", Kind::policy);
  EXPECT_EQ(server->requests("/loop").size(), 4U);
  server->route("/0", redirect("/1"));
  server->route("/1", redirect("/2"));
  server->route("/2", redirect("/3"));
  server->route("/3", answer("three"));
  EXPECT_EQ(fetch(request("/0"))->body, "three");
}

TEST_F(FetchTest, APublicHostDoesNotLeadIntoAPrivateNetwork) {
  server->route("/in", redirect("{other}/meta"));
  server->route("/name", redirect("https://localhost:1/meta"));
  server->route("/meta", answer("inside"));
  Fetch public_host = request("/in");
  public_host.is_private = [](std::string_view address) { return address == "127.0.0.2"; };
  expect_error(fetch(public_host), "fetch.redirect", Kind::policy);
  public_host.url = server->url("/name");
  expect_error(fetch(public_host), "fetch.redirect", Kind::policy);
  EXPECT_TRUE(server->requests("/meta").empty());
  // A host that is private itself may.
  EXPECT_EQ(fetch(request("/in"))->body, "inside");
}

TEST_F(FetchTest, ANameThatResolvesInsideIsRefusedAtTheSocket) {
  // The name is public by its looks; only the address that it resolves to tells.
  server->route("/y", redirect("{https}/meta"));
  server->route("/meta", answer("inside"));
  Fetch asked = request("/y", "other");
  int calls = 0;
  asked.is_private = [&](std::string_view address) { return address == "127.0.0.1" && ++calls > 1; };
  expect_error(fetch(asked), "fetch.redirect", Kind::policy);
  EXPECT_GE(calls, 2);
  EXPECT_TRUE(server->requests("/meta").empty());
}

TEST_F(FetchTest, SlowServersAreBounded) {
  json::Value late = answer("late");
  late["delay"] = 30;
  server->route("/late", late);
  json::Value drip = answer(std::string(1000, 'x'));
  drip["drip"] = 0.05;
  server->route("/drip", drip);
  for (const char* path : {"/late", "/drip"}) {
    Fetch slow = request(path);
    slow.timeout_ms = 400;
    const auto start = std::chrono::steady_clock::now();
    expect_error(fetch(slow), "fetch.timeout", Kind::tool);
    EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10)) << path;
  }
  Fetch cancelled = request("/late");
  cancelled.cancelled = [] { return true; };
  expect_error(fetch(cancelled), "fetch.cancelled", Kind::cancelled);
}

TEST_F(FetchTest, OnlyTheGivenAuthorityAndModernTls) {
  server->route("/x", answer("x"));
  Fetch stranger = request("/x");
  stranger.ca_file = server->other_ca();
  expect_error(fetch(stranger), "fetch.tls", Kind::prereq);
  EXPECT_THAT(fetch(stranger).error().hint, HasSubstr("SCC_CA_FILE"));
  stranger.ca_file = "";
  expect_error(fetch(stranger), "fetch.tls", Kind::prereq);
  stranger.ca_file = "/nonexistent.pem";
  expect_error(fetch(stranger), "fetch.tls", Kind::prereq);
  expect_error(fetch(request("/x", "old")), "fetch.tls", Kind::prereq);
  Fetch named = request("/x");
  named.url.replace(named.url.find("127.0.0.1"), 9, "127.0.0.3");  // no such name in the certificate
  EXPECT_FALSE(fetch(named));
  EXPECT_TRUE(server->requests("/x").empty());
}

TEST_F(FetchTest, NothingListens) {
  Fetch gone = request("/x");
  server->stop();
  expect_error(fetch(gone), "fetch.refused", Kind::prereq);
}

TEST_F(FetchTest, ThroughAProxyWhichNeverSeesTheToken) {
  server->route("/x", answer("x"));
  Fetch proxied = request("/x");
  proxied.proxy.url = server->url("", "proxy");
  const auto got = fetch(proxied);
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->body, "x");
  const auto log = server->requests();
  ASSERT_EQ(log.size(), 2U);
  EXPECT_EQ(log[0].str("/method"), "CONNECT");
  EXPECT_THAT(json::dump(log[0]), Not(HasSubstr("hush")));
  proxied.proxy.exclude = "127.0.0.1";
  ASSERT_TRUE(fetch(proxied));
  EXPECT_EQ(server->requests().size(), 3U);  // directly
}

TEST_F(FetchTest, NoProxyIsNoWayIntoAPrivateNetwork) {
  server->route("/in", redirect("{other}/meta"));
  server->route("/meta", answer("inside"));
  Fetch proxied = request("/in");
  proxied.proxy = {server->url("", "proxy"), "127.0.0.2"};
  int calls = 0;
  // The text of the URL passes; the address of the direct connection does not.
  proxied.is_private = [&](std::string_view address) { return address == "127.0.0.2" && ++calls > 1; };
  expect_error(fetch(proxied), "fetch.redirect", Kind::policy);
  EXPECT_TRUE(server->requests("/meta").empty());
}

TEST_F(FetchTest, APostIsNotRedirected) {
  server->route("/p", answer("got it"));
  server->route("/q", redirect("/p", 307));
  Fetch post = request("/p");
  post.method = "POST";
  post.body = "payload";
  EXPECT_EQ(fetch(post)->body, "got it");
  post.url = server->url("/q");
  expect_error(fetch(post), "fetch.redirect", Kind::policy);
}

}  // namespace
}  // namespace scc::net
