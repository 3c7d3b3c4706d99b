// SPDX-License-Identifier: Apache-2.0
#include "guard/ext_json.h"

#include <cstring>
#include <memory>
#include <new>
#include <string>
#include <string_view>

#include "safety/json_reader.h"

struct scc_json {
  scc::safety::json::Node root;
};

namespace scc::guard {

namespace {

using Node = safety::json::Node;

std::string_view text(scc_str s) noexcept {
  return s.data == nullptr ? std::string_view{} : std::string_view{s.data, s.size};
}
scc_str view(std::string_view s) noexcept {
  return scc_str{s.data(), s.size()};
}

scc_json_type type_of(const Node& node) noexcept {
  switch (node.type) {
    case Node::Type::null:
      return SCC_JSON_NULL;
    case Node::Type::boolean:
      return SCC_JSON_BOOL;
    case Node::Type::number:
      return SCC_JSON_NUMBER;
    case Node::Type::string:
      return SCC_JSON_STRING;
    case Node::Type::array:
      return SCC_JSON_ARRAY;
    case Node::Type::object:
      return SCC_JSON_OBJECT;
  }
  return SCC_JSON_NULL;
}

std::int64_t whole(double number) noexcept {
  constexpr double kMost = 9.0e15;  // what a double holds exactly
  return number > -kMost && number < kMost ? static_cast<std::int64_t>(number) : 0;
}

/// Writes as much of the view as the caller's struct holds: an older plugin's is shorter.
void fill(scc_json_view* out, const Node* node, std::string_view key) noexcept {
  scc_json_view found{};
  found.struct_size = out->struct_size;
  if (node != nullptr) {
    found.type = type_of(*node);
    found.integer = node->type == Node::Type::boolean ? (node->flag ? 1 : 0) : whole(node->number);
    found.number = node->number;
    found.str = view(node->text);
    found.key = view(key);
    found.size = node->type == Node::Type::array ? node->items.size() : node->members.size();
  }
  std::memcpy(out, &found, out->struct_size < sizeof found ? out->struct_size : sizeof found);
}

/// One token of an RFC 6901 pointer.
const Node* step(const Node& node, const std::string& token) {
  if (node.type == Node::Type::object) return node.find(token);
  const bool index = !token.empty() && token.size() < 10 && (token == "0" || token[0] != '0') &&
                     token.find_first_not_of("0123456789") == std::string::npos;
  if (node.type != Node::Type::array || !index) return nullptr;
  const std::size_t at = std::stoul(token);
  return at < node.items.size() ? &node.items[at] : nullptr;
}

const Node* find(const Node& root, std::string_view pointer) {
  const Node* node = &root;
  while (node != nullptr && !pointer.empty()) {
    if (pointer.front() != '/') return nullptr;
    pointer.remove_prefix(1);
    const std::size_t end = pointer.find('/');
    std::string token(pointer.substr(0, end));
    for (std::size_t i = token.find('~'); i != std::string::npos; i = token.find('~', i + 1))
      token.replace(i, 2, token.compare(i, 2, "~1") == 0 ? "/" : "~");
    node = step(*node, token);
    pointer = end == std::string_view::npos ? std::string_view() : pointer.substr(end);
  }
  return node;
}

const Node* find(const scc_json* document, scc_str pointer) noexcept {
  try {
    return document == nullptr ? nullptr : find(document->root, text(pointer));
  } catch (...) {
    return nullptr;
  }
}

scc_status parse(const scc_host_v1* /*host*/, scc_str source, scc_json** out,
                 const scc_error_sink* err) noexcept {
  try {
    if (out == nullptr) return SCC_E_USAGE;
    auto document = std::make_unique<scc_json>();
    std::string problem;
    if (!safety::json::parse(text(source), &document->root, &problem)) {
      if (SCC_HAS(err, report)) err->report(err->ctx, view("json.syntax"), view(problem), view(""));
      return SCC_E_CONFIG;
    }
    *out = document.release();
    return SCC_OK;
  } catch (...) {
    return SCC_E_INTERNAL;
  }
}

void release(scc_json* document) noexcept {
  delete document;
}

void at(const scc_json* document, scc_str pointer, scc_json_view* out) noexcept {
  if (out == nullptr || out->struct_size < sizeof(std::uint32_t)) return;
  fill(out, find(document, pointer), {});
}

void child(const scc_json* document, scc_str pointer, std::size_t index, scc_json_view* out) noexcept {
  if (out == nullptr || out->struct_size < sizeof(std::uint32_t)) return;
  const Node* parent = find(document, pointer);
  if (parent != nullptr && parent->type == Node::Type::array && index < parent->items.size())
    return fill(out, &parent->items[index], {});
  if (parent != nullptr && parent->type == Node::Type::object && index < parent->members.size())
    return fill(out, &parent->members[index].node, parent->members[index].name);
  fill(out, nullptr, {});
}

}  // namespace

const scc_host_json_v1* ext_json_service() noexcept {
  static constexpr scc_host_json_v1 kTable{sizeof(scc_host_json_v1), 0, parse, release, at, child};
  return &kTable;
}

}  // namespace scc::guard
