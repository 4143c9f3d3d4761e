#include "ops/conv.h"

#include "ops/op_tester.h"

namespace burnish {
namespace {

struct Case {
  Shape x, w;
  std::vector<int64_t> strides, dilations, pads;
  int64_t group;
};

/// The definition, element by element, over two spatial dims.
std::vector<double> plain_conv(const Case& p, const Tensor& x, const Tensor& w, const Shape& out) {
  std::vector<double> y;
  const int64_t per_group = p.w[0] / p.group;
  for (int64_t n = 0; n < out[0]; ++n)
    for (int64_t o = 0; o < out[1]; ++o)
      for (int64_t i = 0; i < out[2]; ++i)
        for (int64_t j = 0; j < out[3]; ++j) {
          double sum = 0;
          for (int64_t c = 0; c < p.w[1]; ++c)
            for (int64_t k = 0; k < p.w[2]; ++k)
              for (int64_t l = 0; l < p.w[3]; ++l) {
                const int64_t h = i * p.strides[0] + k * p.dilations[0] - p.pads[0];
                const int64_t v = j * p.strides[1] + l * p.dilations[1] - p.pads[1];
                if (h < 0 || h >= p.x[2] || v < 0 || v >= p.x[3]) continue;
                const int64_t channel = o / per_group * p.w[1] + c;
                sum += static_cast<double>(x.as<float>()[((n * p.x[1] + channel) * p.x[2] + h) * p.x[3] + v]) *
                       static_cast<double>(w.as<float>()[((o * p.w[1] + c) * p.w[2] + k) * p.w[3] + l]);
              }
          y.push_back(sum);
        }
  return y;
}

AttributeMap conv_attributes(const Case& p) {
  return attributes({{"strides", p.strides}, {"dilations", p.dilations}, {"pads", p.pads}, {"group", p.group}});
}

const std::vector<Case> kCases = {
    {{1, 1, 1, 1}, {1, 1, 1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1},
    {{2, 3, 7, 5}, {4, 3, 1, 1}, {1, 1}, {1, 1}, {0, 0, 0, 0}, 1},
    {{2, 3, 7, 5}, {4, 3, 1, 1}, {2, 2}, {1, 1}, {0, 0, 0, 0}, 1},
    {{1, 3, 9, 8}, {5, 3, 3, 3}, {1, 1}, {1, 1}, {1, 1, 1, 1}, 1},
    {{1, 3, 9, 8}, {5, 3, 3, 2}, {2, 3}, {1, 2}, {2, 0, 1, 3}, 1},
    {{2, 6, 5, 5}, {6, 1, 3, 3}, {1, 2}, {2, 1}, {2, 2, 2, 2}, 6},
    {{1, 4, 4, 4}, {6, 2, 2, 2}, {1, 1}, {1, 1}, {0, 1, 1, 0}, 2},
    {{1, 2, 3, 3}, {2, 2, 7, 7}, {2, 2}, {1, 1}, {3, 3, 3, 3}, 1},
};

TEST(Conv, MatchesTheDefinition) {
  for (const Case& p : kCases) {
    const Tensor x = random_floats(p.x, 1), w = random_floats(p.w, 2);
    const Tensor y = run("Conv", {x, w}, conv_attributes(p));
    EXPECT_THAT(values_of(y), near(1e-5, plain_conv(p, x, w, y.shape()))) << to_string(p.x) << to_string(p.w);
  }
}

TEST(Conv, AddsTheBiasAndResolvesAutoPad) {
  const Tensor x = random_floats({1, 2, 5, 6}, 3), w = random_floats({3, 2, 3, 4}, 4), b = random_floats({3}, 5);
  const auto with = [&](const std::vector<std::pair<std::string, Attribute>>& a) {
    return run("Conv", {x, w, b}, attributes(a));
  };
  const std::vector<int64_t> two{2, 2};
  const Tensor upper = with({{"auto_pad", std::string("SAME_UPPER")}, {"strides", two}});
  EXPECT_THAT(values_of(upper),
              near(1e-6, values_of(with({{"pads", std::vector<int64_t>{1, 1, 1, 1}}, {"strides", two}}))));
  const Tensor lower = with({{"auto_pad", std::string("SAME_LOWER")}});
  EXPECT_THAT(values_of(lower), near(1e-6, values_of(with({{"pads", std::vector<int64_t>{1, 2, 1, 1}}}))));
  EXPECT_EQ(with({{"auto_pad", std::string("VALID")}}).shape(), (Shape{1, 3, 3, 3}));
}

TEST(Conv, WorksInOneAndThreeDimensions) {
  const Tensor x = random_floats({1, 2, 6}, 6), w = random_floats({3, 2, 3}, 7);
  const Tensor flat = run("Conv", {x.reshaped({1, 2, 1, 6}), w.reshaped({3, 2, 1, 3})});
  EXPECT_THAT(values_of(run("Conv", {x, w})), near(1e-6, values_of(flat)));
  const Tensor deep = run("Conv", {x.reshaped({1, 2, 1, 1, 6}), w.reshaped({3, 2, 1, 1, 3})});
  EXPECT_THAT(values_of(deep), near(1e-6, values_of(flat)));
}

TEST(Conv, InfersSymbols) {
  const Dim n = Dim::symbol("n"), h = Dim::symbol("h");
  const AttributeMap attrs =
      attributes({{"strides", std::vector<int64_t>{2, 2}}, {"pads", std::vector<int64_t>{3, 3, 3, 3}}});
  const auto shape =
      *infer("Conv", {{DType::kFloat32, SymShape{n, 3, h, 224}}, {DType::kFloat32, SymShape{64, 3, 7, 7}}}, {}, attrs)
           .type.shape;
  EXPECT_EQ(shape, (SymShape{n, 64, floor_div(h - Dim(1), Dim(2)) + Dim(1), 112}));
}

TEST(Conv, RefusesWhatDoesNotFit) {
  const Tensor x = random_floats({1, 4, 5, 5}, 1), w = random_floats({4, 4, 3, 3}, 2);
  const auto fails = [&](const std::vector<std::pair<std::string, Attribute>>& a) {
    EXPECT_THROW(run("Conv", {x, w}, attributes(a)), Error) << to_string(attributes(a));
  };
  const auto ints = [](std::vector<int64_t> v) { return v; };
  fails({{"strides", ints({0, 1})}});
  fails({{"strides", ints({1})}});
  fails({{"strides", ints({INT64_MAX, 1})}});
  fails({{"dilations", ints({-1, 1})}});
  fails({{"dilations", ints({9, 9})}});
  fails({{"pads", ints({-1, 0, 0, 0})}});
  fails({{"pads", ints({0, 0})}});
  fails({{"group", int64_t{0}}});
  fails({{"group", int64_t{2}}});
  fails({{"kernel_shape", ints({2, 3})}});
  fails({{"auto_pad", std::string("SOME")}});
  EXPECT_THROW(run("Conv", {x, random_floats({4, 3, 3, 3}, 2)}), Error);
  EXPECT_THROW(run("Conv", {x, w, random_floats({3}, 2)}), Error);
  EXPECT_THROW(run("Conv", {random_floats({5, 5}, 1), w}), Error);
  EXPECT_THROW(run("Conv", {x, random_floats({4, 4, 9, 9}, 2)}), Error);
}

/// ⟨conv(x), y⟩ = ⟨x, conv_transpose(y)⟩ for the same weight and geometry.
TEST(ConvTranspose, IsTheAdjointOfConv) {
  for (const Case& p : kCases) {
    const Tensor x = random_floats(p.x, 8), w = random_floats(p.w, 9);
    const Tensor forward = run("Conv", {x, w}, conv_attributes(p));
    const Tensor y = random_floats(forward.shape(), 10);
    AttributeMap attrs = conv_attributes(p);
    attrs.set("output_shape", std::vector<int64_t>{p.x[2], p.x[3]});
    std::vector<int64_t> output_padding;
    for (int i = 0; i < 2; ++i) {
      const size_t d = static_cast<size_t>(i);
      const int64_t extent = (forward.shape()[i + 2] - 1) * p.strides[d] + (p.w[i + 2] - 1) * p.dilations[d] + 1;
      output_padding.push_back(p.x[i + 2] - (extent - p.pads[d] - p.pads[d + 2]));
    }
    attrs.erase("output_shape");
    attrs.set("output_padding", output_padding);
    const Tensor back = run("ConvTranspose", {y, w}, attrs);
    ASSERT_EQ(back.shape(), p.x);
    double left = 0, right = 0;
    for (int64_t i = 0; i < y.num_elements(); ++i)
      left += static_cast<double>(forward.as<float>()[i] * y.as<float>()[i]);
    for (int64_t i = 0; i < x.num_elements(); ++i) right += static_cast<double>(back.as<float>()[i] * x.as<float>()[i]);
    EXPECT_NEAR(left, right, 1e-4 * std::max(1.0, std::fabs(left))) << to_string(p.x) << to_string(p.w);
  }
}

TEST(ConvInteger, SubtractsZeroPoints) {
  const Tensor x = make_tensor(DType::kUInt8, {1, 1, 1, 3}, {10, 20, 30}),
               w = make_tensor(DType::kInt8, {1, 1, 1, 2}, {-1, 2});
  const Tensor zero = make_tensor(DType::kUInt8, {}, {10});
  EXPECT_EQ(values_of(run("ConvInteger", {x, w, zero})), (std::vector<double>{20, 30}));
}

TEST(QLinearConv, RequantisesPerChannel) {
  const Tensor x = make_tensor(DType::kUInt8, {1, 1, 1, 2}, {130, 120}),
               w = make_tensor(DType::kInt8, {2, 1, 1, 1}, {2, 100});
  const auto scale = [](double s) { return make_floats({}, {s}); };
  const auto zero = [](double z) { return make_tensor(DType::kUInt8, {}, {z}); };
  const Tensor y = run("QLinearConv",
                       {x, scale(0.5), zero(128), w, make_floats({2}, {1, 10}), make_tensor(DType::kInt8, {2}, {0, 0}),
                        scale(1), zero(3), make_tensor(DType::kInt32, {2}, {1, 0})});
  // (±sum + bias)·0.5·w_scale, rounded to even, plus 3, saturated.
  EXPECT_EQ(values_of(y), (std::vector<double>{5, 0, 255, 0}));
}

}  // namespace
}  // namespace burnish
