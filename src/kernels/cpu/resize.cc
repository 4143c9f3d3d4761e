// cpu.resize_nearest: images grown by a whole factor, channels last, any element type: every pixel is repeated.
#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/cpu/parallel.h"
#include "kernels/cpu/problem_util.h"
#include "kernels/cpu/tactics.h"
#include "ops/fused.h"

namespace burnish {
namespace {

/// How often each pixel is repeated along both axes; 0 when this is no such growth.
int64_t factor_of(const Problem& p) {
  const Shape& x = p.inputs[0].shape;
  const Shape& y = p.outputs[0].shape;
  if (x.rank() != 4 || y.rank() != 4 || x[0] != y[0] || x[3] != y[3] || x[1] <= 0 || x[2] <= 0) return 0;
  const int64_t factor = y[1] / x[1];
  return factor > 0 && y[1] == factor * x[1] && y[2] == factor * x[2] ? factor : 0;
}

/// Whether output pixel o takes input pixel o / factor under these attributes.
bool repeats_pixels(const AttributeMap& attrs, int64_t factor) {
  const std::string place = attrs.get_string("coordinate_transformation_mode", "half_pixel");
  const std::string rounding = attrs.get_string("nearest_mode", "round_prefer_floor");
  if (attrs.get_string("mode", "nearest") != "nearest") return false;
  if (place == "asymmetric") return rounding == "floor" || (rounding == "round_prefer_floor" && factor <= 2);
  // Centres of output pixels never fall half way between two input pixels.
  const bool rounds = rounding == "round_prefer_floor" || rounding == "round_prefer_ceil";
  return rounds && (place == "half_pixel" || place == "pytorch_half_pixel");
}

/// The scales given are the factor itself, not a number near it; sizes always are.
bool scales_are_whole(const Problem& p, int64_t factor) {
  if (p.has_input(3)) return true;
  if (!p.has_input(2) || p.constants[2].dtype() != DType::kFloat32) return false;
  const auto* scales = p.constants[2].as<const float>();
  return std::all_of(scales, scales + p.constants[2].num_elements(),
                     [&](float s) { return s == 1.0F || s == static_cast<float>(factor); });
}

class ResizeKernel : public Kernel {
 public:
  explicit ResizeKernel(const Problem& p) : factor_(factor_of(p)) {
    const auto bytes = static_cast<int64_t>(size_of(p.inputs[0].dtype));
    const Shape& x = p.inputs[0].shape;
    rows_ = x[0] * x[1];
    columns_ = x[2];
    pixel_bytes_ = x[3] * bytes;
    x_step_ = p.inputs[0].ld() * bytes;
    y_step_ = p.outputs[0].ld() * bytes;
  }

  void run(const KernelArgs& args) const override {
    const auto* x = static_cast<const char*>(args.inputs[0]);
    auto* y = static_cast<char*>(args.outputs[0]);
    const int64_t row_cost = columns_ * pixel_bytes_ * (1 + factor_ * factor_);
    parallel_ranges(*args.pool, rows_, row_cost, [&](int64_t begin, int64_t end) {
      for (int64_t r = begin; r < end; ++r) {
        grow_row(x + r * columns_ * x_step_, y + r * factor_ * columns_ * factor_ * y_step_);
      }
    });
  }

 private:
  void grow_row(const char* x, char* y) const {
    for (int64_t down = 0; down < factor_; ++down) {
      for (int64_t c = 0; c < columns_; ++c) {
        for (int64_t across = 0; across < factor_; ++across, y += y_step_) {
          std::memcpy(y, x + c * x_step_, static_cast<size_t>(pixel_bytes_));
        }
      }
    }
  }

  int64_t factor_;
  int64_t rows_ = 0, columns_ = 0, pixel_bytes_ = 0, x_step_ = 0, y_step_ = 0;
};

class ResizeTactic : public Tactic {
 public:
  std::string_view name() const override { return "cpu.resize_nearest"; }
  std::vector<std::string_view> ops() const override { return {"Resize"}; }
  bool supports(const Problem& p, const Target&) const override {
    const int64_t factor = factor_of(p);
    return factor > 0 && is_nhwc(*p.attrs) && repeats_pixels(*p.attrs, factor) && scales_are_whole(p, factor);
  }
  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string&, std::span<const PackedView>,
                                  const Target&) const override {
    return std::make_unique<ResizeKernel>(p);
  }
  bool accepts_strided_input(const Problem&, int input) const override { return input == 0; }
  bool accepts_strided_output(const Problem&, int) const override { return true; }
};

}  // namespace

const Tactic& resize_nearest_tactic() {
  static const ResizeTactic tactic;
  return tactic;
}

}  // namespace burnish
