// SPDX-License-Identifier: Apache-2.0
// runtime<T>("id") makes a container runtime component of a plain class. Required: probe, sandbox_create,
// sandbox_start, sandbox_inspect, sandbox_list, sandbox_stop, sandbox_remove, exec_open. A verb that the
// class lacks answers SCC_E_UNSUPPORTED. Ids, names and paths arrive as std::string_view, documents as Json,
// bulk data as Source and Sink; answers are the structs of documents.hpp or JSON text. exec_open returns a
// std::unique_ptr to a class of the vendor:
//   std::optional<Channel> read(uint32_t timeout_ms, const Sink& out);  nullopt: nothing came in time
//   std::size_t write(std::string_view bytes);                         what fits, without waiting
//   void close_input();   void resize(uint16_t rows, uint16_t cols);
//   std::optional<int> wait(uint32_t timeout_ms);                       nullopt: not over yet
//   int fd() const;                                                     for poll(2)
#pragma once

#include <scc/sdk/component.hpp>

namespace scc::sdk {

enum class Channel : scc_channel { end = SCC_CHANNEL_END, out = SCC_CHANNEL_OUT, err = SCC_CHANNEL_ERR };

namespace detail {

// One detector a verb: is there a T::NAME that takes these arguments?
#define SCC_DETECT_VERB(NAME, ...) \
  template <class T>               \
  using NAME##_verb = decltype(std::declval<T&>().NAME(__VA_ARGS__))
#define SCC_ARG(TYPE) std::declval<const TYPE&>()
SCC_DETECT_VERB(image_inspect, std::string_view());
SCC_DETECT_VERB(image_list, SCC_ARG(Json));
SCC_DETECT_VERB(image_build, SCC_ARG(Json), SCC_ARG(Source), SCC_ARG(Sink));
SCC_DETECT_VERB(image_import, SCC_ARG(Json), SCC_ARG(Source), SCC_ARG(Sink));
SCC_DETECT_VERB(image_pull, std::string_view(), SCC_ARG(Sink));
SCC_DETECT_VERB(image_remove, std::string_view());
SCC_DETECT_VERB(volume_ensure, SCC_ARG(Json));
SCC_DETECT_VERB(volume_list, SCC_ARG(Json));
SCC_DETECT_VERB(volume_remove, std::string_view());
SCC_DETECT_VERB(network_create, SCC_ARG(Json));
SCC_DETECT_VERB(network_list, SCC_ARG(Json));
SCC_DETECT_VERB(network_remove, std::string_view());
SCC_DETECT_VERB(sandbox_put, std::string_view(), std::string_view(), SCC_ARG(Source));
SCC_DETECT_VERB(sandbox_get, std::string_view(), std::string_view(), SCC_ARG(Sink));
#undef SCC_DETECT_VERB
#undef SCC_ARG

template <class T>
struct RuntimeCalls {
  using Exec = typename decltype(std::declval<T&>().exec_open(std::string_view(),
                                                              std::declval<const Json&>()))::element_type;

