"use strict";
// Stepping through the taps of the kernel: what a tap is in each picture stands out, and is said.
const rows = [...document.querySelectorAll("#taps tbody tr")];
const byId = name => document.getElementById(name);
let at = -1;
let timer = 0;

function show(tap) {
    at = tap;
    for (const each of document.querySelectorAll(".on")) each.classList.remove("on");
    document.body.classList.toggle("stepping", at >= 0);
    byId("all").disabled = at < 0;
    if (at < 0) {
        byId("said").textContent = `All ${rows.length} taps.`;
        return;
    }
    for (const each of document.querySelectorAll(`[data-tap="${at}"], [data-taps~="${at}"]`)) each.classList.add("on");
    byId("said").textContent = rows[at].dataset.said;
}

const step = by => show(at < 0 ? (by > 0 ? 0 : rows.length - 1) : (at + by + rows.length) % rows.length);

function play(on) {
    clearInterval(timer);
    timer = on ? setInterval(() => step(1), 1500) : 0;
    byId("play").textContent = on ? "Pause" : "Play";
    byId("said").setAttribute("aria-live", on ? "off" : "polite");
    if (on) step(1);
}

if (rows.length) {
    byId("previous").addEventListener("click", () => { play(false); step(-1); });
    byId("next").addEventListener("click", () => { play(false); step(1); });
    byId("all").addEventListener("click", () => { play(false); show(-1); });
    byId("play").addEventListener("click", () => play(!timer));
    document.addEventListener("keydown", event => {
        if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
        const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (!by || (document.activeElement ?? document.body).closest(".scroll")) return; // which scrolls by them
        event.preventDefault();
        play(false);
        step(by);
    });
    byId("steps").hidden = false;
    show(-1);
}
