'use strict';
// Everything on this page is computed from the numbers below; nothing is requested.
const D = JSON.parse(document.getElementById('data').textContent);
const f = Math.fround;
const $ = id => document.getElementById(id);
const bytes = s => Uint8Array.from(atob(s), c => c.charCodeAt(0)).buffer;
const floats = s => new Float32Array(bytes(s));
const ints = s => new Int32Array(bytes(s));
const problems = [];
addEventListener('error', e => { problems.push(e.message); report(); });
addEventListener('securitypolicyviolation', e => { problems.push('request of ' + e.blockedURI); report(); });
function report() {
  document.documentElement.dataset.check = problems.length ? problems.join('; ') : 'ok';
}

// ---- the device's numbers ----
const P = { box: floats(D.proposals.boxes), own: ints(D.proposals.own), n: D.proposals.count };   // own: level, y, x, anchor, flags, roi
const R = { box: floats(D.rois.boxes), own: ints(D.rois.own), n: D.rois.count };                  // own: level, proposal
const B = { box: floats(D.classBoxes.boxes), own: ints(D.classBoxes.own), deltas: floats(D.classBoxes.deltas), n: D.classBoxes.count };
const cell = { own: ints(D.cells.own), deltas: floats(D.cells.deltas), logits: floats(D.cells.logits), n: D.cells.count };
const anchorCorners = floats(D.anchors.corners);
const shown = { rois: ints(D.shown.rois), features: floats(D.shown.features) };
const scored = { rois: ints(D.scores.rois), values: floats(D.scores.values) };
const maps = D.maps.map(m => ({ level: m.level, w: m.w, h: m.h, stride: m.stride, v: floats(m.values) }));
const colours = ['#4477aa', '#228833', '#ccbb44', '#ee6677', '#aa3377', '#66ccee', '#bbbbbb'];
const levelColour = l => colours[(l - D.finest) % colours.length];
const score = (a, i) => a.box[5 * i + 4];
const fixed = (x, n = 2) => Number(x).toFixed(n).replace(/^-(0(\.0*)?)$/, '$1');
const corners = (a, i) => [a.box[5 * i], a.box[5 * i + 1], a.box[5 * i + 2], a.box[5 * i + 3]];
const boxText = b => b.map(v => fixed(v, 1)).join(', ');

// ---- the same arithmetic as the kernels, in float32 ----
function iou(box, i, j) {
  i *= 5; j *= 5;
  const w = Math.max(0, f(Math.min(box[i + 2], box[j + 2]) - Math.max(box[i], box[j])));
  const h = Math.max(0, f(Math.min(box[i + 3], box[j + 3]) - Math.max(box[i + 1], box[j + 1])));
  const shared = f(w * h);
  const area = k => f(f(box[k + 2] - box[k]) * f(box[k + 3] - box[k + 1]));
  const joint = f(f(area(i) + area(j)) - shared);
  return joint > 0 ? f(shared / joint) : 0;
}
// Greedy NMS within each group; by[i] is the box that suppressed i, −1 for none.
function suppress(boxes, groups, threshold) {
  const by = new Int32Array(boxes.n).fill(-1), kept = [];
  const t = f(threshold);
  for (const group of groups) {
    const own = [];
    for (const i of group) {
      const j = own.find(k => iou(boxes.box, k, i) > t);
      if (j === undefined) own.push(i); else by[i] = j;
    }
    kept.push(...own);
  }
  return { by, kept };
}
const groupsOf = (boxes, indices, key) => {
  const groups = new Map();
  for (const i of indices) {
    const k = key(i);
    if (!groups.has(k)) groups.set(k, []);
    groups.get(k).push(i);
  }
  return [...groups.values()];
};
const best = (boxes, kept, most) => [...kept].sort((a, b) => score(boxes, b) - score(boxes, a) || a - b).slice(0, most);
const all = n => Array.from({ length: n }, (_, i) => i);
const pLevel = i => P.own[6 * i], pFlags = i => P.own[6 * i + 4];
const bRoi = i => B.own[3 * i], bClass = i => B.own[3 * i + 1], bFlags = i => B.own[3 * i + 2];

