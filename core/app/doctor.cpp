// SPDX-License-Identifier: Apache-2.0
// The order of the checks, and the repairs.
#include "app/doctor.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>

#include <sys/stat.h>

#include "app/cleanup.h"
#include "app/doctor_checks.h"
#include "app/images.h"
#include "base/str.h"
#include "os/tty.h"

namespace scc::app {

namespace doctor {

Check passed(std::string id, std::string category, std::string message) {
  Check out;
  out.id = std::move(id);
  out.category = std::move(category);
  out.message = std::move(message);
  return out;
}

Check skipped(std::string id, std::string category, std::string message) {
  Check out = passed(std::move(id), std::move(category), std::move(message));
  out.state = Check::State::skipped;
  return out;
}

Check warned(std::string id, std::string category, std::string message, std::string remedy) {
  Check out = passed(std::move(id), std::move(category), std::move(message));
  out.state = Check::State::warn;
  out.remedy = std::move(remedy);
  return out;
}

Check failed(std::string id, std::string category, const Error& error) {
  Check out = passed(std::move(id), std::move(category), error.message);
  out.state = Check::State::fail;
  out.remedy = error.hint;
  out.details = error.context;
  return out;
}

}  // namespace doctor

namespace {

void append(doctor::Checks& into, doctor::Checks more) {
  for (Check& check : more) into.push_back(std::move(check));
}

Status known_provider(Host& host, const std::string& provider) {
  if (provider.empty()) return {};
  SCC_TRY(plugin::Registry * registry, host.registry());
  const auto known = registry->components("provider");
  if (std::find(known.begin(), known.end(), provider) != known.end()) return {};
  return fail(Kind::usage, "provider.unknown", "there is no provider " + str::printable(provider),
              "known: " + str::join(known, ", "));
}

/// Through a descriptor, so that a link which took the place of the path since it was checked is not
/// followed.
Status change_mode(const std::string& path, unsigned mode) {
  const os::Fd fd{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!fd) return fail(os::errno_error("open", path, errno));
  if (::fchmod(fd.get(), mode) != 0) return fail(os::errno_error("change the mode of", path, errno));
  return {};
}

Repair mode_repair(const Check& check) {
  struct stat info {};
  const bool directory = ::lstat(check.target.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
  Repair out{check.id, std::string("chmod ") + (directory ? "700 " : "600 ") + check.target, {}};
  const Status done = change_mode(check.target, directory ? 0700 : 0600);
  if (!done) out.error = done.error().message;
  return out;
}

Result<std::size_t> remove_leftovers(Host& host, const DoctorOptions& options) {
  SCC_TRY(const Engine engine, choose_engine(host, options.runtime));
  const std::vector<plugin::Runtime*> runtimes{engine.runtime.get()};
  SCC_TRY(const session::PruneReport all, session::plan_prune(runtimes, host.paths, host.env));
  const session::PruneReport report = doctor::leftovers(all);
  const auto workspaces = workspaces_of(host, report);
  const session::PruneOutcome outcome = session::apply_prune(report, runtimes, host.paths);
  release_git_guards(host, workspaces);
  if (!outcome.errors.empty()) return fail(outcome.errors.front());
  return outcome.removed.size();
}

Status build_image(Host& host, const DoctorOptions& options, const std::string& provider) {
  SCC_TRY(const Engine engine, choose_engine(host, options.runtime));
  SCC_TRY(plugin::Registry * registry, host.registry());
  const plugin::ManifestComponent* component = registry->component("provider", provider);
  if (component == nullptr) return {};
  SCC_TRY(const image::Host images, image_host(host));
  SCC_TRY(const image::Locator locator, image_locator(host, provider));
  host.progress("building the image " + component->image_context);
  SCC_TRY(const image::Ensured done, image::ensure(*engine.runtime, images, locator, component->image_context,
                                                   {false, image_watch(host)}));
  for (const std::string& note : done.notes) host.warn(note);
  return {};
}

}  // namespace

std::string_view to_string(Check::State state) noexcept {
  switch (state) {
    case Check::State::ok:
      return "ok";
    case Check::State::warn:
      return "warn";
    case Check::State::fail:
      return "fail";
    case Check::State::skipped:
      break;
  }
  return "skipped";
}

std::size_t DoctorReport::count(Check::State state) const {
  return static_cast<std::size_t>(
      std::count_if(checks.begin(), checks.end(), [&](const Check& check) { return check.state == state; }));
}

Result<DoctorReport> examine(Host& host, const DoctorOptions& options) {
  SCC_CHECK(known_provider(host, options.provider));
  DoctorReport out;
  append(out.checks, doctor::machine(host));
  append(out.checks, doctor::configuration(host));
  std::optional<Governance> governance;
  append(out.checks, doctor::governance(host, options, governance));
  append(out.checks, doctor::plugins(host));
  if (options.no_engine) return out;
  doctor::Engines engines;
  append(out.checks, doctor::engines(host, options, engines));
  append(out.checks, doctor::agents(host, options, engines, governance));
  append(out.checks, doctor::launch(host, options, engines));
  return out;
}

std::vector<Repair> mend(Host& host, const DoctorOptions& options, const DoctorReport& report) {
  std::vector<Repair> out;
  for (const Check& check : report.checks) {
    if (!check.fixable || check.state == Check::State::ok || os::cancelled()) continue;
    if (str::starts_with(check.id, "directory.") || str::starts_with(check.id, "file.")) {
      out.push_back(mode_repair(check));
    } else if (check.id == "engine.leftovers") {
      const auto done = remove_leftovers(host, options);
      out.push_back({check.id, "scc prune, of what killed sessions left", done ? "" : done.error().message});
    } else if (str::starts_with(check.id, "image.")) {
      const Status done = build_image(host, options, check.target);
      out.push_back({check.id, "scc image build, for " + check.target, done ? "" : done.error().message});
    }
  }
  return out;
}

}  // namespace scc::app
