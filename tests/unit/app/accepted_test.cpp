// SPDX-License-Identifier: Apache-2.0
#include "app/accepted.h"

#include <fstream>

#include <gtest/gtest.h>

#include "os/fs.h"
#include "support/temp_dir.h"

namespace scc::app {
namespace {

class Accepted : public ::testing::Test {
 protected:
  Accepted() : host_(test::environment_in(temp_.path() / "home"), plugin::Options{}) {
    std::filesystem::create_directories(temp_.path() / "home");
    std::filesystem::create_directories(repo_ / ".git");
    file_ = repo_ / "org.json";
    std::ofstream(file_) << "{}";
  }
  /// The document as it was read, with these bytes.
  remote::OrgDocument document(const std::string& bytes) const {
    remote::OrgDocument out;
    out.bytes = bytes;
    out.fingerprint = os::sha256_hex(bytes);
    return out;
  }
  remote::OrgRequest request() const {
    remote::OrgRequest out;
    out.source.provider = remote::Provider::file;
    out.source.file = file_;
    return out;
  }

  test::TempDir temp_;
  std::filesystem::path repo_ = temp_.path() / "repo";
  std::filesystem::path file_;
  Host host_;
};

TEST_F(Accepted, WhatAnAgentMayHaveChangedIsAskedAgain) {
  const auto first = check_accepted(host_, request(), document("one"), {});
  ASSERT_FALSE(first);
  EXPECT_EQ(first.error().id, "org.not-accepted");
  EXPECT_EQ(first.error().kind, Kind::policy);
  ASSERT_TRUE(accept_document(host_, request(), document("one")));
  EXPECT_TRUE(check_accepted(host_, request(), document("one"), {}));
  EXPECT_FALSE(check_accepted(host_, request(), document("two"), {})) << "an agent rewrote it";
  ASSERT_TRUE(accept_document(host_, request(), document("two")));
  EXPECT_TRUE(check_accepted(host_, request(), document("two"), {}));
  EXPECT_FALSE(check_accepted(host_, request(), document("one"), {})) << "only the last one counts";
}

TEST_F(Accepted, ALinkFromOutsideDoesNotHideTheRepository) {
  const auto link = temp_.path() / "home" / "org.json";
  std::filesystem::create_symlink(file_, link);
  remote::OrgRequest linked = request();
  linked.source.file = link;
  EXPECT_FALSE(check_accepted(host_, linked, document("one"), {}));
}

TEST_F(Accepted, OnlyWhereAnAgentMayWrite) {
  file_ = temp_.path() / "home" / "org.json";
  std::ofstream(file_) << "{}";
  EXPECT_TRUE(check_accepted(host_, request(), document("one"), repo_))
      << "neither a repository nor the workspace";
  EXPECT_FALSE(check_accepted(host_, request(), document("one"), temp_.path() / "home"));
  EXPECT_TRUE(check_accepted(host_, request(), document("one"), temp_.path() / "hom"))
      << "a name is no directory";
}

TEST_F(Accepted, ASignatureOrAServerAnswersForItself) {
  remote::OrgRequest key = request();
  key.public_key = "key";
  EXPECT_TRUE(check_accepted(host_, key, document("one"), repo_));
  remote::OrgRequest fetched = request();
  fetched.source.provider = remote::Provider::https;
  EXPECT_TRUE(check_accepted(host_, fetched, document("one"), repo_));
}

TEST_F(Accepted, RootsOwnFilesAreOutOfReachOfOthers) {
  os::Environment somebody = test::environment_in(temp_.path());
  somebody.uid = 1000;
  EXPECT_FALSE(agent_may_write(somebody, "/etc/passwd", "/etc"));
  somebody.uid = 0;
  EXPECT_TRUE(agent_may_write(somebody, "/etc/passwd", "/etc")) << "root's agent may write what is mounted";
}

}  // namespace
}  // namespace scc::app
