// SPDX-License-Identifier: Apache-2.0
// scc.host.files/1, scc.host.state/1 and scc.host.ui/1: granted files, the plugin's private store, and what
// the user is told.
#include <algorithm>

#include "base/str.h"
#include "plugin/grants.h"
#include "plugin/host.h"

namespace scc::plugin {

namespace {

constexpr std::size_t kMaxFile = std::size_t{1} << 20U;

scc_status read(const scc_host_v1* host, scc_str path, const scc_sink* out,
                const scc_error_sink* err) noexcept {
  return serve(err, [&]() -> scc_status {
    HostContext& context = HostContext::from(host);
    if (!file_granted(context.grants(), context.services().env, text(path))) {
      return report(err, SCC_E_POLICY, "grant.files",
                    "plugin " + context.plugin() + " has no grant to read " + str::printable(text(path)),
                    "its manifest must name the file in grants.files");
    }
    const Result<std::string> bytes = os::read_file(std::string(text(path)), kMaxFile);
    if (!bytes) return report(err, bytes.error());
    return write_to(out, *bytes);
  });
}

bool state_key(std::string_view key) {
  if (key.empty() || key.size() > 64 || key.front() == '.') return false;
  return std::all_of(key.begin(), key.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

os::stdfs::path store_of(const HostContext& context) {
  return context.services().state / "plugins" / context.plugin();
}

scc_status bad_key(const scc_error_sink* err) {
  return report(err, SCC_E_USAGE, "state.key", "a key is [a-z0-9._-]{1,64} and does not begin with a dot");
}

scc_status get(const scc_host_v1* host, scc_str key, const scc_sink* out,
               const scc_error_sink* err) noexcept {
  return serve(err, [&]() -> scc_status {
    if (!state_key(text(key))) return bad_key(err);
    const Result<std::string> bytes = os::read_file(store_of(HostContext::from(host)) / text(key), kMaxFile);
    if (!bytes) return report(err, bytes.error());
    return write_to(out, *bytes);
  });
}

scc_status put(const scc_host_v1* host, scc_str key, scc_str bytes, const scc_error_sink* err) noexcept {
  return serve(err, [&]() -> scc_status {
    if (!state_key(text(key))) return bad_key(err);
    if (bytes.size > kMaxFile) return report(err, SCC_E_LIMIT, "state.limit", "a value has at most 1 MiB");
    const os::stdfs::path store = store_of(HostContext::from(host));
    if (const Status made = os::make_dirs(store); !made) return report(err, made.error());
    const Status written = os::write_file_atomic(store / text(key), text(bytes), 0600);
    return written ? SCC_OK : report(err, written.error());
  });
}

void step(const scc_host_v1* host, scc_str title) noexcept {
  serve(nullptr, [&]() -> scc_status {
    const HostContext& context = HostContext::from(host);
    if (context.services().on_step) {
      context.services().on_step(context.plugin(), str::printable(text(title).substr(0, 256)));
    }
    return SCC_OK;
  });
}

/// Nobody can answer yet: the host's own prompts come with the commands that need them.
scc_status confirm(const scc_host_v1* /*host*/, scc_str /*question*/, std::int32_t /*default_yes*/,
                   std::int32_t* /*yes*/) noexcept {
  return SCC_E_UNSUPPORTED;
}

}  // namespace

const scc_host_files_v1* files_service() noexcept {
  static constexpr scc_host_files_v1 kTable{sizeof(scc_host_files_v1), 0, read};
  return &kTable;
}

const scc_host_state_v1* state_service() noexcept {
  static constexpr scc_host_state_v1 kTable{sizeof(scc_host_state_v1), 0, get, put};
  return &kTable;
}

const scc_host_ui_v1* ui_service() noexcept {
  static constexpr scc_host_ui_v1 kTable{sizeof(scc_host_ui_v1), 0, step, confirm};
  return &kTable;
}

}  // namespace scc::plugin
