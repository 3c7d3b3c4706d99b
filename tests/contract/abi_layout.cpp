// SPDX-License-Identifier: Apache-2.0
#include "abi_layout.h"

#include <algorithm>
#include <cstddef>

#include <scc/abi.h>

namespace scc::contract {

namespace {

// Names of types that do not depend on the compiler: a closed set, so that a type outside of ABI-3 does not
// compile here.
template <class T>
struct TypeName;
#define SCC_TYPE(TYPE)                         \
  template <>                                  \
  struct TypeName<TYPE> {                      \
    static std::string get() { return #TYPE; } \
  }
SCC_TYPE(void);
SCC_TYPE(char);
SCC_TYPE(double);
SCC_TYPE(std::uint16_t);
SCC_TYPE(std::int32_t);
SCC_TYPE(std::uint32_t);
SCC_TYPE(std::int64_t);
SCC_TYPE(std::size_t);
SCC_TYPE(scc_str);
SCC_TYPE(scc_sink);
SCC_TYPE(scc_source);
SCC_TYPE(scc_error_sink);
SCC_TYPE(scc_host_v1);
SCC_TYPE(scc_stream);
SCC_TYPE(scc_service);
SCC_TYPE(scc_json);
SCC_TYPE(scc_json_view);
SCC_TYPE(scc_component);
SCC_TYPE(scc_provider);
SCC_TYPE(scc_runtime);
SCC_TYPE(scc_runtime_v1);
SCC_TYPE(scc_exec);
SCC_TYPE(scc_netpolicy);
SCC_TYPE(scc_mcp);
SCC_TYPE(scc_safety);
SCC_TYPE(scc_command);
SCC_TYPE(scc_verdict);
#undef SCC_TYPE

template <class T>
struct TypeName<const T> {
  static std::string get() { return "const " + TypeName<T>::get(); }
};
template <class T>
struct TypeName<T*> {
  static std::string get() { return TypeName<T>::get() + "*"; }
};
template <class R, class... A>
struct TypeName<R (*)(A...)> {
  static std::string get() {
    std::string out = TypeName<R>::get() + "(";
    const char* separator = "";
    ((out += separator + TypeName<A>::get(), separator = ", "), ...);
    return out + ")";
  }
};

/// Collects the members of one struct and checks that none was left out.
class Table {
 public:
  Table(std::string name, std::size_t size, std::size_t alignment, Layout& out)
      : name_(std::move(name)), size_(size), alignment_(alignment), out_(out) {}
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;
  ~Table() {
    if (round_up(end_, alignment_) != size_) {
      out_.errors.push_back(name_ + " has " + std::to_string(size_) +
                            " bytes, but its last listed member ends at " + std::to_string(end_));
    }
  }

  template <class T>
  void member(const char* name, std::size_t offset) {
    if (offset != round_up(end_, alignof(T))) {
      out_.errors.push_back(name_ + "." + name + " is not right behind the member listed before it");
    }
    end_ = offset + sizeof(T);
    out_.lines.push_back(name_ + "." + name + " @" + std::to_string(offset) + " " + TypeName<T>::get());
  }

 private:
  static std::size_t round_up(std::size_t n, std::size_t to) { return (n + to - 1) / to * to; }

