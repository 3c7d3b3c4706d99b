// SPDX-License-Identifier: Apache-2.0
// Images in the engine: is the wanted one there, build what is missing in the order of the parents, list and
// remove ours. Wanted means: the tag carries the digest of the context, and so does the image's label. [main]
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "image/bootstrap.h"
#include "image/context.h"
#include "json/value.h"
#include "plugin/runtime.h"

namespace scc::image {

enum class State {
  present,  ///< the wanted image is there
  stale,    ///< only an image of another content or version of scc is there (`existing`)
  missing
};
std::string_view to_string(State value) noexcept;

struct ImageStatus {
  State state = State::missing;
  std::string ref;       ///< the wanted image; use this one to create sandboxes
  std::string existing;  ///< ref to use now: `ref` when present, an older one when stale, else empty
  std::string digest;    ///< hex digest of the context; of the pulled image for a configured ref
  std::string image_id;  ///< engine's id of `existing`
};

/// One engine call when present, two otherwise; no process, no write. An engine that does not answer is an
/// error, never "missing". A configured images.<id>.ref of an image with a parent replaces the build.
Result<ImageStatus> status(plugin::Runtime& runtime, const Host& host, const Locator& locator,
                           std::string_view id);

struct EnsureOptions {
  bool rebuild = false;  ///< make the whole chain anew, root filesystem included
  Watch watch;
};

struct Ensured {
  std::string ref;
  std::string digest;
  std::string image_id;
  std::vector<std::string> built;  ///< ids, in order; empty: nothing was to do
  std::vector<std::string> notes;
};

/// Builds what is missing. One builder per image at a time (lock below <runtime>/locks); a second caller
/// waits for it. Kind::tool, image.build: with the last lines of the log, the log's path and the command to
/// retry; Kind::cancelled.
Result<Ensured> ensure(plugin::Runtime& runtime, const Host& host, const Locator& locator,
                       std::string_view id, const EnsureOptions& options);

/// Where the full output of the last build of an image is.
stdfs::path log_path(const Host& host, std::string_view id);

struct ListedImage {
  std::string id;                 ///< context id; "rootfs" for an imported root filesystem
  std::string role;               ///< image | rootfs
  std::vector<std::string> tags;  ///< may be empty: superseded
  std::string image_id;
  std::string version;        ///< of scc
  std::string agent_version;  ///< may be empty
  std::string digest;         ///< of the context
  std::string created;
  std::int64_t size = 0;
};

/// Images labelled scc.managed=true, by id, newest first.
Result<std::vector<ListedImage>> list(plugin::Runtime& runtime);

struct Removal {
  std::string ref;
  bool removed = false;
  std::string reason;  ///< when not removed: "in use by ..." as the engine says
};

/// Removes images labelled scc.managed=true only. `selector`: a context id, a tag, an image id (12 or more
/// hex digits), or "" for all of them. Kind::not_found, image.unknown, when nothing of ours matches.
Result<std::vector<Removal>> remove(plugin::Runtime& runtime, std::string_view selector);

}  // namespace scc::image
