// SPDX-License-Identifier: Apache-2.0
// The effective configuration at 10, 100 and 1,000 teams with ten plugin references for each: computing it,
// explaining it, and reading the document that it comes from. Rows named "one team" let a single team ask for
// all the references, which is the worst that a document of that size can ask of compute.
#include <cstdlib>
#include <string>

#if defined(__GLIBC__)
#include <malloc.h>
#endif

#include <benchmark/benchmark.h>

#include "json/value.h"
#include "model/parse.h"
#include "policy/compute.h"

namespace {

constexpr int kRefs = 10;       ///< of each team
constexpr int kPatterns = 100;  ///< in the block list and in the allow list

scc::json::Value refs(int first, int count) {
  scc::json::Array out;
  for (int i = 0; i < count; ++i) {
    out.emplace_back("tool-" + std::to_string(first + i) + (i % 2 == 0 ? "@core" : "@aux"));
  }
  return out;
}

scc::json::Value patterns(const std::string& before, const std::string& after) {
  scc::json::Array out;
  for (int i = 0; i < kPatterns; ++i) out.emplace_back(before + std::to_string(i) + after);
  return out;
}

/// `together`: the first team asks for all references of all teams.
std::string document(int teams, bool together) {
  using scc::json::Value;
  Value out;
  out["schema_version"] = "1.1.0";
  out["organization"]["name"] = "Bench";
  out["organization"]["id"] = "bench";
  for (const char* alias : {"core", "aux"}) {
    out["marketplaces"][alias]["source"] = "github";
    out["marketplaces"][alias]["owner"] = "bench";
    out["marketplaces"][alias]["repo"] = alias;
  }
  out["security"]["blocked_plugins"] = patterns("*evil*-", "-*");
  scc::json::Array allowed = patterns("corp-", "*").array();
  allowed.emplace_back("tool-*");
  out["defaults"]["allowed_plugins"] = std::move(allowed);
  out["defaults"]["network_policy"] = "web-egress-enforced";
  out["delegation"]["teams"]["allow_additional_plugins"] = Value::strings({"team-*"});
  for (int i = 0; i < teams; ++i) {
    const bool all = together && i == 0;
    out["profiles"]["team-" + std::to_string(i)]["additional_plugins"] =
        together && !all ? Value(scc::json::Array{}) : refs(all ? 0 : i * kRefs, all ? teams * kRefs : kRefs);
  }
  return scc::json::dump(out);
}

scc::model::Org parsed(const std::string& text) {
  auto org = scc::model::parse_org(text, "1.0.0");
  if (!org) std::abort();
  return *std::move(org);
}

scc::policy::Layers layers_of(const scc::model::Org& org) {
  scc::policy::Layers layers;
  layers.org = &org;
  layers.team = "team-0";
  layers.now = 1800000000;
  return layers;
}

void compute(benchmark::State& state, bool together) {
  const scc::model::Org org = parsed(document(static_cast<int>(state.range(0)), together));
  const scc::policy::Layers layers = layers_of(org);
  std::size_t plugins = 0;
  for (auto round : state) {
    static_cast<void>(round);
    const auto effective = scc::policy::compute(layers);
    plugins = effective ? effective->plugins.size() : 0;
  }
  if (plugins != static_cast<std::size_t>(together ? state.range(0) * kRefs : kRefs)) {
    state.SkipWithError("not every reference took effect");
  }
}

/// From the bytes of the document to the digest that a launch plan names.
void whole(benchmark::State& state, bool together) {
  const std::string text = document(static_cast<int>(state.range(0)), together);
  for (auto round : state) {
    static_cast<void>(round);
    const scc::model::Org org = parsed(text);
    const auto effective = scc::policy::compute(layers_of(org));
    benchmark::DoNotOptimize(scc::json::dump(scc::policy::to_json(*effective)));
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(text.size()) * state.iterations());
}

void sizes(benchmark::internal::Benchmark* bench) {
  bench->Arg(10)->Arg(100)->Arg(1000)->Unit(benchmark::kMillisecond);
}

}  // namespace

BENCHMARK_CAPTURE(compute, spread, false)->Apply(sizes);
BENCHMARK_CAPTURE(compute, one_team, true)->Apply(sizes);
BENCHMARK_CAPTURE(whole, spread, false)->Apply(sizes);
BENCHMARK_CAPTURE(whole, one_team, true)->Apply(sizes);

int main(int argc, char** argv) {
#if defined(__GLIBC__)
  // Memory that is given back after each round costs page faults in the next: those of one run, every time.
  ::mallopt(M_TRIM_THRESHOLD, 1 << 30);
  ::mallopt(M_MMAP_THRESHOLD, 1 << 25);
#endif
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
