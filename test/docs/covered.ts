/** Commands of the documents that a test of their own runs: what it is called, and where. */
export const covered: { command: RegExp; test: string; named: string }[] = [
  {
    command: /^npm start$/,
    test: 'test/e2e/main-job.test.ts',
    named: 'promise 4: runs anywhere the platform does: connects a Drive',
  },
  {
    command: /^ln -s \.local\/env \.env$/,
    test: 'test/local/worker-env.test.ts',
    named: 'leads commands to the platform of npm start',
  },
  {
    command: /^npm run connect -- [a-z-]+$/,
    test: 'test/client/connect-command.test.ts',
    named: 'prints the connection when a person has agreed',
  },
  {
    command: /^npm run connect -- [a-z-]+ --yes$/,
    test: 'test/client/connect-command.test.ts',
    named: 'agrees by itself with --yes',
  },
  {
    command: /^npm run connect:service-account -- /,
    test: 'test/e2e/service-account.test.ts',
    named: 'reads what is shared with a service account',
  },
  {
    command: /^npm run connect:app -- /,
    test: 'test/client/operator.test.ts',
    named: 'npm run connect:app gives a user the app itself',
  },
  {
    command: /^npm run tokens:rotate$/,
    test: 'test/oauth/rotate-keys.test.ts',
    named: 'is a command that says what it has done',
  },
  {
    command: /^npm run check:supabase( -- --json)?$/,
    test: 'test/worker/check-supabase.test.ts',
    named: 'finds everything in order in a project that is',
  },
  {
    command: /^npx supabase functions deploy --use-api$/,
    test: 'test/deploy/deploy.test.ts',
    named: 'answers from what was uploaded',
  },
  {
    command: /^node scripts\/build-client\.ts dist\/client$/,
    test: 'test/client/package.test.ts',
    named: 'can be imported by plain Node',
  },
  { command: /^npm run worker$/, test: 'test/service/worker.test.ts', named: 'says at /health that it can work' },
  {
    command: /^curl (--fail )?http:\/\/127\.0\.0\.1:8080\/health$/,
    test: 'test/service/worker.test.ts',
    named: 'says at /health that it can work',
  },
  {
    command: /^curl http:\/\/127\.0\.0\.1:8080\/status$/,
    test: 'test/service/worker.test.ts',
    named: 'says at /status what goes on',
  },
  {
    command: /^curl http:\/\/127\.0\.0\.1:8080\/metrics$/,
    test: 'test/service/worker.test.ts',
    named: 'gives Prometheus its counters',
  },
  { command: /^curl https:\S+\/functions\/v1\/health$/, test: 'test/deploy/deploy.test.ts', named: 'health: tells everybody' },
  {
    command: /^curl --header "Authorization: Bearer \S+" https:\S+\/functions\/v1\/status$/,
    test: 'test/deploy/deploy.test.ts',
    named: 'status: tells its numbers to whoever has the worker secret',
  },
  {
    command: /^npm run endpoint:add$/,
    test: 'test/endpoints/add-command.test.ts',
    named: 'asks step by step, with what the provider has to choose from',
  },
  {
    command: /^npm run endpoint:test -- --type \w+$/,
    test: 'test/endpoints/endpoint-commands.test.ts',
    named: 'tries every endpoint of a type',
  },
  {
    command: /^npm run endpoint -- list$/,
    test: 'test/endpoints/endpoint-commands.test.ts',
    named: 'lists the endpoints of all users',
  },
  { command: /^npm run sync -- /, test: 'test/endpoints/sync-command.test.ts', named: 'syncs an endpoint here and now' },
]
