// Draws one figure with ECharts: the theme's colours, the language's number formats, nothing the page's policy forbids.
import { BarChart, HeatmapChart, LineChart, SankeyChart, ScatterChart, TreemapChart } from "echarts/charts";
import {
  AriaComponent,
  DatasetComponent,
  GridComponent,
  LegendComponent,
  MarkAreaComponent,
  MarkLineComponent,
  TooltipComponent,
  VisualMapComponent,
} from "echarts/components";
import { init, use } from "echarts/core";
import { LabelLayout } from "echarts/features";
import { SVGRenderer } from "echarts/renderers";

use([
  AriaComponent,
  BarChart,
  DatasetComponent,
  GridComponent,
  HeatmapChart,
  LabelLayout,
  LegendComponent,
  LineChart,
  MarkAreaComponent,
  MarkLineComponent,
  SankeyChart,
  ScatterChart,
  SVGRenderer,
  TooltipComponent,
  TreemapChart,
  VisualMapComponent,
]);

const root = document.documentElement;
const locale = root.dataset.locale || "en";
const still = matchMedia("(prefers-reduced-motion: reduce)");
const charts = new Set();

const token = (name) => getComputedStyle(root).getPropertyValue(name).trim();

// What a chart's options may name instead of a function: {"formatter": "money"}.
function formatters({ currency, exponent }) {
  const number = (options) => new Intl.NumberFormat(locale, options);
  const compact = number({ notation: "compact", maximumFractionDigits: 1 });
  const plain = number({ maximumFractionDigits: 1 });
  const percent = number({ style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });
  const money = currency
    ? number({ style: "currency", currency, notation: "compact", maximumFractionDigits: 1 })
    : compact;
  const exactMoney = currency ? number({ style: "currency", currency }) : plain;
  const scale = 10 ** (exponent ?? 2);
  const date = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeZone: "UTC" });
  const month = new Intl.DateTimeFormat(locale, { year: "numeric", month: "short", timeZone: "UTC" });
  const numeric = (format) => (value) =>
    value === null || value === undefined || Number.isNaN(Number(value)) ? "–" : format(Number(value));
  return {
    count: numeric((value) => (Math.abs(value) >= 10_000 ? compact : plain).format(value)),
    exact: numeric((value) => plain.format(value)),
    percent: numeric((value) => percent.format(value)),
    money: numeric((value) => money.format(value / scale)),
    "money-exact": numeric((value) => exactMoney.format(value / scale)),
    date: numeric((value) => date.format(value * 86_400_000)),
    month: (value) => month.format(new Date(`${value}`.length === 7 ? `${value}-01` : value)),
  };
}

// Replaces "--token" strings by the theme's colours and format names by functions.
function resolve(value, formats, key = "") {
  if (Array.isArray(value)) return value.map((item) => resolve(item, formats));
  if (value && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, resolve(item, formats, name)]));
  }
  if (typeof value !== "string") return value;
  if (value.startsWith("--")) return token(value) || value;
  if (key === "formatter" && value in formats) {
    // Labels of marks receive a parameter object, axis labels the bare value. A square of a heat map is [x, y, number].
    return (item) => {
      const told = item !== null && typeof item === "object" ? item.value : item;
      return formats[value](Array.isArray(told) ? told.at(-1) : told);
    };
  }
  if (key === "valueFormatter" && value in formats) return formats[value];
  return value;
}

function axis(options) {
  if (!options) return options;
  if (Array.isArray(options)) return options.map(axis);
  const text = token("--rg-muted");
  const line = token("--rg-border");
  return {
    ...options,
    nameTextStyle: { color: text, ...options.nameTextStyle },
    axisLine: { lineStyle: { color: line }, ...options.axisLine },
    axisTick: { show: false, ...options.axisTick },
    axisLabel: { color: text, fontSize: 12, hideOverlap: true, ...options.axisLabel },
    splitLine: { lineStyle: { color: line, opacity: 0.7 }, ...options.splitLine },
  };
}

function options(figure) {
  const spec = JSON.parse(figure.dataset.chart);
  const chosen = resolve(spec.option, formatters(spec));
  const narrow = figure.clientWidth < 480;
  const text = token("--rg-text");
  return {
    animation: !still.matches,
    animationDuration: 300,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily, color: text },
    aria: { enabled: true, label: { description: spec.summary } },
    ...chosen,
    ...(narrow ? resolve(spec.narrow ?? {}, formatters(spec)) : {}),
    grid: chosen.grid ?? { left: 8, right: 12, top: 24, bottom: 8, outerBoundsMode: "same", outerBoundsContain: "axisLabel" },
    xAxis: axis(chosen.xAxis),
    yAxis: axis(chosen.yAxis),
    legend: chosen.legend && { textStyle: { color: text }, icon: "roundRect", itemWidth: 10, itemHeight: 10, ...chosen.legend },
    // Tooltips as drawn text: the policy of the page forbids the style attributes of HTML ones.
    tooltip: chosen.tooltip && {
      confine: true,
      backgroundColor: token("--rg-surface-raised"),
      borderColor: token("--rg-border"),
      textStyle: { color: text, fontSize: 12 },
      ...chosen.tooltip,
      renderMode: "richText",
    },
  };
}

export function draw(figure) {
  const canvas = figure.querySelector("[data-chart-canvas]");
  const chart = init(canvas, null, { renderer: "svg", locale: locale.startsWith("zh") ? "ZH" : "EN" });
  chart.setOption(options(figure));
  chart.on("click", ({ data }) => {
    if (data?.href) location.assign(data.href);
  });
  figure.dataset.drawn = "true";
  const entry = { chart, figure };
  charts.add(entry);
  new ResizeObserver(() => {
    if (!figure.isConnected) {
      chart.dispose();
      charts.delete(entry);
      return;
    }
    // A hidden chart has no size, which some chart types cannot lay out.
    if (canvas.clientWidth > 0 && canvas.clientHeight > 0) chart.resize();
  }).observe(canvas);
}

root.addEventListener("regulars:theme", () => {
  for (const entry of charts) {
    if (entry.figure.isConnected) entry.chart.setOption(options(entry.figure), { notMerge: true });
  }
});
