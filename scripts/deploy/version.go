package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"parley/scripts/deploy/environment"
)

// releaseOf is the release's name for a template and the other parameters: the same
// for the same, so that what hasn't changed is no new version.
func releaseOf(template []byte, parameters map[string]string) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%d ", len(template))
	sum.Write(template)
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		if name != environment.Release {
			fmt.Fprintf(sum, "%q=%q ", name, parameters[name])
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}
