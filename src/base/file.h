#pragma once
// Files: whole reads, read-only mappings, and writes that appear under their final name complete or not at all.
#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>

namespace burnish {

/// A read-only mapping of a whole file. Throws kIo naming the path and the system's reason.
class MappedFile {
 public:
  static std::shared_ptr<const MappedFile> open(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  MappedFile(const std::byte* data, size_t size) : data_(data), size_(size) {}
  const std::byte* data_;
  size_t size_;
};

/// Sequential writer to "<path>.tmp.<pid>.<n>"; commit() syncs and renames it to path. Without commit() the temporary
/// file is removed. Every failure (a full disk included) throws kIo naming the path.
class AtomicFile {
 public:
  explicit AtomicFile(std::string path);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;
  void write(const void* data, size_t num_bytes);
  /// Writes zeros up to the next multiple of alignment.
  void pad_to(size_t alignment);
  size_t position() const { return position_; }
  void commit();

 private:
  std::string path_;
  std::string temporary_;
  int descriptor_ = -1;
  size_t position_ = 0;
};

/// Throws kIo.
std::string read_file(const std::string& path);
/// Through AtomicFile.
void write_file(const std::string& path, std::span<const std::byte> bytes);
void write_file(const std::string& path, const std::string& text);

}  // namespace burnish
