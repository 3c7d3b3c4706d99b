// SPDX-License-Identifier: Apache-2.0
// Private to core/git: libgit2's smart protocol over a function instead of a socket.
#pragma once

#include <optional>
#include <string>

#include <git2/sys/transport.h>

#include "git/fetch.h"
#include "git/library.h"

namespace scc::git {

/// What the transport of one fetch needs and leaves behind. Outlives the remote.
struct Wire {
  const Http& http;
  std::size_t limit;           ///< bytes left for the whole fetch
  std::string base;            ///< the repository's URL, after a redirect
  std::optional<Error> error;  ///< why a callback failed
};

/// A git_transport_cb whose payload is a Wire.
int make_transport(git_transport** out, git_remote* owner, void* wire);

}  // namespace scc::git
