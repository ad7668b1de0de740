"""The look and the behaviour of the page: style sheet and script, without anything from elsewhere."""

STYLE = """
:root{--ink:#1f2933;--quiet:#5c6873;--line:#d9dfe5;--paper:#fff;--band:#f5f7f9;--accent:#1d4e89;
--error:#b42318;--error-band:#fdecea;--warning:#8a5a00;--warning-band:#fff4da;--info:#1d4e89;--info-band:#e8f1fb;
--clean:#1e7b4f;--clean-band:#e6f5ed}
@media(prefers-color-scheme:dark){:root{--ink:#e6eaee;--quiet:#9aa7b4;--line:#36404a;--paper:#14191e;--band:#1c2329;
--accent:#7db3f0;--error:#ff8f85;--error-band:#3a1a18;--warning:#f2c063;--warning-band:#37290d;--info:#8fbef5;
--info-band:#17293d;--clean:#6fd3a2;--clean-band:#12301f}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
main{max-width:1180px;margin:0 auto;padding:32px 24px 80px}
h1{font-size:26px;margin:0 0 4px;overflow-wrap:anywhere}
h2{font-size:18px;margin:40px 0 12px}
p{margin:0 0 8px}.quiet,figcaption{color:var(--quiet)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:12px;margin:20px 0}
.tile{background:var(--band);border-radius:10px;padding:12px 16px}
.tile b{display:block;font-size:24px;line-height:1.2}
.tile.error{background:var(--error-band);color:var(--error)}.tile.warning{background:var(--warning-band);color:var(--warning)}
.tile.info{background:var(--info-band);color:var(--info)}.tile.clean{background:var(--clean-band);color:var(--clean)}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(420px,100%),1fr));gap:20px}
figure{margin:0;border:1px solid var(--line);border-radius:10px;padding:14px 16px}
figcaption{font-weight:600;margin-bottom:6px}
svg{width:100%;height:auto;display:block}svg text{fill:var(--ink);font-size:12px}svg text.quiet{fill:var(--quiet)}
.mark{fill:var(--accent)}.soft{fill-opacity:.6}.axis{fill:none;stroke:var(--line)}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:10px}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:7px 12px;border-bottom:1px solid var(--line);
vertical-align:top}tr:last-child td{border-bottom:0}th{background:var(--band);position:sticky;top:0;font-size:13px;white-space:nowrap}
th button{all:unset;cursor:pointer;font-weight:600}th button:focus-visible{outline:2px solid var(--accent)}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums}td.place{overflow-wrap:anywhere;min-width:160px}
td.message{min-width:260px}
.badge{display:inline-block;border-radius:6px;padding:0 8px;font-weight:600;font-size:13px;white-space:nowrap}
.badge.error,.badge.crashed{background:var(--error-band);color:var(--error)}
.badge.warning{background:var(--warning-band);color:var(--warning)}.badge.info{background:var(--info-band);color:var(--info)}
.badge.clean{background:var(--clean-band);color:var(--clean)}.badge.skipped{background:var(--band);color:var(--quiet)}
.bar{display:inline-block;height:10px;border-radius:3px;background:var(--accent);min-width:1px;vertical-align:middle}
.filters{display:flex;flex-wrap:wrap;gap:10px;margin:0 0 12px}
input,select{font:inherit;color:inherit;background:var(--paper);border:1px solid var(--line);border-radius:8px;padding:6px 10px}
input{flex:1 1 220px}
code{font:13px ui-monospace,SFMono-Regular,Menlo,monospace;background:var(--band);padding:1px 5px;border-radius:5px}
@media print{.filters{display:none}.scroll{overflow:visible;border:0}main{padding:0}figure,tr{break-inside:avoid}}
"""

SCRIPT = """
(()=>{const body=document.getElementById('rows');if(!body)return;
const all=JSON.parse(document.getElementById('findings').textContent),page=200;let rows=all,shown=0,order=null,up=1;
const search=document.getElementById('search'),severity=document.getElementById('severity'),code=document.getElementById('code'),
count=document.getElementById('count'),more=document.getElementById('more');
const cell=(tr,text,cls)=>{const td=document.createElement('td');td.textContent=text??'';if(cls)td.className=cls;tr.append(td);return td};
const add=()=>{const f=document.createDocumentFragment();for(const r of rows.slice(shown,shown+page)){const tr=document.createElement('tr');
const b=document.createElement('span');b.className='badge '+r[0];b.textContent=r[0];const td=document.createElement('td');td.append(b);
tr.append(td);cell(tr,r[1]);cell(tr,r[2],'message');cell(tr,r[3],'place');cell(tr,r[4]);cell(tr,r[5]);f.append(tr)}
body.append(f);shown=Math.min(shown+page,rows.length);more.hidden=shown>=rows.length;
count.textContent=rows.length.toLocaleString('en')+' findings'+(rows.length>shown?', '+shown+' shown':'')};
const apply=()=>{const q=search.value.toLowerCase(),s=severity.value,c=code.value;
rows=all.filter(r=>(!s||r[0]===s)&&(!c||r[1]===c)&&(!q||r.some(v=>v!=null&&String(v).toLowerCase().includes(q))));
if(order!==null)rows=[...rows].sort((a,b)=>up*String(a[order]??'').localeCompare(String(b[order]??''),'en',{numeric:true}));
body.replaceChildren();shown=0;add()};
for(const e of [search,severity,code])e.addEventListener('input',apply);more.addEventListener('click',add);
document.querySelectorAll('[data-column]').forEach(b=>b.addEventListener('click',()=>{const k=+b.dataset.column;
up=order===k?-up:1;order=k;apply()}));apply()})();
"""
