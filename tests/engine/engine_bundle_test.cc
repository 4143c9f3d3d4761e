#include "engine/engine_bundle.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstring>

#include "base/error.h"
#include "base/tensor.h"
#include "engine/engine_file.h"

namespace burnish {
namespace {

using testing::HasSubstr;

EngineData engine_for(const std::string& kind, const std::string& isa) {
  EngineData data;
  data.target_kind = kind;
  data.target_isa = isa;
  data.target_fingerprint = kind + "/" + isa;
  Plan plan;
  plan.values.push_back({.name = "x", .dtype = DType::kFloat32, .shape = {Dim(2)}, .kind = ValueKind::kInput});
  plan.inputs.push_back({"x", 0});
  plan.outputs.push_back({"y", 0});
  plan.profile.inputs["x"] = {Shape{2}, Shape{2}, Shape{2}};
  data.plans.push_back(plan);
  return data;
}

struct Aligned {
  explicit Aligned(const std::vector<std::byte>& from) : memory(allocate_aligned(from.size())), size(from.size()) {
    std::memcpy(memory.get(), from.data(), from.size());
  }
  std::span<std::byte> bytes() const { return {static_cast<std::byte*>(memory.get()), size}; }
  std::shared_ptr<void> memory;
  size_t size;
};

std::vector<EngineData> three() {
  return {engine_for("cuda", "sm_80"), engine_for("cuda", "sm_90"), engine_for("cpu", "avx2")};
}

TEST(EngineBundle, HoldsEveryEngineAsItIs) {
  const auto engines = three();
  const Aligned file(serialize_bundle(engines));
  const auto variants = engine_variants(file.bytes(), "test");
  ASSERT_EQ(variants.size(), 3U);
  for (size_t i = 0; i < variants.size(); ++i) {
    EXPECT_EQ(variants[i].target_isa, engines[i].target_isa);
    const EngineData data = parse_engine(variants[i].bytes, file.memory, "test");
    EXPECT_EQ(serialize_engine(data), serialize_engine(engines[i]));
  }
}

TEST(EngineBundle, AnEngineAloneIsItsOwnVariant) {
  const Aligned file(serialize_engine(engine_for("cpu", "avx2")));
  const auto variants = engine_variants(file.bytes(), "test");
  ASSERT_EQ(variants.size(), 1U);
  EXPECT_EQ(variants[0].target_kind, "cpu");
  EXPECT_EQ(variants[0].bytes.size(), file.size);
}

TEST(EngineBundle, DamageIsNoticed) {
  const auto bytes = serialize_bundle(three());
  for (size_t length = 0; length < bytes.size(); length += 7) {
    const Aligned cut(std::vector<std::byte>(bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length)));
    EXPECT_THROW(engine_variants(cut.bytes(), "test"), Error) << length;
  }
  for (size_t i = 0; i < 24 + 3 * 16 + 8; ++i) {  // every byte of the head
    const Aligned damaged(bytes);
    damaged.bytes()[i] ^= std::byte{0x40};
    EXPECT_THROW(engine_variants(damaged.bytes(), "test"), Error) << i;
  }
}

TEST(EngineBundle, ErrorsNameTheFile) {
  auto bytes = serialize_bundle(three());
  bytes.resize(bytes.size() - 1);
  const Aligned cut(bytes);
  try {
    engine_variants(cut.bytes(), "m.engine");
    ADD_FAILURE() << "a file that is cut off was read";
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kCorrupt);
    EXPECT_THAT(e.what(), HasSubstr("m.engine"));
  }
}

TEST(EngineBundle, OneEngineIsNoBundle) {
  EXPECT_THROW(serialize_bundle(std::vector<EngineData>(1, engine_for("cpu", "avx2"))), Error);
}

}  // namespace
}  // namespace burnish
