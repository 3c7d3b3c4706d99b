// SPDX-License-Identifier: Apache-2.0
// The root filesystem under every image: pulled by digest where configuration names one and a registry
// answers, else made from Debian packages with mmdebstrap (as root or in an unprivileged user namespace) and
// imported into the engine. No registry, no vendor image and no account is needed. Slow (half a minute) and
// cancellable; [main].
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "image/context.h"
#include "os/env.h"
#include "plugin/runtime.h"

namespace scc::image {

/// What this layer knows of the machine and the user. Tests set their own directories.
struct Host {
  os::Environment env;
  os::Paths paths;
  std::map<std::string, std::string> refs;  ///< user or org config, images.<id>.ref
  std::vector<stdfs::path> ca_directories = default_ca_directories();
  /// PATH for the tools that are run here (mmdebstrap, apt-get, unshare); never the user's.
  std::string tool_path = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  stdfs::path keyring = "/usr/share/keyrings/debian-archive-keyring.gpg";
  stdfs::path work_directory = "/var/tmp";  ///< where the tree is unpacked; not noexec, not nodev
};

/// How a long step talks to its caller. Both may be empty.
struct Watch {
  std::function<void(std::string_view line)> progress;  ///< last line of output, printable
  std::function<bool()> cancelled;                      ///< polled; true ends the step: Kind::cancelled
};

struct Rootfs {
  std::string ref;                 ///< for the build argument BASE_REF
  std::vector<std::string> notes;  ///< "the registry did not answer: ..."
};

/// What BASE_REF will be without asking anybody: the configured ref, or scc-rootfs:<key>. Pure; part of the
/// root image's digest. Kind::config, image.ref: a configured ref without "@sha256:<64 hex>".
Result<std::string> rootfs_ref(const Host& host, const Definition& definition);

/// The same when nothing is configured.
std::string bootstrapped_ref(const BootstrapSpec& spec);

/// Makes sure that the engine has the root filesystem of a root image. `fresh` makes it anew. A configured
/// ref whose registry does not answer falls back to the bootstrap with a note; an answer without the wanted
/// digest is Kind::tool, image.digest. Cannot bootstrap: Kind::prereq, image.bootstrap, with the line that
/// mends it.
Result<Rootfs> ensure_rootfs(plugin::Runtime& runtime, const Host& host, const Definition& definition,
                             bool fresh, const Watch& watch, const stdfs::path& log);

/// First 12 hex digits over the bootstrap object and the architecture.
std::string rootfs_key(const BootstrapSpec& spec, std::string_view architecture);
/// True for NAME@sha256:<64 hex>, with or without registry and tag.
bool has_digest(std::string_view ref) noexcept;

/// Debian's archive and its security archive as this host's apt knows them.
struct Mirrors {
  std::string archive;
  std::string security;
};
/// Reads lines "ORIGIN|LABEL|URI" (apt-get indextargets). Origin and label come from signed Release files, so
/// another vendor's repository cannot pass for Debian. URIs other than plain http(s) are ignored.
Mirrors parse_index_targets(std::string_view text);
/// A deb822 sources file for the suite, its updates and security. Empty unless both mirrors are known: then
/// mmdebstrap's default is used, because a base without security updates is not acceptable.
std::string sources_text(const Mirrors& mirrors, std::string_view suite);
/// `sources` may be empty.
std::vector<std::string> mmdebstrap_argv(const BootstrapSpec& spec, bool as_root, const stdfs::path& sources);

/// Whether mmdebstrap can run here. Kind::prereq, image.bootstrap, with the fix line in the hint.
Status can_bootstrap(const Host& host);

}  // namespace scc::image
