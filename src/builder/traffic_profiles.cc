#include "builder/traffic_profiles.h"

#include <algorithm>

#include "base/error.h"
#include "builder/profiles.h"
#include "runtime/shape_choice.h"

namespace burnish {
namespace {

constexpr size_t kMostCombinations = 100'000;
/// A profile made for a shape alone is preferred to one that is tuned for it and allows others, too: a hair of
/// distance, which decides ties only.
constexpr double kGenerality = 1e-6;

/// Dimensions that vary together, and how often each extent was observed.
struct Axis {
  std::vector<std::string> symbols;
  const ObservedShapes::Counts* counts;
  std::string name;  // in the file
};

std::string join_or_none(const std::vector<std::string>& names) {
  return names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "));
}

std::vector<Axis> axes_of(const Graph& graph, const ObservedShapes& observed) {
  std::vector<Axis> axes;
  const auto free = free_dimensions(graph), batch = batch_dimensions(graph);
  if (!observed.batches.empty()) {
    check(!batch.empty(), ErrorCode::kInvalidArgument,
          "traffic '{}': it counts batches, but the model leaves no batch dimension free (free: {}); export the model "
          "with a free first dimension",
          observed.file, join_or_none(free));
    axes.push_back({batch, &observed.batches, "'batches'"});
  }
  for (const auto& [name, counts] : observed.dimensions) {
    check(std::ranges::count(free, name) > 0, ErrorCode::kInvalidArgument,
          "traffic '{}': the model has no free dimension '{}'; free are: {}", observed.file, name, join_or_none(free));
    const bool twice = !observed.batches.empty() && std::ranges::count(batch, name) > 0;
    check(!twice, ErrorCode::kInvalidArgument,
          "traffic '{}': 'batches' and dimension '{}' are the same dimension of the model; keep one of them",
          observed.file, name);
    axes.push_back({{name}, &counts, fmt::format("dimension '{}'", name)});
  }
  return axes;
}

/// Every place of the inputs' shapes where the axis stands.
template <typename F>
void for_each_place(const Graph& graph, const Axis& axis, const F& f) {
  for (size_t i = 0; i < graph.inputs().size(); ++i) {
    const Value& input = graph.value(graph.inputs()[i]);
    for (size_t d = 0; d < input.type.shape->size(); ++d) {
      const Dim& dim = (*input.type.shape)[d];
      if (!dim.is_constant() && std::ranges::count(axis.symbols, to_string(dim)) > 0) f(input, i, static_cast<int>(d));
    }
  }
}

OptimizationProfile widened(OptimizationProfile profile, const Graph& graph, const Axis& axis) {
  for_each_place(graph, axis, [&](const Value& input, size_t, int d) {
    ProfileShapes& range = profile.inputs.at(input.name);
    range.min[d] = std::min(range.min[d], axis.counts->begin()->first);
    range.max[d] = std::max(range.max[d], axis.counts->rbegin()->first);
  });
  return profile;
}

void check_range(const Graph& graph, const OptimizationProfile& general, const Axis& axis, const std::string& file) {
  for_each_place(graph, axis, [&](const Value& input, size_t, int d) {
    const ProfileShapes& range = general.inputs.at(input.name);
    for (const auto& [extent, executions] : *axis.counts) {
      if (extent >= range.min[d] && extent <= range.max[d]) continue;
      throw Error(ErrorCode::kInvalidArgument,
                  fmt::format("traffic '{}': {} has {} ({} executions), but the engine is built for {} to {} in "
                              "dimension {} of input '{}'",
                              file, axis.name, extent, executions, range.min[d], range.max[d], d, input.name))
          .with_hint(fmt::format("build for it, too, with --profile \"{}\", or remove it from the file",
                                 to_string(widened(general, graph, axis))));
    }
  });
}

std::vector<Shape> typical_shapes(const Graph& graph, const OptimizationProfile& profile) {
  std::vector<Shape> shapes;
  for (const ValueId id : graph.inputs()) shapes.push_back(profile.inputs.at(graph.value(id).name).opt);
  return shapes;
}

/// Every extent of the axis at every point.
std::vector<TrafficPoint> multiplied(const std::vector<TrafficPoint>& points, const Graph& graph, const Axis& axis) {
  double total = 0;
  for (const auto& [extent, executions] : *axis.counts) total += static_cast<double>(executions);
  std::vector<TrafficPoint> product;
  for (const TrafficPoint& point : points) {
    for (const auto& [extent, executions] : *axis.counts) {
      product.push_back(point);
      product.back().executions *= static_cast<double>(executions) / total;
      for_each_place(graph, axis, [&](const Value&, size_t i, int d) { product.back().shapes[i][d] = extent; });
    }
  }
  return product;
}

double work(const TrafficPoint& point) {
  double elements = 0;
  for (const Shape& shape : point.shapes) {
    double product = 1;
    for (const int64_t d : shape) product *= static_cast<double>(d);
    elements += product;
  }
  return point.executions * elements;
}

double distance(const std::vector<Shape>& a, const std::vector<Shape>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += log_distance(a[i], b[i]);
  return sum;
}

/// Which points to tune for.
class MedoidSearch {
 public:
  MedoidSearch(const std::vector<TrafficPoint>& points, const std::vector<double>& weights,
               const std::vector<Shape>& general)
      : points_(points), weights_(weights), general_(general) {}