function proposals(nms, least) {
  const indices = all(P.n).filter(i => pFlags(i) & 1 && score(P, i) >= least);
  const { by, kept } = suppress(P, groupsOf(P, indices, pLevel), nms);
  return { indices, by, kept, rois: best(P, kept, D.rpn.most) };
}
function detections(nms, least) {
  const indices = all(B.n).filter(i => bFlags(i) & 1 && score(B, i) > least);
  const { by, kept } = suppress(B, groupsOf(B, indices, bClass), nms);
  return { indices, by, kept, objects: best(B, kept, D.box.most) };
}
function levelOf(box, k0, s0) {
  const side = Math.sqrt(Math.max(0, (box[2] - box[0]) * (box[3] - box[1])));
  const raw = k0 + Math.log2(side / s0) + D.roi.epsilon;
  return { side, raw, level: side > 0 ? Math.min(D.roi.coarsest, Math.max(D.roi.finest, Math.floor(raw))) : D.roi.finest };
}
function decode(a, d, weights) {
  const w = a[2] - a[0], h = a[3] - a[1], most = Math.log(1000 / 16);
  const cx = a[0] + w / 2 + d[0] / weights[0] * w, cy = a[1] + h / 2 + d[1] / weights[1] * h;
  const nw = w * Math.exp(Math.min(d[2] / weights[2], most)), nh = h * Math.exp(Math.min(d[3] / weights[3], most));
  return [cx - nw / 2, cy - nh / 2, cx + nw / 2, cy + nh / 2];
}
const clip = b => b.map((v, i) => Math.min(Math.max(v, 0), D.resized[i % 2]));
function anchorAt(level, y, x, a) {
  const l = level - D.finest, s = D.anchors.strides[l];
  return [0, 1, 2, 3].map(k => anchorCorners[(l * D.anchors.perCell + a) * 4 + k] + (k % 2 ? y * s[0] : x * s[1]));
}
// The samples of a bin of RoIAlign, and their mean.
function roiAlign(r, bin, sampling, aligned) {
  const map = maps.find(m => m.level === R.own[2 * r]), b = corners(R, r), scale = 1 / map.stride;
  const shift = aligned ? 0.5 : 0;
  let w = (b[2] - b[0]) * scale, h = (b[3] - b[1]) * scale;
  if (!aligned) { w = Math.max(w, 1); h = Math.max(h, 1); }
  const bw = w / D.roi.bins, bh = h / D.roi.bins;
  const rows = sampling > 0 ? sampling : Math.max(0, Math.ceil(bh)), columns = sampling > 0 ? sampling : Math.max(0, Math.ceil(bw));
  const y0 = b[1] * scale - shift, x0 = b[0] * scale - shift;
  const by = Math.floor(bin / D.roi.bins), bx = bin % D.roi.bins, samples = [];
  let sum = 0;
  for (let i = 0; i < rows * columns; i++) {
    const y = y0 + by * bh + (Math.floor(i / columns) + 0.5) * bh / rows, x = x0 + bx * bw + (i % columns + 0.5) * bw / columns;
    const sample = { y, x, value: 0, parts: [] };
    samples.push(sample);
    if (y < -1 || y > map.h || x < -1 || x > map.w) continue;
    const cy = Math.max(y, 0), cx = Math.max(x, 0);
    const yl = Math.min(Math.floor(cy), map.h - 1), xl = Math.min(Math.floor(cx), map.w - 1);
    const yh = Math.min(yl + 1, map.h - 1), xh = Math.min(xl + 1, map.w - 1);
    const my = yl === yh ? 0 : cy - yl, mx = xl === xh ? 0 : cx - xl;
    sample.parts = [[yl, xl, (1 - my) * (1 - mx)], [yl, xh, (1 - my) * mx], [yh, xl, my * (1 - mx)], [yh, xh, my * mx]]
      .map(([py, px, weight]) => ({ y: py, x: px, weight, v: map.v[py * map.w + px] }));
    sample.value = sample.parts.reduce((s, p) => s + p.weight * p.v, 0);
    sum += sample.value;
  }
  return { map, samples, mean: samples.length ? sum / samples.length : 0, grid: { y0, x0, bw, bh } };
}

