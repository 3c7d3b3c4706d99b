// SPDX-License-Identifier: Apache-2.0
#include "git/library.h"

#include "base/str.h"

namespace scc::git {

namespace {

constexpr std::array<int, 4> kLevels{GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM,
                                     GIT_CONFIG_LEVEL_XDG, GIT_CONFIG_LEVEL_GLOBAL};
constexpr std::size_t kMaxObjects = 2'000'000;
constexpr std::size_t kMaxObjectBytes = std::size_t{64} << 20U;

std::mutex& global_mutex() {
  static std::mutex mutex;
  return mutex;
}

}  // namespace

Library::Library() : lock_(global_mutex()) {
  git_libgit2_init();
}

Library::~Library() {
  git_libgit2_shutdown();
}

Isolated::Isolated() {
  for (std::size_t i = 0; i < kLevels.size(); ++i) {
    git_buf path = {};
    if (get_search_path(kLevels[i], &path) == 0 && path.ptr != nullptr) saved_[i].assign(path.ptr, path.size);
    git_buf_dispose(&path);
    set_search_path(kLevels[i], "");
  }
  set_pack_limits(kMaxObjects, kMaxObjectBytes);
}

Isolated::~Isolated() {
  for (std::size_t i = 0; i < kLevels.size(); ++i) set_search_path(kLevels[i], saved_[i].c_str());
}

std::string last_message() {
  const git_error* last = git_error_last();
  return last != nullptr && last->message != nullptr ? str::printable(last->message) : "unknown error";
}

}  // namespace scc::git
