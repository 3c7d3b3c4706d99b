// SPDX-License-Identifier: Apache-2.0
// Federated team documents over HTTPS: plain files and real repositories behind `git http-backend`. Rows
// 93-95 of the decision table.
#include <fstream>

#include "integration/remote/https_server.h"
#include "os/process.h"
#include "remote/team_source.h"

namespace scc::remote {
namespace {

using test::answer;
using test::redirect;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

namespace stdfs = std::filesystem;

constexpr std::int64_t kNow = 1'900'000'000;

Result<ValidDoc> validate(std::string_view bytes) {
  SCC_TRY(const json::Value value, json::parse(bytes));
  if (!value.has("/schema_version")) return fail(Kind::config, "schema.required", "schema_version required");
  return ValidDoc{};
}

class TeamTest : public test::ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    request.team = "ops";
    request.env = env;
    request.paths = paths;
    request.now = kNow;
    request.validator = validate;
    request.transport.ca_file = server->ca();
    request.source.type = TeamSource::Type::url;
    request.source.url = server->url("/team.json");
  }
  static std::string body(int n) { return R"({"schema_version":"1.0.0","n":)" + std::to_string(n) + "}"; }
  TeamDocument load() {
    auto got = load_team(request);
    EXPECT_TRUE(got) << got.error().id << ": " << got.error().message;
    return got ? *std::move(got) : TeamDocument{};
  }
  Error refused() {
    auto got = load_team(request);
    EXPECT_FALSE(got);
    return got ? Error{} : got.error();
  }

  TeamRequest request;
};

TEST_F(TeamTest, Freshness) {  // rows 93-95
  server->route("/team.json", answer(body(1), "\"1\""));
  EXPECT_EQ(load().status, OrgStatus::updated);
  request.now = kNow + 3 * kHour;
  EXPECT_EQ(load().status, OrgStatus::cached);
  EXPECT_EQ(server->requests().size(), 1U);
  request.now = kNow + 30 * kHour;
  const TeamDocument same = load();
  EXPECT_EQ(same.status, OrgStatus::unchanged);
  EXPECT_EQ(same.fetched_at, kNow);
  EXPECT_EQ(same.age, 0);
  EXPECT_EQ(server->requests().back().str("/headers/if-none-match"), "\"1\"");
  server->stop();
  request.now += 30 * kHour;
  const TeamDocument stale = load();
  EXPECT_EQ(stale.status, OrgStatus::stale);
  EXPECT_TRUE(stale.stale);
  EXPECT_THAT(stale.warnings.at(0), HasSubstr("30 hours"));
  request.now += 7 * kDay;
  const Error error = refused();
  EXPECT_EQ(error.id, "team.stale");
  EXPECT_EQ(error.kind, Kind::config);
  EXPECT_THAT(error.hint, Not(IsEmpty()));
}

TEST_F(TeamTest, ValidatedBeforeItIsCached) {
  server->route("/team.json", answer("{}"));
  EXPECT_EQ(refused().id, "schema.required");
  EXPECT_FALSE(stdfs::exists(paths.cache / "team_configs"));
  server->route("/team.json", answer(body(1)));
  load();
  request.force = true;
  server->route("/team.json", answer("{broken"));
  EXPECT_EQ(refused().id, "json.syntax");
  request.force = false;
  EXPECT_EQ(load().bytes, body(1));
  // A cached one is validated again.
  request.validator = [](std::string_view) -> Result<ValidDoc> {
    return fail(Kind::config, "schema.newer", "no");
  };
  EXPECT_EQ(refused().id, "schema.newer");
}

TEST_F(TeamTest, AnotherSourceAnotherCache) {
  server->route("/team.json", answer(body(1), "\"1\""));
  server->route("/two.json", answer(body(2), "\"1\""));
  load();
  request.source.url = server->url("/two.json");
  EXPECT_EQ(load().bytes, body(2));
  EXPECT_FALSE(server->requests("/two.json").at(0).has("/headers/if-none-match"));
  request.source.url = server->url("/team.json");
  EXPECT_EQ(load().status, OrgStatus::cached);
}

