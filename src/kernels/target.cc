#include "kernels/target.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <string_view>

#include "base/error.h"
#include "kernels/cuda/device.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace burnish {
namespace {

constexpr std::array<std::string_view, 6> kIsaNames = {"scalar", "avx2", "avx512", "avx512vnni", "avx512bf16", "amx"};

struct CacheSizes {
  int64_t l1 = 0, l2 = 0, l3 = 0;
};

void set_level(CacheSizes& sizes, int level, int64_t bytes) {
  if (bytes <= 0) return;
  if (level == 1) sizes.l1 = bytes;
  if (level == 2) sizes.l2 = bytes;
  if (level == 3) sizes.l3 = bytes;
}

/// The kernel's description of the caches of the first processor: data and unified ones.
CacheSizes caches_from_sysfs() {
  CacheSizes sizes;
  for (int index = 0; index < 8; ++index) {
    const std::string folder = fmt::format("/sys/devices/system/cpu/cpu0/cache/index{}/", index);
    std::string type, text;
    int level = 0;
    if (!(std::ifstream(folder + "type") >> type) || !(std::ifstream(folder + "level") >> level) ||
        !(std::ifstream(folder + "size") >> text) || type == "Instruction") {
      continue;
    }
    const int64_t number = std::atoll(text.c_str());
    const int64_t unit = text.back() == 'K' ? 1 << 10 : text.back() == 'M' ? 1 << 20 : 1;
    set_level(sizes, level, number * unit);
  }
  return sizes;
}

#if defined(__x86_64__)
struct CpuidRegisters {
  unsigned a = 0, b = 0, c = 0, d = 0;
};

CpuidRegisters cpuid(unsigned leaf, unsigned subleaf = 0) {
  CpuidRegisters r;
  if (!__get_cpuid_count(leaf, subleaf, &r.a, &r.b, &r.c, &r.d)) return {};
  return r;
}

/// Deterministic cache parameters: leaf 4 on Intel, 0x8000001d, laid out alike, on AMD.
CacheSizes caches_from_cpuid() {
  CacheSizes sizes;
  const bool is_amd = cpuid(0).c == 0x444d4163U;  // "cAMD", the end of "AuthenticAMD"
  for (unsigned i = 0; i < 8; ++i) {
    const CpuidRegisters r = cpuid(is_amd ? 0x8000001dU : 4U, i);
    const unsigned type = r.a & 31U;
    if (type == 0) break;
    if (type == 2) continue;  // instructions
    const int64_t line = (r.b & 0xfffU) + 1, partitions = ((r.b >> 12) & 0x3ffU) + 1, ways = (r.b >> 22) + 1;
    set_level(sizes, static_cast<int>((r.a >> 5) & 7U), line * partitions * ways * (static_cast<int64_t>(r.c) + 1));
  }
  return sizes;
}

std::string brand_of_cpu() {
  std::array<char, 49> text{};
  for (unsigned i = 0; i < 3; ++i) {
    const CpuidRegisters r = cpuid(0x80000002U + i);
    std::memcpy(text.data() + static_cast<size_t>(i) * 16, &r, 16);
  }
  std::string name;
  for (const char c : std::string_view(text.data())) {  // single spaces, none at the ends
    if (c != ' ' || (!name.empty() && name.back() != ' ')) name += c;
  }
  while (!name.empty() && name.back() == ' ') name.pop_back();
  return name.empty() ? "unknown x86-64" : name;
}

Isa best_isa() {
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return Isa::kScalar;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl")) {
    return Isa::kAvx2;
  }
  if (!__builtin_cpu_supports("avx512vnni")) return Isa::kAvx512;
  return (cpuid(7, 1).a & (1U << 5)) != 0 ? Isa::kAvx512Bf16 : Isa::kAvx512Vnni;
}
#else
CacheSizes caches_from_cpuid() {
  return {};
}
std::string brand_of_cpu() {
  return "unknown";
}
Isa best_isa() {
  return Isa::kScalar;
}
#endif

int64_t first_positive(int64_t a, int64_t b, int64_t fallback) {
  return a > 0 ? a : b > 0 ? b : fallback;
}

}  // namespace

