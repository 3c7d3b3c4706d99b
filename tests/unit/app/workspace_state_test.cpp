// SPDX-License-Identifier: Apache-2.0
#include "app/workspace_state.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "unit/plugin/plugin_fixture.h"

namespace scc::app {
namespace {

class WorkspaceStateTest : public test::PluginFixture {
 protected:
  static constexpr const char* kRoot = "/home/u/repo";
  static WorkspaceEdit last_used(const std::string& id) {
    WorkspaceEdit edit;
    edit.last_used_provider = id;
    return edit;
  }
};

TEST_F(WorkspaceStateTest, NothingIsRememberedAtFirst) {
  const WorkspaceState state = load_workspace_state(paths_, kRoot);
  EXPECT_EQ(state.provider, "");
  EXPECT_EQ(state.last_used_provider, "");
  EXPECT_TRUE(state.warnings.empty());
}

TEST_F(WorkspaceStateTest, KeepsWhatItIsNotTold) {
  ASSERT_TRUE(save_workspace_state(paths_, kRoot, last_used("one")));
  WorkspaceEdit edit;
  edit.provider = "two";
  ASSERT_TRUE(save_workspace_state(paths_, kRoot, edit));
  EXPECT_EQ(load_workspace_state(paths_, kRoot).last_used_provider, "one");
  EXPECT_EQ(load_workspace_state(paths_, kRoot).provider, "two");
  edit.provider = "";
  ASSERT_TRUE(save_workspace_state(paths_, kRoot, edit));
  EXPECT_EQ(load_workspace_state(paths_, kRoot).provider, "");
  EXPECT_EQ(load_workspace_state(paths_, "/home/u/other").last_used_provider, "");
}

TEST_F(WorkspaceStateTest, TheFileIsTheUsersAloneAndNotInTheWorkspace) {
  ASSERT_TRUE(save_workspace_state(paths_, kRoot, last_used("one")));
  const auto file = workspace_state_file(paths_, kRoot);
  EXPECT_EQ(file.native().rfind(paths_.state.native(), 0), 0U);
  struct stat info {};
  ASSERT_EQ(::stat(file.c_str(), &info), 0);
  EXPECT_EQ(info.st_mode & 0777U, 0600U);
}

TEST_F(WorkspaceStateTest, ADamagedFileIsPassedOverAndSetAside) {
  const auto file = workspace_state_file(paths_, kRoot);
  for (const std::string& text :
       {std::string("{"), std::string("[]"), std::string(R"({"schema":"x"})"), std::string(20000, ' ')}) {
    test::write(file, text);
    EXPECT_EQ(load_workspace_state(paths_, kRoot).warnings.size(), 1U) << text.substr(0, 20);
    ASSERT_TRUE(save_workspace_state(paths_, kRoot, last_used("one")));
    EXPECT_EQ(load_workspace_state(paths_, kRoot).last_used_provider, "one");
    EXPECT_EQ(test::slurp(file.native() + ".corrupt"), text);
  }
}

}  // namespace
}  // namespace scc::app
