// SPDX-License-Identifier: Apache-2.0
// The shipped images for real: Debian packages, the imported root filesystem, the base, the agent with npm's
// integrity check. Slow the first time (minutes); the root filesystem is kept in the build tree. The images
// stay in the engine: they are the product's, and the end-to-end tests use them.
#include <chrono>
#include <iostream>

#include <gmock/gmock.h>

#include "integration/image/engine.h"

namespace scc::image {
namespace {

using ::testing::Contains;
using testing::EngineTest;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::slurp;
using testing::write;

class RealImages : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    host_.env = os::Environment::current();  // with the proxies and the npm registry of this machine
    stdfs::create_directories(root_ / "share");
    stdfs::copy(stdfs::path(SCC_SOURCE_DIR) / "images", root_ / "share/images",
                stdfs::copy_options::recursive);
    host_.paths.cache = SCC_TEST_CACHE;
  }
  Locator locator() const { return Locator{{}, root_ / "share"}; }
  Result<Ensured> build(std::string_view id) {
    EnsureOptions options;
    options.watch.progress = [](std::string_view line) { std::cerr << line << "\n"; };
    return ensure(*runtime_, host_, locator(), id, options);
  }
  /// What a command in a container of the image prints.
  std::string run_in(const std::string& ref, const std::vector<std::string>& argv) {
    json::Value spec;
    spec["schema"] = "scc.sandbox-spec/1";
    spec["name"] = unique("run");
    spec["image"] = ref;
    spec["labels"] = json::Object{{"scc.test", tag_}};
    spec["argv"] = json::Value::strings({"/bin/sleep", "120"});
    spec["env"] = json::Object();
    spec["workdir"] = "/";
    spec["user"] = json::Object{{"uid", 1000}, {"gid", 1000}};
    spec["mounts"] = json::Array();
    spec["network"] = json::Object{{"mode", "none"}};
    spec["security"] = json::Object{
        {"cap_drop", json::Value::strings({"ALL"})}, {"no_new_privileges", true}, {"read_only_root", true}};
    const auto box = runtime_->sandbox_create(spec);
    if (!box) {
      return box.error().message;
    }
    const std::string text = start_and_exec(box->str("/id"), argv);
    static_cast<void>(runtime_->sandbox_remove(box->str("/id")));
    return text;
  }
  /// A failed build leaves its stages as the cache of the next try; there is none here.
  void remove_stages_of(const std::string& log) {
    json::Value filter;
    filter["schema"] = "scc.list-filter/1";
    filter["labels"] = json::Object{{"scc.image-stage", "fetch"}};
    const auto stages = runtime_->image_list(filter);
    ASSERT_TRUE(stages) << stages.error().message;
    for (const json::Value& stage : stages->at("/images")->items()) {
      const std::string id = stage.str("/id");
      if (log.find(id.substr(id.find(':') + 1, 12)) != std::string::npos) {
        EXPECT_TRUE(runtime_->image_remove(id)) << id;
      }
    }
  }
  std::string start_and_exec(const std::string& box, const std::vector<std::string>& argv) {
    if (const Status started = runtime_->sandbox_start(box); !started) {
      return started.error().message;
    }
    json::Value request;
    request["schema"] = "scc.exec-request/1";
    request["argv"] = json::Value::strings(argv);
    request["env"] = json::Object{{"HOME", "/tmp"}};
    request["workdir"] = "/";
    request["user"] = json::Object{{"uid", 1000}, {"gid", 1000}};
    request["tty"] = false;
    auto exec = runtime_->exec_open(box, request);
    if (!exec) {
      return exec.error().message;
    }
    std::string text;
    for (int i = 0; i < 300; ++i) {
      std::string bytes;
      const auto channel = (*exec)->read(200, bytes);
      if (!channel || *channel == plugin::Exec::Channel::end) {
        break;
      }
      text += *channel == plugin::Exec::Channel::out ? bytes : "";
    }
    return text;
  }
};

TEST_F(RealImages, PackagesWithAnotherDigestStopTheBuild) {
  const stdfs::path folder = root_ / "share/images" / ("broken-" + tag_);
  stdfs::copy(root_ / "share/images/agent-claude", folder, stdfs::copy_options::recursive);
  std::string definition = slurp(folder / "image.json");
  const auto replace = [](std::string& text, const std::string& from, const std::string& to) {
    const std::size_t at = text.find(from);
    ASSERT_NE(at, std::string::npos) << from;
    text.replace(at, from.size(), to);
  };
  replace(definition, "\"id\": \"agent-claude\"", "\"id\": \"broken-" + tag_ + "\"");
  replace(definition, "\"repository\": \"scc-agent-claude\"", "\"repository\": \"" + unique("broken") + "\"");
  write(folder / "image.json", definition);
  for (const char* machine : {"amd64", "arm64"}) {
    std::string lock = slurp(folder / "fetch" / machine / "package-lock.json");
    replace(lock, "\"integrity\": \"sha512-", "\"integrity\": \"sha512-AAAA");
    const std::size_t end = lock.find('"', lock.find("sha512-"));
    lock.erase(end - 6, 4);  // same length as before, other bytes
    write(folder / "fetch" / machine / "package-lock.json", lock);
  }
  const auto image = build("broken-" + tag_);
  ASSERT_FALSE(image);
  EXPECT_EQ(image.error().id, "image.build");
  EXPECT_THAT(slurp(log_path(host_, "broken-" + tag_)), HasSubstr("EINTEGRITY"));
  EXPECT_THAT(image.error().context, Contains(HasSubstr("EINTEGRITY")));
  EXPECT_EQ(status(*runtime_, host_, locator(), "broken-" + tag_)->state, State::missing);
  remove_stages_of(slurp(log_path(host_, "broken-" + tag_)));
  stdfs::remove(log_path(host_, "broken-" + tag_));
}

TEST_F(RealImages, TheAgentRunsAndASecondEnsureHasNothingToDo) {
  const auto image = build("agent-claude");
  ASSERT_TRUE(image) << image.error().id << ": " << image.error().message;
  const auto definition =
      parse_definition(slurp(root_ / "share/images/agent-claude/image.json"), "agent-claude");
  ASSERT_TRUE(definition);
  EXPECT_THAT(run_in(image->ref, {"claude", "--version"}), HasSubstr(definition->agent_version));
  EXPECT_EQ(run_in(image->ref, {"find", "/", "-xdev", "-perm", "/6000", "-type", "f"}), "");

  const auto before = std::chrono::steady_clock::now();
  const auto again = build("agent-claude");
  const std::chrono::duration<double, std::milli> took = std::chrono::steady_clock::now() - before;
  ASSERT_TRUE(again);
  EXPECT_THAT(again->built, IsEmpty());
  EXPECT_EQ(again->ref, image->ref);
  RecordProperty("second_ensure_ms", std::to_string(took.count()));
  std::cerr << "second ensure: " << took.count() << " ms\n";
}

}  // namespace
}  // namespace scc::image
