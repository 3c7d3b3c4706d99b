// SPDX-License-Identifier: Apache-2.0
// A container runtime behind guarded calls (sdk/include/scc/runtime.h says what each verb means). An
// interface, so that the executor can be tested with a scripted one.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "json/value.h"
#include "plugin/registry.h"

namespace scc::plugin {

/// A process in a sandbox. Not thread-safe.
class Exec {
 public:
  enum class Channel { end, out, err, nothing_yet };
  virtual ~Exec() = default;
  /// Appends to `bytes`; nothing_yet after timeout_ms (0: do not wait).
  virtual Result<Channel> read(unsigned timeout_ms, std::string& bytes) = 0;
  /// How many bytes were taken; may be 0.
  virtual Result<std::size_t> write(std::string_view bytes) = 0;
  virtual Status close_input() = 0;
  virtual Status resize(unsigned rows, unsigned cols) = 0;
  virtual Result<int> wait(unsigned timeout_ms) = 0;
  virtual int fd() const noexcept = 0;
};

using Progress = std::function<void(std::string_view text)>;
/// Fills the buffer, returns the size; 0 at the end; nullopt on failure.
using Source = std::function<std::optional<std::size_t>(char* buffer, std::size_t capacity)>;
/// Takes bytes; false stops the transfer.
using Sink = std::function<bool(std::string_view bytes)>;

class Runtime {
 public:
  virtual ~Runtime() = default;
  virtual const ComponentRef& ref() const noexcept = 0;

  virtual Result<json::Value> probe() = 0;
  virtual Result<json::Value> image_inspect(std::string_view image) = 0;
  virtual Result<json::Value> image_list(const json::Value& filter) = 0;
  virtual Status image_build(const json::Value& request, const Source& context, const Progress& progress) = 0;
  virtual Status image_import(const json::Value& request, const Source& rootfs, const Progress& progress) = 0;
  virtual Result<json::Value> image_pull(std::string_view image, const Progress& progress) = 0;
  virtual Status image_remove(std::string_view image) = 0;

  virtual Result<json::Value> volume_ensure(const json::Value& request) = 0;
  virtual Result<json::Value> volume_list(const json::Value& filter) = 0;
  virtual Status volume_remove(std::string_view name) = 0;

  virtual Result<json::Value> network_create(const json::Value& request) = 0;
  virtual Result<json::Value> network_list(const json::Value& filter) = 0;
  virtual Status network_remove(std::string_view name) = 0;

  virtual Result<json::Value> sandbox_create(const json::Value& spec) = 0;
  virtual Status sandbox_put(std::string_view id, std::string_view path, const Source& tar) = 0;
  virtual Status sandbox_get(std::string_view id, std::string_view path, const Sink& tar) = 0;
  virtual Status sandbox_start(std::string_view id) = 0;
  virtual Result<json::Value> sandbox_inspect(std::string_view id) = 0;
  virtual Result<json::Value> sandbox_list(const json::Value& filter) = 0;
  virtual Status sandbox_stop(std::string_view id, unsigned grace_ms) = 0;
  virtual Status sandbox_remove(std::string_view id) = 0;

  virtual Result<std::unique_ptr<Exec>> exec_open(std::string_view id, const json::Value& request) = 0;
};

}  // namespace scc::plugin
