// SPDX-License-Identifier: Apache-2.0
// Base of every test here: skipped without an engine, failed where engines are required.
#pragma once

#include <gtest/gtest.h>

#include "engine.h"

namespace scc::test {

class EngineTest : public testing::Test {
 protected:
  void SetUp() override {
    if (engine_answers()) return;
    if (engine_required()) FAIL() << "SCC_REQUIRE_ENGINES=1 and `docker version` fails";
    GTEST_SKIP() << "no container engine answers";
  }
};

}  // namespace scc::test
