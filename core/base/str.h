// SPDX-License-Identifier: Apache-2.0
// Small string helpers without I/O: printing foreign text safely, hex, base64, splitting, edit distance.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace scc::str {

/// Foreign text made safe for a terminal: control characters (C0, DEL, C1), bidirectional overrides and
/// invalid UTF-8 become \xNN or \u{NNNN}; the rest stays.
std::string printable(std::string_view text);

/// The text without the control sequences that colour it (ECMA-48 CSI: ESC [ ... final byte).
std::string without_csi(std::string_view text);

/// True when the bytes are well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool valid_utf8(std::string_view text) noexcept;

std::string hex(std::string_view bytes);
std::string base64(std::string_view bytes);

std::vector<std::string> split(std::string_view text, char separator);
std::string join(const std::vector<std::string>& parts, std::string_view separator);
std::string_view trim(std::string_view text) noexcept;
bool starts_with(std::string_view text, std::string_view prefix) noexcept;
bool ends_with(std::string_view text, std::string_view suffix) noexcept;

/// Levenshtein distance, for "did you mean".
std::size_t edit_distance(std::string_view a, std::string_view b);
/// The candidate within distance 2 that is nearest, or empty.
std::string nearest(std::string_view word, const std::vector<std::string>& candidates);

/// True when `text` matches `pattern`, in which * stands for any run of characters without '/'.
bool glob_component(std::string_view pattern, std::string_view text) noexcept;

}  // namespace scc::str
