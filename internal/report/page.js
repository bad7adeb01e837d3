// Each plot can be kept as a file. The page works without this.
document.addEventListener("click", (e) => {
  if (!e.target.classList.contains("save")) return;
  const svg = e.target.parentElement.querySelector("svg").cloneNode(true);
  svg.querySelectorAll("use").forEach((u) => {
    const of = document.querySelector(u.getAttribute("href"));
    if (of) u.replaceWith(of.cloneNode(true));
  });
  const style = document.createElementNS("http://www.w3.org/2000/svg", "style");
  style.textContent = document.getElementById("plot-style").textContent;
  svg.prepend(style);
  svg.setAttribute("xmlns", "http://www.w3.org/2000/svg");
  const a = document.createElement("a");
  a.href = URL.createObjectURL(new Blob([svg.outerHTML], { type: "image/svg+xml" }));
  a.download = svg.dataset.name + ".svg";
  a.click();
  URL.revokeObjectURL(a.href);
});