TEST_F(TeamTest, LimitsAndFailures) {
  server->route("/team.json", answer(std::string(kTeamLimit + 1, ' ')));
  EXPECT_THAT(refused().message, HasSubstr("more than 262144 bytes"));
  json::Value guarded = answer(body(1));
  guarded["auth"] = "token hush";
  server->route("/team.json", guarded);
  EXPECT_THAT(refused().hint, HasSubstr("private"));
  request.source.headers = {{"Authorization", "token ${T}"}};
  EXPECT_EQ(refused().id, "team.env");
  EXPECT_EQ(refused().kind, Kind::policy);
  request.trusted_env = {"T"};
  request.env.vars["T"] = "hush";
  EXPECT_EQ(load().bytes, body(1));
  server->remove("/team.json");
  request.source.headers.clear();
  EXPECT_EQ(refused().id, "team.unavailable");
  request.offline = true;
  EXPECT_EQ(refused().id, "team.no-cache");
}

TEST_F(TeamTest, Offline) {
  server->route("/team.json", answer(body(1)));
  load();
  request.offline = true;
  request.now = kNow + 3 * kDay;
  EXPECT_EQ(load().status, OrgStatus::offline);
  EXPECT_TRUE(load().stale);
  request.now = kNow + 7 * kDay;
  EXPECT_EQ(refused().id, "team.stale");
}

/// A repository behind `git http-backend`, filled by the real git.
class GitTeamTest : public TeamTest {
 protected:
  void SetUp() override {
    TeamTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    repository = scratch.path() / "server" / "git" / "team.git";
    work = scratch.path() / "work";
    stdfs::create_directories(repository);
    git({"init", "-q", "--bare", "-b", "main", repository.native()});
    git({"init", "-q", "-b", "main", work.native()});
    git({"-C", work.native(), "remote", "add", "origin", repository.native()});
    commit({{"team-config.json", body(1)}, {"sub/other.json", body(2)}});
    request.source.type = TeamSource::Type::git;
    request.source.url = server->url("/git/team.git");
  }
  std::string git(std::vector<std::string> arguments) {
    os::ProcessRequest run;
    run.argv = {"git"};
    run.argv.insert(run.argv.end(), arguments.begin(), arguments.end());
    run.env = {{"PATH", "/usr/bin:/bin"},           {"HOME", scratch.path().native()},
               {"GIT_CONFIG_NOSYSTEM", "1"},        {"GIT_AUTHOR_NAME", "t"},
               {"GIT_AUTHOR_EMAIL", "t@example"},   {"GIT_COMMITTER_NAME", "t"},
               {"GIT_COMMITTER_EMAIL", "t@example"}};
    run.timeout = std::chrono::seconds{60};
    const auto done = os::run(run);
    EXPECT_TRUE(done && done->exit_code == 0) << (done ? done->err : done.error().message);
    std::string out = done ? done->out : "";
    while (!out.empty() && out.back() == '\n') out.pop_back();
    return out;
  }
  std::string commit(const std::map<std::string, std::string>& files, const std::string& branch = "main") {
    for (const auto& [name, text] : files) {
      stdfs::create_directories((work / name).parent_path());
      std::ofstream(work / name) << text;
    }
    git({"-C", work.native(), "add", "-A"});
    git({"-C", work.native(), "commit", "-q", "-m", "x"});
    git({"-C", work.native(), "push", "-q", "origin", "HEAD:refs/heads/" + branch});
    return git({"-C", work.native(), "rev-parse", "HEAD"});
  }
  std::size_t posts() const {
    std::size_t count = 0;
    for (const auto& entry : server->requests()) count += entry.str("/method") == "POST" ? 1U : 0U;
    return count;
  }

  stdfs::path repository;
  stdfs::path work;
};

