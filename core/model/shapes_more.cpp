// SPDX-License-Identifier: Apache-2.0
// The shapes of governed artifacts, of project files and of personal profiles.
#include <array>

#include "model/grammar.h"
#include "model/shapes.h"

namespace scc::model {

namespace shapes {

namespace {

constexpr bool kRequired = true;

// ---- governed artifacts: the canonical form, and the nested one that is read as an alias ----
constexpr std::array<std::string_view, 3> kKinds{"skill", "mcp_server", "native_integration"};
constexpr std::array<std::string_view, 3> kSourceTypes{"git", "url", "local"};
constexpr std::array<std::string_view, 4> kIntents{"required", "available", "disabled", "request-only"};
constexpr std::array<std::string_view, 3> kTransports{"sse", "stdio", "http"};
constexpr Shape kKind{.type = Type::text, .choices = kKinds};
constexpr Shape kSourceType{.type = Type::text, .choices = kSourceTypes};
constexpr Shape kIntent{.type = Type::text, .name = "install_intent", .choices = kIntents};
constexpr Shape kTransport{.type = Type::text, .choices = kTransports};
constexpr Shape kSourceUrl{.type = Type::text,
                           .expects = "https://host/path without user information, or git@host:path",
                           .pattern = "^(https://|git@)",
                           .matches = grammar::git_prefix,
                           .format = "scc-git-url",
                           .valid = grammar::git_url};
constexpr Shape kSourcePath{.type = Type::text,
                            .expects = "a path without \"..\" segments and backslashes",
                            .format = "scc-path",
                            .valid = grammar::contained_path};
constexpr Shape kSourceRef{.type = Type::text,
                           .expects = "a branch, tag or commit; it must not begin with '-' or hold \"..\"",
                           .format = "scc-branch",
                           .valid = grammar::branch};
constexpr Shape kNativeConfig{.type = Type::map, .item = &kText};
constexpr std::array kBindingFields{
    Field{"provider", &kProvider, "", kRequired},
    Field{"native_ref", &kText, ""},
    Field{"native_config", &kNativeConfig, ""},
    Field{"transport_type", &kTransport, ""},
};
constexpr Shape kBinding{.type = Type::object, .fields = kBindingFields};
constexpr Shape kBindingList{.type = Type::list, .item = &kBinding};
constexpr Shape kBindings{.type = Type::map, .item = &kBindingList, .key = &kName};

constexpr std::array kNestedBindingFields{
    Field{"native_ref", &kText, ""},
    Field{"native_config", &kNativeConfig, ""},
    Field{"transport_type", &kTransport, ""},
};
constexpr Shape kNestedBinding{.type = Type::object, .fields = kNestedBindingFields};
constexpr Shape kNestedBindings{.type = Type::map, .item = &kNestedBinding, .key = &kProvider};
constexpr std::array kNestedSourceFields{
    Field{"type", &kSourceType, ""},
    Field{"url", &kSourceUrl, ""},
    Field{"path", &kSourcePath, ""},
    Field{"ref", &kSourceRef, ""},
};
constexpr Shape kNestedSource{.type = Type::object, .fields = kNestedSourceFields};

constexpr std::array kArtifactFields{
    Field{"kind", &kKind, "", kRequired},
    Field{"version", &kText, ""},
    Field{"publisher", &kText, ""},
    Field{"pinned", &kFlag, "Default false."},
    Field{"source_type", &kSourceType, ""},
    Field{"source_url", &kSourceUrl, ""},
    Field{"source_path", &kSourcePath, ""},
    Field{"source_ref", &kSourceRef, ""},
    Field{"install_intent", &kIntent, "Default \"available\"."},
    Field{"source", &kNestedSource, "write source_type, source_url, source_path and source_ref", false, false,
          true},
    Field{"bindings", &kNestedBindings, "write governed_artifacts.bindings", false, false, true},
};
constexpr Shape kArtifact{.type = Type::object, .fields = kArtifactFields};
constexpr Shape kArtifacts{.type = Type::map, .item = &kArtifact, .key = &kName};
constexpr std::array<std::string_view, 2> kMembers{"artifacts", "members"};
constexpr std::array kBundleFields{
    Field{"artifacts", &kNames, "In order."},
    Field{"description", &kText, ""},
    Field{"install_intent", &kIntent, "Default \"available\"."},
    Field{"members", &kNames, "write artifacts", false, false, true},
};
constexpr Shape kBundle{.type = Type::object, .fields = kBundleFields, .any_of = kMembers};
constexpr Shape kBundles{.type = Type::map, .item = &kBundle, .key = &kName};
constexpr std::array kGovernedFields{
    Field{"artifacts", &kArtifacts, ""},
    Field{"bindings", &kBindings, "Artifact to the ways in which providers take it."},
    Field{"bundles", &kBundles, ""},
};

}  // namespace

constexpr Shape kGovernedArtifacts{.type = Type::object, .fields = kGovernedFields};

}  // namespace shapes

namespace {

using namespace shapes;

// ---- the project file: unknown keys are warnings, but not inside a server ----
constexpr std::array kProjectEgressFields{
    Field{"deny", &kTargets, "Narrows."},
    Field{"only", &kTargets, "What remains of the allowed destinations."},
    Field{"allow", &kTargets, "Denied: a project can only narrow."},
    Field{"destination_sets", &kNames, "Denied: a project can only narrow."},
};
constexpr Shape kProjectEgress{.type = Type::object, .fields = kProjectEgressFields};
constexpr std::array kProjectFields{
    Field{"additional_plugins", &kRefs, ""},        Field{"additional_mcp_servers", &kMcpServers, ""},
    Field{"network_policy", &kNetworkPolicy, ""},   Field{"session", &kSession, ""},
    Field{"dev_environment", &kDevEnvironment, ""}, Field{"allowed_providers", &kProviders, ""},
    Field{"egress", &kProjectEgress, ""},           Field{"disabled_plugins", &kGlobs, ""},
    Field{"disabled_mcp_servers", &kGlobs, ""},     Field{"images", &kImages, ""},
};

// ---- a personal profile, format 2 ----
constexpr std::array<std::string_view, 1> kFormatTwo{"2"};
constexpr Shape kFormat{.type = Type::text, .choices = kFormatTwo};
constexpr Shape kSwitches{.type = Type::map, .item = &kFlag, .key = &kSomeText};
constexpr Shape kNative{.type = Type::map, .item = &kAnything};
constexpr std::array kPersonalFields{
    Field{"$schema", &kText, ""},     Field{"version", &kFormat, "", true},
    Field{"repo_id", &kText, ""},     Field{"saved_at", &kTime, ""},
    Field{"plugins", &kSwitches, ""}, Field{"mcp_servers", &kMcpServers, ""},
    Field{"native", &kNative, ""},
};

}  // namespace

constexpr Shape kProjectShape{.type = Type::object, .fields = kProjectFields};
constexpr Shape kPersonalShape{.type = Type::object, .fields = kPersonalFields};

}  // namespace scc::model
