// SPDX-License-Identifier: Apache-2.0
// The record of a session's web requests, while it runs.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "app/host.h"

namespace scc::app {

/// Opens it for writing; what it returns takes one decision line of the proxy, and seals the record in the
/// audit log when it goes. Errors of egress::Recorder::open.
Result<std::function<Status(std::string_view)>> open_egress_record(Host& host, const std::string& session);

}  // namespace scc::app
