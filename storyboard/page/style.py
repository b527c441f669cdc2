"""How pages look: light and dark as the reader's system is, narrow and wide, on the screen and on paper."""

SHEET = """
:root { color-scheme: light dark; --paper: #f6f6f4; --card: #fff; --ink: #1b1d21; --faint: #62666d; --rule: #d9dad7;
  --name: #0b5cad; --good: #1a7f37; --bad: #b3261e; --warn: #8a5a00; --empty: #ececea; --ins: #d5f2dc; --del: #fbdcd9 }
@media (prefers-color-scheme: dark) {
  :root { --paper: #16181c; --card: #1e2126; --ink: #eeece6; --faint: #9a9ea6; --rule: #353a41; --name: #f4be5c;
    --good: #7ec88c; --bad: #f08a70; --warn: #e3b341; --empty: #272b31; --ins: #1f4a2b; --del: #5a2622 } }
* { box-sizing: border-box }
body { margin: 0 auto; padding: 1.5rem clamp(.75rem, 3vw, 2.5rem); max-width: 1500px; background: var(--paper);
  color: var(--ink); font: 15px/1.45 system-ui, "Segoe UI", Roboto, "Helvetica Neue", sans-serif }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere }
h2 { font-size: 1.05rem; margin: 1.6rem 0 .5rem }
h3 { font-size: 1.05rem; margin: 0; color: var(--name); overflow-wrap: anywhere }
p { margin: .3rem 0 }
a { color: var(--name) }
a:focus-visible, summary:focus-visible, video:focus-visible { outline: 3px solid var(--name); outline-offset: 2px }
.faint { color: var(--faint) }
.words { white-space: pre-wrap; overflow-wrap: anywhere; max-width: 95ch }
.skip { position: absolute; left: -999px }
.skip:focus { position: static }
.table { overflow-x: auto; max-width: 100%; min-width: 0 }
table { border-collapse: collapse }
th, td { text-align: left; vertical-align: top; padding: .22rem .9rem .22rem 0; border-top: 1px solid var(--rule) }
thead th { border-top: 0; color: var(--faint); font-weight: 500; font-size: .85rem }
tbody th { font-weight: 500 }
td.price, th.price { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
td.text { white-space: pre-wrap; overflow-wrap: anywhere; max-width: 60ch }
code { font: .85em/1.4 ui-monospace, "SF Mono", Menlo, Consolas, monospace }
ins { background: var(--ins); text-decoration: none; border-radius: 2px }
del { background: var(--del); text-decoration: line-through; text-decoration-thickness: 1px; border-radius: 2px }
.badges { display: inline-flex; flex-wrap: wrap; gap: .35rem; margin: 0; padding: 0; list-style: none }
.badge { font-size: .8rem; padding: .05rem .5rem; border-radius: 1rem; border: 1px solid currentColor;
  color: var(--faint) }
.badge.added { color: var(--good) } .badge.removed { color: var(--bad) } .badge.changed { color: var(--warn) }
.badge.moved, .badge.renamed, .badge.reviewed { color: var(--name) }
.good { color: var(--good) } .bad { color: var(--bad) } .warn { color: var(--warn) }
.index { display: flex; flex-wrap: wrap; gap: .3rem .8rem; padding: 0; margin: .4rem 0; list-style: none }
.card { background: var(--card); border: 1px solid var(--rule); border-radius: 8px; padding: .9rem 1.1rem;
  margin: .8rem 0; content-visibility: auto; contain-intrinsic-size: auto 520px }
.card:target { border-color: var(--name); box-shadow: 0 0 0 2px var(--name) }
.head { display: flex; flex-wrap: wrap; align-items: baseline; gap: .3rem .8rem }
.head .cost { margin-left: auto; font-weight: 600; font-variant-numeric: tabular-nums }
.sides { display: grid; grid-template-columns: 1fr 1fr; gap: .9rem; margin: .7rem 0 }
.side { margin: 0; min-width: 0 }
.side figcaption { font-size: .85rem; color: var(--faint); margin-bottom: .25rem; overflow-wrap: anywhere }
.frames { display: grid; grid-auto-flow: column; grid-auto-columns: minmax(0, 1fr); gap: 3px }
.frames img, .side video { display: block; width: 100%; height: auto; border-radius: 3px; background: var(--empty) }
.side video { margin-top: 3px; max-width: 20rem }
.frames img { max-width: 24rem }
.words, td.text, h1, h3, .strip li { unicode-bidi: plaintext }
.slate { display: grid; place-content: center; text-align: center; min-height: 6.5rem; padding: .6rem;
  border-radius: 3px; background: var(--empty); color: var(--faint) }
.tables { display: flex; flex-wrap: wrap; gap: .6rem 2.5rem; align-items: start; font-size: .92rem }
.strip { display: flex; flex-wrap: wrap; gap: .5rem; margin: .8rem 0; padding: 0; list-style: none;
  content-visibility: auto; contain-intrinsic-size: auto 90px }
.strip li { width: 96px; font-size: .72rem; color: var(--faint); overflow: hidden; text-overflow: ellipsis;
  white-space: nowrap }
.strip img, .strip .slate { display: block; width: 96px; height: auto; min-height: 0; border-radius: 2px; padding: 0;
  margin-bottom: .1rem }
.strip .slate { height: 54px; font-size: .7rem }
details { margin: .5rem 0 }
summary { cursor: pointer; color: var(--faint); font-size: .9rem }
footer { margin-top: 2rem; font-size: .85rem; color: var(--faint) }
@media (max-width: 760px) { .sides { grid-template-columns: 1fr } td, th { padding-right: .5rem } }
@media print {
  :root { --paper: #fff; --card: #fff; --ink: #000; --faint: #444; --rule: #bbb; --name: #0b3c73; --good: #14532d;
    --bad: #7f1d1d; --warn: #6b4400; --empty: #eee; --ins: #dff3e3; --del: #f8dedb }
  body { padding: 0; max-width: none; font-size: 9.5pt; print-color-adjust: exact; -webkit-print-color-adjust: exact }
  .card, .strip { content-visibility: visible; break-inside: avoid }
  video, .skip, .index { display: none }
}
"""
