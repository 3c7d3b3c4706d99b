// SPDX-License-Identifier: Apache-2.0
#include "remote/auth.h"

#include <algorithm>

#include "base/str.h"
#include "os/process.h"

namespace scc::remote {

namespace {

constexpr std::size_t kMaxToken = std::size_t{16} << 10U;

tl::unexpected<Error> bad_spec(std::string_view why) {
  return fail(Kind::config, "auth.spec", "the auth setting cannot be used: " + std::string(why),
              "write env:NAME or command:PROGRAM ARGUMENTS");
}

bool is_variable_name(std::string_view name) {
  return !name.empty() && !(name.front() >= '0' && name.front() <= '9') &&
         std::all_of(name.begin(), name.end(), [](char c) {
           return c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
         });
}

bool blank(char c) noexcept {
  return c == ' ' || c == '\t' || c == '\n';
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

bool commands_allowed(const os::Environment& env) {
  const std::string value = lower(env.get("SCC_ALLOW_REMOTE_COMMANDS").value_or(""));
  return value == "1" || value == "true" || value == "yes";
}

/// Runs the command; the text says how it failed without saying what it was.
Result<std::string> run_command(const AuthSpec& spec, const os::Environment& env,
                                std::chrono::milliseconds timeout) {
  os::ProcessRequest request;
  request.argv = spec.argv;
  request.env = env.vars;
  request.cwd = env.home();
  request.timeout = timeout;
  request.max_output = kMaxToken;
  const auto done = os::run(request);
  std::string why;
  if (!done) {
    why = done.error().id == "process.timeout" ? "did not end in time" : "could not be run";
  } else if (done->exit_code != 0) {
    why = "failed with exit code " + std::to_string(done->exit_code);
  } else {
    std::string token(str::trim(done->out));
    if (!token.empty()) return token;
    why = "printed nothing";
  }
  return fail(Kind::config, "auth.command", "the token command of the auth setting " + why);
}

}  // namespace

Result<std::vector<std::string>> split_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = '\0';
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\0') return bad_spec("it holds a NUL");
    if (quote == '\'') {
      c == quote ? void(quote = '\0') : void(word += c);
    } else if (c == '\\') {
      if (++i == text.size()) return bad_spec("a backslash ends it");
      // Inside double quotes a backslash is itself unless it protects one of these (POSIX shell, 2.2.3).
      const bool plain = quote == '"' && std::string_view("$`\"\\\n").find(text[i]) == std::string_view::npos;
      if (plain) word += '\\';
      if (text[i] != '\n') word += text[i];
      in_word = true;
    } else if (quote == '"') {
      c == quote ? void(quote = '\0') : void(word += c);
    } else if (c == '\'' || c == '"') {
      quote = c;
      in_word = true;
    } else if (blank(c)) {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
    } else {
      word += c;
      in_word = true;
    }
  }
  if (quote != '\0') return bad_spec("a quote has no end");
  if (in_word) words.push_back(std::move(word));
  if (words.empty() || words.front().empty()) return bad_spec("no command");
  return words;
}

Result<AuthSpec> parse_auth_spec(std::string_view given) {
  const std::string_view text = str::trim(given);
  AuthSpec spec;
  if (text.empty()) return spec;
  if (str::starts_with(text, "env:")) {
    spec.type = AuthSpec::Type::env;
    spec.name = str::trim(text.substr(4));
    if (!is_variable_name(spec.name)) return bad_spec("env: needs the name of a variable");
    return spec;
  }
  if (str::starts_with(text, "command:")) {
    spec.type = AuthSpec::Type::command;
    SCC_TRY(spec.argv, split_words(text.substr(8)));
    return spec;
  }
  return bad_spec("it begins with neither env: nor command:");
}

Result<Token> resolve_token(const AuthSpec& spec, const os::Environment& env, AuthOrigin origin,
                            std::chrono::milliseconds timeout) {
  Token token;
  if (spec.type == AuthSpec::Type::env) {
    token.value = str::trim(env.get(spec.name).value_or(""));
    if (token.value.empty())
      token.warnings.push_back("the variable " + spec.name + " of the auth setting is not set");
    return token;
  }
  if (spec.type == AuthSpec::Type::none) return token;
  if (origin == AuthOrigin::remote && !commands_allowed(env)) {
    return fail(Kind::policy, "auth.remote-command",
                "a fetched document asks to run a command for a token, which is not allowed",
                "to allow it set SCC_ALLOW_REMOTE_COMMANDS=1, or use env:NAME");
  }
  auto value = run_command(spec, env, timeout);
  if (value) {
    token.value = *std::move(value);
  } else {
    token.warnings.push_back(value.error().message);
  }
  return token;
}

Result<std::optional<Header>> auth_header(const Token& token, std::string_view given) {
  if (token.value.empty()) return std::optional<Header>{};
  std::string name(str::trim(given));
  if (name.empty()) name = "Authorization";
  constexpr std::string_view tchar = "!#$%&'*+-.^_`|~";  // RFC 9110, 5.6.2
  const bool name_ok = std::all_of(name.begin(), name.end(), [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           tchar.find(c) != std::string_view::npos;
  });
  if (!name_ok) {
    return fail(Kind::config, "auth.header", "not a header name: " + str::printable(name),
                "correct auth_header, for example PRIVATE-TOKEN");
  }
  const bool value_ok =
      token.value.size() <= kMaxToken &&
      std::all_of(token.value.begin(), token.value.end(), [](char c) { return c >= ' ' && c < 0x7f; });
  if (!value_ok) {
    return fail(Kind::config, "auth.header", "the token holds characters that no header can carry",
                "check what the variable or command of the auth setting gives");
  }
  const std::string start = lower(token.value.substr(0, 7));
  const bool complete = start == "bearer " || str::starts_with(start, "basic ");
  const bool bearer = lower(name) == "authorization" && !complete;
  return Header{name, (bearer ? "Bearer " : "") + token.value};
}

AutoAuth detect_auth(const Source& source, const os::Environment& env) {
  const auto from = [](const char* name) { return AuthSpec{AuthSpec::Type::env, name, {}}; };
  const auto set = [&](const char* name) { return !str::trim(env.get(name).value_or("")).empty(); };
  if (source.is_file()) return {};
  if (set("SCC_ORG_TOKEN")) return {from("SCC_ORG_TOKEN"), false};
  if (source.provider == Provider::github && set("GITHUB_TOKEN")) return {from("GITHUB_TOKEN"), false};
  if (source.provider == Provider::gitlab && set("GITLAB_TOKEN")) return {from("GITLAB_TOKEN"), false};
  if (source.provider == Provider::custom && set("GITLAB_TOKEN")) return {from("GITLAB_TOKEN"), true};
  return {};
}

}  // namespace scc::remote
