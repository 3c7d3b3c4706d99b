// SPDX-License-Identifier: Apache-2.0
// The engine's inspect and list answers as our documents. Tolerant of members that are absent or null, which
// differ between engines and versions. Pure.
#pragma once

#include <string>

#include <scc/sdk/plugin.hpp>

namespace scc::oci {

sdk::SandboxInfo sandbox_info(const sdk::Json& inspect);
sdk::SandboxList sandbox_list(const sdk::Json& list);
sdk::ImageInfo image_info(const sdk::Json& inspect);
sdk::ImageList image_list(const sdk::Json& list);
sdk::VolumeInfo volume_info(const sdk::Json& inspect);
sdk::VolumeList volume_list(const sdk::Json& list);
sdk::NetworkInfo network_info(const sdk::Json& inspect);
sdk::NetworkList network_list(const sdk::Json& list);

/// "?filters=..." for scc.list-filter/1 (labels), empty for none; `first` is '?' or '&'.
std::string label_filters(const sdk::Json& filter, char first);

}  // namespace scc::oci
