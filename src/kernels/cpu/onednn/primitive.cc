#include "kernels/cpu/onednn/primitive.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "kernels/cpu/onednn/library.h"
#include "ops/fused.h"

namespace burnish::onednn {
namespace {

struct NamedTag {
  const char* name;
  dnnl_format_tag_t tag;
};

constexpr std::array kTags = {
    NamedTag{"OIhw16i16o", dnnl_OIhw16i16o},
    NamedTag{"Ohwi64o", dnnl_Ohwi64o},
    NamedTag{"Ohwi48o", dnnl_Ohwi48o},
    NamedTag{"Ohwi32o", dnnl_Ohwi32o},
    NamedTag{"Ohwi16o", dnnl_Ohwi16o},
    NamedTag{"OIhw8i8o", dnnl_OIhw8i8o},
    NamedTag{"Ohwi8o", dnnl_Ohwi8o},
    NamedTag{"hwio", dnnl_hwio},
    NamedTag{"Goihw16g", dnnl_Goihw16g},
    NamedTag{"Goihw8g", dnnl_Goihw8g},
    NamedTag{"gOIhw16i16o", dnnl_gOIhw16i16o},
    NamedTag{"gOhwi64o", dnnl_gOhwi64o},
    NamedTag{"gOhwi32o", dnnl_gOhwi32o},
    NamedTag{"gOhwi16o", dnnl_gOhwi16o},
    NamedTag{"gOIhw8i8o", dnnl_gOIhw8i8o},
    NamedTag{"gOhwi8o", dnnl_gOhwi8o},
    NamedTag{"hwigo", dnnl_hwigo},
    NamedTag{"BA16a64b", dnnl_BA16a64b},
    NamedTag{"BA16a48b", dnnl_BA16a48b},
    NamedTag{"BA16a32b", dnnl_BA16a32b},
    NamedTag{"BA16a16b", dnnl_BA16a16b},
    NamedTag{"ab", dnnl_ab},
    NamedTag{"OIhw8i16o2i", dnnl_OIhw8i16o2i},
    NamedTag{"OIhw8i64o2i", dnnl_OIhw8i64o2i},
    NamedTag{"OIhw16i16o2i", dnnl_OIhw16i16o2i},
    NamedTag{"OIhw16i64o2i", dnnl_OIhw16i64o2i},
    NamedTag{"OIhw4i16o4i", dnnl_OIhw4i16o4i},
    NamedTag{"OIhw4i64o4i", dnnl_OIhw4i64o4i},
    NamedTag{"OIhw16i16o4i", dnnl_OIhw16i16o4i},
    NamedTag{"OIhw16i64o4i", dnnl_OIhw16i64o4i},
    NamedTag{"gOIhw8i16o2i", dnnl_gOIhw8i16o2i},
    NamedTag{"gOIhw4i16o4i", dnnl_gOIhw4i16o4i},
    NamedTag{"BA16a64b2a", dnnl_BA16a64b2a},
    NamedTag{"BA16a32b2a", dnnl_BA16a32b2a},
    NamedTag{"BA16a16b2a", dnnl_BA16a16b2a},
    NamedTag{"BA16a64b4a", dnnl_BA16a64b4a},
    NamedTag{"BA16a32b4a", dnnl_BA16a32b4a},
    NamedTag{"BA16a16b4a", dnnl_BA16a16b4a},
};

/// The OpenMP library that oneDNN brought into the process, whichever it is; absent when oneDNN was built without.
struct OpenMp {
  int (*get)() = reinterpret_cast<int (*)()>(library_symbol("omp_get_max_threads"));
  void (*set)(int) = reinterpret_cast<void (*)(int)>(library_symbol("omp_set_num_threads"));

