// SPDX-License-Identifier: Apache-2.0
// Shadowing is by trust and not by order (sdk.md §5): who may write a user's directory must not be able to
// take the place of a component that root installed. Ids owned by system, bundled and built-in plugins are
// therefore settled first, and only an explicit override lets a dev or user plugin have them. Between equals
// the order of the search list decides. A plugin with one component that belongs to another is shadowed as a
// whole: half a plugin is nothing that anybody tested.
#include <algorithm>
#include <map>
#include <set>

#include "plugin/discovery.h"

namespace scc::plugin {

namespace {

bool owned_by_root(TrustClass trust) {
  return trust == TrustClass::system || trust == TrustClass::bundled || trust == TrustClass::builtin;
}

class Settling {
 public:
  Settling(std::vector<Entry>& entries, const std::vector<std::string>& allow_override)
      : entries_(entries), override_(allow_override) {}

  void run() {
    // First the overrides (search order), then built-in, bundled, system. What the policy denied of these
    // gives way to what the policy vouches for, and to nothing else. Then the rest in search order.
    each([&](const Entry& e) { return !owned_by_root(e.trust) && overrides(e); });
    for (const TrustClass trust : {TrustClass::builtin, TrustClass::bundled, TrustClass::system}) {
      each([&](const Entry& e) { return e.trust == trust && e.state != State::denied; });
    }
    each([](const Entry& e) { return !owned_by_root(e.trust) && e.policy.vouched; });
    each([](const Entry& e) { return owned_by_root(e.trust) && e.state == State::denied; });
    each([](const Entry& e) { return !owned_by_root(e.trust); });
  }

 private:
  bool named(const std::string& id) const {
    return std::find(override_.begin(), override_.end(), id) != override_.end();
  }

  bool overrides(const Entry& entry) const {
    if (entry.state != State::ready) return false;
    return named(entry.manifest.id) ||
           std::any_of(entry.manifest.components.begin(), entry.manifest.components.end(),
                       [&](const ManifestComponent& c) { return named(c.id); });
  }

  template <class F>
  void each(F&& wanted) {
    for (std::size_t i = 0; i < entries_.size(); ++i) {
      if (!wanted(entries_[i]) || !settled_.insert(i).second) continue;
      claim(i);
    }
  }

  void claim(std::size_t index) {
    Entry& entry = entries_[index];
    const auto plugin_owner = plugins_.find(entry.manifest.id);
    if (plugin_owner != plugins_.end())
      return shadow(entry, plugin_owner->second, "the plugin " + entry.manifest.id);
    // A broken entry must not take ids away from working ones, except where root put it: then its id is
    // taken.
    const bool works = entry.state == State::ready;
    if (!works && !owned_by_root(entry.trust)) return;
    if (works) {
      for (const ManifestComponent& c : entry.manifest.components) {
        const auto owner = components_.find(c.kind + " " + c.id);
        if (owner != components_.end()) return shadow(entry, owner->second, "the " + c.kind + " " + c.id);
      }
    }
    plugins_.emplace(entry.manifest.id, index);
    for (const ManifestComponent& c : entry.manifest.components)
      components_.emplace(c.kind + " " + c.id, index);
  }

  void shadow(Entry& entry, std::size_t owner_index, const std::string& what) {
    if (entry.state != State::ready) return;  // what is wrong with it says more
    const Entry& owner = entries_[owner_index];
    std::string hint;
    if (owned_by_root(owner.trust) && !owned_by_root(entry.trust)) {
      hint = "name it with --allow-override " + entry.manifest.id + " to use this one";
    }
    refuse(entry, State::shadowed,
           Error{Kind::policy,
                 "plugin.shadowed",
                 "shadowed by " + owner.manifest.id + " (" + std::string(to_string(owner.trust)) +
                     "), which provides " + what,
                 std::move(hint),
                 {}});
  }

  std::vector<Entry>& entries_;
  const std::vector<std::string>& override_;
  std::set<std::size_t> settled_;
  std::map<std::string, std::size_t> plugins_;
  std::map<std::string, std::size_t> components_;
};

}  // namespace

void resolve_shadowing(std::vector<Entry>& entries, const std::vector<std::string>& allow_override) {
  Settling(entries, allow_override).run();
  const auto loser = [](const Entry& e) { return e.state == State::shadowed || e.state == State::denied; };
  std::stable_sort(entries.begin(), entries.end(), [&](const Entry& a, const Entry& b) {
    if (a.manifest.id != b.manifest.id) return a.manifest.id < b.manifest.id;
    return loser(a) < loser(b);
  });
}

}  // namespace scc::plugin
