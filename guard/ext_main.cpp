// SPDX-License-Identifier: Apache-2.0
// scc-guard-ext: loads the safety checks of third parties and asks them about the commands that the guard
// has met (safety/check_wire.h is what comes in and goes out). The one program of a sandbox that loads
// libraries, and only runs where the policy lists checks. The guard starts it with an empty environment. A
// library is loaded from a sealed copy of the very bytes whose SHA-256 the policy names. Whatever goes
// wrong is an answer that blocks, or none, which blocks, too.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <dlfcn.h>
#include <fcntl.h>
#include <map>
#include <string>
#include <unistd.h>
#include <utility>
#include <vector>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>

#include <scc/abi.h>
#include <scc/sdk/sha256.hpp>

#include "guard/ext_json.h"
#include "safety/check_wire.h"

namespace scc::guard {

namespace {

using safety::CheckFinding;
using safety::CheckLibrary;
using safety::CheckQuestion;
using safety::Decision;

constexpr std::size_t kLibraryBytes = std::size_t{64} << 20U;
constexpr std::size_t kMostComponents = 64;
constexpr long kUsPerMs = 1000;

/// Ends the answer with a problem, in words for the agent and the user.
struct Problem {
  std::string text;
};

scc_str view(std::string_view s) noexcept {
  return scc_str{s.data(), s.size()};
}

void put(int fd, const std::string& text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const ssize_t done = write(fd, text.data() + at, text.size() - at);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) _exit(1);
    at += static_cast<std::size_t>(done);
  }
}

