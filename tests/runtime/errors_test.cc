// Wrong use and foreign engines: clear errors, and a context that can be used further.
#include <gmock/gmock.h>

#include <cstdlib>

#include "base/error.h"
#include "engine/engine_file.h"
#include "runtime/plan_builder.h"
#include "runtime/test_tactics.h"

namespace burnish {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using testing::make_engine;
using testing::PlanBuilder;
using testing::run_one;
using testing::small_engine;

template <typename F>
std::string exception_of(const F& f, const std::string& code) {
  try {
    f();
  } catch (const Exception& e) {
    EXPECT_EQ(e.code(), code) << e.what();
    return e.what();
  }
  ADD_FAILURE() << "no exception";
  return "";
}

std::string mismatch_of(EngineData data) {
  try {
    make_engine(std::move(data));
  } catch (const Error& e) {
    EXPECT_EQ(e.code(), ErrorCode::kMismatch);
    return e.what();
  }
  return "";
}

using Dims = std::vector<int64_t>;

TEST(Errors, WrongNamesListTheKnownOnes) {
  PlanBuilder b;
  const auto ids = b.input("input_ids", DType::kFloat32, {2});
  const auto mask = b.input("attention_mask", DType::kFloat32, {2});
  b.output("sum", ids);
  b.output("mask", mask);
  ExecutionContext context = make_engine(b.build()).create_context(1);
  const float x[2] = {};
  EXPECT_THAT(exception_of([&] { context.set_input("inputs_id", x); }, "invalid_argument"),
              AllOf(HasSubstr("'inputs_id'"), HasSubstr("did you mean 'input_ids'"), HasSubstr("'attention_mask'")));
  EXPECT_THAT(exception_of([&] { context.output_shape("zzzzzzzz"); }, "invalid_argument"),
              AllOf(HasSubstr("known outputs: 'sum', 'mask'"), ::testing::Not(HasSubstr("did you mean"))));
}

TEST(Errors, ShapesOutsideTheProfile) {
  ExecutionContext context = make_engine(small_engine()).create_context(1);
  const auto set = [&](const Dims& dims) { return [&context, dims] { context.set_input_shape("x", dims); }; };
  EXPECT_THAT(exception_of(set({9, 4}), "invalid_argument"),
              AllOf(HasSubstr("'x'"), HasSubstr("dimension 0 (batch)"), HasSubstr("[1,4] to [8,4]"),
                    HasSubstr("--profile \"x=1x4:2x4:9x4\"")));
  EXPECT_THAT(exception_of(set({2, 5}), "invalid_argument"), HasSubstr("fixes it to 4"));
  EXPECT_THAT(exception_of(set({2, 4, 1}), "invalid_argument"), HasSubstr("dimensions"));
  exception_of(set({-2, 4}), "invalid_argument");
  exception_of(set({INT64_MAX, 4}), "invalid_argument");
  exception_of(set(Dims(40, 1)), "unsupported");
  EXPECT_THAT(run_one(context, "x", {1, 4}, {1, 1, 1, 1}, "sum"), ElementsAre(3, 3, 3, 3));
}

TEST(Errors, InputsMustAgreeOnSharedDimensions) {
  PlanBuilder b;
  const Dim batch = Dim::symbol("batch");
  const auto a = b.input("a", DType::kFloat32, {batch});
  const auto c = b.input("c", DType::kFloat32, {batch});
  for (const char* name : {"a", "c"}) b.profile(name, Shape{1}, Shape{1}, Shape{8});
  b.output("a", a);
  b.output("c", c);
  ExecutionContext context = make_engine(b.build()).create_context(1);
  context.set_input_shape("a", Dims{2});
  context.set_input_shape("c", Dims{3});
  EXPECT_THAT(exception_of([&] { context.prepare(); }, "invalid_argument"),
              AllOf(HasSubstr("'a'"), HasSubstr("'c'"), HasSubstr("'batch'"), HasSubstr("2"), HasSubstr("3")));
  context.set_input_shape("c", Dims{2});
  context.prepare();
}

TEST(Errors, ThingsNotSetYet) {
  ExecutionContext context = make_engine(small_engine()).create_context(1);
  EXPECT_THAT(exception_of([&] { context.execute(); }, "invalid_argument"), HasSubstr("set_input_shape(\"x\""));
  EXPECT_THAT(exception_of([&] { context.output("y"); }, "invalid_argument"), HasSubstr("execute()"));
  context.set_input_shape("x", Dims{1, 4});
  EXPECT_THAT(exception_of([&] { context.output_shape("y"); }, "invalid_argument"), HasSubstr("prepare()"));
  EXPECT_THAT(exception_of([&] { context.execute(); }, "invalid_argument"), HasSubstr("set_input(\"x\""));
  exception_of([&] { context.profile(0); }, "invalid_argument");
}

TEST(Errors, WrongTypeAndTooLittleMemory) {
  ExecutionContext context = make_engine(small_engine()).create_context(1);
  const float x[4] = {1, 2, 3, 4};
  EXPECT_THAT(exception_of(
                  [&] {
                    context.set_input("x", DataType::kInt64, Dims{1, 4}, x);
                  },
                  "invalid_argument"),
              HasSubstr("float32"));
  float y[8];
  context.set_output("y", y, 31);
  EXPECT_THAT(exception_of(
                  [&] {
                    run_one(context, "x", {1, 4}, {1, 2, 3, 4}, "y");
                  },
                  "invalid_argument"),
              AllOf(HasSubstr("32 bytes"), HasSubstr("31")));
  context.set_output("y", y, 32);
  EXPECT_EQ(run_one(context, "x", {1, 4}, {1, 2, 3, 4}, "y")[7], 12);
}

TEST(Errors, ThreadCountsAreChecked) {
  const Engine engine = make_engine(small_engine());
  exception_of([&] { engine.create_context(-1); }, "invalid_argument");
  exception_of([&] { engine.create_context(1 << 20); }, "invalid_argument");
  EXPECT_GE(engine.create_context(0).num_threads(), 1);
}

TEST(Errors, KernelsMayFailAndTheContextGoesOn) {
  PlanBuilder b;
  const auto x = b.input("x", DType::kFloat32, {1});
  const auto y = b.value("y", DType::kFloat32, {1});
  b.step("Relu", {x}, {y}, {}, "test.throws");
  b.output("y", y);
  ExecutionContext context = make_engine(b.build()).create_context(1);
  for (int round = 0; round < 2; ++round) {
    EXPECT_THAT(exception_of([&] { run_one(context, "x", {1}, {1000}, "y"); }, "invalid_argument"),
                AllOf(HasSubstr("Relu_0"), HasSubstr("index 7 of 3")));
    exception_of([&] { context.output("y"); }, "invalid_argument");
    EXPECT_THAT(run_one(context, "x", {1}, {5}, "y"), ElementsAre(42));
  }
}

TEST(Errors, ForeignTargets) {
  EngineData data = small_engine();
  data.target_kind = "abacus";
  EXPECT_THAT(mismatch_of(data), AllOf(HasSubstr("'abacus'"), HasSubstr("'cpu'"), HasSubstr("burnish build")));
  data = small_engine();
  data.target_isa = "avx4096";
  EXPECT_THAT(mismatch_of(data), HasSubstr("'avx4096'"));
  data = small_engine();
  data.target_isa = std::string(name_of(Isa::kAmx));
  if (detect_cpu(1).isa < Isa::kAmx) {
    EXPECT_THAT(mismatch_of(data),
                AllOf(HasSubstr(data.target_isa), HasSubstr(std::string(name_of(detect_cpu(1).isa)))));
  }
  data.target_isa = std::string(name_of(Isa::kScalar));
  make_engine(data);
}

TEST(Errors, EnginesOfABetterMachine) {
  EngineData data = small_engine();
  data.target_isa = std::string(name_of(Isa::kAvx512));
  data.target_fingerprint = "cpu/another/avx512";
  const char* set = std::getenv("BURNISH_ISA");
  const std::string before = set == nullptr ? "" : set;
  setenv("BURNISH_ISA", "scalar", 1);  // what a machine without vectors would say
  EXPECT_THAT(mismatch_of(data), AllOf(HasSubstr("cpu/another/avx512"), HasSubstr("only scalar")));
  set == nullptr ? unsetenv("BURNISH_ISA") : setenv("BURNISH_ISA", before.c_str(), 1);
}

TEST(Errors, TacticsOfAnotherBuild) {
  for (const auto& [tactic, expected] :
       std::map<std::string, std::string>{{"cpu.from_the_future", "no tactic 'cpu.from_the_future'"},
                                          {"test.new", "version 1 of tactic 'test.new', this is 2"}}) {
    EngineData data = small_engine();
    data.plans[0].steps[1].tactic = tactic;
    ExecutionContext context = make_engine(data).create_context(1);
    EXPECT_THAT(exception_of(
                    [&] {
                      run_one(context, "x", {1, 4}, {1, 2, 3, 4}, "y");
                    },
                    "mismatch"),
                AllOf(HasSubstr(expected), HasSubstr("Add_1"), HasSubstr("burnish build")));
  }
}

// Engines whose checksums are right but whose plans would read or write where they must not.
TEST(Errors, HostilePlansAreRefusedBeforeTheyRun) {
  struct Hostile {
    const char* expected;
    void (*spoil)(EngineData&);
  };
  const Hostile cases[] = {
      {"does not run", [](EngineData& d) { d.plans[0].steps[3].tactic = "test.rows"; }},
      {"has no elements", [](EngineData& d) { d.plans[0].values[1].blob = -1; }},
      {"over its input",
       [](EngineData& d) {
         d.plans[0].values[4].storage = Storage::kAlias;
         d.plans[0].values[4].root = 3;
       }},
      {"rows stand apart",
       [](EngineData& d) {
         PlanValue& v = d.plans[0].values[4];
         v.storage = Storage::kSlice;
         v.root = 5;
         v.slice_step = 3;
         v.slice_position = 0;
       }},
      {"was built for", [](EngineData& d) { d.plans[0].values[3].dtype = DType::kFloat64; }},
      {"cannot run these shapes", [](EngineData& d) { d.plans[0].steps[0].tactic = "test.rows"; }},
  };
  for (const Hostile& hostile : cases) {
    EngineData data = small_engine();
    hostile.spoil(data);
    ExecutionContext context = make_engine(data).create_context(1);
    try {
      run_one(context, "x", {2, 4}, std::vector<float>(8, 1.0F), "y");
      ADD_FAILURE() << hostile.expected;
    } catch (const Exception& e) {
      EXPECT_THAT(e.what(), HasSubstr(hostile.expected));
    }
  }
}

TEST(Errors, MoreMemoryThanTheMachineHas) {
  EngineData data = small_engine();
  data.plans[0].profile.inputs["x"].max = Shape{int64_t{1} << 50, 4};
  ExecutionContext context = make_engine(data).create_context(1);
  context.set_input_shape("x", Dims{int64_t{1} << 48, 4});
  EXPECT_THAT(exception_of([&] { context.prepare(); }, "out_of_memory"), HasSubstr("this machine has"));
  EXPECT_THAT(run_one(context, "x", {1, 4}, {1, 1, 1, 1}, "sum"), ElementsAre(3, 3, 3, 3));
}

TEST(Errors, DamagedBytesAndMissingFiles) {
  auto bytes = serialize_engine(small_engine());
  EXPECT_EQ(Engine::deserialize(bytes).inputs()[0].name, "x");
  bytes[bytes.size() / 2] ^= std::byte{1};
  EXPECT_THAT(exception_of([&] { Engine::deserialize(bytes); }, "corrupt"), HasSubstr("burnish build"));
  EXPECT_THAT(exception_of([&] { Engine::deserialize({}); }, "corrupt"), HasSubstr("in memory"));
  EXPECT_THAT(exception_of([&] { Engine::load("/nowhere/m.engine"); }, "io"), HasSubstr("/nowhere/m.engine"));
}

TEST(Errors, BindingsAreDescribed) {
  const Engine engine = make_engine(small_engine());
  EXPECT_THAT(engine.inputs()[0].shape, ElementsAre(-1, 4));
  EXPECT_EQ(engine.inputs()[0].dtype, DataType::kFloat32);
  EXPECT_THAT(engine.outputs()[0].shape, ElementsAre(-1, 1));
  EXPECT_EQ(engine.weight_bytes(), 16U + 8U + 8U);
}

}  // namespace
}  // namespace burnish
