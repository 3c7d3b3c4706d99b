// SPDX-License-Identifier: Apache-2.0
// The rules of plugin.json. A manifest is hostile text until the last check passed: size, depth and counts
// are bounded, strings are free of control characters, paths cannot leave the plugin's directory. Each
// violation names the JSON pointer.
#include "plugin/manifest.h"

#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include "base/str.h"

namespace scc::plugin {

namespace {

constexpr std::size_t kMaxBytes = std::size_t{256} << 10U;
constexpr std::size_t kMaxDepth = 32;
constexpr std::size_t kMaxItems = 256;
constexpr std::size_t kMaxText = 1024;
constexpr std::size_t kMaxComponents = 64;
constexpr int kMaxPriority = 1000;

struct KindStem {
  std::string_view kind;
  std::string_view interface;
};
constexpr std::array<KindStem, 5> kKinds{{{"provider", "scc.provider/"},
                                          {"runtime", "scc.runtime/"},
                                          {"netpolicy", "scc.netpolicy/"},
                                          {"mcp-transport", "scc.mcp-transport/"},
                                          {"safety-check", "scc.safety-check/"}}};

using Test = bool (*)(std::string_view);

tl::unexpected<Error> violation(std::string_view pointer, std::string_view reason) {
  const std::string where = pointer.empty() ? "the document" : str::printable(pointer);
  return fail(Kind::config, "plugin.manifest", "plugin.json: " + where + " " + std::string(reason),
              "see the manifest rules in docs/plugin-guide.md");
}

bool lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool digit(char c) {
  return c >= '0' && c <= '9';
}

bool plain_text(std::string_view s) {
  return s.size() <= kMaxText && str::valid_utf8(s) && str::printable(s) == s;
}

/// ^[a-z][a-z0-9-]{1,62}$, with single dots inside for reverse DNS names.
bool plugin_id(std::string_view s) {
  if (s.size() < 2 || s.size() > 63 || !lower(s.front()) || s.back() == '.') return false;
  if (s.find("..") != std::string_view::npos) return false;
  return std::all_of(s.begin(), s.end(), [](char c) { return lower(c) || digit(c) || c == '-' || c == '.'; });
}

bool component_id(std::string_view s) {
  if (s.empty() || s.size() > 63 || !(lower(s.front()) || digit(s.front()))) return false;
  return std::all_of(s.begin(), s.end(),
                     [](char c) { return lower(c) || digit(c) || c == '-' || c == '.' || c == '_'; });
}

bool interface_id(std::string_view s) {
  const std::size_t slash = s.find('/');
  if (slash == std::string_view::npos || slash == 0 || s.size() > 128) return false;
  const std::string_view major = s.substr(slash + 1);
  const auto name_char = [](char c) { return lower(c) || digit(c) || c == '-' || c == '.'; };
  return !major.empty() && major.size() <= 4 && major.front() != '0' &&
         std::all_of(major.begin(), major.end(), digit) &&
         std::all_of(s.begin(), s.begin() + static_cast<std::ptrdiff_t>(slash), name_char);
}

bool numeric_part(std::string_view s) {
  return !s.empty() && s.size() <= 9 && std::all_of(s.begin(), s.end(), digit) &&
         (s.size() == 1 || s[0] != '0');
}

bool dotted_identifiers(std::string_view s) {
  for (const std::string& part : str::split(s, '.')) {
    const auto allowed = [](char c) { return lower(c) || upper(c) || digit(c) || c == '-'; };
    if (part.empty() || !std::all_of(part.begin(), part.end(), allowed)) return false;
  }
  return true;
}

/// SemVer 2.0, with the length bounded.
bool semver(std::string_view s) {
  if (s.empty() || s.size() > 128) return false;
  if (const std::size_t plus = s.find('+'); plus != std::string_view::npos) {
    if (!dotted_identifiers(s.substr(plus + 1))) return false;
    s = s.substr(0, plus);
  }
  if (const std::size_t dash = s.find('-'); dash != std::string_view::npos) {
    if (!dotted_identifiers(s.substr(dash + 1))) return false;
    s = s.substr(0, dash);
  }
  const std::vector<std::string> parts = str::split(s, '.');
  return parts.size() == 3 && std::all_of(parts.begin(), parts.end(), numeric_part);
}

bool sha256_text(std::string_view s) {
  return s.size() == 64 &&
         std::all_of(s.begin(), s.end(), [](char c) { return digit(c) || (c >= 'a' && c <= 'f'); });
}

/// Relative, no "." or ".." or empty component, no backslash.
bool inner_path(std::string_view s) {
  if (s.empty() || s.front() == '/' || !plain_text(s) || s.find('\\') != std::string_view::npos) return false;
  const std::vector<std::string> parts = str::split(s, '/');
  return std::all_of(parts.begin(), parts.end(),
                     [](const std::string& p) { return !p.empty() && p != "." && p != ".."; });
}

bool variable_name(std::string_view s) {
  if (s.empty() || s.size() > 128 || digit(s.front())) return false;
  return std::all_of(s.begin(), s.end(), [](char c) { return lower(c) || upper(c) || digit(c) || c == '_'; });
}

/// A variable name that may end in '*'.
bool variable_pattern(std::string_view s) {
  return variable_name(str::ends_with(s, "*") ? s.substr(0, s.size() - 1) : s);
}

/// Absolute once its variables are replaced; never with "..".
bool host_path(std::string_view s) {
  if (s.empty() || !plain_text(s)) return false;
  if (s.front() != '/' && !str::starts_with(s, "${") && !str::starts_with(s, "~/")) return false;
  const std::vector<std::string> parts = str::split(s, '/');
  return std::none_of(parts.begin(), parts.end(), [](const std::string& p) { return p == ".."; });
}

/// A program: a bare name or an absolute path.
bool program(std::string_view s) {
  return !s.empty() && plain_text(s) && (s.front() == '/' || s.find('/') == std::string_view::npos);
}

bool marker(std::string_view s) {
  return inner_path(s);
}

bool endpoint_grant(std::string_view s) {
  if (!plain_text(s)) return false;
  if (str::starts_with(s, "unix:")) return host_path(s.substr(5));
  if (str::starts_with(s, "env:")) return variable_name(s.substr(4));
  if (str::starts_with(s, "https://")) return s.size() > 8 && s.find('/', 8) == std::string_view::npos;
  if (!str::starts_with(s, "file:")) return false;
  const std::size_t hash = s.find('#');
  return hash != std::string_view::npos && host_path(s.substr(5, hash - 5)) && hash + 1 < s.size() &&
         s[hash + 1] == '/';
}

bool platform_name(std::string_view s) {
  return s == "linux-x86_64" || s == "linux-aarch64" || s == "macos-x86_64" || s == "macos-arm64";
}

std::string join_pointer(std::string_view base, std::string_view key) {
  std::string out(base);
  out += '/';
  for (const char c : key) {
    if (c == '~') {
      out += "~0";
    } else if (c == '/') {
      out += "~1";
    } else {
      out += c;
    }
  }
  return out;
}

Result<std::string> text_at(const json::Value& doc, const std::string& pointer, Test test,
                            std::string_view rule) {
  const json::Value* value = doc.at(pointer);
  if (value == nullptr) return violation(pointer, "is missing");
  if (!value->is_string()) return violation(pointer, "must be a string");
  if (!test(value->as_string())) return violation(pointer, rule);
  return value->as_string();
}

Result<std::string> optional_text(const json::Value& doc, const std::string& pointer, Test test,
                                  std::string_view rule) {
  if (!doc.has(pointer)) return std::string{};
  return text_at(doc, pointer, test, rule);
}

Result<int> integer_at(const json::Value& doc, const std::string& pointer, int low, int high) {
  const json::Value* value = doc.at(pointer);
  if (value == nullptr) return violation(pointer, "is missing");
  if (!value->is_int() || value->as_int() < low || value->as_int() > high) {
    return violation(pointer,
                     "must be an integer from " + std::to_string(low) + " to " + std::to_string(high));
  }
  return static_cast<int>(value->as_int());
}

/// An optional list of strings that all pass the test.
Result<std::vector<std::string>> list_at(const json::Value& doc, const std::string& pointer, Test test,
                                         std::string_view rule) {
  const json::Value* value = doc.at(pointer);
  std::vector<std::string> out;
  if (value == nullptr) return out;
  if (!value->is_array()) return violation(pointer, "must be an array of strings");
  if (value->items().size() > kMaxItems) return violation(pointer, "has too many elements");
  for (std::size_t i = 0; i < value->items().size(); ++i) {
    SCC_TRY(std::string item, text_at(doc, pointer + "/" + std::to_string(i), test, rule));
    out.push_back(std::move(item));
  }
  return out;
}

/// `pointer`: /libraries, or /container, which may be missing.
Status read_libraries(const json::Value& doc, const std::string& pointer,
                      std::map<std::string, ManifestLibrary>& out) {
  const json::Value* libraries = doc.at(pointer);
  if (libraries == nullptr) return violation(pointer, "is missing");
  if (!libraries->is_object() || libraries->members().empty()) {
    return violation(pointer, "must be an object with at least one platform");
  }
  for (const auto& [name, value] : libraries->members()) {
    const std::string at = join_pointer(pointer, name);
    if (!platform_name(name)) {
      return violation(at, "is no platform (linux-x86_64, linux-aarch64, macos-x86_64, macos-arm64)");
    }
    if (!value.is_object()) return violation(at, "must be an object");
    ManifestLibrary library;
    SCC_TRY(library.path, text_at(doc, at + "/path", inner_path,
                                  "must be a relative path without \".\", \"..\" or empty components"));
    const std::string_view suffix = str::starts_with(name, "linux-") ? ".so" : ".dylib";
    if (!str::ends_with(library.path, suffix)) {
      return violation(at + "/path", "must end in " + std::string(suffix));
    }
    SCC_TRY(library.sha256, text_at(doc, at + "/sha256", sha256_text, "must be 64 lower-case hex digits"));
    out.emplace(name, std::move(library));
  }
  return {};
}

Status read_component(const json::Value& doc, const std::string& at, Manifest& out) {
  if (!doc.at(at)->is_object()) return violation(at, "must be an object");
  ManifestComponent part;
  SCC_TRY(part.kind, text_at(doc, at + "/kind", plain_text, "must be plain text"));
  const auto* known =
      std::find_if(kKinds.begin(), kKinds.end(), [&](const KindStem& k) { return k.kind == part.kind; });
  if (known == kKinds.end()) {
    return violation(at + "/kind", "must be provider, runtime, netpolicy, mcp-transport or safety-check");
  }
  SCC_TRY(part.interface,
          text_at(doc, at + "/interface", interface_id, "must be an interface id such as scc.provider/1"));
  // A third party's interface (com.acme.x/1) may be filed under any kind; ours only under its own.
  if (str::starts_with(part.interface, "scc.") && !str::starts_with(part.interface, known->interface)) {
    return violation(at + "/interface",
                     "does not belong to the kind (" + std::string(known->interface) + "1)");
  }
  SCC_TRY(part.id, text_at(doc, at + "/id", component_id, "must match [a-z0-9][a-z0-9._-]{0,62}"));
  SCC_TRY(part.title, optional_text(doc, at + "/title", plain_text, "must be printable text"));
  SCC_TRY(part.image_context,
          optional_text(doc, at + "/image_context", component_id, "must match [a-z0-9][a-z0-9._-]{0,62}"));
  if (doc.has(at + "/auto_priority")) {
    SCC_TRY(part.auto_priority, integer_at(doc, at + "/auto_priority", 0, kMaxPriority));
  }
  part.capabilities = json::Value(json::Object{});
  if (const json::Value* capabilities = doc.at(at + "/capabilities")) {
    if (!capabilities->is_object()) return violation(at + "/capabilities", "must be an object");
    part.capabilities = *capabilities;
  }
  for (const ManifestComponent& other : out.components) {
    if (other.interface == part.interface && other.id == part.id) {
      return violation(at, "repeats the component " + part.interface + " " + part.id);
    }
  }
  out.components.push_back(std::move(part));
  return {};
}

Status read_components(const json::Value& doc, Manifest& out) {
  const json::Value* components = doc.at("/components");
  if (components == nullptr) return violation("/components", "is missing");
  if (!components->is_array() || components->items().empty() || components->items().size() > kMaxComponents) {
    return violation("/components", "must be an array of 1 to 64 components");
  }
  for (std::size_t i = 0; i < components->items().size(); ++i) {
    SCC_CHECK(read_component(doc, "/components/" + std::to_string(i), out));
  }
  return {};
}

Status read_grants(const json::Value& doc, Grants& out) {
  const json::Value* grants = doc.at("/grants");
  if (grants == nullptr) return {};
  if (!grants->is_object()) return violation("/grants", "must be an object");
  for (const auto& [name, value] : grants->members()) {
    // An unknown grant is a wish that this host cannot judge: refused, so that nothing is granted by
    // accident.
    if (name != "process" && name != "endpoints" && name != "files" && name != "env") {
      return violation(join_pointer("/grants", name), "is no grant (process, endpoints, files, env)");
    }
  }
  SCC_TRY(out.process,
          list_at(doc, "/grants/process", program, "must be a program name or an absolute path"));
  SCC_TRY(out.endpoints, list_at(doc, "/grants/endpoints", endpoint_grant,
                                 "must be unix:/path, https://host[:port], env:VAR or file:/path#/pointer"));
  SCC_TRY(out.files, list_at(doc, "/grants/files", host_path,
                             "must be an absolute path (or start with ${VAR}) without \"..\""));
  SCC_TRY(out.env, list_at(doc, "/grants/env", variable_name, "must be the name of a variable"));
  return {};
}

Status read_declarations(const json::Value& doc, Manifest& out) {
  constexpr std::string_view kPath = "must be an absolute path (or start with ${VAR}) without \"..\"";
  SCC_TRY(out.protected_paths, list_at(doc, "/protected_paths", host_path, kPath));
  SCC_TRY(out.engine_sockets, list_at(doc, "/engine_sockets", host_path, kPath));
  SCC_TRY(out.workspace_markers,
          list_at(doc, "/workspace_markers", marker, "must be a relative path without \"..\""));
  SCC_TRY(out.env_strip,
          list_at(doc, "/env_strip", variable_pattern, "must be a variable's name, which may end in *"));
  return {};
}

Status read_head(const json::Value& doc, std::string_view directory_name, Manifest& out) {
  if (!doc.is_object()) return violation("", "must be an object");
  const json::Value* schema = doc.at("/schema");
  if (schema == nullptr || schema->as_string() != "scc.plugin/1") {
    return violation("/schema", "must be \"scc.plugin/1\"");
  }
  SCC_TRY(out.id, text_at(doc, "/id", plugin_id, "must match [a-z][a-z0-9-]{1,62} (dots allowed)"));
  if (out.id != directory_name) {
    return violation("/id",
                     "is \"" + out.id + "\" but the directory is \"" + str::printable(directory_name) + "\"");
  }
  SCC_TRY(out.version, text_at(doc, "/version", semver, "must be a SemVer version such as 1.0.0"));
  SCC_TRY(out.title, optional_text(doc, "/title", plain_text, "must be printable text"));
  SCC_TRY(out.license, optional_text(doc, "/license", plain_text, "must be printable text"));
  if (const json::Value* vendor = doc.at("/vendor"); vendor != nullptr && !vendor->is_object()) {
    return violation("/vendor", "must be an object");
  }
  SCC_TRY(out.vendor, optional_text(doc, "/vendor/name", plain_text, "must be printable text"));
  SCC_TRY(out.config_schema, optional_text(doc, "/config_schema", inner_path, "must be a relative path"));
  SCC_TRY(out.sdk_major, integer_at(doc, "/sdk/major", 1, 1'000));
  SCC_TRY(out.sdk_min_minor, integer_at(doc, "/sdk/min_minor", 0, 10'000));
  return {};
}

}  // namespace

std::string_view platform() noexcept {
#if defined(__linux__) && defined(__x86_64__)
  return "linux-x86_64";
#elif defined(__linux__) && defined(__aarch64__)
  return "linux-aarch64";
#elif defined(__APPLE__) && defined(__aarch64__)
  return "macos-arm64";
#elif defined(__APPLE__) && defined(__x86_64__)
  return "macos-x86_64";
#else
  return "unknown";
#endif
}

Result<Manifest> parse_manifest(std::string_view text, std::string_view directory_name) {
  Result<json::Value> parsed = json::parse(text, {kMaxBytes, kMaxDepth});
  if (!parsed) return violation("", "is no valid JSON: " + parsed.error().message);
  Manifest out;
  SCC_CHECK(read_head(*parsed, directory_name, out));
  SCC_CHECK(read_libraries(*parsed, "/libraries", out.libraries));
  if (parsed->has("/container")) SCC_CHECK(read_libraries(*parsed, "/container", out.container));
  SCC_CHECK(read_components(*parsed, out));
  SCC_CHECK(read_grants(*parsed, out.grants));
  SCC_CHECK(read_declarations(*parsed, out));
  out.document = std::move(*parsed);
  return out;
}

}  // namespace scc::plugin
