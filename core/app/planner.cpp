// SPDX-License-Identifier: Apache-2.0
#include "app/planner.h"

#include <algorithm>
#include <map>
#include <set>

#include "app/host.h"
#include "app/mounts.h"
#include "base/str.h"
#include "os/fs.h"
#include "plugin/documents.h"
#include "session/reuse.h"

namespace scc::app {

namespace {

constexpr std::int64_t kMiB = std::int64_t{1} << 20U;
constexpr std::int64_t kStopGraceMs = 10'000;
constexpr const char* kNoResolver = "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n";
constexpr std::size_t kMaxHostname = 63;  // one label, RFC 1123

/// A file of the instance directory that the sandbox sees read-only.
struct InstanceFile {
  std::string name;    ///< below ${session.dir}/files
  std::string target;  ///< in the sandbox
  std::string text;
};

std::string passwd_text(const PlanInputs& in) {
  const std::string ids = std::to_string(in.identity.uid) + ":" + std::to_string(in.identity.gid);
  std::string out = in.identity.uid == 0 ? "" : "root:x:0:0:root:/root:/usr/sbin/nologin\n";
  out += "agent:x:" + ids + ":agent:" + std::string(kHome) + ":/bin/bash\n";
  return out + "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n";
}

std::string group_text(const PlanInputs& in) {
  std::string out = in.identity.gid == 0 ? "" : "root:x:0:\n";
  out += "agent:x:" + std::to_string(in.identity.gid) + ":\n";
  return out + "tty:x:5:\nnogroup:x:65534:\n";
}

/// The guard sets its hooks at command scope; here they meet a git that was started around it.
std::string gitconfig_text(const PlanInputs& in) {
  if (in.guard.policy.empty()) return in.gitconfig;
  return in.gitconfig + "[core]\n\thooksPath = " + std::string(kToolDir) + "/hooks\n";
}

Result<std::vector<InstanceFile>> instance_files(const PlanInputs& in) {
  std::vector<InstanceFile> out = {
      {"passwd", "/etc/passwd", passwd_text(in)},
      {"group", "/etc/group", group_text(in)},
      {"gitconfig", std::string(kHome) + "/.gitconfig", gitconfig_text(in)},
  };
  if (!in.guard.policy.empty()) out.push_back({"safety.json", std::string(kPolicyFile), in.guard.policy});
  if (!in.ca_pem.empty()) out.push_back({"ca.pem", std::string(kCaFile), in.ca_pem});
  // Nobody answers there: a name fails at once instead of after a time, and no query has anywhere to go.
  if (in.network.flag("/enforced")) out.push_back({"resolv.conf", "/etc/resolv.conf", kNoResolver});
  const json::Value* own = in.network.at("/home_files");
  for (const json::Value& file : own != nullptr ? own->items() : json::Array{}) {
    const std::string name = file.str("/name");
    out.push_back({"home-" + name, std::string(kHome) + "/" + name, file.str("/text")});
  }
  std::set<std::string> taken;
  for (const InstanceFile& file : out) {
    if (taken.insert(file.target).second) continue;
    return fail(Kind::config, "launch.spec",
                "the network policy asks for a file at " + file.target + ", which is taken");
  }
  std::size_t index = 0;
  const json::Value* files = in.spec.at("/files");
  for (const json::Value& file : files != nullptr ? files->items() : json::Array{}) {
    const std::string target = file.str("/path");
    const os::stdfs::path path(target);
    const bool allowed =
        str::starts_with(target, "/etc/") || str::starts_with(target, std::string(kHome) + "/");
    if (!allowed || path.lexically_normal().native() != target || !taken.insert(target).second) {
      return fail(Kind::config, "launch.spec",
                  "the provider " + in.provider.id + " asks for a file at " + target +
                      ", which is not a free path below /etc or " + std::string(kHome));
    }
    out.push_back({"spec-" + std::to_string(index++), target, file.str("/text")});
  }
  return out;
}

std::string map_source(const PlanInputs& in, const std::string& source) {
  if (in.identity.mapping != "idmap") return source;
  return "${session.dir}/ws" + source.substr(in.source.size());
}

std::string check_path(const CheckInput& check) {
  return std::string(kChecksDir) + "/" + check.sha256 + ".so";
}

/// Path in the sandbox -> library; several checks may share one.
std::map<std::string, std::string> check_libraries(const PlanInputs& in) {
  std::map<std::string, std::string> out;
  for (const CheckInput& check : in.guard.checks) out.emplace(check_path(check), check.source);
  return out;
}

json::Value check_json(const CheckInput& check) {
  json::Value out;
  out["id"] = check.ref.id;
  out["plugin"] = check.ref.plugin;
  out["version"] = check.ref.version;
  out["sha256"] = check.sha256;
  return out;
}

json::Array mounts(const PlanInputs& in, const std::vector<InstanceFile>& files, const std::string& volume) {
  json::Array out;
  const MountOwner agent{in.identity.uid, in.identity.gid};
  out.push_back(tmpfs_mount("/tmp", "1777", 2048, true));
  out.push_back(tmpfs_mount("/var/tmp", "1777", 1024, true));
  out.push_back(tmpfs_mount("/run", "0755", 64, false));
  out.push_back(tmpfs_mount("/run/scc", "0700", 4, false, agent));
  out.push_back(tmpfs_mount(std::string(kHome), "0700", 2048, true, agent));
  if (!volume.empty()) {
    json::Value mount;
    mount["type"] = "volume";
    mount["source"] = volume;
    mount["target"] = in.spec.str("/data_volume/target");
    mount["read_only"] = false;
    out.push_back(std::move(mount));
  }
  if (!in.source.empty()) out.push_back(bind_mount(map_source(in, in.source), in.workspace, false));
  for (const PathMount& mount : in.git_mounts) {
    out.push_back(bind_mount(map_source(in, mount.source), mount.target, mount.read_only));
  }
  if (in.network.has("/relay"))
    out.push_back(bind_mount("${session.dir}/net/run", std::string(kNetDir), true));
  if (!in.guard.policy.empty())
    out.push_back(bind_mount("${session.dir}/audit", std::string(kAuditDir), true));
  out.push_back(bind_mount(in.libexec_dir, std::string(kToolDir), true));
  for (const std::string& path : in.guard.paths) {
    out.push_back(bind_mount(in.libexec_dir + "/" + std::string(kGuardName), path, true));
  }
  for (const auto& [path, source] : check_libraries(in)) out.push_back(bind_mount(source, path, true));
  for (const InstanceFile& file : files) {
    out.push_back(bind_mount("${session.dir}/files/" + file.name, file.target, true));
  }
  return out;
}

json::Value component_json(const plugin::ComponentRef& ref) {
  json::Value out;
  out["id"] = ref.id;
  out["plugin"] = ref.plugin;
  out["version"] = ref.version;
  out["sha256"] = ref.sha256;
  return out;
}

json::Value labels(const PlanInputs& in, const std::string& name) {
  json::Value out;
  out["scc.managed"] = "true";
  out["scc.backend"] = "oci";
  out["scc.role"] = in.role;
  out["scc.schema"] = "1";
  out["scc.instance"] = name;
  out["scc.provider"] = in.provider.id;
  out["scc.workspace"] = in.workspace;
  if (!in.branch.empty()) out["scc.branch"] = in.branch;
  out["scc.session"] = "${session.id}";
  out["scc.network-policy"] = in.network.str("/mode");
  if (const std::string team = in.governance.str("/team"); !team.empty()) out["scc.team"] = team;
  out["scc.governance-digest"] = in.governance.str("/digest");
  out["scc.owner-uid"] = std::to_string(in.invoking_uid);
  out["scc.state"] = in.state_dir;
  out["scc.created"] = "${session.created}";
  out["scc.version"] = kVersion;
  return out;
}

json::Value environment(const PlanInputs& in) {
  json::Value out;
  out["HOME"] = kHome;
  out["USER"] = "agent";
  out["LOGNAME"] = "agent";
  out["SHELL"] = "/bin/bash";
  out["PATH"] = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
  out["LANG"] = "C.UTF-8";
  out["SCC_SANDBOX"] = "1";
  out["SCC_PROVIDER"] = in.provider.id;
  out["SCC_SESSION"] = "${session.id}";
  for (const auto& [key, value] : in.terminal_env) out[key] = value;
  for (const auto& [key, value] : in.network.map_at("/env")) out[key] = value;
  return out;
}

json::Value sandbox_spec(const PlanInputs& in, const std::string& name, json::Array mount_list) {
  json::Value out;
  out["schema"] = "scc.sandbox-spec/1";
  out["name"] = name;
  out["image"] = in.image_ref;
  out["hostname"] = ("scc-" + in.provider.id).substr(0, kMaxHostname);
  out["labels"] = labels(in, name);
  std::vector<std::string> init = {std::string(kToolDir) + "/scc-init"};
  if (in.network.has("/relay")) {
    init.insert(init.end(), {"--relay", std::to_string(in.network.integer("/relay/port")),
                             std::string(kNetDir) + "/" + in.network.str("/relay/socket")});
  }
  out["argv"] = json::Value::strings(init);
  out["env"] = environment(in);
  out["workdir"] = in.source.empty() ? std::string(kHome) : in.workspace;
  out["user"]["uid"] = in.identity.uid;
  out["user"]["gid"] = in.identity.gid;
  out["mounts"] = std::move(mount_list);
  out["network"] = in.network.has("/network") ? *in.network.at("/network") : json::Value(json::Object{});
  out["dns"] = json::Value::strings(in.network.strings_at("/dns"));
  out["extra_hosts"] = json::Array{};
  const bool memory_works = in.runtime_info.flag("/cgroup/memory");
  const std::int64_t engine_memory = in.runtime_info.integer("/memory_bytes");
  std::int64_t memory = in.memory_bytes != 0 ? in.memory_bytes : engine_memory / 4 * 3;
  if (engine_memory > 0) memory = std::min(memory, engine_memory);
  if (memory_works && memory > 0) out["resources"]["memory_bytes"] = memory;
  if (in.runtime_info.flag("/cgroup/pids")) out["resources"]["pids"] = in.pids;
  out["resources"]["nofile"] = in.open_files;
  out["resources"]["shm_bytes"] = 256 * kMiB;
  out["security"]["cap_drop"] = json::Value::strings({"ALL"});
  out["security"]["no_new_privileges"] = true;
  out["security"]["read_only_root"] = true;
  out["stop_grace_ms"] = kStopGraceMs;
  return out;
}

json::Value exec_json(const PlanInputs& in) {
  json::Value out;
  out["argv"] = json::Value::strings(in.spec.strings_at("/argv"));
  out["env"] = environment(in);
  for (const auto& [key, value] : in.spec.map_at("/env")) out["env"][key] = value;
  // The way out is not a provider's matter.
  for (const auto& [key, value] : in.network.map_at("/env")) out["env"][key] = value;
  const bool inside = in.entry_dir == in.workspace || str::starts_with(in.entry_dir, in.workspace + "/");
  out["workdir"] = in.spec.str("/workdir", inside ? in.entry_dir : in.workspace);
  out["tty"] = in.tty;
  return out;
}

json::Array steps(const PlanInputs& in, bool volume) {
  json::Array out;
  const auto add = [&](std::string_view op) -> json::Value& {
    json::Value step;
    step["op"] = op;
    out.push_back(std::move(step));
    return out.back();
  };
  add("instance.create");
  add("files.write");
  if (in.identity.mapping == "idmap") {
    json::Value& step = add("workspace.idmap");
    step["source"] = in.source;
    step["target"] = "${session.dir}/ws";
    step["host_uid"] = in.identity.owner_uid;
    step["host_gid"] = in.identity.owner_gid;
    step["sandbox_uid"] = in.identity.uid;
    step["sandbox_gid"] = in.identity.gid;
  }
  if (volume) add("volume.ensure");
  add("network.apply");
  add("sandbox.create");
  if (volume) {
    json::Value& step = add("volume.prepare");
    step["path"] = in.spec.str("/data_volume/target");
    step["uid"] = in.identity.uid;
    step["gid"] = in.identity.gid;
    step["mode"] = "0700";
  }
  add("sandbox.start");
  if (in.identity.mapping == "idmap") add("workspace.detach");
  if (in.network.flag("/enforced")) add("network.verify");
  add("agent.exec");
  add("sandbox.stop");
  return out;
}

json::Value checks_json(const PlanInputs& in, const std::vector<InstanceFile>& files) {
  std::set<std::string> sockets(in.engine_sockets.begin(), in.engine_sockets.end());
  std::vector<std::string> readonly = {std::string(kToolDir)};
  for (const InstanceFile& file : files) readonly.push_back(file.target);
  for (const PathMount& mount : in.git_mounts) {
    if (mount.read_only) readonly.push_back(mount.target);
  }
  json::Value out;
  out["sockets"] = json::Value::strings({sockets.begin(), sockets.end()});
  if (in.network.flag("/enforced") && in.network.str("/network/mode") == "none") out["isolated"] = true;
  if (const json::Value* inside = in.network.at("/inside")) out["inside"] = *inside;
  if (in.network.has("/relay")) {
    readonly.emplace_back(kNetDir);
    out["proxy_port"] = in.network.integer("/relay/port");
  }
  if (!in.guard.policy.empty()) readonly.emplace_back(kAuditDir);
  readonly.insert(readonly.end(), in.guard.paths.begin(), in.guard.paths.end());
  for (const auto& [path, source] : check_libraries(in)) readonly.push_back(path);
  out["readonly"] = json::Value::strings(readonly);
  if (!in.guard.policy.empty() && in.guard.required) {
    out["guard"]["file"] = std::string(kToolDir) + "/" + std::string(kGuardName);
    out["guard"]["paths"] = json::Value::strings(in.guard.paths);
  }
  return out;
}

json::Value session_json(const PlanInputs& in) {
  json::Value out;
  out["name"] = in.session_name;
  out["slot"] = in.session_slot;
  if (in.shell) out["shell"] = true;
  out["on_exit"] = in.on_exit;
  if (!in.resumes.empty()) out["resumes"] = in.resumes;
  if (!in.conversation.empty()) out["conversation"] = in.conversation;
  return out;
}

json::Value volume_json(const PlanInputs& in, const std::string& volume) {
  json::Value out;
  out["name"] = volume;
  out["target"] = in.spec.str("/data_volume/target");
  out["labels"]["scc.managed"] = "true";
  out["labels"]["scc.role"] = "credentials";
  out["labels"]["scc.provider"] = in.provider.id;
  out["labels"]["scc.owner-uid"] = std::to_string(in.invoking_uid);
  out["labels"]["scc.volume-uid"] = std::to_string(in.identity.uid);
  out["labels"]["scc.schema"] = "1";
  return out;
}

/// Session records, drift detection and replay read plans back: one that breaks its schema must not be made.
Status check_plan(const json::Value& plan) {
  const Status valid = plugin::check_document("launch-plan", plan);
  if (valid) return {};
  return fail(Kind::internal, "launch.plan",
              "the launch plan does not fit its own schema: " + valid.error().message,
              "please report this defect of scc; `--dry-run` shows it as well");
}

}  // namespace

std::string sandbox_name(const std::string& provider, const std::string& workspace,
                         const std::string& endpoint, std::int64_t uid, const std::string& slot) {
  const std::string zero(1, '\0');
  std::string key = provider + zero + workspace + zero + endpoint + zero + std::to_string(uid);
  if (!slot.empty()) key += zero + slot;
  return "scc-oci-" + os::sha256_hex(key).substr(0, 16);
}

std::string sign_in_name(const std::string& volume, const std::string& endpoint) {
  return "scc-auth-" + os::sha256_hex(volume + std::string(1, '\0') + endpoint).substr(0, 16);
}

std::string credential_volume(const std::string& provider, const std::string& team, std::int64_t uid) {
  return "scc-cred-" + provider + "-" + (team.empty() ? "default" : team) + "-" + std::to_string(uid);
}

Result<json::Value> make_plan(const PlanInputs& in) {
  const std::string endpoint = in.runtime_info.str("/endpoint");
  const bool has_volume = !in.spec.str("/data_volume/target").empty();
  const std::string volume =
      has_volume ? credential_volume(in.provider.id, in.volume_name, in.identity.uid) : "";
  const std::string name = in.role == "auth" ? sign_in_name(volume, endpoint)
                                             : sandbox_name(in.provider.id, in.workspace, endpoint,
                                                            in.invoking_uid, in.session_slot);
  SCC_TRY(const auto files, instance_files(in));

  json::Value plan;
  plan["schema"] = "scc.launch-plan/1";
  plan["workspace"]["root"] = in.workspace;
  plan["workspace"]["entry_dir"] = in.entry_dir;
  plan["workspace"]["target"] = in.workspace;
  plan["workspace"]["git"] = in.git;
  plan["workspace"]["branch"] = in.branch;
  plan["identity"]["mapping"] = in.identity.mapping;
  plan["identity"]["owner_uid"] = in.identity.owner_uid;
  plan["identity"]["owner_gid"] = in.identity.owner_gid;
  plan["identity"]["uid"] = in.identity.uid;
  plan["identity"]["gid"] = in.identity.gid;
  plan["provider"] = component_json(in.provider);
  plan["runtime"] = component_json(in.runtime);
  plan["runtime"]["endpoint"] = endpoint;
  plan["netpolicy"] = component_json(in.netpolicy);
  plan["network"] = in.network;
  plan["network"].object().erase("files");  // with the others below
  plan["network"].object().erase("home_files");
  plan["governance"] = in.governance;
  if (!in.guard.policy.empty()) {
    plan["safety"]["policy_digest"] = os::sha256_hex(in.guard.policy);
    plan["safety"]["guarded"] = json::Value::strings(in.guard.paths);
    plan["safety"]["required"] = in.guard.required;
    for (const CheckInput& check : in.guard.checks) {
      plan["safety"]["checks"].array().push_back(check_json(check));
    }
    plan["audit"]["directory"] = kAuditDir;
  }
  plan["image"]["context"] = in.image_context;
  plan["image"]["ref"] = in.image_ref;
  plan["image"]["state"] = in.image_state;
  plan["image"]["digest"] = in.image_digest;
  plan["image"]["id"] = in.image_id;
  plan["session"] = session_json(in);
  plan["sandbox"] = sandbox_spec(in, name, mounts(in, files, volume));
  plan["exec"] = exec_json(in);
  plan["checks"] = checks_json(in, files);
  json::Array file_list;
  for (const InstanceFile& file : files) {
    json::Value item;
    item["path"] = file.name;
    item["mode"] = "0444";
    item["text"] = file.text;
    item["sha256"] = os::sha256_hex(file.text);
    file_list.push_back(std::move(item));
  }
  if (const json::Value* more = in.network.at("/files")) {
    for (const json::Value& file : more->items()) {
      json::Value item;
      item["path"] = "network/" + file.str("/name");
      item["mode"] = "0444";
      item["text"] = file.str("/text");
      item["sha256"] = os::sha256_hex(file.str("/text"));
      file_list.push_back(std::move(item));
    }
  }
  plan["files"] = std::move(file_list);
  if (has_volume) plan["volume"] = volume_json(in, volume);
  plan["auth_files"] = json::Value::strings(in.auth_files);
  plan["secrets"] = in.spec.has("/secrets") ? *in.spec.at("/secrets") : json::Value(json::Array{});
  plan["steps"] = steps(in, has_volume);
  plan["warnings"] = json::Value::strings(in.warnings);
  plan["sandbox"]["labels"]["scc.spec-digest"] = session::facts_digest(session::create_facts(plan));
  plan["id"] = os::sha256_hex(json::dump(plan));
  SCC_CHECK(check_plan(plan));
  return plan;
}

}  // namespace scc::app
