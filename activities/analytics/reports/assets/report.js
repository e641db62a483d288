(function () {
  "use strict";
  var root = document.documentElement;

  // Theme: the system's, or one that was chosen here.
  var themes = document.querySelector(".themes");
  function showTheme() {
    var current = root.getAttribute("data-theme") || "auto";
    themes.querySelectorAll("button").forEach(function (button) {
      button.setAttribute("aria-pressed", String(button.dataset.theme === current));
    });
  }
  themes.addEventListener("click", function (event) {
    var theme = event.target.dataset.theme;
    if (!theme) return;
    if (theme === "auto") root.removeAttribute("data-theme");
    else root.setAttribute("data-theme", theme);
    try { localStorage.setItem("wfe-theme", theme); } catch (e) { /* Chosen for this visit only. */ }
    showTheme();
  });
  themes.hidden = false;
  showTheme();

  // Tables: a click sorts, the next one turns the order around.  Numbers start with the largest.
  function keyOf(row, column) {
    var cell = row.cells[column];
    return cell.getAttribute("data-v") || cell.textContent.trim();
  }
  function compare(a, b) {
    var x = Number(a), y = Number(b);
    if (a !== "" && b !== "" && !isNaN(x) && !isNaN(y)) return x - y;
    return a.localeCompare(b, "en", { numeric: true });
  }
  function sort(table, heading) {
    var column = heading.cellIndex;
    var before = heading.getAttribute("aria-sort");
    var isNumeric = heading.classList.contains("num");
    var down = before ? before === "ascending" : isNumeric;
    table.querySelectorAll("th[aria-sort]").forEach(function (th) { th.removeAttribute("aria-sort"); });
    heading.setAttribute("aria-sort", down ? "descending" : "ascending");
    var body = table.tBodies[0];
    Array.from(body.rows).map(function (row) {
      return { row: row, key: keyOf(row, column) };
    }).sort(function (a, b) {
      // What has no value stays last in either order.
      if (a.key === "" || b.key === "") return (a.key === "") - (b.key === "");
      return down ? compare(b.key, a.key) : compare(a.key, b.key);
    }).forEach(function (item) { body.appendChild(item.row); });
  }
  // A table with sentences in it is stacked on a phone: each cell then needs its column's name.
  document.querySelectorAll(".scroll table:not(.overview)").forEach(function (table) {
    if (!table.querySelector("td.long, th.long")) return;
    table.classList.add("stacked");
    var names = Array.from(table.tHead.rows[0].cells).map(function (cell) { return cell.textContent; });
    Array.from(table.tBodies[0].rows).forEach(function (row) {
      Array.from(row.cells).forEach(function (cell, column) {
        cell.dataset.label = names[column];
        if (cell.textContent.trim() === "") cell.classList.add("blank");
      });
    });
  });
  document.querySelectorAll(".scroll table:not(.overview)").forEach(function (table) {
    if (table.tBodies[0].rows.length < 2) return;
    table.querySelectorAll("thead th:not([data-nosort])").forEach(function (heading) {
      var button = document.createElement("button");
      button.type = "button";
      button.textContent = heading.textContent;
      heading.textContent = "";
      heading.appendChild(button);
      button.addEventListener("click", function () { sort(table, heading); });
    });
  });

  // The rail marks the section that is being read.
  var links = {};
  document.querySelectorAll(".rail a[href^='#']").forEach(function (link) { links[link.getAttribute("href").slice(1)] = link; });
  if ("IntersectionObserver" in window) {
    var observer = new IntersectionObserver(function (entries) {
      entries.forEach(function (entry) {
        if (!entry.isIntersecting || !links[entry.target.id]) return;
        Object.keys(links).forEach(function (id) { links[id].removeAttribute("aria-current"); });
        links[entry.target.id].setAttribute("aria-current", "true");
      });
    }, { rootMargin: "-20% 0px -70% 0px" });
    document.querySelectorAll("main > section").forEach(function (section) { observer.observe(section); });
  }

  // A link into something folded opens it first.
  function unfold() {
    var target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
    var details = target && target.closest("details");
    if (!details || details.open) return;
    details.open = true;
    target.scrollIntoView();
  }
  window.addEventListener("hashchange", unfold);
  unfold();

  // Print shows what is folded away on the screen.
  var opened = [];
  window.addEventListener("beforeprint", function () {
    opened = Array.from(document.querySelectorAll("details:not([open])"));
    opened.forEach(function (details) { details.open = true; });
  });
  window.addEventListener("afterprint", function () {
    opened.forEach(function (details) { details.open = false; });
  });
})();
