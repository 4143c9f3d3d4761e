// cpu.onednn_matmul: FusedMatMul with a constant matrix on the right, on oneDNN. Threads share out the rows; a single
// row is divided by columns. Everything is dense: oneDNN's blocked products take nothing else.
#include <algorithm>
#include <array>
#include <cstring>

#include "kernels/cpu/onednn/primitive.h"
#include "kernels/cpu/problem_util.h"
#include "kernels/cpu/tactics.h"
#include "ops/fused.h"

namespace burnish {
namespace {

using onednn::Argument;
using onednn::Dims;
using onednn::Piece;

constexpr std::array kTags = {"BA16a64b",   "BA16a48b",   "BA16a32b",   "BA16a16b",   "BA16a64b2a", "BA16a32b2a",
                              "BA16a16b2a", "BA16a64b4a", "BA16a32b4a", "BA16a16b4a", "ab"};

/// Columns that one block of a format holds; what is shared out must be whole blocks.
int64_t block_columns(const std::string& tag) {
  return tag == "ab" ? 16 : std::stoll(tag.substr(tag.find('a') + 1));
}

struct Sizes {
  int64_t m, k, n;
};

/// A's rows of all batches are one matrix.
Sizes sizes_of(const Problem& p) {
  const Shape& a = p.inputs[0].shape;
  const Shape& y = p.outputs[0].shape;
  return {a.product(0, a.rank() - 1), a.back(), y.back()};
}

bool swaps(const Problem& p, const char* attribute) {
  return p.attrs->get_int(attribute, 0) != 0;
}

struct Part {
  int64_t row, rows, column, columns;
};

/// A product of a part, with what follows it.
struct Description {
  dnnl::matmul::primitive_desc product;
  onednn::Epilogue epilogue;
};

bool has_bias_argument(const Problem& p) {
  return p.has_input(kFusedBias) && !onednn::is_integer_product(p);
}

/// nullopt when oneDNN has no such activation. Throws dnnl::error when it has no such product.
std::optional<Description> describe(const Problem& p, const Part& part, const dnnl::memory::desc& weights) {
  const Sizes s = sizes_of(p);
  const Dims y = {part.rows, part.columns};
  auto epilogue = onednn::epilogue_of(p, y, {part.columns, 1}, {1, part.columns});
  if (!epilogue) return std::nullopt;
  const dnnl::memory::desc bias = has_bias_argument(p)
                                      ? onednn::strided({1, part.columns}, {part.columns, 1}, DType::kFloat32)
                                      : dnnl::memory::desc();
  auto product = onednn::product(onednn::strided({part.rows, s.k}, {s.k, 1}, p.inputs[0].dtype), weights, bias,
                                 onednn::strided(y, {part.columns, 1}, p.outputs[0].dtype), epilogue->attr);
  return Description{std::move(product), std::move(*epilogue)};
}

/// The weights of a part's columns. Blocks of columns follow each other in memory, so a part is a matrix of its own.
dnnl::memory::desc part_weights(const Sizes& s, const Part& part, const std::string& tag, DType dtype) {
  if (tag == "ab") return onednn::strided({s.k, part.columns}, {s.n, 1}, dtype);
  const auto weights = onednn::unpadded({s.k, part.columns}, tag, dtype);
  check(weights.has_value(), ErrorCode::kUnsupported, "cpu.onednn_matmul: the format {} would pad", tag);
  return *weights;
}

std::vector<Part> divide(const Sizes& s, int64_t block, int num_threads) {
  std::vector<Part> parts;
  const bool by_columns = s.m == 1;
  const int64_t unit = by_columns ? block : 1;
  const int64_t units = by_columns ? (s.n + block - 1) / block : s.m;
  for (int t = 0; t < num_threads; ++t) {
    const int64_t begin = units * t / num_threads * unit, stop = units * (t + 1) / num_threads * unit;
    const int64_t end = std::min(stop, by_columns ? s.n : s.m);
    parts.push_back(by_columns ? Part{0, s.m, begin, end - begin} : Part{begin, end - begin, 0, s.n});
  }
  return parts;
}

Piece make_piece(const Problem& p, const Part& part, const std::string& tag) {
  const Sizes s = sizes_of(p);
  const dnnl::memory::desc weights = part_weights(s, part, tag, p.inputs[1].dtype);
  const auto description = describe(p, part, weights);
  check(description.has_value(), ErrorCode::kUnsupported, "cpu.onednn_matmul: no such activation");
  const auto& desc = description->product;
  const auto bytes_of = [](const TensorDesc& d) { return static_cast<int64_t>(size_of(d.dtype)); };
  const int64_t w = tag == "ab" ? part.column : part.column * s.k;
  const int64_t y = part.row * s.n + part.column;
  using Source = Argument::Source;
  Piece piece{dnnl::matmul(desc), {}};
  piece.arguments.push_back({Source::kInput, 0, part.row * s.k * bytes_of(p.inputs[0]), DNNL_ARG_SRC, desc.src_desc()});
  piece.arguments.push_back({Source::kPacked, 0, w * bytes_of(p.inputs[1]), DNNL_ARG_WEIGHTS, weights});
  if (has_bias_argument(p)) {
    piece.arguments.push_back(
        {Source::kInput, kFusedBias, part.column * bytes_of(p.inputs[kFusedBias]), DNNL_ARG_BIAS, desc.bias_desc()});
  }
  piece.arguments.push_back({Source::kOutput, 0, y * bytes_of(p.outputs[0]), DNNL_ARG_DST, desc.dst_desc()});
  dnnl::memory::desc residual;
  if (p.has_input(kFusedResidual)) {
    residual = onednn::strided({part.rows, part.columns}, {part.columns, 1}, p.inputs[kFusedResidual].dtype);
  }
  onednn::add_operands(p, description->epilogue, residual, {1, part.columns}, part.column, y, piece.arguments);
  piece.arguments.push_back({Source::kScratch, 0, 0, DNNL_ARG_SCRATCHPAD, desc.scratchpad_desc()});
  return piece;
}

class OnednnMatmul : public Tactic {
 public:
  std::string_view name() const override { return "cpu.onednn_matmul"; }
  std::vector<std::string_view> ops() const override { return {kFusedMatMul}; }
  bool allocates() const override { return true; }  // dnnl_primitive_execute builds its argument map each time

