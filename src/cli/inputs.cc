#include "cli/inputs.h"

#include <algorithm>
#include <random>

#include "base/float_types.h"
#include "base/hash.h"
#include "base/npy.h"
#include "builder/profiles.h"

namespace burnish::cli {
namespace {

using Symbols = std::map<std::string, int64_t, std::less<>>;

const PlanValue& value_of(const Plan& plan, const Binding& binding) {
  return plan.values[static_cast<size_t>(binding.value)];
}

void check_known(const Plan& plan, const std::string& name) {
  std::vector<std::string> names;
  for (const Binding& input : plan.inputs) names.push_back(input.name);
  if (std::find(names.begin(), names.end(), name) != names.end()) return;
  throw Error(ErrorCode::kInvalidArgument, fmt::format("the engine has no input '{}'", name))
      .with_hint(fmt::format("its inputs are: {}", fmt::join(names, ", ")));
}

std::map<std::string, Tensor> read_files(const Plan& plan, const InputRequest& request) {
  std::map<std::string, Tensor> tensors;
  for (const std::string& text : request.files) {
    const auto [name, path] = split_assignment(text, "--input");
    check_known(plan, name);
    check(!tensors.contains(name), ErrorCode::kInvalidArgument, "--input '{}' is given twice", name);
    tensors.emplace(name, read_npy(path));
  }
  for (const Binding& input : plan.inputs) {
    const auto it = tensors.find(input.name);
    if (it == tensors.end() || it->second.dtype() == value_of(plan, input).dtype) continue;
    const auto wanted = name_of(value_of(plan, input).dtype);
    throw Error(ErrorCode::kInvalidArgument, fmt::format("input '{}' is {} in the file, but {} in the model",
                                                         input.name, name_of(it->second.dtype()), wanted))
        .with_hint(fmt::format("convert it with NumPy: array.astype(numpy.{})", wanted));
  }
  return tensors;
}

std::map<std::string, Shape> given_shapes(const Plan& plan, const InputRequest& request,
                                          const std::map<std::string, Tensor>& files) {
  std::map<std::string, Shape> shapes;
  for (const auto& [name, tensor] : files) shapes.emplace(name, tensor.shape());
  for (const std::string& text : request.shapes) {
    const auto [name, dims] = split_assignment(text, "--shape");
    check_known(plan, name);
    const bool is_new = shapes.emplace(name, Shape(parse_shape_text(dims, text))).second;
    check(is_new, ErrorCode::kInvalidArgument, "the shape of input '{}' is given twice", name);
  }
  return shapes;
}

/// What the given shapes say about the model's free dimensions.
Symbols bind(const Plan& plan, const std::map<std::string, Shape>& given) {
  Symbols symbols;
  for (const Binding& input : plan.inputs) {
    const auto it = given.find(input.name);
    if (it == given.end()) continue;
    const SymShape& declared = value_of(plan, input).shape;
    check(it->second.rank() == static_cast<int>(declared.size()), ErrorCode::kInvalidArgument,
          "input '{}' is {} in the model; {} has another rank", input.name, to_string(declared), to_string(it->second));
    for (size_t i = 0; i < declared.size(); ++i) {
      if (!declared[i].is_constant()) symbols.emplace(to_string(declared[i]), it->second[static_cast<int>(i)]);
    }
  }
  return symbols;
}

Shape default_shape(const Plan& plan, const Binding& input, const Symbols& symbols) {
  const SymShape& declared = value_of(plan, input).shape;
  const auto profile = plan.profile.inputs.find(input.name);
  Shape shape;
  for (size_t i = 0; i < declared.size(); ++i) {
    const auto known = declared[i].evaluate(symbols);
    check(known || profile != plan.profile.inputs.end(), ErrorCode::kInvalidArgument,
          "the shape of input '{}' is not known; give --shape", input.name);
    shape.push_back(known ? *known : profile->second.opt[static_cast<int>(i)]);
  }
  return shape;
}

/// Independent of the order of inputs: every input has its own generator.
Tensor random_tensor(const std::string& name, DType dtype, const Shape& shape, uint64_t seed) {
  Tensor tensor(dtype, shape);
  std::mt19937_64 random(seed * 1000003 + hash64(std::string_view(name)));
  std::memset(tensor.data(), 0, tensor.num_bytes());
  const bool ones = name.find("mask") != std::string::npos;
  const int64_t n = tensor.num_elements();
  for (int64_t i = 0; i < n; ++i) {
    const uint64_t bits = random();
    const bool bit = ones || (bits & 1U) != 0;
    const double real = ones ? 1.0 : static_cast<double>(bits >> 11U) / 4503599627370496.0 - 1.0;  // 2⁵²
    switch (dtype) {
      case DType::kFloat32:
        tensor.as<float>()[i] = static_cast<float>(real);
        break;
      case DType::kFloat64:
        tensor.as<double>()[i] = real;
        break;
      case DType::kFloat16:
        tensor.as<Half>()[i] = Half(static_cast<float>(real));
        break;
      case DType::kBFloat16:
        tensor.as<BFloat16>()[i] = BFloat16(static_cast<float>(real));
        break;
      default:  // little-endian integers and booleans: 0 or 1
        tensor.as<uint8_t>()[i * static_cast<int64_t>(size_of(dtype))] = bit ? 1 : 0;
    }
  }
  return tensor;
}

}  // namespace

void add_file_option(OptionSet& command, InputRequest& request) {
  command.add("-i,--input", request.files, "An input's values, as NAME=FILE.npy; repeat for every input [random]")
      .value_name("NAME=FILE");
}

void add_shape_options(OptionSet& command, InputRequest& request) {
  command.add("--shape", request.shapes, "An input's shape, as NAME=1x3x224x224 [the profile's opt shape]")
      .value_name("NAME=SHAPE");
  command.add("--seed", request.seed, "Seed of random inputs").value_name("N").show_default();
}

std::map<std::string, Tensor> make_inputs(const EngineData& engine, const InputRequest& request) {
  // The plans share their inputs; the first is the most general that the builder was asked for.
  const Plan& plan = engine.plans.front();
  auto tensors = read_files(plan, request);
  const auto given = given_shapes(plan, request, tensors);
  const Symbols symbols = bind(plan, given);
  for (const Binding& input : plan.inputs) {
    if (tensors.contains(input.name)) continue;
    const auto it = given.find(input.name);
    const Shape shape = it != given.end() ? it->second : default_shape(plan, input, symbols);
    tensors.emplace(input.name, random_tensor(input.name, value_of(plan, input).dtype, shape, request.seed));
  }
  return tensors;
}

}  // namespace burnish::cli
