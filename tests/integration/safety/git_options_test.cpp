// SPDX-License-Identifier: Apache-2.0
// Every prefix of every long option of the dangerous subcommands, and of its negation, is short for what the
// installed git takes it for: unknown to one is unknown to the other, ambiguous to one is ambiguous to the
// other. In a scratch repository without a remote; "-h" ends each call before it does anything.
#include <array>
#include <cstdlib>
#include <set>
#include <unistd.h>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "safety/options.h"
#include "support/temp_dir.h"

namespace scc::safety {
namespace {

struct Done {
  int code = -1;
  std::string error;
};

/// No shell: argv as it is. Standard input and output are closed away.
Done run(const std::vector<std::string>& argv, const std::string& where) {
  std::array<int, 2> pipe_ends{};
  if (pipe(pipe_ends.data()) != 0) return {};
  const pid_t child = fork();
  if (child == 0) {
    dup2(pipe_ends[1], STDERR_FILENO);
    dup2(pipe_ends[1], STDOUT_FILENO);
    close(pipe_ends[0]);
    close(STDIN_FILENO);
    if (chdir(where.c_str()) != 0) _exit(126);
    std::vector<char*> raw;
    for (const std::string& arg : argv) raw.push_back(const_cast<char*>(arg.c_str()));
    raw.push_back(nullptr);
    setenv("HOME", where.c_str(), 1);
    setenv("GIT_CEILING_DIRECTORIES", where.c_str(), 1);
    setenv("GIT_CONFIG_NOSYSTEM", "1", 1);
    setenv("LC_ALL", "C", 1);
    setenv("GIT_EDITOR", "true", 1);
    execvp(raw[0], raw.data());
    _exit(127);
  }
  close(pipe_ends[1]);
  Done out;
  std::array<char, 4096> buffer{};
  for (ssize_t n = read(pipe_ends[0], buffer.data(), buffer.size()); n > 0;
       n = read(pipe_ends[0], buffer.data(), buffer.size())) {
    out.error.append(buffer.data(), static_cast<std::size_t>(n));
  }
  close(pipe_ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  out.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return out;
}

enum class Answer : unsigned char { unknown, ambiguous, known };

Answer ours(const std::string& verb, const std::string& name) {
  const Parsed parsed = parse_options(git_options(verb), {"git", verb, "--" + name}, 2);
  if (parsed.help) return Answer::known;
  std::set<std::pair<std::string_view, bool>> options;
  for (const Seen& one : parsed.seen) options.insert({one.option.name, one.negated});
  if (options.empty()) return Answer::unknown;
  return options.size() == 1 && parsed.seen[0].sure ? Answer::known : Answer::ambiguous;
}

Answer real(const std::string& verb, const std::string& name, const std::string& where) {
  const Done done = run({"git", verb, "--" + name, "-h"}, where);
  if (done.error.find("unknown option") != std::string::npos) return Answer::unknown;
  if (done.error.find("ambiguous option") != std::string::npos) return Answer::ambiguous;
  return Answer::known;
}

class GitOptions : public testing::TestWithParam<const char*> {};

TEST_P(GitOptions, PrefixesAreShortForTheSame) {
  const test::TempDir scratch;
  const std::string where = scratch.path().native();
  ASSERT_EQ(run({"git", "init", "-q", "."}, where).code, 0);
  const std::string verb = GetParam();
  std::set<std::string> names;
  std::string_view rest = git_options(verb);
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find(' '), rest.size());
    const std::string name(rest.substr(0, std::min(rest.substr(0, end).find_first_of(",=?"), end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    for (std::size_t length = 1; length <= name.size(); ++length) {
      names.insert(name.substr(0, length));
      if (!name.starts_with("no-"))
        names.insert("no-" + name.substr(0, length));
      else if (length > 3)
        names.insert(name.substr(3, length - 3));
    }
  }
  int compared = 0;
  for (const std::string& name : names) {
    const Answer installed = real(verb, name, where);
    const Answer guessed = ours(verb, name);
    ++compared;
    // An option that only a later git has makes a prefix ambiguous here and nothing there, or known here and
    // unknown there: the guard then takes the worst of what it may mean, or git refuses. What must never be
    // is that the installed git takes an option that the guard does not know. What the installed git calls
    // ambiguous it refuses, so a guess about it costs nothing.
    if (installed == Answer::known) {
      EXPECT_NE(guessed, Answer::unknown) << verb << " --" << name;
    }
  }
  EXPECT_GT(compared, 5);
}
INSTANTIATE_TEST_SUITE_P(Safety, GitOptions,
                         testing::Values("push", "reset", "clean", "branch", "checkout", "switch", "restore",
                                         "rm", "gc", "tag", "fetch", "commit", "merge", "rebase",
                                         "read-tree"),
                         [](const auto& one) {
                           std::string out = one.param;
                           for (char& c : out) c = c == '-' ? '_' : c;
                           return out;
                         });

}  // namespace
}  // namespace scc::safety
