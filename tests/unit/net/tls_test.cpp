// SPDX-License-Identifier: Apache-2.0
// net::Client over TLS against OpenSSL's own server: only a certificate that the given authority signed, for
// the host that was asked for, is spoken to. Skipped where there is no openssl program.
#include <csignal>
#include <cstdio>
#include <fcntl.h>
#include <fstream>
#include <optional>
#include <spawn.h>
#include <vector>

#include <gtest/gtest.h>
#include <sys/wait.h>

#include "net/endpoint.h"
#include "unit/net/raw_server.h"

extern char** environ;

namespace scc::net {
namespace {

/// A child with its stdout readable; killed at the end.
class Child {
 public:
  Child(std::vector<std::string> argv, const std::string& directory) {
    int pipe_fds[2];
    if (pipe2(pipe_fds, O_CLOEXEC) != 0) return;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, pipe_fds[1], 1);
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_addchdir_np(&actions, directory.c_str());
    std::vector<char*> raw;
    for (std::string& arg : argv) raw.push_back(arg.data());
    raw.push_back(nullptr);
    if (posix_spawnp(&pid_, raw[0], &actions, nullptr, raw.data(), environ) != 0) pid_ = -1;
    posix_spawn_file_actions_destroy(&actions);
    close(pipe_fds[1]);
    out_ = pipe_fds[0];
  }
  ~Child() {
    if (pid_ > 0) {
      kill(pid_, SIGKILL);
      waitpid(pid_, nullptr, 0);
    }
    if (out_ >= 0) close(out_);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool started() const { return pid_ > 0; }
  /// The exit code.
  int wait() {
    int status = -1;
    waitpid(pid_, &status, 0);
    pid_ = -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  /// The next line of output, within ten seconds.
  std::string line() const {
    std::string text;
    pollfd entry{out_, POLLIN, 0};
    char c = 0;
    while (poll(&entry, 1, 10'000) > 0 && read(out_, &c, 1) == 1 && c != '\n') text += c;
    return text;
  }

 private:
  pid_t pid_ = -1;
  int out_ = -1;
};

class TlsTest : public testing::Test {
 protected:
  void SetUp() override {
    Child version({"openssl", "version"}, "/");
    if (!version.started() || version.wait() != 0) GTEST_SKIP() << "there is no openssl program";
    Child make({"openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out",
                "cert.pem", "-days", "2", "-subj", "/CN=test", "-addext", "subjectAltName=IP:127.0.0.1"},
               dir_.path());
    ASSERT_EQ(make.wait(), 0);
    std::ofstream(dir_.path() / "file") << "secret";
  }
  /// Serves the directory; the port.
  std::string serve(std::vector<std::string> more = {}) {
    std::vector<std::string> argv = {"openssl",  "s_server", "-accept", "127.0.0.1:0", "-cert",
                                     "cert.pem", "-key",     "key.pem", "-WWW"};
    argv.insert(argv.end(), more.begin(), more.end());
    server_.emplace(argv, dir_.path());
    for (int i = 0; i < 20; ++i) {
      const std::string line = server_->line();
      if (line.rfind("ACCEPT ", 0) == 0) return line.substr(line.rfind(':') + 1);
    }
    ADD_FAILURE() << "the server did not start";
    return "1";
  }
  std::string path(const char* name) const { return (dir_.path() / name).string(); }
  static Request get() {
    Request request;
    request.path = "/file";
    return request;
  }

  test::TempDir dir_;
  std::optional<Child> server_;
};

TEST_F(TlsTest, SpeaksToAServerOfTheGivenAuthority) {
  const std::string url = "tcp://127.0.0.1:" + serve();
  const auto response = Client({url, Tls{path("cert.pem"), "", ""}}).send(get());
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "secret");
}

TEST_F(TlsTest, RefusesAnotherAuthorityOrHost) {
  const std::string port = serve();
  const auto stranger = Client({"tcp://127.0.0.1:" + port, Tls{}}).send(get());
  ASSERT_FALSE(stranger) << "the system's authorities do not know this one";
  EXPECT_EQ(stranger.error().id, "endpoint.tls");
  EXPECT_EQ(stranger.error().kind, Kind::prereq);
  EXPECT_EQ(Client({"https://127.0.0.1:" + port, std::nullopt}).send(get()).error().id, "endpoint.tls");
  const auto other = Client({"tcp://localhost:" + port, Tls{path("cert.pem"), "", ""}}).send(get());
  ASSERT_FALSE(other) << "the certificate names 127.0.0.1 only";
  EXPECT_EQ(other.error().id, "endpoint.tls");
  EXPECT_EQ(Client({"tcp://127.0.0.1:" + port, Tls{path("none.pem"), "", ""}}).send(get()).error().id,
            "endpoint.tls");
}

TEST_F(TlsTest, ShowsItsOwnCertificateWhenAsked) {
  const std::string url =
      "tcp://127.0.0.1:" + serve({"-Verify", "1", "-CAfile", "cert.pem", "-verify_return_error"});
  EXPECT_FALSE(Client({url, Tls{path("cert.pem"), "", ""}}).send(get()));
  const auto response = Client({url, Tls{path("cert.pem"), path("cert.pem"), path("key.pem")}}).send(get());
  ASSERT_TRUE(response) << response.error().message;
  EXPECT_EQ(response->body, "secret");
}

TEST_F(TlsTest, StreamsButCannotCloseOneDirection) {
  const std::string url = "tcp://127.0.0.1:" + serve();
  auto upgraded = Client({url, Tls{path("cert.pem"), "", ""}}).upgrade(get());
  ASSERT_TRUE(upgraded) << upgraded.error().message;
  ASSERT_TRUE(upgraded->stream);
  std::string bytes;
  for (int i = 0; i < 10 && bytes.size() < 6; ++i) {
    const auto open = upgraded->stream->read(10'000, bytes);
    ASSERT_TRUE(open) << open.error().message;
    if (!*open) break;
  }
  EXPECT_EQ(bytes, "secret");
  const auto closed = upgraded->stream->close_write();
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().id, "endpoint.unsupported");
}

}  // namespace
}  // namespace scc::net
