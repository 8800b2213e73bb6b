export { isJsonObject, type JsonObject, type JsonValue } from './json-value.ts';
export { canonicalJson, parseFastjson } from './parse-fastjson.ts';
export { JsonReader } from './read.ts';
