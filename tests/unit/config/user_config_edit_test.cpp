// SPDX-License-Identifier: Apache-2.0
#include "config/user_config_edit.h"

#include <csignal>

#include "config/keys.h"
#include "unit/config/local.h"

namespace scc::config {
namespace {

using test::slurp;

class Edit : public test::Local {
 protected:
  Status set(const std::string& key, const std::string& text) {
    auto value = parse_config_value(key, text);
    if (!value) return fail(value.error());
    return edit_user_config(paths, {{key, *value}});
  }
  std::string get(const std::string& key) {
    const auto value = get_config_value(paths, key);
    return value ? json::dump(value->value) + " " + value->source : value.error().id;
  }
  stdfs::path file() const { return paths.config / "config.json"; }
};

TEST_F(Edit, SetsReadsBackAndUnsetsEveryType) {
  ASSERT_TRUE(set("selected_profile", "web"));
  ASSERT_TRUE(set("standalone", "true"));
  ASSERT_TRUE(set("cache.ttl_hours", "12"));
  ASSERT_TRUE(set("trusted_env", R"(["A","B_2"])"));
  ASSERT_TRUE(set("providers.acme", R"({"auth":"login"})"));
  ASSERT_TRUE(set("providers.acme.auth", "api_key"));
  ASSERT_TRUE(set("plugins.runtime-x.config.deep.er", "7"));
  ASSERT_TRUE(set("images.base.ref", "reg.example/x@sha256:00"));
  ASSERT_TRUE(set("workspace_team_map./home/u/a.b", "web"));
  EXPECT_EQ(get("selected_profile"), "\"web\" user");
  EXPECT_EQ(get("workspace_team_map./home/u/a.b"), "\"web\" user");
  EXPECT_EQ(get("providers.acme.auth"), "\"api_key\" user");
  EXPECT_EQ(get("plugins.runtime-x.config"), R"({"deep":{"er":7}} user)");
  EXPECT_EQ(get("sandbox.pids"), "4096 default");
  EXPECT_EQ(get("sandbox.memory"), "config.unset");
  const auto config = load_user_config(paths);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_TRUE(config->standalone);
  EXPECT_EQ(config->cache_ttl_hours, 12);
  EXPECT_EQ(config->trusted_env, (std::vector<std::string>{"A", "B_2"}));
  EXPECT_EQ(config->workspace_team_map.at("/home/u/a.b"), "web");
  EXPECT_EQ(mode(file()), 0600U);

  ASSERT_TRUE(edit_user_config(paths, {{"cache.ttl_hours", {}}, {"selected_profile", {}}}));
  EXPECT_EQ(get("selected_profile"), "config.unset");
  EXPECT_EQ(slurp(file()).find("cache"), std::string::npos) << "an empty section goes with its last key";
  ASSERT_TRUE(edit_user_config(paths, {{"sandbox.memory", {}}})) << "unsetting what is not set";
}

TEST_F(Edit, KeepsWhatItDoesNotTouch) {
  write("config/config.json", R"({"providers":{"acme":{"x":[1,{"y":null}]}},"onboarding_seen":true})");
  ASSERT_TRUE(set("selected_provider", "ask"));
  EXPECT_EQ(get("providers.acme"), R"({"x":[1,{"y":null}]} user)");
  const auto config = load_user_config(paths);
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->onboarding_seen);
  EXPECT_TRUE(config->ask_provider);
  EXPECT_EQ(config->selected_provider, "");
}

TEST_F(Edit, RefusesUnknownKeysWrongTypesAndDescents) {
  const std::vector<std::vector<std::string>> cases = {
      {"selected_profil", "web", "config.unknown-key"},
      {"cache.enbled", "true", "config.unknown-key"},
      {"cache.enabled.deeper", "true", "config.unknown-key"},
      {"", "x", "config.unknown-key"},
      {"providers..x", "x", "config.unknown-key"},
      {"standalone", "maybe", "config.value"},
      {"cache.ttl_hours", "many", "config.value"},
      {"cache.ttl_hours", "0", "config.invalid"},
      {"cache.ttl_hours", "169", "config.invalid"},
      {"trusted_env", "A", "config.value"},
      {"trusted_env", R"(["1A"])", "config.invalid"},
      {"trusted_env", "[1]", "config.invalid"},
      {"selected_profile", "../x", "config.invalid"},
      {"sandbox.memory", "lots", "config.invalid"},
      {"organization_source.auth", "hunter2", "config.invalid"},
      {"organization_source", R"({"auth":"env:T"})", "config.invalid"},
      {"organization_source", R"({"url":"http://x.example/o"})", "config.invalid"},
      {"organization_source", R"({"url":"https://x.example","path":"/o"})", "config.invalid"},
      {"organization_source", R"({"path":"o.json"})", "config.invalid"},
      {"organization_source", "[1", "config.value"},
      {"config_version", "2.0.0", "config.invalid"},
      {"selected_provider", "a\nb", "config.invalid"},
  };
  ASSERT_TRUE(set("standalone", "false"));
  const std::string before = slurp(file());
  for (const auto& c : cases) {
    const Status status = set(c[0], c[1]);
    ASSERT_FALSE(status) << c[0] << " " << c[1];
    EXPECT_EQ(status.error().id, c[2]) << c[0] << " " << c[1];
    EXPECT_EQ(status.error().kind, Kind::usage) << c[0];
    EXPECT_EQ(slurp(file()), before) << c[0];
  }
  EXPECT_EQ(set("selected_profil", "x").error().hint, "did you mean \"selected_profile\"?");
  write("config/config.json", R"({"providers":{"acme":{"auth":"login"}},"sandbox":3})");
  EXPECT_EQ(set("providers.acme.auth.x", "1").error().id, "config.value");
  EXPECT_EQ(set("sandbox.pids", "99").error().id, "config.value");
}

TEST_F(Edit, AllEditsOrNone) {
  ASSERT_TRUE(edit_user_config(paths, {{"organization_source.url", "https://x.example/o.json"},
                                       {"organization_source.auth", "env:T"},
                                       {"selected_profile", "web"}}));
  const std::string before = slurp(file());
  EXPECT_FALSE(edit_user_config(paths, {{"selected_profile", "data"}, {"nope", 1}}));
  EXPECT_EQ(slurp(file()), before);
}

TEST_F(Edit, RefusesAnotherVersionABrokenFileAndALink) {
  write("config/config.json", R"({"config_version":"2.0.0"})");
  EXPECT_EQ(set("standalone", "true").error().id, "config.version");
  write("config/config.json", R"({"stand)");
  EXPECT_EQ(set("standalone", "true").error().id, "config.invalid");
  EXPECT_EQ(slurp(file()), R"({"stand)");
  stdfs::remove(file());
  stdfs::create_symlink(write("elsewhere", "{}"), file());
  EXPECT_EQ(set("standalone", "true").error().id, "os.link");
  EXPECT_EQ(slurp(dir / "elsewhere"), "{}");
}

TEST_F(Edit, MasksSecretsWhenShown) {
  write(
      "config/config.json",
      R"({"organization_source":{"url":"https://x.example/o","auth":"command:pass show x","public_key":"abcABC012345678901abcABC"},
            "providers":{"acme":{"api_key":"hunter2","api_key_from":"env:K"}},
            "images":{"base":{"ref":"r@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"}}})");
  const auto shown = show_config(paths);
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->str("/organization_source/auth"), "command:***");
  EXPECT_EQ(shown->str("/organization_source/public_key"), "abcABC012345678901abcABC");
  EXPECT_EQ(shown->str("/providers/acme/api_key"), "***");
  EXPECT_NE(shown->str("/images/base/ref"), "***");
}

TEST_F(Edit, ConcurrentWritersLoseNothing) {
  std::vector<pid_t> children;
  for (int i = 0; i < 12; ++i) {
    children.push_back(test::spawn(
        [&] { return set("workspace_team_map./w/" + std::to_string(i), "t" + std::to_string(i)) ? 0 : 1; }));
  }
  for (const pid_t child : children) EXPECT_EQ(test::join(child), 0);
  const auto config = load_user_config(paths);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->workspace_team_map.size(), 12U);
}

