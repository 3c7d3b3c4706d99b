// SPDX-License-Identifier: Apache-2.0
// scc.sandbox-spec/1 as Podman's own create document (libpod API, SpecGenerator). Not the Engine API's, which
// Podman turns into command-line text: a comma in a path would be an option there, the host's proxy variables
// would come along, and the limits of its configuration could not be replaced. Pure.
#pragma once

#include <string>
#include <vector>

#include <scc/oci/spec.hpp>

#include "facts.hpp"
#include "machine.hpp"

namespace scc::podman {

/// Failure as oci::create_body().
std::string create_body(const sdk::Json& spec, const std::string& image, const oci::Abilities& able,
                        const Facts& facts, const Limits& limits, std::vector<std::string>& warnings);

}  // namespace scc::podman
