import { ProtocolError } from '../errors.ts';

/** How one header field travels: on the wire every field is a text. */
export interface Field<T, Required extends boolean> {
  readonly wireName: string | undefined;
  readonly required: Required;
  /** `undefined` when the text is not a value of this type. */
  read(text: string): T | undefined;
  write(value: T): string;
  readonly type: string;
}

type Fields = Record<string, Field<unknown, boolean>>;
type ValueOf<F> = F extends Field<infer T, boolean> ? T : never;
type RequiredNames<F extends Fields> = {
  [K in keyof F]: F[K]['required'] extends true ? K : never;
}[keyof F];

/** The object a set of fields describes. */
export type HeaderOf<F extends Fields> = { [K in RequiredNames<F>]: ValueOf<F[K]> } & {
  [K in Exclude<keyof F, RequiredNames<F>>]?: ValueOf<F[K]> | undefined;
};

const INTEGER = /^[+-]?\d{1,20}$/;

/** A text. An optional `wireName` is for headers whose names on the wire are shortened. */
export function text(wireName?: string): Field<string, true> {
  return { wireName, required: true, type: 'text', read: (value) => value, write: (value) => value };
}

export function int32(wireName?: string): Field<number, true> {
  return {
    wireName,
    required: true,
    type: 'int32',
    read: (value) => integerWithin(value, -0x80000000, 0x7fffffff),
    write: (value) => checkedInteger(value, -0x80000000, 0x7fffffff, 'int32'),
  };
}

/** An int64 that must also be exact as a JavaScript number: offsets and timestamps are. */
export function int64(wireName?: string): Field<number, true> {
  return {
    wireName,
    required: true,
    type: 'int64 below 2^53',
    read: (value) => integerWithin(value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER),
    write: (value) => checkedInteger(value, Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER, 'int64'),
  };
}

/** As Java reads it: `true` in any case is true, every other text is false. */
export function boolean(wireName?: string): Field<boolean, true> {
  return {
    wireName,
    required: true,
    type: 'boolean',
    read: (value) => value.toLowerCase() === 'true',
    write: (value) => (value ? 'true' : 'false'),
  };
}

export function optional<T>(field: Field<T, true>): Field<T, false> {
  return { ...field, required: false };
}

export interface HeaderCodec<H> {
  encode(header: H): Record<string, string>;
  /** Unknown fields are ignored. Throws `field-missing` and `field-invalid`. */
  decode(extFields: Readonly<Record<string, string>>): H;
}

/** Encoder and decoder of a header. `where` names it in errors, for example `PULL_MESSAGE request`. */
export function header<F extends Record<string, Field<unknown, boolean>>>(
  where: string,
  fields: F,
): HeaderCodec<HeaderOf<F>> {
  const list = Object.entries(fields).map(([name, field]) => ({
    name,
    wireName: field.wireName ?? name,
    field,
  }));
  return {
    encode(value) {
      const extFields: Record<string, string> = {};
      for (const { name, wireName, field } of list) {
        const entry = (value as Record<string, unknown>)[name];
        if (entry !== undefined) extFields[wireName] = write(where, name, field, entry);
        else if (field.required) throw new ProtocolError('field-missing', `${where}: ${name} is missing`);
      }
      return extFields;
    },
    decode(extFields) {
      const value: Record<string, unknown> = {};
      for (const { name, wireName, field } of list) {
        const entry = Object.hasOwn(extFields, wireName) ? extFields[wireName] : undefined;
        if (entry === undefined) {
          if (field.required)
            throw new ProtocolError('field-missing', `${where}: ${describe(name, wireName)} is missing`);
          continue;
        }
        const read = field.read(entry);
        if (read === undefined) {
          const shown = JSON.stringify(entry.slice(0, 64));
          throw new ProtocolError(
            'field-invalid',
            `${where}: ${describe(name, wireName)} is ${shown}, expected ${field.type}`,
          );
        }
        value[name] = read;
      }
      return value as HeaderOf<F>;
    },
  };
}

function write(where: string, name: string, field: Field<unknown, boolean>, value: unknown): string {
  try {
    return field.write(value);
  } catch (error) {
    throw new ProtocolError('field-invalid', `${where}: ${name}: ${(error as Error).message}`, {
      cause: error,
    });
  }
}

function describe(name: string, wireName: string): string {
  return name === wireName ? name : `${name} (${wireName})`;
}

function integerWithin(value: string, min: number, max: number): number | undefined {
  if (!INTEGER.test(value)) return undefined;
  const number = Number(value);
  return number >= min && number <= max ? number : undefined;
}

function checkedInteger(value: number, min: number, max: number, type: string): string {
  if (!Number.isInteger(value) || value < min || value > max)
    throw new RangeError(`${value} is not an ${type}`);
  return String(value);
}