  // Calls a verb that T may lack; the generic lambda keeps a missing one from being compiled.
#define SCC_CALL_VERB(NAME, CALL)        \
  [&] {                                  \
    Box<T>& box = unbox<T>(self);        \
    if constexpr (has<NAME##_verb, T>) { \
      return box.impl.CALL;              \
    } else {                             \
      static_cast<void>(box);            \
      throw no_method(#NAME);            \
    }                                    \
  }
#define SCC_ANSWER_VERB(NAME, CALL)                      \
  guard(err, [&] {                                       \
    Box<T>& box = unbox<T>(self);                        \
    if constexpr (has<NAME##_verb, T>) {                 \
      Sink(out).write(json_of(box.impl.CALL));           \
      return static_cast<scc_status>(SCC_OK);            \
    } else {                                             \
      static_cast<void>(box);                            \
      throw no_method(#NAME);                            \
      return static_cast<scc_status>(SCC_E_UNSUPPORTED); \
    }                                                    \
  })

  static scc_status probe(scc_runtime* self, const scc_sink* out, const scc_error_sink* err) noexcept {
    return answer(out, err, [&] { return unbox<T>(self).impl.probe(); });
  }

  static scc_status image_inspect(scc_runtime* self, scc_str ref, const scc_sink* out,
                                  const scc_error_sink* err) noexcept {
    return SCC_ANSWER_VERB(image_inspect, image_inspect(text(ref)));
  }
  static scc_status image_list(scc_runtime* self, scc_str filter, const scc_sink* out,
                               const scc_error_sink* err) noexcept {
    return SCC_ANSWER_VERB(image_list, image_list(box.host.parse(text(filter))));
  }
  static scc_status image_build(scc_runtime* self, scc_str request, const scc_source* context,
                                const scc_sink* progress, const scc_error_sink* err) noexcept {
    return perform(err, SCC_CALL_VERB(image_build, image_build(box.host.parse(text(request)), Source(context),
                                                               Sink(progress))));
  }
  static scc_status image_import(scc_runtime* self, scc_str request, const scc_source* rootfs,
                                 const scc_sink* progress, const scc_error_sink* err) noexcept {
    return perform(err, SCC_CALL_VERB(image_import, image_import(box.host.parse(text(request)),
                                                                 Source(rootfs), Sink(progress))));
  }
  static scc_status image_pull(scc_runtime* self, scc_str ref, const scc_sink* progress, const scc_sink* out,
                               const scc_error_sink* err) noexcept {
    return SCC_ANSWER_VERB(image_pull, image_pull(text(ref), Sink(progress)));
  }
  static scc_status image_remove(scc_runtime* self, scc_str ref, const scc_error_sink* err) noexcept {
    return perform(err, SCC_CALL_VERB(image_remove, image_remove(text(ref))));
  }

  static scc_status volume_ensure(scc_runtime* self, scc_str request, const scc_sink* out,
                                  const scc_error_sink* err) noexcept {
    return SCC_ANSWER_VERB(volume_ensure, volume_ensure(box.host.parse(text(request))));
  }
  static scc_status volume_list(scc_runtime* self, scc_str filter, const scc_sink* out,
                                const scc_error_sink* err) noexcept {
    return SCC_ANSWER_VERB(volume_list, volume_list(box.host.parse(text(filter))));
  }
  static scc_status volume_remove(scc_runtime* self, scc_str name, const scc_error_sink* err) noexcept {
    return perform(err, SCC_CALL_VERB(volume_remove, volume_remove(text(name))));
  }

  static scc_status network_create(scc_runtime* self, scc_str request, const scc_sink* out,
                                   const scc_error_sink* err) noexcept {
    return SCC_ANSWER_VERB(network_create, network_create(box.host.parse(text(request))));
  }
  static scc_status network_list(scc_runtime* self, scc_str filter, const scc_sink* out,
                                 const scc_error_sink* err) noexcept {
    return SCC_ANSWER_VERB(network_list, network_list(box.host.parse(text(filter))));
  }
  static scc_status network_remove(scc_runtime* self, scc_str name, const scc_error_sink* err) noexcept {
    return perform(err, SCC_CALL_VERB(network_remove, network_remove(text(name))));
  }

  static scc_status sandbox_create(scc_runtime* self, scc_str spec, const scc_sink* out,
                                   const scc_error_sink* err) noexcept {
    return answer(out, err, [&] {
      Box<T>& box = unbox<T>(self);
      return box.impl.sandbox_create(box.host.parse(text(spec)));
    });
  }
  static scc_status sandbox_put(scc_runtime* self, scc_str id, scc_str path, const scc_source* tar,
                                const scc_error_sink* err) noexcept {
    return perform(err, SCC_CALL_VERB(sandbox_put, sandbox_put(text(id), text(path), Source(tar))));
  }
  static scc_status sandbox_get(scc_runtime* self, scc_str id, scc_str path, const scc_sink* tar,
                                const scc_error_sink* err) noexcept {
    return perform(err, SCC_CALL_VERB(sandbox_get, sandbox_get(text(id), text(path), Sink(tar))));
  }
  static scc_status sandbox_start(scc_runtime* self, scc_str id, const scc_error_sink* err) noexcept {
    return perform(err, [&] { unbox<T>(self).impl.sandbox_start(text(id)); });
  }
  static scc_status sandbox_inspect(scc_runtime* self, scc_str id, const scc_sink* out,
                                    const scc_error_sink* err) noexcept {
    return answer(out, err, [&] { return unbox<T>(self).impl.sandbox_inspect(text(id)); });
  }
  static scc_status sandbox_list(scc_runtime* self, scc_str filter, const scc_sink* out,
                                 const scc_error_sink* err) noexcept {
    return answer(out, err, [&] {
      Box<T>& box = unbox<T>(self);
      return box.impl.sandbox_list(box.host.parse(text(filter)));
    });
  }
  static scc_status sandbox_stop(scc_runtime* self, scc_str id, std::uint32_t grace_ms,
                                 const scc_error_sink* err) noexcept {
    return perform(err, [&] { unbox<T>(self).impl.sandbox_stop(text(id), grace_ms); });
  }
  static scc_status sandbox_remove(scc_runtime* self, scc_str id, const scc_error_sink* err) noexcept {
    return perform(err, [&] { unbox<T>(self).impl.sandbox_remove(text(id)); });
  }

  static scc_status exec_open(scc_runtime* self, scc_str id, scc_str request, scc_exec** out,
                              const scc_error_sink* err) noexcept {
    return perform(err, [&] {
      if (out == nullptr) throw Failure(SCC_E_USAGE, "sdk.null-handle", "nowhere to put the exec");
      *out = nullptr;
      Box<T>& box = unbox<T>(self);
      std::unique_ptr<Exec> exec = box.impl.exec_open(text(id), box.host.parse(text(request)));
      if (!exec) throw Failure(SCC_E_INTERNAL, "sdk.exec", "exec_open gave nothing");
      *out = reinterpret_cast<scc_exec*>(exec.release());
    });
  }
  static scc_status exec_read(scc_exec* e, std::uint32_t timeout_ms, scc_channel* channel,
                              const scc_sink* out, const scc_error_sink* err) noexcept {
    return guard(err, [&] {
      const std::optional<Channel> got = exec(e).read(timeout_ms, Sink(out));
      if (!got) return static_cast<scc_status>(SCC_E_TIMEOUT);
      if (channel != nullptr) *channel = static_cast<scc_channel>(*got);
      return static_cast<scc_status>(SCC_OK);
    });
  }
  static scc_status exec_write(scc_exec* e, scc_str bytes, std::size_t* written,
                               const scc_error_sink* err) noexcept {
    return perform(err, [&] {
      const std::size_t n = exec(e).write(text(bytes));
      if (written != nullptr) *written = n;
    });
  }
  static scc_status exec_close_input(scc_exec* e, const scc_error_sink* err) noexcept {
    return perform(err, [&] { exec(e).close_input(); });
  }
  static scc_status exec_resize(scc_exec* e, std::uint16_t rows, std::uint16_t cols,
                                const scc_error_sink* err) noexcept {
    return perform(err, [&] { exec(e).resize(rows, cols); });
  }
  static scc_status exec_wait(scc_exec* e, std::uint32_t timeout_ms, std::int32_t* exit_code,
                              const scc_error_sink* err) noexcept {
    return guard(err, [&] {
      const std::optional<int> code = exec(e).wait(timeout_ms);
      if (!code) return static_cast<scc_status>(SCC_E_TIMEOUT);
      if (exit_code != nullptr) *exit_code = *code;
      return static_cast<scc_status>(SCC_OK);
    });
  }
  static std::int32_t exec_fd(const scc_exec* e) noexcept {
    std::int32_t fd = -1;
    static_cast<void>(perform(nullptr, [&] { fd = reinterpret_cast<const Exec*>(e)->fd(); }));
    return fd;
  }
  static void exec_close(scc_exec* e) noexcept {
    delete reinterpret_cast<Exec*>(e);
  }

 private:
  static Exec& exec(scc_exec* e) {
    if (e == nullptr) throw Failure(SCC_E_USAGE, "sdk.null-handle", "called without an exec");
    return *reinterpret_cast<Exec*>(e);
  }
#undef SCC_CALL_VERB
#undef SCC_ANSWER_VERB
};

template <class T>
inline constexpr scc_runtime_v1 runtime_table = {sizeof(scc_runtime_v1),
                                                 0,
                                                 &create<T, scc_runtime>,
                                                 &destroy<T, scc_runtime>,
                                                 &RuntimeCalls<T>::probe,
                                                 &RuntimeCalls<T>::image_inspect,
                                                 &RuntimeCalls<T>::image_list,
                                                 &RuntimeCalls<T>::image_build,
                                                 &RuntimeCalls<T>::image_import,
                                                 &RuntimeCalls<T>::image_pull,
                                                 &RuntimeCalls<T>::image_remove,
                                                 &RuntimeCalls<T>::volume_ensure,
                                                 &RuntimeCalls<T>::volume_list,
                                                 &RuntimeCalls<T>::volume_remove,
                                                 &RuntimeCalls<T>::network_create,
                                                 &RuntimeCalls<T>::network_list,
                                                 &RuntimeCalls<T>::network_remove,
                                                 &RuntimeCalls<T>::sandbox_create,
                                                 &RuntimeCalls<T>::sandbox_put,
                                                 &RuntimeCalls<T>::sandbox_get,
                                                 &RuntimeCalls<T>::sandbox_start,
                                                 &RuntimeCalls<T>::sandbox_inspect,
                                                 &RuntimeCalls<T>::sandbox_list,
                                                 &RuntimeCalls<T>::sandbox_stop,
                                                 &RuntimeCalls<T>::sandbox_remove,
                                                 &RuntimeCalls<T>::exec_open,
                                                 &RuntimeCalls<T>::exec_read,
                                                 &RuntimeCalls<T>::exec_write,
                                                 &RuntimeCalls<T>::exec_close_input,
                                                 &RuntimeCalls<T>::exec_resize,
                                                 &RuntimeCalls<T>::exec_wait,
                                                 &RuntimeCalls<T>::exec_fd,
                                                 &RuntimeCalls<T>::exec_close,
                                                 extension_or_null<T, scc_runtime>()};

}  // namespace detail

template <class T>
constexpr scc_component runtime(const char* id) {
  return {SCC_IFACE_RUNTIME, id, &detail::runtime_table<T>};
}

}  // namespace scc::sdk
