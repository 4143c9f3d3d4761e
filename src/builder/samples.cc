#include "builder/samples.h"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "base/checked.h"
#include "base/file.h"
#include "base/npy.h"
#include "builder/npz.h"
#include "runtime/engine_impl.h"

namespace burnish {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> input_names(const Graph& model) {
  std::vector<std::string> names;
  for (ValueId v : model.inputs()) names.push_back(model.value(v).name);
  return names;
}

bool is_input(const Graph& model, const std::string& name) {
  const auto names = input_names(model);
  return std::ranges::find(names, name) != names.end();
}

const Value& input_of(const Graph& model, const std::string& name) {
  return model.value(model.find_value(name));
}

Shape shape_of_item(const Tensor& t) {
  return Shape(t.shape().dims().subspan(1));
}

/// Converts what models mean alike: float64, which NumPy makes by default, to float32, and int32 to int64.
Tensor as_input_type(const Tensor& t, DType wanted, const std::string& what) {
  if (t.dtype() == wanted) return t;
  Tensor converted(wanted, t.shape());
  const int64_t n = t.num_elements();
  if (t.dtype() == DType::kFloat64 && wanted == DType::kFloat32) {
    for (int64_t i = 0; i < n; ++i) converted.as<float>()[i] = static_cast<float>(t.as<double>()[i]);
    return converted;
  }
  if (t.dtype() == DType::kInt32 && wanted == DType::kInt64) {
    for (int64_t i = 0; i < n; ++i) converted.as<int64_t>()[i] = t.as<int32_t>()[i];
    return converted;
  }
  throw Error(ErrorCode::kInvalidArgument,
              fmt::format("{} is {}, but the input is {}", what, name_of(t.dtype()), name_of(wanted)))
      .with_hint(fmt::format("prepare the samples as the model wants them (scaled, normalised) and convert them with "
                             "NumPy: array.astype(numpy.{})",
                             name_of(wanted)));
}

void check_shape(const Tensor& t, const Value& input, const std::string& what) {
  check(input.type.shape.has_value() && t.shape().rank() == static_cast<int>(input.type.shape->size()),
        ErrorCode::kInvalidArgument, "{} has the shape {}, but the input is {}", what, to_string(t.shape()),
        input.type.shape ? to_string(*input.type.shape) : "of unknown rank");
  for (int i = 1; i < t.shape().rank(); ++i) {
    const Dim& dim = (*input.type.shape)[static_cast<size_t>(i)];
    check(!dim.is_constant() || dim.is(t.shape()[i]), ErrorCode::kInvalidArgument,
          "{} has the shape {}, but the input is {}: the first dimension counts samples, the others must fit", what,
          to_string(t.shape()), to_string(*input.type.shape));
  }
}

/// Elements back to back; how many samples there are follows from the size.
Tensor read_raw(const std::string& path, const Value& input) {
  auto file = MappedFile::open(path);
  int64_t item_bytes = static_cast<int64_t>(size_of(input.type.dtype));
  Shape shape{0};
  for (size_t i = 1; input.type.shape && i < input.type.shape->size(); ++i) {
    const Dim& dim = (*input.type.shape)[i];
    check(dim.is_constant(), ErrorCode::kInvalidArgument,
          "'{}': raw samples need an input of fixed shape, '{}' is {}; use .npy", path, input.name,
          to_string(*input.type.shape));
    item_bytes = checked_mul(item_bytes, dim.value());
    shape.push_back(dim.value());
  }
  const auto bytes = static_cast<int64_t>(file->bytes().size());
  check(item_bytes > 0 && bytes % item_bytes == 0, ErrorCode::kInvalidArgument,
        "'{}' holds {} bytes, which is no multiple of the {} bytes of one sample of '{}'", path, bytes, item_bytes,
        input.name);
  shape[0] = bytes / item_bytes;
  void* data = const_cast<std::byte*>(file->bytes().data());
  return {input.type.dtype, shape, std::const_pointer_cast<MappedFile>(file), data};
}

class Loader {
 public:
  explicit Loader(const Graph& model) : model_(model) {}

