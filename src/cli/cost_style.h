#pragma once
// What the page of `burnish cost` adds to the look of all pages (page_style.h), and what its pictures need anywhere.
#include <array>
#include <string_view>

namespace burnish::cli {

/// Of the variants' lines, over and over, in light and in dark.
inline constexpr std::array<std::string_view, 6> kLightLines = {"#5b6676", "#2468c9", "#c95a0c",
                                                                "#17693a", "#8b3fb5", "#a3261b"};
inline constexpr std::array<std::string_view, 6> kDarkLines = {"#a7b2c2", "#6aa5f5", "#f0944d",
                                                               "#6fcf97", "#c48be6", "#ff8f80"};

/// The colours are put in place by cost_line_style(): programs other than browsers know no variables.
inline constexpr std::string_view kCostLineShapes = R"(
.stairs{fill:none;stroke-width:2.2;stroke-linejoin:round}
.v1.stairs{stroke-dasharray:9 3}.v2.stairs{stroke-dasharray:4 3}.v3.stairs{stroke-dasharray:9 3 2 3}
.v4.stairs{stroke-dasharray:2 3}.v5.stairs{stroke-dasharray:14 4}
.even{stroke-width:1.5}.asked{stroke-dasharray:2 4}
)";

/// For an SVG file by itself.
inline constexpr std::string_view kCostFileStyle = R"(
svg{color-scheme:light dark;background:#fff;font:11.5px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
text{fill:#5b6676}.grid{stroke:#e8ebf0}.axis,.asked{stroke:#5b6676}.even{stroke:#fff}
@media(prefers-color-scheme:dark){svg{background:#1a2029}text{fill:#9aa6b6}.grid{stroke:#262e39}
.axis,.asked{stroke:#9aa6b6}.even{stroke:#1a2029}}
)";

inline constexpr std::string_view kCostPageStyle = R"(
.even{stroke:var(--card)}.asked{stroke:var(--soft)}
.picture{width:100%}.picture svg{width:100%;height:auto}
.narrow{display:none}
@media(max-width:640px){.wide{display:none}.narrow{display:block}}
td.name,td.words{text-align:left;white-space:normal;overflow-wrap:anywhere}
td.words{min-width:14rem}
details{background:var(--card);border:1px solid var(--rule);padding:8px 12px;margin:8px 0}
summary{cursor:pointer;font-weight:600;overflow-wrap:anywhere}
dl{margin:8px 0}dt{font-weight:600;font-size:.9rem;margin-top:8px}
dd{margin:0;color:var(--soft);font-size:.9rem;overflow-wrap:anywhere}
ul{padding-left:1.2rem;margin:8px 0;max-width:44rem}li{overflow-wrap:anywhere;margin:4px 0}
h3{font-size:1rem;margin:18px 0 0}
)";

}  // namespace burnish::cli
