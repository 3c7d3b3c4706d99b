// SPDX-License-Identifier: Apache-2.0
// Ids, comparison, and the files of this machine. personal_share.cpp exports and imports.
#include "config/personal.h"

#include <algorithm>
#include <cctype>
#include <cerrno>
#include <unistd.h>

#include "base/str.h"
#include "config/secrets.h"
#include "model/parse.h"

namespace scc::config {

namespace {

constexpr std::size_t kMaxBytes = std::size_t{256} << 10U;
constexpr std::size_t kMaxFiles = 10'000;
constexpr unsigned kLockWaitMs = 5'000;

bool safe_text(std::string_view text) {
  return str::valid_utf8(text) && str::printable(text) == text && text.find('\\') == std::string_view::npos;
}

/// host[:port] without the port; brackets of an IPv6 address stay.
std::string_view without_port(std::string_view authority) {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket))
    return authority;
  return authority.substr(0, colon);
}

std::string join_id(std::string_view host, std::string_view path) {
  host = host.substr(host.rfind('@') == std::string_view::npos ? 0 : host.rfind('@') + 1);
  while (!host.empty() && host.back() == '.') host.remove_suffix(1);
  path = path.substr(0, path.find_first_of("?#"));
  std::vector<std::string> parts;
  for (std::string& part : str::split(path, '/')) {
    if (part == "..") return {};
    if (!part.empty() && part != ".") parts.push_back(std::move(part));
  }
  if (host.empty() || parts.empty()) return {};
  for (const char c : host) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 &&
        std::string_view(".-_:[]").find(c) == std::string_view::npos)
      return {};
  }
  std::string& last = parts.back();
  if (last.size() > 4 && str::ends_with(last, ".git")) last.resize(last.size() - 4);
  std::string lower(host);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return "remote:" + lower + "/" + str::join(parts, "/");
}

std::map<std::string, json::Value> entries(const model::Personal& personal) {
  std::map<std::string, json::Value> out;
  for (const auto& [ref, on] : personal.plugins) out["plugins/" + ref] = on;
  for (const model::McpServer& server : personal.mcp_servers)
    out["mcp_servers/" + server.name] = model::to_json(server);
  return out;
}

/// Kind::not_found when absent.
Result<json::Value> read_document(const stdfs::path& file) {
  SCC_TRY(const std::string text, os::read_file(file, kMaxBytes));
  auto parsed = json::parse(text, {kMaxBytes, 32});
  if (parsed) return std::move(*parsed);
  return fail(
      Kind::config, "profile.invalid",
      "the personal profile " + str::printable(file.native()) + " is not valid: " + parsed.error().message,
      "mend the file, or save the profile again with `scc profile save`");
}

}  // namespace

std::string repo_id_from_remote(std::string_view url) {
  url = str::trim(url);
  if (url.empty() || url.size() > 4096 || !safe_text(url)) return {};
  if (const std::size_t scheme = url.find("://"); scheme != std::string_view::npos) {
    if (url.substr(0, scheme) == "file" || scheme == 0) return {};
    const std::string_view rest = url.substr(scheme + 3);
    const std::size_t slash = rest.find('/');
    if (slash == std::string_view::npos) return {};
    // The last @ ends the user part, which may hold an @ and a : of its own.
    std::string_view authority = rest.substr(0, slash);
    if (const std::size_t at = authority.rfind('@'); at != std::string_view::npos)
      authority.remove_prefix(at + 1);
    return join_id(without_port(authority), rest.substr(slash));
  }
  // user@host:path; a colon after a slash belongs to a path.
  const std::size_t bracket = url.find(']');
  const std::size_t colon = url.find(
      ':', url.find('[') == std::string_view::npos || bracket == std::string_view::npos ? 0 : bracket);
  if (colon == std::string_view::npos || url.substr(0, colon).find('/') != std::string_view::npos) return {};
  return join_id(url.substr(0, colon), url.substr(colon + 1));
}

std::string repo_id_from_path(const stdfs::path& real_path) {
  return "path:" + str::printable(real_path.native());
}

std::string profile_hash(std::string_view repo_id) {
  return os::sha256_hex(repo_id).substr(0, 12);
}

std::string fingerprint(const model::Personal& personal) {
  json::Value value = model::to_json(personal);
  value.object().erase("saved_at");
  return os::sha256_hex(json::dump(value));
}

ProfileDiff diff(const model::Personal& from, const model::Personal& to) {
  const auto before = entries(from);
  const auto after = entries(to);
  ProfileDiff out;
  for (const auto& [name, value] : after) {
    const auto old = before.find(name);
    if (old == before.end()) {
      out.added.push_back(name);
    } else if (!(old->second == value)) {
      out.changed.push_back(name);
    }
  }
  for (const auto& [name, value] : before) {
    if (after.count(name) == 0) out.removed.push_back(name);
  }
  return out;
}