TEST_F(Edit, AKilledWriterLeavesAWholeFile) {
  ASSERT_TRUE(set("selected_profile", "web"));
  for (int round = 0; round < 40; ++round) {
    const pid_t child = test::spawn([&] {
      for (int i = 0;; ++i) {
        if (!set("workspace_team_map./w/x", "t" + std::to_string(i))) return 1;
      }
    });
    // Ends it somewhere in a write: once it has written something new, after a varying number of looks.
    const std::string before = slurp(file());
    ASSERT_TRUE(test::eventually([&] { return slurp(file()) != before; }));
    for (int i = 0; i < round * 50; ++i) static_cast<void>(::getppid());
    ::kill(child, SIGKILL);
    EXPECT_EQ(test::join(child), 128 + SIGKILL);
    const auto config = load_user_config(paths);
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->selected_profile, "web");
    ASSERT_TRUE(set("onboarding_seen", round % 2 == 0 ? "true" : "false")) << "the lock is free again";
  }
}

class System : public Edit {
 protected:
  void pin(const std::string& text) {
    write("etc/config.json", text);
    ::chmod((dir / "etc/config.json").c_str(), 0644);
  }
};

TEST_F(System, PinsWinOverTheUsersFileWithAWarning) {
  pin(R"({"organization_source":{"url":"https://corp.example/org.json","public_key":"PINNED"},
          "tls":{"ca_file":"/etc/ca.pem"},"standalone":false})");
  write("config/config.json",
        R"({"organization_source":{"url":"https://evil.example/o","auth":"env:T","public_key":"MINE"},
            "tls":{"ca_file":"/home/u/ca.pem"},"standalone":true})");
  const auto config = load_user_config(paths);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->organization_source->url, "https://corp.example/org.json");
  EXPECT_EQ(config->organization_source->public_key, "PINNED");
  EXPECT_EQ(config->organization_source->auth, "") << "a token for another place is not sent to this one";
  EXPECT_EQ(config->tls_ca_file, "/etc/ca.pem");
  EXPECT_FALSE(config->standalone);
  EXPECT_EQ(config->warnings.size(), 3U) << testing::PrintToString(config->warnings);
}

