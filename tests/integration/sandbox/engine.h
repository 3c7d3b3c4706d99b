// SPDX-License-Identifier: Apache-2.0
// What the sandbox tests share: child processes with bounded waits, and throw-away containers on a real
// engine from an image that holds nothing but directories. Every object carries this process's id and goes
// with its owner.
#pragma once

#include <chrono>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include "json/value.h"

namespace scc::test {

using Arguments = std::vector<std::string>;

inline constexpr std::chrono::seconds kPatience{30};

/// A child process over pipes, or over a terminal (then stderr is the terminal too). Killed when still
/// running at the end.
class Child {
 public:
  explicit Child(const Arguments& argv, bool tty = false);
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child();

  /// False when the other side is gone.
  bool send(std::string_view bytes);
  void close_stdin();
  /// Reads until stdout holds `marker`, and takes everything up to and with it out of the buffer. Empty: the
  /// end came first.
  std::string read_until(std::string_view marker);
  /// Waits for the end. The exit code, or 128 + signal.
  int wait();

  std::string out;  // what was not taken by read_until
  std::string err;

 private:
  bool pump(std::chrono::steady_clock::time_point deadline);

  pid_t pid_ = -1;
  int in_ = -1;
  int out_ = -1;
  int err_ = -1;
};

struct Outcome {
  int code = -1;
  std::string out;
  std::string err;
};

Outcome run(const Arguments& argv, std::string_view input = {});

/// Whether an engine answers; with SCC_REQUIRE_ENGINES=1 its absence must fail the test.
bool engine_answers();
bool engine_required();

/// The image, and a directory with the installed programs and the probe. One for each test process.
class Stage {
 public:
  static Stage& get();
  ~Stage();
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  std::string image;
  std::filesystem::path root;  // temporary directory
  std::filesystem::path bin;   // bound at /opt/scc/bin
  unsigned uid = 0;            // of the agent: never 0

 private:
  Stage();
};

/// How a container differs from a good one.
struct Deviation {
  Arguments drop;      // options of a good container that are left out
  Arguments add;       // options added
  std::string user;    // instead of the agent's uid:gid
  Arguments exec_add;  // options added to docker exec
};

/// A running container with scc-init, hardened as scc does it.
class Box {
 public:
  explicit Box(const Deviation& deviation = {});
  ~Box();
  Box(const Box&) = delete;
  Box& operator=(const Box&) = delete;

  Arguments exec(const Arguments& argv, const Arguments& options = {"-i"}) const;
  /// docker exec of `scc-check run` with a fresh token.
  Arguments checked(const Arguments& argv, const Arguments& options = {"-i"}, const Arguments& checks = {});
  /// `checked` without the dialogue.
  Outcome run_checked(const Arguments& argv);

  std::string name;
  std::string token;                // of the last `checked`
  std::filesystem::path workspace;  // bound at /ws
  bool started = false;
  std::string error;

 private:
  Deviation deviation_;
};

inline constexpr char kNonce[] = "0123456789abcdef0123";

/// The host's half of the dialogue.
std::string go_frame(const std::string& members = R"("go":true)", const std::string& nonce = kNonce);
/// Takes the evidence line from the child's stdout; null when there is none.
json::Value read_evidence(Child& child);

}  // namespace scc::test
