// SPDX-License-Identifier: Apache-2.0
#include "app/live.h"

#include <algorithm>
#include <charconv>
#include <chrono>

#include "app/stale.h"
#include "base/str.h"
#include "os/process.h"
#include "os/thread.h"

namespace scc::app {

namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds kPause{60'000};
constexpr std::chrono::milliseconds kStep{100};
constexpr int kRefusedPolicy = 6;

/// For tests SCC_TEST_LIVE_MS says how long the pause is; it can only shorten it.
std::chrono::milliseconds pause_of(const std::map<std::string, std::string>& env) {
  const auto found = env.find("SCC_TEST_LIVE_MS");
  std::int64_t value = 0;
  if (found == env.end()) return kPause;
  const std::string& text = found->second;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool good = code == std::errc{} && end == text.data() + text.size() && value > 0;
  return good ? std::min(kPause, std::chrono::milliseconds(value)) : kPause;
}

}  // namespace

std::string revoked_by(const json::Value& was, int code, const std::string& out) {
  const auto envelope = json::parse(out);
  if (!envelope) return {};
  if (code == kRefusedPolicy) {
    return "a start would be refused now: " + envelope->str("/data/user_message", "by the policy");
  }
  const json::Value* plan = code == 0 ? envelope->at("/data/plan") : nullptr;
  if (plan == nullptr || plan->str("/governance/digest") == was.str("/governance/digest")) return {};
  const auto policy = model::network_policy(plan->str("/network/mode"));
  const json::Value* rules = plan->at("/network/rules");
  return policy ? narrowed(was, *policy, rules != nullptr ? *rules : json::Value()) : std::string();
}

std::vector<std::string> dry_run_of(const json::Value& plan) {
  std::vector<std::string> out = {"start",
                                  plan.str("/workspace/root"),
                                  "--dry-run",
                                  "--json",
                                  "--non-interactive",
                                  "--provider",
                                  plan.str("/provider/id"),
                                  "--runtime",
                                  plan.str("/runtime/id")};
  const std::string team = plan.str("/governance/team");
  if (plan.flag("/governance/standalone")) out.emplace_back("--standalone");
  if (!team.empty()) out.insert(out.end(), {"--team", team});
  if (plan.flag("/session/shell")) out.emplace_back("--shell");
  if (plan.str("/identity/mapping") == "root") out.emplace_back("--allow-root");
  return out;
}

LiveWatch::LiveWatch(const Host& host, const json::Value& plan)
    : plan_(plan), program_(host.env.executable.native()), env_(host.env.vars) {
  if (!plan.flag("/governance/enforce_live")) return;
  for (const os::stdfs::path& directory : host.plugin_options.plugin_dirs) {
    more_.insert(more_.end(), {"--plugin-dir", directory.native()});
  }
  for (const std::string& id : host.plugin_options.allow_override)
    more_.insert(more_.end(), {"--allow-override", id});
  thread_ = os::thread_without_signals([this] { watch(); });
}

LiveWatch::~LiveWatch() {
  ended_ = true;
  if (thread_.joinable()) thread_.join();
}

std::function<std::string()> LiveWatch::asker() {
  if (!thread_.joinable()) return {};
  return [this] { return revoked_ ? reason_ : std::string(); };
}

void LiveWatch::watch() {
  const auto pause = pause_of(env_);
  os::ProcessRequest request;
  request.argv = more_;
  request.argv.insert(request.argv.begin(), program_);
  for (std::string& word : dry_run_of(plan_)) request.argv.push_back(std::move(word));
  request.env = env_;
  request.timeout = std::chrono::minutes(2);
  request.max_output = std::size_t{8} << 20U;
  request.cancelled = [this] { return ended_.load(); };
  while (!ended_ && !revoked_) {
    for (const auto until = Clock::now() + pause; !ended_ && Clock::now() < until;)
      std::this_thread::sleep_for(std::min<std::chrono::milliseconds>(kStep, pause));
    if (ended_) return;
    const auto done = os::run(request);
    if (!done) continue;
    reason_ = revoked_by(plan_, done->exit_code, done->out);
    if (!reason_.empty()) revoked_ = true;
  }
}

}  // namespace scc::app
