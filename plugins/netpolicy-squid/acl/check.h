// SPDX-License-Identifier: Apache-2.0
// The grammars of everything that compile() writes into the configuration. Private to this folder.
#pragma once

#include "acl.h"
#include "blocks.h"

namespace scc_squid {

/// A name of two labels or more, lower-case letters, digits and hyphens, not ending like an address; for
/// denials one label will do.
bool plain_name(std::string_view name, bool one_label);
/// Throws Failure egress.rule.
void check_rules(const std::vector<Rule>& rules);
/// Throws Failure egress.settings.
void check_settings(const Settings& settings);
/// Letters, digits and " ._:/@()+-,"; anything else becomes '?'. At most 128 bytes.
std::string plain_text(std::string_view text);
/// Is the rule's host an address block?
bool is_block(const Rule& rule);

}  // namespace scc_squid
