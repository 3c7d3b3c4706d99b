// SPDX-License-Identifier: Apache-2.0
// Expansion of words. A word may have several outcomes (a variable that is set in two branches,
// ${x:-default}): all of them are looked at, up to a bound.
#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "safety/shell_run.h"

namespace scc::safety::shell {

namespace {

constexpr std::size_t kWords = 1024;
constexpr std::size_t kText = std::size_t{64} << 10U;

const std::string kUnknownText(1, kUnknown);

bool brace_part(const Part& part, char c) {
  return part.kind == Part::Kind::brace && part.text[0] == c;
}

/// Index of the '}' that closes the '{' at `open`, with the top-level commas in between; npos: none.
std::size_t closing(const Word& word, std::size_t open, std::vector<std::size_t>* commas) {
  int depth = 0;
  for (std::size_t i = open; i < word.size(); ++i) {
    if (brace_part(word[i], '{')) ++depth;
    if (brace_part(word[i], ',') && depth == 1) commas->push_back(i);
    if (brace_part(word[i], '}') && --depth == 0) return i;
  }
  return std::string::npos;
}

/// The words of {a..e} and {1..9..2}; none: it is no sequence. Of numbers, and of a word's
/// further sequences, the ends stand for all.
std::vector<std::string> sequence(const Part& part, bool further) {
  std::vector<std::string> ends;
  const std::string& text = part.text;
  if (part.kind != Part::Kind::text || part.quoted || text.size() > 64) return {};
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t dots = std::min(text.find("..", at), text.size());
    ends.push_back(text.substr(at, dots - at));
    at = dots + 2;
  }
  const auto number = [](const std::string& one) {
    const std::size_t digits = one.find_first_of("0123456789");
    return digits <= 1 && one.find_first_not_of("0123456789", digits) == std::string::npos &&
           (digits == 0 || one[0] == '-' || one[0] == '+');
  };
  if (ends.size() < 2 || ends.size() > 3 || (ends.size() == 3 && !number(ends[2]))) return {};
  if (number(ends[0]) && number(ends[1])) return {ends[0], ends[1]};
  const auto letter = [](const std::string& one) {
    return one.size() == 1 && std::isalpha(static_cast<unsigned char>(one[0])) != 0;
  };
  if (!letter(ends[0]) || !letter(ends[1])) return {};
  if (further) return {ends[0], ends[1]};
  std::vector<std::string> out;
  const int step = ends.size() == 3 && ends[2].size() < 4 ? std::max(std::abs(std::stoi(ends[2])), 1) : 1;
  const int first = static_cast<unsigned char>(ends[0][0]);
  const int last = static_cast<unsigned char>(ends[1][0]);
  const int way = first <= last ? step : -step;
  for (int c = first; way > 0 ? c <= last : c >= last; c += way) out.emplace_back(1, static_cast<char>(c));
  return out;
}

/// Spells out the braces of a word. Copies of words cost their parts, so that these are what is bounded.
class Spelling {
 public:
  std::vector<Word> take(const Word& word, bool* whole) {
    spell(word, 0);
    *whole = whole_;
    return std::move(words_);
  }

 private:
  void spell(const Word& word, unsigned depth) {
    if (words_.size() >= kWords || parts_ + word.size() > kParts) {
      whole_ = false;
      return;
    }
    for (std::size_t i = 0; i < word.size(); ++i) {
      if (!brace_part(word[i], '{')) continue;
      std::vector<std::size_t> cuts{i};
      const std::size_t end = closing(word, i, &cuts);
      const bool one = end != std::string::npos && cuts.size() < 2 && end == i + 2;
      const std::vector<std::string> range =
          one ? sequence(word[i + 1], depth > 0) : std::vector<std::string>();
      if (end == std::string::npos || (cuts.size() < 2 && range.empty())) continue;
      if (depth == kBraces) whole_ = false;
      if (!whole_) return;
      for (std::size_t k = 0; k < range.size() && whole_; ++k) {
        Word next = choice(word, i, {i, end}, 0);
        next[i].text = range[k];
        spell(next, depth + 1);
      }
      if (!range.empty()) return;
      cuts.push_back(end);
      for (std::size_t k = 0; k + 1 < cuts.size() && whole_; ++k) spell(choice(word, i, cuts, k), depth + 1);
      return;
    }
    words_.push_back(word);
  }

