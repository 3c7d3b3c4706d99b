// SPDX-License-Identifier: Apache-2.0
// A small but complete scc.launch-plan/1 for tests of the executor.
#pragma once

#include <string>
#include <unistd.h>

#include "json/value.h"
#include "os/fs.h"

namespace scc::test {

struct PlanOptions {
  std::string name = "scc-oci-0123456789abcdef";
  std::string workspace = "/home/u/repo";
  std::string volume = "scc-cred-fake-default-1000";
  bool instance_volume = false;  ///< the volume belongs to this sandbox alone
  bool tty = false;
  std::string idmap_source;  ///< when set: a workspace.idmap step for uid 0 <-> 1000
};

inline json::Value own_labels(const std::string& instance, const char* role) {
  return json::Object{{"scc.managed", "true"},
                      {"scc.owner-uid", std::to_string(::geteuid())},
                      {"scc.role", role},
                      {"scc.instance", instance}};
}

inline json::Value make_mount(const char* type, const std::string& source, const std::string& target,
                              bool ro) {
  return json::Object{{"type", type}, {"source", source}, {"target", target}, {"read_only", ro}};
}

inline json::Value make_plan(const PlanOptions& options = {}) {
  json::Value plan;
  plan["schema"] = "scc.launch-plan/1";
  plan["id"] = "plan-1";
  plan["workspace"] = json::Object{{"root", options.workspace}};
  plan["identity"] = json::Object{{"mapping", "direct"}, {"uid", 1000}, {"gid", 1000}};
  plan["provider"] = json::Object{{"id", "fake"}};
  plan["network"] = json::Object{{"mode", "open"}, {"network", json::Object{{"mode", "bridge"}}}};
  json::Value& sandbox = plan["sandbox"];
  sandbox["schema"] = "scc.sandbox-spec/1";
  sandbox["name"] = options.name;
  sandbox["image"] = "img";
  sandbox["labels"] = own_labels(options.name, "agent");
  sandbox["labels"]["scc.session"] = "${session.id}";
  sandbox["labels"]["scc.created"] = "${session.created}";
  sandbox["labels"]["scc.provider"] = "fake";
  sandbox["labels"]["scc.workspace"] = options.workspace;
  sandbox["user"] = json::Object{{"uid", 1000}, {"gid", 1000}};
  sandbox["stop_grace_ms"] = 4000;
  sandbox["mounts"] = json::Array{
      make_mount("bind", options.workspace, options.workspace, false),
      make_mount("bind", "${session.dir}/files/passwd", "/etc/passwd", true),
      make_mount("volume", options.volume, "/home/agent/.fake", false),
      make_mount("tmpfs", "", "/run/scc", false),
  };
  plan["exec"] = json::Object{{"argv", json::Array{"agent", "--session", "${session.id}", "say ${nonce}"}},
                              {"env", json::Object{{"HOME", "/home/agent"}}},
                              {"workdir", options.workspace},
                              {"tty", options.tty}};
  plan["checks"] = json::Object{{"sockets", json::Array{"/var/run/engine.sock"}},
                                {"readonly", json::Array{"/etc/passwd"}}};
  const std::string passwd = "agent:x:1000:1000::/home/agent:/bin/sh\n";
  plan["files"] = json::Array{json::Object{
      {"path", "passwd"}, {"mode", "0444"}, {"sha256", os::sha256_hex(passwd)}, {"text", passwd}}};
  json::Value labels = own_labels(options.instance_volume ? options.name : "", "volume");
  if (!options.instance_volume) labels.object().erase("scc.instance");
  plan["volume"] =
      json::Object{{"name", options.volume}, {"target", "/home/agent/.fake"}, {"labels", labels}};
  json::Array steps;
  const auto step = [&](const char* op) { steps.push_back(json::Object{{"op", op}}); };
  step("instance.create");
  step("files.write");
  if (!options.idmap_source.empty()) {
    steps.push_back(json::Object{{"op", "workspace.idmap"},
                                 {"source", options.idmap_source},
                                 {"target", "${session.dir}/ws"},
                                 {"host_uid", 0},
                                 {"host_gid", 0},
                                 {"sandbox_uid", 1000},
                                 {"sandbox_gid", 1000}});
  }
  step("volume.ensure");
  step("network.apply");
  step("sandbox.create");
  steps.push_back(json::Object{{"op", "volume.prepare"},
                               {"path", "/home/agent/.fake"},
                               {"uid", 1000},
                               {"gid", 1000},
                               {"mode", "0700"}});
  step("sandbox.start");
  if (!options.idmap_source.empty()) step("workspace.detach");
  step("agent.exec");
  step("sandbox.stop");
  plan["steps"] = std::move(steps);
  return plan;
}

}  // namespace scc::test
