// SPDX-License-Identifier: Apache-2.0
// The main of tests that load plugins: the probe child is this binary, re-executed with `__probe`.
#include <string_view>

#include <gtest/gtest.h>

#include "plugin/probe.h"

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "__probe") return scc::plugin::probe_main(argc, argv);
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
