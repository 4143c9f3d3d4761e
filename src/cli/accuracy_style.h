#pragma once
// What the accuracy page adds to the look of all pages (page_style.h).
#include <string_view>

namespace burnish::cli {

inline constexpr std::string_view kAccuracyStyle = R"(
:root{--lowered:#2468c9;--raised:#c95a0c;--exact:#6b7686;--zeros:#8b3fb5;--edge:#1b2330;--outside:rgba(201,60,40,.13);
--warn:#fff6e0;--warn-rule:#e0b34c}
@media(prefers-color-scheme:dark){:root{--lowered:#6aa5f5;--raised:#f0944d;--exact:#8a95a5;--zeros:#c48be6;--edge:#e4e9f0;
--outside:rgba(240,110,90,.2);--warn:#2b2413;--warn-rule:#8a6c24}}
.warnings{background:var(--warn);border:1px solid var(--warn-rule);padding:10px 14px 10px 32px;margin:8px 0}
.warnings li{overflow-wrap:anywhere;margin:4px 0}
svg .power{font-size:8.5px}
svg.input{width:100%;height:auto;margin-top:auto;padding-top:8px}
.edge{stroke:var(--edge);stroke-width:1.3;stroke-dasharray:4 2}
rect.lowered,.bars{fill:var(--lowered)}.raised{fill:var(--raised)}.exact{fill:none;stroke:var(--exact)}
rect.zeros{fill:var(--zeros)}.outside{fill:var(--outside)}.catch{fill:transparent}
a:hover .catch,a:focus .catch{fill:var(--grid)}
.legend .outside::before{border-left:1.5px dashed var(--edge)}
.legend .bare::before{background:none;border:1px solid var(--key)}
.cards{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,285px),1fr));gap:12px;margin-top:12px}
.card{background:var(--card);border:1px solid var(--rule);border-top:3px solid var(--lowered);padding:10px 12px;
min-width:0;display:flex;flex-direction:column;scroll-margin-top:12px}
.card.up{border-top-color:var(--raised)}
.card:target{outline:2px solid var(--ink)}
.card h3{font-size:.88rem;line-height:1.35;margin:0 0 6px;overflow-wrap:anywhere;font-weight:600}
.card dl{display:grid;grid-template-columns:auto 1fr;gap:1px 12px;margin:0;font-size:.85rem}
dt{color:var(--soft)}dd{margin:0;text-align:right;font-variant-numeric:tabular-nums;overflow-wrap:anywhere}
.why{color:var(--raised);font-size:.85rem;margin:0 0 4px}
)";

}  // namespace burnish::cli