TEST_F(GitTeamTest, AFileOfABranch) {
  const std::string first = git({"-C", work.native(), "rev-parse", "HEAD"});
  TeamDocument got = load();
  EXPECT_EQ(got.bytes, body(1));
  EXPECT_EQ(got.commit_sha, first);
  EXPECT_EQ(got.status, OrgStatus::updated);
  request.source.path = "sub/other.json";
  EXPECT_EQ(load().bytes, body(2));
  commit({{"team-config.json", body(3)}}, "dev");
  request.source.path = "";
  request.source.branch = "dev";
  EXPECT_EQ(load().bytes, body(3));
  request.source.branch = "main";
  EXPECT_EQ(load().status, OrgStatus::cached);
  EXPECT_TRUE(stdfs::is_empty(paths.cache / "clones"));
}

TEST_F(GitTeamTest, TheSameCommitIsNotTransferredAgain) {
  load();
  const std::size_t before = posts();
  EXPECT_GT(before, 0U);
  request.now += 30 * kHour;
  EXPECT_EQ(load().status, OrgStatus::unchanged);
  EXPECT_EQ(posts(), before);
  const std::string next = commit({{"team-config.json", body(4)}});
  request.force = true;
  const TeamDocument got = load();
  EXPECT_EQ(got.bytes, body(4));
  EXPECT_EQ(got.commit_sha, next);
}

