/** Why a message of a turn never left. */
export type SuppressReason =
  | "turnSuperseded"
  | "conversationClosed"
  | "conversationPaused"
  | "humanOwns"
  | "quietHours"
  | "frequencyCap"
  | "optedOut";
