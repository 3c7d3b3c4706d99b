// SPDX-License-Identifier: Apache-2.0
#include "app/planner.h"

#include <algorithm>

#include <gtest/gtest.h>

#include "os/fs.h"
#include "plugin/documents.h"

namespace scc::app {
namespace {

PlanInputs sample() {
  PlanInputs in;
  in.workspace = "/srv/a b,c:d";
  in.source = in.workspace;
  in.gitconfig = "[safe]\n";
  in.entry_dir = "/srv/a b,c:d/sub";
  in.git = "directory";
  in.git_mounts = {{in.workspace + "/.git", in.workspace + "/.git", false},
                   {in.workspace + "/.git/config", in.workspace + "/.git/config", true}};
  in.identity = {"direct", 1234, 1234, 1234, 1234};
  in.invoking_uid = 1234;
  in.state_dir = "/home/u/.local/state/scc";
  in.libexec_dir = "/usr/local/libexec/scc";
  in.provider = {"provider", "acme", "acme", "1.0.0", std::string(64, 'a')};
  in.runtime = {"runtime", "engine", "runtime-engine", "1.0.0", std::string(64, 'b')};
  in.netpolicy = {"netpolicy", "open", "builtin-network", "1.0.0", ""};
  in.runtime_info = *json::parse(
      R"({"endpoint":"unix:///run/x.sock","memory_bytes":1000,"cgroup":{"memory":true,"pids":true}})");
  in.network = *json::parse(R"({"mode":"open","network":{"mode":"bridge"},"dns":[],"enforced":false})");
  in.governance = *json::parse(R"({"standalone":true,"organization":"","team":"","network_policy":"open",
      "network_source":"default"})");
  in.governance["digest"] = std::string(64, 'c');
  in.spec =
      *json::parse(R"({"argv":["acme","-x"],"env":{"A":"1"},"data_volume":{"target":"/home/agent/.acme"},
      "files":[{"path":"/etc/acme/managed.json","mode":"0444","text":"{}"}]})");
  in.image_ref = "scc-agent-acme:1";
  in.engine_sockets = {"/var/run/x.sock"};
  return in;
}

const json::Value* mount_at(const json::Value& plan, std::string_view target) {
  const json::Array& mounts = plan.at("/sandbox/mounts")->items();
  const auto found = std::find_if(mounts.begin(), mounts.end(),
                                  [&](const json::Value& m) { return m.str("/target") == target; });
  return found == mounts.end() ? nullptr : &*found;
}

TEST(Planner, SameInputsGiveTheSameBytes) {
  const auto first = make_plan(sample());
  const auto second = make_plan(sample());
  ASSERT_TRUE(first);
  EXPECT_EQ(json::dump(*first), json::dump(*second));
  EXPECT_EQ(first->str("/id").size(), 64U);
  PlanInputs other = sample();
  other.pids = 17;
  EXPECT_NE(make_plan(other)->str("/id"), first->str("/id"));
}

TEST(Planner, HardensEverySandbox) {
  const json::Value plan = *make_plan(sample());
  EXPECT_EQ(plan.strings_at("/sandbox/security/cap_drop"), std::vector<std::string>{"ALL"});
  EXPECT_TRUE(plan.flag("/sandbox/security/no_new_privileges"));
  EXPECT_TRUE(plan.flag("/sandbox/security/read_only_root"));
  EXPECT_EQ(plan.integer("/sandbox/user/uid"), 1234);
  EXPECT_EQ(plan.str("/sandbox/argv/0"), "/opt/scc/bin/scc-init");
  EXPECT_TRUE(mount_at(plan, "/opt/scc/bin")->flag("/read_only"));
  EXPECT_TRUE(mount_at(plan, "/etc/acme/managed.json")->flag("/read_only"));
  EXPECT_TRUE(mount_at(plan, "/srv/a b,c:d/.git/config")->flag("/read_only"));
  EXPECT_FALSE(mount_at(plan, "/srv/a b,c:d")->flag("/read_only"));
  const auto readonly = plan.strings_at("/checks/readonly");
  EXPECT_NE(std::find(readonly.begin(), readonly.end(), "/etc/acme/managed.json"), readonly.end());
  EXPECT_EQ(plan.strings_at("/checks/sockets"), std::vector<std::string>{"/var/run/x.sock"});
}

TEST(Planner, MapsARootOwnedWorkspaceThroughTheInstanceDirectory) {
  PlanInputs in = sample();
  in.identity = {"idmap", 0, 0, kAgentUid, kAgentUid};
  const json::Value plan = *make_plan(in);
  EXPECT_EQ(mount_at(plan, in.workspace)->str("/source"), "${session.dir}/ws");
  EXPECT_EQ(mount_at(plan, in.workspace + "/.git/config")->str("/source"), "${session.dir}/ws/.git/config");
  std::vector<std::string> ops;
  for (const json::Value& step : plan.at("/steps")->items()) ops.push_back(step.str("/op"));
  const auto at = [&](const char* op) { return std::find(ops.begin(), ops.end(), op) - ops.begin(); };
  EXPECT_LT(at("workspace.idmap"), at("sandbox.create"));
  EXPECT_LT(at("sandbox.start"), at("workspace.detach"));
  EXPECT_LT(at("workspace.detach"), at("agent.exec"));
}

TEST(Planner, RefusesFilesOutsideTheirPlaces) {
  for (const char* path : {"/usr/bin/git", "/etc/../usr/x", "/etc/passwd", "relative", "/etc//x"}) {
    PlanInputs in = sample();
    json::Value file;
    file["path"] = path;
    file["text"] = "x";
    in.spec["files"] = json::Array{file};
    const auto plan = make_plan(in);
    ASSERT_FALSE(plan) << path;
    EXPECT_EQ(plan.error().id, "launch.spec");
  }
}

TEST(Planner, ChecksItsOwnPlanAgainstTheSchema) {
  const auto good = make_plan(sample());
  ASSERT_TRUE(good) << good.error().message;
  EXPECT_TRUE(plugin::check_document("launch-plan", *good));
  const auto expect_refused = [](const PlanInputs& in, const char* pointer) {
    const auto plan = make_plan(in);
    ASSERT_FALSE(plan) << pointer;
    EXPECT_EQ(plan.error().id, "launch.plan");
    EXPECT_EQ(plan.error().kind, Kind::internal);
    EXPECT_NE(plan.error().message.find(pointer), std::string::npos) << plan.error().message;
  };
  PlanInputs in = sample();
  in.git = "yes";
  expect_refused(in, "/workspace/git");
  in = sample();
  in.identity.mapping = "guess";
  expect_refused(in, "/identity/mapping");
  in = sample();
  in.provider.sha256 = "00";
  expect_refused(in, "/provider/sha256");
  in = sample();
  in.image_ref.clear();
  expect_refused(in, "/image/ref");
  in = sample();
  in.spec["argv"] = json::Array{};
  expect_refused(in, "/exec/argv");
  in = sample();
  in.network["network"]["mode"] = "host";
  expect_refused(in, "/network/mode");
  in = sample();
  in.engine_sockets = {"relative"};
  expect_refused(in, "/checks/sockets");
}

TEST(Planner, BindsTheGuardOverEachToolAndMountsItsPolicy) {
  PlanInputs in = sample();
  in.guard.policy = R"({"schema":1})";
  in.guard.paths = {"/usr/bin/git", "/usr/bin/curl"};
  const json::Value plan = *make_plan(in);
  for (const std::string& path : in.guard.paths) {
    ASSERT_NE(mount_at(plan, path), nullptr) << path;
    EXPECT_EQ(mount_at(plan, path)->str("/source"), in.libexec_dir + "/scc-guard");
    EXPECT_TRUE(mount_at(plan, path)->flag("/read_only"));
  }
  ASSERT_NE(mount_at(plan, "/etc/scc/safety.json"), nullptr);
  const auto readonly = plan.strings_at("/checks/readonly");
  for (const char* path : {"/etc/scc/safety.json", "/usr/bin/git", "/usr/bin/curl"}) {
    EXPECT_EQ(std::count(readonly.begin(), readonly.end(), path), 1) << path;
  }
  EXPECT_EQ(plan.str("/checks/guard/file"), "/opt/scc/bin/scc-guard");
  EXPECT_EQ(plan.strings_at("/checks/guard/paths"), in.guard.paths);
  EXPECT_EQ(plan.str("/safety/policy_digest"), os::sha256_hex(in.guard.policy));
  EXPECT_FALSE(plan.has("/safety/checks"));
  // A check's library lies where its hash says, read-only, and the launch gate looks at that.
  in.guard.checks.assign(2, {{"safety-check", "acme", "acme-plugin", "1.2.0", ""},
                             "/plugins/acme/libacme.so",
                             std::string(64, 'c')});
  const json::Value checked = *make_plan(in);
  const std::string library = "/opt/scc/checks/" + std::string(64, 'c') + ".so";
  ASSERT_NE(mount_at(checked, library), nullptr);
  EXPECT_EQ(mount_at(checked, library)->str("/source"), "/plugins/acme/libacme.so");
  EXPECT_TRUE(mount_at(checked, library)->flag("/read_only"));
  const auto looked_at = checked.strings_at("/checks/readonly");
  EXPECT_EQ(std::count(looked_at.begin(), looked_at.end(), library), 1) << "two checks of one library";
  EXPECT_EQ(checked.str("/safety/checks/0/id"), "acme");
  EXPECT_EQ(checked.str("/safety/checks/0/plugin"), "acme-plugin");
  in.guard.checks.clear();
  // Permitted by name: the guard stands where it can, and its absence elsewhere is no obstacle.
  in.guard.required = false;
  const json::Value permitted = *make_plan(in);
  EXPECT_NE(mount_at(permitted, "/usr/bin/git"), nullptr);
  EXPECT_FALSE(permitted.has("/checks/guard"));
  EXPECT_FALSE(permitted.flag("/safety/required"));
}

TEST(Planner, TheHostNameFitsOneLabel) {
  PlanInputs in = sample();
  in.provider.id = std::string(64, 'p');
  const auto plan = make_plan(in);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->str("/sandbox/hostname").size(), 63U);
}