// ---- the check: what this page computes is what the device computed ----
function check() {
  const same = (what, a, b) => { if (a.length !== b.length || a.some((v, i) => v !== b[i])) problems.push(what + ' differ from the device’s'); };
  const p = proposals(D.rpn.nms, D.rpn.score);
  same('the proposals that NMS keeps', p.kept.sort((a, b) => a - b), all(P.n).filter(i => pFlags(i) & 2));
  same('the regions of interest', p.rois.map((_, k) => k), p.rois.map(i => P.own[6 * i + 5]));
  const d = detections(D.box.nms, D.box.score);
  same('the boxes that NMS keeps', d.kept.sort((a, b) => a - b), all(B.n).filter(i => bFlags(i) & 2));
  same('the objects', d.objects.map(i => bClass(i)), D.objects.map(o => o.id));
  same('the objects’ scores', d.objects.map(i => score(B, i)), D.objects.map(o => f(o.score)));
  same('the RoI levels', all(R.n).map(r => levelOf(corners(R, r), D.roi.k0, D.roi.s0).level), all(R.n).map(r => R.own[2 * r]));
  let apart = 0;
  for (let k = 0; k < shown.rois.length; k++)
    for (let bin = 0; bin < D.roi.bins ** 2; bin++) {
      const device = shown.features[k * D.roi.bins ** 2 + bin];
      const mean = roiAlign(shown.rois[k], bin, D.roi.sampling, D.roi.aligned).mean;
      apart = Math.max(apart, Math.abs(mean - device) / Math.max(1, Math.abs(device)));
    }
  if (!(apart <= 1e-4)) problems.push('RoIAlign differs from the device’s by ' + apart);
  let moved = 0;
  const cells = new Map(all(cell.n).map(c => [cell.own.subarray(3 * c, 3 * c + 3).join(), c]));
  for (let i = 0; i < P.n; i++) {
    const [level, y, x, a] = P.own.subarray(6 * i, 6 * i + 4), c = cells.get([level, y, x].join());
    const at = 4 * (c * D.anchors.perCell + a);
    const box = clip(decode(anchorAt(level, y, x, a), cell.deltas.subarray(at, at + 4), [1, 1, 1, 1]));
    moved = Math.max(moved, ...box.map((v, k) => Math.abs(v - P.box[5 * i + k])));
  }
  if (!(moved <= 0.01)) problems.push('decoded anchors differ from the device’s by ' + moved + ' px');
  $('checked').textContent = problems.length ? 'This page differs from the device: ' + problems.join('; ') + '.'
    : `Checked as this page was opened: its own arithmetic gives the device’s ${p.kept.length} kept proposals, ${R.n} regions with their levels, `
      + `${D.objects.length} objects, ${shown.rois.length * D.roi.bins ** 2} bins of RoIAlign (to ${apart.toExponential(0)}) and ${P.n} decoded anchors (to ${moved.toExponential(0)} px).`;
}

// ---- drawing ----
const picture = $('picture'), views = [];
const zoom = Math.max(1, Math.round(640 / D.input[0]));
function view(id, draw, pick) {
  const canvas = $(id), context = canvas.getContext('2d');
  canvas.width = D.input[0] * zoom; canvas.height = D.input[1] * zoom;
  const redraw = () => {
    context.setTransform(zoom, 0, 0, zoom, 0, 0);
    context.clearRect(0, 0, ...D.input);
    if (picture.complete && picture.naturalWidth) context.drawImage(picture, 0, 0, ...D.input);
    draw(context);
  };
  if (pick) canvas.addEventListener('click', e => {
    const place = canvas.getBoundingClientRect();
    pick((e.clientX - place.left) * D.input[0] / place.width, (e.clientY - place.top) * D.input[1] / place.height);
  });
  views.push(redraw);
  return { canvas, redraw };
}
const shade = (c, alpha) => { c.fillStyle = `rgba(255,255,255,${alpha})`; c.fillRect(0, 0, ...D.input); };
function frame(c, b, colour, width = 1, dash = []) {
  c.lineWidth = width + 1; c.strokeStyle = 'rgba(0,0,0,.35)'; c.setLineDash(dash);
  c.strokeRect(b[0], b[1], b[2] - b[0], b[3] - b[1]);
  c.lineWidth = width; c.strokeStyle = colour;
  c.strokeRect(b[0], b[1], b[2] - b[0], b[3] - b[1]);
  c.setLineDash([]);
}
const inside = (b, x, y) => x >= b[0] && x <= b[2] && y >= b[1] && y <= b[3];
const smallest = (boxes, indices, x, y) => indices.filter(i => inside(corners(boxes, i), x, y))
  .sort((i, j) => area(corners(boxes, i)) - area(corners(boxes, j)))[0];
