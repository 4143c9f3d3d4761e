#include "kernels/cpu/conv_weights.h"

namespace burnish {

int64_t group_bytes(const ProductType& type, const ConvForm& form) {
  return type.packed_bytes(ConvTaps(type, form).all_steps(), form.out_channels);
}

namespace {

/// T: as wide as an element.
template <typename T>
void pack_elements(const ProductType& type, const ConvForm& form, const T* w, T* packed) {
  const ConvTaps taps(type, form);
  const int64_t panel = taps.all_steps() * type.step * kPanelColumns;
  const int64_t block = round_up(form.out_channels, kPanelColumns) / kPanelColumns * panel;
  for (int64_t o = 0; o < form.group * form.out_channels; ++o) {
    const int64_t column = o % form.out_channels;
    T* to =
        packed + o / form.out_channels * block + column / kPanelColumns * panel + column % kPanelColumns * type.step;
    for (int64_t i = 0; i < form.in_channels; ++i) {
      for (int64_t y = 0; y < form.kernel_h; ++y) {
        for (int64_t x = 0; x < form.kernel_w; ++x) {
          const int64_t tap = taps.whole_rows ? y : y * form.kernel_w + x;
          const int64_t k = i + (taps.whole_rows ? x * form.in_channels : 0);
          to[(tap * taps.steps + k / type.step) * kPanelColumns * type.step + k % type.step] = *w++;
        }
      }
    }
  }
}

}  // namespace

PackedBlob pack_conv_weights(const ProductType& type, const ConvForm& form, const Tensor& w) {
  PackedBlob blob(static_cast<size_t>(form.group * group_bytes(type, form)));  // zeros
  if (type.w_bytes == 4) {
    pack_elements(type, form, static_cast<const uint32_t*>(w.data()), reinterpret_cast<uint32_t*>(blob.data()));
  } else if (type.w_bytes == 2) {
    pack_elements(type, form, static_cast<const uint16_t*>(w.data()), reinterpret_cast<uint16_t*>(blob.data()));
  } else {
    pack_elements(type, form, static_cast<const uint8_t*>(w.data()), reinterpret_cast<uint8_t*>(blob.data()));
  }
  return blob;
}

std::vector<int32_t> channel_sums(const ConvForm& form, const Tensor& weights) {
  std::vector<int32_t> sums(static_cast<size_t>(form.group * form.out_channels));
  const auto* w = weights.as<int8_t>();
  for (int32_t& sum : sums) {
    for (int64_t k = 0; k < form.k(); ++k) sum += *w++;
  }
  return sums;
}

}  // namespace burnish
