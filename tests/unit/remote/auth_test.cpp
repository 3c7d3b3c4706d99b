// SPDX-License-Identifier: Apache-2.0
// Tokens: specs, words, commands (real children), headers, automatic choice.
#include "remote/auth.h"

#include <gmock/gmock.h>

#include "support/temp_dir.h"
#include "unit/os/scratch.h"

namespace scc::remote {
namespace {

using testing::HasSubstr;
using testing::Not;
using Words = std::vector<std::string>;

class AuthTest : public test::Scratch {
 protected:
  void SetUp() override {
    Scratch::SetUp();
    env = test::environment_in(dir);
    env.vars["PATH"] = "/usr/bin:/bin";
  }
  Token token(const std::string& spec, AuthOrigin origin = AuthOrigin::user,
              std::chrono::milliseconds timeout = std::chrono::seconds{10}) {
    return resolve_token(parse_auth_spec(spec).value(), env, origin, timeout).value();
  }
  os::Environment env;
};

TEST(Words, AsTheShellSplits) {
  EXPECT_EQ(split_words("a  b\tc").value(), (Words{"a", "b", "c"}));
  EXPECT_EQ(split_words("a 'b c' \"d e\"f").value(), (Words{"a", "b c", "d ef"}));
  EXPECT_EQ(split_words(R"(a\ b "c\"d" "e\f" 'g\h' "")").value(), (Words{"a b", "c\"d", "e\\f", "g\\h", ""}));
  EXPECT_EQ(split_words("echo $HOME `id` $(id) ; rm * | x > y").value(),
            (Words{"echo", "$HOME", "`id`", "$(id)", ";", "rm", "*", "|", "x", ">", "y"}));
  for (const char* bad : {"", "  ", "a 'b", "a \"b", "a \\", "'' x"}) EXPECT_FALSE(split_words(bad)) << bad;
}

TEST(Spec, Forms) {
  EXPECT_EQ(parse_auth_spec(" ")->type, AuthSpec::Type::none);
  EXPECT_EQ(parse_auth_spec("env:A_1")->name, "A_1");
  EXPECT_EQ(parse_auth_spec("command:a b")->argv, (Words{"a", "b"}));
  for (const char* bad : {"A", "env:", "env:1A", "env:A B", "command:", "command: ", "token:abc"}) {
    const auto spec = parse_auth_spec(bad);
    ASSERT_FALSE(spec) << bad;
    EXPECT_EQ(spec.error().id, "auth.spec");
  }
  EXPECT_THAT(parse_auth_spec("command:secret-tool 'x").error().message, Not(HasSubstr("secret-tool")));
  EXPECT_THAT(parse_auth_spec("ghp_secret").error().message, Not(HasSubstr("ghp_secret")));
}

TEST_F(AuthTest, FromVariable) {
  env.vars["T"] = "  tok \n";
  EXPECT_EQ(token("env:T").value, "tok");
  env.vars["T"] = " ";
  EXPECT_EQ(token("env:T").value, "");
  EXPECT_THAT(token("env:T").warnings.at(0), HasSubstr("T"));
}

TEST_F(AuthTest, FromCommand) {
  EXPECT_EQ(token("command:printf ' tok\\n\\n'").value, "tok");
  env.vars["X"] = "from-env";
  EXPECT_EQ(token("command:/bin/sh -c 'printf %s \"$X\"'").value, "from-env");
  EXPECT_EQ(token("command:printf %s $HOME").value, "$HOME");  // no shell in between
}

TEST_F(AuthTest, AFailingCommandIsAWarningWithoutTheCommand) {
  const auto warned = [&](const std::string& spec, const char* why,
                          std::chrono::milliseconds timeout = std::chrono::seconds{10}) {
    const Token got = token(spec, AuthOrigin::user, timeout);
    EXPECT_EQ(got.value, "");
    ASSERT_EQ(got.warnings.size(), 1U) << spec;
    EXPECT_THAT(got.warnings[0], HasSubstr(why));
    EXPECT_THAT(got.warnings[0], Not(HasSubstr("hush")));
  };
  warned("command:/bin/sh -c 'echo hush; echo hush >&2; exit 3'", "exit code 3");
  warned("command:hush-no-such-program x", "could not be run");
  warned("command:true hush", "printed nothing");
  warned("command:sleep 30", "did not end in time", std::chrono::milliseconds{50});
}

