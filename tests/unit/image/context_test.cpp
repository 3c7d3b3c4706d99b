// SPDX-License-Identifier: Apache-2.0
// Image contexts: what image.json may say, what a folder may hold, what decides the digest.
#include "image/context.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include "unit/image/support.h"

namespace scc::image {
namespace {

using testing::drain;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::kBaseJson;
using testing::kToolJson;
using testing::read_tar;
using ::testing::StartsWith;
using testing::TempDir;
using testing::write;
using testing::write_contexts;

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const std::size_t at = text.find(from);
  EXPECT_NE(at, std::string::npos) << from;
  return text.replace(at, from.size(), to);
}

TEST(Definition, ReadsWhatTheContractNames) {
  const auto base = parse_definition(kBaseJson, "base");
  ASSERT_TRUE(base) << base.error().message;
  EXPECT_EQ(base->repository, "scc-base");
  EXPECT_TRUE(base->parent.empty());
  EXPECT_THAT(base->bootstrap->include, ElementsAre("curl", "git"));
  const auto tool = parse_definition(kToolJson, "agent-tool");
  ASSERT_TRUE(tool) << tool.error().message;
  EXPECT_EQ(tool->parent, "base");
  EXPECT_EQ(tool->agent_version, "1.2.3");
}

struct BadDefinition {
  const char* from;
  const char* to;
  const char* pointer;
};

class RefusedDefinition : public ::testing::TestWithParam<BadDefinition> {};

TEST_P(RefusedDefinition, NamesThePointer) {
  const auto parsed = parse_definition(replaced(kBaseJson, GetParam().from, GetParam().to), "base");
  ASSERT_FALSE(parsed);
  EXPECT_EQ(parsed.error().kind, Kind::config);
  EXPECT_EQ(parsed.error().id, "image.definition");
  EXPECT_THAT(parsed.error().message, HasSubstr(GetParam().pointer));
}

INSTANTIATE_TEST_SUITE_P(
    Definition, RefusedDefinition,
    ::testing::Values(BadDefinition{"scc.image/1", "scc.image/2", "/schema"},
                      BadDefinition{R"("id":"base")", R"("id":"other")", "/id"},
                      BadDefinition{"scc-base", "registry.example/scc-base", "/repository"},
                      BadDefinition{"scc-base", "-scc", "/repository"},
                      BadDefinition{R"("version":"1")", R"("version":1)", "/version"},
                      BadDefinition{R"("parent":null)", R"("parent":"../x")", "/parent"},
                      BadDefinition{R"(["bash"])", R"([7])", "/cmd/0"},
                      BadDefinition{"minbase", "--setup-hook=id", "/bootstrap/variant"},
                      BadDefinition{"bookworm", "bookworm -x", "/bootstrap/suite"},
                      BadDefinition{R"("curl")", R"("./local.deb")", "/bootstrap/include/0"},
                      BadDefinition{R"("git")", R"("?essential")", "/bootstrap/include/1"},
                      // dpkg runs this one as a command
                      BadDefinition{"path-exclude=/usr/share/man/*", "pre-invoke=touch /x",
                                    "/bootstrap/dpkg_options/0"},
                      BadDefinition{"1735689600", "-1", "/bootstrap/source_date_epoch"},
                      BadDefinition{R"("bootstrap")", R"("bootstrip")", "/bootstrap"}));

TEST(Definition, BrokenJsonAndHugeFilesAreRefused) {
  EXPECT_FALSE(parse_definition("{", "base"));
  EXPECT_FALSE(parse_definition(std::string(70'000, ' ') + kBaseJson, "base"));
}

class ContextTest : public ::testing::Test {
 protected:
  ContextTest() { write_contexts(root_ / "share"); }
  Locator locator() const { return Locator{{}, root_ / "share"}; }
  std::string digest(const std::vector<File>& certificates = {}) const {
    const auto context = load_context(locator(), "base", certificates);
    EXPECT_TRUE(context) << (context ? "" : context.error().message);
    return context ? context_digest(*context, "", {}) : "";
  }
  stdfs::path base() const { return root_ / "share/images/base"; }
  TempDir root_;
};

TEST_F(ContextTest, LoadsTheChainRootFirst) {
  const auto chain = load_chain(locator(), "agent-tool", {});
  ASSERT_TRUE(chain) << chain.error().message;
  ASSERT_EQ(chain->size(), 2U);
  EXPECT_EQ(chain->front().definition.id, "base");
  EXPECT_EQ(chain->back().definition.id, "agent-tool");
}

TEST_F(ContextTest, ThePluginsOwnFolderComesFirstAndOnlyForIt) {
  const stdfs::path plugin = root_ / "plugins/acme";
  write(plugin / "share/images/base/image.json", replaced(kBaseJson, "scc-base", "acme-base"));
  write(plugin / "share/images/base/Containerfile", "FROM x\n");
  const auto own = load_chain(Locator{plugin, root_ / "share"}, "agent-tool", {});
  ASSERT_TRUE(own);
  EXPECT_EQ(own->front().definition.repository, "acme-base");
  EXPECT_EQ(load_chain(locator(), "agent-tool", {})->front().definition.repository, "scc-base");
}

TEST_F(ContextTest, UnknownIdsSayWhereWasLooked) {
  const auto context = load_context(locator(), "agent-none", {});
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().kind, Kind::not_found);
  EXPECT_THAT(context.error().message, HasSubstr((root_ / "share/images/agent-none").string()));
  for (const char* id : {"", "..", "a/b", "../base", "Base"}) {
    EXPECT_EQ(find_context(locator(), id).error().id, "image.unknown") << id;
  }
}

TEST_F(ContextTest, AnUnknownParentNamesTheChild) {
  stdfs::remove_all(base());
  const auto chain = load_chain(locator(), "agent-tool", {});
  ASSERT_FALSE(chain);
  EXPECT_THAT(chain.error().context, ElementsAre(HasSubstr("agent-tool")));
}

TEST_F(ContextTest, ACycleIsRefused) {
  write(base() / "image.json", R"({"schema":"scc.image/1","id":"base","repository":"scc-base","version":"1",
    "parent":"agent-tool"})");
  const auto chain = load_chain(locator(), "agent-tool", {});
  ASSERT_FALSE(chain);
  EXPECT_EQ(chain.error().id, "image.cycle");
}

TEST_F(ContextTest, LinksAreRefused) {
  stdfs::create_symlink("/etc/passwd", base() / "passwd");
  const auto context = load_context(locator(), "base", {});
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().id, "image.unsafe-context");
}

TEST_F(ContextTest, ALinkInPlaceOfTheFolderIsRefused) {
  stdfs::rename(base(), root_ / "elsewhere");
  stdfs::create_directory_symlink(root_ / "elsewhere", base());
  EXPECT_FALSE(load_context(locator(), "base", {}));
}

TEST_F(ContextTest, SpecialFilesAreRefusedWithoutOpeningThem) {
  ASSERT_EQ(::mkfifo((base() / "pipe").c_str(), 0600), 0);
  EXPECT_EQ(load_context(locator(), "base", {}).error().id, "image.unsafe-context");
}

TEST_F(ContextTest, FilesThatEverybodyMayWriteAreRefusedWithTheFix) {
  ASSERT_EQ(::chmod((base() / "Containerfile").c_str(), 0666), 0);
  const auto context = load_context(locator(), "base", {});
  ASSERT_FALSE(context);
  EXPECT_THAT(context.error().hint, StartsWith("chmod o-w "));
}

TEST_F(ContextTest, LargeContextsAreRefused) {
  write(base() / "blob", std::string((std::size_t{32} << 20U) + 1, 'x'));
  EXPECT_EQ(load_context(locator(), "base", {}).error().id, "image.limit");
}

TEST_F(ContextTest, WithoutContainerfileItIsNone) {
  stdfs::remove(base() / "Containerfile");
  EXPECT_EQ(load_context(locator(), "base", {}).error().id, "image.definition");
}

TEST_F(ContextTest, TheDigestFollowsTheContent) {
  const std::string before = digest();
  EXPECT_EQ(before.size(), 64U);
  EXPECT_EQ(before, digest());
  ::chmod((base() / "Containerfile").c_str(), 0640);
  EXPECT_EQ(before, digest()) << "only the executable bit counts";
  ::chmod((base() / "Containerfile").c_str(), 0755);
  EXPECT_NE(before, digest());
  ::chmod((base() / "Containerfile").c_str(), 0644);
  write(base() / "Containerfile", "FROM ${BASE_REF}\n");
  EXPECT_NE(before, digest());
  write(base() / "Containerfile", "ARG BASE_REF\nFROM ${BASE_REF}\n");
  EXPECT_EQ(before, digest());
  stdfs::rename(base() / "ca/README", base() / "ca/readme");
  EXPECT_NE(before, digest());
}

TEST_F(ContextTest, TheDigestCoversCertificatesParentAndArguments) {
  const auto context = load_context(locator(), "base", {});
  ASSERT_TRUE(context);
  const std::string plain = context_digest(*context, "", {});
  EXPECT_NE(plain, digest({File{"ca/host-x.crt", false, "PEM"}}));
  EXPECT_NE(plain, context_digest(*context, "ab", {}));
  EXPECT_NE(plain, context_digest(*context, "", {{"BASE_REF", "x"}}));
  EXPECT_NE(context_digest(*context, "", {{"A", "b"}}), context_digest(*context, "", {{"B", "b"}}));
}

TEST_F(ContextTest, CertificatesGoOnlyWhereThereIsAPlaceForThem) {
  const std::vector<File> certificates{File{"ca/host-x.crt", false, "PEM"}};
  const auto base_context = load_context(locator(), "base", certificates);
  const auto tool_context = load_context(locator(), "agent-tool", certificates);
  ASSERT_TRUE(base_context && tool_context);
  EXPECT_EQ(base_context->files.size(), 4U);
  EXPECT_EQ(tool_context->files.size(), 2U);
}

TEST(Certificates, OnlyCertificatesAndNeverAPrivateKey) {
  const TempDir root;
  const std::string pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
  write(root / "certs/corp root (1).crt", pem);
  write(root / "certs/sub/other.crt", pem + "2");
  write(root / "certs/with-key.crt", pem + "-----BEGIN PRIVATE KEY-----\nBBBB\n-----END PRIVATE KEY-----\n");
  write(root / "certs/notes.txt", pem);
  write(root / "certs/garbage.crt", "hello");
  write(root / "real.pem", pem + "3");
  stdfs::create_symlink(root / "real.pem", root / "certs/linked.crt");
  stdfs::create_symlink(root / "nowhere", root / "certs/broken.crt");
  const auto files = host_certificates({root / "certs", root / "absent"});
  ASSERT_TRUE(files) << files.error().message;
  ASSERT_EQ(files->size(), 3U);
  EXPECT_THAT((*files)[0].path, StartsWith("ca/host-corp_root__1_-"));
  EXPECT_THAT((*files)[1].path, StartsWith("ca/host-linked-"));
  EXPECT_THAT((*files)[2].path, StartsWith("ca/host-other-"));
  for (const File& file : *files) {
    EXPECT_THAT(file.path, ::testing::EndsWith(".crt"));
  }
}

TEST(Names, TagAndLabels) {
  const auto tool = parse_definition(kToolJson, "agent-tool");
  ASSERT_TRUE(tool);
  const std::string digest(64, 'c');
  EXPECT_EQ(image_ref(*tool, digest), "scc-agent-tool:" + std::string(scc_version()) + "-cccccccccccc");
  const auto labels = image_labels(*tool, digest);
  EXPECT_EQ(labels.at("scc.managed"), "true");
  EXPECT_EQ(labels.at("scc.role"), "image");
  EXPECT_EQ(labels.at("scc.image-digest"), digest);
  EXPECT_EQ(labels.at("scc.agent-version"), "1.2.3");
  EXPECT_EQ(labels.at("org.opencontainers.image.version"), "1");
  // Containers inherit image labels: with this one prune would take a build's container for a session.
  EXPECT_EQ(labels.count("scc.owner-uid"), 0U);
}

class Shipped : public ::testing::TestWithParam<const char*> {};

TEST_P(Shipped, ContextIsValidAndHoldsNoProgramOfOurs) {
  const TempDir root;
  stdfs::create_directories(root / "images");
  // A checkout may belong to another user than the one who runs the tests.
  stdfs::copy(stdfs::path(SCC_SOURCE_DIR) / "images", root / "images", stdfs::copy_options::recursive);
  const auto chain = load_chain(Locator{{}, root.path()}, GetParam(), {});
  ASSERT_TRUE(chain) << chain.error().message;
  for (const testing::TarEntry& entry : read_tar(drain(context_source(chain->back())))) {
    EXPECT_NE(entry.bytes.substr(0, 4),
              "\x7f"
              "ELF")
        << entry.path;
    EXPECT_TRUE(entry.type == '0' || entry.type == '5') << entry.path;
    EXPECT_LT(entry.bytes.size(), 100'000U) << entry.path;
  }
}

INSTANTIATE_TEST_SUITE_P(Images, Shipped, ::testing::Values(SCC_SHIPPED_IMAGES));

}  // namespace
}  // namespace scc::image
