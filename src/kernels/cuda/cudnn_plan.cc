#include "kernels/cuda/cudnn_plan.h"

#include <algorithm>
#include <charconv>
#include <map>

#include "base/error.h"

namespace burnish::cuda {
namespace {

using dnn::Descriptor;

constexpr size_t kMostEngines = 12;
/// Where there are fewer, what is sure to work but seldom fast is tried, too.
constexpr size_t kFewEngines = 3;
/// Of engines that are compiled anew for every plan.
constexpr size_t kMostCompiled = 4;
constexpr size_t kMostNotes = 32, kMostGuesses = 64, kMostKnobs = 64;

/// Moves past a number and what stands behind it; false where there is none.
template <typename T>
bool read_number(std::string_view& text, T& value, char separator) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  if (text.empty()) return separator == '/';
  if (text.front() != separator) return false;
  text.remove_prefix(1);
  return true;
}

bool has(const std::vector<int>& notes, std::initializer_list<int> any_of) {
  return std::any_of(any_of.begin(), any_of.end(),
                     [&](int note) { return std::find(notes.begin(), notes.end(), note) != notes.end(); });
}

/// An engine's notes.
struct Notes {
  std::vector<int> numerical, behavior;
  bool compiles() const { return has(behavior, {dnn::kNoteRuntimeCompilation}); }
  bool fits(bool tensor_cores) const {
    if (!tensor_cores && has(numerical, {dnn::kNoteTensorCore})) return false;
    return !has(numerical, {dnn::kNoteDownConvertInputs, dnn::kNoteReducedPrecisionReduction, dnn::kNoteFft,
                            dnn::kNoteNondeterministic, dnn::kNoteWinograd, dnn::kNoteWinograd4, dnn::kNoteWinograd6,
                            dnn::kNoteWinograd13}) &&
           !has(behavior, {dnn::kNoteReordersFilter, dnn::kNoteReordersBias});
  }
};

/// None where the library has no engine at all.
std::vector<Descriptor> guesses_of(const DnnGraph& graph, int heuristics, const dnn::Site& site) {
  try {
    Descriptor guesses(dnn::kEngineHeuristics);
    guesses.set(dnn::kHeuristicsGraph, graph.graph());
    guesses.set(dnn::kHeuristicsMode, dnn::kTypeHeuristicsMode, heuristics);
    site.place(guesses, 0, dnn::kHeuristicsDeviceProperties);
    return guesses.finalize().get_descriptors(dnn::kHeuristicsResults, dnn::kEngineConfig, kMostGuesses);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnsupported) throw;
    return {};
  }
}

DnnEngine read_engine(const Descriptor& config, Notes& notes) {
  DnnEngine found;
  for (const Descriptor& engine : config.get_descriptors(dnn::kConfigEngine, dnn::kEngine, 1)) {
    for (const int64_t index : engine.get<int64_t>(dnn::kEngineIndex, dnn::kTypeInt64, 1)) found.index = index;
    notes.numerical = engine.get<int>(dnn::kEngineNumericalNotes, dnn::kTypeNumericalNote, kMostNotes);
    notes.behavior = engine.get<int>(dnn::kEngineBehaviorNotes, dnn::kTypeBehaviorNote, kMostNotes);
  }
  for (const Descriptor& knob : config.get_descriptors(dnn::kConfigKnobs, dnn::kKnobChoice, kMostKnobs)) {
    found.knobs.push_back({knob.get<int>(dnn::kKnobType, dnn::kTypeKnobType, 1).at(0),
                           knob.get<int64_t>(dnn::kKnobValue, dnn::kTypeInt64, 1).at(0)});
  }
  return found;
}

std::vector<Descriptor> knob_choices(const DnnEngine& engine) {
  std::vector<Descriptor> choices;
  for (const DnnEngine::Knob& knob : engine.knobs) {
    Descriptor& choice = choices.emplace_back(dnn::kKnobChoice);
    choice.set(dnn::kKnobType, dnn::kTypeKnobType, knob.type).set(dnn::kKnobValue, dnn::kTypeInt64, knob.value);
    choice.finalize();
  }
  return choices;
}

}  // namespace