  void load(const std::string& text) {
    const size_t equals = text.find('=');
    const bool named = equals != std::string::npos && is_input(model_, text.substr(0, equals));
    const std::string path = named ? text.substr(equals + 1) : text;
    const std::string input = named ? text.substr(0, equals) : "";
    check(fs::exists(path), ErrorCode::kIo, "cannot read the samples '{}': there is no such file or folder", path);
    if (!fs::is_directory(path)) return load_file(path, input);
    std::vector<std::string> files;
    for (const auto& entry : fs::directory_iterator(path)) {
      if (entry.is_regular_file() && is_known(entry.path().string())) files.push_back(entry.path().string());
    }
    check(!files.empty(), ErrorCode::kInvalidArgument, "the folder '{}' holds no .npz, .npy, .bin or .raw files", path);
    std::ranges::sort(files);
    for (const std::string& file : files) load_file(file, input);
  }

  void load_array(const SampleArray& array, int64_t batch) {
    const std::string what = fmt::format("array '{}' of sample batch {}", array.input, batch);
    check(is_input(model_, array.input), ErrorCode::kInvalidArgument, "{}: the model has no such input; it has {}",
          what, fmt::join(input_names(model_), ", "));
    const Shape shape{std::span<const int64_t>(array.shape)};
    check(shape.rank() > 0, ErrorCode::kInvalidArgument, "{} is a scalar: its first dimension must count samples",
          what);
    const Tensor view(dtype_of(array.dtype), shape, nullptr, const_cast<void*>(array.data));
    add(array.input, view.clone(), what);
  }

  std::map<std::string, std::vector<Tensor>> take() { return std::move(parts_); }

 private:
  static bool is_raw(const std::string& path) { return path.ends_with(".bin") || path.ends_with(".raw"); }
  static bool is_known(const std::string& path) {
    return path.ends_with(".npz") || path.ends_with(".npy") || is_raw(path);
  }

  void load_file(const std::string& path, const std::string& input) {
    if (path.ends_with(".npz")) return load_npz(path, input);
    check(is_known(path), ErrorCode::kInvalidArgument, "samples '{}': .npz, .npy, .bin and .raw files can be read",
          path);
    const std::string name = input.empty() ? guess_input(path) : input;
    const Value& value = input_of(model_, name);
    add(name, is_raw(path) ? read_raw(path, value) : read_npy(path), "'" + path + "'");
  }

  void load_npz(const std::string& path, const std::string& input) {
    const auto arrays = read_npz(path);
    const auto names = input.empty() ? input_names(model_) : std::vector{input};
    if (names.size() == 1 && arrays.size() == 1) {
      return add(names[0], arrays.begin()->second, fmt::format("array '{}' of '{}'", arrays.begin()->first, path));
    }
    std::vector<std::string> there;
    for (const auto& [name, array] : arrays) there.push_back(name);
    for (const std::string& name : names) {
      const auto it = arrays.find(name);
      check(it != arrays.end(), ErrorCode::kInvalidArgument,
            "'{}' has no array '{}': one is needed for every input; it holds {}", path, name, fmt::join(there, ", "));
      add(name, it->second, fmt::format("array '{}' of '{}'", name, path));
    }
  }

  std::string guess_input(const std::string& path) const {
    const auto names = input_names(model_);
    const std::string stem = fs::path(path).stem().string();
    if (std::ranges::find(names, stem) != names.end()) return stem;
    if (names.size() == 1) return names[0];
    throw Error(ErrorCode::kInvalidArgument, fmt::format("'{}': which of the inputs is it?", path))
        .with_hint(fmt::format("name the file like an input, or write NAME={}; the inputs are: {}", path,
                               fmt::join(names, ", ")));
  }

