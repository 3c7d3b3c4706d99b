// SPDX-License-Identifier: Apache-2.0
// A shared library that is mapped when one of its functions is first called. The libraries for HTTP, git and
// archives bring some fifty others with them, and mapping those costs more than most commands take; few
// commands need any. The folder that includes such a library's header defines forwarders for the functions it
// uses, so the code that calls them is the same as if it were linked. Thread-safe.
#pragma once

#include <atomic>

namespace scc::os {

class LazyLibrary {
 public:
  /// `soname` as the linker would record it, "libz.so.1". A constant that outlives the object.
  constexpr explicit LazyLibrary(const char* soname) : soname_(soname) {}
  /// The address of a function. Throws std::runtime_error, naming the package's file, when library or symbol
  /// are missing: a broken installation, not a state to go on in.
  void* symbol(const char* name);

 private:
  const char* soname_;
  std::atomic<void*> handle_{nullptr};
};

}  // namespace scc::os

/// Defines `type name(parameters)` as a forwarder: SCC_FORWARD(library, CURL*, curl_easy_init, (), ())
// NOLINTBEGIN(bugprone-macro-parentheses): a list of parameters cannot stand in another pair of parentheses
#define SCC_FORWARD(library, type, name, parameters, arguments)                                 \
  type name parameters {                                                                        \
    static const auto function = reinterpret_cast<type(*) parameters>((library).symbol(#name)); \
    return function arguments;                                                                  \
  }
// NOLINTEND(bugprone-macro-parentheses)
