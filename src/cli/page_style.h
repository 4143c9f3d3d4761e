#pragma once
// The look of all pages: one column on a phone, light or dark as the reader's system is.
#include <string_view>

namespace burnish::cli {

inline constexpr std::string_view kPageStyle = R"(
:root{color-scheme:light dark;--page:#f6f7f9;--card:#fff;--ink:#1b2330;--soft:#5b6676;--rule:#d9dee6;--grid:#e8ebf0;
--good:#17693a;--bad:#a3261b}
@media(prefers-color-scheme:dark){:root{--page:#12161c;--card:#1a2029;--ink:#e4e9f0;--soft:#9aa6b6;--rule:#313a47;
--grid:#262e39;--good:#6fcf97;--bad:#ff8f80}}
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
.picture{width:fit-content;max-width:100%;background:var(--card);border:1px solid var(--rule);padding:10px;margin-top:10px}
svg{display:block;font:11.5px system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
svg text{fill:var(--soft)}
@media(max-width:560px){th,td{padding:6px 7px;font-size:.82rem}th{white-space:normal}tbody th{font-size:.82rem}.verdict{font-size:1.3rem}}
.grid{stroke:var(--grid)}.axis{stroke:var(--soft)}
.legend{display:flex;flex-wrap:wrap;gap:4px 18px;font-size:.85rem;color:var(--soft);margin:6px 0}
.legend span::before{content:"";display:inline-block;width:12px;height:12px;margin-right:6px;vertical-align:-1px;
background:var(--key)}
)";

}  // namespace burnish::cli
