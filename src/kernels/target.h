#pragma once
// A device kind and what it can do.
#include <cstdint>
#include <string>

namespace burnish {

enum class Isa : uint8_t { kScalar, kAvx2, kAvx512, kAvx512Vnni, kAvx512Bf16, kAmx };
std::string_view name_of(Isa isa);
Isa parse_isa(std::string_view name);  ///< Throws kInvalidArgument.

struct Target {
  std::string kind = "cpu";
  Isa isa = Isa::kScalar;
  int num_threads = 1;
  int64_t l1_bytes = 32 << 10;  ///< Data cache per core.
  int64_t l2_bytes = 1 << 20;   ///< Per core.
  int64_t l3_bytes = 16 << 20;  ///< Shared.
  std::string cpu_name;         ///< "AMD EPYC …"
  // Of GPUs only.
  int device = 0;            ///< The GPU's number on this machine; -1: none is at hand, tactics are chosen by model.
  std::string gpu_name;      ///< "NVIDIA H100 80GB HBM3"
  int sm = 0;                ///< 90 for compute capability 9.0.
  int num_sms = 0;           ///< Multiprocessors.
  int driver_version = 0;    ///< CUDA version that the driver knows: 13000 for 13.0.
  int64_t gpu_bytes = 0;     ///< Memory.
  int64_t shared_bytes = 0;  ///< The most that a block can have.
  bool is_cuda() const { return kind == "cuda"; }
  /// What programs are compiled for: "sm_90a".
  std::string arch() const;
  /// Decides whether an engine may run and whether timings may be reused: kind, CPU name, ISA; of GPUs name, compute
  /// capability, number of multiprocessors.
  std::string fingerprint() const;
};

/// This machine. BURNISH_ISA=avx2 in the environment lowers the ISA, for tests and for engines that must move.
Target detect_cpu(int num_threads);
/// A GPU of this machine (its host's threads included). Throws kUnsupported without a driver, kInvalidArgument when
/// there is no such GPU, kUnsupported for GPUs older than compute capability 7.5.
Target detect_cuda(int device, int num_threads);
/// A GPU of this compute capability (90 for 9.0) that is not at hand, as large as its generation's data centre card:
/// programs can be compiled for it, nothing can be timed or run. Throws kUnsupported below 7.5.
Target absent_gpu(int sm, int num_threads);

}  // namespace burnish
