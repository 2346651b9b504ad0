import { hash } from 'node:crypto'

// Ids follow from what a file is, so that the same tree has the same ids after a restart and on another machine. They look like
// Google's: 33 characters for files, 44 for Google Docs, 19 for roots and shared drives.

export function fileId(key: string): string {
  return `1${hash('sha256', `file/${key}`, 'base64url').slice(0, 32)}`
}

export function documentId(key: string): string {
  return `1${hash('sha256', `document/${key}`, 'base64url')}`
}

export function rootId(key: string): string {
  return `0A${hash('sha256', `root/${key}`, 'base64url').slice(0, 11)}Uk9PVA`
}
