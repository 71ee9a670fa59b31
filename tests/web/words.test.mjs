import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";

import { aloneWords } from "../../web/static/js/alone-words.js";
import { CLOSINGS } from "../../web/static/js/closings.js";
import { endWords } from "../../web/static/js/end-words.js";
import { qualityHint } from "../../web/static/js/quality-words.js";
import { CALL_MS, LONG_MS, reconnectingWords } from "../../web/static/js/reconnecting.js";
import { activityOf } from "../../web/static/js/recovery.js";
import { keyOr, refusal, t } from "../../web/static/js/strings.js";
import { person } from "./fakes.mjs";

const FOLDER = new URL("../../web/static/js/", import.meta.url);
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith(".js"));
const source = (name) => readFileSync(new URL(name, FOLDER), "utf8");

function withoutComments(text) {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/(^|\s)\/\/.*$/gm, "");
}

function literals(text) {
  return [...withoutComments(text).matchAll(/"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`/g)]
    .map((match) => match[1] ?? match[2] ?? "");
}

for (const name of FILES.filter((file) => !["strings.js", "icons.js"].includes(file))) {
  test(`${name} has no words of its own`, () => {
    const words = literals(source(name)).filter((text) =>
      /^[A-Z][a-z]+ ?$|[A-Za-z]{2,},? [a-z]{2,} [a-z]{2,}|[A-Z][a-z]+ [a-z]{2,}|[a-z][.!?…]$/.test(text));
    const known = new Set(["Content-Type", "Enter", "Escape"]);
    assert.deepEqual(words.filter((text) => !known.has(text) && !isClassList(name, text)), []);
  });
}

function isClassList(name, text) {
  return withoutComments(source(name)).includes(`class: "${text}"`);
}

test("every key that the code names is in the table, and the table has no other", () => {
  const table = [...withoutComments(source("strings.js")).matchAll(/^ {2}"([\w.]+)":/gm)]
    .map(([, key]) => key);
  const code = FILES.filter((name) => name !== "strings.js").map((name) =>
    withoutComments(source(name))).join("\n");
  const prefixes = ["problem.", "end.", "refused.", "role.", "notice.muted.", "device.", "finding."];
  const unused = table.filter((key) =>
    !code.includes(`"${key}"`) && !prefixes.some((prefix) => key.startsWith(prefix)));
  assert.deepEqual(unused, []);
  const named = [...code.matchAll(/"([a-z]+\.[\w.]+)"/g)].map(([, key]) => key);
  const areas = new Set(table.map((key) => key.split(".")[0]));
  const missing = named.filter((key) => areas.has(key.split(".")[0]) && !table.includes(key));
  assert.deepEqual(missing, []);
});

test("each final closing has a last screen of its own, or the general one on purpose", () => {
  const general = Object.values(CLOSINGS)
    .filter(({ reason, final }) => final && keyOr(`end.${reason}`, "end.problem") === "end.problem")
    .map(({ reason }) => reason);
  assert.deepEqual(general, ["bad_message", "too_large"]);
});

const PHONE = "+1 202 555 0100";

test("who cannot come in reads once what is wrong, then what to do and whom to call", () => {
  const { title, text } = endWords({
    reason: "link_unknown", message: "This link does not work. Ask.", phone: PHONE,
  });
  assert.equal(title, "This link does not work");
  assert.match(text, /ask the clinic for a new one\. You can call the clinic: \+1 202 555 0100\.$/);
  assert.doesNotMatch(text, /does not work/);
  assert.doesNotMatch(endWords({ reason: "link_revoked", message: "", phone: "" }).text, /call|\{/);
  assert.doesNotMatch(endWords({ reason: "left", message: "", phone: PHONE }).text, /call/);
});

test("a reason that we have no words for is told in the server's", () => {
  const early = endWords({ reason: "link_early", message: "It begins: Monday.", phone: "" });
  assert.equal(early.text, "It begins: Monday.");
  assert.match(endWords({ reason: "link_early", message: "", phone: "" }).text, /shortly before/);
  assert.equal(endWords({ reason: "new", message: "Some sentence.", phone: "" }).text, "Some sentence.");
});

test("places are filled in, and a name is never taken for a pattern", () => {
  assert.equal(t("call.joined", { name: "$& {name}" }), "$& {name} joined");
});

test("a refusal without words of ours says the server's sentence", () => {
  assert.equal(refusal("room_full", "The call is full."), "The call is full.");
  assert.equal(refusal("no_answer", ""), t("refused.no_answer"));
});

const GOOD = { uplink: "good", downlink: "good", video: "full" };

test("the hint is about the most serious thing, and about others only when all is well here", () => {
  const hint = (own, other) => qualityHint(
    [{ participant: "alice", ...GOOD, ...own }, { participant: "bob", ...GOOD, ...other }],
    "alice", [person("alice"), person("bob", { name: "Bob" })]);
  assert.equal(hint({}, {}), "");
  assert.equal(hint({ uplink: "lost", video: "off" }, {}), t("quality.uplinkLost"));
  assert.equal(hint({ video: "off", uplink: "poor" }, {}), t("quality.videoOff"));
  assert.equal(hint({ video: "reduced" }, { downlink: "lost" }), t("quality.videoReduced"));
  assert.equal(hint({}, { downlink: "lost" }), t("quality.otherCannotHear", { name: "Bob" }));
});

const ALONE = { moderates: false, waiting: [], left: "", phone: PHONE };
const said = (changes) => Object.values(aloneWords({ ...ALONE, ...changes })).join(" ");

test("a patient who is left alone reads who went, and whom to call", () => {
  assert.match(said({}), /^No one else is here now .* call \+1 202 555 0100\.$/);
  assert.match(said({ left: "Dr. Bob" }), /^Dr\. Bob has left the call Stay here.* \+1 202 555 0100\.$/);
  assert.doesNotMatch(said({ left: "Dr. Bob", phone: "" }), /call \.|\{phone\}/);
});

test("a doctor who waits reads what the patient sees and does now", () => {
  assert.match(said({ moderates: true }), /^Nobody is waiting yet The patient opens the link/);
  assert.match(said({ moderates: true, waiting: ["Alice"] }), /^Alice is waiting They see/);
  assert.match(said({ moderates: true, waiting: ["Alice", "Dora"] }), /^2 people are waiting/);
  assert.match(said({ moderates: true, left: "Alice" }), /^Alice has left the call They can come back/);
});

test("an interruption is calm at first, then tells what may help, then whom to call", () => {
  const words = (sinceMs, changes = {}) =>
    reconnectingWords({ sinceMs, online: true, phone: "+1 202 555 0100", ...changes });
  assert.deepEqual(words(0), { text: t("notice.reconnecting"), mayTry: false });
  assert.deepEqual(words(LONG_MS), { text: t("notice.reconnectingLong"), mayTry: true });
  assert.match(words(CALL_MS).text, /call \+1 202 555 0100\.$/);
  assert.equal(words(CALL_MS, { phone: "" }).text, t("notice.reconnectingLong"));
  assert.deepEqual(words(0, { online: false }), { text: t("notice.offline"), mayTry: true });
});

test("others hear of a phone in a pocket and of one that rings, not of a computer's other tab", () => {
  const activity = (changes) =>
    activityOf({ hidden: false, handheld: true, microphoneHeld: false, ...changes });
  assert.equal(activity({}), "active");
  assert.equal(activity({ hidden: true }), "background");
  assert.equal(activity({ hidden: true, handheld: false }), "active");
  assert.equal(activity({ hidden: true, microphoneHeld: true }), "interrupted");
});
