export {
  ACCESS_KEY,
  SECURITY_TOKEN,
  SIGNATURE,
  signRequest,
  verifyRequest,
  type Credentials,
} from './signature.ts';
