#include "engine/engine_bundle.h"

#include <cstring>

#include "base/hash.h"
#include "base/tensor.h"
#include "engine/bytes_reader.h"
#include "engine/bytes_writer.h"
#include "engine/engine_file.h"

namespace burnish {
namespace {

constexpr std::array<char, 8> kMagic = {'B', 'U', 'R', 'N', 'B', 'N', 'D', 'L'};
constexpr size_t kMaxEngines = 64;
constexpr size_t kFixedBytes = 24, kEntryBytes = 16;

size_t head_bytes(size_t count) {
  return kFixedBytes + count * kEntryBytes + sizeof(uint64_t);
}
size_t align_up(size_t n) {
  return (n + kAlignment - 1) / kAlignment * kAlignment;
}

struct Entry {
  uint64_t offset, size;
};

std::vector<std::byte> write_head(const std::vector<Entry>& entries, uint64_t file_bytes) {
  BytesWriter out;
  out.raw(kMagic.data(), kMagic.size());
  out.u32(kBundleFormatVersion);
  out.u32(static_cast<uint32_t>(entries.size()));
  out.u64(file_bytes);
  for (const Entry& e : entries) {
    out.u64(e.offset);
    out.u64(e.size);
  }
  out.u64(hash64(std::span(out.bytes())));
  return out.take();
}

bool is_bundle(std::span<const std::byte> bytes) {
  return bytes.size() >= kMagic.size() && std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) == 0;
}

std::vector<Entry> read_head(std::span<const std::byte> bytes) {
  BytesReader in(bytes, "head of the bundle");
  in.raw(kMagic.size());
  const uint32_t version = in.u32();
  if (version != kBundleFormatVersion) {
    throw Error(ErrorCode::kMismatch, fmt::format("the file has bundle format {}, this version of Burnish reads {}",
                                                  version, kBundleFormatVersion))
        .with_hint("rebuild the engine from its model with `burnish build`");
  }
  const size_t count = in.u32();
  if (count == 0 || count > kMaxEngines) in.fail(fmt::format("it says that there are {} engines", count));
  if (in.u64() != bytes.size()) in.fail("the file is cut off or has grown");
  std::vector<Entry> entries;
  for (size_t i = 0; i < count; ++i) {
    const uint64_t offset = in.u64(), size = in.u64();
    if (offset % kAlignment != 0 || offset > bytes.size() || size > bytes.size() - offset) {
      in.fail(fmt::format("engine {} lies outside the file", i));
    }
    entries.push_back({offset, size});
  }
  if (in.u64() != hash64(bytes.first(head_bytes(count) - sizeof(uint64_t)))) in.fail("the checksum is wrong");
  return entries;
}

EngineVariant variant_of(std::span<const std::byte> bytes, const std::string& origin) {
  EngineData data = parse_engine_target(bytes, origin);
  return {std::move(data.target_kind), std::move(data.target_isa), std::move(data.target_fingerprint), bytes};
}

}  // namespace

std::vector<std::byte> serialize_bundle(std::span<const EngineData> engines) {
  check(engines.size() >= 2 && engines.size() <= kMaxEngines, ErrorCode::kInvalidArgument,
        "a file holds engines for 2 to {} targets, not {}", kMaxEngines, engines.size());
  std::vector<std::vector<std::byte>> parts;
  std::vector<Entry> entries;
  size_t end = head_bytes(engines.size());
  for (const EngineData& data : engines) {
    parts.push_back(serialize_engine(data));
    entries.push_back({align_up(end), parts.back().size()});
    end = entries.back().offset + parts.back().size();
  }
  std::vector<std::byte> file = write_head(entries, end);
  for (size_t i = 0; i < parts.size(); ++i) {
    file.resize(entries[i].offset);
    file.insert(file.end(), parts[i].begin(), parts[i].end());
  }
  return file;
}

std::vector<EngineVariant> engine_variants(std::span<const std::byte> bytes, const std::string& origin) {
  if (!is_bundle(bytes)) return {variant_of(bytes, origin)};
  return with_frame([&] { return fmt::format("engine '{}'", origin); },
                    [&] {
                      std::vector<EngineVariant> variants;
                      for (const Entry& e : read_head(bytes)) {
                        variants.push_back(variant_of(bytes.subspan(e.offset, e.size), "part of it"));
                      }
                      return variants;
                    });
}

}  // namespace burnish
