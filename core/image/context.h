// SPDX-License-Identifier: Apache-2.0
// Image contexts: the folders below share/images that hold image.json, a Containerfile and what it copies.
// Finds, parses and reads them whole (they are small and bounded), resolves parents and computes the digest
// that names the image. Reads files; talks to no engine. Loaded contexts are plain data.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "os/fs.h"

namespace scc::image {

namespace stdfs = std::filesystem;

/// How a root filesystem is made from Debian packages (image.json, "bootstrap").
struct BootstrapSpec {
  std::string suite;
  std::string variant;
  std::vector<std::string> include;
  std::vector<std::string> dpkg_options;
  std::int64_t source_date_epoch = 0;
};

/// image.json (schema scc.image/1).
struct Definition {
  std::string id;                          ///< name of its folder
  std::string repository;                  ///< image name in the engine: unqualified, without tag
  std::string version;                     ///< raised by hand
  std::string parent;                      ///< id; empty for a root image
  std::optional<BootstrapSpec> bootstrap;  ///< root images only, and always there
  std::string agent_name;                  ///< empty when there is no agent inside
  std::string agent_version;
  std::vector<std::string> cmd;
};

/// Kind::config, image.definition: names the file's pointer ("/bootstrap/suite: ...").
Result<Definition> parse_definition(std::string_view text, std::string_view folder_name);

struct File {
  std::string path;         ///< relative, '/'-separated
  bool executable = false;  ///< any of mode & 0111
  std::string bytes;
};

/// Where the contexts of one image are looked for: `<plugin_dir>/share/images/<id>`, then
/// `<share>/images/<id>`. A parent is looked up the same way, so a plugin can shadow only its own parents.
struct Locator {
  stdfs::path plugin_dir;  ///< empty: none
  stdfs::path share;
};

struct Context {
  Definition definition;
  stdfs::path directory;
  std::vector<File> files;  ///< sorted by path; image.json included; CA certificates added below ca/
};

/// The host's own CA certificates as files "ca/<name>.crt": *.crt below `directories`, PEM certificates only
/// (a file with a private key in it is left out), sorted. Directories that do not exist count as empty.
Result<std::vector<File>> host_certificates(const std::vector<stdfs::path>& directories);
/// /usr/local/share/ca-certificates and /etc/pki/ca-trust/source/anchors.
std::vector<stdfs::path> default_ca_directories();

/// The folder of an image. Kind::not_found, image.unknown.
Result<stdfs::path> find_context(const Locator& locator, std::string_view id);

/// Reads one context. `certificates` are added when the context has a folder ca/. Links, special files,
/// entries that others may write and contexts over 32 MiB or 4096 files are refused: Kind::policy,
/// image.unsafe-context, or Kind::config, image.limit.
Result<Context> load_context(const Locator& locator, std::string_view id,
                             const std::vector<File>& certificates);

/// The context of `id` and all its ancestors, root first. A cycle or more than 8 levels: Kind::config,
/// image.cycle.
Result<std::vector<Context>> load_chain(const Locator& locator, std::string_view id,
                                        const std::vector<File>& certificates);

/// Lower-case hex SHA-256 over the files (path, executable, bytes), the digest of the parent (or empty) and
/// the build arguments that decide the content. Where packages come from (registry, proxies) is not among
/// them: npm checks the bytes against the lock file.
std::string context_digest(const Context& context, std::string_view parent_digest,
                           const std::map<std::string, std::string>& build_args);

/// "<repository>:<scc version>-<first 12 of the digest>".
std::string image_ref(const Definition& definition, std::string_view digest);
/// "<repository>:latest".
std::string moving_ref(const Definition& definition);
/// scc.managed, scc.role=image, scc.image, scc.image-digest, scc.agent-version,
/// org.opencontainers.image.version ...
std::map<std::string, std::string> image_labels(const Definition& definition, std::string_view digest);

/// Version of scc that tags and labels carry.
std::string_view scc_version() noexcept;

}  // namespace scc::image
