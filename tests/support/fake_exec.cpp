// SPDX-License-Identifier: Apache-2.0
#include "support/fake_exec.h"

#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <poll.h>
#include <unistd.h>

#include <sys/socket.h>

namespace scc::test {

namespace {

constexpr std::size_t kHeader = 5;  // channel, length

std::string frame(std::uint8_t channel, std::string_view bytes) {
  const auto size = static_cast<std::uint32_t>(bytes.size());
  std::string out(kHeader, '\0');
  out[0] = static_cast<char>(channel);
  std::memcpy(out.data() + 1, &size, sizeof size);
  return out.append(bytes);
}

/// The host's side. Reads ahead, so that a frame may wait in memory where poll(2) does not see it.
class FakeExec : public plugin::Exec {
 public:
  FakeExec(os::Fd fd, std::shared_ptr<ExecShared> shared, std::thread thread)
      : fd_(std::move(fd)), shared_(std::move(shared)), thread_(std::move(thread)) {}
  ~FakeExec() override {
    fd_.reset();
    thread_.join();
  }
  Result<Channel> read(unsigned timeout_ms, std::string& bytes) override {
    while (true) {
      if (take_frame(bytes)) return static_cast<Channel>(bytes_channel_);
      if (ended_) {
        shared_->end_seen = true;
        return Channel::end;
      }
      struct pollfd entry {
        fd_.get(), POLLIN, 0
      };
      if (::poll(&entry, 1, static_cast<int>(timeout_ms)) == 0) return Channel::nothing_yet;
      std::array<char, 65536> buffer{};
      const ssize_t n = ::recv(fd_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
      if (n > 0) {
        memory_.append(buffer.data(), static_cast<std::size_t>(n));
      } else if (n == 0 || errno == ECONNRESET) {
        ended_ = true;
      } else if (errno != EAGAIN && errno != EINTR) {
        return fail(Kind::tool, "fake.read", std::strerror(errno));
      }
    }
  }
  Result<std::size_t> write(std::string_view bytes) override {
    const ssize_t n = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno == EAGAIN) return std::size_t{0};
    return fail(Kind::tool, "fake.write", std::strerror(errno));
  }
  Status close_input() override {
    ::shutdown(fd_.get(), SHUT_WR);
    return {};
  }
  Status resize(unsigned rows, unsigned cols) override {
    const std::lock_guard lock(shared_->mutex);
    shared_->sizes.emplace_back(rows, cols);
    return {};
  }
  Result<int> wait(unsigned) override {
    if (!ended_) return fail(Kind::internal, "fake.wait", "wait before the end of the output");
    return shared_->exit_code.load();
  }
  int fd() const noexcept override { return fd_.get(); }

