// SPDX-License-Identifier: Apache-2.0
#include "plugin/interfaces.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "base/str.h"

namespace scc::plugin {

namespace {

constexpr std::size_t kMaxComponents = 64;
constexpr std::size_t kMaxStride = 1'024;
constexpr std::size_t kMaxTableSize = 4'096;
constexpr std::size_t kMaxName = 128;

tl::unexpected<Error> bad(std::string message) {
  return fail(Kind::prereq, "plugin.table", std::move(message),
              "build the plugin with the SDK's headers and fill every required member");
}

/// A NUL-terminated string of the plugin, bounded.
Result<std::string> name_of(const char* text, std::string_view what) {
  if (text == nullptr) return bad("the entry has no " + std::string(what));
  const std::size_t size = strnlen(text, kMaxName + 1);
  if (size == 0 || size > kMaxName) return bad("the entry has a malformed " + std::string(what));
  return str::printable(std::string_view(text, size));
}

#define SCC_REQUIRE(table, member) \
  if (!SCC_HAS(table, member)) return #member

// Each returns the first required member that is missing, or nullptr.
const char* missing(const scc_provider_v1* t) {
  SCC_REQUIRE(t, create);
  SCC_REQUIRE(t, destroy);
  SCC_REQUIRE(t, plan_launch);
  SCC_REQUIRE(t, auth_status);
  return nullptr;
}

const char* missing(const scc_runtime_v1* t) {
  SCC_REQUIRE(t, create);
  SCC_REQUIRE(t, destroy);
  SCC_REQUIRE(t, probe);
  SCC_REQUIRE(t, image_inspect);
  SCC_REQUIRE(t, image_list);
  SCC_REQUIRE(t, image_build);
  SCC_REQUIRE(t, image_import);
  SCC_REQUIRE(t, image_pull);
  SCC_REQUIRE(t, image_remove);
  SCC_REQUIRE(t, volume_ensure);
  SCC_REQUIRE(t, volume_list);
  SCC_REQUIRE(t, volume_remove);
  SCC_REQUIRE(t, network_create);
  SCC_REQUIRE(t, network_list);
  SCC_REQUIRE(t, network_remove);
  SCC_REQUIRE(t, sandbox_create);
  SCC_REQUIRE(t, sandbox_put);
  SCC_REQUIRE(t, sandbox_get);
  SCC_REQUIRE(t, sandbox_start);
  SCC_REQUIRE(t, sandbox_inspect);
  SCC_REQUIRE(t, sandbox_list);
  SCC_REQUIRE(t, sandbox_stop);
  SCC_REQUIRE(t, sandbox_remove);
  SCC_REQUIRE(t, exec_open);
  SCC_REQUIRE(t, exec_read);
  SCC_REQUIRE(t, exec_write);
  SCC_REQUIRE(t, exec_close_input);
  SCC_REQUIRE(t, exec_resize);
  SCC_REQUIRE(t, exec_wait);
  SCC_REQUIRE(t, exec_fd);
  SCC_REQUIRE(t, exec_close);
  return nullptr;
}

const char* missing(const scc_netpolicy_v1* t) {
  SCC_REQUIRE(t, create);
  SCC_REQUIRE(t, destroy);
  SCC_REQUIRE(t, plan);
  SCC_REQUIRE(t, apply);
  SCC_REQUIRE(t, verify);
  SCC_REQUIRE(t, release);
  return nullptr;
}

const char* missing(const scc_mcp_v1* t) {
  SCC_REQUIRE(t, create);
  SCC_REQUIRE(t, destroy);
  SCC_REQUIRE(t, plan);
  return nullptr;
}

const char* missing(const scc_safety_v1* t) {
  SCC_REQUIRE(t, create);
  SCC_REQUIRE(t, destroy);
  SCC_REQUIRE(t, rules);
  SCC_REQUIRE(t, evaluate);
  return nullptr;
}

#undef SCC_REQUIRE

const char* missing_member(const TableComponent& c) {
  if (c.interface == SCC_IFACE_PROVIDER) return missing(static_cast<const scc_provider_v1*>(c.table));
  if (c.interface == SCC_IFACE_RUNTIME) return missing(static_cast<const scc_runtime_v1*>(c.table));
  if (c.interface == SCC_IFACE_NETPOLICY) return missing(static_cast<const scc_netpolicy_v1*>(c.table));
  if (c.interface == SCC_IFACE_MCP) return missing(static_cast<const scc_mcp_v1*>(c.table));
  return missing(static_cast<const scc_safety_v1*>(c.table));
}

Status check_component(const TableComponent& c) {
  const std::string label = c.interface + " " + c.id;
  if (c.table == nullptr) return bad(label + " has no table");
  if (!supported(c.interface)) return {};  // another major or a third party's: never called
  // Every table begins with its size (ABI-4).
  std::uint32_t size = 0;
  std::memcpy(&size, c.table, sizeof(size));
  if (size < 2 * sizeof(std::uint32_t) || size > kMaxTableSize) {
    return bad(label + " has a table of " + std::to_string(size) + " bytes");
  }
  if (const char* member = missing_member(c)) return bad(label + " lacks the required function " + member);
  return {};
}

}  // namespace

std::string_view kind_of(std::string_view interface) noexcept {
  const std::string_view stem = interface.substr(0, interface.find('/'));
  if (stem == "scc.provider") return "provider";
  if (stem == "scc.runtime") return "runtime";
  if (stem == "scc.netpolicy") return "netpolicy";
  if (stem == "scc.mcp-transport") return "mcp-transport";
  if (stem == "scc.safety-check") return "safety-check";
  return {};
}

bool supported(std::string_view interface) noexcept {
  return interface == SCC_IFACE_PROVIDER || interface == SCC_IFACE_RUNTIME ||
         interface == SCC_IFACE_NETPOLICY || interface == SCC_IFACE_MCP || interface == SCC_IFACE_SAFETY;
}

Result<Tables> read_tables(const scc_plugin_v1* entry) {
  if (entry == nullptr) return bad("the entry is null");
  constexpr std::size_t kFixed = offsetof(scc_plugin_v1, component_stride) + sizeof(entry->component_stride);
  if (entry->struct_size < kFixed || entry->struct_size > kMaxTableSize) {
    return bad("the entry says that it has " + std::to_string(entry->struct_size) + " bytes");
  }
  if (entry->abi_major != SCC_ABI_MAJOR) {
    return fail(Kind::prereq, "plugin.sdk-version",
                "built for version " + std::to_string(entry->abi_major) +
                    " of the plugin interface, this scc has " + std::to_string(SCC_ABI_MAJOR),
                "install a build of the plugin for this version of scc");
  }
  Tables out;
  SCC_TRY(out.id, name_of(entry->id, "id"));
  SCC_TRY(out.version, name_of(entry->version, "version"));
  const std::size_t stride = entry->component_stride;
  if (entry->components == nullptr || entry->component_count == 0 ||
      entry->component_count > kMaxComponents) {
    return bad("the entry lists " + std::to_string(entry->component_count) + " components");
  }
  if (stride < sizeof(scc_component) || stride > kMaxStride || stride % alignof(scc_component) != 0) {
    return bad("the entry has a component stride of " + std::to_string(stride));
  }
  for (std::size_t i = 0; i < entry->component_count; ++i) {
    // By the plugin's stride: a newer plugin's components may be longer than ours.
    scc_component raw{};
    std::memcpy(&raw, reinterpret_cast<const char*>(entry->components) + i * stride, sizeof(raw));
    TableComponent c;
    SCC_TRY(c.interface, name_of(raw.interface_id, "interface id"));
    SCC_TRY(c.id, name_of(raw.id, "component id"));
    c.table = raw.table;
    SCC_CHECK(check_component(c));
    out.components.push_back(std::move(c));
  }
  if (SCC_HAS(entry, init)) out.init = entry->init;
  return out;
}

Status match_manifest(const Manifest& manifest, std::string_view id, std::string_view version,
                      const std::vector<TableComponent>& components) {
  const auto mismatch = [](const std::string& message) {
    return fail(Kind::prereq, "plugin.manifest-mismatch", message,
                "build the plugin and its manifest together, and install both");
  };
  if (id != manifest.id) {
    return mismatch("the library says it is " + std::string(id) + ", the manifest says " + manifest.id);
  }
  if (version != manifest.version) {
    return mismatch("the library has version " + std::string(version) + ", the manifest " + manifest.version);
  }
  std::set<std::string> in_library;
  std::set<std::string> in_manifest;
  for (const TableComponent& c : components) in_library.insert(c.interface + " " + c.id);
  for (const ManifestComponent& c : manifest.components) in_manifest.insert(c.interface + " " + c.id);
  for (const std::string& c : in_manifest) {
    if (in_library.count(c) == 0)
      return mismatch("the manifest lists " + c + ", the library does not have it");
  }
  for (const std::string& c : in_library) {
    if (in_manifest.count(c) == 0)
      return mismatch("the library has " + c + ", the manifest does not list it");
  }
  return {};
}

}  // namespace scc::plugin
