package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"

	"parley/scripts/deploy/environment"
)

// releaseParameter is the parameter by which functions get new versions: the alias
// that they are called by moves only when it changes.
const releaseParameter = environment.Release

// releaseOf is that parameter's value for a template and the other parameters: the
// same for the same, so that what hasn't changed is no new version.
func releaseOf(template []byte, parameters map[string]string) string {
	sum := sha256.New()
	fmt.Fprintf(sum, "%d ", len(template))
	sum.Write(template)
	for _, name := range slices.Sorted(maps.Keys(parameters)) {
		if name != releaseParameter {
			fmt.Fprintf(sum, "%q=%q ", name, parameters[name])
		}
	}
	return hex.EncodeToString(sum.Sum(nil)[:16])
}