  std::string name_;
  std::size_t size_;
  std::size_t alignment_;
  std::size_t end_ = 0;
  Layout& out_;
};

#define SCC_MEMBER(TABLE, MEMBER) t.member<decltype(TABLE::MEMBER)>(#MEMBER, offsetof(TABLE, MEMBER))

void add_scc_str(Layout& out) {
  Table t("scc_str", sizeof(scc_str), alignof(scc_str), out);
  SCC_MEMBER(scc_str, data);
  SCC_MEMBER(scc_str, size);
}

void add_scc_sink(Layout& out) {
  Table t("scc_sink", sizeof(scc_sink), alignof(scc_sink), out);
  SCC_MEMBER(scc_sink, struct_size);
  SCC_MEMBER(scc_sink, reserved);
  SCC_MEMBER(scc_sink, ctx);
  SCC_MEMBER(scc_sink, write);
}

void add_scc_source(Layout& out) {
  Table t("scc_source", sizeof(scc_source), alignof(scc_source), out);
  SCC_MEMBER(scc_source, struct_size);
  SCC_MEMBER(scc_source, reserved);
  SCC_MEMBER(scc_source, ctx);
  SCC_MEMBER(scc_source, read);
}

void add_scc_error_sink(Layout& out) {
  Table t("scc_error_sink", sizeof(scc_error_sink), alignof(scc_error_sink), out);
  SCC_MEMBER(scc_error_sink, struct_size);
  SCC_MEMBER(scc_error_sink, reserved);
  SCC_MEMBER(scc_error_sink, ctx);
  SCC_MEMBER(scc_error_sink, report);
}

void add_scc_host_v1(Layout& out) {
  Table t("scc_host_v1", sizeof(scc_host_v1), alignof(scc_host_v1), out);
  SCC_MEMBER(scc_host_v1, struct_size);
  SCC_MEMBER(scc_host_v1, abi_major);
  SCC_MEMBER(scc_host_v1, abi_minor);
  SCC_MEMBER(scc_host_v1, ctx);
  SCC_MEMBER(scc_host_v1, name);
  SCC_MEMBER(scc_host_v1, version);
  SCC_MEMBER(scc_host_v1, log);
  SCC_MEMBER(scc_host_v1, cancelled);
  SCC_MEMBER(scc_host_v1, service);
}

void add_scc_host_process_v1(Layout& out) {
  Table t("scc_host_process_v1", sizeof(scc_host_process_v1), alignof(scc_host_process_v1), out);
  SCC_MEMBER(scc_host_process_v1, struct_size);
  SCC_MEMBER(scc_host_process_v1, reserved);
  SCC_MEMBER(scc_host_process_v1, run);
  SCC_MEMBER(scc_host_process_v1, serve);
  SCC_MEMBER(scc_host_process_v1, service_state);
  SCC_MEMBER(scc_host_process_v1, service_end);
}

void add_scc_host_endpoint_v1(Layout& out) {
  Table t("scc_host_endpoint_v1", sizeof(scc_host_endpoint_v1), alignof(scc_host_endpoint_v1), out);
  SCC_MEMBER(scc_host_endpoint_v1, struct_size);
  SCC_MEMBER(scc_host_endpoint_v1, reserved);
  SCC_MEMBER(scc_host_endpoint_v1, request);
  SCC_MEMBER(scc_host_endpoint_v1, upgrade);
  SCC_MEMBER(scc_host_endpoint_v1, stream_read);
  SCC_MEMBER(scc_host_endpoint_v1, stream_write);
  SCC_MEMBER(scc_host_endpoint_v1, stream_close_write);
  SCC_MEMBER(scc_host_endpoint_v1, stream_fd);
  SCC_MEMBER(scc_host_endpoint_v1, stream_close);
}

void add_scc_host_files_v1(Layout& out) {
  Table t("scc_host_files_v1", sizeof(scc_host_files_v1), alignof(scc_host_files_v1), out);
  SCC_MEMBER(scc_host_files_v1, struct_size);
  SCC_MEMBER(scc_host_files_v1, reserved);
  SCC_MEMBER(scc_host_files_v1, read);
}

void add_scc_json_view(Layout& out) {
  Table t("scc_json_view", sizeof(scc_json_view), alignof(scc_json_view), out);
  SCC_MEMBER(scc_json_view, struct_size);
  SCC_MEMBER(scc_json_view, type);
  SCC_MEMBER(scc_json_view, integer);
  SCC_MEMBER(scc_json_view, number);
  SCC_MEMBER(scc_json_view, str);
  SCC_MEMBER(scc_json_view, key);
  SCC_MEMBER(scc_json_view, size);
}

void add_scc_host_json_v1(Layout& out) {
  Table t("scc_host_json_v1", sizeof(scc_host_json_v1), alignof(scc_host_json_v1), out);
  SCC_MEMBER(scc_host_json_v1, struct_size);
  SCC_MEMBER(scc_host_json_v1, reserved);
  SCC_MEMBER(scc_host_json_v1, parse);
  SCC_MEMBER(scc_host_json_v1, release);
  SCC_MEMBER(scc_host_json_v1, at);
  SCC_MEMBER(scc_host_json_v1, child);
}

void add_scc_host_state_v1(Layout& out) {
  Table t("scc_host_state_v1", sizeof(scc_host_state_v1), alignof(scc_host_state_v1), out);
  SCC_MEMBER(scc_host_state_v1, struct_size);
  SCC_MEMBER(scc_host_state_v1, reserved);
  SCC_MEMBER(scc_host_state_v1, get);
  SCC_MEMBER(scc_host_state_v1, put);
}

void add_scc_host_ui_v1(Layout& out) {
  Table t("scc_host_ui_v1", sizeof(scc_host_ui_v1), alignof(scc_host_ui_v1), out);
  SCC_MEMBER(scc_host_ui_v1, struct_size);
  SCC_MEMBER(scc_host_ui_v1, reserved);
  SCC_MEMBER(scc_host_ui_v1, step);
  SCC_MEMBER(scc_host_ui_v1, confirm);
}

void add_scc_host_audit_v1(Layout& out) {
  Table t("scc_host_audit_v1", sizeof(scc_host_audit_v1), alignof(scc_host_audit_v1), out);
  SCC_MEMBER(scc_host_audit_v1, struct_size);
  SCC_MEMBER(scc_host_audit_v1, reserved);
  SCC_MEMBER(scc_host_audit_v1, emit);
}

void add_scc_component(Layout& out) {
  Table t("scc_component", sizeof(scc_component), alignof(scc_component), out);
  SCC_MEMBER(scc_component, interface_id);
  SCC_MEMBER(scc_component, id);
  SCC_MEMBER(scc_component, table);
}

void add_scc_plugin_v1(Layout& out) {
  Table t("scc_plugin_v1", sizeof(scc_plugin_v1), alignof(scc_plugin_v1), out);
  SCC_MEMBER(scc_plugin_v1, struct_size);
  SCC_MEMBER(scc_plugin_v1, abi_major);
  SCC_MEMBER(scc_plugin_v1, abi_minor);
  SCC_MEMBER(scc_plugin_v1, id);
  SCC_MEMBER(scc_plugin_v1, version);
  SCC_MEMBER(scc_plugin_v1, components);
  SCC_MEMBER(scc_plugin_v1, component_count);
  SCC_MEMBER(scc_plugin_v1, component_stride);
  SCC_MEMBER(scc_plugin_v1, init);
}

void add_scc_provider_v1(Layout& out) {
  Table t("scc_provider_v1", sizeof(scc_provider_v1), alignof(scc_provider_v1), out);
  SCC_MEMBER(scc_provider_v1, struct_size);
  SCC_MEMBER(scc_provider_v1, reserved);
  SCC_MEMBER(scc_provider_v1, create);
  SCC_MEMBER(scc_provider_v1, destroy);
  SCC_MEMBER(scc_provider_v1, plan_launch);
  SCC_MEMBER(scc_provider_v1, auth_status);
  SCC_MEMBER(scc_provider_v1, plan_artifacts);
  SCC_MEMBER(scc_provider_v1, plan_login);
  SCC_MEMBER(scc_provider_v1, extension);
}

void add_scc_runtime_v1(Layout& out) {
  Table t("scc_runtime_v1", sizeof(scc_runtime_v1), alignof(scc_runtime_v1), out);
  SCC_MEMBER(scc_runtime_v1, struct_size);
  SCC_MEMBER(scc_runtime_v1, reserved);
  SCC_MEMBER(scc_runtime_v1, create);
  SCC_MEMBER(scc_runtime_v1, destroy);
  SCC_MEMBER(scc_runtime_v1, probe);
  SCC_MEMBER(scc_runtime_v1, image_inspect);
  SCC_MEMBER(scc_runtime_v1, image_list);
  SCC_MEMBER(scc_runtime_v1, image_build);
  SCC_MEMBER(scc_runtime_v1, image_import);
  SCC_MEMBER(scc_runtime_v1, image_pull);
  SCC_MEMBER(scc_runtime_v1, image_remove);
  SCC_MEMBER(scc_runtime_v1, volume_ensure);
  SCC_MEMBER(scc_runtime_v1, volume_list);
  SCC_MEMBER(scc_runtime_v1, volume_remove);
  SCC_MEMBER(scc_runtime_v1, network_create);
  SCC_MEMBER(scc_runtime_v1, network_list);
  SCC_MEMBER(scc_runtime_v1, network_remove);
  SCC_MEMBER(scc_runtime_v1, sandbox_create);
  SCC_MEMBER(scc_runtime_v1, sandbox_put);
  SCC_MEMBER(scc_runtime_v1, sandbox_get);
  SCC_MEMBER(scc_runtime_v1, sandbox_start);
  SCC_MEMBER(scc_runtime_v1, sandbox_inspect);
  SCC_MEMBER(scc_runtime_v1, sandbox_list);
  SCC_MEMBER(scc_runtime_v1, sandbox_stop);
  SCC_MEMBER(scc_runtime_v1, sandbox_remove);
  SCC_MEMBER(scc_runtime_v1, exec_open);
  SCC_MEMBER(scc_runtime_v1, exec_read);
  SCC_MEMBER(scc_runtime_v1, exec_write);
  SCC_MEMBER(scc_runtime_v1, exec_close_input);
  SCC_MEMBER(scc_runtime_v1, exec_resize);
  SCC_MEMBER(scc_runtime_v1, exec_wait);
  SCC_MEMBER(scc_runtime_v1, exec_fd);
  SCC_MEMBER(scc_runtime_v1, exec_close);
  SCC_MEMBER(scc_runtime_v1, extension);
}

void add_scc_host_runtime_v1(Layout& out) {
  Table t("scc_host_runtime_v1", sizeof(scc_host_runtime_v1), alignof(scc_host_runtime_v1), out);
  SCC_MEMBER(scc_host_runtime_v1, struct_size);
  SCC_MEMBER(scc_host_runtime_v1, reserved);
  SCC_MEMBER(scc_host_runtime_v1, instance);
  SCC_MEMBER(scc_host_runtime_v1, table);
}

void add_scc_netpolicy_v1(Layout& out) {
  Table t("scc_netpolicy_v1", sizeof(scc_netpolicy_v1), alignof(scc_netpolicy_v1), out);
  SCC_MEMBER(scc_netpolicy_v1, struct_size);
  SCC_MEMBER(scc_netpolicy_v1, reserved);
  SCC_MEMBER(scc_netpolicy_v1, create);
  SCC_MEMBER(scc_netpolicy_v1, destroy);
  SCC_MEMBER(scc_netpolicy_v1, plan);
  SCC_MEMBER(scc_netpolicy_v1, apply);
  SCC_MEMBER(scc_netpolicy_v1, verify);
  SCC_MEMBER(scc_netpolicy_v1, release);
  SCC_MEMBER(scc_netpolicy_v1, extension);
}

void add_scc_mcp_v1(Layout& out) {
  Table t("scc_mcp_v1", sizeof(scc_mcp_v1), alignof(scc_mcp_v1), out);
  SCC_MEMBER(scc_mcp_v1, struct_size);
  SCC_MEMBER(scc_mcp_v1, reserved);
  SCC_MEMBER(scc_mcp_v1, create);
  SCC_MEMBER(scc_mcp_v1, destroy);
  SCC_MEMBER(scc_mcp_v1, plan);
  SCC_MEMBER(scc_mcp_v1, probe);
  SCC_MEMBER(scc_mcp_v1, extension);
}

void add_scc_command(Layout& out) {
  Table t("scc_command", sizeof(scc_command), alignof(scc_command), out);
  SCC_MEMBER(scc_command, struct_size);
  SCC_MEMBER(scc_command, depth);
  SCC_MEMBER(scc_command, argv);
  SCC_MEMBER(scc_command, argc);
  SCC_MEMBER(scc_command, raw);
  SCC_MEMBER(scc_command, cwd);
}

void add_scc_verdict(Layout& out) {
  Table t("scc_verdict", sizeof(scc_verdict), alignof(scc_verdict), out);
  SCC_MEMBER(scc_verdict, struct_size);
  SCC_MEMBER(scc_verdict, decision);
  SCC_MEMBER(scc_verdict, rule);
  SCC_MEMBER(scc_verdict, reason);
}

void add_scc_safety_v1(Layout& out) {
  Table t("scc_safety_v1", sizeof(scc_safety_v1), alignof(scc_safety_v1), out);
  SCC_MEMBER(scc_safety_v1, struct_size);
  SCC_MEMBER(scc_safety_v1, reserved);
  SCC_MEMBER(scc_safety_v1, create);
  SCC_MEMBER(scc_safety_v1, destroy);
  SCC_MEMBER(scc_safety_v1, rules);
  SCC_MEMBER(scc_safety_v1, evaluate);
  SCC_MEMBER(scc_safety_v1, extension);
}
#undef SCC_MEMBER

std::string table_of(const std::string& line) {
  return line.substr(0, line.find('.'));
}

}  // namespace

Layout abi_layout() {
  Layout out;
  add_scc_str(out);
  add_scc_sink(out);
  add_scc_source(out);
  add_scc_error_sink(out);
  add_scc_host_v1(out);
  add_scc_host_process_v1(out);
  add_scc_host_endpoint_v1(out);
  add_scc_host_files_v1(out);
  add_scc_json_view(out);
  add_scc_host_json_v1(out);
  add_scc_host_state_v1(out);
  add_scc_host_ui_v1(out);
  add_scc_host_audit_v1(out);
  add_scc_component(out);
  add_scc_plugin_v1(out);
  add_scc_provider_v1(out);
  add_scc_runtime_v1(out);
  add_scc_host_runtime_v1(out);
  add_scc_netpolicy_v1(out);
  add_scc_mcp_v1(out);
  add_scc_command(out);
  add_scc_verdict(out);
  add_scc_safety_v1(out);
  return out;
}

std::vector<std::string> compare_layouts(const std::vector<std::string>& golden,
                                         const std::vector<std::string>& current) {
  std::vector<std::string> out;
  const auto rows = [](const std::vector<std::string>& lines, const std::string& table) {
    std::vector<std::string> found;
    for (const std::string& line : lines) {
      if (table_of(line) == table) found.push_back(line);
    }
    return found;
  };
  std::vector<std::string> tables;
  for (const std::vector<std::string>* lines : {&golden, &current}) {
    for (const std::string& line : *lines) {
      if (std::find(tables.begin(), tables.end(), table_of(line)) == tables.end())
        tables.push_back(table_of(line));
    }
  }
  for (const std::string& table : tables) {
    const std::vector<std::string> was = rows(golden, table);
    const std::vector<std::string> is = rows(current, table);
    for (std::size_t i = 0; i < std::max(was.size(), is.size()); ++i) {
      if (i >= is.size()) {
        out.push_back("broken: vanished: " + was[i]);
      } else if (i >= was.size()) {
        out.push_back("appended: " + is[i]);
      } else if (was[i] != is[i]) {
        out.push_back("broken: changed: " + was[i] + " -> " + is[i]);
      }
    }
  }
  return out;
}

}  // namespace scc::contract
