// SPDX-License-Identifier: Apache-2.0
#include "os/env.h"

#include "unit/os/scratch.h"

namespace scc::os {
namespace {

Environment make(std::map<std::string, std::string> vars) {
  Environment env;
  env.vars = std::move(vars);
  env.executable = "/opt/scc/bin/scc";
  return env;
}

TEST(Env, ReadsTheProcess) {
  const Environment env = Environment::current();
  EXPECT_EQ(env.uid, ::geteuid());
  EXPECT_TRUE(env.cwd.is_absolute());
  EXPECT_EQ(env.executable.filename(), "unit_os");
  EXPECT_TRUE(env.get("PATH"));
  EXPECT_FALSE(env.get("SCC_SURELY_UNSET"));
}

TEST(Env, HomeMustBeAbsolute) {
  EXPECT_EQ(make({{"HOME", "/h"}}).home(), "/h");
  EXPECT_NE(make({{"HOME", "h"}}).home(), "h");
  EXPECT_TRUE(make({}).home().is_absolute());  // the passwd entry
}

TEST(Env, Expands) {
  const Environment env = make({{"HOME", "/h"}, {"A", "1"}, {"EMPTY", ""}});
  EXPECT_EQ(env.expand("${HOME}/x${A}${A}y"), "/h/x11y");
  EXPECT_EQ(env.expand("~"), "/h");
  EXPECT_EQ(env.expand("~/a"), "/h/a");
  EXPECT_EQ(env.expand("~a"), "~a");
  EXPECT_EQ(env.expand("a~/$A"), "a~/$A");
  EXPECT_EQ(env.expand("${NONE}/x"), std::nullopt);
  EXPECT_EQ(env.expand("${EMPTY}/x"), std::nullopt);
  EXPECT_EQ(env.expand("${A"), std::nullopt);
}

TEST(Paths, Defaults) {
  const Paths paths = Paths::from(make({{"HOME", "/h"}}));
  EXPECT_EQ(paths.config, "/h/.config/scc");
  EXPECT_EQ(paths.cache, "/h/.cache/scc");
  EXPECT_EQ(paths.state, "/h/.local/state/scc");
  EXPECT_EQ(paths.data, "/h/.local/share/scc");
  EXPECT_EQ(paths.runtime, "/h/.local/state/scc/run");
  EXPECT_EQ(paths.prefix, "/opt/scc");
  EXPECT_EQ(paths.libexec, "/opt/scc/libexec/scc");
  EXPECT_EQ(paths.plugins, "/opt/scc/lib/scc/plugins");
}

TEST(Paths, OwnVariablesBeatXdgAndRelativeOnesDoNotCount) {
  const Paths paths = Paths::from(make({{"HOME", "/h"},
                                        {"XDG_CONFIG_HOME", "/x"},
                                        {"SCC_CONFIG_DIR", "/own"},
                                        {"XDG_CACHE_HOME", "/xc"},
                                        {"SCC_CACHE_DIR", "relative"},
                                        {"XDG_STATE_HOME", "relative"},
                                        {"XDG_RUNTIME_DIR", "/run/user/7"}}));
  EXPECT_EQ(paths.config, "/own");
  EXPECT_EQ(paths.cache, "/xc/scc");
  EXPECT_EQ(paths.state, "/h/.local/state/scc");
  EXPECT_EQ(paths.runtime, "/run/user/7/scc");
}

}  // namespace
}  // namespace scc::os
