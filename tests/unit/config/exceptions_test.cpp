// SPDX-License-Identifier: Apache-2.0
#include "config/exceptions.h"

#include <csignal>
#include <random>

#include "config/approvals.h"
#include "unit/config/local.h"

namespace scc::config {
namespace {

using test::slurp;

constexpr std::int64_t kNow = 1'780'308'000;  // 2026-06-01T10:00:00Z
constexpr std::int64_t kHours8 = 8 * 3600;

class Exceptions : public test::Local {
 protected:
  void SetUp() override {
    Local::SetUp();
    ws = mkdir("ws");
  }
  ExceptionStore user() const { return ExceptionStore::user(paths); }
  ExceptionStore repo() const { return ExceptionStore::repo(paths, ws); }
  static NewException wanted(const std::string& plugin, std::int64_t end = kNow + kHours8) {
    return {{plugin}, {}, "because", "T-1", end, {"ann", "host"}};
  }
  static json::Value document(const ExceptionStore& store) {
    return json::parse(slurp(store.file())).value();
  }

  stdfs::path ws;
};

TEST_F(Exceptions, CreateWritesTheFileThatLoadReads) {
  for (const ExceptionStore& store : {user(), repo()}) {
    const auto change = store.create(wanted("lint@core"), kNow);
    ASSERT_TRUE(change) << change.error().message;
    EXPECT_EQ(change->sha256_before, "");
    EXPECT_EQ(change->sha256_after, os::sha256_file(store.file()).value());
    const ExceptionList list = store.load();
    EXPECT_TRUE(list.warnings.empty());
    EXPECT_EQ(list.sha256, change->sha256_after);
    ASSERT_EQ(list.exceptions.size(), 1U);
    const model::Exception& entry = list.exceptions[0];
    EXPECT_EQ(entry.id, change->created->id);
    EXPECT_EQ(entry.id.substr(0, 15), "local-20260601-");
    EXPECT_EQ(entry.id.size(), 23U);
    EXPECT_EQ(entry.scope, "local");
    EXPECT_EQ(entry.created_at, "2026-06-01T10:00:00Z");
    EXPECT_EQ(entry.expires_at, "2026-06-01T18:00:00Z");
    EXPECT_EQ(entry.created_by, "ann");
    EXPECT_EQ(entry.created_on, "host");
    EXPECT_EQ(entry.ticket, "T-1");
    EXPECT_EQ(entry.plugins, (std::vector<std::string>{"lint@core"}));
  }
  EXPECT_EQ(mode(user().file()), 0600U);
  EXPECT_EQ(mode(repo().file()), 0644U);
}

TEST_F(Exceptions, LoadingChangesNothing) {
  write("config/exceptions.json", "{broken");
  write("ws/.scc/exceptions.json", R"({"schema_version":1,"exceptions":[{"id":"x"}]})");
  const std::string before = snapshot(dir);
  static_cast<void>(user().load());
  static_cast<void>(repo().load());
  EXPECT_EQ(snapshot(dir), before);
}

TEST_F(Exceptions, UnknownKeysSurvive) {
  write("config/exceptions.json",
        R"({"schema_version":1,"tool_version":"9","extra":{"a":[1]},"exceptions":[
            {"id":"old-1","created_at":"2026-05-31T00:00:00Z","expires_at":"2026-06-02T00:00:00Z","reason":"r",
             "scope":"local","allow":{"plugins":["a@b"],"later":["x"]},"note":{"deep":true}}]})");
  ASSERT_TRUE(user().create(wanted("lint@core"), kNow));
  const json::Value value = document(user());
  EXPECT_EQ(value.str("/tool_version"), "9");
  EXPECT_TRUE(value.has("/extra/a/0"));
  EXPECT_EQ(value.str("/exceptions/0/id"), "old-1") << "ordered by creation";
  EXPECT_TRUE(value.flag("/exceptions/0/note/deep"));
  EXPECT_EQ(value.str("/exceptions/0/allow/later/0"), "x");
  EXPECT_EQ(user().load().exceptions.size(), 2U);
}

