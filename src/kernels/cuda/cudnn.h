#pragma once
// NVIDIA's cuDNN 9, its backend API, opened when first needed. Declares what Burnish calls of it itself, so that it
// compiles without CUDA's headers. Names and numbers: the cuDNN reference; tests/cuda/abi holds them against the
// headers.
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/cuda/driver.h"

namespace burnish::cuda::dnn {

using Status = int;  // cudnnStatus_t; 0: success

// cudnnDataType_t, cudnnConvolutionMode_t, cudnnBackendHeurMode_t.
inline constexpr int kFloat = 0, kHalf = 2, kBFloat16 = 9;
inline constexpr int kCrossCorrelation = 1;
inline constexpr int kHeuristicsA = 3, kHeuristicsFallback = 2;

// cudnnPointwiseMode_t.
inline constexpr int kAdd = 0, kMultiply = 1, kRelu = 100, kTanh = 101, kSigmoid = 102, kGelu = 104, kSwish = 106,
                     kGeluTanh = 107, kDivide = 6, kSubtract = 9, kExponential = 13, kLogarithm = 15;
// cudnnReduceTensorOp_t.
inline constexpr int kSumOf = 0, kLargestOf = 3;

// cudnnBackendNumericalNote_t, cudnnBackendBehaviorNote_t.
inline constexpr int kNoteTensorCore = 0, kNoteDownConvertInputs = 1, kNoteReducedPrecisionReduction = 2, kNoteFft = 3,
                     kNoteNondeterministic = 4, kNoteWinograd = 5, kNoteWinograd4 = 6, kNoteWinograd6 = 7,
                     kNoteWinograd13 = 8;
inline constexpr int kNoteRuntimeCompilation = 0, kNoteReordersFilter = 1, kNoteReordersBias = 2;

// cudnnBackendDescriptorType_t.
inline constexpr int kPointwise = 0, kConvolution = 1, kEngine = 2, kEngineConfig = 3, kEngineHeuristics = 4,
                     kExecutionPlan = 5, kKnobChoice = 7, kConvolutionForward = 10, kPointwiseOperation = 13,
                     kOperationGraph = 15, kVariantPack = 16, kTensor = 17, kMatmul = 18, kMatmulOperation = 19,
                     kReduction = 21, kReductionOperation = 22, kDeviceProperties = 38;

// cudnnBackendAttributeType_t.
inline constexpr int kTypeHandle = 0, kTypeDataType = 1, kTypeBoolean = 2, kTypeInt64 = 3, kTypeFloat = 4,
                     kTypePointer = 6, kTypeConvolutionMode = 7, kTypeHeuristicsMode = 8, kTypeKnobType = 9,
                     kTypeNumericalNote = 11, kTypePointwiseMode = 14, kTypeDescriptor = 15, kTypeReduction = 18,
                     kTypeBehaviorNote = 19, kTypeChar = 24;

// cudnnBackendAttributeName_t, by descriptor.
inline constexpr int kPointwiseMode = 0, kPointwisePrecision = 1, kReluLowerClip = 3, kReluUpperClip = 4,
                     kReluLowerSlope = 5;
inline constexpr int kConvolutionPrecision = 100, kConvolutionModeName = 101, kConvolutionDilations = 102,
                     kConvolutionStrides = 103, kConvolutionPostPaddings = 104, kConvolutionPrePaddings = 105,
                     kConvolutionSpatialDims = 106;
inline constexpr int kHeuristicsMode = 200, kHeuristicsGraph = 201, kHeuristicsResults = 202,
                     kHeuristicsDeviceProperties = 204;
inline constexpr int kConfigEngine = 300, kConfigKnobs = 302;
inline constexpr int kPlanHandle = 400, kPlanConfig = 401, kPlanWorkspace = 402, kPlanJson = 405,
                     kPlanDeviceProperties = 407;
inline constexpr int kKnobType = 600, kKnobValue = 601;
inline constexpr int kForwardAlpha = 700, kForwardBeta = 701, kForwardConvolution = 702, kForwardW = 703,
                     kForwardX = 704, kForwardY = 705;
inline constexpr int kOperationPointwise = 750, kOperationX = 751, kOperationB = 752, kOperationY = 753;
inline constexpr int kGraphHandle = 800, kGraphOperations = 801;
inline constexpr int kTensorAlignment = 900, kTensorDataType = 901, kTensorDims = 902, kTensorStrides = 903,
                     kTensorId = 906, kTensorIsVirtual = 907, kTensorIsByValue = 908;
inline constexpr int kPackIds = 1000, kPackPointers = 1001, kPackWorkspace = 1003;
inline constexpr int kEngineGraph = 1300, kEngineIndex = 1301, kEngineNumericalNotes = 1303,
                     kEngineBehaviorNotes = 1305, kEngineDeviceProperties = 1307;
inline constexpr int kMatmulPrecision = 1500, kMatmulA = 1520, kMatmulB = 1521, kMatmulC = 1522, kMatmulName = 1523;
inline constexpr int kReductionOperator = 1600, kReductionPrecision = 1601, kReductionX = 1610, kReductionY = 1611,
                     kReductionName = 1612;
inline constexpr int kDevicePropertiesJson = 2702;

/// The functions by their names without "cudnn".
struct Library {
  size_t (*GetVersion)() = nullptr;
  const char* (*GetErrorString)(Status) = nullptr;
  void (*GetLastErrorString)(char*, size_t) = nullptr;
  Status (*Create)(Handle*) = nullptr;
  Status (*SetStream)(Handle, Handle stream) = nullptr;
  Status (*BackendCreateDescriptor)(int type, Handle*) = nullptr;
  Status (*BackendDestroyDescriptor)(Handle) = nullptr;
  Status (*BackendFinalize)(Handle) = nullptr;
  Status (*BackendSetAttribute)(Handle, int name, int type, int64_t count, const void*) = nullptr;
  Status (*BackendGetAttribute)(Handle, int name, int type, int64_t wanted, int64_t* count, void*) = nullptr;
  Status (*BackendExecute)(Handle, Handle plan, Handle variant_pack) = nullptr;
};

/// False where the library, or one of the functions, is not here; never throws.
bool available();
/// Throws kUnsupported, naming what is missing and what to do, where available() is false.
const Library& library();
/// "9.19.0"; empty where it is not available.
std::string version();

/// Throws kInternal with the library's text of the error. `what` says what was being done.
void check_status(Status status, std::string_view what);
/// As above, but kUnsupported: what the library refuses is for another tactic.
void check_supported(Status status, std::string_view what);

/// A backend descriptor, destroyed with its owner. It refers to those it was given: they outlive it.
class Descriptor {
 public:
  explicit Descriptor(int type);
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : handle_(other.handle_) { other.handle_ = nullptr; }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor& operator=(Descriptor&&) = delete;

