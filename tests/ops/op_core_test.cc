#include <set>

#include "base/error.h"
#include "ops/op_tester.h"

namespace burnish {
namespace {

TEST(OpTable, NamesAreUniqueAndFound) {
  std::set<std::string_view> names;
  for (const OpDescriptor* op : op_table()) {
    EXPECT_TRUE(names.insert(op->name).second) << op->name << " twice";
    EXPECT_EQ(find_op(op->name), op);
    EXPECT_NE(op->infer, nullptr);
    EXPECT_NE(op->evaluate, nullptr);
    EXPECT_LE(op->min_inputs, op->max_inputs < 0 ? op->min_inputs : op->max_inputs) << op->name;
  }
  EXPECT_GT(names.size(), 100U);
  EXPECT_EQ(find_op("NoSuchOperator"), nullptr);
}

TEST(OpCore, ArityIsChecked) {
  const Tensor x = make_floats(Shape{2}, {1, 2});
  EXPECT_THROW(run("Add", {x}), Error);
  EXPECT_THROW(run("Abs", {x, x}), Error);
  EXPECT_THROW(run_all("Abs", {x}, {}, 2), Error);
}

// Absent required inputs, wrong ranks and odd types end in an Error, never in a crash.
TEST(OpCore, NonsenseInputsThrowOrSucceed) {
  const std::vector<Tensor> odd{Tensor(),
                                Tensor::scalar(DType::kInt8, int8_t{3}),
                                make_ints({5, -7}),
                                make_floats(Shape{0, 2}, {}),
                                make_tensor(DType::kBool, Shape{1, 2}, {1, 0}),
                                make_floats(Shape{1, 2, 3}, {1, 2, 3, 4, 5, 6})};
  for (const OpDescriptor* op : op_table()) {
    const int most = op->max_inputs < 0 ? op->min_inputs + 1 : op->max_inputs;
    for (unsigned seed = 0; seed < 60; ++seed) {
      std::mt19937 rng(seed);
      const auto n = static_cast<unsigned>(op->min_inputs) + rng() % static_cast<unsigned>(most - op->min_inputs + 1);
      std::vector<Tensor> inputs;
      for (unsigned i = 0; i < n; ++i) inputs.push_back(odd[rng() % odd.size()]);
      try {
        evaluate_op(*op, {}, inputs, std::max(1, op->min_outputs));
      } catch (const Error&) {  // what is wanted
      }
    }
  }
}

TEST(InferContext, MissingThingsAreErrors) {
  const AttributeMap attrs;
  const std::vector<TypeInfo> types{{DType::kFloat32, std::nullopt}};
  const std::vector<ValueInfo> values(1);
  InferContext c(attrs, types, values, 1);
  EXPECT_EQ(c.dtype(5), DType::kUndefined);
  EXPECT_FALSE(c.has_shape(0));
  EXPECT_THROW(c.shape(0), Error);
  EXPECT_THROW(c.shape(3), Error);
  EXPECT_EQ(c.constant(3), nullptr);
  EXPECT_FALSE(c.dims(3).has_value());
  c.set_output(4, DType::kInt8, std::nullopt);  // nobody wants it
}

TEST(InferContext, IntsComeFromConstantsAndFromDims) {
  const AttributeMap attrs;
  const Tensor t = make_tensor(DType::kInt32, Shape{2}, {3, -1});
  const std::vector<TypeInfo> types{{DType::kInt32, SymShape{2}}, int_vector(2), int_vector(1)};
  const std::vector<ValueInfo> values{{&t, std::nullopt}, known({Dim(4), Dim(5)}), known({Dim::symbol("n")})};
  const InferContext c(attrs, types, values, 1);
  EXPECT_EQ(c.ints(0), (std::vector<int64_t>{3, -1}));
  EXPECT_EQ(c.dims(0), (std::vector<Dim>{3, -1}));
  EXPECT_EQ(c.ints(1), (std::vector<int64_t>{4, 5}));
  EXPECT_FALSE(c.ints(2).has_value());
}

TEST(EvalContext, MissingInputsAreErrors) {
  const AttributeMap attrs;
  const std::vector<TensorView> inputs(1);
  std::vector<Tensor> outputs;
  const EvalContext c(attrs, inputs, outputs);
  EXPECT_THROW(c.input(0), Error);
  EXPECT_THROW(c.input(7), Error);
  EXPECT_THROW(c.output(0), Error);
}

}  // namespace
}  // namespace burnish
