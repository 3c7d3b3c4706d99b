// SPDX-License-Identifier: Apache-2.0
// Guarded calls into plugins (sdk.md §7). Whatever a plugin does inside a call ends here: a status becomes an
// Error with the plugin's own words, an exception that crossed (ABI-7) ends the use of the instance, output
// beyond the limit or against its schema is refused, and if the process dies in the call, the crash handler
// says whose fault it was. Not for calls from several threads at once, except where the tables say [any].
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <type_traits>

#include "json/value.h"
#include "plugin/host.h"
#include "plugin/registry.h"

namespace scc::plugin {

/// What the crash handler needs, ready to be written by a signal handler. One a plugin, never freed.
struct Blame {
  char plugin[64] = {};
  char marker[512] = {};  ///< file that marks these bytes as suspect; empty for built-ins
};

/// Makes a crash inside a plugin name it, on SIGSEGV, SIGABRT, SIGBUS, SIGFPE and SIGILL; what was installed
/// before runs afterwards. Once a process.
void install_crash_handler();

/// Names the call that runs on this thread, for the crash handler. Nests.
class ActiveCall {
 public:
  ActiveCall(const Blame* blame, const char* verb) noexcept;
  ~ActiveCall();
  ActiveCall(const ActiveCall&) = delete;

 private:
  const Blame* outer_blame_;
  const char* outer_verb_;
};

/// Collects what a callee reports; the first report counts.
class ErrorCapture {
 public:
  ErrorCapture();
  ErrorCapture(const ErrorCapture&) = delete;
  const scc_error_sink* sink() const noexcept { return &sink_; }
  bool reported() const noexcept { return reported_; }

  std::string code;
  std::string message;
  std::string hint;

 private:
  static void report(void* ctx, scc_str code, scc_str message, scc_str hint) noexcept;
  scc_error_sink sink_{};
  bool reported_ = false;
};

/// Collects output up to a limit.
class Collector {
 public:
  explicit Collector(std::size_t limit);
  Collector(const Collector&) = delete;
  const scc_sink* sink() const noexcept { return &sink_; }
  bool overflowed() const noexcept { return overflowed_; }
  std::string bytes;

 private:
  static scc_status write(void* ctx, scc_str bytes) noexcept;
  scc_sink sink_{};
  std::size_t limit_;
  bool overflowed_ = false;
};

/// Passes output on as it comes. The callback's exceptions stay out of the plugin.
class Forwarder {
 public:
  explicit Forwarder(std::function<scc_status(std::string_view)> take);
  Forwarder(const Forwarder&) = delete;
  const scc_sink* sink() const noexcept { return &sink_; }

 private:
  static scc_status write(void* ctx, scc_str bytes) noexcept;
  scc_sink sink_{};
  std::function<scc_status(std::string_view)> take_;
};

/// One instance of a component, as seen by the adapters.
class Caller {
 public:
  /// `cleanup` verbs run after Ctrl-C and after a bad document; only an exception that crossed stops them
  /// too.
  enum class Use { normal, cleanup };

  Caller(ComponentRef ref, const Blame* blame, HostContext& host)
      : ref_(std::move(ref)), blame_(blame), host_(host) {}
  const ComponentRef& ref() const noexcept { return ref_; }
  /// A caller for an object that the same instance made (an exec), with a fate of its own.
  Caller fork() const { return Caller(ref_, blame_, host_); }

  /// Calls `body(error sink)`; SCC_E_TIMEOUT counts as success when `timed_out` is given.
  template <class F>
  Status call(const char* verb, Use use, F&& body, bool* timed_out = nullptr) {
    if (Status ready = usable(verb, use); !ready) return ready;
    ErrorCapture error;
    bool threw = false;
    const HostContext::Shield shield(host_, use == Use::cleanup);
    const scc_status status = run(verb, body, error.sink(), threw);
    if (status == SCC_OK && !threw) return {};
    if (status == SCC_E_TIMEOUT && timed_out != nullptr) {
      *timed_out = true;
      return {};
    }
    return failed(verb, status, threw, error);
  }

  /// Calls `body(sink, error sink)` and checks what it wrote against the schema.
  template <class F>
  Result<json::Value> document(const char* verb, Use use, std::string_view schema, F&& body) {
    Collector out(max_document());
    const Status done = call(verb, use, [&](const scc_error_sink* err) { return body(out.sink(), err); });
    return answer(verb, schema, out, done);
  }

  /// Checks a document of ours before a plugin sees it, and writes it. Kind::internal: the fault is the
  /// host's.
  static Result<std::string> request(std::string_view schema, const json::Value& document);

 private:
  static std::size_t max_document() noexcept;

  template <class F>
  scc_status run(const char* verb, F& body, const scc_error_sink* err, bool& threw) noexcept {
    const ActiveCall active(blame_, verb);
    try {
      return body(err);
    } catch (...) {
      threw = true;
      return SCC_E_INTERNAL;
    }
  }

  Status usable(const char* verb, Use use) const;
  Status failed(const char* verb, scc_status status, bool threw, const ErrorCapture& error);
  Result<json::Value> answer(const char* verb, std::string_view schema, const Collector& out,
                             const Status& done);
  std::string where(const char* verb) const;

  ComponentRef ref_;
  const Blame* blame_;
  HostContext& host_;
  bool faulty_ = false;  ///< gave us something that no correct plugin gives
  bool broken_ = false;  ///< an exception crossed: its state is unknown
};

}  // namespace scc::plugin
