// SPDX-License-Identifier: Apache-2.0
// The documents that plugins hand out, as plain structs with json(). Members are those of the schemas in
// share/schemas; optional members that are empty are left out. A method
// that needs more than a struct offers may return JSON text (std::string) of its own instead.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <scc/sdk/json.hpp>

namespace scc::sdk {

/// The JSON text of a struct with write().
template <class T>
std::string text_of(const T& document) {
  JsonWriter w;
  document.write(w);
  return w.take();
}

// ---- provider ----

struct LaunchFile {
  std::string path;  ///< in the sandbox: in /etc or below home; becomes a read-only bind
  std::string text;
  std::string mode = "0444";
  void write(JsonWriter& w) const {
    w.begin_object().member("path", path).member("mode", mode).member("text", text).end_object();
  }
};

struct LaunchMount {
  std::string source;  ///< on the host
  std::string target;
  bool read_only = true;
  void write(JsonWriter& w) const {
    w.begin_object().member("source", source).member("target", target);
    w.member("read_only", read_only).end_object();
  }
};

struct LaunchSecret {
  std::string name;  ///< becomes /run/scc/secrets/<name>
  std::string from;  ///< "env:NAME", NAME in grants.env
  bool required = true;
  void write(JsonWriter& w) const {
    w.begin_object().member("name", name).member("from", from).member("required", required).end_object();
  }
};

struct LaunchSpec {
  std::string image;  ///< "context:ID" or "ref:NAME"; a plain name is taken as "ref:"
  std::vector<std::string> argv;
  StringMap env;
  std::string workdir;
  std::string conversation;  ///< what names it to the agent later; may hold ${session.id}; empty: unknown
  std::vector<LaunchFile> files;
  std::vector<LaunchMount> mounts;
  std::string data_volume;  ///< target directory of the credential volume; empty: none
  std::vector<std::string> destination_sets;
  std::vector<LaunchSecret> secrets;
  std::vector<std::string> ux_addons;
  bool requires_verified = false;  ///< argv holds a permission bypass: no evidence, no launch
  std::vector<std::string> notes;

  std::string json() const { return text_of(*this); }
  void write(JsonWriter& w) const {
    const bool typed = image.rfind("context:", 0) == 0 || image.rfind("ref:", 0) == 0;
    w.begin_object().member("schema", "scc.launch-spec/1");
    w.member("image", typed ? image : "ref:" + image).member("argv", argv).member_if("env", env);
    w.member_if("workdir", workdir).member_if("conversation", conversation);
    w.member_if("files", files).member_if("mounts", mounts);
    if (!data_volume.empty()) w.key("data_volume").begin_object().member("target", data_volume).end_object();
    w.member("destination_sets", destination_sets).member_if("secrets", secrets);
    w.member_if("ux_addons", ux_addons).member("requires_verified", requires_verified);
    w.member_if("notes", notes).end_object();
  }
};

/// What the host found, judged. "present" means a usable credential lies there, never "logged in".
struct AuthStatus {
  std::string status;         ///< present, missing, expired, unknown
  std::string mechanism;      ///< "api_key", "oauth_file", ...
  std::string guidance = {};  ///< what the user runs next

  std::string json() const { return text_of(*this); }
  void write(JsonWriter& w) const {
    w.begin_object().member("schema", "scc.auth-status/1").member("status", status);
    w.member("mechanism", mechanism).member("guidance", guidance).end_object();
  }
};

/// A short-lived sign-in: run in a sandbox that holds the credential volume and nothing else of the user's.
struct LoginPlan {
  std::string image;  ///< as in LaunchSpec
  std::vector<std::string> argv;
  StringMap env;
  std::string data_volume;  ///< as in LaunchSpec
  std::vector<std::string> destination_sets;
  std::vector<std::string> notes;  ///< told before it begins

