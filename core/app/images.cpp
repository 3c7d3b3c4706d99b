// SPDX-License-Identifier: Apache-2.0
#include "app/images.h"

#include <set>

#include "os/tty.h"

namespace scc::app {

Result<image::Host> image_host(Host& host) {
  SCC_TRY(const config::UserConfig* config, host.config());
  image::Host out;
  out.env = host.env;
  out.paths = host.paths;
  out.refs = config->image_refs;
  return out;
}

Result<image::Locator> image_locator(Host& host, const std::string& provider) {
  image::Locator out;
  out.share = host.paths.share;
  if (provider.empty()) return out;
  SCC_TRY(plugin::Registry * registry, host.registry());
  if (const plugin::Entry* owner = registry->owner("provider", provider)) out.plugin_dir = owner->directory;
  return out;
}

Result<image::Locator> policy_image_locator(Host& host, const std::string& policy) {
  image::Locator out;
  out.share = host.paths.share;
  SCC_TRY(plugin::Registry * registry, host.registry());
  if (const plugin::Entry* owner = registry->owner("netpolicy", policy)) out.plugin_dir = owner->directory;
  return out;
}

image::Watch image_watch(Host& host) {
  // Lines of ours say what goes on; the rest is a tool's output, which is in the log file too.
  const auto show = [&host](std::string_view line) {
    constexpr std::string_view kOurs = "scc: ";
    if (line.substr(0, kOurs.size()) == kOurs) {
      host.progress(line.substr(kOurs.size()));
    } else {
      host.detail(line);
    }
  };
  return {show, [] { return os::cancelled(); }};
}

std::string provider_of_image(const plugin::Registry& registry, const std::string& image) {
  for (const std::string& id : registry.components("provider")) {
    const plugin::ManifestComponent* component = registry.component("provider", id);
    if (component != nullptr && component->image_context == image) return id;
  }
  return {};
}

Result<std::vector<std::string>> known_images(Host& host) {
  SCC_TRY(plugin::Registry * registry, host.registry());
  std::vector<std::string> out;
  std::set<std::string> seen;
  for (const std::string& id : registry->components("provider")) {
    const plugin::ManifestComponent* component = registry->component("provider", id);
    if (component == nullptr || component->image_context.empty()) continue;
    SCC_TRY(const image::Locator locator, image_locator(host, id));
    SCC_TRY(const auto chain, image::load_chain(locator, component->image_context, {}));
    for (const image::Context& context : chain) {
      if (seen.insert(context.definition.id).second) out.push_back(context.definition.id);
    }
  }
  for (const std::string& id : registry->components("netpolicy")) {
    const plugin::ManifestComponent* component = registry->component("netpolicy", id);
    if (component == nullptr || component->image_context.empty()) continue;
    if (seen.insert(component->image_context).second) out.push_back(component->image_context);
  }
  return out;
}

}  // namespace scc::app
