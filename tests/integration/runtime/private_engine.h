// SPDX-License-Identifier: Apache-2.0
// An engine of the test's own, on data of its own, that may be killed and may run out of disk: never the
// machine's. Its data lie on a file system in memory of a given size. Networks are off, so that the machine's
// stay as they are.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "scc/sdk/plugin.hpp"

namespace scc::test {

class PrivateEngine {
 public:
  /// Whether there is a recipe for this runtime, and the rights to make one.
  static bool possible(const std::string& runtime);
  PrivateEngine(const std::string& runtime, std::size_t megabytes);
  ~PrivateEngine();
  PrivateEngine(const PrivateEngine&) = delete;
  PrivateEngine& operator=(const PrivateEngine&) = delete;

  /// Starts it (again) and waits until it answers.
  void start();
  /// SIGKILL to the engine alone; its sandboxes are not told.
  void kill_hard();
  /// What the plugin needs in its environment to reach it.
  sdk::StringMap env() const;

 private:
  std::vector<std::string> argv() const;
  void stop_sandboxes();

  std::string runtime_;
  std::filesystem::path root_;
  int pid_ = -1;
};

}  // namespace scc::test
