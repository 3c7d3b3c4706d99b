// SPDX-License-Identifier: Apache-2.0
// The steps of a launch, one function each: journal, effect, how to undo it. The undo is registered as soon
// as the effect may have happened, so a failure in the middle of a step is undone as well.
#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <unistd.h>

#include <sys/stat.h>

#include "base/str.h"
#include "os/idmap.h"
#include "session/network.h"
#include "session/prune.h"
#include "session/reuse.h"
#include "session/state.h"

namespace scc::session::detail {

Status write_new_file(const stdfs::path& path, std::string_view bytes, unsigned mode) {
  SCC_CHECK(os::make_dirs(path.parent_path()));
  const os::Fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return fail(os::errno_error("create", path, errno));
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd.get(), bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return fail(os::errno_error("write", path, errno));
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  if (::fchmod(fd.get(), mode) != 0) return fail(os::errno_error("chmod", path, errno));
  return {};
}

namespace {

using State = Running::State;
using StepResult = Result<json::Value>;

tl::unexpected<Error> bad_step(const std::string& why) {
  return fail(Kind::internal, "launch.plan", "the launch plan cannot be executed: " + why);
}

/// Below `<instance>/files` and made of plain names, whatever the plan says. A relative path is relative to
/// it.
Result<stdfs::path> file_target(const stdfs::path& directory, const std::string& text) {
  const stdfs::path base = directory / "files";
  const stdfs::path given(text);
  const stdfs::path full = given.is_absolute() ? given : base / given;
  const stdfs::path relative = full.lexically_relative(base);
  if (relative.empty() || relative == ".") return bad_step("a file without a name");
  for (const stdfs::path& part : relative) {
    if (part == ".." || part == ".")
      return bad_step("the file " + text + " is not below the session's files");
  }
  return base / relative;
}

StepResult write_files(State& state, const Deps& deps) {
  std::int64_t count = 0;
  const json::Value* files = state.plan.at("/files");
  if (files == nullptr) return json::Value(json::Object{{"files", 0}});
  for (const json::Value& file : files->items()) {
    SCC_CHECK(check_cancelled(deps));
    SCC_TRY(const stdfs::path target, file_target(state.directory, file.str("/path")));
    const std::string text = file.str("/text");
    const std::string digest = file.str("/sha256");
    if (!digest.empty() && os::sha256_hex(text) != digest) {
      return bad_step("the digest of " + file.str("/path") + " does not fit its text");
    }
    SCC_TRY(const unsigned mode, parse_mode(file.str("/mode", "0444")));
    SCC_CHECK(write_new_file(target, text, mode));
    // A folder of files is bound as a whole; who may read them may look into it. Nobody else gets this far.
    const stdfs::path folder = target.parent_path();
    for (stdfs::path at = folder; at != state.directory / "files"; at = at.parent_path()) {
      if (::chmod(at.c_str(), 0755) != 0) return fail(os::errno_error("chmod", at, errno));
    }
    ++count;
  }
  return json::Value(json::Object{{"files", count}});
}

StepResult idmap_workspace(State& state, const json::Value& step) {
  const stdfs::path target = step.str("/target");
  if (target != state.directory / "ws")
    return bad_step("workspace.idmap has another target than the session's");
  const auto id = [&](const char* pointer) { return static_cast<uid_t>(step.integer(pointer, -1)); };
  const os::IdMapping mapping{id("/host_uid"), id("/sandbox_uid"), id("/host_gid"), id("/sandbox_gid")};
  for (const char* pointer : {"/host_uid", "/sandbox_uid", "/host_gid", "/sandbox_gid"}) {
    const std::int64_t value = step.integer(pointer, -1);
    if (value < 0 || value > 0xFFFFFFFELL) return bad_step("workspace.idmap without " + std::string(pointer));
  }
  const stdfs::path directory = state.directory;
  state.undo.push_back({"workspace.idmap", [directory](const Deps&) { return detach_workspace(directory); }});
  SCC_CHECK(os::make_dirs(target));
  SCC_CHECK(os::mount_idmapped(step.str("/source"), target, mapping));
  return json::Value(json::Object{{"target", target.native()}});
}

/// A volume that belongs to one sandbox alone, as opposed to a credential volume, which outlives all of them.
bool is_instance_volume(const std::map<std::string, std::string>& labels, const std::string& name) {
  const auto role = labels.find("scc.role");
  const auto instance = labels.find("scc.instance");
  return role != labels.end() && role->second == "volume" && instance != labels.end() &&
         !instance->second.empty() && !str::starts_with(name, "scc-cred-");
}

StepResult ensure_volume(State& state, const Deps& deps) {
  const json::Value* volume = state.plan.at("/volume");
  if (volume == nullptr || volume->str("/name").empty()) return bad_step("volume.ensure without a volume");
  const std::string name = volume->str("/name");
  json::Object request;
  request["schema"] = "scc.volume-request/1";
  request["name"] = name;
  if (const json::Value* labels = volume->at("/labels")) {
    request["labels"] = *labels;
  } else {
    request["labels"] = json::Object{};
  }
  SCC_TRY(const json::Value info, deps.runtime.volume_ensure(json::Value(std::move(request))));
  const bool created = info.flag("/created");
  if (created && is_instance_volume(volume->map_at("/labels"), name)) {
    state.undo.push_back({"volume.ensure", [name](const Deps& d) { return d.runtime.volume_remove(name); }});
  }
  return json::Value(json::Object{{"name", name}, {"created", created}});
}

/// The planned sandbox with what the network policy knows only now.
json::Value sandbox_spec(const State& state) {
  json::Value spec = *state.plan.at("/sandbox");
  spec["schema"] = "scc.sandbox-spec/1";
  if (const json::Value* network = state.attachment.at("/network");
      network != nullptr && network->is_object()) {
    spec["network"] = *network;
  }
  if (const json::Value* dns = state.attachment.at("/dns"); dns != nullptr && !dns->items().empty()) {
    spec["dns"] = *dns;
  }
  return spec;
}

/// What an engine may have made although its answer was an error. The launch lock is held and the name was
/// free a moment ago, so a sandbox of ours with that name is this launch's.
Status remove_by_name(const std::string& name, const Deps& deps) {
  const auto info = deps.runtime.sandbox_inspect(name);
  if (!info) return info.error().kind == Kind::not_found ? Status{} : fail(Error(info.error()));
  if (!is_ours(info->map_at("/labels"), deps.paths, deps.env)) return {};
  return deps.runtime.sandbox_remove(info->str("/id", name));
}

/// A stopped sandbox that was made from the same document is taken instead of a new one: its root file system
/// is read-only, its temporary file systems begin empty, and what is bound is looked up when it starts.
StepResult take_existing(State& state, const Deps& deps) {
  say(deps, "starting the sandbox again");
  const std::string id = state.reuses;
  state.undo.push_back({"sandbox.create", [id](const Deps& d) { return d.runtime.sandbox_remove(id); }});
  state.sandbox_id = id;
  state.record.container_id = id;
  return json::Value(json::Object{{"id", id}, {"reused", true}});
}

StepResult create_sandbox(State& state, const Deps& deps) {
  if (!state.reuses.empty()) return take_existing(state, deps);
  const std::string name = state.record.name;
  const auto handle = deps.runtime.sandbox_create(sandbox_spec(state));
  if (!handle) {
    Error error = handle.error();
    if (error.id == "runtime.conflict") {
      error.id = "sandbox.conflict";
      error.hint = "see it: scc list, or end it: scc stop " + name;
      return fail(std::move(error));
    }
    state.undo.push_back({"sandbox.create", [name](const Deps& d) { return remove_by_name(name, d); }});
    return fail(std::move(error));
  }
  const std::string id = handle->str("/id");
  state.undo.push_back({"sandbox.create", [id](const Deps& d) { return d.runtime.sandbox_remove(id); }});
  if (id.empty()) return fail(Kind::tool, "runtime.answer", "the runtime returned a sandbox without an id");
  state.sandbox_id = id;
  state.record.container_id = id;
  for (const std::string& warning : handle->strings_at("/warnings")) {
    if (deps.note) deps.note(warning);
  }
  return json::Value(json::Object{{"id", id}});
}

StepResult prepare_volume(State& state, const json::Value& step, const Deps& deps) {
  const std::string path = step.str("/path");
  if (path.empty() || path.front() != '/') return bad_step("volume.prepare without a path");
  SCC_TRY(const unsigned mode, parse_mode(step.str("/mode", "0700")));
  const std::string tar = directory_tar(step.integer("/uid", -1), step.integer("/gid", -1), mode);
  if (tar.empty()) return bad_step("volume.prepare with an owner that is no uid");
  std::size_t offset = 0;
  const plugin::Source source = [&](char* buffer, std::size_t capacity) -> std::optional<std::size_t> {
    const std::size_t n = std::min(capacity, tar.size() - offset);
    std::copy_n(tar.data() + offset, n, buffer);
    offset += n;
    return n;
  };
  SCC_CHECK(deps.runtime.sandbox_put(state.sandbox_id, path, source));
  return json::Value(json::Object{{"path", path}});
}

StepResult start_sandbox(State& state, const Deps& deps) {
  const std::string id = state.sandbox_id;
  const unsigned grace = state.record.stop_grace_ms;
  state.undo.push_back(
      {"sandbox.start", [id, grace](const Deps& d) { return d.runtime.sandbox_stop(id, grace); }});
  SCC_CHECK(deps.runtime.sandbox_start(id));
  return json::Value();
}

StepResult dispatch(State& state, const json::Value& step, const Deps& deps) {
  const std::string op = step.str("/op");
  if (op == "files.write") return write_files(state, deps);
  if (op == "workspace.idmap") return idmap_workspace(state, step);
  if (op == "volume.ensure") return ensure_volume(state, deps);
  if (op == "network.apply") return apply_network(state, deps);
  if (op == "sandbox.create") return create_sandbox(state, deps);
  if (op == "workspace.detach") {
    SCC_CHECK(detach_workspace(state.directory));
    return json::Value();
  }
  if (state.sandbox_id.empty()) return bad_step(op + " before sandbox.create");
  if (op == "volume.prepare") return prepare_volume(state, step, deps);
  if (op == "sandbox.start") return start_sandbox(state, deps);
  if (op == "network.verify") return verify_network(state, deps);
  return bad_step("the step " + op + " is not known here");
}

struct StepText {
  std::string_view op;
  const char* text;  ///< null: not worth a line
};

constexpr std::array kSteps{
    StepText{"instance.create", nullptr},
    StepText{"files.write", nullptr},
    StepText{"workspace.idmap", "mapping the owner of the workspace"},
    StepText{"volume.ensure", nullptr},
    StepText{"network.apply", nullptr},
    StepText{"sandbox.create", "creating the sandbox"},
    StepText{"volume.prepare", nullptr},
    StepText{"sandbox.start", "starting the sandbox"},
    StepText{"workspace.detach", nullptr},
    StepText{"network.verify", "verifying the proxy"},
    StepText{"agent.exec", "verifying the sandbox from inside"},
    StepText{"sandbox.stop", nullptr},
};

}  // namespace

bool known_step(std::string_view op) noexcept {
  for (const StepText& step : kSteps) {
    if (step.op == op) return true;
  }
  return false;
}

Status run_step(State& state, const json::Value& step, const Deps& deps) {
  const std::string op = step.str("/op");
  for (const StepText& known : kSteps) {
    if (known.op == op && known.text != nullptr) say(deps, known.text);
  }
  return state.journal.step(op, json::Value(), [&] { return dispatch(state, step, deps); });
}

namespace {

Status open_collector(State& state, const Deps& deps) {
  const stdfs::path directory = state.directory / kAuditDirectory;
  if (!deps.collect) return os::make_dirs(directory);
  SCC_TRY(state.collector, deps.collect(state.record.id, directory));
  return {};
}

}  // namespace

Status create_instance(State& state, const Deps& deps) {
  constexpr std::string_view kOp = "instance.create";
  // The journal lives in the directory that this step makes, so its intent line comes right after.
  state.journal.kill_point(kOp, false);
  const stdfs::path directory = state.directory;
  SCC_CHECK(os::make_dirs(directory.parent_path()));
  auto removed = remove_instance(directory);  // of an earlier session of this name that is over
  if (!removed)
    return fail(std::move(removed).error().with("while removing the previous session's directory"));
  state.undo.push_back({std::string(kOp), [directory](const Deps&) { return remove_instance(directory); }});
  SCC_CHECK(os::make_dirs(directory));
  SCC_CHECK(state.journal.intent(kOp, json::Value(json::Object{{"session", state.record.id}})));
  SCC_CHECK(write_record(directory, state.record));
  SCC_CHECK(os::make_dirs(directory / "files"));
  if (state.plan.has("/audit")) SCC_CHECK(open_collector(state, deps));
  SCC_CHECK(write_new_file(directory / "plan.json", json::dump(state.plan), 0600));
  SCC_CHECK(write_new_file(directory / kFactsFile, json::dump(state.facts), 0600));
  SCC_CHECK(save_session(state, deps));
  state.journal.kill_point(kOp, true);
  return state.journal.done(kOp);
}

Status save_session(const State& state, const Deps& deps) {
  // Neither a sign-in nor a proof is a session: nobody goes on with it.
  const std::string role = state.plan.map_at("/sandbox/labels")["scc.role"];
  if (role == "auth" || role == "prove") return {};
  return SessionStore(deps.paths).save(state.stored);
}

Status replace_sandbox(State& state, const Deps& deps) {
  const std::string id = state.replaces;
  return state.journal.step("sandbox.replace", json::Value(json::Object{{"id", id}}), [&]() -> StepResult {
    SCC_CHECK(deps.runtime.sandbox_remove(id));
    return json::Value();
  });
}

Result<unsigned> parse_mode(std::string_view text) {
  unsigned mode = 0;
  if (text.empty() || text.size() > 5) return bad_step("a file mode that is not octal");
  for (const char c : text) {
    if (c < '0' || c > '7') return bad_step("a file mode that is not octal");
    mode = mode * 8 + static_cast<unsigned>(c - '0');
  }
  if (mode > 0777) return bad_step("a file mode with set-id or sticky bits");
  return mode;
}

std::string directory_tar(std::int64_t uid, std::int64_t gid, unsigned mode) {
  constexpr std::int64_t kMostInUstar = 07777777;  // seven octal digits
  if (uid < 0 || gid < 0 || uid > kMostInUstar || gid > kMostInUstar) return {};
  std::array<char, 512> header{};
  const auto put = [&](std::size_t offset, std::string_view text) {
    std::memcpy(header.data() + offset, text.data(), text.size());
  };
  const auto octal = [](std::int64_t value, std::size_t digits) {
    std::string out(digits, '0');
    for (std::size_t i = digits; i-- > 0; value /= 8) out[i] = static_cast<char>('0' + value % 8);
    return out;
  };
  put(0, "./");
  put(100, octal(mode, 7));
  put(108, octal(uid, 7));
  put(116, octal(gid, 7));
  put(124, octal(0, 11));
  put(136, octal(0, 11));  // the same bytes each time
  put(148, "        ");
  put(156, "5");
  put(257, std::string_view("ustar\00000", 8));
  unsigned sum = 0;
  for (const char c : header) sum += static_cast<unsigned char>(c);
  put(148, octal(static_cast<std::int64_t>(sum), 6));
  header[154] = '\0';
  header[155] = ' ';
  return std::string(header.data(), header.size()) + std::string(1024, '\0');
}

}  // namespace scc::session::detail
