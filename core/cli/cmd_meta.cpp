// SPDX-License-Identifier: Apache-2.0
// `scc version` and `scc completion`: no plugin, no engine, no configuration is touched.
#include <cstdio>

#include "base/str.h"
#include "cli/command.h"
#include "scc/base.h"

namespace scc::cli {

namespace {

Result<int> run_version(Env& env, const Args& /*args*/) {
  const std::string abi = std::to_string(SCC_ABI_MAJOR) + "." + std::to_string(SCC_ABI_MINOR);
  json::Value data;
  data["version"] = app::kVersion;
  data["sdk_abi"] = abi;
  data["platform"] = plugin::platform();
  env.console.line("scc " + std::string(app::kVersion) + " (SDK ABI " + abi + ", " +
                   std::string(plugin::platform()) + ")");
  env.console.envelope("Version", data);
  return 0;
}

/// One function that offers command words by position and the options of the command typed so far.
std::string bash_script() {
  std::string words;
  std::string cases;
  std::string globals;
  for (const OptionSpec& option : global_options()) globals += "--" + std::string(option.name) + " ";
  for (const Command& command : commands()) {
    const std::string path(command.path);
    words += path.substr(0, path.find(' ')) + " ";
    std::string options;
    for (const OptionSpec& option : command.options) options += "--" + std::string(option.name) + " ";
    cases += "    \"" + path + "\") options=\"" + options + "\" ;;\n";
    if (const std::size_t space = path.find(' '); space != std::string::npos) {
      cases += "    \"" + path.substr(0, space) + "\") words=\"$words " + path.substr(space + 1) + "\" ;;&\n";
    }
  }
  return "# bash completion for scc\n_scc() {\n  local current=${COMP_WORDS[COMP_CWORD]} path=\"\" word "
         "options=\"\" words=\"\"\n"
         "  for word in \"${COMP_WORDS[@]:1:COMP_CWORD-1}\"; do\n    [[ $word == -- ]] && return\n    [[ "
         "$word == -* ]] && continue\n"
         "    path=\"${path:+$path }$word\"\n  done\n  [[ -z $path ]] && words=\"" +
         words + "\"\n  case $path in\n" + cases +
         "  esac\n  if [[ $current == -* ]]; then\n    COMPREPLY=($(compgen -W \"$options " + globals +
         "\" -- \"$current\"))\n  elif [[ -n $words ]]; then\n    COMPREPLY=($(compgen -W \"$words\" -- "
         "\"$current\"))\n"
         "  else\n    COMPREPLY=($(compgen -f -- \"$current\"))\n  fi\n}\ncomplete -F _scc scc\n";
}

Result<int> run_completion(Env& /*env*/, const Args& args) {
  const std::string shell = args.positional.empty() ? "" : args.positional[0];
  if (shell != "bash") {
    return fail(Kind::usage, "cli.usage",
                "completion is made for bash" + (shell.empty() ? "" : ", not for " + shell),
                "run `scc completion bash`");
  }
  const std::string script = bash_script();
  std::fwrite(script.data(), 1, script.size(), stdout);
  return 0;
}

}  // namespace

std::vector<Command> meta_commands() {
  return {
      {"version", "print version, SDK ABI and platform", "", {}, 0, false, run_version},
      {"completion", "print the completion script for a shell", "bash", {}, 1, false, run_completion},
  };
}

}  // namespace scc::cli
