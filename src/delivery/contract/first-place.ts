/**
 * Returns the first of `length` places for which `reached` is true, or `length` if there is none. Searches by halves.
 * @param reached true for all places after the first one
 */
export function firstPlace(length: number, reached: (place: number) => boolean): number {
  let low = 0
  let high = length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (reached(middle)) high = middle
    else low = middle + 1
  }
  return low
}