  bool present() const { return get != nullptr && set != nullptr; }
  static const OpenMp& loaded() {
    static const OpenMp instance;
    return instance;
  }
};

}  // namespace

dnnl::engine& engine() {
  if (!library_available()) {
    throw Error(ErrorCode::kUnsupported, fmt::format("oneDNN ({}) is not installed on this machine", library_name()))
        .with_hint("install it (Debian: libdnnl2), or build the engine on this machine");
  }
  static dnnl::engine instance(dnnl::engine::kind::cpu, 0);
  return instance;
}

SingleThreaded::SingleThreaded() {
  const OpenMp& openmp = OpenMp::loaded();
  if (!openmp.present()) return;
  previous_ = openmp.get();
  openmp.set(1);
}

SingleThreaded::~SingleThreaded() {
  if (previous_ > 0) OpenMp::loaded().set(previous_);
}

namespace {

/// Whether oneDNN would use the target's instruction set and no later one.
bool matches_isa(const Target& target) {
  if (target.kind != "cpu" || target.isa < Isa::kAvx2 || !library_available()) return false;
  const bool uses_avx512 =
      (static_cast<unsigned>(dnnl::get_effective_cpu_isa()) & static_cast<unsigned>(dnnl::cpu_isa::avx512_core)) ==
      static_cast<unsigned>(dnnl::cpu_isa::avx512_core);
  return uses_avx512 == (target.isa >= Isa::kAvx512);
}

bool is_dense(const TensorDesc& desc) {
  return !desc.present() || desc.dense();
}

}  // namespace

bool takes_types(const Problem& p, const Target& target) {
  if (!matches_isa(target) || p.is_constant.size() < 2 || !p.is_constant[1]) return false;
  if (!std::all_of(p.inputs.begin(), p.inputs.end(), is_dense) || !is_dense(p.outputs[0])) return false;
  const auto encodable = [](const TensorDesc& d) { return is_encodable(d.dtype) && d.dtype != DType::kFloat16; };
  if (!encodable(p.outputs[0]) || (p.has_input(kFusedResidual) && !encodable(p.inputs[kFusedResidual]))) return false;
  if (p.has_input(kFusedBias) && p.inputs[kFusedBias].dtype != DType::kFloat32) return false;
  const DType x = p.inputs[0].dtype;
  const DType w = p.inputs[1].dtype;
  const auto constant = [&](int i) { return !p.has_input(i) || p.is_constant[static_cast<size_t>(i)]; };
  if (x == DType::kUInt8) {
    return w == DType::kInt8 && target.isa >= Isa::kAvx512Vnni && input_encoding(*p.attrs, 1, w).zero == 0 &&
           constant(kFusedBias) && constant(kFusedWeightScales);
  }
  const auto floats = [](const TensorDesc& d) { return d.dtype != DType::kUInt8 && d.dtype != DType::kInt8; };
  if (p.has_input(kFusedWeightScales) || x != w || !floats(p.outputs[0])) return false;
  if (p.has_input(kFusedResidual) && !floats(p.inputs[kFusedResidual])) return false;
  return x == DType::kFloat32 || (x == DType::kBFloat16 && target.isa >= Isa::kAvx512Bf16);
}

dnnl::memory::format_tag tag_of(const std::string& name) {
  for (const NamedTag& row : kTags) {
    if (name == row.name) return static_cast<dnnl::memory::format_tag>(row.tag);
  }
  throw_error(ErrorCode::kUnsupported, "unknown oneDNN weight format '{}'", name);
}

dnnl::memory::data_type data_type_of(DType dtype) {
  switch (dtype) {
    case DType::kBFloat16:
      return dnnl::memory::data_type::bf16;
    case DType::kUInt8:
      return dnnl::memory::data_type::u8;
    case DType::kInt8:
      return dnnl::memory::data_type::s8;
    default:
      return dnnl::memory::data_type::f32;
  }
}

std::optional<dnnl::memory::desc> unpadded(const Dims& dims, const std::string& tag, DType dtype) {
  const dnnl::memory::desc desc(dims, data_type_of(dtype), tag_of(tag), /*allow_empty=*/true);
  size_t bytes = size_of(dtype);
  for (const auto d : dims) bytes *= static_cast<size_t>(d);
  if (desc.get_size() != bytes) return std::nullopt;
  return desc;
}

dnnl::memory::desc strided(const Dims& dims, const Dims& strides, DType dtype) {
  return {dims, data_type_of(dtype), strides};
}

std::string config_of(const std::string& tag) {
  return "tag=" + tag;
}

std::string tag_in(const std::string& config) {
  check(config.starts_with("tag="), ErrorCode::kUnsupported, "unknown oneDNN configuration '{}'", config);
  return config.substr(4);
}

PackedBlob pack_weights(const Tensor& weights, const Dims& dims, const Dims& strides, const std::string& tag) {
  const auto to = unpadded(dims, tag, weights.dtype());
  check(to.has_value(), ErrorCode::kUnsupported, "the weight format {} would pad", tag);
  PackedBlob blob(to->get_size());
  const SingleThreaded guard;
  dnnl::stream stream(engine());
  // oneDNN takes no const pointers; a reorder only reads its source.
  const dnnl::memory from_memory(strided(dims, strides, weights.dtype()), engine(), const_cast<void*>(weights.data()));
  dnnl::memory to_memory(*to, engine(), blob.data());
  dnnl::reorder(from_memory, to_memory).execute(stream, const_cast<dnnl::memory&>(from_memory), to_memory);
  stream.wait();
  return blob;
}

dnnl::convolution_forward::primitive_desc convolution(const dnnl::memory::desc& x, const dnnl::memory::desc& w,
                                                      const dnnl::memory::desc& bias, const dnnl::memory::desc& y,
                                                      const Dims& strides, const Dims& dilations,
                                                      const Dims& pads_begin, const Dims& pads_end,
                                                      const dnnl::primitive_attr& attr) {
  const auto kind = dnnl::prop_kind::forward_inference;
  const auto algorithm = dnnl::algorithm::convolution_direct;
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), kind, algorithm, x, w, bias, y, strides, dilations, pads_begin, pads_end, attr};
#else
  return {{kind, algorithm, x, w, bias, y, strides, dilations, pads_begin, pads_end}, attr, engine()};