const area = b => (b[2] - b[0]) * (b[3] - b[1]);
function rows(table, lines) {
  const body = $(table).tBodies[0];
  body.replaceChildren(...lines.map(line => {
    const row = document.createElement('tr');
    const values = Array.isArray(line) ? line : line.cells;
    if (line.mark) row.className = line.mark;
    row.append(...values.map(v => Object.assign(document.createElement('td'), { textContent: v })));
    return row;
  }));
}
const option = (value, text) => Object.assign(document.createElement('option'), { value, textContent: text });
const live = (ids, act) => ids.forEach(id => $(id).addEventListener('input', act));
const number = id => Number($(id).value);
const show = (id, text) => { $(id).textContent = text; };

// 3: the channel
for (const radio of document.getElementsByName('channel'))
  radio.addEventListener('change', () => {
    for (const block of document.querySelectorAll('[data-channel]')) block.hidden = block.dataset.channel !== radio.value;
  });

// 6: anchors of a cell
let at = 0;
{
  const indices = l => all(cell.n).filter(c => cell.own[3 * c] === l);
  const levels = [...new Set(all(cell.n).map(c => cell.own[3 * c]))];
  $('anchor-level').append(...levels.map(l => option(l, 'P' + l)));
  const stride = () => D.anchors.strides[cell.own[3 * at] - D.finest];
  const centre = c => { const s = D.anchors.strides[cell.own[3 * c] - D.finest]; return [cell.own[3 * c + 2] * s[1], cell.own[3 * c + 1] * s[0]]; };
  const bestOf = c => Math.max(...all(D.anchors.perCell).map(a => cell.logits[c * D.anchors.perCell + a]));
  const v = view('anchor-canvas', c => {
    if (!cell.n) return;
    shade(c, 0.35);
    const [level, y, x] = cell.own.subarray(3 * at, 3 * at + 3);
    for (let a = 0; a < D.anchors.perCell; a++) {
      frame(c, anchorAt(level, y, x, a), colours[a % 7], 1, [4, 3]);
      frame(c, decoded(a), colours[a % 7], 2);
    }
    const [cx, cy] = centre(at);
    c.fillStyle = '#d00'; c.beginPath(); c.arc(cx, cy, 2.5, 0, 7); c.fill();
  }, (px, py) => {
    const distance = c => { const [x, y] = centre(c); return (x - px) ** 2 + (y - py) ** 2; };
    choose(indices(number('anchor-level')).reduce((a, b) => distance(b) < distance(a) ? b : a));
  });
  const deltasOf = a => cell.deltas.subarray(4 * (at * D.anchors.perCell + a), 4 * (at * D.anchors.perCell + a) + 4);
  const decoded = a => clip(decode(anchorAt(...cell.own.subarray(3 * at, 3 * at + 3), a), deltasOf(a), [1, 1, 1, 1]));
  function choose(c) {
    at = c;
    const [level, y, x] = cell.own.subarray(3 * at, 3 * at + 3);
    $('anchor-level').value = level;
    show('anchor-cell', `Cell (y ${y}, x ${x}) of P${level}, stride ${stride()[0]} px: centred on (${x * stride()[1]}, ${y * stride()[0]}) px of the input.`);
    rows('anchor-table', all(D.anchors.perCell).map(a => [
      D.anchors.names[level - D.finest][a], boxText(anchorAt(level, y, x, a)), [...deltasOf(a)].map(d => fixed(d)).join(', '), boxText(decoded(a)),
      fixed(1 / (1 + Math.exp(-cell.logits[at * D.anchors.perCell + a])), 4)]));
    v.redraw();
  }
  const first = l => choose(indices(l).reduce((a, b) => bestOf(b) > bestOf(a) ? b : a));
  if (cell.n) {
    live(['anchor-level'], () => first(number('anchor-level')));
    v.canvas.addEventListener('keydown', e => {
      const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[e.key];
      if (!step) return;
      e.preventDefault();
      const [level, y, x] = cell.own.subarray(3 * at, 3 * at + 3), axis = step[0] ? 1 : 2, sign = step[0] + step[1];
      const ahead = indices(level).filter(c => sign * (cell.own[3 * c + axis] - (axis === 1 ? y : x)) > 0);
      const far = c => Math.abs(cell.own[3 * c + 1] - y) * (axis === 1 ? 1 : 3) + Math.abs(cell.own[3 * c + 2] - x) * (axis === 2 ? 1 : 3);
      if (ahead.length) choose(ahead.reduce((a, b) => far(b) < far(a) ? b : a));
    });
    const largest = [...shown.rois].sort((r, s) => area(corners(R, s)) - area(corners(R, r)))[0], top = R.n ? R.own[2 * largest + 1] : 0, [level, y, x] = P.own.subarray(6 * top, 6 * top + 3);
    choose(all(cell.n).find(c => cell.own[3 * c] === level && cell.own[3 * c + 1] === y && cell.own[3 * c + 2] === x) ?? 0);
  }
}