std::vector<std::string> likely_secrets(const model::Personal& personal) {
  std::vector<std::string> out;
  for (const model::McpServer& server : personal.mcp_servers) {
    const std::string at = "mcp_servers/" + server.name;
    for (const auto& [name, value] : server.env) {
      if (!shareable_setting(value)) out.push_back(at + "/env/" + name);
    }
    for (const auto& [name, value] : server.headers) {
      if (!shareable_setting(value)) out.push_back(at + "/headers/" + name);
    }
    if (secret_value(server.url)) out.push_back(at + "/url");
    if (secret_value(server.command)) out.push_back(at + "/command");
    for (std::size_t i = 0; i < server.args.size(); ++i) {
      const std::string& arg = server.args[i];
      const std::size_t equals = arg.find('=');
      const bool option = equals != std::string::npos && secret_name(arg.substr(0, equals)) &&
                          !shareable_setting(arg.substr(equals + 1));
      const bool after_option = i > 0 && str::starts_with(server.args[i - 1], "-") &&
                                !str::starts_with(arg, "-") &&
                                server.args[i - 1].find('=') == std::string::npos &&
                                secret_name(server.args[i - 1]) && !shareable_setting(arg);
      if (option || after_option || secret_value(arg)) out.push_back(at + "/args/" + std::to_string(i));
    }
  }
  return out;
}

stdfs::path ProfileStore::file(std::string_view repo_id) const {
  return directory_ / (profile_hash(repo_id) + ".json");
}

Result<os::FileLock> ProfileStore::lock() const {
  return os::FileLock::acquire(directory_ / ".lock", kLockWaitMs);
}

Result<std::optional<model::Personal>> ProfileStore::load(std::string_view repo_id,
                                                          std::vector<std::string>* warnings) const {
  const stdfs::path path = file(repo_id);
  auto document = read_document(path);
  if (!document && document.error().kind == Kind::not_found) return std::optional<model::Personal>();
  if (!document) return fail(document.error());
  SCC_TRY(model::Personal personal, model::parse_personal(*document, path.native(), warnings));
  if (personal.repo_id != repo_id) {
    return fail(Kind::config, "profile.invalid",
                "the personal profile " + str::printable(path.native()) + " is of " +
                    str::printable(personal.repo_id) + ", not of " + str::printable(repo_id),
                "move the file away, then save the profile again with `scc profile save`");
  }
  return std::optional(std::move(personal));
}

Status ProfileStore::save(const model::Personal& personal) const {
  if (personal.repo_id.empty())
    return fail(Kind::internal, "profile.invalid", "a profile needs its repository");
  SCC_CHECK(os::make_dirs(directory_));
  SCC_TRY(const os::FileLock held, lock());
  const stdfs::path path = file(personal.repo_id);
  json::Value document = model::to_json(personal);
  // What is saved must be readable again.
  SCC_CHECK(model::parse_personal(document, path.native()));
  if (auto old = read_document(path)) {
    if (const json::Value* native = old->at("/native"); native != nullptr && old->str("/version") == "2") {
      document["native"] = *native;
    } else if (old->str("/version") == "1") {  // raw settings of another tool: not ours to drop
      SCC_CHECK(os::write_file_atomic(path.native() + ".v1", json::pretty(*old) + "\n", 0600));
    }
  } else if (old.error().id == "profile.invalid") {
    std::error_code code;
    stdfs::rename(path, path.native() + ".corrupt-" + os::random_hex(4), code);
    if (code) return fail(os::errno_error("rename", path, code.value()));
  } else if (old.error().kind != Kind::not_found) {
    return fail(old.error());
  }
  return os::write_file_atomic(path, json::pretty(document) + "\n", 0600);
}

Result<bool> ProfileStore::remove(std::string_view repo_id) const {
  std::error_code ignored;
  if (!stdfs::exists(directory_, ignored)) return false;
  SCC_TRY(const os::FileLock held, lock());
  if (::unlink(file(repo_id).c_str()) == 0) return true;
  if (errno == ENOENT) return false;
  return fail(os::errno_error("remove", file(repo_id), errno));
}

ProfileList ProfileStore::list() const {
  ProfileList out;
  std::error_code code;
  std::size_t seen = 0;
  for (stdfs::directory_iterator entry(directory_, code), end; !code && entry != end; entry.increment(code)) {
    const stdfs::path& path = entry->path();
    if (path.extension() != ".json" || ++seen > kMaxFiles) continue;
    auto document = read_document(path);
    auto personal = document ? model::parse_personal(*document, path.native()) : fail(document.error());
    if (!personal) {
      out.warnings.push_back(personal.error().message);
    } else if (file(personal->repo_id) != path) {
      out.warnings.push_back(str::printable(path.native()) +
                             " is left out: its name is not that of its repository");
    } else {
      out.profiles.push_back(std::move(*personal));
    }
  }
  std::sort(out.profiles.begin(), out.profiles.end(),
            [](const auto& a, const auto& b) { return a.repo_id < b.repo_id; });
  std::sort(out.warnings.begin(), out.warnings.end());
  return out;
}

}  // namespace scc::config
