// SPDX-License-Identifier: Apache-2.0
// A safety check in C++17: no `terraform destroy`, and no `kubectl delete` in a protected context.
#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include <scc/sdk/plugin.hpp>

namespace {
using namespace scc::sdk;

constexpr std::string_view kUnknown("\0", 1);  // in an argument: text that is known only when it runs

bool unknown(std::string_view word) {
  return word.find(kUnknown) != std::string_view::npos;
}
std::string_view program(const Command& command) {
  const std::string_view path = command[0];
  return path.substr(path.rfind('/') + 1);
}

/// The arguments that are no options; a value of "--name value" counts as one, which only makes it stricter.
std::vector<std::string_view> operands(const Command& command) {
  std::vector<std::string_view> out;
  for (std::size_t i = 1; i < command.size(); ++i) {
    if (command[i].substr(0, 1) != "-") out.push_back(command[i]);
  }
  return out;
}
bool among(const std::vector<std::string_view>& words, std::string_view word) {
  return std::any_of(words.begin(), words.end(),
                     [&](std::string_view one) { return one == word || unknown(one); });
}

class Guardrails {
 public:
  Guardrails(Host, const Json& config) : contexts_(config.strings("/config/protected_contexts")) {}

  SafetyRules rules() const {
    return {{{"guardrails.terraform_destroy",
              "block_terraform_destroy",
              "block",
              "infrastructure is destroyed",
              {"terraform destroy", "terraform apply -destroy"},
              {"terraform plan"}},
             {"guardrails.kubectl_delete",
              "block_kubectl_delete",
              "block",
              "objects of a protected context are deleted",
              {"kubectl --context prod delete pod x"},
              {"kubectl get pods"}}}};
  }

  Verdict evaluate(const Command& command) const {
    if (program(command) == "terraform" && destroys(command))
      return {SCC_BLOCK, "guardrails.terraform_destroy",
              "terraform would destroy infrastructure; `terraform plan -destroy` shows what"};
    if (program(command) == "kubectl" && among(operands(command), "delete") && protected_context(command))
      return {SCC_BLOCK, "guardrails.kubectl_delete",
              "kubectl would delete in a protected context; name another one with --context"};
    return {};
  }

 private:
  static bool destroys(const Command& command) {
    if (among(operands(command), "destroy")) return true;
    for (std::size_t i = 1; i < command.size(); ++i) {
      if (command[i] == "-destroy" || command[i] == "--destroy" || unknown(command[i]))
        return among(operands(command), "apply");
    }
    return false;
  }

  /// Without --context it is the current one, which is not known here.
  bool protected_context(const Command& command) const {
    constexpr std::string_view kOption = "--context";
    for (std::size_t i = 1; i < command.size(); ++i) {
      std::string_view name = command[i];
      if (name == kOption)
        name = command[i + 1];
      else if (name.substr(0, kOption.size() + 1) == "--context=")
        name.remove_prefix(kOption.size() + 1);
      else
        continue;
      return unknown(name) || std::find(contexts_.begin(), contexts_.end(), name) != contexts_.end();
    }
    return true;
  }

  std::vector<std::string> contexts_;
};
}  // namespace

SCC_PLUGIN(SCC_PLUGIN_ID, SCC_PLUGIN_VERSION, safety<Guardrails>("guardrails"))
