// SPDX-License-Identifier: Apache-2.0
// Team sources as they would be fetched, and headers with variables. Nothing is contacted.
#include "remote/team_source.h"

#include <gmock/gmock.h>

namespace scc::remote {
namespace {

using Type = TeamSource::Type;

TeamSource source(Type type, std::string url = {}, std::string path = {}, std::string branch = "main") {
  TeamSource out;
  out.type = type;
  out.owner = "acme";
  out.repo = "team.x";
  out.url = std::move(url);
  out.path = std::move(path);
  out.branch = std::move(branch);
  return out;
}
std::string error(const TeamSource& team) {
  const auto plan = plan_team(team);
  return plan ? "ok" : plan.error().id;
}

TEST(TeamPlan, Forms) {
  TeamPlan plan = plan_team(source(Type::github)).value();
  EXPECT_TRUE(plan.git);
  EXPECT_EQ(plan.url, "https://github.com/acme/team.x.git");
  EXPECT_EQ(plan.branch, "main");
  EXPECT_EQ(plan.path, "team-config.json");
  EXPECT_EQ(plan_team(source(Type::github, "", "/"))->path, "team-config.json");
  EXPECT_EQ(plan_team(source(Type::github, "", "/a/b.json"))->path, "a/b.json");
  plan = plan_team(source(Type::git, "https://git.example/x/y", "c.json", "dev/1")).value();
  EXPECT_EQ(plan.url, "https://git.example/x/y");
  EXPECT_EQ(plan.branch, "dev/1");
  EXPECT_FALSE(plan.local);
  plan = plan_team(source(Type::url, "https://x.example/t.json")).value();
  EXPECT_FALSE(plan.git);
  EXPECT_EQ(plan.url, "https://x.example/t.json");
  EXPECT_TRUE(plan_team(source(Type::git, "/srv/repo"))->local);
  EXPECT_EQ(plan_team(source(Type::git, "file:///srv/repo"))->url, "/srv/repo");
}

TEST(TeamPlan, Refusals) {
  for (const char* path : {"..", "a/../b", "./a", "a//b", "/../x", "a/", "a\nb"}) {
    EXPECT_EQ(error(source(Type::github, "", path)), "team.path") << path;
  }
  for (const char* branch :
       {"-x", "a..b", "a b", "a:b", "@", "a.lock", "/a", "a/", "x~1", "--upload-pack=x", "a@{1}"}) {
    EXPECT_EQ(error(source(Type::github, "", "", branch)), "team.source") << branch;
  }
  EXPECT_EQ(error(source(Type::git, "git@github.com:a/b.git")), "team.ssh");
  EXPECT_EQ(error(source(Type::git, "ssh://git@h/a")), "team.ssh");
  EXPECT_EQ(error(source(Type::git, "http://h/a")), "source.http");
  EXPECT_EQ(error(source(Type::git, "ext::sh -c x")), "source.url");
  EXPECT_EQ(error(source(Type::git, "--upload-pack=x")), "source.url");
  EXPECT_EQ(error(source(Type::url, "https://h/a/../b")), "source.path");
  for (const char* name : {"..", ".", "a/b", "", "a b"}) {
    TeamSource odd = source(Type::github);
    odd.repo = name;
    EXPECT_EQ(error(odd), "team.source") << name;
    odd = source(Type::github);
    odd.owner = name;
    EXPECT_EQ(error(odd), "team.source") << name;
  }
}

TEST(TeamPlan, TheCacheKeyIsTheSource) {
  const auto key = [](const TeamSource& team) { return plan_team(team)->cache_key; };
  const std::string base = key(source(Type::github));
  EXPECT_EQ(base.size(), 32U);
  EXPECT_EQ(key(source(Type::github)), base);
  EXPECT_EQ(key(source(Type::git, "https://github.com/acme/team.x.git")), base);  // the same bytes
  EXPECT_NE(key(source(Type::github, "", "other.json")), base);
  EXPECT_NE(key(source(Type::github, "", "", "dev")), base);
  EXPECT_NE(key(source(Type::url, "https://github.com/acme/team.x.git")), base);
  TeamSource with = source(Type::github);
  with.headers = {{"X", "${T}"}};
  EXPECT_NE(key(with), base);
}

TEST(TeamHeaders, OnlyTrustedVariables) {
  os::Environment env;
  env.vars = {{"T", "tok"}, {"SECRET", "hush"}, {"E", ""}};
  EXPECT_EQ(expand_headers({{"A", "x ${T}-${T} y"}, {"B", "plain $T {T} ${"}}, env, {"T"}).value(),
            (std::map<std::string, std::string>{{"A", "x tok-tok y"}, {"B", "plain $T {T} ${"}}));
  const auto refused = expand_headers({{"A", "${SECRET}"}}, env, {"T"});
  EXPECT_EQ(refused.error().id, "team.env");
  EXPECT_EQ(refused.error().kind, Kind::policy);
  EXPECT_EQ(refused.error().message.find("hush"), std::string::npos);
  EXPECT_EQ(expand_headers({{"A", "${E}"}}, env, {"E"}).error().id, "team.env-unset");
  EXPECT_EQ(expand_headers({{"A", "${}"}}, env, {"T"}).error().id, "team.env");
  env.vars["T"] = "${SECRET}";  // a value is not looked at again
  EXPECT_EQ(expand_headers({{"A", "${T}"}}, env, {"T"})->at("A"), "${SECRET}");
}

}  // namespace
}  // namespace scc::remote