// 7: proposals
{
  const levels = D.pyramid.map(l => l.level);
  $('proposal-level').append(option(0, 'all levels'), ...levels.map(l => option(l, 'P' + l)));
  let result, chosen = -1;
  const visible = () => {
    const l = number('proposal-level'), most = number('proposal-most');
    const list = best(P, $('proposal-dropped').checked ? result.indices : result.kept, P.n).filter(i => !l || pLevel(i) === l);
    return list.slice(0, most);
  };
  const v = view('proposal-canvas', c => {
    shade(c, 0.35);
    for (const i of visible().reverse()) frame(c, corners(P, i), result.by[i] < 0 ? levelColour(pLevel(i)) : '#999', 1, result.by[i] < 0 ? [] : [3, 3]);
    if (chosen >= 0) {
      const winner = result.by[chosen] < 0 ? chosen : result.by[chosen];
      for (const i of result.indices) if (result.by[i] === winner) frame(c, corners(P, i), '#999', 1, [3, 3]);
      frame(c, corners(P, winner), levelColour(pLevel(winner)), 3);
      if (winner !== chosen) frame(c, corners(P, chosen), '#d00', 2);
    }
  }, (x, y) => { chosen = smallest(P, visible(), x, y) ?? -1; tell(); });
  function tell() {
    if (chosen >= 0 && !result.indices.includes(chosen)) chosen = -1;
    if (chosen < 0) show('proposal-told', 'Click a box, or press the arrow keys on the picture, to see which boxes it suppressed, or which one suppressed it.');
    else if (result.by[chosen] >= 0) {
      const j = result.by[chosen];
      show('proposal-told', `The red box (objectness ${fixed(score(P, chosen), 4)}) was suppressed by the thick one (${fixed(score(P, j), 4)}): their IoU is ${fixed(iou(P.box, j, chosen), 3)}, more than ${fixed(number('rpn-nms'))}.`);
    } else {
      const n = result.indices.filter(i => result.by[i] === chosen).length;
      show('proposal-told', `The thick box of P${pLevel(chosen)} (objectness ${fixed(score(P, chosen), 4)}, [${boxText(corners(P, chosen))}]) was kept and suppressed ${n} others, which are dashed.`);
    }
    v.redraw();
  }
  function compute() {
    result = proposals(number('rpn-nms'), number('rpn-score'));
    show('rpn-nms-value', fixed(number('rpn-nms'))); show('rpn-score-value', fixed(number('rpn-score'))); show('proposal-most-value', number('proposal-most'));
    const line = (name, test) => [name, all(P.n).filter(test).length, result.indices.filter(test).length, result.kept.filter(test).length, result.rois.filter(test).length, all(P.n).filter(i => test(i) && P.own[6 * i + 5] >= 0).length];
    rows('proposal-table', [...levels.map(l => line('P' + l, i => pLevel(i) === l)), { cells: line('all', () => true), mark: 'total' }]);
    tell();
  }
  v.canvas.addEventListener('keydown', e => {
    const step = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 }[e.key], list = visible();
    if (!step || !list.length) return;
    e.preventDefault();
    chosen = list[(list.indexOf(chosen) + step + list.length) % list.length] ?? list[0];
    tell();
  });
  live(['rpn-nms', 'rpn-score', 'proposal-level', 'proposal-dropped', 'proposal-most'], compute);
  $('rpn-reset').addEventListener('click', () => { $('rpn-nms').value = D.rpn.nms; $('rpn-score').value = D.rpn.score; compute(); });
  $('rpn-nms').value = D.rpn.nms; $('rpn-score').value = D.rpn.score;
  compute();
}

