// SPDX-License-Identifier: Apache-2.0
// The root filesystem: mirrors, command line, what can be mended, the cached archive, cancelling. The tools
// are scripts in a directory of the test, so these tests are about what scc gives them and makes of their
// answers; the real mmdebstrap runs in tests/integration.
#include "image/bootstrap.h"

#include <gmock/gmock.h>

#include "os/fs.h"
#include "unit/image/support.h"

namespace scc::image {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using testing::FakeRuntime;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::kBaseJson;
using testing::make_host;
using ::testing::Not;
using testing::slurp;
using testing::TempDir;
using testing::write;

TEST(Mirrors, OnlyDebiansOwnByItsSignedNames) {
  const Mirrors mirrors = parse_index_targets(
      "Docker|Docker CE|http://third.example/debian/\n"
      "Debian|Debian Backports|http://backports.example/debian/\n"
      "Debian|Debian|ftp://old.example/debian/\n"
      "Debian|Debian|http://user:pw@closed.example/debian/\n"
      "Debian|Debian|http://a.example/x y/\n"
      "Debian|Debian|http://archive.example/debian/\n"
      "Debian|Debian|http://second.example/debian/\n"
      "Debian|Debian-Security|https://security.example/debian-security/\n"
      "broken line\n");
  EXPECT_EQ(mirrors.archive, "http://archive.example/debian/");
  EXPECT_EQ(mirrors.security, "https://security.example/debian-security/");
}

TEST(Mirrors, ASourcesFileNeedsSecurityUpdates) {
  EXPECT_EQ(sources_text(Mirrors{"http://a.example/", ""}, "bookworm"), "");
  EXPECT_EQ(sources_text(Mirrors{"", "http://s.example/"}, "bookworm"), "");
  EXPECT_EQ(sources_text(Mirrors{"http://a.example/", "http://s.example/"}, "bookworm"),
            "Types: deb\nURIs: http://a.example/\nSuites: bookworm bookworm-updates\nComponents: main\n"
            "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n\n"
            "Types: deb\nURIs: http://s.example/\nSuites: bookworm-security\nComponents: main\n"
            "Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg\n");
}

TEST(References, NeedADigest) {
  const std::string hex(64, '0');
  EXPECT_TRUE(has_digest("debian@sha256:" + hex));
  EXPECT_TRUE(has_digest("reg.example:5000/a/b:1@sha256:" + hex));
  EXPECT_FALSE(has_digest("debian:12"));
  EXPECT_FALSE(has_digest("@sha256:" + hex));
  EXPECT_FALSE(has_digest("debian@sha256:" + hex.substr(1)));
  EXPECT_FALSE(has_digest("debian@sha256:" + hex.substr(1) + "G"));
  EXPECT_FALSE(has_digest("a@b@sha256:" + hex));
  EXPECT_FALSE(has_digest("-x@sha256:" + hex));
  EXPECT_FALSE(has_digest("de bian@sha256:" + hex));
}

class BootstrapTest : public ::testing::Test {
 protected:
  BootstrapTest() : host_(make_host(root_.path())), base_(*parse_definition(kBaseJson, "base")) {
    // Not root: so that no capability of the test's own process matters.
    host_.env.uid = 1000;
    host_.env.vars["USER"] = "alice";
    tool("mmdebstrap", "printf '%s\\n' \"$@\" >>" + quoted("argv") + "\nenv >" + quoted("env") +
                           "\nfor last; do :; done\ncat \"$last\" >" + quoted("sources") +
                           " 2>/dev/null\necho 'I: working' >&2\nprintf rootfs-bytes");
    tool("newuidmap", "exit 0");
    tool("unshare", "exit 0");
    tool("apt-config", "exit 0");
    tool("apt-get",
         "echo 'Debian|Debian|http://archive.example/debian/'\n"
         "echo 'Debian|Debian-Security|http://security.example/debian-security/'");
  }
  void tool(const std::string& name, const std::string& script) {
    write(root_.path() / "bin" / name, "#!/bin/sh\n" + script + "\n", true);
  }
  std::string quoted(const std::string& name) const { return "'" + (root_ / name).string() + "'"; }
  Result<Rootfs> run(bool fresh = false) {
    Watch watch;
    watch.progress = [this](std::string_view line) { lines_.emplace_back(line); };
    watch.cancelled = cancelled_;
    return ensure_rootfs(runtime_, host_, base_, fresh, watch, root_ / "cache/log/image-base.log");
  }
  int times_made() const {
    const std::string text = slurp(root_ / "argv");
    int count = 0;
    for (std::size_t at = text.find("--format=tar"); at != std::string::npos;
         at = text.find("--format=tar", at + 1)) {
      ++count;
    }
    return count;
  }
  std::vector<std::string> cached_files() const {
    std::vector<std::string> names;
    for (const auto& entry : stdfs::directory_iterator(root_ / "cache/rootfs")) {
      names.push_back(entry.path().extension().string());
    }
    std::sort(names.begin(), names.end());
    return names;
  }

