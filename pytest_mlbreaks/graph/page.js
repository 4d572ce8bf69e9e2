"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const root = document.documentElement;
  const svg = document.getElementById("graph");
  const world = document.getElementById("world");
  const panel = document.getElementById("panel");
  const search = document.getElementById("search");
  const sum = document.getElementById("sum");
  const width = Number(svg.dataset.width), height = Number(svg.dataset.height);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const nodes = [], links = [], flags = new Map();
  for (const one of svg.querySelectorAll(".node")) nodes[one.dataset.n] = one;
  for (const one of svg.querySelectorAll(".link")) if (one.dataset.l !== undefined) links[one.dataset.l] = one;
  for (const one of svg.querySelectorAll(".flag")) flags.set(Number(one.dataset.l), one);
  const titles = [...svg.querySelectorAll("#titles text")];
  const marks = [...svg.querySelectorAll(".badge > *, .flag > *")];
  const into = data.nodes.map(() => []), from = data.nodes.map(() => []);
  data.links.forEach((link, number) => { from[link.s].push(number); into[link.t].push(number); });
  const words = data.nodes.map((node) => [node.label, node.kind, node.tool, node.environment, node.place, node.group,
    ...node.details.map((pair) => pair[1]), ...node.members.map((pair) => pair[0]),
    ...node.findings.map((number) => data.findings[number].check + " " + data.findings[number].message)]
    .join("\n").toLowerCase());
  let view = { x: 0, y: 0, k: 1 }, touched = false, chosen = null, back = null, shown = new Set(data.nodes.keys());

  // ---------------------------------------------------------------------------------------------- the view

  svg.removeAttribute("viewBox");
  const size = () => svg.getBoundingClientRect();

  function draw() {
    world.setAttribute("transform", `translate(${view.x} ${view.y}) scale(${view.k})`);
    const far = view.k < 0.55;
    svg.classList.toggle("far", far);
    svg.classList.toggle("farther", view.k < 0.36);
    for (const text of titles) {
      const wide = Number(text.dataset.w), high = Number(text.dataset.h);
      const fitting = (wide - 16) / (text.textContent.length * 0.62);
      const font = far ? Math.max(12.5, Math.min(11.5 / view.k, fitting, high * 0.5)) : 12.5;
      text.style.fontSize = font + "px";
      text.setAttribute("x", Number(text.dataset.x) + (far ? 8 : 14));
      text.setAttribute("y", Number(text.dataset.y) + (far ? Math.max(21, font) : 21));
    }
    const grown = Math.min(Math.max(0.6 / view.k, 1), 1.9);
    for (const one of marks)
      if (grown > 1) one.setAttribute("transform", `scale(${grown})`); else one.removeAttribute("transform");
  }

  function fit() {
    const box = size();
    const k = Math.min(box.width / width, box.height / height, 1.25);
    view = { k, x: (box.width - width * k) / 2, y: (box.height - height * k) / 2 };
    draw();
  }

  function zoom(factor, x, y) {
    const box = size();
    const px = x === undefined ? box.width / 2 : x - box.left, py = y === undefined ? box.height / 2 : y - box.top;
    touched = true;
    const k = Math.min(Math.max(view.k * factor, 0.04), 4), ratio = k / view.k;
    view = { k, x: px - (px - view.x) * ratio, y: py - (py - view.y) * ratio };
    draw();
  }

  let moving = 0;
  function show(x, y, least) {
    const box = size(), k = Math.max(view.k, least || 0);
    const goal = { k, x: box.width / 2 - x * k, y: box.height / 2 - y * k };
    touched = true;
    cancelAnimationFrame(moving);
    if (calm || document.hidden) { view = goal; draw(); return; }
    const start = { ...view }, began = performance.now();
    const step = (now) => {
      const t = Math.min((now - began) / 180, 1), e = t * (2 - t);
      view = { k: start.k + (goal.k - start.k) * e, x: start.x + (goal.x - start.x) * e, y: start.y + (goal.y - start.y) * e };
      draw();
      if (t < 1) moving = requestAnimationFrame(step);
    };
    moving = requestAnimationFrame(step);
  }

  function visible(number) {
    const node = data.nodes[number], box = size();
    const x = node.x * view.k + view.x, y = node.y * view.k + view.y;
    return view.k >= 0.55 && x > 20 && y > 20 && x + node.w * view.k < box.width - 20 && y + node.h * view.k < box.height - 20;
  }

  function bring(number) {
    const node = data.nodes[number];
    if (!visible(number)) show(node.x + node.w / 2, node.y + node.h / 2, 0.9);
  }

  svg.addEventListener("wheel", (event) => {
    event.preventDefault();
    zoom(Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0016)), event.clientX, event.clientY);
  }, { passive: false });

  const fingers = new Map();
  let dragged = false;
  svg.addEventListener("pointerdown", (event) => {
    fingers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    dragged = false;
  });
  svg.addEventListener("pointermove", (event) => {
    const before = fingers.get(event.pointerId);
    if (!before) return;
    const now = { x: event.clientX, y: event.clientY };
    if (fingers.size === 1) {
      if (!dragged && Math.hypot(now.x - before.x, now.y - before.y) < 4) return;
      if (!dragged) { dragged = true; svg.setPointerCapture(event.pointerId); svg.classList.add("drag"); }
      touched = true;
      view.x += now.x - before.x;
      view.y += now.y - before.y;
      draw();
    } else if (fingers.size === 2) {
      const other = [...fingers].find(([id]) => id !== event.pointerId)[1];
      const was = Math.hypot(before.x - other.x, before.y - other.y), is = Math.hypot(now.x - other.x, now.y - other.y);
      dragged = true;
      if (was > 0) zoom(is / was, (now.x + other.x) / 2, (now.y + other.y) / 2);
    }
    fingers.set(event.pointerId, now);
  });
  const lift = (event) => { fingers.delete(event.pointerId); svg.classList.remove("drag"); };
  svg.addEventListener("pointerup", lift);
  svg.addEventListener("pointercancel", lift);

  // ---------------------------------------------------------------------------------------------- the panel

  function make(tag, text, name) {
    const one = document.createElement(tag);
    if (text !== undefined && text !== null) one.textContent = text;
    if (name) one.className = name;
    return one;
  }

  function row(text, more, act) {
    const item = make("li"), button = make("button", null, "row");
    button.type = "button";
    button.append(make("span", text));
    for (const line of more) if (line) button.append(make("br"), make("span", line[0], line[1]));
    button.addEventListener("click", act);
    item.append(button);
    return item;
  }

  function found(number) {
    const finding = data.findings[number], box = make("div", null, "finding " + finding.level);
    const head = make("p");
    head.append(make("span", finding.level, "level " + finding.level), " ", make("code", finding.check));
    box.append(head, make("p", finding.message), make("p", finding.place, "place"));
    for (const [note, place] of finding.because) {
      const line = make("p", null, "soft");
      line.append("because ", make("span", place, "place"), ": " + note);
      box.append(line);
    }
    return box;
  }

  function section(title, items) {
    if (!items.length) return;
    panel.append(make("h3", title));
    const list = make("ul");
    list.append(...items);
    panel.append(list);
  }

  function heading(text) {
    panel.replaceChildren();
    panel.scrollTop = 0;
    const close = make("button", "Close", "close");
    close.type = "button";
    close.addEventListener("click", leave);
    const title = make("h2", text);
    title.tabIndex = -1;
    panel.append(close, title);
    return title;
  }

  const ranked = (numbers) => [...numbers].sort((a, b) => data.findings[b].rank - data.findings[a].rank || a - b);
  const holder = (number) => data.nodes.findIndex((node) => node.findings.includes(number));

  function overview() {
    panel.replaceChildren(make("h2", data.findings.length ? "Findings" : "No findings"));
    const list = make("ul");
    for (const number of ranked(data.findings.keys())) {
      const finding = data.findings[number], at = holder(number);
      const item = row("", [], () => { if (at >= 0) choose(at, true); });
      const button = item.firstChild;
      button.replaceChildren(make("span", finding.level, "level " + finding.level), " ", make("code", finding.check),
        make("br"), make("span", finding.message), make("br"), make("span", finding.place, "place"));
      list.append(item);
    }
    panel.append(list);
    section("Good to know", data.notes.map((note) => make("li", note)));
    section("Not all of it could be told", data.groups.filter((group) => group.incomplete)
      .map((group) => make("li", `${group.label}: ${group.incomplete}`)));
  }

  function reasons(link) {
    return link.why.slice(0, 6).map(([note, place]) => [note + (place ? ` (${place})` : ""), "soft"]);
  }

  function details(number) {
    const node = data.nodes[number];
    const title = heading(node.label);
    panel.append(make("p", [node.kind, node.tool].filter(Boolean).join(", "), "soft"));
    const list = make("dl");
    const facts = [["environment", node.environment], ["in", node.group], ["place", node.place], ...node.details];
    for (const [name, text] of facts) if (text) list.append(make("dt", name), make("dd", text));
    panel.append(list);
    if (node.findings.length) panel.append(make("h3", "Findings"), ...ranked(node.findings).map(found));
    const flagged = [...into[number], ...from[number]].flatMap((one) => data.links[one].findings)
      .filter((one, at, all) => !node.findings.includes(one) && all.indexOf(one) === at);
    if (flagged.length) panel.append(make("h3", "Findings that rest on it"), ...ranked(flagged).map(found));
    section("Comes from", into[number].map((one) => {
      const link = data.links[one];
      return row(`${data.nodes[link.s].label} ${link.kind} this`, reasons(link), () => choose(link.s, true));
    }));
    section("Leads to", from[number].map((one) => {
      const link = data.links[one];
      return row(`this ${link.kind} ${data.nodes[link.t].label}`, reasons(link), () => choose(link.t, true));
    }));
    section(`Stands for ${node.members.length}`, node.members.map(([label, place]) => {
      const item = make("li", label);
      if (place) item.append(make("br"), make("span", place, "place"));
      return item;
    }));
    return title;
  }

  function linkDetails(number) {
    const link = data.links[number];
    const title = heading(`${data.nodes[link.s].label} ${link.kind} ${data.nodes[link.t].label}`);
    panel.append(...ranked(link.findings).map(found));
    section("Says so", link.why.map(([note, place]) => make("li", note + (place ? ` (${place})` : ""))));
    section("Ends", [link.s, link.t].map((end) => row(data.nodes[end].label, [], () => choose(end, true))));
    return title;
  }

  // ---------------------------------------------------------------------------------------------- choosing

  function light(ends, lines) {
    svg.classList.add("chosen");
    nodes.forEach((one, number) => { one.classList.toggle("on", ends.has(number)); one.classList.remove("at"); });
    links.forEach((one, number) => one.classList.toggle("on", lines.has(number)));
    for (const [number, one] of flags) one.classList.toggle("on", lines.has(number));
  }

  function choose(number, focus) {
    const lines = new Set([...into[number], ...from[number]]);
    const ends = new Set([number, ...[...lines].flatMap((one) => [data.links[one].s, data.links[one].t])]);
    light(ends, lines);
    nodes[number].classList.add("at");
    chosen = number;
    details(number);
    bring(number);
    if (focus) nodes[number].focus({ preventScroll: true });
    remember();
  }

  function chooseLink(number) {
    const link = data.links[number];
    light(new Set([link.s, link.t]), new Set([number]));
    chosen = null;
    linkDetails(number);
  }

  function leave() {
    const before = back;
    svg.classList.remove("chosen");
    for (const one of nodes) one.classList.remove("at");
    chosen = back = null;
    document.getElementById("help").hidden = true;
    document.getElementById("keys").setAttribute("aria-expanded", "false");
    if (search.value) { search.value = ""; filter(); }
    overview();
    remember();
    if (before) before.focus({ preventScroll: true });
  }

  svg.addEventListener("click", (event) => {
    if (dragged) return;
    const node = event.target.closest(".node"), flag = event.target.closest(".flag");
    if (flag) chooseLink(Number(flag.dataset.l));
    else if (node) choose(Number(node.dataset.n), true);
    else if (chosen !== null || svg.classList.contains("chosen")) leave();
  });
  svg.addEventListener("focusin", (event) => {
    svg.parentNode.scrollTo(0, 0);  // the view moves, and never the window onto it
    const node = event.target.closest(".node"), flag = event.target.closest(".flag");
    if (node && node.matches(":focus-visible")) bring(Number(node.dataset.n));
    if (flag && flag.matches(":focus-visible")) {
      const ends = [data.links[flag.dataset.l].s, data.links[flag.dataset.l].t].map((one) => data.nodes[one]);
      show((ends[0].x + ends[1].x + ends[0].w / 2 + ends[1].w / 2) / 2, (ends[0].y + ends[1].y + ends[0].h) / 2, 0);
    }
  });

  // ---------------------------------------------------------------------------------------------- filters

  function filter() {
    const text = search.value.trim().toLowerCase(), asked = text.split(/\s+/).filter(Boolean);
    const tiers = new Set([...document.querySelectorAll("input[name=tier]:checked")].map((one) => one.value));
    const only = document.getElementById("only").checked, tool = document.getElementById("tool").value;
    shown = new Set();
    data.nodes.forEach((node, number) => {
      const flagged = node.findings.length || [...into[number], ...from[number]].some((l) => data.links[l].findings.length);
      const fits = tiers.has(node.tier) && (!only || flagged) && (!tool || node.tool === tool)
        && asked.every((word) => words[number].includes(word));
      if (fits) shown.add(number);
      nodes[number].classList.toggle("off", !fits);
      nodes[number].setAttribute("tabindex", fits ? "0" : "-1");
      nodes[number].toggleAttribute("aria-hidden", !fits);
      if (!fits) nodes[number].setAttribute("aria-hidden", "true");
    });
    data.links.forEach((link, number) => {
      const off = !shown.has(link.s) || !shown.has(link.t);
      links[number].classList.toggle("off", off);
      const flag = flags.get(number);
      if (flag) { flag.classList.toggle("off", off); flag.setAttribute("tabindex", off ? "-1" : "0"); }
    });
    const counts = data.nodes.length === shown.size ? `${shown.size}` : `${shown.size} of ${data.nodes.length}`;
    sum.textContent = `${counts} things, ${data.findings.length} ${data.findings.length === 1 ? "finding" : "findings"}`;
    if (text) results(); else if (chosen === null) overview();
  }

  function order() {
    const text = search.value.trim().toLowerCase();
    const rank = (number) => {
      const label = data.nodes[number].label.toLowerCase();
      return label === text ? 0 : label.startsWith(text) ? 1 : label.includes(text) ? 2 : 3;
    };
    return [...shown].sort((a, b) => rank(a) - rank(b) || a - b);
  }

  function results() {
    const listed = order();
    panel.replaceChildren(make("h2", `${listed.length} found`));
    const list = make("ul");
    for (const number of listed.slice(0, 60)) {
      const node = data.nodes[number];
      const told = [node.kind, node.tool, node.group].filter(Boolean).join(", ");
      list.append(row(node.label, [[told, "soft"], node.place ? [node.place, "place"] : null], () => choose(number, true)));
    }
    panel.append(list);
    if (listed.length > 60) panel.append(make("p", `and ${listed.length - 60} more`, "soft"));
  }

  document.getElementById("controls").addEventListener("input", filter);
  document.getElementById("controls").addEventListener("submit", (event) => event.preventDefault());
  search.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && shown.size) { event.preventDefault(); back = search; choose(order()[0], true); }
    if (event.key === "ArrowDown") {
      const first = panel.querySelector("button.row");
      if (first) { event.preventDefault(); first.focus(); }
    }
  });

  // ---------------------------------------------------------------------------------------------- keyboard

  const middle = (number) => ({ x: data.nodes[number].x + data.nodes[number].w / 2, y: data.nodes[number].y + data.nodes[number].h / 2 });

  function nearest(number, candidates) {
    const here = middle(number);
    let best = null, least = Infinity;
    for (const one of candidates) {
      const there = middle(one), far = Math.abs(there.y - here.y) + Math.abs(there.x - here.x) * 0.2;
      if (shown.has(one) && one !== number && far < least) { best = one; least = far; }
    }
    return best;
  }

  function vertical(number, sign) {
    const here = middle(number);
    let best = null, least = Infinity;
    for (const one of shown) {
      const there = middle(one), down = (there.y - here.y) * sign;
      const far = down + Math.abs(there.x - here.x) * 2.5;
      if (one !== number && down > 4 && far < least) { best = one; least = far; }
    }
    return best;
  }

  function step(number, key) {
    if (key === "ArrowRight") return nearest(number, from[number].map((one) => data.links[one].t));
    if (key === "ArrowLeft") return nearest(number, into[number].map((one) => data.links[one].s));
    return vertical(number, key === "ArrowDown" ? 1 : -1);
  }

  function focus(number) {
    nodes[number].focus({ preventScroll: true });
    if (chosen !== null) choose(number, true); else bring(number);
  }

  function flagged(sign) {
    const all = [...shown].filter((number) => data.nodes[number].findings.length);
    if (!all.length) return;
    const at = all.indexOf(chosen);
    choose(all[(at + sign + all.length) % all.length], true);
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") { event.preventDefault(); leave(); return; }
    if (event.target.matches("input, select")) return;
    const node = event.target.closest ? event.target.closest(".node") : null;
    const flag = event.target.closest ? event.target.closest(".flag") : null;
    const pressed = event.key;
    if (pressed === "/") { event.preventDefault(); search.focus(); search.select(); }
    else if (pressed === "+" || pressed === "=") zoom(1.25);
    else if (pressed === "-") zoom(0.8);
    else if (pressed === "0") fit();
    else if (pressed === "n") flagged(1);
    else if (pressed === "p") flagged(-1);
    else if (pressed === "?") help();
    else if ((pressed === "Enter" || pressed === " ") && (node || flag)) {
      event.preventDefault();
      back = node || flag;
      if (node) choose(Number(node.dataset.n), false); else chooseLink(Number(flag.dataset.l));
      panel.querySelector("h2").focus();
    } else if (node && pressed.startsWith("Arrow")) {
      const next = step(Number(node.dataset.n), pressed);
      event.preventDefault();
      if (next !== null) focus(next);
    }
  });

  // ---------------------------------------------------------------------------------------------- the rest

  function help() {
    const box = document.getElementById("help");
    box.hidden = !box.hidden;
    document.getElementById("keys").setAttribute("aria-expanded", String(!box.hidden));
  }

  function asked() { return new URLSearchParams(location.hash.slice(1)); }

  function remember() {
    const now = asked();
    if (chosen === null) now.delete("n"); else now.set("n", chosen);
    history.replaceState(null, "", now.size ? "#" + now : location.pathname + location.search);
  }

  function paint(name) {
    if (name === "light" || name === "dark") root.dataset.theme = name; else delete root.dataset.theme;
  }

  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    paint(dark ? "light" : "dark");
    const now = asked();
    now.set("theme", root.dataset.theme);
    history.replaceState(null, "", "#" + now);
  });
  document.getElementById("in").addEventListener("click", () => zoom(1.25));
  document.getElementById("out").addEventListener("click", () => zoom(0.8));
  document.getElementById("fit").addEventListener("click", fit);
  document.getElementById("keys").addEventListener("click", help);
  if (matchMedia("(max-height: 700px), (max-width: 900px)").matches) document.getElementById("legend").open = false;

  addEventListener("beforeprint", () => {
    svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    world.removeAttribute("transform");
  });
  addEventListener("afterprint", () => { svg.removeAttribute("viewBox"); draw(); });

  for (const one of svg.querySelectorAll(".label, .caption")) {
    const node = data.nodes[one.parentNode.dataset.n], room = node.w - 45 - (node.findings.length ? 14 : 0);
    if (one.getComputedTextLength() > room) { one.setAttribute("textLength", room); one.setAttribute("lengthAdjust", "spacingAndGlyphs"); }
  }
  new ResizeObserver(() => { if (!touched) fit(); }).observe(svg);
  fit();
  paint(asked().get("theme"));
  overview();
  const first = Number(asked().get("n") ?? -1);
  if (nodes[first]) choose(first, true);
})();
