//go:build !race

package picture_test

// worst is the side of the square that costs most besides its decoding: the largest
// that isn't reduced before it is scaled.
const worst = 3135
