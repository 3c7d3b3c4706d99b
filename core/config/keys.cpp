// SPDX-License-Identifier: Apache-2.0
// The table and the two walks over it: checking a document, and finding the place that a dotted path means.
#include "config/keys.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <memory>

#include "base/str.h"

namespace scc::config {

namespace {

constexpr std::string_view kLower = "abcdefghijklmnopqrstuvwxyz";
constexpr std::string_view kUpper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
constexpr std::string_view kDigits = "0123456789";
constexpr std::size_t kLongestString = 4096;

bool made_of(std::string_view text, std::initializer_list<std::string_view> sets) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return std::any_of(sets.begin(), sets.end(),
                       [c](std::string_view set) { return set.find(c) != std::string_view::npos; });
  });
}

std::string version(const json::Value& value) {
  return value.as_string() == "1.0.0" ? "" : "is not \"1.0.0\", the version that this scc reads";
}
std::string team(const json::Value& value) {
  return check_team_name(value.as_string());
}
std::string auth(const json::Value& value) {
  return check_auth_spec(value.as_string());
}
std::string memory(const json::Value& value) {
  return parse_memory(value.as_string()) ? "" : "must be a size such as \"8g\" or \"512m\", at least 64m";
}
std::string pids(const json::Value& value) {
  const bool good = value.as_int() >= 16 && value.as_int() <= 4'000'000;
  return good ? "" : "must be a whole number from 16 to 4000000";
}
std::string hours(const json::Value& value) {
  return value.as_int() >= 1 && value.as_int() <= 168 ? "" : "must be a whole number from 1 to 168";
}
std::string on_exit(const json::Value& value) {
  const std::string& text = value.as_string();
  return text == "stop" || text == "keep" || text == "remove" ? ""
                                                              : "must be \"stop\", \"keep\" or \"remove\"";
}
/// Part of an engine object's name.
std::string volume(const json::Value& value) {
  const std::string& name = value.as_string();
  const bool good =
      name.size() <= 40 && (name.empty() || name.front() != '-') && made_of(name, {kLower, kDigits, "-"});
  return good ? "" : "must be 1 to 40 of a-z, 0-9 and -, beginning with a letter or digit";
}
std::string url(const json::Value& value) {
  const std::string& text = value.as_string();
  if (text.empty()) return "must not be empty; leave organization_source out instead";
  if (text.find(' ') != std::string::npos) return "must not hold spaces";
  return str::starts_with(text, "http://") ? "must not be http://: use https://" : "";
}
std::string absolute(const json::Value& value) {
  return str::starts_with(value.as_string(), "/") ? "" : "must be an absolute path";
}
std::string header(const json::Value& value) {
  const std::string& name = value.as_string();
  const bool good = !name.empty() && name.size() <= 64 && made_of(name, {kLower, kUpper, kDigits, "-_"});
  return good ? "" : "must be the name of an HTTP header";
}
std::string public_key(const json::Value& value) {
  const std::string& text = value.as_string();
  const bool good = !text.empty() && text.size() <= 512 && made_of(text, {kLower, kUpper, kDigits, "+/=-_:"});
  return good ? "" : "must be a public key as `scc org keygen` prints it";
}
std::string env_names(const json::Value& value) {
  for (const json::Value& item : value.items()) {
    if (const std::string wrong = check_env_name(item.as_string()); !wrong.empty()) return wrong;
  }
  return {};
}

using T = KeyType;
constexpr std::size_t kKeys = 34;
const Key kTable[kKeys] = {
    {"$schema", T::string, nullptr, "", true, "where the format is described; not read"},
    {"cache.enabled", T::boolean, nullptr, "true", false, "keep a copy of the organisation's document"},
    {"cache.ttl_hours", T::integer, hours, "", false, "most hours that copy counts as fresh"},
    {"config_version", T::string, version, "\"1.0.0\"", true, "version of this file's format"},
    {"credentials.volume", T::string, volume, "", false, "name of the credential volume"},
    {"hooks.enabled", T::boolean, nullptr, "false", false, "install git hooks on the host"},
    {"images.*.ref", T::string, nullptr, "", false, "image to use instead of the one built here"},
    {"network.enforced.dns", T::strings, nullptr, "", false, "name servers of the proxy"},
    {"network.enforced.internal_blocks", T::strings, nullptr, "", false,
     "private blocks that listed names may lead to"},
    {"network.enforced.network", T::string, nullptr, "", false, "engine network of the proxy"},
    {"network.enforced.transport", T::string, nullptr, "\"auto\"", false, "auto, socket or internal"},
    {"network.enforced.upstream_proxy", T::string, nullptr, "", false,
     "proxy that the proxy itself must use"},
    {"network.open.dns", T::strings, nullptr, "", false, "resolvers under the policy open"},
    {"network.open.network", T::string, nullptr, "", false, "engine network of the policy open"},
    {"onboarding_seen", T::boolean, nullptr, "false", false, "the welcome was shown"},
    {"organization_source.auth", T::string, auth, "", true, "env:NAME or command:WORDS"},
    {"organization_source.auth_header", T::string, header, "\"Authorization\"", true,
     "header that carries the token"},
    {"organization_source.path", T::string, absolute, "", true, "file with the organisation's document"},
    {"organization_source.public_key", T::string, public_key, "", true, "key that must have signed it"},
    {"organization_source.url", T::string, url, "", true, "where the organisation's document is"},
    {"overrides.workspace_base", T::string, nullptr, "\"~/projects\"", false, "where repositories are"},
    {"plugins.*.config", T::object, nullptr, "", false, "settings of a plugin"},
    {"providers.*", T::object, nullptr, "", false, "settings of a provider"},
    {"runtime.preferred", T::string, nullptr, "", false, "engine to use"},
    {"sandbox.memory", T::string, memory, "", false, "most memory of a sandbox, \"8g\""},
    {"sandbox.pids", T::integer, pids, "4096", false, "most processes of a sandbox"},
    {"selected_profile", T::string, team, "", false, "current team"},
    {"selected_provider", T::string, nullptr, "", false, "provider to start, or \"ask\""},
    {"session.on_exit", T::string, on_exit, "\"stop\"", false,
     "a sandbox whose agent ended: stop, keep or remove it"},
    {"standalone", T::boolean, nullptr, "false", true, "work without an organisation"},
    {"sync.last_repo", T::string, nullptr, "", false, "last repository of shared profiles"},
    {"tls.ca_file", T::string, nullptr, "", true, "PEM file of extra authorities"},
    {"trusted_env", T::strings, env_names, "[]", false, "variables that remote documents may name"},
    {"workspace_team_map.*", T::string, team, "", false, "last team of a workspace"},
};

