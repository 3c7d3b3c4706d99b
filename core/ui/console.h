// SPDX-License-Identifier: Apache-2.0
// The only writer to the terminal: stdout carries data, everything else goes to stderr. Foreign text is
// escaped here (str::printable), so callers keep raw bytes. One instance in main, passed by reference; [main]
// thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "json/value.h"

namespace scc::ui {

struct ConsoleOptions {
  bool json = false;    ///< one envelope on stdout, no talk
  bool pretty = false;  ///< the envelope with indent
  bool quiet = false;   ///< no progress
  bool debug = false;
  bool color = false;     ///< stderr takes style
  bool progress = false;  ///< stderr is a terminal that may be redrawn
  std::string version;    ///< for the envelope
  std::string command;    ///< for error envelopes
};

class Console {
 public:
  explicit Console(ConsoleOptions options) : options_(std::move(options)) {}
  const ConsoleOptions& options() const noexcept { return options_; }
  bool json() const noexcept { return options_.json; }

  /// One line of data on stdout (human mode only).
  void line(std::string_view text);
  /// A line of a stream of JSON documents on stdout, in every mode; the caller's bytes are already escaped.
  void record(std::string_view json);
  /// A table on stdout: the header row, then the rows; columns are as wide as their widest cell.
  void table(const std::vector<std::string>& header, const std::vector<std::vector<std::string>>& rows);
  /// A finished statement for the user on stderr; silent with --json and --quiet.
  void note(std::string_view text);
  void warning(std::string_view text);
  void hint(std::string_view text);
  /// A step that is going on; redrawn on a terminal, one line otherwise. clear_progress() ends it.
  void progress(std::string_view text);
  /// A line of a tool's output: shown on a terminal until the next one, nowhere else.
  void detail(std::string_view text);
  void clear_progress();

  /// The envelope of cli.md §3 on stdout (json mode only).
  void envelope(std::string_view kind, const json::Value& data, const std::vector<std::string>& errors = {});
  /// An error in the mode's form. Returns its exit code.
  int error(const Error& error);

  /// Warnings that the envelope will carry; printed at once in human mode.
  void add_warning(std::string text);

 private:
  std::string paint(std::string_view code, std::string_view text) const;

  ConsoleOptions options_;
  std::vector<std::string> warnings_;
  bool progress_shown_ = false;
};

/// "2026-03-04T09:15:00Z"
std::string utc_now();

}  // namespace scc::ui
