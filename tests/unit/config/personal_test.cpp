// SPDX-License-Identifier: Apache-2.0
#include "config/personal.h"

#include <random>

#include "model/parse.h"
#include "unit/config/local.h"

namespace scc::config {
namespace {

using test::slurp;

TEST(RepoId, EverySpellingOfARemoteIsOneId) {
  for (const char* url : {"git@Host.Example:team/app.git", "ssh://git@host.example/team/app.git",
                          "ssh://git@host.example:2222/team/app", "https://host.example/team/app.git/",
                          "https://user:ghp_tok@HOST.example:8443/team/app", "host.example:/team/app",
                          "https://a@b:c@host.example//team/./app.git?private_token=x#y",
                          "git://host.example./team/app", "  https://host.example/team/app\n"}) {
    EXPECT_EQ(repo_id_from_remote(url), "remote:host.example/team/app") << url;
  }
  EXPECT_EQ(repo_id_from_remote("ssh://[::1]:22/x/y.git"), "remote:[::1]/x/y");
  EXPECT_EQ(repo_id_from_remote("git@[2001:DB8::1]:x/y"), "remote:[2001:db8::1]/x/y");
  EXPECT_EQ(repo_id_from_remote("h:Team/App"), "remote:h/Team/App") << "paths keep their case";
}

TEST(RepoId, WhatNamesNoHostHasNone) {
  for (const char* url : {"", "/srv/git/x.git", "./x", "../x:y", "file:///srv/x", "https://host.example",
                          "https://host.example/", "host:", ":x", "https:///x", "https://h/../x",
                          "h:a/../../b", "https://h/\x1b[2J", "https://h/a\nb/c", "C:\\x\\y", "://h/x"}) {
    EXPECT_EQ(repo_id_from_remote(url), "") << url;
  }
  EXPECT_EQ(repo_id_from_path("/home/u/x"), "path:/home/u/x");
  EXPECT_EQ(profile_hash("remote:h/p").size(), 12U);
}

class Profiles : public test::Local {
 protected:
  void SetUp() override {
    Local::SetUp();
    shared = mkdir("shared");
  }
  ProfileStore store() const { return ProfileStore(paths); }
  static model::Personal profile(const std::string& id, const std::string& plugin = "mine@core") {
    model::Personal out;
    out.repo_id = id;
    out.saved_at = "2026-06-01T10:00:00Z";
    out.plugins = {{plugin, true}, {"off@core", false}};
    std::sort(out.plugins.begin(), out.plugins.end());
    model::McpServer server;
    server.name = "docs";
    server.type = "http";
    server.url = "https://mcp.example.com/x";
    server.headers["Authorization"] = "Bearer ${DOCS_TOKEN}";
    out.mcp_servers.push_back(std::move(server));
    return out;
  }
  stdfs::path shared;
};

TEST_F(Profiles, SaveLoadListRemove) {
  EXPECT_FALSE(store().load("remote:h/a")->has_value());
  EXPECT_TRUE(store().list().profiles.empty());
  EXPECT_EQ(store().remove("remote:h/a"), false);
  ASSERT_TRUE(store().save(profile("remote:h/b")));
  ASSERT_TRUE(store().save(profile("remote:h/a")));
  const auto loaded = store().load("remote:h/a");
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(json::dump(model::to_json(**loaded)), json::dump(model::to_json(profile("remote:h/a"))));
  EXPECT_EQ(mode(store().file("remote:h/a")), 0600U);
  const ProfileList list = store().list();
  ASSERT_EQ(list.profiles.size(), 2U);
  EXPECT_EQ(list.profiles[0].repo_id, "remote:h/a");
  EXPECT_EQ(store().remove("remote:h/a"), true);
  EXPECT_EQ(store().list().profiles.size(), 1U);
}

TEST_F(Profiles, WhatIsForProvidersAndTheOldFormatIsKept) {
  const stdfs::path file = store().file("remote:h/a");
  json::Value document = model::to_json(profile("remote:h/a"));
  document["native"]["acme"]["theme"] = "dark";
  write(stdfs::relative(file, dir), json::pretty(document));
  ASSERT_TRUE(store().save(profile("remote:h/a", "new@core")));
  EXPECT_EQ(json::parse(slurp(file))->str("/native/acme/theme"), "dark");
  write(
      stdfs::relative(file, dir),
      R"({"version":"1","repo_id":"remote:h/a","saved_at":"x","settings":{"enabledPlugins":{"p@m":true}},"mcp":{}})");
  EXPECT_EQ((*store().load("remote:h/a"))->plugins.at(0).first, "p@m");
  ASSERT_TRUE(store().save(profile("remote:h/a")));
  EXPECT_EQ(json::parse(slurp(file.native() + ".v1"))->str("/version"), "1");
}

TEST_F(Profiles, ADamagedOneIsAnErrorAndKeptAside) {
  const stdfs::path file = store().file("remote:h/a");
  for (const char* text : {"{", "[]", R"({"version":"3"})", ""}) {
    write(stdfs::relative(file, dir), text);
    const auto loaded = store().load("remote:h/a");
    ASSERT_FALSE(loaded) << text;
    EXPECT_EQ(loaded.error().id, "profile.invalid");
    EXPECT_EQ(store().list().warnings.size(), 1U) << text;
  }
  write(stdfs::relative(file, dir), json::dump(model::to_json(profile("remote:h/other"))));
  EXPECT_EQ(store().load("remote:h/a").error().id, "profile.invalid") << "of another repository";
  EXPECT_EQ(store().list().warnings.size(), 1U);
  write(stdfs::relative(file, dir), "{");
  ASSERT_TRUE(store().save(profile("remote:h/a")));
  EXPECT_TRUE(store().load("remote:h/a")->has_value());
  int kept = 0;
  for (const auto& entry : stdfs::directory_iterator(file.parent_path())) {
    kept += entry.path().native().find(".corrupt-") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(kept, 1);
}

TEST_F(Profiles, DiffAndFingerprintLookAtContent) {
  model::Personal a = profile("remote:h/a");
  model::Personal b = a;
  b.saved_at = "later";
  EXPECT_EQ(fingerprint(a), fingerprint(b));
  EXPECT_TRUE(diff(a, b).same());
  b.plugins = {{"mine@core", false}, {"more@core", true}};
  b.mcp_servers[0].url = "https://mcp.example.com/y";
  EXPECT_NE(fingerprint(a), fingerprint(b));
  const ProfileDiff changes = diff(a, b);
  EXPECT_EQ(changes.added, (std::vector<std::string>{"plugins/more@core"}));
  EXPECT_EQ(changes.removed, (std::vector<std::string>{"plugins/off@core"}));
  EXPECT_EQ(changes.changed, (std::vector<std::string>{"mcp_servers/docs", "plugins/mine@core"}));
}

TEST_F(Profiles, LikelySecretsDoNotLeave) {
  const auto place = [](const auto& change) {
    model::Personal personal = profile("remote:h/a");
    change(personal.mcp_servers[0]);
    const auto found = likely_secrets(personal);
    return found.empty() ? std::string() : found[0];
  };
  EXPECT_EQ(place([](auto&) {}), "");
  EXPECT_EQ(place([](auto& s) { s.headers["Authorization"] = "Bearer abc"; }),
            "mcp_servers/docs/headers/Authorization");
  EXPECT_EQ(place([](auto& s) { s.headers["X"] = "value"; }), "mcp_servers/docs/headers/X");
  EXPECT_EQ(place([](auto& s) { s.env["A"] = "hunter2"; }), "mcp_servers/docs/env/A");
  EXPECT_EQ(place([](auto& s) { s.env["A"] = "x${B}y1"; }), "mcp_servers/docs/env/A");
  EXPECT_EQ(place([](auto& s) { s.url = "https://u:p@h.example/"; }), "mcp_servers/docs/url");
  EXPECT_EQ(place([](auto& s) { s.url = "https://h.example/?k=ghp_0123456789abcdef"; }),
            "mcp_servers/docs/url");
  EXPECT_EQ(place([](auto& s) { s.args = {"--api-key=hunter2"}; }), "mcp_servers/docs/args/0");
  EXPECT_EQ(place([](auto& s) { s.args = {"--token", "hunter2"}; }), "mcp_servers/docs/args/1");
  EXPECT_EQ(place([](auto& s) { s.args = {"--token", "${T}", "--port=80", "serve"}; }), "");

  model::Personal leaky = profile("remote:h/a");
  leaky.mcp_servers[0].headers["X-Password"] = "hunter2";
  ASSERT_TRUE(store().save(leaky));
  ASSERT_TRUE(store().save(profile("remote:h/b")));
  const auto report = store().export_to(shared, {});
  ASSERT_FALSE(report);
  EXPECT_EQ(report.error().id, "profile.secret");
  EXPECT_EQ(report.error().context.size(), 1U);
  EXPECT_EQ(testing::PrintToString(report.error().context).find("hunter2"), std::string::npos);
  EXPECT_TRUE(stdfs::is_empty(shared)) << "not the harmless one either";
}

TEST_F(Profiles, ExportAndImportRoundTrip) {
  EXPECT_EQ(store().export_to(shared, {}).error().id, "profile.none");
  ASSERT_TRUE(store().save(profile("remote:h/a")));
  ASSERT_TRUE(store().save(profile("remote:h/b")));
  auto exported = store().export_to(shared, {});
  ASSERT_TRUE(exported) << exported.error().message;
  EXPECT_EQ(exported->exported.size(), 2U);
  EXPECT_EQ(store().export_to(shared, {})->unchanged.size(), 2U);
  ASSERT_TRUE(store().save(profile("remote:h/c")));
  EXPECT_EQ(store().export_to(shared, {"remote:h/c"})->exported, (std::vector<std::string>{"remote:h/c"}));
  EXPECT_EQ(json::parse(slurp(shared / ".scc/profiles/index.json"))->at("/profiles")->members().size(), 3U);

  ASSERT_EQ(store().remove("remote:h/a"), true);
  ASSERT_TRUE(store().save(profile("remote:h/b", "changed@core")));
  auto dry = store().import_from(shared, {false, true});
  ASSERT_TRUE(dry);
  EXPECT_EQ(dry->imported, (std::vector<std::string>{"remote:h/a"}));
  EXPECT_FALSE(store().load("remote:h/a")->has_value()) << "a dry run writes nothing";
  const auto imported = store().import_from(shared, {});
  ASSERT_TRUE(imported);
  EXPECT_EQ(imported->imported, (std::vector<std::string>{"remote:h/a"}));
  EXPECT_EQ(imported->differing, (std::vector<std::string>{"remote:h/b"}));
  EXPECT_EQ(imported->identical, (std::vector<std::string>{"remote:h/c"}));
  EXPECT_EQ((*store().load("remote:h/b"))->plugins[0].first, "changed@core");
  EXPECT_EQ(store().import_from(shared, {true, false})->imported, (std::vector<std::string>{"remote:h/b"}));
  EXPECT_EQ((*store().load("remote:h/b"))->plugins[0].first, "mine@core");
}

TEST_F(Profiles, AHostileRepositoryOfProfilesLeadsNowhere) {
  const std::string good = json::dump(model::to_json(profile("remote:h/a")));
  write("outside.json", good);
  write("shared/.scc/" + profile_hash("remote:h/a") + ".json", good);
  const auto index = [&](const std::string& name) {
    json::Value value;
    value["version"] = "1";
    value["profiles"]["remote:h/a"] = name;
    write("shared/.scc/profiles/index.json", json::dump(value));
    const auto report = store().import_from(shared, {true, false});
    ASSERT_TRUE(report) << name;
    EXPECT_TRUE(report->imported.empty()) << name;
    EXPECT_EQ(report->warnings.size(), 1U) << name;
  };
  const std::string hash = profile_hash("remote:h/a");
  for (const std::string& name : std::vector<std::string>{
           "../" + hash + ".json", "../../../outside.json", "/etc/passwd", "", "x.json", hash + ".jsox",
           "A" + hash.substr(1) + ".json", hash + ".json/..", hash + ".json"}) {
    index(name);
  }
  const stdfs::path file = shared / ".scc/profiles" / (hash + ".json");
  stdfs::create_symlink(dir / "outside.json", file);
  index(hash + ".json");
  stdfs::remove(file);
  ASSERT_EQ(::mkfifo(file.c_str(), 0600), 0);
  index(hash + ".json");
  stdfs::remove(file);
  write(stdfs::relative(file, dir), std::string(300 << 10, ' '));
  index(hash + ".json");
  write(stdfs::relative(file, dir), json::dump(model::to_json(profile("remote:h/other"))));
  index(hash + ".json");
  write(stdfs::relative(file, dir), "{");
  index(hash + ".json");
  for (const char* text : {"{", "[]", R"({"version":"2","profiles":{}})", R"({"version":"1"})"}) {
    write("shared/.scc/profiles/index.json", text);
    EXPECT_EQ(store().import_from(shared, {}).error().id, "profile.index") << text;
  }
  stdfs::remove_all(shared / ".scc");
  stdfs::create_directory_symlink(mkdir("elsewhere"), shared / ".scc");
  ASSERT_TRUE(store().save(profile("remote:h/a")));
  EXPECT_FALSE(store().export_to(shared, {}));
  EXPECT_TRUE(stdfs::is_empty(dir / "elsewhere"));
  EXPECT_FALSE(store().import_from(shared, {}));
}

TEST_F(Profiles, ADirectoryWithoutProfilesIsSaidToHoldNone) {
  for (const char* name : {"nowhere", "shared"}) {
    const auto report = store().import_from(dir / name, {});
    ASSERT_FALSE(report) << name;
    EXPECT_EQ(report.error().id, "profile.none");
    EXPECT_EQ(report.error().kind, Kind::not_found);
  }
}

TEST_F(Profiles, RandomMutationsNeverCrash) {
  const std::string text = json::dump(model::to_json(profile("remote:h/a")));
  const unsigned seed = 20261123;
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  const auto pick = [&random](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const stdfs::path file = store().file("remote:h/a");
  stdfs::create_directories(file.parent_path());
  int read = 0;
  for (int round = 0; round < 10'000; ++round) {
    std::string mutant = text;
    for (std::size_t edits = 1 + pick(2); edits > 0; --edits) {
      const std::size_t at = pick(mutant.size());
      if (pick(2) == 0) {
        mutant[at] = static_cast<char>(random() & 0xFFU);
      } else {
        mutant.insert(at, mutant.substr(pick(mutant.size()), pick(20)));
      }
    }
    write(stdfs::relative(file, dir), mutant);
    const auto loaded = store().load("remote:h/a");
    if (loaded) {
      ++read;
      ASSERT_TRUE(loaded->has_value());
      EXPECT_EQ((*loaded)->repo_id, "remote:h/a");
      EXPECT_TRUE(model::parse_personal(model::to_json(**loaded), "again")) << mutant;
    } else {
      EXPECT_EQ(loaded.error().id, "profile.invalid") << mutant;
    }
  }
  EXPECT_GT(read, 300) << "the mutations are too wild";
}

TEST(RepoId, RandomTextNeverCrashesNorKeepsAUserPart) {
  std::mt19937 random(20261123);
  const std::string_view alphabet = "ab@:/.[]?#~-%\\ \x01\xff";
  for (int round = 0; round < 10'000; ++round) {
    std::string url = round % 2 == 0 ? "https://" : "";
    for (std::size_t n = random() % 20; n > 0; --n) url += alphabet[random() % alphabet.size()];
    const std::string id = repo_id_from_remote(url);
    if (id.empty()) continue;
    EXPECT_EQ(id.rfind("remote:", 0), 0U);
    const std::string host = id.substr(7, id.find('/') - 7);
    EXPECT_FALSE(host.empty()) << url;
    EXPECT_EQ(host.find_first_of("@?#~%\\ "), std::string::npos) << url;
  }
}

}  // namespace
}  // namespace scc::config