  /// The word with the k-th of the texts that stand between its braces.
  Word choice(const Word& word, std::size_t begin, const std::vector<std::size_t>& cuts, std::size_t k) {
    const auto at = [&](std::size_t index) { return word.begin() + static_cast<std::ptrdiff_t>(index); };
    Word out(word.begin(), at(begin));
    out.insert(out.end(), at(cuts[k] + 1), at(cuts[k + 1]));
    out.insert(out.end(), at(cuts.back() + 1), word.end());
    parts_ += out.size();
    return out;
  }

  static constexpr unsigned kBraces = 16;
  static constexpr std::size_t kParts = 60'000;
  std::vector<Word> words_;
  std::size_t parts_ = 0;
  bool whole_ = true;
};

}  // namespace

std::vector<Word> braces(const Word& word, bool* whole) {
  return Spelling().take(word, whole);
}

std::string Runner::separators() const {
  std::string out = " \t\n";
  const auto ifs = variables_.find("IFS");
  if (ifs == variables_.end()) return out;
  for (const Fields& one : ifs->second) {
    for (const std::string& text : one) out += text;
  }
  return out;
}

Alternatives Runner::plain_values(const Part& part) {
  std::string name = part.text;
  const std::size_t bracket = name.find('[');
  if (bracket != std::string::npos) name.resize(bracket);
  const bool all = name == "@" || name == "*";
  const bool number = !name.empty() && name.find_first_not_of("0123456789") == std::string::npos;
  if (all || number) {
    const bool known = !in_function_ && (set_.has_value() || !positional_.empty());
    if (!known) return {{kUnknownText}};
    const Args& args = set_ ? *set_ : positional_;
    if (all) return {Fields(args.begin() + 1, args.end())};
    const std::size_t index = name.size() > 4 ? args.size() : std::stoul(name);
    return {index < args.size() ? Fields{args[index]} : Fields{}};
  }
  if (name == "#" || name == "?" || name == "$" || name == "!" || name == "-") return {{"0"}};
  const auto found = variables_.find(name);
  if (found != variables_.end()) {
    if (judge_.cut_names.count(name) != 0) cut_ = true;
    return found->second;
  }
  if (name == "PWD" || name == "OLDPWD" || name == "HOME") return {{"/" + std::string(kUnknownText)}};
  if (name == "IFS") return {{" "}};
  if (name == "SHELL" || name == "BASH") return {{"/bin/bash"}};
  return {{kUnknownText}};
}

/// What a part may stand for: alternatives of one or, for arrays and $@, several words.
Alternatives Runner::values(const Part& part, unsigned depth) {
  if (!part.index.empty()) joined(part.index, depth);
  switch (part.kind) {
    case Part::Kind::command:
      return {{captured(*part.script, depth)}};
    case Part::Kind::process: {
      const std::string text = captured(*part.script, depth);
      const std::string name = "/dev/fd/" + std::to_string(63 + processes_++);
      process_outputs_[name] = text;
      return {{name}};
    }
    case Part::Kind::unknown:
      return {{kUnknownText}};
    case Part::Kind::variable:
      break;
    default:
      return {{part.text}};
  }
  Alternatives plain = plain_values(part);
  if (part.op.empty()) return plain;
  const char op = part.op.back();
  Alternatives word;
  for (std::string& text : joined(part.word, depth)) word.push_back({std::move(text)});
  if (part.op == "#") return {{"0"}};
  const bool known = !plain.empty() && std::none_of(plain.begin(), plain.end(), [](const Fields& one) {
    return std::any_of(one.begin(), one.end(), [](const std::string& text) { return has_unknown(text); });
  });
  if (op == '-' || op == '=') {
    const bool empty = std::any_of(plain.begin(), plain.end(), [](const Fields& one) {
      return one.empty() || (one.size() == 1 && one[0].empty());
    });
    if (known && !empty) return plain;
    word.insert(word.end(), plain.begin(), plain.end());
    limit(&word);
    if (op == '=') variables_[part.text] = word;
    return word;
  }
  if (op == '+') {
    word.push_back({""});
    return word;
  }
  if (op == '?') return plain;
  return {{kUnknownText}};
}

