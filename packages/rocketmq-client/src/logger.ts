type Log = (message: string, fields?: Readonly<Record<string, unknown>>) => void;

/** Where the package reports what it does on its own. The shape fits a thin adapter over any logger. */
export interface Logger {
  debug: Log;
  info: Log;
  warn: Log;
  error: Log;
}

const ignore: Log = () => undefined;

export const silentLogger: Logger = { debug: ignore, info: ignore, warn: ignore, error: ignore };
