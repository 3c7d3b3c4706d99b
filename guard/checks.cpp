// SPDX-License-Identifier: Apache-2.0
#include "guard/checks.h"

#include <array>
#include <cerrno>
#include <unistd.h>

#include <sys/mman.h>

#include "guard/child.h"
#include "guard/places.h"
#include "safety/check_wire.h"

namespace scc::guard {

namespace {

std::string working_directory() {
  std::array<char, 4096> buffer{};
  return getcwd(buffer.data(), buffer.size()) == nullptr ? "" : buffer.data();
}

/// The question as a file to read; -1: there is no memory for it.
int as_file(const std::string& text) {
  const int fd = memfd_create("question", MFD_CLOEXEC);
  std::size_t at = 0;
  while (fd >= 0 && at < text.size()) {
    const ssize_t done = write(fd, text.data() + at, text.size() - at);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) return close(fd), -1;
    at += static_cast<std::size_t>(done);
  }
  if (fd >= 0 && lseek(fd, 0, SEEK_SET) != 0) return close(fd), -1;
  return fd;
}

}  // namespace

safety::Verdict with_checks(safety::Verdict verdict, const std::vector<safety::Command>& commands,
                            const std::string& raw, const safety::Policy& policy) {
  const bool wanted = !policy.checks.empty() && !policy.defective() && !commands.empty();
  if (!wanted || verdict.decision == safety::Decision::block) return verdict;
  safety::CheckQuestion question;
  for (const safety::CheckPin& one : policy.checks)
    question.checks.push_back(
        {one.id, std::string(kChecksDir) + "/" + one.sha256 + ".so", one.sha256, one.config});
  question.cwd = working_directory();
  question.raw = raw;
  question.commands = commands;
  const int input = as_file(pack(question));
  if (input < 0) return safety::check_failed("no memory", policy);
  Talk talk;
  talk.input = input;
  talk.patience_ms = safety::kChecksMs;
  // No variable of the agent's: the loader would listen to some.
  const Answer answer = talk_to(std::string(kChecksProgram), {"scc-guard-ext"}, {}, talk);
  close(input);
  return safety::worse(std::move(verdict), safety::verdict_of_answer(answer.out, answer.code == 0, policy));
}

}  // namespace scc::guard
