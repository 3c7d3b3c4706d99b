// SPDX-License-Identifier: Apache-2.0
// scc.host.json/1 over the engine's own reader: the one service that a safety check finds in a sandbox.
#pragma once

#include <scc/abi.h>

namespace scc::guard {

const scc_host_json_v1* ext_json_service() noexcept;

}  // namespace scc::guard
