#pragma once
// One function for each change of an operator. Private to upgrade.cc, whose table says when each applies.
#include "onnx/upgrade.h"

namespace burnish {

void upgrade_axes(OldNode& node);                 ///< axes: attribute → input 1.
void upgrade_batch_normalization(OldNode& node);  ///< training was told by the number of outputs.
void upgrade_clip(OldNode& node);                 ///< min, max: attributes → inputs.
void upgrade_dft(OldNode& node);                  ///< axis: attribute → input 2, default 1 → -2.
void upgrade_dropout(OldNode& node);              ///< ratio: attribute → input 1; the mask became bool in 10.
void upgrade_grid_sample(OldNode& node);          ///< "bilinear" → "linear", "bicubic" → "cubic".
void upgrade_group_normalization(OldNode& node);  ///< scale and bias: one per group → one per channel.
void upgrade_pad(OldNode& node);                  ///< pads, value: attributes → inputs.
void upgrade_resize_10(OldNode& node);            ///< (X, scales), asymmetric → (X, roi, scales).
void upgrade_resize_11(OldNode& node);            ///< tf_half_pixel_for_nn is gone.
void upgrade_roi_align(OldNode& node);            ///< coordinates were not shifted by half a pixel.
void upgrade_scatter(OldNode& node);              ///< → ScatterElements.
void upgrade_slice(OldNode& node);                ///< starts, ends, axes: attributes → inputs.
void upgrade_softmax(OldNode& node);              ///< worked on the input flattened to two dims at axis, default 1.
void upgrade_split_11(OldNode& node);             ///< split: attribute → input 1.
void upgrade_split_13(OldNode& node);             ///< num_outputs must be told where split is absent.
void upgrade_top_k(OldNode& node);                ///< k: attribute → input 1.
void upgrade_upsample_7(OldNode& node);           ///< scales: attribute → input 1.
void upgrade_upsample(OldNode& node);             ///< → Resize.

}  // namespace burnish
