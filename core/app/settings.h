// SPDX-License-Identifier: Apache-2.0
// The files that scc keeps for a user, and the user configuration opened in their editor. [main]
#pragma once

#include <string>
#include <vector>

#include "app/host.h"

namespace scc::app {

struct StoredFile {
  std::string name;
  os::stdfs::path path;
};
/// In a fixed order; they need not exist.
std::vector<StoredFile> stored_files(const Host& host);

/// A copy is edited ($VISUAL, $EDITOR, vi; split at blanks, no shell) and takes the file's place only when it
/// is valid; otherwise it stays beside it and the error names it. Kind::prereq config.editor.
Status edit_user_file(Host& host);

}  // namespace scc::app
