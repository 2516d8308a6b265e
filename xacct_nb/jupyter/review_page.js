"use strict";
// Takes the decisions, and saves them as a YAML file whose texts are JSON strings. Nothing is sent anywhere.
(() => {
  const id = (name) => document.getElementById(name);
  const data = JSON.parse(id("data").textContent), form = id("answers");
  const fields = (name) => [...form.querySelectorAll(`[name="${name}"]`)];
  // YAML allows fewer characters than JSON: the rest of them are written as \u and four digits.
  const text = (value) => JSON.stringify(value).replace(/[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/g, (each) => (
    `\\u${each.charCodeAt(0).toString(16).padStart(4, "0")}`));
  let saved = true;

  const decision = (number) => fields(`d${number}`).find((each) => each.checked)?.value ?? "";
  const ticked = (number) => fields(`p${number}`).filter((each) => each.checked).map((each) => (
    data.items[number].parts[Number(each.value)]));
  const allGo = (number, isSource) => {
    const some = data.items[number].parts.filter((each) => each.isSource === isSource), goes = ticked(number);
    return some.length > 0 && some.every((each) => goes.includes(each) && !each.stays);
  };
  const fieldset = (number) => id(`i${number}`).querySelector("fieldset");

  function answer(number) {
    const chosen = decision(number), date = fields(`e${number}`)[0];
    return {
      decision: chosen,
      expires: chosen === "keep" ? date?.value ?? "" : "",
      drop: chosen === "narrow" ? ticked(number).map((each) => each.key) : [],
      comment: fields(`c${number}`)[0].value,
    };
  }

  function yaml() {
    const lines = Object.entries(data.head).map(([name, value]) => `${name}: ${text(value)}`);
    lines.push("answers:");
    data.items.forEach((item, number) => {
      lines.push(`  ${text(item.key)}:`);
      for (const [name, value] of Object.entries(answer(number))) {
        lines.push(`    ${name}: ${Array.isArray(value) ? `[${value.map(text).join(", ")}]` : text(value)}`);
      }
    });
    return `${lines.join("\n")}\n`;
  }

  function problem(number) {
    const chosen = decision(number), date = fields(`e${number}`)[0];
    if (!chosen) return "has no decision yet";
    if (chosen === "narrow" && !ticked(number).length) return "is to be narrowed: tick what goes";
    if (chosen === "narrow" && (allGo(number, true) || allGo(number, false))) return "loses everything: end it, or let something stay";
    if (chosen === "keep" && date && !date.validity.valid) return "has an end date that is not earlier than its own";
    return "";
  }

  function show() {
    let count = 0;
    data.items.forEach((item, number) => {
      const place = fieldset(number);
      place.dataset.decision = decision(number);
      count += decision(number) ? 1 : 0;
      if (!problem(number)) place.classList.remove("open");
    });
    id("count").textContent = `${count} of ${data.items.length} decided`;
  }

  function save(event) {
    event.preventDefault();
    const open = data.items.map((item, number) => [number, problem(number)]).filter(([, what]) => what);
    data.items.forEach((item, number) => fieldset(number).classList.toggle("open", open.some(([each]) => each === number)));
    id("problem").textContent = open.map(([number, what]) => `${data.items[number].key} ${what}.`).join(" ");
    if (open.length) {
      fieldset(open[0][0]).querySelector("input").focus();
      return;
    }
    const content = yaml(), link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([content], { type: "application/yaml" }));
    link.download = `${data.head.reviewer}.answers.yaml`;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60000);
    id("text").textContent = content;
    id("saved").hidden = false;
    id("next").focus();
    saved = true;
  }

  form.addEventListener("input", () => { saved = false; show(); });
  form.addEventListener("submit", save);
  addEventListener("beforeunload", (event) => { if (!saved) event.preventDefault(); });
  document.documentElement.classList.add("js");
  show();
})();
