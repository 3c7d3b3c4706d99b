// SPDX-License-Identifier: Apache-2.0
// The checks of `scc doctor`, one function an area, and those of them that need no machine. Private to
// core/app and its tests.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/doctor.h"
#include "app/engine.h"
#include "app/governance.h"
#include "json/value.h"
#include "session/prune.h"

namespace scc::app::doctor {

using Checks = std::vector<Check>;

Check passed(std::string id, std::string category, std::string message);
Check skipped(std::string id, std::string category, std::string message);
Check warned(std::string id, std::string category, std::string message, std::string remedy);
/// With the error's message, hint and context.
Check failed(std::string id, std::string category, const Error& error);

// doctor_machine.cpp
Checks machine(Host& host);
/// A directory of scc's own. `secret`: what is in it is nobody else's business.
Check directory_check(const std::string& name, const os::stdfs::path& path, uid_t me, bool secret);
/// A private file of scc's own; absent is fine.
Check file_check(const std::string& name, const os::stdfs::path& path, uid_t me);
Check disk_check(const os::stdfs::path& path, std::uint64_t free_bytes);
/// Whether `text`, an /etc/subuid, has at least 65536 ids for the user.
bool has_subordinate_ids(std::string_view text, std::string_view user, uid_t uid);

// doctor_policy.cpp
Checks configuration(Host& host);
Checks governance(Host& host, const DoctorOptions& options, std::optional<Governance>& out);
Checks plugins(Host& host);

// doctor_engine.cpp
/// What one engine says of itself. `needed`: no other one answers.
Checks engine_checks(const std::string& id, const json::Value& info, bool needed);
/// What killed sessions left: instances without a stopped sandbox that still shows them.
session::PruneReport leftovers(const session::PruneReport& all);
struct Engines {
  std::optional<Engine> chosen;  ///< what a start would use
};
Checks engines(Host& host, const DoctorOptions& options, Engines& out);
Checks agents(Host& host, const DoctorOptions& options, const Engines& engines,
              const std::optional<Governance>& governance);
Checks launch(Host& host, const DoctorOptions& options, const Engines& engines);

}  // namespace scc::app::doctor