TEST(Planner, NamesDifferByEverythingThatMatters) {
  const std::string name = sandbox_name("p", "/w", "e", 1);
  EXPECT_EQ(name.size(), 8U + 16U);
  EXPECT_NE(name, sandbox_name("q", "/w", "e", 1));
  EXPECT_NE(name, sandbox_name("p", "/w2", "e", 1));
  EXPECT_NE(name, sandbox_name("p", "/w", "f", 1));
  EXPECT_NE(name, sandbox_name("p", "/w", "e", 2));
  EXPECT_EQ(name, sandbox_name("p", "/w", "e", 1, ""));
  EXPECT_NE(name, sandbox_name("p", "/w", "e", 1, "beside")) << "a named session has its own";
}

TEST(Planner, ASignInHasNoWorkspaceAndItsVolumesName) {
  PlanInputs in = sample();
  in.role = "auth";
  in.source.clear();
  in.git_mounts.clear();
  const auto plan = make_plan(in);
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->str("/sandbox/labels/scc.role"), "auth");
  EXPECT_EQ(plan->str("/sandbox/workdir"), "/home/agent");
  EXPECT_EQ(mount_at(*plan, in.workspace), nullptr);
  EXPECT_NE(mount_at(*plan, "/home/agent/.acme"), nullptr);
  const std::string name = plan->str("/sandbox/name");
  EXPECT_EQ(name, sign_in_name(plan->str("/volume/name"), "unix:///run/x.sock"));
  EXPECT_EQ(name.rfind("scc-auth-", 0), 0U);
  in.volume_name = "other-team";
  EXPECT_NE(make_plan(in)->str("/sandbox/name"), name) << "one of a volume at a time";
}

}  // namespace
}  // namespace scc::app
