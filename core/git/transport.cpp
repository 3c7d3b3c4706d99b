// SPDX-License-Identifier: Apache-2.0
// The smart HTTP protocol (gitprotocol-http) is request and answer: libgit2 writes one whole request, then
// reads. Answers are held in memory, bounded by the fetch's limit.
#include "git/transport.h"

#include <algorithm>
#include <cstring>

#include "base/str.h"

namespace scc::git {

namespace {

constexpr std::string_view kDiscovery = "/info/refs?service=git-upload-pack";

struct Stream {
  git_smart_subtransport_stream parent{};
  Wire* wire = nullptr;
  bool discovery = false;
  bool sent = false;
  std::string request;
  std::string reply;
  std::size_t offset = 0;
};

struct Subtransport {
  git_smart_subtransport parent{};
  Wire* wire = nullptr;
};

// libgit2 hands back what it was given: the first member of ours.
Stream& stream_of(git_smart_subtransport_stream* stream) {
  return *reinterpret_cast<Stream*>(stream);
}

int failed(Wire& wire, Error error) {
  if (!wire.error) wire.error = std::move(error);
  git_error_set_str(GIT_ERROR_NET, "the transport ended the fetch");
  return -1;
}

/// Runs `body`; an exception must not cross libgit2's frames.
template <class F>
int guarded(Wire& wire, F&& body) noexcept {
  try {
    return body();
  } catch (...) {
    wire.error = Error{Kind::internal, "git.internal", "a callback threw an exception", "", {}};
    return -1;
  }
}

int send(Stream& stream) {
  Wire& wire = *stream.wire;
  HttpRequest request;
  request.limit = wire.limit;
  if (stream.discovery) {
    request.url = wire.base + std::string(kDiscovery);
    request.accept = "application/x-git-upload-pack-advertisement";
  } else {
    request.url = wire.base + "/git-upload-pack";
    request.body = std::move(stream.request);
    request.content_type = "application/x-git-upload-pack-request";
    request.accept = "application/x-git-upload-pack-result";
  }
  auto reply = wire.http(request);
  if (!reply) return failed(wire, std::move(reply).error());
  wire.limit -= std::min(wire.limit, reply->body.size());
  if (stream.discovery && str::ends_with(reply->url, kDiscovery)) {
    wire.base = reply->url.substr(0, reply->url.size() - kDiscovery.size());
  }
  stream.reply = std::move(reply->body);
  stream.sent = true;
  return 0;
}

int on_read(git_smart_subtransport_stream* raw, char* buffer, std::size_t size, std::size_t* got) noexcept {
  Stream& stream = stream_of(raw);
  *got = 0;
  return guarded(*stream.wire, [&] {
    if (!stream.sent && send(stream) != 0) return -1;
    *got = std::min(size, stream.reply.size() - stream.offset);
    std::memcpy(buffer, stream.reply.data() + stream.offset, *got);
    stream.offset += *got;
    return 0;
  });
}

int on_write(git_smart_subtransport_stream* raw, const char* data, std::size_t size) noexcept {
  Stream& stream = stream_of(raw);
  return guarded(*stream.wire, [&] {
    stream.request.append(data, size);
    return 0;
  });
}

void on_free_stream(git_smart_subtransport_stream* raw) noexcept {
  delete &stream_of(raw);
}

int on_action(git_smart_subtransport_stream** out, git_smart_subtransport* raw, const char*,
              git_smart_service_t service) noexcept {
  auto& subtransport = *reinterpret_cast<Subtransport*>(raw);
  return guarded(*subtransport.wire, [&] {
    if (service != GIT_SERVICE_UPLOADPACK_LS && service != GIT_SERVICE_UPLOADPACK) return -1;
    auto stream = std::make_unique<Stream>();
    stream->parent = {raw, on_read, on_write, on_free_stream};
    stream->wire = subtransport.wire;
    stream->discovery = service == GIT_SERVICE_UPLOADPACK_LS;
    *out = &stream.release()->parent;
    return 0;
  });
}

int on_close(git_smart_subtransport*) noexcept {
  return 0;
}

void on_free(git_smart_subtransport* raw) noexcept {
  delete reinterpret_cast<Subtransport*>(raw);
}

int make_subtransport(git_smart_subtransport** out, git_transport*, void* context) noexcept {
  auto& wire = *static_cast<Wire*>(context);
  return guarded(wire, [&] {
    auto made = std::make_unique<Subtransport>();
    made->parent = {on_action, on_close, on_free};
    made->wire = &wire;
    *out = &made.release()->parent;
    return 0;
  });
}

}  // namespace

int make_transport(git_transport** out, git_remote* owner, void* wire) {
  git_smart_subtransport_definition definition{make_subtransport, 1, wire};
  return git_transport_smart(out, owner, &definition);
}

}  // namespace scc::git
