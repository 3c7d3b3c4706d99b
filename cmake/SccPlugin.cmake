# SPDX-License-Identifier: Apache-2.0
# scc_add_plugin(id SOURCES a.cpp ... MANIFEST plugin.json.in [VERSION x.y.z] [LIBS target ...] [SHARE dir]
#                [TEST test.cpp ...])
# Builds one plugin the way the host demands (docs/abi.md): hidden symbols, one export, no RPATH, no shared library but
# libc's, everything bound at load. Stages <build>/plugins/<id>/{plugin.json,<platform>/lib<id>.so,share/}, with the
# SHA-256 of the linked library in the manifest, so that `scc --plugin-dir <build>/plugins` works without an install.
# The same file serves this tree and the installed SDK.
#
# The manifest is configured with @ONLY: @SCC_PLUGIN_ID@, @SCC_PLUGIN_VERSION@. The sources see the same two as macros.
# TEST sources are compiled together with SOURCES into <id>_test (GoogleTest, ctest label "unit").

# Where the files beside this one lie, and the platform's name, in the caller's scope.
macro(_scc_plugin_environment)
  set(SCC_SDK_CMAKE_DIR "${CMAKE_CURRENT_FUNCTION_LIST_DIR}")
  if(NOT DEFINED SCC_SDK_PLUGIN_MAP)
    set(SCC_SDK_PLUGIN_MAP "${SCC_SDK_CMAKE_DIR}/../sdk/plugin.map")
  endif()
  if(APPLE)
    set(SCC_PLATFORM "macos-${CMAKE_SYSTEM_PROCESSOR}")
  else()
    set(SCC_PLATFORM "linux-${CMAKE_SYSTEM_PROCESSOR}")
  endif()
endmacro()

