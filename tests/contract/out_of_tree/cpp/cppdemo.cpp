// SPDX-License-Identifier: Apache-2.0
// A complete provider plugin: its agent is a shell command that the user may choose in the configuration.
#include <scc/sdk/plugin.hpp>

namespace {
using namespace scc::sdk;

class Demo {
 public:
  Demo(Host host, const Json& config) : host_(host), greeting_(config.str("/config/greeting", "hello")) {}

  LaunchSpec plan_launch(const Json& request) {
    LaunchSpec spec;
    spec.image = "context:base";
    spec.argv = {"/bin/echo", greeting_, request.require_str("/workspace/target")};
    for (const std::string& argument : request.strings("/agent_args")) spec.argv.push_back(argument);
    spec.env["DEMO_SESSION"] = request.str("/session/id");
    host_.info("planned a launch with the greeting " + greeting_);
    return spec;
  }

  AuthStatus auth_status(const Json&) { return {"present", "none"}; }

 private:
  Host host_;
  std::string greeting_;
};
}  // namespace

SCC_PLUGIN(SCC_PLUGIN_ID, SCC_PLUGIN_VERSION, provider<Demo>("cppdemo"))
