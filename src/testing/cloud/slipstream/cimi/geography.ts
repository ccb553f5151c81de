import { isFields } from './json.js'

export type GeographicRelation = 'intersects' | 'disjoint' | 'within' | 'contains'

type Point = readonly [number, number]
type Ring = readonly Point[]
type Shape =
  | { readonly kind: 'point'; readonly point: Point }
  /** Its outline, then its holes. */
  | { readonly kind: 'polygon'; readonly rings: readonly Ring[] }

/**
 * Reads a point, a polygon or a box in well-known text; undefined for every other shape. Documents hold points:
 * `[6.1, 46.2]`, longitude first. What holds none is met by no relation.
 */
export function readGeography(
  text: string,
  relation: GeographicRelation,
): ((parents: readonly unknown[], name: string) => boolean) | undefined {
  const shape = readShape(text)
  if (shape === undefined) return undefined
  return (parents, name) => {
    const points = parents.flatMap((parent) => {
      const point = isFields(parent) ? pointOf(parent[name]) : undefined
      return point === undefined ? [] : [point]
    })
    return points.some((point) => {
      const inside = covers(shape, point)
      if (relation === 'disjoint') return !inside
      // A point contains no more than itself.
      return relation === 'contains' ? inside && shape.kind === 'point' : inside
    })
  }
}

const NUMBER = '[+-]?\\d+(?:\\.\\d+)?'
const PAIR = `${NUMBER}\\s+${NUMBER}`

function readShape(text: string): Shape | undefined {
  const [, kind = '', inner = ''] = /^\s*(point|polygon|envelope|bbox)\s*\(([^]*)\)\s*$/i.exec(text) ?? []
  switch (kind.toLowerCase()) {
    case 'point': {
      const [point, ...rest] = readRing(inner) ?? []
      return point === undefined || rest.length > 0 ? undefined : { kind: 'point', point }
    }
    case 'polygon': {
      const parts = /^(\s*\([^()]*\)\s*(,|$))+$/.test(inner) ? (inner.match(/\([^()]*\)/g) ?? []) : []
      const rings = parts.map((part) => readRing(part.slice(1, -1)))
      return rings.length > 0 && rings.every((ring) => ring !== undefined && ring.length >= 4)
        ? { kind: 'polygon', rings: rings.flatMap((ring) => (ring === undefined ? [] : [ring])) }
        : undefined
    }
    case 'envelope':
    case 'bbox': {
      // West, east, north, south.
      const [west, east, north, south, ...rest] = inner.split(',').map(Number)
      if (west === undefined || east === undefined || north === undefined || south === undefined)
        return undefined
      if (rest.length > 0 || [west, east, north, south].some(Number.isNaN)) return undefined
      return {
        kind: 'polygon',
        rings: [
          [
            [west, south],
            [east, south],
            [east, north],
            [west, north],
            [west, south],
          ],
        ],
      }
    }
    default:
      return undefined
  }
}

function readRing(text: string): Ring | undefined {
  const pairs = text.split(',').map((pair) => pair.trim())
  if (!pairs.every((pair) => new RegExp(`^${PAIR}$`).test(pair))) return undefined
  return pairs.map((pair) => {
    const [longitude = NaN, latitude = NaN] = pair.split(/\s+/).map(Number)
    return [longitude, latitude]
  })
}

function pointOf(value: unknown): Point | undefined {
  if (!Array.isArray(value)) return undefined
  const [longitude, latitude] = value as readonly unknown[]
  return typeof longitude === 'number' && typeof latitude === 'number' ? [longitude, latitude] : undefined
}

function covers(shape: Shape, point: Point): boolean {
  if (shape.kind === 'point') return shape.point[0] === point[0] && shape.point[1] === point[1]
  // A hole takes away what the outline has.
  return shape.rings.filter((ring) => isInside(ring, point)).length % 2 === 1
}

/** How often a ray to the east meets the ring. */
function isInside(ring: Ring, [x, y]: Point): boolean {
  let inside = false
  ring.forEach(([x2, y2], index) => {
    const [x1, y1] = ring[index === 0 ? ring.length - 1 : index - 1] ?? [x2, y2]
    if (y1 > y !== y2 > y && x < ((x1 - x2) * (y - y2)) / (y1 - y2) + x2) inside = !inside
  })
  return inside
}
