// SPDX-License-Identifier: Apache-2.0
// A local document of the organisation that lies where an agent may have written: nothing signs it, so it
// counts only with the bytes that a person accepted (setup, org import, org update). [main]
#pragma once

#include "app/host.h"
#include "remote/org.h"

namespace scc::app {

/// Whether an agent could have written the file: it lies below `workspace` or in a git repository, and is not
/// root's alone where scc runs as somebody else.
bool agent_may_write(const os::Environment& env, const os::stdfs::path& file,
                     const os::stdfs::path& workspace);

/// Kind::policy org.not-accepted. Documents that are signed, fetched, or out of an agent's reach pass.
Status check_accepted(const Host& host, const remote::OrgRequest& request,
                      const remote::OrgDocument& document, const os::stdfs::path& workspace);

/// What a person just looked at or named is accepted as it is.
Status accept_document(const Host& host, const remote::OrgRequest& request,
                       const remote::OrgDocument& document);

}  // namespace scc::app
