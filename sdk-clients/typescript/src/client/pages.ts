/** Lists that come in pages. */

/** Hands out the items of all pages, reading each page when it is needed. */
export async function* pages<T>(read: (pageToken: string) => Promise<{ items: readonly T[]; next: string }>): AsyncGenerator<T, void, undefined> {
  let token = "";
  do {
    const { items, next } = await read(token);
    yield* items;
    token = next;
  } while (token !== "");
}
