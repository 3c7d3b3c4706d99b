// SPDX-License-Identifier: Apache-2.0
// Child processes: argv arrays only, no shell, bounded output, a deadline that kills the process group.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "os/fs.h"

namespace scc::os {

struct ProcessRequest {
  std::vector<std::string> argv;           ///< argv[0] is looked up in PATH of `env` when it has no '/'
  std::map<std::string, std::string> env;  ///< the whole environment of the child
  stdfs::path cwd;                         ///< "/" when empty
  std::string input;                       ///< stdin; /dev/null when empty
  std::chrono::milliseconds timeout{10'000};
  std::size_t max_output = std::size_t{1} << 20U;  ///< per stream; more is Kind::tool, process.output-limit
  /// Called with output as it comes instead of collecting it; false ends the process: Kind::cancelled,
  /// process.stopped. max_output does not count then.
  std::function<bool(bool is_stderr, std::string_view bytes)> on_output;
  std::function<bool()> cancelled;  ///< polled; true ends the process group: Kind::cancelled
  int stdout_fd = -1;               ///< when >= 0 the child's stdout goes there directly
};

struct ProcessResult {
  int exit_code = 0;  ///< 128+n when killed by signal n
  std::string out;
  std::string err;
};

/// Runs it to its end in a process group of its own, with no descriptor but 0-2, default signal actions and
/// an empty signal mask. When the process has ended, what is left of its group is killed too. Kind::prereq
/// process.not-found when argv[0] is missing; Kind::tool process.timeout after the deadline.
Result<ProcessResult> run(const ProcessRequest& request);

}  // namespace scc::os
