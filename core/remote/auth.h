// SPDX-License-Identifier: Apache-2.0
// How a token reaches a request: from a variable or from a command of the user's, as one header. Tokens are
// values of their own type so that nothing prints one by accident; commands and their output never appear in
// an error.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "os/env.h"
#include "remote/source.h"

namespace scc::remote {

/// config.md §5.2: `env:NAME` or `command:CMD`.
struct AuthSpec {
  enum class Type : std::uint8_t { none, env, command };
  Type type = Type::none;
  std::string name;               ///< of the variable
  std::vector<std::string> argv;  ///< of the command
};

/// Blank is Type::none. Kind::config auth.spec for anything else; the message never holds the command.
Result<AuthSpec> parse_auth_spec(std::string_view text);

/// Splits by the shell's rules for words (blanks, quotes, backslash) without expanding anything. Kind::config
/// auth.spec: a quote without its end, or no word at all.
Result<std::vector<std::string>> split_words(std::string_view text);

/// Who wrote the spec: the user's own files, or a document that was fetched.
enum class AuthOrigin : std::uint8_t { user, remote };

struct Token {
  std::string value;                  ///< empty: none
  std::vector<std::string> warnings;  ///< why a command gave none
};

/// Kind::policy auth.remote-command when a fetched document asks for a command and SCC_ALLOW_REMOTE_COMMANDS
/// is not 1, true or yes. A command that fails gives no token and a warning.
Result<Token> resolve_token(const AuthSpec& spec, const os::Environment& env, AuthOrigin origin,
                            std::chrono::milliseconds timeout = std::chrono::seconds{10});

using Header = std::pair<std::string, std::string>;
/// `name` empty means Authorization, which gets "Bearer " unless the token says bearer or basic itself; no
/// token, no header. Kind::config auth.header when name or value could not be sent.
Result<std::optional<Header>> auth_header(const Token& token, std::string_view name);

struct AutoAuth {
  AuthSpec spec;  ///< none when no variable applies
  /// The token would go to a host that the variable was not made for: ask the user before using it.
  bool needs_confirmation = false;
};
/// SCC_ORG_TOKEN for every URL; GITHUB_TOKEN for github; GITLAB_TOKEN for gitlab.com, and for another host
/// only after the user has agreed. Files need none.
AutoAuth detect_auth(const Source& source, const os::Environment& env);

}  // namespace scc::remote
