#include "ops/detection.h"

#include <algorithm>
#include <vector>

#include "ops/elements.h"
#include "ops/infer.h"

namespace burnish {
namespace {

// Inputs: boxes [B, N, 4], scores [B, C, N], max_output_boxes_per_class, iou_threshold, score_threshold.
void infer_nms(InferContext& c) {
  for (int i : {0, 1, 3, 4}) require_real(c, i);
  require_index(c, 2);
  require_rank(c, 0, 3);
  require_rank(c, 1, 3);
  const int64_t format = c.attrs().get_int("center_point_box", 0);
  check(format == 0 || format == 1, ErrorCode::kInvalidModel, "attribute center_point_box = {} is neither 0 nor 1",
        format);
  if (c.has_shape(0)) {
    require_equal(c.shape(0)[2], Dim(4), "coordinates of a box");
    if (c.has_shape(1)) {
      require_equal(c.shape(0)[0], c.shape(1)[0], "batches of boxes and scores");
      require_equal(c.shape(0)[1], c.shape(1)[2], "numbers of boxes and scores");
    }
  }
  c.set_output(0, DType::kInt64, SymShape{data_dim("nms", c), 3});
}

struct Box {
  float left, top, right, bottom;
  float area() const { return (right - left) * (bottom - top); }
};

Box box_of(const float* p, bool centered) {
  if (centered) return {p[0] - p[2] / 2, p[1] - p[3] / 2, p[0] + p[2] / 2, p[1] + p[3] / 2};
  return {std::min(p[1], p[3]), std::min(p[0], p[2]), std::max(p[1], p[3]), std::max(p[0], p[2])};
}

/// Whether the boxes' intersection over union exceeds the threshold.
bool overlaps(const Box& a, const Box& b, float threshold) {
  const Box common{std::max(a.left, b.left), std::max(a.top, b.top), std::min(a.right, b.right),
                   std::min(a.bottom, b.bottom)};
  if (!(common.right > common.left && common.bottom > common.top)) return false;
  const float both = a.area() + b.area() - common.area();
  return a.area() > 0 && b.area() > 0 && both > 0 && common.area() / both > threshold;
}

/// Boxes of one class, best first, without those that overlap a better one.
std::vector<int64_t> select_boxes(const std::vector<Box>& boxes, const float* scores, int64_t limit, float iou,
                                  const float* least_score) {
  std::vector<int64_t> candidates;
  for (size_t i = 0; i < boxes.size(); ++i)
    if (least_score == nullptr || scores[i] > *least_score) candidates.push_back(static_cast<int64_t>(i));
  std::stable_sort(candidates.begin(), candidates.end(), [&](int64_t a, int64_t b) { return scores[a] > scores[b]; });
  std::vector<int64_t> selected;
  for (int64_t i : candidates) {
    if (static_cast<int64_t>(selected.size()) >= limit) break;
    const auto suppresses = [&](int64_t k) {
      return overlaps(boxes[static_cast<size_t>(k)], boxes[static_cast<size_t>(i)], iou);
    };
    if (std::none_of(selected.begin(), selected.end(), suppresses)) selected.push_back(i);
  }
  return selected;
}

/// First element of an optional scalar.
std::optional<float> scalar_of(const EvalContext& c, int i) {
  if (!c.has_input(i) || c.input(i).num_elements() == 0) return std::nullopt;
  return Source<float>(c.input(i))[0];
}

void evaluate_nms(EvalContext& c) {
  const Source<float> boxes(c.input(0)), scores(c.input(1));
  const bool centered = c.attrs().get_int("center_point_box", 0) != 0;
  const int64_t limit = c.has_input(2) && c.input(2).num_elements() > 0 ? ints_of(c.input(2))[0] : 0;
  const float iou = scalar_of(c, 3).value_or(0);
  const auto least = scalar_of(c, 4);
  const int64_t count = boxes.shape()[1], classes = scores.shape()[1];
  std::vector<int64_t> selected;
  for (int64_t b = 0; b < boxes.shape()[0]; ++b) {
    std::vector<Box> batch;
    for (int64_t i = 0; i < count; ++i) batch.push_back(box_of(boxes.data() + (b * count + i) * 4, centered));
    for (int64_t k = 0; k < classes; ++k) {
      const float* row = scores.data() + (b * classes + k) * count;
      for (int64_t i : select_boxes(batch, row, limit, iou, least ? &*least : nullptr))
        selected.insert(selected.end(), {b, k, i});
    }
  }
  const TensorView out = c.allocate(0, DType::kInt64, Shape{static_cast<int64_t>(selected.size()) / 3, 3});
  std::copy(selected.begin(), selected.end(), out.as<int64_t>());
}

constexpr OpDescriptor kOps[] = {
    {"NonMaxSuppression", 2, 5, 1, 1, infer_nms, evaluate_nms, kDataDependentShape},
};

}  // namespace

std::span<const OpDescriptor> detection_ops() {
  return kOps;
}

}  // namespace burnish
