// SPDX-License-Identifier: Apache-2.0
#include "config/project_file.h"

#include "base/str.h"
#include "unit/config/local.h"

namespace scc::config {
namespace {

class ProjectFileTest : public test::Local {
 protected:
  void SetUp() override {
    Local::SetUp();
    ws = mkdir("ws");
  }
  void refused(std::string_view words) {
    const auto file = load_project_file(ws);
    ASSERT_FALSE(file) << words;
    EXPECT_EQ(file.error().id, "project.invalid") << words;
    EXPECT_EQ(file.error().kind, Kind::config) << words;
    EXPECT_NE(testing::PrintToString(file.error().message).find(words), std::string::npos)
        << file.error().message;
    EXPECT_FALSE(file.error().hint.empty()) << words;
  }
  stdfs::path ws;
};

TEST_F(ProjectFileTest, AnyOfTheThreeNamesIsRead) {
  EXPECT_FALSE(load_project_file(ws)->present());
  for (const char* name : {".scc.yaml", ".scc.yml", ".scc.json"}) {
    const stdfs::path file = write(stdfs::path("ws") / name, R"({"network_policy": "locked-down-web"})");
    const auto loaded = load_project_file(ws);
    ASSERT_TRUE(loaded) << loaded.error().message;
    EXPECT_EQ(loaded->file, file);
    EXPECT_EQ(loaded->sha256, os::sha256_file(file).value());
    ASSERT_TRUE(loaded->project);
    EXPECT_EQ(loaded->project->network_policy, model::NetworkPolicy::locked_down_web);
    stdfs::remove(file);
  }
}

TEST_F(ProjectFileTest, EmptyOnesAreNoLayer) {
  for (const char* name : {".scc.yaml", ".scc.json"}) {
    for (const char* text : {"", " \n\n", "null"}) {
      const stdfs::path file = write(stdfs::path("ws") / name, text);
      const auto loaded = load_project_file(ws);
      ASSERT_TRUE(loaded) << loaded.error().message;
      EXPECT_TRUE(loaded->present());
      EXPECT_FALSE(loaded->project);
      stdfs::remove(file);
    }
  }
}

TEST_F(ProjectFileTest, TheTemplateSaysNothingAndEachOfItsExamplesIsValid) {
  write("ws/.scc.yaml", std::string(project_template()));
  auto loaded = load_project_file(ws);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_FALSE(loaded->project);
  // With the marks taken from the lines that are keys, everything is there and valid.
  std::string text;
  for (const std::string& line : str::split(project_template(), '\n')) {
    const bool prose = line.size() > 2 && line[2] >= 'A' && line[2] <= 'Z';
    const bool example = str::starts_with(line, "# ") && !prose && line.find("`") == std::string::npos;
    if (example) text += line.substr(2) + "\n";
  }
  write("ws/.scc.yaml", text);
  loaded = load_project_file(ws);
  ASSERT_TRUE(loaded) << loaded.error().message << testing::PrintToString(loaded.error().context) << text;
  ASSERT_TRUE(loaded->project);
  EXPECT_TRUE(loaded->unknown_keys.empty()) << testing::PrintToString(loaded->unknown_keys);
  EXPECT_EQ(loaded->project->session.timeout_hours, 8);
  EXPECT_EQ(loaded->project->additional_mcp_servers.size(), 1U);
  EXPECT_EQ(loaded->project->dev_environment.commands.size(), 1U);
}

TEST_F(ProjectFileTest, TwoAreAnErrorWhateverTheyAre) {
  write("ws/.scc.yaml", "");
  write("ws/.scc.json", "{}");
  refused("there is a .scc.json as well");
  stdfs::remove(ws / ".scc.json");
  mkdir("ws/.scc.yml");
  refused("there is a .scc.yml as well");
  stdfs::remove(ws / ".scc.yml");
  stdfs::create_symlink("nowhere", ws / ".scc.yml");
  refused("there is a .scc.yml as well");
}

TEST_F(ProjectFileTest, OnlyARegularFileInTheRootCounts) {
  write("outside.yaml", "network_policy: open\n");
  stdfs::create_symlink(dir / "outside.yaml", ws / ".scc.yaml");
  refused("symbolic link");
  stdfs::remove(ws / ".scc.yaml");
  write("ws/inside.yaml", "network_policy: open\n");
  stdfs::create_symlink("inside.yaml", ws / ".scc.yaml");
  refused("symbolic link");
  stdfs::remove(ws / ".scc.yaml");
  mkdir("ws/.scc.yaml");
  refused(".scc.yaml");
  stdfs::remove(ws / ".scc.yaml");
  ASSERT_EQ(::mkfifo((ws / ".scc.yaml").c_str(), 0600), 0);
  refused(".scc.yaml");
  stdfs::remove(ws / ".scc.yaml");
  write("ws/.scc.yaml", std::string((64U << 10U) + 1, '\n'));
  refused("larger than");
  if (!test::root()) {
    write("ws/.scc.yaml", "");
    ::chmod((ws / ".scc.yaml").c_str(), 0);
    refused("permission");
  }
}

TEST_F(ProjectFileTest, ErrorsNameThePlace) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"network_policy: open\nnetwork_policy: open\n", "line 2, column 1"},
      {"a: &x 1\n", "line 1, column 4"},
      {"- a\n", "must be a map"},
      {"just text\n", "must be a map"},
      {"42", "must be a map"},
  };
  for (const auto& [text, words] : cases) {
    write("ws/.scc.yaml", text);
    refused(words);
  }
  stdfs::remove(ws / ".scc.yaml");
  for (const auto& [text, words] : std::vector<std::pair<std::string, std::string>>{
           {"{\"a\":1,}", "line 1"}, {"{\"a\":1,\"a\":2}", "a"}, {"[]", "must be a map"}}) {
    write("ws/.scc.json", text);
    refused(words);
  }
}

TEST_F(ProjectFileTest, AnUnknownKeyIsAWarningAWrongTypeIsNot) {
  write("ws/.scc.yaml", "foo: 1\nsession: {timeout_hours: 2}\n");
  const auto loaded = load_project_file(ws);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->unknown_keys.size(), 1U);
  for (const char* text : {"network_policy: lockdown\n", "session: {timeout_hours: true}\n",
                           "session: {timeout_hours: 25}\n", "additional_plugins: x\n"}) {
    write("ws/.scc.yaml", text);
    EXPECT_EQ(load_project_file(ws).error().kind, Kind::config) << text;
  }
}

TEST_F(ProjectFileTest, ReadingLeavesNothingBehind) {
  write("ws/.scc.yaml", "network_policy: open\n");
  const std::string before = snapshot(dir);
  static_cast<void>(load_project_file(ws));
  EXPECT_EQ(snapshot(dir), before);
}

}  // namespace
}  // namespace scc::config
