// SPDX-License-Identifier: Apache-2.0
// mcp<T>("id") makes an MCP transport component of a plain class:
//   McpConnection plan(const Json& server);                          required, pure
//   std::string probe(const Json& connection, uint32_t timeout_ms);  optional, JSON text of a report
#pragma once

#include <scc/sdk/component.hpp>

namespace scc::sdk {
namespace detail {

template <class T>
using mcp_probe_t = decltype(std::declval<T&>().probe(std::declval<const Json&>(), std::uint32_t{}));

template <class T>
struct McpCalls {
  static scc_status plan(scc_mcp* self, scc_str server, const scc_sink* out,
                         const scc_error_sink* err) noexcept {
    return answer(out, err, [&] {
      Box<T>& box = unbox<T>(self);
      return box.impl.plan(box.host.parse(text(server)));
    });
  }
  using Probe = scc_status (*)(scc_mcp*, scc_str, std::uint32_t, const scc_sink*, const scc_error_sink*);
  static constexpr Probe probe_or_null() {
    if constexpr (has<mcp_probe_t, T>) {
      return [](scc_mcp* self, scc_str connection, std::uint32_t timeout_ms, const scc_sink* out,
                const scc_error_sink* err) {
        return answer(out, err, [&] {
          Box<T>& box = unbox<T>(self);
          return box.impl.probe(box.host.parse(text(connection)), timeout_ms);
        });
      };
    } else {
      return nullptr;
    }
  }
};

template <class T>
inline constexpr scc_mcp_v1 mcp_table = {sizeof(scc_mcp_v1),
                                         0,
                                         &create<T, scc_mcp>,
                                         &destroy<T, scc_mcp>,
                                         &McpCalls<T>::plan,
                                         McpCalls<T>::probe_or_null(),
                                         extension_or_null<T, scc_mcp>()};

}  // namespace detail

template <class T>
constexpr scc_component mcp(const char* id) {
  return {SCC_IFACE_MCP, id, &detail::mcp_table<T>};
}

}  // namespace scc::sdk