  std::string json() const { return text_of(*this); }
  void write(JsonWriter& w) const {
    const bool typed = image.rfind("context:", 0) == 0 || image.rfind("ref:", 0) == 0;
    w.begin_object().member("schema", "scc.login-plan/1");
    w.member("image", typed ? image : "ref:" + image).member("argv", argv).member_if("env", env);
    if (!data_volume.empty()) w.key("data_volume").begin_object().member("target", data_volume).end_object();
    w.member_if("destination_sets", destination_sets).member_if("notes", notes).end_object();
  }
};

// ---- runtime ----

struct RuntimeProblem {
  std::string code;
  std::string message;
  std::string remedy;
  void write(JsonWriter& w) const {
    w.begin_object().member("code", code).member("message", message).member("remedy", remedy).end_object();
  }
};

struct RuntimeInfo {
  std::string runtime_id;
  std::string version;
  std::string api_version;
  bool reachable = false;  ///< false: at least one problem with a remedy
  std::optional<bool> rootless;
  std::string platform;
  std::string os;
  std::string arch;
  std::string endpoint;
  std::string context;
  bool local = true;
  std::string seccomp = "unknown";  ///< default, unconfined, unknown
  bool userns_remap = false;
  bool selinux = false;
  bool apparmor = false;
  std::string cgroup_version;
  bool cgroup_memory = false;
  bool cgroup_pids = false;
  std::int64_t memory_bytes = 0;
  std::map<std::string, bool> features;
  std::vector<RuntimeProblem> problems;

  std::string json() const { return text_of(*this); }
  void write(JsonWriter& w) const {
    w.begin_object().member("schema", "scc.runtime-info/1").member("runtime_id", runtime_id);
    w.member("version", version).member("api_version", api_version).member("reachable", reachable);
    w.member("rootless", rootless).member("platform", platform).member("os", os).member("arch", arch);
    w.member("endpoint", endpoint).member_if("context", context).member("local", local);
    w.key("security").begin_object().member("seccomp", seccomp).member("userns_remap", userns_remap);
    w.member("selinux", selinux).member("apparmor", apparmor).end_object();
    w.key("cgroup").begin_object().member("version", cgroup_version).member("memory", cgroup_memory);
    w.member("pids", cgroup_pids).end_object().member("memory_bytes", memory_bytes);
    w.key("features").begin_object();
    for (const auto& [name, on] : features) w.member(name, on);
    w.end_object().member("problems", problems).end_object();
  }
};

struct ImageInfo {
  std::string id;
  std::vector<std::string> tags;
  std::vector<std::string> digests;
  StringMap labels;
  std::string created;
  std::int64_t size = 0;
  std::string user;
  std::vector<std::string> env;

  std::string json() const { return text_of(*this); }
  void write(JsonWriter& w) const {
    w.begin_object().member("schema", "scc.image-info/1").member("id", id).member("tags", tags);
    w.member("digests", digests).member("labels", labels).member("created", created).member("size", size);
    w.member("user", user).member("env", env).end_object();
  }
};

struct VolumeInfo {
  std::string name;
  StringMap labels;
  bool created = false;
  std::int64_t size_bytes = -1;  ///< on disk; only in lists that ask for it; -1: not known
  std::string json() const { return text_of(*this); }
  void write(JsonWriter& w) const {
    w.begin_object().member("schema", "scc.volume-info/1").member("name", name).member("labels", labels);
    if (size_bytes >= 0) w.member("size_bytes", size_bytes);
    w.member("created", created).end_object();
  }
};

struct NetworkInfo {
  std::string name;
  std::string id;
  StringMap labels;
  std::string subnet;
  std::string gateway;
  std::string json() const { return text_of(*this); }
  void write(JsonWriter& w) const {
    w.begin_object().member("schema", "scc.network-info/1").member("name", name).member("id", id);
    w.member("labels", labels).member("subnet", subnet).member("gateway", gateway).end_object();
  }
};

struct SandboxHandle {
  std::string id;
  std::string name;
  std::vector<std::string> warnings = {};
  std::string json() const { return text_of(*this); }
  void write(JsonWriter& w) const {
    w.begin_object().member("schema", "scc.sandbox-handle/1").member("id", id).member("name", name);
    w.member("warnings", warnings).end_object();
  }
};

struct SandboxMount {
  std::string type;  ///< bind, volume, tmpfs
  std::string source;
  std::string target;
  bool read_only = false;
  void write(JsonWriter& w) const {
    w.begin_object().member("type", type).member_if("source", source).member("target", target);
    w.member("read_only", read_only).end_object();
  }
};

struct SandboxInfo {
  std::string id;
  std::string name;
  std::string image;
  std::string image_id;
  std::string state = "unknown";  ///< created, running, stopped, paused, unknown
  std::string created;
  std::string started;
  std::string finished;
  std::optional<int> exit_code;
  bool oom_killed = false;
  std::int64_t pid = 0;
  std::int64_t active_execs = -1;  ///< processes started by exec_open that still run; -1: not known
  StringMap labels;
  std::vector<SandboxMount> mounts;
  std::vector<std::string> networks;

