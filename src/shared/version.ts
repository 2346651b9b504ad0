/** The version in package.json, which an Edge Function cannot read. */
export const version = '0.1.0'
