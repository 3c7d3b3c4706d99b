// SPDX-License-Identifier: Apache-2.0
// load_org against a real HTTPS server: rows 78-80, 88-92 and 117 of the decision table, the cache's life,
// and signed documents.
#include "remote/org.h"

#include <fstream>

#include "integration/remote/https_server.h"
#include "remote/signature.h"

namespace scc::remote {
namespace {

using test::answer;
using test::redirect;
using testing::AnyOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::int64_t kNow = 1'900'000'000;
constexpr const char* kPath = "/org.json";

/// Accepts objects with "ok"; ttl from "ttl".
Result<ValidDoc> validate(std::string_view bytes) {
  SCC_TRY(const json::Value value, json::parse(bytes));
  if (!value.has("/ok"))
    return fail(Kind::config, "schema.unknown-key", "the document is not valid", "mend it");
  return ValidDoc{value.integer("/ttl", 24)};
}

class OrgTest : public test::ServerTest {
 protected:
  void SetUp() override {
    ServerTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    request.env = env;
    request.paths = paths;
    request.now = kNow;
    request.validator = validate;
    request.transport.ca_file = server->ca();
    use(server->url(kPath));
    server->route(kPath, answer(R"({"ok":1})", "\"v1\""));
  }
  void use(const std::string& url) { request.source = parse_url_source(url).value(); }
  OrgDocument load() {
    auto got = load_org(request);
    EXPECT_TRUE(got) << got.error().id << ": " << got.error().message;
    return got ? *std::move(got) : OrgDocument{};
  }
  Error refused() {
    auto got = load_org(request);
    EXPECT_FALSE(got);
    return got ? Error{} : got.error();
  }
  std::size_t asked(const std::string& path = kPath) const { return server->requests(path).size(); }
  json::Value last() const { return server->requests(kPath).back(); }
  std::filesystem::path cache() const { return org_cache_file(paths); }
  std::string cache_text() const { return os::read_file(cache(), std::size_t{8} << 20U).value_or("(none)"); }
  void damage(const std::string& text) const { std::ofstream(cache()) << text; }

