#pragma once
// The look of the live page: one column on a phone, light or dark as the reader's system is.
#include <string_view>

namespace burnish::server::http {

inline constexpr std::string_view kLivePageStyle = R"css(
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#1b2330;--soft:#5b6676;--rule:#d9dee6;--grid:#e8ebf0;
--good:#17693a;--bad:#a3261b;--rate:#2468c9;--late:#c95a0c}
@media(prefers-color-scheme:dark){:root{--page:#12161c;--card:#1a2029;--ink:#e4e9f0;--soft:#9aa6b6;--rule:#313a47;
--grid:#262e39;--good:#6fcf97;--bad:#ff8f80;--rate:#6aa5f5;--late:#f0944d}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.45 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1100px;margin:0 auto;padding:16px 16px 48px}
header{display:flex;flex-wrap:wrap;align-items:baseline;gap:4px 14px}
h1{font-size:1.3rem;margin:0}
h2{font-size:1.1rem;margin:0;overflow-wrap:anywhere}
h3{font-size:.85rem;margin:14px 0 4px;color:var(--soft);font-weight:600}
.soft{color:var(--soft);font-size:.88rem}
.good{color:var(--good)}.bad{color:var(--bad)}
.note{border:1px solid var(--rule);border-left:4px solid var(--late);background:var(--card);padding:8px 12px;margin:12px 0;
overflow-wrap:anywhere}
.note.bad{border-left-color:var(--bad)}
[hidden]{display:none!important}
.figures{display:grid;grid-template-columns:repeat(auto-fit,minmax(118px,1fr));gap:8px;margin:12px 0}
.figure{background:var(--card);border:1px solid var(--rule);padding:8px 10px;min-width:0}
.figure b{display:block;font-size:1.35rem;font-weight:650;line-height:1.2;font-variant-numeric:tabular-nums}
.figure span{color:var(--soft);font-size:.8rem}
.model{background:var(--card);border:1px solid var(--rule);padding:14px;margin:14px 0}
.model .figure{border:0;padding:0;background:none}
.columns{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,300px),1fr));gap:0 24px}
.columns>*{min-width:0}
svg{display:block;width:100%;height:64px;background:var(--page);border-bottom:1px solid var(--rule)}
polyline{fill:none;stroke:var(--rate);stroke-width:2;vector-effect:non-scaling-stroke;stroke-linejoin:round}
.late polyline{stroke:var(--late)}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:.9rem}
th,td{padding:4px 6px;text-align:right;border-bottom:1px solid var(--grid)}
th{font-weight:600;color:var(--soft);font-size:.82rem}
th:first-child{text-align:left}
.bar{display:grid;grid-template-columns:minmax(3rem,auto) 1fr 3.6rem;gap:8px;align-items:center;font-size:.85rem;margin:3px 0;
font-variant-numeric:tabular-nums}
.bar i{display:block;height:10px;background:var(--grid)}
.bar i>i{background:var(--rate);width:0}
.bar span:last-child{text-align:right}
.bar span:first-child{overflow-wrap:anywhere}
ul{padding-left:1.2rem;margin:6px 0}li{margin:3px 0;overflow-wrap:anywhere}
form{display:flex;flex-wrap:wrap;gap:8px;margin:12px 0}
input,button{font:inherit;padding:6px 10px;border:1px solid var(--rule);background:var(--card);color:var(--ink);max-width:100%}
@media(max-width:480px){main{padding:12px 10px 32px}.figures{grid-template-columns:repeat(auto-fit,minmax(96px,1fr))}
.figure b{font-size:1.15rem}}
)css";

}  // namespace burnish::server::http
