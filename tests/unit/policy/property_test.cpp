// SPDX-License-Identifier: Apache-2.0
// What must hold for all layers (docs/config.md, properties): tightening never opens anything, nobody below
// the organisation loosens its network, no request gets lost or is answered twice, spelling does not matter,
// egress grows only by delegation, and what `why` suggests does what it says. SCC_TEST_SEED plays a run
// again.
#include <algorithm>
#include <set>

#include "base/str.h"
#include "model/parse.h"
#include "policy/explain.h"
#include "policy/matcher.h"
#include "policy/mcp.h"
#include "policy/state.h"
#include "policy/targets.h"
#include "policy/why.h"
#include "unit/policy/fixture.h"
#include "unit/policy/world.h"

namespace scc::policy {
namespace {

using namespace testing;
using model::Strings;
using Set = std::set<std::string>;

Set plugins_of(const model::Effective& effective) {
  Set out;
  for (const std::string& ref : effective.plugins) out.insert(fold(ref));
  return out;
}

/// Servers by what they are, not only by name.
Set servers_of(const model::Effective& effective) {
  Set out;
  for (const auto& one : effective.mcp_servers) {
    out.insert(fold(one.server.name) + "\n" + one.server.url + "\n" + one.server.command);
  }
  return out;
}

bool within(const Set& inner, const Set& outer) {
  return std::includes(outer.begin(), outer.end(), inner.begin(), inner.end());
}

/// Each target of `inner` is covered by one of `outer`.
std::string uncovered(const Strings& inner, const Strings& outer) {
  for (const std::string& text : inner) {
    const auto target = parse_target(text);
    if (!target || find_cover(outer, *target) == outer.size()) return text;
  }
  return {};
}

model::NetworkPolicy tighter(WorldMaker& maker, const std::optional<model::NetworkPolicy>& now) {
  return std::max(maker.network(), now.value_or(model::NetworkPolicy::open));
}

/// One tightening edit somewhere; returns what it was.
std::string tighten(Random& random, WorldMaker& maker, World& world) {
  const auto insert = [&](Strings& list, std::string item) {
    list.insert(list.begin() + static_cast<std::ptrdiff_t>(random.below(list.size() + 1)), std::move(item));
  };
  const auto shorten = [&](model::Session& session) {
    const std::int64_t now = session.timeout_hours.value_or(24);
    session.timeout_hours = 1 + static_cast<std::int64_t>(random.below(static_cast<std::size_t>(now)));
  };
  const auto team = world.org.profiles.find(world.layers.team);
  switch (random.below(10)) {
    case 0:
    case 1:
      insert(world.org.security.blocked_plugins, random.chance(50) ? maker.pattern() : maker.plugin());
      return "blocked_plugins";
    case 2:
    case 3:
      insert(world.org.security.blocked_mcp_servers, maker.server_pattern());
      return "blocked_mcp_servers";
    case 4:
      insert(world.org.security.blocked_base_images, maker.image());
      return "blocked_base_images";
    case 5:
      world.org.defaults.network_policy = tighter(maker, world.org.defaults.network_policy);
      return "organisation's network";
    case 6:
      if (team != world.org.profiles.end())
        team->second.network_policy = tighter(maker, team->second.network_policy);
      return "team's network";
    case 7:
      if (!world.layers.project) world.layers.project.emplace();
      world.layers.project->network_policy = tighter(maker, world.layers.project->network_policy);
      return "project's network";
    case 8:
      shorten(world.org.defaults.session);
      return "organisation's timeout";
    default:
      if (team != world.org.profiles.end()) shorten(team->second.session);
      return "team's timeout";
  }
}

TEST(Property, TighteningNeverOpensAnything) {
  Random random("tightening never opens anything");
  WorldMaker maker(random);
  int changed = 0;
  for (int i = 0; i < kCases; ++i) {
    const auto world = maker.make();
    World tight(*world);
    std::string what;
    for (std::size_t edits = 1 + random.below(2); edits > 0; --edits)
      what += " " + tighten(random, maker, tight);
    const auto before = computed(world->layers);
    const auto after = computed(tight.layers);
    ASSERT_TRUE(within(plugins_of(after), plugins_of(before))) << i << what;
    ASSERT_TRUE(within(servers_of(after), servers_of(before))) << i << what;
    ASSERT_EQ(uncovered(after.egress.allow, before.egress.allow), "") << i << what;
    changed += plugins_of(after) != plugins_of(before) || servers_of(after) != servers_of(before) ? 1 : 0;
  }
  EXPECT_GT(changed, kCases / 20) << "the edits hardly touch anything";
}

TEST(Property, NobodyLoosensTheOrganisationsNetwork) {
  Random random("nobody loosens the organisation's network");
  WorldMaker maker(random);
  for (int i = 0; i < kCases; ++i) {
    const auto world = maker.make();
    const auto effective = computed(world->layers);
    const auto wanted = world->org.defaults.network_policy;
    if (!wanted) continue;
    ASSERT_TRUE(effective.network_policy) << i;
    ASSERT_GE(*effective.network_policy, *wanted) << i;
  }
}

/// A request as the layers hold it.
struct Request {
  std::string type;
  std::string by;
  std::string item;  ///< folded; canonical for plugins
  std::string entry;
};

std::vector<Request> requests_of(const World& world) {
  std::vector<Request> out;
  Strings org_aliases;
  for (const auto& [alias, market] : world.org.marketplaces) org_aliases.push_back(alias);
  const auto plugin = [&](const std::string& by, const std::string& text, std::string entry) {
    const auto ref = model::normalise_plugin_ref(text, org_aliases);
    out.push_back({"plugin", by, fold(ref ? *ref : text), std::move(entry)});
  };
  const auto server = [&](const std::string& by, const model::McpServer& one, std::string entry) {
    out.push_back({"mcp_server", by, fold(mcp_item(one)), std::move(entry)});
  };
  const auto all = [&](const std::string& by, const Strings& plugins, const std::string& base,
                       const std::vector<model::McpServer>& servers, const std::string& servers_base) {
    for (std::size_t i = 0; i < plugins.size(); ++i) plugin(by, plugins[i], pointer(base, i));
    for (std::size_t i = 0; i < servers.size(); ++i) server(by, servers[i], pointer(servers_base, i));
  };
  all("org", world.org.defaults.enabled_plugins, "/defaults/enabled_plugins", {}, "");
  if (const auto team = world.org.profiles.find(world.layers.team); team != world.org.profiles.end()) {
    const std::string base = "/profiles/" + world.layers.team;
    all("team", team->second.additional_plugins, base + "/additional_plugins",
        team->second.additional_mcp_servers, base + "/additional_mcp_servers");
  }
  if (const auto& file = world.layers.team_file) {
    all("team", file->enabled_plugins, "/enabled_plugins", file->additional_mcp_servers,
        "/additional_mcp_servers");
  }
  if (const auto& personal = world.layers.personal) {
    for (const auto& [ref, on] : personal->plugins) {
      if (on) plugin("personal", ref, pointer({"plugins", ref}));
    }
    all("personal", {}, "", personal->mcp_servers, "/mcp_servers");
  }
  if (const auto& project = world.layers.project) {
    all("project", project->additional_plugins, "/additional_plugins", project->additional_mcp_servers,
        "/additional_mcp_servers");
  }
  return out;
}

/// In how many of the lists the answer to a request stands: refused once, or in effect.
int answers(const Request& request, const model::Effective& effective) {
  const bool plugin = request.type == "plugin";
  int count = 0;
  int here = 0;  // of these, the answers that name this very entry
  const auto add = [&](const auto& refusals) {
    for (const auto& one : refusals) {
      const bool same =
          one.target_type == request.type && one.requested_by == request.by && fold(one.item) == request.item;
      here += same && one.entry == request.entry ? 1 : 0;
      count += same && (plugin || one.entry == request.entry) ? 1 : 0;
    }
  };
  add(effective.blocked);
  add(effective.denied);
  add(effective.disabled);
  if (plugin) {
    // What cannot be read is answered for each of its spellings: "" and " " are two entries of one layer.
    if (here > 0) return here;
    // A plugin that another layer brought is in effect for everybody who asked for it.
    const bool in_effect = plugins_of(effective).count(request.item) > 0;
    return count == 0 && in_effect ? 1 : count;
  }
  for (const auto& one : effective.ignored) {
    const std::string by = one.source.substr(0, one.source.find('.'));
    count += one.code == "DUPLICATE_NAME" && by == request.by && one.entry == request.entry &&
             fold(one.field) == "mcp_servers." + request.item;
  }
  for (const auto& one : effective.mcp_servers) {
    const std::string by = one.source.substr(0, one.source.find('.'));
    count += by == request.by && one.entry == request.entry && fold(mcp_item(one.server)) == request.item;
  }
  return count;
}

TEST(Property, EachRequestHasOneAnswer) {
  Random random("each request has one answer");
  WorldMaker maker(random);
  std::size_t requests = 0;
  for (int i = 0; i < kCases; ++i) {
    const auto world = maker.make();
    // A personal "off" for what cannot be read is answered too, as a denial of the same item.
    const auto effective = computed(world->layers);
    for (const Request& request : requests_of(*world)) {
      ++requests;
      ASSERT_EQ(answers(request, effective), 1) << i << ": " << request.type << " '" << request.item
                                                << "' by " << request.by << " at " << request.entry << '\n'
                                                << json::pretty(to_json(effective));
    }
    // What is in effect was asked for, and stands in no list of blocks.
    for (const auto& one : effective.blocked) {
      const bool plugin = one.target_type == "plugin";
      ASSERT_FALSE(plugin && plugins_of(effective).count(fold(one.item)) > 0) << one.item;
    }
  }
  EXPECT_GT(requests, static_cast<std::size_t>(kCases));
}

TEST(Property, EqualInputsGiveEqualBytes) {
  Random random("equal inputs give equal bytes");
  WorldMaker maker(random);
  for (int i = 0; i < kCases; ++i) {
    const auto world = maker.make();
    const World copy(*world);
    const auto first = computed(world->layers);
    const auto second = computed(copy.layers);
    ASSERT_EQ(json::dump(to_json(first)), json::dump(to_json(second))) << i;
    if (i % 50 != 0) continue;  // with advice it costs much more
    const auto data = explain({world->layers, first, {}, {}, {}, {}, {}});
    ASSERT_EQ(json::dump(data), json::dump(explain({copy.layers, second, {}, {}, {}, {}, {}}))) << i;
    ASSERT_FALSE(explain_rows(data).empty());
  }
}

/// The same reference, written differently. What is not name@marketplace stays as it is.
std::string respell(Random& random, const std::string& text) {
  const std::string trimmed(str::trim(text));
  const std::size_t at = trimmed.find('@');
  if (at == std::string::npos || at == 0 || !model::normalise_plugin_ref(trimmed, {})) return text;
  std::string name = trimmed.substr(0, at);
  std::string market = trimmed.substr(at + 1);
  if (random.chance(50)) {
    for (std::string* part : {&name, &market}) {
      for (char& c : *part) {
        if (c >= 'a' && c <= 'z' && random.chance(50)) c = static_cast<char>(c - 'a' + 'A');
      }
    }
  }
  std::string out = random.chance(50) ? "@" + market + "/" + name : name + "@" + market;
  if (random.chance(50)) out = "  " + out + "\t";
  return out;
}

/// Item, code and asker of each record, without order and case.
std::multiset<std::string> verdicts(const model::Effective& effective) {
  std::multiset<std::string> out;
  for (const auto& one : effective.blocked) out.insert("b " + fold(one.item) + one.code + one.requested_by);
  for (const auto& one : effective.denied) out.insert("d " + fold(one.item) + one.code + one.requested_by);
  for (const auto& one : effective.disabled) out.insert("x " + fold(one.item) + one.requested_by);
  for (const auto& one : effective.ignored) out.insert("i " + fold(one.field) + one.code);
  return out;
}

TEST(Property, SpellingDoesNotMatter) {
  Random random("spelling does not matter");
  WorldMaker maker(random);
  for (int i = 0; i < kCases; ++i) {
    const auto world = maker.make();
    World other(*world);
    const auto each = [&](Strings& list) {
      for (std::string& text : list) text = respell(random, text);
    };
    each(other.org.defaults.enabled_plugins);
    for (auto& [name, team] : other.org.profiles) each(team.additional_plugins);
    if (other.layers.team_file) each(other.layers.team_file->enabled_plugins);
    if (other.layers.project) each(other.layers.project->additional_plugins);
    if (other.layers.personal) {
      for (auto& one : other.layers.personal->plugins) one.first = respell(random, one.first);
    }
    for (auto& one : other.layers.user_exceptions) each(one.plugins);
    const auto before = computed(world->layers);
    const auto after = computed(other.layers);
    ASSERT_EQ(plugins_of(before), plugins_of(after)) << i;
    ASSERT_EQ(verdicts(before), verdicts(after)) << i;
  }
}

TEST(Property, EgressGrowsOnlyByDelegation) {
  Random random("egress grows only by delegation");
  WorldMaker maker(random);
  int compared = 0;
  for (int i = 0; i < kCases; ++i) {
    const auto world = maker.make();
    World alone(*world);
    alone.layers.project.reset();
    alone.layers.personal.reset();
    alone.layers.team_file.reset();
    alone.layers.team.clear();
    const auto full = computed(world->layers);
    Strings may = computed(alone.layers).egress.allow;
    const auto team = world->org.profiles.find(world->layers.team);
    if (team != world->org.profiles.end()) {
      if (GlobList(world->org.delegation.team_egress).matches(world->layers.team)) {
        may.insert(may.end(), team->second.egress.allow.begin(), team->second.egress.allow.end());
        const auto& file = world->layers.team_file;
        if (file) may.insert(may.end(), file->egress.allow.begin(), file->egress.allow.end());
      }
      // Hosts of the team's servers, which only delegation or an exception brings into effect.
      for (const auto& one : full.mcp_servers) {
        if (one.source == "team." + world->layers.team) may.push_back(mcp_destination(one.server));
      }
    }
    ++compared;
    ASSERT_EQ(uncovered(full.egress.allow, may), "") << i << '\n' << json::pretty(to_json(full.egress));
  }
  EXPECT_EQ(compared, kCases);
}

/// Is the item in effect? Asked of the result itself, not of `why`.
bool in_effect(const Layers& layers, const model::Effective& effective, const std::string& item,
               const std::string& kind) {
  if (kind == "plugin") {
    Strings aliases;
    for (const auto& [alias, market] : effective.marketplaces) aliases.push_back(alias);
    if (const auto ref = model::normalise_plugin_ref(item, aliases))
      return plugins_of(effective).count(fold(*ref)) > 0;
    // A bare name among several marketplaces means something only while one plugin has it.
    return std::count_if(effective.plugins.begin(), effective.plugins.end(), [&](const std::string& ref) {
             return fold(ref.substr(0, ref.find('@'))) == fold(item);
           }) == 1;
  }
  if (kind == "mcp_server") {
    return std::any_of(effective.mcp_servers.begin(), effective.mcp_servers.end(),
                       [&](const auto& one) { return fold(mcp_item(one.server)) == fold(item); });
  }
  if (kind == "provider") return check_provider(effective, item).has_value();
  if (kind == "image") {
    for (const auto& one : effective.denied) {
      if (one.target_type == "image" && one.item == item) return false;
    }
    return check_image(effective, item, false).has_value();
  }
  const auto policy = effective.network_policy.value_or(model::NetworkPolicy::open);
  if (policy == model::NetworkPolicy::open) return true;
  auto target = parse_target(item);
  if (policy == model::NetworkPolicy::locked_down_web || !target) return false;
  if (target->port < 0) target->port = 443;
  // An allowance without a port opens 443; a denial without one shuts every port.
  const auto opens = [&](const Strings& list) {
    return std::any_of(list.begin(), list.end(), [&](const std::string& text) {
      auto one = parse_target(text);
      if (one && one->port < 0) one->port = 443;
      return one && covers(*one, *target);
    });
  };
  return find_cover(effective.egress.deny, *target) == effective.egress.deny.size() &&
         (opens(effective.egress.allow) || opens(layers.provider_egress));
}

/// Something to ask about: what was refused, or anything at all.
std::pair<std::string, std::string> question(Random& random, WorldMaker& maker,
                                             const model::Effective& effective) {
  std::vector<std::pair<std::string, std::string>> refused;
  const auto add = [&](const std::string& item, const std::string& type) {
    if (type == "plugin" || type == "mcp_server" || type == "image" || type == "provider") {
      refused.emplace_back(item, type);
    }
    if (type == "egress") refused.emplace_back(item, "host");
  };
  for (const auto& one : effective.blocked) add(one.item, one.target_type);
  for (const auto& one : effective.denied) add(one.item, one.target_type);
  for (const auto& one : effective.disabled) add(one.item, one.target_type);
  if (!refused.empty() && random.chance(75)) return random.pick(refused);
  switch (random.below(4)) {
    case 0:
      return {maker.plugin(), "plugin"};
    case 1:
      return {maker.target(), "host"};
    case 2:
      return {maker.image(), "image"};
    default:
      return {maker.provider(), "provider"};
  }
}

TEST(Property, WhatWhySuggestsFlipsTheDecision) {
  Random random("what why suggests flips the decision");
  WorldMaker maker(random);
  int refused = 0;
  int changes = 0;
  int helped = 0;
  for (int i = 0; i < kCases; ++i) {
    const auto world = maker.make();
    world->layers.provider_egress = {"api.vendor.example"};
    const auto before = computed(world->layers);
    const auto [item, kind] = question(random, maker, before);
    if (str::trim(item).empty()) continue;
    const auto answer = why(world->layers, item, kind);
    ASSERT_TRUE(answer) << i << ": " << answer.error().message;
    ASSERT_EQ(answer->verdict == "allowed", in_effect(world->layers, before, answer->item, kind))
        << i << ": " << kind << " '" << item << "' is " << answer->verdict << '\n'
        << json::pretty(to_json(before));
    if (answer->verdict == "allowed") {
      ASSERT_TRUE(answer->changes.empty());
      continue;
    }
    ++refused;
    helped += answer->changes.empty() ? 0 : 1;
    for (const Change& change : answer->changes) {
      ++changes;
      model::Org storage;
      const auto changed = apply(world->layers, change, storage);
      ASSERT_TRUE(changed) << i << ": " << change.text;
      const auto after = compute(*changed);
      ASSERT_TRUE(after) << i << ": " << change.text << ": " << after.error().message;
      ASSERT_TRUE(in_effect(*changed, *after, answer->item, kind))
          << i << ": " << kind << " '" << answer->item << "' stays " << answer->verdict
          << " after: " << change.text;
      ASSERT_FALSE(change.who.empty());
      ASSERT_FALSE(change.text.empty());
    }
  }
  std::cout << refused << " refused, " << helped << " with a change, " << changes << " changes\n";
  EXPECT_GT(refused, kCases / 3);
  // Some refusals have no single remedy (two barriers, built-in ranges, unreadable items), but most do.
  EXPECT_GT(helped, refused / 2);
}

}  // namespace
}  // namespace scc::policy
