// SPDX-License-Identifier: Apache-2.0
#include "app/egress.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "app/launch.h"
#include "app/provider_choice.h"
#include "app/sessions.h"
#include "base/str.h"
#include "egress/name.h"
#include "model/grammar.h"

namespace scc::app {

namespace {

bool enforced(const Governance& governance) {
  return governance.network() == model::NetworkPolicy::web_egress_enforced;
}

constexpr int kHttp = 80;
constexpr int kHttps = 443;
constexpr std::size_t kMostSuggestions = 50;

auto no_question(const std::string& text) {
  return fail(Kind::usage, "egress.question", "\"" + str::printable(text.substr(0, 128)) + "\" is no host",
              "name a host: scc egress explain api.example.com:443");
}

/// HOST, HOST:PORT, [V6]:PORT or a URL, as a request of the proxy.
Result<egress::Request> read_question(const std::string& text) {
  egress::Request out;
  std::string host(str::trim(text));
  if (host.find("://") != std::string::npos) {
    const auto url = model::grammar::split_url(host);
    if (!url) return no_question(text);
    host = url->host;
    out.port = url->port >= 0 ? url->port : url->scheme == "http" ? kHttp : kHttps;
    if (url->scheme == "http") out.method = "GET";
  } else {
    const std::size_t colon = host.rfind(':');
    const bool bracket = !host.empty() && host.back() == ']';
    const bool several = colon != std::string::npos && host.find(':') != colon && host.front() != '[';
    if (colon != std::string::npos && !bracket && !several) {
      const std::string port = host.substr(colon + 1);
      const auto [end, code] = std::from_chars(port.data(), port.data() + port.size(), out.port);
      if (code != std::errc{} || end != port.data() + port.size() || out.port < 1 || out.port > 65535)
        return no_question(text);
      host.resize(colon);
    }
    if (out.port == kHttp) out.method = "GET";
  }
  if (host.empty()) return no_question(text);
  SCC_TRY(out.host, egress::to_ascii(host));
  return out;
}

/// What may be changed without the organisation itself giving more: a project's or a team's own file, and the
/// team's part of the document, which counts only where the team is trusted with it.
bool within_ceiling(const policy::Change& change, const std::string& team) {
  if (change.layer != "org") return true;
  return !team.empty() && str::starts_with(change.pointer, "/profiles/") && change.action == "add";
}

struct View {
  Governance governance;
  std::string provider;
  std::vector<egress::ProviderSet> sets;
  egress::Rules rules;
};

Result<std::vector<egress::ProviderSet>> provider_sets(Host& host, const std::string& provider) {
  SCC_TRY(plugin::Registry * registry, host.registry());
  std::vector<egress::ProviderSet> sets;
  for (const std::string& id : registry->components("provider")) {
    const plugin::ManifestComponent* component = registry->component("provider", id);
    if (component == nullptr || !component->capabilities.has("/destination_set")) continue;
    sets.push_back({component->capabilities.str("/destination_set/name"),
                    component->capabilities.strings_at("/destination_set/hosts"), id, id == provider});
  }
  return sets;
}

Result<View> view(Host& host, const ExplainRequest& request) {
  SCC_TRY(Situation situation, look(host, request));
  View out;
  out.governance = std::move(situation.governance);
  LaunchOptions options;
  options.provider = request.provider;
  const std::string root = situation.here ? situation.here->root() : "";
  if (auto chosen = choose_provider(host, options, out.governance, {root, false, false})) {
    out.provider = std::move(chosen->id);
  } else if (!request.provider.empty()) {
    return fail(std::move(chosen).error());
  }
  SCC_TRY(out.sets, provider_sets(host, out.provider));
  SCC_TRY(out.rules, egress::make_rules(out.governance.effective, out.sets));
  return out;
}

/// The answer for the policies that have no rules.
egress::Decision without_rules(const Governance& governance) {
  const std::string source = governance.effective.network_source;
  const std::string owner = source.empty() ? "default" : source;
  if (governance.network() == model::NetworkPolicy::open) {
    return {true,  "builtin/open", "builtin",
            owner, "open",         "the network policy is open: nothing is filtered"};
  }
  return {false, "builtin/locked-down", "builtin",
          owner, "locked-down",         "the network policy locked-down-web gives no network"};
}

/// Would the request be allowed with the change made? Asked of the enforcing function itself.
bool helps(const View& view, const policy::Change& change, const egress::Request& request) {
  model::Org storage;
  const auto changed = policy::apply(view.governance.layers, change, storage);
  if (!changed) return false;
  const auto effective = policy::compute(*changed);
  if (!effective || effective->network_policy != model::NetworkPolicy::web_egress_enforced) return false;
  const auto rules = egress::make_rules(*effective, view.sets);
  return rules && egress::decide(*rules, request).allow;
}

Result<EgressAnswer> answer(const View& view, const egress::Request& request) {
  EgressAnswer out;
  out.host = egress::wire_host(request.host).name;
  out.port = request.port;
  out.policy = model::to_string(view.governance.network());
  out.provider = view.provider;
  if (!enforced(view.governance)) {
    out.decision = without_rules(view.governance);
    return out;
  }
  out.decision = egress::decide(view.rules, request);
  const std::string& reason = out.decision.reason;
  // The rest is refused whatever the layers say.
  if (out.decision.allow ||
      (reason != "not-listed" && reason != "host-port" && reason != "port" && reason != "denied")) {
    return out;
  }
  if (!egress::rule_host(out.host, egress::Use::allow)) return out;
  const std::string item = out.host + (request.port == kHttps ? "" : ":" + std::to_string(request.port));
  SCC_TRY(const policy::Why why, policy::why(view.governance.layers, item, "host"));
  for (const policy::Change& change : why.changes) {
    if (!helps(view, change, request)) continue;
    (within_ceiling(change, view.governance.effective.team) ? out.changes : out.organisation)
        .push_back(change);
  }
  return out;
}

json::Value list_of(const std::vector<policy::Change>& changes) {
  json::Array out;
  for (const policy::Change& change : changes) out.push_back(policy::to_json(change));
  return out;
}

}  // namespace

Result<egress::Rules> egress_rules(Host& host, const Governance& governance, const std::string& provider) {
  if (!enforced(governance)) return egress::Rules{};
  SCC_TRY(const auto sets, provider_sets(host, provider));
  return egress::make_rules(governance.effective, sets);
}

Status check_destination_sets(Host& host, const Governance& governance, const std::string& provider,
                              const json::Value& spec) {
  if (!enforced(governance)) return {};
  SCC_TRY(plugin::Registry * registry, host.registry());
  const plugin::ManifestComponent* component = registry->component("provider", provider);
  const std::string own = component != nullptr ? component->capabilities.str("/destination_set/name") : "";
  const model::Strings& named = governance.effective.egress.destination_sets;
  for (const std::string& set : spec.strings_at("/destination_sets")) {
    if (set == own || std::find(named.begin(), named.end(), set) != named.end()) continue;
    return fail(Kind::policy, "egress.unknown-set",
                "the agent " + provider + " needs the destination set \"" + str::printable(set) +
                    "\", which neither its manifest nor a layer here defines",
                "see what applies: scc config explain --field network");
  }
  return {};
}

json::Value to_json(const EgressAnswer& answer) {
  json::Value out;
  out["host"] = answer.host;
  out["port"] = answer.port;
  out["network_policy"] = answer.policy;
  out["provider"] = answer.provider.empty() ? json::Value() : json::Value(answer.provider);
  out["decision"] = egress::to_json(answer.decision);
  out["changes"] = list_of(answer.changes);
  out["organisation_changes"] = list_of(answer.organisation);
  return out;
}

Result<EgressAnswer> explain_egress(Host& host, const ExplainRequest& request, const std::string& text) {
  SCC_TRY(const egress::Request question, read_question(text));
  SCC_TRY(const View here, view(host, request));
  return answer(here, question);
}

Result<std::vector<Suggestion>> suggest_egress(Host& host, const ExplainRequest& request,
                                               const std::string& session) {
  std::map<std::pair<std::string, int>, std::int64_t> refused;
  SCC_TRY(const egress::Checked checked,
          egress::read_record(host.paths, session, [&](const egress::Event& event) {
            if (event.verdict != "deny" || event.port == 0 ||
                egress::wire_host(event.host).form != egress::Form::name)
              return;
            ++refused[{event.host, event.port}];
          }));
  if (!checked.intact) {
    return fail(Kind::policy, "egress.chain",
                "the record of session " + session + " is not what was recorded: " + checked.problem,
                "keep a copy of it; nothing is suggested from it");
  }
  SCC_TRY(const View here, view(host, request));
  std::vector<Suggestion> out;
  for (const auto& [asked, count] : refused) {
    const egress::Request question{asked.second == kHttp ? "GET" : "CONNECT", "", asked.first, asked.second};
    SCC_TRY(EgressAnswer one, answer(here, question));
    out.push_back({std::move(one), count});
  }
  std::stable_sort(out.begin(), out.end(),
                   [](const Suggestion& a, const Suggestion& b) { return a.count > b.count; });
  if (out.size() > kMostSuggestions) out.resize(kMostSuggestions);
  return out;
}

Result<std::string> egress_session(Host& host, const std::string& text) {
  SCC_TRY(const auto recorded, egress::recorded_sessions(host.paths));
  if (!text.empty()) {
    if (std::find(recorded.begin(), recorded.end(), text) != recorded.end()) return text;
    SCC_TRY(const session::StoredSession found, find_session(host, text));
    return found.id;
  }
  if (!recorded.empty()) return recorded.front();
  return fail(Kind::not_found, "egress.none", "nothing is recorded yet",
              "decisions are recorded under the network policy web-egress-enforced");
}

}  // namespace scc::app
