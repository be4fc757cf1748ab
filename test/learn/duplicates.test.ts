import { describe, expect, it } from 'vitest'
import {
  defaultDuplicateOptions,
  draftOfSeen,
  duplicateGroup,
  remember,
  wasSeen,
} from '../../lib/learn/duplicates.ts'
import { emptyState, type RecentPicture } from '../../lib/learn/state.ts'

const options = defaultDuplicateOptions
const hash = '00ff00ff00ff00ff'
const far = 'ff00ff00ff00ff00'

const known = (more: Partial<RecentPicture> = {}): RecentPicture => ({
  id: 'first',
  group: 'first',
  fingerprint: hash,
  embedding: Float32Array.of(1, 0),
  ...more,
})

const seenWith = (...items: readonly RecentPicture[]) => ({
  recent: new Map([['camera', [...items]]]),
})

const groupOf = (fingerprint: string, embedding?: Float32Array, source = 'camera') =>
  duplicateGroup(seenWith(known()), { id: 'new', source, fingerprint }, embedding, options)

describe('duplicateGroup', () => {
  it('joins a picture whose difference hash is within four bits', () => {
    expect(groupOf('00ff00ff00ff00f0')).toBe('first')
    expect(groupOf('00ff00ff00ff00e0')).toBe('new')
  })

  it('joins a picture whose centred embedding is nearly parallel', () => {
    expect(groupOf(far, Float32Array.of(0.98, Math.sqrt(1 - 0.98 ** 2)))).toBe('first')
    expect(groupOf(far, Float32Array.of(0.96, Math.sqrt(1 - 0.96 ** 2)))).toBe('new')
  })

  it('goes by the hash alone where embeddings are missing or of another width', () => {
    expect(groupOf(far)).toBe('new')
    expect(groupOf(far, Float32Array.of(1, 0, 0))).toBe('new')
  })

  it('looks among the pictures of the same source only', () => {
    expect(groupOf(hash, undefined, 'phone')).toBe('new')
  })

  it('hands the group on from duplicate to duplicate', () => {
    const seen = seenWith(known({ fingerprint: far }), known({ id: 'second' }))
    const picture = { id: 'third', source: 'camera', fingerprint: hash }
    expect(duplicateGroup(seen, picture, undefined, options)).toBe('first')
  })
})

describe('draftOfSeen', () => {
  const seen = { ...emptyState.seen, ...seenWith(known()), model: 'm1' }

  it('keeps the embeddings of the same model', () => {
    expect(draftOfSeen(seen, 'm1').recent.get('camera')?.[0]?.embedding).toEqual(
      Float32Array.of(1, 0),
    )
  })

  it('forgets the embeddings of another model, not the hashes', () => {
    const draft = draftOfSeen(seen, 'm2')
    expect(draft.model).toBe('m2')
    expect(draft.recent.get('camera')?.[0]).toEqual(known({ embedding: undefined }))
    expect(seen.recent.get('camera')?.[0]?.embedding).toBeDefined()
  })
})

describe('remember', () => {
  const names = ['a', 'b', 'c', 'd']
  const remembering = (more: Partial<typeof options>, group = (id: string) => id) => {
    const draft = draftOfSeen(emptyState.seen, 'm')
    for (const id of names) {
      remember(draft, 'camera', known({ id, group: group(id) }), false, { ...options, ...more })
    }
    return draft
  }

  it('knows the ids of the last pictures and forgets the oldest', () => {
    const draft = remembering({ remembered: 2 })
    expect(names.map((id) => wasSeen(draft, id))).toEqual([false, false, true, true])
    expect(draft.applied).toBe(4)
  })

  it('tells long ids apart', () => {
    const draft = draftOfSeen(emptyState.seen, 'm')
    const id = 'a'.repeat(64)
    remember(draft, 'camera', known({ id }), false, options)
    expect(wasSeen(draft, id)).toBe(true)
    expect(wasSeen(draft, 'b'.repeat(64))).toBe(false)
  })

  it('compares with the last pictures of a source only', () => {
    const recent = remembering({ window: 3 }).recent.get('camera')
    expect(recent?.map(({ id }) => id)).toEqual(['b', 'c', 'd'])
  })

  it('counts a group until its last picture leaves the window', () => {
    const groups = remembering({ window: 3 }, (id) => (id === 'a' || id === 'c' ? 'g' : id)).groups
    expect(groups.get('g')).toEqual({ pictures: 2, heldOut: false })
    expect(remembering({ window: 3 }).groups.has('a')).toBe(false)
  })
})
