// SPDX-License-Identifier: Apache-2.0
// apt reads its own configuration (one-line lists, deb822, options, includes); scc asks it. The private
// update covers fresh machines and images whose lists were removed.
#include "image/mirrors.h"

#include <algorithm>
#include <chrono>

#include "base/str.h"
#include "os/process.h"

namespace scc::image {
namespace {

constexpr std::chrono::milliseconds kAptTimeout{120'000};

bool is_mirror_uri(std::string_view uri) {
  const bool web = str::starts_with(uri, "http://") || str::starts_with(uri, "https://");
  return web && uri.size() <= 512 && std::all_of(uri.begin(), uri.end(), [](char c) {
           return c > ' ' && c < 0x7f && c != '@' && c != '[' && c != ']' && c != '|' && c != '#';
         });
}

Result<os::ProcessResult> run_tool(const Host& host, std::vector<std::string> argv, const Watch& watch) {
  os::ProcessRequest request;
  request.argv = std::move(argv);
  request.env = tool_environment(host);
  request.timeout = kAptTimeout;
  request.cancelled = watch.cancelled;
  return os::run(request);
}

Result<Mirrors> ask(const Host& host, const std::vector<std::string>& options, const Watch& watch) {
  std::vector<std::string> argv{"apt-get", "indextargets"};
  argv.insert(argv.end(), options.begin(), options.end());
  argv.insert(argv.end(), {"--format", "$(ORIGIN)|$(LABEL)|$(REPO_URI)", "Created-By: Packages"});
  auto result = run_tool(host, std::move(argv), watch);
  if (!result) {
    return result.error().kind == Kind::cancelled ? Result<Mirrors>(fail(std::move(result).error()))
                                                  : Result<Mirrors>(Mirrors{});
  }
  return result->exit_code == 0 ? parse_index_targets(result->out) : Mirrors{};
}

/// The value that apt-config prints as NAME='value'.
std::string apt_setting(const Host& host, const std::string& key) {
  const auto result = run_tool(host, {"apt-config", "shell", "V", key}, Watch{});
  if (!result || result->exit_code != 0) {
    return {};
  }
  const std::string_view text = str::trim(result->out);
  const bool quoted = text.size() > 4 && str::starts_with(text, "V='") && text.back() == '\'';
  const std::string_view value = quoted ? text.substr(3, text.size() - 4) : std::string_view{};
  return value.find('\'') == std::string_view::npos ? std::string(value) : std::string();
}

}  // namespace

std::map<std::string, std::string> tool_environment(const Host& host) {
  std::map<std::string, std::string> env{{"PATH", host.tool_path}, {"HOME", "/"}, {"LANG", "C.UTF-8"}};
  for (const char* name : {"http_proxy", "https_proxy", "no_proxy"}) {
    if (const auto value = host.env.get(name); value && !value->empty()) {
      env[name] = *value;
    }
  }
  return env;
}

std::map<std::string, std::string> bootstrap_environment(const Host& host, const BootstrapSpec& spec,
                                                         const stdfs::path& temporary) {
  auto env = tool_environment(host);
  env["TMPDIR"] = temporary.string();
  env["SOURCE_DATE_EPOCH"] = std::to_string(spec.source_date_epoch);
  // mmdebstrap does not read the host's apt.conf, where administrators put the proxy.
  for (const auto& [name, key] : {std::pair<const char*, const char*>{"http_proxy", "Acquire::http::Proxy"},
                                  {"https_proxy", "Acquire::https::Proxy"}}) {
    if (const std::string value = env.count(name) != 0 ? "" : apt_setting(host, key); !value.empty()) {
      env[name] = value;
    }
  }
  return env;
}

Mirrors parse_index_targets(std::string_view text) {
  Mirrors mirrors;
  for (const std::string& line : str::split(text, '\n')) {
    const auto fields = str::split(line, '|');
    if (fields.size() != 3 || fields[0] != "Debian" || !is_mirror_uri(fields[2])) {
      continue;
    }
    if (fields[1] == "Debian" && mirrors.archive.empty()) {
      mirrors.archive = fields[2];
    } else if (fields[1] == "Debian-Security" && mirrors.security.empty()) {
      mirrors.security = fields[2];
    }
  }
  return mirrors;
}

std::string sources_text(const Mirrors& mirrors, std::string_view suite) {
  if (mirrors.archive.empty() || mirrors.security.empty()) {
    return {};
  }
  const std::string name(suite);
  const std::string tail = "Components: main\nSigned-By: /usr/share/keyrings/debian-archive-keyring.gpg\n";
  return "Types: deb\nURIs: " + mirrors.archive + "\nSuites: " + name + " " + name + "-updates\n" + tail +
         "\nTypes: deb\nURIs: " + mirrors.security + "\nSuites: " + name + "-security\n" + tail;
}

Result<Mirrors> find_mirrors(const Host& host, const stdfs::path& work, const Watch& watch, BuildLog& log) {
  SCC_TRY(Mirrors mirrors, ask(host, {}, watch));
  if (!mirrors.archive.empty() && !mirrors.security.empty()) {
    return mirrors;
  }
  log.line("scc: apt has no package lists of Debian yet; fetching them into a private directory");
  SCC_CHECK(os::make_dirs(work / "apt" / "lists" / "partial"));
  SCC_CHECK(os::make_dirs(work / "apt" / "cache" / "archives" / "partial"));
  std::vector<std::string> options{"-o", "Dir::State::Lists=" + (work / "apt" / "lists").string(),
                                   "-o", "Dir::Cache=" + (work / "apt" / "cache").string(),
                                   "-o", "Acquire::Languages=none"};
  if (host.env.uid == 0) {
    // Else apt would fetch as _apt, which cannot enter a private directory.
    options.insert(options.end(), {"-o", "APT::Sandbox::User=root"});
  }
  std::vector<std::string> update{"apt-get", "-q", "update"};
  update.insert(update.end(), options.begin(), options.end());
  auto result = run_tool(host, std::move(update), watch);
  if (!result && result.error().kind == Kind::cancelled) {
    return fail(std::move(result).error());
  }
  log.write(result ? result->out + result->err : result.error().message + "\n");
  return ask(host, options, watch);
}

}  // namespace scc::image
