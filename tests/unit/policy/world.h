// SPDX-License-Identifier: Apache-2.0
// Random layers for the property tests: small vocabularies, so that patterns, names and teams meet often,
// with hostile spellings among them.
#pragma once

#include <memory>
#include <string>

#include "policy/compute.h"
#include "unit/policy/random.h"

namespace scc::policy::testing {

/// Layers whose organisation lives beside them. Copies are deep.
struct World {
  World() { layers.org = &org; }
  World(const World& other) : org(other.org), layers(other.layers) { layers.org = &org; }
  World& operator=(const World&) = delete;
  World(World&&) = delete;
  World& operator=(World&&) = delete;
  ~World() = default;

  model::Org org;
  Layers layers;
};

class WorldMaker {
 public:
  explicit WorldMaker(Random& random) : random_(random) {}

  std::unique_ptr<World> make();
  std::string plugin();   ///< a reference in any spelling, sometimes not valid
  std::string pattern();  ///< of plugins
  std::string server_pattern();
  std::string target();
  std::string image();
  std::string provider();
  std::string team_pattern();
  model::NetworkPolicy network();

 private:
  template <class F>
  model::Strings list(std::size_t most, F&& one) {
    model::Strings out(random_.below(most + 1));
    for (std::string& item : out) item = one();
    return out;
  }
  model::McpServer server();
  std::vector<model::McpServer> servers(std::size_t most);
  model::Session session();
  model::DevEnvironment dev();
  model::Exception exception(bool local);
  void security(model::Org& org);
  void defaults(model::Org& org);
  void delegation(model::Org& org);
  void team(model::Team& team);
  void layers(World& world);

  Random& random_;
};

}  // namespace scc::policy::testing
