"use strict";

// A table of connections: rows open, are filtered and sorted.
for (const box of document.querySelectorAll(".table-of-connections")) {
	const form = box.querySelector("form");
	const table = box.querySelector("table");
	const shown = box.querySelector(".shown");
	const recorded = shown.textContent;
	const rows = [...table.tBodies];
	const text = new Map(rows.map(r => [r, r.textContent.toLowerCase()]));

	const chosen = name => [...form.querySelectorAll(`input[name=${name}]:checked`)].map(i => i.value);

	function filter() {
		const words = form.querySelector("input[type=search]").value.toLowerCase().split(/\s+/);
		const classes = chosen("class"), symptoms = chosen("symptom");
		let n = 0;
		for (const r of rows) {
			const has = r.dataset.symptoms.split(" ");
			const fits = words.every(w => text.get(r).includes(w)) &&
				(!classes.length || classes.includes(r.dataset.class)) &&
				(!symptoms.length || symptoms.some(s => has.includes(s)));
			r.hidden = !fits;
			n += fits;
		}
		shown.textContent = n === rows.length ? recorded : `${n} of ${rows.length} recorded connections are shown.`;
	}

	function sort(th) {
		const down = th.getAttribute("aria-sort") === "ascending";
		const key = r => {
			const cell = r.rows[0].cells[th.cellIndex];
			return cell.dataset.key ?? cell.textContent;
		};
		const order = th.dataset.sort === "number" ?
			(a, b) => key(a) - key(b) :
			(a, b) => key(a).localeCompare(key(b), "en", {numeric: true});
		for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
		th.setAttribute("aria-sort", down ? "descending" : "ascending");
		rows.sort((a, b) => down ? order(b, a) : order(a, b));
		table.append(...rows);
	}

	function addOpener(r) {
		const [row, more] = r.rows;
		const button = document.createElement("button");
		button.type = "button";
		button.textContent = row.cells[0].textContent;
		button.setAttribute("aria-label", "trial " + row.cells[0].dataset.key + ": all that is known");
		const open = yes => {
			more.hidden = !yes;
			button.setAttribute("aria-expanded", yes);
		};
		button.addEventListener("click", () => open(more.hidden));
		row.cells[0].replaceChildren(button);
		open(false);
	}

	for (const th of table.tHead.rows[0].cells) {
		const label = document.createElement("span"); // on paper
		const button = document.createElement("button");
		button.type = "button";
		label.textContent = button.textContent = th.textContent;
		button.addEventListener("click", () => sort(th));
		th.replaceChildren(label, button);
	}
	rows.forEach(addOpener);
	form.addEventListener("input", filter);
	form.addEventListener("reset", () => setTimeout(filter));
	form.addEventListener("submit", e => e.preventDefault());
	form.hidden = false;
}

// On paper everything is open that opens, but for the rows of connections.
let closed = [];
addEventListener("beforeprint", () => {
	closed = [...document.querySelectorAll("details:not([open])")];
	for (const d of closed) d.open = true;
});
addEventListener("afterprint", () => {
	for (const d of closed) d.open = false;
});
