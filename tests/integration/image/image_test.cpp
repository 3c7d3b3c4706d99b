// SPDX-License-Identifier: Apache-2.0
// The image layer against a real engine: small images on a small root, a registry on loopback, removal, the
// proof that the engine sees this machine's files. The shipped images are built in real_image_test.cpp.
#include <csignal>
#include <unistd.h>

#include <gmock/gmock.h>
#include <sys/wait.h>

#include "image/nonce.h"
#include "integration/image/engine.h"

namespace scc::image {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::EngineTest;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::slurp;
using testing::write;

/// registry.py as a child; ends with its stdin.
class RegistryServer {
 public:
  RegistryServer(const std::string& engine, const std::string& image, bool lie) {
    int in[2];
    int out[2];
    if (::pipe(in) != 0 || ::pipe(out) != 0) {
      return;
    }
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      for (const int fd : {in[0], in[1], out[0], out[1]}) {
        ::close(fd);
      }
      ::execlp("python3", "python3", SCC_TEST_REGISTRY, engine.c_str(), image.c_str(),
               lie ? "--lie" : nullptr, nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    std::string line;
    for (char c = 0; ::read(out[0], &c, 1) == 1 && c != '\n';) {
      line.push_back(c);
    }
    ::close(out[0]);
    if (const auto answer = json::parse(line)) {
      host = "127.0.0.1:" + std::to_string(answer->integer("/port"));
      digest = answer->str("/digest");
    }
  }
  RegistryServer(const RegistryServer&) = delete;
  RegistryServer& operator=(const RegistryServer&) = delete;
  ~RegistryServer() { stop(); }
  void stop() {
    if (pid_ > 0) {
      ::close(input_);
      ::waitpid(pid_, nullptr, 0);
      pid_ = -1;
    }
  }
  std::string host;
  std::string digest;

 private:
  pid_t pid_ = -1;
  int input_ = -1;
};

/// A root image of its own: COPY only, so that it needs no shell.
class SmallImage : public EngineTest {
 protected:
  void SetUp() override {
    EngineTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    id_ = "imghost-" + tag_;
    write_context("one");
    import_seed();
  }
  void TearDown() override {
    if (runtime_ != nullptr) {
      static_cast<void>(remove(*runtime_, id_));
    }
    EngineTest::TearDown();
  }
  void write_context(const std::string& marker) {
    const stdfs::path folder = root_ / "share/images" / id_;
    write(folder / "image.json",
          R"({"schema":"scc.image/1","id":")" + id_ + R"(","repository":")" + unique("r") +
              R"(","version":"1","bootstrap":{"suite":"bookworm","variant":"minbase",)" +
              R"("source_date_epoch":1735689600,"include":[")" + "x" + tag_ + R"("]}})");
    write(folder / "Containerfile", "ARG BASE_REF\nFROM ${BASE_REF}\nCOPY marker /marker\n");
    write(folder / "marker", marker);
  }
  /// What takes the place of a bootstrap: the cached archive of this definition, a tar with one file.
  void import_seed() {
    Context content;
    content.files = {File{"etc/seed", false, tag_}};
    const std::string tar = testing::drain(context_source(content));
    const auto definition = parse_definition(slurp(root_ / "share/images" / id_ / "image.json"), id_);
    ASSERT_TRUE(definition) << definition.error().message;
    rootfs_ = made(bootstrapped_ref(*definition->bootstrap));
    const std::string key = rootfs_.substr(rootfs_.find(':') + 1);
    write(host_.paths.cache / "rootfs" / (key + ".tar"), tar);
    write(host_.paths.cache / "rootfs" / (key + ".tar.sha256"), os::sha256_hex(tar));
    ::chmod(host_.paths.cache.c_str(), 0700);
  }
  Locator locator() const { return Locator{{}, root_ / "share"}; }
  Result<Ensured> build(bool rebuild = false) {
    EnsureOptions options;
    options.rebuild = rebuild;
    return ensure(*runtime_, host_, locator(), id_, options);
  }
  /// The image's file as a container of it would see it.
  std::string file_in(const std::string& ref, const std::string& path) {
    json::Value spec;
    spec["schema"] = "scc.sandbox-spec/1";
    spec["name"] = unique("box");
    spec["image"] = ref;
    spec["labels"] = json::Object{{"scc.test", tag_}};
    spec["argv"] = json::Value::strings({"/none"});
    spec["env"] = json::Object();
    spec["workdir"] = "/";
    spec["user"] = json::Object{{"uid", 65534}, {"gid", 65534}};
    spec["mounts"] = json::Array();
    spec["network"] = json::Object{{"mode", "none"}};
    spec["security"] = json::Object{
        {"cap_drop", json::Value::strings({"ALL"})}, {"no_new_privileges", true}, {"read_only_root", true}};
    const auto box = runtime_->sandbox_create(spec);
    if (!box) {
      return box.error().message;
    }
    BoundedBuffer archive(1U << 20U);
    const auto got = runtime_->sandbox_get(box->str("/id"), path, archive.sink());
    static_cast<void>(runtime_->sandbox_remove(box->str("/id")));
    return got ? extract_single(archive.bytes(), 4096).value_or("?") : got.error().message;
  }