  template <typename T>
  Descriptor& set(int name, int type, std::span<const T> values) {
    check_supported(set_bytes(name, type, static_cast<int64_t>(values.size()), values.data()), "describing");
    return *this;
  }
  template <typename T>
  Descriptor& set(int name, int type, const T& value) {
    return set(name, type, std::span<const T>(&value, 1));
  }
  Descriptor& set(int name, const Descriptor& other) { return set(name, kTypeDescriptor, other.handle()); }
  /// Throws kUnsupported where the library cannot do what is described.
  Descriptor& finalize();
  /// At most `most` values; fewer when there are fewer.
  template <typename T>
  std::vector<T> get(int name, int type, size_t most) const {
    std::vector<T> values(most);
    values.resize(get_bytes(name, type, most, values.data()));
    return values;
  }
  /// A text of whatever length.
  std::string get_text(int name) const;
  /// Fills what the attribute describes into descriptors of a type made for it.
  std::vector<Descriptor> get_descriptors(int name, int type, size_t most) const;
  Handle handle() const { return handle_; }

 private:
  Status set_bytes(int name, int type, int64_t count, const void* values) const;
  size_t get_bytes(int name, int type, size_t most, void* values) const;
  Handle handle_ = nullptr;
};

/// What plans are made for: a GPU of this machine, through the library's handle, or one described by its properties.
class Site {
 public:
  /// Made once and kept until the process ends. Throws what library() throws.
  static Site& of_device(int device);
  /// The library's JSON form of a GPU's properties (cuDNN 9.8 on). Its plans can be made, never run.
  explicit Site(const std::string& properties);
  Site(const Site&) = delete;
  Site& operator=(const Site&) = delete;
  /// Tells a descriptor where it belongs, by the attribute for handles or that for properties; 0: there is none.
  void place(Descriptor& descriptor, int handle_name, int properties_name) const;
  Handle handle() const { return handle_; }
  /// A handle serves one thread at a time.
  std::mutex& mutex() { return mutex_; }

 private:
  explicit Site(Handle handle) : handle_(handle) {}
  Handle handle_ = nullptr;
  std::vector<Descriptor> properties_;  // one, or none
  std::mutex mutex_;
};

}  // namespace burnish::cuda::dnn
