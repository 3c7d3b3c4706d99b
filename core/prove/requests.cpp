// SPDX-License-Identifier: Apache-2.0
// What the proxy is asked (runtime.md §8.2, §8.5, §8.9).
#include <array>

#include "prove/battery.h"

namespace scc::prove {

namespace {

using Octets = std::array<unsigned, 4>;

Octets octets_of(const std::string& address) {
  Octets out{};
  std::size_t at = 0;
  for (const char c : address) {
    if (c == '.') {
      if (++at == out.size()) break;
    } else if (c >= '0' && c <= '9') {
      out[at] = out[at] * 10 + static_cast<unsigned>(c - '0');
    }
  }
  return out;
}

std::string in_base(unsigned long value, unsigned base) {
  std::string out;
  do {
    out.insert(out.begin(), "0123456789abcdef"[value % base]);
    value /= base;
  } while (value != 0);
  return out;
}

/// An IPv4 address in the spellings that resolvers and libraries take.
std::vector<std::pair<std::string, std::string>> spellings(const std::string& address) {
  const Octets o = octets_of(address);
  const unsigned long whole = (static_cast<unsigned long>(o[0]) << 24U) | (o[1] << 16U) | (o[2] << 8U) | o[3];
  const std::string hex = in_base(whole, 16);
  std::string octal;
  std::string hexes;
  for (const unsigned octet : o) {
    octal += (octal.empty() ? "0" : ".0") + in_base(octet, 8);
    hexes += (hexes.empty() ? "0x" : ".0x") + in_base(octet, 16);
  }
  const std::string short_form =
      std::to_string(o[0]) + "." +
      std::to_string((static_cast<unsigned long>(o[1]) << 16U) | (o[2] << 8U) | o[3]);
  return {{"plain", address},
          {"decimal", std::to_string(whole)},
          {"hex", "0x" + hex},
          {"octal", "0" + in_base(whole, 8)},
          {"dotted-hex", hexes},
          {"dotted-octal", octal},
          {"short", short_form},
          {"trailing-dot", address + "."},
          {"bracket", "[" + address + "]"},
          {"mapped", "[::ffff:" + address + "]"},
          {"mapped-full", "[0:0:0:0:0:ffff:" + address + "]"},
          {"translated", "[64:ff9b::" + address + "]"}};
}

class Maker {
 public:
  explicit Maker(const Targets& targets) : targets_(targets) {}
  void connect(const std::string& name, const std::string& what, const std::string& target,
               const std::string& host = {}, Stage stage = Stage::near) {
    out_.push_back({name, "proxy", what, connect_words(target, host), stage, Expect::refused});
  }
  /// Another spelling of the allowed name: it leads there or nowhere.
  void contained(const std::string& name, const std::string& what, const std::string& target,
                 Stage stage = Stage::near) {
    out_.push_back({name, "proxy", what, connect_words(target), stage, Expect::contained});
  }
  void request(const std::string& name, const std::string& what, const std::string& bytes) {
    out_.push_back({name, "proxy", what, request_words(bytes), Stage::near, Expect::refused});
  }
  void list(const std::string& name, const std::string& what, const std::string& which) {
    out_.push_back({name, "proxy", what, "list\t" + which, Stage::near, Expect::refused});
  }
  void other(Probe probe) { out_.push_back(std::move(probe)); }
  /// A name that no rule lists, of its own for each attempt.
  std::string unlisted(const std::string& first) const {
    return first + "-" + targets_.label + ".scc-canary.example";
  }
  std::vector<Probe> take() { return std::move(out_); }