  std::string id_;
  std::string rootfs_;
};

TEST_F(SmallImage, BuiltOnceThenLeftAlone) {
  const auto first = build();
  ASSERT_TRUE(first) << first.error().message;
  EXPECT_THAT(first->built, ElementsAre(id_));
  EXPECT_EQ(file_in(first->ref, "/marker"), "one");
  EXPECT_EQ(file_in(first->ref, "/etc/seed"), tag_);
  const auto info = runtime_->image_inspect(first->ref);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->str("/labels/scc.image-digest"), first->digest);
  EXPECT_EQ(info->str("/labels/scc.role"), "image");
  EXPECT_THAT(info->strings_at("/tags"), Contains(unique("r") + ":latest"));
  const auto again = build();
  ASSERT_TRUE(again);
  EXPECT_THAT(again->built, IsEmpty());
  EXPECT_EQ(again->image_id, first->image_id);
}

TEST_F(SmallImage, AChangedContextGetsANewTagAndBothAreRemoved) {
  const auto first = build();
  ASSERT_TRUE(first) << first.error().message;
  write_context("two");
  const auto between = status(*runtime_, host_, locator(), id_);
  ASSERT_TRUE(between);
  EXPECT_EQ(between->state, State::stale);
  EXPECT_EQ(between->existing, first->ref);
  const auto second = build();
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_NE(second->ref, first->ref);
  EXPECT_EQ(file_in(second->ref, "/marker"), "two");
  EXPECT_EQ(file_in(unique("r") + ":latest", "/marker"), "two");

  const auto listed = list(*runtime_);
  ASSERT_TRUE(listed);
  const auto mine = std::count_if(listed->begin(), listed->end(),
                                  [this](const ListedImage& image) { return image.id == id_; });
  EXPECT_EQ(mine, 2);
  const auto removals = remove(*runtime_, id_);
  ASSERT_TRUE(removals);
  for (const Removal& removal : *removals) {
    EXPECT_TRUE(removal.removed) << removal.ref << ": " << removal.reason;
  }
  EXPECT_EQ(status(*runtime_, host_, locator(), id_)->state, State::missing);
  EXPECT_EQ(remove(*runtime_, id_).error().kind, Kind::not_found);
}

TEST_F(SmallImage, ARebuildLeavesNoNamelessImageBehind) {
  const auto first = build();
  ASSERT_TRUE(first) << first.error().message;
  // The root filesystem of a rebuild is made anew: no mmdebstrap for this one, so only the image is dropped.
  ASSERT_TRUE(remove(*runtime_, id_));
  write_context("one");
  const auto second = build();
  ASSERT_TRUE(second);
  EXPECT_EQ(second->ref, first->ref);
  const auto listed = list(*runtime_);
  ASSERT_TRUE(listed);
  for (const ListedImage& image : *listed) {
    EXPECT_FALSE(image.id == id_ && image.tags.empty()) << image.image_id;
  }
}