#endif
}

dnnl::matmul::primitive_desc product(const dnnl::memory::desc& a, const dnnl::memory::desc& w,
                                     const dnnl::memory::desc& bias, const dnnl::memory::desc& y,
                                     const dnnl::primitive_attr& attr) {
#if DNNL_VERSION_MAJOR >= 3
  return {engine(), a, w, bias, y, attr};
#else
  return {{a, w, bias, y}, attr, engine()};
#endif
}

bool is_fast(const char* implementation, bool of_integers) {
  if (std::strstr(implementation, "ref") != nullptr || std::strstr(implementation, "gemm:any") != nullptr) return false;
  return !of_integers || std::strstr(implementation, "gemm_") == nullptr;
}

// --- PieceKernel -----------------------------------------------------------------------------------------------------

/// Streams and memory objects of one run.
struct PieceKernel::State {
  struct PieceState {
    std::vector<dnnl::memory> memories;
    std::vector<dnnl_exec_arg_t> arguments;
    std::vector<const void*> handles;  ///< Where each memory object points now.
  };
  struct ThreadState {
    dnnl::stream stream{engine()};
    std::vector<PieceState> pieces;
  };
  std::vector<ThreadState> threads;
  std::atomic<bool> failed{false};
};

PieceKernel::PieceKernel(std::vector<std::vector<Piece>> pieces, std::vector<const void*> packed)
    : pieces_(std::move(pieces)), packed_(std::move(packed)) {
  for (const auto& list : pieces_) {
    for (const Piece& piece : list) {
      for (const Argument& a : piece.arguments) {
        if (a.source == Argument::Source::kScratch) thread_scratch_ = std::max(thread_scratch_, a.desc.get_size());
      }
    }
  }
  thread_scratch_ = (thread_scratch_ + 63) / 64 * 64;
  idle_.reserve(16);
  idle_.push_back(take_state());
}

PieceKernel::~PieceKernel() = default;

std::unique_ptr<PieceKernel::State> PieceKernel::take_state() const {
  {
    const std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto state = std::move(idle_.back());
      idle_.pop_back();
      return state;
    }
  }
  auto state = std::make_unique<State>();
  state->threads.resize(pieces_.size());
  for (size_t t = 0; t < pieces_.size(); ++t) {
    for (const Piece& piece : pieces_[t]) {
      State::PieceState& made = state->threads[t].pieces.emplace_back();
      for (const Argument& a : piece.arguments) {
        made.memories.emplace_back(a.desc, engine(), nullptr);
        made.arguments.push_back({a.name, made.memories.back().get()});
        made.handles.push_back(nullptr);
      }
    }
  }
  return state;
}

void PieceKernel::run(const KernelArgs& args) const {
  std::unique_ptr<State> state = take_state();
  const bool spread = args.pool->num_threads() >= static_cast<int>(pieces_.size()) && pieces_.size() > 1;
  const auto work = [&](int t, int) {
    const SingleThreaded guard;
    if (spread && t < static_cast<int>(pieces_.size())) run_thread(args, *state, static_cast<size_t>(t));
    for (size_t i = 0; !spread && i < pieces_.size(); ++i) run_thread(args, *state, i);
  };
  if (spread) {
    args.pool->run(work);
  } else {
    work(0, 1);
  }
  const bool failed = state->failed.exchange(false);
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(state));
  }
  check(!failed, ErrorCode::kInternal, "a oneDNN primitive failed");
}

void PieceKernel::run_thread(const KernelArgs& args, State& state, size_t t) const {
  State::ThreadState& thread = state.threads[t];
  for (size_t i = 0; i < pieces_[t].size(); ++i) {
    State::PieceState& piece = thread.pieces[i];
    for (size_t k = 0; k < piece.memories.size(); ++k) {
      const Argument& a = pieces_[t][i].arguments[k];
      const auto index = static_cast<size_t>(a.index);
      const void* base = nullptr;
      switch (a.source) {
        case Argument::Source::kInput:
          base = args.inputs[index];
          break;
        case Argument::Source::kOutput:
          base = args.outputs[index];
          break;
        case Argument::Source::kPacked:
          base = packed_[index];
          break;
        case Argument::Source::kScratch:
          base = static_cast<char*>(args.scratch) + t * thread_scratch_;
          break;
      }
      auto* handle = const_cast<char*>(static_cast<const char*>(base)) + a.offset;  // inputs are only read
      if (handle == piece.handles[k]) continue;
      dnnl_memory_set_data_handle(piece.memories[k].get(), handle);
      piece.handles[k] = handle;
    }
    // The C function: the C++ one would build a map at every call.
    const dnnl_status_t status =
        dnnl_primitive_execute(pieces_[t][i].primitive.get(), thread.stream.get(),
                               static_cast<int>(piece.arguments.size()), piece.arguments.data());
    if (status != dnnl_success) state.failed = true;  // thrown by the caller: worker threads must not throw
  }
}

}  // namespace burnish::onednn