TEST_F(System, PinsHoldWithoutAUsersFileAndLeaveTheTokenToTheUser) {
  pin(R"({"organization_source":{"url":"https://corp.example/org.json"}})");
  auto config = load_user_config(paths);
  ASSERT_TRUE(config && config->organization_source);
  EXPECT_EQ(config->organization_source->url, "https://corp.example/org.json");
  ASSERT_TRUE(set("organization_source.auth", "env:T"));
  config = load_user_config(paths);
  ASSERT_TRUE(config) << config.error().message;
  EXPECT_EQ(config->organization_source->auth, "env:T");
  EXPECT_TRUE(config->warnings.empty());
}

TEST_F(System, WhatAPinOverrulesIsNotShown) {
  pin(R"({"organization_source":{"url":"https://corp.example/org.json"}})");
  write("config/config.json", R"({"organization_source":{"path":"/home/u/mine.json","auth":"env:T"}})");
  EXPECT_EQ(get("organization_source.path"), "config.unset");
  EXPECT_EQ(get("organization_source.auth"), "config.unset");
  EXPECT_EQ(get("organization_source.url"), "\"https://corp.example/org.json\" system");
  EXPECT_EQ(json::dump(*show_config(paths)),
            R"({"organization_source":{"url":"https://corp.example/org.json"}})");
}

TEST_F(System, PinnedKeysCannotBeSet) {
  pin(R"({"organization_source":{"path":"/srv/org.json","public_key":"K"},"standalone":false})");
  for (const char* key : {"organization_source.url", "organization_source.path", "organization_source",
                          "organization_source.public_key", "standalone"}) {
    const Status status = edit_user_config(paths, {{key, {}}});
    ASSERT_FALSE(status) << key;
    EXPECT_EQ(status.error().id, "config.pinned");
    EXPECT_EQ(status.error().kind, Kind::policy);
  }
  EXPECT_FALSE(stdfs::exists(file()));
  EXPECT_EQ(get("organization_source.path"), "\"/srv/org.json\" system");
  EXPECT_TRUE(set("selected_profile", "web")) << "other keys are free";
}

TEST_F(System, AKeyAlonePinsHowEverySourceIsChecked) {
  pin(R"({"organization_source":{"public_key":"K"}})");
  EXPECT_FALSE(load_user_config(paths)->organization_source);
  ASSERT_TRUE(set("organization_source.url", "https://x.example/o"));
  EXPECT_EQ(load_user_config(paths)->organization_source->public_key, "K");
}

TEST_F(System, AnUnsafeFileIsAnErrorNeverIgnored) {
  const auto refused = [&](std::string_view why) {
    const auto config = load_user_config(paths);
    ASSERT_FALSE(config) << why;
    EXPECT_EQ(config.error().id, "config.system-unsafe") << why;
    EXPECT_EQ(config.error().kind, Kind::policy);
    EXPECT_FALSE(config.error().hint.empty());
    EXPECT_EQ(set("standalone", "true").error().id, "config.system-unsafe") << why;
  };
  pin("{}");
  ASSERT_TRUE(load_user_config(paths));
  ::chmod((dir / "etc/config.json").c_str(), 0664);
  refused("group-writable file");
  ::chmod((dir / "etc/config.json").c_str(), 0646);
  refused("world-writable file");
  ::chmod((dir / "etc/config.json").c_str(), 0644);
  ::chmod((dir / "etc").c_str(), 0777);
  refused("world-writable directory");
  ::chmod((dir / "etc").c_str(), 0755);
  paths.system_owner = 0;
  if (!test::root()) refused("not root's");
  if (test::root()) {
    ASSERT_EQ(::chown((dir / "etc/config.json").c_str(), 12345, 12345), 0);
    refused("another user's file");
    ASSERT_EQ(::chown((dir / "etc/config.json").c_str(), 0, 0), 0);
    ASSERT_EQ(::chown((dir / "etc").c_str(), 12345, 12345), 0);
    refused("another user's directory");
    ASSERT_EQ(::chown((dir / "etc").c_str(), 0, 0), 0);
  }
  paths.system_owner = ::geteuid();
  stdfs::rename(dir / "etc/config.json", dir / "etc/real.json");
  stdfs::create_symlink(dir / "etc/real.json", dir / "etc/config.json");
  refused("a link");
  stdfs::remove(dir / "etc/config.json");
  stdfs::create_symlink(dir / "nowhere", dir / "etc/config.json");
  refused("a dangling link");
  stdfs::remove(dir / "etc/config.json");
  ASSERT_EQ(::mkfifo((dir / "etc/config.json").c_str(), 0644), 0);
  refused("a FIFO");
  stdfs::remove(dir / "etc/config.json");
  EXPECT_TRUE(load_user_config(paths)) << "absent pins nothing";
}

TEST_F(System, ABrokenFileIsAnError) {
  for (const char* text :
       {"{", "[]", R"({"standalone":true})", R"({"selected_profile":"x"})", R"({"organisation_source":{}})",
        R"({"organization_source":{"url":"https://a","path":"/b"}})",
        R"({"organization_source":{"auth":"env:T"}})", R"({"organization_source":{"url":"http://a"}})"}) {
    pin(text);
    const auto config = load_user_config(paths);
    ASSERT_FALSE(config) << text;
    EXPECT_EQ(config.error().id, "config.system-invalid") << text;
    EXPECT_EQ(config.error().kind, Kind::config);
  }
  pin(std::string(100'000, ' '));
  EXPECT_FALSE(load_user_config(paths)) << "too large";
}

TEST(Keys, EveryKeyOfTheTableIsFoundAndChecked) {
  std::string before;
  for (const Key& key : user_keys()) {
    EXPECT_LT(before, key.path) << "sorted";
    before = key.path;
    std::string path(key.path);
    if (const auto star = path.find('*'); star != std::string::npos) path.replace(star, 1, "na.me");
    if (key.path == "providers.*") path = "providers.name";
    const auto located = locate(path);
    ASSERT_TRUE(located) << path;
    EXPECT_EQ(located->key, &key) << path;
    json::Value root{json::Object{}};
    json::Value* at = &root;
    for (const std::string& step : located->steps) at = &(*at)[step];
    *at = json::Array{json::Value(1.5)};
    EXPECT_EQ(check_document(root, KeyScope::user).size(), 1U) << path << " takes a wrong type";
    *at = nullptr;
    EXPECT_TRUE(check_document(root, KeyScope::user).empty()) << path << " null is absent";
  }
}

}  // namespace
}  // namespace scc::config
