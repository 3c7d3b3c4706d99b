// SPDX-License-Identifier: Apache-2.0
// The runtime's verbs. Those that undo (stop, remove) are `cleanup`: they run after Ctrl-C and after a bad
// answer, so that a rollback reaches its end.
#include <algorithm>

#include "plugin/adapt.h"
#include "plugin/documents.h"

namespace scc::plugin {

namespace {

using RuntimeInstance = Instance<scc_runtime_v1, scc_runtime>;
using Use = Caller::Use;
constexpr std::uint32_t kMaxGraceMs = 600'000;

/// A callback of ours as the plugin's source.
class SourceFeed {
 public:
  explicit SourceFeed(const Source& source) : from_(source) { source_ = {sizeof(scc_source), 0, this, read}; }
  SourceFeed(const SourceFeed&) = delete;
  const scc_source* source() const noexcept { return &source_; }

 private:
  static scc_status read(void* ctx, char* buffer, std::size_t capacity, std::size_t* size) noexcept {
    try {
      const std::optional<std::size_t> got = static_cast<SourceFeed*>(ctx)->from_(buffer, capacity);
      *size = got.value_or(0);
      return got ? SCC_OK : SCC_E_CANCELLED;
    } catch (...) {
      return SCC_E_INTERNAL;
    }
  }
  const Source& from_;
  scc_source source_{};
};

class ExecAdapter final : public Exec {
 public:
  ExecAdapter(std::shared_ptr<RuntimeInstance> instance, scc_exec* exec)
      : i_(std::move(instance)), exec_(exec), caller_(i_->caller.fork()) {}
  ~ExecAdapter() override {
    static_cast<void>(caller_.call("exec_close", Use::cleanup, [&](const scc_error_sink* /*err*/) {
      i_->table->exec_close(exec_);
      return scc_status{SCC_OK};
    }));
  }

  Result<Channel> read(unsigned timeout_ms, std::string& bytes) override {
    Collector out(kMaxDocument);
    scc_channel channel = SCC_CHANNEL_END;
    bool timed_out = false;
    SCC_CHECK(caller_.call(
        "exec_read", Use::cleanup,
        [&](const scc_error_sink* err) {
          return i_->table->exec_read(exec_, timeout_ms, &channel, out.sink(), err);
        },
        &timed_out));
    if (out.overflowed()) {
      return fail(Kind::internal, "plugin.output-limit", "the runtime gave more than 16 MiB at once",
                  "report this to the plugin's author");
    }
    bytes += out.bytes;
    if (timed_out) return Channel::nothing_yet;
    if (channel == SCC_CHANNEL_OUT) return Channel::out;
    return channel == SCC_CHANNEL_ERR ? Channel::err : Channel::end;
  }

  Result<std::size_t> write(std::string_view bytes) override {
    std::size_t written = 0;
    SCC_CHECK(caller_.call("exec_write", Use::cleanup, [&](const scc_error_sink* err) {
      return i_->table->exec_write(exec_, view(bytes), &written, err);
    }));
    return std::min(written, bytes.size());
  }

  Status close_input() override {
    return caller_.call("exec_close_input", Use::cleanup,
                        [&](const scc_error_sink* err) { return i_->table->exec_close_input(exec_, err); });
  }

