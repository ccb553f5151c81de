/** The order of names by their bytes in UTF-8, which is that of listings; `<` compares halves of characters instead. */
export function compareUtf8(left: string, right: string): number {
  const length = Math.min(left.length, right.length)
  for (let index = 0; index < length; index += 1) {
    const difference = rankAt(left, index) - rankAt(right, index)
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

/** Halves of characters stand for those beyond U+FFFF, and so come after all others. */
function rankAt(text: string, index: number): number {
  const unit = text.charCodeAt(index)
  if (unit < 0xd800) return unit
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800
}
