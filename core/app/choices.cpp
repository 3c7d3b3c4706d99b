// SPDX-License-Identifier: Apache-2.0
#include "app/choices.h"

#include <algorithm>

#include "app/egress.h"
#include "app/images.h"
#include "app/organisation.h"
#include "app/subnets.h"
#include "base/str.h"

namespace scc::app {

namespace {

Result<ImageChoice> image_by_reference(plugin::Runtime& runtime, const std::string& ref) {
  ImageChoice out;
  out.status.ref = ref;
  auto info = runtime.image_inspect(ref);
  if (info) {
    out.status.state = image::State::present;
    out.status.existing = ref;
    out.status.image_id = info->str("/id");
  } else if (info.error().kind != Kind::not_found) {
    return fail(std::move(info).error());
  }
  return out;
}

/// References that the user's own configuration puts in the place of parts of the provider's image are no
/// images of scc's: both lists of the organisation hold for each of them.
Status check_configured(Host& host, const Governance& governance, const image::Locator& locator,
                        const std::string& context) {
  SCC_TRY(const config::UserConfig* config, host.config());
  if (config->image_refs.empty()) return {};
  SCC_TRY(const auto chain, image::load_chain(locator, context, {}));
  for (const image::Context& part : chain) {
    const auto ref = config->image_refs.find(part.definition.id);
    if (ref == config->image_refs.end()) continue;
    auto allowed = policy::check_image(governance.effective, ref->second, false);
    if (!allowed) return fail(std::move(allowed).error().with("images." + part.definition.id + ".ref"));
  }
  return {};
}

bool offline_capable(const plugin::Registry& registry, const std::string& provider) {
  const plugin::ManifestComponent* component = registry.component("provider", provider);
  return component != nullptr && component->capabilities.flag("/offline_capable");
}

}  // namespace

namespace {

plugin::Policy plugin_rules(const model::PluginPolicy& rules, const model::Enforcer& enforcer,
                            const std::string& organisation) {
  plugin::Policy policy;
  policy.source = "the organisation " + organisation;
  policy.mode = rules.mode;
  for (const model::PluginRule& rule : rules.allow) {
    policy.allow.push_back({rule.id, rule.version, rule.sha256, rule.grants});
  }
  policy.deny = rules.deny;
  policy.required = rules.required;
  policy.allow_user = rules.allow_user;
  policy.locked = rules.locked;
  policy.enforcer_id = enforcer.id;
  policy.enforcer_sha256 = enforcer.sha256;
  return policy;
}

}  // namespace

Status apply_plugin_policy(Host& host, const Governance& governance) {
  SCC_TRY(plugin::Registry * registry, host.registry());
  if (governance.layers.org != nullptr && !host.plugin_policy) {
    const model::Effective& effective = governance.effective;
    SCC_CHECK(registry->set_policy(
        plugin_rules(effective.scc_plugins, effective.enforcer, effective.organization_id)));
  }
  host.plugin_policy = true;
  return governance.layers.org != nullptr ? registry->check_required() : Status();
}

Status apply_machine_plugin_policy(Host& host) {
  if (host.plugin_policy) return {};
  SCC_TRY(const config::UserConfig* config, host.config());
  SCC_TRY(plugin::Registry * registry, host.registry());
  host.plugin_policy = true;
  if (!has_organisation(*config)) return {};
  if (const auto state = org_state(host)) {
    const model::Org& org = *state->org;
    return registry->set_policy(plugin_rules(org.plugins, org.enforcer, org.organization.id));
  }
  plugin::Policy closed;
  closed.source = "the organisation, whose document cannot be read,";
  closed.allow_user = false;
  closed.locked = true;
  return registry->set_policy(std::move(closed));
}

Result<ImageChoice> choose_image(Host& host, plugin::Runtime& runtime, const plugin::Provider& provider,
                                 const json::Value& spec, const Governance& governance) {
  const std::string& id = provider.ref().id;
  const auto layered = governance.effective.images.find(id);
  std::string wanted = spec.str("/image");
  if (layered != governance.effective.images.end()) wanted = "ref:" + layered->second;
  if (str::starts_with(wanted, "context:")) {
    ImageChoice out;
    out.context = wanted.substr(std::string_view("context:").size());
    SCC_TRY(const image::Host images, image_host(host));
    SCC_TRY(const image::Locator locator, image_locator(host, id));
    SCC_CHECK(check_configured(host, governance, locator, out.context));
    SCC_TRY(out.status, image::status(runtime, images, locator, out.context));
    SCC_CHECK(policy::check_image(governance.effective, out.status.ref, true));
    return out;
  }
  if (!str::starts_with(wanted, "ref:")) {
    return fail(
        Kind::config, "launch.spec",
        "the provider " + id + " names the image \"" + wanted + "\"; it must begin with context: or ref:");
  }
  const std::string ref = wanted.substr(std::string_view("ref:").size());
  SCC_CHECK(policy::check_image(governance.effective, ref, false));
  return image_by_reference(runtime, ref);
}

namespace {

/// Name servers that a container can ask: this machine's, without those that listen on its own loopback
/// alone.
std::vector<std::string> machine_resolvers() {
  constexpr std::size_t kLimit = 65'536;
  constexpr std::size_t kMost = 3;  // as many as resolv.conf(5) knows
  std::vector<std::string> out;
  // The second one names what is behind a local stub.
  for (const char* path : {"/etc/resolv.conf", "/run/systemd/resolve/resolv.conf"}) {
    const auto text = os::read_file(path, kLimit);
    for (const std::string& line : str::split(text ? *text : std::string(), '\n')) {
      constexpr std::string_view kWord = "nameserver";
      if (!str::starts_with(line, kWord)) continue;
      const std::string address(str::trim(std::string_view(line).substr(kWord.size())));
      const bool usable = !address.empty() && !str::starts_with(address, "127.") &&
                          address.find('%') == std::string::npos && !str::starts_with(address, "::1") &&
                          !str::starts_with(address, "fe80");
      if (usable && out.size() < kMost) out.push_back(address);
    }
    if (!out.empty()) break;
  }
  return out;
}

/// Where an organisation governs, the way out of its policy's proxy is the organisation's matter: its own
/// settings count, and people's own only where it delegates them. Refused rather than ignored: whoever wrote
/// them relies on them.
Result<json::Value> enforced_section(const config::UserConfig& config, const Governance& governance) {
  const model::Effective& effective = governance.effective;
  json::Value out{json::Object{}};
  if (config.enforced_network.is_object()) out = config.enforced_network;
  if (!effective.allow_network_settings && !out.members().empty()) {
    return fail(Kind::policy, "network.own-settings",
                "network.enforced." + out.members().begin()->first + " is set in " +
                    str::printable(config.file.native()) + ", and the organisation does not delegate that",
                "take it out: scc config unset network.enforced." + out.members().begin()->first +
                    "; or ask for delegation.users.allow_network_settings in the organisation's document");
  }
  const model::EnforcedNetwork& own = effective.enforced_network;
  if (!own.transport.empty()) out["transport"] = own.transport;
  if (!own.network.empty()) out["network"] = own.network;
  if (!own.upstream_proxy.empty()) out["upstream_proxy"] = own.upstream_proxy;
  if (!own.dns.empty()) out["dns"] = json::Value::strings(own.dns);
  if (!own.internal_blocks.empty()) out["internal_blocks"] = json::Value::strings(own.internal_blocks);
  return out;
}

/// The proxy is the policy itself: under an organisation it is not taken from whoever it holds.
Status check_proxy_image(Host& host, const Governance& governance, const image::Locator& locator,
                         const std::string& context) {
  SCC_TRY(const config::UserConfig* config, host.config());
  if (config->image_refs.empty() || governance.effective.allow_network_settings) return {};
  SCC_TRY(const auto chain, image::load_chain(locator, context, {}));
  for (const image::Context& part : chain) {
    if (config->image_refs.count(part.definition.id) == 0) continue;
    const std::string key = "images." + part.definition.id + ".ref";
    return fail(Kind::policy, "network.own-image",
                key + " is set in " + str::printable(config->file.native()) +
                    " and would put an image of yours in the place of the proxy, which the organisation does "
                    "not delegate",
                "take it out: scc config unset " + key +
                    "; or ask for delegation.users.allow_network_settings in the organisation's document");
  }
  return {};
}

/// What a policy with a proxy is given: its image, the sandbox's user, scc's tools, name servers.
Status add_proxy_needs(Host& host, Prepared& out, const std::string& mode, const Governance& governance,
                       const Identity& identity, json::Value& request) {
  SCC_TRY(plugin::Registry * registry, host.registry());
  const plugin::ManifestComponent* component = registry->component("netpolicy", mode);
  if (component != nullptr && !component->image_context.empty()) {
    SCC_TRY(const image::Host images, image_host(host));
    SCC_TRY(const image::Locator locator, policy_image_locator(host, mode));
    out.network_image.context = component->image_context;
    SCC_CHECK(check_configured(host, governance, locator, component->image_context));
    SCC_CHECK(check_proxy_image(host, governance, locator, component->image_context));
    SCC_TRY(out.network_image.status,
            image::status(*out.engine.runtime, images, locator, component->image_context));
    SCC_CHECK(policy::check_image(governance.effective, out.network_image.status.ref, true));
    request["image"]["ref"] = out.network_image.status.ref;
  }
  request["user"]["uid"] = static_cast<std::int64_t>(identity.uid);
  request["user"]["gid"] = static_cast<std::int64_t>(identity.gid);
  request["tools"]["source"] = host.paths.libexec.native();
  request["tools"]["target"] = kToolDir;
  request["resolvers"] = json::Value::strings(machine_resolvers());
  return {};
}

}  // namespace

Status plan_network(Host& host, Prepared& out, const Governance& governance, const std::string& provider,
                    const Identity& identity, json::Value& network) {
  SCC_TRY(const config::UserConfig* config, host.config());
  SCC_TRY(plugin::Registry * registry, host.registry());
  const model::NetworkPolicy policy = governance.network();
  const std::string mode(model::to_string(policy));
  const bool needs_web = !provider.empty() && !offline_capable(*registry, provider);
  if (policy == model::NetworkPolicy::locked_down_web && needs_web) {
    return fail(Kind::policy, "network.needs-web",
                "network policy " + mode + " (" + governance.effective.network_source + ") and the agent " +
                    provider + " cannot work without the web",
                "a sandbox without the agent works: scc start --shell; who decided it: scc config explain "
                "--field network");
  }
  const auto known = registry->components("netpolicy");
  if (std::find(known.begin(), known.end(), mode) == known.end()) {
    const std::string& enforcer = governance.effective.enforcer.id;
    return fail(Kind::prereq, "network.no-enforcer",
                "network policy " + mode + " (" + governance.effective.network_source +
                    ") applies and no usable plugin enforces it: nothing is started",
                enforcer.empty() ? "see which network policies there are: scc plugin list --kind netpolicy"
                                 : "install the plugin " + enforcer + " that the organisation names");
  }
  json::Value section{json::Object{}};
  if (policy == model::NetworkPolicy::open && config->open_network.is_object())
    section = config->open_network;
  if (policy == model::NetworkPolicy::web_egress_enforced) {
    SCC_TRY(section, enforced_section(*config, governance));
  }
  SCC_TRY(out.netpolicy, registry->netpolicy(mode, section));
  json::Value request;
  request["schema"] = "scc.netpolicy-request/1";
  request["mode"] = mode;
  request["config"] = section;
  request["runtime"] = out.engine.info;
  SCC_TRY(const egress::Rules rules, egress_rules(host, governance, provider));
  request["rules"] = egress::to_json(rules);
  const bool enforced = policy == model::NetworkPolicy::web_egress_enforced;
  if (enforced) SCC_CHECK(add_proxy_needs(host, out, mode, governance, identity, request));
  if (enforced && section.str("/transport") == "internal") {
    SCC_TRY(request["subnet"], free_subnet(*out.engine.runtime, out.network_seed));
  }
  SCC_TRY(network, out.netpolicy->plan(request));
  if (!enforced) return {};
  if (!network.flag("/enforced")) {
    return fail(Kind::policy, "network.not-enforced",
                "the plugin " + out.netpolicy->ref().plugin + " stands for " + mode +
                    " and does not say that it enforces anything: nothing is started",
                "see which plugin it is: scc plugin list --kind netpolicy");
  }
  if (network.str("/network/mode") != "none" && !network.has("/inside")) {
    return fail(
        Kind::policy, "network.not-enforced",
        "the plugin " + out.netpolicy->ref().plugin +
            " gives the sandbox a network and does not say what of it can be verified: nothing is started",
        "see which plugin it is: scc plugin list --kind netpolicy");
  }
  // The rules are part of the plan: its digest, reuse and the record of decisions rest on them.
  network["rules"] = egress::to_json(rules);
  network["tools"] = host.paths.libexec.native();
  network["image"] = request.str("/image/ref");
  return {};
}

}  // namespace scc::app
