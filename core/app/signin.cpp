// SPDX-License-Identifier: Apache-2.0
#include "app/signin.h"

#include "app/auth.h"
#include "app/choices.h"
#include "app/guard.h"
#include "app/images.h"
#include "app/inputs.h"
#include "app/planner.h"
#include "app/provider_choice.h"
#include "app/resolve.h"
#include "image/nonce.h"
#include "os/fs.h"
#include "os/tty.h"
#include "session/finalise.h"
#include "session/prune.h"

namespace scc::app {

namespace {

constexpr int kInterrupted = 130;  // 128 + SIGINT

/// Who the agent is in a launch from here: that decides which credential volume is meant. Outside of any
/// workspace it is the invoking user, for root the unprivileged uid of root's own repositories.
struct Place {
  std::optional<Resolved> resolved;
  Identity identity;
};

Place find_place(Host& host, const LaunchOptions& options) {
  Place out;
  if (auto resolved = resolve_workspace(host, options)) {
    out.identity = resolved->identity;
    out.resolved = *std::move(resolved);
  } else {
    const bool root = host.env.uid == 0;
    out.identity.owner_uid = host.env.uid;
    out.identity.owner_gid = host.env.gid;
    out.identity.uid = root ? kAgentUid : static_cast<std::int64_t>(host.env.uid);
    out.identity.gid = root ? kAgentUid : static_cast<std::int64_t>(host.env.gid);
  }
  out.identity.mapping = "direct";  // nothing of the workspace is mounted
  return out;
}

Result<Governance> govern_here(Host& host, const LaunchOptions& options, const Place& place, bool launches) {
  GovernOptions asked;
  asked.team = options.team;
  asked.provider = options.provider;
  asked.freshness = launches ? Freshness::launch : Freshness::cache_only;
  if (place.resolved) {
    asked.workspace = place.resolved->workspace.root;
    asked.git = &place.resolved->git;
  }
  return govern(host, asked);
}

json::Value config_section(const config::UserConfig& config, const std::string& provider) {
  const auto section = config.provider_config.find(provider);
  return section != config.provider_config.end() ? section->second : json::Value(json::Object{});
}

void add_user(json::Value& request, const Identity& identity) {
  request["user"]["uid"] = identity.uid;
  request["user"]["gid"] = identity.gid;
  request["user"]["name"] = "agent";
  request["home"] = kHome;
}

/// What the provider would start in its home directory: image, credential volume, and whether it uses a key.
Result<json::Value> launch_spec(Host& host, plugin::Provider& provider, const Identity& identity) {
  SCC_TRY(const config::UserConfig* config, host.config());
  json::Value request;
  request["schema"] = "scc.launch-request/1";
  request["workspace"]["source"] = kHome;
  request["workspace"]["target"] = kHome;
  request["workspace"]["entry_dir"] = kHome;
  request["session"]["id"] = "${session.id}";
  request["session"]["resume"] = false;
  request["session"]["fresh"] = false;
  request["policy"]["network"] = "open";
  request["policy"]["permission_bypass"] = true;
  request["config"] = config_section(*config, provider.ref().id);
  request["tty"] = false;
  request["agent_args"] = json::Array{};
  add_user(request, identity);
  return provider.plan_launch(request);
}

/// The sign-in as a launch spec: nothing of the launch's files, no secrets.
Result<json::Value> login_spec(Host& host, plugin::Provider& provider, const Identity& identity,
                               const SignInOptions& options) {
  SCC_TRY(const config::UserConfig* config, host.config());
  json::Value request;
  request["schema"] = "scc.login-request/1";
  request["config"] = config_section(*config, provider.ref().id);
  add_user(request, identity);
  if (!options.method.empty()) request["method"] = options.method;
  if (!config->tls_ca_file.empty()) request["ca_file"] = kCaFile;
  request["tty"] = options.launch.tty;
  SCC_TRY(const json::Value plan, provider.plan_login(request));
  for (const std::string& note : plan.strings_at("/notes")) host.warn(note);
  json::Value spec;
  spec["image"] = plan.str("/image");
  spec["argv"] = json::Value::strings(plan.strings_at("/argv"));
  for (const auto& [key, value] : plan.map_at("/env")) spec["env"][key] = value;
  spec["data_volume"]["target"] = plan.str("/data_volume/target");
  return spec;
}

/// Takes the files away as the agent's user in the agent's image: a link there is removed, never followed.
json::Value logout_spec(const json::Value& launch, const std::vector<std::string>& names) {
  const std::string target = launch.str("/data_volume/target");
  std::vector<std::string> argv = {"/bin/rm", "-f", "--"};
  for (const std::string& name : names) argv.push_back(target + "/" + name);
  json::Value spec;
  spec["image"] = launch.str("/image");
  spec["argv"] = json::Value::strings(argv);
  spec["data_volume"]["target"] = target;
  return spec;
}

enum class Task : unsigned char { look, sign_in, sign_out };

/// A provider with all that its plans are made of. Nothing is made in the engine.
struct Desk {
  Prepared prepared;
  json::Value launch;  ///< scc.launch-spec/1
  Identity identity;
  PlanInputs inputs;
  std::string
      older_image;  ///< there is one, though not of the context as it is now; empty: none, or not needed
};

Status fill_desk(Host& host, const Governance& governance, Desk& desk) {
  SCC_TRY(const config::UserConfig* config, host.config());
  SCC_TRY(plugin::Registry * registry, host.registry());
  PlanInputs& in = desk.inputs;
  in.role = "auth";
  // No directory of the user's, and none that exists: what cleans up after sessions finds nothing to do
  // there.
  in.workspace = (host.paths.state / "sign-in").native();
  in.entry_dir = in.workspace;
  in.git = "none";
  in.identity = desk.identity;
  in.invoking_uid = host.env.uid;
  in.state_dir = host.paths.state.native();
  in.libexec_dir = host.paths.libexec.native();
  in.provider = desk.prepared.provider->ref();
  in.runtime = desk.prepared.engine.runtime->ref();
  in.netpolicy = desk.prepared.netpolicy->ref();
  in.runtime_info = desk.prepared.engine.info;
  in.memory_bytes = config->memory_bytes;
  in.pids = config->pids;
  in.open_files = open_files_limit();
  SCC_TRY(in.ca_pem, ca_text(*config));
  in.terminal_env = terminal_env(host.env);
  in.engine_sockets = engine_sockets(host, *registry, in.runtime_info);
  in.volume_name = config->credential_volume.empty() ? governance.effective.team : config->credential_volume;
  if (const plugin::ManifestComponent* component = registry->component("provider", in.provider.id)) {
    in.auth_files = component->capabilities.strings_at("/auth_files");
  }
  in.governance = governance.plan_section();
  return {};
}

/// Signing out needs no network, and looking starts nothing.
Status plan_no_network(Host& host, Desk& desk) {
  SCC_TRY(plugin::Registry * registry, host.registry());
  const std::string mode(model::to_string(model::NetworkPolicy::locked_down_web));
  SCC_TRY(desk.prepared.netpolicy, registry->netpolicy(mode, json::Value(json::Object{})));
  json::Value request;
  request["schema"] = "scc.netpolicy-request/1";
  request["mode"] = mode;
  request["config"] = json::Value(json::Object{});
  request["runtime"] = desk.prepared.engine.info;
  SCC_TRY(desk.inputs.network, desk.prepared.netpolicy->plan(request));
  return {};
}

Result<Desk> open_desk(Host& host, const LaunchOptions& options, const Governance& governance,
                       const Place& place, Task task) {
  SCC_TRY(const config::UserConfig* config, host.config());
  SCC_TRY(plugin::Registry * registry, host.registry());
  Desk desk;
  desk.identity = place.identity;
  SCC_TRY(desk.prepared.provider,
          registry->provider(options.provider, config_section(*config, options.provider)));
  SCC_TRY(desk.prepared.engine, choose_engine(host, options.runtime));
  if (task == Task::sign_in) {
    SCC_CHECK(
        plan_network(host, desk.prepared, governance, options.provider, place.identity, desk.inputs.network));
  } else {
    SCC_CHECK(plan_no_network(host, desk));
  }
  SCC_TRY(desk.launch, launch_spec(host, *desk.prepared.provider, place.identity));
  SCC_CHECK(fill_desk(host, governance, desk));
  return desk;
}

/// Makes the plan for `spec`, which also decides about the image.
Status make_desk_plan(Host& host, const Governance& governance, Desk& desk, json::Value spec) {
  PlanInputs& in = desk.inputs;
  in.spec = std::move(spec);
  in.spec["workdir"] = kHome;
  SCC_TRY(const ImageChoice image,
          choose_image(host, *desk.prepared.engine.runtime, *desk.prepared.provider, in.spec, governance));
  in.image_context = image.context;
  in.image_ref = image.status.ref;
  in.image_state = image::to_string(image.status.state);
  in.image_digest = image.status.digest;
  SCC_CHECK(fill_guard(*desk.prepared.engine.runtime, governance, in));
  if (image.status.state != image::State::present) desk.older_image = image.status.existing;
  SCC_TRY(desk.prepared.plan, make_plan(in));
  return {};
}

/// The plan that readiness is read with: the launch's own image, volume and secrets.
Status make_look_plan(Host& host, const Governance& governance, Desk& desk) {
  json::Value spec;
  spec["image"] = desk.launch.str("/image");
  spec["argv"] = json::Value::strings(desk.launch.strings_at("/argv"));
  spec["data_volume"]["target"] = desk.launch.str("/data_volume/target");
  if (const json::Value* secrets = desk.launch.at("/secrets")) spec["secrets"] = *secrets;
  return make_desk_plan(host, governance, desk, std::move(spec));
}

Result<json::Value> look(Host& host, Desk& desk) {
  json::Value plan = desk.prepared.plan;
  // Nothing of the image is run, so an older one does.
  if (!desk.older_image.empty()) plan["image"]["ref"] = desk.older_image;
  return auth_status(host, *desk.prepared.engine.runtime, *desk.prepared.provider, plan);
}

/// Removes the sandbox that has done its work; a session would leave it stopped for later.
void remove_sandbox(Host& host, Desk& desk) {
  const os::CancelShield shield;
  const std::string name = desk.prepared.plan.str("/sandbox/name");
  plugin::Runtime& runtime = *desk.prepared.engine.runtime;
  const auto info = runtime.sandbox_inspect(name);
  Status removed;
  if (info && session::is_ours(info->map_at("/labels"), host.paths, host.env)) {
    removed = runtime.sandbox_remove(info->str("/id", name));
  }
  if (removed) removed = session::remove_instance(session::instance_dir(host.paths, name));
  if (!removed) host.warn("the sandbox of the sign-in is left: " + removed.error().message + " (scc prune)");
}

/// Runs the plan in a sandbox of its own. Its words go to stderr, where people read; the result is its exit
/// code.
Result<int> run_desk(Host& host, Desk& desk) {
  SCC_TRY(const std::string image, ensure_image(host, desk.prepared));
  SCC_CHECK(ensure_network_image(host, desk.prepared));
  if (image != desk.prepared.plan.str("/image/ref")) {
    desk.inputs.image_ref = image;
    desk.inputs.image_state = "present";
    SCC_TRY(desk.prepared.plan, make_plan(desk.inputs));
  }
  if (!desk.prepared.engine.info.flag("/local")) {
    SCC_CHECK(image::engine_sees_this_machine(*desk.prepared.engine.runtime, image, host.paths));
  }
  const session::Deps deps = session_deps(host, desk.prepared);
  session::AttachOptions attach;
  attach.out = 2;
  const auto outcome = session::run_session(desk.prepared.plan, deps, attach);
  remove_sandbox(host, desk);
  if (!outcome) return fail(outcome.error());
  return outcome->exit_code;
}

Result<os::FileLock> hold_volume(Host& host, const std::string& provider, const std::string& volume) {
  auto lock = os::FileLock::acquire(host.paths.state / "locks" / ("auth-" + volume + ".lock"), 0);
  if (lock || lock.error().id != "lock.busy") return lock;
  return fail(Kind::tool, "auth.busy", "another sign-in of " + provider + " goes on: " + lock.error().message,
              "finish it, or end it with Ctrl-C");
}

Result<SignInResult> judge_afterwards(Host& host, const Governance& governance, Desk& desk) {
  SCC_CHECK(make_look_plan(host, governance, desk));
  SCC_TRY(const json::Value judged, look(host, desk));
  SignInResult out;
  out.provider = desk.prepared.provider->ref().id;
  out.volume = desk.prepared.plan.str("/volume/name");
  out.status = judged.str("/status");
  out.mechanism = judged.str("/mechanism");
  return out;
}

/// The checks that a launch makes as well, before anything is asked of the vendor.
Result<Governance> admitted(Host& host, const LaunchOptions& options, const Place& place) {
  SCC_TRY(plugin::Registry * registry, host.registry());
  SCC_CHECK(check_known_provider(*registry, options.provider));
  SCC_TRY(Governance governance, govern_here(host, options, place, true));
  SCC_CHECK(apply_plugin_policy(host, governance));
  return governance;
}

void view_provider(Host& host, const LaunchOptions& options, const Governance& governance, const Place& place,
                   ProviderView& out) {
  LaunchOptions asked = options;
  asked.provider = out.id;
  auto desk = open_desk(host, asked, governance, place, Task::look);
  Status status = desk ? make_look_plan(host, governance, *desk) : Status(fail(Error(desk.error())));
  if (!status) {
    out.auth_status = "unknown";
    out.problem = status.error().message;
    return;
  }
  const json::Value& plan = desk->prepared.plan;
  out.volume = plan.str("/volume/name");
  out.image_ref = plan.str("/image/ref");
  out.image_state = plan.str("/image/state");
  const auto judged = look(host, *desk);
  out.auth_status = judged ? judged->str("/status") : "unknown";
  if (judged) {
    out.mechanism = judged->str("/mechanism");
    out.guidance = judged->str("/guidance");
  } else {
    out.problem = judged.error().message;
  }
}

}  // namespace

Result<std::vector<ProviderView>> list_providers(Host& host, const LaunchOptions& options) {
  SCC_TRY(plugin::Registry * registry, host.registry());
  const Place place = find_place(host, options);
  SCC_TRY(const Governance governance, govern_here(host, options, place, false));
  SCC_CHECK(apply_plugin_policy(host, governance));
  std::vector<ProviderView> out;
  for (const std::string& id : registry->components("provider")) {
    ProviderView view;
    view.id = id;
    if (const plugin::ManifestComponent* component = registry->component("provider", id)) {
      view.title = component->title;
    }
    if (const plugin::Entry* owner = registry->owner("provider", id)) {
      view.plugin = owner->manifest.id;
      view.version = owner->manifest.version;
    }
    const Status allowed = policy::check_provider(governance.effective, id);
    view.allowed = allowed.has_value();
    if (!allowed) view.refused = allowed.error().message;
    view_provider(host, options, governance, place, view);
    out.push_back(std::move(view));
  }
  return out;
}

std::vector<std::string> connected_providers(Host& host, const LaunchOptions& options,
                                             const Governance& governance,
                                             const std::vector<std::string>& ids) {
  const Place place = find_place(host, options);
  std::vector<std::string> out;
  for (const std::string& id : ids) {
    ProviderView view;
    view.id = id;
    view_provider(host, options, governance, place, view);
    if (view.auth_status == "present") out.push_back(id);
  }
  return out;
}

Result<SignInResult> sign_in(Host& host, const SignInOptions& options) {
  const Place place = find_place(host, options.launch);
  SCC_TRY(const Governance governance, admitted(host, options.launch, place));
  SCC_CHECK(policy::check_provider(governance.effective, options.launch.provider));
  SCC_TRY(Desk desk, open_desk(host, options.launch, governance, place, Task::sign_in));
  SCC_TRY(json::Value spec, login_spec(host, *desk.prepared.provider, place.identity, options));
  desk.inputs.tty = options.launch.tty;
  SCC_CHECK(make_desk_plan(host, governance, desk, std::move(spec)));
  const std::string provider = options.launch.provider;
  SCC_TRY(const os::FileLock lock, hold_volume(host, provider, desk.prepared.plan.str("/volume/name")));
  SCC_TRY(const int code, run_desk(host, desk));
  if (code == kInterrupted) return fail(Kind::cancelled, "auth.cancelled", "the sign-in was cancelled");
  if (code != 0) {
    return fail(Kind::prereq, "auth.login-failed",
                "the sign-in of " + provider + " did not complete (exit code " + std::to_string(code) + ")",
                "try again: scc provider login " + provider);
  }
  SCC_TRY(SignInResult out, judge_afterwards(host, governance, desk));
  if (out.status == "present") return out;
  return fail(
      Kind::prereq, "auth.not-written",
      "the sign-in of " + provider + " finished, but no usable credential was written (" + out.status + ")",
      "try again: scc provider login " + provider);
}

Result<SignInResult> sign_out(Host& host, const LaunchOptions& options) {
  const Place place = find_place(host, options);
  SCC_TRY(const Governance governance, admitted(host, options, place));
  SCC_TRY(Desk desk, open_desk(host, options, governance, place, Task::sign_out));
  if (desk.inputs.auth_files.empty()) {
    return fail(Kind::prereq, "provider.no-login", "the provider " + options.provider + " keeps no sign-in",
                "run `scc plugin info " + desk.inputs.provider.plugin + "`");
  }
  SCC_TRY(const json::Value volumes,
          desk.prepared.engine.runtime->volume_list(session::own_filter(host.env)));
  const std::string volume = credential_volume(options.provider, desk.inputs.volume_name, place.identity.uid);
  bool exists = false;
  for (const json::Value& item : volumes.at("/volumes")->items())
    exists = exists || item.str("/name") == volume;
  if (!exists) return SignInResult{options.provider, volume, "missing", "", false};
  SCC_CHECK(make_desk_plan(host, governance, desk, logout_spec(desk.launch, desk.inputs.auth_files)));
  SCC_TRY(const os::FileLock lock, hold_volume(host, options.provider, volume));
  SCC_TRY(const int code, run_desk(host, desk));
  if (code != 0) {
    return fail(Kind::tool, "auth.not-removed",
                "the sign-in of " + options.provider + " could not be removed (exit code " +
                    std::to_string(code) + ")",
                "try again: scc provider logout " + options.provider);
  }
  return judge_afterwards(host, governance, desk);
}

}  // namespace scc::app
