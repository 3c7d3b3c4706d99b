// SPDX-License-Identifier: Apache-2.0
// `scc doctor`: what stands between this machine and a sandbox, and the line that mends it.
#include "app/doctor.h"
#include "cli/command.h"

namespace scc::cli {

namespace {

json::Value check_json(const app::Check& check) {
  json::Value out;
  out["id"] = check.id;
  out["category"] = check.category;
  out["status"] = app::to_string(check.state);
  out["message"] = check.message;
  out["remedy"] = check.remedy.empty() ? json::Value() : json::Value(check.remedy);
  out["details"] = json::Value::strings(check.details);
  out["fixable"] = check.fixable;
  return out;
}

json::Value report_json(const app::DoctorReport& report, const std::vector<app::Repair>& repairs) {
  json::Value data;
  json::Array checks;
  for (const app::Check& check : report.checks) checks.push_back(check_json(check));
  data["checks"] = std::move(checks);
  const auto count = [&](app::Check::State state) { return static_cast<std::int64_t>(report.count(state)); };
  data["summary"]["total"] = static_cast<std::int64_t>(report.checks.size());
  data["summary"]["ok"] = count(app::Check::State::ok);
  data["summary"]["warnings"] = count(app::Check::State::warn);
  data["summary"]["failures"] = count(app::Check::State::fail);
  data["summary"]["skipped"] = count(app::Check::State::skipped);
  data["summary"]["all_ok"] = report.ok();
  json::Array fixes;
  for (const app::Repair& repair : repairs) {
    json::Value item;
    item["check"] = repair.check;
    item["what"] = repair.what;
    item["done"] = repair.error.empty();
    item["error"] = repair.error.empty() ? json::Value() : json::Value(repair.error);
    fixes.push_back(std::move(item));
  }
  data["fixes"] = std::move(fixes);
  return data;
}

void print_report(ui::Console& console, const app::DoctorReport& report) {
  std::string category;
  for (const app::Check& check : report.checks) {
    if (check.category != category) {
      if (!category.empty()) console.line("");
      category = check.category;
      console.line(category);
    }
    std::string state(app::to_string(check.state));
    if (check.state == app::Check::State::fail) state = "FAIL";
    console.line("  " + state + std::string(9 - state.size(), ' ') + check.message);
    const bool silent = check.state == app::Check::State::ok || check.state == app::Check::State::skipped;
    for (const std::string& detail : check.details) console.line("             " + detail);
    if (!silent && !check.remedy.empty()) console.line("          -> " + check.remedy);
  }
}

Result<int> run_doctor(Env& env, const Args& args) {
  app::DoctorOptions options;
  options.workspace = args.positional.empty() ? std::string() : args.positional[0];
  options.provider = args.get("provider");
  options.runtime = args.get("runtime");
  options.no_engine = args.has("no-engine");
  options.online = args.has("online");
  SCC_TRY(app::DoctorReport report, app::examine(env.host, options));
  std::vector<app::Repair> repairs;
  if (args.has("fix")) {
    repairs = app::mend(env.host, options, report);
    env.console.clear_progress();
    for (const app::Repair& repair : repairs) {
      env.console.note((repair.error.empty() ? "mended: " : "could not mend: ") + repair.what +
                       (repair.error.empty() ? "" : ": " + repair.error));
    }
    if (!repairs.empty()) {
      SCC_TRY(report, app::examine(env.host, options));
    }
  }
  print_report(env.console, report);
  std::vector<std::string> errors;
  for (const app::Check& check : report.checks) {
    if (check.state == app::Check::State::fail) errors.push_back(check.message);
    if (check.state == app::Check::State::warn && env.console.json()) env.host.warn(check.message);
  }
  const std::size_t warnings = report.count(app::Check::State::warn);
  env.console.note(std::to_string(errors.size()) + " failed, " + std::to_string(warnings) +
                   (warnings == 1 ? " warning, " : " warnings, ") +
                   std::to_string(report.count(app::Check::State::ok)) + " ok");
  env.console.envelope("DoctorReport", report_json(report, repairs), errors);
  return report.ok() ? 0 : exit_code(Kind::config);
}

}  // namespace

std::vector<Command> doctor_commands() {
  return {
      {"doctor",
       "check this machine, and say what mends what is wrong",
       "[WORKSPACE]",
       {{"provider", 0, "ID", "look at this agent only"},
        {"runtime", 0, "ID", "the container runtime to use"},
        {"no-engine", 0, "", "ask no container engine"},
        {"online", 0, "", "ask the organisation's server, too"},
        {"fix", 0, "",
         "mend what is safe: modes of scc's own files, what killed sessions left, missing images"}},
       1,
       false,
       run_doctor},
  };
}

}  // namespace scc::cli
