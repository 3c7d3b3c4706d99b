// SPDX-License-Identifier: Apache-2.0
// safety<T>("id") makes a safety check component of a plain class:
//   SafetyRules rules();
//   Verdict evaluate(const Command& command) const;   pure, callable from any thread
// An exception in evaluate blocks the command.
#pragma once

#include <scc/sdk/component.hpp>

namespace scc::sdk {

/// One simple command; borrows from the engine, nothing is copied.
class Command {
 public:
  explicit Command(const scc_command& c) noexcept : c_(&c) {}
  std::size_t size() const noexcept { return c_->argc; }
  std::string_view operator[](std::size_t i) const noexcept {
    return i < c_->argc ? text(c_->argv[i]) : std::string_view();
  }
  std::string_view raw() const noexcept { return text(c_->raw); }
  std::string_view cwd() const noexcept { return text(c_->cwd); }
  /// 0: typed by the agent; n: found n levels inside sh -c, eval, xargs, ...
  std::uint32_t depth() const noexcept { return c_->depth; }

 private:
  const scc_command* c_;
};

struct Verdict {
  scc_decision decision = SCC_NO_OPINION;
  std::string rule = {};    ///< stable rule id, such as git.force_push
  std::string reason = {};  ///< for the agent and the user
};

namespace detail {

template <class T>
struct SafetyCalls {
  static scc_status rules(scc_safety* self, const scc_sink* out, const scc_error_sink* err) noexcept {
    return answer(out, err, [&] { return unbox<T>(self).impl.rules(); });
  }
  static scc_status evaluate(const scc_safety* self, const scc_command* command, scc_verdict* out) noexcept {
    return guard(nullptr, [&] {
      if (command == nullptr || out == nullptr) return static_cast<scc_status>(SCC_E_USAGE);
      const Verdict verdict = unbox<T>(self).impl.evaluate(Command(*command));
      if (!verdict.rule.empty() && out->rule != nullptr) Sink(out->rule).write(verdict.rule);
      if (!verdict.reason.empty() && out->reason != nullptr) Sink(out->reason).write(verdict.reason);
      out->decision = verdict.decision;
      return static_cast<scc_status>(SCC_OK);
    });
  }
};

template <class T>
inline constexpr scc_safety_v1 safety_table = {sizeof(scc_safety_v1),
                                               0,
                                               &create<T, scc_safety>,
                                               &destroy<T, scc_safety>,
                                               &SafetyCalls<T>::rules,
                                               &SafetyCalls<T>::evaluate,
                                               extension_or_null<T, scc_safety>()};

}  // namespace detail

template <class T>
constexpr scc_component safety(const char* id) {
  return {SCC_IFACE_SAFETY, id, &detail::safety_table<T>};
}

}  // namespace scc::sdk
