#include "cost/prices.h"

#include <toml++/toml.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <sstream>

#include "base/error.h"

namespace burnish::cost {
namespace {

constexpr std::array<std::string_view, 3> kTerms = {"on_demand", "reserved", "spot"};

[[noreturn]] void refuse(const std::string& where, const std::string& reason) {
  throw Error(ErrorCode::kInvalidArgument, fmt::format("price list {}: {}", where, reason))
      .with_hint("examples/cost/prices.toml shows the form");
}

toml::table parse(std::string_view text, const std::string& name) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    refuse(fmt::format("'{}', line {}", name, error.source().begin.line), std::string(error.description()));
  }
}

/// A string, or a date of TOML's own.
std::string text_of(const toml::table& table, std::string_view key, const std::string& where) {
  const toml::node_view node = table[key];
  if (const auto date = node.value<toml::date>()) {
    std::ostringstream text;
    text << *date;
    return text.str();
  }
  std::string text = node.value_or(std::string());
  if (text.empty()) refuse(where, fmt::format("'{}' is missing; every price says where it is from and of when", key));
  return text;
}

void check_keys(const toml::table& table, std::initializer_list<std::string_view> known, const std::string& where) {
  for (const auto& [key, value] : table) {
    if (std::ranges::find(known, key.str()) == known.end()) refuse(where, fmt::format("unknown key '{}'", key.str()));
  }
}

std::vector<MachinePrice> prices_of(const toml::table& table, const MachinePrice& common, const std::string& where) {
  std::vector<MachinePrice> prices;
  for (const std::string_view terms : kTerms) {
    if (!table.contains(terms)) continue;
    MachinePrice price = common;
    price.terms = terms;
    price.per_hour = table[terms].value_or(std::nan(""));
    if (!(std::isfinite(price.per_hour) && price.per_hour >= 0)) {
      refuse(where, fmt::format("'{}' must be a price per hour, a number of 0 or more", terms));
    }
    prices.push_back(price);
  }
  if (prices.empty()) refuse(where, "there is no price: give on_demand, reserved or spot");
  return prices;
}

std::string names_of(const auto& items, const auto& name) {
  std::string names;
  for (const auto& item : items) names += (names.empty() ? "" : ", ") + name(item);
  return names;
}

}  // namespace

PriceList::PriceList(std::string_view toml, const std::string& name) : name_(name) {
  const toml::table root = parse(toml, name);
  check_keys(root, {"currency", "machines"}, fmt::format("'{}'", name));
  const std::string currency = text_of(root, "currency", fmt::format("'{}'", name));
  const toml::table* machines = root["machines"].as_table();
  if (!machines || machines->empty()) refuse(fmt::format("'{}'", name), "it has no [machines.NAME]");
  for (const auto& [key, node] : *machines) {
    const std::string machine(key.str()), where = fmt::format("'{}', machine '{}'", name, machine);
    const toml::table* table = node.as_table();
    if (!table) refuse(where, "it must be a table, [machines.NAME]");
    check_keys(*table, {"on_demand", "reserved", "spot", "source", "date", "verified", "description"}, where);
    const toml::node* verified = table->get("verified");
    if (verified != nullptr && !verified->is_boolean()) refuse(where, "'verified' must be true or false");
    const MachinePrice common{machine,
                              "",
                              0,
                              currency,
                              text_of(*table, "source", where),
                              text_of(*table, "date", where),
                              verified == nullptr || verified->value_or(true)};
    machines_[machine] = prices_of(*table, common, where);
  }
}

const MachinePrice& PriceList::find(const std::string& machine, const std::string& terms) const {
  const auto it = machines_.find(machine);
  check(it != machines_.end(), ErrorCode::kInvalidArgument, "the price list '{}' has no machine '{}'; it has {}", name_,
        machine, names_of(machines_, [](const auto& entry) { return entry.first; }));
  for (const MachinePrice& price : it->second) {
    if (price.terms == terms) return price;
  }
  throw_error(ErrorCode::kInvalidArgument, "the price list '{}' has no price '{}' of machine '{}'; it has {}", name_,
              terms, machine, names_of(it->second, [](const MachinePrice& price) { return price.terms; }));
}

}  // namespace burnish::cost
