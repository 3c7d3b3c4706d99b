// SPDX-License-Identifier: Apache-2.0
// Image references as written and in one spelling, registry/repository:tag[@digest], so that no pattern is
// dodged by leaving the registry or the tag out. No I/O: nothing is looked up.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "model/types.h"

namespace scc::policy {

struct ImageRef {
  std::string registry;    ///< the default one when none is written
  std::string repository;  ///< with the default namespace when one part is written
  std::string tag;         ///< "latest" when neither tag nor digest is written
  std::string digest;
};

/// nullopt when the text is not a reference.
std::optional<ImageRef> parse_image(std::string_view text);
std::string to_string(const ImageRef& ref);

/// What an allow list is compared with: as written, and canonical.
model::Strings image_candidates(std::string_view text);
/// What a block list is compared with: also the short spellings of the default registry, and without the
/// digest.
model::Strings image_block_candidates(std::string_view text);

}  // namespace scc::policy
