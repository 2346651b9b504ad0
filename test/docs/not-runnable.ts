/** Commands of the documents that no test runs, and why not. Their names and options are held against `--help` all the same. */
export const notRunnable: { command: RegExp; reason: string }[] = [
  { command: /^npm test$/, reason: 'this is it' },
  { command: /^npx supabase login$/, reason: 'signs in at supabase.com, in a browser' },
  { command: /^npx supabase link --project-ref your-project-ref$/, reason: 'needs a hosted project' },
  { command: /^npx supabase secrets set /, reason: 'needs a hosted project' },
  // test/deploy/image.test.ts makes the image as the Dockerfile says, and reads what compose and Kubernetes get.
  { command: /^docker (build|run|tag) /, reason: 'needs a Docker engine' },
  { command: /^docker compose (up|logs|down)\b/, reason: 'needs a Docker engine' },
  { command: /^docker push /, reason: 'needs a Docker engine and a registry' },
  { command: /^kubectl (create|apply|rollout) /, reason: 'needs a Kubernetes cluster' },
]
