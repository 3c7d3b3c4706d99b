// SPDX-License-Identifier: Apache-2.0
#include "plugin/grants.h"

#include "unit/plugin/plugin_fixture.h"

namespace scc::plugin {
namespace {

class GrantsTest : public test::PluginFixture {
 protected:
  std::string home() { return env_.vars.at("HOME"); }
  Grants grants_;
};

TEST_F(GrantsTest, ProcessIsTheExactName) {
  grants_.process = {"docker", "/usr/bin/x"};
  EXPECT_TRUE(process_granted(grants_, "docker"));
  EXPECT_TRUE(process_granted(grants_, "/usr/bin/x"));
  for (const char* other : {"", "dockerd", "/usr/bin/docker", "./docker", "x", "docker "}) {
    EXPECT_FALSE(process_granted(grants_, other)) << other;
  }
}

TEST_F(GrantsTest, FilesMatchByComponent) {
  grants_.files = {"${HOME}/.docker/config.json", "${HOME}/.docker/contexts/meta/*/meta.json", "${UNSET}/x"};
  EXPECT_TRUE(file_granted(grants_, env_, home() + "/.docker/config.json"));
  EXPECT_TRUE(file_granted(grants_, env_, home() + "/.docker/contexts/meta/abc/meta.json"));
  for (const std::string& path :
       {home() + "/.docker/contexts/meta/a/b/meta.json",
        home() + "/.docker/contexts/meta/../meta/a/meta.json", home() + "/.docker/../.docker/config.json",
        home() + "//.docker/config.json", home() + "/.docker/config.json/",
        std::string(".docker/config.json"), std::string(), std::string("/x"), home() + "/.ssh/id_rsa",
        home() + std::string("/.docker/config.json\0", 21)}) {
    EXPECT_FALSE(file_granted(grants_, env_, path)) << path;
  }
}

TEST_F(GrantsTest, AVariableCannotBringAnAsterisk) {
  grants_.files = {"${WHERE}/x"};
  env_.vars["WHERE"] = "/etc";
  EXPECT_TRUE(file_granted(grants_, env_, "/etc/x"));
  env_.vars["WHERE"] = "/*";
  EXPECT_FALSE(file_granted(grants_, env_, "/etc/x"));
  env_.vars["WHERE"] = "/a/../etc";
  EXPECT_FALSE(file_granted(grants_, env_, "/etc/x"));
}

TEST_F(GrantsTest, CanonicalEndpoints) {
  EXPECT_EQ(canonical_endpoint("unix:///run//./x.sock"), "unix:///run/x.sock");
  EXPECT_EQ(canonical_endpoint("https://API.Example/"), "https://api.example:443");
  EXPECT_EQ(canonical_endpoint("tcp://127.0.0.1:2375"), "tcp://127.0.0.1:2375");
  EXPECT_EQ(canonical_endpoint("https://[::1]"), "https://[::1]:443");
  for (const char* bad : {"", "unix://x.sock", "unix:///a/../b", "ssh://host", "https://",
                          "https://user@host", "https://host/path", "file:///etc/passwd", "https://ho st"}) {
    EXPECT_FALSE(canonical_endpoint(bad)) << bad;
  }
}

TEST_F(GrantsTest, EndpointsByPathAndHost) {
  grants_.endpoints = {"unix:/var/run/docker.sock", "unix:${XDG_RUNTIME_DIR}/docker.sock",
                       "https://api.example"};
  EXPECT_TRUE(endpoint_granted(grants_, env_, "unix:///var/run/docker.sock"));
  EXPECT_TRUE(endpoint_granted(grants_, env_, "https://api.example:443"));
  EXPECT_FALSE(endpoint_granted(grants_, env_, "unix:///run/docker.sock"));
  EXPECT_FALSE(endpoint_granted(grants_, env_, "unix:///docker.sock")) << "an unset variable is no empty one";
  EXPECT_FALSE(endpoint_granted(grants_, env_, "https://api.example.evil"));
  EXPECT_FALSE(endpoint_granted(grants_, env_, "https://api.example:8443"));
  EXPECT_FALSE(endpoint_granted(grants_, env_, "tcp://api.example:443"));
  env_.vars["XDG_RUNTIME_DIR"] = "/run/user/7";
  EXPECT_TRUE(endpoint_granted(grants_, env_, "unix:///run/user/7/docker.sock"));
}

TEST_F(GrantsTest, EndpointsByVariable) {
  grants_.endpoints = {"env:X_HOST"};
  EXPECT_FALSE(endpoint_granted(grants_, env_, "tcp://10.0.0.1:2376"));
  env_.vars["X_HOST"] = "tcp://10.0.0.1:2376";
  EXPECT_TRUE(endpoint_granted(grants_, env_, "tcp://10.0.0.1:2376"));
  EXPECT_FALSE(endpoint_granted(grants_, env_, "tcp://10.0.0.1:2375"));
}

TEST_F(GrantsTest, EndpointsRecordedInFiles) {
  grants_.endpoints = {"file:${HOME}/.x/meta/*/meta.json#/Endpoints/x/Host"};
  EXPECT_FALSE(endpoint_granted(grants_, env_, "unix:///run/a.sock"));
  test::write(home() + "/.x/meta/one/meta.json", "not json");
  test::write(home() + "/.x/meta/two/meta.json", R"({"Endpoints":{"x":{"Host":"unix:///run/a.sock"}}})");
  EXPECT_TRUE(endpoint_granted(grants_, env_, "unix:///run/a.sock"));
  EXPECT_FALSE(endpoint_granted(grants_, env_, "unix:///run/b.sock"));
}

}  // namespace
}  // namespace scc::plugin