TEST_F(Exceptions, ExpiredOnesArePrunedByTheSameWrite) {
  write("config/exceptions.json",
        R"({"schema_version":1,"exceptions":[
            {"id":"gone","created_at":"2026-05-31T00:00:00Z","expires_at":"2026-06-01T10:00:00Z","reason":"r","scope":"local","allow":{}},
            {"id":"odd","created_at":"2026-05-31T00:00:00Z","expires_at":"soon","reason":"r","scope":"local","allow":{}},
            {"id":"live","created_at":"2026-05-31T00:00:00Z","expires_at":"2026-06-01T10:00:01Z","reason":"r","scope":"local","allow":{}}]})");
  EXPECT_TRUE(expired(user().load().exceptions[0], kNow)) << "expires_at == now has expired";
  const auto change = user().create(wanted("lint@core"), kNow);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->pruned, (std::vector<std::string>{"gone", "odd"}));
  std::vector<std::string> ids;
  for (const auto& entry : user().load().exceptions) ids.push_back(entry.id);
  EXPECT_EQ(ids, (std::vector<std::string>{"live", change->created->id}));
  const auto cleaned = user().cleanup(kNow + 2 * kHours8);
  ASSERT_TRUE(cleaned);
  EXPECT_EQ(cleaned->pruned.size(), 2U);
  EXPECT_TRUE(user().load().exceptions.empty());
}

TEST_F(Exceptions, WhatCannotBeReadIsLeftOutWithAWarning) {
  const auto entry = [](const std::string& without, const std::string& with) {
    json::Value item =
        json::parse(R"({"id":"i","created_at":"2026-05-31T00:00:00Z","expires_at":"2026-06-02T00:00:00Z",
        "reason":"r","scope":"local","allow":{"plugins":["a@b"]}})")
            .value();
    if (!without.empty()) item.object().erase(without);
    if (!with.empty()) {
      const json::Value extra = json::parse(with).value();
      for (const auto& [key, value] : extra.members()) item[key] = value;
    }
    return json::dump(item);
  };
  const std::vector<std::string> bad = {entry("id", ""),
                                        entry("created_at", ""),
                                        entry("expires_at", ""),
                                        entry("reason", ""),
                                        entry("scope", ""),
                                        entry("allow", ""),
                                        entry("", R"({"scope":"policy"})"),
                                        entry("", R"({"scope":1})"),
                                        entry("", R"({"reason":"  "})"),
                                        entry("", R"({"reason":"\u001b[2J"})"),
                                        entry("", R"({"id":["x"]})"),
                                        entry("", R"({"allow":{"plugins":"a@b"}})"),
                                        entry("", R"({"allow":{"plugins":[1]}})"),
                                        entry("", R"({"ticket":7})"),
                                        "7",
                                        "null",
                                        "[]"};
  for (const std::string& item : bad) {
    write("ws/.scc/exceptions.json",
          R"({"schema_version":1,"exceptions":[)" + item + "," + entry("", "") + "]}");
    const ExceptionList list = repo().load();
    EXPECT_EQ(list.exceptions.size(), 1U) << item;
    EXPECT_EQ(list.warnings.size(), 1U) << item;
  }
  ASSERT_TRUE(repo().create(wanted("x@y"), kNow)) << "a strange entry is no reason to fail";
  EXPECT_TRUE(document(repo()).has("/exceptions/2")) << "and stays in the file";
}

TEST_F(Exceptions, ADamagedStoreIsIgnoredThenKeptAside) {
  for (const char* text :
       {"{", "[]", "{}", R"({"schema_version":"1"})", R"({"schema_version":0})",
        R"({"schema_version":1,"exceptions":{}})", R"({"schema_version":1,"schema_version":1})", ""}) {
    for (const ExceptionStore& store : {user(), repo()}) {
      stdfs::remove_all(store.file().parent_path());
      write(stdfs::relative(store.file(), dir), text);
      const ExceptionList list = store.load();
      EXPECT_TRUE(list.exceptions.empty());
      EXPECT_EQ(list.warnings.size(), 1U) << text;
      for (int round = 0; round < 2; ++round) {
        const auto change = store.create(wanted("a@b"), kNow);
        ASSERT_TRUE(change) << change.error().message;
        EXPECT_EQ(change->warnings.size(), round == 0 ? 1U : 0U);
      }
      EXPECT_EQ(slurp(store.file().native() + ".bak-20260601"), text);
      EXPECT_EQ(store.load().exceptions.size(), 2U);
    }
  }
  write("config/exceptions.json", "again");
  ASSERT_TRUE(user().create(wanted("a@b"), kNow)) << "a second copy on the same day has another name";
  EXPECT_EQ(slurp(user().file().native() + ".bak-20260601"), "");
}

