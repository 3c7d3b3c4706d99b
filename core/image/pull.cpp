// SPDX-License-Identifier: Apache-2.0
#include "image/pull.h"

#include <algorithm>

#include "base/str.h"
#include "image/bootstrap.h"

namespace scc::image {
namespace {

/// True when the engine reports the digest that the reference asks for.
bool reports_digest(const json::Value& info, const std::string& ref) {
  const std::string wanted = ref.substr(ref.rfind("@sha256:") + 1);
  const auto digests = info.strings_at("/digests");
  return std::any_of(digests.begin(), digests.end(), [&wanted](const std::string& digest) {
    return digest == wanted || str::ends_with(digest, "@" + wanted);
  });
}

}  // namespace

Status check_ref(std::string_view id, std::string_view ref) {
  if (has_digest(ref)) {
    return {};
  }
  return fail(Kind::config, "image.ref",
              "images." + std::string(id) + ".ref: '" + str::printable(ref) + "' does not name a digest",
              "write it as NAME@sha256:<64 hex digits>; a tag can change under you");
}

Result<json::Value> pull_by_digest(plugin::Runtime& runtime, const std::string& ref, const Watch& watch,
                                   BuildLog& log) {
  auto info = runtime.image_inspect(ref);
  if (!info && info.error().kind == Kind::not_found) {
    SCC_CHECK(check_cancelled(watch));
    log.line("scc: pulling " + ref);
    info = runtime.image_pull(ref, log.progress());
    log.flush();
    if (!info) {
      SCC_CHECK(check_cancelled(watch));
    }
  }
  if (!info) {
    return fail(std::move(info).error().with("while pulling " + str::printable(ref)));
  }
  if (!reports_digest(*info, ref)) {
    return fail(Kind::tool, "image.digest",
                "the engine's image for " + str::printable(ref) + " does not have this digest",
                "check the digest in config.json (images); the image is not used");
  }
  return info;
}

}  // namespace scc::image
