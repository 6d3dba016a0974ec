/// The style sheet of the page: quiet, light or dark as the reader's system is, narrow or wide, and fit to print.
enum ReportStyle {
  static let sheet: Markup = colors + page + charts + rows + lists + print

  private static let light: Markup = """
    --paper:#fff;--ink:#1b1d20;--muted:#666b73;--faint:#7d828a;--rule:#e4e5e3;--wash:#f5f5f3;--good:#247a4b;\
    --bad:#b23b25;--alarm:#fbeae6;--mild:#fbf3df;--s0:#2563a8;--s1:#c2620e;--s2:#2b8060;--s3:#8b4aa5;--s4:#a3324f;\
    --s5:#6c7014
    """

  private static let dark: Markup = """
    --paper:#15171a;--ink:#e6e7e8;--muted:#a1a6ad;--faint:#868c93;--rule:#2d3136;--wash:#1d2024;--good:#69c295;\
    --bad:#f0886f;--alarm:#3a201b;--mild:#332b17;--s0:#79b0ea;--s1:#efa45c;--s2:#6cc7a3;--s3:#c997df;--s4:#ee8ba3;\
    --s5:#c3c862
    """

  private static let colors: Markup = """
    :root{color-scheme:light dark;\(light)}
    @media (prefers-color-scheme:dark){:root{\(dark)}}

    """

  private static let page: Markup = """
    *{box-sizing:border-box}
    body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.55 system-ui,-apple-system,"Segoe UI",Roboto,\
    "Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums;overflow-wrap:anywhere;\
    -webkit-text-size-adjust:100%}
    main{max-width:62rem;margin:0 auto;padding:2.5rem 1.5rem 3rem}
    a{color:var(--s0)}
    h1{font-size:1.5rem;line-height:1.25;font-weight:650;margin:0;letter-spacing:-.01em}
    header p{margin:.15rem 0 0;color:var(--muted)}
    section{margin-top:2.75rem;padding-top:1.25rem;border-top:1px solid var(--rule)}
    h2{font-size:1.1rem;font-weight:650;margin:0 0 .75rem}
    h2 small{font-weight:400;color:var(--muted);font-size:.9rem;margin-left:.35rem}
    h3{font-size:.95rem;font-weight:650;margin:1.25rem 0 .4rem}
    p{margin:.4rem 0;max-width:46rem}
    .note{color:var(--muted);font-size:.87rem}
    small{font-size:.8rem;color:var(--muted)}
    .verdict{margin-top:1.75rem}
    .figure{font-size:3.1rem;line-height:1.1;font-weight:650;letter-spacing:-.02em;margin:0}
    .figure span{font-size:1.05rem;font-weight:400;letter-spacing:0;color:var(--ink)}
    .sentence{color:var(--muted)}
    .judgement{font-weight:600}
    .doubtful .figure{color:var(--bad)}
    .alarm{background:var(--alarm);border-left:4px solid var(--bad);padding:.85rem 1.1rem;margin:0 0 1rem;\
    border-radius:0 4px 4px 0;max-width:50rem}
    .alarm.mild{background:var(--mild);border-color:var(--s1)}
    .alarm h3{margin:0 0 .2rem;font-size:1.05rem}
    .alarm:not(.mild) h3{color:var(--bad)}
    .alarm p{margin:0}
    .warnings{padding-left:1.1rem;margin:.5rem 0}
    .run{margin-top:4rem;padding-top:2rem;border-top:3px solid var(--ink)}
    footer{margin-top:3rem;padding-top:1rem;border-top:1px solid var(--rule);color:var(--faint);font-size:.8rem}
    .wide{overflow-x:auto;margin:.75rem 0}
    table{overflow-wrap:break-word}
    table.plain{border-collapse:collapse;font-size:.87rem;min-width:min(100%,32rem)}
    .plain th,.plain td{padding:.32rem .9rem .32rem 0;text-align:right;vertical-align:baseline;font-weight:400;\
    border-bottom:1px solid var(--rule)}
    .plain th:first-child{text-align:left}
    .plain thead th{color:var(--muted);font-size:.8rem}
    .plain td:last-child,.plain thead th:last-child{padding-right:0}
    .plain th small{display:block;max-width:34rem;font-weight:400}
    .plain td{white-space:nowrap}
    .plain .noted th,.plain .noted td{border-bottom:0}
    .plain .aside td{white-space:normal;text-align:left;padding-top:0;color:var(--muted);font-size:.8rem}
    .plain td.words{white-space:normal;min-width:6.5rem;text-align:left}
    .runs thead th:nth-child(5),.runs thead th:nth-child(7){text-align:left}
    .runs th,.runs td{vertical-align:top}
    .runs tbody th{min-width:6rem}
    .runs td:nth-child(2){white-space:normal;min-width:6.75rem}
    .runs td small{display:block}
    .runs .leak{color:var(--bad);font-weight:600}
    .runs .group th{padding-top:1.4rem;color:var(--muted);font-size:.8rem}
    .runs .published{color:var(--muted);font-style:italic}
    .plain .beats th,.plain .beats td{color:var(--bad);font-weight:600}

    """

