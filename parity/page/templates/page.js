"use strict";
// The list of cases, and one case at a time. What is drawn comes from the page itself: an index, and chunks of details,
// both JSON packed by gzip. Every text is set as text.

const HEIGHT = 34; // of a row of the list, in CSS pixels, as page.css has it
const AHEAD = 12; // rows that are drawn above and below what is seen
const WIDEST = 1400; // of a picture, in CSS pixels
const MOST_ELEMENTS = 64; // of an axis, that are drawn one by one
const MOST_CELLS = 2 ** 14; // of a map of errors
const OUTCOMES = JSON.parse(document.getElementById("outcomes").textContent);

const make = (name, properties = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (key in element) element[key] = value;
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
};

const draw = (name, attributes = {}, ...children) => {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};

const unpack = async (id) => {
  const packed = Uint8Array.from(atob(document.getElementById(id).textContent), (c) => c.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  return JSON.parse(await new Response(stream).text());
};

const plural = (count, what) => (count === 1 ? `1 ${what}` : `${count} ${what}s`);
const number = (value) => (Number.isInteger(value) ? String(value) : value.toPrecision(3));
const sign = (outcome) => {
  const [name, mark, words] = OUTCOMES[outcome];
  const shown = make("span", { className: "sign", title: words }, mark);
  shown.style.background = `var(--${name})`;
  return shown;
};

// Copying, and the theme: these need no index.

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = "copied";
  } catch {
    const range = document.createRange();
    range.selectNodeContents(button.previousElementSibling);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    button.textContent = "selected";
  }
  setTimeout(() => (button.textContent = before), 1500);
});

const themes = ["the system's", "light", "dark"];
document.getElementById("theme").addEventListener("click", (event) => {
  const chosen = themes[(themes.indexOf(document.documentElement.dataset.theme ?? themes[0]) + 1) % themes.length];
  if (chosen === themes[0]) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = chosen;
  event.currentTarget.textContent = `theme: ${chosen}`;
});

// The list.