  void add(const std::string& input, const Tensor& tensor, const std::string& what) {
    const Value& value = input_of(model_, input);
    check_shape(tensor, value, what);
    std::vector<Tensor>& parts = parts_[input];
    check(parts.empty() || shape_of_item(parts[0]) == shape_of_item(tensor), ErrorCode::kInvalidArgument,
          "{} has samples of shape {}, those before it {}", what, to_string(shape_of_item(tensor)),
          parts.empty() ? "" : to_string(shape_of_item(parts[0])));
    parts.push_back(as_input_type(tensor, value.type.dtype, what));
  }

  const Graph& model_;
  std::map<std::string, std::vector<Tensor>> parts_;
};

int64_t count_of(const std::vector<Tensor>& parts) {
  int64_t n = 0;
  for (const Tensor& t : parts) n += t.shape()[0];
  return n;
}

}  // namespace

Samples::Samples(Parts parts, const Graph& model, const std::string& where) : parts_(std::move(parts)) {
  bool first = true;
  for (const std::string& name : input_names(model)) {
    const auto it = parts_.find(name);
    check(it != parts_.end(), ErrorCode::kInvalidArgument, "the samples have nothing for the input '{}'", name);
    const int64_t n = count_of(it->second);
    check(first || n == size_, ErrorCode::kInvalidArgument, "there are {} samples of '{}', but {} of another input", n,
          name, size_);
    size_ = n;
    first = false;
  }
  check(size_ > 0, ErrorCode::kInvalidArgument, "there are no samples in {}", where);
}

Samples Samples::load(const std::vector<std::string>& paths, const Graph& model) {
  Loader loader(model);
  for (const std::string& path : paths) loader.load(path);
  return {loader.take(), model, fmt::format("{}", fmt::join(paths, ", "))};
}

Samples Samples::collect(const std::function<bool(SampleBatch&)>& next, const Graph& model) {
  Loader loader(model);
  int64_t num_batches = 0;
  for (SampleBatch batch; next(batch); batch.clear(), ++num_batches) {
    for (const SampleArray& array : batch) loader.load_array(array, num_batches);
  }
  check(num_batches > 0, ErrorCode::kInvalidArgument, "there are no samples: calibration was given nothing");
  return {loader.take(), model, "what calibration was given"};
}

std::map<std::string, Tensor> Samples::gather(const std::vector<int64_t>& indices) const {
  std::map<std::string, Tensor> batch;
  for (const auto& [name, parts] : parts_) {
    Shape shape = parts[0].shape();
    shape[0] = static_cast<int64_t>(indices.size());
    Tensor t(parts[0].dtype(), shape);
    const size_t item = indices.empty() ? 0 : t.num_bytes() / indices.size();
    auto* to = t.as<std::byte>();
    for (int64_t i : indices) {
      size_t part = 0;
      for (; i >= parts[part].shape()[0]; ++part) i -= parts[part].shape()[0];
      std::memcpy(to, parts[part].as<std::byte>() + static_cast<size_t>(i) * item, item);
      to += item;
    }
    batch.emplace(name, std::move(t));
  }
  return batch;
}

bool Samples::varies(const std::string& input) const {
  const std::vector<Tensor>& parts = parts_.at(input);
  const size_t item = static_cast<size_t>(item_shape(input).num_elements()) * size_of(parts[0].dtype());
  const std::byte* first = nullptr;
  for (const Tensor& part : parts) {
    for (int64_t i = 0; i < part.shape()[0]; ++i) {
      const std::byte* data = part.as<std::byte>() + static_cast<size_t>(i) * item;
      if (first != nullptr && std::memcmp(first, data, item) != 0) return true;
      first = data;
    }
  }
  return false;
}

Shape Samples::item_shape(const std::string& input) const {
  return shape_of_item(parts_.at(input)[0]);
}

}  // namespace burnish