  OrgRequest request;
};

TEST_F(OrgTest, FetchedOnceThenFromTheCache) {
  const OrgDocument first = load();
  EXPECT_EQ(first.status, OrgStatus::updated);
  EXPECT_EQ(first.bytes, R"({"ok":1})");
  EXPECT_EQ(first.expires_at, kNow + kDay);
  EXPECT_THAT(first.warnings, IsEmpty());
  EXPECT_EQ(std::filesystem::status(cache()).permissions(),
            std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  request.now += kDay - 1;
  const OrgDocument second = load();
  EXPECT_EQ(second.status, OrgStatus::cached);
  EXPECT_EQ(second.bytes, first.bytes);
  EXPECT_EQ(second.age, kDay - 1);
  EXPECT_FALSE(second.stale);
  EXPECT_EQ(asked(), 1U);
}

TEST_F(OrgTest, TheDocumentsTtlBoundedByTheUsers) {
  server->route(kPath, answer(R"({"ok":1,"ttl":48})"));
  EXPECT_EQ(load().expires_at, kNow + 2 * kDay);
  request.max_ttl_hours = 1;
  request.now += kHour;  // the bound counts for a copy that was stored before it
  EXPECT_EQ(load().expires_at, kNow + 2 * kHour);
  EXPECT_EQ(asked(), 2U);
  server->route(kPath, answer(R"({"ok":1,"ttl":100000})"));
  request.max_ttl_hours = 0;
  request.force = true;
  EXPECT_EQ(load().expires_at, kNow + kHour + 7 * kDay);  // never beyond max_stale
}

TEST_F(OrgTest, NotModifiedExtends) {  // row 89
  load();
  request.now += 2 * kDay;
  const OrgDocument again = load();
  EXPECT_EQ(again.status, OrgStatus::unchanged);
  EXPECT_EQ(last().str("/headers/if-none-match"), "\"v1\"");
  EXPECT_EQ(again.expires_at, kNow + 3 * kDay);
  EXPECT_EQ(again.fetched_at, kNow);
  EXPECT_EQ(again.age, 0);
  request.now += kDay - 1;
  EXPECT_EQ(load().status, OrgStatus::cached);
  EXPECT_EQ(asked(), 2U);
}

TEST_F(OrgTest, WordsOfAnUpdate) {
  request.force = true;
  EXPECT_EQ(update_status(load_org(request)), "updated");
  EXPECT_EQ(update_status(load_org(request)), "unchanged");
  json::Value guarded = answer("");
  guarded["auth"] = "x";
  server->route(kPath, guarded);
  EXPECT_EQ(update_status(load_org(request)), "auth_failed");
  server->route(kPath, answer("{}"));
  EXPECT_EQ(update_status(load_org(request)), "error");
  server->stop();
  EXPECT_EQ(update_status(load_org(request)), "offline");
  std::filesystem::remove(cache());
  EXPECT_EQ(update_status(load_org(request)), "offline");
  request.offline = true;
  EXPECT_EQ(update_status(load_org(request)), "no_cache");
}

TEST_F(OrgTest, ForcedUpdate) {
  load();
  request.force = true;
  EXPECT_EQ(load().status, OrgStatus::unchanged);
  server->route(kPath, answer(R"({"ok":2})", "\"v2\""));
  EXPECT_EQ(load().status, OrgStatus::updated);
  request.force = false;
  EXPECT_EQ(load().bytes, R"({"ok":2})");
  // Reported as stale when the server cannot be asked.
  server->stop();
  request.force = true;
  const OrgDocument stale = load();
  EXPECT_EQ(stale.status, OrgStatus::stale);
  ASSERT_TRUE(stale.fetch_error);
  EXPECT_EQ(stale.fetch_error->id, "fetch.refused");
}

TEST_F(OrgTest, BoundedStaleness) {  // row 90
  load();
  server->stop();
  request.now = kNow + 2 * kDay;
  const OrgDocument stale = load();
  EXPECT_EQ(stale.status, OrgStatus::stale);
  EXPECT_TRUE(stale.stale);
  EXPECT_EQ(stale.age, 2 * kDay);
  EXPECT_THAT(stale.warnings.at(0), HasSubstr("2 days"));
  request.now = kNow + 8 * kDay;
  const Error old = refused();
  EXPECT_EQ(old.kind, Kind::config);
  EXPECT_EQ(old.id, "org.stale");
  EXPECT_THAT(old.message, AllOf(HasSubstr("7 days"), HasSubstr("connection refused")));
  EXPECT_THAT(old.hint, Not(IsEmpty()));
  request.now = kNow - kDay;  // a clock that went back does not make it younger
  EXPECT_EQ(refused().id, "org.stale");
}

TEST_F(OrgTest, ServerErrorsServeTheCache) {
  load();
  request.now += 2 * kDay;
  for (const int status : {401, 403, 404, 500, 503}) {
    json::Value broken = answer("no");
    broken["status"] = status;
    server->route(kPath, broken);
    const OrgDocument stale = load();
    EXPECT_EQ(stale.status, OrgStatus::stale) << status;
    EXPECT_THAT(stale.warnings.at(0), HasSubstr(std::to_string(status)));
  }
}

TEST_F(OrgTest, NothingToFallBackOn) {  // row 91
  server->remove(kPath);
  EXPECT_EQ(refused().id, "org.not-found");
  server->stop();
  const Error error = refused();
  EXPECT_EQ(error.kind, Kind::config);
  EXPECT_EQ(error.id, "org.unreadable");
  EXPECT_THAT(error.message, HasSubstr("connection refused"));
  EXPECT_THAT(error.hint, HasSubstr("network"));
}

TEST_F(OrgTest, Offline) {
  request.offline = true;
  EXPECT_EQ(refused().id, "org.missing");
  EXPECT_EQ(refused().kind, Kind::config);
  request.offline = false;
  load();
  request.offline = true;
  EXPECT_EQ(load().status, OrgStatus::offline);
  EXPECT_THAT(load().warnings, IsEmpty());
  request.now += 3 * kDay;
  EXPECT_THAT(load().warnings.at(0), HasSubstr("3 days"));
  request.now = kNow + 8 * kDay;
  EXPECT_EQ(refused().id, "org.stale");
  request.accept_stale = true;
  EXPECT_TRUE(load().stale);
  EXPECT_EQ(asked(), 1U);
}

TEST_F(OrgTest, TheCacheBelongsToItsSource) {  // row 88
  load();
  server->route("/two.json", answer(R"({"ok":2})", "\"v1\""));
  use(server->url("/two.json"));
  const OrgDocument other = load();
  EXPECT_EQ(other.bytes, R"({"ok":2})");
  EXPECT_FALSE(server->requests("/two.json").at(0).has("/headers/if-none-match"));
  server->stop();
  use(server->url(kPath));  // and is gone for the first
  EXPECT_EQ(refused().id, "org.unreadable");
}

TEST_F(OrgTest, AnInvalidDocumentNeverReplacesAGoodOne) {  // rows 78-80
  load();
  const std::string before = cache_text();
  request.force = true;
  for (const char* bad : {R"({"schema":2})", "{broken", "", "[]", "{\"ok\":1,\"ok\":2}"}) {
    server->route(kPath, answer(bad, "\"bad\""));
    const Error error = refused();
    EXPECT_EQ(error.kind, Kind::config) << bad;
    EXPECT_EQ(cache_text(), before) << bad;
  }
  json::Value latin = answer("");
  latin["hex"] = "7b226f6b223a22ff227d";
  server->route(kPath, latin);
  EXPECT_EQ(refused().id, "org.encoding");
  json::Value endless;
  endless["endless"] = true;
  server->route(kPath, endless);
  EXPECT_EQ(load().status, OrgStatus::stale);
  EXPECT_EQ(cache_text(), before);
  // Also at a plain load, where the old copy has expired: the server's word is an error, not ignored.
  server->route(kPath, answer("{broken"));
  request.force = false;
  request.now += 2 * kDay;
  EXPECT_EQ(refused().id, "json.syntax");
  EXPECT_EQ(cache_text(), before);
}

TEST_F(OrgTest, ACorruptCacheIsFetchedAgainOrRefused) {  // row 117
  load();
  const std::string good = cache_text();
  std::string forged = good;
  forged.replace(forged.find("\\\"ok\\\":1"), 8, "\\\"ok\\\":9");
  const std::string wrong_time = [&] {
    std::string text = good;
    text.replace(text.find("2030-"), 5, "20x0-");
    return text;
  }();
  std::size_t fetched = asked();
  for (const std::string& text : {std::string(), std::string("{"), good.substr(0, good.size() / 2), forged,
                                  wrong_time, std::string("{}"), std::string(9U << 20U, ' ')}) {
    damage(text);
    const OrgDocument again = load();
    EXPECT_EQ(again.status, OrgStatus::updated);
    EXPECT_EQ(again.bytes, R"({"ok":1})");
    EXPECT_FALSE(last().has("/headers/if-none-match"));
    EXPECT_EQ(asked(), ++fetched);
    EXPECT_EQ(again.warnings.size(), 1U);
    EXPECT_EQ(cache_text(), good);
  }
  server->stop();
  damage(forged);
  const Error error = refused();
  EXPECT_EQ(error.id, "org.unreadable");
  EXPECT_THAT(error.context.at(0), HasSubstr("fingerprint"));
}

TEST_F(OrgTest, ACachedDocumentIsValidatedAgain) {
  load();
  request.validator = [](std::string_view) -> Result<ValidDoc> {
    return fail(Kind::config, "schema.newer", "this scc knows better now");
  };
  EXPECT_EQ(refused().id, "schema.newer");  // asked again, and refused again
  EXPECT_EQ(asked(), 2U);
  server->stop();
  EXPECT_EQ(refused().id, "org.unreadable");
}

TEST_F(OrgTest, ALinkInPlaceOfTheCacheIsNotFollowed) {
  load();
  const std::string good = cache_text();
  std::filesystem::rename(cache(), scratch.path() / "elsewhere");
  std::filesystem::create_symlink(scratch.path() / "elsewhere", cache());
  EXPECT_EQ(load().status, OrgStatus::updated);
  EXPECT_FALSE(std::filesystem::is_symlink(cache()));
}

TEST_F(OrgTest, Tokens) {
  json::Value guarded = answer(R"({"ok":1})");
  guarded["auth"] = "Bearer hush";
  server->route(kPath, guarded);
  Error error = refused();
  EXPECT_EQ(error.id, "org.auth");
  EXPECT_THAT(error.hint, HasSubstr("auth"));
  request.auth = "env:TOKEN";
  request.env.vars["TOKEN"] = "wrong";
  error = refused();
  EXPECT_EQ(error.id, "org.auth");
  EXPECT_THAT(error.message + error.hint, Not(HasSubstr("wrong")));
  request.env.vars["TOKEN"] = "hush";
  EXPECT_EQ(load().status, OrgStatus::updated);
  EXPECT_THAT(cache_text(), Not(HasSubstr("hush")));
  request.force = true;
  request.auth = "command:printf hush";
  EXPECT_EQ(load().status, OrgStatus::unchanged);
  request.auth = "command:false";
  const OrgDocument stale = load();
  EXPECT_EQ(stale.status, OrgStatus::stale);
  EXPECT_THAT(stale.warnings.at(0), HasSubstr("token command"));
  request.auth = "nonsense";
  EXPECT_EQ(refused().id, "auth.spec");
  request.auth = "env:TOKEN";
  request.auth_header = "PRIVATE-TOKEN";
  load();
  EXPECT_EQ(last().str("/headers/private-token"), "hush");
}

TEST_F(OrgTest, ARedirectToPlainHttpFails) {  // row 92
  server->route(kPath, redirect("{plain}/org.json"));
  request.auth = "env:TOKEN";
  request.env.vars["TOKEN"] = "hush";
  EXPECT_EQ(refused().id, "org.unreadable");
  for (const auto& entry : server->requests()) EXPECT_NE(entry.str("/server"), "plain");
}

TEST_F(OrgTest, SlowServerAndWrongAuthority) {
  load();
  request.now += 2 * kDay;
  json::Value late = answer("{}");
  late["delay"] = 30;
  server->route(kPath, late);
  request.transport.timeout_ms = 300;
  EXPECT_EQ(load().fetch_error->id, "fetch.timeout");
  request.transport.timeout_ms = 30'000;
  request.transport.ca_file = server->other_ca();
  EXPECT_EQ(load().fetch_error->id, "fetch.tls");
  std::filesystem::remove(cache());
  EXPECT_THAT(refused().hint, HasSubstr("SCC_CA_FILE"));
}

TEST_F(OrgTest, ThroughTheEnvironmentsProxy) {
  request.env.vars["HTTPS_PROXY"] = server->url("", "proxy");
  load();
  EXPECT_EQ(server->requests().at(0).str("/method"), "CONNECT");
}

TEST_F(OrgTest, AnUnwritableCacheIsAWarning) {
  std::filesystem::create_directories(paths.cache);
  std::ofstream(paths.cache / "org") << "a file in the way";
  const OrgDocument got = load();
  EXPECT_EQ(got.status, OrgStatus::updated);
  EXPECT_THAT(got.warnings, testing::Contains(HasSubstr("could not be cached")));
}

TEST_F(OrgTest, KilledWhileItWritesTheCache) {
  load();
  server->route(kPath, answer(R"({"ok":2})", "\"v2\""));
  const auto killed = [&](const char* point) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      request.env.vars["SCC_TEST_KILL_AT"] = point;
      request.force = true;
      ::_exit(load_org(request) ? 0 : 1);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
  };
  ASSERT_TRUE(killed("org-cache.store:before"));
  request.offline = true;
  EXPECT_EQ(load().bytes, R"({"ok":1})");
  ASSERT_FALSE(killed("org-cache.other"));
  request.offline = false;
  ASSERT_TRUE(killed("org-cache.store:after"));
  request.offline = true;
  EXPECT_EQ(load().bytes, R"({"ok":2})");
}

TEST_F(OrgTest, Files) {
  const auto file = scratch.path() / "org.json";
  std::ofstream(file) << R"({"ok":1})";
  request.source = parse_source(file.native(), "/", "/").value();
  EXPECT_EQ(load().status, OrgStatus::file);
  EXPECT_FALSE(load().stale);
  std::ofstream(file) << R"({"ok":2})";
  EXPECT_EQ(load().bytes, R"({"ok":2})");
  EXPECT_FALSE(std::filesystem::exists(cache()));
  std::ofstream(file) << "{}";
  EXPECT_EQ(refused().id, "schema.unknown-key");
  std::filesystem::remove(file);
  EXPECT_EQ(refused().id, "org.unreadable");
  EXPECT_EQ(refused().kind, Kind::config);
  std::filesystem::create_symlink("/etc/passwd", file);
  EXPECT_EQ(refused().id, "org.unreadable");
  std::filesystem::remove(file);
  std::ofstream(file) << std::string(kOrgLimit + 1, ' ');
  EXPECT_EQ(refused().id, "org.unreadable");
}

TEST_F(OrgTest, ReadWithoutCache) {
  const auto got = read_org(request);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->bytes, R"({"ok":1})");
  EXPECT_FALSE(std::filesystem::exists(cache()));
  server->route(kPath, answer("{broken"));
  EXPECT_EQ(read_org(request)->bytes, "{broken");
  server->stop();
  EXPECT_EQ(read_org(request).error().kind, Kind::config);
}

/// A pinned key, and a publisher.
class SignedTest : public OrgTest {
 protected:
  void SetUp() override {
    OrgTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    request.public_key = generate_key(secret()).value().public_key;
  }
  std::filesystem::path secret() const { return scratch.path() / "secret"; }
  std::string signature(const std::string& body, std::int64_t version,
                        std::int64_t expires = kNow + 30 * kDay) const {
    return sign_document(secret(), body, version, expires).value();
  }
  void publish(const std::string& body, std::int64_t version, const std::string& etag,
               std::int64_t expires = kNow + 30 * kDay) {
    server->route(kPath, answer(body, etag));
    server->route("/org.json.sig", answer(signature(body, version, expires)));
  }
};

TEST_F(SignedTest, GoodSignature) {
  publish(R"({"ok":1})", 3, "\"a\"");
  request.auth = "env:TOKEN";
  request.env.vars["TOKEN"] = "hush";
  const OrgDocument got = load();
  EXPECT_EQ(got.policy_version, 3);
  EXPECT_EQ(got.signature_expires, kNow + 30 * kDay);
  EXPECT_EQ(server->requests("/org.json.sig").at(0).str("/headers/authorization"), "Bearer hush");
  EXPECT_EQ(load().status, OrgStatus::cached);
  EXPECT_EQ(load().policy_version, 3);
  EXPECT_EQ(read_org(request)->policy_version, 3);
}

TEST_F(SignedTest, UnsignedIsRefused) {
  const Error error = refused();
  EXPECT_EQ(error.id, "policy.unsigned");
  EXPECT_EQ(error.kind, Kind::policy);
  EXPECT_EQ(read_org(request).error().id, "policy.unsigned");
  EXPECT_FALSE(std::filesystem::exists(cache()));
}

TEST_F(SignedTest, TamperedIsRefusedAndTheGoodOneStays) {
  publish(R"({"ok":1})", 1, "\"a\"");
  load();
  const std::string before = cache_text();
  server->route(kPath, answer(R"({"ok":2})", "\"b\""));  // with the signature of the other
  request.force = true;
  const Error error = refused();
  EXPECT_EQ(error.id, "policy.signature");
  EXPECT_EQ(error.kind, Kind::policy);
  EXPECT_EQ(cache_text(), before);
  const auto other = generate_key(scratch.path() / "other").value();
  server->route("/org.json.sig",
                answer(sign_document(scratch.path() / "other", R"({"ok":2})", 9, kNow + kDay).value()));
  EXPECT_EQ(refused().id, "policy.signature");
  request.force = false;
  EXPECT_EQ(load().bytes, R"({"ok":1})");
  request.public_key = other.public_key;  // the pinned key changed: the cached one is not good any more
  request.offline = true;
  EXPECT_EQ(refused().id, "policy.signature");
}

TEST_F(SignedTest, DowngradeIsRefusedAlsoWithoutTheCache) {
  publish(R"({"ok":1})", 1, "\"a\"");
  load();
  publish(R"({"ok":2})", 2, "\"b\"");
  request.force = true;
  EXPECT_EQ(load().policy_version, 2);
  publish(R"({"ok":1})", 1, "\"a\"");
  EXPECT_EQ(refused().id, "policy.downgrade");
  std::filesystem::remove_all(paths.cache);
  const Error error = refused();
  EXPECT_EQ(error.id, "policy.downgrade");
  EXPECT_EQ(error.kind, Kind::policy);
  publish(R"({"ok":3})", 2, "\"c\"");
  EXPECT_EQ(refused().id, "policy.downgrade");  // the same version of something else
  publish(R"({"ok":3})", 3, "\"d\"");
  EXPECT_EQ(load().policy_version, 3);
  std::ofstream(paths.state / "policy-seen.json") << "{}";
  EXPECT_EQ(refused().id, "policy.state");
}

TEST_F(SignedTest, KilledWhileItWritesTheCache) {
  publish(R"({"ok":1})", 1, "\"a\"");
  load();
  publish(R"({"ok":2})", 2, "\"b\"");
  for (const char* point : {"org-cache.store:before", "org-cache.store:after"}) {
    const pid_t pid = ::fork();
    if (pid == 0) {
      request.env.vars["SCC_TEST_KILL_AT"] = point;
      request.force = true;
      ::_exit(load_org(request) ? 0 : 1);
    }
    int status = 0;
    ::waitpid(pid, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status));
    request.offline = true;  // whichever is there must be usable
    EXPECT_EQ(load().policy_version, std::string(point) == "org-cache.store:before" ? 1 : 2);
    request.offline = false;
  }
  // What was shown from the cache counts as seen.
  publish(R"({"ok":1})", 1, "\"a\"");
  std::filesystem::remove_all(paths.cache);
  EXPECT_EQ(refused().id, "policy.downgrade");
}

