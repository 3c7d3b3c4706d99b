// SPDX-License-Identifier: Apache-2.0
#include "image/nonce.h"

#include <unistd.h>

#include "base/str.h"
#include "image/tar.h"
#include "json/value.h"
#include "os/fs.h"

namespace scc::image {
namespace {

constexpr std::size_t kMaxArchive = std::size_t{64} << 10U;
constexpr const char* kTarget = "/run/scc-nonce";

/// Removes the directory and the sandbox on every way out.
class Probe {
 public:
  Probe(plugin::Runtime& runtime, std::filesystem::path directory)
      : runtime_(runtime), directory_(std::move(directory)) {}
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  ~Probe() {
    if (!sandbox_.empty()) {
      static_cast<void>(runtime_.sandbox_remove(sandbox_));
    }
    static_cast<void>(os::remove_tree(directory_));
  }
  void created(std::string id) { sandbox_ = std::move(id); }
  const std::string& sandbox() const noexcept { return sandbox_; }

 private:
  plugin::Runtime& runtime_;
  std::filesystem::path directory_;
  std::string sandbox_;
};

json::Value sandbox_spec(std::string_view image, const std::string& name, const std::string& source,
                         const std::string& state) {
  json::Value mount;
  mount["type"] = "bind";
  mount["source"] = source;
  mount["target"] = kTarget;
  mount["read_only"] = true;
  json::Value spec;
  spec["schema"] = "scc.sandbox-spec/1";
  spec["name"] = name;
  spec["image"] = image;
  spec["hostname"] = "scc-probe";
  spec["labels"] = json::Object{{"scc.managed", "true"}, {"scc.backend", "oci"},
                                {"scc.role", "probe"},   {"scc.schema", "1"},
                                {"scc.instance", name},  {"scc.owner-uid", std::to_string(::getuid())},
                                {"scc.state", state}};
  spec["argv"] = json::Value::strings({"/scc-never-started"});
  spec["env"] = json::Object();
  spec["workdir"] = "/";
  spec["user"] = json::Object{{"uid", 65534}, {"gid", 65534}};
  spec["mounts"] = json::Array{mount};
  spec["network"] = json::Object{{"mode", "none"}};
  spec["dns"] = json::Array();
  spec["extra_hosts"] = json::Array();
  spec["resources"] = json::Object{{"memory_bytes", std::int64_t{64} << 20},
                                   {"pids", 16},
                                   {"nofile", 64},
                                   {"shm_bytes", std::int64_t{1} << 20}};
  spec["security"] = json::Object{
      {"cap_drop", json::Value::strings({"ALL"})}, {"no_new_privileges", true}, {"read_only_root", true}};
  spec["stop_grace_ms"] = 1000;
  return spec;
}

tl::unexpected<Error> other_machine(const std::string& reason) {
  return fail(
      Kind::policy, "runtime.other-machine", "the engine does not see this machine's files: " + reason,
      "choose an engine that runs on this machine: the workspace would be a directory of the other one");
}

}  // namespace

Status engine_sees_this_machine(plugin::Runtime& runtime, std::string_view image_ref,
                                const os::Paths& paths) {
  const std::string name = "scc-oci-probe-" + os::random_hex(8);
  // Where sessions keep theirs (session/instance.h): the lock keeps a prune away, and what a crash leaves
  // here and in the engine is found by the next one.
  SCC_TRY(const os::FileLock lock,
          os::FileLock::acquire(paths.runtime / "locks" / ("launch-" + name + ".lock"), 0));
  const std::filesystem::path directory = paths.state / "instances" / name;
  Probe probe(runtime, directory);
  SCC_CHECK(os::make_dirs(directory));
  const std::string nonce = os::random_hex(32);
  SCC_CHECK(os::write_file_atomic(directory / "nonce", nonce));

  auto handle =
      runtime.sandbox_create(sandbox_spec(image_ref, name, directory.string(), paths.state.string()));
  if (!handle) {
    // An engine elsewhere says so here: the directory to bind does not exist there.
    return fail(std::move(handle).error().with("while proving that the engine sees this machine's files"));
  }
  probe.created(handle->str("/id", name));
  BoundedBuffer archive(kMaxArchive);
  auto got = runtime.sandbox_get(probe.sandbox(), std::string(kTarget) + "/nonce", archive.sink());
  if (!got && got.error().kind == Kind::not_found) {
    return other_machine("the file written for this check is not there");
  }
  if (!got && !archive.overflowed()) {
    return fail(std::move(got).error().with("while proving that the engine sees this machine's files"));
  }
  const auto seen =
      archive.overflowed() ? Result<std::string>(fail(Error{})) : extract_single(archive.bytes(), 1024);
  if (!seen || *seen != nonce) {
    return other_machine("the file written for this check has another content");
  }
  return {};
}

}  // namespace scc::image
