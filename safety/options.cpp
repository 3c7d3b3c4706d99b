// SPDX-License-Identifier: Apache-2.0
#include "safety/options.h"

#include <algorithm>

namespace scc::safety {

bool one_of(std::span<const std::string_view> list, std::string_view word) noexcept {
  for (const std::string_view one : list) {
    if (one == word) return true;
  }
  return false;
}

namespace {

std::vector<Option> decode(std::string_view text) {
  std::vector<Option> out;
  out.reserve(64);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(' '), text.size());
    std::string_view word = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (word.empty()) continue;
    Option one;
    const std::size_t comma = word.find(',');
    if (comma != std::string_view::npos) {
      one.letter = comma + 1 < word.size() ? word[comma + 1] : '\0';
      word = word.substr(0, comma);
    }
    if (word.ends_with('=') || word.ends_with('?')) {
      one.value = true;
      one.glued = word.ends_with('?');
      word.remove_suffix(1);
    }
    one.name = word;
    out.push_back(one);
  }
  return out;
}

class Parser {
 public:
  Parser(std::string_view options, const Args& args, std::size_t first, Order order)
      : options_(decode(options)), args_(args), at_(first), order_(order) {}

  Parsed run() {
    for (; at_ < args_.size(); ++at_) {
      const std::string& arg = args_[at_];
      if (ended_ || arg.size() < 2 || arg[0] != '-') {
        out_.operands.push_back({arg, at_, ended_ && out_.dashes});
        if (order_ == Order::stop_at_operand) ended_ = true;
      } else if (arg == "--") {
        ended_ = out_.dashes = true;
      } else if (arg == "--end-of-options") {
        ended_ = true;
      } else if (arg[1] == '-') {
        long_option(arg);
      } else {
        cluster(arg);
      }
    }
    return std::move(out_);
  }

 private:
  void add(const Option& option, bool negated, std::string value, bool sure = true) {
    out_.seen.push_back({option, negated, sure, std::move(value), start_});
  }
  void dynamic() {
    if (!out_.dynamic) out_.dynamic_at = at_;
    out_.dynamic = true;
  }

  struct Candidate {
    const Option* option;
    bool negated;
  };

  /// All options that `name` may be short for; an exact one alone.
  std::vector<Candidate> candidates(std::string_view name) const {
    std::vector<Candidate> out;
    for (const Option& option : options_) {
      if (option.name.empty()) continue;
      if (option.name == name) return {{&option, false}};
      const bool inner_no = option.name.starts_with("no-");
      const std::string negation =
          inner_no ? std::string(option.name.substr(3)) : "no-" + std::string(option.name);
      if (negation == name) return {{&option, true}};
      if (option.name.starts_with(name)) out.push_back({&option, false});
      if (std::string_view(negation).starts_with(name)) out.push_back({&option, true});
    }
    return out;
  }

  void long_option(const std::string& arg) {
    start_ = at_;
    const std::string_view body = std::string_view(arg).substr(2);
    const std::size_t equals = body.find('=');
    const std::string_view name = body.substr(0, equals);
    if (has_unknown(name)) return dynamic();
    if (name == "help" || name == "help-all") {
      // An option list that has no such option of its own shows the usage; nothing else happens.
      out_.help = true;
      return;
    }
    const std::vector<Candidate> found = candidates(name);
    if (found.empty()) {
      out_.refused = out_.refused || name == "version";
      return;
    }
    const bool sure = found.size() == 1;
    for (const Candidate& one : found) {
      std::string value =
          equals == std::string_view::npos ? std::string() : std::string(body.substr(equals + 1));
      if (sure && one.option->value && !one.option->glued && !one.negated &&
          equals == std::string_view::npos) {
        if (at_ + 1 < args_.size()) value = args_[++at_];
      }
      add(*one.option, one.negated, std::move(value), sure);
    }
  }

  const Option* by_letter(char letter) const {
    const auto found =
        std::find_if(options_.begin(), options_.end(), [&](const Option& o) { return o.letter == letter; });
    return found == options_.end() ? nullptr : &*found;
  }

  void cluster(const std::string& arg) {
    start_ = at_;
    for (std::size_t i = 1; i < arg.size(); ++i) {
      if (arg[i] == kUnknown) return dynamic();
      const Option* option = by_letter(arg[i]);
      if (option == nullptr) {
        // Digits are a count for the subcommands that take one; "-h" that nobody claims is the usage.
        if (arg[i] == 'h') out_.help = true;
        continue;
      }
      if (!option->value) {
        add(*option, false, {});
        continue;
      }
      std::string value = arg.substr(i + 1);
      if (value.empty() && !option->glued && at_ + 1 < args_.size()) value = args_[++at_];
      add(*option, false, std::move(value));
      return;
    }
  }

  std::vector<Option> options_;
  const Args& args_;
  std::size_t at_;
  std::size_t start_ = 0;
  Order order_;
  bool ended_ = false;
  Parsed out_;
};

}  // namespace

bool is_option(const Option& option, std::string_view name) {
  return option.name.empty() ? name.size() == 1 && option.letter == name[0] : option.name == name;
}

const Seen* Parsed::flag(std::string_view name) const {
  for (auto one = seen.rbegin(); one != seen.rend(); ++one) {
    if (!is_option(one->option, name)) continue;
    if (one->negated && !one->sure) continue;
    return one->negated ? nullptr : &*one;
  }
  return nullptr;
}

bool Parsed::surely(std::string_view name) const {
  for (auto one = seen.rbegin(); one != seen.rend(); ++one) {
    if (is_option(one->option, name)) return one->sure && !one->negated;
  }
  return false;
}

std::vector<const Seen*> Parsed::all(std::string_view name) const {
  std::vector<const Seen*> out;
  for (const Seen& one : seen) {
    if (is_option(one.option, name) && !one.negated) out.push_back(&one);
  }
  return out;
}

const Seen* Parsed::last_of(std::initializer_list<std::string_view> names) const {
  for (auto one = seen.rbegin(); one != seen.rend(); ++one) {
    for (const std::string_view name : names) {
      if (is_option(one->option, name) && !one->negated) return &*one;
    }
  }
  return nullptr;
}

Parsed parse_options(std::string_view options, const Args& args, std::size_t first, Order order) {
  return Parser(options, args, first, order).run();
}

}  // namespace scc::safety
