// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include <scc/oci/lines.hpp>
#include <scc/oci/parse.hpp>
#include <scc/oci/root_entry.hpp>
#include <scc/oci/runtime.hpp>
#include <scc/oci/text.hpp>

namespace scc::oci {
namespace {

constexpr std::uint32_t kCreateMs = 60'000;
constexpr std::uint32_t kImageRemoveMs = 300'000;  // layers of many files on a busy disk
constexpr std::uint32_t kPullMs = 900'000;
constexpr std::uint32_t kStopMarginMs = 30'000;  // for the engine's own work after the grace

bool is_local(const Endpoint& endpoint) {
  return endpoint.url.rfind("unix://", 0) == 0;
}

std::string sandbox_path(std::string_view id) {
  return "/containers/" + escape_path(checked_name(id, "sandbox"));
}

/// True when the engine got no answer at all from a registry: the words of Go's net package, in which every
/// engine of this family reports it. A refusal by the registry is another thing.
bool registry_is_silent(const sdk::Failure& failure) {
  if (failure.code == "runtime.timeout") return true;
  static constexpr const char* kWords[] = {
      "connection refused",        "connection reset",   "no such host",        "i/o timeout",
      "network is unreachable",    "no route to host",   "Client.Timeout",      "TLS handshake timeout",
      "context deadline exceeded", "server misbehaving", "connection timed out"};
  return std::any_of(std::begin(kWords), std::end(kWords), [&failure](const char* words) {
    return failure.message.find(words) != std::string::npos;
  });
}

/// True when an intermediate image went away during a build: somebody cleaned up on the same engine.
bool lost_image(const std::string& error) {
  static constexpr const char* kWords[] = {"No such image: sha256:", "unknown parent image ID",
                                           "layer does not exist"};
  return std::any_of(std::begin(kWords), std::end(kWords),
                     [&error](const char* words) { return error.find(words) != std::string::npos; });
}

Call post(std::string path, std::string body = {}) {
  Call call;
  call.method = "POST";
  call.path = std::move(path);
  call.body = std::move(body);
  return call;
}

/// "&name=value" with the value escaped.
std::string parameter(std::string_view name, std::string_view value) {
  return "&" + std::string(name) + "=" + escape_query(value);
}

std::string json_map(const sdk::StringMap& map) {
  sdk::JsonWriter w;
  w.value(map);
  return w.take();
}

}  // namespace

const std::shared_ptr<const Api>& Runtime::api() {
  if (api_ && dialect_->ended()) api_.reset();
  if (!api_) api_ = std::make_shared<const Api>(Api::connect(host_, dialect_));
  return api_;
}

const Abilities& Runtime::abilities() {
  if (!abilities_) {
    sdk::RuntimeInfo unused;
    Abilities able;
    dialect_->describe(*api(), unused, able);
    abilities_ = std::make_unique<Abilities>(able);
  }
  return *abilities_;
}

sdk::RuntimeInfo Runtime::probe() {
  sdk::RuntimeInfo info;
  info.runtime_id = dialect_->id();
  try {
    const std::vector<Endpoint> places = dialect_->endpoints();
    if (!places.empty()) {
      info.endpoint = places.front().url;
      info.context = places.front().context;
      info.local = is_local(places.front());
    }
    api_.reset();  // a probe looks anew
    const Api& engine = *api();
    info.endpoint = engine.endpoint().url;
    info.context = engine.endpoint().context;
    info.local = is_local(engine.endpoint());
    Abilities able;
    dialect_->describe(engine, info, able);
    abilities_ = std::make_unique<Abilities>(able);
    info.reachable = true;
  } catch (const sdk::Failure& failure) {
    if (failure.status == SCC_E_CANCELLED) throw;
    api_.reset();
    info.reachable = false;
    const std::string remedy = failure.hint.empty() ? "check the engine, then run: scc status" : failure.hint;
    info.problems.push_back({failure.code, failure.message, remedy});
  }
  return info;
}

// ---- images ----

std::string Runtime::engine_image(std::string_view ref) const {
  return dialect_->engine_image(checked_image(ref));
}

void Runtime::rename(sdk::ImageInfo& info) const {
  for (std::string& tag : info.tags) tag = dialect_->our_image(tag);
  for (std::string& digest : info.digests) digest = dialect_->our_image(digest);
}

sdk::ImageInfo Runtime::image_inspect(std::string_view ref) {
  Call call;
  call.path = "/images/" + escape_path(engine_image(ref)) + "/json";
  sdk::ImageInfo info = image_info(api()->json(call, "looking for the image " + printable(ref)));
  rename(info);
  return info;
}

sdk::ImageList Runtime::image_list(const sdk::Json& filter) {
  Call call;
  call.path = "/images/json" + label_filters(filter, '?');
  sdk::ImageList list = oci::image_list(api()->json(call, "listing images"));
  for (sdk::ImageInfo& info : list.images) rename(info);
  return list;
}

void Runtime::run_with_progress(Call call, const sdk::Sink& progress, std::string_view what) {
  ProgressLines lines(host_, progress);
  call.sink = lines.c();
  Reply reply;
  try {
    reply = api()->call(call);
  } catch (const sdk::Failure&) {
    lines.finish();  // what stopped us is the better answer
    throw;
  }
  lines.finish();
  if (!reply.ok()) {
    reply.body = lines.last_line();
    throw api()->error(reply, what);
  }
  if (!lines.error().empty()) {
    const bool full = lines.error().find("no space left on device") != std::string::npos;
    const char* code = lost_image(lines.error()) ? "runtime.lost-image" : "runtime.build";
    throw sdk::Failure(full ? SCC_E_PREREQ : SCC_E_TOOL, full ? "runtime.no-space" : code,
                       std::string(what) + ": " + lines.error(),
                       full ? "free disk space: scc prune, then remove images you do not need" : "");
  }
}

void Runtime::image_build(const sdk::Json& request, const sdk::Source& context, const sdk::Sink& progress) {
  std::string query = "?dockerfile=Containerfile&rm=1&forcerm=1";
  for (const std::string& tag : request.strings("/tags")) query += parameter("t", engine_image(tag));
  query += parameter("labels", json_map(request.map("/labels")));
  query += parameter("buildargs", json_map(request.map("/build_args")));
  if (request.has("/network"))
    query += parameter("networkmode", checked_name(request.str("/network"), "network"));
  Call call = post("/build" + query);
  call.source = context.c();
  call.timeout_ms = 0;  // as long as it takes; the host ends it when the user asks to stop
  run_with_progress(std::move(call), progress, "building the image");
}

void Runtime::image_import(const sdk::Json& request, const sdk::Source& rootfs, const sdk::Sink& progress) {
  const std::string tag = engine_image(request.require_str("/tag"));
  const auto colon = tag.rfind(':');
  const bool tagged = colon != std::string::npos && tag.find('/', colon) == std::string::npos;
  std::string query = "?fromSrc=-";
  if (api()->is_podman()) {
    query += parameter("repo", tagged ? tag : tag + ":latest");  // its 4.3 does not read "tag" here
  } else {
    query += parameter("repo", tag.substr(0, tagged ? colon : tag.size()));
    query += parameter("tag", tagged ? tag.substr(colon + 1) : "latest");
  }
  for (const auto& [name, value] : request.map("/labels")) {
    query += parameter("changes", dialect_->label_change(name, value));
  }
  const std::vector<std::string> command = request.strings("/cmd");
  if (!command.empty()) {
    sdk::JsonWriter w;
    w.value(command);
    query += parameter("changes", "CMD " + w.str());
  }
  Call call = post("/images/create" + query);
  call.source = rootfs.c();
  call.timeout_ms = 0;
  run_with_progress(std::move(call), progress, "importing the image");
}

sdk::ImageInfo Runtime::image_pull(std::string_view ref, const sdk::Sink& progress) {
  const std::string image = checked_image(ref);
  const auto at = image.find("@sha256:");
  if (at == std::string::npos || image.size() != at + 8 + 64) {
    throw sdk::Failure(SCC_E_USAGE, "runtime.name", "an image is pulled by digest only: " + image,
                       "write it as name@sha256:<64 hex digits>");
  }
  Call call = post("/images/create?fromImage=" + escape_query(image.substr(0, at)) +
                   parameter("tag", image.substr(at + 1)));
  call.timeout_ms = kPullMs;
  try {
    run_with_progress(std::move(call), progress, "pulling the image");
  } catch (sdk::Failure& failure) {
    if ((failure.status == SCC_E_TOOL || failure.status == SCC_E_TIMEOUT) && registry_is_silent(failure)) {
      failure.code = "runtime.registry-unreachable";
    }
    throw;
  }
  return image_inspect(image);
}

void Runtime::remove(const std::string& path, std::string_view what, std::uint32_t timeout_ms) {
  Call call;
  call.method = "DELETE";
  call.path = path;
  call.timeout_ms = timeout_ms;
  const Reply reply = api()->call(call);
  if (reply.ok() || reply.status == 404) return;
  throw api()->error(reply, what);
}

void Runtime::image_remove(std::string_view ref) {
  remove("/images/" + escape_path(engine_image(ref)), "removing the image " + printable(ref), kImageRemoveMs);
}

// ---- volumes ----

sdk::VolumeInfo Runtime::volume_ensure(const sdk::Json& request) {
  const std::string name = checked_name(request.require_str("/name"), "volume");
  Call look;
  look.path = "/volumes/" + escape_path(name);
  const Reply found = api()->call(look);
  if (found.ok()) return volume_info(host_.parse(found.body));
  if (found.status != 404) throw api()->error(found, "looking for the volume " + name);
  sdk::JsonWriter w;
  w.begin_object()
      .member("Name", name)
      .member("Driver", "local")
      .member("Labels", request.map("/labels"))
      .end_object();
  sdk::VolumeInfo info =
      volume_info(api()->json(post("/volumes/create", w.take()), "making the volume " + name));
  info.created = true;
  return info;
}

sdk::VolumeList Runtime::volume_list(const sdk::Json& filter) {
  Call call;
  if (filter.flag("/size")) {
    // Only this tells sizes, and it takes no filter: the engine counts every volume that it has.
    call.path = "/system/df?type=volume";
    call.timeout_ms = kCreateMs;
    sdk::VolumeList all = oci::volume_list(api()->json(call, "measuring volumes"));
    const sdk::StringMap wanted = filter.map("/labels");
    all.volumes.erase(std::remove_if(all.volumes.begin(), all.volumes.end(),
                                     [&wanted](const sdk::VolumeInfo& volume) {
                                       return std::any_of(wanted.begin(), wanted.end(), [&](const auto& one) {
                                         const auto found = volume.labels.find(one.first);
                                         return found == volume.labels.end() ||
                                                (!one.second.empty() && found->second != one.second);
                                       });
                                     }),
                      all.volumes.end());
    return all;
  }
  call.path = "/volumes" + label_filters(filter, '?');
  return oci::volume_list(api()->json(call, "listing volumes"));
}

void Runtime::volume_remove(std::string_view name) {
  remove("/volumes/" + escape_path(checked_name(name, "volume")), "removing the volume " + printable(name));
}

// ---- networks ----

sdk::NetworkInfo Runtime::network_create(const sdk::Json& request) {
  const std::string name = checked_name(request.require_str("/name"), "network");
  Call create = dialect_->network_call(request);
  create.timeout_ms = kCreateMs;
  const sdk::Json made = api()->json(create, "making the network " + name);
  Call look;
  look.path = "/networks/" + escape_path(made.require_str(made.has("/Id") ? "/Id" : "/id"));
  return network_info(api()->json(look, "looking at the network " + name));
}

sdk::NetworkList Runtime::network_list(const sdk::Json& filter) {
  Call call;
  call.path = "/networks" + label_filters(filter, '?');
  return oci::network_list(api()->json(call, "listing networks"));
}

void Runtime::network_remove(std::string_view name) {
  remove("/networks/" + escape_path(checked_name(name, "network")),
         "removing the network " + printable(name));
}

// ---- sandboxes ----

sdk::SandboxHandle Runtime::sandbox_create(const sdk::Json& spec) {
  const std::string name = checked_name(spec.require_str("/name"), "sandbox");
  std::vector<std::string> warnings;
  Call call = dialect_->create_call(spec, abilities(), warnings);
  call.timeout_ms = kCreateMs;
  const Reply reply = api()->call(call);
  if (!reply.ok()) {
    sdk::Failure failure = api()->error(reply, "making the sandbox " + name);
    // An image is never pulled by a create: it has to be there.
    if (failure.code == "runtime.no-image") failure.status = SCC_E_PREREQ;
    throw sdk::Failure(std::move(failure));
  }
  const sdk::Json made = host_.parse(reply.body);
  sdk::SandboxHandle handle;
  handle.id = made.require_str("/Id");
  handle.name = name;
  handle.warnings = std::move(warnings);
  for (const std::string& warning : made.strings("/Warnings")) handle.warnings.push_back(printable(warning));
  try {
    if (!dialect_->creates_with_networks()) join_networks(handle.id, spec);
  } catch (const sdk::Failure&) {
    sandbox_remove(handle.id);
    throw;
  }
  return handle;
}

/// The Engine API takes one network with a new container (until 1.44); Podman's own takes them all.
void Runtime::join_networks(const std::string& id, const sdk::Json& spec) {
  for (const sdk::Json& item : spec.items("/networks")) {
    const std::string name = checked_name(item.str("/name"), "network");
    sdk::JsonWriter w;
    w.begin_object().member("Container", id).key("EndpointConfig").begin_object();
    if (item.has("/address")) {
      w.key("IPAMConfig").begin_object().member("IPv4Address", item.str("/address")).end_object();
    }
    w.end_object().end_object();
    Call call = post("/networks/" + escape_path(name) + "/connect");
    call.body = w.take();
    call.timeout_ms = kCreateMs;
    const Reply reply = api()->call(call);
    if (!reply.ok()) throw api()->error(reply, "joining the network " + name);
  }
}

void Runtime::sandbox_put(std::string_view id, std::string_view path, const sdk::Source& tar) {
  Call call;
  if (api()->is_podman()) {  // which makes what is not there
    call.method = "HEAD";
    call.path = sandbox_path(id) + "/archive?" + parameter("path", path).substr(1);
    const Reply there = api()->call(call);
    if (!there.ok()) throw api()->error(there, "writing to " + printable(path));
  }
  call.method = "PUT";
  call.path = sandbox_path(id) + "/archive?noOverwriteDirNonDir=1" + parameter("path", path);
  const RootEntry renamed(tar);
  call.source = renamed.c();
  call.timeout_ms = 0;
  const Reply reply = api()->call(call);
  if (!reply.ok()) throw api()->error(reply, "writing to " + printable(path));
}

void Runtime::sandbox_get(std::string_view id, std::string_view path, const sdk::Sink& tar) {
  Call call;
  call.method = "HEAD";  // asked first, so that no error document lands in the tar
  call.path = sandbox_path(id) + "/archive?" + parameter("path", path).substr(1);
  Reply reply = api()->call(call);
  if (!reply.ok()) throw api()->error(reply, "reading " + printable(path));
  call.method = "GET";
  call.sink = tar.c();
  call.timeout_ms = 0;
  reply = api()->call(call);
  if (!reply.ok()) throw api()->error(reply, "reading " + printable(path));
}

void Runtime::sandbox_start(std::string_view id) {
  Call call = post(sandbox_path(id) + "/start");
  call.timeout_ms = kCreateMs;
  const Reply reply = api()->call(call);  // 304: runs already
  if (!reply.ok()) throw api()->error(reply, "starting the sandbox");
}

sdk::SandboxInfo Runtime::sandbox_inspect(std::string_view id) {
  Call call;
  call.path = sandbox_path(id) + "/json";
  const sdk::Json seen = api()->json(call, "looking for the sandbox " + printable(id));
  sdk::SandboxInfo info = sandbox_info(seen);
  info.image = dialect_->our_image(info.image);
  const bool lives = info.state == "running" || info.state == "paused";
  info.active_execs = lives ? active_execs(seen.strings("/ExecIDs")) : 0;
  // The engine sets its flag only when the sandbox ends.
  if (info.state == "running" && !info.oom_killed) {
    info.oom_killed = dialect_->ran_out_of_memory(*api(), info.id, killed_->exchange(false));
  }
  return info;
}

/// Engines differ in how long they name an exec that has ended.
std::int64_t Runtime::active_execs(const std::vector<std::string>& ids) {
  constexpr std::size_t kMost = 64;
  if (ids.size() > kMost) return static_cast<std::int64_t>(ids.size());
  std::int64_t active = 0;
  for (const std::string& id : ids) {
    Call call;
    call.path = "/exec/" + escape_path(checked_name(id, "exec")) + "/json";
    const Reply reply = api()->call(call);
    if (reply.status == 404) continue;
    if (!reply.ok()) return -1;
    if (host_.parse(reply.body).flag("/Running")) ++active;
  }
  return active;
}

sdk::SandboxList Runtime::sandbox_list(const sdk::Json& filter) {
  Call call;
  call.path = std::string("/containers/json?all=") + (filter.flag("/all") ? "1" : "0") +
              (filter.flag("/size") ? "&size=1" : "") + label_filters(filter, '&');
  sdk::SandboxList list = oci::sandbox_list(api()->json(call, "listing sandboxes"));
  for (sdk::SandboxSummary& item : list.sandboxes) {
    item.image = dialect_->our_image(item.image);
    if (filter.flag("/size") && item.size_bytes < 0) item.size_bytes = 0;  // engines leave out a zero
  }
  return list;
}

void Runtime::sandbox_stop(std::string_view id, std::uint32_t grace_ms) {
  // The engine counts whole seconds; a grace that is cut short would kill too early.
  const std::uint32_t seconds = grace_ms / 1000 + (grace_ms % 1000 != 0 ? 1 : 0);
  Call call = post(sandbox_path(id) + "/stop?t=" + std::to_string(seconds));
  call.timeout_ms = std::min<std::uint32_t>(seconds, 3'600) * 1000 + kStopMarginMs;
  const Reply reply = api()->call(call);  // 304: stopped already
  if (reply.ok() || reply.status == 404) return;
  // Two that stop it at once, or a machine that is slow to tell of the end: what counts is how it ended.
  Call look;
  look.path = sandbox_path(id) + "/json";
  const Reply seen = api()->call(look);
  if (seen.status == 404) return;
  if (seen.ok() && sandbox_info(host_.parse(seen.body)).state == "stopped") return;
  throw api()->error(reply, "stopping the sandbox");
}

void Runtime::sandbox_remove(std::string_view id) {
  // force: rollback and prune must end even when a stop failed. v: anonymous volumes of the image, never
  // named ones.
  remove(sandbox_path(id) + "?force=1&v=1", "removing the sandbox " + printable(id));
}

std::unique_ptr<Exec> Runtime::exec_open(std::string_view id, const sdk::Json& request) {
  return open_exec(api(), id, request, killed_);
}

}  // namespace scc::oci
