// SPDX-License-Identifier: Apache-2.0
#include "config/user_config.h"

#include <charconv>

#include "base/str.h"

namespace scc::config {

namespace {

constexpr std::int64_t kMiB = std::int64_t{1} << 20U;

/// Collects every problem, so that one run shows them all.
class Checker {
 public:
  explicit Checker(const json::Value& root) : root_(root) {}

  void keys(std::string_view pointer, const std::vector<std::string>& known) {
    const json::Value* object = root_.at(pointer);
    if (object == nullptr) return;
    if (!object->is_object()) return problem(pointer, "must be an object");
    for (const auto& [key, value] : object->members()) {
      bool found = false;
      for (const std::string& name : known) found = found || name == key;
      if (found) continue;
      const std::string near = str::nearest(key, known);
      problem(std::string(pointer) + "/" + key,
              near.empty() ? "unknown key" : "unknown key, did you mean \"" + near + "\"?");
    }
  }
  std::string text(std::string_view pointer) {
    const json::Value* value = root_.at(pointer);
    if (value == nullptr || value->is_null()) return {};
    if (!value->is_string()) problem(pointer, "must be a string");
    return value->as_string();
  }
  void problem(std::string_view pointer, std::string_view what) {
    problems_.push_back(str::printable(pointer) + ": " + std::string(what));
  }
  const std::vector<std::string>& problems() const { return problems_; }

 private:
  const json::Value& root_;
  std::vector<std::string> problems_;
};

/// Part of an engine object's name; empty is the default.
bool valid_volume_name(std::string_view name) {
  if (name.size() > 40 || (!name.empty() && name.front() == '-')) return false;
  return name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-") == std::string_view::npos;
}

void read_network(const json::Value& root, Checker& check, UserConfig& out) {
  check.keys("/network", {"open"});
  check.keys("/network/open", {"network", "dns"});
  const json::Value* open = root.at("/network/open");
  if (open == nullptr) return;
  check.text("/network/open/network");
  if (const json::Value* dns = root.at("/network/open/dns")) {
    if (!dns->is_array()) check.problem("/network/open/dns", "must be an array of addresses");
    for (const json::Value& item : dns->items()) {
      if (!item.is_string()) check.problem("/network/open/dns", "must hold strings only");
    }
  }
  out.open_network = *open;
}

void read_sandbox(const json::Value& root, Checker& check, UserConfig& out) {
  check.keys("/sandbox", {"memory", "pids"});
  if (const std::string memory = check.text("/sandbox/memory"); !memory.empty()) {
    const auto bytes = parse_memory(memory);
    if (!bytes) check.problem("/sandbox/memory", "must be a size such as \"8g\" or \"512m\", at least 64m");
    out.memory_bytes = bytes.value_or(0);
  }
  if (const json::Value* pids = root.at("/sandbox/pids")) {
    if (!pids->is_int() || pids->as_int() < 16 || pids->as_int() > 4'000'000) {
      check.problem("/sandbox/pids", "must be a whole number from 16 to 4000000");
    }
    out.pids = pids->as_int(4096);
  }
}

void read_maps(const json::Value& root, Checker& check, UserConfig& out) {
  const auto object = [&](std::string_view pointer) -> const json::Object& {
    static const json::Object kNone;
    const json::Value* value = root.at(pointer);
    if (value == nullptr) return kNone;
    if (!value->is_object()) check.problem(pointer, "must be an object");
    return value->members();
  };
  for (const auto& [id, section] : object("/images")) {
    check.keys("/images/" + id, {"ref"});
    out.image_refs[id] = check.text("/images/" + id + "/ref");
  }
  for (const auto& [id, section] : object("/providers")) {
    if (!section.is_object()) check.problem("/providers/" + id, "must be an object");
    out.provider_config[id] = section;
  }
  for (const auto& [id, section] : object("/plugins")) {
    check.keys("/plugins/" + id, {"config"});
    if (const json::Value* config = section.at("/config")) out.plugin_config[id] = *config;
  }
}

}  // namespace

std::optional<std::int64_t> parse_memory(std::string_view text) noexcept {
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

Result<UserConfig> parse_user_config(std::string_view text, const os::stdfs::path& file) {
  const auto where = [&](Error error) {
    error.message = str::printable(file.native()) + ": " + error.message;
    if (error.hint.empty()) error.hint = "mend the file, or move it away to run with defaults";
    return error;
  };
  auto parsed = json::parse(text, {std::size_t{1} << 20U, 32});
  if (!parsed) return fail(where(std::move(parsed).error()));
  const json::Value& root = *parsed;
  if (!root.is_object())
    return fail(where({Kind::config, "config.invalid", "must be a JSON object", {}, {}}));

  UserConfig out;
  out.file = file;
  out.present = true;
  Checker check(root);
  check.keys("", {"$schema", "config_version", "runtime", "selected_provider", "network", "tls", "sandbox",
                  "credentials", "images", "providers", "plugins"});
  check.keys("/runtime", {"preferred"});
  check.keys("/tls", {"ca_file"});
  check.keys("/credentials", {"volume"});
  if (const std::string version = check.text("/config_version"); !version.empty() && version != "1.0.0") {
    check.problem("/config_version", "is not \"1.0.0\", the version that this scc reads");
  }
  out.runtime_preferred = check.text("/runtime/preferred");
  out.selected_provider = check.text("/selected_provider");
  out.tls_ca_file = check.text("/tls/ca_file");
  out.credential_volume = check.text("/credentials/volume");
  if (!valid_volume_name(out.credential_volume)) {
    check.problem("/credentials/volume",
                  "must be 1 to 40 of a-z, 0-9 and -, beginning with a letter or digit");
  }
  read_network(root, check, out);
  read_sandbox(root, check, out);
  read_maps(root, check, out);
  if (check.problems().empty()) return out;
  Error error = where({Kind::config, "config.invalid", "the user configuration is not valid", {}, {}});
  error.context = check.problems();
  return fail(std::move(error));
}

Result<UserConfig> load_user_config(const os::Paths& paths) {
  const os::stdfs::path file = paths.config / "config.json";
  auto text = os::read_file(file);
  if (text) return parse_user_config(*text, file);
  if (text.error().kind != Kind::not_found) return fail(std::move(text).error());
  UserConfig defaults;
  defaults.file = file;
  return defaults;
}

}  // namespace scc::config
