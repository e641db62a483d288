(function () {
  try {
    var chosen = localStorage.getItem("wfe-theme");
    if (chosen === "light" || chosen === "dark") document.documentElement.setAttribute("data-theme", chosen);
  } catch (e) { /* Files may have no storage: the system's theme it is. */ }
})();
