// SPDX-License-Identifier: Apache-2.0
// A strict JSON reader for the policy document: the guard is static and links nothing. Refuses duplicate
// keys, trailing text, invalid escapes, control characters and nesting over 16. Private to this folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace scc::safety::json {

struct Member;

struct Node {
  enum class Type : unsigned char { null, boolean, number, string, array, object };
  Type type = Type::null;
  bool flag = false;
  double number = 0;
  std::string text;
  std::vector<Node> items;      ///< of an array
  std::vector<Member> members;  ///< of an object
  std::size_t begin = 0;        ///< its text lies in [begin, end) of the document
  std::size_t end = 0;
  const Node* find(std::string_view key) const;
};

struct Member {
  std::string name;
  Node node;
};

/// False: not JSON as above; `*error` says where.
bool parse(std::string_view text, Node* out, std::string* error);

}  // namespace scc::safety::json
