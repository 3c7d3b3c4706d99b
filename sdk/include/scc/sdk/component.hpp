// SPDX-License-Identifier: Apache-2.0
// What the component kinds share: the box that a C handle points to, creation, and detection of the methods
// that a vendor's class has. Duck typing: no base class, a missing optional method yields an absent member.
#pragma once

#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include <scc/sdk/documents.hpp>
#include <scc/sdk/host.hpp>

namespace scc::sdk::detail {

/// What an opaque handle (scc_provider*, scc_runtime*, ...) points to.
template <class T>
struct Box {
  Box(const scc_host_v1* h, const Json& config) : host(h), impl(make(host, config)) {}

  Host host;
  T impl;

 private:
  // The constructor may take (Host, const Json&), (Host) or nothing. `config` is scc.component-config/1:
  // /config holds the user's section, /env the granted variables, /plugin_dir the plugin's directory.
  static T make(Host& host, const Json& config) {
    if constexpr (std::is_constructible_v<T, Host, const Json&>) {
      return T(host, config);
    } else if constexpr (std::is_constructible_v<T, Host>) {
      return T(host);
    } else {
      return T();
    }
  }
};

template <class T, class Handle>
Box<T>& unbox(Handle* handle) {
  if (handle == nullptr) throw Failure(SCC_E_USAGE, "sdk.null-handle", "called without an instance");
  return *reinterpret_cast<Box<T>*>(handle);
}
template <class T, class Handle>
const Box<T>& unbox(const Handle* handle) {
  if (handle == nullptr) throw Failure(SCC_E_USAGE, "sdk.null-handle", "called without an instance");
  return *reinterpret_cast<const Box<T>*>(handle);
}

template <class T, class Handle>
scc_status create(const scc_host_v1* host, scc_str config, Handle** out, const scc_error_sink* err) noexcept {
  return guard(err, [&] {
    if (out == nullptr) return static_cast<scc_status>(SCC_E_USAGE);
    *out = nullptr;
    *out = reinterpret_cast<Handle*>(new Box<T>(host, Json::parse(host, text(config))));
    return static_cast<scc_status>(SCC_OK);
  });
}

template <class T, class Handle>
void destroy(Handle* self) noexcept {
  delete reinterpret_cast<Box<T>*>(self);
}

/// Runs the body of a call that answers with a document.
template <class Body>
scc_status answer(const scc_sink* out, const scc_error_sink* err, Body&& body) noexcept {
  return guard(err, [&] {
    Sink(out).write(json_of(body()));
    return static_cast<scc_status>(SCC_OK);
  });
}

/// Runs the body of a call that answers with its status alone.
template <class Body>
scc_status perform(const scc_error_sink* err, Body&& body) noexcept {
  return guard(err, [&] {
    body();
    return static_cast<scc_status>(SCC_OK);
  });
}

inline Failure no_method(const char* name) {
  return {SCC_E_UNSUPPORTED, "sdk.unsupported", std::string("this plugin does not implement ") + name};
}

template <class T>
using extension_t = decltype(std::declval<T&>().extension(std::string_view()));

template <template <class> class Op, class T, class = void>
struct Detected : std::false_type {};
template <template <class> class Op, class T>
struct Detected<Op, T, std::void_t<Op<T>>> : std::true_type {};
template <template <class> class Op, class T>
inline constexpr bool has = Detected<Op, T>::value;

/// The extension member, or nullptr when the class has no extension(std::string_view) -> const void*.
template <class T, class Handle>
constexpr auto extension_or_null() -> const void* (*)(Handle*, scc_str) {
  if constexpr (has<extension_t, T>) {
    return [](Handle* self, scc_str id) -> const void* {
      const void* result = nullptr;
      static_cast<void>(perform(nullptr, [&] { result = unbox<T>(self).impl.extension(text(id)); }));
      return result;
    };
  } else {
    return nullptr;
  }
}

}  // namespace scc::sdk::detail