// 8 and 9: one RoI
let roi = shown.rois.length ? shown.rois[0] : -1, bin = Math.floor(D.roi.bins ** 2 / 2);
const label = r => {
  const own = D.objects.find(o => o.roi === r);
  return `RoI ${r}` + (own ? `: ${own.label}` : '') + `, ${fixed(corners(R, r)[2] - corners(R, r)[0], 0)} × ${fixed(corners(R, r)[3] - corners(R, r)[1], 0)} px`;
};
const pickers = ['level-roi', 'align-roi'];
for (const id of pickers) {
  $(id).append(...[...shown.rois].map(r => option(r, label(r))));
  $(id).addEventListener('change', () => chooseRoi(number(id)));
}
const drawRois = k0s0 => c => {
  shade(c, 0.35);
  for (const r of [...shown.rois].reverse()) {
    const [k0, s0] = k0s0();
    frame(c, corners(R, r), levelColour(levelOf(corners(R, r), k0, s0).level), r === roi ? 3 : 1);
  }
};
const pickRoi = (x, y) => { const r = smallest(R, [...shown.rois], x, y); if (r !== undefined) chooseRoi(r); };
const levelView = view('level-canvas', drawRois(() => [number('k0'), number('s0')]), pickRoi);
function levelEquation() {
  if (roi < 0) return;
  const k0 = number('k0'), s0 = number('s0'), b = corners(R, roi), own = levelOf(b, k0, s0);
  show('k0-value', k0); show('s0-value', s0);
  const w = b[2] - b[0], h = b[3] - b[1];
  show('level-filled', `⌊${k0} + log₂(√(${fixed(w, 1)} · ${fixed(h, 1)}) / ${s0})⌋ = ⌊${k0} + log₂(${fixed(own.side / s0, 3)})⌋ = ⌊${fixed(own.raw, 3)}⌋ = ${Math.floor(own.raw)}`
    + (own.level === Math.floor(own.raw) ? '' : `, clamped to ${own.level}`) + `: read from P${own.level}` + (own.level === R.own[2 * roi] ? ', as the device did.' : `; the device, with k₀ = ${D.roi.k0} and s₀ = ${D.roi.s0}, read P${R.own[2 * roi]}.`));
  rows('level-table', all(D.roi.coarsest - D.roi.finest + 1).map(i => i + D.roi.finest).map(l => [
    'P' + l, all(R.n).filter(r => levelOf(corners(R, r), k0, s0).level === l).length, all(R.n).filter(r => R.own[2 * r] === l).length]));
  levelView.redraw();
}
live(['k0', 's0'], levelEquation);
$('k0').value = D.roi.k0; $('s0').value = D.roi.s0;

