// SPDX-License-Identifier: Apache-2.0
// scc.host.process/1: runs a granted program, or keeps one that serves a socket. argv[0] must stand in
// grants.process; PATH is always the host's, so that a plugin cannot choose which program a granted name
// means.

#include <algorithm>

#include "base/str.h"
#include "os/process.h"
#include "plugin/documents.h"
#include "plugin/grants.h"
#include "plugin/host.h"

struct scc_service {
  scc::plugin::HostContext& context;
  scc::plugin::SharedService* service;  // kept by the context
};

namespace scc::plugin {

namespace {

constexpr std::int64_t kMaxTimeoutMs = 3'600'000;
constexpr std::int64_t kMaxOutput = std::int64_t{16} << 20U;

/// Absolute components only: a relative one would mean the workspace. The system's own come last: an ordinary
/// login does not look where programs for networks are.
std::string search_path(const os::Environment& env) {
  std::vector<std::string> kept;
  for (const std::string& part : str::split(env.get("PATH").value_or("/usr/bin:/bin"), ':')) {
    if (str::starts_with(part, "/")) kept.push_back(part);
  }
  for (const char* part : {"/usr/sbin", "/sbin"}) {
    if (std::find(kept.begin(), kept.end(), part) == kept.end()) kept.emplace_back(part);
  }
  return str::join(kept, ":");
}

std::map<std::string, std::string> child_env(const HostContext& context, const json::Value& request) {
  const os::Environment& env = context.services().env;
  std::map<std::string, std::string> out = request.map_at("/env");
  if (!request.has("/env")) {
    std::vector<std::string> names = context.grants().env;
    names.insert(names.end(), {"HOME", "LANG", "XDG_RUNTIME_DIR"});
    for (const std::string& name : names) {
      if (const auto value = env.get(name)) out.emplace(name, *value);
    }
  }
  out["PATH"] = search_path(env);
  return out;
}

scc_status refuse(const HostContext& context, const std::string& program, const scc_error_sink* err) {
  return report(err, SCC_E_POLICY, "grant.process",
                "plugin " + context.plugin() + " has no grant to run " + str::printable(program),
                "its manifest must name the program in grants.process");
}

scc_status run(const scc_host_v1* host, scc_str request_json, std::int32_t* exit_code, const scc_sink* out,
               const scc_sink* err_out, const scc_error_sink* err) noexcept {
  return serve(err, [&]() -> scc_status {
    HostContext& context = HostContext::from(host);
    const Result<json::Value> request = parse_document("process-request", text(request_json));
    if (!request) return report(err, request.error());
    os::ProcessRequest process;
    process.argv = request->strings_at("/argv");
    const std::string program = process.argv.empty() ? std::string{} : process.argv.front();
    if (!process_granted(context.grants(), program)) return refuse(context, program, err);
    process.env = child_env(context, *request);
    process.cwd = request->str("/cwd", "/");
    process.input = request->str("/stdin");
    process.timeout = std::chrono::milliseconds(
        std::clamp<std::int64_t>(request->integer("/timeout_ms", 10'000), 1, kMaxTimeoutMs));
    const std::int64_t limit =
        std::clamp<std::int64_t>(request->integer("/max_output", 1 << 20), 1, kMaxOutput);
    process.cancelled = [&context] { return context.cancelled(); };
    std::int64_t used = 0;
    scc_status refused = SCC_OK;
    process.on_output = [&](bool is_stderr, std::string_view bytes) {
      used += static_cast<std::int64_t>(bytes.size());
      if (used > limit) refused = SCC_E_LIMIT;
      const scc_sink* sink = is_stderr ? err_out : out;
      if (refused == SCC_OK && sink != nullptr) refused = write_to(sink, bytes);
      return refused == SCC_OK;
    };
    const Result<os::ProcessResult> result = os::run(process);
    if (refused != SCC_OK) return report(err, refused, "process.output-limit", program + " wrote too much");
    if (!result) return report(err, result.error());
    if (exit_code != nullptr) *exit_code = result->exit_code;
    return SCC_OK;
  });
}

scc_status serve_socket(const scc_host_v1* host, scc_str request_json, scc_service** out,
                        const scc_sink* url_out, const scc_error_sink* err) noexcept {
  return serve(err, [&]() -> scc_status {
    HostContext& context = HostContext::from(host);
    if (out == nullptr) return report(err, SCC_E_USAGE, "process.argument", "no place for the service");
    const Result<json::Value> request = parse_document("process-request", text(request_json));
    if (!request) return report(err, request.error());
    os::ServiceRequest start;
    start.argv = request->strings_at("/argv");
    const std::string program = start.argv.empty() ? std::string{} : start.argv.front();
    if (!process_granted(context.grants(), program)) return refuse(context, program, err);
    start.env = child_env(context, *request);
    start.cwd = request->str("/cwd", "/");
    start.base = context.services().runtime;
    Result<std::shared_ptr<SharedService>> started = context.services().pool->get(context.plugin(), start);
    if (!started) return report(err, started.error());
    auto handle = std::make_unique<scc_service>(scc_service{context, started->get()});
    const std::string url = "unix://" + (*started)->socket().native();
    if (const scc_status told = write_to(url_out, url); told != SCC_OK) return told;
    context.keep_service(std::move(*started));
    *out = handle.release();
    return SCC_OK;
  });
}

scc_status service_state(scc_service* s, std::int32_t* running, const scc_sink* output,
                         const scc_error_sink* err) noexcept {
  return serve(err, [&]() -> scc_status {
    if (s == nullptr) return report(err, SCC_E_USAGE, "process.argument", "no service");
    if (running != nullptr) *running = s->service->running() ? 1 : 0;
    return output == nullptr ? SCC_OK : write_to(output, s->service->output());
  });
}

void service_end(scc_service* s) noexcept {
  if (s == nullptr) return;
  static_cast<void>(serve(nullptr, [&]() -> scc_status {
    s->context.end_service(s->service);
    return SCC_OK;
  }));
  delete s;
}

}  // namespace

const scc_host_process_v1* process_service() noexcept {
  static constexpr scc_host_process_v1 kTable{
      sizeof(scc_host_process_v1), 0, run, serve_socket, service_state, service_end};
  return &kTable;
}

}  // namespace scc::plugin
