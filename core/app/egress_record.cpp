// SPDX-License-Identifier: Apache-2.0
#include "app/egress_record.h"

#include <memory>

#include "egress/record.h"

namespace scc::app {

Result<std::function<Status(std::string_view)>> open_egress_record(Host& host, const std::string& session) {
  SCC_TRY(egress::Recorder opened, egress::Recorder::open(host.paths, session));
  auto recorder = std::make_shared<egress::Recorder>(std::move(opened));
  return std::function<Status(std::string_view)>([recorder](std::string_view line) -> Status {
    const auto done = recorder->append(line);
    // What is no decision is not recorded and nothing rests on it; a record that cannot go on ends the
    // egress.
    if (!done && done.error().id != "egress.line") return fail(Error(done.error()));
    return {};
  });
}

}  // namespace scc::app
