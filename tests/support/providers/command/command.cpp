// SPDX-License-Identifier: Apache-2.0
// A provider for tests: the agent is whatever stands after `--`. The user's section `providers.command` may
// name the image, a directory for the data volume, a secret and a file, so that tests reach every part of a
// launch with it.
#include <string>
#include <utility>

#include <scc/sdk/plugin.hpp>

namespace {

class Command {
 public:
  scc::sdk::LaunchSpec plan_launch(const scc::sdk::Json& request) {
    scc::sdk::LaunchSpec spec;
    spec.image = request.str("/config/image", "context:base");
    spec.argv = request.strings("/agent_args");
    if (spec.argv.empty()) spec.argv = {"/bin/bash"};
    // Its conversations have the session's id, and it says which one it was told to go on with.
    spec.conversation = "${session.id}";
    if (request.flag("/session/resume")) {
      spec.conversation = request.str("/session/conversation");
      spec.env["TEST_RESUMED"] = spec.conversation;
    }
    spec.data_volume = request.str("/config/data_volume");
    if (const std::string from = request.str("/config/secret_from"); !from.empty()) {
      scc::sdk::LaunchSecret secret;
      secret.name = "test-key";
      secret.from = from;
      spec.secrets.push_back(std::move(secret));
    }
    if (const std::string path = request.str("/config/file"); !path.empty()) {
      scc::sdk::LaunchFile file;
      file.path = path;
      file.text = "from the provider\n";
      spec.files.push_back(std::move(file));
    }
    return spec;
  }
  scc::sdk::AuthStatus auth_status() { return {"present", "none"}; }
};

}  // namespace

SCC_PLUGIN(SCC_PLUGIN_ID, SCC_PLUGIN_VERSION, provider<Command>("command"))
