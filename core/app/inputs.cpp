// SPDX-License-Identifier: Apache-2.0
#include "app/inputs.h"

#include <algorithm>

#include <sys/resource.h>

#include "base/str.h"
#include "os/fs.h"

namespace scc::app {

std::map<std::string, std::string> terminal_env(const os::Environment& env) {
  std::map<std::string, std::string> out;
  for (const char* name : {"TERM", "COLORTERM", "TZ"}) {
    const auto value = env.get(name);
    if (value && !value->empty() && value->size() < 128 && str::printable(*value) == *value)
      out[name] = *value;
  }
  return out;
}

Result<std::string> ca_text(const config::UserConfig& config) {
  if (config.tls_ca_file.empty()) return std::string();
  auto text = os::read_file(config.tls_ca_file);
  if (!text) {
    return fail(Error{Kind::config,
                      "config.ca-file",
                      "tls.ca_file cannot be read",
                      "mend " + config.file.native(),
                      {text.error().message}});
  }
  if (text->find("-----BEGIN CERTIFICATE-----") == std::string::npos ||
      text->find("PRIVATE KEY-----") != std::string::npos) {
    return fail(Kind::config, "config.ca-file",
                config.tls_ca_file + " is not a PEM file of certificates only",
                "mend tls.ca_file in " + config.file.native());
  }
  return text;
}

std::int64_t open_files_limit() {
  constexpr std::int64_t kWanted = 65536;
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max == RLIM_INFINITY) return kWanted;
  return std::min(kWanted, static_cast<std::int64_t>(limit.rlim_max));
}

std::vector<std::string> engine_sockets(const Host& host, const plugin::Registry& registry,
                                        const json::Value& runtime_info) {
  constexpr std::string_view kUnix = "unix://";
  std::vector<std::string> out;
  for (const std::string& pattern : registry.declarations().engine_sockets) {
    if (auto expanded = host.env.expand(pattern)) out.push_back(std::move(*expanded));
  }
  const std::string endpoint = runtime_info.str("/endpoint");
  if (str::starts_with(endpoint, kUnix)) out.push_back(endpoint.substr(kUnix.size()));
  return out;
}

}  // namespace scc::app
