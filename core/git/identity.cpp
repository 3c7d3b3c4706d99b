// SPDX-License-Identifier: Apache-2.0
#include "git/identity.h"

#include <algorithm>
#include <memory>

#include <git2.h>

#include "base/str.h"
#include "git/library.h"

namespace scc::git {

namespace {

struct FreeConfig {
  void operator()(git_config* config) const noexcept { git_config_free(config); }
};
using Config = std::unique_ptr<git_config, FreeConfig>;

tl::unexpected<Error> broken(const os::stdfs::path& file) {
  const git_error* last = git_error_last();
  const std::string why = last != nullptr && last->message != nullptr ? last->message : "unknown error";
  return fail(Kind::config, "git.config", str::printable(file.native()) + ": " + str::printable(why),
              "correct the file; git config --global --list shows the place");
}

Status add(git_config& config, const os::stdfs::path& file, git_config_level_t level) {
  std::error_code ec;
  if (!os::stdfs::is_regular_file(file, ec)) return {};
  if (git_config_add_file_ondisk(&config, file.c_str(), level, nullptr, 0) != 0) return broken(file);
  return {};
}

std::string value(git_config& config, const char* key) {
  git_buf buffer = {};
  std::string out;
  if (git_config_get_string_buf(&buffer, &config, key) == 0) out.assign(buffer.ptr, buffer.size);
  git_buf_dispose(&buffer);
  const bool control = std::any_of(out.begin(), out.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7f;
  });
  return control || !str::valid_utf8(out) || out.size() > 256 ? std::string{} : out;
}

std::string quote_value(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

}  // namespace

Result<Identity> identity(const os::Environment& env) {
  const Library library;
  git_config* raw = nullptr;
  if (git_config_new(&raw) != 0) return broken("git configuration");
  const Config config{raw};
  if (const auto own = env.get("GIT_CONFIG_GLOBAL")) {
    if (!own->empty()) SCC_CHECK(add(*config, *own, GIT_CONFIG_LEVEL_GLOBAL));
  } else {
    const os::stdfs::path home = env.home();
    const os::stdfs::path xdg = env.get("XDG_CONFIG_HOME").value_or("");
    SCC_CHECK(
        add(*config, (xdg.is_absolute() ? xdg : home / ".config") / "git/config", GIT_CONFIG_LEVEL_XDG));
    SCC_CHECK(add(*config, home / ".gitconfig", GIT_CONFIG_LEVEL_GLOBAL));
  }
  return Identity{value(*config, "user.name"), value(*config, "user.email")};
}

std::string render_global_config(const Identity& identity) {
  std::string text;
  if (!identity.name.empty() || !identity.email.empty()) text += "[user]\n";
  if (!identity.name.empty()) text += "\tname = " + quote_value(identity.name) + "\n";
  if (!identity.email.empty()) text += "\temail = " + quote_value(identity.email) + "\n";
  return text + "[push]\n\tautoSetupRemote = true\n";
}

}  // namespace scc::git
