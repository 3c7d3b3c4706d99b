// SPDX-License-Identifier: Apache-2.0
// The two halves of the dialogue share no source: core/ includes nothing of sandbox/. Here each half's output
// is fed to the other one's reader, and limits are tried where the two would first disagree.
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "sandbox/evidence.h"
#include "sandbox/go_frame.h"
#include "sandbox/options.h"
#include "sandbox/protocol.h"
#include "session/attach.h"
#include "session/evidence.h"
#include "session/handshake.h"

namespace {

using scc::session::ExecTarget;

ExecTarget good_target() {
  ExecTarget target;
  target.token = "token-1";
  target.nonce = "0123456789abcdef0123456789abcdef";
  target.uid = 1000;
  target.gid = 100;
  target.argv = {"agent", "--flag"};
  target.checks["sockets"] = scc::json::Value::strings({"/run/engine.sock"});
  target.checks["readonly"] = scc::json::Value::strings({"/etc/x"});
  return target;
}

// What the checker makes of a frame that the host wrote.
bool checker_takes(const std::string& frame, GoAnswer* answer, std::vector<char>* payload) {
  if (frame.size() < SCC_GO_HEADER_BYTES) return false;
  const size_t length = go_header_length(frame.data());
  if (length == 0 || frame.size() != SCC_GO_HEADER_BYTES + length + 1 || frame.back() != '\n') return false;
  payload->assign(frame.begin() + SCC_GO_HEADER_BYTES, frame.end());
  return parse_go_payload(payload->data(), length, answer);
}

TEST(HostContract, TheCheckerReadsTheHostsCommandLine) {
  const ExecTarget target = good_target();
  std::vector<std::string> words = scc::session::checker_argv(target);
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  CheckOptions options;
  const char* subject = nullptr;
  ASSERT_EQ(parse_check_options(static_cast<int>(words.size()), argv.data(), &options, &subject), nullptr);
  EXPECT_EQ(options.token, target.token);
  EXPECT_EQ(options.nonce, target.nonce);
  EXPECT_EQ(options.expect_uid, 1000);
  EXPECT_EQ(options.expect_gid, 100);
  EXPECT_TRUE(options.handshake);
  EXPECT_FALSE(options.allow_root);
  ASSERT_EQ(options.socket_count, 1U);
  ASSERT_EQ(options.readonly_count, 1U);
  EXPECT_STREQ(options.command[0], "agent");
  free(options.sockets);
  free(options.readonly);
  free(options.unreachable);
}

TEST(HostContract, TheCheckerReadsTheHostsAnswer) {
  ExecTarget target = good_target();
  std::string value;
  for (int byte = 0; byte < 256; ++byte) value += static_cast<char>(byte);
  target.secrets = {{"api-key", value}, {"other-2", "x"}};
  const auto frame = scc::session::go_frame(target, {33, 101});
  ASSERT_TRUE(frame.has_value());
  GoAnswer answer;
  std::vector<char> payload;
  ASSERT_TRUE(checker_takes(*frame, &answer, &payload));
  EXPECT_EQ(answer.nonce, target.nonce);
  EXPECT_TRUE(answer.go && answer.ack);
  EXPECT_EQ(answer.rows, 33);
  EXPECT_EQ(answer.cols, 101);
  ASSERT_EQ(answer.secret_count, 2U);
  EXPECT_STREQ(answer.secrets[0].name, "api-key");
  EXPECT_EQ(std::string(answer.secrets[0].value, answer.secrets[0].size), value);
}

TEST(HostContract, LimitsAreTheSame) {
  GoAnswer answer;
  std::vector<char> payload;
  ExecTarget target = good_target();
  target.secrets = {{std::string(SCC_SECRET_NAME_MAX, 'a'), std::string(SCC_SECRET_VALUE_MAX, 'v')}};
  const auto largest = scc::session::go_frame(target, {});
  ASSERT_TRUE(largest.has_value());
  EXPECT_TRUE(checker_takes(*largest, &answer, &payload));
  // What the checker would refuse, the host refuses first, with a better message.
  target.secrets = {{"a", std::string(SCC_SECRET_VALUE_MAX + 1, 'v')}};
  EXPECT_FALSE(scc::session::go_frame(target, {}).has_value());
  target.secrets = {{std::string(SCC_SECRET_NAME_MAX + 1, 'a'), "v"}};
  EXPECT_FALSE(scc::session::go_frame(target, {}).has_value());
  target.secrets.clear();
  for (int i = 0; i < SCC_SECRETS_MAX; ++i) target.secrets.emplace_back("s" + std::to_string(i), "v");
  const auto most = scc::session::go_frame(target, {});
  ASSERT_TRUE(most.has_value());
  EXPECT_TRUE(checker_takes(*most, &answer, &payload));
  target.secrets.emplace_back("one-more", "v");
  EXPECT_FALSE(scc::session::go_frame(target, {}).has_value());
}

// The evidence of a good sandbox, as the checker writes it.
std::string good_document(bool writable_root) {
  static std::array<char, 2> root = {'/', '\0'};
  static std::array<char, 8> type = {"overlay"};
  auto evidence = std::make_unique<Evidence>();
  std::memset(evidence.get(), 0, sizeof(Evidence));
  evidence->capabilities_known = evidence->unix_scanned = evidence->mounts_known = true;
  evidence->no_new_privs = 1;
  evidence->seccomp_mode_before = evidence->seccomp_mode = 2;
  evidence->seccomp_filters_before = 1;
  evidence->seccomp_filters = 2;
  for (int i = 0; i < 4; ++i) {
    evidence->uids[i] = 1000;
    evidence->gids[i] = 100;
  }
  evidence->rootfs_read_only = !writable_root;
  evidence->create_error = EROFS;
  std::strcpy(evidence->cwd, "/ws");
  PathFinding socket = {"/run/engine.sock", false, false, false, nullptr, ENOENT};
  PathFinding readonly = {"/etc/x", true, true, true, "file", EROFS};
  evidence->sockets = &socket;
  evidence->readonly = &readonly;
  MountEntry mount = {};
  mount.root = mount.target = root.data();
  mount.fstype = mount.source = type.data();
  mount.read_only = true;
  evidence->mounts = &mount;
  evidence->mount_count = 1;
  CheckOptions options = {};
  options.token = "token-1";
  options.nonce = "0123456789abcdef0123456789abcdef";
  options.expect_uid = 1000;
  options.expect_gid = 100;
  options.socket_count = options.readonly_count = 1;
  judge_evidence(&options, evidence.get());
  TextBuffer out = {};
  write_evidence(&options, evidence.get(), &out);
  std::string text(out.data, out.size);
  text_free(&out);
  return text;
}

std::vector<scc::session::CheckFailure> host_verdict(const std::string& document) {
  const auto parsed = scc::json::parse(document);
  if (!parsed) return {{"not JSON", "", document}};
  scc::session::Expectation expected;
  expected.nonce = "0123456789abcdef0123456789abcdef";
  expected.token = "token-1";
  expected.uid = 1000;
  expected.gid = 100;
  expected.sockets = {"/run/engine.sock"};
  expected.readonly = {"/etc/x"};
  expected.mounts = scc::json::Value(scc::json::Array{});
  return scc::session::verify_evidence(*parsed, expected);
}

TEST(HostContract, TheHostReadsTheCheckersEvidence) {
  const auto failures = host_verdict(good_document(false));
  for (const auto& failure : failures) {
    ADD_FAILURE() << failure.name << ": expected " << failure.expected << ", observed " << failure.observed;
  }
  EXPECT_FALSE(host_verdict(good_document(true)).empty());
}

// The magic lines are constants inside a source file of the host; the files must spell them alike.
TEST(HostContract, MagicStringsAreSpelledAlike) {
  std::ifstream file(SCC_TEST_HANDSHAKE_SOURCE);
  const std::string source{std::istreambuf_iterator<char>(file), {}};
  ASSERT_FALSE(source.empty());
  for (std::string magic : {SCC_EVIDENCE_PREFIX, SCC_GO_PREFIX, SCC_EXEC_LINE}) {
    ASSERT_EQ(magic.front(), '\x1e');
    std::string spelled = "\"\\x1e" + magic.substr(1);
    if (spelled.back() == '\n') spelled.replace(spelled.size() - 1, 1, "\\n");
    EXPECT_NE(source.find(spelled + '"'), std::string::npos) << spelled;
  }
}

}  // namespace
