// SPDX-License-Identifier: Apache-2.0
// Network tools: what a call reaches, and what the effective network policy says of that. The network itself
// is governed by the sandbox's topology; these rules give an early and clear answer.
#include <algorithm>
#include <array>
#include <cctype>

#include "safety/judge.h"

namespace scc::safety {

namespace {

using View = std::string_view;
constexpr auto npos = View::npos;

enum class Reach : unsigned char { nothing, local, remote };

struct Use {
  Reach reach = Reach::remote;
  std::string at;                  ///< the token that shows it
  std::vector<std::string> hosts;  ///< of the URLs
  std::string around;              ///< an option that goes around the proxy; empty: none
};

/// How a tool's options take values, enough to tell operands from values.
struct Tool {
  View name;
  Rule rule;
  View letters;   ///< short options with a value
  View longs;     ///< long options with a value, blank-separated, in full
  View harmless;  ///< options that only print, alone
};

constexpr std::array kTools{
    Tool{"curl", Rule::net_curl, "AbCcdeEFHhKmoPQrTtuUwXxyYz",
         " request header data data-raw data-binary data-urlencode form output user user-agent cookie "
         "cookie-jar referer "
         "max-time connect-timeout retry retry-delay retry-max-time write-out cacert cert key proxy "
         "proxy-user noproxy "
         "resolve connect-to interface socks4 socks4a socks5 socks5-hostname preproxy config url upload-file "
         "limit-rate "
         "range unix-socket abstract-unix-socket dns-servers doh-url cert-type key-type ciphers json "
         "form-string "
         "output-dir time-cond max-redirs max-filesize url-query netrc-file proto proto-default local-port "
         "stderr trace "
         "trace-ascii dump-header ",
         " --version -V --help --manual -M "},
    Tool{"wget", Rule::net_wget, "aABDeiIlnoOPQRtTUwX",
         " output-document output-file append-output input-file base tries timeout wait user password header "
         "user-agent "
         "post-data post-file directory-prefix level domains reject accept load-cookies save-cookies referer "
         "execute "
         "include-directories exclude-directories quota limit-rate bind-address body-data body-file method "
         "config "
         "ca-certificate certificate private-key ",
         " --version -V --help -h "},
    Tool{"ssh", Rule::net_ssh, "BbcDEeFIiJLlmOoPpQRSWw", "", " -V -Q "},
    Tool{"scp", Rule::net_scp, "cDFiJloPSX", "", ""},
    Tool{"sftp", Rule::net_sftp, "BbcDFiJloPRSsX", "", ""},
    Tool{"rsync", Rule::net_rsync, "efBTM@",
         " rsh rsync-path exclude include exclude-from include-from files-from filter backup-dir suffix "
         "chmod chown "
         "compare-dest copy-dest link-dest temp-dir partial-dir log-file bwlimit timeout contimeout port "
         "address "
         "password-file out-format max-size min-size max-delete block-size modify-window compress-level info "
         "debug "
         "usermap groupmap sockopts ",
         " --version -V --help "},
};

constexpr std::array<View, 26> kRaw{
    "nc",     "ncat",   "netcat", "nc.openbsd", "nc.traditional", "socat", "telnet", "ftp",      "lftp",
    "tftp",   "aria2c", "http",   "https",      "httpie",         "xh",    "dig",    "nslookup", "host",
    "rclone", "mosh",   "rsh",    "rlogin",     "lynx",           "links", "elinks", "ncftp"};

bool loopback(View host) {
  if (host.starts_with('[')) host = host.substr(1, host.find(']') == npos ? npos : host.find(']') - 1);
  if (host == "localhost" || host == "::1" || host == "0.0.0.0" || host.ends_with(".localhost")) return true;
  // 127.0.0.0/8, written out: "127.evil.example" is a name.
  return host.starts_with("127.") && host.find_first_not_of("0123456789.") == npos;
}

/// The host of a URL, with or without its scheme.
std::string host_of(View url) {
  const std::size_t scheme = url.find("://");
  if (scheme != npos) url.remove_prefix(scheme + 3);
  url = url.substr(0, url.find_first_of("/?#"));
  if (url.find('\\') != npos) return std::string(url);  // every tool reads it differently
  const std::size_t user = url.rfind('@');
  if (user != npos) url.remove_prefix(user + 1);
  if (url.starts_with('['))
    return std::string(url.substr(0, url.find(']') == npos ? npos : url.find(']') + 1));
  std::string out(url.substr(0, url.find(':')));
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

/// Whether who is asked is written out; what comes behind the host does not change that.
bool names_host(View url) {
  const std::size_t scheme = url.find("://");
  if (scheme != npos && has_unknown(url.substr(0, scheme))) return false;
  if (scheme != npos) url.remove_prefix(scheme + 3);
  const View authority = url.substr(0, url.find_first_of("/?#\\"));
  const std::size_t unknown = authority.find(kUnknown);
  if (unknown == npos) return true;
  // "localhost:$PORT", "localhost:8080$path": a port and a path, unless somebody goes to lengths.
  const std::size_t colon = authority.rfind(':', unknown);
  return unknown + 1 == authority.size() && colon != npos && loopback(authority.substr(0, colon)) &&
         authority.find_first_not_of("0123456789", colon + 1) == unknown;
}

bool listed(View list, View word) {
  const std::size_t at = list.find(" " + std::string(word) + " ");
  return at != npos;
}

struct Words {
  std::vector<std::pair<std::string, std::string>> options;  ///< name without dashes, value
  std::vector<std::string> operands;
  bool prints = false;  ///< nothing but an option that prints
};

/// Reads a tool's arguments; long options with "=" or, for those listed, the next argument.
Words read_words(const Tool& tool, const Args& argv) {
  Words out;
  bool ended = false;
  const bool topic = argv.size() == 3 && argv[1] == "--help";  // curl --help all
  out.prints = (argv.size() == 2 || topic) && listed(tool.harmless, argv[1]);
  out.prints = out.prints || (tool.name == "ssh" && argv.size() == 3 && argv[1] == "-G");
  for (std::size_t i = 1; i < argv.size(); ++i) {
    const View arg = argv[i];
    if (ended || arg.size() < 2 || arg[0] != '-') {
      out.operands.emplace_back(arg);
    } else if (arg == "--") {
      ended = true;
    } else if (arg[1] == '-') {
      const std::size_t equals = arg.find('=');
      const View name = arg.substr(2, equals == npos ? npos : equals - 2);
      std::string value = equals == npos ? std::string() : std::string(arg.substr(equals + 1));
      if (equals == npos && listed(tool.longs, name) && i + 1 < argv.size()) value = argv[++i];
      out.options.emplace_back(name, std::move(value));
    } else {
      for (std::size_t c = 1; c < arg.size(); ++c) {
        const bool value = tool.letters.find(arg[c]) != npos;
        std::string text = value ? std::string(arg.substr(c + 1)) : std::string();
        if (value && text.empty() && i + 1 < argv.size()) text = argv[++i];
        out.options.emplace_back(std::string(1, arg[c]), std::move(text));
        if (value) break;
      }
    }
  }
  return out;
}

/// Options that send the connection elsewhere than the URL or the proxy says.
bool goes_around(View name) {
  constexpr std::array<View, 17> kNames{"noproxy",     "no-proxy",   "interface",    "resolve", "connect-to",
                                        "preproxy",    "x",          "proxy",        "K",       "config",
                                        "dns-servers", "doh-url",    "bind-address", "e",       "execute",
                                        "proxy1.0",    "unix-socket"};
  // curl takes unique prefixes; every --socks* option is one.
  if (name.starts_with("socks") || name.starts_with("nopro") || name.starts_with("resol") ||
      name.starts_with("interf"))
    return true;
  return std::any_of(kNames.begin(), kNames.end(),
                     [&](View one) { return one == name || (name.size() > 3 && one.starts_with(name)); });
}

/// `localhost,127.0.0.1`: what no proxy is asked for anyway.
bool only_loopback(View list) {
  while (!list.empty()) {
    const std::size_t end = std::min(list.find(','), list.size());
    if (!loopback(list.substr(0, end))) return false;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return true;
}

/// The variable by which a line sends a tool around the proxy, unless the sandbox has it like that.
std::string around_by_variable(const Call& call, const Environment& given, bool remote) {
  constexpr std::array<View, 6> kVariables{"no_proxy",  "http_proxy", "https_proxy",
                                           "all_proxy", "curl_home",  "wgetrc"};
  for (const auto& one : call.env) {
    std::string name = one.first;
    std::transform(name.begin(), name.end(), name.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    const bool harmless = has_unknown(one.second) ||
                          (!remote && (name == "no_proxy" || one.second.empty())) ||
                          (name == "no_proxy" && only_loopback(one.second));
    if (!harmless && one_of(kVariables, name) && std::find(given.begin(), given.end(), one) == given.end())
      return one.first;
  }
  return {};
}

Use web_use(const Tool& tool, const Words& words) {
  Use out;
  bool all_local = true;
  const auto url = [&](const std::string& text) {
    const std::string host = host_of(text);
    if (out.at.empty() || !loopback(host)) out.at = text;
    if (text.starts_with("file://")) return;
    out.hosts.push_back(host);
    all_local = all_local && loopback(host) && names_host(text);
  };
  for (const std::string& operand : words.operands) url(operand);
  for (const auto& [name, value] : words.options) {
    if (name == "url") url(value);
    if (tool.name == "wget" && (name == "i" || name == "input-file")) all_local = false;
  }
  for (const auto& [name, value] : words.options) {
    if (tool.name == "curl" && name == "url-query") all_local = false;
    const bool execute = name == "e" || name == "execute";
    if (!goes_around(name) || (tool.name == "curl" && execute)) continue;
    // This machine is never asked through the proxy.
    if (all_local && (name == "noproxy" || name == "no-proxy" || name == "unix-socket" || value.empty()))
      continue;
    out.around = name;
  }
  if (!words.operands.empty() || !out.hosts.empty()) {
    out.reach = all_local && out.around.empty() ? Reach::local : Reach::remote;
  } else {
    out.reach = Reach::nothing;
  }
  return out;
}

/// "host:path", "rsync://host/..."; a slash before the colon makes it a file.
bool remote_path(View text) {
  if (text.find("://") != npos) return true;
  if (text.starts_with('/') || text.starts_with("./") || text.starts_with("../")) return false;
  if (has_unknown(text)) return true;
  const std::size_t colon = text.find(':');
  const std::size_t slash = text.find('/');
  return colon != npos && colon != 0 && (slash == npos || colon < slash);
}

Use copy_use(const Tool& tool, const Words& words) {
  Use out;
  out.reach = words.operands.size() < (tool.name == "rsync" ? 1U : 2U) ? Reach::nothing : Reach::local;
  for (const std::string& operand : words.operands) {
    if (!remote_path(operand)) continue;
    out.reach = Reach::remote;
    out.at = operand;
  }
  for (const auto& [name, value] : words.options) {
    if (name == "daemon") out.reach = Reach::remote;
    if (tool.name == "scp" && (name == "S" || name == "o")) out.reach = Reach::remote;
  }
  return out;
}

Use use_of(const Tool& tool, const Args& argv) {
  const Words words = read_words(tool, argv);
  Use out;
  if (words.prints) {
    out.reach = Reach::local;
  } else if (tool.rule == Rule::net_curl || tool.rule == Rule::net_wget) {
    out = web_use(tool, words);
  } else if (tool.rule == Rule::net_scp || tool.rule == Rule::net_rsync) {
    out = copy_use(tool, words);
  }
  if (out.at.empty()) out.at = argv[0];
  return out;
}

bool host_allowed(const Policy& policy, View host) {
  if (policy.allow_hosts.empty() || loopback(host)) return true;
  return std::any_of(policy.allow_hosts.begin(), policy.allow_hosts.end(), [&](const std::string& one) {
    if (one.starts_with("*.")) return host.size() > one.size() - 1 && host.ends_with(View(one).substr(1));
    return one == host;
  });
}

void judge_use(Judge& judge, const Tool& tool, const Use& use, unsigned depth) {
  if (use.reach == Reach::local) return;
  const bool web = tool.rule == Rule::net_curl || tool.rule == Rule::net_wget;
  switch (judge.policy().network) {
    case Network::open:
      return judge.report(tool.rule, Decision::allow, use.at, depth);
    case Network::enforced:
      if (!web || !use.around.empty()) {
        return judge.report(tool.rule, Decision::block, web ? use.around : use.at, depth,
                            "only https through the proxy leaves this sandbox");
      }
      for (const std::string& host : use.hosts) {
        if (!host_allowed(judge.policy(), host)) {
          return judge.report(tool.rule, Decision::block, host, depth,
                              "the network policy does not list this host");
        }
      }
      return judge.report(tool.rule, Decision::allow, use.at, depth);
    case Network::locked:
    case Network::unknown:
      return judge.report(tool.rule, Decision::block, use.at, depth);
  }
}

/// `nc -z -w 2 localhost 5432`: the first operand is the host, and this machine.
bool asks_loopback(const Args& argv, std::size_t first) {
  const View name = base_name(argv[first - 1]);
  if (name == "socat") return false;
  const bool netcat = name.starts_with("nc") || name == "netcat";
  // These take one host after the other.
  if (name == "ssh-keyscan" || name == "dig" || name == "host" || name == "nslookup") {
    bool some = false;
    for (std::size_t i = first; i < argv.size(); ++i) {
      const bool option = argv[i].starts_with('-') || argv[i].starts_with('+');
      if (!option && !loopback(argv[i])) return false;
      some = some || !option;
    }
    return some;
  }
  for (std::size_t i = first; i < argv.size(); ++i) {
    const View arg = argv[i];
    if (!arg.starts_with('-')) return loopback(arg);
    // A proxy of somebody's choice.
    if (netcat && arg.find_first_of("xX") != npos) return false;
    const bool seconds = netcat && arg.size() > 1 && arg[1] != '-' && View("wiq").find(arg.back()) != npos;
    if (!seconds) continue;
    ++i;
    if (i >= argv.size() || argv[i].find_first_not_of("0123456789") != npos) return false;
  }
  return false;
}

void judge_raw(Judge& judge, Rule rule, const Args& argv, std::size_t first, unsigned depth) {
  bool prints = argv.size() == first + 1;
  constexpr View kPrints = " --version -V --help -h version ";
  prints = prints && listed(kPrints, argv[first]);
  if (prints || asks_loopback(argv, first)) return;
  judge.report(rule, judge.policy().network == Network::open ? Decision::allow : Decision::block, argv[0],
               depth);
}

}  // namespace

bool judge_network(Judge& judge, const Call& call) {
  const View name = base_name(call.argv[0]);
  for (const Tool& tool : kTools) {
    if (tool.name != name) continue;
    if (judge.policy().defective())
      judge.report(Rule::policy_defective, call.argv[0], call.depth, judge.policy().defect);
    Use use = use_of(tool, call.argv);
    const bool web = tool.rule == Rule::net_curl || tool.rule == Rule::net_wget;
    const std::string by =
        web ? around_by_variable(call, judge.context().environment, use.reach == Reach::remote)
            : std::string();
    if (!by.empty()) {
      use.around = by;
      use.reach = Reach::remote;
    }
    if (call.open_ended && use.reach == Reach::local) use.reach = Reach::remote;
    judge_use(judge, tool, use, call.depth);
    return true;
  }
  if (one_of(kRaw, name)) return judge_raw(judge, Rule::net_raw, call.argv, 1, call.depth), true;
  if (name == "ssh-keyscan" || name == "autossh")
    return judge_raw(judge, Rule::net_ssh, call.argv, 1, call.depth), true;
  if (name == "openssl" && call.argv.size() > 1 &&
      (call.argv[1] == "s_client" || call.argv[1] == "s_server" || call.argv[1] == "s_time")) {
    return judge.report(Rule::net_raw,
                        judge.policy().network == Network::open ? Decision::allow : Decision::block,
                        call.argv[1], call.depth),
           true;
  }
  if ((name == "busybox" || name == "toybox") && call.argv.size() > 1) {
    constexpr std::array<View, 11> kApplets{"wget",     "nc",         "telnet", "ftpget", "ftpput", "tftp",
                                            "nslookup", "ssl_client", "httpd",  "tcpsvd", "udpsvd"};
    if (!one_of(kApplets, base_name(call.argv[1]))) return false;
    return judge_raw(judge, Rule::net_raw, call.argv, 2, call.depth), true;
  }
  return false;
}

}  // namespace scc::safety