  private static let charts: Markup = """
    figure{margin:0}
    figcaption{font-size:.87rem;font-weight:600;margin-bottom:.5rem;display:flex;flex-wrap:wrap;gap:.15rem 1rem}
    .legend{font-weight:400;color:var(--muted);display:inline-flex;flex-wrap:wrap;gap:.1rem .9rem;font-size:.8rem}
    .note .legend{display:flex;margin-top:.2rem}
    .key{display:inline-flex;align-items:center;gap:.35rem}
    .key::before{content:"";width:1.1rem;height:0;border-top:2px solid currentColor;flex:none}
    .key.dots::before{width:.5rem;height:.5rem;border:0;border-radius:50%;background:currentColor}
    .key.swatch::before{width:.7rem;height:.7rem;border:0;border-radius:2px;background:currentColor}
    .key.level::before{border-top:1px dashed var(--muted)}
    .key.checkpoint::before{width:0;height:.55rem;border:0;border-left:1px solid var(--muted)}
    .key.resume::before,.key.chance::before{width:0;height:.9rem;border:0;border-left:1px dashed var(--muted)}
    .key.resume::before{border-color:var(--s4)}
    .key.hollow::before{width:.6rem;height:.6rem;border:2px solid var(--muted);border-radius:50%}
    .key.c0::before,.key.right::before{color:var(--s0)}.key.c1::before{color:var(--s1)}
    .key.c2::before{color:var(--s2)}.key.c3::before{color:var(--s3)}.key.c4::before{color:var(--s4)}
    .key.c5::before{color:var(--s5)}.key.picked::before{color:var(--s1)}
    .chart{--h:9rem;min-width:0}.chart.tall{--h:17rem;margin-bottom:1.75rem}
    .small{display:grid;grid-template-columns:repeat(auto-fit,minmax(15rem,1fr));gap:1.5rem 2rem}
    .plot{position:relative;height:calc(var(--h) + 1.4rem);padding:0 .5rem 1.4rem 3.6rem;font-size:.74rem;\
    color:var(--muted)}
    .plot svg{display:block;width:100%;height:100%;overflow:visible}
    .plot .y{position:absolute;left:0;top:0;width:3.1rem;height:var(--h)}
    .plot .y span{position:absolute;right:0;transform:translateY(50%);line-height:1;white-space:nowrap}
    .plot .x{position:absolute;left:3.6rem;right:.5rem;bottom:0;height:1.1rem}
    .plot .x span{position:absolute;transform:translateX(-50%);line-height:1.1;white-space:nowrap}
    .plot path{fill:none;vector-effect:non-scaling-stroke;stroke-linejoin:round}
    .grid{stroke:var(--rule);stroke-width:1}
    .c0{--c:var(--s0)}.c1{--c:var(--s1)}.c2{--c:var(--s2)}.c3{--c:var(--s3)}.c4{--c:var(--s4)}.c5{--c:var(--s5)}
    .plot .line{stroke:var(--c);stroke-width:1.75}
    .plot .raw{stroke:var(--c);stroke-width:1;opacity:.28}
    .plot .dots{stroke:var(--c);stroke-width:7;stroke-linecap:round}
    .plot .whisker{stroke:var(--s0);stroke-width:1.5;opacity:.55}
    .plot .few{opacity:.5}
    .plot .level{stroke:var(--muted);stroke-width:1;stroke-dasharray:4 3}
    .plot .checkpoint{stroke:var(--muted);stroke-width:1}
    .plot .resume{stroke:var(--s4);stroke-width:1;stroke-dasharray:4 3}
    .small+.note{margin-top:1rem}.time{margin-top:1.5rem}
    .stack{display:flex;height:.8rem;border-radius:2px;overflow:hidden}
    .stack i{display:block;background:var(--c)}

    """

