// SPDX-License-Identifier: Apache-2.0
#include "app/egress_record.h"

#include <memory>

#include "app/audit.h"
#include "egress/record.h"

namespace scc::app {

namespace {

/// The record, which the audit log seals when nobody can write to it any more.
struct Sealed {
  Sealed(Host& the_host, std::string the_session, egress::Recorder the_recorder)
      : host(the_host), session(std::move(the_session)), recorder(std::move(the_recorder)) {}
  Sealed(const Sealed&) = delete;
  Sealed& operator=(const Sealed&) = delete;
  ~Sealed() {
    static_cast<void>(recorder.sync());
    seal_egress(host, session);
  }
  Host& host;
  std::string session;
  egress::Recorder recorder;
};

}  // namespace

Result<std::function<Status(std::string_view)>> open_egress_record(Host& host, const std::string& session) {
  SCC_TRY(egress::Recorder opened, egress::Recorder::open(host.paths, session));
  auto sealed = std::make_shared<Sealed>(host, session, std::move(opened));
  return std::function<Status(std::string_view)>([sealed](std::string_view line) -> Status {
    const auto done = sealed->recorder.append(line);
    // What is no decision is not recorded and nothing rests on it; a record that cannot go on ends the
    // egress.
    if (!done && done.error().id != "egress.line") return fail(Error(done.error()));
    return {};
  });
}

}  // namespace scc::app
