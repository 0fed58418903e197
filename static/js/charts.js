// Draw the figures that the server wrote into the page, in the colours of the theme.
"use strict";

(() => {
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const chinese = document.documentElement.lang.startsWith("zh");
  const token = (name) =>
    getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

  // "@accent" in a figure stands for the theme's --accent, and so do the colours that
  // stored evidence is drawn in: they were chosen for a light ground.
  const THEMED = { "#0072B2": "accent", "#D55E00": "warm", "#EAF3F9": "sunken", "#CC79A7": "plum" };
  const painted = (value) => {
    if (typeof value === "string") {
      const name = value.startsWith("@") ? value.slice(1) : THEMED[value];
      return name ? token(name) : value;
    }
    if (Array.isArray(value)) return value.map(painted);
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, painted(item)]));
  };

  const merged = (base, extra) => {
    const result = { ...base };
    for (const [key, value] of Object.entries(extra ?? {})) {
      const nested = value !== null && typeof value === "object" && !Array.isArray(value);
      result[key] = nested ? merged(base[key] ?? {}, value) : value;
    }
    return result;
  };

  const axis = (narrow) => ({
    gridcolor: token("line"),
    linecolor: token("line-2"),
    zerolinecolor: token("line-2"),
    tickfont: { color: token("ink-3"), size: narrow ? 10.5 : 12 },
    title: { font: { color: token("ink-3"), size: 12 }, standoff: 10 },
    automargin: true,
    showline: false,
    zeroline: false,
    fixedrange: true,
  });

  const DAY = 86400000;
  const dayFormats = chinese
    ? [
        { dtickrange: [null, DAY - 1], value: "%H:%M\n%-m月%-d日" },
        { dtickrange: [DAY, null], value: "%-m月%-d日" },
      ]
    : [
        { dtickrange: [null, DAY - 1], value: "%H:%M\n%-d %b" },
        { dtickrange: [DAY, null], value: "%-d %b" },
      ];

  const themed = (layout, narrow) => {
    const axes = Object.fromEntries(
      Object.keys(layout)
        .filter((key) => /^[xy]axis\d*$/.test(key))
        .map((key) => [key, axis(narrow)]),
    );
    const base = {
      ...axes,
      xaxis: { ...axis(narrow), tickformatstops: dayFormats },
      yaxis: axis(narrow),
      font: { family: getComputedStyle(document.body).fontFamily, color: token("ink-2"), size: 13 },
      paper_bgcolor: "rgba(0,0,0,0)",
      plot_bgcolor: "rgba(0,0,0,0)",
      margin: { l: narrow ? 38 : 46, r: 10, t: 34, b: 30, pad: 4 },
      legend: { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: 12.5 } },
      hoverlabel: {
        bgcolor: token("surface"),
        bordercolor: token("line-2"),
        font: { color: token("ink"), size: 13 },
      },
      barcornerradius: 3,
      dragmode: false,
    };
    return merged(merged(base, layout), owned(layout, narrow));
  };

  // What the theme decides whatever the figure says.
  const owned = (layout, narrow) => {
    const axes = Object.keys(layout).filter((key) => /^[xy]axis\d*$/.test(key));
    const ticks = { color: token("ink-3"), size: narrow ? 10.5 : 12 };
    const titles = { font: { color: token("ink-3"), size: 12 } };
    const own = { gridcolor: token("line"), tickfont: ticks, title: titles, fixedrange: true };
    const time = { ...own, title: { ...titles, text: "" }, showgrid: false };
    return {
      ...Object.fromEntries(
        axes.map((key) => [key, layout[key].type === "date" ? time : own]),
      ),
      font: { family: getComputedStyle(document.body).fontFamily, color: token("ink-2"), size: 12.5 },
      margin: { t: 34 },
    };
  };

  const draw = (place) => {
    const source = document.getElementById(place.dataset.figure);
    if (!source) return;
    const figure = painted(JSON.parse(source.textContent));
    const config = {
      displayModeBar: false,
      responsive: true,
      locale: chinese ? "zh-CN" : "en",
      scrollZoom: false,
    };
    const layout = themed(figure.layout ?? {}, place.clientWidth < 400);
    Plotly.react(place, figure.data, layout, config).then(() => {
      place.dataset.drawn = "true";
    });
    if (place.dataset.listening) return;
    place.dataset.listening = "true";
    place.on("plotly_click", (event) => {
      const address = event.points[0]?.customdata;
      if (typeof address === "string" && address.startsWith("/")) location.assign(address);
    });
  };

  // A chart is drawn when it comes near the screen: a page of ten causes opens at once.
  const watch = new IntersectionObserver(
    (entries) =>
      entries.filter((entry) => entry.isIntersecting).forEach((entry) => {
        watch.unobserve(entry.target);
        draw(entry.target);
      }),
    { rootMargin: "400px" },
  );
  const start = () =>
    document.querySelectorAll("[data-figure]:not([data-drawn])").forEach((place) => watch.observe(place));

  dark.addEventListener("change", () =>
    document.querySelectorAll("[data-figure][data-drawn]").forEach(draw),
  );
  document.addEventListener("htmx:afterSettle", start);
  start();
})();