const alignCanvas = $('align-canvas'), alignContext = alignCanvas.getContext('2d');
let window9;
function align() {
  if (roi < 0) return;
  const sampling = number('sampling'), aligned = $('aligned').checked, own = roiAlign(roi, bin, sampling, aligned), { map, grid } = own;
  show('sampling-value', sampling || 'adaptive');
  const margin = 2, bins = D.roi.bins;
  const x0 = Math.max(0, Math.floor(grid.x0) - margin), y0 = Math.max(0, Math.floor(grid.y0) - margin);
  const x1 = Math.min(map.w, Math.ceil(grid.x0 + grid.bw * bins) + margin + 1), y1 = Math.min(map.h, Math.ceil(grid.y0 + grid.bh * bins) + margin + 1);
  const s = Math.min(48, 640 / Math.max(x1 - x0, y1 - y0)), c = alignContext;
  alignCanvas.width = (x1 - x0) * s; alignCanvas.height = (y1 - y0) * s;
  const most = map.v.reduce((m, v) => Math.max(m, Math.abs(v)), 1e-9);
  for (let y = y0; y < y1; y++) for (let x = x0; x < x1; x++) {
    const v = map.v[y * map.w + x] / most, other = Math.round(245 * (1 - Math.abs(v)));
    c.fillStyle = v < 0 ? `rgb(${other},${Math.round(other * 0.6 + 98)},245)` : `rgb(245,${Math.round(other * 0.7 + 60)},${other})`;
    c.fillRect((x - x0) * s, (y - y0) * s, s + 1, s + 1);
  }
  // The value of a pixel is at its index: in the middle of its square.
  const px = x => (x - x0 + 0.5) * s, py = y => (y - y0 + 0.5) * s;
  c.strokeStyle = '#000'; c.lineWidth = 1;
  for (let i = 0; i <= bins; i++) {
    c.beginPath();
    c.moveTo(px(grid.x0 + i * grid.bw), py(grid.y0)); c.lineTo(px(grid.x0 + i * grid.bw), py(grid.y0 + bins * grid.bh));
    c.moveTo(px(grid.x0), py(grid.y0 + i * grid.bh)); c.lineTo(px(grid.x0 + bins * grid.bw), py(grid.y0 + i * grid.bh));
    c.stroke();
  }
  for (let i = 0; i < bins * bins; i++) {
    c.fillStyle = i === bin ? '#d00' : '#000';
    for (const p of roiAlign(roi, i, sampling, aligned).samples) { c.beginPath(); c.arc(px(p.x), py(p.y), i === bin ? 4 : 2, 0, 7); c.fill(); }
  }
  const by = Math.floor(bin / bins), bx = bin % bins;
  c.strokeStyle = '#d00'; c.lineWidth = 3;
  c.strokeRect(px(grid.x0 + bx * grid.bw), py(grid.y0 + by * grid.bh), grid.bw * s, grid.bh * s);
  window9 = (x, y) => [Math.floor((x / s + x0 - 0.5 - grid.x0) / grid.bw), Math.floor((y / s + y0 - 0.5 - grid.y0) / grid.bh)];
  rows('align-table', own.samples.slice(0, 16).map(p => [fixed(p.y, 3), fixed(p.x, 3),
    p.parts.length ? p.parts.map(q => `${fixed(q.weight, 3)} · ${fixed(q.v, 3)}`).join(' + ') : 'outside', fixed(p.value, 4)]));
  const k = [...shown.rois].indexOf(roi), device = shown.features[k * bins * bins + bin], usual = sampling === D.roi.sampling && aligned === D.roi.aligned;
  show('align-mean', `Bin (row ${by}, column ${bx}) of RoI ${roi} on P${map.level}, channel ${D.channel}: the mean of its ${own.samples.length} samples`
    + (own.samples.length > 16 ? ' (the first 16 are listed)' : '') + ` is ${fixed(own.mean, 5)}. The device computed ${fixed(device, 5)}`
    + (usual ? '.' : ` with ${D.roi.sampling || 'adaptive'} samples a side, ${D.roi.aligned ? '' : 'not '}aligned.`));
}
alignCanvas.addEventListener('click', e => {
  const place = alignCanvas.getBoundingClientRect(), k = alignCanvas.width / place.width;
  const [x, y] = window9((e.clientX - place.left) * k, (e.clientY - place.top) * k);
  if (x >= 0 && y >= 0 && x < D.roi.bins && y < D.roi.bins) { bin = y * D.roi.bins + x; align(); }
});
alignCanvas.addEventListener('keydown', e => {
  const n = D.roi.bins, step = { ArrowLeft: n * n - 1, ArrowRight: 1, ArrowUp: n * n - n, ArrowDown: n }[e.key];
  if (!step) return;
  e.preventDefault();
  bin = (bin + step) % (n * n);
  align();
});
live(['sampling', 'aligned'], align);
$('sampling').value = D.roi.sampling; $('aligned').checked = D.roi.aligned;
function chooseRoi(r) {
  roi = r;
  for (const id of pickers) $(id).value = r;
  levelEquation();
  align();
}

