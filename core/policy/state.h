// SPDX-License-Identifier: Apache-2.0
// What compute holds while it walks through the layers: the compiled lists, what is in effect so far with who
// asked for it, and the gates. Private to core/policy; its functions lie in one file a concern. No I/O.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "policy/compute.h"
#include "policy/matcher.h"
#include "policy/mcp.h"

namespace scc::policy {

/// Joins parts to a JSON pointer (RFC 6901), escaping '~' and '/'.
std::string pointer(std::initializer_list<std::string_view> parts);
std::string pointer(std::string_view base, std::size_t index);

/// Who asks: the layer's name in records and its short one.
struct Asker {
  enum class Layer { org, team, personal, project } layer = Layer::org;
  std::string source;  ///< org.defaults, team.<name>, personal, project
  std::string by;      ///< org, team, personal, project
};

/// Why a gate said no.
struct Refusal {
  bool blocked = false;  ///< a block list or a hard rule; else a denial
  bool liftable = true;  ///< by exceptions at all
  std::string code;
  std::string reason;
  std::string source;
  std::string rule;
};

/// An exception that applies, and where it stands.
struct Lift {
  const model::Exception* exception = nullptr;
  std::string source;  ///< policy, repo, user
  std::string rule;
};

/// One plugin in effect.
struct PluginItem {
  std::string ref;
  Asker asker;
  std::string entry;
  std::vector<std::pair<std::string, std::string>> also;  ///< who else asked, and where
  std::size_t decision = 0;                               ///< index of its decision
  bool alive = true;
};
struct McpItem {
  model::McpServer server;
  Asker asker;
  std::string entry;
  std::size_t decision = 0;
  bool required = false;  ///< of a required bundle: cannot be switched off
  bool alive = true;
};

class State {
 public:
  explicit State(const Layers& layers);
  Status run();
  model::Effective take() { return std::move(out_); }

 private:
  // compute.cpp: the order of the layers
  void organisation();
  Status team();
  void personal();
  void project();
  void final_pass();
  void finish();

  // gates.cpp
  enum class Thing { plugin, mcp, dev, image };
  std::optional<Refusal> delegated(const Asker& asker, Thing thing) const;
  std::optional<Refusal> project_rule() const;
  std::optional<Refusal> team_rule(Thing thing) const;
  std::optional<Refusal> plugin_refusal(const Asker& asker, const std::string& ref) const;
  std::optional<Refusal> mcp_refusal(const Asker& asker, const model::McpServer& server, bool catalogued);
  std::optional<Refusal> network_refusal(const model::McpServer& server) const;
  std::optional<Refusal> stdio_refusal(const model::McpServer& server) const;
  void request_plugin(const Asker& asker, const std::string& text, std::string entry);
  void request_mcp(const Asker& asker, model::McpServer server, std::string entry, bool catalogued = false,
                   bool required = false);
  void refuse(const Refusal& refusal, const Asker& asker, std::string item, std::string_view type,
              std::string entry);

  // exceptions.cpp
  void read_exceptions();
  bool usable(const model::Exception& exception, bool local, std::string_view source);
  std::optional<Lift> lift(const Refusal& refusal, const std::string& ref) const;
  std::optional<Lift> lift(const Refusal& refusal, const Asker& asker, const model::McpServer& server) const;
  bool local_target(const std::string& target, const std::string& ref) const;
  void applied(const Lift& lift);

  // removal.cpp
  bool optional_plugin(const std::string& ref) const { return optional_plugins_.matches_plugin(ref); }
  void remove_plugins(const Asker& asker, const model::Strings& patterns, const std::string& base);
  void remove_plugin(PluginItem& item, const Asker& asker, const std::string& rule);
  void remove_servers(const Asker& asker, const model::Strings& patterns, const std::string& base);
  void personal_removals(const Asker& asker);

  // limits.cpp
  void network(const std::optional<model::NetworkPolicy>& wanted, const Asker& asker,
               const std::string& entry);
  void session(const model::Session& wanted, const Asker& asker, const std::string& base);
  void timeout(std::int64_t wanted, const Asker& asker, const std::string& entry);
  void auto_resume(bool wanted, const Asker& asker, const std::string& entry);
  void enforce_live(bool wanted, const Asker& asker, const std::string& entry);
  void providers(const std::optional<model::Strings>& wanted, const Asker& asker, const std::string& entry);
  void images(const model::StringMap& wanted, const Asker& asker, const std::string& base);
  void dev_environment(const model::DevEnvironment& wanted, const Asker& asker, const std::string& base);
  void dev_actions(const std::vector<model::DevAction>& wanted, const Asker& asker, const std::string& base,
                   std::string_view plural, std::vector<model::EffectiveDevAction>& into);

  // egress.cpp
  Status egress();
  Status egress_layer(const model::Egress& wanted, const Asker& asker, const std::string& base);
  Status allow_target(const std::string& text, const std::string& source, const std::string& rule);
  Status deny_targets(const model::Strings& targets, const std::string& source, const std::string& base);
  Status narrow_egress(const model::Egress& wanted, const Asker& asker, const std::string& base);
  void reachable_servers();

  // bundles.cpp
  Status bundles(const model::Strings& names, const Asker& asker, const std::string& base);
  Status bundle_member(const std::string& bundle, const std::string& member, const Asker& asker,
                       model::EffectiveBundle& out);

  // records
  std::size_t decide(model::Decision decision);
  void replace_decision(model::Decision decision);
  void forget_decision(std::size_t index) { out_.decisions[index].field.clear(); }
  void warn(std::string text);
  std::string layer_reason(const Asker& asker) const;
  void unknown_marketplace(const std::string& ref);
  /// Where a team's own entries stand: in the organisation's document, below its profile.
  std::string team_base() const { return pointer({"profiles", layers_.team}); }

  const Layers& layers_;
  const model::Org& org_;
  const model::Team* team_ = nullptr;
  model::Effective out_;
  model::Strings aliases_;
  std::set<std::string, std::less<>> markets_;
  std::set<std::string> warned_markets_;

  GlobList blocked_plugins_;
  GlobList disabled_plugins_;
  GlobList optional_plugins_;
  std::optional<GlobList> allowed_plugins_;
  GlobList blocked_mcp_;
  std::optional<GlobList> allowed_mcp_;
  StdioRules stdio_;
  std::vector<Lift> policy_;
  std::vector<Lift> local_;  ///< repo, then user

  std::vector<PluginItem> plugins_;
  std::unordered_map<std::string, std::size_t> plugin_index_;  ///< folded ref -> plugins_
  std::set<std::string> plugin_answered_;                      ///< folded ref and asker
  std::unordered_map<std::string, std::string> personal_off_;  ///< folded ref -> entry
  std::vector<McpItem> servers_;
  std::unordered_map<std::string, std::string> claimed_;  ///< folded server name -> who has it
  std::map<std::string, std::size_t> fields_;             ///< single-valued decisions
};

}  // namespace scc::policy
