//go:build race

package picture_test

// worst is smaller than without the race detector, under which it takes a minute.
const worst = 500
