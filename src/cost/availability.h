#pragma once
// Spare instances: machines fail, one by one.
namespace burnish::cost {

/// The least number of spare instances so that at least `needed` of all are up with probability `availability`, when
/// each is up for the share `instance_availability` of the time, independently (binomial distribution). Throws
/// kInvalidArgument unless both shares lie between 0 and 1 and no more than a thousand spares are needed.
int spares_for(int needed, double availability, double instance_availability);

}  // namespace burnish::cost
