// cpu.onednn_conv: FusedConv over images, channels last, on oneDNN. The output's rows are spread over our threads,
// each part a convolution of its own with its own padding at top and bottom.
#include <algorithm>
#include <array>

#include "kernels/cpu/onednn/primitive.h"
#include "kernels/cpu/problem_util.h"
#include "kernels/cpu/tactics.h"
#include "ops/fused.h"

namespace burnish {
namespace {

using onednn::Argument;
using onednn::Dims;
using onednn::Piece;

// Of float weights, of bfloat16 and of INT8 ones: two or four elements to a multiplication.
constexpr std::array kTags = {"Ohwi64o",      "Ohwi48o",     "Ohwi32o",      "Ohwi16o",
                              "OIhw16i16o",   "OIhw8i8o",    "Ohwi8o",       "hwio",
                              "OIhw16i64o2i", "OIhw8i64o2i", "OIhw16i16o2i", "OIhw8i16o2i",
                              "OIhw16i64o4i", "OIhw4i64o4i", "OIhw16i16o4i", "OIhw4i16o4i"};
constexpr std::array kGroupTags = {"Goihw16g",  "Goihw8g", "gOhwi64o", "gOhwi32o",     "gOIhw16i16o", "gOhwi16o",
                                   "gOIhw8i8o", "gOhwi8o", "hwigo",    "gOIhw8i16o2i", "gOIhw4i16o4i"};

/// Images [first, first + count), output rows [row, end).
struct Part {
  int64_t first, count, row, end;
};

struct Geometry {
  int64_t batch, channels, height, width, out_channels, out_height, out_width, group;
  ConvGeometry conv;

