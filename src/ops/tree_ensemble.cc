#include "ops/tree_ensemble.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "ops/infer.h"
#include "ops/numeric.h"

namespace burnish {
namespace {

// The enumerations of the attributes nodes_modes, aggregate_function and post_transform, by ONNX's numbers.
enum Mode { kLeq, kLt, kGte, kGt, kEq, kNeq, kMember };
enum Aggregate { kAverage, kSum, kMin, kMax };
enum Transform { kNone, kSoftmax, kLogistic, kSoftmaxZero };

struct Branch {
  int64_t target;  // a leaf's or a node's index
  bool leaf;
};

struct TreeNode {
  int64_t mode;
  int64_t feature;
  double split;
  std::vector<double> members;  // of kMember
  bool nan_is_true;
  Branch branches[2];  // if false, if true
};

struct Leaf {
  int64_t target;
  double weight;
};

struct Forest {
  std::vector<TreeNode> nodes;
  std::vector<Leaf> leaves;
  std::vector<int64_t> roots;
};

// --- reading the attributes
// -------------------------------------------------------------------------------------------

std::vector<double> numbers(const AttributeMap& attrs, std::string_view name) {
  const Tensor t = attrs.get_tensor(name);
  std::vector<double> values(t.defined() ? static_cast<size_t>(t.num_elements()) : 0);
  if (t.defined()) load_elements<double>(t.view(), values.data());
  return values;
}

// A list with an element for each of the count nodes or leaves.
template <typename T>
void require_count(const std::vector<T>& values, size_t count, std::string_view name) {
  check(values.size() == count, ErrorCode::kInvalidModel, "attribute '{}' has {} elements instead of {}", name,
        values.size(), count);
}

std::vector<int64_t> list_of(const AttributeMap& attrs, std::string_view name, size_t count) {
  auto values = attrs.get_ints(name);
  require_count(values, count, name);
  return values;
}

// The sets of the nodes of kMember, in order, each ended by a NaN.
void read_members(const AttributeMap& attrs, std::vector<TreeNode>& nodes) {
  const std::vector<double> values = numbers(attrs, "membership_values");
  size_t at = 0;
  for (TreeNode& node : nodes) {
    if (node.mode != kMember) continue;
    while (at < values.size() && !std::isnan(values[at])) node.members.push_back(values[at++]);
    check(at < values.size(), ErrorCode::kInvalidModel, "attribute 'membership_values' has too few sets");
    ++at;
  }
}

std::vector<Leaf> read_leaves(const AttributeMap& attrs, int64_t num_targets) {
  const std::vector<double> weights = numbers(attrs, "leaf_weights");
  const auto targets = list_of(attrs, "leaf_targetids", weights.size());
  std::vector<Leaf> leaves;
  for (size_t i = 0; i < weights.size(); ++i) {
    check(targets[i] >= 0 && targets[i] < num_targets, ErrorCode::kInvalidModel, "leaf {} has the target {} of {}", i,
          targets[i], num_targets);
    leaves.push_back({targets[i], weights[i]});
  }
  return leaves;
}

void check_branches(const Forest& forest) {
  for (size_t i = 0; i < forest.nodes.size(); ++i)
    for (const Branch& b : forest.nodes[i].branches) {
      const size_t limit = b.leaf ? forest.leaves.size() : forest.nodes.size();
      check(b.target >= 0 && static_cast<size_t>(b.target) < limit, ErrorCode::kInvalidModel,
            "a branch of tree node {} leads to {} of {}", i, b.target, limit);
    }
  for (const int64_t root : forest.roots)
    check(root >= 0 && static_cast<size_t>(root) < forest.nodes.size(), ErrorCode::kInvalidModel,
          "a tree's root {} is outside [0, {})", root, forest.nodes.size());
}

Forest read_forest(const AttributeMap& attrs, int64_t num_targets) {
  const std::vector<double> modes = numbers(attrs, "nodes_modes");
  const size_t n = modes.size();
  const std::vector<double> splits = numbers(attrs, "nodes_splits");
  require_count(splits, n, "nodes_splits");
  const auto features = list_of(attrs, "nodes_featureids", n);
  const auto true_ids = list_of(attrs, "nodes_truenodeids", n);
  const auto true_leaves = list_of(attrs, "nodes_trueleafs", n);
  const auto false_ids = list_of(attrs, "nodes_falsenodeids", n);
  const auto false_leaves = list_of(attrs, "nodes_falseleafs", n);
  std::vector<int64_t> missing = attrs.get_ints("nodes_missing_value_tracks_true");
  if (missing.empty()) missing.resize(n, 0);
  require_count(missing, n, "nodes_missing_value_tracks_true");
  Forest forest;
  for (size_t i = 0; i < n; ++i) {
    const auto mode = static_cast<int64_t>(modes[i]);
    check(mode >= kLeq && mode <= kMember, ErrorCode::kInvalidModel, "tree node {} has the unknown mode {}", i, mode);
    forest.nodes.push_back({mode,
                            features[i],
                            splits[i],
                            {},
                            missing[i] != 0,
                            {{false_ids[i], false_leaves[i] != 0}, {true_ids[i], true_leaves[i] != 0}}});
  }
  read_members(attrs, forest.nodes);
  forest.leaves = read_leaves(attrs, num_targets);
  forest.roots = attrs.get_ints("tree_roots");
  check_branches(forest);
  return forest;
}

// --- evaluation
// -------------------------------------------------------------------------------------------------------

bool goes_to_true(const TreeNode& node, double x) {
  if (std::isnan(x)) return node.nan_is_true || node.mode == kNeq;
  switch (node.mode) {
    case kLeq:
      return x <= node.split;
    case kLt:
      return x < node.split;
    case kGte:
      return x >= node.split;
    case kGt:
      return x > node.split;
    case kEq:
      return x == node.split;
    case kNeq:
      return x != node.split;
    default:
      return std::find(node.members.begin(), node.members.end(), x) != node.members.end();
  }
}

const Leaf& leaf_of(const Forest& forest, int64_t root, std::span<const double> x) {
  Branch at{root, false};
  for (size_t steps = 0; !at.leaf; ++steps) {
    check(steps <= forest.nodes.size(), ErrorCode::kInvalidModel, "the tree with root {} runs in a circle", root);
    const TreeNode& node = forest.nodes[static_cast<size_t>(at.target)];
    check(node.feature >= 0 && static_cast<size_t>(node.feature) < x.size(), ErrorCode::kInvalidArgument,
          "a tree asks for feature {} of {}", node.feature, x.size());
    at = node.branches[goes_to_true(node, x[static_cast<size_t>(node.feature)]) ? 1 : 0];
  }
  return forest.leaves[static_cast<size_t>(at.target)];
}

double initial_score(int64_t aggregate) {
  if (aggregate == kMin) return std::numeric_limits<float>::max();
  return aggregate == kMax ? std::numeric_limits<float>::lowest() : 0;
}

void add_score(int64_t aggregate, size_t num_trees, const Leaf& leaf, std::span<double> scores) {
  double& score = scores[static_cast<size_t>(leaf.target)];
  if (aggregate == kMin) score = std::min(score, leaf.weight);
  if (aggregate == kMax) score = std::max(score, leaf.weight);
  if (aggregate == kSum) score += leaf.weight;
  if (aggregate == kAverage) score += leaf.weight / static_cast<double>(num_trees);
}

// keeps_zeros: scores of zero stay zero.
void softmax(std::span<double> scores, bool keeps_zeros) {
  const double largest = scores.empty() ? 0 : *std::max_element(scores.begin(), scores.end());
  double sum = 0;
  for (double& s : scores) sum += s = keeps_zeros && s == 0 ? 0 : std::exp(s - largest);
  for (double& s : scores) s = sum == 0 ? 0 : s / sum;
}

void transform_scores(int64_t transform, std::span<double> scores) {
  if (transform == kSoftmax || transform == kSoftmaxZero) softmax(scores, transform == kSoftmaxZero);
  if (transform == kLogistic)
    for (double& s : scores) s = 1 / (1 + std::exp(-s));
}

void infer_tree_ensemble(InferContext& c) {
  require_real(c, 0);
  require_rank(c, 0, 2);
  const int64_t targets = c.attrs().get_int("n_targets", 1);
  check(targets >= 0, ErrorCode::kInvalidModel, "attribute n_targets = {} is negative", targets);
  const int64_t aggregate = c.attrs().get_int("aggregate_function", kSum);
  check(aggregate >= kAverage && aggregate <= kMax, ErrorCode::kInvalidModel,
        "attribute aggregate_function = {} is unknown", aggregate);
  const int64_t transform = c.attrs().get_int("post_transform", kNone);
  check(transform >= kNone && transform <= kSoftmaxZero, ErrorCode::kUnsupported,
        "attribute post_transform = {} is not supported", transform);
  c.set_output(0, c.dtype(0), SymShape{c.has_shape(0) ? c.shape(0)[0] : data_dim("trees", c), targets});
}

void evaluate_tree_ensemble(EvalContext& c) {
  const int64_t aggregate = c.attrs().get_int("aggregate_function", kSum);
  const Source<double> x(c.input(0));
  Sink<double> y(c.output(0));
  const auto features = static_cast<size_t>(x.shape()[1]);
  const auto targets = static_cast<size_t>(y.shape()[1]);
  const Forest forest = read_forest(c.attrs(), y.shape()[1]);
  std::fill_n(y.data(), y.shape().num_elements(), initial_score(aggregate));
  for (int64_t row = 0; row < x.shape()[0]; ++row) {
    const std::span scores(y.data() + row * y.shape()[1], targets);
    const std::span sample(x.data() + row * x.shape()[1], features);
    for (const int64_t root : forest.roots)
      add_score(aggregate, forest.roots.size(), leaf_of(forest, root, sample), scores);
    transform_scores(c.attrs().get_int("post_transform", kNone), scores);
  }
  y.commit();
}

const std::array kRows{OpDescriptor{"TreeEnsemble", 1, 1, 1, 1, infer_tree_ensemble, evaluate_tree_ensemble}};

}  // namespace

std::span<const OpDescriptor> tree_ensemble_ops() {
  return kRows;
}

}  // namespace burnish
