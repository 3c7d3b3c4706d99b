// SPDX-License-Identifier: Apache-2.0
// The pure parts of net/fetch.h; tests/integration/remote has the server.
#include "net/fetch.h"

#include <gtest/gtest.h>

namespace scc::net {
namespace {

TEST(FetchUrl, Parts) {
  const Url url = parse_url("https://Host.example:8443/a/../b?c=d").value();
  EXPECT_EQ(url.host, "host.example");
  EXPECT_EQ(url.port, 8443);
  EXPECT_EQ(url.path, "/a/../b");
  EXPECT_EQ(url.query, "c=d");
  EXPECT_EQ(url.origin(), "host.example:8443");
  EXPECT_EQ(parse_url("https://h")->origin(), "h:443");
  EXPECT_EQ(parse_url("https://0x7f.1/")->host, "127.0.0.1");  // as libcurl will connect
}

TEST(FetchUrl, Refusals) {
  for (const char* bad :
       {"", "http://h/", "ftp://h/", "file:///etc/passwd", "https://", "https:///x", "https://u@h/",
        "https://u:p@h/", "https://h/a b", "https://h/\n", "h", "//h/x", "https://h:99999/", "https://%68/",
        "https://h%2e/", "https://h\\x/", "https://[fe80::1%25eth0]/", "https://h/\xc3\xa4"}) {
    const auto url = parse_url(bad);
    ASSERT_FALSE(url) << bad;
    EXPECT_EQ(url.error().id, "fetch.url");
  }
  EXPECT_FALSE(parse_url("https://h/" + std::string(5000, 'a')));
  Fetch request;
  request.url = "http://127.0.0.1/";
  EXPECT_EQ(fetch(request).error().id, "fetch.url");
}

TEST(FetchAddress, Private) {
  for (const char* inside : {"127.0.0.1",
                             "127.255.0.1",
                             "10.1.2.3",
                             "172.16.0.1",
                             "172.31.255.255",
                             "192.168.1.1",
                             "169.254.169.254",
                             "100.64.0.1",
                             "0.0.0.0",
                             "0.1.2.3",
                             "224.0.0.1",
                             "255.255.255.255",
                             "::1",
                             "::",
                             "[::1]",
                             "fe80::1",
                             "fe80::1%eth0",
                             "fec0::1",
                             "fc00::1",
                             "fd12::1",
                             "ff02::1",
                             "::ffff:127.0.0.1",
                             "::ffff:10.0.0.1",
                             "64:ff9b::7f00:1",
                             "::127.0.0.1"}) {
    EXPECT_TRUE(is_private_address(inside)) << inside;
  }
  for (const char* outside :
       {"8.8.8.8", "172.15.0.1", "172.32.0.1", "100.128.0.1", "100.63.0.1", "192.169.0.1", "169.253.0.1",
        "2001:db8::1", "::ffff:8.8.8.8", "64:ff9b::808:808", "localhost", "", "10.1"}) {
    EXPECT_FALSE(is_private_address(outside)) << outside;
  }
}

TEST(FetchProxy, FromEnvironment) {
  os::Environment env;
  EXPECT_EQ(proxy_from(env).url, "");
  env.vars = {{"ALL_PROXY", "a"}, {"NO_PROXY", "n"}};
  EXPECT_EQ(proxy_from(env).url, "a");
  EXPECT_EQ(proxy_from(env).exclude, "n");
  env.vars["HTTPS_PROXY"] = "b";
  EXPECT_EQ(proxy_from(env).url, "b");
  env.vars["https_proxy"] = "c";
  EXPECT_EQ(proxy_from(env).url, "c");
  env.vars = {{"http_proxy", "x"}};
  EXPECT_EQ(proxy_from(env).url, "");  // for http only
}

TEST(FetchHeaders, Injection) {
  Fetch request;
  request.url = "https://127.0.0.1:1/";
  request.headers = {{"X", "a\r\nY: b"}};
  EXPECT_EQ(fetch(request).error().kind, Kind::usage);
  request.headers.clear();
  request.etag = "a\r\nY: b";
  EXPECT_EQ(fetch(request).error().kind, Kind::usage);
}

}  // namespace
}  // namespace scc::net