 private:
  bool take_frame(std::string& bytes) {
    if (memory_.size() < kHeader) return false;
    std::uint32_t size = 0;
    std::memcpy(&size, memory_.data() + 1, sizeof size);
    if (memory_.size() < kHeader + size) return false;
    bytes_channel_ = memory_[0];
    bytes.append(memory_, kHeader, size);
    memory_.erase(0, kHeader + size);
    return true;
  }
  os::Fd fd_;
  std::shared_ptr<ExecShared> shared_;
  std::thread thread_;
  std::string memory_;
  int bytes_channel_ = 0;
  bool ended_ = false;
};

}  // namespace

std::string ExecPeer::option(const std::string& name) const {
  const auto argv = request_.strings_at("/argv");
  for (std::size_t i = 0; i + 1 < argv.size(); ++i) {
    if (argv[i] == name) return argv[i + 1];
  }
  return {};
}

void ExecPeer::send(std::uint8_t channel, const std::string& bytes) {
  constexpr std::size_t kFrame = 16384;
  for (std::size_t pos = 0; pos < bytes.size(); pos += kFrame) {
    const std::string data = frame(channel, std::string_view(bytes).substr(pos, kFrame));
    std::string_view rest = data;
    while (!rest.empty()) {
      const ssize_t n = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return;  // the host went away
      rest.remove_prefix(static_cast<std::size_t>(n));
    }
  }
}

bool ExecPeer::try_out(const std::string& bytes) {
  if (pending_.empty()) pending_ = frame(1, bytes);
  while (!pending_.empty()) {
    const ssize_t n = ::send(fd_.get(), pending_.data(), pending_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n < 0) return errno == EINTR;
    pending_.erase(0, static_cast<std::size_t>(n));
  }
  return true;
}

int ExecPeer::read_byte() {
  const std::string byte = read_exactly(1);
  return byte.empty() ? -1 : static_cast<unsigned char>(byte[0]);
}

std::string ExecPeer::read_exactly(std::size_t n) {
  std::string out;
  while (out.size() < n) {
    std::array<char, 65536> buffer{};
    const ssize_t got = ::recv(fd_.get(), buffer.data(), std::min(buffer.size(), n - out.size()), 0);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    out.append(buffer.data(), static_cast<std::size_t>(got));
  }
  return out;
}

void ExecPeer::close_input() {
  ::shutdown(fd_.get(), SHUT_RD);
}

std::string ExecPeer::read_to_end() {
  return read_exactly(SIZE_MAX);
}

std::vector<std::pair<unsigned, unsigned>> ExecPeer::sizes() const {
  const std::lock_guard lock(shared_->mutex);
  return shared_->sizes;
}

bool ExecPeer::eventually(const std::function<bool()>& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

std::unique_ptr<plugin::Exec> start_exec(json::Value request, ExecScript script) {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0) std::abort();
  auto shared = std::make_shared<ExecShared>();
  std::thread thread(
      [fd = fds[1], request = std::move(request), shared, script = std::move(script)]() mutable {
        ExecPeer peer(os::Fd(fd), std::move(request), shared);
        script(peer);
      });
  return std::make_unique<FakeExec>(os::Fd(fds[0]), std::move(shared), std::move(thread));
}

void send_evidence(ExecPeer& peer, const json::Value& evidence) {
  peer.out("\x1eSCC-EVIDENCE " + json::dump(evidence) + "\n");
}

json::Value read_go(ExecPeer& peer) {
  const std::string header = peer.read_exactly(17);
  if (header.size() != 17 || header.rfind("\x1eSCC-GO ", 0) != 0 || header[16] != ' ') return {};
  const std::string payload = peer.read_exactly(std::stoul(header.substr(8, 8), nullptr, 16));
  if (peer.read_exactly(1) != "\n") return {};
  return json::parse(payload).value_or(json::Value());
}

json::Value checker_handshake(ExecPeer& peer, const json::Value& evidence) {
  send_evidence(peer, evidence);
  json::Value go = read_go(peer);
  if (go.flag("/go")) peer.out("\x1eSCC-EXEC\n");
  return go;
}

namespace {

json::Value mount_entry(const std::string& target, const std::string& fstype, bool read_only) {
  return json::Object{{"target", target}, {"root", "/"}, {"fstype", fstype}, {"read_only", read_only}};
}

void add_checked_paths(json::Value& evidence, const ExecPeer& peer) {
  json::Array sockets;
  json::Array readonly;
  const auto argv = peer.request().strings_at("/argv");
  for (std::size_t i = 0; i + 1 < argv.size() && argv[i] != "--"; ++i) {
    if (argv[i] == "--socket") {
      sockets.push_back(json::Object{{"path", argv[i + 1]}, {"visible", false}, {"error", "ENOENT"}});
    } else if (argv[i] == "--readonly") {
      readonly.push_back(json::Object{{"path", argv[i + 1]},
                                      {"present", true},
                                      {"kind", "file"},
                                      {"protected", true},
                                      {"pinned", true},
                                      {"error", "EROFS"}});
    }
  }
  evidence["sockets"] = std::move(sockets);
  evidence["readonly"] = std::move(readonly);
}

}  // namespace

json::Value good_evidence(const ExecPeer& peer, const json::Value& mounts) {
  const auto uid = static_cast<std::int64_t>(std::stoll(peer.option("--expect-uid")));
  const auto gid = static_cast<std::int64_t>(std::stoll(peer.option("--expect-gid")));
  const char* none = "0000000000000000";
  json::Value out;
  out["schema"] = "scc.evidence/1";
  out["nonce"] = peer.option("--nonce");
  out["token"] = peer.option("--token");
  out["passed"] = true;
  out["failed"] = json::Array{};
  out["checks"] = json::Array{
      json::Object{{"name", "cap-effective"}, {"expected", none}, {"observed", none}, {"passed", true}}};
  out["capabilities"] = json::Object{
      {"effective", none}, {"permitted", none}, {"inheritable", none}, {"bounding", none}, {"ambient", none}};
  out["no_new_privs"] = 1;
  out["seccomp"] = json::Object{{"mode_before", 2}, {"filters_before", 1}, {"mode", 2}, {"filters", 2}};
  out["uid"] = uid;
  out["gid"] = gid;
  out["uids"] = json::Array{uid, uid, uid, uid};
  out["gids"] = json::Array{gid, gid, gid, gid};
  out["rootfs"] = json::Object{{"read_only", true}, {"create_error", "EROFS"}};
  for (const char* list : {"socket_mounts", "socket_finds", "unix_sockets"}) out[list] = json::Array{};
  add_checked_paths(out, peer);
  json::Array table{mount_entry("/", "overlay", true), mount_entry("/proc", "proc", false),
                    mount_entry("/dev", "tmpfs", false), mount_entry("/sys", "sysfs", true)};
  for (const json::Value& mount : mounts.items()) {
    const std::string type = mount.str("/type");
    table.push_back(
        mount_entry(mount.str("/target"), type == "tmpfs" ? "tmpfs" : "ext4", mount.flag("/read_only")));
  }
  table.push_back(mount_entry("/etc/resolv.conf", "ext4", false));
  out["mounts"] = std::move(table);
  out["tty"] = peer.request().flag("/tty");
  return out;
}

}  // namespace scc::test
