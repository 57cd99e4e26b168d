// Stored journals replay with today's core. New ones are recorded with RECORD_JOURNALS=1; what is there is never written again.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import type { JsonValue } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { HistoryEventSchema } from "../src/gen/everturn/v1/event_pb.js";
import { readJournal, replayJournal, writeJournal } from "../src/testing/index.js";
import { goldens } from "./golden-programs.js";

const folder = new URL("journals/", import.meta.url);
const stored = (name: string) => readJournal(JSON.parse(readFileSync(new URL(`${name}.json`, folder), "utf8")) as JsonValue);

describe("the stored journal", () => {
  test.each(Object.entries(goldens))("%s replays to its end without drift or new steps", async (name, { program, record }) => {
    const file = new URL(`${name}.json`, folder);
    if (record !== undefined && !existsSync(file) && process.env["RECORD_JOURNALS"] !== undefined) {
      const run = record();
      await run.result().catch(() => undefined);
      writeFileSync(file, `${JSON.stringify(writeJournal(run.events), undefined, 1)}\n`);
    }
    const events = stored(name);
    expect(await replayJournal(program, events, { runId: "run-1" })).toEqual({ newCommands: [], isClosed: true });
    // However the journal is cut: up to any event the code asks for nothing that was not recorded then.
    for (let length = 1; length < events.length; length += 1) {
      const head = events.slice(0, length);
      const { newCommands } = await replayJournal(program, head, { runId: "run-1", isStrict: false });
      const later = new Set(events.slice(length).flatMap(({ kind }) => (kind.value !== undefined && "key" in kind.value ? [kind.value.key] : [])));
      expect(newCommands.filter(({ key }) => !later.has(key)), `cut after ${String(length)}`).toEqual([]);
    }
  });
});

test("every stored journal belongs to code, and together they have every kind of event but those of attempts and pauses", () => {
  const names = readdirSync(folder).map((file) => file.replace(/\.json$/, ""));
  expect(names.sort()).toEqual(Object.keys(goldens).sort());
  const kinds = new Set<string | undefined>(names.flatMap((name) => stored(name).map(({ kind }) => kind.case)));
  const missing = HistoryEventSchema.oneofs[0]!.fields.map(({ localName }) => localName).filter((name) => !kinds.has(name));
  expect(missing).toEqual(["activityAttemptFailed", "runPaused", "runResumed", "commandFailed", "problemRecorded"]);
});