  private static let rows: Markup = """
    .intervals{margin:.75rem 0 .25rem;max-width:52rem}
    .row,.scale{display:grid;grid-template-columns:minmax(6rem,9rem) 1fr 17rem;gap:0 1.1rem;\
    align-items:center;font-size:.87rem}
    .row{min-height:1.75rem}
    .row .name{overflow-wrap:anywhere}
    .row.overall .name{font-weight:650}
    .row .track{position:relative;height:1.75rem;border-bottom:1px solid var(--rule)}
    .row .bar{position:absolute;top:50%;height:4px;margin-top:-2px;background:var(--c);opacity:.38;border-radius:2px}
    .row .dot{position:absolute;top:50%;width:10px;height:10px;margin:-5px 0 0 -5px;border-radius:50%;\
    background:var(--c)}
    .row .dot.hollow{background:none;border:2px solid var(--muted);width:14px;height:14px;margin:-7px 0 0 -7px}
    .row .chance{position:absolute;top:0;bottom:0;border-left:1px dashed var(--muted)}
    .row .figures{color:var(--muted);display:grid;grid-template-columns:4.4rem 7.4rem 4.5rem;gap:0 .3rem;\
    align-items:baseline;white-space:nowrap}
    .row .figures b{color:var(--ink);font-weight:600;text-align:right;padding-right:.4rem}
    .row .figures small{grid-column:1/-1}
    .row.few{color:var(--faint)}.row.few .dot,.row.few .bar{opacity:.35}
    .row.few .figures,.row.few .figures b,.row.few small{color:var(--faint);font-weight:400}
    .scale .track{position:relative;height:1.2rem;color:var(--muted);font-size:.74rem}
    .scale i{position:absolute;white-space:nowrap;transform:translateX(-50%);font-style:normal;top:.15rem}
    .types{margin-top:1rem}.types h3{margin:.9rem 0 0}
    .types .scale{display:none}

    """

