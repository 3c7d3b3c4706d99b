// SPDX-License-Identifier: Apache-2.0
// provider<T>("id") makes a provider component of a plain class:
//   LaunchSpec plan_launch(const Json& request);   required, pure
//   AuthStatus auth_status(const Json& request);   required (or without a parameter)
//   ... plan_artifacts(const Json& plan);          optional
//   ... plan_login(const Json& request);           optional
#pragma once

#include <scc/sdk/component.hpp>

namespace scc::sdk {
namespace detail {

template <class T>
using plan_launch_t = decltype(std::declval<T&>().plan_launch(std::declval<const Json&>()));
template <class T>
using auth_status_t = decltype(std::declval<T&>().auth_status(std::declval<const Json&>()));
template <class T>
using auth_status_plain_t = decltype(std::declval<T&>().auth_status());
template <class T>
using plan_artifacts_t = decltype(std::declval<T&>().plan_artifacts(std::declval<const Json&>()));
template <class T>
using plan_login_t = decltype(std::declval<T&>().plan_login(std::declval<const Json&>()));

template <class T>
struct ProviderCalls {
  static_assert(has<plan_launch_t, T>, "a provider needs plan_launch(const Json& request)");
  static_assert(has<auth_status_t, T> || has<auth_status_plain_t, T>,
                "a provider needs auth_status(const Json& request)");

  static scc_status plan_launch(scc_provider* self, scc_str request, const scc_sink* out,
                                const scc_error_sink* err) noexcept {
    return answer(out, err, [&] {
      Box<T>& box = unbox<T>(self);
      return box.impl.plan_launch(box.host.parse(text(request)));
    });
  }
  static scc_status auth_status(scc_provider* self, scc_str request, const scc_sink* out,
                                const scc_error_sink* err) noexcept {
    return answer(out, err, [&] {
      Box<T>& box = unbox<T>(self);
      if constexpr (has<auth_status_t, T>) {
        return box.impl.auth_status(box.host.parse(text(request)));
      } else {
        return box.impl.auth_status();
      }
    });
  }
  using Plan = scc_status (*)(scc_provider*, scc_str, const scc_sink*, const scc_error_sink*);
  static constexpr Plan artifacts_or_null() {
    if constexpr (has<plan_artifacts_t, T>) {
      return [](scc_provider* self, scc_str plan, const scc_sink* out, const scc_error_sink* err) {
        return answer(out, err, [&] {
          Box<T>& box = unbox<T>(self);
          return box.impl.plan_artifacts(box.host.parse(text(plan)));
        });
      };
    } else {
      return nullptr;
    }
  }
  static constexpr Plan login_or_null() {
    if constexpr (has<plan_login_t, T>) {
      return [](scc_provider* self, scc_str request, const scc_sink* out, const scc_error_sink* err) {
        return answer(out, err, [&] {
          Box<T>& box = unbox<T>(self);
          return box.impl.plan_login(box.host.parse(text(request)));
        });
      };
    } else {
      return nullptr;
    }
  }
};

template <class T>
inline constexpr scc_provider_v1 provider_table = {sizeof(scc_provider_v1),
                                                   0,
                                                   &create<T, scc_provider>,
                                                   &destroy<T, scc_provider>,
                                                   &ProviderCalls<T>::plan_launch,
                                                   &ProviderCalls<T>::auth_status,
                                                   ProviderCalls<T>::artifacts_or_null(),
                                                   ProviderCalls<T>::login_or_null(),
                                                   extension_or_null<T, scc_provider>()};

}  // namespace detail

template <class T>
constexpr scc_component provider(const char* id) {
  return {SCC_IFACE_PROVIDER, id, &detail::provider_table<T>};
}

}  // namespace scc::sdk
