#include "builder/traffic_report.h"

#include <nlohmann/json.hpp>

#include "builder/profiles.h"

namespace burnish {
namespace {

using Json = nlohmann::ordered_json;

TrafficRow total_of(const std::vector<TrafficRow>& rows) {
  TrafficRow total;
  for (const TrafficRow& row : rows) {
    total.executions += row.executions;
    total.general_us += row.general_us;
    total.us += row.us;
  }
  return total;
}

/// Milliseconds of one execution.
double mean_ms(const TrafficRow& row, double sum_us) {
  return row.executions > 0 ? sum_us / row.executions / 1e3 : 0;
}

std::string percent(double share) {
  return fmt::format("{:.1f} %", share * 100);
}

std::string table_row(const TrafficRow& row, size_t width, double all, bool is_general) {
  return fmt::format("{:<{}}  {:>10}  {:>10.3f}  {:>10.3f}  {:>7}\n", to_string(row.profile), width,
                     percent(row.executions / all), mean_ms(row, row.general_us), mean_ms(row, row.us),
                     is_general ? "general" : percent(row.gain()));
}

std::string table_of(const TrafficReport& report, double all) {
  size_t width = 7;
  for (const TrafficRow& row : report.rows) width = std::max(width, to_string(row.profile).size());
  std::string text = fmt::format("{:<{}}  {:>10}  {:>10}  {:>10}  {:>7}\n", "profile", width, "executions",
                                 "general ms", "ms", "gain");
  for (const TrafficRow& row : report.rows) text += table_row(row, width, all, &row == &report.rows.front());
  return text;
}

std::string reason_to_leave_out(const TrafficRow& row, const TrafficReport& report, double all) {
  if (row.executions == 0) return "serves nothing that others do not serve better";
  const std::string gain =
      fmt::format("gained {} over {} of the executions ({:.3f} instead of {:.3f} ms), ", percent(row.gain()),
                  percent(row.executions / all), mean_ms(row, row.us), mean_ms(row, row.general_us));
  return gain + (row.gain() < report.least_gain ? fmt::format("less than the {} that pay", percent(report.least_gain))
                                                : "but --traffic-profiles others save more");
}

std::string left_out_text(const TrafficReport& report, double all) {
  std::string text;
  for (const TrafficRow& row : report.left_out) {
    text += fmt::format("left out: {} {}\n", to_string(row.profile), reason_to_leave_out(row, report, all));
  }
  return text;
}

std::string verdict(const TrafficReport& report) {
  if (report.rows.size() == 1) return "no profile of its own pays: the engine is the one without --traffic";
  const TrafficRow total = total_of(report.rows);
  return fmt::format(
      "expected over this traffic: {:.3f} ms an execution instead of {:.3f} ms, {} less time; weights of {:.1f} MB "
      "instead of {:.1f} MB",
      mean_ms(total, total.us), mean_ms(total, total.general_us), percent(total.gain()),
      static_cast<double>(report.weight_bytes) / 1e6, static_cast<double>(report.general_weight_bytes) / 1e6);
}

Json row_json(const TrafficRow& row, double all) {
  return {{"profile", to_string(row.profile)},
          {"executions_share", row.executions / all},
          {"general_ms", mean_ms(row, row.general_us)},
          {"ms", mean_ms(row, row.us)},
          {"gain", row.gain()}};
}

Json rows_json(const std::vector<TrafficRow>& rows, double all) {
  Json json = Json::array();
  for (const TrafficRow& row : rows) json.push_back(row_json(row, all));
  return json;
}

Json points_json(const TrafficReport& report, const TrafficPoints& traffic, const std::vector<PointTiming>& timings) {
  Json json = Json::array();
  for (size_t p = 0; p < timings.size(); ++p) {
    Json shapes = Json::object();
    size_t i = 0;
    for (const auto& name : traffic.inputs) shapes[name] = traffic.points[p].shapes[i++].dims();
    json.push_back({{"shapes", shapes},
                    {"executions", traffic.points[p].executions},
                    {"profile", to_string(report.rows[timings[p].plan].profile)},
                    {"general_ms", timings[p].general_us / 1e3},
                    {"ms", timings[p].us / 1e3}});
  }
  return json;
}

}  // namespace

std::vector<TrafficRow> traffic_rows(const std::vector<OptimizationProfile>& profiles, const TrafficPoints& traffic,
                                     const std::vector<PointTiming>& timings) {
  std::vector<TrafficRow> rows;
  for (const OptimizationProfile& profile : profiles) rows.push_back({profile});
  for (size_t p = 0; p < timings.size(); ++p) {
    TrafficRow& row = rows[timings[p].plan];
    const double executions = traffic.points[p].executions;
    row.executions += executions;
    row.general_us += executions * timings[p].general_us;
    row.us += executions * timings[p].us;
  }
  return rows;
}

std::string traffic_summary(const TrafficReport& report, const TrafficPoints& traffic) {
  const double all = traffic.all_executions, timed = total_of(report.rows).executions;
  std::string text = fmt::format("{}: {:.0f} executions\n", report.file, all) + table_of(report, all);
  // Products of shares need not add up to the last digit.
  if (timed < all * (1 - 1e-9)) {
    text += fmt::format("{} of the executions have rarer shapes, which were not timed\n", percent(1 - timed / all));
  }
  return text + left_out_text(report, all) + verdict(report);
}

std::string traffic_json(const TrafficReport& report, const TrafficPoints& traffic,
                         const std::vector<PointTiming>& timings) {
  const double all = traffic.all_executions;
  const TrafficRow total = total_of(report.rows);
  const Json json = {{"file", report.file},
                     {"executions", all},
                     {"timed_share", total.executions / all},
                     {"profiles", rows_json(report.rows, all)},
                     {"left_out", rows_json(report.left_out, all)},
                     {"least_gain", report.least_gain},
                     {"general_ms", mean_ms(total, total.general_us)},
                     {"ms", mean_ms(total, total.us)},
                     {"expected_gain", total.gain()},
                     {"general_weight_bytes", report.general_weight_bytes},
                     {"weight_bytes", report.weight_bytes},
                     {"shapes", points_json(report, traffic, timings)}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace burnish