  std::string json() const { return text_of(*this); }
  void write(JsonWriter& w) const {
    w.begin_object().member("schema", "scc.sandbox-info/1").member("id", id).member("name", name);
    w.member("image", image).member("image_id", image_id).member("state", state);
    w.member("created", created).member("started", started).member("finished", finished);
    w.member("exit_code", exit_code).member("oom_killed", oom_killed).member("pid", pid);
    if (active_execs >= 0) w.member("active_execs", active_execs);
    w.member("labels", labels).member("mounts", mounts).member("networks", networks).end_object();
  }
};

/// One line of a sandbox list: the part of SandboxInfo that one engine call tells.
struct SandboxSummary {
  std::string id;
  std::string name;
  std::string state = "unknown";
  StringMap labels;
  std::string created;
  std::string image;
  std::int64_t size_bytes = -1;  ///< what it wrote beside its image; only where asked for; -1: not known
  void write(JsonWriter& w) const {
    w.begin_object().member("id", id).member("name", name).member("state", state);
    if (size_bytes >= 0) w.member("size_bytes", size_bytes);
    w.member("labels", labels).member("created", created).member("image", image).end_object();
  }
};

struct ImageList {
  std::vector<ImageInfo> images;
  std::string json() const { return text_of(*this); }
  void write(JsonWriter& w) const {
    w.begin_object().member("schema", "scc.image-list/1").member("images", images).end_object();
  }
};
struct VolumeList {
  std::vector<VolumeInfo> volumes;
  std::string json() const { return text_of(*this); }
  void write(JsonWriter& w) const {
    w.begin_object().member("schema", "scc.volume-list/1").member("volumes", volumes).end_object();
  }
};
struct NetworkList {
  std::vector<NetworkInfo> networks;
  std::string json() const { return text_of(*this); }
  void write(JsonWriter& w) const {
    w.begin_object().member("schema", "scc.network-list/1").member("networks", networks).end_object();
  }
};
struct SandboxList {
  std::vector<SandboxSummary> sandboxes;
  std::string json() const { return text_of(*this); }
  void write(JsonWriter& w) const {
    w.begin_object().member("schema", "scc.sandbox-list/1").member("sandboxes", sandboxes).end_object();
  }
};

// ---- network policy ----

struct NetAttach {
  std::string mode;          ///< bridge, none, named
  std::string name;          ///< of a named network
  std::string address = {};  ///< IPv4 there; empty: the engine's choice
  bool no_ipv6 = false;      ///< IPv6 is off in the sandbox
  void write(JsonWriter& w) const {
    w.begin_object().member("mode", mode).member_if("name", name).member_if("address", address);
    if (no_ipv6) w.member("ipv6", false);
    w.end_object();
  }
};

/// What a sandbox with a network sees of it, verified from inside.
struct NetInside {
  std::string address;  ///< its only one, "10.0.0.3/29"; empty: none
  std::string proxy;    ///< ADDRESS:PORT
  void write(JsonWriter& w) const {
    w.begin_object().member("address", address).member("proxy", proxy).end_object();
  }
};

/// The sandbox's own port on loopback, which leads to a unix socket in ${session.dir}/net/run.
struct NetRelay {
  int port = 0;  ///< 0: none
  std::string socket;
  void write(JsonWriter& w) const {
    w.begin_object().member("port", port).member("socket", socket).end_object();
  }
};

struct NetFile {
  std::string name;  ///< relative, without ".."
  std::string text;
  void write(JsonWriter& w) const { w.begin_object().member("name", name).member("text", text).end_object(); }
};

struct NetPlan {
  std::string mode;  ///< the policy
  NetAttach network;
  std::vector<std::string> dns;
  StringMap env;
  bool enforced = false;  ///< never true without a verify that proves it
  std::vector<std::string> notes;
  std::string details_json;  ///< an object of the policy's own, handed back to apply()
  std::string transport;     ///< how an enforced sandbox reaches its proxy: "socket", "internal"
  NetRelay relay;
  NetInside inside;
  std::vector<NetFile>
      files;  ///< for bind mounts of the policy's containers, below ${session.dir}/files/network
  std::vector<NetFile> home_files;  ///< read-only in the sandbox, below its user's home; plain names