TEST_F(SignedTest, AnInvalidDocumentDoesNotCountAsSeen) {
  publish("{}", 9, "\"a\"");
  EXPECT_EQ(refused().id, "schema.unknown-key");
  publish(R"({"ok":1})", 2, "\"b\"");
  EXPECT_EQ(load().policy_version, 2);
}

TEST_F(SignedTest, ExpiryIsCheckedOnEveryLoad) {
  publish(R"({"ok":1})", 1, "\"a\"", kNow + kHour);
  load();
  request.now += kHour;
  EXPECT_EQ(refused().id, "policy.expired");  // within the cache's own time
  publish(R"({"ok":1})", 2, "\"a\"", kNow + 30 * kDay);
  EXPECT_EQ(load().policy_version, 2);
  request.now = kNow + 30 * kDay;
  request.offline = true;
  EXPECT_EQ(refused().id, "policy.expired");
  server->stop();
  request.offline = false;
  EXPECT_EQ(refused().id, "policy.expired");
}

TEST_F(SignedTest, ANewSignatureOfTheSameBytesArrivesWith304) {
  publish(R"({"ok":1})", 1, "\"a\"", kNow + 2 * kDay);
  load();
  request.now += kDay;
  publish(R"({"ok":1})", 2, "\"a\"", kNow + 30 * kDay);
  const OrgDocument got = load();
  EXPECT_EQ(got.status, OrgStatus::unchanged);
  EXPECT_EQ(last().str("/headers/if-none-match"), "\"a\"");
  EXPECT_EQ(got.policy_version, 2);
  request.now += kDay;  // the first signature is over
  request.offline = true;
  EXPECT_EQ(load().policy_version, 2);
  request.offline = false;
  server->remove("/org.json.sig");
  EXPECT_EQ(refused().id, "policy.unsigned");
}

TEST_F(SignedTest, PinningLaterRefusesAnUnsignedCache) {
  const std::string key = std::exchange(request.public_key, "");
  load();
  request.public_key = key;
  request.offline = true;
  EXPECT_EQ(refused().id, "policy.unsigned");
  request.public_key = "garbage";
  EXPECT_EQ(refused().id, "policy.key");
}

TEST_F(SignedTest, Files) {
  const auto file = scratch.path() / "org.json";
  std::ofstream(file) << R"({"ok":1})";
  request.source = parse_source(file.native(), "/", "/").value();
  EXPECT_EQ(refused().id, "policy.unsigned");
  std::ofstream(file.native() + ".sig") << signature(R"({"ok":1})", 4);
  EXPECT_EQ(load().policy_version, 4);
  std::ofstream(file) << R"({"ok":2})";
  EXPECT_EQ(refused().id, "policy.signature");
  std::ofstream(file.native() + ".sig") << signature(R"({"ok":2})", 3);
  EXPECT_EQ(refused().id, "policy.downgrade");
}

}  // namespace
}  // namespace scc::remote
