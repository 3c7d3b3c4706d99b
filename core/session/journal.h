// SPDX-License-Identifier: Apache-2.0
// The launch journal `<instance>/journal.jsonl`: one intent line before each effect and one done line after
// it, so that whatever kills the host leaves a record of the one step whose outcome is unknown. Before any
// effect begins its intent line, and with it every line before, is on disk (one fdatasync); done lines wait
// for the next one's, which halves the waiting in a launch. No secret is ever written to it. Not thread-safe.
//
// Fault injection for tests: SCC_TEST_KILL_AT=<op>[:before|:after] makes the process send itself SIGKILL at
// that step: after the intent line and before the effect (the default), or after the effect and before the
// done line. It is compiled in always: the caller could as well run kill(1).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "json/value.h"
#include "os/env.h"
#include "os/fs.h"

namespace scc::session {

namespace stdfs = std::filesystem;

struct JournalEntry {
  std::int64_t seq = 0;
  std::string op;
  std::string phase;  ///< intent, done, failed, undone, undo-failed
  std::string at;     ///< RFC 3339
  json::Value data;   ///< results, or the error
};

class Journal {
 public:
  /// Appends to `directory`/journal.jsonl, which is made on the first line.
  Journal(const stdfs::path& directory, const os::Environment& env);
  Journal(Journal&&) noexcept = default;
  Journal& operator=(Journal&&) noexcept = default;

  /// On disk when it returns.
  Status intent(std::string_view op, const json::Value& data = {});
  Status done(std::string_view op, const json::Value& result = {});
  /// Outcomes other than success; "undone" and "undo-failed" are lines of a rollback.
  Status note(std::string_view op, std::string_view phase, const json::Value& data = {});

  /// intent(), effect, done(), with both kill points. `effect` returns a Result<json::Value> for the done
  /// line.
  template <class Effect>
  Status step(std::string_view op, const json::Value& data, Effect&& effect) {
    SCC_CHECK(intent(op, data));
    kill_point(op, false);
    Result<json::Value> outcome = effect();
    if (!outcome) {
      static_cast<void>(note(op, "failed", error_json(outcome.error())));
      return fail(std::move(outcome).error());
    }
    kill_point(op, true);
    return done(op, *outcome);
  }

  /// Kills the process when SCC_TEST_KILL_AT names this point.
  void kill_point(std::string_view op, bool after) const;
  /// Puts the lines so far on disk.
  Status sync();

  static json::Value error_json(const Error& error);

  const stdfs::path& path() const noexcept { return path_; }

 private:
  stdfs::path path_;
  std::string kill_at_;
  std::int64_t seq_ = 0;
  os::Fd fd_;  ///< opened once: an open and a close for each of twenty lines is measurable
};

/// The lines of a journal. A last line without newline (a crash while writing) is left out; any other line
/// that does not parse is Kind::config, session.journal.
Result<std::vector<JournalEntry>> read_journal(const stdfs::path& directory);

}  // namespace scc::session
