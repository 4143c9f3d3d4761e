#pragma once
// Prices of machines, from a small TOML file that its reader is meant to edit; examples/cost/prices.toml shows one.
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace burnish::cost {

/// What one instance costs, and where that is from.
struct MachinePrice {
  std::string machine;  ///< Its name in the price list, or empty when the price was typed in.
  std::string terms;    ///< "on_demand", "reserved", "spot"; empty when typed in.
  double per_hour = 0;
  std::string currency;
  std::string source, date;  ///< Of the figure; empty when typed in.
  bool verified = true;      ///< False where the price list says that nobody has compared it with its source.
};

class PriceList {
 public:
  /// Throws kInvalidArgument naming the file, the machine and the key: broken TOML, an unknown key, a price that is
  /// negative or no number, a machine without source or date.
  PriceList(std::string_view toml, const std::string& name);
  /// Throws kInvalidArgument listing what there is.
  const MachinePrice& find(const std::string& machine, const std::string& terms) const;

 private:
  std::string name_;
  std::map<std::string, std::vector<MachinePrice>> machines_;
};

}  // namespace burnish::cost
