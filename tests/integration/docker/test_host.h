// SPDX-License-Identifier: Apache-2.0
// The least host that a runtime plugin needs, over the real core/net and core/json: endpoints, files, JSON.
// No grants; those have tests of their own.
#pragma once

#include <atomic>
#include <set>
#include <string>

#include "scc/abi.h"

namespace scc::test {

class TestHost {
 public:
  TestHost();
  TestHost(const TestHost&) = delete;
  TestHost& operator=(const TestHost&) = delete;
  const scc_host_v1* c() const noexcept { return &host_; }

  std::atomic<bool> cancelled{false};

 private:
  scc_host_v1 host_{};
};

}  // namespace scc::test