  TempDir root_;
  Host host_;
  Definition base_;
  FakeRuntime runtime_;
  std::vector<std::string> lines_;
  std::function<bool()> cancelled_;
};

TEST_F(BootstrapTest, MakesImportsAndNames) {
  const auto rootfs = run();
  ASSERT_TRUE(rootfs) << rootfs.error().message;
  EXPECT_EQ(rootfs->ref, *rootfs_ref(host_, base_));
  EXPECT_THAT(rootfs->ref, HasSubstr("scc-rootfs:"));
  EXPECT_THAT(runtime_.imports, ElementsAre("rootfs-bytes"));
  const auto* image = runtime_.find(rootfs->ref);
  ASSERT_NE(image, nullptr);
  EXPECT_EQ(image->labels.at("scc.managed"), "true");
  EXPECT_EQ(image->labels.at("scc.role"), "rootfs");
  EXPECT_THAT(lines_, Contains("I: working"));
  EXPECT_THAT(slurp(root_ / "cache/log/image-base.log"), HasSubstr("I: working"));
  EXPECT_TRUE(stdfs::is_empty(host_.work_directory));
  EXPECT_THAT(cached_files(), ElementsAre(".sha256", ".tar"));
}

TEST_F(BootstrapTest, TheToolGetsAFixedEnvironmentAndTheMirrors) {
  host_.env.vars["SECRET"] = "canary";
  host_.env.vars["https_proxy"] = "http://proxy.example:3128";
  ASSERT_TRUE(run());
  EXPECT_THAT(slurp(root_ / "argv"),
              AllOf(HasSubstr("--mode=unshare\n--variant=minbase\n--format=tar\n--include=curl,git\n"
                              "--dpkgopt=path-exclude=/usr/share/man/*\n"),
                    HasSubstr("\nbookworm\n-\n")));
  EXPECT_THAT(slurp(root_ / "sources"), HasSubstr("URIs: http://security.example/debian-security/"));
  EXPECT_THAT(
      slurp(root_ / "env"),
      AllOf(HasSubstr("SOURCE_DATE_EPOCH=1735689600"), HasSubstr("TMPDIR=" + (root_ / "work").string()),
            HasSubstr("https_proxy=http://proxy.example:3128"), Not(HasSubstr("canary"))));
}

TEST_F(BootstrapTest, AptsProxyIsPassedOn) {
  tool("apt-config", "[ \"$3\" = Acquire::http::Proxy ] && echo \"V='http://apt-proxy.example:8080'\"");
  ASSERT_TRUE(run());
  EXPECT_THAT(slurp(root_ / "env"), HasSubstr("http_proxy=http://apt-proxy.example:8080"));
}

TEST_F(BootstrapTest, WithoutListsAPrivateUpdateComesFirst) {
  tool("apt-get", "printf '%s ' \"$@\" >>" + quoted("apt") + "; echo >>" + quoted("apt") +
                      "\ncase \"$*\" in update*|*' update '*) touch " + quoted("updated") + ";; *) [ -e " +
                      quoted("updated") +
                      " ] && { echo 'Debian|Debian|http://archive.example/debian/';"
                      " echo 'Debian|Debian-Security|http://security.example/s/'; };; esac; exit 0");
  ASSERT_TRUE(run());
  EXPECT_THAT(slurp(root_ / "apt"), HasSubstr("update -o Dir::State::Lists=" + (root_ / "work").string()));
  EXPECT_THAT(slurp(root_ / "sources"), HasSubstr("URIs: http://archive.example/debian/"));
}

TEST_F(BootstrapTest, WithoutAptTheToolsDefaultMirrorIsUsed) {
  tool("apt-get", "exit 100");
  ASSERT_TRUE(run());
  EXPECT_THAT(slurp(root_ / "argv"), HasSubstr("\nbookworm\n-\n"));
  EXPECT_THAT(slurp(root_ / "argv"), Not(HasSubstr("scc.sources")));
}

TEST_F(BootstrapTest, WhatTheEngineHasIsNotMadeAgain) {
  ASSERT_TRUE(run());
  ASSERT_TRUE(run());
  EXPECT_EQ(times_made(), 1);
  EXPECT_EQ(runtime_.imports.size(), 1U);
}

TEST_F(BootstrapTest, AnotherImageOfThatNameIsNotTrusted) {
  FakeRuntime::Image image;
  image.tags = {*rootfs_ref(host_, base_)};
  runtime_.add(image);
  ASSERT_TRUE(run());
  EXPECT_EQ(runtime_.imports.size(), 1U);
}

TEST_F(BootstrapTest, TheCachedArchiveServesAnotherEngine) {
  ASSERT_TRUE(run());
  runtime_.images.clear();
  ASSERT_TRUE(run());
  EXPECT_EQ(times_made(), 1);
  EXPECT_THAT(runtime_.imports, ElementsAre("rootfs-bytes", "rootfs-bytes"));
}

TEST_F(BootstrapTest, ADamagedArchiveIsMadeAnew) {
  ASSERT_TRUE(run());
  runtime_.images.clear();
  for (const auto& entry : stdfs::directory_iterator(root_ / "cache/rootfs")) {
    if (entry.path().extension() == ".tar") {
      write(entry.path(), "rootfs-bytEs");
    }
  }
  ASSERT_TRUE(run());
  EXPECT_EQ(times_made(), 2);
  EXPECT_THAT(runtime_.imports, Each("rootfs-bytes"));
}

TEST_F(BootstrapTest, FreshMakesItAnewAndAnotherSpecToo) {
  ASSERT_TRUE(run());
  ASSERT_TRUE(run(true));
  EXPECT_EQ(times_made(), 2);
  const std::string before = *rootfs_ref(host_, base_);
  base_.bootstrap->include.emplace_back("jq");
  EXPECT_NE(before, *rootfs_ref(host_, base_));
  ASSERT_TRUE(run());
  EXPECT_EQ(times_made(), 3);
}

TEST_F(BootstrapTest, AFailureShowsTheToolsErrorsAndLeavesNothing) {
  tool("mmdebstrap", "echo 'I: start' >&2; echo 'E: no such mirror' >&2; printf half; exit 25");
  const auto rootfs = run();
  ASSERT_FALSE(rootfs);
  EXPECT_EQ(rootfs.error().kind, Kind::tool);
  EXPECT_EQ(rootfs.error().id, "image.bootstrap-failed");
  EXPECT_THAT(rootfs.error().context,
              ElementsAre("log: E: no such mirror", HasSubstr("cache/log/image-base.log")));
  EXPECT_THAT(cached_files(), IsEmpty());
  EXPECT_TRUE(stdfs::is_empty(host_.work_directory));
  EXPECT_THAT(runtime_.imports, IsEmpty());
}

TEST_F(BootstrapTest, CancellingEndsTheToolAndLeavesNothing) {
  tool("mmdebstrap", "echo $$ >" + quoted("pid") + "\ntouch \"$TMPDIR/tree\"\necho 'I: busy' >&2\nsleep 600");
  cancelled_ = [this] { return !lines_.empty() && lines_.back() == "I: busy"; };
  const auto rootfs = run();
  ASSERT_FALSE(rootfs);
  EXPECT_EQ(rootfs.error().kind, Kind::cancelled);
  EXPECT_THAT(cached_files(), IsEmpty());
  EXPECT_TRUE(stdfs::is_empty(host_.work_directory));
  EXPECT_FALSE(stdfs::exists("/proc/" + std::to_string(std::stoi(slurp(root_ / "pid")))));
}

TEST_F(BootstrapTest, WhatAKilledRunLeftIsCleared) {
  tool("mmdebstrap", "cp -r \"$TMPDIR\" \"${TMPDIR%?}~\"; printf x");  // as if this run had been killed
  ASSERT_TRUE(run());
  ASSERT_FALSE(stdfs::is_empty(host_.work_directory));
  const std::string key = rootfs_ref(host_, base_)->substr(std::string("scc-rootfs:").size());
  write(root_ / "cache/rootfs" / (key + ".0123.tmp"), "half");
  tool("mmdebstrap", "printf x");
  ASSERT_TRUE(run(true));
  EXPECT_TRUE(stdfs::is_empty(host_.work_directory));
  EXPECT_THAT(cached_files(), ElementsAre(".sha256", ".tar"));
}

TEST_F(BootstrapTest, AnEngineThatDoesNotAnswerIsAnErrorAtOnce) {
  runtime_.down = Error{Kind::prereq, "runtime.unreachable", "no answer", "start it", {}};
  EXPECT_EQ(run().error().id, "runtime.unreachable");
  EXPECT_EQ(times_made(), 0);
}

// What stands in the way, and the line that mends it.
TEST_F(BootstrapTest, NoTool) {
  stdfs::remove(root_ / "bin/mmdebstrap");
  host_.tool_path = (root_ / "bin").string();
  const auto rootfs = run();
  ASSERT_FALSE(rootfs);
  EXPECT_EQ(rootfs.error().kind, Kind::prereq);
  EXPECT_EQ(rootfs.error().id, "image.bootstrap");
  EXPECT_THAT(rootfs.error().hint,
              HasSubstr("sudo apt-get install -y mmdebstrap debian-archive-keyring uidmap"));
}

TEST_F(BootstrapTest, NoToolAsRoot) {
  host_.env.uid = 0;
  stdfs::remove(root_ / "bin/mmdebstrap");
  host_.tool_path = (root_ / "bin").string();
  EXPECT_THAT(run().error().hint, ::testing::StartsWith("apt-get install -y mmdebstrap"));
}

TEST_F(BootstrapTest, NoKeys) {
  stdfs::remove(host_.keyring);
  EXPECT_THAT(run().error().hint, HasSubstr("debian-archive-keyring"));
}

TEST_F(BootstrapTest, NoSubordinateUids) {
  tool("unshare", "echo 'unshare: no line matching user alice in /etc/subuid' >&2; exit 1");
  const auto rootfs = run();
  EXPECT_EQ(rootfs.error().id, "image.bootstrap");
  EXPECT_THAT(rootfs.error().hint,
              AllOf(HasSubstr("usermod --add-subuids 100000-165535 --add-subgids 100000-165535 alice"),
                    HasSubstr("sudo scc image build base")));
  EXPECT_EQ(times_made(), 0);
}

TEST_F(BootstrapTest, NoUserNamespaces) {
  tool("unshare", "echo 'unshare: unshare failed: Operation not permitted' >&2; exit 1");
  EXPECT_THAT(run().error().hint, HasSubstr("kernel.unprivileged_userns_clone"));
}

TEST_F(BootstrapTest, NoNewuidmap) {
  stdfs::remove(root_ / "bin/newuidmap");
  host_.tool_path = (root_ / "bin").string();
  EXPECT_THAT(run().error().hint, HasSubstr("apt-get install -y uidmap"));
}

class PullTest : public BootstrapTest {
 protected:
  PullTest() { host_.refs["base"] = ref_; }
  const std::string digest_ = "sha256:" + std::string(64, '7');
  const std::string ref_ = "reg.example/debian@" + digest_;
};

TEST_F(PullTest, AConfiguredReferenceIsPulledOnce) {
  runtime_.on_pull = [this](std::string_view ref) -> Result<FakeRuntime::Image> {
    FakeRuntime::Image image;
    image.digests = {std::string(ref)};
    return image;
  };
  EXPECT_EQ(run()->ref, ref_);
  EXPECT_EQ(run()->ref, ref_);
  EXPECT_EQ(std::count(runtime_.calls.begin(), runtime_.calls.end(), "pull " + ref_), 1);
  EXPECT_EQ(times_made(), 0);
}

TEST_F(PullTest, AnotherDigestIsRefused) {
  runtime_.on_pull = [](std::string_view) -> Result<FakeRuntime::Image> {
    FakeRuntime::Image image;
    image.digests = {"reg.example/debian@sha256:" + std::string(64, '8')};
    return image;
  };
  const auto rootfs = run();
  ASSERT_FALSE(rootfs);
  EXPECT_EQ(rootfs.error().id, "image.digest");
  EXPECT_EQ(times_made(), 0);
}

TEST_F(PullTest, ARegistryThatSaysNoIsAnError) {
  runtime_.on_pull = [](std::string_view) -> Result<FakeRuntime::Image> {
    return fail(Kind::not_found, "runtime.not-found", "manifest unknown");
  };
  EXPECT_THAT(run().error().message, HasSubstr("manifest unknown"));
  EXPECT_EQ(times_made(), 0);
}

TEST_F(PullTest, ARegistryThatDoesNotAnswerGivesWayToTheBootstrapWithANote) {
  runtime_.on_pull = [](std::string_view) -> Result<FakeRuntime::Image> {
    return fail(Kind::tool, "runtime.registry-unreachable", "connection refused");
  };
  const auto rootfs = run();
  ASSERT_TRUE(rootfs) << rootfs.error().message;
  EXPECT_THAT(rootfs->ref, HasSubstr("scc-rootfs:"));
  EXPECT_THAT(rootfs->notes, ElementsAre(AllOf(HasSubstr(ref_), HasSubstr("connection refused"))));
}

TEST_F(PullTest, ATagIsNoPin) {
  host_.refs["base"] = "reg.example/debian:12";
  const auto rootfs = run();
  EXPECT_EQ(rootfs.error().kind, Kind::config);
  EXPECT_EQ(rootfs.error().id, "image.ref");
  EXPECT_THAT(runtime_.calls, IsEmpty());
}

}  // namespace
}  // namespace scc::image