  private static let lists: Markup = """
    .picks{display:grid;grid-template-columns:repeat(auto-fit,minmax(16rem,1fr));gap:2rem}
    .pairs{display:flex;gap:.4rem;height:11rem;border-bottom:1px solid var(--rule);margin-bottom:1.4rem;\
    padding-top:1.1rem}
    .pair{flex:1;position:relative;display:flex;max-width:4.5rem}
    .pair b{position:absolute;bottom:-1.5rem;width:100%;text-align:center;font-weight:600;font-size:.8rem}
    .bars{flex:1;display:flex;align-items:flex-end;justify-content:center;gap:2px}
    .bars i{flex:0 1 1.3rem;position:relative;border-radius:2px 2px 0 0;min-height:1px}
    .bars i.right{background:var(--s0)}.bars i.picked{background:var(--s1)}
    .bars small{position:absolute;top:-1.05rem;left:-.5rem;right:-.5rem;text-align:center;font-style:normal;\
    font-size:.68rem}
    .matrix table{border-collapse:separate;border-spacing:2px;font-size:.82rem}
    .matrix th{font-weight:600;color:var(--muted);padding:.1rem .4rem}
    .matrix tbody td{width:2.9rem;height:2.3rem;text-align:center;border-radius:3px;\
    background:color-mix(in srgb,var(--k) calc(var(--share)*.55),var(--wash))}
    .matrix .hit{--k:var(--s0)}.matrix .miss{--k:var(--s1)}
    .reliability{--h:13rem;max-width:20rem}
    .mistakes{columns:2 24rem;column-gap:2.5rem}
    article{break-inside:avoid;padding:.2rem 0 1.4rem}
    article h3{margin:0 0 .35rem;font-weight:600;line-height:1.4}
    .number{color:var(--faint);font-weight:400;margin-right:.5rem}
    .type{font-weight:400;font-size:.74rem;color:var(--muted);margin-left:.5rem;white-space:nowrap}
    ol{list-style:none;margin:0;padding:0;font-size:.87rem}
    li{display:flex;gap:.6rem;align-items:baseline;padding:.2rem .5rem;border-radius:3px;margin:2px 0;\
    background:linear-gradient(90deg,color-mix(in srgb,var(--k) 17%,transparent) var(--share),transparent 0)}
    ol bdi{flex:1;min-width:0}
    li.other{--k:var(--faint)}
    li.right{--k:var(--good);box-shadow:inset 2px 0 var(--good)}
    li.picked{--k:var(--bad);box-shadow:inset 2px 0 var(--bad)}
    .letter{color:var(--muted);flex:none}
    .mark{font-size:.74rem;font-weight:600;flex:none}
    .right .mark{color:var(--good)}.picked .mark{color:var(--bad)}
    .share{color:var(--muted);flex:none;min-width:3.3rem;text-align:right}
    .generated{font-size:.87rem;color:var(--muted)}
    .lists{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,24rem),1fr));gap:0 2.5rem}
    .lists h3{margin-top:.25rem}
    dl{margin:0;font-size:.85rem}
    dl div{display:grid;grid-template-columns:minmax(7rem,11rem) 1fr;gap:.1rem 1rem;padding:.22rem 0;\
    border-bottom:1px solid var(--rule)}
    dt{color:var(--muted)}dd{margin:0}

    """

  private static let print: Markup = """
    @media (max-width:40rem){
    main{padding:1.5rem 1rem 2rem}.figure{font-size:2.5rem}.figure span{display:block}
    .row{grid-template-columns:1fr auto;padding-top:.35rem}.row .track{grid-column:1/-1;grid-row:2;height:1.3rem}
    .row .figures{grid-template-columns:auto auto auto;gap:0 .7rem;font-size:.8rem}
    .scale{grid-template-columns:1fr}.scale span:first-child,.scale span:last-child{display:none}
    .scale i:first-child{transform:none}.scale i:last-child{transform:translateX(-100%)}
    .chart.tall{--h:13rem}.plot{padding-left:3rem}.plot .y{width:2.6rem}.plot .x{left:3rem}
    dl div{grid-template-columns:1fr}.reliability{max-width:none}
    }
    @media print{
    :root{color-scheme:light;\(light)}
    html{font-size:11px}.small,.picks{grid-template-columns:repeat(3,1fr)}.reliability{max-width:none}
    *{-webkit-print-color-adjust:exact;print-color-adjust:exact}
    body{font-size:11px}main{max-width:none;padding:0 .7rem}
    section{break-inside:auto;margin-top:1.5rem}figure,.alarm,.row{break-inside:avoid}h2,h3{break-after:avoid}
    .wide{overflow:visible}
    }

    """
}
