// SPDX-License-Identifier: Apache-2.0
#include "codex.h"

#include "arguments.h"
#include "auth.h"
#include "config.h"
#include "managed.h"

namespace scc::codex {

using sdk::AuthStatus;
using sdk::Json;
using sdk::LaunchSpec;
using sdk::LoginPlan;

namespace {

constexpr const char* kSystemCaBundle = "/etc/ssl/certs/ca-certificates.crt";

constexpr const char* kImage = "context:agent-codex";
constexpr const char* kDestinations = "openai-core";

std::string codex_home(const Json& request) {
  return request.str("/home", "/home/agent") + "/.codex";
}

sdk::StringMap environment(const Json& request) {
  return {{"CODEX_HOME", codex_home(request)},
          {"CODEX_CA_CERTIFICATE", request.str("/ca_file", kSystemCaBundle)}};
}

ManagedInput managed_input(const Json& request, const Config& config, LaunchSpec& spec) {
  ManagedInput out;
  out.config = config;
  out.may_bypass = request.flag("/policy/permission_bypass");
  out.projects = {request.require_str("/workspace/target"), request.require_str("/workspace/entry_dir")};
  out.command_hook = request.strings("/command_hook");
  out.servers = read_servers(request.child("/mcp"), spec.notes);
  return out;
}

}  // namespace

LaunchSpec Codex::plan_launch(const Json& request) {
  const Config config = read_config(request.child("/config"));
  ArgvInput argv_input;
  argv_input.resume = request.flag("/session/resume");
  argv_input.conversation = request.str("/session/conversation");
  argv_input.may_bypass = request.flag("/policy/permission_bypass");
  argv_input.user = request.strings("/agent_args");
  const Argv argv = make_argv(argv_input);

  LaunchSpec spec;
  spec.image = kImage;
  spec.argv = argv.argv;
  spec.requires_verified = argv.bypasses;
  // The agent makes its own ids, so a new conversation has none that could be known beforehand.
  spec.conversation = argv_input.conversation;
  spec.data_volume = codex_home(request);
  spec.env = environment(request);
  const ManagedInput managed = managed_input(request, config, spec);
  spec.files = {{kManagedConfig, managed_config(managed), "0444"},
                {kRequirements, requirements(managed), "0444"}};
  if (config.auth == Auth::api_key) spec.secrets = {{kSecretName, config.api_key_from, true}};
  spec.destination_sets = {kDestinations};
  if (config.base_url != kDefaultBaseUrl) {
    spec.notes.push_back("requests of the agent go to " + config.base_url);
  }
  return spec;
}

LoginPlan Codex::plan_login(const Json& request) {
  const Config config = read_config(request.child("/config"));
  LoginPlan plan;
  plan.image = kImage;
  plan.data_volume = codex_home(request);
  plan.env = environment(request);
  plan.destination_sets = {kDestinations};
  // There is no keyring in a sandbox, and no configuration of an earlier session may say otherwise.
  plan.argv = {"codex", "login", "-c", "cli_auth_credentials_store=\"file\""};
  if (request.str("/method") == "api_key") {
    plan.argv.emplace_back("--with-api-key");
  } else {
    // The other way waits for a browser on a port of this machine, which a sandbox does not have.
    plan.argv.emplace_back("--device-auth");
  }
  if (config.auth == Auth::api_key) {
    plan.notes.emplace_back("providers.codex.auth is api_key: a sign-in is not used until it is login");
  }
  return plan;
}

AuthStatus Codex::auth_status(const Json& request) {
  return judge_auth(request);
}

}  // namespace scc::codex
