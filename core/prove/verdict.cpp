// SPDX-License-Identifier: Apache-2.0
#include "prove/verdict.h"

#include <algorithm>
#include <vector>

#include "base/str.h"

namespace scc::prove {

namespace {

/// Statuses of a proxy that has refused, or could not read the request, before it did anything.
bool is_refusal(std::string_view value) {
  return value == "403" || value == "400" || value == "405" || value == "501";
}

/// The name under which the address of "10.213.0.2/29" or "10.213.0.2:3128" is looked up; empty for no
/// address.
std::string reverse_name(const std::string& text) {
  const auto octets = str::split(text.substr(0, text.find_first_of("/:")), '.');
  if (octets.size() != 4) return {};
  return octets[3] + "." + octets[2] + "." + octets[1] + "." + octets[0] + ".in-addr.arpa";
}

std::string observed_of(const Finding& finding) {
  if (finding.kind == "status") return finding.value;
  if (finding.kind == "reached") return finding.text.empty() ? "reached" : finding.text;
  return finding.text.empty() ? "nothing to try" : finding.text;
}

bool reached(const Probe& probe, const Finding& finding) {
  if (probe.expect == Expect::unreached) return finding.kind == "reached";
  if (finding.kind != "status") return finding.kind == "reached";
  if (probe.expect == Expect::refused) return !is_refusal(finding.value);
  const auto answers = str::split(finding.value, ' ');
  return !std::all_of(answers.begin(), answers.end(),
                      [](const std::string& one) { return one == "200+" || is_refusal(one); });
}

}  // namespace

std::optional<std::pair<std::string, Finding>> parse_finding(std::string_view line) {
  const auto words = str::split(std::string(line), '\t');
  if (words.size() != 4 || words[0].empty()) return std::nullopt;
  const std::string& kind = words[1];
  if (kind != "reached" && kind != "none" && kind != "status" && kind != "broken") return std::nullopt;
  return std::pair(words[0], Finding{kind, words[2], words[3]});
}

std::string_view to_string(Verdict verdict) noexcept {
  switch (verdict) {
    case Verdict::refused:
      return "refused";
    case Verdict::escaped:
      return "escaped";
    case Verdict::reachable:
      return "reachable";
    case Verdict::skipped:
      return "skipped";
    case Verdict::inconclusive:
      break;
  }
  return "inconclusive";
}

Outcome judge(const Probe& probe, const std::optional<Finding>& finding, const Controls& controls,
              bool claimed) {
  Outcome out{probe.name, probe.what, Verdict::inconclusive, {}, {}};
  if (!finding) {
    out.why = "no finding came back";
    return out;
  }
  out.observed = observed_of(*finding);
  if (finding->kind == "broken") {
    out.why = "the attempt could not be made";
    return out;
  }
  if (probe.expect == Expect::answered) {
    out.verdict = finding->value == "200+" ? Verdict::refused : Verdict::inconclusive;
    if (finding->value != "200+") out.why = "the allowed name does not answer";
    return out;
  }
  // What was reached was reached, whatever the control says.
  if (reached(probe, *finding)) {
    out.verdict = claimed ? Verdict::escaped : Verdict::reachable;
    return out;
  }
  const auto control = controls.find(probe.klass);
  if (control == controls.end()) {
    out.why = "no control of the kind " + probe.klass + " worked: the attempt itself may be broken";
    return out;
  }
  out.verdict = Verdict::refused;
  return out;
}

bool record_line_allowed(std::string_view line, const Targets& targets, bool has_proxy) {
  // "<what> <port> <more> from <address>"
  const auto words = str::split(std::string(line), ' ');
  if (words.size() < 5) return false;
  const std::string& from = words.back();
  if (from == targets.peer || from == targets.stand_in) return true;
  if (!has_proxy) return false;
  if (words[0] == "tcp") return words[1] == "443";
  if (words[0] != "dns-udp" && words[0] != "dns-tcp") return false;
  // The proxy asks for the name of its client, which is the sandbox or itself: nothing of the agent's.
  if (words[2] == "12") {
    return words[3] == "1.0.0.127.in-addr.arpa" || words[3] == reverse_name(targets.inside) ||
           words[3] == reverse_name(targets.proxy);
  }
  for (const std::string& name : allowed_names(targets)) {
    if (words[3] == name.substr(0, name.find(':'))) return true;
  }
  return false;
}

}  // namespace scc::prove
