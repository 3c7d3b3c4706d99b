// SPDX-License-Identifier: Apache-2.0
// server.py as a child with a directory of its own, and a fixture that starts one for each test. Needs
// python3 and openssl; without them a test is skipped, or fails where SCC_REQUIRE_ENGINES=1.
#pragma once

#include <csignal>
#include <cstdlib>
#include <fcntl.h>
#include <map>
#include <memory>
#include <string>
#include <unistd.h>
#include <vector>

#include <gmock/gmock.h>
#include <sys/wait.h>

#include "json/value.h"
#include "os/fs.h"
#include "remote/org.h"
#include "support/temp_dir.h"

namespace scc::test {

class HttpsServer {
 public:
  explicit HttpsServer(const std::filesystem::path& directory) : directory_(directory) {
    int in[2];
    int out[2];
    if (::pipe2(in, O_CLOEXEC) != 0 || ::pipe2(out, O_CLOEXEC) != 0) return;
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(in[0], 0);
      ::dup2(out[1], 1);
      ::execlp("python3", "python3", SCC_TEST_SERVER, directory.c_str(), nullptr);
      ::_exit(127);
    }
    ::close(in[0]);
    ::close(out[1]);
    input_ = in[1];
    std::string line;
    for (char c = 0; ::read(out[0], &c, 1) == 1 && c != '\n';) line.push_back(c);
    ::close(out[0]);
    if (const auto answer = json::parse(line)) origins_ = answer->map_at("");
  }
  HttpsServer(const HttpsServer&) = delete;
  HttpsServer& operator=(const HttpsServer&) = delete;
  ~HttpsServer() { stop(); }
  /// From then on nothing listens.
  void stop() {
    if (pid_ <= 0) return;
    ::close(input_);
    ::waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }
  bool ready() const { return !origins_.empty(); }
  std::string url(const std::string& path, const std::string& server = "https") const {
    return origins_.at(server) + path;
  }
  void route(const std::string& path, json::Value answer) {
    routes_[path] = std::move(answer);
    (void)os::write_file_atomic(directory_ / "routes.json", json::dump(routes_));
  }
  void remove(const std::string& path) {
    routes_.object().erase(path);
    (void)os::write_file_atomic(directory_ / "routes.json", json::dump(routes_));
  }
  /// What was asked so far, oldest first.
  std::vector<json::Value> requests(const std::string& path = {}) const {
    std::vector<json::Value> out;
    const auto text = os::read_file(directory_ / "requests.jsonl", std::size_t{64} << 20U).value_or("");
    std::size_t at = 0;
    for (std::size_t end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
      auto entry = json::parse(std::string_view(text).substr(at, end - at));
      if (entry && (path.empty() || entry->str("/path") == path)) out.push_back(*std::move(entry));
    }
    return out;
  }
  std::string ca() const { return (directory_ / "ca.pem").native(); }
  std::string other_ca() const { return (directory_ / "other-ca.pem").native(); }

 private:
  std::filesystem::path directory_;
  std::map<std::string, std::string> origins_;
  json::Value routes_{json::Object{}};
  pid_t pid_ = -1;
  int input_ = -1;
};

inline json::Value answer(std::string body, std::string etag = {}) {
  json::Value out;
  out["body"] = std::move(body);
  if (!etag.empty()) out["etag"] = std::move(etag);
  return out;
}

inline json::Value redirect(std::string location, int status = 302) {
  json::Value out;
  out["status"] = status;
  out["location"] = std::move(location);
  return out;
}

class ServerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(scratch.path() / "server");
    server = std::make_unique<HttpsServer>(scratch.path() / "server");
    if (!server->ready()) {
      const char* required = std::getenv("SCC_REQUIRE_ENGINES");
      if (required != nullptr && std::string(required) == "1") FAIL() << "python3 or openssl is missing";
      GTEST_SKIP() << "needs python3 and openssl";
    }
    server->route("/unused", answer(""));
    env = environment_in(scratch.path() / "home");
    std::filesystem::create_directory(scratch.path() / "home");
    env.vars["PATH"] = "/usr/bin:/bin";
    paths = os::Paths::from(env);
  }

  TempDir scratch;
  std::unique_ptr<HttpsServer> server;
  os::Environment env;
  os::Paths paths;
};

}  // namespace scc::test