  std::string json() const { return text_of(*this); }
  void write(JsonWriter& w) const {
    w.begin_object().member("schema", "scc.netpolicy-plan/1").member("mode", mode);
    w.member("network", network).member("dns", dns).member("env", env).member("enforced", enforced);
    w.member("notes", notes).member_if("transport", transport).member_if("files", files);
    w.member_if("home_files", home_files);
    if (relay.port != 0) w.member("relay", relay);
    if (!inside.address.empty()) w.member("inside", inside);
    if (!details_json.empty()) w.key("details").raw(details_json);
    w.end_object();
  }
};

struct NetAttachment {
  NetAttach network;
  std::vector<std::string> dns;
  StringMap env;
  std::vector<std::string> ids;  ///< of what apply() made, for release()
  std::string details_json;      ///< an object of the policy's own

  std::string json() const { return text_of(*this); }
  void write(JsonWriter& w) const {
    w.begin_object().member("schema", "scc.netpolicy-attachment/1").member("network", network);
    w.member("dns", dns).member("env", env).member("ids", ids);
    if (!details_json.empty()) w.key("details").raw(details_json);
    w.end_object();
  }
};

struct NetCheck {
  std::string name;
  std::string expected;
  std::string observed;
  bool passed = false;
  void write(JsonWriter& w) const {
    w.begin_object().member("name", name).member("expected", expected).member("observed", observed);
    w.member("passed", passed).end_object();
  }
};

struct NetEvidence {
  std::vector<NetCheck> checks;
  std::string json() const { return text_of(*this); }
  void write(JsonWriter& w) const {
    w.begin_object().member("schema", "scc.netpolicy-evidence/1").member("checks", checks).end_object();
  }
};

// ---- MCP transport ----

struct McpConnection {
  std::string name;
  std::string type;  ///< http, sse, stdio
  std::string url;
  std::vector<std::string> command;
  StringMap headers;
  StringMap env;
  std::vector<std::string> destinations;  ///< host[:port] that the network policy must open

  std::string json() const { return text_of(*this); }
  void write(JsonWriter& w) const {
    w.begin_object().member("schema", "scc.mcp-connection/1").member("name", name).member("type", type);
    w.member_if("url", url).member_if("command", command).member_if("headers", headers);
    w.member_if("env", env).member("destinations", destinations).end_object();
  }
};

// ---- safety check ----

struct SafetyRule {
  std::string id;             ///< stable, such as git.force_push
  std::string policy_key;     ///< the switch in the policy
  std::string default_value;  ///< block, warn or allow
  std::string summary;
  std::vector<std::string> blocks;  ///< commands that it must block
  std::vector<std::string> allows;  ///< commands that it must not touch
  void write(JsonWriter& w) const {
    w.begin_object().member("id", id).member("policy_key", policy_key).member("default", default_value);
    w.member("summary", summary).key("examples").begin_object().member("blocks", blocks);
    w.member("allows", allows).end_object().end_object();
  }
};

struct SafetyRules {
  std::vector<SafetyRule> rules;
  std::string json() const { return text_of(*this); }
  void write(JsonWriter& w) const {
    w.begin_object().member("schema", "scc.safety-rules/1").member("rules", rules).end_object();
  }
};

/// The text of what a vendor's method returned: a document's struct, or JSON text that it wrote itself.
template <class T>
std::string json_of(const T& document) {
  return document.json();
}
inline std::string json_of(const std::string& text) {
  return text;
}

}  // namespace scc::sdk
