#pragma once
// What tactics have in common that generate one program for a problem and a configuration.
#include "kernels/cuda/config.h"
#include "kernels/cuda/kernel_compiler.h"
#include "kernels/cuda/launch.h"
#include "kernels/tactic.h"

namespace burnish::cuda {

/// "float", "f16", "bf16", "int64", … as the prelude names element types.
std::string_view type_name(DType dtype);
/// FLOAT, FLOAT16, BFLOAT16: what programs compute on as floats.
bool is_real(DType dtype);

/// Packed blob 0 is the machine code; the tactic's own follow. Configurations begin with the architecture (config.h).
/// The program may contain the problem's sizes where they are not free (TensorDesc::is_free), never row strides.
class GeneratedTactic : public Tactic {
 public:
  std::vector<std::string> candidates(const Problem&, const Target& target) const override { return {target.arch()}; }
  void warm_up(const Problem& problem, const std::string& config) const final {
    compile(program(problem, config), arch_of(config));
  }
  std::vector<PackedBlob> pack(const Problem& problem, const std::string& config) const final {
    std::vector<PackedBlob> blobs = {*compile(program(problem, config), arch_of(config))};
    for (PackedBlob& blob : pack_weights(problem, config)) blobs.push_back(std::move(blob));
    return blobs;
  }

 protected:
  virtual Program program(const Problem& problem, const std::string& config) const = 0;
  virtual std::vector<PackedBlob> pack_weights(const Problem&, const std::string& /*config*/) const { return {}; }
};

/// Packed blob i. Throws kCorrupt when the engine has fewer.
PackedView packed_at(std::span<const PackedView> packed, size_t i);

}  // namespace burnish::cuda
