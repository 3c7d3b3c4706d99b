// SPDX-License-Identifier: Apache-2.0
// Shapes that several documents share: names, lists, MCP servers, marketplaces, bridge commands.
#include <array>

#include "model/grammar.h"
#include "model/shapes.h"

namespace scc::model::shapes {

// ---- texts ----
constexpr Shape kAnything{.type = Type::any};
constexpr Shape kText{.type = Type::text};
constexpr Shape kSomeText{.type = Type::text, .least = 1};
constexpr Shape kFlag{.type = Type::boolean};
constexpr Shape kName{
    .type = Type::text,
    .expects = "1 to 64 of letters, digits, '.', '_' and '-', beginning with a letter or digit",
    .pattern = "^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$",
    .matches = grammar::name};
constexpr Shape kProvider{.type = Type::text,
                          .expects = "a provider's id: a-z, 0-9, '.' and '-', beginning with a letter",
                          .pattern = "^[a-z][a-z0-9.-]{0,62}$",
                          .matches = grammar::plugin_id};
constexpr Shape kTime{.type = Type::text,
                      .expects = "a time such as \"2027-01-31T00:00:00Z\" (RFC 3339)",
                      .format = "date-time",
                      .valid = grammar::time};

namespace {

constexpr Shape kGlob{.type = Type::text,
                      .expects = "a pattern of printable ASCII characters",
                      .pattern = "^[ -~]*[!-~][ -~]*$",
                      .matches = grammar::glob};
constexpr Shape kTarget{.type = Type::text,
                        .expects =
                            "a host, \".domain\", \"*.domain\", an address or a CIDR block, with a port or "
                            "without",
                        .format = "scc-egress-target",
                        .valid = grammar::target};
constexpr Shape kDigest{.type = Type::text,
                        .expects = "a SHA-256 digest: 64 lower-case hex digits",
                        .pattern = "^[0-9a-f]{64}$",
                        .matches = grammar::sha256};
constexpr Shape kImage{.type = Type::text,
                       .expects = "an image reference without blanks",
                       .pattern = "^[!-~]+$",
                       .matches = grammar::word};
constexpr Shape kBranch{.type = Type::text,
                        .expects = "a branch or tag name; it must not begin with '-' or hold \"..\"",
                        .format = "scc-branch",
                        .valid = grammar::branch};
constexpr Shape kRepositoryPath{.type = Type::text,
                                .expects = "a path without \"..\" segments and backslashes",
                                .format = "scc-path",
                                .valid = grammar::contained_path};
constexpr Shape kSomePath{.type = Type::text,
                          .expects = "a path without \"..\" segments and backslashes",
                          .format = "scc-path",
                          .valid = grammar::contained_path,
                          .least = 1};
constexpr Shape kRelativePath{.type = Type::text,
                              .expects = "a relative path without \"..\" segments",
                              .format = "scc-relative-path",
                              .valid = grammar::relative_path,
                              .least = 1};
constexpr Shape kHeaderName{.type = Type::text,
                            .expects = "a name of a header, a token as RFC 9110 defines it",
                            .format = "scc-header-name",
                            .valid = grammar::header_name};
constexpr Shape kHeaderValue{.type = Type::text,
                             .expects = "free of control characters",
                             .format = "scc-header-value",
                             .valid = grammar::header_value};
constexpr Shape kHeaders{.type = Type::map, .name = "headers", .item = &kHeaderValue, .key = &kHeaderName};
constexpr Shape kEnvName{
    .type = Type::text,
    .expects = "the name of a variable: letters, digits and '_', not beginning with a digit",
    .pattern = "^[A-Za-z_][A-Za-z0-9_]*$",
    .matches = grammar::env_name};
constexpr Shape kEnv{.type = Type::map, .name = "env", .item = &kText, .key = &kEnvName};

constexpr std::array<std::string_view, 3> kPolicyNames{"open", "web-egress-enforced", "locked-down-web"};
constexpr std::array<std::string_view, 2> kVersions{"1.0.0", "1.1.0"};
constexpr Shape kHours{.type = Type::integer, .least = 1, .most = 24};

}  // namespace

// ---- lists and maps ----
constexpr Shape kRefs{.type = Type::list, .item = &kSomeText};
constexpr Shape kTexts{.type = Type::list, .item = &kText};
constexpr Shape kGlobs{.type = Type::list, .item = &kGlob};
constexpr Shape kNames{.type = Type::list, .item = &kName};
constexpr Shape kProviders{.type = Type::list, .item = &kProvider};
constexpr Shape kTargets{.type = Type::list, .item = &kTarget};
constexpr Shape kDigests{.type = Type::list, .item = &kDigest};
constexpr Shape kImageRefs{.type = Type::list, .item = &kImage};
constexpr Shape kImages{.type = Type::map, .name = "images", .item = &kImage, .key = &kProvider};
constexpr Shape kSchemaVersion{.type = Type::text, .choices = kVersions};
constexpr Shape kNetworkPolicy{.type = Type::text, .name = "network_policy", .choices = kPolicyNames};

namespace {

// ---- session, bridge commands ----
constexpr std::array kSessionFields{
    Field{"timeout_hours", &kHours, "A session ends after this time; layers can only shorten it."},
    Field{"auto_resume", &kFlag, "Advisory: whether an ended session is resumed. False wins at any layer."},
    Field{"enforce_live", &kFlag,
          "Whether a running session ends when what applies gets narrower. True wins at any layer."},
};
constexpr Shape kTimeout{.type = Type::integer, .least = 1, .most = 3600};
constexpr Shape kArgv{.type = Type::list, .least = 1, .item = &kSomeText};
constexpr std::array kActionFields{
    Field{"argv", &kArgv, "The program and its arguments; runs on the host without a shell.", true},
    Field{"working_directory", &kRelativePath, "Relative to the workspace; default \".\"."},
    Field{"timeout_seconds", &kTimeout, "Default 120."},
    Field{"description", &kText, ""},
};
constexpr Shape kAction{.type = Type::object, .name = "dev_action", .fields = kActionFields};
constexpr Shape kActionName{.type = Type::text,
                            .expects =
                                "1 to 64 of letters, digits, '.', '_', ':' and '-', beginning with a "
                                "letter or digit",
                            .pattern = "^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$",
                            .matches = grammar::action_name};
constexpr Shape kActions{.type = Type::map, .name = "dev_actions", .item = &kAction, .key = &kActionName};
constexpr std::array kDevFields{
    Field{"commands", &kActions, "Commands that the agent may ask the host to run."},
    Field{"logs", &kActions, "Commands that print logs."},
    Field{"health_checks", &kActions, "Commands that tell whether a service is well."},
};

// ---- MCP servers ----
constexpr std::array<std::string_view, 1> kSse{"sse"};
constexpr std::array<std::string_view, 1> kHttp{"http"};
constexpr std::array<std::string_view, 1> kStdio{"stdio"};
constexpr Shape kTypeSse{.type = Type::text, .choices = kSse};
constexpr Shape kTypeHttp{.type = Type::text, .choices = kHttp};
constexpr Shape kTypeStdio{.type = Type::text, .choices = kStdio};
constexpr Shape kServerName{.type = Type::text,
                            .expects = "1 to 64 of letters, digits, '_' and '-'",
                            .pattern = "^[A-Za-z0-9_-]{1,64}$",
                            .matches = grammar::server_name};
constexpr Shape kServerUrl{.type = Type::text,
                           .expects = "an https:// URL without user information (http:// for loopback only)",
                           .pattern = "^https?://",
                           .matches = grammar::http_prefix,
                           .format = "scc-server-url",
                           .valid = grammar::server_url};
constexpr Shape kCommand{.type = Type::text,
                         .expects = "printable ASCII, not empty",
                         .pattern = "^[ -~]+$",
                         .matches = grammar::printable};
constexpr std::string_view kUrlDoc = "https, without user information; http for loopback inside the sandbox.";
constexpr std::string_view kHeadersDoc = "Values may hold ${VAR}; the agent expands it inside the sandbox.";
constexpr std::array kSseFields{
    Field{"name", &kServerName, "", true},
    Field{"type", &kTypeSse, "", true},
    Field{"url", &kServerUrl, kUrlDoc, true},
    Field{"headers", &kHeaders, kHeadersDoc},
};
constexpr std::array kHttpFields{
    Field{"name", &kServerName, "", true},
    Field{"type", &kTypeHttp, "", true},
    Field{"url", &kServerUrl, kUrlDoc, true},
    Field{"headers", &kHeaders, kHeadersDoc},
};
constexpr std::array kStdioFields{
    Field{"name", &kServerName, "", true},
    Field{"type", &kTypeStdio, "", true},
    Field{"command", &kCommand, "A path inside the sandbox.", true},
    Field{"args", &kTexts, ""},
    Field{"env", &kEnv, "Values may hold ${VAR}; the agent expands it inside the sandbox."},
};
constexpr Shape kSseServer{.type = Type::object, .fields = kSseFields, .strict = true};
constexpr Shape kHttpServer{.type = Type::object, .fields = kHttpFields, .strict = true};
constexpr Shape kStdioServer{.type = Type::object, .fields = kStdioFields, .strict = true};
constexpr std::array kServerTypes{
    Alternative{"sse", &kSseServer},
    Alternative{"http", &kHttpServer},
    Alternative{"stdio", &kStdioServer},
};

// ---- marketplaces and the sources of team files ----
constexpr std::array<std::string_view, 1> kGithub{"github"};
constexpr std::array<std::string_view, 1> kGit{"git"};
constexpr std::array<std::string_view, 1> kUrl{"url"};
constexpr std::array<std::string_view, 1> kDirectory{"directory"};
constexpr std::array<std::string_view, 3> kModes{"self_contained", "metadata_only", "best_effort"};
constexpr Shape kSourceGithub{.type = Type::text, .choices = kGithub};
constexpr Shape kSourceGit{.type = Type::text, .choices = kGit};
constexpr Shape kSourceUrl{.type = Type::text, .choices = kUrl};
constexpr Shape kSourceDirectory{.type = Type::text, .choices = kDirectory};
constexpr Shape kMode{.type = Type::text, .choices = kModes};
constexpr Shape kOwner{.type = Type::text,
                       .expects = "an owner's name: letters, digits and inner '-'",
                       .pattern = "^[a-zA-Z0-9]([a-zA-Z0-9-]*[a-zA-Z0-9])?$",
                       .matches = grammar::github_owner};
constexpr Shape kRepo{
    .type = Type::text,
    .expects = "a repository's name: letters, digits, '.', '_' and '-', not \".\" or \"..\"",
    .pattern = "^[a-zA-Z0-9._-]+$",
    .matches = grammar::github_repo,
    .format = "scc-repository",
    .valid = grammar::not_dots};
constexpr Shape kGitUrl{.type = Type::text,
                        .expects = "https://host/path without user information, or git@host:path",
                        .pattern = "^(https://|git@)",
                        .matches = grammar::git_prefix,
                        .format = "scc-git-url",
                        .valid = grammar::git_url};
constexpr Shape kHttpsUrl{.type = Type::text,
                          .expects = "an https:// URL without user information",
                          .pattern = "^https://",
                          .matches = grammar::https_prefix,
                          .format = "scc-https-url",
                          .valid = grammar::https_url};
constexpr std::array kGithubFields{
    Field{"source", &kSourceGithub, "", true},
    Field{"owner", &kOwner, "", true},
    Field{"repo", &kRepo, "", true},
    Field{"branch", &kBranch, "Default \"main\"."},
    Field{"path", &kRepositoryPath, "Below the root of the repository."},
    Field{"headers", &kHeaders, "Values may hold ${VAR} of variables that the user trusts."},
};
constexpr std::array kGitFields{
    Field{"source", &kSourceGit, "", true},
    Field{"url", &kGitUrl, "", true},
    Field{"branch", &kBranch, "Default \"main\"."},
    Field{"path", &kRepositoryPath, "Below the root of the repository."},
};
constexpr std::array kUrlFields{
    Field{"source", &kSourceUrl, "", true},
    Field{"url", &kHttpsUrl, "", true},
    Field{"headers", &kHeaders, "Values may hold ${VAR} of variables that the user trusts."},
    Field{"materialization_mode", &kMode, "Default \"self_contained\"."},
};
constexpr std::array kFileUrlFields{
    Field{"source", &kSourceUrl, "", true},
    Field{"url", &kHttpsUrl, "", true},
    Field{"headers", &kHeaders, "Values may hold ${VAR} of variables that the user trusts."},
};
constexpr std::array kDirectoryFields{
    Field{"source", &kSourceDirectory, "", true},
    Field{"path", &kSomePath, "Relative ones are relative to this file, and refused in a fetched document.",
          true},
};
constexpr Shape kFromGithub{.type = Type::object, .fields = kGithubFields, .strict = true};
constexpr Shape kFromGit{.type = Type::object, .fields = kGitFields, .strict = true};
constexpr Shape kFromUrl{.type = Type::object, .fields = kUrlFields, .strict = true};
constexpr Shape kFileFromUrl{.type = Type::object, .fields = kFileUrlFields, .strict = true};
constexpr Shape kFromDirectory{.type = Type::object, .fields = kDirectoryFields, .strict = true};
constexpr std::array kMarketplaceSources{
    Alternative{"github", &kFromGithub},
    Alternative{"git", &kFromGit},
    Alternative{"url", &kFromUrl},
    Alternative{"directory", &kFromDirectory},
};
constexpr std::array kFileSources{
    Alternative{"github", &kFromGithub},
    Alternative{"git", &kFromGit},
    Alternative{"url", &kFileFromUrl},
};
constexpr Shape kMarketplace{
    .type = Type::tagged, .name = "marketplace", .tag = "source", .alternatives = kMarketplaceSources};

}  // namespace

constexpr Shape kSession{.type = Type::object, .name = "session", .fields = kSessionFields};
constexpr Shape kDevEnvironment{.type = Type::object, .name = "dev_environment", .fields = kDevFields};
constexpr Shape kMcpServer{
    .type = Type::tagged, .name = "mcp_server", .tag = "type", .alternatives = kServerTypes};
constexpr Shape kMcpServers{.type = Type::list, .item = &kMcpServer};
constexpr Shape kMarketplaces{
    .type = Type::map, .name = "marketplaces", .item = &kMarketplace, .key = &kName};
constexpr Shape kConfigSource{
    .type = Type::tagged, .name = "config_source", .tag = "source", .alternatives = kFileSources};

}  // namespace scc::model::shapes
