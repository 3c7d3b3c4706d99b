// SPDX-License-Identifier: Apache-2.0
#include "plugin/library.h"

#include <deque>

#define BOOST_DLL_USE_STD_FS
#include <boost/dll/shared_library.hpp>

#include "base/str.h"
#include "plugin/image.h"

namespace scc::plugin {

Result<const scc_plugin_v1*> map_library(int memfd) {
  namespace dll = boost::dll;
  const std::string path = "/proc/self/fd/" + std::to_string(memfd);
  try {
    // Kept for ever, see the header: the list itself is never destroyed, so that no library is closed at
    // exit.
    static auto* kept = new std::deque<dll::shared_library>;
    // No decorations, no search in system folders: exactly these bytes.
    dll::shared_library* library =
        &kept->emplace_back(path, dll::load_mode::rtld_now | dll::load_mode::rtld_local);
    const std::string symbol(kEntrySymbol);
    if (!library->has(symbol)) {
      return fail(Kind::prereq, "plugin.no-entry", "the library does not export " + symbol,
                  "export the entry with SCC_PLUGIN() of the SDK");
    }
    return &library->get<const scc_plugin_v1>(symbol);
  } catch (const std::exception& e) {
    return fail(Kind::prereq, "plugin.load", "the library cannot be loaded: " + str::printable(e.what()),
                "install a build of the plugin for this system");
  }
}

}  // namespace scc::plugin
