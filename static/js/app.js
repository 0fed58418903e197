// What the pages do beyond links and forms: keys, boxes and their list, menus.
"use strict";

(() => {
  const typing = (target) => target.closest("input, select, textarea, [contenteditable]");

  // A key clicks the element that names it: <a data-key="j">.
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (event.key === "/") {
      const search = document.querySelector("input[type=search]");
      if (search) {
        event.preventDefault();
        search.focus();
      }
      return;
    }
    const named = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
    if (named) named.click();
  });

  // Pointing at a defect in the list lights its box on the photo, and back.
  const light = (event) => {
    const row = event.target.closest("[data-box]");
    document.querySelectorAll(".lit").forEach((one) => one.classList.remove("lit"));
    if (!row) return;
    document
      .querySelectorAll(`[data-box="${CSS.escape(row.dataset.box)}"]`)
      .forEach((one) => one.classList.add("lit"));
  };
  document.addEventListener("pointerover", light);
  document.addEventListener("focusin", light);

  document.addEventListener("click", (event) => {
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      if (!menu.contains(event.target)) menu.open = false;
    });
  });
})();
