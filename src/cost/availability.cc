#include "cost/availability.h"

#include <cmath>

#include "base/error.h"

namespace burnish::cost {
namespace {

constexpr int kMostSpares = 1000;

/// P(at least `needed` of `all` are up), as the chance that at most all - needed are down.
double chance_of(int needed, int all, double up) {
  const double down = 1 - up;
  double sum = 0;
  for (int failed = 0; failed <= all - needed; ++failed) {
    sum += std::exp(std::lgamma(all + 1.0) - std::lgamma(failed + 1.0) - std::lgamma(all - failed + 1.0) +
                    failed * std::log(down) + (all - failed) * std::log(up));
  }
  return sum;
}

}  // namespace

int spares_for(int needed, double availability, double instance_availability) {
  check(
      needed >= 1 && availability > 0 && availability < 1 && instance_availability > 0 && instance_availability < 1,
      ErrorCode::kInvalidArgument,
      "availability {:.6g} of instances that are up {:.6g} of the time: both must lie between 0 and 1 (100 %), neither "
      "included",
      availability, instance_availability);
  for (int spares = 0; spares <= kMostSpares; ++spares) {
    if (chance_of(needed, needed + spares, instance_availability) >= availability) return spares;
  }
  throw_error(ErrorCode::kInvalidArgument,
              "an availability of {:.6g} takes more than {} spare instances; check --instance-availability {:.6g}",
              availability, kMostSpares, instance_availability);
}

}  // namespace burnish::cost