TEST_F(Exceptions, ANewerSchemaAllowsNothingAndIsNotWritten) {
  const std::string text = R"({"schema_version":2,"exceptions":[{"id":"i","created_at":"2026-05-31T00:00:00Z",
      "expires_at":"2036-06-02T00:00:00Z","reason":"r","scope":"local","allow":{"plugins":["a@b"]}}]})";
  write("config/exceptions.json", text);
  const ExceptionList list = user().load();
  EXPECT_TRUE(list.exceptions.empty());
  EXPECT_NE(list.warnings.at(0).find("schema version 2"), std::string::npos);
  EXPECT_EQ(user().create(wanted("a@b"), kNow).error().id, "exceptions.version");
  EXPECT_EQ(slurp(user().file()), text);
}

TEST_F(Exceptions, RemoveTakesAnIdOrAPrefixThatNamesOne) {
  const auto item = [](const std::string& id) {
    return R"({"id":")" + id +
           R"(","created_at":"2026-05-31T00:00:00Z","expires_at":"2026-06-02T00:00:00Z","reason":"r","scope":"local","allow":{}})";
  };
  write("config/exceptions.json",
        R"({"schema_version":1,"exceptions":[)" + item("ab") + "," + item("abc") + "," + item("abd") + "]}");
  EXPECT_EQ(user().remove("x", kNow).error().kind, Kind::not_found);
  EXPECT_EQ(user().remove("", kNow).error().kind, Kind::usage);
  EXPECT_EQ(user().remove("a", kNow).error().id, "exceptions.ambiguous");
  EXPECT_EQ(user().remove("a", kNow).error().context.size(), 3U);
  EXPECT_EQ(user().remove("ab", kNow)->removed, (std::vector<std::string>{"ab"}))
      << "an exact id is not ambiguous";
  EXPECT_EQ(user().remove("abc", kNow)->removed, (std::vector<std::string>{"abc"}));
  EXPECT_EQ(user().remove("a", kNow)->removed, (std::vector<std::string>{"abd"}));
}

TEST_F(Exceptions, ResetRemovesTheFile) {
  for (const ExceptionStore& store : {user(), repo()}) {
    ASSERT_TRUE(store.reset()) << "none is fine";
    ASSERT_TRUE(store.create(wanted("a@b"), kNow));
    ASSERT_TRUE(store.reset());
    EXPECT_FALSE(stdfs::exists(store.file()));
  }
}

TEST_F(Exceptions, RefusesWhatIsNoException) {
  const auto id = [&](const NewException& wish) { return user().create(wish, kNow).error().id; };
  NewException none = wanted("a@b");
  none.plugins.clear();
  EXPECT_EQ(id(none), "exceptions.invalid");
  NewException reasonless = wanted("a@b");
  reasonless.reason = "  ";
  EXPECT_EQ(id(reasonless), "exceptions.invalid");
  NewException escape = wanted("a@b");
  escape.reason = "x\x1b[2J";
  EXPECT_EQ(id(escape), "exceptions.invalid");
  for (const char* target : {"lint*", "l?nt", "[l]int", ""})
    EXPECT_EQ(id(wanted(target)), "exceptions.invalid");
  EXPECT_EQ(id(wanted("a@b", kNow)), "exceptions.invalid");
  EXPECT_FALSE(stdfs::exists(user().file()));
}

TEST_F(Exceptions, AHostileWorkspaceLeadsNowhere) {
  const stdfs::path target = write("outside/exceptions.json", R"({"schema_version":1,"exceptions":[]})");
  const std::string before = slurp(target);
  const auto refused = [&](const char* what) {
    EXPECT_EQ(repo().load().warnings.size(), 1U) << what;
    EXPECT_TRUE(repo().load().exceptions.empty()) << what;
    EXPECT_FALSE(repo().create(wanted("a@b"), kNow)) << what;
    EXPECT_EQ(slurp(target), before) << what;
  };
  stdfs::create_directory_symlink(dir / "outside", ws / ".scc");
  refused("a link in place of the directory");
  EXPECT_FALSE(repo().reset());
  EXPECT_TRUE(stdfs::exists(target));
  stdfs::remove(ws / ".scc");
  mkdir("ws/.scc");
  stdfs::create_symlink(target, ws / ".scc/exceptions.json");
  refused("a link in place of the file");
  stdfs::remove(ws / ".scc/exceptions.json");
  ASSERT_EQ(::mkfifo((ws / ".scc/exceptions.json").c_str(), 0600), 0);
  refused("a FIFO");
  stdfs::remove(ws / ".scc/exceptions.json");
  mkdir("ws/.scc/exceptions.json");
  refused("a directory");
  stdfs::remove(ws / ".scc/exceptions.json");
  write("ws/.scc/exceptions.json", std::string(300 << 10, ' '));
  refused("a huge file");
  write("ws/.scc/exceptions.json",
        R"({"schema_version":1,"exceptions":)" + std::string(4000, '[') + std::string(4000, ']') + "}");
  EXPECT_EQ(repo().load().warnings.size(), 1U) << "too deep";
}