TEST_F(AuthTest, RemoteCommandsOnlyWhenTheUserSaysSo) {
  const AuthSpec spec = parse_auth_spec("command:printf tok").value();
  for (const char* no : {"", "0", "on", "false"}) {
    env.vars["SCC_ALLOW_REMOTE_COMMANDS"] = no;
    const auto refused = resolve_token(spec, env, AuthOrigin::remote);
    ASSERT_FALSE(refused) << no;
    EXPECT_EQ(refused.error().id, "auth.remote-command");
    EXPECT_EQ(refused.error().kind, Kind::policy);
  }
  for (const char* yes : {"1", "true", "YES"}) {
    env.vars["SCC_ALLOW_REMOTE_COMMANDS"] = yes;
    EXPECT_EQ(resolve_token(spec, env, AuthOrigin::remote)->value, "tok");
  }
}

TEST(HeaderTest, NamesAndValues) {
  const auto header = [](const char* value, const char* name = "") {
    return auth_header(Token{value, {}}, name);
  };
  EXPECT_EQ(**header("abc"), (Header{"Authorization", "Bearer abc"}));
  EXPECT_EQ(**header("bearer abc"), (Header{"Authorization", "bearer abc"}));
  EXPECT_EQ(**header("Basic abc"), (Header{"Authorization", "Basic abc"}));
  EXPECT_EQ(**header("basically"), (Header{"Authorization", "Bearer basically"}));
  EXPECT_EQ(**header("abc", "authorization"), (Header{"authorization", "Bearer abc"}));
  EXPECT_EQ(**header("abc", "PRIVATE-TOKEN"), (Header{"PRIVATE-TOKEN", "abc"}));
  EXPECT_FALSE(header("")->has_value());
  EXPECT_EQ(header("abc\r\nX: y").error().id, "auth.header");
  EXPECT_EQ(header("abc", "Bad Name").error().id, "auth.header");
  EXPECT_EQ(header("abc", "Bad\r\nX").error().id, "auth.header");
  EXPECT_EQ(header("hush\n\x01").error().message.find("hush"), std::string::npos);
}

TEST_F(AuthTest, AutomaticChoice) {
  write("f.json", "{}");
  const auto detect = [&](const char* text) {
    return detect_auth(parse_source(text, dir, dir).value(), env);
  };
  const char* github = "github:a/b:c";
  const char* gitlab = "gitlab:a/b:c";
  const char* custom = "git.example:a/b:c";
  EXPECT_EQ(detect(github).spec.type, AuthSpec::Type::none);
  env.vars["GITHUB_TOKEN"] = "1";
  env.vars["GITLAB_TOKEN"] = "2";
  EXPECT_EQ(detect(github).spec.name, "GITHUB_TOKEN");
  EXPECT_EQ(detect(gitlab).spec.name, "GITLAB_TOKEN");
  EXPECT_FALSE(detect(gitlab).needs_confirmation);
  EXPECT_EQ(detect(custom).spec.name, "GITLAB_TOKEN");
  EXPECT_TRUE(detect(custom).needs_confirmation);
  EXPECT_EQ(detect("https://x.example/y").spec.type, AuthSpec::Type::none);
  env.vars["SCC_ORG_TOKEN"] = "3";
  for (const char* text : {github, gitlab, custom, "https://x.example/y"}) {
    EXPECT_EQ(detect(text).spec.name, "SCC_ORG_TOKEN") << text;
    EXPECT_FALSE(detect(text).needs_confirmation);
  }
  EXPECT_EQ(detect("./f.json").spec.type, AuthSpec::Type::none);
}

}  // namespace
}  // namespace scc::remote
