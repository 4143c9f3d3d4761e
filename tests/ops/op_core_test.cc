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

// Attributes that many operators read, with values that few expect.
AttributeMap odd_attributes(std::mt19937& rng) {
  static const std::vector<std::string> numbers{
      "axis",        "group",      "k",           "to",           "keepdims",    "num_heads", "hidden_size",
      "blocksize",   "block_size", "batch_axis",  "time_axis",    "sample_size", "dtype",     "ceil_mode",
      "num_outputs", "p",          "q_num_heads", "kv_num_heads", "output_dtype"};
  static const std::vector<std::string> lists{"axes",      "kernel_shape",   "strides",     "pads",
                                              "dilations", "perm",           "shape",       "output_shape",
                                              "split",     "output_padding", "pooled_shape"};
  static const std::vector<std::string> texts{"mode", "equation", "direction", "reduction", "auto_pad", "layout"};
  static const std::vector<std::string> words{"", "linear", "ij->ji", "LEFT", "bidirectional", "SAME_UPPER", "NHWC"};
  static const std::vector<int64_t> values{-3, -1, 0, 1, 1, 2, 3, 7, INT64_MAX, INT64_MIN, int64_t{1} << 62};
  const auto pick = [&rng](const auto& from) -> const auto& {
    return from[rng() % from.size()];
  };
  AttributeMap attrs;
  for (int i = 0; i < 6; ++i) {
    attrs.set(pick(numbers), pick(values));
    std::vector<int64_t> list(rng() % 5);
    for (int64_t& v : list) v = pick(values);
    attrs.set(pick(lists), list);
    if (i % 3 == 0) attrs.set(pick(texts), pick(words));
  }
  return attrs;
}

unsigned odd_arity(const OpDescriptor& op, std::mt19937& rng) {
  const int most = op.max_inputs < 0 ? op.min_inputs + 1 : op.max_inputs;
  return static_cast<unsigned>(op.min_inputs) + rng() % static_cast<unsigned>(most - op.min_inputs + 1);
}

// Absent required inputs, wrong ranks, odd types and hostile attributes end in an Error, never in a crash.
TEST(OpCore, NonsenseThrowsOrSucceeds) {
  const std::vector<Tensor> odd{
      Tensor(),
      Tensor::scalar(DType::kInt8, int8_t{3}),
      make_ints({5, -7}),
      make_ints({1, 2, INT64_MAX, INT64_MIN}),
      make_floats(Shape{0, 2}, {}),
      make_tensor(DType::kBool, Shape{1, 2}, {1, 0}),
      make_floats(Shape{1, 2, 3}, {1, 2, 3, 4, 5, 6}),
      random_floats(Shape{1, 2, 3, 3}, 1),
      random_floats(Shape{2, 2, 3, 3}, 2),
      make_floats(Shape{2}, {NAN, INFINITY}),
  };
  for (const OpDescriptor* op : op_table())
    for (unsigned seed = 0; seed < 60; ++seed) {
      std::mt19937 rng(seed);
      std::vector<Tensor> inputs(odd_arity(*op, rng));
      for (Tensor& t : inputs) t = odd[rng() % odd.size()];
      const AttributeMap attrs = seed % 3 == 0 ? AttributeMap() : odd_attributes(rng);
      try {
        evaluate_op(*op, attrs, inputs, std::max(1, op->min_outputs));
      } catch (const Error&) {  // what is wanted
      }
    }
}

TEST(OpCore, InferenceOfNonsenseThrowsOrSucceeds) {
  const Dim b = Dim::symbol("b");
  const std::vector<TypeInfo> odd{{},
                                  {DType::kFloat32, std::nullopt},
                                  {DType::kInt64, std::nullopt},
                                  {DType::kFloat32, SymShape{}},
                                  {DType::kFloat32, SymShape{b, 3}},
                                  {DType::kFloat32, SymShape{b, Dim::symbol("c"), b + Dim(1), 5}},
                                  {DType::kInt64, SymShape{2}},
                                  {DType::kInt64, SymShape{b}},
                                  {DType::kBool, SymShape{b, 1}}};
  const std::vector<std::vector<Dim>> followed{{b, 3}, {b, -1}, {0, 0}, {INT64_MAX, b}};
  for (const OpDescriptor* op : op_table())
    for (unsigned seed = 0; seed < 60; ++seed) {
      std::mt19937 rng(seed);
      std::vector<TypeInfo> types(odd_arity(*op, rng));
      for (TypeInfo& t : types) t = odd[rng() % odd.size()];
      std::vector<ValueInfo> values(types.size());
      for (size_t i = 0; i < types.size(); ++i)
        if (types[i] == odd[6]) values[i].dims = followed[rng() % followed.size()];
      const AttributeMap attrs = seed % 3 == 0 ? AttributeMap() : odd_attributes(rng);
      InferContext c(attrs, types, values, std::max(1, op->min_outputs));
      try {
        op->infer(c);
      } catch (const Error&) {  // what is wanted
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
