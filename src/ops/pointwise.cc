#include <algorithm>
#include <cmath>
#include <vector>

#include "ops/fused_table.h"
#include "ops/infer.h"
#include "ops/numeric.h"
#include "ops/strided.h"
#include "ops/views.h"

namespace burnish {
namespace {

using Function = float (*)(const Activation&, const float*);

struct NamedFunction {
  std::string_view name;
  Function call;
};

/// NaN in either operand wins, as in NumPy.
float smaller(float a, float b) {
  return std::isnan(a) || a < b ? a : b;
}
float larger(float a, float b) {
  return std::isnan(a) || a > b ? a : b;
}

constexpr NamedFunction kFunctions[] = {
    {"add", [](const Activation&, const float* x) { return x[0] + x[1]; }},
    {"sub", [](const Activation&, const float* x) { return x[0] - x[1]; }},
    {"mul", [](const Activation&, const float* x) { return x[0] * x[1]; }},
    {"div", [](const Activation&, const float* x) { return x[0] / x[1]; }},
    {"pow", [](const Activation&, const float* x) { return std::pow(x[0], x[1]); }},
    {"min", [](const Activation&, const float* x) { return smaller(x[0], x[1]); }},
    {"max", [](const Activation&, const float* x) { return larger(x[0], x[1]); }},
    {"neg", [](const Activation&, const float* x) { return -x[0]; }},
    {"abs", [](const Activation&, const float* x) { return std::fabs(x[0]); }},
    {"sqrt", [](const Activation&, const float* x) { return std::sqrt(x[0]); }},
    {"exp", [](const Activation&, const float* x) { return std::exp(x[0]); }},
    {"log", [](const Activation&, const float* x) { return std::log(x[0]); }},
    {"reciprocal", [](const Activation&, const float* x) { return 1 / x[0]; }},
    {"floor", [](const Activation&, const float* x) { return std::floor(x[0]); }},
    {"ceil", [](const Activation&, const float* x) { return std::ceil(x[0]); }},
    {"round", [](const Activation&, const float* x) { return std::nearbyint(x[0]); }},
    {"erf", [](const Activation&, const float* x) { return std::erf(x[0]); }},
};

/// An instruction ready to run: what is not in the table is an activation.
struct Compiled {
  Function call;
  Activation activation;
  const std::vector<PointwiseOperand>* operands;
};

Compiled compile(const PointwiseInstruction& instruction) {
  const auto* it = std::find_if(std::begin(kFunctions), std::end(kFunctions),
                                [&](const NamedFunction& f) { return f.name == instruction.fn; });
  if (it != std::end(kFunctions)) return {it->call, {}, &instruction.operands};
  const auto literal = [&](size_t i) { return instruction.operands.size() > i ? instruction.operands[i].literal : 0; };
  return {[](const Activation& a, const float* x) { return apply(a, x[0]); },
          {parse_activation(instruction.fn), literal(1), literal(2)},
          &instruction.operands};
}

}  // namespace

void infer_pointwise(InferContext& c) {
  require_encodable(c, 0, c.num_inputs() - 1);
  for (int i = 0; i < c.num_inputs(); ++i) check(c.has_input(i), ErrorCode::kInvalidModel, "input {} is missing", i);
  for (const PointwiseInstruction& instruction : parse_pointwise(c.attrs(), c.num_inputs())) compile(instruction);
  const std::vector<std::string> views = views_of(c.attrs(), c.num_inputs());
  SymShape out;
  for (int i = 0; i < c.num_inputs(); ++i) {
    if (!c.has_shape(i)) return c.set_output(0, output_encoding(c.attrs()).dtype, std::nullopt);
    const SymShape shape = viewed_shape(c.shape(i), views[static_cast<size_t>(i)]);
    out = i == 0 ? shape : broadcast(out, shape);
  }
  c.set_output(0, output_encoding(c.attrs()).dtype, std::move(out));
}

namespace {

// Elements that an instruction works on at once: the results of a whole program stay in the nearest cache.
constexpr int64_t kBlock = 256;

/// Where an operand's elements are found, and how far apart they stand (0 or 1).
struct Elements {
  const float* data;
  int64_t step;
};

/// A program with a block of results for every instruction.
class BlockRunner {
 public:
  explicit BlockRunner(const std::vector<PointwiseInstruction>& program)
      : results_(program.size() * static_cast<size_t>(kBlock)) {
    for (const PointwiseInstruction& instruction : program) compiled_.push_back(compile(instruction));
  }