const begin = async () => {
  const index = await unpack("index");
  const total = index.command.length;
  const text = (column, place) => index.texts[index[column][place]];
  const places = addresses(index);
  const chosen = { cell: "", search: "", framework: "", spelling: "", outcome: "", op: "", verdict: "", dtype: "", suite: "" };
  const order = { by: "", down: false };
  let shown = [];

  const matches = (place) => {
    for (const column of ["op", "verdict", "dtype", "suite"])
      if (chosen[column] && text(column, place) !== chosen[column]) return false;
    if (chosen.search) {
      const words = chosen.search.toLowerCase().split(/\s+/);
      const said = `${index.command[place]} ${index.name[place]}`.toLowerCase();
      if (!words.every((word) => said.includes(word))) return false;
    }
    const [op, row, contestant] = chosen.cell ? chosen.cell.split("-").map(Number) : [];
    if (chosen.cell && (index.op[place] !== op || index.row[place] !== row)) return false;
    return (
      !(chosen.cell || chosen.framework || chosen.spelling || chosen.outcome) ||
      index.results[place].some(([who, outcome]) => {
        const [framework, spelling] = index.contestants[who];
        return (
          (!chosen.cell || who === contestant) &&
          (!chosen.framework || framework === chosen.framework) &&
          (!chosen.spelling || spelling === chosen.spelling) &&
          (!chosen.outcome || OUTCOMES[outcome][2] === chosen.outcome)
        );
      })
    );
  };

  const key = {
    name: (place) => index.name[place],
    operation: (place) => text("op", place),
    verdict: (place) => text("verdict", place),
    dtype: (place) => text("dtype", place),
    "of the bound": (place) => index.ratio[place] ?? -1,
    results: (place) => Math.min(...index.results[place].map(([, outcome]) => outcome)),
    command: (place) => index.command[place],
  };
  const compare = (a, b) => (typeof a === "number" ? a - b : a.localeCompare(b, "en", { numeric: true }));

  const scroller = document.getElementById("window");
  const head = make("tr");
  const body = make("tbody");
  const [above, below] = [make("td", { colSpan: 7 }), make("td", { colSpan: 7 })];
  const gaps = [above, below].map((cell) => make("tr", { className: "gap", ariaHidden: "true" }, cell));
  const table = make("table", {}, make("caption", { className: "unseen" }, "Cases"), make("thead", {}, head), body);
  const drawn = new Map();

  const widths = { name: "14rem", operation: "10.5rem", verdict: "7rem", dtype: "5.5rem", "of the bound": "7rem", results: "12rem", command: "46rem" };
  const wide = new Set(["dtype", "of the bound"]);
  for (const column of Object.keys(key)) {
    const button = make("button", { type: "button" }, column);
    const cell = make("th", { scope: "col", className: wide.has(column) ? "wide" : "" }, button);
    cell.style.width = widths[column];
    button.addEventListener("click", () => {
      order.down = order.by === column && !order.down;
      order.by = column;
      for (const other of head.children) other.removeAttribute("aria-sort");
      cell.setAttribute("aria-sort", order.down ? "descending" : "ascending");
      update();
    });
    head.append(cell);
  }
  scroller.append(table);

  const row = (at) => {
    const place = shown[at];
    const ratio = index.ratio[place];
    const address = `#case=${encodeURIComponent(namesOf(index, place).find((name) => places.get(name) === place))}`;
    return make(
      "tr",
      { ariaRowIndex: String(at + 2) },
      make("th", { scope: "row", title: index.name[place] }, index.name[place] || "–"),
      make("td", {}, text("op", place)),
      make("td", {}, text("verdict", place)),
      make("td", { className: "wide" }, text("dtype", place)),
      make("td", { className: "wide" }, ratio === null ? "" : number(ratio)),
      make(
        "td",
        {},
        ...OUTCOMES.flatMap((_, outcome) => {
          const having = index.results[place].filter(([, each]) => each === outcome);
          if (!having.length) return [];
          const shown = sign(outcome);
          shown.title = `${OUTCOMES[outcome][2]}: ${having.map(([who]) => index.contestants[who].slice(0, 2).join(" ")).join(", ")}`;
          shown.append(String(having.length), make("span", { className: "unseen" }, ` ${OUTCOMES[outcome][2]}. `));
          return [shown];
        }),
      ),
      make("td", { title: index.command[place] }, make("a", { href: address }, index.command[place])),
    );
  };

  const redraw = () => {
    const first = Math.max(0, Math.floor(scroller.scrollTop / HEIGHT) - AHEAD);
    const last = Math.min(shown.length, Math.ceil((scroller.scrollTop + scroller.clientHeight) / HEIGHT) + AHEAD);
    for (const [at, element] of drawn) {
      if (at < first || at >= last) {
        element.remove();
        drawn.delete(at);
      }
    }
    above.style.height = `${first * HEIGHT}px`;
    below.style.height = `${(shown.length - last) * HEIGHT}px`;
    let before = gaps[0];
    for (let at = first; at < last; at++) {
      if (!drawn.has(at)) {
        drawn.set(at, row(at));
        before.after(drawn.get(at));
      }
      before = drawn.get(at);
    }
  };

  const update = () => {
    shown = [];
    for (let place = 0; place < total; place++) if (matches(place)) shown.push(place);
    if (order.by) {
      const by = key[order.by];
      shown.sort((a, b) => (order.down ? -1 : 1) * compare(by(a), by(b)) || a - b);
    }
    drawn.clear();
    body.replaceChildren(...gaps);
    table.setAttribute("aria-rowcount", String(shown.length + 1));
    scroller.scrollTop = 0;
    const where = [];
    if (chosen.cell) {
      const [op, row, contestant] = chosen.cell.split("-").map(Number);
      const [framework, spelling, output] = index.contestants[contestant];
      where.push(index.texts[op], ...index.rows[row], `${framework} ${spelling}${output === "value" ? "" : ` ${output}`}`);
    }
    document.getElementById("shown").textContent =
      `${plural(shown.length, "case")} of ${total} shown${where.length ? `: ${where.join(", ")}` : ""}`;
    for (const button of document.querySelectorAll("[data-cell]"))
      button.setAttribute("aria-pressed", String(button.dataset.cell === chosen.cell));
    redraw();
  };

  // Filters.

  const form = document.getElementById("filters");
  const search = make("input", { type: "search", name: "search", placeholder: "conv2d stride 2" });
  form.append(make("label", {}, "search in names and commands", search));
  const unique = (values) => [...new Set(values)].filter(Boolean).sort((a, b) => compare(a, b));
  const offered = {
    framework: unique(index.contestants.map(([framework]) => framework)),
    spelling: unique(index.contestants.map(([, spelling]) => spelling)),
    outcome: OUTCOMES.map(([, , words]) => words),
    op: unique(index.op.map((each) => index.texts[each])),
    verdict: unique(index.verdict.map((each) => index.texts[each])),
    dtype: unique(index.dtype.map((each) => index.texts[each])),
    suite: unique(index.suite.map((each) => index.texts[each])),
  };
  for (const [name, values] of Object.entries(offered)) {
    const select = make("select", { name }, make("option", { value: "" }, "all"));
    for (const value of values) select.append(make("option", { value }, value));
    form.append(make("label", {}, name, select));
  }
  form.append(make("button", { type: "reset" }, "show all"));
  const read = () => {
    for (const field of form.elements) if (field.name) chosen[field.name] = field.value.trim();
    update();
  };
  form.addEventListener("input", read);
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("reset", () => {
    chosen.cell = "";
    setTimeout(read);
  });
  for (const button of document.querySelectorAll("[data-cell]"))
    button.addEventListener("click", () => {
      form.reset();
      setTimeout(() => {
        chosen.cell = button.dataset.cell;
        update();
        document.getElementById("cases").focus();
        document.getElementById("list").scrollIntoView();
      });
    });
  scroller.addEventListener("scroll", redraw, { passive: true });
  new ResizeObserver(redraw).observe(scroller);
  update();

  // One case.

  const section = document.getElementById("case");
  const open = async () => {
    const address = location.hash.match(/^#case=(.*)$/s);
    section.hidden = !address;
    if (!address) return;
    const asked = decode(address[1]);
    const place = places.get(asked);
    const title = make("h2", { id: "case-title", tabIndex: -1 });
    if (place === undefined) {
      title.textContent = "No such case";
      section.replaceChildren(title, make("p", {}, `This page lists no case with the command or name ${asked}`));
    } else {
      const chunk = await unpack(`chunk-${Math.floor(place / index.chunk)}`);
      if (location.hash !== address.input) return; // another was asked for meanwhile
      title.textContent = index.name[place] || text("op", place);
      section.replaceChildren(title, ...caseOf(index, place, chunk[place % index.chunk]));
    }
    section.append(make("p", {}, make("a", { href: "#list" }, "To the list")));
    section.scrollIntoView();
    title.focus({ preventScroll: true });
  };
  addEventListener("hashchange", open);
  scroller.ariaBusy = "false"; // it is drawn, and takes keys and clicks
  await open();
};

// A case is asked for by its command, or its name; where another has these, by its suite and name, or its number.
const namesOf = (index, place) => {
  const name = index.name[place];
  return [index.command[place], name, `${index.texts[index.suite[place]]}: ${name}`, `number ${place + 1}`];
};

const addresses = (index) => {
  const places = new Map();
  const names = index.command.map((_, place) => namesOf(index, place));
  for (let kind = 0; kind < 4; kind++)
    names.forEach((each, place) => {
      if (each[kind] && !places.has(each[kind])) places.set(each[kind], place);
    });
  return places;
};

const decode = (word) => {
  try {
    return decodeURIComponent(word);
  } catch {
    return word;
  }
};

// A case: its results as a table, their layers, the picture of each axis, the errors.

const caseOf = (index, place, detail) => {
  const copied = make("button", { type: "button", className: "copy", ariaLabel: "Copy the command" }, "copy");
  copied.dataset.copy = index.command[place];
  const parts = [
    make("p", {}, `${index.texts[index.suite[place]] || "no suite"}: ${index.texts[index.verdict[place]]}${detail.expected ? `, ${detail.expected}` : ""}`),
    make("p", { className: "command" }, make("code", {}, index.command[place]), copied),
  ];
  if (detail.reference) parts.push(make("p", {}, `reference output: ${detail.reference.join("×")}`));
  parts.push(resultsOf(index, place, detail));
  if (detail.axes.length) {
    parts.push(make("h3", {}, "Where each result lies"), make("p", {}, detail.transposed ? LANDS : READS));
    detail.axes.forEach((axis, number) => parts.push(...pictureOf(detail, index.results[place], axis, number)));
  }
  for (const result of detail.results) if (result.errors) parts.push(...heatOf(result));
  parts.push(make("h3", {}, "Layers"));
  for (const result of detail.results) {
    const said = ["reason", "error", "printed"].filter((each) => result[each]);
    if (!result.layer && !said.length) continue;
    parts.push(make("h4", {}, result.label));
    if (result.layer) parts.push(make("pre", {}, make("code", {}, result.layer)));
    for (const each of said) parts.push(make("p", {}, `${each}: ${result[each]}`));
    for (const each of [...(result.notes ?? []), ...(result.warnings ?? [])]) parts.push(make("p", {}, each));
  }
  return parts;
};

const LANDS =
  "Each input element adds its product with the kernel to the full response; a layer's output is a window of that. " +
  "What lies before and behind a window is cropped; where a window goes beyond the response, it has zeros.";
const READS =
  "Each output element reads the kernel's extent of the padded input; where the first read begins, and how many there are, is the layer's window.";

const resultsOf = (index, place, detail) => {
  const titles = ["result", "outcome", "status", "shape", "relation", "offset", "largest error", "of the bound"];
  const rows = detail.results.map((result, at) => {
    const outcome = index.results[place][at][1];
    const bound = make("td");
    if (result.ratio !== undefined) bound.append(barOf(result.ratio), ` ${number(result.ratio)}`);
    return make(
      "tr",
      {},
      make("th", { scope: "row" }, result.label, make("br"), make("small", {}, result.version ?? "")),
      make("td", {}, sign(outcome), ` ${OUTCOMES[outcome][2]}${result.divergence ? `: ${result.divergence}` : ""}`),
      make("td", {}, result.status),
      make("td", {}, (result.shape ?? []).join("×")),
      make("td", {}, [result.relation, result.predicted && ![result.relation, result.status].includes(result.predicted) ? `predicted: ${result.predicted}` : ""].filter(Boolean).join("; ")),
      make("td", {}, (result.offset ?? []).join(", ")),
      make("td", { className: "number" }, result.error_size === undefined ? "" : number(result.error_size)),
      bound,
    );
  });
  return scrolled("Results", tableOf(titles, rows));
};

const tableOf = (titles, rows) => {
  const head = make("tr", {}, ...titles.map((title) => make("th", { scope: "col" }, title)));
  return make("table", {}, make("thead", {}, head), make("tbody", {}, ...rows));
};

const scrolled = (label, child) => make("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: label }, child);

const barOf = (ratio) => {
  const inside = make("span");
  inside.style.width = `${Math.min(100, 100 * ratio)}%`;
  return make("span", { className: ratio > 1 ? "bar over" : "bar", role: "img", ariaLabel: `${number(ratio)} of the bound` }, inside);
};

// A window begins at an element of the full response (transposed) or of the input, and spans so many of these.
const windowOf = (detail, axis, number, result) => {
  const size = result.shape?.[number + 2];
  const offset = result.offset?.[number];
  if (size === undefined || offset === undefined) return null;
  if (detail.transposed) return { begin: axis.before + offset, span: size, size };
  const extent = axis.dilation * (axis.kernel - 1) + 1;
  return { begin: offset - axis.before, span: size ? (size - 1) * axis.stride + extent : 0, size };
};

const pictureOf = (detail, outcomes, axis, number) => {
  const extent = axis.dilation * (axis.kernel - 1) + 1;
  const whole = detail.transposed ? Math.max(0, (axis.coarse - 1) * axis.stride + extent) : axis.fine;
  const own = detail.transposed
    ? { begin: axis.before, span: axis.fine, size: axis.fine }
    : { begin: -axis.before, span: axis.coarse ? (axis.coarse - 1) * axis.stride + extent : 0, size: axis.coarse };
  const windows = [["reference", own, "agree"]];
  detail.results.forEach((result, at) => {
    const seen = windowOf(detail, axis, number, result);
    const same = seen && seen.begin === own.begin && seen.size === own.size;
    if (seen) windows.push([result.label, seen, same ? "agree" : OUTCOMES[outcomes[at][1]][0]]);
  });
  const what = detail.transposed ? "full response" : "input";
  const words = windows.map(([label, seen]) => {
    const [before, after] = [seen.begin, whole - seen.begin - seen.span];
    const edge = (count, side) =>
      count === 0 ? "" : detail.transposed === count > 0 ? `${Math.abs(count)} ${detail.transposed ? "cropped" : "padded"} ${side}` : `${Math.abs(count)} ${detail.transposed ? "zeros" : "left out"} ${side}`;
    return [label, seen.begin, seen.size, [edge(before, "before"), edge(after, "after")].filter(Boolean).join(", ") || "nothing"];
  });
  const low = Math.min(0, ...windows.map(([, seen]) => seen.begin));
  const high = Math.max(whole, 1, ...windows.map(([, seen]) => seen.begin + seen.span));
  const unit = Math.min(26, (WIDEST - 340) / (high - low));
  const x = (element) => 190 + (element - low) * unit;
  const one = high - low <= MOST_ELEMENTS;
  const parts = [];
  let y = 4;
  const label = (text) => parts.push(draw("text", { x: 4, y: y + 14 }, text.length > 28 ? `${text.slice(0, 27)}…` : text));
  const box = (begin, span, kind, text = "") => {
    if (span <= 0) return;
    parts.push(draw("rect", { class: kind, x: x(begin), y, width: Math.max(1, span * unit - 1), height: 18 }));
    if (text) parts.push(draw("text", { x: x(begin) + 3, y: y + 13 }, text));
  };
  if (detail.transposed) {
    label("input lands at");
    const levels = Math.max(1, Math.min(6, Math.ceil(extent / axis.stride)));
    if (axis.coarse <= MOST_ELEMENTS) {
      for (let i = 0; i < axis.coarse; i++) {
        y = 4 + 20 * (i % levels);
        box(i * axis.stride, extent, "landing", String(i));
      }
      y = 4 + 20 * Math.min(levels, Math.max(1, axis.coarse));
    } else {
      box(0, whole, "landing", `${axis.coarse} elements, ${axis.stride} apart, over ${extent} each`);
      y += 20;
    }
  }
  label(what);
  if (one) for (let i = low; i < high; i++) box(i, 1, i >= 0 && i < whole ? "element" : "pad", unit >= 16 && i >= 0 && i < whole ? String(i) : "");
  else box(0, whole, "element", `${whole} elements`);
  y += 26;
  for (const [name, seen, colour] of windows) {
    label(name);
    if (detail.transposed) {
      box(0, Math.min(seen.begin, whole), "dropped");
      box(Math.max(0, seen.begin + seen.span), whole - Math.max(0, seen.begin + seen.span), "dropped");
    }
    box(seen.begin, seen.span, seen.begin === own.begin && seen.size === own.size ? "kept" : "moved");
    if (seen.span > 0) parts.at(-1).style.fill = `var(--${colour})`;
    parts.push(draw("text", { x: x(high) + 8, y: y + 13 }, `${seen.size} from ${seen.begin}`));
    if (!detail.transposed && one)
      for (let j = 1; j < seen.size; j++) {
        const at = x(seen.begin + j * axis.stride);
        parts.push(draw("line", { x1: at, x2: at, y1: y + 13, y2: y + 18, stroke: "currentColor" }));
      }
    y += 22;
  }
  const title = `axis ${number}: ${axis.kernel} taps, stride ${axis.stride}, dilation ${axis.dilation}`;
  const picture = draw("svg", { role: "img", "aria-label": `${title}. The table below says the same.`, width: x(high) + 130, height: y + 4 }, ...parts);
  const rows = words.map(([label, ...cells]) => make("tr", {}, make("th", { scope: "row" }, label), ...cells.map((cell) => make("td", {}, String(cell)))));
  const titles = ["who", `begins at, in the ${what}`, "elements", "before and behind"];
  return [
    make("h4", {}, title),
    scrolled(title, picture),
    make("details", {}, make("summary", {}, "in numbers"), scrolled(`${title}, in numbers`, tableOf(titles, rows))),
  ];
};

// The levels of a map, or null where they do not fit its shape.
const levelsOf = ({ shape, block, levels }) => {
  const cells = shape.reduce((product, size) => product * size, 1);
  const fits = shape.length && shape.length === block.length && shape.every((size) => size > 0) && cells <= MOST_CELLS;
  try {
    const bytes = Uint8Array.from(atob(levels), (c) => c.charCodeAt(0));
    return fits && bytes.length === cells ? bytes : null;
  } catch {
    return null;
  }
};

const heatOf = (result) => {
  const { shape, block } = result.errors;
  const bytes = levelsOf(result.errors);
  if (!bytes)
    return [make("h3", {}, `Errors of ${result.label}`), make("p", {}, "The record's map of its errors cannot be read: its levels do not fit its shape.")];
  const [channels, ...sizes] = shape;
  const columns = sizes.at(-1) ?? 1;
  const rows = bytes.length / channels / columns;
  const side = Math.max(5, Math.min(18, Math.floor((WIDEST - 60) / columns)));
  const gap = sizes.length > 1 ? 20 : 2;
  const parts = [];
  let y = 4;
  let wrong = 0;
  for (let channel = 0; channel < channels; channel++) {
    parts.push(draw("text", { x: 2, y: y + side - 3 }, String(channel * block[0])));
    for (let place = 0; place < rows * columns; place++) {
      const level = bytes[channel * rows * columns + place];
      const [at, down] = [36 + (place % columns) * side, y + Math.floor(place / columns) * side];
      wrong += level > 0;
      const cell = draw("rect", { class: level ? "heat" : "cold", x: at, y: down, width: side, height: side });
      if (level) cell.setAttribute("fill-opacity", String(0.2 + (0.6 * level) / 255));
      parts.push(cell);
      if (side >= 12) parts.push(draw("text", { x: at + side / 2, y: down + side - 5, "text-anchor": "middle" }, level ? String(Math.ceil((level * 9) / 255)) : "·"));
    }
    y += rows * side + gap;
  }
  const words = `${wrong} of ${plural(bytes.length, "cell")} have an error; the largest is ${result.error_size === undefined ? "no number" : number(result.error_size)}`;
  const shared = block.some((each) => each > 1) ? ` A cell is the largest of ${block.join("×")} elements (channels first).` : "";
  return [
    make("h3", {}, `Errors of ${result.label}`),
    make("p", {}, `${words}. Rows are channels${sizes.length > 1 ? ", each with its axes below each other" : ""}, columns positions on the last axis; digits are ninths of the largest error.${shared}`),
    scrolled(`Errors of ${result.label}`, draw("svg", { role: "img", "aria-label": words, width: 44 + columns * side, height: y }, ...parts)),
  ];
};

begin();