std::string_view name_of(Isa isa) {
  return kIsaNames[static_cast<size_t>(isa)];
}

Isa parse_isa(std::string_view name) {
  for (size_t i = 0; i < kIsaNames.size(); ++i) {
    if (kIsaNames[i] == name) return static_cast<Isa>(i);
  }
  Error error(ErrorCode::kInvalidArgument, fmt::format("unknown instruction set '{}'", name));
  throw error.with_hint(fmt::format("Choose one of {}.", fmt::join(kIsaNames, ", ")));
}

std::string Target::arch() const {
  // Only with the "a" may Hopper's and Blackwell's own instructions be used.
  return fmt::format("sm_{}{}", sm, sm >= 90 ? "a" : "");
}

std::string Target::fingerprint() const {
  if (is_cuda()) return fmt::format("{}/{}/sm_{}/{} SMs", kind, gpu_name, sm, num_sms);
  return fmt::format("{}/{}/{}", kind, cpu_name, name_of(isa));
}

namespace {

Target read_machine() {
  Target machine;
  machine.isa = best_isa();
  machine.cpu_name = brand_of_cpu();
  const CacheSizes system = caches_from_sysfs();
  const CacheSizes processor = caches_from_cpuid();
  machine.l1_bytes = first_positive(system.l1, processor.l1, machine.l1_bytes);
  machine.l2_bytes = first_positive(system.l2, processor.l2, machine.l2_bytes);
  machine.l3_bytes = first_positive(system.l3, processor.l3, machine.l3_bytes);
  return machine;
}

}  // namespace

Target detect_cpu(int num_threads) {
  // Once: in a virtual machine every CPUID leaves it (about 5 µs, fifty of them), and the caches are two dozen files.
  static const Target machine = read_machine();
  Target target = machine;
  target.num_threads = std::max(1, num_threads);
  if (const char* wanted = std::getenv("BURNISH_ISA"); wanted != nullptr && *wanted != '\0') {
    target.isa = std::min(target.isa, parse_isa(wanted));
  }
  return target;
}

namespace {

constexpr int kOldestSm = 75;

/// Of a generation: multiprocessors of its largest card, shared memory that a block can have.
struct Generation {
  int sm, num_sms;
  int64_t shared_bytes;
};
constexpr Generation kGenerations[] = {{75, 72, 64 << 10},  {80, 108, 163 << 10}, {86, 84, 99 << 10},
                                       {89, 142, 99 << 10}, {90, 132, 227 << 10}, {100, 148, 227 << 10},
                                       {120, 188, 99 << 10}};

}  // namespace

Target absent_gpu(int sm, int num_threads) {
  check(sm >= kOldestSm && sm < 1000, ErrorCode::kUnsupported, "there are no tactics for compute capability {}.{}",
        sm / 10, sm % 10);
  const Generation* generation = std::begin(kGenerations);
  for (const Generation& g : kGenerations) {
    if (g.sm <= sm) generation = &g;
  }
  Target target = detect_cpu(num_threads);
  target.kind = "cuda";
  target.device = -1;
  target.sm = sm;
  target.gpu_name = "not at hand";
  target.num_sms = generation->num_sms;
  target.shared_bytes = generation->shared_bytes;
  return target;
}

Target detect_cuda(int device, int num_threads) {
  const cuda::DeviceInfo& info = cuda::Device::get(device).info();
  check(info.sm >= kOldestSm, ErrorCode::kUnsupported,
        "GPU {} ({}) has compute capability {}.{}; Burnish needs 7.5 or newer", device, info.name, info.sm / 10,
        info.sm % 10);
  Target target = detect_cpu(num_threads);
  target.kind = "cuda";
  target.device = device;
  target.gpu_name = info.name;
  target.sm = info.sm;
  target.num_sms = info.num_sms;
  target.driver_version = info.driver_version;
  target.gpu_bytes = info.memory_bytes;
  target.shared_bytes = info.max_shared_bytes;
  target.l2_bytes = info.l2_bytes;
  return target;
}

}  // namespace burnish
