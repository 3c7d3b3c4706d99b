// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>

#include "log/log.h"
#include "unit/plugin/plugin_fixture.h"

namespace scc::log {
namespace {

TEST(Redact, HidesWhatLooksLikeASecret) {
  EXPECT_EQ(redact("Authorization: Bearer abc.def"), "Authorization: [redacted]");
  EXPECT_EQ(redact("{\"api_key\":\"hunter2\",\"a\":1}"), "{\"api_key\":\"[redacted]\",\"a\":1}");
  EXPECT_EQ(redact("using sk-ant-api03-XYZ now"), "using [redacted] now");
  EXPECT_EQ(redact("GET /x?token=abc&b=1"), "GET /x?token=[redacted]&b=1");
  EXPECT_EQ(redact("PASSWORD=hunter2"), "PASSWORD=[redacted]");
  EXPECT_EQ(redact("created container scc-oci-1"), "created container scc-oci-1");
  EXPECT_EQ(redact("the desk-lamp is on"), "the desk-lamp is on");
}

TEST(Redact, HidesKnownValues) {
  add_secret("correct horse battery");
  EXPECT_EQ(redact("x correct horse battery y"), "x [redacted] y");
  add_secret("abc");
  EXPECT_EQ(redact("abc"), "abc") << "too short to be told from other text";
}

class LogTest : public test::PluginFixture {};

TEST_F(LogTest, IsOffThenWritesAPrivateFile) {
  EXPECT_FALSE(enabled());
  debug("lost");
  const auto file = root_ / "log/scc.log";
  ASSERT_TRUE(open(file, "info"));
  debug("not shown");
  info("hello, token=abcdef");
  const std::string text = test::slurp(file);
  EXPECT_NE(text.find("hello, token=[redacted]"), std::string::npos) << text;
  EXPECT_EQ(text.find("not shown"), std::string::npos);
  struct stat st {};
  ASSERT_EQ(stat(file.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777U, 0600U);
}

}  // namespace
}  // namespace scc::log
