// SPDX-License-Identifier: Apache-2.0
// A process in a sandbox over one hijacked connection (POST /exec/{id}/start): frames without a terminal, raw
// bytes with one. The engine's Content-Type says "raw" either way, so the request's tty decides. Not
// thread-safe; may run beside calls on the instance.
#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include <scc/oci/api.hpp>
#include <scc/oci/frames.hpp>
#include <scc/oci/spec.hpp>

namespace scc::oci {

/// Set once a process was killed by signal 9: then a look for an out-of-memory event is worth a short wait.
using KilledFlag = std::shared_ptr<std::atomic<bool>>;

class Exec {
 public:
  Exec(std::shared_ptr<const Api> api, std::string id, const ExecBody& body, sdk::Stream stream,
       KilledFlag killed);

  /// nullopt: nothing came in time. Several channels may wait in memory after one arrival: read until nothing
  /// comes before polling fd().
  std::optional<sdk::Channel> read(std::uint32_t timeout_ms, const sdk::Sink& out);
  /// What fits without waiting. Input for a process that has gone is dropped, as a terminal does.
  std::size_t write(std::string_view bytes);
  void close_input();
  void resize(std::uint16_t rows, std::uint16_t cols);
  /// The exit code; nullopt when the engine does not know it in time.
  std::optional<int> wait(std::uint32_t timeout_ms);
  int fd() const { return stream_.fd(); }

 private:
  std::optional<sdk::Channel> buffered(const sdk::Sink& out);
  bool try_resize(std::uint32_t timeout_ms);

  std::shared_ptr<const Api> api_;
  KilledFlag killed_;
  std::string id_;
  bool tty_;
  std::uint16_t rows_;
  std::uint16_t cols_;
  bool resize_due_;
  bool ended_ = false;
  bool peer_gone_ = false;
  Demultiplexer frames_;
  sdk::Stream stream_;
};

std::unique_ptr<Exec> open_exec(const std::shared_ptr<const Api>& api, std::string_view sandbox,
                                const sdk::Json& request, const KilledFlag& killed);

}  // namespace scc::oci
