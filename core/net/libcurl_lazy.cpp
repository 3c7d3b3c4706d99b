// SPDX-License-Identifier: Apache-2.0
// Forwarders to libcurl, mapped on first use (os/lazy_library.h says why). The two variadic functions take
// exactly one more argument, whose type follows from the option's number range (curl.h, CURLOPTTYPE_*).
#include <cstdarg>

#include <curl/curl.h>

#include "os/lazy_library.h"

// The headers wrap these in type-checking macros; the definitions need the plain names.
#undef curl_easy_setopt
#undef curl_easy_getinfo

namespace {
scc::os::LazyLibrary libcurl("libcurl.so.4");
}  // namespace

extern "C" {

SCC_FORWARD(libcurl, CURLcode, curl_global_init, (long flags), (flags))
SCC_FORWARD(libcurl, CURL*, curl_easy_init, (), ())
SCC_FORWARD(libcurl, void, curl_easy_cleanup, (CURL * handle), (handle))
SCC_FORWARD(libcurl, void, curl_easy_reset, (CURL * handle), (handle))
SCC_FORWARD(libcurl, CURLcode, curl_easy_recv, (CURL * handle, void* buffer, size_t size, size_t* got),
            (handle, buffer, size, got))
SCC_FORWARD(libcurl, CURLcode, curl_easy_send, (CURL * handle, const void* buffer, size_t size, size_t* sent),
            (handle, buffer, size, sent))
SCC_FORWARD(libcurl, const char*, curl_easy_strerror, (CURLcode code), (code))
SCC_FORWARD(libcurl, curl_slist*, curl_slist_append, (curl_slist * list, const char* text), (list, text))
SCC_FORWARD(libcurl, void, curl_slist_free_all, (curl_slist * list), (list))
SCC_FORWARD(libcurl, CURLM*, curl_multi_init, (), ())
SCC_FORWARD(libcurl, CURLMcode, curl_multi_cleanup, (CURLM * multi), (multi))
SCC_FORWARD(libcurl, CURLMcode, curl_multi_add_handle, (CURLM * multi, CURL* handle), (multi, handle))
SCC_FORWARD(libcurl, CURLMcode, curl_multi_remove_handle, (CURLM * multi, CURL* handle), (multi, handle))
SCC_FORWARD(libcurl, CURLMcode, curl_multi_perform, (CURLM * multi, int* running), (multi, running))
SCC_FORWARD(libcurl, CURLMcode, curl_multi_poll,
            (CURLM * multi, curl_waitfd extra[], unsigned count, int timeout_ms, int* ready),
            (multi, extra, count, timeout_ms, ready))
SCC_FORWARD(libcurl, CURLMsg*, curl_multi_info_read, (CURLM * multi, int* left), (multi, left))
SCC_FORWARD(libcurl, const char*, curl_multi_strerror, (CURLMcode code), (code))

SCC_FORWARD(libcurl, CURLU*, curl_url, (), ())
SCC_FORWARD(libcurl, void, curl_url_cleanup, (CURLU * url), (url))
SCC_FORWARD(libcurl, CURLUcode, curl_url_get, (CURLU * url, CURLUPart what, char** part, unsigned flags),
            (url, what, part, flags))
SCC_FORWARD(libcurl, CURLUcode, curl_url_set, (CURLU * url, CURLUPart what, const char* part, unsigned flags),
            (url, what, part, flags))
SCC_FORWARD(libcurl, const char*, curl_url_strerror, (CURLUcode code), (code))
SCC_FORWARD(libcurl, void, curl_free, (void* memory), (memory))

// The enums are what libcurl itself declares; on every compiler here they have the size of an int.
#ifdef __clang__
#pragma clang diagnostic ignored "-Wvarargs"
#endif
CURLcode curl_easy_setopt(CURL* handle, CURLoption option, ...) {
  using Function = CURLcode (*)(CURL*, CURLoption, ...);
  static const auto function = reinterpret_cast<Function>(libcurl.symbol("curl_easy_setopt"));
  va_list arguments;
  va_start(arguments, option);
  CURLcode code = CURLE_OK;
  if (option < CURLOPTTYPE_OBJECTPOINT) {
    code = function(handle, option, va_arg(arguments, long));
  } else if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB) {
    code = function(handle, option, va_arg(arguments, curl_off_t));
  } else {
    code = function(handle, option, va_arg(arguments, void*));
  }
  va_end(arguments);
  return code;
}

CURLcode curl_easy_getinfo(CURL* handle, CURLINFO info, ...) {
  using Function = CURLcode (*)(CURL*, CURLINFO, ...);
  static const auto function = reinterpret_cast<Function>(libcurl.symbol("curl_easy_getinfo"));
  va_list arguments;
  va_start(arguments, info);
  const CURLcode code = function(handle, info, va_arg(arguments, void*));
  va_end(arguments);
  return code;
}

}  // extern "C"