  int64_t extent() const { return (conv.kernel[0] - 1) * conv.dilations[0] + 1; }
  Dims weight_dims() const {
    if (group == 1) return {out_channels, channels, conv.kernel[0], conv.kernel[1]};
    return {group, out_channels / group, channels / group, conv.kernel[0], conv.kernel[1]};
  }
};

Geometry geometry_of(const Problem& p) {
  const Shape& x = p.inputs[0].shape;
  const Shape& y = p.outputs[0].shape;
  Geometry g{x[0], x[3], x[1], x[2], y[3], y[1], y[2], 1, conv_geometry_of(*p.attrs, p.inputs[1].shape.dims().last(2))};
  g.group = g.conv.group;
  return g;
}

Dims row_major(const Dims& dims) {
  Dims strides(dims.size(), 1);
  for (size_t i = dims.size() - 1; i > 0; --i) strides[i - 1] = strides[i] * dims[i];
  return strides;
}

/// [N, C, H, W] of a dense channels-last tensor.
Dims image_strides(const Dims& dims) {
  return {dims[1] * dims[2] * dims[3], 1, dims[3] * dims[1], dims[1]};
}
dnnl::memory::desc image(const Dims& dims, DType dtype) {
  return onednn::strided(dims, image_strides(dims), dtype);
}

/// The rows of the input under a part, and the padding at its two ends.
struct Rows {
  int64_t begin, end, pad_begin, pad_end;
};

Rows rows_under(const Geometry& g, const Part& part) {
  if (part.row == 0 && part.end == g.out_height) return {0, g.height, g.conv.pads[0], g.conv.pads[2]};
  const int64_t begin = part.row * g.conv.strides[0] - g.conv.pads[0];
  const int64_t end = (part.end - 1) * g.conv.strides[0] - g.conv.pads[0] + g.extent();
  Rows r{std::max<int64_t>(begin, 0), std::min(end, g.height), std::max<int64_t>(-begin, 0),
         std::max<int64_t>(end - g.height, 0)};
  check(r.begin < r.end, ErrorCode::kUnsupported, "cpu.onednn_conv: rows of padding only");
  return r;
}

Dims result_dims(const Geometry& g, const Part& part) {
  return {part.count, g.out_channels, part.end - part.row, g.out_width};
}

/// A convolution of a part, with what follows it.
struct Description {
  dnnl::convolution_forward::primitive_desc convolution;
  onednn::Epilogue epilogue;
};

bool has_bias_argument(const Problem& p) {
  return p.has_input(kFusedBias) && !onednn::is_integer_product(p);
}

/// nullopt when oneDNN has no such activation. Throws dnnl::error when it has no such convolution.
std::optional<Description> describe(const Problem& p, const Geometry& g, const Part& part,
                                    const dnnl::memory::desc& weights) {
  const Rows rows = rows_under(g, part);
  const Dims y = result_dims(g, part);
  auto epilogue = onednn::epilogue_of(p, y, image_strides(y), {1, g.out_channels, 1, 1});
  if (!epilogue) return std::nullopt;
  const dnnl::memory::desc bias =
      has_bias_argument(p) ? onednn::strided({g.out_channels}, {1}, DType::kFloat32) : dnnl::memory::desc();
  const std::vector<int64_t>& pads = g.conv.pads;
  auto convolution =
      onednn::convolution(image({part.count, g.channels, rows.end - rows.begin, g.width}, p.inputs[0].dtype), weights,
                          bias, image(y, p.outputs[0].dtype), {g.conv.strides[0], g.conv.strides[1]},
                          {g.conv.dilations[0] - 1, g.conv.dilations[1] - 1}, {rows.pad_begin, pads[1]},
                          {rows.pad_end, pads[3]}, epilogue->attr);
  return Description{std::move(convolution), std::move(*epilogue)};
}

/// The output rows of the whole batch, divided evenly: whole images where possible, else parts of one.
std::vector<std::vector<Part>> divide(const Geometry& g, int num_threads) {
  std::vector<std::vector<Part>> parts(static_cast<size_t>(num_threads));
  const int64_t total = g.batch * g.out_height;
  for (int t = 0; t < num_threads; ++t) {
    int64_t at = total * t / num_threads;
    const int64_t end = total * (t + 1) / num_threads;
    while (at < end) {
      const int64_t n = at / g.out_height, row = at % g.out_height;
      const int64_t whole = row == 0 ? (end - at) / g.out_height : 0;
      const Part part =
          whole > 0 ? Part{n, whole, 0, g.out_height} : Part{n, 1, row, std::min(g.out_height, row + end - at)};
      parts[static_cast<size_t>(t)].push_back(part);
      at += part.count * (part.end - part.row);
    }
  }
  return parts;
}

Piece make_piece(const Problem& p, const Geometry& g, const Part& part, const dnnl::memory::desc& weights) {
  const auto description = describe(p, g, part, weights);
  check(description.has_value(), ErrorCode::kUnsupported, "cpu.onednn_conv: no such activation");
  const auto& desc = description->convolution;
  const Rows rows = rows_under(g, part);
  const int64_t x = (part.first * g.height + rows.begin) * g.width * g.channels;
  const int64_t y = (part.first * g.out_height + part.row) * g.out_width * g.out_channels;
  const auto bytes_of = [](const TensorDesc& d) { return static_cast<int64_t>(size_of(d.dtype)); };
  using Source = Argument::Source;
  Piece piece{dnnl::convolution_forward(desc), {}};
  piece.arguments.push_back({Source::kInput, 0, x * bytes_of(p.inputs[0]), DNNL_ARG_SRC, desc.src_desc()});
  piece.arguments.push_back({Source::kPacked, 0, 0, DNNL_ARG_WEIGHTS, weights});
  if (has_bias_argument(p)) {
    piece.arguments.push_back({Source::kInput, kFusedBias, 0, DNNL_ARG_BIAS, desc.bias_desc()});
  }
  piece.arguments.push_back({Source::kOutput, 0, y * bytes_of(p.outputs[0]), DNNL_ARG_DST, desc.dst_desc()});
  dnnl::memory::desc residual;
  if (p.has_input(kFusedResidual)) residual = image(result_dims(g, part), p.inputs[kFusedResidual].dtype);
  onednn::add_operands(p, description->epilogue, residual, {1, g.out_channels, 1, 1}, 0, y, piece.arguments);
  piece.arguments.push_back({Source::kScratch, 0, 0, DNNL_ARG_SCRATCHPAD, desc.scratchpad_desc()});
  return piece;
}

/// oneDNN pads with the number zero, which must then be what stands for zero.
bool pads_right(const Problem& p) {
  const ConvGeometry g = conv_geometry_of(*p.attrs, p.inputs[1].shape.dims().subspan(2));
  return !onednn::is_integer_product(p) || input_encoding(*p.attrs, 0, DType::kUInt8).zero == 0 ||
         std::all_of(g.pads.begin(), g.pads.end(), [](int64_t pad) { return pad == 0; });
}

class OnednnConv : public Tactic {
 public:
  std::string_view name() const override { return "cpu.onednn_conv"; }
  std::vector<std::string_view> ops() const override { return {kFusedConv}; }
  bool allocates() const override { return true; }  // dnnl_primitive_execute builds its argument map each time

