/** Someone with a Google account. */
export interface Account {
  email: string
  displayName: string
  permissionId: string
}

/** Whose My Drive holds the files of `--root`. */
export const pat: Account = { email: 'pat@example.com', displayName: 'Pat', permissionId: '06213157438716493857' }
/** Has an empty My Drive. */
export const sam: Account = { email: 'sam@example.com', displayName: 'Sam', permissionId: '11827364509182736450' }
/** Shares files with Pat. */
export const kim: Account = { email: 'kim@example.com', displayName: 'Kim', permissionId: '09483726150948372615' }
/** The service account. Like a person, it has a Drive of its own and sees what is shared with it. */
export const serviceAccount: Account = {
  email: 'sandbox@patchbay-sandbox.iam.gserviceaccount.com',
  displayName: 'sandbox@patchbay-sandbox.iam.gserviceaccount.com',
  permissionId: '16273849501627384950',
}

/** Who can sign in on the consent page, the default first. */
export const people: readonly Account[] = [pat, sam, kim]

const byEmail = new Map([...people, serviceAccount].map((account) => [account.email, account]))

export function findAccount(email: string): Account | undefined {
  return byEmail.get(email)
}
