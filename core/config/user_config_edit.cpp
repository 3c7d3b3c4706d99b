// SPDX-License-Identifier: Apache-2.0
#include "config/user_config_edit.h"

#include "base/str.h"
#include "config/keys.h"
#include "config/secrets.h"

namespace scc::config {

namespace {

constexpr unsigned kLockWaitMs = 5'000;

stdfs::path file_of(const os::Paths& paths) {
  return paths.config / "config.json";
}

/// The document as it is, an empty object when there is none. What it holds is not checked here.
Result<json::Value> read_document(const stdfs::path& file) {
  auto text = os::read_file(file);
  if (!text && text.error().kind == Kind::not_found) return json::Value(json::Object{});
  if (!text) return fail(std::move(text).error());
  auto parsed = json::parse(*text, {std::size_t{1} << 20U, 32});
  if (!parsed || !parsed->is_object()) {
    return fail(Kind::config, "config.invalid",
                str::printable(file.native()) + ": " +
                    (parsed ? std::string("must be a JSON object") : parsed.error().message),
                "mend the file, or move it away, then run the command again");
  }
  return std::move(*parsed);
}

Status check_version(const json::Value& document, const stdfs::path& file) {
  const json::Value* version = document.at("/config_version");
  if (version == nullptr || version->is_null() || version->as_string() == "1.0.0") return {};
  return fail(Kind::config, "config.version",
              str::printable(file.native()) + " is of version " + str::printable(json::dump(*version)) +
                  ", which this scc does not write",
              "use the scc that wrote it, or update scc");
}

/// The pin that stands in the way of changing `steps`: what lies at, above or below it.
std::string pin_in_the_way(const SystemConfig& system, const std::vector<std::string>& steps) {
  const std::string key = str::join(steps, ".");
  for (const std::string& pinned : system.pinned) {
    const bool place = pinned == "organization_source.url" && key == "organization_source.path";
    const bool above = str::starts_with(pinned, key + ".");
    const bool below = str::starts_with(key, pinned + ".");
    if (key == pinned || place || above || below) return pinned;
  }
  return {};
}

Status put(json::Value& root, const std::vector<std::string>& steps, const json::Value& value) {
  json::Value* at = &root;
  std::string path;
  for (std::size_t i = 0; i + 1 < steps.size(); ++i) {
    path += (path.empty() ? "" : ".") + steps[i];
    auto member = at->object().find(steps[i]);
    if (member == at->object().end() || member->second.is_null()) {
      if (value.is_null()) return {};
      member = at->object().insert_or_assign(steps[i], json::Value(json::Object{})).first;
    }
    if (!member->second.is_object()) {
      return fail(Kind::usage, "config.value", str::printable(path) + " is not a map, so it holds no keys",
                  "run: scc config unset " + str::printable(path));
    }
    at = &member->second;
  }
  if (value.is_null()) {
    at->object().erase(steps.back());
  } else {
    at->object().insert_or_assign(steps.back(), value);
  }
  return {};
}

/// An empty section says nothing; it goes with its last key.
void drop_empty_sections(json::Value& root, std::vector<std::string> steps) {
  while (steps.size() > 1) {
    steps.pop_back();
    const json::Value* section = find(root, steps);
    if (section == nullptr || !section->is_object() || !section->members().empty()) return;
    static_cast<void>(put(root, steps, json::Value()));
  }
}

json::Value merged(json::Value under, const json::Value& over) {
  if (!under.is_object() || !over.is_object()) return over;
  for (const auto& [name, member] : over.members()) {
    json::Value& slot = under[name];
    slot = merged(std::move(slot), member);
  }
  return under;
}

/// The user's document without what a pinned place leaves of it: nothing, when it names another place.
json::Value without_overruled(json::Value document, const SystemConfig& system) {
  if (!system.pins("organization_source.url")) return document;
  for (const char* key : {"/organization_source/url", "/organization_source/path"}) {
    const std::string mine = document.str(key);
    if (!mine.empty() && mine != system.document.str(key)) {
      document.object().erase("organization_source");
      break;
    }
  }
  return document;
}

tl::unexpected<Error> bad_value(std::string_view key, std::string_view what, std::string hint = {}) {
  return fail(Kind::usage, "config.value", str::printable(key) + " " + std::string(what), std::move(hint));
}

}  // namespace

Result<ConfigValue> get_config_value(const os::Paths& paths, std::string_view key) {
  SCC_TRY(const Located located, locate(key));
  SCC_TRY(const SystemConfig system, load_system_config(paths));
  SCC_TRY(json::Value raw, read_document(file_of(paths)));
  const json::Value document = without_overruled(std::move(raw), system);
  const auto given = [&located](const json::Value& root) {
    const json::Value* value = find(root, located.steps);
    return value != nullptr && !value->is_null() ? value : nullptr;
  };
  const json::Value* pinned = given(system.document);
  const json::Value* mine = given(document);
  if (pinned != nullptr && mine != nullptr && pinned->is_object()) {
    return ConfigValue{merged(*mine, *pinned), "user"};
  }
  if (pinned != nullptr) return ConfigValue{*pinned, "system"};
  if (mine != nullptr) return ConfigValue{*mine, "user"};
  if (located.key != nullptr && !located.key->fallback.empty()) {
    SCC_TRY(json::Value fallback, json::parse(located.key->fallback));
    return ConfigValue{std::move(fallback), "default"};
  }
  return fail(Kind::not_found, "config.unset", str::printable(key) + " is not set",
              "run: scc config set " + str::printable(key) + " VALUE");
}

Result<json::Value> show_config(const os::Paths& paths) {
  SCC_TRY(const SystemConfig system, load_system_config(paths));
  SCC_TRY(json::Value document, read_document(file_of(paths)));
  return mask_secrets(merged(without_overruled(std::move(document), system), system.document));
}

Result<json::Value> parse_config_value(std::string_view key, std::string_view text) {
  SCC_TRY(const Located located, locate(key));
  if (text == "null") return json::Value();
  const auto parsed = json::parse(text, {std::size_t{64} << 10U, 16});
  if (located.key == nullptr) {  // a section, or inside an open object: JSON, or a plain word
    if (parsed) return *parsed;
    const bool meant_json = !text.empty() && (text.front() == '{' || text.front() == '[');
    if (meant_json) return bad_value(key, "must be JSON: " + parsed.error().message);
    return json::Value(text);
  }
  switch (located.key->type) {
    case KeyType::string:
      return parsed && parsed->is_string() ? *parsed : json::Value(text);
    case KeyType::boolean:
      if (parsed && parsed->is_bool()) return *parsed;
      return bad_value(key, "must be true or false");
    case KeyType::integer:
      if (parsed && parsed->is_int()) return *parsed;
      return bad_value(key, "must be a whole number");
    case KeyType::strings:
      if (parsed && parsed->is_array()) return *parsed;
      return bad_value(key, "must be a JSON array of strings", "write it as '[\"A\",\"B\"]'");
    case KeyType::object:
      if (parsed && parsed->is_object()) return *parsed;
      return bad_value(key, "must be a JSON object", "write it as '{\"name\":\"value\"}'");
  }
  return bad_value(key, "is of no known type");
}

Status edit_user_config(const os::Paths& paths, const std::vector<ConfigEdit>& edits) {
  const stdfs::path file = file_of(paths);
  SCC_TRY(const SystemConfig system, load_system_config(paths));
  SCC_CHECK(os::make_dirs(paths.config));
  SCC_TRY(const os::FileLock lock, os::FileLock::acquire(paths.config / "config.json.lock", kLockWaitMs));
  SCC_TRY(json::Value document, read_document(file));
  SCC_CHECK(check_version(document, file));
  for (const ConfigEdit& edit : edits) {
    SCC_TRY(const Located located, locate(edit.key));
    if (const std::string pin = pin_in_the_way(system, located.steps); !pin.empty()) {
      return fail(Kind::policy, "config.pinned",
                  str::printable(edit.key) + " cannot be changed: " + str::printable(system.file.native()) +
                      " pins " + pin,
                  "ask whoever administers this machine");
    }
    SCC_CHECK(put(document, located.steps, edit.value));
    if (edit.value.is_null()) drop_empty_sections(document, located.steps);
  }
  if (!document.has("/config_version")) document["config_version"] = "1.0.0";
  const std::string text = json::pretty(document) + "\n";
  if (auto outcome = parse_user_config(text, file, system); !outcome) {
    Error error = std::move(outcome).error();
    error.kind = Kind::usage;
    error.message = "the user configuration would not be valid; nothing was changed";
    error.hint = "run: scc config show";
    return fail(std::move(error));
  }
  return os::write_file_atomic(file, text, 0600);
}

}  // namespace scc::config
