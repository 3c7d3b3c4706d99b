// SPDX-License-Identifier: Apache-2.0
#include "claude.h"

#include <chrono>

#include "arguments.h"
#include "auth.h"
#include "settings.h"

namespace scc::claude {

using sdk::AuthStatus;
using sdk::Json;
using sdk::LaunchSpec;

LaunchSpec Claude::plan_launch(const Json& request) {
  const Config config = read_config(request.child("/config"));
  const std::string home = request.str("/home", "/home/agent");
  const std::string ca_file = request.str("/ca_file", kSystemCaBundle);
  const bool may_bypass = request.flag("/policy/permission_bypass");

  ArgvInput argv_input;
  argv_input.workspace = request.require_str("/workspace/target");
  argv_input.resume = request.flag("/session/resume");
  argv_input.conversation = request.str("/session/conversation");
  argv_input.new_conversation = request.require_str("/session/id");  // a UUID, which the agent insists on
  argv_input.may_bypass = may_bypass;
  argv_input.user = request.strings("/agent_args");
  const Argv argv = make_argv(argv_input);

  LaunchSpec spec;
  spec.image = "context:agent-claude";
  spec.argv = argv.argv;
  spec.requires_verified = argv.bypasses;
  spec.conversation = argv.conversation;
  spec.data_volume = home + "/.claude";
  spec.env = {{"CLAUDE_CONFIG_DIR", spec.data_volume},
              {"CLAUDE_CODE_ADDITIONAL_DIRECTORIES_CLAUDE_MD", "1"},
              {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"},
              {"CLAUDE_CODE_DISABLE_OFFICIAL_MARKETPLACE_AUTOINSTALL", "1"},
              {"DISABLE_AUTOUPDATER", "1"},
              {"NODE_EXTRA_CA_CERTS", ca_file}};
  // It asks whether the directory is trusted, because of the settings, hooks and servers that a repository
  // may bring. Here none of them is loaded (--setting-sources), and the directory is what the user started it
  // in.
  spec.env["CLAUDE_CODE_SANDBOXED"] = "1";
  // The agent refuses a bypass as uid 0 unless it is told that a sandbox is around it. There is one, without
  // any capability, and the host runs nothing of this without the evidence for it.
  if (argv.bypasses && request.integer("/user/uid", -1) == 0) spec.env["IS_SANDBOX"] = "1";
  spec.files = {{kManagedSettings,
                 managed_settings({config, ca_file, may_bypass, request.map("/policy/env"),
                                   request.strings("/command_hook")}),
                 "0444"}};
  if (config.auth == Auth::api_key) spec.secrets = {{kSecretName, config.api_key_from, true}};
  spec.destination_sets = {"anthropic-core"};
  if (config.base_url != kDefaultBaseUrl) {
    spec.notes.push_back("requests of the agent go to " + config.base_url);
  }
  return spec;
}

sdk::LoginPlan Claude::plan_login(const Json& request) {
  const Config config = read_config(request.child("/config"));
  if (request.str("/method") == "api_key") {
    throw sdk::Failure(
        SCC_E_PREREQ, "claude.no-key-store", "Claude Code keeps no API key that is handed to it",
        "set providers.claude.auth to \"api_key\" in config.json and export ANTHROPIC_API_KEY");
  }
  sdk::LoginPlan plan;
  plan.image = "context:agent-claude";
  plan.argv = {"claude", "auth", "login"};
  plan.data_volume = request.str("/home", "/home/agent") + "/.claude";
  plan.env = {{"CLAUDE_CONFIG_DIR", plan.data_volume},
              {"CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC", "1"},
              {"DISABLE_AUTOUPDATER", "1"},
              {"NODE_EXTRA_CA_CERTS", request.str("/ca_file", kSystemCaBundle)}};
  plan.destination_sets = {"anthropic-core"};
  if (config.auth == Auth::api_key) {
    plan.notes.emplace_back("providers.claude.auth is api_key: a sign-in is not used until it is login");
  }
  return plan;
}

AuthStatus Claude::auth_status(const Json& request) {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return judge_auth(request, request.integer("/now_ms", duration_cast<milliseconds>(now).count()));
}

}  // namespace scc::claude
