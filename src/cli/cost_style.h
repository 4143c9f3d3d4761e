#pragma once
// What the page of `burnish cost` adds to the look of all pages (page_style.h), and what its pictures need anywhere.
#include <string_view>

namespace burnish::cli {

inline constexpr std::string_view kCostLineStyle = R"(
:root{--v0:#5b6676;--v1:#2468c9;--v2:#c95a0c;--v3:#17693a;--v4:#8b3fb5;--v5:#a3261b}
@media(prefers-color-scheme:dark){:root{--v0:#a7b2c2;--v1:#6aa5f5;--v2:#f0944d;--v3:#6fcf97;--v4:#c48be6;--v5:#ff8f80}}
.stairs{fill:none;stroke-width:2.2;stroke-linejoin:round}
.v0{--key:var(--v0)}.v1{--key:var(--v1)}.v2{--key:var(--v2)}.v3{--key:var(--v3)}.v4{--key:var(--v4)}.v5{--key:var(--v5)}
.stairs{stroke:var(--key)}.v1.stairs{stroke-dasharray:9 3}.v2.stairs{stroke-dasharray:4 3}.v3.stairs{stroke-dasharray:9 3 2 3}
.v4.stairs{stroke-dasharray:2 3}.v5.stairs{stroke-dasharray:14 4}
.even{fill:var(--key);stroke:var(--card);stroke-width:1.5}.swatch{fill:var(--key)}
.asked{stroke:var(--soft);stroke-dasharray:2 4}
)";

/// For an SVG file by itself.
inline constexpr std::string_view kCostFileStyle = R"(
:root{color-scheme:light dark;--card:#fff;--soft:#5b6676;--grid:#e8ebf0}
@media(prefers-color-scheme:dark){:root{--card:#1a2029;--soft:#9aa6b6;--grid:#262e39}}
svg{background:var(--card);font:11.5px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
text{fill:var(--soft)}.grid{stroke:var(--grid)}.axis{stroke:var(--soft)}
)";

inline constexpr std::string_view kCostPageStyle = R"(
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