  /// Runs all instructions over n ≤ kBlock elements of the inputs.
  void run(const std::vector<Elements>& inputs, int64_t n, float* y) {
    for (size_t k = 0; k < compiled_.size(); ++k) {
      Elements operands[3] = {};
      for (size_t j = 0; j < compiled_[k].operands->size(); ++j)
        operands[j] = find((*compiled_[k].operands)[j], inputs);
      float* out = k + 1 == compiled_.size() ? y : result(k);
      for (int64_t i = 0; i < n; ++i) {
        float x[3] = {};
        for (int j = 0; j < 3; ++j)
          if (operands[j].data != nullptr) x[j] = operands[j].data[i * operands[j].step];
        out[i] = compiled_[k].call(compiled_[k].activation, x);
      }
    }
  }

 private:
  float* result(size_t k) { return results_.data() + k * static_cast<size_t>(kBlock); }
  Elements find(const PointwiseOperand& o, const std::vector<Elements>& inputs) {
    if (o.kind == PointwiseOperand::Kind::kLiteral) return {&o.literal, 0};
    const auto index = static_cast<size_t>(o.index);
    return o.kind == PointwiseOperand::Kind::kResult ? Elements{result(index), 1} : inputs[index];
  }

  std::vector<Compiled> compiled_;
  std::vector<float> results_;
};

}  // namespace

namespace {

/// Inputs as they are looked at.
class ViewedInputs {
 public:
  explicit ViewedInputs(const EvalContext& c) {
    const std::vector<std::string> views = views_of(c.attrs(), c.num_inputs());
    for (int i = 0; i < c.num_inputs(); ++i) {
      const TensorView& x = c.input(i);
      const std::string& view = views[static_cast<size_t>(i)];
      tensors_.push_back(view.empty() ? x : copied(x, strided_view(x.shape, view)));
    }
  }
  const TensorView& operator[](size_t i) const { return tensors_[i]; }
  std::vector<Shape> shapes() const {
    std::vector<Shape> shapes;
    for (const TensorView& t : tensors_) shapes.push_back(t.shape);
    return shapes;
  }

 private:
  TensorView copied(const TensorView& x, const StridedView& view) {
    const Tensor& copy = copies_.emplace_back(x.dtype, view.shape);
    std::vector<int64_t> dense(view.strides.size(), 1);
    for (size_t d = dense.size(); d-- > 1;) dense[d - 1] = dense[d] * view.shape[static_cast<int>(d)];
    strided_copy(size_of(x.dtype), view.shape.dims(), element_at(x, view.offset), view.strides, copy.data(), dense);
    return copy.view();
  }
  std::vector<TensorView> tensors_;
  std::vector<Tensor> copies_;
};

void evaluate_on_floats(EvalContext& c) {
  const auto program = parse_pointwise(c.attrs(), c.num_inputs());
  BlockRunner runner(program);
  const TensorView y = c.output(0);
  const ViewedInputs viewed(c);
  const std::vector<Shape> shapes = viewed.shapes();
  const BroadcastLoop loop(y.shape, shapes);
  std::vector<Elements> inputs(shapes.size());
  loop.for_each_run([&](int64_t at, const std::vector<int64_t>& offsets) {
    for (int64_t done = 0; done < loop.run_length(); done += kBlock) {
      for (size_t k = 0; k < inputs.size(); ++k) {
        const auto* data = viewed[k].as<const float>();
        inputs[k] = {data + offsets[k] + done * loop.step(k), loop.step(k)};
      }
      runner.run(inputs, std::min(kBlock, loop.run_length() - done), y.as<float>() + at + done);
    }
  });
}

}  // namespace

void evaluate_pointwise(EvalContext& c) {
  evaluate_decoded(c, 0, c.num_inputs() - 1, evaluate_on_floats);
}

}  // namespace burnish
