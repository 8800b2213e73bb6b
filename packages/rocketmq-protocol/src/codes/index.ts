export { languageFromName, languageFromNumber, languageToNumber, type LanguageName } from './language.ts';
export { RequestCode, requestCodeName, type RequestCodeName } from './request-codes.ts';
export { ResponseCode, responseCodeName, type ResponseCodeName } from './response-codes.ts';
export { CURRENT_VERSION, Version, versionName } from './version.ts';