std::string read_all(int fd, std::size_t most) {
  std::string out;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t got = read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw Problem{std::string("it cannot be read: ") + strerror(errno)};
    if (got == 0) return out;
    if (out.size() + static_cast<std::size_t>(got) > most) throw Problem{"it is too large"};
    out.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

/// The library's bytes, once they are the ones that the policy means, as a file that nobody can change.
int sealed_copy(const CheckLibrary& one) {
  const int source = open(one.path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (source < 0) throw Problem{"its library cannot be opened: " + std::string(strerror(errno))};
  const std::string bytes = read_all(source, kLibraryBytes);
  close(source);
  if (sdk::sha256_hex(bytes) != one.sha256) throw Problem{"its library is not the one that the policy names"};
  const int copy = memfd_create("check", MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (copy < 0) throw Problem{std::string("no memory file: ") + strerror(errno)};
  put(copy, bytes);
  constexpr int kSeals = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL;
  if (fcntl(copy, F_ADD_SEALS, kSeals) != 0) throw Problem{"its copy cannot be sealed"};
  return copy;
}

// ---- the host as a check sees it: it logs nowhere and parses JSON ----
void log_nothing(const scc_host_v1* /*host*/, scc_log_level /*level*/, scc_str /*message*/) {}
std::int32_t never_cancelled(const scc_host_v1* /*host*/) {
  return 0;
}
const void* service(const scc_host_v1* /*host*/, scc_str id) {
  const bool json = std::string_view(id.data, id.size) == SCC_HOST_JSON;
  return json ? static_cast<const void*>(ext_json_service()) : nullptr;
}
const scc_host_v1* host() {
  static const scc_host_v1 kHost{
      sizeof(scc_host_v1), SCC_ABI_MAJOR, SCC_ABI_MINOR,   nullptr, view("scc-guard"),
      view(SCC_VERSION),   log_nothing,   never_cancelled, service};
  return &kHost;
}

/// Takes what a plugin writes, up to a size.
struct Text {
  static constexpr std::size_t kMost = 4096;
  std::string text{};
  scc_sink sink{sizeof(scc_sink), 0, this, write};

  static scc_status write(void* self, scc_str bytes) {
    auto& text = static_cast<Text*>(self)->text;
    if (bytes.size > kMost - text.size()) return SCC_E_LIMIT;
    text.append(bytes.data, bytes.size);
    return SCC_OK;
  }
};
struct Complaint {
  std::string text{};
  scc_error_sink sink{sizeof(scc_error_sink), 0, this, report};

  static void report(void* self, scc_str /*code*/, scc_str message, scc_str /*hint*/) {
    static_cast<Complaint*>(self)->text.assign(message.data, std::min<std::size_t>(message.size, 512));
  }
};

const scc_safety_v1* find_table(const scc_plugin_v1& entry, const std::string& id) {
  const auto* at = reinterpret_cast<const char*>(entry.components);
  for (std::size_t i = 0; i < entry.component_count; ++i, at += entry.component_stride) {
    scc_component one{};
    std::memcpy(&one, at, sizeof one);
    if (one.interface_id != nullptr && one.id != nullptr && one.table != nullptr &&
        std::strcmp(one.interface_id, SCC_IFACE_SAFETY) == 0 && id == one.id)
      return static_cast<const scc_safety_v1*>(one.table);
  }
  return nullptr;
}

const scc_plugin_v1& load(const CheckLibrary& one) {
  const std::string name = "/proc/self/fd/" + std::to_string(sealed_copy(one));
  void* library = dlopen(name.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) throw Problem{std::string("its library cannot be loaded: ") + dlerror()};
  const auto* entry = static_cast<const scc_plugin_v1*>(dlsym(library, "scc_plugin_entry_v1"));
  if (entry == nullptr || entry->struct_size < offsetof(scc_plugin_v1, init) ||
      entry->abi_major != SCC_ABI_MAJOR || entry->components == nullptr ||
      entry->component_count > kMostComponents || entry->component_stride < sizeof(scc_component))
    throw Problem{"its library is no plugin for this scc"};
  Complaint complaint;
  if (SCC_HAS(entry, init) && entry->init(host(), &complaint.sink) != SCC_OK)
    throw Problem{"it does not start: " + complaint.text};
  return *entry;
}

/// Each library is read and loaded once, however many checks are in it.
using Libraries = std::map<std::pair<std::string, std::string>, const scc_plugin_v1*>;

const scc_safety_v1& table_of(const CheckLibrary& one, Libraries* loaded) {
  const scc_plugin_v1*& entry = (*loaded)[{one.path, one.sha256}];
  if (entry == nullptr) entry = &load(one);
  const scc_safety_v1* table = find_table(*entry, one.id);
  if (!SCC_HAS(table, create) || !SCC_HAS(table, evaluate))
    throw Problem{"its library has no such safety check"};
  return *table;
}

scc_safety* make(const scc_safety_v1& table, const CheckLibrary& one) {
  const std::string config =
      R"({"schema":"scc.component-config/1","config":)" + one.config + R"(,"env":{},"plugin_dir":"/"})";
  scc_safety* self = nullptr;
  Complaint complaint;
  if (table.create(host(), view(config), &self, &complaint.sink) != SCC_OK)
    throw Problem{"it does not accept its configuration: " + complaint.text};
  if (self == nullptr) throw Problem{"it made no instance"};
  return self;
}

Decision decision_of(scc_decision found) {
  if (found == SCC_NO_OPINION || found == SCC_ALLOW) return Decision::allow;
  if (found == SCC_WARN) return Decision::warn;
  if (found == SCC_BLOCK) return Decision::block;
  throw Problem{"its decision " + std::to_string(found) + " does not exist"};
}

CheckFinding ask(const scc_safety_v1& table, const scc_safety* self, const safety::Command& command,
                 const CheckQuestion& question) {
  std::vector<scc_str> words;
  words.reserve(command.argv.size());
  for (const std::string& word : command.argv) words.push_back(view(word));
  const scc_command asked{sizeof(scc_command), command.depth,      words.data(),
                          words.size(),        view(question.raw), view(question.cwd)};
  Text rule;
  Text reason;
  scc_verdict verdict{sizeof(scc_verdict), SCC_NO_OPINION, &rule.sink, &reason.sink};
  if (table.evaluate(self, &asked, &verdict) != SCC_OK) throw Problem{"it failed"};
  CheckFinding out;
  out.decision = decision_of(verdict.decision);
  out.rule = std::move(rule.text);
  out.reason = std::move(reason.text);
  out.at = command.argv.empty() ? "" : command.argv[0];
  out.depth = command.depth;
  return out;
}

/// Processor time, so that a busy machine blocks nothing; the guard itself does not wait for ever. What is
/// left of the last check does not count for the next.
void limit(long ms) {
  const itimerval timer{{0, 0}, {ms / 1000, ms % 1000 * kUsPerMs}};
  if (setitimer(ITIMER_PROF, &timer, nullptr) != 0) throw Problem{"no timer"};
}

void answer(int out, const CheckQuestion& question) {
  CheckFinding worst;
  Libraries loaded;
  std::string by = question.checks.empty() ? "" : question.checks.front().id;
  for (const CheckLibrary& one : question.checks) {
    put(out, safety::pack_running(one.id));
    try {
      const scc_safety_v1& table = table_of(one, &loaded);
      const scc_safety* self = make(table, one);
      limit(safety::kCheckMs);
      for (const safety::Command& command : question.commands) {
        CheckFinding found = ask(table, self, command, question);
        if (found.decision <= worst.decision) continue;
        worst = std::move(found);
        by = one.id;
      }
      limit(0);
    } catch (const Problem& problem) {
      return put(out, safety::pack_problem(one.id + ": " + problem.text));
    }
  }
  put(out, safety::pack_finding(by, worst));
}

int run() {
  constexpr rlimit kNoCore{0, 0};
  setrlimit(RLIMIT_CORE, &kNoCore);
  // What a check prints must not become a part of the answer.
  const int out = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (out < 0 || null < 0 || dup2(null, STDOUT_FILENO) < 0) return 1;
  CheckQuestion question;
  if (!safety::unpack(read_all(STDIN_FILENO, safety::kQuestionBytes), &question)) return 1;
  if (dup2(null, STDIN_FILENO) < 0) return 1;
  answer(out, question);
  return 0;
}

}  // namespace

}  // namespace scc::guard

int main() {
  int code = 1;
  try {
    code = scc::guard::run();
  } catch (...) {
    code = 1;
  }
  // No destructor of a check's library has anything to say.
  _exit(code);
}
