// SPDX-License-Identifier: Apache-2.0
// The text of squid.conf. One ACL holds one name: Squid refuses to start when a list has both a domain and
// its leading-dot form, and a rule that has its own ACL can say which rule decided. Every name is compared
// with -n: without it Squid looks an address up backwards and believes whoever answers.
#include "acl.h"

#include <algorithm>
#include <set>

#include "check.h"

namespace scc_squid {

namespace {

/// A built-in refusal: its rule id is "builtin/<name>".
constexpr const char* kReasons[] = {"manager",   "client",     "method",    "scheme",  "port",   "literal",
                                    "malformed", "not-listed", "host-port", "address", "default"};

class Text {
 public:
  void line(const std::string& text) { out_ += text + "\n"; }
  void title(const std::string& text) { out_ += "\n# " + text + "\n"; }
  std::string take() { return std::move(out_); }

 private:
  std::string out_;
};

std::string join(const std::vector<std::string>& parts) {
  std::string out;
  for (const std::string& part : parts) out += " " + part;
  return out;
}

std::string join(const std::set<int>& numbers) {
  std::string out;
  for (const int number : numbers) out += " " + std::to_string(number);
  return out;
}

std::vector<Block> blocks(const std::vector<std::string>& texts) {
  std::vector<Block> out;
  for (const std::string& text : texts) {
    if (const auto block = parse_block(text)) out.push_back(*block);
  }
  return out;
}

std::string page_of(std::string reason) {
  for (char& c : reason) c = c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  return "ERR_SCC_" + reason;
}

/// The ACL that writes the decision into the log line. It is the last of its http_access line, so it also
/// chooses the page.
void note(Text& text, const std::string& name, bool allow, const std::string& rule, const std::string& owner,
          const std::string& page) {
  text.line("acl " + name + " annotate_transaction verdict=" + (allow ? "allow" : "deny") + " rule=" + rule +
            (owner.empty() ? "" : " owner=\"" + owner + "\""));
  if (!allow) text.line("deny_info 403:" + page + " " + name);
}

void server(Text& text, const Settings& settings) {
  text.line("# Written by scc for one session; changes are lost.");
  const bool v6 = settings.listen_address.find(':') != std::string::npos;
  text.line("http_port " + (v6 ? "[" + settings.listen_address + "]" : settings.listen_address) + ":" +
            std::to_string(settings.listen_port));
  text.line("visible_hostname scc-egress");
  text.line("unique_hostname scc-egress");
  if (!settings.user.empty()) text.line("cache_effective_user " + settings.user);
  text.line("pid_filename none");
  text.line("coredump_dir none");
  text.line("shutdown_lifetime 1 seconds");

  text.title("names: only these servers; no hosts file, no search list");
  text.line("dns_nameservers" + join(settings.dns_servers));
  text.line("hosts_file none");
  text.line("dns_defnames off");
  text.line("positive_dns_ttl 60 seconds");
  text.line("negative_dns_ttl 10 seconds");

  text.title("nothing is kept, measured or pinged");
  text.line("cache deny all");
  text.line("cache_mem 0");
  text.line("memory_pools off");
  text.line("pinger_enable off");
  text.line("netdb_filename none");
  text.line("cachemgr_passwd disable all");

  text.title("what a client may send, and what leaves");
  text.line("relaxed_header_parser off");
  text.line("request_header_max_size 64 KB");
  text.line("client_ip_max_connections 512");
  text.line("client_lifetime 1 day");
  text.line("half_closed_clients off");
  text.line("via off");
  text.line("forwarded_for delete");
  text.line("follow_x_forwarded_for deny all");
  for (const char* header : {"Proxy-Authorization", "Proxy-Connection", "X-Forwarded-For", "Via"}) {
    text.line("request_header_access " + std::string(header) + " deny all");
  }
  text.line("httpd_suppress_version_string on");
  text.line("email_err_data off");
  text.line("error_directory " + settings.error_dir);

  text.title("one line of JSON a decision; never a path, a query or a header");
  text.line(R"(logformat scc {"t":%ts.%03tu,"method":"%#rm","host":"%#>rd","port":"%>rP","status":%>Hs,)"
            R"("verdict":"%note{verdict}","rule":"%note{rule}"})");
  text.line("access_log stdio:" + settings.access_log + " logformat=scc");
  text.line("buffered_logs off");
  text.line("logfile_rotate 0");
  text.line("cache_log " + settings.cache_log);
  text.line("cache_store_log none");
}

void upstream(Text& text, const Peer& peer) {
  if (peer.host.empty()) return;
  text.title("the upstream proxy; nothing goes past it");
  text.line("cache_peer " + peer.host + " parent " + std::to_string(peer.port) +
            " 0 no-query no-digest no-netdb-exchange default name=scc_upstream" +
            (peer.tls ? " tls" + (peer.ca_file.empty() ? "" : " tls-cafile=" + peer.ca_file) : "") +
            (peer.login.empty() ? "" : " login=" + peer.login));
  text.line("never_direct allow all");
  text.line("nonhierarchical_direct off");
}

/// The checks that need no rule.
void hygiene(Text& text, const std::vector<Rule>& rules, const Settings& settings) {
  std::set<int> ports = {443};
  for (const Rule& rule : rules) {
    if (rule.allow) ports.insert(rule.ports.begin(), rule.ports.end());
  }
  text.title("refusals that need no rule");
  for (const char* reason : kReasons) {
    note(text, "n_" + std::string(reason), false, "builtin/" + std::string(reason), "", page_of(reason));
  }
  text.line("acl agent src" + join(settings.clients));
  text.line("acl ok_method method GET HEAD POST PUT PATCH DELETE OPTIONS CONNECT");
  text.line("acl tunnel method CONNECT");
  text.line("acl plain_http proto HTTP");
  text.line("acl ok_port port" + join(ports));
  text.line("acl port_80 port 80");
  text.line("acl port_443 port 443");
  // What looks like an address in any spelling: brackets and colons, or a last label that is a number.
  text.line(R"(acl literal dstdom_regex -n [:\[] (^|\.)(0[xX][0-9a-fA-F]*|[0-9]+)$)");
  text.line("acl malformed dstdom_regex -n ^$ [^a-zA-Z0-9.-] [^.]{64} ^.{254}");
  text.line("http_access deny manager n_manager");
  text.line("http_access deny !agent n_client");
  text.line("http_access deny !ok_method n_method");
  text.line("http_access deny !tunnel !plain_http n_scheme");
  text.line("http_access deny !ok_port n_port");
  text.line("http_access deny tunnel port_80 n_port");
  text.line("http_access deny !tunnel port_443 n_port");
  text.line("http_access deny literal n_literal");
  text.line("http_access deny malformed n_malformed");
}

/// The ACLs of one rule: r<i> matches what it speaks of, a<i> the names alone.
void rule_acls(Text& text, const Rule& rule, const std::string& number) {
  const bool below = rule.host.rfind("*.", 0) == 0;
  if (is_block(rule)) {
    text.line("acl a" + number + " dst " + to_string(*parse_block(rule.host)));
  } else if (below) {
    // The leading dot also takes the domain itself, which the rule does not.
    text.line("acl d" + number + " dstdomain -n " + rule.host.substr(1));
    text.line("acl x" + number + " dstdomain -n " + rule.host.substr(2));
    text.line("acl a" + number + " all-of d" + number + " !x" + number);
  } else {
    text.line("acl a" + number + " dstdomain -n " + rule.host);
  }
  const std::set<int> ports(rule.ports.begin(), rule.ports.end());
  if (!ports.empty()) text.line("acl p" + number + " port" + join(ports));
  text.line("acl r" + number + " all-of a" + number + (ports.empty() ? "" : " p" + number));
  note(text, "n" + number, rule.allow, rule.id, plain_text(rule.owner), page_of("rule"));
}

/// The line of one rule: what it speaks of, and its note.
std::string access(const char* verb, const std::string& number) {
  std::string out = "http_access ";
  out.append(verb).append(" r").append(number).append(" n").append(number);
  return out;
}

void decisions(Text& text, const std::vector<Rule>& rules, const Settings& settings) {
  text.title("the rules");
  std::vector<std::string> names;
  std::vector<std::string> addresses;
  std::vector<std::string> allowed;
  for (std::size_t i = 0; i < rules.size(); ++i) {
    const std::string number = std::to_string(i);
    rule_acls(text, rules[i], number);
    if (rules[i].allow) {
      allowed.push_back(number);
    } else {
      (is_block(rules[i]) ? addresses : names).push_back(number);
    }
  }
  for (const std::string& number : names) text.line(access("deny", number));
  text.title("names that no rule lists are never looked up");
  for (const std::string& number : allowed) text.line("acl listed any-of a" + number);
  for (const std::string& number : allowed) text.line("acl open any-of r" + number);
  text.line(allowed.empty() ? "http_access deny n_not-listed" : "http_access deny !listed n_not-listed");
  if (!allowed.empty()) {
    text.line("http_access deny !open n_host-port");
    text.title("where a listed name may not lead: one such address refuses the request");
    std::vector<Block> denied = hard_blocks();
    for (const Block& block : subtract(soft_blocks(), blocks(settings.internal_blocks)))
      denied.push_back(block);
    for (const Block& block : blocks(settings.denied_blocks)) denied.push_back(block);
    for (const Block& block : subtract(denied, {})) text.line("acl denied_address dst " + to_string(block));
    text.line("http_access deny denied_address n_address");
    for (const std::string& number : addresses) text.line(access("deny", number));
    text.title("what remains");
    for (const std::string& number : allowed) text.line(access("allow", number));
  }
  text.line("http_access deny all n_default");
}

}  // namespace

std::vector<Rule> read_rules(const scc::sdk::Json& request) {
  std::vector<Rule> out;
  for (const scc::sdk::Json& item : request.items("/rules")) {
    Rule rule;
    rule.id = item.str("/id");
    const std::string verdict = item.str("/verdict");
    if (verdict != "allow" && verdict != "deny") {
      throw scc::sdk::Failure(SCC_E_CONFIG, "egress.rule",
                              "the egress rule \"" + plain_text(rule.id) + "\" neither allows nor denies");
    }
    rule.allow = verdict == "allow";
    rule.host = item.str("/host");
    for (const scc::sdk::Json& port : item.items("/ports")) {
      rule.ports.push_back(static_cast<int>(port.integer("", 0)));
    }
    rule.layer = item.str("/layer");
    rule.owner = item.str("/owner");
    out.push_back(std::move(rule));
  }
  check_rules(out);
  return out;
}

std::string compile(const std::vector<Rule>& rules, const Settings& settings) {
  check_rules(rules);
  check_settings(settings);
  Text text;
  server(text, settings);
  upstream(text, settings.peer);
  hygiene(text, rules, settings);
  decisions(text, rules, settings);
  return text.take();
}

}  // namespace scc_squid
