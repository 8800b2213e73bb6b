import cors from '@fastify/cors';
import type { FastifyInstance } from 'fastify';
import type { Config } from '../config/index.ts';

/** Lets pages of listed origins call, and answers OPTIONS on every path. */
export function allowOrigins(app: FastifyInstance, settings: Config['cors']): void {
  if (!settings.enabled) {
    app.options('*', (_request, reply) => reply.code(204).header('allow', 'GET, HEAD, POST, OPTIONS').send());
    return;
  }
  app.register(cors, {
    // The caller's own origin is echoed, also for `*`: with credentials browsers refuse the star itself.
    origin: settings.allowed_origins.includes('*') ? true : [...settings.allowed_origins],
    methods: [...settings.allowed_methods],
    allowedHeaders: [...settings.allowed_headers],
    exposedHeaders: [...settings.exposed_headers],
    credentials: settings.allow_credentials,
    maxAge: settings.max_age,
    strictPreflight: false,
  });
}