/// The table as a tree.
struct Node {
  std::map<std::string, Node, std::less<>> children;
  std::unique_ptr<Node> any;
  const Key* key = nullptr;
};

const Node& tree() {
  static const Node root = [] {
    Node made;
    for (const Key& key : user_keys()) {
      Node* at = &made;
      for (const std::string& step : str::split(key.path, '.')) {
        if (step == "*") {
          if (!at->any) at->any = std::make_unique<Node>();
          at = at->any.get();
        } else {
          at = &at->children[step];
        }
      }
      at->key = &key;
    }
    return made;
  }();
  return root;
}

bool allowed(const Node& node, KeyScope scope) {
  if (scope == KeyScope::user) return true;
  if (node.key != nullptr) return node.key->pinnable;
  return std::any_of(node.children.begin(), node.children.end(),
                     [](const auto& child) { return allowed(child.second, KeyScope::system); });
}

std::string check_type(const Key& key, const json::Value& value) {
  switch (key.type) {
    case T::string: {
      if (!value.is_string()) return "must be a string";
      const std::string& text = value.as_string();
      if (text.size() > kLongestString) return "is longer than 4096 bytes";
      const bool control = std::any_of(text.begin(), text.end(), [](char c) {
        return (static_cast<unsigned char>(c) < 0x20) || static_cast<unsigned char>(c) == 0x7F;
      });
      if (control) return "must not hold control characters";
      break;
    }
    case T::boolean:
      if (!value.is_bool()) return "must be true or false";
      break;
    case T::integer:
      if (!value.is_int())
        return key.check != nullptr ? key.check(json::Value(-1)) : "must be a whole number";
      break;
    case T::strings:
      if (!value.is_array()) return "must be an array of strings";
      for (const json::Value& item : value.items()) {
        if (!item.is_string()) return "must hold strings only";
      }
      break;
    case T::object:
      if (!value.is_object()) return "must be an object";
      break;
  }
  return key.check != nullptr ? key.check(value) : "";
}

class Walk {
 public:
  explicit Walk(KeyScope scope) : scope_(scope) {}

  void visit(const Node& node, const json::Value& value, const std::string& pointer) {
    if (value.is_null() && !pointer.empty()) return;
    if (node.key != nullptr) {
      if (const std::string wrong = check_type(*node.key, value); !wrong.empty()) add(pointer, wrong);
      return;
    }
    if (!value.is_object()) return add(pointer, "must be an object");
    for (const auto& [name, member] : value.members()) {
      const std::string below = pointer + "/" + name;
      const auto known = node.children.find(name);
      if (known != node.children.end() && allowed(known->second, scope_)) {
        visit(known->second, member, below);
      } else if (known != node.children.end()) {
        add(below, "cannot be pinned by the system file");
      } else if (node.any) {
        visit(*node.any, member, below);
      } else {
        add(below, unknown(node, name));
      }
    }
  }
  std::vector<std::string> problems;

 private:
  std::string unknown(const Node& node, const std::string& name) const {
    std::vector<std::string> names;
    for (const auto& [known, child] : node.children) {
      if (allowed(child, scope_)) names.push_back(known);
    }
    const std::string near = str::nearest(name, names);
    return near.empty() ? "unknown key" : "unknown key, did you mean \"" + near + "\"?";
  }
  void add(const std::string& pointer, const std::string& what) {
    problems.push_back((pointer.empty() ? "(root)" : str::printable(pointer)) + ": " + what);
  }
  KeyScope scope_;
};

