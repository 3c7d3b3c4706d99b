// SPDX-License-Identifier: Apache-2.0
// Reads the process environment once and derives directories from it. An empty variable counts as unset for
// paths, as the XDG base directory specification says.
#include "os/env.h"

#include <cstdlib>
#include <cstring>
#include <pwd.h>
#include <unistd.h>
#include <vector>

#if defined(__APPLE__)
#include <mach-o/dyld.h>
#endif

extern char** environ;  // POSIX: declared by no header

namespace scc::os {

namespace {

stdfs::path executable_path() {
  std::error_code ec;
#if defined(__APPLE__)
  char buffer[4096];
  std::uint32_t size = sizeof buffer;
  if (::_NSGetExecutablePath(buffer, &size) != 0) return {};
  return stdfs::canonical(buffer, ec);
#else
  return stdfs::read_symlink("/proc/self/exe", ec);
#endif
}

stdfs::path passwd_home(uid_t uid) {
  std::vector<char> buffer(16384);
  struct passwd entry {};
  struct passwd* found = nullptr;
  if (::getpwuid_r(uid, &entry, buffer.data(), buffer.size(), &found) != 0 || found == nullptr) return {};
  return found->pw_dir != nullptr ? stdfs::path{found->pw_dir} : stdfs::path{};
}

}  // namespace

Environment Environment::current() {
  Environment env;
  for (char** item = environ; item != nullptr && *item != nullptr; ++item) {
    const char* equals = std::strchr(*item, '=');
    if (equals == nullptr || equals == *item) continue;
    env.vars.emplace(std::string(*item, static_cast<std::size_t>(equals - *item)), equals + 1);
  }
  env.uid = ::geteuid();
  env.gid = ::getegid();
  std::error_code ec;
  env.cwd = stdfs::canonical(stdfs::current_path(ec), ec);
  env.executable = executable_path();
  return env;
}

std::optional<std::string> Environment::get(std::string_view name) const {
  const auto found = vars.find(std::string{name});
  if (found == vars.end()) return std::nullopt;
  return found->second;
}

stdfs::path Environment::home() const {
  const auto value = get("HOME");
  if (value && stdfs::path{*value}.is_absolute()) return *value;
  return passwd_home(uid);
}

std::optional<std::string> Environment::expand(std::string_view text) const {
  std::string out;
  if (text == "~" || text.substr(0, 2) == "~/") {
    out = home().native();
    if (out.empty()) return std::nullopt;
    text.remove_prefix(1);
  }
  while (!text.empty()) {
    const std::size_t start = text.find("${");
    out += text.substr(0, start);
    if (start == std::string_view::npos) break;
    const std::size_t end = text.find('}', start);
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view name = text.substr(start + 2, end - start - 2);
    const std::string value = name == "HOME" ? home().native() : get(name).value_or("");
    if (value.empty()) return std::nullopt;
    out += value;
    text.remove_prefix(end + 1);
  }
  return out;
}

Paths Paths::from(const Environment& env) {
  const stdfs::path home = env.home();
  const auto pick = [&env](const char* own, const char* xdg, const stdfs::path& fallback) -> stdfs::path {
    if (const auto value = env.get(own); value && stdfs::path{*value}.is_absolute()) return *value;
    if (const auto value = env.get(xdg); value && stdfs::path{*value}.is_absolute()) {
      return stdfs::path{*value} / "scc";
    }
    return fallback;
  };
  Paths paths;
  paths.config = pick("SCC_CONFIG_DIR", "XDG_CONFIG_HOME", home / ".config/scc");
  paths.cache = pick("SCC_CACHE_DIR", "XDG_CACHE_HOME", home / ".cache/scc");
  paths.state = pick("SCC_STATE_DIR", "XDG_STATE_HOME", home / ".local/state/scc");
  paths.data = pick("SCC_DATA_DIR", "XDG_DATA_HOME", home / ".local/share/scc");
  paths.runtime = pick("SCC_RUNTIME_DIR", "XDG_RUNTIME_DIR", paths.state / "run");
  paths.prefix = env.executable.parent_path().parent_path();
  paths.libexec = paths.prefix / "libexec/scc";
  paths.share = paths.prefix / "share/scc";
  paths.plugins = paths.prefix / "lib/scc/plugins";
  paths.system = "/etc/scc";
  return paths;
}

}  // namespace scc::os
