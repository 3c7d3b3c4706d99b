// SPDX-License-Identifier: Apache-2.0
// libarchive behind Sources and Sinks. Entries carry nothing of this machine: no times, no owners, no names.
#include "image/tar.h"

#include <algorithm>
#include <cstring>
#include <fcntl.h>
#include <map>
#include <memory>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include "base/str.h"
#include "os/fs.h"

namespace scc::image {
namespace {

using Entry = std::unique_ptr<archive_entry, decltype(&archive_entry_free)>;
using Writer = std::unique_ptr<archive, decltype(&archive_write_free)>;
using Reader = std::unique_ptr<archive, decltype(&archive_read_free)>;

la_ssize_t append(archive*, void* target, const void* bytes, std::size_t size) {
  static_cast<std::string*>(target)->append(static_cast<const char*>(bytes), size);
  return static_cast<la_ssize_t>(size);
}

Writer open_writer(std::string& target) {
  Writer writer(archive_write_new(), &archive_write_free);
  if (writer == nullptr || archive_write_set_format_pax_restricted(writer.get()) != ARCHIVE_OK ||
      archive_write_set_bytes_per_block(writer.get(), 512) != ARCHIVE_OK ||
      archive_write_open(writer.get(), &target, nullptr, &append, nullptr) != ARCHIVE_OK) {
    return {nullptr, &archive_write_free};
  }
  return writer;
}

bool write_header(archive* writer, const std::string& path, unsigned type, mode_t mode, uid_t uid, gid_t gid,
                  std::size_t size) {
  const Entry entry(archive_entry_new(), &archive_entry_free);
  if (entry == nullptr) {
    return false;
  }
  archive_entry_set_pathname_utf8(entry.get(), path.c_str());
  archive_entry_set_filetype(entry.get(), type);
  archive_entry_set_perm(entry.get(), mode);
  archive_entry_set_uid(entry.get(), static_cast<la_int64_t>(uid));
  archive_entry_set_gid(entry.get(), static_cast<la_int64_t>(gid));
  archive_entry_set_mtime(entry.get(), 0, 0);
  archive_entry_set_size(entry.get(), static_cast<la_int64_t>(size));
  return archive_write_header(writer, entry.get()) == ARCHIVE_OK;
}

/// Gives out what is pending in `buffer` from `offset`.
std::size_t take(std::string& buffer, std::size_t& offset, char* target, std::size_t capacity) {
  const std::size_t count = std::min(capacity, buffer.size() - offset);
  std::copy_n(buffer.data() + offset, count, target);
  offset += count;
  if (offset == buffer.size()) {
    buffer.clear();
    offset = 0;
  }
  return count;
}

/// Writes the archive entry by entry as it is read; holds at most one file more than the context itself.
class ContextStream {
 public:
  explicit ContextStream(const Context& context) : writer_(open_writer(pending_)) {
    for (const File& file : context.files) {
      for (std::size_t slash = file.path.find('/'); slash != std::string::npos;
           slash = file.path.find('/', slash + 1)) {
        entries_.emplace(file.path.substr(0, slash), nullptr);
      }
      entries_.emplace(file.path, &file);
    }
    next_ = entries_.begin();
  }

  std::optional<std::size_t> read(char* target, std::size_t capacity) {
    while (pending_.empty() && !closed_) {
      if (!step()) {
        return std::nullopt;
      }
    }
    return take(pending_, offset_, target, capacity);
  }

 private:
  bool step() {
    if (writer_ == nullptr) {
      return false;
    }
    if (next_ == entries_.end()) {
      closed_ = true;
      return archive_write_close(writer_.get()) == ARCHIVE_OK;
    }
    const auto& [path, file] = *next_++;
    if (file == nullptr) {
      return write_header(writer_.get(), path, AE_IFDIR, 0755, 0, 0, 0);
    }
    const std::size_t size = file->bytes.size();
    return write_header(writer_.get(), path, AE_IFREG, file->executable ? 0755 : 0644, 0, 0, size) &&
           (size == 0 ||
            archive_write_data(writer_.get(), file->bytes.data(), size) == static_cast<la_ssize_t>(size));
  }