/// Where `text` fits below `node`; the fixed parts of the table decide how far a chosen name reaches.
bool fit(const Node& node, std::string_view text, Located& out) {
  if (text.empty()) return false;
  const std::size_t dot = text.find('.');
  const std::string_view head = text.substr(0, dot);
  if (const auto child = node.children.find(head); child != node.children.end()) {
    out.steps.emplace_back(head);
    out.key = child->second.key;
    if (dot == std::string_view::npos) return true;
    if (fit(child->second, text.substr(dot + 1), out)) return true;
    out.steps.pop_back();
    return false;
  }
  if (!node.any) return false;
  const Node& any = *node.any;
  if (any.key != nullptr && any.key->type == T::object) {  // an open object: every part is a member
    for (std::string& step : str::split(text, '.')) {
      if (step.empty()) return false;
      out.steps.push_back(std::move(step));
    }
    out.key = out.steps.size() == 2 ? any.key : nullptr;
    return true;
  }
  if (any.key != nullptr) {
    out.steps.emplace_back(text);
    out.key = any.key;
    return true;
  }
  for (const auto& [name, child] : any.children) {  // images.NAME.ref, plugins.NAME.config.more
    const std::string middle = "." + name;
    const std::size_t at = text.find(middle + ".") != std::string_view::npos && child.key->type == T::object
                               ? text.find(middle + ".")
                               : (str::ends_with(text, middle) ? text.size() - middle.size() : 0);
    if (at == 0) continue;
    out.steps.emplace_back(text.substr(0, at));
    out.steps.push_back(name);
    out.key = child.key;
    std::string_view rest = text.substr(at + middle.size());
    if (rest.empty()) return true;
    out.key = nullptr;
    for (std::string& step : str::split(rest.substr(1), '.')) {
      if (step.empty()) return false;
      out.steps.push_back(std::move(step));
    }
    return true;
  }
  if (dot != std::string_view::npos) return false;
  out.steps.emplace_back(text);  // the section of one name
  out.key = nullptr;
  return true;
}

}  // namespace

const std::vector<Key>& user_keys() {
  static const std::vector<Key> keys(kTable, kTable + kKeys);
  return keys;
}

std::vector<std::string> check_document(const json::Value& root, KeyScope scope) {
  Walk walk(scope);
  walk.visit(tree(), root, "");
  return std::move(walk.problems);
}

Result<Located> locate(std::string_view dotted) {
  Located out;
  if (fit(tree(), dotted, out)) return out;
  std::vector<std::string> names;
  for (const Key& key : user_keys()) names.emplace_back(key.path);
  for (const auto& [name, node] : tree().children) names.push_back(name);
  const std::string near = str::nearest(dotted, names);
  return fail(Kind::usage, "config.unknown-key",
              "there is no key \"" + str::printable(dotted) + "\" in the user configuration",
              near.empty() ? "run: scc config show" : "did you mean \"" + near + "\"?");
}

const json::Value* find(const json::Value& root, const std::vector<std::string>& steps) {
  const json::Value* at = &root;
  for (const std::string& step : steps) {
    const auto member = at->members().find(step);
    if (member == at->members().end()) return nullptr;
    at = &member->second;
  }
  return at;
}

std::string check_team_name(std::string_view name) {
  const bool good = !name.empty() && name.size() <= 64 &&
                    made_of(name.substr(0, 1), {kLower, kUpper, kDigits}) &&
                    made_of(name, {kLower, kUpper, kDigits, "._-"});
  return good
             ? ""
             : "must be a team's name: 1 to 64 of A-Z, a-z, 0-9, '.', '_' and '-', not beginning with a mark";
}

std::string check_env_name(std::string_view name) {
  const bool good = !name.empty() && name.size() <= 128 && made_of(name, {kLower, kUpper, kDigits, "_"}) &&
                    !made_of(name.substr(0, 1), {kDigits});
  return good ? "" : "must hold names of environment variables";
}

std::string check_auth_spec(std::string_view spec) {
  if (str::starts_with(spec, "env:") && check_env_name(spec.substr(4)).empty()) return {};
  if (str::starts_with(spec, "command:") && !str::trim(spec.substr(8)).empty()) return {};
  return "must be env:NAME or command:WORDS";
}

std::optional<std::int64_t> parse_memory(std::string_view text) noexcept {
  constexpr std::int64_t kMiB = std::int64_t{1} << 20U;
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [rest, code] = std::from_chars(text.data(), end, number);
  if (code != std::errc{} || number <= 0) return std::nullopt;
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  unsigned shift = 0;
  if (unit == "k" || unit == "K") {
    shift = 10;
  } else if (unit == "m" || unit == "M") {
    shift = 20;
  } else if (unit == "g" || unit == "G") {
    shift = 30;
  } else if (!unit.empty()) {
    return std::nullopt;
  }
  constexpr std::int64_t kMost = std::int64_t{16} << 40U;
  if (number > (kMost >> shift)) return std::nullopt;
  const std::int64_t bytes = number << shift;
  return bytes >= 64 * kMiB ? std::optional(bytes) : std::nullopt;
}

}  // namespace scc::config
