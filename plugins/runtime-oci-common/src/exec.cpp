// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <chrono>
#include <thread>

#include <scc/oci/exec.hpp>
#include <scc/oci/text.hpp>

namespace scc::oci {
namespace {

using Clock = std::chrono::steady_clock;

// The engine answers a resize when the process runs, and lets it wait for seconds when that fails.
constexpr std::uint32_t kFirstResizeMs = 300;
constexpr std::uint32_t kResizeMs = 5'000;
constexpr int kKilled = 128 + 9;

}  // namespace

std::unique_ptr<Exec> open_exec(const std::shared_ptr<const Api>& api, std::string_view sandbox,
                                const sdk::Json& request, const KilledFlag& killed) {
  const ExecBody body = exec_body(request, api->version());
  Call create;
  create.method = "POST";
  create.path = "/containers/" + escape_path(checked_name(sandbox, "sandbox")) + "/exec";
  create.body = body.json;
  const std::string id = checked_name(api->json(create, "starting a process").require_str("/Id"), "process");
  sdk::JsonWriter start;
  start.begin_object().member("Detach", false).member("Tty", body.tty);
  if (body.tty && api->version() >= ApiVersion{1, 42} && body.rows != 0 && body.cols != 0) {
    start.key("ConsoleSize").begin_array().value(body.rows).value(body.cols).end_array();
  }
  start.end_object();
  sdk::Stream stream = api->upgrade("/exec/" + id + "/start", start.str());
  return std::make_unique<Exec>(api, id, body, std::move(stream), killed);
}

Exec::Exec(std::shared_ptr<const Api> api, std::string id, const ExecBody& body, sdk::Stream stream,
           KilledFlag killed)
    : api_(std::move(api)),
      killed_(std::move(killed)),
      id_(std::move(id)),
      tty_(body.tty),
      rows_(body.rows),
      cols_(body.cols),
      resize_due_(body.tty && body.rows != 0 && body.cols != 0 && !(api_->version() >= ApiVersion{1, 42})),
      stream_(std::move(stream)) {
  if (resize_due_) resize_due_ = !try_resize(kFirstResizeMs);
}

bool Exec::try_resize(std::uint32_t timeout_ms) {
  Call call;
  call.method = "POST";
  call.path = "/exec/" + id_ + "/resize?h=" + std::to_string(rows_) + "&w=" + std::to_string(cols_);
  call.timeout_ms = timeout_ms;
  try {
    return api_->call(call).ok();
  } catch (const sdk::Failure& failure) {
    if (failure.status == SCC_E_CANCELLED) throw;
    return false;
  }
}

void Exec::resize(std::uint16_t rows, std::uint16_t cols) {
  if (!tty_)
    throw sdk::Failure(SCC_E_USAGE, "runtime.no-tty", "a process without a terminal has no window size");
  rows_ = rows;
  cols_ = cols;
  // A process that has not started or has ended cannot be resized; neither is worth ending a session for.
  resize_due_ = !try_resize(kResizeMs);
}

std::optional<sdk::Channel> Exec::buffered(const sdk::Sink& out) {
  std::string payload;
  const Demultiplexer::Channel channel = frames_.take(payload);
  if (channel == Demultiplexer::Channel::none) return std::nullopt;
  out.write(payload);
  return channel == Demultiplexer::Channel::err ? sdk::Channel::err : sdk::Channel::out;
}

std::optional<sdk::Channel> Exec::read(std::uint32_t timeout_ms, const sdk::Sink& out) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  while (true) {
    if (const auto channel = buffered(out)) return channel;
    if (ended_) return sdk::Channel::end;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    std::string bytes;
    const auto wait = static_cast<std::uint32_t>(std::clamp<long long>(left, 0, timeout_ms));
    switch (stream_.read(wait, bytes)) {
      case sdk::Stream::Read::timeout:
        return std::nullopt;
      case sdk::Stream::Read::closed:
        ended_ = true;
        if (!frames_.at_boundary()) {
          throw sdk::Failure(SCC_E_TOOL, "runtime.stream", "the engine cut the output off in the middle");
        }
        return sdk::Channel::end;
      case sdk::Stream::Read::data:
        break;
    }
    if (resize_due_) resize_due_ = !try_resize(kFirstResizeMs);
    if (tty_) {
      out.write(bytes);
      return sdk::Channel::out;
    }
    frames_.feed(bytes);
  }
}

std::size_t Exec::write(std::string_view bytes) {
  if (peer_gone_) return bytes.size();
  try {
    return stream_.write(bytes);
  } catch (const sdk::Failure& failure) {
    if (failure.code != "endpoint.closed") throw;
    peer_gone_ = true;
    return bytes.size();
  }
}

void Exec::close_input() {
  if (peer_gone_ || ended_) return;
  stream_.close_write();
}

std::optional<int> Exec::wait(std::uint32_t timeout_ms) {
  const auto deadline = Clock::now() + std::chrono::milliseconds(timeout_ms);
  auto pause = std::chrono::milliseconds(2);
  while (true) {
    Call call;
    call.path = "/exec/" + id_ + "/json";
    const sdk::Json state = api_->json(call, "asking for the exit code");
    if (!state.flag("/Running") && state.has("/ExitCode")) {
      const int code = static_cast<int>(state.integer("/ExitCode"));
      if (code == kKilled) *killed_ = true;
      return code;
    }
    if (Clock::now() >= deadline) return std::nullopt;
    std::this_thread::sleep_for(pause);  // the engine has no call that waits for an exec
    pause = std::min(pause * 2, std::chrono::milliseconds(100));
  }
}

}  // namespace scc::oci
