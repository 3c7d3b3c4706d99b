// SPDX-License-Identifier: Apache-2.0
// Forwarders to libidn2, mapped on first use (os/lazy_library.h says why): few names need it.
#include <idn2.h>

#include "os/lazy_library.h"

namespace {
scc::os::LazyLibrary libidn2("libidn2.so.0");
}  // namespace

extern "C" {

// clang-format off
SCC_FORWARD(libidn2, int, idn2_to_ascii_8z, (const char* input, char** output, int flags), (input, output, flags))
SCC_FORWARD(libidn2, void, idn2_free, (void* pointer), (pointer))
SCC_FORWARD(libidn2, const char*, idn2_strerror, (int code), (code))
// clang-format on

}  // extern "C"
