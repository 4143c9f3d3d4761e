#pragma once
// The look of the accuracy page: one column on a phone, light or dark as the reader's system is.
#include <string_view>

namespace burnish::cli {

inline constexpr std::string_view kAccuracyStyle = R"(
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#1b2330;--soft:#5b6676;--rule:#d9dee6;--grid:#e8ebf0;
--lowered:#2468c9;--raised:#c95a0c;--exact:#6b7686;--zeros:#8b3fb5;--edge:#1b2330;--outside:rgba(201,60,40,.13);
--good:#17693a;--bad:#a3261b;--warn:#fff6e0;--warn-rule:#e0b34c}
@media(prefers-color-scheme:dark){:root{--page:#12161c;--card:#1a2029;--ink:#e4e9f0;--soft:#9aa6b6;--rule:#313a47;
--grid:#262e39;--lowered:#6aa5f5;--raised:#f0944d;--exact:#8a95a5;--zeros:#c48be6;--edge:#e4e9f0;
--outside:rgba(240,110,90,.2);--good:#6fcf97;--bad:#ff8f80;--warn:#2b2413;--warn-rule:#8a6c24}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:940px;margin:0 auto;padding:20px 16px 48px}
h1{font-size:1.05rem;margin:0;color:var(--soft);font-weight:600;overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:36px 0 6px}
p{margin:6px 0;max-width:44rem}
.verdict{font-size:1.55rem;line-height:1.25;font-weight:650;margin:6px 0 8px;max-width:none}
.held{color:var(--good)}.lost{color:var(--bad)}
.soft{color:var(--soft);font-size:.9rem}
.scroll{overflow-x:auto;-webkit-overflow-scrolling:touch}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;margin-top:14px;background:var(--card);
border:1px solid var(--rule)}
th,td{padding:8px 12px;text-align:right;border-bottom:1px solid var(--rule);white-space:nowrap}
th{font-weight:600;color:var(--soft);font-size:.85rem}
th:first-child{text-align:left}
tbody th{color:var(--ink);font-size:1rem}
tr.chosen>*{font-weight:650}
.warnings{background:var(--warn);border:1px solid var(--warn-rule);padding:10px 14px 10px 32px;margin:8px 0}
.warnings li{overflow-wrap:anywhere;margin:4px 0}
.picture{width:fit-content;max-width:100%;background:var(--card);border:1px solid var(--rule);padding:10px;margin-top:10px}
svg{display:block;font:11.5px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
svg text{fill:var(--soft)}svg .power{font-size:8.5px}
svg.input{width:100%;height:auto;margin-top:auto;padding-top:8px}
@media(max-width:560px){th,td{padding:6px 7px;font-size:.82rem}th{white-space:normal}tbody th{font-size:.82rem}.verdict{font-size:1.3rem}}
.grid{stroke:var(--grid)}.axis{stroke:var(--soft)}.edge{stroke:var(--edge);stroke-width:1.3;stroke-dasharray:4 2}
rect.lowered,.bars{fill:var(--lowered)}.raised{fill:var(--raised)}.exact{fill:none;stroke:var(--exact)}
rect.zeros{fill:var(--zeros)}.outside{fill:var(--outside)}.catch{fill:transparent}
a:hover .catch,a:focus .catch{fill:var(--grid)}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:.85rem;color:var(--soft);margin:6px 0}
.legend span::before{content:"";display:inline-block;width:12px;height:12px;margin-right:6px;vertical-align:-1px;
background:var(--key)}
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
