#include "engine/engine_file.h"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

#include "base/error.h"
#include "engine/verify.h"
#include "runtime/mend_checksums.h"
#include "runtime/plan_builder.h"

namespace burnish {
namespace {

using ::testing::HasSubstr;
using testing::mend_checksums;
using testing::PlanBuilder;
using testing::small_engine;

struct Copy {
  std::shared_ptr<void> owner;
  std::span<std::byte> bytes;
};

Copy aligned_copy(std::span<const std::byte> bytes) {
  Copy copy{allocate_aligned(bytes.size()), {}};
  copy.bytes = {static_cast<std::byte*>(copy.owner.get()), bytes.size()};
  if (!bytes.empty()) std::memcpy(copy.owner.get(), bytes.data(), bytes.size());
  return copy;
}

EngineData parse(std::span<const std::byte> bytes) {
  const Copy copy = aligned_copy(bytes);
  return parse_engine(copy.bytes, copy.owner, "test");
}

std::string error_of(std::span<const std::byte> bytes, ErrorCode code) {
  try {
    parse(bytes);
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "the engine was accepted";
  return "";
}

std::string verify_error(const EngineData& data) {
  try {
    verify_engine(data);
  } catch (const Error& e) {
    EXPECT_TRUE(e.code() == ErrorCode::kCorrupt || e.code() == ErrorCode::kInvalidArgument) << e.what();
    return e.what();
  }
  return "";
}

AttributeMap one_of_each_attribute() {
  AttributeMap attrs;
  attrs.set("int", int64_t{-7});
  attrs.set("float", 0.5F);
  attrs.set("string", std::string("edge"));
  attrs.set("ints", std::vector<int64_t>{1, -2, INT64_MAX, INT64_MIN});
  attrs.set("floats", std::vector<float>{1, -2.5F});
  attrs.set("strings", std::vector<std::string>{"", "a b"});
  attrs.set("tensor", Tensor::from_ints(std::vector<int64_t>{3, 4}));
  return attrs;
}

TEST(EngineFile, KeepsEverything) {
  EngineData data = small_engine();
  data.plans[0].steps[0].attrs = one_of_each_attribute();
  data.plans[0].steps[0].config = "block=4";
  data.plans[0].steps[0].packed = {1, 0};
  data.plans[0].steps[0].predicted_us = 1.25;
  data.plans[0].predicted_arena_bytes = 4096;
  const EngineData back = parse(serialize_engine(data));
  EXPECT_EQ(back.target_isa, data.target_isa);
  EXPECT_EQ(back.target_fingerprint, data.target_fingerprint);
  EXPECT_EQ(back.metadata, data.metadata);
  ASSERT_EQ(back.plans.size(), 1U);
  const Plan& plan = back.plans[0];
  EXPECT_EQ(plan.predicted_arena_bytes, 4096);
  EXPECT_EQ(plan.profile.inputs.at("x").max, (Shape{8, 4}));
  ASSERT_EQ(plan.values.size(), data.plans[0].values.size());
  for (size_t i = 0; i < plan.values.size(); ++i) {
    const PlanValue& was = data.plans[0].values[i];
    EXPECT_EQ(plan.values[i].name, was.name);
    EXPECT_EQ(plan.values[i].dtype, was.dtype);
    EXPECT_EQ(plan.values[i].shape, was.shape);
    EXPECT_EQ(plan.values[i].storage, was.storage);
    EXPECT_EQ(plan.values[i].root, was.root);
    EXPECT_EQ(plan.values[i].blob, was.blob);
  }
  const PlanStep& step = plan.steps[0];
  EXPECT_TRUE(step.attrs == data.plans[0].steps[0].attrs);
  EXPECT_EQ(step.config, "block=4");
  EXPECT_EQ(step.packed, (std::vector<int32_t>{1, 0}));
  EXPECT_EQ(step.predicted_us, 1.25);
  EXPECT_EQ(plan.outputs[1].name, "sum");
}

TEST(EngineFile, EqualEnginesGiveEqualBytes) {
  const auto a = serialize_engine(small_engine());
  const auto b = serialize_engine(small_engine());
  EXPECT_EQ(a, b);
  EXPECT_EQ(a, serialize_engine(parse(a)));
}

TEST(EngineFile, BlobsAreAlignedAndStoredOnce) {
  PlanBuilder b;
  const std::vector<float> values(100, 1.5F);
  const auto first = b.floats("first", Shape{100}, values);
  const auto twin = b.floats("twin", Shape{10, 10}, values);
  const auto other = b.floats("other", Shape{3}, {1, 2, 3});
  for (const auto id : {first, twin, other}) b.output(b.at(id).name, id);
  const auto bytes = serialize_engine(b.build());
  const EngineData back = parse(bytes);
  EXPECT_EQ(back.blobs[0].data, back.blobs[1].data);
  EXPECT_EQ(back.blobs[1].shape, (Shape{10, 10}));
  for (const Blob& blob : back.blobs) EXPECT_EQ(reinterpret_cast<uintptr_t>(blob.data) % kAlignment, 0U);
  EXPECT_EQ(std::memcmp(back.blobs[2].data, std::vector<float>{1, 2, 3}.data(), 12), 0);
}

TEST(EngineFile, WrittenFileEqualsSerializedBytes) {
  const std::string path = std::filesystem::temp_directory_path() / "burnish_engine_file_test.engine";
  write_engine(small_engine(), path);
  const std::string text = read_file(path);
  const auto bytes = serialize_engine(small_engine());
  ASSERT_EQ(text.size(), bytes.size());
  EXPECT_EQ(std::memcmp(text.data(), bytes.data(), bytes.size()), 0);
  EXPECT_EQ(read_engine(path).plans.size(), 1U);
  std::filesystem::remove(path);
}

TEST(EngineFile, RefusesOtherFiles) {
  const std::string text(200, 'x');
  EXPECT_THAT(error_of(std::as_bytes(std::span(text)), ErrorCode::kCorrupt), HasSubstr("no Burnish engine"));
  EXPECT_THAT(error_of({}, ErrorCode::kCorrupt), HasSubstr("header"));
}

TEST(EngineFile, ForeignVersionNamesBothAndTheWayOut) {
  auto bytes = serialize_engine(small_engine());
  bytes[8] = std::byte{99};
  const std::string what = error_of(bytes, ErrorCode::kMismatch);
  EXPECT_THAT(what, HasSubstr("format 99"));
  EXPECT_THAT(what, HasSubstr("format 1"));
  EXPECT_THAT(what, HasSubstr("burnish build"));
}

TEST(EngineFile, EveryTruncationIsRefused) {
  const auto bytes = serialize_engine(small_engine());
  for (size_t n = 0; n < bytes.size(); n += n < 400 ? 1 : 37) {
    const auto cut = std::span(bytes).first(n);
    EXPECT_THROW(parse(cut), Error) << n;
    Copy mended = aligned_copy(cut);
    mend_checksums(mended.bytes);  // claims to be complete
    EXPECT_THROW(parse_engine(mended.bytes, mended.owner, "test"), Error) << n;
  }
}

TEST(EngineFile, SurvivesRandomDamage) {
  const auto bytes = serialize_engine(small_engine());
  std::mt19937 random(17);
  int refused = 0;
  constexpr int kRounds = 10000;
  for (int round = 0; round < kRounds; ++round) {
    Copy damaged = aligned_copy(bytes);
    for (unsigned n = 1 + random() % 3; n > 0; --n) {
      std::byte& byte = damaged.bytes[random() % damaged.bytes.size()];
      byte = random() % 2 == 0 ? byte ^ std::byte(1U << (random() % 8)) : std::byte(random() % 256);
    }
    if (round % 2 == 0) mend_checksums(damaged.bytes);
    try {
      const EngineData data = parse_engine(damaged.bytes, damaged.owner, "test");
      verify_engine(data);
    } catch (const Error& e) {
      ++refused;
      EXPECT_TRUE(e.code() == ErrorCode::kCorrupt || e.code() == ErrorCode::kMismatch) << e.what();
    }
  }
  EXPECT_GT(refused, kRounds / 2);
  EXPECT_LT(refused, kRounds);  // names and padding may change freely
}

TEST(EngineFile, FullDiskLeavesNoFile) {
  const auto folder = std::filesystem::temp_directory_path() / "burnish_full_disk_test";
  std::filesystem::create_directories(folder);
  PlanBuilder b;
  const auto big = b.floats("big", Shape{100000}, std::vector<float>(100000, 1.0F));
  b.output("big", big);
  struct rlimit old {};
  getrlimit(RLIMIT_FSIZE, &old);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const struct rlimit small { 4096, old.rlim_max };
  setrlimit(RLIMIT_FSIZE, &small);
  std::string what;
  try {
    write_engine(b.build(), folder / "m.engine");
  } catch (const Error& e) {
    what = e.what();
    EXPECT_EQ(e.code(), ErrorCode::kIo);
  }
  setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, old_handler);
  EXPECT_THAT(what, HasSubstr("m.engine"));
  EXPECT_TRUE(std::filesystem::is_empty(folder));
  std::filesystem::remove_all(folder);
}

// --- plans that make no sense ---------------------------------------------------------------------------------------

struct Nonsense {
  const char* name;
  void (*spoil)(EngineData&);
  const char* expected;
};

void PrintTo(const Nonsense& n, std::ostream* out) {
  *out << n.name;
}

class NonsensePlan : public ::testing::TestWithParam<Nonsense> {};

TEST_P(NonsensePlan, IsRefused) {
  EngineData data = small_engine();
  GetParam().spoil(data);
  EXPECT_THAT(verify_error(data), HasSubstr(GetParam().expected));
  EXPECT_THROW(parse(serialize_engine(data)), Error);
}

const Nonsense kNonsense[] = {
    {"NoPlans", [](EngineData& d) { d.plans.clear(); }, "0 plans"},
    {"InputIdOutOfRange", [](EngineData& d) { d.plans[0].steps[0].inputs[0] = 1000; }, "1000"},
    {"NegativeInputId", [](EngineData& d) { d.plans[0].steps[0].inputs[0] = -2; }, "-2"},
    {"MissingInput", [](EngineData& d) { d.plans[0].steps[0].inputs[0] = kAbsent; }, "missing"},
    {"ReadBeforeProduced", [](EngineData& d) { std::swap(d.plans[0].steps[0], d.plans[0].steps[1]); }, "before"},
    {"ProducedTwice", [](EngineData& d) { d.plans[0].steps[1].outputs = d.plans[0].steps[0].outputs; }, "twice"},
    {"WritesAConstant", [](EngineData& d) { d.plans[0].steps[0].outputs[0] = 1; }, "cannot be written"},
    {"WrongArity", [](EngineData& d) { d.plans[0].steps[0].inputs.resize(1); }, "inputs"},
    {"NoTactic", [](EngineData& d) { d.plans[0].steps[0].tactic.clear(); }, "tactic"},
    {"PackedBlobOutOfRange", [](EngineData& d) { d.plans[0].steps[0].packed = {77}; }, "77"},
    {"BlobOutOfRange", [](EngineData& d) { d.plans[0].values[1].blob = 77; }, "77"},
    {"BlobOfOtherShape", [](EngineData& d) { d.plans[0].values[1].shape = {Dim(5)}; }, "blob"},
    {"BlobTooShort", [](EngineData& d) { d.blobs[0].num_bytes = 4; }, "bytes"},
    {"ShapeOverflow",
     [](EngineData& d) {
       d.plans[0].values[1].shape = {Dim(INT64_MAX), Dim(INT64_MAX)};
       d.plans[0].values[1].blob = -1;
     },
     "overflow"},
    {"NegativeDimension", [](EngineData& d) { d.plans[0].values[2].shape[1] = Dim(-4); }, "shape"},
    {"AliasCircle",
     [](EngineData& d) {
       for (const int i : {2, 3}) {
         d.plans[0].values[static_cast<size_t>(i)].storage = Storage::kAlias;
         d.plans[0].values[static_cast<size_t>(i)].root = 5 - i;
       }
     },
     "circle"},
    {"KernelWritesIntoAnInput",
     [](EngineData& d) {
       d.plans[0].values[2].storage = Storage::kAlias;
       d.plans[0].values[2].root = 0;
     },
     "writes into"},
    {"SliceOfNoConcat",
     [](EngineData& d) {
       PlanValue& v = d.plans[0].values[2];
       v.storage = Storage::kSlice;
       v.root = 3;
       v.slice_step = 1;
       v.slice_position = 0;
     },
     "no slice"},
    {"ViewElsewhere", [](EngineData& d) { d.plans[0].values.back().root = 3; }, "does not lie"},
    {"OutputNotProduced", [](EngineData& d) { d.plans[0].outputs[0].value = 500; }, "not produced"},
    {"TwoOutputsOfOneName", [](EngineData& d) { d.plans[0].outputs[1].name = "y"; }, "two outputs"},
    {"InputNotBound", [](EngineData& d) { d.plans[0].inputs.clear(); }, "not bound"},
    {"ProfileOfUnknownInput",
     [](EngineData& d) {
       d.plans[0].profile.inputs["z"] = {Shape{1}, Shape{1}, Shape{1}};
     },
     "'z'"},
    {"ProfileUpsideDown",
     [](EngineData& d) {
       d.plans[0].profile.inputs["x"].min = Shape{9, 4};
     },
     "ranges"},
    {"ProfileOfOtherRank", [](EngineData& d) { d.plans[0].profile.inputs["x"].max = Shape{9}; }, "rank"},
    {"NoProfile", [](EngineData& d) { d.plans[0].profile.inputs.clear(); }, "profile says nothing"},
};

INSTANTIATE_TEST_SUITE_P(All, NonsensePlan, ::testing::ValuesIn(kNonsense),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(Verify, UnknownOperatorIsAMismatch) {
  EngineData data = small_engine();
  data.plans[0].steps[0].op = "Teleport";
  EXPECT_THAT(error_of(serialize_engine(data), ErrorCode::kMismatch), HasSubstr("Teleport"));
}

TEST(Verify, AcceptsTheSmallEngine) {
  EXPECT_EQ(verify_error(small_engine()), "");
}

}  // namespace
}  // namespace burnish
