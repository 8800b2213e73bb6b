  createTestDatabase,
