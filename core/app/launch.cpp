// SPDX-License-Identifier: Apache-2.0
#include "app/launch.h"

#include <algorithm>

#include "app/audit.h"
#include "app/auth.h"
#include "app/choices.h"
#include "app/cleanup.h"
#include "app/egress.h"
#include "app/egress_record.h"
#include "app/engines.h"
#include "app/guard.h"
#include "app/images.h"
#include "app/inputs.h"
#include "app/live.h"
#include "app/planner.h"
#include "app/provider_choice.h"
#include "app/resolve.h"
#include "app/safety_checks.h"
#include "app/sessions.h"
#include "app/stale.h"
#include "base/str.h"
#include "image/nonce.h"
#include "os/tty.h"
#include "plugin/netpolicy.h"
#include "plugin/provider.h"
#include "session/finalise.h"
#include "session/lister.h"

namespace scc::app {

namespace {

json::Array mcp_servers(const Governance& governance) {
  json::Array out;
  for (const model::EffectiveMcp& entry : governance.effective.mcp_servers) {
    const model::McpServer& server = entry.server;
    json::Value item;
    item["name"] = server.name;
    item["type"] = server.type;
    if (!server.url.empty()) item["url"] = server.url;
    if (!server.command.empty()) {
      std::vector<std::string> command = {server.command};
      command.insert(command.end(), server.args.begin(), server.args.end());
      item["command"] = json::Value::strings(command);
    }
    for (const auto& [key, value] : server.headers) item["headers"][key] = value;
    for (const auto& [key, value] : server.env) item["env"][key] = value;
    out.push_back(std::move(item));
  }
  return out;
}

/// `--shell`: what the provider's sandbox has of image, files and variables, with another program in the
/// agent's place. Neither the agent's sign-in nor a secret is there, so nothing of it can be taken.
json::Value without_agent(const json::Value& spec, const std::vector<std::string>& wanted) {
  json::Value out;
  for (const std::string_view key : {"schema", "image", "files", "env", "workdir"}) {
    if (const json::Value* member = spec.at("/" + std::string(key))) out[key] = *member;
  }
  out["argv"] = json::Value::strings(wanted.empty() ? std::vector<std::string>{"/bin/bash", "-l"} : wanted);
  return out;
}

Result<json::Value> provider_spec(Host& host, plugin::Provider& provider, const Resolved& resolved,
                                  const LaunchOptions& options, const Governance& governance,
                                  const json::Value& network) {
  SCC_TRY(const config::UserConfig* config, host.config());
  json::Value request;
  request["schema"] = "scc.launch-request/1";
  request["workspace"]["source"] = resolved.root();
  request["workspace"]["target"] = resolved.root();
  request["workspace"]["entry_dir"] = resolved.entry_dir();
  request["session"]["id"] = "${session.id}";
  request["session"]["resume"] = options.resumed.has_value();
  if (options.resumed && !options.resumed->conversation.empty()) {
    request["session"]["conversation"] = options.resumed->conversation;
  }
  request["session"]["fresh"] = options.fresh;
  request["policy"]["network"] = model::to_string(governance.network());
  // What the network policy puts into the environment: a provider that pins such variables pins these.
  for (const auto& [name, value] : network.map_at("/env")) request["policy"]["env"][name] = value;
  // Every launch goes through the checker, which refuses to run the agent without its evidence; so the bypass
  // of the agent's own prompts may be planned. It never runs unverified.
  request["policy"]["permission_bypass"] = true;
  const auto section = config->provider_config.find(provider.ref().id);
  request["config"] =
      section != config->provider_config.end() ? section->second : json::Value(json::Object{});
  request["tty"] = options.tty;
  request["agent_args"] =
      json::Value::strings(options.shell ? std::vector<std::string>() : options.agent_args);
  request["user"]["uid"] = resolved.identity.uid;
  request["user"]["gid"] = resolved.identity.gid;
  request["user"]["name"] = "agent";
  request["home"] = kHome;
  request["mcp"] = mcp_servers(governance);
  request["artifacts"] = json::Array{};
  request["command_hook"] = json::Value::strings(
      {std::string(kToolDir) + "/" + std::string(kGuardName), std::string(kGuardHookVerb)});
  if (!config->tls_ca_file.empty()) request["ca_file"] = kCaFile;
  SCC_TRY(json::Value spec, provider.plan_launch(request));
  return options.shell ? without_agent(spec, options.agent_args) : std::move(spec);
}

/// The value behind a secret's "from". Only the variables that the provider's manifest was granted are read.
Result<std::string> secret_value(Host& host, const std::string& provider, const std::string& from) {
  SCC_TRY(plugin::Registry * registry, host.registry());
  const plugin::Entry* owner = registry->owner("provider", provider);
  const std::string prefix = "env:";
  const std::string name = str::starts_with(from, prefix) ? from.substr(prefix.size()) : "";
  const bool granted =
      owner != nullptr && !name.empty() &&
      std::count(owner->manifest.grants.env.begin(), owner->manifest.grants.env.end(), name) > 0;
  if (!granted) {
    return fail(Kind::policy, "secret.not-granted", "the provider " + provider + " may not read " + from,
                "run `scc plugin info` to see its grants");
  }
  const auto value = host.env.get(name);
  if (!value || value->empty()) {
    return fail(Kind::prereq, "secret.missing", "the variable " + name + " is not set",
                "export " + name + ", then retry");
  }
  return *value;
}

std::string git_kind(workspace::GitKind kind) {
  switch (kind) {
    case workspace::GitKind::none:
      return "none";
    case workspace::GitKind::directory:
      return "directory";
    case workspace::GitKind::worktree:
      return "worktree";
    case workspace::GitKind::submodule:
      return "submodule";
    case workspace::GitKind::unverified:
      break;
  }
  return "unverified";
}

Status fill_inputs(Host& host, const Prepared& prepared, const Resolved& resolved, PlanInputs& in) {
  SCC_TRY(const config::UserConfig* config, host.config());
  SCC_TRY(plugin::Registry * registry, host.registry());
  in.workspace = resolved.root();
  in.entry_dir = resolved.entry_dir();
  in.source = resolved.workspace.source.native();
  in.git = git_kind(resolved.git.kind);
  in.branch = resolved.git.branch;
  in.git_mounts = resolved.mounts;
  in.gitconfig = resolved.gitconfig;
  in.identity = resolved.identity;
  in.invoking_uid = host.env.uid;
  in.state_dir = host.paths.state.native();
  in.libexec_dir = host.paths.libexec.native();
  in.provider = prepared.provider->ref();
  in.runtime = prepared.engine.runtime->ref();
  in.netpolicy = prepared.netpolicy->ref();
  in.runtime_info = prepared.engine.info;
  in.memory_bytes = config->memory_bytes;
  in.pids = config->pids;
  in.open_files = open_files_limit();
  SCC_TRY(in.ca_pem, ca_text(*config));
  in.terminal_env = terminal_env(host.env);
  in.engine_sockets = engine_sockets(host, *registry, in.runtime_info);
  in.volume_name = config->credential_volume;
  if (const plugin::ManifestComponent* component = registry->component("provider", in.provider.id)) {
    in.auth_files = component->capabilities.strings_at("/auth_files");
  }
  in.warnings.insert(in.warnings.end(), resolved.warnings.begin(), resolved.warnings.end());
  return {};
}

void note_readiness(Host& host, Prepared& out, const image::ImageStatus& image) {
  if (image.state != image::State::present) {
    out.not_ready.push_back("image: " + image.ref + " is " + std::string(image::to_string(image.state)) +
                            "; it will be built (`scc image build`)");
  }
  if (const ImageChoice& proxy = out.network_image;
      !proxy.context.empty() && proxy.status.state != image::State::present) {
    out.not_ready.push_back("image: " + proxy.status.ref + " is " +
                            std::string(image::to_string(proxy.status.state)) +
                            "; it will be built (`scc image build " + proxy.context + "`)");
  }
  const json::Value* secrets = out.plan.at("/secrets");
  for (const json::Value& secret : secrets != nullptr ? secrets->items() : json::Array{}) {
    const auto value = secret_value(host, out.provider->ref().id, secret.str("/from"));
    if (!value) out.not_ready.push_back("secret: " + value.error().message);
  }
}

/// What makes the session itself: its names, and the conversation that it begins or goes on with.
Status fill_session(Host& host, const LaunchOptions& options, PlanInputs& in) {
  SCC_TRY(const config::UserConfig* config, host.config());
  in.on_exit = config->on_exit;
  in.role = options.role;
  in.session_slot = options.session_name;
  in.shell = options.shell;
  in.session_name = options.session_name;
  in.conversation = in.spec.str("/conversation");
  if (options.resumed) {
    in.session_name = options.resumed->name;
    in.resumes = options.resumed->id;
    if (in.conversation.empty()) in.conversation = options.resumed->conversation;
  }
  return {};
}

/// Without --runtime a workspace stays with the engine on which a sandbox of it lives: a second one beside
/// it, unseen, would work on the same files.
std::string engine_of(Host& host, const LaunchOptions& options, const std::string& root) {
  if (!options.runtime.empty()) return options.runtime;
  const auto instances = session::list_instances(host.paths);
  for (const session::InstanceInfo& info : instances ? *instances : std::vector<session::InstanceInfo>()) {
    if (info.live && info.record && info.record->workspace == root) return info.record->runtime;
  }
  return {};
}

/// A dry run writes nothing, so it refreshes nothing.
GovernOptions govern_options(const LaunchOptions& options) {
  GovernOptions out;
  out.team = options.team;
  out.standalone = options.standalone;
  out.offline = options.offline;
  if (options.dry_run) out.freshness = Freshness::cache_only;
  return out;
}

/// Manifests name an engine's usual sockets; this is the one in use, wherever the user put it.
Status refuse_engine_socket(const os::stdfs::path& root, const std::string& endpoint) {
  constexpr std::string_view kUnix = "unix://";
  if (!str::starts_with(endpoint, kUnix)) return {};
  const workspace::ProtectedEntry socket{endpoint.substr(kUnix.size()), workspace::Scope::any_relation,
                                         "the socket of the container engine"};
  return workspace::check_protected(root, {socket});
}

}  // namespace

Result<Prepared> prepare(Host& host, const LaunchOptions& wanted) {
  LaunchOptions options = wanted;
  if (options.resume && !options.resumed) SCC_CHECK(apply_resume(host, options));
  SCC_TRY(plugin::Registry * registry, host.registry());
  SCC_TRY(const config::UserConfig* config, host.config());
  SCC_TRY(Resolved resolved, resolve_workspace(host, options));
  GovernOptions asked = govern_options(options);
  asked.workspace = resolved.workspace.root;
  asked.git = &resolved.git;
  SCC_TRY(Governance governance, govern(host, asked));
  if (options.adjust) options.adjust(governance);
  SCC_CHECK(check_resumed(options, governance));
  SCC_CHECK(apply_plugin_policy(host, governance));
  ChoiceContext choice{resolved.root(), !options.dry_run, !options.dry_run};
  SCC_TRY(const ProviderChoice chosen, choose_provider(host, options, governance, choice));
  const std::string& provider_id = chosen.id;
  const auto section = config->provider_config.find(provider_id);
  Prepared out;
  SCC_TRY(out.provider, registry->provider(provider_id, section != config->provider_config.end()
                                                            ? section->second
                                                            : json::Value(json::Object{})));
  SCC_TRY(out.engine, choose_engine(host, engine_of(host, options, resolved.root())));
  SCC_CHECK(refuse_engine_socket(resolved.workspace.root, out.engine.info.str("/endpoint")));
  PlanInputs in;
  out.network_seed = resolved.root() + "/" + provider_id + "/" + options.session_name;
  SCC_CHECK(plan_network(host, out, governance, options.shell ? std::string() : provider_id,
                         resolved.identity, in.network));
  SCC_TRY(in.spec, provider_spec(host, *out.provider, resolved, options, governance, in.network));
  SCC_CHECK(check_destination_sets(host, governance, provider_id, in.spec));
  SCC_TRY(const ImageChoice image,
          choose_image(host, *out.engine.runtime, *out.provider, in.spec, governance));
  in.image_context = image.context;
  in.image_ref = image.status.ref;
  in.image_state = image::to_string(image.status.state);
  in.image_digest = image.status.digest;
  in.image_id = image.status.image_id;
  SCC_TRY(in.guard.checks, find_checks(*registry, governance.effective));
  SCC_CHECK(fill_guard(*out.engine.runtime, governance, in));
  SCC_CHECK(fill_session(host, options, in));
  in.tty = options.tty;
  SCC_CHECK(fill_inputs(host, out, resolved, in));
  if (options.shell) in.auth_files.clear();
  in.governance = governance.plan_section();
  if (in.volume_name.empty()) in.volume_name = governance.effective.team;
  in.warnings.insert(in.warnings.end(), governance.warnings.begin(), governance.warnings.end());
  if (const std::size_t refused = governance.effective.blocked.size() + governance.effective.denied.size();
      refused > 0) {
    in.warnings.push_back(
        std::to_string(refused) +
        " of the things that the layers ask for are refused here: run `scc config explain`");
  }
  SCC_TRY(out.plan, make_plan(in));
  out.governance = governance;
  out.workspace = std::move(resolved.workspace);
  out.git = std::move(resolved.git);
  out.owner_uid = static_cast<uid_t>(in.identity.owner_uid);
  out.owner_gid = static_cast<gid_t>(in.identity.owner_gid);
  note_readiness(host, out, image.status);
  return out;
}

Result<std::string> ensure_image(Host& host, const Prepared& prepared) {
  const std::string context = prepared.plan.str("/image/context");
  if (prepared.plan.str("/image/state") == "present") return prepared.plan.str("/image/ref");
  if (context.empty()) {
    return fail(Kind::prereq, "runtime.no-image",
                "the image " + prepared.plan.str("/image/ref") + " is not in the engine",
                "load it into the engine; scc never pulls by itself");
  }
  SCC_TRY(const image::Host images, image_host(host));
  SCC_TRY(const image::Locator locator, image_locator(host, prepared.provider->ref().id));
  host.progress("building the image " + prepared.plan.str("/image/ref"));
  SCC_TRY(const image::Ensured done,
          image::ensure(*prepared.engine.runtime, images, locator, context, {false, image_watch(host)}));
  for (const std::string& note : done.notes) host.warn(note);
  return done.ref;
}

Result<bool> ensure_network_image(Host& host, const Prepared& prepared) {
  const ImageChoice& choice = prepared.network_image;
  if (choice.context.empty() || choice.status.state == image::State::present) return false;
  SCC_TRY(const image::Host images, image_host(host));
  SCC_TRY(const image::Locator locator, policy_image_locator(host, prepared.netpolicy->ref().id));
  host.progress("building the image " + choice.status.ref);
  SCC_TRY(const image::Ensured done, image::ensure(*prepared.engine.runtime, images, locator, choice.context,
                                                   {false, image_watch(host)}));
  for (const std::string& note : done.notes) host.warn(note);
  return true;
}

session::Deps session_deps(Host& host, Prepared& prepared) {
  const std::string provider = prepared.provider->ref().id;
  session::Deps deps{*prepared.engine.runtime, *prepared.netpolicy, host.paths, host.env};
  deps.progress = [&host](const std::string& text) { host.progress(text); };
  deps.note = [&host](const std::string& text) { host.warn(text); };
  deps.secret = [&host, provider](const std::string& from) { return secret_value(host, provider, from); };
  deps.cancelled = [] { return os::cancelled(); };
  deps.record = [&host](const std::string& session) { return open_egress_record(host, session); };
  deps.tell = [&host](const std::string& text) { host.tell(text); };
  deps.collect = [&host](const std::string& session, const os::stdfs::path& directory) {
    return open_collector(host, session, directory);
  };
  deps.audit = [&host](const std::string& event, const std::string& session,
                       std::map<std::string, std::string> facts) -> Status {
    audit::Event out;
    out.event_type = event;
    out.message = "verified from inside; the process is started";
    out.subject = facts["provider_id"];
    out.session = session;
    out.metadata = std::move(facts);
    return audit_event(host, out);
  };
  return deps;
}

namespace {

Error timed_out(const Prepared& prepared) {
  return {Kind::policy,
          "session.timeout",
          "the session was ended: its " + std::to_string(prepared.plan.integer("/governance/timeout_hours")) +
              " h are over (session.timeout_hours)",
          "go on with it: scc start --resume",
          {}};
}

audit::Event launch_event(const std::string& type, const json::Value& plan, const std::string& severity) {
  audit::Event out;
  out.event_type = type;
  out.severity = severity;
  out.subject = plan.str("/provider/id");
  out.metadata = {{"sandbox", plan.str("/sandbox/name")},
                  {"provider_id", plan.str("/provider/id")},
                  {"workspace_path", plan.str("/workspace/root")},
                  {"plan_id", plan.str("/id")}};
  return out;
}

/// A launch that the policy forbids is told, too.
Result<Prepared> prepare_told(Host& host, const LaunchOptions& options) {
  auto out = prepare(host, options);
  if (out || out.error().kind != Kind::policy) return out;
  audit::Event event;
  event.event_type = "launch.preflight.failed";
  event.severity = "error";
  event.subject = options.provider;
  event.message = out.error().message;
  event.metadata = {{"failure_reason", out.error().id}, {"workspace_path", options.workspace}};
  audit_afterwards(host, event);
  return out;
}

/// The launch is over, whatever came of it.
void audit_end(Host& host, const json::Value& plan, const Result<session::AttachOutcome>& outcome) {
  audit::Event out =
      launch_event(outcome ? "launch.ended" : "launch.failed", plan, outcome ? "info" : "error");
  if (outcome) {
    out.message = outcome->timed_out          ? "ended by its time"
                  : !outcome->revoked.empty() ? "ended by the policy: " + outcome->revoked
                                              : "ended";
    out.metadata["exit_code"] = std::to_string(outcome->exit_code);
  } else {
    out.message = outcome.error().message;
    out.metadata["failure_reason"] = outcome.error().id;
  }
  audit_afterwards(host, out);
}

}  // namespace

Error revoked(const std::string& reason) {
  return {Kind::policy,
          "session.revoked",
          "the session was ended: " + reason + " (session.enforce_live)",
          "see what applies now: scc config explain",
          {}};
}

Result<int> start(Host& host, const LaunchOptions& wanted, std::string* sandbox) {
  LaunchOptions options = wanted;
  if (options.resume && !options.resumed) SCC_CHECK(apply_resume(host, options));
  SCC_TRY(Prepared prepared, prepare_told(host, options));
  for (const std::string& warning : prepared.plan.strings_at("/warnings")) host.warn(warning);
  SCC_TRY(const std::string image, ensure_image(host, prepared));
  // Where a configured registry is silent the base is bootstrapped, and the image has another name.
  // The id of an image that was just built belongs to what the sandbox is made of.
  SCC_TRY(const bool built, ensure_network_image(host, prepared));
  if (built || image != prepared.plan.str("/image/ref") || prepared.plan.str("/image/state") != "present") {
    options.provider = prepared.plan.str("/provider/id");  // nobody is asked twice
    SCC_TRY(prepared, prepare(host, options));
  }
  if (!prepared.engine.info.flag("/local")) {
    SCC_CHECK(image::engine_sees_this_machine(*prepared.engine.runtime, prepared.plan.str("/image/ref"),
                                              host.paths));
  }
  SCC_CHECK(check_sign_in(host, prepared, options.tty));
  SCC_CHECK(audit_launch(host, prepared.governance, prepared.plan.str("/workspace/root"),
                         prepared.plan.str("/provider/id")));
  // Minutes may lie between the plan and this when an image was built.
  SCC_CHECK(workspace::unchanged(prepared.workspace));
  SCC_TRY(workspace::GitGuards guards,
          workspace::GitGuards::hold(prepared.git, prepared.owner_uid, prepared.owner_gid));
  session::Deps deps = session_deps(host, prepared);
  deps.replace = options.fresh;
  if (sandbox != nullptr) *sandbox = prepared.plan.str("/sandbox/name");
  LiveWatch live(host, prepared.plan);
  session::AttachOptions attach;
  attach.revoked = live.asker();
  const auto outcome = session::run_session(prepared.plan, deps, attach);
  audit_end(host, prepared.plan, outcome);
  if (has_kept_sandbox(host, prepared.plan.str("/workspace/root"))) guards.leave();
  if (const Status removed = guards.release(); !removed) host.warn(removed.error().message);
  if (!outcome) return fail(outcome.error());
  if (!options.shell) {
    remember_provider(host, prepared.plan.str("/workspace/root"), prepared.plan.str("/provider/id"));
  }
  if (outcome->timed_out) return fail(timed_out(prepared));
  if (!outcome->revoked.empty()) return fail(revoked(outcome->revoked));
  return outcome->exit_code;
}

namespace {

/// How a running sandbox reaches its proxy, and what was seen before its agent started.
std::string network_note(const Host& host, const std::string& sandbox) {
  constexpr std::size_t kLimit = std::size_t{1} << 20U;
  const auto plan = session::read_executed_plan(host.paths, sandbox);
  if (!plan || !plan->flag("/network/enforced")) return {};
  const auto text =
      os::read_file(session::instance_dir(host.paths, sandbox) / "network-evidence.json", kLimit);
  const auto evidence = text ? json::parse(*text) : Result<json::Value>(json::Value());
  const json::Value* checks = evidence ? evidence->at("/checks") : nullptr;
  const std::size_t passed = checks != nullptr ? checks->items().size() : 0;
  return sandbox + ": " + plan->str("/network/mode") + " over the transport " +
         plan->str("/network/transport", "?") + ", " +
         (passed == 0
              ? "no evidence yet"
              : std::to_string(passed) + " checks of the proxy and those from inside the sandbox passed");
}

/// The policy of a running sandbox is the one that it was started with.
std::string safety_note(const Host& host, const std::string& sandbox, const std::string& digest) {
  const auto plan = session::read_executed_plan(host.paths, sandbox);
  if (!plan) return {};
  const std::string mounted = plan->str("/safety/policy_digest");
  if (mounted.empty()) return sandbox + ": no guard stands in front of git and the network tools";
  if (mounted == digest) return {};
  return sandbox + ": runs with the safety policy " + mounted.substr(0, 12) + ", a new start has " +
         digest.substr(0, 12);
}

}  // namespace

Result<StatusReport> status(Host& host, const LaunchOptions& options) {
  StatusReport out;
  SCC_TRY(plugin::Registry * registry, host.registry());
  SCC_TRY(Engine engine, choose_engine(host, options.runtime));
  out.runtime = engine.runtime->ref().id;
  out.runtime_version = engine.info.str("/version");
  out.endpoint = engine.info.str("/endpoint");
  GovernOptions asked = govern_options(options);
  asked.freshness = Freshness::cache_only;
  const auto resolved = resolve_workspace(host, options);
  if (resolved) {
    out.workspace = resolved->root();
    out.notes = resolved->warnings;
    asked.workspace = resolved->workspace.root;
    asked.git = &resolved->git;
  } else {
    out.workspace_problem = resolved.error().message;
  }
  SCC_TRY(const Governance governance, govern(host, asked));
  out.organization = governance.effective.organization_id;
  out.team = governance.effective.team;
  out.network_policy = model::to_string(governance.network());
  out.safety_action = governance.effective.safety_net.action;
  auto checks = find_checks(*registry, governance.effective);
  if (!checks) out.notes.push_back(checks.error().message);
  out.safety_digest =
      os::sha256_hex(guard_policy_text(governance.effective, checks ? *checks : std::vector<CheckInput>()));
  out.notes.insert(out.notes.end(), governance.warnings.begin(), governance.warnings.end());
  auto chosen = choose_provider(host, options, governance, {out.workspace, false, false});
  if (!chosen && chosen.error().id != "provider.ambiguous") return fail(std::move(chosen).error());
  if (chosen) out.provider = chosen->id;
  const plugin::ManifestComponent* component = registry->component("provider", out.provider);
  if (component != nullptr && !component->image_context.empty()) {
    SCC_TRY(const image::Host images, image_host(host));
    SCC_TRY(const image::Locator locator, image_locator(host, out.provider));
    SCC_TRY(const image::ImageStatus image,
            image::status(*engine.runtime, images, locator, component->image_context));
    out.image_ref = image.ref;
    out.image_state = image::to_string(image.state);
  }
  EngineSet engines;
  engines.engines.push_back(std::move(engine));
  if (options.runtime.empty()) SCC_CHECK(add_recorded_engines(host, engines));
  const session::SandboxListing listed = session::list_what_answers(engines.runtimes(), host.paths, host.env);
  for (const Error& error : engines.down) out.notes.push_back(error.message);
  for (const Error& error : listed.errors) out.notes.push_back(error.message);
  for (const session::SandboxEntry& entry : listed.entries) {
    if (entry.state != "running") continue;
    ++out.running;
    if (entry.workspace != out.workspace) continue;
    out.sandbox = entry.name;
    if (entry.session) out.session = entry.session->id;
    if (std::string note = safety_note(host, entry.name, out.safety_digest); !note.empty())
      out.notes.push_back(std::move(note));
    if (std::string note = network_note(host, entry.name); !note.empty())
      out.notes.push_back(std::move(note));
    const auto plan = session::read_executed_plan(host.paths, entry.name);
    const std::string stale = plan ? stale_reason(host, governance, *plan) : std::string();
    if (!stale.empty()) {
      out.notes.push_back(entry.name + " is stale: " + stale + "; make it anew: scc start --fresh");
    }
  }
  return out;
}

}  // namespace scc::app
