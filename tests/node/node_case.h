#pragma once
// The cases that export_cases.py wrote.
#include <map>
#include <string>
#include <vector>

#include "base/tensor.h"

namespace burnish::node_test {

struct NodeCase {
  std::string name;
  std::string category;  ///< "-", or why the case is out of scope.
  double rtol = 0;
  double atol = 0;
  int num_data_sets = 0;
  std::string folder;

  bool in_scope() const { return category == "-"; }
  std::string model_path() const { return folder + "/model.onnx"; }
};

/// Reads FOLDER/cases.tsv.
std::vector<NodeCase> load_cases(const std::string& folder);

/// Tensors by position; positions of absent optional inputs are undefined tensors.
std::vector<Tensor> load_values(const NodeCase& node_case, int data_set, const std::string& kind, size_t count);

/// "case <tab> reason" lines; '#' starts a comment.
std::map<std::string, std::string> load_exclusions(const std::string& path);

}  // namespace burnish::node_test
