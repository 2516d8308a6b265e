"use strict";
// Hides what a filter leaves out: rows, columns and causes that stand in the page. Text goes in as text only.
(() => {
  const id = (name) => document.getElementById(name);
  const data = JSON.parse(id("data").textContent);
  const form = id("filter"), few = 3;
  const list = (selector) => [...document.querySelectorAll(selector)];
  const [groupRow, headRow] = list("#pairs thead tr");
  const heads = [...headRow.cells].slice(1).map((cell) => (
    { cell, grant: cell.dataset.grant, text: `${cell.title} ${cell.textContent}`.toLowerCase() }));
  const rows = list("#pairs tbody tr").map((row, number) => {
    const cells = [...row.cells];
    return { row, head: cells[0], cells: cells.slice(1), accounts: data.rows[number], statuses: cells.slice(1).map(statusOf) };
  });
  const causes = list("#causes tbody tr").map((row, number) => (
    { row, cell: row.cells[3], accounts: data.causes[number], text: row.cells[2].textContent.toLowerCase(),
      whole: row.textContent.toLowerCase() }));
  const texts = data.accounts.map((about) => about.join(" ").toLowerCase());
  const because = data.accounts.map(() => []);
  causes.forEach((cause) => cause.accounts.forEach((each) => because[each]?.push(cause.text)));

  for (const each of rows) each.cells.forEach((cell, number) => { cell.title = each.statuses[number] ?? ""; });

  // A sign belongs to one status: the legend says to which.
  function statusOf(cell) {
    const sign = cell.textContent.trim();
    statusOf.bySign ??= new Map(list("section[aria-labelledby=totals] tbody tr").map(
      (row) => [row.cells[0].textContent.trim(), row.cells[1].textContent]));
    return sign ? statusOf.bySign.get(sign) : "";
  }

  function show(place, accounts, all) {
    const key = accounts.length === all.length ? "all" : accounts.join();
    if ((place.dataset.shown ?? "all") === key) return;
    const lines = document.createDocumentFragment();
    accounts.forEach((each, number) => {
      if (number) lines.append(document.createElement("br"));
      lines.append(data.accounts[each].slice(0, 2).filter(Boolean).join(" "));
    });
    if (accounts.length > few) {
      const details = document.createElement("details"), summary = document.createElement("summary");
      summary.textContent = `${accounts.length.toLocaleString("en")} accounts`;
      details.append(summary, lines);
      place.replaceChildren(details);
    } else place.replaceChildren(lines);
    place.dataset.shown = key;
  }

  function wanted() {
    const text = id("text").value.trim().toLowerCase(), unit = id("unit")?.value ?? "";
    const inUnit = (each) => !unit || (data.accounts[each][2] ?? "").split("/").includes(unit);
    // What names a source and no account is about that source's column.
    const bySource = Boolean(text) && heads.some((head) => head.text.includes(text)) && !texts.some((each) => each.includes(text));
    const matches = (each) => (
      !text || bySource || texts[each].includes(text) || because[each].some((cause) => cause.includes(text)));
    const found = data.accounts.map((about, each) => inUnit(each) && matches(each));
    return { found, text, bySource, unit, status: id("status").value, grant: id("grant").value };
  }

  function filter() {
    const want = wanted(), shown = heads.map((head) => (
      (!want.grant || head.grant === want.grant) && (!want.bySource || head.text.includes(want.text))));
    let count = 0;
    heads.forEach((head, number) => { head.cell.hidden = !shown[number]; });
    for (const cell of [...groupRow.cells].slice(1)) {
      const width = heads.filter((head, number) => shown[number] && head.grant === cell.textContent).length;
      cell.hidden = !width;
      cell.colSpan = width || 1;
    }
    for (const each of rows) {
      const here = each.statuses.some((status, number) => (
        shown[number] && status && (!want.status || status === want.status)));
      const accounts = here ? each.accounts.filter((account) => want.found[account]) : [];
      each.row.hidden = !accounts.length;
      if (!accounts.length) continue;
      count += accounts.length;
      show(each.head, accounts, each.accounts);
      each.cells.forEach((cell, number) => { cell.hidden = !shown[number]; });
    }
    for (const each of causes) {
      const { status, grant } = each.row.dataset;
      const right = (!want.status || status === want.status) && (!want.grant || grant === want.grant);
      const text = !want.text || want.bySource || each.whole.includes(want.text);
      const accounts = right ? each.accounts.filter((account) => (
        account < 0 ? text && !want.unit : want.found[account])) : [];
      each.row.hidden = !accounts.length;
      if (accounts.length && accounts[0] >= 0) show(each.cell, accounts, each.accounts);
    }
    const total = data.accounts.length.toLocaleString("en");
    id("count").textContent = `${count.toLocaleString("en")} of ${total} accounts shown`;
  }

  form.addEventListener("input", filter);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => setTimeout(filter));
  form.hidden = false;
  filter();
})();