  Status resize(unsigned rows, unsigned cols) override {
    const auto cells = [](unsigned n) { return static_cast<std::uint16_t>(std::min(n, 65'535U)); };
    return caller_.call("exec_resize", Use::cleanup, [&](const scc_error_sink* err) {
      return i_->table->exec_resize(exec_, cells(rows), cells(cols), err);
    });
  }

  Result<int> wait(unsigned timeout_ms) override {
    std::int32_t code = 0;
    SCC_CHECK(caller_.call("exec_wait", Use::cleanup, [&](const scc_error_sink* err) {
      return i_->table->exec_wait(exec_, timeout_ms, &code, err);
    }));
    return code;
  }

  int fd() const noexcept override { return i_->table->exec_fd(exec_); }

 private:
  std::shared_ptr<RuntimeInstance> i_;
  scc_exec* exec_;
  Caller caller_;  // its own: the exec's calls run beside those of the instance
};

class RuntimeAdapter final : public Runtime {
 public:
  explicit RuntimeAdapter(std::shared_ptr<RuntimeInstance> instance)
      : i_(std::move(instance)), t_(i_->table) {}

  const ComponentRef& ref() const noexcept override { return i_->caller.ref(); }

  Result<json::Value> probe() override {
    return i_->caller.document(
        "probe", Use::normal, "runtime-info",
        [&](const scc_sink* out, const scc_error_sink* err) { return t_->probe(i_->self, out, err); });
  }

  Result<json::Value> image_inspect(std::string_view image) override {
    return named("image_inspect", image, "image-info", t_->image_inspect);
  }
  Result<json::Value> image_list(const json::Value& filter) override {
    return exchange("image_list", "list-filter", filter, "image-list", t_->image_list);
  }
  Status image_build(const json::Value& request, const Source& context, const Progress& progress) override {
    return bulk("image_build", "image-build", request, context, progress, t_->image_build);
  }
  Status image_import(const json::Value& request, const Source& rootfs, const Progress& progress) override {
    return bulk("image_import", "image-import", request, rootfs, progress, t_->image_import);
  }
  Result<json::Value> image_pull(std::string_view image, const Progress& progress) override {
    Forwarder lines(forward(progress));
    return i_->caller.document("image_pull", Use::normal, "image-info",
                               [&](const scc_sink* out, const scc_error_sink* err) {
                                 return t_->image_pull(i_->self, view(image), lines.sink(), out, err);
                               });
  }
  Status image_remove(std::string_view image) override {
    return undo("image_remove", image, t_->image_remove);
  }

  Result<json::Value> volume_ensure(const json::Value& request) override {
    return exchange("volume_ensure", "volume-request", request, "volume-info", t_->volume_ensure);
  }
  Result<json::Value> volume_list(const json::Value& filter) override {
    return exchange("volume_list", "list-filter", filter, "volume-list", t_->volume_list);
  }
  Status volume_remove(std::string_view name) override {
    return undo("volume_remove", name, t_->volume_remove);
  }

  Result<json::Value> network_create(const json::Value& request) override {
    return exchange("network_create", "network-request", request, "network-info", t_->network_create);
  }
  Result<json::Value> network_list(const json::Value& filter) override {
    return exchange("network_list", "list-filter", filter, "network-list", t_->network_list);
  }
  Status network_remove(std::string_view name) override {
    return undo("network_remove", name, t_->network_remove);
  }

  Result<json::Value> sandbox_create(const json::Value& spec) override {
    return exchange("sandbox_create", "sandbox-spec", spec, "sandbox-handle", t_->sandbox_create);
  }
  Status sandbox_put(std::string_view id, std::string_view path, const Source& tar) override {
    SourceFeed feed(tar);
    return i_->caller.call("sandbox_put", Use::normal, [&](const scc_error_sink* err) {
      return t_->sandbox_put(i_->self, view(id), view(path), feed.source(), err);
    });
  }
  Status sandbox_get(std::string_view id, std::string_view path, const Sink& tar) override {
    Forwarder out(
        [&](std::string_view bytes) -> scc_status { return tar(bytes) ? SCC_OK : SCC_E_CANCELLED; });
    return i_->caller.call("sandbox_get", Use::normal, [&](const scc_error_sink* err) {
      return t_->sandbox_get(i_->self, view(id), view(path), out.sink(), err);
    });
  }
  Status sandbox_start(std::string_view id) override {
    return i_->caller.call("sandbox_start", Use::normal, [&](const scc_error_sink* err) {
      return t_->sandbox_start(i_->self, view(id), err);
    });
  }
  Result<json::Value> sandbox_inspect(std::string_view id) override {
    return named("sandbox_inspect", id, "sandbox-info", t_->sandbox_inspect);
  }
  Result<json::Value> sandbox_list(const json::Value& filter) override {
    return exchange("sandbox_list", "list-filter", filter, "sandbox-list", t_->sandbox_list);
  }
  Status sandbox_stop(std::string_view id, unsigned grace_ms) override {
    return i_->caller.call("sandbox_stop", Use::cleanup, [&](const scc_error_sink* err) {
      return t_->sandbox_stop(i_->self, view(id), std::min(grace_ms, kMaxGraceMs), err);
    });
  }
  Status sandbox_remove(std::string_view id) override {
    return undo("sandbox_remove", id, t_->sandbox_remove);
  }

  Result<std::unique_ptr<Exec>> exec_open(std::string_view id, const json::Value& request) override {
    SCC_TRY(const std::string text, Caller::request("exec-request", request));
    scc_exec* exec = nullptr;
    SCC_CHECK(i_->caller.call("exec_open", Use::normal, [&](const scc_error_sink* err) {
      return t_->exec_open(i_->self, view(id), view(text), &exec, err);
    }));
    if (exec == nullptr) {
      return fail(Kind::internal, "plugin.null-instance", "the runtime " + ref().id + " opened no exec",
                  "report this to the plugin's author");
    }
    return std::unique_ptr<Exec>(std::make_unique<ExecAdapter>(i_, exec));
  }

 private:
  static std::function<scc_status(std::string_view)> forward(const Progress& progress) {
    return [&progress](std::string_view text) -> scc_status {
      if (progress) progress(text);
      return SCC_OK;
    };
  }

  template <class Verb>
  Result<json::Value> exchange(const char* name, std::string_view in, const json::Value& request,
                               std::string_view out_schema, Verb verb) {
    SCC_TRY(const std::string text, Caller::request(in, request));
    return i_->caller.document(
        name, Use::normal, out_schema,
        [&](const scc_sink* out, const scc_error_sink* err) { return verb(i_->self, view(text), out, err); });
  }

  template <class Verb>
  Result<json::Value> named(const char* name, std::string_view id, std::string_view out_schema, Verb verb) {
    return i_->caller.document(
        name, Use::normal, out_schema,
        [&](const scc_sink* out, const scc_error_sink* err) { return verb(i_->self, view(id), out, err); });
  }

  template <class Verb>
  Status undo(const char* name, std::string_view id, Verb verb) {
    return i_->caller.call(name, Use::cleanup,
                           [&](const scc_error_sink* err) { return verb(i_->self, view(id), err); });
  }

  template <class Verb>
  Status bulk(const char* name, std::string_view in, const json::Value& request, const Source& source,
              const Progress& progress, Verb verb) {
    SCC_TRY(const std::string text, Caller::request(in, request));
    SourceFeed feed(source);
    Forwarder lines(forward(progress));
    return i_->caller.call(name, Use::normal, [&](const scc_error_sink* err) {
      return verb(i_->self, view(text), feed.source(), lines.sink(), err);
    });
  }

  std::shared_ptr<RuntimeInstance> i_;
  const scc_runtime_v1* t_;
};

}  // namespace

Result<std::unique_ptr<Runtime>> adapt_runtime(ComponentSource source) {
  SCC_TRY(auto instance, RuntimeInstance::create(std::move(source)));
  return std::unique_ptr<Runtime>(std::make_unique<RuntimeAdapter>(std::move(instance)));
}

}  // namespace scc::plugin
