// SPDX-License-Identifier: Apache-2.0
#include "app/audit.h"

#include <algorithm>
#include <deque>
#include <map>
#include <tuple>

#include "audit/collector.h"
#include "base/str.h"
#include "egress/record.h"
#include "session/instance.h"

namespace scc::app {

namespace {

constexpr std::size_t kMostRefused = 50;  // hosts in one session's summary

bool fits(const json::Value& line, const std::vector<std::string>& kinds, const AuditQuery& query) {
  const std::string type = line.str("/event_type");
  const auto is = [&](const std::string& kind) {
    return type == kind || (str::ends_with(kind, ".") && str::starts_with(type, kind));
  };
  if (!kinds.empty() && std::none_of(kinds.begin(), kinds.end(), is)) return false;
  if (!query.event.empty() && !is(query.event)) return false;
  if (!query.session.empty() && line.str("/session") != query.session) return false;
  if (!query.severity.empty() && line.str("/severity") != query.severity) return false;
  if (!query.rule.empty() && line.str("/metadata/matched_rule") != query.rule) return false;
  return !query.blocked || line.str("/metadata/decision") == "block";
}

/// What a session was refused: host, port and rule, most often first.
std::vector<std::pair<std::int64_t, egress::Event>> refused(
    const std::map<std::string, std::pair<std::int64_t, egress::Event>>& by) {
  std::vector<std::pair<std::int64_t, egress::Event>> out;
  for (const auto& [key, value] : by) out.push_back(value);
  std::stable_sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  if (out.size() > kMostRefused) out.resize(kMostRefused);
  return out;
}

Result<std::vector<audit::Event>> egress_events(Host& host, const std::string& session) {
  std::map<std::string, std::pair<std::int64_t, egress::Event>> denied;
  std::int64_t denials = 0;
  SCC_TRY(const egress::Checked checked,
          egress::read_record(host.paths, session, [&](const egress::Event& event) {
            if (event.verdict != "deny") return;
            ++denials;
            auto& entry = denied[event.host + ' ' + std::to_string(event.port) + ' ' + event.rule];
            ++entry.first;
            entry.second = event;
          }));
  std::vector<audit::Event> out;
  for (const auto& [count, event] : refused(denied)) {
    audit::Event one;
    one.event_type = "egress.denied";
    one.message = "a request to the web was refused";
    one.severity = "warning";
    one.subject = event.host + ":" + std::to_string(event.port);
    one.session = session;
    one.metadata = {{"host", event.host},     {"port", std::to_string(event.port)},
                    {"method", event.method}, {"matched_rule", event.rule},
                    {"decision", "block"},    {"count", std::to_string(count)}};
    out.push_back(std::move(one));
  }
  audit::Event seal;
  seal.event_type = "egress.sealed";
  seal.message = checked.intact ? "the record of the session's web requests ends here" : checked.problem;
  seal.severity = checked.intact ? "info" : "error";
  seal.session = session;
  seal.metadata = {{"lines", std::to_string(checked.head.seq)},
                   {"denied", std::to_string(denials)},
                   {"head", checked.head.hash}};
  out.push_back(std::move(seal));
  return out;
}

struct Seal {
  std::int64_t lines = 0;
  std::string head;
};

/// Empty: the record holds what was sealed. Nothing: it is gone.
Result<std::optional<std::string>> seal_problem(Host& host, const std::string& session, const Seal& seal) {
  std::string hash_there;
  auto checked = egress::read_record(host.paths, session, [&](const egress::Event& event) {
    if (event.seq == seal.lines) hash_there = event.hash;
  });
  if (!checked && checked.error().kind == Kind::not_found) return std::optional<std::string>();
  if (!checked) return fail(std::move(checked).error());
  if (!checked->intact) return std::optional<std::string>(checked->problem);
  if (checked->head.seq < seal.lines)
    return std::optional<std::string>("lines " + std::to_string(checked->head.seq + 1) + " to " +
                                      std::to_string(seal.lines) + " were taken off the end");
  if (seal.lines > 0 && hash_there != seal.head)
    return std::optional<std::string>("it is another record than the one that was sealed");
  return std::optional<std::string>("");
}

}  // namespace

Result<std::shared_ptr<void>> open_collector(Host& host, const std::string& session,
                                             const os::stdfs::path& directory) {
  SCC_TRY(std::unique_ptr<audit::Collector> opened,
          audit::Collector::open(directory, audit::Log(host.paths), session,
                                 [&host](const std::string& text) { host.warn(text); }));
  return std::shared_ptr<void>(std::move(opened));
}

Result<std::shared_ptr<void>> join_collector(Host& host, const std::string& sandbox) {
  const os::stdfs::path instance = session::instance_dir(host.paths, sandbox);
  const os::stdfs::path directory = instance / session::kAuditDirectory;
  std::error_code ignored;
  if (!os::stdfs::is_directory(directory, ignored)) return std::shared_ptr<void>();
  const auto record = session::read_record(instance);
  auto opened = open_collector(host, record ? record->id : "", directory);
  if (!opened && opened.error().id == "lock.busy") return std::shared_ptr<void>();
  return opened;
}

Status audit_event(Host& host, const audit::Event& event) {
  return audit::Log(host.paths).append(event);
}

void audit_afterwards(Host& host, const audit::Event& event) {
  const Status done = audit_event(host, event);
  if (!done) host.warn(done.error().message);
}

void seal_egress(Host& host, const std::string& session) {
  const auto events = egress_events(host, session);
  const Status done = events ? audit::Log(host.paths).append(*events) : Status(fail(Error(events.error())));
  if (!done) host.warn("the record of the session's web requests is not sealed: " + done.error().message);
}

Result<AuditVerified> verify_audit(Host& host) {
  AuditVerified out;
  std::map<std::string, Seal> seals;
  SCC_TRY(out.log, audit::Log(host.paths).verify([&](const json::Value& line, std::string_view) {
    if (line.str("/event_type") != "egress.sealed" || line.str("/source") != "host") return;
    Seal& seal = seals[line.str("/session")];
    seal.lines = std::atoll(line.str("/metadata/lines").c_str());
    seal.head = line.str("/metadata/head");
  }));
  for (const auto& [session, seal] : seals) {
    SCC_TRY(const auto problem, seal_problem(host, session, seal));
    if (!problem) {
      out.egress_gone.push_back(session);
      continue;
    }
    ++out.sealed;
    if (!problem->empty()) out.egress_problems.push_back("egress of session " + session + ": " + *problem);
  }
  return out;
}

Result<AuditView> view_audit(Host& host, const std::vector<std::string>& kinds, const AuditQuery& query,
                             const std::function<void(const json::Value&)>& each) {
  AuditView out;
  std::deque<json::Value> last;
  SCC_TRY(out.log, audit::Log(host.paths).verify([&](const json::Value& line, std::string_view) {
    if (!fits(line, kinds, query)) return;
    ++out.matched;
    if (each) each(line);
    last.push_back(line);
    if (last.size() > query.limit) last.pop_front();
  }));
  out.events.assign(last.rbegin(), last.rend());
  return out;
}

}  // namespace scc::app
