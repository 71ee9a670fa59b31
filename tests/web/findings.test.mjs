import assert from "node:assert/strict";
import test from "node:test";

import { said } from "../../web/static/js/findings.js";

const NAMES = new Map([["a", "Alice"], ["b", "Bob"], ["c", "Carol"]]);
const found = (kind, participant, by = null) => ({ kind, participant, by });

test("who can mend it reads what to do and has a button", () => {
  const silent = said([found("microphone_silent", "a")], "a", NAMES);
  assert.match(silent.text, /nobody hears you/);
  assert.equal(silent.remedy, "devices");
  assert.equal(said([found("speaker_blocked", "b")], "b", NAMES).remedy, "sound");
});

test("the others read who it is and that it is being mended, without a button", () => {
  const { text, remedy } = said([found("speaker_blocked", "a")], "b", NAMES);
  assert.match(text, /^Alice cannot hear you/);
  assert.match(text, /told Alice how to mend it/);
  assert.equal(remedy, null);
});

test("a way that is broken is named at each end and to a third", () => {
  const one = [found("not_heard_by", "a", "b")];
  assert.match(said(one, "a", NAMES).text, /^Bob cannot hear you/);
  assert.match(said(one, "b", NAMES).text, /^You cannot hear Alice/);
  assert.match(said(one, "c", NAMES).text, /^Bob cannot hear Alice/);
});

test("one's own fault comes first, and being heard before being seen", () => {
  const all = [found("not_seen_by", "b", "c"), found("camera_black", "a"),
    found("microphone_silent", "a"), found("microphone_silent", "b")];
  assert.match(said(all, "a", NAMES).text, /^Your microphone/);
});

test("nothing is said where nothing is wrong, or of somebody who is gone", () => {
  assert.equal(said([], "a", NAMES), null);
  assert.equal(said([found("camera_black", "gone")], "a", NAMES), null);
});

test("a name cannot bring words of its own in", () => {
  const names = new Map([["a", "$& {by}"], ["b", "Bob"]]);
  assert.match(said([found("camera_black", "a")], "b", names).text, /^\$& \{by\} cannot be seen/);
});
