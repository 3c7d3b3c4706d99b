// SPDX-License-Identifier: Apache-2.0
// ELF-64, little-endian (x86-64, AArch64). The file is hostile: no structure is used in place, each read is a
// bounds check and a memcpy, and each loop has a limit that does not come from the file. What the dynamic
// loader itself would use (program headers and the dynamic section) is what counts; section headers are not
// read, they may lie.
#include <algorithm>
#include <array>
#include <cstring>
#include <elf.h>
#include <optional>

#include "base/str.h"
#include "plugin/image.h"

namespace scc::plugin {

namespace {

constexpr std::size_t kMaxSegments = 64;
constexpr std::size_t kMaxDynamic = 512;
constexpr std::size_t kMaxNeeded = 32;
constexpr std::uint64_t kMaxSymbols = 1'000'000;
constexpr std::size_t kMaxName = 256;

constexpr std::array<std::string_view, 12> kNeeded{"libc.so.6",
                                                   "libm.so.6",
                                                   "libdl.so.2",
                                                   "libpthread.so.0",
                                                   "librt.so.1",
                                                   "libgcc_s.so.1",
                                                   "libc++.so.1",
                                                   "libstdc++.so.6",
                                                   "libc++abi.so.1",
                                                   "ld-linux-x86-64.so.2",
                                                   "ld-linux-aarch64.so.1",
                                                   "libunwind.so.1"};

tl::unexpected<Error> refuse(std::string reason) {
  return fail(Kind::prereq, "plugin.image", std::move(reason),
              "build the library with scc_add_plugin() of the SDK, which sets the right flags");
}

template <class T>
std::optional<T> read_at(std::string_view bytes, std::uint64_t offset) {
  if (offset > bytes.size() || bytes.size() - offset < sizeof(T)) return std::nullopt;
  T out;
  std::memcpy(&out, bytes.data() + offset, sizeof(T));
  return out;
}

/// The parts of a library that the checks need.
struct Elf {
  std::string_view bytes;
  std::vector<Elf64_Phdr> segments;
  std::vector<Elf64_Dyn> dynamic;

  std::optional<std::uint64_t> value(std::int64_t tag) const {
    for (const Elf64_Dyn& d : dynamic) {
      if (d.d_tag == tag) return d.d_un.d_val;
    }
    return std::nullopt;
  }

  /// File offset of an address in memory.
  std::optional<std::uint64_t> offset_of(std::uint64_t address) const {
    for (const Elf64_Phdr& s : segments) {
      if (s.p_type == PT_LOAD && address >= s.p_vaddr && address - s.p_vaddr < s.p_filesz) {
        const std::uint64_t delta = address - s.p_vaddr;
        if (s.p_offset > bytes.size() || bytes.size() - s.p_offset < delta) return std::nullopt;
        return s.p_offset + delta;
      }
    }
    return std::nullopt;
  }

