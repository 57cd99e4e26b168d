/** Where the SDK and user code write their log lines. */

/** Fields of a log line. */
export type LogFields = Readonly<Record<string, unknown>>;

/** Takes log lines: a constant lower-case message and fields. `console` is one. */
export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
}

/** Writes warnings and errors to stderr, one line of JSON each. The default. */
export const stderrLogger: Logger = {
  debug() {},
  info() {},
  warn(message, fields) {
    write("warn", message, fields);
  },
  error(message, fields) {
    write("error", message, fields);
  },
};

/** Writes nothing. */
export const silentLogger: Logger = { debug() {}, info() {}, warn() {}, error() {} };

/** A logger that adds fields to every line of another. */
export function withFields(logger: Logger, fields: LogFields): Logger {
  return {
    debug: (message, more) => { logger.debug(message, { ...fields, ...more }); },
    info: (message, more) => { logger.info(message, { ...fields, ...more }); },
    warn: (message, more) => { logger.warn(message, { ...fields, ...more }); },
    error: (message, more) => { logger.error(message, { ...fields, ...more }); },
  };
}

function write(level: string, message: string, fields: LogFields | undefined): void {
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), level, message, ...fields })}\n`);
}