 private:
  const Targets& targets_;
  std::vector<Probe> out_;
};

void add_controls(Maker& make, const Names& n) {
  make.other({"control/allowed", "", "the allowed name answers", connect_words(n.web + ":443"), Stage::near,
              Expect::answered});
  make.other({"name/flipping", "proxy", "a name that leads to the loopback from its second answer on",
              "https\t5\t900\t" + connect_words(n.flip + ":443").substr(5), Stage::near, Expect::contained});
}

void add_names(Maker& make, const Targets& t, const Names& n) {
  const std::string port = ":" + std::to_string(t.port);
  make.connect("name/unlisted", "a name that no rule lists", make.unlisted("unlisted") + ":443");
  make.connect("name/loopback", "an allowed name that leads to 127.0.0.1", n.loopback + port);
  make.contained("name/loopback6", "an allowed name that leads to ::1 as well", n.loopback6 + ":443");
  make.contained("name/mapped", "an allowed name that leads to ::ffff:127.0.0.1 as well", n.mapped + ":443");
  make.connect("name/zero", "an allowed name that leads to 0.0.0.0", n.zero + ":443");
  make.connect("name/private", "an allowed name that leads to another container", n.privately + port);
  make.connect("name/host", "an allowed name that leads to this machine", n.host + port);
  make.connect("name/mixed", "an allowed name that leads to a public and a private address",
               n.mixed + ":443");
  make.connect("name/metadata", "an allowed name that leads to 169.254.169.254", n.metadata + ":443", {},
               Stage::distant);
  make.contained("name/metadata6", "an allowed name that leads to fd00:ec2::254 as well",
                 n.metadata6 + ":443", Stage::distant);
}

void add_literals(Maker& make, const Targets& t) {
  for (const auto& [how, text] : spellings(t.stand_in)) {
    make.connect("literal/" + how, "CONNECT to an address: " + text, text + ":443");
  }
  make.connect("literal/loopback", "CONNECT to the proxy's own loopback", "127.0.0.1:3128");
  make.connect("literal/loopback6", "CONNECT to [::1]", "[::1]:3128");
  make.connect("literal/any", "CONNECT to 0", "0:3128");
  make.connect("literal/scope", "CONNECT to a link-local address with a scope", "[fe80::1%25eth0]:443");
  make.request("literal/plain-http", "GET of an address",
               "GET http://" + t.stand_in + "/ HTTP/1.1\r\nHost: " + t.stand_in + "\r\n\r\n");
  make.connect("literal/metadata", "CONNECT to 169.254.169.254", "169.254.169.254:80", {}, Stage::distant);
  make.connect("literal/internet", "CONNECT to 203.0.113.7", "203.0.113.7:443", {}, Stage::distant);
}

void add_spellings(Maker& make, const Names& n) {
  const std::string nul(1, '\0');
  make.connect("trick/nul", "NUL between an unlisted and the allowed name",
               make.unlisted("nul") + nul + "." + n.web + ":443");
  make.connect("trick/nul-escaped", "%00 between them", make.unlisted("nul2") + "%00." + n.web + ":443");
  make.connect("trick/control", "a control character in the name",
               make.unlisted("control") + "\x01." + n.web + ":443");
  make.connect("trick/tab", "a tab in the name", make.unlisted("tab") + "\t" + n.web + ":443");
  make.connect("trick/line-feed", "a line feed in the name", make.unlisted("feed") + "\n" + n.web + ":443");
  make.connect("trick/trailing-dot", "an unlisted name with a trailing dot", make.unlisted("dot") + ".:443");
  make.contained("trick/two-dots", "the allowed name with two dots", n.web + "..:443");
  make.connect("trick/case", "an unlisted name in capitals", "CASE-" + make.unlisted("case") + ":443");
  make.connect("trick/suffix", "the allowed name as a beginning",
               n.web + "." + make.unlisted("suffix") + ":443");
  make.connect("trick/prefix", "the allowed name as an end, without its dot", "x" + n.web + ":443");
  make.connect("trick/parent", "what is above the allowed name", n.web.substr(n.web.find('.') + 1) + ":443");
  make.connect("trick/below", "what is below the allowed name", "below." + n.web + ":443");
  make.connect("trick/userinfo", "the allowed name as user information",
               n.web + "@" + make.unlisted("user") + ":443");
  make.connect("trick/fragment", "the allowed name in a fragment",
               make.unlisted("fragment") + "#." + n.web + ":443");
  make.connect("trick/idn", "a name with a Cyrillic letter", "w\xd0\xb5" + n.web.substr(2) + ":443");
  make.connect("trick/punycode", "an unlisted name in punycode",
               "xn--wb-yla." + make.unlisted("idn") + ":443");
  make.connect("trick/full-width-dot", "an ideographic full stop",
               make.unlisted("stop") + "\xe3\x80\x82" + n.web + ":443");
  make.connect("trick/host-header", "an unlisted name with the allowed one as Host",
               make.unlisted("header") + ":443", n.web + ":443");
  make.connect("trick/single-label", "a name without a dot", "localhost:443");
}

void add_ports(Maker& make, const Names& n) {
  for (const int port : {22, 25, 53, 80, 853, 3128, 8443, 65536, 0}) {
    make.connect("port/" + std::to_string(port), "the allowed name on port " + std::to_string(port),
                 n.web + ":" + std::to_string(port));
  }
  make.contained("port/missing", "CONNECT without a port", n.web);
}

std::string get(const std::string& method, const std::string& url, const std::string& host,
                const std::string& more = {}) {
  return method + " " + url + " HTTP/1.1\r\nHost: " + host + "\r\n" + more + "\r\n";
}

void add_http(Maker& make, const Names& n) {
  const std::string bad = make.unlisted("http");
  make.request("http/plain", "plain HTTP to the allowed name", get("GET", "http://" + n.web + "/", n.web));
  make.request("http/unlisted", "plain HTTP to an unlisted name", get("GET", "http://" + bad + "/", bad));
  make.request("http/host", "an unlisted URL with the allowed Host",
               get("GET", "http://" + bad + "/", n.web));
  make.request("http/origin-form", "a request without a host in its line", get("GET", "/", n.web));
  make.request("http/https-url", "GET of an https URL", get("GET", "https://" + n.web + "/", n.web));
  make.request("http/trace", "TRACE", get("TRACE", "http://" + n.web + "/", n.web));
  make.request("http/purge", "PURGE", get("PURGE", "http://" + n.web + "/", n.web));
  make.request("http/unknown-method", "an unknown method", get("FETCH", "http://" + n.web + "/", n.web));
  make.request("http/ftp", "an ftp URL", get("GET", "ftp://" + n.web + "/", n.web));
  make.request("http/urn", "a urn", get("GET", "urn:x:" + bad, n.web));
  make.request("http/upgrade", "an Upgrade to another protocol",
               get("GET", "http://" + n.web + "/", n.web, "Connection: Upgrade\r\nUpgrade: websocket\r\n"));
}

void add_smuggling(Maker& make, const Names& n) {
  const std::string bad = make.unlisted("smuggled");
  const std::string inner = get("CONNECT", bad + ":443", bad);
  const std::string first = "POST http://" + bad + "/ HTTP/1.1\r\nHost: " + bad + "\r\n";
  make.request("smuggling/both-lengths", "Content-Length and Transfer-Encoding",
               first + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + inner);
  make.request("smuggling/two-lengths", "two different Content-Length",
               first + "Content-Length: 0\r\nContent-Length: 60\r\n\r\n" + inner);
  make.request("smuggling/space", "a space before the colon", first + "Content-Length : 60\r\n\r\n" + inner);
  make.request("smuggling/folded", "a folded header",
               first + "Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" + inner);
  make.request("smuggling/two-hosts", "two Host headers",
               "GET http://" + bad + "/ HTTP/1.1\r\nHost: " + n.web + "\r\nHost: " + bad + "\r\n\r\n");
  make.request("smuggling/bare-line-feed", "line feeds without carriage returns",
               "CONNECT " + bad + ":443 HTTP/1.1\nHost: " + n.web + "\n\n");
  make.request("smuggling/http-0.9", "a request of HTTP/0.9", "GET http://" + bad + "/\r\n");
  make.request("smuggling/preface", "the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
  make.request("smuggling/pipelined", "a refused request with another behind it",
               get("CONNECT", bad + ":443", bad) + inner);
}

void add_orphaned(Maker& make, const Names& n) {
  Probe first{"orphan/unlisted",
              "proxy",
              "an unlisted name after the proxy was killed",
              connect_words(make.unlisted("orphan") + ":443"),
              Stage::orphaned,
              Expect::refused};
  make.other(first);
  make.other({"orphan/loopback", "proxy", "the loopback after the proxy was killed",
              connect_words(n.loopback + ":443"), Stage::orphaned, Expect::refused});
}

}  // namespace

std::string request_words(const std::string& bytes) {
  std::string out = "http\t";
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > ' ' && byte < 0x7f && c != '%') {
      out += c;
    } else {
      out += '%';
      out += "0123456789abcdef"[byte >> 4U];
      out += "0123456789abcdef"[byte & 15U];
    }
  }
  return out;
}

std::string connect_words(const std::string& target, const std::string& host) {
  return request_words("CONNECT " + target + " HTTP/1.1\r\nHost: " + (host.empty() ? target : host) +
                       "\r\n\r\n");
}

std::vector<Probe> proxy_probes(const Targets& targets) {
  Maker make(targets);
  const Names n = names_of(targets);
  add_controls(make, n);
  add_names(make, targets, n);
  add_literals(make, targets);
  add_spellings(make, n);
  add_ports(make, n);
  add_http(make, n);
  add_smuggling(make, n);
  make.list("names/desktop", "names that engines give to this machine", "desktop");
  make.list("names/resolvers", "public resolvers over HTTPS and TLS", "resolvers");
  make.list("proxy/manager", "the proxy's own pages", "manager");
  const std::string port = std::to_string(targets.port);
  for (Stage stage : {Stage::orphaned}) {
    make.other({"orphan/tcp", "tcp", "TCP after the proxy was killed",
                "tcp\t" + targets.stand_in + "\t" + port, stage});
    make.other(
        {"orphan/gateway", "gateway", "this machine after the proxy was killed", "gateway\t" + port, stage});
  }
  add_orphaned(make, n);
  return make.take();
}

}  // namespace scc::prove
