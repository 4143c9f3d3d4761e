#include <fmt/format.h>

#include "cli/accuracy_pictures.h"
#include "cli/accuracy_style.h"
#include "cli/accuracy_text.h"
#include "cli/html.h"

namespace burnish::cli {
namespace {

std::string verdict(const AccuracyReport& r) {
  const double loss = r.loss_of(r.final);
  const bool held = !r.budget || loss <= *r.budget;
  const std::string lost = loss > 0
                               ? fmt::format("Loses {} of {}", metric_text(r, loss), metric_text(r, r.float32.metric))
                               : "No loss was measured";
  const std::string budget =
      !r.budget ? "" : fmt::format(", {} the budget of {}", held ? "within" : "more than", metric_text(r, *r.budget));
  const std::string speed = speed_text(r, r.final);
  return fmt::format("<p class=\"verdict\"><span class=\"{}\">{}{}</span>{}</p>\n", held ? "held" : "lost",
                     escaped(lost), escaped(budget),
                     speed.empty() ? "." : fmt::format(". Predicted at {} the speed of FP32.", speed));
}

std::string row(const AccuracyReport& r, const std::string& label, const AccuracyLine& line, bool chosen) {
  return fmt::format("<tr{}><th>{}</th><td>{}</td><td>{}</td><td>{:.3f}</td><td>{}</td></tr>\n",
                     chosen ? " class=\"chosen\"" : "", escaped(label), metric_text(r, line.metric),
                     metric_text(r, r.loss_of(line)), line.predicted_ms, speed_text(r, line));
}

std::string table(const AccuracyReport& r) {
  return "<div class=\"scroll\"><table><thead><tr><th></th><th>metric</th><th>loss</th><th>predicted, ms</th>"
         "<th>speed</th></tr></thead><tbody>\n" +
         row(r, "float32", r.float32, false) + row(r, r.precision + " everywhere", r.lowered, false) +
         row(r, "this engine", r.final, true) +
         "</tbody></table></div>\n<p class=\"soft\">Predicted: the sum of the tuner's times of all steps, at the "
         "profile's typical shapes, on the machine that built the engine.</p>\n";
}

std::string warnings(const AccuracyReport& r) {
  if (r.warnings.empty()) return "";
  std::string html = "<h2>The calibration data is not representative</h2>\n<ul class=\"warnings\">\n";
  for (const std::string& warning : r.warnings) html += fmt::format("<li><bdi>{}</bdi></li>\n", escaped(warning));
  return html + "</ul>\n";
}

std::string key(std::string_view css, std::string_view colour, const std::string& meaning) {
  return fmt::format("<span class=\"{}\" style=\"--key:var(--{})\">{}</span>", css, colour, escaped(meaning));
}

std::string noise_section(const AccuracyReport& r) {
  bool any_exact = false;
  for (const AccuracyLayer& layer : r.layers) any_exact = any_exact || layer.is_exact();
  std::string legend = key("", "lowered", "computes in " + r.precision);
  if (r.num_lowered() < r.layers.size()) legend += key("", "raised", "kept more precise in this engine (▾)");
  if (any_exact) legend += key("bare", "exact", "no error at all");
  return "<h2>Signal to noise by layer</h2>\n<p class=\"soft\">SQNR: energy of a layer's output in FP32 over the "
         "energy "
         "of its error, with every layer lowered, errors of the layers before it included. Higher is better; 20 dB is "
         "an error of 10 % of the signal's root mean square, 40 dB of 1 %.</p>\n<div class=\"legend\">" +
         legend + "</div>\n<div class=\"picture scroll\">" + noise_picture(r) + "</div>\n";
}

std::string fact(std::string_view name, const std::string& value) {
  return value.empty() ? "" : fmt::format("<dt>{}</dt><dd>{}</dd>", name, escaped(value));
}

std::string input_facts(const AccuracyLayer& layer) {
  std::string html = fact(layer.is_raised() ? "integers would cover" : "integers cover", range_text(layer));
  if (!layer.input) return html;
  const InputHistogram& h = *layer.input;
  html += fact("calibration saw", fmt::format("{:.3g} … {:.3g}", h.low, h.high));
  if (layer.range) html += fact("clipped, about", fmt::format("{:.2g} %", 100 * clipped_share(layer)));
  if (h.zeros > 0) html += fact("exactly zero", fmt::format("{:.1f} %", 100 * h.zeros / h.num_elements()));
  return html;
}

std::string card(const AccuracyReport& r, size_t i) {
  const AccuracyLayer& layer = r.layers[i];
  std::string html = fmt::format("<article class=\"card{}\" id=\"layer{}\">\n<h3>{}. <bdi>{}</bdi></h3>\n",
                                 layer.is_raised() ? " up" : "", i, i + 1, escaped(layer.name));
  if (layer.is_raised()) {
    html += fmt::format("<p class=\"why\">{}: {}</p>\n", escaped(layer.precision), escaped(layer.reason));
  }
  html += "<dl>" + fact("precision", layer.precision) + fact("operator", layer.op) +
          fact("of all multiply-adds", fmt::format("{:.2f} %", 100 * r.share_of(layer)));
  const std::string sqnr = sqnr_text(layer);
  html += fact("SQNR", layer.sqnr_db ? sqnr + " dB" : sqnr);
  if (layer.added_noise) html += fact("noise added to signal", fmt::format("{:.2e}", *layer.added_noise));
  return html + input_facts(layer) + "</dl>\n" + input_picture(layer) + "</article>\n";
}

std::string cards(const AccuracyReport& r) {
  bool any_input = false;
  for (const AccuracyLayer& layer : r.layers) any_input = any_input || layer.input.has_value();
  std::string html = "<h2>Layers, by the noise they add</h2>\n";
  if (any_input) {
    html += "<p class=\"soft\">Histograms: what calibration saw in the layer's input.</p>\n<div class=\"legend\">" +
            key("", "lowered", "elements (logarithmic)") + key("", "zeros", "exactly zero") +
            key("outside", "outside", "beyond what the integers cover: clipped") + "</div>\n";
  }
  html += "<div class=\"cards\">\n";
  for (const size_t i : r.by_noise()) html += card(r, i);
  return html + "</div>\n";
}

}  // namespace

std::string accuracy_page(const AccuracyReport& r, const std::string& title) {
  std::string html = page_head(fmt::format("Accuracy of {}", title), kAccuracyStyle);
  html += fmt::format("<h1>Accuracy of <bdi>{}</bdi></h1>\n", escaped(title)) + verdict(r);
  html += fmt::format("<p>{}.</p>\n<p>Measured: <bdi>{}</bdi>.</p>\n", escaped(coverage_text(r)),
                      escaped(measured_text(r)));
  return html + table(r) + warnings(r) + noise_section(r) + cards(r) + std::string(kPageEnd);
}

}  // namespace burnish::cli