/// Appends the values to every alternative in work; an unquoted value is split into fields.
void Runner::append(const Part& part, const Alternatives& values, bool split, Alternatives* done,
                    std::vector<bool>* open) {
  const bool many = part.kind == Part::Kind::variable &&
                    (part.text == "@" || part.text == "*" || part.text.find("[@]") != std::string::npos ||
                     part.text.find("[*]") != std::string::npos);
  const std::string cuts =
      split && !part.quoted && part.kind != Part::Kind::text && part.kind != Part::Kind::brace
          ? separators()
          : std::string();
  Alternatives out;
  std::vector<bool> out_open;
  if (values.empty()) return;  // nothing, as of a loop without words
  for (std::size_t i = 0; i < done->size(); ++i) {
    for (const Fields& value : values) {
      if (out.size() >= kAlternatives || !judge_.spend_words((*done)[i].size() + value.size() + 1)) {
        cut_ = true;
        break;
      }
      Fields fields = (*done)[i];
      bool is_open = (*open)[i];
      const auto add = [&](std::string_view text, bool force) {
        if (text.empty() && !force) return;
        if (!is_open) fields.emplace_back();
        is_open = true;
        if (fields.back().size() + text.size() <= kText) fields.back() += text;
      };
      for (std::size_t k = 0; k < value.size(); ++k) {
        if (k > 0) {
          if (many && split)
            is_open = false;
          else
            add(" ", true);
        }
        if (fields.size() > kWords) break;
        if (cuts.empty()) {
          add(value[k], part.quoted || part.kind == Part::Kind::text || part.kind == Part::Kind::brace);
          continue;
        }
        std::string_view rest = value[k];
        while (!rest.empty()) {
          const std::size_t cut = rest.find_first_of(cuts);
          add(rest.substr(0, cut), false);
          if (cut == std::string_view::npos) break;
          is_open = false;
          rest.remove_prefix(cut + 1);
        }
      }
      out.push_back(std::move(fields));
      out_open.push_back(is_open);
    }
  }
  *done = std::move(out);
  *open = std::move(out_open);
}

/// Each outcome with each of `more` behind it.
void Runner::follow(Alternatives* out, const Alternatives& more, std::size_t most) {
  if (more.size() == 1) {
    for (Fields& one : *out) {
      if (one.size() + more[0].size() > most || !judge_.spend_words(more[0].size() + 1)) {
        cut_ = true;
        return;
      }
      one.insert(one.end(), more[0].begin(), more[0].end());
    }
    return;
  }
  Alternatives next;
  for (const Fields& before : *out) {
    for (const Fields& after : more) {
      const std::size_t size = before.size() + after.size();
      if (next.size() >= kAlternatives || size > most || !judge_.spend_words(size + 1)) {
        cut_ = true;
        break;
      }
      next.push_back(before);
      next.back().insert(next.back().end(), after.begin(), after.end());
    }
  }
  *out = std::move(next);
}

Alternatives Runner::expand(const Word& word, unsigned depth) {
  Alternatives out{{}};
  bool whole = true;
  const std::vector<Word> spelled = braces(word, &whole);
  // What is left out may be anything.
  if (!whole) judge_.report(Rule::shell_too_complex, "", depth);
  for (const Word& one : spelled) {
    Alternatives done{{}};
    std::vector<bool> open{false};
    for (const Part& part : one) append(part, values(part, depth), true, &done, &open);
    follow(&out, done, 4 * kWords);
  }
  return out;
}

std::vector<std::string> Runner::joined(const Word& word, unsigned depth) {
  Alternatives done{{}};
  std::vector<bool> open{false};
  for (const Part& part : word) append(part, values(part, depth), false, &done, &open);
  std::vector<std::string> out;
  for (const Fields& one : done) out.push_back(one.empty() ? std::string() : one[0]);
  return out;
}

/// A variable with several values that the words name more than once; empty: none.
std::string Runner::shared(const std::vector<Word>& list) const {
  std::set<std::string> seen;
  for (const Word& word : list) {
    for (const Part& part : word) {
      if (part.kind != Part::Kind::variable) continue;
      const auto found = variables_.find(part.text);
      if (found == variables_.end() || found->second.size() < 2) continue;
      if (!seen.insert(part.text).second) return part.text;
    }
  }
  return {};
}

/// The outcomes of a command's words. A variable has one value at a time, wherever they name it.
Alternatives Runner::words(const std::vector<Word>& list, unsigned depth) {
  const std::string name = shared(list);
  Alternatives out;
  if (name.empty()) {
    out.emplace_back();
    for (const Word& word : list) follow(&out, expand(word, depth), 16 * kWords);
    return out;
  }
  const Alternatives all = variables_[name];
  for (const Fields& value : all) {
    variables_[name] = {value};
    Alternatives some = words(list, depth);
    if (out.size() + some.size() > kAlternatives) {
      cut_ = true;
      break;
    }
    out.insert(out.end(), some.begin(), some.end());
  }
  variables_[name] = all;
  return out;
}

/// Keeps no more values than are looked at.
void Runner::limit(Alternatives* values) {
  if (values->size() <= kAlternatives) return;
  values->resize(kAlternatives);
  cut_ = true;
}

}  // namespace scc::safety::shell
