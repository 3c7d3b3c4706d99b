# SPDX-License-Identifier: Apache-2.0
# scc_target_defaults(target): the warnings, sanitizers and hardening that every target of this tree is built with.
set(SCC_WARNINGS_CXX
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wold-style-cast -Wnon-virtual-dtor
  -Woverloaded-virtual)
set(SCC_WARNINGS_C -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion)
set(SCC_WARNINGS_GNU -Wduplicated-cond -Wlogical-op)
# gcc 12 guesses wrong about std::variant and RapidJSON once it optimises: these two are for
# the unoptimised builds, beside the analyzer of clang-tidy and the sanitizers.
set(SCC_WARNINGS_UNOPTIMISED -Wnull-dereference)
set(SCC_WARNINGS_OPTIMISED $<$<CXX_COMPILER_ID:GNU>:-Wno-maybe-uninitialized>)

function(scc_target_defaults target)
  target_compile_options(${target} PRIVATE
    "$<$<COMPILE_LANGUAGE:CXX>:${SCC_WARNINGS_CXX}>"
    "$<$<COMPILE_LANGUAGE:C>:${SCC_WARNINGS_C}>"
    "$<$<CXX_COMPILER_ID:GNU>:${SCC_WARNINGS_GNU}>"
    "$<IF:$<CONFIG:Debug>,${SCC_WARNINGS_UNOPTIMISED},${SCC_WARNINGS_OPTIMISED}>"
    "$<$<BOOL:${SCC_WERROR}>:-Werror>")
  if(SCC_SANITIZE)
    target_compile_options(${target} PRIVATE -fsanitize=${SCC_SANITIZE} -fno-omit-frame-pointer
      -fno-sanitize-recover=undefined)
    target_link_options(${target} PRIVATE -fsanitize=${SCC_SANITIZE})
  endif()
  if(SCC_HARDEN)
    target_compile_options(${target} PRIVATE
      $<$<NOT:$<CONFIG:Debug>>:-U_FORTIFY_SOURCE> $<$<NOT:$<CONFIG:Debug>>:-D_FORTIFY_SOURCE=2>
      -fstack-protector-strong -fstack-clash-protection)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
      target_compile_options(${target} PRIVATE -fcf-protection)
    endif()
    target_link_options(${target} PRIVATE -Wl,-z,relro,-z,now)
  endif()
  if(CMAKE_BUILD_TYPE STREQUAL "Debug")
    target_compile_definitions(${target} PRIVATE _GLIBCXX_ASSERTIONS)
  endif()
endfunction()

# scc_add_layer(name SOURCES ... [PUBLIC_DEPS ...] [DEPS ...]): one static library for one folder of core/.
# Link dependencies are PRIVATE unless a header of the folder needs them.
function(scc_add_layer name)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;PUBLIC_DEPS" ${ARGN})
  add_library(scc_${name} STATIC ${ARG_SOURCES})
  target_compile_features(scc_${name} PUBLIC cxx_std_20)
  target_include_directories(scc_${name} PUBLIC ${PROJECT_SOURCE_DIR}/core)
  target_link_libraries(scc_${name} PUBLIC ${ARG_PUBLIC_DEPS} PRIVATE ${ARG_DEPS})
  set_target_properties(scc_${name} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  scc_target_defaults(scc_${name})
endfunction()
