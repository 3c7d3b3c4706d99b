# SPDX-License-Identifier: Apache-2.0
# cmake -D MANIFEST=in -D LIBRARY=lib.so -D PLATFORM=linux-x86_64 -D OUTPUT=plugin.json -P SccPluginManifest.cmake
# Completes a manifest with the path and SHA-256 of the library as it was linked. Runs after every link.
cmake_minimum_required(VERSION 3.19)
foreach(name MANIFEST LIBRARY PLATFORM OUTPUT)
  if(NOT DEFINED ${name})
    message(FATAL_ERROR "SccPluginManifest: -D ${name}=... is missing")
  endif()
endforeach()
file(READ "${MANIFEST}" json)
string(JSON root ERROR_VARIABLE error TYPE "${json}")
if(error OR NOT root STREQUAL "OBJECT")
  message(FATAL_ERROR "${MANIFEST} is not a JSON object: ${error}")
endif()
string(JSON libraries ERROR_VARIABLE error TYPE "${json}" libraries)
if(NOT libraries STREQUAL "OBJECT")
  string(JSON json SET "${json}" libraries "{}")
endif()
file(SHA256 "${LIBRARY}" sha256)
get_filename_component(name "${LIBRARY}" NAME)
string(JSON json SET "${json}" libraries "${PLATFORM}"
       "{\"path\": \"${PLATFORM}/${name}\", \"sha256\": \"${sha256}\"}")
# Rename, so that a host that scans at this moment reads the old manifest or the new one.
file(WRITE "${OUTPUT}.tmp" "${json}\n")
file(RENAME "${OUTPUT}.tmp" "${OUTPUT}")
