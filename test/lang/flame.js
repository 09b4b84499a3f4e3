// SPDX-License-Identifier: BSD-2-Clause
// flame.js FILE: the page of a flame graph, without a browser: as much of a document as its
// script uses, made from the file itself. Prints "ok"/"not ok" lines, and ends with 1 when
// one is not.
const fs = require('fs'), vm = require('vm');
const html = fs.readFileSync(process.argv[2], 'utf8'), compares = process.argv[3] === 'diff';
let bad = 0;
function check(what, good, seen) {
	console.log((good ? 'ok - ' : 'not ok - ') + what + (good ? '' : ': ' + seen));
	bad += !good;
}

// ---- well-formed: each tag closed, in order; no & that is no entity
const svg = html.slice(html.indexOf('<svg'), html.indexOf('</svg>') + 6), open = [];
let formed = !/&(?!(amp|lt|gt|quot);)/.test(svg);
for (const m of svg.matchAll(/<(\/?)([a-z]+)((?: [a-z0-9:-]+="[^"<]*")*)(\/?)>|<|>/gi)) {
	if (!m[2])
		formed = false;
	else if (m[1])
		formed = open.pop() === m[2] && formed;
	else if (!m[4])
		open.push(m[2]);
}
check('the drawing is well-formed', formed && !open.length, open.join());

// ---- a document
function element(attrs) {
	const e = { style: {}, dataset: {}, attrs, classes: new Set(), textContent: '' };
	e.classList = { toggle: (c, on) => on ? e.classes.add(c) : e.classes.delete(c) };
	e.setAttribute = (k, v) => { e.attrs[k] = String(v); };
	return e;
}
function attributes(text) {
	const a = {};
	for (const m of text.matchAll(/([a-z-]+)="([^"]*)"/g))
		a[m[1]] = m[2];
	return a;
}
const plain = s => s.replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&quot;/g, '"')
	.replace(/&amp;/g, '&');
const frames = [...svg.matchAll(
	/<g class="f"([^>]*)><title>([^<]*)<\/title><rect([^>]*)\/><text([^>]*)><\/text><\/g>/g)]
	.map(m => {
		const g = element(attributes(m[1]));
		const parts = { title: element({}), rect: element(attributes(m[3])),
			text: element(attributes(m[4])) };
		for (const k of ['x', 'w', 'd'])
			g.dataset[k] = g.attrs['data-' + k];
		parts.title.textContent = plain(m[2]);
		g.querySelector = s => parts[s];
		g.parts = parts;
		g.name = parts.title.textContent.replace(/ \([^(]*\)$/, '');
		return g;
	});
const ids = {}, keys = [];
let answer = null;
for (const id of ['info', 'found', 'back', 'search'])
	ids[id] = element({});
const world = {
	document: { querySelectorAll: () => frames, getElementById: id => ids[id] },
	addEventListener: (kind, fn) => keys.push(fn), prompt: () => answer,
};
vm.runInNewContext(html.match(/<script>\n([^]*)<\/script>/)[1], world);

const named = n => frames.find(g => g.name === n), width = g => +g.parts.rect.attrs.width;
const shown = g => g.style.display !== 'none';
check('it has frames', frames.length > 3 && frames[0].name === 'all', frames.length);
check('the whole is as wide as the page', Math.abs(width(frames[0]) - 1200) < 1,
	width(frames[0]));
check('children are no wider than what called them', frames.every(g => g === frames[0] ||
	frames.some(p => +p.dataset.d === g.dataset.d - 1 && +p.dataset.x <= +g.dataset.x + 1e-6 &&
		+p.dataset.x + +p.dataset.w >= +g.dataset.x + +g.dataset.w - 1e-6)), 'one is');

const main = named('main'), inner = named('deep<int>("a" & c)') || named('inner');
main.onclick();
check('a click makes a frame as wide as the page', Math.abs(width(main) - 1200) < 1, width(main));
check('what called it stays and is faint', frames[0].classes.has('off') && shown(frames[0]), '');
check('others go', !shown(named('other')), 'other');
check('there is a way back', ids.back.style.display !== 'none', '');
check('names are written where they fit', main.parts.text.textContent === 'main',
	main.parts.text.textContent);
ids.back.onclick();
check('back shows all', frames.every(shown) && ids.back.style.display === 'none', '');
main.onclick();
keys[0]({ key: 'Escape' });
check('so does Escape', frames.every(shown), '');
inner.onmouseover();
check('what the mouse is on is told', ids.info.textContent.startsWith(inner.name + ' ('),
	ids.info.textContent);
answer = '^(main|inner)$';
keys[0]({ key: 'f', ctrlKey: true, preventDefault() {} });
check('a search marks what fits', main.classes.has('hit') && !named('other').classes.has('hit'),
	'');
check('and says which part, each sample once', ids.found.textContent === 'matched: 60.0%',
	ids.found.textContent);
answer = '(';
ids.search.onclick();
check('what is no expression changes nothing', main.classes.has('hit'), '');
answer = '';
ids.search.onclick();
check('nothing to search for marks nothing', !frames.some(g => g.classes.has('hit')), '');

const fill = n => named(n).parts.rect.attrs.fill, hex = s => s.match(/../g).map(x => parseInt(x, 16));
if (compares) {
	const [r1, g1, b1] = hex(fill('inner').slice(1)), [r2, g2, b2] = hex(fill('other').slice(1));
	check('what became more is red', r1 === 255 && g1 === b1 && g1 < 240, fill('inner'));
	check('what became less is blue', b2 === 255 && r2 === g2 && r2 < 240, fill('other'));
	check('how much is told', /; [+-][0-9.]+%\)$/.test(named('inner').parts.title.textContent),
		named('inner').parts.title.textContent);
} else {
	const k = hex(fill('read_[k]').slice(1)), i = hex(fill('leaf_[i]').slice(1));
	check('the kernel is orange', k[0] >= 220 && k[1] < 180 && k[2] === 0x28, fill('read_[k]'));
	check('what was inlined is green', i[1] >= 190 && i[0] < 150, fill('leaf_[i]'));
	check('what has no name is grey', fill('0x1234') === '#c8c8c8', fill('0x1234'));
}
process.exit(bad ? 1 : 0);