// 10: classes
{
  let result, chosen = -1;
  const v = view('found-canvas', c => {
    shade(c, 0.15);
    for (const i of [...result.objects].reverse()) frame(c, corners(B, i), colours[bClass(i) % 7], i === chosen ? 3 : 1.5);
    if (chosen >= 0) frame(c, corners(R, bRoi(chosen)), '#fff', 1.5, [4, 3]);
    c.font = `${Math.max(8, Math.round(D.input[0] / 36))}px sans-serif`;
    const line = Math.max(8, Math.round(D.input[0] / 36)) + 2;
    for (const i of result.objects.slice(0, 30)) {
      const b = corners(B, i), text = `${D.classes[bClass(i)]} ${fixed(score(B, i))}`, w = c.measureText(text).width + 4, y = Math.max(0, b[1] - line);
      const x = Math.max(0, Math.min(b[0], D.input[0] - w));
      c.fillStyle = 'rgba(0,0,0,.75)'; c.fillRect(x, y, w, line);
      c.fillStyle = '#fff'; c.fillText(text, x + 2, y + line - 3);
    }
  }, (x, y) => { const i = smallest(B, result.objects, x, y); if (i !== undefined) choose(i); });
  function choose(i) {
    chosen = i;
    $('found-list').value = i;
    const r = bRoi(i), n = D.classes.length, k = scored.rois.indexOf(r), d = B.deltas.subarray(4 * i, 4 * i + 4);
    const scores = all(n).map(c => [scored.values[k * n + c], c]).sort((a, b) => b[0] - a[0]).slice(0, 8);
    const bars = scores.map(([s, c]) => {
      const row = document.createElement('div'), name = document.createElement('span'), meter = document.createElement('meter'), value = document.createElement('span');
      row.className = 'bar'; name.textContent = D.classes[c]; meter.value = s; value.textContent = fixed(s, 4);
      meter.setAttribute('aria-label', D.classes[c]);
      row.append(name, meter, value);
      return row;
    });
    $('found-scores').replaceChildren(...bars);
    show('found-told', `RoI ${r} [${boxText(corners(R, r))}], dashed, with the deltas of ${D.classes[bClass(i)]} [${[...d].map(x => fixed(x)).join(', ')}] divided by [${D.box.weights.join(', ')}], becomes [${boxText(corners(B, i))}] px of the input.`);
    v.redraw();
  }
  function compute() {
    result = detections(number('box-nms'), number('box-score'));
    show('box-nms-value', fixed(number('box-nms'))); show('box-score-value', fixed(number('box-score')));
    show('found-count', `${result.indices.length} boxes have a score above ${fixed(number('box-score'))}; NMS within each class keeps ${result.kept.length}; the best ${result.objects.length} are the objects.`);
    $('found-list').replaceChildren(...result.objects.map(i => option(i, `${D.classes[bClass(i)]} ${fixed(score(B, i))}`)));
    if (result.objects.length) choose(result.objects.includes(chosen) ? chosen : result.objects[0]);
    else { chosen = -1; $('found-scores').replaceChildren(); show('found-told', 'Nothing is found at this threshold.'); v.redraw(); }
  }
  $('box-score').min = D.box.score;
  live(['box-nms', 'box-score'], compute);
  $('found-list').addEventListener('change', () => choose(number('found-list')));
  $('box-reset').addEventListener('click', () => { $('box-nms').value = D.box.nms; $('box-score').value = D.box.shown; compute(); });
  $('box-nms').value = D.box.nms; $('box-score').value = D.box.shown;
  compute();
}
if (roi >= 0) chooseRoi(roi);
picture.addEventListener('load', () => views.forEach(redraw => redraw()));
views.forEach(redraw => redraw());
check();
report();
