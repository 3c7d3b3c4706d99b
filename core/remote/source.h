// SPDX-License-Identifier: Apache-2.0
// Where an organisation's document lives: the source strings that people type, resolved to one https URL or
// one local file. Nothing is contacted here.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"
#include "os/fs.h"

namespace scc::remote {

/// What a `github:` or `gitlab:` source without a path names.
inline constexpr std::string_view kDefaultOrgPath = "org-config.json";

enum class Provider : std::uint8_t { file, https, github, gitlab, custom };
std::string_view provider_name(Provider provider) noexcept;

struct Source {
  std::string original;
  Provider provider = Provider::https;
  std::string resolved_url;  ///< https; empty for a file
  os::stdfs::path file;      ///< absolute real path; empty for a URL
  std::string host;          ///< of the resolved URL
  std::string owner;         ///< or the group with its subgroups
  std::string repo;
  std::string ref;   ///< as given; empty: the default branch
  std::string path;  ///< inside the repository
  /// The reference cannot change its meaning: a file, a full commit id, or a tag vN.N.N.
  bool is_pinned = false;
  bool is_file() const noexcept { return provider == Provider::file; }
};

/// config.md §5.1, first match: file:, ./, ../, /, ~, a drive letter; https://; github:, gitlab:,
/// host.tld:owner/repo[@ref][:path]; a path that exists below `cwd`. Kind::config: source.empty, source.http,
/// source.ssh, source.form, source.url, source.path (".."), source.missing (no such file).
Result<Source> parse_source(std::string_view text, const os::stdfs::path& cwd, const os::stdfs::path& home);

/// A URL as stored in configuration: https and nothing else, no "..". Same errors as parse_source.
Result<Source> parse_url_source(std::string_view url);

/// `url` with ".sig" added to its path.
std::string signature_url(std::string_view url);

/// Percent-encodes everything but RFC 3986's unreserved characters and '/'.
std::string encode_path(std::string_view path);

}  // namespace scc::remote
