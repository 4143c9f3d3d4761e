#include "builder/npz.h"

#include <zip.h>

#include <filesystem>

#include "base/error.h"
#include "base/npy.h"

namespace burnish {
namespace {

/// What the archive's directory says of sizes may be anything: larger arrays are refused, and those that would have to
/// be compressed better than Deflate can (1032 to 1), before memory is taken for them.
constexpr uint64_t kMaxArrayBytes = uint64_t{16} << 30;
constexpr uint64_t kMaxCompression = 1100;
constexpr uint64_t kSmallBytes = 1 << 16;

struct CloseArchive {
  void operator()(zip_t* archive) const { zip_discard(archive); }
};
struct CloseEntry {
  void operator()(zip_file_t* entry) const { zip_fclose(entry); }
};
using Archive = std::unique_ptr<zip_t, CloseArchive>;
using Entry = std::unique_ptr<zip_file_t, CloseEntry>;

Archive open_archive(const std::string& path) {
  check(std::filesystem::exists(path), ErrorCode::kIo, "cannot read '{}': there is no such file", path);
  int code = 0;
  Archive archive(zip_open(path.c_str(), ZIP_RDONLY, &code));
  if (archive) return archive;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  const std::string reason = zip_error_strerror(&error);
  zip_error_fini(&error);
  throw_error(ErrorCode::kInvalidArgument, "'{}' is no readable .npz file: {}", path, reason);
}

bool is_possible_size(const zip_stat_t& stat) {
  constexpr zip_uint64_t kNeeded = ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE;
  return (stat.valid & kNeeded) == kNeeded && stat.size <= kMaxArrayBytes &&
         (stat.size <= kSmallBytes || stat.size / kMaxCompression <= stat.comp_size);
}

Tensor read_entry(zip_t* archive, zip_uint64_t index, const zip_stat_t& stat, const std::string& name,
                  const std::string& path) {
  const std::string what = fmt::format("array '{}' of '{}'", name, path);
  check(is_possible_size(stat), ErrorCode::kInvalidArgument, "{} has an impossible size: {} bytes", what, stat.size);
  const auto memory = allocate_aligned(stat.size);
  const Entry entry(zip_fopen_index(archive, index, 0));
  check(entry != nullptr, ErrorCode::kInvalidArgument, "{}: {}", what, zip_strerror(archive));
  uint64_t done = 0;
  while (done < stat.size) {
    const zip_int64_t n = zip_fread(entry.get(), static_cast<std::byte*>(memory.get()) + done, stat.size - done);
    check(n > 0, ErrorCode::kInvalidArgument, "{} is damaged or truncated", what);
    done += static_cast<uint64_t>(n);
  }
  // Checksums are compared where the data end.
  std::byte beyond{};
  check(zip_fread(entry.get(), &beyond, 1) == 0, ErrorCode::kInvalidArgument, "{} is damaged", what);
  return parse_npy({static_cast<const std::byte*>(memory.get()), stat.size}, memory, fmt::format("{}:{}", path, name));
}

}  // namespace

std::map<std::string, Tensor> read_npz(const std::string& path) {
  const Archive archive = open_archive(path);
  std::map<std::string, Tensor> arrays;
  const zip_int64_t count = zip_get_num_entries(archive.get(), 0);
  for (zip_int64_t i = 0; i < count; ++i) {
    zip_stat_t stat;
    check(zip_stat_index(archive.get(), static_cast<zip_uint64_t>(i), 0, &stat) == 0, ErrorCode::kInvalidArgument,
          "'{}': {}", path, zip_strerror(archive.get()));
    std::string name = (stat.valid & ZIP_STAT_NAME) != 0 ? stat.name : "";
    if (!name.ends_with(".npy")) continue;
    name.resize(name.size() - 4);
    arrays.emplace(name, read_entry(archive.get(), static_cast<zip_uint64_t>(i), stat, name, path));
  }
  check(!arrays.empty(), ErrorCode::kInvalidArgument, "'{}' holds no arrays", path);
  return arrays;
}

}  // namespace burnish
