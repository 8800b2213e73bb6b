const LANGUAGES = [
  'JAVA',
  'CPP',
  'DOTNET',
  'PYTHON',
  'DELPHI',
  'ERLANG',
  'RUBY',
  'OTHER',
  'HTTP',
  'GO',
  'PHP',
  'OMS',
  'RUST',
] as const;

/** Names a peer may give for its language. There is none for Node: send `OTHER`. */
export type LanguageName = (typeof LANGUAGES)[number];

const numbers = new Map<string, number>(LANGUAGES.map((name, index) => [name, index]));

/** The number of the compact header. */
export function languageToNumber(name: LanguageName): number {
  return numbers.get(name) ?? 7;
}

/** Unknown numbers become `OTHER`: a peer's language never decides anything. */
export function languageFromNumber(value: number): LanguageName {
  return LANGUAGES[value] ?? 'OTHER';
}

/** Unknown names become `OTHER`, as a broker accepts any text there. */
export function languageFromName(value: unknown): LanguageName {
  return typeof value === 'string' && numbers.has(value) ? (value as LanguageName) : 'OTHER';
}
