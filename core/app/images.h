// SPDX-License-Identifier: Apache-2.0
// Use cases around images: where contexts come from, and the views that `scc image ...` and `scc start`
// share.
#pragma once

#include <string>
#include <vector>

#include "app/engine.h"
#include "app/host.h"
#include "image/ensure.h"

namespace scc::app {

/// The image layer's view of this host.
Result<image::Host> image_host(Host& host);
/// Contexts of a provider's plugin come before the installed ones; an empty provider means the installed
/// ones.
Result<image::Locator> image_locator(Host& host, const std::string& provider);
/// The same for the image of a network policy's proxy.
Result<image::Locator> policy_image_locator(Host& host, const std::string& policy);
/// Progress and cancellation as the image layer wants them.
image::Watch image_watch(Host& host);
/// Ids of the contexts that installed providers name, and their parents.
Result<std::vector<std::string>> known_images(Host& host);
/// The provider whose manifest names this context, or empty.
std::string provider_of_image(const plugin::Registry& registry, const std::string& image);

}  // namespace scc::app
