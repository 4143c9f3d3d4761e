#include "cli/cost_inputs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <optional>

#include "base/error.h"
#include "base/file.h"
#include "cost/traffic_log.h"
#include "cost/units.h"

namespace burnish::cli {
namespace {

using cost::Variant;

constexpr const char* kDefaultProfile = "office";
constexpr double kDefaultPeakFactor = 1.5;

// --- measurements ----------------------------------------------------------------------------------------------------
std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts;
  for (size_t begin = 0; begin <= text.size();) {
    const size_t end = std::min(text.find(separator, begin), text.size());
    parts.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

/// A file, FILE#MODEL/COLUMN, or BATCH:TIME.
std::vector<cost::Measurement> measurements_of(const std::string& item) {
  const size_t hash = item.find('#');
  const std::string file = item.substr(0, hash);
  const bool is_file = hash != std::string::npos || file.ends_with(".json") || std::filesystem::exists(file);
  if (!is_file) return {cost::typed_measurement(item)};
  return cost::read_measurements(read_file(file), file, hash == std::string::npos ? "" : item.substr(hash + 1));
}

Variant variant_of(const std::string& text) {
  const size_t equals = text.find('=');
  check(equals != std::string::npos && equals > 0, ErrorCode::kInvalidArgument,
        "--variant '{}': write NAME=FILE.json,FILE.json… or NAME=1:10ms,8:55ms", text);
  const std::string name = text.substr(0, equals);
  return {name, read_times(text.substr(equals + 1), fmt::format("--variant '{}'", name)), {}};
}

size_t index_of(const std::vector<Variant>& variants, const std::string& name, std::string_view option) {
  const auto it = std::ranges::find(variants, name, &Variant::name);
  if (it != variants.end()) return static_cast<size_t>(it - variants.begin());
  std::string names;
  for (const Variant& variant : variants) names += (names.empty() ? "" : ", ") + variant.name;
  throw_error(ErrorCode::kInvalidArgument, "{} '{}' is none of the variants; they are {}", option, name, names);
}

// --- prices ----------------------------------------------------------------------------------------------------------
/// What an option of the form [VARIANT=]VALUE says: one value for all variants, and those of single ones.
struct PerVariant {
  std::string common;
  std::vector<std::string> own;
  const std::string& of(size_t variant) const { return own[variant].empty() ? common : own[variant]; }
};

PerVariant per_variant(const std::vector<std::string>& texts, const std::vector<Variant>& variants,
                       std::string_view option) {
  PerVariant found{"", std::vector<std::string>(variants.size())};
  for (const std::string& text : texts) {
    const size_t equals = text.find('=');
    std::string& place =
        equals == std::string::npos ? found.common : found.own[index_of(variants, text.substr(0, equals), option)];
    check(place.empty(), ErrorCode::kInvalidArgument, "{} is given twice for the same: '{}' and '{}'", option, place,
          text);
    place = equals == std::string::npos ? text : text.substr(equals + 1);
    check(!place.empty(), ErrorCode::kInvalidArgument, "{} '{}': nothing follows the '='", option, text);
  }
  return found;
}

cost::MachinePrice typed_price(const std::string& text) {
  const cost::Money money = cost::parse_hourly_price(text, "--price");
  return {"", "", money.amount, money.currency, "typed in", ""};
}

void set_prices(const CostInputs& inputs, std::vector<Variant>& variants) {
  const PerVariant prices = per_variant(inputs.prices, variants, "--price");
  const PerVariant machines = per_variant(inputs.machines, variants, "--machine");
  check(inputs.machines.empty() || !inputs.price_list.empty(), ErrorCode::kInvalidArgument,
        "--machine names an entry of a price list: say which file with --prices FILE.toml");
  std::optional<cost::PriceList> list;
  if (!inputs.price_list.empty()) list.emplace(read_file(inputs.price_list), inputs.price_list);
  for (size_t i = 0; i < variants.size(); ++i) {
    // What is said of one variant goes before what is said of all.
    const bool own_machine = prices.own[i].empty() && !machines.own[i].empty();
    const std::string& price = own_machine ? prices.own[i] : prices.of(i);
    if (!price.empty()) {
      variants[i].price = typed_price(price);
      continue;
    }
    check(!machines.of(i).empty(), ErrorCode::kInvalidArgument,
          "variant '{}' has no price: say --price 2.50USD/h, or --prices FILE.toml --machine NAME", variants[i].name);
    variants[i].price = list->find(machines.of(i), inputs.terms);
  }
}

std::string common_currency(const std::vector<Variant>& variants, const std::string& one_off) {
  std::string common = one_off;
  for (const Variant& variant : variants) {
    const std::string& own = variant.price.currency;
    if (common.empty()) common = own;
    check(own.empty() || own == common, ErrorCode::kInvalidArgument,
          "amounts in {} and in {} (variant '{}'): convert them to one currency", common, own, variant.name);
  }
  return common;
}

// --- the rest --------------------------------------------------------------------------------------------------------
cost::Traffic traffic_of(const CostInputs& inputs) {
  cost::Traffic traffic;
  traffic.peak_factor = kDefaultPeakFactor;
  if (!inputs.log.empty()) {
    traffic = cost::read_traffic_log(read_file(inputs.log), inputs.log);
  } else {
    traffic.profile = cost::parse_profile(inputs.profile.empty() ? kDefaultProfile : inputs.profile);
  }
  if (!inputs.volumes.empty()) traffic.requests_per_day.clear();
  for (const std::string& volume : inputs.volumes) {
    traffic.requests_per_day.push_back(cost::parse_requests_per_day(volume, "--requests-per-day"));
  }
  if (!std::isnan(inputs.peak_factor)) traffic.peak_factor = inputs.peak_factor;
  if (!inputs.growth.empty()) traffic.growth_per_month = cost::parse_share(inputs.growth, "--growth");
  return traffic;
}

cost::ServiceLevel level_of(const CostInputs& inputs) {
  return {cost::parse_seconds(inputs.p99, "--p99"), cost::parse_share(inputs.max_utilisation, "--max-utilisation"),
          cost::parse_seconds(inputs.queue_delay, "--queue-delay", true), inputs.max_batch};
}

cost::Redundancy redundancy_of(const CostInputs& inputs) {
  cost::Redundancy redundancy{inputs.spares, std::nullopt, 0};
  redundancy.instance_availability = cost::parse_share(inputs.instance_availability, "--instance-availability");
  if (!inputs.availability.empty()) redundancy.availability = cost::parse_share(inputs.availability, "--availability");
  return redundancy;
}

void add_traffic_options(OptionSet& command, CostInputs& inputs) {
  const std::string group = "Traffic";
  command
      .add("--requests-per-day", inputs.volumes, "Volume: 100000, 100k, 2.5M, or a rate such as 12/s; may be repeated")
      .value_name("VOLUME")
      .group(group);
  const Option profile =
      command.add("--profile", inputs.profile, "The day's shape: flat, office, evening, or 24 weights a,b,c,… [office]")
          .value_name("SHAPE")
          .group(group);
  command
      .add("--log", inputs.log, "CSV of real requests, their times in the first column: volume, shape and peak factor")
      .value_name("FILE.csv")
      .group(group)
      .excludes(profile);
  command.add("--peak-factor", inputs.peak_factor, "The busiest minutes' rate over their hour's [1.5]")
      .value_name("X")
      .group(group);
  command.add("--growth", inputs.growth, "More requests every month, such as 5%").value_name("SHARE").group(group);
}

void add_level_options(OptionSet& command, CostInputs& inputs) {
  const std::string group = "Service level";
  const auto add = [&](const char* name, auto& variable, const char* help, const char* value) {
    return command.add(name, variable, help).value_name(value).group(group);
  };
  add("--p99", inputs.p99, "99 % of the requests are answered within this time, such as 50ms", "TIME").required();
  add("--max-utilisation", inputs.max_utilisation, "Instances are never planned fuller than this", "SHARE")
      .show_default();
  add("--queue-delay", inputs.queue_delay, "How long a request may wait for others to share its batch", "TIME")
      .show_default();
  add("--max-batch", inputs.max_batch, "Largest batch to form [the largest that was measured]", "N");
  const Option spares = add("--spare", inputs.spares, "Instances beyond what the load needs", "N").show_default();
  add("--availability", inputs.availability, "Instead of --spare: enough instances are up for this share of the time",
      "SHARE")
      .excludes(spares);
  add("--instance-availability", inputs.instance_availability, "Share of the time that one instance is up", "SHARE")
      .show_default();
}

void add_price_options(OptionSet& command, CostInputs& inputs) {
  const std::string group = "Prices";
  command.add("--price", inputs.prices, "What an instance costs: [VARIANT=]2.50USD/h; may be repeated")
      .value_name("PRICE")
      .group(group);
  command.add("--prices", inputs.price_list, "A price list; examples/cost/prices.toml is one to edit")
      .value_name("FILE.toml")
      .group(group);
  command.add("--machine", inputs.machines, "An entry of the price list: [VARIANT=]NAME; may be repeated")
      .value_name("NAME")
      .group(group);
  command.add("--terms", inputs.terms, "Which of the list's prices: on_demand, reserved or spot")
      .one_of({"on_demand", "reserved", "spot"})
      .group(group)
      .show_default();
  command.add("--one-off-cost", inputs.one_off_cost, "What going over to another variant costs, such as 5000USD")
      .value_name("AMOUNT")
      .group(group);
  command.add("--months", inputs.months, "Time in which the one-off cost must come back")
      .value_name("N")
      .group(group)
      .show_default();
}

}  // namespace

std::vector<cost::Measurement> read_times(const std::string& items, const std::string& option) {
  std::vector<cost::Measurement> measurements;
  for (const std::string& item : split(items, ',')) {
    const auto found = with_frame([&] { return option; }, [&] { return measurements_of(item); });
    measurements.insert(measurements.end(), found.begin(), found.end());
  }
  return measurements;
}

void add_cost_options(OptionSet& command, CostInputs& inputs) {
  command
      .add("--variant", inputs.variants,
           "A way to serve the model: NAME=FILE,FILE… of `burnish bench --json`, NAME=FILE#MODEL/COLUMN of "
           "bench/peers.py, or typed in, NAME=1:10ms,8:55ms (batch:time); may be repeated")
      .required()
      .value_name("NAME=TIMES");
  command.add("--baseline", inputs.baseline, "The variant that the others are compared with [the first]")
      .value_name("NAME");
  add_traffic_options(command, inputs);
  add_level_options(command, inputs);
  add_price_options(command, inputs);
  command.add("--seed", inputs.seed, "Of the simulated arrivals").value_name("N").show_default();
}

cost::Scenario make_scenario(const CostInputs& inputs) {
  cost::Scenario scenario;
  for (const std::string& text : inputs.variants) scenario.variants.push_back(variant_of(text));
  if (!inputs.baseline.empty()) scenario.baseline = index_of(scenario.variants, inputs.baseline, "--baseline");
  set_prices(inputs, scenario.variants);
  scenario.traffic = traffic_of(inputs);
  scenario.level = level_of(inputs);
  scenario.redundancy = redundancy_of(inputs);
  cost::Money one_off;
  if (!inputs.one_off_cost.empty()) one_off = cost::parse_money(inputs.one_off_cost, "--one-off-cost");
  scenario.one_off_cost = one_off.amount;
  scenario.currency = common_currency(scenario.variants, one_off.currency);
  scenario.horizon_months = inputs.months;
  scenario.seed = inputs.seed;
  return scenario;
}

}  // namespace burnish::cli
