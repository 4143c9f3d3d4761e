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
  /// Decides whether an engine may run and whether timings may be reused: kind, CPU name, ISA.
  std::string fingerprint() const;
};

/// This machine. BURNISH_ISA=avx2 in the environment lowers the ISA, for tests and for engines that must move.
Target detect_cpu(int num_threads);

}  // namespace burnish
