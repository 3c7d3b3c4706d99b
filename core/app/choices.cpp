// SPDX-License-Identifier: Apache-2.0
#include "app/choices.h"

#include <algorithm>

#include "app/images.h"
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

bool offline_capable(const plugin::Registry& registry, const std::string& provider) {
  const plugin::ManifestComponent* component = registry.component("provider", provider);
  return component != nullptr && component->capabilities.flag("/offline_capable");
}

}  // namespace

Status apply_plugin_policy(Host& host, const Governance& governance) {
  if (governance.layers.org == nullptr) return {};
  SCC_TRY(plugin::Registry * registry, host.registry());
  const model::PluginPolicy& rules = governance.effective.scc_plugins;
  plugin::Policy policy;
  policy.source = "the organisation " + governance.effective.organization_id;
  policy.mode = rules.mode;
  for (const model::PluginRule& rule : rules.allow) {
    policy.allow.push_back({rule.id, rule.version, rule.sha256, rule.grants});
  }
  policy.deny = rules.deny;
  policy.required = rules.required;
  policy.allow_user = rules.allow_user;
  policy.locked = rules.locked;
  policy.enforcer_id = governance.effective.enforcer.id;
  policy.enforcer_sha256 = governance.effective.enforcer.sha256;
  SCC_CHECK(registry->set_policy(std::move(policy)));
  return registry->check_required();
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

Status plan_network(Host& host, Prepared& out, const Governance& governance, const std::string& provider,
                    json::Value& network) {
  SCC_TRY(const config::UserConfig* config, host.config());
  SCC_TRY(plugin::Registry * registry, host.registry());
  const model::NetworkPolicy policy = governance.network();
  const std::string mode(model::to_string(policy));
  if (policy == model::NetworkPolicy::locked_down_web && !offline_capable(*registry, provider)) {
    return fail(Kind::policy, "network.needs-web",
                "network policy " + mode + " (" + governance.effective.network_source + ") and the agent " +
                    provider + " cannot work without the web",
                "run `scc config explain --field network` to see who decided");
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
  const bool open = policy == model::NetworkPolicy::open && config->open_network.is_object();
  const json::Value section = open ? config->open_network : json::Value(json::Object{});
  SCC_TRY(out.netpolicy, registry->netpolicy(mode, section));
  json::Value request;
  request["schema"] = "scc.netpolicy-request/1";
  request["mode"] = mode;
  request["config"] = section;
  request["runtime"] = out.engine.info;
  SCC_TRY(network, out.netpolicy->plan(request));
  return {};
}

}  // namespace scc::app
