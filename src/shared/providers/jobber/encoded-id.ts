/**
 * The number in an `EncodedId`, of which Jobber has two forms: base64 of `gid://Jobber/Account/123`, and of `123` alone. An id of another
 * form stays as it is.
 */
export function encodedIdNumber(id: string): string {
  const [, number] = /^(?:gid:\/\/Jobber\/\w+\/)?(\d+)$/.exec(decode(id)) ?? []
  return number ?? id
}

function decode(text: string): string {
  try {
    return atob(text)
  } catch {
    return ''
  }
}
