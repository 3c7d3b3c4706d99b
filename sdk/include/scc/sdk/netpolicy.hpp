// SPDX-License-Identifier: Apache-2.0
// netpolicy<T>("id") makes a network policy component of a plain class:
//   NetPlan plan(const Json& request);             pure
//   NetAttachment apply(const Json& plan);         acts through the host's runtime (RuntimeClient)
//   NetEvidence verify(const Json& attachment);
//   void release(const Json& attachment);          idempotent
#pragma once

#include <chrono>
#include <memory>

#include <scc/sdk/component.hpp>

namespace scc::sdk {
namespace detail {

template <class T>
struct NetPolicyCalls {
  static scc_status plan(scc_netpolicy* self, scc_str request, const scc_sink* out,
                         const scc_error_sink* err) noexcept {
    return answer(out, err, [&] {
      Box<T>& box = unbox<T>(self);
      return box.impl.plan(box.host.parse(text(request)));
    });
  }
  static scc_status apply(scc_netpolicy* self, scc_str plan_json, const scc_sink* out,
                          const scc_error_sink* err) noexcept {
    return answer(out, err, [&] {
      Box<T>& box = unbox<T>(self);
      return box.impl.apply(box.host.parse(text(plan_json)));
    });
  }
  static scc_status verify(scc_netpolicy* self, scc_str attachment, const scc_sink* out,
                           const scc_error_sink* err) noexcept {
    return answer(out, err, [&] {
      Box<T>& box = unbox<T>(self);
      return box.impl.verify(box.host.parse(text(attachment)));
    });
  }
  static scc_status release(scc_netpolicy* self, scc_str attachment, const scc_error_sink* err) noexcept {
    return perform(err, [&] {
      Box<T>& box = unbox<T>(self);
      box.impl.release(box.host.parse(text(attachment)));
    });
  }
};

template <class T>
inline constexpr scc_netpolicy_v1 netpolicy_table = {sizeof(scc_netpolicy_v1),
                                                     0,
                                                     &create<T, scc_netpolicy>,
                                                     &destroy<T, scc_netpolicy>,
                                                     &NetPolicyCalls<T>::plan,
                                                     &NetPolicyCalls<T>::apply,
                                                     &NetPolicyCalls<T>::verify,
                                                     &NetPolicyCalls<T>::release,
                                                     extension_or_null<T, scc_netpolicy>()};

}  // namespace detail

template <class T>
constexpr scc_component netpolicy(const char* id) {
  return {SCC_IFACE_NETPOLICY, id, &detail::netpolicy_table<T>};
}

/// The selected runtime behind the host's checks, for apply(), verify() and release(). Made per call; `table`
/// gives the verbs that have no wrapper here. The host offers what a policy needs for its own networks and
/// containers; other verbs are NULL.
class RuntimeClient {
 public:
  explicit RuntimeClient(const Host& host) : host_(host) {
    const auto* s = host.service<scc_host_runtime_v1>(SCC_HOST_RUNTIME);
    // NOLINTNEXTLINE(bugprone-sizeof-expression): the size of the pointer that the table holds
    if (!SCC_HAS(s, instance) || !SCC_HAS(s, table)) throw Host::absent(SCC_HOST_RUNTIME);
    instance = s->instance;
    table = s->table;
  }

  Json sandbox_create(std::string_view spec_json) const {
    return ask(table->sandbox_create, spec_json, "creating a sandbox");
  }
  Json sandbox_inspect(std::string_view id) const {
    return ask(table->sandbox_inspect, id, "inspecting a sandbox");
  }
  Json sandbox_list(std::string_view filter_json) const {
    return ask(table->sandbox_list, filter_json, "listing sandboxes");
  }
  Json network_create(std::string_view request_json) const {
    return ask(table->network_create, request_json, "creating a network");
  }
  Json network_list(std::string_view filter_json) const {
    return ask(table->network_list, filter_json, "listing networks");
  }
  Json volume_ensure(std::string_view request_json) const {
    return ask(table->volume_ensure, request_json, "creating a volume");
  }
  void sandbox_start(std::string_view id) const { tell(table->sandbox_start, id, "starting a sandbox"); }
  void sandbox_remove(std::string_view id) const { tell(table->sandbox_remove, id, "removing a sandbox"); }
  void network_remove(std::string_view name) const {
    tell(table->network_remove, name, "removing a network");
  }
  void volume_remove(std::string_view name) const { tell(table->volume_remove, name, "removing a volume"); }
  void sandbox_stop(std::string_view id, std::uint32_t grace_ms) const {
    ErrorCatch error;
    const scc_status status = table->sandbox_stop(instance, view(id), grace_ms, error.c());
    if (status != SCC_OK) fail(status, error, "stopping a sandbox");
  }

  struct Ran {
    int exit_code = 0;
    std::string out;
    std::string err;
  };
  /// Runs a process in a sandbox to its end; at most 1 MiB of output. SCC_E_TIMEOUT after timeout_ms.
  Ran run(std::string_view id, std::string_view request_json, std::uint32_t timeout_ms) const {
    ErrorCatch error;
    scc_exec* exec = nullptr;
    scc_status status = table->exec_open(instance, view(id), view(request_json), &exec, error.c());
    if (status != SCC_OK) fail(status, error, "starting a process");
    const auto close = [this](scc_exec* e) { table->exec_close(e); };
    const std::unique_ptr<scc_exec, decltype(close)> closer(exec, close);
    Ran ran;
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(timeout_ms);
    for (;;) {
      Collect bytes;
      scc_channel channel = SCC_CHANNEL_END;
      status = table->exec_read(exec, 100, &channel, bytes.c(), error.c());
      const bool late = std::chrono::steady_clock::now() >= end;
      if (status == SCC_E_TIMEOUT && !late) continue;
      if (status != SCC_OK) fail(status, error, "reading from a process");
      if (channel == SCC_CHANNEL_END) break;
      (channel == SCC_CHANNEL_OUT ? ran.out : ran.err) += bytes.str();
      if (late || ran.out.size() + ran.err.size() > kMostOutput) {
        throw Failure(late ? SCC_E_TIMEOUT : SCC_E_LIMIT, "sdk.exec",
                      "a process said too much or took too long");
      }
    }
    std::int32_t code = 0;
    status = table->exec_wait(exec, 2000, &code, error.c());
    if (status != SCC_OK) fail(status, error, "waiting for a process");
    ran.exit_code = code;
    return ran;
  }

  scc_runtime* instance = nullptr;
  const scc_runtime_v1* table = nullptr;

 private:
  static constexpr std::size_t kMostOutput = std::size_t{1} << 20U;

  template <class Verb>
  Json ask(Verb verb, std::string_view input, const char* what) const {
    Collect out;
    ErrorCatch error;
    const scc_status status = verb(instance, view(input), out.c(), error.c());
    if (status != SCC_OK) fail(status, error, what);
    return host_.parse(out.str());
  }
  template <class Verb>
  void tell(Verb verb, std::string_view input, const char* what) const {
    ErrorCatch error;
    const scc_status status = verb(instance, view(input), error.c());
    if (status != SCC_OK) fail(status, error, what);
  }

  Host host_;
};

}  // namespace scc::sdk