  std::vector<size_t> run(size_t most) {
    while (medoids_.size() < most && grow()) continue;
    while (exchange()) continue;
    return medoids_;
  }

  /// Of the medoids, which one is nearest; nullopt: the general profile is.
  std::optional<size_t> nearest(size_t point) const {
    std::optional<size_t> best;
    double least = distance(points_[point].shapes, general_) + kGenerality;
    for (size_t m = 0; m < medoids_.size(); ++m) {
      const double d = distance(points_[point].shapes, points_[medoids_[m]].shapes);
      if (d >= least) continue;
      least = d;
      best = m;
    }
    return best;
  }

 private:
  double cost() const {
    double sum = 0;
    for (size_t p = 0; p < points_.size(); ++p) {
      const auto m = nearest(p);
      sum += weights_[p] * (m ? distance(points_[p].shapes, points_[medoids_[*m]].shapes)
                              : distance(points_[p].shapes, general_) + kGenerality);
    }
    return sum;
  }

  /// Puts at place m whatever point lowers the cost most; false when none does.
  bool improve(size_t m, double least, size_t otherwise) {
    size_t best = otherwise;
    for (size_t p = 0; p < points_.size(); ++p) {
      medoids_[m] = p;
      const double c = cost();
      if (c >= least) continue;
      least = c;
      best = p;
    }
    medoids_[m] = best;
    return best != otherwise;
  }

  bool grow() {
    const double now = cost();
    const size_t none = points_.size();
    medoids_.push_back(none);
    if (improve(medoids_.size() - 1, now, none)) return true;
    medoids_.pop_back();
    return false;
  }

  bool exchange() {
    bool better = false;
    for (size_t m = 0; m < medoids_.size(); ++m) better = improve(m, cost(), medoids_[m]) || better;
    return better;
  }

  const std::vector<TrafficPoint>& points_;
  const std::vector<double>& weights_;
  const std::vector<Shape>& general_;
  std::vector<size_t> medoids_;
};

/// A profile that is tuned for one point and grows over others.
class ProfileMaker {
 public:
  ProfileMaker(const Graph& graph, const OptimizationProfile& general, const TrafficPoints& traffic, size_t medoid)
      : graph_(graph), axis_{traffic.observed, nullptr, ""}, profile_(general) {
    const auto& shapes = traffic.points[medoid].shapes;
    for_each_place(graph_, axis_, [&](const Value& input, size_t i, int d) {
      ProfileShapes& range = profile_.inputs.at(input.name);
      range.min[d] = range.opt[d] = range.max[d] = shapes[i][d];
    });
  }
  void include(const std::vector<Shape>& shapes) {
    for_each_place(graph_, axis_, [&](const Value& input, size_t i, int d) {
      ProfileShapes& range = profile_.inputs.at(input.name);
      range.min[d] = std::min(range.min[d], shapes[i][d]);
      range.max[d] = std::max(range.max[d], shapes[i][d]);
    });
  }
  const OptimizationProfile& profile() const { return profile_; }

 private:
  const Graph& graph_;
  Axis axis_;
  OptimizationProfile profile_;
};

}  // namespace

TrafficPoints traffic_points(const Graph& graph, const OptimizationProfile& general, const ObservedShapes& observed) {
  const auto axes = axes_of(graph, observed);
  TrafficPoints result;
  for (const ValueId id : graph.inputs()) result.inputs.push_back(graph.value(id).name);
  for (const auto& [extent, executions] : *axes.front().counts)
    result.all_executions += static_cast<double>(executions);
  result.points = {{typical_shapes(graph, general), result.all_executions}};
  for (const Axis& axis : axes) {
    check_range(graph, general, axis, observed.file);
    check(result.points.size() * axis.counts->size() <= kMostCombinations, ErrorCode::kInvalidArgument,
          "traffic '{}': its sizes make more than {} combinations; round the sizes of {} to fewer", observed.file,
          kMostCombinations, axis.name);
    result.points = multiplied(result.points, graph, axis);
    result.observed.insert(result.observed.end(), axis.symbols.begin(), axis.symbols.end());
  }
  std::ranges::stable_sort(result.points, std::ranges::greater(), work);
  if (result.points.size() > kMostTrafficPoints) result.points.resize(kMostTrafficPoints);
  return result;
}

std::vector<OptimizationProfile> candidate_profiles(const Graph& graph, const OptimizationProfile& general,
                                                    const TrafficPoints& traffic, const std::vector<double>& weights,
                                                    size_t most) {
  const auto typical = typical_shapes(graph, general);
  MedoidSearch search(traffic.points, weights, typical);
  std::vector<OptimizationProfile> profiles;
  const auto add = [&](const OptimizationProfile& profile) {
    const auto same = [&](const OptimizationProfile& known) { return to_string(known) == to_string(profile); };
    if (!same(general) && std::ranges::none_of(profiles, same)) profiles.push_back(profile);
  };
  const auto medoids = search.run(most);
  for (size_t m = 0; m < medoids.size(); ++m) {
    ProfileMaker maker(graph, general, traffic, medoids[m]);
    add(maker.profile());
    for (size_t p = 0; p < traffic.points.size(); ++p) {
      if (search.nearest(p) == m) maker.include(traffic.points[p].shapes);
    }
    add(maker.profile());
  }
  return profiles;
}

}  // namespace burnish
