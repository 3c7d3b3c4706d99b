// SPDX-License-Identifier: Apache-2.0
#include "os/lazy_library.h"

#include <dlfcn.h>
#include <stdexcept>
#include <string>

namespace scc::os {

void* LazyLibrary::symbol(const char* name) {
  void* handle = handle_.load(std::memory_order_acquire);
  if (handle == nullptr) {
    // Two threads may both map it: the second gets the same handle, counted twice, which nobody minds.
    handle = dlopen(soname_, RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) throw std::runtime_error(std::string("cannot load ") + soname_ + ": " + dlerror());
    handle_.store(handle, std::memory_order_release);
  }
  void* const address = dlsym(handle, name);
  if (address == nullptr) throw std::runtime_error(std::string(soname_) + " has no " + name);
  return address;
}

}  // namespace scc::os
