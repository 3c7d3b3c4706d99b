// SPDX-License-Identifier: Apache-2.0
#include "plugin/service_runtime.h"

#include <algorithm>

#include "base/str.h"
#include "plugin/documents.h"
#include "plugin/host.h"

namespace scc::plugin {

namespace {

tl::unexpected<Error> outside(const std::string& what) {
  return fail(Kind::policy, "netpolicy.scope", "the network policy may not " + what,
              "report this to the plugin's author");
}

RuntimeService& service_of(scc_runtime* self) {
  return *reinterpret_cast<RuntimeService*>(self);  // NOLINT: the handle that the table was given with
}

bool below(const std::filesystem::path& path, const std::filesystem::path& parent) {
  const auto relative = path.lexically_normal().lexically_relative(parent);
  return !relative.empty() && *relative.begin() != ".." && relative.native() != ".";
}

/// A document in, a document out.
template <class F>
scc_status answer(const scc_sink* out, const scc_error_sink* err, F&& body) noexcept {
  return serve(err, [&] {
    const Result<json::Value> done = body();
    return done ? write_to(out, json::dump(*done)) : report(err, done.error());
  });
}
template <class F>
scc_status perform(const scc_error_sink* err, F&& body) noexcept {
  return serve(err, [&] {
    const Status done = body();
    return done ? scc_status{SCC_OK} : report(err, done.error());
  });
}

scc_status network_create(scc_runtime* self, scc_str request, const scc_sink* out,
                          const scc_error_sink* err) {
  return answer(out, err, [&]() -> Result<json::Value> {
    RuntimeService& service = service_of(self);
    SCC_TRY(json::Value document, parse_document("network-request", text(request)));
    SCC_TRY(document, service.checked_network(std::move(document)));
    return service.runtime().network_create(document);
  });
}

scc_status network_remove(scc_runtime* self, scc_str name, const scc_error_sink* err) {
  return perform(err, [&]() -> Status {
    RuntimeService& service = service_of(self);
    SCC_TRY(const bool there, service.own_network(text(name)));
    return there ? service.runtime().network_remove(text(name)) : Status{};
  });
}

scc_status sandbox_create(scc_runtime* self, scc_str spec, const scc_sink* out, const scc_error_sink* err) {
  return answer(out, err, [&]() -> Result<json::Value> {
    RuntimeService& service = service_of(self);
    SCC_TRY(json::Value document, parse_document("sandbox-spec", text(spec)));
    SCC_TRY(document, service.checked_sandbox(std::move(document)));
    return service.runtime().sandbox_create(document);
  });
}

scc_status sandbox_inspect(scc_runtime* self, scc_str id, const scc_sink* out, const scc_error_sink* err) {
  return answer(out, err, [&] { return service_of(self).own_sandbox(text(id)); });
}

/// The body with a sandbox that is there; nothing to do when it is not.
template <class F>
scc_status with_sandbox(scc_runtime* self, scc_str id, bool must_exist, const scc_error_sink* err, F&& body) {
  return perform(err, [&]() -> Status {
    RuntimeService& service = service_of(self);
    const auto info = service.own_sandbox(text(id));
    if (!info && info.error().kind == Kind::not_found && !must_exist) return {};
    if (!info) return fail(Error(info.error()));
    return body(service.runtime(), info->str("/id"));
  });
}

scc_status sandbox_start(scc_runtime* self, scc_str id, const scc_error_sink* err) {
  return with_sandbox(self, id, true, err,
                      [](Runtime& runtime, const std::string& own) { return runtime.sandbox_start(own); });
}
scc_status sandbox_stop(scc_runtime* self, scc_str id, uint32_t grace_ms, const scc_error_sink* err) {
  return with_sandbox(self, id, false, err, [grace_ms](Runtime& runtime, const std::string& own) {
    return runtime.sandbox_stop(own, std::min<uint32_t>(grace_ms, 60'000));
  });
}
scc_status sandbox_remove(scc_runtime* self, scc_str id, const scc_error_sink* err) {
  return with_sandbox(self, id, false, err,
                      [](Runtime& runtime, const std::string& own) { return runtime.sandbox_remove(own); });
}

// ---- execs ----

Exec& exec_of(scc_exec* exec) {
  return *reinterpret_cast<Exec*>(exec);  // NOLINT: made by exec_open
}

scc_status exec_open(scc_runtime* self, scc_str id, scc_str request, scc_exec** out,
                     const scc_error_sink* err) {
  return perform(err, [&]() -> Status {
    RuntimeService& service = service_of(self);
    SCC_TRY(const json::Value info, service.own_sandbox(text(id)));
    SCC_TRY(const json::Value document, parse_document("exec-request", text(request)));
    SCC_TRY(std::unique_ptr<Exec> exec, service.runtime().exec_open(info.str("/id"), document));
    *out = reinterpret_cast<scc_exec*>(exec.release());  // NOLINT: freed by exec_close
    return {};
  });
}

scc_status exec_read(scc_exec* exec, uint32_t timeout_ms, scc_channel* channel, const scc_sink* out,
                     const scc_error_sink* err) {
  return serve(err, [&]() -> scc_status {
    std::string bytes;
    const auto got = exec_of(exec).read(timeout_ms, bytes);
    if (!got) return report(err, got.error());
    if (*got == Exec::Channel::nothing_yet) return SCC_E_TIMEOUT;
    *channel = *got == Exec::Channel::end   ? SCC_CHANNEL_END
               : *got == Exec::Channel::err ? SCC_CHANNEL_ERR
                                            : SCC_CHANNEL_OUT;
    return bytes.empty() ? scc_status{SCC_OK} : write_to(out, bytes);
  });
}
scc_status exec_wait(scc_exec* exec, uint32_t timeout_ms, int32_t* exit_code, const scc_error_sink* err) {
  return perform(err, [&]() -> Status {
    SCC_TRY(*exit_code, exec_of(exec).wait(timeout_ms));
    return {};
  });
}
int32_t exec_fd(const scc_exec* exec) {
  return reinterpret_cast<const Exec*>(exec)->fd();  // NOLINT: made by exec_open
}
void exec_close(scc_exec* exec) {
  delete &exec_of(exec);  // NOLINT: the ABI's handle
}

const scc_runtime_v1* verbs() {
  static const scc_runtime_v1 table = [] {
    scc_runtime_v1 t{};  // what a network policy has no use for stays NULL
    t.struct_size = sizeof t;
    t.network_create = network_create;
    t.network_remove = network_remove;
    t.sandbox_create = sandbox_create;
    t.sandbox_start = sandbox_start;
    t.sandbox_inspect = sandbox_inspect;
    t.sandbox_stop = sandbox_stop;
    t.sandbox_remove = sandbox_remove;
    t.exec_open = exec_open;
    t.exec_read = exec_read;
    t.exec_wait = exec_wait;
    t.exec_fd = exec_fd;
    t.exec_close = exec_close;
    return t;
  }();
  return &table;
}

}  // namespace

RuntimeService::RuntimeService(Runtime& runtime, RuntimeScope scope)
    : runtime_(runtime), scope_(std::move(scope)) {
  service_.struct_size = sizeof service_;
  service_.instance = reinterpret_cast<scc_runtime*>(this);  // NOLINT: an opaque handle
  service_.table = verbs();
}

Status RuntimeService::check_name(const std::string& name) const {
  if (!scope_.sandbox.empty() && str::starts_with(name, scope_.sandbox + "-")) return {};
  return outside("make something named " + str::printable(name));
}

json::Value RuntimeService::labels_over(const json::Value& document) const {
  json::Value out{json::Object{}};
  for (const auto& [name, value] : document.map_at("/labels")) {
    if (!str::starts_with(name, "scc.")) out[name] = value;
  }
  for (const auto& [name, value] : scope_.labels) out[name] = value;
  return out;
}

Status RuntimeService::check_mount(const json::Value& mount) const {
  const std::string type = mount.str("/type");
  if (type == "tmpfs") return {};
  const std::filesystem::path source(mount.str("/source"));
  const bool own = type == "bind" && below(source, scope_.directory / "net");
  const bool readable = type == "bind" && mount.flag("/read_only") &&
                        (source == scope_.tools || below(source, scope_.directory / "files"));
  if (own || readable) return {};
  return outside("mount " + str::printable(source.native()));
}

Result<json::Value> RuntimeService::checked_network(json::Value request) const {
  SCC_CHECK(check_name(request.str("/name")));
  request["labels"] = labels_over(request);
  return request;
}

Result<json::Value> RuntimeService::checked_sandbox(json::Value spec) const {
  SCC_CHECK(check_name(spec.str("/name")));
  if (scope_.image.empty() || spec.str("/image") != scope_.image) {
    return outside("start the image " + str::printable(spec.str("/image")));
  }
  if (spec.integer("/user/uid") == 0 || spec.integer("/user/gid") == 0) return outside("run as root");
  if (!spec.flag("/security/read_only_root")) return outside("have a writable root file system");
  const json::Value* mounts = spec.at("/mounts");
  for (const json::Value& mount : mounts != nullptr ? mounts->items() : json::Array{})
    SCC_CHECK(check_mount(mount));
  const json::Value* networks = spec.at("/networks");
  for (const json::Value& network : networks != nullptr ? networks->items() : json::Array{})
    SCC_CHECK(check_name(network.str("/name")));
  spec["labels"] = labels_over(spec);
  return spec;
}

Result<json::Value> RuntimeService::own_sandbox(std::string_view id) {
  SCC_TRY(json::Value info, runtime_.sandbox_inspect(id));
  const auto found = info.map_at("/labels");
  for (const char* name : {"scc.managed", "scc.instance", "scc.owner-uid", "scc.state", "scc.role"}) {
    const auto have = found.find(name);
    const auto want = scope_.labels.find(name);
    if (have == found.end() || want == scope_.labels.end() || have->second != want->second) {
      return outside("touch the container " + str::printable(id));
    }
  }
  return info;
}

Result<bool> RuntimeService::own_network(std::string_view name) {
  json::Value filter;
  filter["schema"] = "scc.list-filter/1";
  for (const char* label : {"scc.managed", "scc.instance", "scc.owner-uid"}) {
    const auto want = scope_.labels.find(label);
    if (want == scope_.labels.end()) return outside("touch the network " + str::printable(name));
    filter["labels"][label] = want->second;
  }
  filter["all"] = true;
  SCC_TRY(const json::Value listed, runtime_.network_list(filter));
  const json::Value* networks = listed.at("/networks");
  const json::Array items = networks != nullptr ? networks->items() : json::Array{};
  return std::any_of(items.begin(), items.end(), [name](const json::Value& network) {
    return network.str("/name") == name || network.str("/id") == name;
  });
}

}  // namespace scc::plugin
