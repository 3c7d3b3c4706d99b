// SPDX-License-Identifier: Apache-2.0
// `scc prove`: tries to get out of a sandbox of this machine, and says how that went.
#include "app/prove.h"
#include "cli/command.h"

namespace scc::cli {

namespace {

using prove::Verdict;

constexpr int kEscaped = 7;  ///< of this command alone (docs/errors.md)

std::string seen(const prove::Outcome& one) {
  if (one.why.empty()) return one.observed;
  return one.observed.empty() ? one.why : one.observed + "; " + one.why;
}

void print(ui::Console& console, const prove::Report& report) {
  std::vector<std::vector<std::string>> rows;
  for (const prove::Outcome& one : report.results) {
    const std::string verdict(prove::to_string(one.verdict));
    rows.push_back({one.verdict == Verdict::escaped ? "ESCAPED" : verdict, one.name, one.what, seen(one)});
  }
  console.table({"VERDICT", "PROBE", "WHAT", "OBSERVED"}, rows);
}

std::string summary(const prove::Report& report) {
  std::string out;
  for (const Verdict one :
       {Verdict::refused, Verdict::escaped, Verdict::reachable, Verdict::skipped, Verdict::inconclusive}) {
    const std::size_t count = report.count(one);
    if (count == 0 && one != Verdict::escaped) continue;
    out += (out.empty() ? "" : ", ") + std::to_string(count) + " " + std::string(prove::to_string(one));
  }
  return out;
}

int code_of(const std::string& verdict) {
  if (verdict == "escaped") return kEscaped;
  return verdict == "inconclusive" ? exit_code(Kind::prereq) : 0;
}

Result<int> run_prove(Env& env, const Args& args) {
  app::ProveOptions options;
  options.runtime = args.get("runtime");
  options.policy = args.get("policy");
  options.transport = args.get("transport");
  options.provider = args.get("provider");
  options.seed_leak = args.get("seed-leak");
  SCC_TRY(const app::Proof proof, app::prove_isolation(env.host, options));
  env.console.clear_progress();
  const std::string verdict = proof.report.verdict();
  if (!env.console.json()) print(env.console, proof.report);
  std::vector<std::string> errors;
  for (const prove::Outcome& one : proof.report.results) {
    if (one.verdict == Verdict::escaped)
      errors.push_back(one.name + ": " + one.what + " (" + seen(one) + ")");
    if (one.verdict == Verdict::inconclusive) errors.push_back(one.name + ": inconclusive: " + seen(one));
  }
  env.console.note(proof.report.policy + " on " + proof.report.runtime + ": " + verdict + "; " +
                   summary(proof.report));
  if (verdict == "open") env.console.note("the policy open claims no isolation; this is what it reaches");
  env.console.note("report: " + proof.file);
  json::Value data = proof.report.to_json();
  data["file"] = proof.file;
  env.console.envelope("Proof", data, errors);
  return code_of(verdict);
}

}  // namespace

std::vector<Command> prove_commands() {
  std::vector<OptionSpec> options = {
      {"runtime", 0, "ID", "the container runtime to use"},
      {"policy", 0, "POLICY", "open, web-egress-enforced or locked-down-web; the one here without it"},
      {"transport", 0, "TRANSPORT", "how an enforced sandbox reaches its proxy"},
      {"provider", 0, "ID", "the agent whose image the sandbox is made of"}};
#ifdef SCC_SEED_LEAKS
  options.push_back({"seed-leak", 0, "NAME", "test builds only: take one wall down first"});
#endif
  return {{"prove", "try to get out of a sandbox on this machine, and show that nothing does", "", options, 0,
           false, run_prove}};
}

}  // namespace scc::cli