  std::string pending_;
  std::size_t offset_ = 0;
  Writer writer_;
  std::map<std::string, const File*> entries_;  ///< nullptr: a directory
  std::map<std::string, const File*>::const_iterator next_;
  bool closed_ = false;
};

tl::unexpected<Error> bad_tar(std::string reason) {
  return fail(Kind::tool, "image.tar", "the engine's archive " + std::move(reason));
}

}  // namespace

plugin::Source context_source(const Context& context) {
  return [stream = std::make_shared<ContextStream>(context)](char* target, std::size_t capacity) {
    return stream->read(target, capacity);
  };
}

plugin::Source bytes_source(std::string bytes) {
  struct State {
    std::string bytes;
    std::size_t offset = 0;
  };
  auto state = std::make_shared<State>(State{std::move(bytes), 0});
  return [state](char* target, std::size_t capacity) -> std::optional<std::size_t> {
    return take(state->bytes, state->offset, target, capacity);
  };
}

Result<plugin::Source> file_source(const stdfs::path& path, std::function<bool()> cancelled) {
  auto fd = std::make_shared<os::Fd>(::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC));
  if (!*fd) {
    return fail(os::errno_error("open", path, errno));
  }
  return plugin::Source([fd, cancelled = std::move(cancelled)](
                            char* target, std::size_t capacity) -> std::optional<std::size_t> {
    if (cancelled && cancelled()) {
      return std::nullopt;
    }
    for (;;) {
      const ssize_t count = ::read(fd->get(), target, capacity);
      if (count >= 0) {
        return static_cast<std::size_t>(count);
      }
      if (errno != EINTR) {
        return std::nullopt;
      }
    }
  });
}

std::string owner_tar(uid_t uid, gid_t gid, mode_t mode) {
  std::string bytes;
  const Writer writer = open_writer(bytes);
  if (writer == nullptr || !write_header(writer.get(), "./", AE_IFDIR, mode & 07777U, uid, gid, 0) ||
      archive_write_close(writer.get()) != ARCHIVE_OK) {
    return {};
  }
  return bytes;
}

Result<std::string> extract_single(std::string_view tar, std::size_t limit) {
  const Reader reader(archive_read_new(), &archive_read_free);
  if (reader == nullptr || archive_read_support_format_tar(reader.get()) != ARCHIVE_OK ||
      archive_read_open_memory(reader.get(), tar.data(), tar.size()) != ARCHIVE_OK) {
    return bad_tar("cannot be read");
  }
  archive_entry* entry = nullptr;
  if (archive_read_next_header(reader.get(), &entry) != ARCHIVE_OK) {
    return bad_tar("is empty or damaged");
  }
  if (archive_entry_filetype(entry) != AE_IFREG || archive_entry_hardlink(entry) != nullptr) {
    return bad_tar("holds something else than a regular file");
  }
  if (archive_entry_size(entry) < 0 || static_cast<std::uint64_t>(archive_entry_size(entry)) > limit) {
    return bad_tar("holds a file larger than " + std::to_string(limit) + " bytes");
  }
  std::string bytes(static_cast<std::size_t>(archive_entry_size(entry)), '\0');
  if (archive_read_data(reader.get(), bytes.data(), bytes.size()) != static_cast<la_ssize_t>(bytes.size())) {
    return bad_tar("ends too early");
  }
  if (archive_read_next_header(reader.get(), &entry) != ARCHIVE_EOF) {
    return bad_tar("holds more than one entry");
  }
  return bytes;
}

plugin::Sink BoundedBuffer::sink() {
  return [this](std::string_view bytes) {
    if (bytes.size() > limit_ - bytes_.size()) {
      overflowed_ = true;
      return false;
    }
    bytes_.append(bytes);
    return true;
  };
}

}  // namespace scc::image