std::string to_string(const DnnEngine& engine) {
  std::string text = std::to_string(engine.index);
  for (const DnnEngine::Knob& knob : engine.knobs) text += fmt::format("/{}:{}", knob.type, knob.value);
  return text;
}

DnnEngine parse_dnn_engine(std::string_view text, std::string_view config) {
  DnnEngine engine;
  std::string_view rest = text;
  bool good = read_number(rest, engine.index, '/');
  while (good && !rest.empty()) {
    DnnEngine::Knob& knob = engine.knobs.emplace_back();
    good = read_number(rest, knob.type, ':') && read_number(rest, knob.value, '/');
  }
  check(good && to_string(engine) == text, ErrorCode::kCorrupt, "'{}' is no engine in the configuration '{}'", text,
        config);
  return engine;
}

std::vector<DnnEngine> find_dnn_engines(const DnnGraph& graph, const DnnWish& wish, const dnn::Site& site) {
  std::vector<DnnEngine> engines;
  size_t num_compiled = 0;
  for (const Descriptor& guess : guesses_of(graph, wish.heuristics, site)) {
    if (engines.size() == wish.most) break;
    Notes notes;
    DnnEngine engine = read_engine(guess, notes);
    if (!notes.fits(wish.tensor_cores)) continue;
    if (notes.compiles() && ++num_compiled > wish.most_compiled) continue;
    engines.push_back(std::move(engine));
  }
  return engines;
}

namespace {

/// The guesses for a graph, best first; where they are fewer than so many, the library's fallbacks behind them.
std::vector<DnnEngine> likely_engines(const DnnGraph& graph, bool exact, size_t at_least, const dnn::Site& site) {
  DnnWish wish{.tensor_cores = !exact, .most = kMostEngines, .most_compiled = kMostCompiled};
  std::vector<DnnEngine> engines = find_dnn_engines(graph, wish, site);
  wish.heuristics = dnn::kHeuristicsFallback;
  wish.most = at_least - std::min(at_least, engines.size());
  for (DnnEngine& engine : find_dnn_engines(graph, wish, site)) engines.push_back(std::move(engine));
  return engines;
}

}  // namespace

std::vector<std::string> dnn_conv_candidates(const DnnConv& conv, std::string_view arch, const dnn::Site& site) {
  std::string prefix = fmt::format("{} cudnn={}", arch, dnn::version());
  std::vector<DnnEngine> engines;
  try {
    // Engines without tensor cores are those that load one element at a time.
    const DnnWish plain{.heuristics = dnn::kHeuristicsFallback, .tensor_cores = false, .most = 1, .most_compiled = 1};
    const auto any = find_dnn_engines(DnnConvGraph(conv, kDnnAnyAddress, site), plain, site);
    if (!any.empty()) prefix += " any=" + to_string(any[0]);
    engines = likely_engines(DnnConvGraph(conv, kDnnAligned, site), conv.exact, kFewEngines, site);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnsupported) throw;
  }
  std::vector<std::string> configs;
  for (const DnnEngine& engine : engines) configs.push_back(fmt::format("{} engine={}", prefix, to_string(engine)));
  if (configs.empty()) configs.push_back(prefix);
  return configs;
}

DnnPlan::DnnPlan(DnnGraph graph, const DnnEngine& engine, const dnn::Site& site)
    : graph_(std::move(graph)), parts_(knob_choices(engine)), plan_(dnn::kExecutionPlan) {
  std::vector<Handle> knobs;
  for (const Descriptor& knob : parts_) knobs.push_back(knob.handle());
  Descriptor& chosen = parts_.emplace_back(dnn::kEngine);
  chosen.set(dnn::kEngineGraph, graph_->graph()).set(dnn::kEngineIndex, dnn::kTypeInt64, engine.index);
  site.place(chosen, 0, dnn::kEngineDeviceProperties);
  chosen.finalize();
  Descriptor config(dnn::kEngineConfig);
  config.set(dnn::kConfigEngine, chosen);
  if (!knobs.empty()) config.set(dnn::kConfigKnobs, dnn::kTypeDescriptor, std::span<const Handle>(knobs));
  parts_.push_back(std::move(config));
  site.place(plan_, dnn::kPlanHandle, dnn::kPlanDeviceProperties);
  plan_.set(dnn::kPlanConfig, parts_.back().finalize()).finalize();
  workspace_bytes_ = static_cast<size_t>(plan_.get<int64_t>(dnn::kPlanWorkspace, dnn::kTypeInt64, 1).at(0));
}

