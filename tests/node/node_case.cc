#include "node/node_case.h"

#include <filesystem>
#include <sstream>

#include "base/error.h"
#include "base/file.h"
#include "onnx/tensor_io.h"

namespace burnish::node_test {

std::vector<NodeCase> load_cases(const std::string& folder) {
  std::vector<NodeCase> cases;
  std::istringstream lines(read_file(folder + "/cases.tsv"));
  NodeCase c;
  while (lines >> c.name >> c.category >> c.rtol >> c.atol >> c.num_data_sets) {
    c.folder = folder + "/" + c.name;
    cases.push_back(c);
  }
  return cases;
}

std::vector<Tensor> load_values(const NodeCase& node_case, int data_set, const std::string& kind, size_t count) {
  std::vector<Tensor> values(count);
  for (size_t i = 0; i < count; ++i) {
    const std::string path = fmt::format("{}/{}_{}_{}.pb", node_case.folder, data_set, kind, i);
    if (std::filesystem::exists(path)) values[i] = read_tensor_proto(path);
  }
  return values;
}

std::map<std::string, std::string> load_exclusions(const std::string& path) {
  std::map<std::string, std::string> exclusions;
  std::istringstream lines(read_file(path));
  for (std::string line; std::getline(lines, line);) {
    const size_t tab = line.find('\t');
    if (line.empty() || line[0] == '#') continue;
    check(tab != std::string::npos && tab + 1 < line.size(), ErrorCode::kInvalidArgument,
          "{}: '{}' is not \"case <tab> reason\"", path, line);
    exclusions[line.substr(0, tab)] = line.substr(tab + 1);
  }
  return exclusions;
}

}  // namespace burnish::node_test