TEST_F(Exceptions, AStoreThatOthersCanWriteAllowsNothing) {
  ASSERT_TRUE(user().create(wanted("a@b"), kNow));
  ::chmod(user().file().c_str(), 0666);
  EXPECT_TRUE(user().load().exceptions.empty());
  EXPECT_EQ(user().load().warnings.size(), 1U);
  const auto change = user().create(wanted("c@d"), kNow);
  ASSERT_TRUE(change);
  EXPECT_EQ(change->warnings.size(), 1U);
  EXPECT_EQ(user().load().exceptions.size(), 1U) << "what others could have written is set aside";
}

TEST_F(Exceptions, ConcurrentWritersLoseNothing) {
  for (const bool shared : {false, true}) {
    const ExceptionStore store = shared ? repo() : user();
    std::vector<pid_t> children;
    for (int i = 0; i < 10; ++i) {
      children.push_back(
          test::spawn([&] { return store.create(wanted("p" + std::to_string(i) + "@m"), kNow) ? 0 : 1; }));
    }
    for (const pid_t child : children) EXPECT_EQ(test::join(child), 0);
    EXPECT_EQ(store.load().exceptions.size(), 10U);
  }
}

TEST_F(Exceptions, AKilledWriterLeavesAWholeFile) {
  ASSERT_TRUE(repo().create(wanted("first@m"), kNow - 60));
  for (int round = 0; round < 25; ++round) {
    const std::string before = slurp(repo().file());
    const pid_t child = test::spawn([&] {
      for (;;) {
        if (!repo().create(wanted("x@m"), kNow)) return 1;
      }
    });
    ASSERT_TRUE(test::eventually([&] { return slurp(repo().file()) != before; }));
    for (int i = 0; i < round * 50; ++i) static_cast<void>(::getppid());
    ::kill(child, SIGKILL);
    static_cast<void>(test::join(child));
    const ExceptionList list = repo().load();
    EXPECT_TRUE(list.warnings.empty()) << testing::PrintToString(list.warnings);
    ASSERT_FALSE(list.exceptions.empty());
    EXPECT_EQ(list.exceptions[0].plugins, (std::vector<std::string>{"first@m"}))
        << "ordered by creation, ties by id";
    ASSERT_TRUE(repo().reset());
    ASSERT_TRUE(repo().create(wanted("first@m"), kNow - 60));
  }
}

TEST_F(Exceptions, RandomMutationsOfAStoreNeverCrashAndAllowNothingNew) {
  const std::string seed_text = R"({"schema_version":1,"exceptions":[{"id":"local-20260601-0a0b0c0d",
"created_at":"2026-06-01T09:00:00Z","expires_at":"2026-06-01T18:00:00Z","reason":"r","scope":"local",
"allow":{"plugins":["a@b"],"mcp_servers":["m"]},"created_by":"u"}]})";
  const unsigned seed = 20261123;
  std::printf("seed %u\n", seed);
  std::mt19937 random(seed);
  const auto pick = [&random](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  mkdir("ws/.scc");
  int read = 0;
  for (int round = 0; round < 10'000; ++round) {
    std::string text = seed_text;
    for (std::size_t edits = 1 + pick(2); edits > 0; --edits) {
      const std::size_t at = pick(text.size());
      switch (pick(3)) {
        case 0:
          text[at] = static_cast<char>(random() & 0xFFU);
          break;
        case 1:
          text.erase(at, 1 + pick(20));
          break;
        default:
          text.insert(at, text.substr(pick(text.size()), pick(30)));
      }
      if (text.empty()) text = "{";
    }
    write("ws/.scc/exceptions.json", text);
    const ExceptionList list = repo().load();
    for (const auto& entry : list.exceptions) {
      ++read;
      EXPECT_EQ(entry.scope, "local");
      EXPECT_FALSE(entry.id.empty() || entry.reason.empty() || entry.expires_at.empty());
    }
    if (!json::parse(text)) {
      EXPECT_TRUE(list.exceptions.empty()) << text;
      EXPECT_EQ(list.warnings.size(), 1U) << text;
    }
    if (round % 50 == 0) {
      const auto change = repo().create(wanted("new@m"), kNow);
      if (change) {
        EXPECT_FALSE(repo().load().exceptions.empty());
      }
      stdfs::remove_all(ws / ".scc");
      mkdir("ws/.scc");
    }
  }
  EXPECT_GT(read, 500) << "the mutations are too wild";
}

