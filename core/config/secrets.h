// SPDX-License-Identifier: Apache-2.0
// What looks like a secret: by the name of a key, by the shape of a value. Used before anything of a person's
// leaves the machine (exported profiles) or lands in a log (audit, `scc config show`). It errs on the side of
// finding one. No I/O.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "json/value.h"

namespace scc::config {

/// token, secret, password, key, ... as a word of the name.
bool secret_name(std::string_view name);
/// Known prefixes of issued tokens, private keys, URLs with a user part. What ${VAR} stands for is not looked
/// at.
bool issued_token(std::string_view value);
/// issued_token(), or a long random string that is no sha256: digest.
bool secret_value(std::string_view value);
/// True when an env or header value is safe to share: it refers to ${VAR} and holds no more than a scheme
/// word beside it, or is a flag or a small number.
bool shareable_setting(std::string_view value);

/// JSON pointers of every likely secret in a value.
std::vector<std::string> find_secrets(const json::Value& value);
/// The value with every likely secret, and the words of command: specs, replaced by "***".
json::Value mask_secrets(json::Value value);

}  // namespace scc::config
