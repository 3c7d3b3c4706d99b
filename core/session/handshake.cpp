// SPDX-License-Identifier: Apache-2.0
#include "session/handshake.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <poll.h>

#include "base/str.h"
#include "session/state.h"

namespace scc::session {

namespace {

constexpr std::string_view kEvidenceStart = "\x1eSCC-EVIDENCE ";
constexpr std::string_view kAck = "\x1eSCC-EXEC\n";
constexpr std::size_t kLineLimit = std::size_t{1} << 20U;
constexpr std::size_t kErrLimit = std::size_t{1} << 20U;
constexpr std::size_t kPayloadLimit = std::size_t{1} << 20U;
constexpr std::size_t kMostSecrets = 32;
constexpr std::size_t kSecretLimit = 65'536;

bool secret_name(std::string_view name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
  });
}

std::string excerpt(std::string_view text) {
  constexpr std::size_t kShown = 400;
  text = str::trim(text);
  return std::string(text.substr(0, kShown)) + (text.size() > kShown ? " ..." : "");
}

Error verify_error(const std::vector<CheckFailure>& failures) {
  constexpr std::size_t kShown = 12;
  std::string list;
  for (std::size_t i = 0; i < failures.size() && i < kShown; ++i) {
    list += (i == 0 ? "" : "; ") + failures[i].name + " (expected " + failures[i].expected + ", found " +
            excerpt(failures[i].observed) + ")";
  }
  if (failures.size() > kShown) list += "; and " + std::to_string(failures.size() - kShown) + " more";
  return Error{Kind::prereq,
               "verify.failed",
               "the sandbox is not what was planned, so the agent was not started: " + list,
               "see what was planned: scc start --dry-run --json",
               {}};
}

}  // namespace

std::vector<std::string> checker_argv(const ExecTarget& target) {
  std::vector<std::string> out{std::string(kChecker),
                               "run",
                               "--token",
                               target.token,
                               "--nonce",
                               target.nonce,
                               "--expect-uid",
                               std::to_string(target.uid),
                               "--expect-gid",
                               std::to_string(target.gid)};
  if (target.allow_root) out.emplace_back("--allow-root");
  for (const std::string& path : target.checks.strings_at("/sockets")) {
    out.insert(out.end(), {"--socket", path});
  }
  for (const std::string& path : target.checks.strings_at("/readonly")) {
    out.insert(out.end(), {"--readonly", path});
  }
  if (target.checks.flag("/isolated")) out.emplace_back("--isolated");
  if (const std::string guard = target.checks.str("/guard/file"); !guard.empty()) {
    out.insert(out.end(), {"--guard", guard});
  }
  if (const std::int64_t port = target.checks.integer("/proxy_port"); port > 0) {
    out.insert(out.end(), {"--proxy-port", std::to_string(port)});
  }
  if (const std::string address = target.checks.str("/inside/address"); !address.empty()) {
    out.insert(out.end(), {"--address", address, "--proxy", target.checks.str("/inside/proxy")});
    for (const std::string& listener : target.unreachable) {
      out.insert(out.end(), {"--unreachable", listener});
    }
  }
  out.emplace_back("--");
  out.insert(out.end(), target.argv.begin(), target.argv.end());
  return out;
}

Result<std::string> go_frame(const ExecTarget& target, os::WindowSize size) {
  json::Array secrets;
  if (target.secrets.size() > kMostSecrets) {
    return fail(Kind::usage, "secret.count", "more than 32 secrets for one agent");
  }
  for (const auto& [name, value] : target.secrets) {
    if (!secret_name(name)) return fail(Kind::usage, "secret.name", "a secret cannot be named " + name);
    if (value.empty() || value.size() > kSecretLimit) {
      return fail(Kind::usage, "secret.size", "the secret " + name + " is empty or larger than 64 KiB");
    }
    json::Object secret;
    secret["name"] = name;
    secret["value_base64"] = str::base64(value);
    secrets.emplace_back(std::move(secret));
  }
  json::Object payload;
  payload["nonce"] = target.nonce;
  payload["go"] = true;
  payload["ack"] = true;
  payload["rows"] = static_cast<int>(size.rows);
  payload["cols"] = static_cast<int>(size.cols);
  if (!secrets.empty()) payload["secrets"] = std::move(secrets);
  const std::string text = json::dump(json::Value(std::move(payload)));
  if (text.size() > kPayloadLimit)
    return fail(Kind::usage, "secret.size", "the secrets are too large together");
  std::array<char, 16> length{};
  std::snprintf(length.data(), length.size(), "%08zx", text.size());
  return "\x1eSCC-GO " + std::string(length.data()) + " " + text + "\n";
}

Error Handshake::not_the_protocol(const std::string& what) const {
  std::string message = "the sandbox's checker did not answer as it should: " + what;
  const std::string said = excerpt(err_.empty() ? out_ : err_);
  if (!said.empty()) message += "; it said: " + said;
  return Error{Kind::prereq,
               "check.protocol",
               std::move(message),
               "is the installation complete? run: scc status",
               {}};
}

Status Handshake::wait_readable(Clock::time_point deadline, short events) {
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  if (left <= 0) return fail(not_the_protocol("no answer in time"));
  std::array<struct pollfd, 2> fds{{{exec_.fd(), events, 0}, {signals_.fd(), POLLIN, 0}}};
  // The upper bound serves cancelled(), which a plugin's own handler may set, and an exec without a
  // descriptor.
  const int timeout = static_cast<int>(std::min<long long>(left, exec_.fd() >= 0 && events != 0 ? 100 : 10));
  if (::poll(fds.data(), fds.size(), timeout) < 0 && errno != EINTR) {
    return fail(os::errno_error("poll", "the exec", errno));
  }
  SCC_CHECK(detail::check_cancelled(deps_));
  while (const auto signal = signals_.next()) {
    if (*signal != SIGWINCH) {
      return fail(Kind::cancelled, "launch.cancelled", "cancelled by signal " + std::to_string(*signal));
    }
  }
  return {};
}

