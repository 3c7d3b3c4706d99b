// SPDX-License-Identifier: Apache-2.0
// Reads one JSON document on stdin: what an organisation allows and denies, and requests with the addresses
// that their names have. Writes squid.conf and the pages into the directory that it names, and the
// evaluator's decisions to stdout. The rules take the real way: layers, compute, make_rules.
#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "acl/acl.h"
#include "egress/decide.h"
#include "egress/record.h"
#include "policy/compute.h"

namespace scc {
namespace {

Result<egress::Rules> rules_of(const json::Value& in) {
  model::Org org;
  org.schema_version = "1.1.0";
  org.organization = {"Acme", "acme", "", ""};
  org.defaults.network_policy = model::NetworkPolicy::web_egress_enforced;
  org.defaults.egress.allow = in.strings_at("/allow");
  org.security.egress_deny = in.strings_at("/deny");
  policy::Layers layers;
  layers.org = &org;
  SCC_TRY(const model::Effective effective, policy::compute(layers));
  return egress::make_rules(effective, {});
}

void write(const std::filesystem::path& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

void configure(const json::Value& in, const egress::Rules& rules) {
  std::vector<scc_squid::Rule> same;
  for (const egress::Rule& rule : rules) {
    same.push_back({rule.id, rule.allow, rule.host, rule.ports, rule.layer, rule.owner});
  }
  const std::filesystem::path dir = in.str("/dir");
  scc_squid::Settings settings;
  settings.listen_port = static_cast<int>(in.integer("/port", 3128));
  settings.dns_servers = {in.str("/dns")};
  settings.access_log = dir / "access.log";
  settings.cache_log = dir / "cache.log";
  settings.error_dir = dir / "errors";
  settings.denied_blocks = in.strings_at("/denied_blocks");
  settings.internal_blocks = in.strings_at("/internal_blocks");
  std::filesystem::create_directories(settings.error_dir);
  write(dir / "squid.conf", scc_squid::compile(same, settings));
  for (const auto& [name, text] : scc_squid::pages(same))
    write(std::filesystem::path(settings.error_dir) / name, text);
}

int run() {
  std::stringstream text;
  text << std::cin.rdbuf();
  const auto in = json::parse(text.str());
  if (!in) throw std::runtime_error(in.error().message);
  const auto rules = rules_of(*in);
  if (!rules) throw std::runtime_error(rules.error().message);
  configure(*in, *rules);
  const egress::Addressing addressing{in->strings_at("/denied_blocks"), in->strings_at("/internal_blocks")};
  json::Array out;
  const json::Value* requests = in->at("/requests");
  for (const json::Value& item : requests != nullptr ? requests->items() : json::Array{}) {
    const egress::Request request{item.str("/method"), item.str("/scheme"), item.str("/host"),
                                  static_cast<int>(item.integer("/port"))};
    const model::Strings addresses = item.strings_at("/addresses");
    out.push_back(egress::to_json(egress::decide(*rules, request, &addresses, addressing)));
  }
  std::cout << json::dump(out) << "\n";
  return 0;
}

/// The proxy's log on stdin into the record of a session below `state`; how many of its lines were decisions.
int record(const char* state, const char* session) {
  os::Paths paths;
  paths.state = state;
  auto recorder = egress::Recorder::open(paths, session);
  if (!recorder) throw std::runtime_error(recorder.error().message);
  int recorded = 0;
  for (std::string line; std::getline(std::cin, line);) {
    const auto done = recorder->append(line);
    if (!done) throw std::runtime_error(done.error().message + ": " + line);
    recorded += *done ? 1 : 0;
  }
  if (const auto synced = recorder->sync(); !synced) throw std::runtime_error(synced.error().message);
  std::cout << recorded << "\n";
  return 0;
}

}  // namespace
}  // namespace scc

int main(int argc, char** argv) {
  try {
    if (argc == 4 && std::string_view(argv[1]) == "--record") return scc::record(argv[2], argv[3]);
    return scc::run();
  } catch (const scc::sdk::Failure& failure) {
    std::cerr << failure.code << ": " << failure.message << "\n";
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
  }
  return 1;
}
