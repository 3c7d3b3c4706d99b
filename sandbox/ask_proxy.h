// SPDX-License-Identifier: Apache-2.0
// One question to an HTTP proxy: would you connect me there? Only its status is looked at.
#pragma once

#include "relay.h"

#ifdef __cplusplus
extern "C" {
#endif

/// The status (100..999) of the answer to "CONNECT where", or -errno: ECONNREFUSED or ENOENT when nobody
/// listens, ETIMEDOUT, EPROTO for an answer that is not HTTP. `where`: host:port, at most 300 bytes without
/// control characters.
int ask_proxy(const RelayTarget* proxy, const char* where, int timeout_ms);

/// The same, asked again until somebody listens or `timeout_ms` are over.
int ask_proxy_patiently(const RelayTarget* proxy, const char* where, int timeout_ms);

#ifdef __cplusplus
}
#endif