DnnPlan::DnnPlan(const std::string& text, const dnn::Site& site) : plan_(dnn::kExecutionPlan) {
  site.place(plan_, dnn::kPlanHandle, dnn::kPlanDeviceProperties);
  plan_.set(dnn::kPlanJson, dnn::kTypeChar, std::span<const char>(text)).finalize();
  workspace_bytes_ = static_cast<size_t>(plan_.get<int64_t>(dnn::kPlanWorkspace, dnn::kTypeInt64, 1).at(0));
}

void DnnPlan::run(std::span<const int64_t> ids, std::span<void* const> pointers, void* workspace, void* stream,
                  dnn::Site& site) const {
  // A finalized variant pack cannot be changed.
  Descriptor pack(dnn::kVariantPack);
  pack.set(dnn::kPackIds, dnn::kTypeInt64, ids).set(dnn::kPackPointers, dnn::kTypePointer, pointers);
  pack.set(dnn::kPackWorkspace, dnn::kTypePointer, workspace).finalize();
  const std::lock_guard lock(site.mutex());
  const dnn::Library& library = dnn::library();
  dnn::check_status(library.SetStream(site.handle(), stream), "choosing a stream");
  dnn::check_status(library.BackendExecute(site.handle(), plan_.handle(), pack.handle()), "running a plan");
}

std::shared_ptr<const DnnPlan> shared_dnn_plan(const std::string& key, dnn::Site& site,
                                               const std::function<std::shared_ptr<const DnnPlan>()>& make) {
  static std::mutex mutex;
  static std::map<std::string, std::weak_ptr<const DnnPlan>> plans;
  const std::scoped_lock lock(mutex, site.mutex());
  const std::string full_key = fmt::format("{} {}", static_cast<const void*>(&site), key);
  if (const auto known = plans.find(full_key); known != plans.end()) {
    if (auto plan = known->second.lock()) return plan;
  }
  auto plan = make();
  std::erase_if(plans, [](const auto& entry) { return entry.second.expired(); });
  plans[full_key] = plan;
  return plan;
}

std::shared_ptr<const DnnPlan> shared_dnn_plan(const DnnConv& conv, const DnnEngine& engine, int64_t alignment,
                                               dnn::Site& site) {
  return shared_dnn_plan(fmt::format("conv {} {} {}", to_string(engine), alignment, key_of(conv)), site, [&] {
    return std::make_shared<const DnnPlan>(DnnConvGraph(conv, alignment, site), engine, site);
  });
}

namespace {

std::vector<DnnEngine> other_engines(const DnnConv& conv, int64_t alignment, dnn::Site& site) {
  const std::lock_guard lock(site.mutex());
  return likely_engines(DnnConvGraph(conv, alignment, site), conv.exact, 2 * kMostEngines, site);
}

std::shared_ptr<const DnnPlan> plan_if_done(const DnnConv& conv, const DnnEngine& engine, int64_t alignment,
                                            dnn::Site& site) {
  try {
    return shared_dnn_plan(conv, engine, alignment, site);
  } catch (const Error& error) {
    if (error.code() != ErrorCode::kUnsupported) throw;
    return nullptr;
  }
}

}  // namespace

std::shared_ptr<const DnnPlan> shared_dnn_plan_or_other(const DnnConv& conv, const DnnEngine& engine, int64_t alignment,
                                                        dnn::Site& site) {
  if (auto plan = plan_if_done(conv, engine, alignment, site)) return plan;
  for (const DnnEngine& other : other_engines(conv, alignment, site)) {
    if (auto plan = plan_if_done(conv, other, alignment, site)) return plan;
  }
  throw_error(ErrorCode::kUnsupported, "cuDNN has no engine for a convolution of {} by {} channels of this size",
              conv.form.all_in_channels(), conv.out_channels());
}

}  // namespace burnish::cuda
