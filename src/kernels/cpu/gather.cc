// cpu.gather: rows picked along one axis, of any element type.
#include <cstring>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/tactics.h"

namespace burnish {
namespace {

class GatherKernel : public Kernel {
 public:
  explicit GatherKernel(const Problem& p) : wide_(p.inputs[1].dtype == DType::kInt64) {
    const Shape& data = p.inputs[0].shape;
    const int axis = normalize_axis(p.attrs->get_int("axis", 0), data.rank());
    outer_ = data.product(0, axis);
    size_ = data[axis];
    num_indices_ = p.inputs[1].shape.num_elements();
    row_bytes_ = data.product(axis + 1, data.rank()) * static_cast<int64_t>(size_of(p.inputs[0].dtype));
  }

  void run(const KernelArgs& args) const override {
    check_indices(args.inputs[1]);  // here: worker threads must not throw
    const auto* data = static_cast<const char*>(args.inputs[0]);
    auto* out = static_cast<char*>(args.outputs[0]);
    parallel_ranges(*args.pool, outer_ * num_indices_, 2 * row_bytes_, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const int64_t row = i / num_indices_ * size_ + index_at(args.inputs[1], i % num_indices_);
        std::memcpy(out + i * row_bytes_, data + row * row_bytes_, static_cast<size_t>(row_bytes_));
      }
    });
  }

 private:
  /// Counted from the front, whatever its sign.
  int64_t index_at(const void* indices, int64_t i) const {
    const int64_t index = wide_ ? static_cast<const int64_t*>(indices)[i] : static_cast<const int32_t*>(indices)[i];
    return index < 0 && index >= -size_ ? index + size_ : index;
  }

  void check_indices(const void* indices) const {
    if (outer_ * row_bytes_ == 0) return;
    for (int64_t i = 0; i < num_indices_; ++i) {
      const int64_t index = index_at(indices, i);
      check(index >= 0 && index < size_, ErrorCode::kInvalidArgument,
            "Gather: index {} is out of range for an axis of {} elements", index, size_);
    }
  }

  bool wide_;
  int64_t outer_ = 0, size_ = 0, num_indices_ = 0, row_bytes_ = 0;
};

class GatherTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.gather"; }
  std::vector<std::string_view> ops() const override { return {"Gather"}; }
  bool supports(const Problem& p, const Target&) const override {
    const bool indexed = p.has_input(1) && (p.inputs[1].dtype == DType::kInt64 || p.inputs[1].dtype == DType::kInt32);
    return p.op == "Gather" && indexed && p.inputs[0].dense() && p.inputs[1].dense() && p.outputs[0].dense();
  }
  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string&, std::span<const PackedView>,
                                  const Target&) const override {
    return std::make_unique<GatherKernel>(p);
  }
};

}  // namespace

const Tactic& gather_tactic() {
  static const GatherTactic tactic;
  return tactic;
}

}  // namespace burnish