class ApprovalsTest : public Exceptions {};

TEST_F(ApprovalsTest, HoldForTheExactBytesOnly) {
  const Approvals approvals(paths);
  const auto change = repo().create(wanted("a@b"), kNow);
  ASSERT_TRUE(change);
  EXPECT_FALSE(approvals.approved("remote:h/p", change->sha256_after, nullptr));
  ASSERT_TRUE(approvals.approve("remote:h/p", change->sha256_after));
  EXPECT_TRUE(approvals.approved("remote:h/p", repo().load().sha256, nullptr));
  EXPECT_FALSE(approvals.approved("remote:h/q", repo().load().sha256, nullptr));
  EXPECT_FALSE(approvals.approved("remote:h/p", "", nullptr));
  write("ws/.scc/exceptions.json", slurp(repo().file()) + " ");
  EXPECT_FALSE(approvals.approved("remote:h/p", repo().load().sha256, nullptr)) << "one more byte";
  ASSERT_TRUE(approvals.revoke("remote:h/p"));
  EXPECT_FALSE(approvals.approved("remote:h/p", change->sha256_after, nullptr));
  EXPECT_FALSE(approvals.approve("remote:h/p", "nonsense"));
  EXPECT_EQ(mode(paths.config / "approvals.json"), 0600U);
}

TEST_F(ApprovalsTest, CarryOverNeedsThatTheOldBytesWereApproved) {
  const Approvals approvals(paths);
  const auto first = repo().create(wanted("a@b"), kNow);
  EXPECT_EQ(approvals.carry_over("id", *first), true) << "there was nothing before";
  EXPECT_TRUE(approvals.approved("id", repo().load().sha256, nullptr));
  const auto second = repo().create(wanted("c@d"), kNow);
  EXPECT_EQ(approvals.carry_over("id", *second), true);
  // Somebody else's entry comes in, then the user adds one: the user has not agreed to the first.
  json::Value value = document(repo());
  value["exceptions"].array()[0]["allow"]["plugins"] = json::Value::strings({"evil@m"});
  write("ws/.scc/exceptions.json", json::pretty(value));
  const auto third = repo().create(wanted("e@f"), kNow);
  EXPECT_EQ(approvals.carry_over("id", *third), false);
  EXPECT_FALSE(approvals.approved("id", repo().load().sha256, nullptr));
}

TEST_F(ApprovalsTest, ADamagedOrSharedFileApprovesNothing) {
  const Approvals approvals(paths);
  const std::string hash(64, 'a');
  ASSERT_TRUE(approvals.approve("id", hash));
  std::vector<std::string> warnings;
  ::chmod((paths.config / "approvals.json").c_str(), 0666);
  EXPECT_FALSE(approvals.approved("id", hash, &warnings));
  write("config/approvals.json", "{");
  ::chmod((paths.config / "approvals.json").c_str(), 0600);
  EXPECT_FALSE(approvals.approved("id", hash, &warnings));
  EXPECT_EQ(warnings.size(), 2U);
  ASSERT_TRUE(approvals.approve("id", hash));
  EXPECT_TRUE(approvals.approved("id", hash, &warnings));
  int kept = 0;
  for (const auto& entry : stdfs::directory_iterator(paths.config)) {
    kept += entry.path().native().find("approvals.json.corrupt-") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(kept, 1);
}

}  // namespace
}  // namespace scc::config