# scc_plugin_library(target): a static library that plugins are linked from gets the flags of a plugin. Sanitizers stay
# out of everything that the host loads, because their run time is a shared library; the tests of a plugin compile its
# own sources themselves and are sanitized.
function(scc_plugin_library target)
  set_target_properties(${target} PROPERTIES
    C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON
    POSITION_INDEPENDENT_CODE ON CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
  target_compile_options(${target} PRIVATE -fno-plt -ffunction-sections -fdata-sections)
  if(COMMAND scc_target_defaults)
    set(SCC_SANITIZE "")
    scc_target_defaults(${target})
  else()
    target_compile_options(${target} PRIVATE -Wall -Wextra)
  endif()
endfunction()

# What makes a module loadable by the host, beyond the flags above.
function(_scc_plugin_link target)
  set_target_properties(${target} PROPERTIES SKIP_BUILD_RPATH ON INSTALL_RPATH "" BUILD_WITH_INSTALL_RPATH OFF)
  if(APPLE)
    file(WRITE "${CMAKE_CURRENT_BINARY_DIR}/exports.txt" "_scc_plugin_entry_v1\n")
    target_link_options(${target} PRIVATE
      "LINKER:-exported_symbols_list,${CMAKE_CURRENT_BINARY_DIR}/exports.txt" "LINKER:-dead_strip")
  else()
    target_link_options(${target} PRIVATE
      "LINKER:--version-script=${SCC_SDK_PLUGIN_MAP}" "LINKER:-z,defs,-z,now,-z,relro,-z,noexecstack"
      "LINKER:--exclude-libs,ALL,--gc-sections,--as-needed" "$<$<NOT:$<CONFIG:Debug>>:LINKER:--strip-debug>"
      -static-libgcc "$<$<LINK_LANGUAGE:CXX>:-static-libstdc++>")
  endif()
endfunction()

function(_scc_plugin_test id)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS;DEFINITIONS" ${ARGN})
  find_package(GTest QUIET)
  if(NOT GTest_FOUND)
    message(STATUS "GoogleTest not found: the tests of plugin ${id} are left out")
    return()
  endif()
  include(GoogleTest)
  add_executable(${id}_test ${ARG_SOURCES})
  target_link_libraries(${id}_test PRIVATE SccSdk::sdk ${ARG_LIBS} GTest::gmock GTest::gtest_main)
  target_compile_definitions(${id}_test PRIVATE ${ARG_DEFINITIONS})
  set_target_properties(${id}_test PROPERTIES CXX_STANDARD 17 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
  if(COMMAND scc_target_defaults)
    scc_target_defaults(${id}_test)
  endif()
  gtest_discover_tests(${id}_test DISCOVERY_MODE PRE_TEST TEST_PREFIX "${id}."
    PROPERTIES LABELS unit TIMEOUT 60)
endfunction()

function(scc_add_plugin id)
  _scc_plugin_environment()
  cmake_parse_arguments(ARG "" "MANIFEST;VERSION;SHARE" "SOURCES;LIBS;TEST" ${ARGN})
  foreach(required SOURCES MANIFEST)
    if(NOT ARG_${required})
      message(FATAL_ERROR "scc_add_plugin(${id}): ${required} is missing")
    endif()
  endforeach()
  if(NOT id MATCHES "^[a-z][a-z0-9.-]+$")
    message(FATAL_ERROR "scc_add_plugin(${id}): the id must match [a-z][a-z0-9.-]+")
  endif()
  if(NOT ARG_VERSION)
    set(ARG_VERSION "${PROJECT_VERSION}")
  endif()
  if(NOT ARG_VERSION MATCHES "^[0-9]+\\.[0-9]+\\.[0-9]+")
    message(FATAL_ERROR "scc_add_plugin(${id}): give VERSION x.y.z, or project(... VERSION x.y.z)")
  endif()
  set(SCC_PLUGIN_ID "${id}")
  set(SCC_PLUGIN_VERSION "${ARG_VERSION}")
  set(manifest "${CMAKE_CURRENT_BINARY_DIR}/${id}.plugin.json")
  configure_file("${ARG_MANIFEST}" "${manifest}" @ONLY)

  set(stage "${CMAKE_BINARY_DIR}/plugins/${id}")
  set(definitions "SCC_PLUGIN_ID=\"${id}\"" "SCC_PLUGIN_VERSION=\"${ARG_VERSION}\"")
  add_library(${id} MODULE ${ARG_SOURCES})
  target_link_libraries(${id} PRIVATE SccSdk::sdk ${ARG_LIBS})
  target_compile_definitions(${id} PRIVATE ${definitions})
  scc_plugin_library(${id})
  _scc_plugin_link(${id})
  # A changed manifest relinks, so that the staged copy is never older than its source.
  set_target_properties(${id} PROPERTIES PREFIX lib OUTPUT_NAME "${id}"
    LIBRARY_OUTPUT_DIRECTORY "${stage}/${SCC_PLATFORM}" LINK_DEPENDS "${SCC_SDK_PLUGIN_MAP};${manifest}")
  set(share_args "")
  if(ARG_SHARE)
    get_filename_component(share "${ARG_SHARE}" ABSOLUTE)
    set(share_args COMMAND "${CMAKE_COMMAND}" -E copy_directory "${share}" "${stage}/share")
  endif()
  add_custom_command(TARGET ${id} POST_BUILD
    COMMAND "${CMAKE_COMMAND}" -D "MANIFEST=${manifest}" -D "LIBRARY=$<TARGET_FILE:${id}>"
            -D "PLATFORM=${SCC_PLATFORM}" -D "OUTPUT=${stage}/plugin.json"
            -P "${SCC_SDK_CMAKE_DIR}/SccPluginManifest.cmake"
    ${share_args} VERBATIM)

  # Files, not TARGETS: an install that strips or relinks would break the hash.
  include(GNUInstallDirs)
  set(destination "${CMAKE_INSTALL_LIBDIR}/scc/plugins/${id}")
  install(FILES "${stage}/plugin.json" DESTINATION "${destination}" COMPONENT plugins)
  install(FILES "$<TARGET_FILE:${id}>" DESTINATION "${destination}/${SCC_PLATFORM}" COMPONENT plugins)
  if(ARG_SHARE)
    install(DIRECTORY "${share}/" DESTINATION "${destination}/share" COMPONENT plugins)
  endif()
  set_property(GLOBAL APPEND PROPERTY SCC_PLUGINS ${id})

  if(ARG_TEST AND (SCC_BUILD_TESTS OR (NOT DEFINED SCC_BUILD_TESTS AND BUILD_TESTING)))
    _scc_plugin_test(${id} SOURCES ${ARG_SOURCES} ${ARG_TEST} LIBS ${ARG_LIBS} DEFINITIONS ${definitions})
  endif()
endfunction()

# scc_install_plugin_lock(): after all scc_add_plugin() calls, records the SHA-256 of every installed plugin's manifest
# and library in plugins.lock beside them. It vouches for the plugins that came with the host (trust class bundled).
function(scc_install_plugin_lock)
  _scc_plugin_environment()
  get_property(ids GLOBAL PROPERTY SCC_PLUGINS)
  install(CODE "
    set(SCC_PLUGIN_ROOT \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_LIBDIR}/scc/plugins\")
    set(SCC_PLUGIN_IDS \"${ids}\")
    set(SCC_PLATFORM \"${SCC_PLATFORM}\")
    include(\"${SCC_SDK_CMAKE_DIR}/SccPluginLock.cmake\")" COMPONENT plugins)
endfunction()