TEST_F(GitTeamTest, OtherBranchesAreNotTransferred) {
  load();
  std::string big;
  for (unsigned i = 0, x = 1; i < 300'000; ++i) {  // does not compress
    x = x * 1664525U + 1013904223U;
    big += static_cast<char>('!' + (x >> 24U) % 90);
  }
  commit({{"big", big}}, "huge");
  git({"-C", work.native(), "tag", "t"});
  git({"-C", work.native(), "push", "-q", "origin", "t"});
  request.force = true;
  request.source.path = "sub/other.json";
  EXPECT_EQ(load().bytes, body(2));
  const auto sent = [&] {
    std::int64_t size = 0;
    for (const auto& entry : server->requests("/git/team.git/git-upload-pack"))
      size += entry.integer("/sent");
    return size;
  };
  EXPECT_GT(sent(), 0);
  EXPECT_LT(sent(), 10'000);
  request.source.branch = "huge";
  load();
  EXPECT_GT(sent(), 100'000);  // the measure does measure
}

TEST_F(GitTeamTest, WhatTheTreeMayTryIsRefused) {
  stdfs::create_symlink("/etc/passwd", work / "link.json");
  stdfs::create_symlink("sub", work / "dir");
  commit({{"large.json", std::string(kTeamLimit + 1, ' ')}});
  request.source.path = "link.json";
  EXPECT_THAT(refused().message, HasSubstr("not a regular file"));
  request.source.path = "dir/other.json";
  EXPECT_THAT(refused().message, HasSubstr("has no dir/other.json"));
  request.source.path = "sub";
  EXPECT_THAT(refused().message, HasSubstr("not a regular file"));
  request.source.path = "large.json";
  EXPECT_THAT(refused().message, HasSubstr("larger than"));
  request.source.path = "absent.json";
  Error error = refused();
  EXPECT_THAT(error.message, HasSubstr("has no absent.json"));
  EXPECT_THAT(error.hint, HasSubstr("path"));
  request.source.branch = "absent";
  error = refused();
  EXPECT_THAT(error.message, HasSubstr("no branch absent"));
  request.source.path = "../x";
  EXPECT_EQ(refused().id, "team.path");
  EXPECT_EQ(error.kind, Kind::config);
}

TEST_F(GitTeamTest, NobodysConfigurationIsObeyed) {
  // The user's: would send the fetch elsewhere, and cannot even be parsed further down.
  std::ofstream(scratch.path() / "home" / ".gitconfig")
      << "[url \"" << server->url("/elsewhere") << "\"]\n\tinsteadOf = " << server->url("/git")
      << "\n[broken\n";
  const char* old_home = std::getenv("HOME");
  const std::string saved = old_home != nullptr ? old_home : "";
  ::setenv("HOME", (scratch.path() / "home").c_str(), 1);
  const TeamDocument got = load();
  ::setenv("HOME", saved.c_str(), 1);
  EXPECT_EQ(got.bytes, body(1));
  for (const auto& entry : server->requests()) EXPECT_THAT(entry.str("/path"), Not(HasSubstr("elsewhere")));
}

TEST_F(GitTeamTest, FailuresOfTheServer) {
  request.source.url = server->url("/git/absent.git");
  EXPECT_THAT(refused().message, HasSubstr("404"));
  server->route("/page/info/refs?service=git-upload-pack", answer("<html>welcome</html>"));
  request.source.url = server->url("/page");
  Error error = refused();
  EXPECT_EQ(error.id, "team.unavailable");
  EXPECT_THAT(error.hint, HasSubstr("git repository"));
  json::Value late = answer("");
  late["delay"] = 30;
  server->route("/late/info/refs?service=git-upload-pack", late);
  request.source.url = server->url("/late");
  request.git_timeout_ms = 300;
  EXPECT_THAT(refused().message, HasSubstr("in time"));
  request.git_timeout_ms = 30'000;
  server->route("/down/info/refs?service=git-upload-pack",
                redirect("{plain}/git/team.git/info/refs?service=git-upload-pack"));
  request.source.url = server->url("/down");
  EXPECT_THAT(refused().message, HasSubstr("redirect refused"));
  json::Value endless;
  endless["endless"] = true;
  server->route("/endless/info/refs?service=git-upload-pack", endless);
  request.source.url = server->url("/endless");
  EXPECT_THAT(refused().message, HasSubstr("sends more than"));
  request.source.url = server->url("/git/team.git");
  request.transport.ca_file = server->other_ca();
  EXPECT_THAT(refused().message, HasSubstr("TLS"));
  EXPECT_TRUE(stdfs::is_empty(paths.cache / "clones"));
}

TEST_F(GitTeamTest, HeadersStayOnTheirHost) {
  request.source.headers = {{"X-Token", "hush"}};
  load();
  for (const auto& entry : server->requests()) {
    if (entry.str("/method") == "SENT") continue;
    EXPECT_EQ(entry.str("/headers/x-token"), "hush");
  }
  server->route("/moved/info/refs?service=git-upload-pack",
                redirect("{other}/git/team.git/info/refs?service=git-upload-pack", 301));
  request.source.url = server->url("/moved");
  EXPECT_EQ(load().bytes, body(1));
  int elsewhere = 0;
  for (const auto& entry : server->requests()) {
    if (entry.str("/server") != "other" || entry.str("/method") == "SENT") continue;
    ++elsewhere;
    EXPECT_FALSE(entry.has("/headers/x-token"));
  }
  EXPECT_GE(elsewhere, 2);  // discovery and the pack
}

TEST_F(GitTeamTest, LocalRepositoriesOnlyByPermission) {
  request.source.url = repository.native();
  EXPECT_EQ(refused().id, "team.local");
  EXPECT_EQ(refused().kind, Kind::policy);
  request.allow_local = true;
  EXPECT_EQ(load().bytes, body(1));
  request.source.url = "file://" + repository.native();
  EXPECT_EQ(load().bytes, body(1));
  request.source.url = (repository / "objects").native();
  EXPECT_EQ(refused().id, "team.unavailable");  // not searched for further up
}

TEST_F(GitTeamTest, StaleWhenTheServerIsGone) {
  load();
  server->stop();
  request.now += 30 * kHour;
  EXPECT_EQ(load().status, OrgStatus::stale);
  request.now = kNow + 8 * kDay;
  EXPECT_EQ(refused().id, "team.stale");
}

}  // namespace
}  // namespace scc::remote
