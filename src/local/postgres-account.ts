import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

const setpriv = '/usr/bin/setpriv'

/** How to run Postgres, which refuses to run as root. */
export interface ServerAccount {
  /** Put before the command and its arguments. */
  prefix: readonly string[]
  uid?: number
  gid?: number
}

/**
 * Our own account, or, for root, `postgres` where the machine has it, else `nobody`. Throws when that account cannot enter `dirs` and
 * cannot be given the right to.
 */
export function serverAccount(dirs: readonly string[]): ServerAccount {
  if (process.getuid?.() !== 0) return { prefix: [] }
  const { name, uid, gid } = accountOf('postgres') ?? accountOf('nobody') ?? refuse()
  const closed = dirs.flatMap(withAncestors).find((dir) => existsSync(dir) && (statSync(dir).mode & 0o001) === 0)
  if (closed === undefined) return { prefix: [], uid, gid }
  try {
    accessSync(setpriv, constants.X_OK)
  } catch (cause) {
    throw new Error(
      `Postgres does not run as root, and ${name} may not enter ${closed}. Run as another user, or move the project.`,
      { cause },
    )
  }
  // A project below /root, or in a private temporary folder: the account keeps its name and may enter folders nonetheless.
  const caps = ['--inh-caps=+dac_override', '--ambient-caps=+dac_override']
  return { prefix: [setpriv, `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', ...caps], uid, gid }
}

function accountOf(name: string): { name: string; uid: number; gid: number } | undefined {
  const line = readFileSync('/etc/passwd', 'utf8').match(new RegExp(`^${name}:[^:]*:(\\d+):(\\d+):`, 'm'))
  return line ? { name, uid: Number(line[1]), gid: Number(line[2]) } : undefined
}

function refuse(): never {
  throw new Error('Postgres does not run as root, and there is no account "postgres" or "nobody". Run as another user.')
}

function withAncestors(dir: string): string[] {
  const parent = dirname(dir)
  return parent === dir ? [dir] : [dir, ...withAncestors(parent)]
}
