#include "compile/tuner.h"

#include "kernels/target.h"

namespace burnish {
namespace {

std::string key_on(const Target& target) {
  return timing_key({tactics_of(target).back(), "", 0}, "Relu", target, 7);
}

TEST(TimingKey, TheHostsThreadsCountOnCpusOnly) {
  EXPECT_NE(key_on(detect_cpu(1)), key_on(detect_cpu(2)));
  EXPECT_EQ(key_on(absent_gpu(90, 1)), key_on(absent_gpu(90, 2)));
  EXPECT_NE(key_on(absent_gpu(90, 1)), key_on(absent_gpu(80, 1)));
}

}  // namespace
}  // namespace burnish