TEST_F(SmallImage, ABrokenContainerfileIsReportedWithTheEnginesWords) {
  write(root_ / "share/images" / id_ / "Containerfile",
        "ARG BASE_REF\nFROM ${BASE_REF}\nCOPY absent-file /absent\n");
  const auto failed = build();
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().id, "image.build");
  EXPECT_THAT(failed.error().message, HasSubstr("absent-file"));
  EXPECT_THAT(failed.error().context, Contains(HasSubstr(log_path(host_, id_).string())));
  EXPECT_EQ(status(*runtime_, host_, locator(), id_)->state, State::missing);
}

TEST_F(SmallImage, TheEngineSeesThisMachine) {
  const auto image = build();
  ASSERT_TRUE(image) << image.error().message;
  os::Paths paths;
  paths.state = root_ / "proof";
  paths.runtime = root_ / "proof-run";
  const Status proved = engine_sees_this_machine(*runtime_, image->ref, paths);
  EXPECT_TRUE(proved) << proved.error().id << ": " << proved.error().message;
  EXPECT_TRUE(stdfs::is_empty(root_ / "proof/instances"));
  json::Value filter;
  filter["schema"] = "scc.list-filter/1";
  filter["labels"] = json::Object{{"scc.role", "probe"}};
  filter["all"] = true;
  const auto left = runtime_->sandbox_list(filter);
  ASSERT_TRUE(left);
  EXPECT_THAT(left->at("/sandboxes")->items(), IsEmpty());
}

class FromRegistry : public SmallImage {
 protected:
  /// The engine's socket, or "" when it is not one that a test may export from.
  std::string socket() const {
    const std::string endpoint = info_.str("/endpoint");
    return endpoint.rfind("unix://", 0) == 0 ? endpoint.substr(7) : "";
  }
  /// A tiny image under a name of its own.
  std::string seed() {
    Context content;
    content.files = {File{"etc/from-registry", false, tag_}};
    json::Value request;
    request["schema"] = "scc.image-import/1";
    request["tag"] = made(unique("seed") + ":1");
    request["labels"] = json::Object();
    EXPECT_TRUE(runtime_->image_import(request, context_source(content), nullptr));
    return unique("seed") + ":1";
  }
};

TEST_F(FromRegistry, TheConfiguredBaseIsPulledByDigest) {
  const RegistryServer registry(socket(), seed(), false);
  ASSERT_THAT(registry.digest, HasSubstr("sha256:"));
  host_.refs[id_] = made(registry.host + "/base@" + registry.digest);
  const auto image = build();
  ASSERT_TRUE(image) << image.error().message;
  EXPECT_THAT(image->notes, IsEmpty());
  EXPECT_EQ(file_in(image->ref, "/etc/from-registry"), tag_);
  EXPECT_EQ(file_in(image->ref, "/marker"), "one");
}

TEST_F(FromRegistry, ADigestThatItDoesNotHaveIsAnError) {
  const RegistryServer registry(socket(), seed(), false);
  host_.refs[id_] = registry.host + "/base@sha256:" + std::string(64, '3');
  const auto image = build();
  ASSERT_FALSE(image);
  EXPECT_THAT(image.error().message, HasSubstr("manifest"));
  EXPECT_EQ(runtime_->image_inspect(rootfs_).error().kind, Kind::not_found) << "nothing else took its place";
}

TEST_F(FromRegistry, AManifestWithAnotherDigestIsRefused) {
  const RegistryServer registry(socket(), seed(), true);
  host_.refs[id_] = registry.host + "/base@sha256:" + std::string(64, '3');
  const auto image = build();
  ASSERT_FALSE(image);
  EXPECT_EQ(runtime_->image_inspect(host_.refs[id_]).error().kind, Kind::not_found);
  EXPECT_EQ(runtime_->image_inspect(rootfs_).error().kind, Kind::not_found);
}

TEST_F(FromRegistry, WhereNothingAnswersTheBootstrapTakesItsPlace) {
  RegistryServer registry(socket(), seed(), false);
  const std::string ref = registry.host + "/base@" + registry.digest;
  registry.stop();
  host_.refs[id_] = ref;
  const auto image = build();
  ASSERT_TRUE(image) << image.error().id << ": " << image.error().message;
  EXPECT_THAT(image->notes, ElementsAre(HasSubstr(ref)));
  EXPECT_EQ(file_in(image->ref, "/etc/seed"), tag_);
}

}  // namespace
}  // namespace scc::image