  std::optional<std::string> string_at(std::uint64_t index) const {
    const auto table = value(DT_STRTAB);
    const auto size = value(DT_STRSZ);
    if (!table || !size || index >= *size) return std::nullopt;
    const auto base = offset_of(*table);
    if (!base || bytes.size() - *base <= index) return std::nullopt;
    const std::size_t left = std::min<std::uint64_t>(*size - index, bytes.size() - *base - index);
    const std::string_view rest = bytes.substr(*base + index, std::min(left, kMaxName + 1));
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    return std::string(rest.substr(0, end));
  }
};

Status read_header(std::string_view bytes, Elf64_Ehdr& header) {
  const auto raw = read_at<Elf64_Ehdr>(bytes, 0);
  if (!raw || std::memcmp(raw->e_ident, ELFMAG, SELFMAG) != 0) return refuse("not an ELF file");
  if (raw->e_ident[EI_CLASS] != ELFCLASS64 || raw->e_ident[EI_DATA] != ELFDATA2LSB) {
    return refuse("not a 64-bit little-endian library");
  }
#if defined(__x86_64__)
  constexpr std::uint16_t kMachine = EM_X86_64;
#else
  constexpr std::uint16_t kMachine = EM_AARCH64;
#endif
  if (raw->e_machine != kMachine) {
    return refuse("built for another machine (ELF machine " + std::to_string(raw->e_machine) + ")");
  }
  if (raw->e_type != ET_DYN) return refuse("not a shared object");
  if (raw->e_phentsize != sizeof(Elf64_Phdr) || raw->e_phnum == 0 || raw->e_phnum > kMaxSegments) {
    return refuse("malformed program headers");
  }
  header = *raw;
  return {};
}

Status read_segments(const Elf64_Ehdr& header, Elf& elf) {
  bool stack_seen = false;
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    if (header.e_phoff > elf.bytes.size()) return refuse("program headers lie outside the file");
    const auto segment = read_at<Elf64_Phdr>(elf.bytes, header.e_phoff + i * sizeof(Elf64_Phdr));
    if (!segment) return refuse("program headers lie outside the file");
    if (segment->p_type == PT_INTERP) return refuse("an executable, not a library (it has an interpreter)");
    if (segment->p_type == PT_LOAD) {
      if (segment->p_offset > elf.bytes.size() || elf.bytes.size() - segment->p_offset < segment->p_filesz) {
        return refuse("the file is cut short: a segment lies outside it");
      }
      if ((segment->p_flags & PF_W) != 0 && (segment->p_flags & PF_X) != 0) {
        return refuse("a segment is writable and executable");
      }
    }
    if (segment->p_type == PT_GNU_STACK) {
      stack_seen = true;
      if ((segment->p_flags & PF_X) != 0) return refuse("asks for an executable stack");
    }
    elf.segments.push_back(*segment);
  }
  // Without the header the kernel and glibc fall back to an executable stack.
  if (!stack_seen) return refuse("asks for an executable stack (no PT_GNU_STACK)");
  return {};
}

Status read_dynamic(Elf& elf) {
  const auto found = std::find_if(elf.segments.begin(), elf.segments.end(),
                                  [](const Elf64_Phdr& s) { return s.p_type == PT_DYNAMIC; });
  if (found == elf.segments.end()) return refuse("no dynamic section");
  // The loader reads it from memory, so its address must be what the offset says.
  const auto offset = elf.offset_of(found->p_vaddr);
  if (!offset || *offset != found->p_offset) return refuse("malformed dynamic section");
  for (std::size_t i = 0; i < kMaxDynamic; ++i) {
    const auto entry = read_at<Elf64_Dyn>(elf.bytes, *offset + i * sizeof(Elf64_Dyn));
    if (!entry) return refuse("malformed dynamic section");
    if (entry->d_tag == DT_NULL) return {};
    elf.dynamic.push_back(*entry);
  }
  return refuse("malformed dynamic section (no end)");
}

bool needed_allowed(std::string_view name) {
  return std::find(kNeeded.begin(), kNeeded.end(), name) != kNeeded.end();
}

Status check_dynamic(const Elf& elf, Image& image) {
  for (const Elf64_Dyn& d : elf.dynamic) {
    switch (d.d_tag) {
      case DT_RPATH:
      case DT_RUNPATH:
        return refuse("has an RPATH: it would load code from elsewhere");
      case DT_TEXTREL:
        return refuse("has text relocations");
      case DT_FLAGS:
        if ((d.d_un.d_val & DF_TEXTREL) != 0) return refuse("has text relocations");
        break;
      case DT_AUDIT:
      case DT_DEPAUDIT:
      case DT_AUXILIARY:
      case DT_FILTER:
        return refuse("names an auditor or filter library");
      case DT_NEEDED: {
        const auto name = elf.string_at(d.d_un.d_val);
        if (!name || image.needed.size() >= kMaxNeeded) return refuse("malformed list of needed libraries");
        if (!needed_allowed(*name)) {
          return refuse("needs " + str::printable(*name) +
                        ", which is not on the list of allowed libraries (link it statically)");
        }
        image.needed.push_back(*name);
        break;
      }
      default:
        break;
    }
  }
  return {};
}

/// Number of dynamic symbols by the GNU hash table: the last one reachable from a bucket, plus one.
std::optional<std::uint64_t> count_gnu(const Elf& elf, std::uint64_t table) {
  const auto buckets = read_at<std::uint32_t>(elf.bytes, table);
  const auto first = read_at<std::uint32_t>(elf.bytes, table + 4);
  const auto bloom = read_at<std::uint32_t>(elf.bytes, table + 8);
  if (!buckets || !first || !bloom || *buckets > kMaxSymbols || *bloom > kMaxSymbols) return std::nullopt;
  const std::uint64_t bucket_base = table + 16 + std::uint64_t{*bloom} * 8;
  std::uint32_t last = 0;
  for (std::uint32_t i = 0; i < *buckets; ++i) {
    const auto head = read_at<std::uint32_t>(elf.bytes, bucket_base + std::uint64_t{i} * 4);
    if (!head) return std::nullopt;
    last = std::max(last, *head);
  }
  if (last < *first) return *first;  // an empty table
  const std::uint64_t chain_base = bucket_base + std::uint64_t{*buckets} * 4;
  for (std::uint64_t i = last; i < kMaxSymbols; ++i) {
    const auto link = read_at<std::uint32_t>(elf.bytes, chain_base + (i - *first) * 4);
    if (!link) return std::nullopt;
    if ((*link & 1U) != 0) return i + 1;
  }
  return std::nullopt;
}

/// The greatest count that any of the tables admits: what the loader could find by either of them.
std::optional<std::uint64_t> symbol_count(const Elf& elf) {
  std::optional<std::uint64_t> count;
  if (const auto address = elf.value(DT_HASH)) {
    const auto offset = elf.offset_of(*address);
    const auto chains = offset ? read_at<std::uint32_t>(elf.bytes, *offset + 4) : std::nullopt;
    if (!chains) return std::nullopt;
    count = *chains;
  }
  if (const auto address = elf.value(DT_GNU_HASH)) {
    const auto offset = elf.offset_of(*address);
    const auto counted = offset ? count_gnu(elf, *offset) : std::nullopt;
    if (!counted) return std::nullopt;
    count = std::max(count.value_or(0), *counted);
  }
  return count && *count <= kMaxSymbols ? count : std::nullopt;
}

Status read_exports(const Elf& elf, Image& image) {
  const auto table = elf.value(DT_SYMTAB);
  const auto base = table ? elf.offset_of(*table) : std::nullopt;
  const auto count = symbol_count(elf);
  if (!base || !count || elf.value(DT_SYMENT).value_or(sizeof(Elf64_Sym)) != sizeof(Elf64_Sym)) {
    return refuse("malformed symbol table");
  }
  for (std::uint64_t i = 0; i < *count; ++i) {
    const auto symbol = read_at<Elf64_Sym>(elf.bytes, *base + i * sizeof(Elf64_Sym));
    if (!symbol) return refuse("malformed symbol table");
    const unsigned bind = ELF64_ST_BIND(symbol->st_info);
    const unsigned visibility = ELF64_ST_VISIBILITY(symbol->st_other);
    if (symbol->st_shndx == SHN_UNDEF || bind == STB_LOCAL) continue;
    if (visibility == STV_HIDDEN || visibility == STV_INTERNAL) continue;
    const auto name = elf.string_at(symbol->st_name);
    if (!name) return refuse("malformed symbol name");
    image.exports.push_back(*name);
    if (image.exports.size() > 64) break;  // far too many anyway
  }
  return {};
}

bool entry_of_some_major(std::string_view name) {
  constexpr std::string_view kStem = "scc_plugin_entry_v";
  return str::starts_with(name, kStem) && name.size() > kStem.size() &&
         std::all_of(name.begin() + kStem.size(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Status check_exports(const Image& image) {
  std::string other_major;
  bool entry = false;
  for (const std::string& name : image.exports) {
    if (!entry_of_some_major(name)) {
      return refuse("exports " + str::printable(name) + " besides its entry (use the SDK's plugin.map)");
    }
    entry = entry || name == kEntrySymbol;
    if (name != kEntrySymbol) other_major = name;
  }
  if (entry) return {};
  if (!other_major.empty()) {
    return fail(Kind::prereq, "plugin.no-entry",
                "exports " + other_major + " but not " + std::string(kEntrySymbol) +
                    ": it was built for another major version of the plugin interface",
                "install a build of the plugin for this version of scc");
  }
  return fail(Kind::prereq, "plugin.no-entry",
              "does not export " + std::string(kEntrySymbol) + ": it is no scc plugin",
              "export the entry with SCC_PLUGIN() of the SDK");
}

}  // namespace

Result<Image> check_image(std::string_view bytes) {
  Elf64_Ehdr header;
  SCC_CHECK(read_header(bytes, header));
  Elf elf{bytes, {}, {}};
  SCC_CHECK(read_segments(header, elf));
  SCC_CHECK(read_dynamic(elf));
  Image image;
  SCC_CHECK(check_dynamic(elf, image));
  SCC_CHECK(read_exports(elf, image));
  SCC_CHECK(check_exports(image));
  return image;
}

}  // namespace scc::plugin
