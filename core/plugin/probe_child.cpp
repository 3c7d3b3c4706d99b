// SPDX-License-Identifier: Apache-2.0
// The probe's child half. Each stage is announced before it begins, so that the parent can say where a crash
// or a hang happened; the last line is the result. Between announcements nothing is allocated that matters:
// the process ends with _exit in every case.
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <dirent.h>
#include <thread>
#include <unistd.h>

#include <sys/prctl.h>

#include "plugin/host.h"
#include "plugin/interfaces.h"
#include "plugin/library.h"
#include "plugin/probe.h"

namespace scc::plugin {

namespace {

constexpr int kLibraryFd = 3;
constexpr int kResultFd = 4;
constexpr std::string_view kConfig =
    R"({"config":{},"env":{},"plugin_dir":"/nonexistent","schema":"scc.component-config/1"})";

void send(const json::Value& line) {
  const std::string text = json::dump(line) + "\n";
  static_cast<void>(!write(kResultFd, text.data(), text.size()));
}

void stage(std::string name) {
  json::Value line;
  line["stage"] = std::move(name);
  send(line);
}

[[noreturn]] void finish(const json::Value& line, int code) {
  send(line);
  _exit(code);
}

[[noreturn]] void refused(std::string_view id, std::string message) {
  json::Value line;
  line["refused"]["id"] = id;
  line["refused"]["message"] = std::move(message);
  finish(line, 1);
}

std::size_t entries_in(const char* directory) {
  std::size_t count = 0;
  DIR* stream = opendir(directory);
  if (stream == nullptr) return 0;
  while (readdir(stream) != nullptr) ++count;
  closedir(stream);
  return count;
}

/// Runs a plugin's function; an exception that crosses is a refusal, not the child's end.
template <class F>
scc_status guarded(const char* what, F&& body) {
  try {
    return body();
  } catch (...) {
    refused("plugin.probe-refused", std::string("an exception crossed ") + what);
  }
}

template <class Table, class Handle>
void create_and_destroy(const void* raw, const scc_host_v1* host) {
  const auto* table = static_cast<const Table*>(raw);
  Handle* handle = nullptr;
  const scc_str config{kConfig.data(), kConfig.size()};
  const scc_status status = guarded("create", [&] { return table->create(host, config, &handle, nullptr); });
  if (status != SCC_OK) return;  // it may want configuration that we do not have
  if (handle == nullptr) refused("plugin.probe-refused", "create succeeded without an instance");
  guarded("destroy", [&] {
    table->destroy(handle);
    return SCC_OK;
  });
}

void try_component(const TableComponent& c, const scc_host_v1* host) {
  stage("creating " + c.interface + " " + c.id);
  if (c.interface == SCC_IFACE_PROVIDER) create_and_destroy<scc_provider_v1, scc_provider>(c.table, host);
  if (c.interface == SCC_IFACE_RUNTIME) create_and_destroy<scc_runtime_v1, scc_runtime>(c.table, host);
  if (c.interface == SCC_IFACE_NETPOLICY) create_and_destroy<scc_netpolicy_v1, scc_netpolicy>(c.table, host);
  if (c.interface == SCC_IFACE_MCP) create_and_destroy<scc_mcp_v1, scc_mcp>(c.table, host);
  if (c.interface == SCC_IFACE_SAFETY) create_and_destroy<scc_safety_v1, scc_safety>(c.table, host);
}

/// Waits until the threads of before are the only ones: a joined thread's entry in /proc can lag.
void check_left_over(std::size_t threads, std::size_t descriptors) {
  stage("checking what is left over");
  for (int i = 0; i < 100 && entries_in("/proc/self/task") > threads; ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  if (entries_in("/proc/self/task") > threads) {
    refused("plugin.probe-refused", "keeps threads after destroy");
  }
  if (entries_in("/proc/self/fd") > descriptors) {
    refused("plugin.probe-refused", "keeps file descriptors open after destroy");
  }
}

void probe() {
  const std::size_t threads = entries_in("/proc/self/task");
  const std::size_t descriptors = entries_in("/proc/self/fd");
  stage("loading the library");
  Result<const scc_plugin_v1*> entry = map_library(kLibraryFd);
  if (!entry) refused(entry.error().id, entry.error().message);
  stage("reading its tables");
  Result<Tables> tables = read_tables(*entry);
  if (!tables) refused(tables.error().id, tables.error().message);
  const scc_host_v1* host = probe_host();
  if (tables->init != nullptr) {
    stage("init");
    const scc_status status = guarded("init", [&] { return tables->init(host, nullptr); });
    if (status != SCC_OK)
      refused("plugin.probe-refused", "init failed with status " + std::to_string(status));
  }
  json::Array components;
  for (const TableComponent& c : tables->components) {
    try_component(c, host);
    json::Value item;
    item["interface"] = c.interface;
    item["id"] = c.id;
    components.push_back(std::move(item));
  }
  check_left_over(threads, descriptors);
  json::Value line;
  line["done"]["id"] = tables->id;
  line["done"]["version"] = tables->version;
  line["done"]["components"] = std::move(components);
  finish(line, 0);
}

}  // namespace

int probe_main(int /*argc*/, char** /*argv*/) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!enter_probe_sandbox(kResultFd))
    refused("plugin.probe-refused", "this kernel refuses the probe's sandbox");
  try {
    probe();
  } catch (const std::exception& e) {
    refused("plugin.probe-refused", e.what());
  }
  _exit(1);
}

}  // namespace scc::plugin
