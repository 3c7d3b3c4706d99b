// SPDX-License-Identifier: Apache-2.0
// Source strings (config.md §5.1 with its improvements). Nothing is contacted.
#include "remote/source.h"

#include <algorithm>
#include <random>

#include "support/temp_dir.h"
#include "unit/os/scratch.h"

namespace scc::remote {
namespace {

namespace stdfs = std::filesystem;

class SourceTest : public test::Scratch {
 protected:
  Result<Source> parse(std::string_view text) const { return parse_source(text, dir, dir / "home"); }
  std::string url(std::string_view text) const {
    const auto source = parse(text);
    return source ? source->resolved_url : source.error().id;
  }
};

TEST_F(SourceTest, Shorthands) {
  const std::string raw = "https://raw.githubusercontent.com/";
  EXPECT_EQ(url("github:acme/cfg:a/b.json"), raw + "acme/cfg/HEAD/a/b.json");
  EXPECT_EQ(url("  github:acme/cfg@v1.2.3:o.json "), raw + "acme/cfg/v1.2.3/o.json");
  EXPECT_EQ(url("github:acme/cfg"), raw + "acme/cfg/HEAD/org-config.json");
  EXPECT_EQ(url("github:acme/cfg@dev"), raw + "acme/cfg/dev/org-config.json");
  EXPECT_EQ(url("github:acme/cfg@a/b:c:d@e.json"), raw + "acme/cfg/a/b/c%3Ad%40e.json");
  EXPECT_EQ(url("github:acme/cfg:my file?x#y%2e.json"), raw + "acme/cfg/HEAD/my%20file%3Fx%23y%252e.json");
  EXPECT_EQ(url("gitlab:g/s/cfg:o.json"), "https://gitlab.com/g/s/cfg/-/raw/main/o.json");
  EXPECT_EQ(url("gitlab:g/cfg@x:o.json"), "https://gitlab.com/g/cfg/-/raw/x/o.json");
  EXPECT_EQ(url("Git.Acme.example:g/cfg"), "https://git.acme.example/g/cfg/-/raw/main/org-config.json");
  EXPECT_EQ(parse("git.acme.example:g/s/cfg@r:p.json")->provider, Provider::custom);
  EXPECT_EQ(parse("git.acme.example:g/s/cfg@r:p.json")->owner, "g/s");
}

TEST_F(SourceTest, Urls) {
  EXPECT_EQ(url("https://a.example/x.json?y=1"), "https://a.example/x.json?y=1");
  EXPECT_EQ(parse("https://A.example/x")->host, "a.example");
  EXPECT_FALSE(parse("https://a.example/x")->is_pinned);
  EXPECT_EQ(url("http://a.example/x"), "source.http");
  EXPECT_NE(parse("http://a.example/x").error().hint.find("https://"), std::string::npos);
  EXPECT_EQ(url("ssh://git@a.example/x"), "source.ssh");
  EXPECT_EQ(url("git@a.example:x/y"), "source.ssh");
  EXPECT_EQ(url("https://user:secret@a.example/x"), "source.url");
  EXPECT_EQ(parse("https://user:secret@a.example/x").error().message.find("secret"), std::string::npos);
  EXPECT_EQ(url("https://"), "source.url");
  EXPECT_EQ(url("https://a.example/x y"), "source.url");
  EXPECT_EQ(url("https://a.example/x#y"), "source.url");
  EXPECT_EQ(url("https://a.example/../x"), "source.path");
  EXPECT_EQ(url("https://a.example/%2E%2e/x"), "source.path");
}

TEST_F(SourceTest, RefusesWhatLeadsElsewhere) {
  for (const char* bad :
       {"github:acme/cfg:../x", "github:acme/cfg:a/../b", "github:../cfg:x", "github:acme/..:x",
        "github:acme/cfg@..:x", "github:acme/cfg@a/../b:x", "github:acme/cfg@a..b:x", "gitlab:g/../h/cfg:x",
        "a.example:g/./cfg:x", "github:acme/cfg:/abs", "github:acme/cfg:a//b", "github:acme/cfg:"}) {
    EXPECT_EQ(url(bad), "source.path") << bad;
  }
  for (const char* bad :
       {"github:acme", "github:acme/a/b:x", "github:acme/cfg@:x", "github:ac me/cfg:x", "gitlab:cfg:x",
        "gitlab:/g/cfg:x", "gitlab:g//cfg:x", "nonsense", "github:acme/cfg\n:x", "host:a/b:c",
        ".bad.example:a/b:c", "-x.example:a/b:c", "a..example:a/b:c", "file://elsewhere/x"}) {
    EXPECT_EQ(url(bad), "source.form") << bad;
  }
  EXPECT_EQ(url("   "), "source.empty");
}

TEST_F(SourceTest, PinnedMeansThatItCannotMove) {
  const auto pinned = [&](const std::string& ref) { return parse("github:a/b@" + ref + ":c")->is_pinned; };
  EXPECT_TRUE(pinned("0123456789abcdef0123456789abcdef01234567"));
  EXPECT_TRUE(pinned("v1.20.3"));
  for (const char* moving : {"feedfac", "2024-dev", "v1", "v1.2", "1.2.3", "v1.2.x", "v1.2.3-rc", "main",
                             "0123456789abcdef0123456789abcdef0123456"}) {
    EXPECT_FALSE(pinned(moving)) << moving;
  }
  EXPECT_FALSE(parse("github:a/b:c")->is_pinned);
}

TEST_F(SourceTest, Files) {
  const auto real = write("sub/org.json", "{}");
  write("home/h.json", "{}");
  stdfs::create_symlink(real, dir / "link.json");
  for (const std::string& text : std::vector<std::string>{
           "./sub/org.json", "sub/org.json", "file:sub/org.json", "file:" + real.string(),
           "file://" + real.string(), real.string(), "link.json", "file://localhost" + real.string()}) {
    const auto source = parse(text);
    ASSERT_TRUE(source) << text << source.error().message;
    EXPECT_EQ(source->file, real) << text;
    EXPECT_TRUE(source->is_file() && source->is_pinned && source->resolved_url.empty());
  }
  EXPECT_EQ(parse("~/h.json")->file, dir / "home/h.json");
  EXPECT_EQ(parse_source("../org.json", dir / "sub/..", dir).error().id, "source.missing");
  EXPECT_EQ(url("~other/x"), "source.form");
  EXPECT_EQ(url("./absent"), "source.missing");
  EXPECT_EQ(url("./sub"), "source.missing");
  EXPECT_EQ(url("C:\\absent"), "source.missing");
}

TEST_F(SourceTest, AFileCannotHijackAShorthand) {
  write("github:acme/cfg:o.json", "{}");
  write("a.example:g/cfg:o.json", "{}");
  write("https:/a.example/x", "{}");
  EXPECT_EQ(parse("github:acme/cfg:o.json")->provider, Provider::github);
  EXPECT_EQ(parse("a.example:g/cfg:o.json")->provider, Provider::custom);
  EXPECT_EQ(parse("https://a.example/x")->provider, Provider::https);
}

TEST_F(SourceTest, AnyTextIsRefusedOrLeadsToOnePlace) {
  const unsigned seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  std::mt19937 random(seed);
  const std::vector<std::string> pieces{"github:", "gitlab:", "a.example:", "https://", "acme", "/",  "..",
                                        "@",       ":",       "%2e",        "?",        "#",    "\\", "\n",
                                        "\xc3",    ".",       "~",          "v1.2.3",   "main", " ",  "-",
                                        "%",       "\x7f",    "[",          "]",        "é"};
  int accepted = 0;
  for (int i = 0; i < 50'000; ++i) {
    std::string text = pieces[random() % 4];
    for (std::size_t n = random() % 9; n > 0; --n) text += pieces[random() % pieces.size()];
    const auto source = parse(text);
    if (!source || source->is_file()) continue;
    ++accepted;
    const std::string& resolved = source->resolved_url;
    ASSERT_EQ(resolved.rfind("https://", 0), 0U) << text;
    // Up to the query, in which dots mean nothing.
    const std::string whole = resolved.substr(0, resolved.find('?'));
    const std::string path = whole.substr(std::min(whole.find('/', 8), whole.size()));
    ASSERT_EQ((path + "/").find("/../"), std::string::npos) << text;
    ASSERT_TRUE(std::all_of(resolved.begin(), resolved.end(), [](char c) { return c > ' ' && c < 0x7f; }))
        << text;
    ASSERT_EQ(resolved.rfind("https://" + source->host, 0), 0U) << text;
    ASSERT_TRUE(parse_url_source(resolved)) << text << " -> " << resolved;
  }
  EXPECT_GT(accepted, 500);
}

TEST_F(SourceTest, SignatureUrl) {
  EXPECT_EQ(signature_url("https://a/b.json"), "https://a/b.json.sig");
  EXPECT_EQ(signature_url("https://a/b.json?x=1"), "https://a/b.json.sig?x=1");
}

}  // namespace
}  // namespace scc::remote