  bool supports(const Problem& p, const Target& target) const override {
    if (p.op != kFusedMatMul || !onednn::takes_types(p, target) || swaps(p, "transA")) return false;
    if (p.inputs[1].shape.rank() != 2 || p.inputs[0].shape.rank() < 2) return false;
    if (p.inputs[0].dtype == DType::kBFloat16 && p.attrs->get_float("alpha", 1.0F) != 1.0F) return false;
    const Sizes s = sizes_of(p);
    if (s.m <= 0 || s.n <= 0 || s.k <= 0) return false;
    // While building, oneDNN is asked whether it has anything good; an engine's step had something.
    return !p.constants[1].defined() || !candidates(p, target).empty();
  }

  /// The widest format that needs no padding and has a fast implementation.
  std::vector<std::string> candidates(const Problem& p, const Target&) const override {
    const onednn::SingleThreaded guard;
    const Sizes s = sizes_of(p);
    for (const char* tag : kTags) {
      try {
        const auto weights = onednn::unpadded({s.k, s.n}, tag, p.inputs[1].dtype);
        const auto desc = weights ? describe(p, {0, s.m, 0, s.n}, *weights) : std::nullopt;
        if (desc && onednn::is_fast(desc->product.impl_info_str(), onednn::is_integer_product(p)))
          return {onednn::config_of(tag)};
      } catch (const dnnl::error&) {
        continue;
      }
    }
    return {};
  }

  bool packs_input(const Problem& p, int input) const override {
    return input == 1 || (onednn::is_integer_product(p) && p.has_input(input) &&
                          (input == kFusedBias || input == kFusedWeightScales));
  }

  std::vector<PackedBlob> pack(const Problem& p, const std::string& config) const override {
    return onednn::translated(name(), [&] {
      const Sizes s = sizes_of(p);
      const Dims strides = swaps(p, "transB") ? Dims{1, s.k} : Dims{s.n, 1};
      std::vector<PackedBlob> blobs = {
          onednn::pack_weights(p.constants[1], {s.k, s.n}, strides, onednn::tag_in(config))};
      if (p.inputs[1].dtype == DType::kFloat32) scale(blobs[0], p.attrs->get_float("alpha", 1.0F));
      if (onednn::is_integer_product(p)) blobs.push_back(onednn::pack_columns(p, s.n, !swaps(p, "transB")));
      return blobs;
    });
  }

  std::unique_ptr<Kernel> prepare(const Problem& p, const std::string& config, std::span<const PackedView> packed,
                                  const Target& target) const override {
    return onednn::translated(name(), [&] {
      const onednn::SingleThreaded guard;
      const Sizes s = sizes_of(p);
      const std::string tag = onednn::tag_in(config);
      check(!packed.empty() && packed[0].size() == static_cast<size_t>(s.k * s.n) * size_of(p.inputs[1].dtype),
            ErrorCode::kUnsupported, "cpu.onednn_matmul: the packed weights do not fit the format");
      std::vector<std::vector<Piece>> pieces;
      for (const Part& part : divide(s, block_columns(tag), target.num_threads)) {
        pieces.emplace_back();
        if (part.rows > 0 && part.columns > 0) pieces.back().push_back(make_piece(p, part, tag));
      }
      return std::make_unique<onednn::PieceKernel>(std::move(pieces), onednn::blobs_of(p, s.n, packed));
    });
  }

 private:
  static void scale(PackedBlob& blob, float factor) {
    if (factor == 1.0F) return;
    for (size_t at = 0; at < blob.size(); at += sizeof(float)) {
      float value = 0;
      std::memcpy(&value, &blob[at], sizeof(float));
      value *= factor;
      std::memcpy(&blob[at], &value, sizeof(float));
    }
  }
};

}  // namespace

const Tactic& onednn_matmul_tactic() {
  static const OnednnMatmul tactic;
  return tactic;
}

}  // namespace burnish
