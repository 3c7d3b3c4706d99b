// SPDX-License-Identifier: Apache-2.0
#include "prove/report.h"

#include <algorithm>

namespace scc::prove {

std::size_t Report::count(Verdict verdict) const {
  return static_cast<std::size_t>(std::count_if(
      results.begin(), results.end(), [verdict](const Outcome& one) { return one.verdict == verdict; }));
}

std::string Report::verdict() const {
  if (count(Verdict::escaped) > 0) return "escaped";
  if (count(Verdict::inconclusive) > 0 || count(Verdict::refused) == 0) return "inconclusive";
  return policy == "open" ? "open" : "proved";
}

json::Value Report::to_json() const {
  json::Value out;
  out["schema"] = "scc.prove-report/1";
  out["id"] = id;
  out["time"] = time;
  out["version"] = version;
  out["runtime"] = runtime;
  out["runtime_version"] = runtime_version;
  out["policy"] = policy;
  out["transport"] = transport;
  out["plan_id"] = plan_id;
  if (!seed_leak.empty()) out["seed_leak"] = seed_leak;
  out["verdict"] = verdict();
  for (const Verdict one :
       {Verdict::refused, Verdict::escaped, Verdict::reachable, Verdict::skipped, Verdict::inconclusive}) {
    out["counts"][std::string(to_string(one))] = static_cast<std::int64_t>(count(one));
  }
  json::Array list;
  for (const Outcome& one : results) {
    json::Value item;
    item["name"] = one.name;
    item["what"] = one.what;
    item["verdict"] = to_string(one.verdict);
    item["observed"] = one.observed;
    item["why"] = one.why.empty() ? json::Value() : json::Value(one.why);
    list.push_back(std::move(item));
  }
  out["probes"] = std::move(list);
  out["controls"] = json::Value(json::Object{});
  for (const auto& [klass, text] : controls) out["controls"][klass] = text;
  out["arrived"] = json::Value::strings(arrived);
  out["notes"] = json::Value::strings(notes);
  return out;
}

}  // namespace scc::prove
