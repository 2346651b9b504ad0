/** Sends a request to the admin API and returns the answer's JSON; undefined when it has no body. */
export type AdminCall = (method: string, path: string, body?: object) => Promise<unknown>

/** `url` is the sandbox's own, as `startSandbox` returns it. A call throws when the sandbox refuses it or cannot be reached. */
export function adminCall(url: string): AdminCall {
  return async (method, path, body) => {
    const response = await fetch(`${url}/_sandbox${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
    const text = await response.text()
    if (!response.ok) throw new Error(`The sandbox refused ${method} ${path}: ${response.status} ${text}`)
    return text === '' ? undefined : JSON.parse(text)
  }
}
