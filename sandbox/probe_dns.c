// SPDX-License-Identifier: Apache-2.0
// As much of RFC 1035 as a question and its answer need. See probe.h.
#include <arpa/inet.h>
#include <string.h>

#include "probe.h"

enum { kHeader = 12, kTypeA = 1, kTypePtr = 12, kTypeAaaa = 28, kLabelMax = 63, kNameMax = 253 };

static void put16(uint8_t* out, uint16_t value) {
  out[0] = (uint8_t)(value >> 8);
  out[1] = (uint8_t)value;
}

// The labels of a dotted name; the number of bytes, 0 for what cannot be a name.
static size_t put_name(const char* name, uint8_t* out, size_t capacity) {
  size_t size = 0;
  const size_t length = strlen(name);
  if (length == 0 || length > kNameMax || length + 2 > capacity) return 0;
  for (const char* at = name;;) {
    const size_t label = strcspn(at, ".");
    if (label == 0 || label > kLabelMax) return 0;
    out[size++] = (uint8_t)label;
    memcpy(out + size, at, label);
    size += label;
    at += label;
    if (*at == '\0') break;
    ++at;
  }
  out[size++] = 0;
  return size;
}

size_t probe_dns_query(const char* name, uint16_t id, uint8_t* out, size_t capacity) {
  if (capacity < kHeader + 6) return 0;
  memset(out, 0, kHeader);
  put16(out, id);
  out[2] = 1;  // recursion desired
  put16(out + 4, 1);
  const size_t size = put_name(name, out + kHeader, capacity - kHeader - 4);
  if (size == 0) return 0;
  put16(out + kHeader + size, kTypeA);
  put16(out + kHeader + size + 2, 1);
  return kHeader + size + 4;
}

// Where the question's name ends; 0 when it is none.
static size_t read_name(const uint8_t* packet, size_t size, char* name, size_t capacity) {
  size_t at = kHeader;
  size_t used = 0;
  while (at < size && packet[at] != 0) {
    const size_t label = packet[at++];
    if (label > kLabelMax || at + label >= size || used + label + 2 > capacity) return 0;
    if (used > 0) name[used++] = '.';
    for (size_t i = 0; i < label; ++i) {
      const char c = (char)packet[at + i];
      name[used++] = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c <= ' ' || c == 0x7f ? '?' : c);
    }
    at += label;
  }
  if (at >= size) return 0;
  name[used] = '\0';
  return at + 1;
}

bool probe_dns_question(const uint8_t* packet, size_t size, char* name, size_t capacity, uint16_t* type) {
  if (size < kHeader + 5 || (packet[2] & 0x80) != 0 || packet[4] != 0 || packet[5] != 1) return false;
  const size_t end = read_name(packet, size, name, capacity);
  if (end == 0 || end + 4 > size) return false;
  *type = (uint16_t)(packet[end] << 8 | packet[end + 1]);
  return true;
}

static size_t put_record(uint8_t* out, size_t capacity, uint16_t type, const uint8_t* data, size_t size) {
  if (size + 12 > capacity) return 0;
  put16(out, 0xC000 | kHeader);  // the question's name
  put16(out + 2, type);
  put16(out + 4, 1);
  memset(out + 6, 0, 4);  // not to be kept
  put16(out + 10, (uint16_t)size);
  memcpy(out + 12, data, size);
  return size + 12;
}

size_t probe_dns_answer(const uint8_t* query, size_t size, const char* const* addresses, size_t count,
                        const char* ptr, uint8_t* out, size_t capacity) {
  char name[kNameMax + 3];
  uint16_t type = 0;
  if (!probe_dns_question(query, size, name, sizeof name, &type)) return 0;
  const size_t question = read_name(query, size, name, sizeof name) + 4;
  if (question > capacity) return 0;
  memcpy(out, query, question);
  out[2] = (uint8_t)(0x84 | (query[2] & 1));  // an authoritative answer
  out[3] = 0x80;
  memset(out + 6, 0, 6);
  size_t at = question;
  uint16_t answers = 0;
  uint8_t data[kNameMax + 3];
  if (type == kTypePtr && ptr != NULL) {
    const size_t length = put_name(ptr, data, sizeof data);
    const size_t added = length == 0 ? 0 : put_record(out + at, capacity - at, kTypePtr, data, length);
    at += added;
    answers = added > 0 ? 1 : 0;
  }
  for (size_t i = 0; i < count; ++i) {
    const bool v6 = strchr(addresses[i], ':') != NULL;
    if (type != (v6 ? kTypeAaaa : kTypeA) || inet_pton(v6 ? AF_INET6 : AF_INET, addresses[i], data) != 1)
      continue;
    const size_t added = put_record(out + at, capacity - at, type, data, v6 ? 16 : 4);
    at += added;
    if (added > 0) ++answers;
  }
  put16(out + 6, answers);
  return at;
}