/// Takes what has come, or waits a little.
Status Handshake::receive(Clock::time_point deadline) {
  std::string bytes;
  SCC_TRY(const plugin::Exec::Channel channel, exec_.read(0, bytes));
  switch (channel) {
    case plugin::Exec::Channel::out:
      out_ += bytes;
      return {};
    case plugin::Exec::Channel::err:
      err_ += bytes;
      if (err_.size() > kErrLimit) return fail(not_the_protocol("too much on stderr"));
      return {};
    case plugin::Exec::Channel::end:
      ended_ = true;
      return {};
    case plugin::Exec::Channel::nothing_yet:
      break;
  }
  return wait_readable(deadline, POLLIN);
}

/// One line that begins with `start`, without its newline; what follows it stays in out_.
Result<std::string> Handshake::read_line(Clock::time_point deadline, std::string_view start,
                                         std::size_t limit) {
  std::size_t seen = 0;
  while (true) {
    const std::size_t common = std::min(start.size(), out_.size());
    if (std::string_view(out_).substr(0, common) != start.substr(0, common)) {
      return fail(not_the_protocol("its output does not begin as agreed"));
    }
    const std::size_t newline = out_.find('\n', seen);
    if (newline != std::string::npos && newline < limit) {
      std::string line = out_.substr(0, newline);
      out_.erase(0, newline + 1);
      return line;
    }
    seen = out_.size();
    if (seen >= limit)
      return fail(not_the_protocol("a line of more than " + std::to_string(limit) + " bytes"));
    if (ended_) return fail(ended_error());
    SCC_CHECK(receive(deadline));
  }
}

/// The exec ended where a line was expected; its code says why.
Error Handshake::ended_error() {
  const auto code = exec_.wait(options_.wait_ms);
  const std::string said = excerpt(err_.empty() ? out_ : err_);
  const std::string tail = said.empty() ? std::string() : ": " + said;
  if (!code) return Error(code.error()).with("while starting the agent");
  const bool from_checker = go_sent_ || str::starts_with(err_, "scc-check:");
  if (from_checker && (*code == 126 || *code == 127)) {
    return Error{Kind::prereq,
                 "agent.missing",
                 *code == 127 ? "the agent's program is missing in the image" + tail
                              : "the agent's program in the image cannot be executed" + tail,
                 "build the image again: scc image build",
                 {}};
  }
  if (*code == 126 || *code == 127) {
    return Error{Kind::prereq,
                 "check.missing",
                 "the checker could not be started in the sandbox" + tail,
                 "is the installation complete? run: scc status",
                 {}};
  }
  return Error{Kind::prereq,
               "check.refused",
               "the checker ended with code " + std::to_string(*code) + " and did not start the agent" + tail,
               {},
               {}};
}

Result<json::Value> Handshake::receive_evidence(const ExecTarget& target, bool tty) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(options_.handshake_ms);
  SCC_TRY(std::string line, read_line(deadline, kEvidenceStart, kLineLimit));
  if (!out_.empty()) return fail(not_the_protocol("output behind the evidence"));
  auto evidence = json::parse(std::string_view(line).substr(kEvidenceStart.size()), {kLineLimit, 16});
  if (!evidence) return fail(not_the_protocol("the evidence is no JSON: " + evidence.error().message));
  Expectation expected;
  expected.nonce = target.nonce;
  expected.token = target.token;
  expected.uid = target.uid;
  expected.gid = target.gid;
  expected.tty = tty;
  expected.sockets = target.checks.strings_at("/sockets");
  expected.readonly = target.checks.strings_at("/readonly");
  expected.mounts = target.mounts;
  expected.isolated = target.checks.flag("/isolated");
  expected.guard = target.checks.has("/guard");
  expected.guarded = target.checks.strings_at("/guard/paths");
  expected.proxy_port = target.checks.integer("/proxy_port");
  expected.address = target.checks.str("/inside/address");
  expected.proxy = target.checks.str("/inside/proxy");
  expected.unreachable = target.unreachable;
  auto failures = verify_evidence(*evidence, expected);
  for (CheckFailure& failure : verify_sources(*evidence, target.sources))
    failures.push_back(std::move(failure));
  if (!failures.empty()) return fail(verify_error(failures));
  return std::move(*evidence);
}

Status Handshake::go(std::string_view frame) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(options_.handshake_ms);
  bool stuck = false;
  go_sent_ = true;
  while (!frame.empty()) {
    SCC_TRY(const std::size_t taken, exec_.write(frame));
    frame.remove_prefix(std::min(taken, frame.size()));
    // A descriptor that is always writable although nothing is taken must not become a busy loop.
    if (taken == 0) SCC_CHECK(wait_readable(deadline, stuck ? short{0} : short{POLLOUT}));
    stuck = taken == 0;
  }
  auto line = read_line(deadline, kAck.substr(0, kAck.size() - 1), kAck.size());
  if (!line) return fail(std::move(line).error());
  if (*line != kAck.substr(0, kAck.size() - 1)) return fail(not_the_protocol("another acknowledgement"));
  return {};
}

}  // namespace scc::session
