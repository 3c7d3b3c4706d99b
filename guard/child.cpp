// SPDX-License-Identifier: Apache-2.0
#include "guard/child.h"

#include <array>
#include <cerrno>
#include <csignal>
#include <ctime>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <sys/wait.h>

namespace scc::guard {

namespace {

constexpr std::size_t kMostBytes = std::size_t{1} << 20U;

long now_ms() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/// Reads until the end; false: too late or too much.
bool drain(int fd, long deadline, std::string* out) {
  std::array<char, 8192> buffer{};
  for (;;) {
    const long left = deadline - now_ms();
    pollfd ready{fd, POLLIN, 0};
    const int found = left > 0 ? poll(&ready, 1, static_cast<int>(left)) : 0;
    if (found < 0 && errno == EINTR) continue;
    if (found <= 0) return false;
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    if (out->size() + static_cast<std::size_t>(got) > kMostBytes) return false;
    out->append(buffer.data(), static_cast<std::size_t>(got));
  }
}

[[noreturn]] void become(const char* program, char* const* argv, char* const* environment, int in, int out) {
  const int null = open("/dev/null", O_RDWR);
  if (null < 0 || dup2(in < 0 ? null : in, 0) < 0 || dup2(out, 1) < 0 || dup2(null, 2) < 0) _exit(127);
  execve(program, argv, environment);
  _exit(127);
}

}  // namespace

std::vector<char*> pointers(const Words& words) {
  std::vector<char*> out;
  out.reserve(words.size() + 1);
  for (const std::string& word : words) out.push_back(const_cast<char*>(word.c_str()));
  out.push_back(nullptr);
  return out;
}

Words lines_of(const Variables& environment) {
  Words out;
  out.reserve(environment.size());
  for (const auto& [name, value] : environment) out.push_back(name + "=" + value);
  return out;
}

Answer talk_to(const std::string& program, const Words& argv, const Variables& environment,
               const Talk& talk) {
  const Words lines = lines_of(environment);
  const std::vector<char*> arguments = pointers(argv);
  const std::vector<char*> variables = pointers(lines);
  Answer answer;
  std::array<int, 2> ends{-1, -1};
  if (pipe2(ends.data(), O_CLOEXEC) != 0) return answer;
  const pid_t child = fork();
  if (child == 0) become(program.c_str(), arguments.data(), variables.data(), talk.input, ends[1]);
  close(ends[1]);
  const bool complete = child > 0 && drain(ends[0], now_ms() + talk.patience_ms, &answer.out);
  close(ends[0]);
  if (child < 0) return answer;
  if (!complete) kill(child, SIGKILL);
  int status = 0;
  while (waitpid(child, &status, 0) < 0) {
    if (errno != EINTR) return answer;
  }
  if (complete && WIFEXITED(status)) answer.code = WEXITSTATUS(status);
  return answer;
}

std::optional<Answer> ask(const std::string& program, const Words& argv, const Variables& environment,
                          long patience_ms) {
  Answer answer = talk_to(program, argv, environment, {-1, patience_ms});
  if (answer.code < 0) return std::nullopt;
  return answer;
}

bool read_input(std::string* out, std::size_t most) {
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t got = read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return got == 0;
    if (out->size() + static_cast<std::size_t>(got) > most) return false;
    out->append(buffer.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace scc::guard