  bool supports(const Problem& p, const Target& target) const override {
    if (p.op != kFusedConv || !onednn::takes_types(p, target)) return false;
    if (!is_nhwc(*p.attrs, "input_layout") || !is_nhwc(*p.attrs, "output_layout")) return false;
    if (p.inputs[1].shape.rank() != 4 || !pads_right(p)) return false;
    if (p.outputs[0].shape.num_elements() == 0 || p.inputs[0].shape.num_elements() == 0) return false;
    // While building, oneDNN is asked whether it has anything good; an engine's step had something.
    return !p.constants[1].defined() || !candidates(p, target).empty();
  }

  /// The format that oneDNN would choose, and the first other one that leads to another implementation.
  std::vector<std::string> candidates(const Problem& p, const Target&) const override {
    const onednn::SingleThreaded guard;
    try {
      return fast_formats(p);
    } catch (const dnnl::error&) {
      return {};
    }
  }

  bool packs_input(const Problem& p, int input) const override {
    return input == 1 || (onednn::is_integer_product(p) && p.has_input(input) &&
                          (input == kFusedBias || input == kFusedWeightScales));
  }

  std::vector<PackedBlob> pack(const Problem& p, const std::string& config) const override {
    return onednn::translated(name(), [&] {
      const Dims dims = geometry_of(p).weight_dims();
      std::vector<PackedBlob> blobs = {
          onednn::pack_weights(p.constants[1], dims, row_major(dims), onednn::tag_in(config))};
      if (onednn::is_integer_product(p)) blobs.push_back(onednn::pack_columns(p, p.inputs[1].shape[0], false));
      return blobs;
    });
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    return onednn::translated(name(), [&] {
      const onednn::SingleThreaded guard;
      const Geometry g = geometry_of(p);
      const auto weights = onednn::unpadded(g.weight_dims(), onednn::tag_in(config), p.inputs[1].dtype);
      check(weights.has_value() && !packed.empty() && packed[0].size() == weights->get_size(), ErrorCode::kUnsupported,
            "cpu.onednn_conv: the packed weights do not fit the format");
      std::vector<std::vector<Piece>> pieces;
      for (const std::vector<Part>& parts : divide(g, target.num_threads)) {
        pieces.emplace_back();
        for (const Part& part : parts) pieces.back().push_back(make_piece(p, g, part, *weights));
      }
      return std::make_unique<onednn::PieceKernel>(std::move(pieces), onednn::blobs_of(p, g.out_channels, packed));
    });
  }

 private:
  static constexpr size_t kMaxFormats = 2;

  static std::vector<std::string> fast_formats(const Problem& p) {
    const Geometry g = geometry_of(p);
    const Part all{0, g.batch, 0, g.out_height};
    const dnnl::memory::desc any(g.weight_dims(), onednn::data_type_of(p.inputs[1].dtype),
                                 dnnl::memory::format_tag::any);
    const auto best = describe(p, g, all, any);
    if (!best) return {};
    const std::span<const char* const> tags =
        g.group == 1 ? std::span<const char* const>(kTags) : std::span<const char* const>(kGroupTags);
    std::vector<std::string> configs, implementations;
    for (const bool only_best : {true, false}) {
      for (const char* tag : tags) {
        const auto weights = onednn::unpadded(g.weight_dims(), tag, p.inputs[1].dtype);
        if (!weights || configs.size() == kMaxFormats || (only_best && best->convolution.weights_desc() != *weights))
          continue;
        const std::string implementation = implementation_of(p, g, all, *weights);
        const auto known = std::find(implementations.begin(), implementations.end(), implementation);
        if (implementation.empty() || known != implementations.end()) continue;
        implementations.push_back(implementation);
        configs.push_back(onednn::config_of(tag));
      }
    }
    return configs;
  }

  /// Empty when there is none worth using.
  static std::string implementation_of(const Problem& p, const Geometry& g, const Part& part,
                                       const dnnl::memory::desc& weights) {
    try {
      const auto desc = describe(p, g, part, weights);
      if (!desc) return "";
      const char* implementation = desc->convolution.impl_info_str();
      return onednn::is_fast(implementation, onednn::is_integer_product(p)) ? implementation : "";
    } catch (const dnnl::error&) {
      return "";
    }
  }
};

}  // namespace

const Tactic& onednn_conv_tactic() {
  static const OnednnConv tactic;
  return tactic;
}

}  // namespace burnish
