// Ties each control of a form to its help and message, as ARIA has it. A form works without this file.
function tie(model) {
  const { fields, buttons } = model.get("ties");
  for (const field of fields) {
    for (const control of document.querySelectorAll(`.${field.css} :is(input, textarea, select)`)) {
      control.setAttribute("aria-describedby", field.described_by);
      control.setAttribute("aria-invalid", String(field.invalid));
      if (field.required) control.setAttribute("aria-required", "true");
      if (field.type) control.setAttribute("inputmode", field.type);
      control.setAttribute("autocomplete", "off");
      control.setAttribute("spellcheck", "false");
    }
  }
  for (const button of buttons) {
    for (const control of document.querySelectorAll(`button.${button.css}`)) {
      control.setAttribute("aria-expanded", String(button.expanded));
    }
  }
  return fields.every((field) => document.querySelector(`.${field.css} :is(input, textarea, select)`));
}

export default {
  render({ model }) {
    let frames = 0;
    // The controls are drawn one after the other, perhaps after this.
    const again = () => {
      if (!tie(model) && ++frames < 300) requestAnimationFrame(again);
    };
    const changed = () => tie(model);
    model.on("change:ties", changed);
    again();
    return () => model.off("change:ties", changed);
  },
};
