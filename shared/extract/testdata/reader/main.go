// Reader is a child and nothing else. Tests build it without the race detector,
// which needs more memory than a child may have.
package main

import "parley/shared/extract"

func main() { extract.Child() }
