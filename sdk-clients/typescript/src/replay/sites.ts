/**
 * Where code asks for its steps. Looking at the stack takes longer than asking: it is done once for each
 * key of a program, whose runs all ask for it at the same place.
 */

/** Frames that are kept. */
const FRAMES = 8;
/** Most places that are known. */
const SITES_MAX = 10_000;

const sites = new Map<string, Error>();
const unknown = new Error();
unknown.stack = "";

/** Where the code of a program asks for a step; only its stack is of use. */
export function siteOf(type: string, key: string): Error {
  const name = `${type}\n${key}`;
  let site = sites.get(name);
  if (site === undefined) {
    if (sites.size >= SITES_MAX) return unknown;
    const before = Error.stackTraceLimit;
    Error.stackTraceLimit = FRAMES;
    site = new Error();
    Error.stackTraceLimit = before;
    sites.set(name, site);
  }
  return site;
}
