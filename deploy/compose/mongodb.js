// Runs once, when MongoDB makes its files: the user of core-api may read and write its own database and nothing else.
// The root user is for whoever administers the server; no service signs in as it.
db.getSiblingDB('core_api').createUser({
  user: 'core_api',
  pwd: process.env.MONGODB_PASSWORD,
  roles: [{ role: 'readWrite', db: 'core_api' }],
});
