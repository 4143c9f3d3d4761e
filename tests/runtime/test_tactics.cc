#include "runtime/test_tactics.h"

#include <algorithm>

#include "base/error.h"
#include "engine/verify.h"
#include "runtime/engine_impl.h"

namespace burnish::testing {
namespace {

class RowsKernel : public Kernel {
 public:
  RowsKernel(const Problem& problem, PackedView packed) : op_(problem.op), packed_(packed) {
    inputs_ = problem.inputs;
    output_ = problem.outputs[0];
  }

  void run(const KernelArgs& args) const override {
    const int64_t columns = output_.shape.rank() > 0 ? output_.shape.back() : 1;
    args.pool->for_ranges(output_.shape.num_elements() / columns, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        const float* a = row(args.inputs[0], inputs_[0], r);
        const float* b = inputs_.size() > 1 ? second(args, r, columns) : nullptr;
        float* y = static_cast<float*>(args.outputs[0]) + r * output_.ld();
        for (int64_t c = 0; c < columns; ++c) y[c] = apply(a[c], b == nullptr ? 0 : b[c]);
      }
    });
  }

 private:
  static const float* row(const void* data, const TensorDesc& desc, int64_t r) {
    return static_cast<const float*>(data) + r * desc.ld();
  }
  const float* second(const KernelArgs& args, int64_t r, int64_t columns) const {
    return packed_.empty() ? row(args.inputs[1], inputs_[1], r)
                           : reinterpret_cast<const float*>(packed_.data()) + r * columns;
  }
  float apply(float a, float b) const {
    if (op_ == "Relu") return std::max(a, 0.0F);
    return op_ == "Add" ? a + b : a * b;
  }
  std::string op_;
  std::vector<TensorDesc> inputs_;
  TensorDesc output_;
  PackedView packed_;
};

class RowsTactic : public Tactic {
 public:
  std::string_view name() const override { return "test.rows"; }
  std::vector<std::string_view> ops() const override { return {"Add", "Mul", "Relu"}; }
  bool supports(const Problem& p, const Target&) const override {
    return std::all_of(p.inputs.begin(), p.inputs.end(), [&](const TensorDesc& d) {
      return d.dtype == DType::kFloat32 && d.shape == p.outputs[0].shape;
    });
  }
  bool packs_input(const Problem& p, int i) const override { return i == 1 && p.is_constant[1]; }
  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string&, std::span<const PackedView> packed,
                                  const Target&) const override {
    check(packed.empty() || packed[0].size() == static_cast<size_t>(p.outputs[0].shape.num_elements()) * sizeof(float),
          ErrorCode::kCorrupt, "packed weights of {} bytes", packed.empty() ? 0 : packed[0].size());
    return std::make_unique<RowsKernel>(p, packed.empty() ? PackedView() : packed[0]);
  }
  bool accepts_strided_input(const Problem&, int) const override { return true; }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
  bool may_run_in_place(const Problem&, int) const override { return true; }
};

class FailingTactic : public RowsTactic {
 public:
  std::string_view name() const override { return "test.throws"; }
  std::unique_ptr<Kernel> prepare(const Problem&, const std::string&, std::span<const PackedView>,
                                  const Target&) const override {
    class FailingKernel : public Kernel {
      void run(const KernelArgs& args) const override {
        check(*static_cast<const float*>(args.inputs[0]) < 100, ErrorCode::kInvalidArgument, "index 7 of 3");
        *static_cast<float*>(args.outputs[0]) = 42;
      }
    };
    return std::make_unique<FailingKernel>();
  }
};

class NewTactic : public RowsTactic {
 public:
  std::string_view name() const override { return "test.new"; }
  int version() const override { return 2; }
};

}  // namespace

const Tactic* find_test_tactic(std::string_view name) {
  static const RowsTactic rows;
  static const FailingTactic failing;
  static const NewTactic newer;
  for (const Tactic* tactic :
       {static_cast<const Tactic*>(&rows), static_cast<const Tactic*>(&failing), static_cast<const Tactic*>(&newer)}) {
    if (tactic->name() == name) return tactic;
  }
  return find_tactic(name);
}

Engine make_engine(EngineData data) {
  verify_engine(data);
  return Engine(std::make_shared<const Engine::Impl>(std::move(data), &find_test_tactic));
}

std::vector<float> floats_of(const ExecutionContext& context, const std::string& output) {
  size_t elements = 1;
  for (const int64_t d : context.output_shape(output)) elements *= static_cast<size_t>(d);
  const auto* data = static_cast<const float*>(context.output(output));
  return {data, data + elements};
}

std::vector<float> run_one(ExecutionContext& context, const std::string& input, const std::vector<int64_t>& shape,
                           const std::vector<float>& data, const std::string& output) {
  context.set_input(input, DataType::kFloat32, shape, data.data());
  context.execute();
  return floats_of(context, output);
}

}  // namespace burnish::testing
