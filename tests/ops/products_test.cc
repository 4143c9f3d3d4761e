#include <functional>
#include <map>

#include "base/error.h"
#include "ops/gemm.h"
#include "ops/op_tester.h"

namespace burnish {
namespace {

using testing::ElementsAre;

TEST(Gemm, AgreesWithTheDefinition) {
  struct Case {
    int64_t m, n, k;
  };
  for (const auto& [m, n, k] : {Case{1, 1, 1}, {5, 7, 3}, {4, 8, 256}, {67, 9, 257}, {3, 130, 600}, {2, 3, 0}})
    for (const bool ta : {false, true})
      for (const bool tb : {false, true}) {
        const Tensor a = random_floats(ta ? Shape{k, m} : Shape{m, k}, 1);
        const Tensor b = random_floats(tb ? Shape{n, k} : Shape{k, n}, 2);
        std::vector<float> y(static_cast<size_t>(m * n), 77);
        const Matrix<float> ma{a.as<float>(), ta ? m : k, ta};
        const Matrix<float> mb{b.as<float>(), tb ? k : n, tb};
        multiply<float>(m, n, k, ma, mb, y.data());
        for (int64_t i = 0; i < m; ++i)
          for (int64_t j = 0; j < n; ++j) {
            double sum = 0;
            for (int64_t p = 0; p < k; ++p) sum += static_cast<double>(ma.at(i, p)) * mb.at(p, j);
            ASSERT_NEAR(y[static_cast<size_t>(i * n + j)], sum, 3e-5) << m << ' ' << n << ' ' << k;
          }
      }
}

TEST(MatMul, ShapesOfNumPy) {
  const auto shape = [](const Shape& a, const Shape& b) {
    return run("MatMul", {random_floats(a, 1), random_floats(b, 2)}).shape();
  };
  EXPECT_EQ(shape({3}, {3}), Shape{});
  EXPECT_EQ(shape({3}, {3, 4}), Shape({4}));
  EXPECT_EQ(shape({2, 3}, {3}), Shape({2}));
  EXPECT_EQ(shape({5, 1, 2, 3}, {7, 3, 4}), Shape({5, 7, 2, 4}));
  EXPECT_THROW(shape({2, 3}, {4, 2}), Error);
  EXPECT_THROW(shape({}, {3}), Error);
}

TEST(MatMul, BatchesBroadcast) {
  const Tensor a = random_floats(Shape{2, 1, 3, 5}, 1);
  const Tensor b = random_floats(Shape{4, 5, 2}, 2);
  const Tensor y = run("MatMul", {a, b});
  for (int64_t i = 0; i < y.num_elements(); ++i) {
    const int64_t n = i % 2;
    const int64_t m = i / 2 % 3;
    const int64_t q = i / 6 % 4;
    const int64_t p = i / 24;
    double sum = 0;
    for (int64_t k = 0; k < 5; ++k) sum += a.as<float>()[(p * 3 + m) * 5 + k] * b.as<float>()[(q * 5 + k) * 2 + n];
    ASSERT_NEAR(y.as<float>()[i], sum, 1e-6);
  }
}

TEST(MatMul, IntegersWrap) {
  const Tensor a = make_tensor(DType::kInt32, Shape{1, 2}, {2147483647, 1});
  const Tensor b = make_tensor(DType::kInt32, Shape{2, 1}, {2, 5});
  EXPECT_THAT(values_of(run("MatMul", {a, b})), ElementsAre(3));
}

TEST(MatMul, SymbolicShapes) {
  const Dim b = Dim::symbol("b");
  const Dim s = Dim::symbol("s");
  const auto y = infer("MatMul", {{DType::kFloat32, SymShape{b, s, 64}}, {DType::kFloat32, SymShape{64, 3}}});
  EXPECT_EQ(y.type.shape, (SymShape{b, s, 3}));
}

TEST(GemmOp, ScalesAndBias) {
  const Tensor a = make_floats(Shape{2, 2}, {1, 2, 3, 4});
  const Tensor b = make_floats(Shape{2, 2}, {5, 6, 7, 8});
  const Tensor c = make_floats(Shape{2}, {10, 20});
  EXPECT_THAT(values_of(run("Gemm", {a, b, c})), ElementsAre(29, 42, 53, 70));
  const AttributeMap attrs =
      attributes({{"alpha", 0.5F}, {"beta", 2.0F}, {"transA", int64_t{1}}, {"transB", int64_t{1}}});
  EXPECT_THAT(values_of(run("Gemm", {a, b, c}, attrs)), ElementsAre(31.5, 55.5, 37, 63));
  EXPECT_THROW(run("Gemm", {a, make_floats(Shape{3, 1}, {1, 2, 3})}), Error);
  EXPECT_THROW(run("Gemm", {a, b, make_floats(Shape{3}, {1, 2, 3})}), Error);
}

TEST(MatMulInteger, ZeroPoints) {
  const Tensor a = make_tensor(DType::kUInt8, Shape{2, 2}, {11, 7, 3, 10});
  const Tensor b = make_tensor(DType::kInt8, Shape{2, 2}, {1, 4, -2, 5});
  const Tensor za = make_tensor(DType::kUInt8, Shape{2}, {1, 2});
  const Tensor zb = make_tensor(DType::kInt8, Shape{2}, {1, 0});
  // (a - za by row) = {10, 6, 1, 8}, (b - zb by column) = {0, 4, -3, 5}
  const Tensor y = run("MatMulInteger", {a, b, za, zb});
  EXPECT_EQ(y.dtype(), DType::kInt32);
  EXPECT_THAT(values_of(y), ElementsAre(-18, 70, -24, 44));
}

TEST(QLinearMatMul, RoundsAndSaturates) {
  const Tensor a = make_tensor(DType::kUInt8, Shape{1, 2}, {130, 126});
  const Tensor b = make_tensor(DType::kUInt8, Shape{2, 2}, {129, 255, 127, 0});
  const Tensor zero = make_tensor(DType::kUInt8, Shape{}, {128});
  const auto scale = [](double v) { return make_floats(Shape{}, {v}); };
  // sums {4, 510}; × 0.5 · 0.5 / 0.25 = the sums; + 128
  const Tensor y = run("QLinearMatMul", {a, scale(0.5), zero, b, scale(0.5), zero, scale(0.25), zero});
  EXPECT_THAT(values_of(y), ElementsAre(132, 255));
}

// Every index combination, straight from the definition.
std::vector<double> einsum_by_definition(const std::vector<std::string>& terms, const std::string& output,
                                         const std::vector<Tensor>& inputs) {
  std::map<char, int64_t> sizes;
  for (size_t i = 0; i < terms.size(); ++i)
    for (size_t k = 0; k < terms[i].size(); ++k) sizes[terms[i][k]] = inputs[i].shape()[static_cast<int>(k)];
  const auto offset = [&](const std::string& labels, std::map<char, int64_t>& index) {
    int64_t at = 0;
    for (const char l : labels) at = at * sizes[l] + index[l];
    return at;
  };
  int64_t total = 1;
  for (const char l : output) total *= sizes[l];
  std::vector<double> y(static_cast<size_t>(total), 0.0);
  std::map<char, int64_t> index;
  const std::function<void(std::map<char, int64_t>::iterator)> visit = [&](auto it) {
    if (it == sizes.end()) {
      double p = 1;
      for (size_t i = 0; i < terms.size(); ++i) p *= inputs[i].as<float>()[offset(terms[i], index)];
      y[static_cast<size_t>(offset(output, index))] += p;
      return;
    }
    for (int64_t v = 0; v < it->second; ++v) {
      index[it->first] = v;
      visit(std::next(it));
    }
  };
  visit(sizes.begin());
  return y;
}

TEST(Einsum, AgreesWithTheDefinition) {
  const std::map<char, int64_t> sizes{{'i', 2}, {'j', 3}, {'k', 4}, {'b', 2}, {'h', 3}};
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{{{"ij"}, "ji"},
                                                                            {{"ij"}, "i"},
                                                                            {{"ii"}, "i"},
                                                                            {{"ii"}, ""},
                                                                            {{"ij", "jk"}, "ik"},
                                                                            {{"bij", "bjk"}, "bik"},
                                                                            {{"i", "j"}, "ij"},
                                                                            {{"ij", "ij"}, ""},
                                                                            {{"bhik", "bhjk"}, "bhij"},
                                                                            {{"ij", "jk", "ki"}, "j"},
                                                                            {{"ijk", "k"}, "ji"},
                                                                            {{"iij", "jk"}, "ki"}};
  for (const auto& [terms, output] : cases) {
    std::string equation;
    std::vector<Tensor> inputs;
    for (const std::string& term : terms) {
      Shape shape;
      for (const char l : term) shape.push_back(sizes.at(l));
      inputs.push_back(random_floats(shape, static_cast<unsigned>(inputs.size()) + 5));
      equation += (equation.empty() ? "" : ", ") + term;
    }
    equation += " -> " + output;
    const auto expected = einsum_by_definition(terms, output, inputs);
    const auto y = values_of(run("Einsum", inputs, attributes({{"equation", equation}})));
    ASSERT_EQ(y.size(), expected.size()) << equation;
    for (size_t i = 0; i < y.size(); ++i) ASSERT_NEAR(y[i], expected[i], 1e-5) << equation;
  }
}

TEST(Einsum, EllipsisAndImplicitOutput) {
  const auto equation = [](const char* e) { return attributes({{"equation", std::string(e)}}); };
  const Tensor a = random_floats(Shape{2, 1, 3, 4}, 1);
  const Tensor b = random_floats(Shape{5, 4, 2}, 2);
  const Tensor y = run("Einsum", {a, b}, equation("...ij,...jk->...ik"));
  const Tensor z = run("MatMul", {a, b});
  EXPECT_EQ(y.shape(), Shape({2, 5, 3, 2}));
  for (int64_t i = 0; i < y.num_elements(); ++i) ASSERT_NEAR(y.as<float>()[i], z.as<float>()[i], 1e-6);
  const Tensor m = random_floats(Shape{3, 4}, 3);
  EXPECT_EQ(run("Einsum", {m}, equation("ji")).shape(), Shape({4, 3}));
}

TEST(Einsum, FaultyEquations) {
  const Tensor m = random_floats(Shape{3, 4}, 3);
  for (const char* e : {"", "ijk->i", "ij,jk->ik", "ij->k", "i1->i", "ij->ii", "...ijk", "ii->i", "i..j->i"})
    EXPECT_THROW(run("Einsum", {m}, attributes({{"equation", std::string(e)}})), Error) << e;
}

TEST(Det, SmallMatrices) {
  EXPECT_THAT(values_of(run("Det", {make_floats(Shape{2, 2, 2}, {1, 2, 3, 4, 0, 1, 1, 0})})), ElementsAre(-2, -1));
  EXPECT_THAT(values_of(run("Det", {make_floats(Shape{2, 2}, {1, 2, 2, 4})})), ElementsAre(0));
  EXPECT_THROW(run("Det", {make_floats(Shape{1, 2}, {1, 2})}), Error);
}

}  // namespace
}  // namespace burnish
