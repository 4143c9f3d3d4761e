#include "engine/engine_file.h"

#include <array>
#include <cstring>
#include <functional>
#include <map>
#include <utility>

#include "base/checked.h"
#include "base/hash.h"
#include "engine/plan_codec.h"
#include "engine/section_hash.h"
#include "engine/verify.h"

namespace burnish {
namespace {

constexpr std::array<char, 8> kMagic = {'B', 'U', 'R', 'N', 'I', 'S', 'H', '\0'};
constexpr size_t kHeaderBytes = 32;
constexpr size_t kEntryBytes = 32;
constexpr const char* kRebuild = "rebuild the engine from its model with `burnish build`";

// The sections of a file, in this order.
enum Section : uint32_t { kMeta = 1, kPlans, kBlobTable, kBlobs };
constexpr size_t kNumSections = 4;
constexpr size_t kHeadBytes = kHeaderBytes + kNumSections * kEntryBytes + sizeof(uint64_t);
constexpr std::array<std::string_view, kNumSections> kSectionNames = {"meta", "plans", "blob table", "blobs"};

struct SectionEntry {
  uint32_t kind = 0;
  uint64_t offset = 0;
  uint64_t size = 0;
  uint64_t checksum = 0;
};
using SectionTable = std::array<SectionEntry, kNumSections>;

uint64_t align_up(uint64_t n) {
  return (n + kAlignment - 1) / kAlignment * kAlignment;
}

// --- head: magic, version, table of sections, checksum ------------------------------------------------------------

std::vector<std::byte> write_head(const SectionTable& table, uint64_t file_bytes) {
  BytesWriter out;
  out.raw(kMagic.data(), kMagic.size());
  out.u32(kEngineFormatVersion);
  out.u32(kNumSections);
  out.u64(file_bytes);
  out.u64(0);
  for (const SectionEntry& s : table) {
    out.u32(s.kind);
    out.u32(0);
    out.u64(s.offset);
    out.u64(s.size);
    out.u64(s.checksum);
  }
  out.u64(hash64(std::span(out.bytes())));
  return out.take();
}

void check_magic_and_version(BytesReader& in) {
  const auto magic = in.raw(kMagic.size());
  if (std::memcmp(magic.data(), kMagic.data(), kMagic.size()) != 0) in.fail("this is no Burnish engine");
  const uint32_t version = in.u32();
  if (version == kEngineFormatVersion) return;
  throw Error(ErrorCode::kMismatch,
              fmt::format("the file has engine format {}, this version of Burnish reads format {}", version,
                          kEngineFormatVersion))
      .with_hint(kRebuild);
}

SectionEntry read_entry(BytesReader& in) {
  SectionEntry s;
  s.kind = in.u32();
  in.u32();
  s.offset = in.u64();
  s.size = in.u64();
  s.checksum = in.u64();
  return s;
}

SectionTable read_head(std::span<const std::byte> file) {
  BytesReader in(file.first(std::min(file.size(), kHeadBytes)), "header");
  check_magic_and_version(in);
  if (in.u32() != kNumSections) in.fail("the number of sections is wrong");
  const uint64_t file_bytes = in.u64();
  if (file_bytes != file.size()) {
    in.fail(fmt::format("the file has {} bytes instead of {}: it is cut off or has grown", file.size(), file_bytes));
  }
  in.u64();
  SectionTable table;
  for (SectionEntry& s : table) s = read_entry(in);
  if (in.u64() != hash64(file.first(kHeadBytes - sizeof(uint64_t)))) in.fail("the checksum is wrong");
  uint64_t end = kHeadBytes;
  for (size_t i = 0; i < kNumSections; ++i) {
    const SectionEntry& s = table[i];
    const bool placed = s.kind == i + 1 && s.offset >= end && s.offset % kAlignment == 0 && s.offset <= file.size() &&
                        s.size <= file.size() - s.offset;
    if (!placed) in.fail(fmt::format("section {} lies outside the file", kSectionNames[i]));
    end = s.offset + s.size;
  }
  return table;
}

std::span<const std::byte> checked_section(std::span<const std::byte> file, const SectionTable& table, Section kind) {
  const SectionEntry& s = table[kind - 1];
  const auto bytes = file.subspan(s.offset, s.size);
  check(hash64(bytes) == s.checksum, ErrorCode::kCorrupt, "section {} is damaged: its checksum is wrong",
        kSectionNames[kind - 1]);
  return bytes;
}

// --- meta ---------------------------------------------------------------------------------------------------------

std::vector<std::byte> write_meta(const EngineData& data) {
  BytesWriter out;
  out.string(data.target_kind);
  out.string(data.target_isa);
  out.string(data.target_fingerprint);
  out.list(data.metadata, [&](const auto& entry) {
    out.string(entry.first);
    out.string(entry.second);
  });
  return out.take();
}

void read_meta(std::span<const std::byte> bytes, EngineData& data) {
  BytesReader in(bytes, kSectionNames[kMeta - 1]);
  data.target_kind = in.string();
  data.target_isa = in.string();
  data.target_fingerprint = in.string();
  for (size_t n = in.count(2); n > 0; --n) {
    std::string key = in.string();
    data.metadata[std::move(key)] = in.string();
  }
  in.expect_end();
}

// --- plans --------------------------------------------------------------------------------------------------------

std::vector<std::byte> write_plans(const EngineData& data) {
  BytesWriter out;
  out.list(data.plans, [&](const Plan& plan) { write_plan(out, plan); });
  return out.take();
}

void read_plans(std::span<const std::byte> bytes, EngineData& data) {
  BytesReader in(bytes, kSectionNames[kPlans - 1]);
  for (size_t n = in.count(13); n > 0; --n) data.plans.push_back(read_plan(in));
  in.expect_end();
}

// --- blobs: equal bytes are stored once; kAlignment zeros at the end let kernels read whole vectors ------------------

struct BlobLayout {
  std::vector<uint64_t> offsets;  // per blob
  std::vector<size_t> stored;     // the blobs that are written, in order
  uint64_t num_bytes = 0;
};

BlobLayout lay_out_blobs(const std::vector<Blob>& blobs) {
  BlobLayout layout;
  std::map<std::pair<std::string, size_t>, uint64_t> known;
  for (size_t i = 0; i < blobs.size(); ++i) {
    const Blob& b = blobs[i];
    const auto [at, is_new] = known.try_emplace({hash128_hex({b.data, b.num_bytes}), b.num_bytes}, layout.num_bytes);
    layout.offsets.push_back(at->second);
    if (!is_new) continue;
    layout.stored.push_back(i);
    layout.num_bytes += align_up(b.num_bytes);
  }
  layout.num_bytes += kAlignment;
  return layout;
}

using Sink = std::function<void(const void* data, size_t num_bytes)>;
constexpr std::byte kZeros[kAlignment] = {};

void stream_blobs(const std::vector<Blob>& blobs, const BlobLayout& layout, const Sink& sink) {
  for (const size_t i : layout.stored) {
    sink(blobs[i].data, blobs[i].num_bytes);
    sink(kZeros, align_up(blobs[i].num_bytes) - blobs[i].num_bytes);
  }
  sink(kZeros, kAlignment);
}

std::vector<std::byte> write_blob_table(const std::vector<Blob>& blobs, const BlobLayout& layout) {
  BytesWriter out;
  out.varint(blobs.size());
  for (size_t i = 0; i < blobs.size(); ++i) {
    out.u8(static_cast<uint8_t>(blobs[i].dtype));
    out.shape(blobs[i].shape);
    out.varint(layout.offsets[i]);
    out.varint(blobs[i].num_bytes);
  }
  return out.take();
}

void read_blobs(std::span<const std::byte> table, std::span<const std::byte> bytes,
                const std::shared_ptr<const void>& owner, EngineData& data) {
  BytesReader in(table, kSectionNames[kBlobTable - 1]);
  for (size_t n = in.count(4); n > 0; --n) {
    Blob blob;
    blob.dtype = in.enumerator<DType>(kNumDTypes, "element type");
    blob.shape = in.shape();
    const uint64_t offset = in.varint();
    const uint64_t size = in.varint();
    const bool fits = offset % kAlignment == 0 && offset <= bytes.size() && size <= bytes.size() - offset &&
                      bytes.size() - offset - size >= kAlignment;
    if (!fits) in.fail(fmt::format("{} bytes at {} lie outside the blobs", size, offset));
    blob.owner = owner;
    blob.data = bytes.data() + offset;
    blob.num_bytes = size;
    data.blobs.push_back(std::move(blob));
  }
  in.expect_end();
}

// --- the whole file -------------------------------------------------------------------------------------------------

void emit(const EngineData& data, const Sink& sink) {
  const BlobLayout layout = lay_out_blobs(data.blobs);
  const std::array<std::vector<std::byte>, kNumSections - 1> parts = {write_meta(data), write_plans(data),
                                                                      write_blob_table(data.blobs, layout)};
  SectionTable table;
  uint64_t end = kHeadBytes;
  for (size_t i = 0; i < kNumSections; ++i) {
    const uint64_t size = i < parts.size() ? parts[i].size() : layout.num_bytes;
    table[i] = {static_cast<uint32_t>(i + 1), align_up(end), size, i < parts.size() ? hash64(std::span(parts[i])) : 0};
    end = table[i].offset + size;
  }
  SectionHash blob_hash;
  stream_blobs(data.blobs, layout, [&](const void* p, size_t n) { blob_hash.update(p, n); });
  table.back().checksum = blob_hash.digest();

  const auto padded = [&](const std::vector<std::byte>& bytes, uint64_t position) {
    sink(bytes.data(), bytes.size());
    sink(kZeros, align_up(position + bytes.size()) - position - bytes.size());
  };
  padded(write_head(table, end), 0);
  for (size_t i = 0; i < parts.size(); ++i) padded(parts[i], table[i].offset);
  stream_blobs(data.blobs, layout, sink);
}

EngineData parse_sections(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner) {
  const SectionTable table = read_head(bytes);
  EngineData data;
  read_meta(checked_section(bytes, table, kMeta), data);
  read_plans(checked_section(bytes, table, kPlans), data);
  const auto blob_table = checked_section(bytes, table, kBlobTable);
  read_blobs(blob_table, checked_section(bytes, table, kBlobs), owner, data);
  verify_engine(data);
  return data;
}

// What operators' code says of nonsense in a file (an unreadable dimension, say) is still a damaged file.
[[noreturn]] void rethrow_as_damage(const Error& e, const std::string& origin) {
  const bool keep = e.code() == ErrorCode::kMismatch || e.code() == ErrorCode::kOutOfMemory;
  Error damage(keep ? e.code() : ErrorCode::kCorrupt, e.message());
  for (auto frame = e.frames().rbegin(); frame != e.frames().rend(); ++frame) damage.add_frame(*frame);
  damage.add_frame(fmt::format("engine '{}'", origin));
  throw damage.with_hint(e.hint().empty() ? kRebuild : e.hint());
}

}  // namespace

std::vector<std::byte> serialize_engine(const EngineData& data) {
  BytesWriter out;
  emit(data, [&](const void* p, size_t n) { out.raw(p, n); });
  return out.take();
}

void write_engine(const EngineData& data, const std::string& path) {
  AtomicFile file(path);
  emit(data, [&](const void* p, size_t n) { file.write(p, n); });
  file.commit();
}

EngineData parse_engine(std::span<const std::byte> bytes, const std::shared_ptr<const void>& owner,
                        const std::string& origin) {
  check(reinterpret_cast<uintptr_t>(bytes.data()) % kAlignment == 0, ErrorCode::kInternal,
        "the bytes of an engine must be aligned to {}", kAlignment);
  try {
    return parse_sections(bytes, owner);
  } catch (const Error& e) {
    rethrow_as_damage(e, origin);
  }
}

EngineData parse_engine_target(std::span<const std::byte> bytes, const std::string& origin) {
  try {
    EngineData data;
    read_meta(checked_section(bytes, read_head(bytes), kMeta), data);
    return data;
  } catch (const Error& e) {
    rethrow_as_damage(e, origin);
  }
}

EngineData read_engine(const std::string& path) {
  const auto file = MappedFile::open(path);
  return parse_engine(file->bytes(), file, path);
}

}  // namespace burnish
