#include "kernels/target.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "base/error.h"

namespace burnish {
namespace {

TEST(Target, NamesOfInstructionSetsRoundTrip) {
  for (const Isa isa : {Isa::kScalar, Isa::kAvx2, Isa::kAvx512, Isa::kAvx512Vnni, Isa::kAvx512Bf16, Isa::kAmx}) {
    EXPECT_EQ(parse_isa(name_of(isa)), isa);
  }
  EXPECT_THROW(parse_isa("avx1024"), Error);
}

TEST(Target, DescribesThisMachine) {
  const Target target = detect_cpu(3);
  EXPECT_EQ(target.num_threads, 3);
  EXPECT_FALSE(target.cpu_name.empty());
  EXPECT_GE(target.l1_bytes, 8 << 10);
  EXPECT_LE(target.l1_bytes, 1 << 20);
  EXPECT_GT(target.l2_bytes, target.l1_bytes);
}

TEST(Target, TheEnvironmentLowersTheIsaAndChangesTheFingerprint) {
  const Target before = detect_cpu(1);
  ASSERT_EQ(setenv("BURNISH_ISA", "scalar", 1), 0);
  const Target lowered = detect_cpu(1);
  ASSERT_EQ(unsetenv("BURNISH_ISA"), 0);
  EXPECT_EQ(lowered.isa, Isa::kScalar);
  EXPECT_EQ(before.fingerprint() == lowered.fingerprint(), before.isa == Isa::kScalar);
  EXPECT_EQ(before.fingerprint(), detect_cpu(7).fingerprint()) << "the number of threads is no part of it";
}

}  // namespace
}  // namespace burnish
