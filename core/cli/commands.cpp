// SPDX-License-Identifier: Apache-2.0
// The whole command table, in the order that help shows.
#include "cli/command.h"

namespace scc::cli {

const std::vector<OptionSpec>& global_options() {
  static const std::vector<OptionSpec> kOptions = {
      {"json", 0, "", "print one JSON envelope on stdout"},
      {"pretty", 0, "", "the same, indented"},
      {"quiet", 'q', "", "no progress and no hints"},
      {"debug", 0, "", "say more about errors; write a log"},
      {"yes", 'y', "", "do not ask"},
      {"non-interactive", 0, "", "never ask; fail instead"},
      {"plugin-dir", 0, "DIR", "look for plugins in DIR first (repeatable)", true},
      {"allow-override", 0, "ID", "let a plugin replace an installed one (repeatable)", true},
      {"version", 'v', "", "print the version"},
      {"help", 'h', "", "print help"},
  };
  return kOptions;
}

const std::vector<Command>& commands() {
  static const std::vector<Command> kCommands = [] {
    std::vector<Command> out;
    for (auto& part :
         {start_commands(), session_commands(), sandbox_commands(), provider_commands(), team_commands(),
          config_commands(), explain_commands(), egress_commands(), prove_commands(), exception_commands(),
          profile_commands(), org_commands(), image_commands(), plugin_commands(), safety_commands(),
          undo_commands(), audit_commands(), doctor_commands(), meta_commands()}) {
      out.insert(out.end(), part.begin(), part.end());
    }
    return out;
  }();
  return kCommands;
}

}  // namespace scc::cli
