#include "builder/npz.h"

#include <zip.h>

#include <filesystem>

#include "base/error.h"
#include "base/npy.h"

namespace burnish {
namespace {

/// Beyond this an array is refused: the size in an archive's directory may say anything.
constexpr uint64_t kMaxArrayBytes = uint64_t{16} << 30;

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

Tensor read_entry(zip_t* archive, zip_uint64_t index, const zip_stat_t& stat, const std::string& what) {
  check((stat.valid & ZIP_STAT_SIZE) != 0 && stat.size <= kMaxArrayBytes, ErrorCode::kInvalidArgument,
        "{} has an impossible size", what);
  const auto memory = allocate_aligned(stat.size);
  const Entry entry(zip_fopen_index(archive, index, 0));
  check(entry != nullptr, ErrorCode::kInvalidArgument, "{}: {}", what, zip_strerror(archive));
  uint64_t done = 0;
  while (done < stat.size) {
    const zip_int64_t n = zip_fread(entry.get(), static_cast<std::byte*>(memory.get()) + done, stat.size - done);
    check(n > 0, ErrorCode::kInvalidArgument, "{} is damaged or truncated", what);
    done += static_cast<uint64_t>(n);
  }
  return parse_npy({static_cast<const std::byte*>(memory.get()), stat.size}, memory, what);
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
    arrays.emplace(name, read_entry(archive.get(), static_cast<zip_uint64_t>(i), stat,
                                    fmt::format("array '{}' of '{}'", name, path)));
  }
  check(!arrays.empty(), ErrorCode::kInvalidArgument, "'{}' holds no arrays", path);
  return arrays;
}

}  // namespace burnish
