// SPDX-License-Identifier: Apache-2.0
#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <unistd.h>

#include <scc/sdk/plugin.hpp>

namespace {
using namespace scc::sdk;

/// Each `Way` is a function: what its check does with any command.
template <Verdict (*kWay)()>
class Check {
 public:
  SafetyRules rules() const { return {}; }
  Verdict evaluate(const Command&) const { return kWay(); }
};

Verdict crashes() {
  std::raise(SIGSEGV);
  return {};
}
Verdict spins() {
  for (volatile unsigned long i = 0;; i = i + 1) {
  }
}
Verdict sleeps() {
  for (;;) pause();
}
Verdict throws() {
  throw std::runtime_error("thrown on purpose");
}
Verdict exits() {
  _exit(0);
}
Verdict invents() {
  return {77, "hostile.invented", "no such decision"};
}
Verdict prints() {
  std::puts("F this must not become an answer");
  std::fflush(stdout);
  return {};
}
Verdict allows() {
  return {SCC_ALLOW, "hostile.allows", "everything is fine"};
}
Verdict warns() {
  return {SCC_WARN, "hostile.warns", "a warning of a plugin"};
}

class RefusesConfig {
 public:
  RefusesConfig(Host, const Json&) {
    throw Failure(SCC_E_CONFIG, "hostile.config", "config refused on purpose");
  }
  SafetyRules rules() const { return {}; }
  Verdict evaluate(const Command&) const { return {}; }
};
}  // namespace

SCC_PLUGIN(SCC_PLUGIN_ID, SCC_PLUGIN_VERSION, safety<Check<crashes>>("crashes"),
           safety<Check<spins>>("spins"), safety<Check<sleeps>>("sleeps"), safety<Check<throws>>("throws"),
           safety<Check<exits>>("exits"), safety<Check<invents>>("invents"),
           safety<RefusesConfig>("refuses-config"), safety<Check<prints>>("prints"),
           safety<Check<allows>>("allows"), safety<Check<warns>>("warns"))
